//! What to send next, and what became of it.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{DeliveryId, DestinationId, PRUNED};
use crate::{
    Error, Tape,
    event::Stored,
    part::PartReader,
    prune::{EVENT_STAYS, TURN_STAYS},
};

/// How much is sent at once. One item is, however large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Items, at most.
    pub items: u32,
    /// Their bytes, at most.
    pub bytes: usize,
}

/// An item that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its row.
    pub id: DeliveryId,
    /// How often it was refused.
    pub attempts: u32,
    /// Whether it is to be sent as the parcels that are here: see [`Tape::parcels_of`].
    pub is_packed: bool,
    /// What to send.
    pub item: Item,
}

/// Something to be delivered; the same whenever it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// One of OpenCode's events or hook calls.
    Event {
        /// The name of its spool, and its number on this tape. No other event anywhere has both: no spool's name and
        /// no number on a tape is given twice.
        spool: String,
        /// See above.
        number: i64,
        /// `ses_…`, of those that speak of one.
        session: Option<String>,
        /// `message.updated`, `tool.execute.before`, …
        kind: String,
        /// When it happened, µs since the Unix epoch.
        at_us: i64,
        /// JSON: the event's properties, or the hook's input.
        body: String,
    },
    /// An Agent Trace record.
    Record {
        /// A UUID, from session and call.
        id: String,
        /// `ses_…`
        session: String,
        /// OpenCode's call id.
        call: String,
        /// What its paths are relative to; empty where nobody looked.
        root: String,
        /// JSON, as `octrace export agent-trace` writes it.
        record: String,
    },
    /// A turn that has ended, with all that was recorded of it: see [`Tape::turn`].
    Turn {
        /// `ses_…`
        session: String,
        /// The user message that it answers: `msg_…`.
        message: String,
    },
}

/// An item that was refused, through its own fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its row.
    pub id: DeliveryId,
    /// What the destination said, without content.
    pub reason: String,
    /// When to try it again, µs since the Unix epoch; `None`: never, it is a dead letter.
    pub retry_us: Option<i64>,
}

/// What a destination did with what it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// It has them for good.
    pub accepted: Vec<DeliveryId>,
    /// It will not have these.
    pub refused: Vec<Refusal>,
}

/// Why a destination takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable<'a> {
    /// In words, without content and without keys.
    pub why: &'a str,
    /// When to try again, µs since the Unix epoch.
    pub retry_us: i64,
    /// Whether it said so itself; then nobody comes earlier.
    pub is_asked: bool,
}

/// How much waits for a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Items that could be sent at once, counted no further than was asked for.
    pub due: u32,
    /// When the oldest of these was recorded, µs since the Unix epoch.
    pub oldest_us: Option<i64>,
    /// When the next of the others may be tried again, µs since the Unix epoch.
    pub retry_us: Option<i64>,
}

/// For so long after its end something may come that belongs to a turn: what OpenCode says of an answer that was
/// aborted comes after it.
const LATE_US: i64 = 1_000_000;

/// For so long after its end a turn waits for a request that is under way.
const OPEN_US: i64 = 60_000_000;

/// How an item is at this moment.
enum Found {
    /// To be sent, with its size in bytes.
    Ready(Item, usize),
    /// Not yet.
    Later,
    /// It is not on the tape any more.
    Gone,
}

/// Items that may be sent now: a condition. None has to wait for an hour: what is further away is no time that this
/// clock gave, it was turned back.
const READY: &str = "dead_us IS NULL
    AND (retry_us IS NULL OR retry_us <= ?2 OR retry_us > ?2 + 3600000000)";

impl Tape {
    /// How much waits for this destination, and how long it may; whether the destination is to be left in peace is
    /// another question ([`super::Destination::retry_us`]).
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn backlog(&self, to: DestinationId, now_us: i64, count: u32) -> Result<Backlog, Error> {
        let (due, oldest_us) = self
            .connection
            .prepare_cached(&format!(
                "SELECT count(*), min(queued_us) FROM (SELECT queued_us FROM deliveries
                 WHERE destination = ?1 AND {READY} ORDER BY id LIMIT ?3)"
            ))?
            .query_row(params![to.0, now_us, count], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let retry_us = self
            .connection
            .prepare_cached(
                "SELECT min(retry_us) FROM deliveries
                 WHERE destination = ?1 AND dead_us IS NULL
                     AND retry_us > ?2 AND retry_us <= ?2 + 3600000000",
            )?
            .query_row(params![to.0, now_us], |row| row.get(0))?;
        Ok(Backlog { due, oldest_us, retry_us })
    }

