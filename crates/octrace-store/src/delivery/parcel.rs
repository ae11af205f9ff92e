//! Parcels: requests to a tracing backend, kept on the tape before they are first sent, so that whoever sends one again,
//! after whatever happened, sends the same bytes.
//!
//! An item is in one parcel, with others or alone, or in several that have nothing else in them. It is delivered when
//! all of them are accepted. What is in a parcel needs nothing else of the tape: its session may be pruned.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{DeliveryId, DestinationId};
use crate::{
    Error, Tape,
    codec::{Decoder, Encoder},
};

/// A parcel's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParcelId(pub i64);

/// A parcel, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Its row.
    pub id: ParcelId,
    /// The items that are in it, or of which it is a piece.
    pub items: Vec<DeliveryId>,
    /// What goes with the body, as it was given: JSON.
    pub head: String,
    /// Whether the destination has it for good.
    pub is_accepted: bool,
    /// Why it was refused the last time; or, of one that is accepted, what of it was not.
    pub reason: Option<String>,
}

/// Items that are being packed. Until [`Packing::finish`] nobody sends any of it; what a process that died had packed
/// until then goes when its items are packed again.
pub struct Packing {
    to: DestinationId,
    /// How many parcels each of them is in so far.
    items: BTreeMap<DeliveryId, u32>,
    encoder: Encoder,
}

impl Tape {
    /// Begins to pack items for a destination. Those that are packed already stay as they are.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn pack(&mut self, to: DestinationId, items: &[DeliveryId]) -> Result<Packing, Error> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for item in items {
            tx.prepare_cached(
                "DELETE FROM parcel_items WHERE parcel IN (
                     SELECT parcel FROM parcel_items JOIN deliveries ON deliveries.id = delivery
                     WHERE delivery = ?1 AND packed = 0)",
            )?
            .execute([item.0])?;
        }
        tx.commit()?;
        let items = items.iter().map(|item| (*item, 0)).collect();
        Ok(Packing { to, items, encoder: Encoder::new()? })
    }

    /// Those of these items that are packed at this moment: what is not may have no parcels and wait all the same, for
    /// somebody may drop, at any time, what was packed together with it.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn packed_of(&self, items: &[DeliveryId]) -> Result<Vec<DeliveryId>, Error> {
        let packed = "SELECT 1 FROM deliveries WHERE id = ?1 AND packed = 1";
        let mut select = self.connection.prepare_cached(packed)?;
        let mut found = Vec::new();
        for item in items {
            if select.exists([item.0])? {
                found.push(*item);
            }
        }
        Ok(found)
    }

    /// The parcels of these items, in the order in which they were packed, those that are accepted too. Other items may be
    /// in them as well.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn parcels_of(&self, items: &[DeliveryId]) -> Result<Vec<Parcel>, Error> {
        let _moment = self.connection.unchecked_transaction()?;
        let mut ids = Vec::new();
        let mut select = self
            .connection
            .prepare_cached("SELECT parcel FROM parcel_items WHERE delivery = ?1")?;
        for item in items {
            for id in select.query_map([item.0], |row| row.get::<_, i64>(0))? {
                ids.push(id?);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        let mut inside = self.connection.prepare_cached(
            "SELECT delivery FROM parcel_items WHERE parcel = ?1 ORDER BY delivery",
        )?;
        let mut select = self
            .connection
            .prepare_cached("SELECT head, body IS NULL, reason FROM parcels WHERE id = ?1")?;
        let parcel = |id: i64| {
            let items = inside.query_map([id], |row| row.get(0).map(DeliveryId))?;
            let items = items.collect::<Result<_, _>>()?;
            let parcel = select.query_row([id], |row| {
                Ok(Parcel {
                    id: ParcelId(id),
                    items,
                    head: row.get(0)?,
                    is_accepted: row.get(1)?,
                    reason: row.get(2)?,
                })
            })?;
            Ok(parcel)
        };
        ids.into_iter().map(parcel).collect()
    }

    /// What is to be sent; `None` where it was accepted, or is gone.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is there but cannot be restored.
    pub fn parcel_body(&self, parcel: ParcelId) -> Result<Option<Vec<u8>>, Error> {
        let sql = "SELECT codec, size, body FROM parcels WHERE id = ?1 AND body IS NOT NULL";
        let found = self
            .connection
            .prepare_cached(sql)?
            .query_row([parcel.0], |row| {
                let (codec, size): (i64, i64) = (row.get(0)?, row.get(1)?);
                Ok((codec, size, row.get_ref(2)?.as_blob()?.to_vec()))
            })
            .optional()?;
        let Some((codec, size, body)) = found else { return Ok(None) };
        let body = Decoder::new()?.decode(codec, size.cast_unsigned(), &body);
        body.map(Some).map_err(|error| Error::damaged(format!("parcel {}: {error}", parcel.0)))
    }

    /// The destination has a parcel for good, and with it the items of which nothing else is left to be sent: they leave
    /// the queue, dead letters too. How many these are. It survives a power cut.
    ///
    /// `but` says that it has some of it and will never have the rest: the parcel is not to be sent again, and its items
    /// stay, to become dead letters ([`Tape::settle`]).
    ///
    /// # Errors
    /// When the tape cannot be written; then the parcel may be sent again.
    pub fn parcel_accepted(&mut self, parcel: ParcelId, but: Option<&str>) -> Result<u64, Error> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.prepare_cached("UPDATE parcels SET body = NULL, reason = ?2 WHERE id = ?1")?
            .execute(params![parcel.0, but])?;
        let delivered = tx
            .prepare_cached(
                "DELETE FROM deliveries WHERE id IN (
                     SELECT delivery FROM parcel_items WHERE parcel = ?1)
                 AND packed = 1
                 AND NOT EXISTS (SELECT 1 FROM parcel_items JOIN parcels ON parcels.id = parcel
                     WHERE delivery = deliveries.id AND (body IS NOT NULL OR reason IS NOT NULL))",
            )?
            .execute([parcel.0])?;
        tx.commit()?;
        self.sync()?;
        Ok(delivered as u64)
    }

    /// The destination will not have a parcel. It stays as it is; what becomes of its items is another question
    /// ([`Tape::settle`]). `reason` is what it said, without content.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn parcel_refused(&mut self, parcel: ParcelId, reason: &str) -> Result<(), Error> {
        self.connection
            .prepare_cached("UPDATE parcels SET reason = ?2 WHERE id = ?1")?
            .execute(params![parcel.0, reason])?;
        Ok(())
    }

    /// Takes a parcel apart of which nothing was accepted: its items are to be packed again.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn unpack(&mut self, parcel: ParcelId) -> Result<(), Error> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        take_apart(&tx, parcel.0)?;
        Ok(tx.commit()?)
    }
}

