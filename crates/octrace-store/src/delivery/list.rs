//! How the queue stands; trying again, giving up.

use rusqlite::{ToSql, TransactionBehavior, params_from_iter};
use serde::Serialize;

use super::{DeliveryId, Destination, DestinationId, parcel};
use crate::{Error, Tape};

/// A destination and what waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where it goes.
    pub destination: Destination,
    /// Items that are to be delivered yet.
    pub waiting: u64,
    /// When the oldest of them was recorded, µs since the Unix epoch.
    pub oldest_us: Option<i64>,
    /// Why the newest of them that was refused was; `None` where none was.
    pub refused: Option<String>,
    /// Items that never will be, unless somebody has them tried again.
    pub dead: u64,
}

/// An item that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its row: what `octrace queue retry` and `drop` take.
    pub id: DeliveryId,
    /// Where it was to go.
    pub destination: DestinationId,
    /// `event`, `record` or `turn`.
    pub kind: String,
    /// The event's number on this tape, the record's id, or the turn's session and user message: `ses_…/msg_…`.
    pub item: String,
    /// Which event, as long as it is on the tape: `message.updated`, …
    pub event: Option<String>,
    /// `ses_…`, of those that have one.
    pub session: Option<String>,
    /// How often it was refused.
    pub attempts: u32,
    /// When it was recorded, µs since the Unix epoch.
    pub queued_us: i64,
    /// When it was given up, µs since the Unix epoch.
    pub dead_us: i64,
    /// Why.
    pub reason: String,
}

/// Which items are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All there are.
    All,
    /// Those for one destination.
    Of(DestinationId),
    /// These.
    These(Vec<DeliveryId>),
}

impl Which {
    fn condition(&self) -> (String, Vec<&dyn ToSql>) {
        match self {
            Self::All => ("1".to_owned(), Vec::new()),
            Self::Of(destination) => {
                ("deliveries.destination = ?".to_owned(), vec![&destination.0])
            }
            Self::These(ids) => {
                let places = vec!["?"; ids.len()].join(", ");
                (
                    format!("deliveries.id IN ({places})"),
                    ids.iter().map(|id| &id.0 as &dyn ToSql).collect(),
                )
            }
        }
    }
}

impl Tape {
    /// Every destination with what waits for it.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn queue(&self) -> Result<Vec<Standing>, Error> {
        let mut waiting = self.connection.prepare_cached(
            "SELECT count(*), min(queued_us) FROM deliveries
             WHERE destination = ?1 AND dead_us IS NULL",
        )?;
        let mut refused = self.connection.prepare_cached(
            "SELECT max(id), reason FROM deliveries
             WHERE destination = ?1 AND dead_us IS NULL AND attempts > 0",
        )?;
        let mut dead = self.connection.prepare_cached(
            "SELECT count(*) FROM deliveries WHERE destination = ?1 AND dead_us IS NOT NULL",
        )?;
        let standing = |destination: Destination| {
            let id = destination.id.0;
            let (waiting, oldest_us) = waiting
                .query_row([id], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))?;
            let dead = dead.query_row([id], |row| row.get::<_, i64>(0))?.cast_unsigned();
            let refused = refused.query_row([id], |row| row.get(1))?;
            Ok(Standing { destination, waiting, oldest_us, refused, dead })
        };
        self.destinations()?.into_iter().map(standing).collect()
    }

    /// Dead letters, the newest first, at most so many.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn dead_letters(&self, limit: u32) -> Result<Vec<DeadLetter>, Error> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, destination, kind, item, session, attempts, queued_us, dead_us,
                 coalesce(reason, ''),
                 CASE kind WHEN 'event' THEN
                     (SELECT events.kind FROM events WHERE events.id = CAST(item AS INTEGER)) END
             FROM deliveries WHERE dead_us IS NOT NULL ORDER BY dead_us DESC, id DESC LIMIT ?1",
        )?;
        let rows = select.query_map([limit], |row| {
            let event: Option<String> = row.get(9)?;
            Ok(DeadLetter {
                id: DeliveryId(row.get(0)?),
                destination: DestinationId(row.get(1)?),
                kind: row.get(2)?,
                item: row.get(3)?,
                event: event.map(|kind| kind.strip_prefix("hook.").unwrap_or(&kind).to_owned()),
                session: row.get(4)?,
                attempts: row.get(5)?,
                queued_us: row.get(6)?,
                dead_us: row.get(7)?,
                reason: row.get(8)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Has items tried again at once, dead letters too, and their destinations; how many there are. What is packed stays
    /// so: of its parcels, those that were not accepted are sent.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn retry(&mut self, which: &Which) -> Result<u64, Error> {
        let (condition, values) = which.condition();
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute(
            &format!(
                "UPDATE destinations SET attempts = 0, retry_us = NULL, retry_is_asked = 0 WHERE id IN (
                     SELECT destination FROM deliveries WHERE {condition})"
            ),
            params_from_iter(&values),
        )?;
        let retried = tx.execute(
            &format!(
                "UPDATE deliveries SET attempts = 0, retry_us = NULL, dead_us = NULL, reason = NULL
                 WHERE {condition}"
            ),
            params_from_iter(&values),
        )?;
        tx.commit()?;
        Ok(retried as u64)
    }

    /// Gives items up for ever, those that wait too unless only the dead letters are meant; how many there were. What was
    /// packed together with one of them is packed anew, without it.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn drop_deliveries(&mut self, which: &Which, only_dead: bool) -> Result<u64, Error> {
        let (condition, values) = which.condition();
        let dead = if only_dead { " AND dead_us IS NOT NULL" } else { "" };
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let shared = format!(
            "SELECT parcel FROM parcel_items JOIN deliveries ON deliveries.id = delivery
             WHERE ({condition}){dead}"
        );
        let shared: Vec<i64> = tx
            .prepare(&shared)?
            .query_map(params_from_iter(&values), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let sql = format!("DELETE FROM deliveries WHERE ({condition}){dead}");
        let dropped = tx.execute(&sql, params_from_iter(&values))?;
        for parcel in shared {
            parcel::take_apart(&tx, parcel)?;
        }
        tx.commit()?;
        Ok(dropped as u64)
    }
}
