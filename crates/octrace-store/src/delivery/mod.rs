//! The durable queue of what is to be delivered to other systems: a row for each item and destination, from the
//! transaction in which the item comes onto the tape until the destination has accepted it.
//!
//! Where an item goes is decided then, by what the settings of the recorded process name ([`Batch::goes_to`]): never to a
//! destination that was set later, never to another project's. A row says what is to be delivered, not what it contains:
//! that stays where it is on the tape, and what is pruned there before it was delivered becomes a dead letter.
//!
//! Events and Agent Trace records go to Postgres, turns to tracing backends.
//!
//! * `due`: what to send next, and what became of it.
//! * `parcel`: requests, kept as they are sent until they are accepted.
//! * `expire`: what has waited for too long, or is too much.
//! * `list`: how the queue stands; trying again, giving up.

mod due;
mod expire;
mod list;
mod parcel;
#[cfg(test)]
mod tests;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

pub use self::{
    due::{Backlog, Bounds, Due, Item, Refusal, Settled, Unavailable},
    list::{DeadLetter, Standing, Which},
    parcel::{Packing, Parcel, ParcelId},
};
use crate::{Batch, Error, SpoolId, Tape, evidence::Record, prune::Budget};

/// Why what is not on the tape any more is a dead letter.
pub const PRUNED: &str = "it was pruned from the tape before it could be delivered";

/// What makes a destination: one that differs in any of it is another one, and gets nothing of this one's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Identity {
    /// `postgres`, or a tracing backend: `neatlogs`, `helicone`, `otlp`.
    pub kind: String,
    /// Where it is, for people too; never with a password or a key.
    pub name: String,
    /// Every option that shapes what is delivered, as JSON.
    pub options: String,
}

/// How a destination is to be served. Nothing in it shapes what is sent, so it may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Items that make a batch.
    pub batch_size: u32,
    /// Items at once, at most, where more wait than a batch has; a batch is sent whole in any case.
    pub backlog_size: u32,
    /// For how many milliseconds fewer than a batch wait for more.
    pub flush_ms: u64,
    /// How often an item that is refused is tried again.
    pub retry_max: u32,
    /// The wait after the first failure, in milliseconds; it doubles with each further one.
    pub retry_base_ms: u64,
    /// What may wait at most, in bytes as recorded; the oldest beyond it become dead letters.
    pub max_bytes: Option<u64>,
    /// For how many milliseconds something may wait before it becomes a dead letter.
    pub max_age_ms: Option<u64>,
}

impl Rules {
    /// Items at once, at most.
    pub fn most(&self) -> u32 {
        self.batch_size.max(self.backlog_size)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            batch_size: 50,
            backlog_size: 0,
            flush_ms: 500,
            retry_max: 5,
            retry_base_ms: 500,
            max_bytes: None,
            max_age_ms: None,
        }
    }
}

/// A destination's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DestinationId(pub i64);

/// The row of an item that is to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DeliveryId(pub i64);

/// A destination, and how it answered last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its row.
    pub id: DestinationId,
    /// What it is.
    pub identity: Identity,
    /// How to serve it, by the settings of the process that named it last.
    pub rules: Rules,
    /// How often in a row it could not be reached, or would take nothing.
    pub attempts: u32,
    /// Not before then, µs since the Unix epoch.
    pub retry_us: Option<i64>,
    /// Whether it asked for that itself; then nobody comes earlier.
    pub retry_is_asked: bool,
    /// Why, the last time.
    pub error: Option<String>,
}

impl Destination {
    const COLUMNS: &str =
        "id, kind, name, options, rules, attempts, retry_us, retry_is_asked, error";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: DestinationId(row.get("id")?),
            identity: Identity {
                kind: row.get("kind")?,
                name: row.get("name")?,
                options: row.get("options")?,
            },
            // What a newer octrace wrote may be more than is known here.
            rules: serde_json::from_str(row.get_ref("rules")?.as_str()?).unwrap_or_default(),
            attempts: row.get("attempts")?,
            retry_us: row.get("retry_us")?,
            retry_is_asked: row.get("retry_is_asked")?,
            error: row.get("error")?,
        })
    }
}

