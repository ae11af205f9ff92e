//! Recorded content: parts, the exchanges that are made of them, events.

use std::collections::{BTreeSet, HashMap, HashSet};

use rusqlite::{OptionalExtension, params};

use super::{
    Broken, Stage, Verification,
    walk::{self, Table, readable},
};
use crate::{
    Error, Tape,
    body::{self, Entry},
    codec::{self, MAX_SIZE},
    delivery::ParcelId,
    event::Stored,
    layout,
    part::PartReader,
    prune::{EVENT_STAYS, EXCHANGE_STAYS},
};

/// What is known of the parts.
#[derive(Default)]
pub(super) struct Parts {
    /// The size in bytes of those that are whole.
    sizes: HashMap<i64, u64>,
    broken: HashSet<i64>,
}

impl Parts {
    pub(super) fn is_broken(&self, part: i64, reader: &mut PartReader<'_>) -> bool {
        // What came onto the tape since then has to be looked at now.
        self.broken.contains(&part)
            || (!self.sizes.contains_key(&part) && reader.get(part).is_err())
    }
}

impl Tape {
    /// Every part is what its hash says.
    pub(super) fn verify_parts(
        &self,
        found: &mut Verification,
        tell: &mut dyn FnMut(Stage),
    ) -> Result<Parts, Error> {
        let tape = &self.connection;
        let mut parts = Parts::default();
        let mut reader = PartReader::new(tape)?;
        let table = Table { name: "parts", plural: "parts" };
        walk::ids(tape, table, found, tell, |found, id| {
            let hash = || {
                let hash = "SELECT hash FROM parts WHERE id = ?1";
                let mut select = tape.prepare_cached(hash)?;
                Ok(select.query_row([id], |row| row.get::<_, Vec<u8>>(0)).optional()?)
            };
            let Some(hash) = readable(hash())? else {
                broken_part(found, id, "its hash cannot be read");
                parts.broken.insert(id);
                return Ok(());
            };
            // Gone by now.
            let Some(hash) = hash else { return Ok(()) };
            match reader.get(id) {
                Ok(bytes) if codec::address(&bytes).as_slice() == hash => {
                    found.parts.add(true);
                    parts.sizes.insert(id, bytes.len() as u64);
                    return Ok(());
                }
                Ok(_) => broken_part(found, id, "it is not what its hash says"),
                Err(error) if error.is_damage() => broken_part(found, id, &error.to_string()),
                Err(error) => return Err(error),
            }
            parts.broken.insert(id);
            Ok(())
        })?;
        Ok(parts)
    }

    /// Every request that is to be delivered can be sent.
    pub(super) fn verify_parcels(
        &self,
        found: &mut Verification,
        tell: &mut dyn FnMut(Stage),
    ) -> Result<(), Error> {
        let table = Table { name: "parcels", plural: "parcels" };
        walk::ids(&self.connection, table, found, tell, |found, id| {
            match self.parcel_body(ParcelId(id)) {
                Ok(_) => {}
                Err(error) if error.is_damage() => found.find(Broken::Content, error.to_string()),
                Err(error) => return Err(error),
            }
            Ok(())
        })
    }

