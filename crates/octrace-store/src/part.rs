//! Parts: pieces of bodies, each stored once under its hash.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    Error,
    codec::{self, Address, Decoder, Encoder, Stored},
};

/// How many addresses a writer remembers. A session of 200 turns has about as many parts.
const REMEMBERED: usize = 1 << 16;

/// The writer's side: compresses, and knows which parts are on the tape.
#[derive(Default)]
pub(crate) struct Parts {
    encoder: Option<Encoder>,
    ids: HashMap<Address, i64>,
}

impl Parts {
    /// Compresses bytes that are kept beside the parts.
    pub(crate) fn encode<'a>(&mut self, bytes: &'a [u8]) -> Result<Stored<'a>, Error> {
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            none => none.insert(Encoder::new()?),
        };
        Ok(encoder.encode(bytes)?)
    }

    /// Stores a part unless the tape has it; its id.
    pub(crate) fn put(&mut self, tape: &Connection, bytes: &[u8]) -> Result<i64, Error> {
        let address = codec::address(bytes);
        if let Some(id) = self.ids.get(&address) {
            return Ok(*id);
        }
        let known = tape
            .prepare_cached("SELECT id FROM parts WHERE hash = ?1")?
            .query_row([address.as_slice()], |row| row.get(0))
            .optional()?;
        let id = match known {
            Some(id) => id,
            None => {
                let stored = self.encode(bytes)?;
                tape.prepare_cached(
                    // No id is given twice, also when the newest part was pruned.
                    "INSERT INTO parts (id, hash, size, codec, data) VALUES (
                         max(coalesce((SELECT max(id) FROM parts), 0), (SELECT part FROM pruned)) + 1,
                         ?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    address.as_slice(),
                    i64::try_from(bytes.len()).unwrap_or(i64::MAX),
                    stored.codec.number(),
                    stored.data
                ])?;
                tape.last_insert_rowid()
            }
        };
        if self.ids.len() >= REMEMBERED {
            self.ids.clear();
        }
        self.ids.insert(address, id);
        Ok(id)
    }
}

/// The reader's side.
pub(crate) struct PartReader<'t> {
    tape: &'t Connection,
    decoder: Decoder,
}

impl<'t> PartReader<'t> {
    pub(crate) fn new(tape: &'t Connection) -> Result<Self, Error> {
        Ok(Self { tape, decoder: Decoder::new()? })
    }

    /// The bytes of part `id`.
    pub(crate) fn get(&mut self, id: i64) -> Result<Vec<u8>, Error> {
        let row = self
            .tape
            .prepare_cached("SELECT codec, size, data FROM parts WHERE id = ?1")?
            .query_row([id], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?))
            })
            .optional()?;
        let (codec, size, data) =
            row.ok_or_else(|| Error::damaged(format!("part {id} is missing")))?;
        self.decode(codec, size, &data)
            .map_err(|error| Error::damaged(format!("part {id}: {error}")))
    }

    /// Bytes that were compressed beside the parts.
    pub(crate) fn decode(&mut self, codec: i64, size: i64, data: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.decoder.decode(codec, size.cast_unsigned(), data)?)
    }
}
