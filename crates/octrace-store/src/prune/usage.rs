//! Who needs how much of the tape: what would become free without a session, and what several share.

use std::collections::HashMap;

use octrace_core::session::is_placeholder_title;
use rusqlite::Row;
use serde::Serialize;

use super::Size;
use crate::{Error, Tape, codec::Address, pack};

/// What a row takes beside its content: its other columns, and its places in the indexes. From measured tapes.
pub(super) const PART: u64 = size_of::<Address>() as u64 * 2 + 60;
pub(super) const SESSION: u64 = 450;
pub(super) const EXCHANGE: u64 = 150;
pub(super) const EVENT: u64 = 60;
pub(super) const TOOL: u64 = 250;
pub(super) const OBSERVATION: u64 = 150;
pub(super) const STATE: u64 = 90;
pub(super) const RECORD: u64 = 200;

/// For each byte of a state's list: it has one or two for each part, and each part a row that says so.
pub(super) const STATE_USE: u64 = 8;

/// How much of the tape is whose. Bytes are of the rows, compressed; together they are a little less than the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// The sessions, the one that needs most first.
    pub sessions: Vec<SessionUsage>,
    /// What several sessions need, once.
    pub shared_bytes: u64,
    /// Requests that are kept until a tracing backend has accepted them; they are no session's.
    pub parcel_bytes: u64,
    /// The tape on the disk.
    pub size: Size,
}

/// What one session needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SessionUsage {
    /// OpenCode's id.
    pub id: String,
    /// For a sub-agent's session.
    pub parent: Option<String>,
    /// The title, once there is one.
    pub title: Option<String>,
    /// When the last thing in it was recorded, µs since the Unix epoch.
    pub updated_us: i64,
    /// Its requests with their responses.
    pub exchanges: u64,
    /// OpenCode's events and hook calls.
    pub events: u64,
    /// What only this session needs, in bytes.
    pub bytes: u64,
    /// What it has in common with others, in bytes.
    pub shared_bytes: u64,
}

/// The parts with the sessions that use them.
pub(super) struct Shares {
    sessions: HashMap<String, Share>,
    parts: HashMap<i64, Part>,
}

#[derive(Default)]
struct Share {
    figures: SessionUsage,
    /// Of the rows that are its own.
    row_bytes: u64,
    parts: Vec<i64>,
}

struct Part {
    bytes: u64,
    users: u32,
}

impl Tape {
    /// How much of the tape each session needs.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn usage(&self) -> Result<Usage, Error> {
        let shares = Shares::read(self)?;
        let mut sessions = Vec::new();
        for share in shares.sessions.into_values() {
            let mut figures = share.figures;
            figures.bytes = share.row_bytes;
            for part in share.parts.iter().filter_map(|part| shares.parts.get(part)) {
                if part.users == 1 {
                    figures.bytes += part.bytes;
                } else {
                    figures.shared_bytes += part.bytes;
                }
            }
            sessions.push(figures);
        }
        sessions.sort_by(|a, b| (b.bytes, &a.id).cmp(&(a.bytes, &b.id)));
        let shared = shares.parts.values().filter(|part| part.users > 1);
        let parcels = "SELECT coalesce(sum(length(body)), 0) FROM parcels";
        let parcels: i64 = self.connection.query_row(parcels, [], |row| row.get(0))?;
        Ok(Usage {
            sessions,
            shared_bytes: shared.map(|part| part.bytes).sum(),
            parcel_bytes: parcels.cast_unsigned(),
            size: self.size()?,
        })
    }
}