impl Packing {
    /// Adds a parcel in which these of the items are, or of which it is a piece. `head` is JSON.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn add(
        &mut self,
        tape: &mut Tape,
        items: &[DeliveryId],
        head: &str,
        body: &[u8],
    ) -> Result<(), Error> {
        let stored = self.encoder.encode(body)?;
        let size = i64::try_from(body.len()).unwrap_or(i64::MAX);
        let tx = tape.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.prepare_cached(
            "INSERT INTO parcels (destination, head, size, codec, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![self.to.0, head, size, stored.codec.number(), stored.data])?;
        let parcel = tx.last_insert_rowid();
        let mut inside = Vec::new();
        for item in items {
            // Somebody may have dropped it meanwhile.
            let inserted = tx
                .prepare_cached(
                    "INSERT OR IGNORE INTO parcel_items (delivery, parcel)
                     SELECT id, ?2 FROM deliveries WHERE id = ?1 AND packed = 0",
                )?
                .execute([item.0, parcel])?;
            inside.extend((inserted > 0).then_some(*item));
        }
        // Without one of its items it is rolled back.
        if inside.is_empty() {
            return Ok(());
        }
        tx.commit()?;
        for item in inside {
            *self.items.entry(item).or_default() += 1;
        }
        Ok(())
    }

    /// All parcels of the items are here: from now on these are sent, whatever happens. It survives a power cut. An item
    /// whose parcel was taken apart meanwhile, because somebody dropped another one that was in it, stays unpacked.
    ///
    /// # Errors
    /// When the tape cannot be written; then nothing is packed.
    pub fn finish(self, tape: &mut Tape) -> Result<(), Error> {
        let tx = tape.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (item, parcels) in &self.items {
            tx.prepare_cached(
                "UPDATE deliveries SET packed = 1 WHERE id = ?1
                     AND (SELECT count(*) FROM parcel_items WHERE delivery = ?1) = ?2",
            )?
            .execute(params![item.0, parcels])?;
        }
        tx.commit()?;
        tape.sync()
    }
}

/// The items that are in a parcel are to be packed again.
pub(super) fn take_apart(tape: &Connection, parcel: i64) -> Result<(), Error> {
    tape.prepare_cached(
        "UPDATE deliveries SET packed = 0
         WHERE id IN (SELECT delivery FROM parcel_items WHERE parcel = ?1)",
    )?
    .execute([parcel])?;
    tape.prepare_cached("DELETE FROM parcel_items WHERE parcel = ?1")?.execute([parcel])?;
    Ok(())
}