    /// What to send next, the oldest first. What is not on the tape any more becomes a dead letter here.
    ///
    /// # Errors
    /// When the tape cannot be read or written.
    pub fn due(
        &mut self,
        to: DestinationId,
        now_us: i64,
        bounds: Bounds,
    ) -> Result<Vec<Due>, Error> {
        self.due_after(DeliveryId(i64::MIN), to, now_us, bounds)
    }

    /// What to send after that, which need not be sent yet: of what was queued after `last`.
    ///
    /// # Errors
    /// As [`Tape::due`].
    pub fn due_after(
        &mut self,
        last: DeliveryId,
        to: DestinationId,
        now_us: i64,
        bounds: Bounds,
    ) -> Result<Vec<Due>, Error> {
        let mut due = Vec::new();
        let (mut bytes, mut lost) = (0_usize, Vec::new());
        let rebuilding = self
            .connection
            .prepare_cached("SELECT 1 FROM derived WHERE what LIKE 'rebuild %'")?
            .exists([])?;
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT id, attempts, kind, item, coalesce(session, ''), bytes, packed FROM deliveries
             WHERE destination = ?1 AND {READY} AND id > ?3 ORDER BY id"
        ))?;
        let mut rows = select.query(params![to.0, now_us, last.0])?;
        while let Some(row) = rows.next()? {
            if due.len() >= bounds.items as usize {
                break;
            }
            let (id, attempts) = (DeliveryId(row.get(0)?), row.get(1)?);
            let (kind, item): (String, String) = (row.get(2)?, row.get(3)?);
            let is_packed: bool = row.get(6)?;
            let found = match kind.as_str() {
                "event" => event(&self.connection, &item),
                "turn" => {
                    let session: String = row.get(4)?;
                    let size = usize::try_from(row.get::<_, i64>(5)?).unwrap_or_default();
                    let now_us = (!is_packed).then_some(now_us);
                    turn(&self.connection, &session, &item, size, now_us)
                }
                _ => record(&self.connection, &item, rebuilding),
            };
            let (item, size) = match found {
                Ok(Found::Ready(item, size)) => (item, size),
                Ok(Found::Later) => continue,
                Ok(Found::Gone) => {
                    lost.push((id, PRUNED.to_owned()));
                    continue;
                }
                Err(error) if error.is_damage() => {
                    lost.push((id, error.to_string()));
                    continue;
                }
                Err(error) => return Err(error),
            };
            bytes = bytes.saturating_add(size);
            if bytes > bounds.bytes && !due.is_empty() {
                break;
            }
            due.push(Due { id, attempts, is_packed, item });
        }
        drop(rows);
        drop(select);
        if !lost.is_empty() {
            let refused =
                lost.into_iter().map(|(id, reason)| Refusal { id, reason, retry_us: None });
            let refused = refused.collect();
            self.settle(now_us, &Settled { refused, ..Settled::default() })?;
        }
        Ok(due)
    }

    /// Notes what became of items, all of it or nothing.
    ///
    /// # Errors
    /// When the tape cannot be written; then nothing is noted, and what was accepted will be sent again.
    pub fn settle(&mut self, now_us: i64, settled: &Settled) -> Result<(), Error> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for id in &settled.accepted {
            tx.prepare_cached("DELETE FROM deliveries WHERE id = ?1")?.execute([id.0])?;
        }
        for Refusal { id, reason, retry_us } in &settled.refused {
            let dead_us = retry_us.is_none().then_some(now_us);
            tx.prepare_cached(
                "UPDATE deliveries SET attempts = attempts + 1, reason = ?2, retry_us = ?3,
                     dead_us = ?4 WHERE id = ?1 AND dead_us IS NULL",
            )?
            .execute(params![id.0, reason, retry_us, dead_us])?;
        }
        Ok(tx.commit()?)
    }

    /// Notes how the destination answered: `Ok`, or that it could not be reached or would take nothing.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn answered(
        &mut self,
        to: DestinationId,
        answer: Result<(), Unavailable<'_>>,
    ) -> Result<(), Error> {
        match answer {
            Ok(()) => self
                .connection
                .prepare_cached(
                    "UPDATE destinations SET attempts = 0, retry_us = NULL, retry_is_asked = 0,
                     error = NULL
                 WHERE id = ?1 AND (attempts > 0 OR retry_us IS NOT NULL OR error IS NOT NULL)",
                )?
                .execute([to.0])?,
            Err(Unavailable { why, retry_us, is_asked }) => self
                .connection
                .prepare_cached(
                    "UPDATE destinations SET attempts = attempts + 1, error = ?2, retry_us = ?3,
                     retry_is_asked = ?4 WHERE id = ?1",
                )?
                .execute(params![to.0, why, retry_us, is_asked])?,
        };
        Ok(())
    }
}