impl Shares {
    pub(super) fn read(tape: &Tape) -> Result<Self, Error> {
        let tape = &tape.connection;
        let moment = tape.unchecked_transaction()?;
        let count =
            |row: &Row<'_>, at| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)?.cast_unsigned());
        let mut sessions: HashMap<String, Share> = HashMap::new();
        let mut select =
            tape.prepare_cached("SELECT id, parent, title, updated_us FROM sessions")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            let figures = SessionUsage {
                id: id.clone(),
                parent: row.get(1)?,
                title: row
                    .get::<_, Option<String>>(2)?
                    .filter(|title| !is_placeholder_title(title)),
                updated_us: row.get(3)?,
                ..SessionUsage::default()
            };
            let share = Share { figures, row_bytes: SESSION, ..Share::default() };
            sessions.insert(id, share);
        }
        for (rows_of, overhead, sql) in [
            (
                Rows::Exchanges,
                EXCHANGE,
                "SELECT session, count(*), coalesce(sum(coalesce(length(request_layout), 0)
                     + coalesce(length(response_headers), 0)), 0)
                 FROM exchanges GROUP BY session",
            ),
            (
                Rows::Events,
                EVENT,
                &format!(
                    "SELECT session, count(*), coalesce(sum({} + coalesce(length(layout), 0)), 0)
                     FROM events WHERE session IS NOT NULL GROUP BY session",
                    pack::bytes("events", "body")
                ),
            ),
            (
                Rows::Others,
                TOOL,
                "SELECT session, count(*), coalesce(sum(length(subject)), 0) FROM tools GROUP BY session",
            ),
            (
                Rows::Others,
                OBSERVATION,
                "SELECT session, count(*), 0 FROM observations GROUP BY session",
            ),
            (
                Rows::Others,
                STATE,
                "SELECT session, count(*), sum(length(parts) * 8) FROM (
                     SELECT DISTINCT session, state FROM observations
                 ) JOIN file_states ON file_states.id = state GROUP BY session",
            ),
            (
                Rows::Others,
                RECORD,
                "SELECT session, count(*), sum(length(record)) FROM agent_trace_records GROUP BY session",
            ),
        ] {
            let mut select = tape.prepare_cached(sql)?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let Some(share) = sessions.get_mut(&row.get::<_, String>(0)?) else { continue };
                let (number, bytes) = (count(row, 1)?, count(row, 2)?);
                share.row_bytes += bytes + number * overhead;
                match rows_of {
                    Rows::Exchanges => share.figures.exchanges = number,
                    Rows::Events => share.figures.events = number,
                    Rows::Others => {}
                }
            }
        }
        let mut parts: HashMap<i64, Part> = HashMap::new();
        let mut select = tape.prepare_cached(&format!(
            "SELECT session, parts.id, {} FROM parts JOIN (
                 SELECT session, part FROM uses JOIN exchanges ON exchanges.id = exchange
                 UNION
                 SELECT session, part FROM event_uses JOIN events ON events.id = event
                 UNION
                 SELECT session, part FROM state_uses JOIN observations USING (state)
             ) ON part = parts.id",
            pack::bytes("parts", "data")
        ))?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let Some(share) = sessions.get_mut(row.get_ref(0)?.as_str().unwrap_or_default()) else {
                continue;
            };
            let (id, bytes) = (row.get(1)?, count(row, 2)? + PART);
            share.parts.push(id);
            parts.entry(id).or_insert(Part { bytes, users: 0 }).users += 1;
        }
        drop(rows);
        drop(select);
        drop(moment);
        Ok(Self { sessions, parts })
    }

    /// What all of them need together.
    pub(super) fn bytes(&self) -> u64 {
        let rows = self.sessions.values().map(|share| share.row_bytes);
        rows.chain(self.parts.values().map(|part| part.bytes)).sum()
    }

    /// Takes a session away: what becomes free with it.
    pub(super) fn take(&mut self, id: &str) -> Option<SessionUsage> {
        let share = self.sessions.remove(id)?;
        let mut figures = share.figures;
        figures.bytes = share.row_bytes;
        for id in share.parts {
            let Some(part) = self.parts.get_mut(&id) else { continue };
            part.users -= 1;
            if part.users == 0 {
                figures.bytes += part.bytes;
            } else {
                figures.shared_bytes += part.bytes;
            }
        }
        Some(figures)
    }
}

#[derive(Clone, Copy)]
enum Rows {
    Exchanges,
    Events,
    Others,
}