impl Tape {
    /// Every destination that was ever named, the first one first.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn destinations(&self) -> Result<Vec<Destination>, Error> {
        let sql = format!("SELECT {} FROM destinations ORDER BY id", Destination::COLUMNS);
        let mut select = self.connection.prepare_cached(&sql)?;
        let rows = select.query_map([], Destination::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One of them.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn destination(&self, id: DestinationId) -> Result<Option<Destination>, Error> {
        let sql = format!("SELECT {} FROM destinations WHERE id = ?1", Destination::COLUMNS);
        let mut select = self.connection.prepare_cached(&sql)?;
        Ok(select.query_row([id.0], Destination::read).optional()?)
    }
}

impl Batch<'_> {
    /// What is recorded of this spool from now on is to be delivered to these destinations, and to no other.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn goes_to(
        &mut self,
        spool: SpoolId,
        destinations: &[(Identity, Rules)],
    ) -> Result<Vec<DestinationId>, Error> {
        let tx = self.tx()?;
        tx.prepare_cached("DELETE FROM spool_destinations WHERE spool = ?1")?.execute([spool.0])?;
        let mut ids = Vec::new();
        for (Identity { kind, name, options }, rules) in destinations {
            // Plain numbers always are JSON.
            let rules = serde_json::to_string(rules).unwrap_or_default();
            tx.prepare_cached(
                "INSERT INTO destinations (kind, name, options, rules) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET rules = excluded.rules",
            )?
            .execute([kind, name, options, &rules])?;
            let id: i64 = tx
                .prepare_cached(
                    "SELECT id FROM destinations WHERE kind = ?1 AND name = ?2 AND options = ?3",
                )?
                .query_row([kind, name, options], |row| row.get(0))?;
            tx.prepare_cached("INSERT OR IGNORE INTO spool_destinations VALUES (?1, ?2)")?
                .execute(params![spool.0, id])?;
            ids.push(DestinationId(id));
        }
        Ok(ids)
    }

    /// This Agent Trace record is new, or not what it was: it is to be delivered to the destinations of its spool. Not for
    /// records that `octrace rebuild` makes again.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn record_is_due(&mut self, spool: SpoolId, record: &Record) -> Result<(), Error> {
        let session = Some(record.call.session.as_str());
        let size = record.json.len() as u64;
        queue(self.tx()?, spool, session, ("record", &record.id), size, record.at_us)
    }
}

/// Whether events of this kind are delivered.
pub(crate) fn is_delivered(kind: &str) -> bool {
    let prefixes = ["hook.tool.execute.", "session.", "message."];
    prefixes.iter().any(|prefix| kind.starts_with(prefix)) || kind == "command.executed"
}

/// Queues an item for each of the destinations of its spool that take items of its kind. One that waits already, or is
/// a dead letter, gets a new row: what is being delivered at this moment may be what the item was before.
pub(crate) fn queue(
    tape: &Connection,
    spool: SpoolId,
    session: Option<&str>,
    (kind, item): (&str, &str),
    bytes: u64,
    at_us: i64,
) -> Result<(), Error> {
    tape.prepare_cached(
        "INSERT OR REPLACE INTO deliveries (destination, spool, session, kind, item, queued_us, bytes)
         SELECT destination, spool, ?2, ?3, ?4, ?5, ?6 FROM spool_destinations
         JOIN destinations ON destinations.id = destination AND destinations.kind = 'postgres'
         WHERE spool = ?1",
    )?
    .execute(params![spool.0, session, kind, item, at_us, bytes.cast_signed()])?;
    Ok(())
}

/// Queues a turn that has ended for each of the tracing backends of its spool. A turn ends once.
pub(crate) fn queue_turn(
    tape: &Connection,
    spool: SpoolId,
    session: &str,
    message: &str,
    at_us: i64,
) -> Result<(), Error> {
    tape.prepare_cached(
        "INSERT OR IGNORE INTO deliveries (destination, spool, session, kind, item, queued_us, bytes)
         SELECT destination, ?1, ?2, 'turn', ?2 || '/' || ?3, ?4,
             (SELECT coalesce(sum(events.size), 0) FROM turns JOIN events
                  ON events.session = turns.session AND events.id BETWEEN turns.began AND turns.ended
              WHERE turns.session = ?2 AND turns.message = ?3)
             + (SELECT coalesce(sum(response_bytes), 0) FROM exchanges
                WHERE session = ?2 AND message = ?3)
         FROM spool_destinations
         JOIN destinations ON destinations.id = destination AND destinations.kind <> 'postgres'
         WHERE spool = ?1",
    )?
    .execute(params![spool.0, session, message, at_us])?;
    Ok(())
}

/// Takes away what nobody needs to know any more: dead letters from before `before_us`, and destinations that no spool
/// names and nothing waits for. Whether there was anything.
pub(crate) fn sweep(tape: &Connection, before_us: i64) -> Result<bool, Error> {
    let letters: Vec<(i64, i64)> = tape
        .prepare_cached(
            "SELECT id, (SELECT coalesce(sum(length(body)), 0) FROM parcel_items
                 JOIN parcels ON parcels.id = parcel WHERE delivery = deliveries.id)
             FROM deliveries WHERE dead_us < ?1 ORDER BY dead_us LIMIT 500",
        )?
        .query_map([before_us], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut budget = Budget::new();
    for (id, bytes) in &letters {
        if budget.is_spent() {
            break;
        }
        tape.prepare_cached("DELETE FROM deliveries WHERE id = ?1")?.execute([id])?;
        budget.spend(1, *bytes);
    }
    tape.prepare_cached(
        "DELETE FROM destinations WHERE id NOT IN (SELECT destination FROM spool_destinations)
             AND NOT EXISTS (SELECT 1 FROM deliveries
                 WHERE destination = destinations.id AND dead_us IS NULL)
             AND NOT EXISTS (SELECT 1 FROM deliveries
                 WHERE destination = destinations.id AND dead_us IS NOT NULL)",
    )?
    .execute([])?;
    Ok(!letters.is_empty())
}
