//! Parts: pieces of bodies, each stored once under its hash.

use std::{cell::RefCell, collections::HashMap};

use rusqlite::{Connection, OptionalExtension, params, types::ValueRef};

use crate::{
    Error, Tape,
    body::Aside,
    codec::{self, Address, Context, Decoder, Encoder, Stored},
    pack::{self, Packs, Place},
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
    fn encoder(&mut self) -> Result<&mut Encoder, Error> {
        Ok(match &mut self.encoder {
            Some(encoder) => encoder,
            none => none.insert(Encoder::new()?),
        })
    }

    /// Compresses bytes that are kept beside the parts that were set aside from them.
    pub(crate) fn encode_without<'a>(
        &mut self,
        bytes: &'a [u8],
        aside: &[Aside<'_>],
    ) -> Result<Stored<'a>, Error> {
        let encoder = self.encoder()?;
        if aside.is_empty() {
            return Ok(encoder.encode(bytes)?);
        }
        let context = Context::new(aside.iter().map(|aside| aside.bytes));
        Ok(encoder.encode_with(bytes, &context)?)
    }

    /// Stores a part unless the tape has it; its id.
    pub(crate) fn put(&mut self, tape: &Connection, bytes: &[u8]) -> Result<i64, Error> {
        let address = codec::address(bytes);
        if let Some(id) = self.ids.get(&address) {
            return Ok(*id);
        }
        let id = match find(tape, "parts", &address)? {
            Some(id) => id,
            None => {
                let stored = self.encoder()?.encode(bytes)?;
                let data = pack::put_down(tape, bytes.len(), &stored.data)?;
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
                    data
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

/// The row of this table that has this hash. Its index has the begin of each.
pub(crate) fn find(tape: &Connection, table: &str, hash: &Address) -> Result<Option<i64>, Error> {
    let mut select = tape.prepare_cached(&by_hash(table))?;
    Ok(select.query_row([hash], |row| row.get(0)).optional()?)
}

fn by_hash(table: &str) -> String {
    format!("SELECT id FROM {table} WHERE substr(hash, 1, 6) = substr(?1, 1, 6) AND hash = ?1")
}

/// What a row has of its content.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// All of it, as its codec says.
    Bytes(Vec<u8>),
    /// Where it is.
    Elsewhere(Place),
}

impl Content {
    /// What is damaged is neither a blob nor a place, and empty.
    pub(crate) fn read(column: ValueRef<'_>) -> Self {
        match column {
            ValueRef::Integer(place) => Self::Elsewhere(Place(place)),
            other => Self::Bytes(other.as_blob().unwrap_or_default().to_vec()),
        }
    }
}

/// A generation of what is remembered of parts has so many bytes; there are two.
const GENERATION: usize = 2 << 20;

/// Larger parts are not remembered.
const LONG: usize = 64 << 10;

/// Parts and packs that were read lately. Requests of a conversation have nearly all of theirs in common. A part's number
/// stands for the same bytes for ever, and so does a pack's.
#[derive(Default)]
pub(crate) struct Recent {
    packs: Packs,
    young: HashMap<i64, Box<[u8]>>,
    old: HashMap<i64, Box<[u8]>>,
    /// Of the young ones.
    bytes: usize,
}

impl Recent {
    /// Appends the bytes of a part, if it is remembered. What is used stays longest.
    fn append(&mut self, id: i64, body: &mut Vec<u8>) -> bool {
        if let Some(part) = self.old.remove(&id) {
            self.keep(id, part);
        }
        let part = self.young.get(&id);
        part.inspect(|part| body.extend_from_slice(part)).is_some()
    }

    fn keep(&mut self, id: i64, part: Box<[u8]>) {
        if self.bytes + part.len() > GENERATION {
            (self.old, self.bytes) = (std::mem::take(&mut self.young), 0);
        }
        self.bytes += part.len();
        self.young.insert(id, part);
    }
}

/// The reader's side.
pub(crate) struct PartReader<'t> {
    tape: &'t Connection,
    decoder: Decoder,
    packs: Packs,
    recent: Option<&'t RefCell<Recent>>,
}

impl<'t> PartReader<'t> {
    pub(crate) fn new(tape: &'t Connection) -> Result<Self, Error> {
        Ok(Self { tape, decoder: Decoder::new()?, packs: Packs::default(), recent: None })
    }

    /// One that need not look at the tape for what was read lately.
    pub(crate) fn remembering(tape: &'t Tape) -> Result<Self, Error> {
        Ok(Self { recent: Some(&tape.recent), ..Self::new(&tape.connection)? })
    }

    /// The bytes of part `id`.
    pub(crate) fn get(&mut self, id: i64) -> Result<Vec<u8>, Error> {
        let mut part = Vec::new();
        self.append(id, &mut part)?;
        Ok(part)
    }

    /// Appends the bytes of part `id`.
    pub(crate) fn append(&mut self, id: i64, body: &mut Vec<u8>) -> Result<(), Error> {
        if self.recent.is_some_and(|recent| recent.borrow_mut().append(id, body)) {
            return Ok(());
        }
        let begin = body.len();
        let tape = self.tape;
        let decoded = tape
            .prepare_cached("SELECT codec, size, data FROM parts WHERE id = ?1")?
            .query_row([id], |row| {
                let (codec, size) = (row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned());
                // Where SQLite has it: what is compressed needs no copy. What is elsewhere is read while the row is:
                // after that it may be packed, or taken out of its pack.
                Ok(match row.get_ref(2)? {
                    ValueRef::Integer(place) => self.elsewhere(Place(place), (codec, size), body),
                    data => self
                        .decoder
                        .decode_onto(body, codec, size, data.as_blob()?)
                        .map_err(Error::from),
                })
            })
            .optional()?;
        let decoded = decoded.ok_or_else(|| Error::damaged(format!("part {id} is missing")))?;
        decoded.map_err(|error| match error {
            Error::Codec(error) => Error::damaged(format!("part {id}: {error}")),
            Error::Damaged { what } => Error::damaged(format!("part {id}: {what}")),
            error => error,
        })?;
        let part = body.get(begin..).filter(|part| part.len() <= LONG);
        if let (Some(recent), Some(part)) = (self.recent, part) {
            recent.borrow_mut().keep(id, part.into());
        }
        Ok(())
    }

    /// Appends what lies at this place, written so and of so many bytes.
    fn elsewhere(
        &mut self,
        place: Place,
        written: (i64, u64),
        body: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let mut recent = self.recent.map(RefCell::borrow_mut);
        let packs = recent.as_mut().map_or(&mut self.packs, |recent| &mut recent.packs);
        packs.append(self.tape, &mut self.decoder, place, written, body)
    }

    /// Bytes that are kept beside the parts that were set aside from them, of a row that is still being read.
    pub(crate) fn decode<'a>(
        &mut self,
        (codec, size, content): (i64, i64, &Content),
        aside: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<u8>, Error> {
        let size = size.cast_unsigned();
        match content {
            Content::Bytes(data) => {
                let context = Context::of(codec, aside);
                Ok(self.decoder.decode_with(codec, size, data, &context)?)
            }
            Content::Elsewhere(place) if place.is_packed() => {
                let mut bytes = Vec::new();
                self.elsewhere(*place, (codec, size), &mut bytes)?;
                Ok(bytes)
            }
            Content::Elsewhere(place) => {
                let context = Context::of(codec, aside);
                let decoder = &mut self.decoder;
                pack::loose(self.tape, *place, |data| {
                    Ok(decoder.decode_with(codec, size, data, &context)?)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate;

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_used_stays() {
        let mut recent = Recent::default();
        let part = |id: i64| vec![id.to_le_bytes()[0]; LONG / 2].into_boxed_slice();
        for id in 0..500 {
            recent.keep(id, part(id));
            assert!(recent.append(0, &mut Vec::new()), "{id}");
            let kept = recent.young.values().chain(recent.old.values());
            assert!(kept.map(|part| part.len()).sum::<usize>() <= 2 * GENERATION);
        }
        let mut body = b"before".to_vec();
        assert!(recent.append(499, &mut body));
        assert_eq!(body, [b"before", &*part(499)].concat());
        assert!(!recent.append(1, &mut body));
    }

    #[test]
    fn hashes_that_begin_alike_are_told_apart_and_none_is_searched_for() {
        let tape = migrate::in_memory().unwrap();
        let mut parts = Parts::default();
        let first = parts.put(&tape, b"one").unwrap();
        let mut alike = codec::address(b"two");
        alike[6..].fill(0);
        tape.execute("UPDATE parts SET hash = ?1", [alike]).unwrap();
        let second = parts.put(&tape, b"two").unwrap();
        assert_ne!(first, second);
        assert_eq!(Parts::default().put(&tape, b"two").unwrap(), second);
        for table in ["parts", "file_states"] {
            let plan = format!("EXPLAIN QUERY PLAN {}", by_hash(table));
            let plan: String =
                tape.query_row(&plan, [codec::address(b"one")], |row| row.get(3)).unwrap();
            assert_eq!(plan, format!("SEARCH {table} USING INDEX {table}_by_hash (<expr>=?)"));
        }
    }
}