    /// The bodies of every exchange can be put together.
    pub(super) fn verify_exchanges(
        &self,
        parts: &Parts,
        found: &mut Verification,
        broken_sessions: &mut BTreeSet<String>,
        tell: &mut dyn FnMut(Stage),
    ) -> Result<(), Error> {
        let tape = &self.connection;
        let mut reader = PartReader::new(tape)?;
        let mut used: HashSet<(String, i64)> = HashSet::new();
        let table = Table { name: "exchanges", plural: "requests" };
        walk::ids(tape, table, found, tell, |found, id| {
            let both = || Ok((self.summary(id)?, row(tape, id)?));
            let Some((_, row)) = readable(both())? else {
                found.exchanges.add(false);
                found.find(Broken::Content, format!("request #{id}: its row cannot be read"));
                return Ok(());
            };
            let Some(row) = row else { return Ok(()) };
            let entries = match row.has_body {
                true => layout::read(tape, id),
                false => Ok(Vec::new()),
            };
            let mut wrong = Vec::new();
            match entries {
                Ok(entries) => {
                    let mut all = crate::uses::parts_of(&entries);
                    if let Some(part) = all.find(|part| parts.is_broken(*part, &mut reader)) {
                        wrong.push(format!("the request's body lacks part {part}"));
                    } else if let Err(error) = fits(&entries, parts) {
                        wrong.push(format!("the request's body: {error}"));
                    }
                    for part in crate::uses::parts_of(&entries).chain(row.response) {
                        let first = used.insert((row.session.clone(), part));
                        if first && !is_used(tape, part, id, &row.session)? {
                            let what =
                                format!("request #{id}: its use of part {part} is not noted");
                            found.find(Broken::Derived, what);
                        }
                    }
                }
                Err(error) if error.is_damage() => {
                    wrong.push(format!("the request's body: {error}"));
                }
                Err(error) => return Err(error),
            }
            if let Some(part) = row.response.filter(|part| parts.is_broken(*part, &mut reader)) {
                wrong.push(format!("the response's body lacks part {part}"));
            }
            wrong.extend(row.wrong);
            found.exchanges.add(wrong.is_empty());
            if !wrong.is_empty() {
                broken_sessions.insert(row.session);
            }
            for wrong in wrong {
                found.find(Broken::Content, format!("request #{id}: {wrong}"));
            }
            Ok(())
        })
    }

    /// Every event can be read.
    pub(super) fn verify_events(
        &self,
        parts: &Parts,
        found: &mut Verification,
        broken_sessions: &mut BTreeSet<String>,
        tell: &mut dyn FnMut(Stage),
    ) -> Result<(), Error> {
        let tape = &self.connection;
        let mut reader = PartReader::new(tape)?;
        let table = Table { name: "event_rows", plural: "events" };
        walk::ids(tape, table, found, tell, |found, id| {
            let sql = format!(
                "SELECT session, {} FROM events WHERE id = ?1 AND {EVENT_STAYS}",
                Stored::COLUMNS
            );
            // Of one moment: its parts may be pruned at the next.
            let _moment = tape.unchecked_transaction()?;
            let row = tape
                .prepare_cached(&sql)?
                .query_row([id], |row| Ok((row.get::<_, Option<String>>(0)?, Stored::read(row)?)));
            let Some(row) = readable(row.optional().map_err(Error::from))? else {
                found.events.add(false);
                found.find(Broken::Content, format!("event {id}: its row cannot be read"));
                return Ok(());
            };
            let Some((session, stored)) = row else { return Ok(()) };
            let used = stored.parts().unwrap_or_default();
            let broken = used.iter().find(|part| parts.is_broken(**part, &mut reader));
            let wrong = match stored.body(&mut reader) {
                _ if broken.is_some() => broken.map(|part| format!("it lacks part {part}")),
                Ok(body) if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() => None,
                Ok(_) => Some("it is no JSON".to_owned()),
                Err(error) => Some(error.to_string()),
            };
            found.events.add(wrong.is_none());
            if let Some(wrong) = wrong {
                broken_sessions.extend(session);
                found.find(Broken::Content, format!("event {id}: {wrong}"));
            }
            let noted = "SELECT 1 FROM event_uses WHERE part = ?1 AND event = ?2";
            for part in used.into_iter().collect::<BTreeSet<_>>() {
                let noted = tape.prepare_cached(noted)?.exists([part, id]);
                if readable(noted.map_err(Error::from))? == Some(false) {
                    let what = format!("event {id}: its use of part {part} is not noted");
                    found.find(Broken::Derived, what);
                }
            }
            Ok(())
        })
    }