fn event(tape: &Connection, id: &str) -> Result<Found, Error> {
    let sql = format!(
        "SELECT id, coalesce((SELECT name FROM spools WHERE id = spool), '') AS spool,
             session, kind, at_us, {}
         FROM events WHERE id = CAST(?1 AS INTEGER) AND {EVENT_STAYS}",
        Stored::COLUMNS
    );
    let mut reader = PartReader::new(tape)?;
    let row = tape
        .prepare_cached(&sql)?
        .query_row([id], |row| {
            let (number, spool) = (row.get("id")?, row.get("spool")?);
            let (session, kind): (_, String) = (row.get("session")?, row.get("kind")?);
            let body = Stored::read(row)?.body(&mut reader);
            Ok((number, spool, session, kind, row.get("at_us")?, body))
        })
        .optional()?;
    let Some((number, spool, session, kind, at_us, body)) = row else { return Ok(Found::Gone) };
    let body = String::from_utf8(body?)
        .map_err(|_| Error::damaged(format!("event #{id} is not UTF-8")))?;
    let kind = kind.strip_prefix("hook.").unwrap_or(&kind).to_owned();
    let size = body.len();
    Ok(Found::Ready(Item::Event { spool, number, session, kind, at_us, body }, size))
}

/// One that is gone during a rebuild is made again.
fn record(tape: &Connection, id: &str, rebuilding: bool) -> Result<Found, Error> {
    let found = tape
        .prepare_cached(
            "SELECT id, session, call, record, coalesce((
                 SELECT root FROM revisions
                 WHERE session = agent_trace_records.session AND call = agent_trace_records.call), '')
             FROM agent_trace_records
             WHERE id = ?1 AND session NOT IN (SELECT session FROM doomed)",
        )?
        .query_row([id], |row| {
            let record: String = row.get(3)?;
            let size = record.len();
            let item = Item::Record {
                id: row.get(0)?,
                session: row.get(1)?,
                call: row.get(2)?,
                record,
                root: row.get(4)?,
            };
            Ok(Found::Ready(item, size))
        })
        .optional()?;
    Ok(found.unwrap_or(if rebuilding { Found::Later } else { Found::Gone }))
}

/// A turn that ended a moment ago may not be whole, unless its process is over. `now_us` is `None` for one that is
/// packed: that needs nothing of the tape any more.
fn turn(
    tape: &Connection,
    session: &str,
    item: &str,
    size: usize,
    now_us: Option<i64>,
) -> Result<Found, Error> {
    let message = item.strip_prefix(session).and_then(|rest| rest.strip_prefix('/'));
    let message = message.ok_or_else(|| Error::damaged(format!("no turn is named {item}")))?;
    let ready = Item::Turn { session: session.to_owned(), message: message.to_owned() };
    let Some(now_us) = now_us else { return Ok(Found::Ready(ready, size)) };
    let ended = tape
        .prepare_cached(&format!(
            "SELECT (SELECT at_us FROM event_rows WHERE event_rows.id = ended),
                 EXISTS (SELECT 1 FROM spools WHERE spools.id = spool AND ended_us IS NULL),
                 EXISTS (SELECT 1 FROM exchanges
                     WHERE exchanges.message = turns.message AND exchanges.session = turns.session
                         AND outcome IN ('waiting', 'streaming'))
             FROM turns WHERE session = ?1 AND message = ?2 AND {TURN_STAYS}"
        ))?
        .query_row([session, message], |row| {
            Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, bool>(1)?, row.get::<_, bool>(2)?))
        })
        .optional()?;
    let Some((ended_us, goes_on, is_waiting)) = ended else { return Ok(Found::Gone) };
    let wait_us = if is_waiting { OPEN_US } else { LATE_US };
    let since_us = now_us.saturating_sub(ended_us.unwrap_or(i64::MIN));
    // What ends in the future does so by a clock that was turned back since.
    let is_young = (0..wait_us).contains(&since_us);
    Ok(if goes_on && is_young { Found::Later } else { Found::Ready(ready, size) })
}