    /// How many sessions are whole, those that have no row of their own included.
    pub(super) fn verify_sessions(
        &self,
        found: &mut Verification,
        broken: &BTreeSet<String>,
    ) -> Result<(), Error> {
        let ids = |sql: &str| {
            let mut select = self.connection.prepare(sql)?;
            let rows = select.query_map([], |row| row.get::<_, String>(0))?;
            Ok(rows.collect::<Result<BTreeSet<_>, _>>()?)
        };
        let Some(mut sessions) = readable(ids("SELECT id FROM sessions"))? else {
            found.find(Broken::Database, "the list of sessions cannot be read");
            found.sessions.broken = broken.len() as u64;
            return Ok(());
        };
        let used = format!("SELECT DISTINCT session FROM exchanges WHERE {EXCHANGE_STAYS}");
        let used = readable(ids(&used))?.unwrap_or_default();
        for session in used.difference(&sessions) {
            found.find(Broken::Derived, format!("the session {session} has no row of its own"));
        }
        sessions.extend(used);
        sessions.extend(broken.iter().cloned());
        for session in &sessions {
            found.sessions.add(!broken.contains(session));
        }
        Ok(())
    }
}

fn broken_part(found: &mut Verification, id: i64, why: &str) {
    found.parts.add(false);
    let why = why.strip_prefix(&format!("the tape is damaged: part {id}: ")).unwrap_or(why);
    found.find(Broken::Content, format!("part {id}: {why}"));
}

struct Row {
    session: String,
    has_body: bool,
    response: Option<i64>,
    /// What is wrong with the columns.
    wrong: Vec<String>,
}

fn row(tape: &rusqlite::Connection, id: i64) -> Result<Option<Row>, Error> {
    let sql = format!(
        "SELECT session, request_layout IS NOT NULL, response_part,
             (SELECT name FROM names WHERE names.id = request_headers), response_headers, problems
         FROM exchanges WHERE id = ?1 AND {EXCHANGE_STAYS}"
    );
    let row = tape
        .prepare_cached(&sql)?
        .query_row([id], |row| {
            let mut wrong = Vec::new();
            for (column, what) in
                [(3, "request's headers"), (4, "response's headers"), (5, "problems")]
            {
                let json: Option<String> = row.get(column)?;
                let is_json =
                    |json: &str| serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok();
                if json.is_some_and(|json| !is_json(&json)) {
                    wrong.push(format!("its {what} cannot be read"));
                }
            }
            Ok(Row { session: row.get(0)?, has_body: row.get(1)?, response: row.get(2)?, wrong })
        })
        .optional()?;
    Ok(row)
}

/// Whether the session's use of the part was noted, with this exchange or one before it.
fn is_used(
    tape: &rusqlite::Connection,
    part: i64,
    exchange: i64,
    session: &str,
) -> Result<bool, Error> {
    let noted = tape
        .prepare_cached(
            "SELECT 1 FROM uses JOIN exchanges ON exchanges.id = exchange
             WHERE part = ?1 AND exchange <= ?2 AND session = ?3 LIMIT 1",
        )?
        .exists(params![part, exchange, session]);
    // An index that is broken has been named already.
    Ok(readable(noted.map_err(Error::from))?.unwrap_or(true))
}

/// Whether the entries can be put together, without doing so: sessions would be read over and over.
fn fits(entries: &[Entry], parts: &Parts) -> Result<(), body::Error> {
    let mut total = 0_u64;
    for entry in entries {
        let Some(size) = parts.sizes.get(&entry.part) else { continue };
        total += size + u64::from(entry.comma);
        let mut before = 0;
        for insertion in &entry.insertions {
            if insertion.offset < before || insertion.offset > *size {
                return Err(body::Error::NoSuchPlace {
                    part: entry.part,
                    offset: insertion.offset,
                });
            }
            before = insertion.offset;
            total += parts.sizes.get(&insertion.part).copied().unwrap_or(0);
        }
        if total > MAX_SIZE as u64 {
            return Err(body::Error::TooBig);
        }
    }
    Ok(())
}
