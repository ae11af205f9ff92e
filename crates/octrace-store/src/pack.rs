//! Packs: what came onto the tape one after the other, compressed together.
//!
//! A recorder writes each part and each event as it comes, compressed by itself, into the table `loose`. Whoever has time takes a stretch of
//! them, as they came, and compresses it as one ([`Tape::pack_step`]): an event says the same as the request beside it, and
//! all of a turn have the same ids. That takes half of what they take by themselves, and reading one of them decodes
//! no more than one pack. A part keeps its row, with its hash and size; instead of its bytes the row has their
//! place. The newest pack is made anew with what came after it until it is full, so that little lies by itself where a
//! session rests.
//!
//! A pack is one zstd frame with our dictionary ([`crate::codec`]) of items that follow each other, each a varint with its
//! length and its bytes, without line numbers as in [`crate::numbers`] where its row's codec says so. It goes with
//! the last of its items, sooner if most of them are gone, and when a pruning ends as soon as any is: the others then
//! lie by themselves again.

use rusqlite::{
    Connection, OptionalExtension, Transaction, TransactionBehavior, params,
    types::{ToSqlOutput, ValueRef},
};

use crate::{
    Error, Tape,
    codec::{Codec, Decoder, Encoder, unpack_onto},
    event, numbers,
    part::PartReader,
};

/// So many bytes are packed together: what has to be decoded for any one of them.
const SIZE: usize = 256 << 10;

/// What is larger lies by itself.
const LARGEST: usize = 32 << 10;

/// A place has so many bits for the offset.
const OFFSET_BITS: u32 = 20;

/// The largest pack that is read, in bytes.
const MAX_SIZE: i64 = 1 << OFFSET_BITS;

/// So many packs a reader remembers: what it reads next is mostly in the same, or in that of the session's beginning.
const REMEMBERED: usize = 4;

/// What came is packed when it is one in so many of a full pack: so often is a byte compressed, at most.
const STEPS: usize = 4;

/// What is looked at for a pack, at most, in rows of each table.
const ROWS: i64 = 4_096;

/// What is no larger stays in its row, in bytes.
const TINY: usize = 24;

/// What a row in `loose` takes beside its bytes. From measured tapes.
pub(crate) const LOOSE: u64 = 50;

/// Where something is: the pack's number, and the offset in it; or else, below zero, its row in `loose`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) i64);

impl Place {
    fn new(pack: i64, offset: usize) -> Self {
        Self(pack << OFFSET_BITS | offset as i64)
    }

    pub(crate) fn is_packed(self) -> bool {
        self.0 >= 0
    }

    fn pack(self) -> i64 {
        self.0 >> OFFSET_BITS
    }

    fn offset(self) -> usize {
        (self.0 & (MAX_SIZE - 1)) as usize
    }
}

/// The newest packs that were read.
#[derive(Default)]
pub(crate) struct Packs {
    /// The last one was asked for last.
    known: Vec<(i64, Vec<u8>)>,
}

impl Packs {
    /// Appends what lies at this place, written so and of so many bytes.
    pub(crate) fn append(
        &mut self,
        tape: &Connection,
        decoder: &mut Decoder,
        place: Place,
        (codec, size): (i64, u64),
        body: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if place.is_packed() {
            let packed = self.item(tape, decoder, place)?;
            return Ok(unpack_onto(body, codec, size, packed)?);
        }
        loose(tape, place, |data| Ok(decoder.decode_onto(body, codec, size, data)?))
    }

    /// What lies at this place in a pack.
    fn item(
        &mut self,
        tape: &Connection,
        decoder: &mut Decoder,
        place: Place,
    ) -> Result<&[u8], Error> {
        let pack = place.pack();
        match self.known.iter().position(|(id, _)| *id == pack) {
            Some(at) => {
                if at + 1 < self.known.len() {
                    let found = self.known.remove(at);
                    self.known.push(found);
                }
            }
            None => {
                let content = content(tape, decoder, pack)?;
                if self.known.len() >= REMEMBERED {
                    self.known.remove(0);
                }
                self.known.push((pack, content));
            }
        }
        let found = self.known.last().and_then(|(_, content)| item(content, place.offset()));
        found.ok_or_else(|| Error::damaged(format!("nothing begins there in pack {pack}")))
    }
}

/// Puts down what something was encoded to, which has so many bytes: what its row has for it.
pub(crate) fn put_down<'a>(
    tape: &Connection,
    size: usize,
    data: &'a [u8],
) -> Result<ToSqlOutput<'a>, Error> {
    if data.len() <= TINY || size > LARGEST {
        return Ok(ToSqlOutput::Borrowed(ValueRef::Blob(data)));
    }
    tape.prepare_cached("INSERT INTO loose (data) VALUES (?1)")?.execute([data])?;
    Ok(ToSqlOutput::from(-tape.last_insert_rowid()))
}

/// Shows what lies by itself at this place.
pub(crate) fn loose<T>(
    tape: &Connection,
    place: Place,
    show: impl FnOnce(&[u8]) -> Result<T, Error>,
) -> Result<T, Error> {
    let found = tape
        .prepare_cached("SELECT data FROM loose WHERE id = ?1")?
        .query_row([place.0.wrapping_neg()], |row| Ok(show(row.get_ref(0)?.as_blob()?)))
        .optional()?;
    found.unwrap_or_else(|| Err(Error::damaged("its bytes are missing")))
}

/// SQL for how many bytes a row takes elsewhere, or in itself, for its content in this column.
pub(crate) fn bytes(table: &str, column: &str) -> String {
    format!(
        "CASE WHEN typeof({table}.{column}) != 'integer' THEN length({table}.{column})
             WHEN {table}.{column} < 0 THEN
                 coalesce((SELECT length(loose.data) + {LOOSE} FROM loose WHERE loose.id = -{table}.{column}), 0)
             ELSE coalesce((SELECT {table}.size * length(packs.data) / max(packs.size, 1) FROM packs
                 WHERE packs.id = {table}.{column} >> {OFFSET_BITS}), 0) END"
    )
}

/// All of a pack.
fn content(tape: &Connection, decoder: &mut Decoder, pack: i64) -> Result<Vec<u8>, Error> {
    let content = tape
        .prepare_cached("SELECT codec, size, data FROM packs WHERE id = ?1")?
        .query_row([pack], |row| {
            let (codec, size): (i64, i64) = (row.get(0)?, row.get(1)?);
            let size = size.clamp(0, MAX_SIZE).cast_unsigned();
            Ok(decoder.decode(codec, size, row.get_ref(2)?.as_blob()?))
        })
        .optional()?;
    content
        .ok_or_else(|| Error::damaged(format!("pack {pack} is missing")))?
        .map_err(|error| Error::damaged(format!("pack {pack}: {error}")))
}

/// The item that begins at `offset`.
fn item(content: &[u8], offset: usize) -> Option<&[u8]> {
    let mut rest = content.get(offset..)?;
    let mut length = 0;
    for shift in [0, 7, 14] {
        let (byte, after) = rest.split_first()?;
        rest = after;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return rest.get(..length);
        }
    }
    None
}

fn put(content: &mut Vec<u8>, item: &[u8]) {
    let mut length = item.len();
    while length >= 0x80 {
        content.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    content.push(length as u8);
    content.extend_from_slice(item);
}

/// Of which table a row is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Part,
    Event,
}

/// Something that goes into a pack.
struct Item {
    kind: Kind,
    id: i64,
    codec: Codec,
    offset: usize,
}

/// A pack that is being made.
#[derive(Default)]
struct Stretch {
    /// It ends behind so many bytes.
    wanted: usize,
    content: Vec<u8>,
    items: Vec<Item>,
    /// The last rows that were looked at.
    part: i64,
    event: i64,
}

impl Stretch {
    fn is_full(&self) -> bool {
        self.content.len() >= self.wanted
    }

    fn has(&self, part: i64) -> bool {
        self.items.iter().any(|item| item.kind == Kind::Part && item.id == part)
    }

    fn add(&mut self, kind: Kind, id: i64, bytes: &[u8]) {
        if bytes.len() > LARGEST {
            return;
        }
        let stripped = numbers::strip(bytes);
        let codec = if stripped.is_some() { Codec::PackedNumbered } else { Codec::Packed };
        let offset = self.content.len();
        put(&mut self.content, stripped.as_deref().unwrap_or(bytes));
        self.items.push(Item { kind, id, codec, offset });
    }

    /// The parts up to this one.
    fn parts_upto(
        &mut self,
        reader: &mut PartReader<'_>,
        parts: &[i64],
        upto: i64,
    ) -> Result<(), Error> {
        let from = parts.partition_point(|part| *part <= self.part);
        for part in parts[from..].iter().take_while(|part| **part <= upto) {
            if self.is_full() {
                break;
            }
            self.part = *part;
            match reader.get(*part) {
                Ok(bytes) => self.add(Kind::Part, *part, &bytes),
                // It stays as it is; `verify` says so.
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Tape {
    /// Packs a stretch of what lies by itself, if there is enough of it; whether there was. For whoever has time.
    ///
    /// # Errors
    /// When the tape cannot be read or written. Nothing is lost then.
    pub fn pack_step(&mut self) -> Result<bool, Error> {
        self.pack_stretch(SIZE)
    }

    /// The same with packs of about so many bytes.
    pub(crate) fn pack_stretch(&mut self, wanted: usize) -> Result<bool, Error> {
        let end = End::find(&self.connection, wanted)?;
        if !is_enough(&self.connection, end.upto, wanted / STEPS)? {
            return Ok(false);
        }
        let stretch = read(&self.connection, end.begin(), wanted)?;
        let data = Encoder::encode_pack(&stretch.content)?;
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Somebody else may have been faster.
        if end == End::find(&tx, wanted)? {
            write(&tx, &stretch, &data)?;
            if let Some((pack, _)) = end.open {
                is_made_anew(&tx, pack)?;
            }
            tx.commit()?;
        }
        Ok(true)
    }
}

/// How far the tape is packed.
#[derive(PartialEq, Eq)]
struct End {
    /// The last rows that were looked at, a part and an event.
    upto: (i64, i64),
    /// The newest pack, if there is room in it, and its first rows.
    open: Option<(i64, (i64, i64))>,
}

impl End {
    fn find(tape: &Connection, wanted: usize) -> Result<Self, Error> {
        let upto = (upto(tape, "parts")?, upto(tape, "events")?);
        // Of what is looked at for a pack, the old one has less than half: the rest is new.
        let open = tape
            .prepare_cached(
                "SELECT id, iif(first_part, first_part, ?1 + 1), iif(first_event, first_event, ?2 + 1)
                 FROM (SELECT * FROM packs ORDER BY id DESC LIMIT 1) AS newest
                 WHERE size < ?3 AND (first_part = 0 OR ?1 - first_part < ?4)
                     AND (first_event = 0 OR ?2 - first_event < ?4)",
            )?
            .query_row(params![upto.0, upto.1, wanted as i64, ROWS / 2], |row| {
                Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))
            })
            .optional()?;
        Ok(Self { upto, open })
    }

    /// The rows behind which the next pack begins.
    fn begin(&self) -> (i64, i64) {
        self.open.map_or(self.upto, |(_, (part, event))| (part - 1, event - 1))
    }
}

/// The last row that was looked at.
fn upto(tape: &Connection, table: &str) -> Result<i64, Error> {
    let mut select =
        tape.prepare_cached("SELECT upto FROM derived WHERE what = 'packed ' || ?1")?;
    Ok(select.query_row([table], |row| row.get(0)).optional()?.unwrap_or_default())
}

fn is_enough(tape: &Connection, (part, event): (i64, i64), wanted: usize) -> Result<bool, Error> {
    let mut select = tape.prepare_cached(
        "SELECT (SELECT coalesce(sum(size), 0) FROM (SELECT size FROM parts
                 WHERE id > ?1 AND size <= ?3 ORDER BY id LIMIT ?4))
             + (SELECT coalesce(sum(size), 0) FROM (SELECT size FROM event_rows
                 WHERE id > ?2 AND size <= ?3 ORDER BY id LIMIT ?4))",
    )?;
    let bytes: i64 =
        select.query_row(params![part, event, LARGEST as i64, ROWS], |row| row.get(0))?;
    Ok(bytes >= wanted as i64)
}

/// A pack's worth of what lies behind these rows, as it came.
fn read(tape: &Connection, (part, event): (i64, i64), wanted: usize) -> Result<Stretch, Error> {
    let moment = tape.unchecked_transaction()?;
    let mut reader = PartReader::new(&moment)?;
    let mut stretch = Stretch { wanted, part, event, ..Stretch::default() };
    let parts: Vec<i64> = moment
        .prepare_cached("SELECT id FROM parts WHERE id > ?1 ORDER BY id LIMIT ?2")?
        .query_map([part, ROWS], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let sql = format!(
        "SELECT id, {} FROM event_rows WHERE id > ?1 ORDER BY id LIMIT ?2",
        event::Stored::COLUMNS
    );
    let mut select = moment.prepare_cached(&sql)?;
    let mut rows = select.query([event, ROWS])?;
    while let Some(row) = rows.next()? {
        let stored = event::Stored::read(row)?;
        // What it was set aside from comes after what was set aside.
        let aside = stored.parts().unwrap_or_default();
        let newest = aside.iter().copied().max().unwrap_or_default();
        stretch.parts_upto(&mut reader, &parts, newest)?;
        if stretch.is_full() {
            return Ok(stretch);
        }
        stretch.event = row.get(0)?;
        // Away from the text that it repeats, it would take more room than beside it.
        if stored.leans_on_its_parts() && !aside.iter().all(|part| stretch.has(*part)) {
            continue;
        }
        match stored.own(&mut reader) {
            Ok(own) => stretch.add(Kind::Event, stretch.event, &own),
            Err(error) if error.is_damage() => {}
            Err(error) => return Err(error),
        }
    }
    stretch.parts_upto(&mut reader, &parts, i64::MAX)?;
    Ok(stretch)
}

fn write(tx: &Transaction<'_>, stretch: &Stretch, data: &[u8]) -> Result<(), Error> {
    let range = |kind| {
        let ids = || stretch.items.iter().filter(|item| item.kind == kind).map(|item| item.id);
        (ids().min().unwrap_or(0), ids().max().unwrap_or(0))
    };
    let (parts, events) = (range(Kind::Part), range(Kind::Event));
    tx.prepare_cached(
        "INSERT INTO packs (size, codec, items, live, first_part, last_part, first_event, last_event, data)
         VALUES (?1, ?2, 0, 0, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        stretch.content.len() as i64,
        Codec::Dictionary.number(),
        parts.0,
        parts.1,
        events.0,
        events.1,
        data
    ])?;
    let pack = tx.last_insert_rowid();
    let mut live = 0;
    {
        let bytes = "DELETE FROM loose WHERE id =
             (SELECT -data FROM parts WHERE id = ?1 AND typeof(data) = 'integer')";
        let mut bytes_of_part = tx.prepare_cached(bytes)?;
        let bytes = "DELETE FROM loose WHERE id =
             (SELECT -body FROM event_rows WHERE id = ?1 AND typeof(body) = 'integer')";
        let mut bytes_of_event = tx.prepare_cached(bytes)?;
        // Some may have been pruned meanwhile.
        let mut part = tx.prepare_cached("UPDATE parts SET codec = ?2, data = ?3 WHERE id = ?1")?;
        let mut event =
            tx.prepare_cached("UPDATE event_rows SET codec = ?2, body = ?3 WHERE id = ?1")?;
        for item in &stretch.items {
            let (bytes, update) = match item.kind {
                Kind::Part => (&mut bytes_of_part, &mut part),
                Kind::Event => (&mut bytes_of_event, &mut event),
            };
            let place = Place::new(pack, item.offset);
            bytes.execute([item.id])?;
            live += update.execute(params![item.id, item.codec.number(), place.0])?;
        }
    }
    tx.prepare_cached("UPDATE packs SET items = ?2, live = ?2 WHERE id = ?1")?
        .execute(params![pack, live as i64])?;
    tx.prepare_cached("DELETE FROM packs WHERE id = ?1 AND live = 0")?.execute([pack])?;
    let mut upto = tx.prepare_cached(
        "INSERT OR REPLACE INTO derived (what, upto) VALUES ('packed ' || ?1, ?2)",
    )?;
    upto.execute(params!["parts", stretch.part])?;
    upto.execute(params!["events", stretch.event])?;
    Ok(())
}

/// What was in this pack lies in a newer one. What could not be read stays.
fn is_made_anew(tx: &Transaction<'_>, pack: i64) -> Result<(), Error> {
    let rows = |table: &str, column: &str, first: &str, last: &str| {
        format!(
            "(SELECT count(*) FROM {table} WHERE id BETWEEN {first} AND {last}
                 AND typeof({column}) = 'integer' AND {column} >= 0 AND {column} >> {OFFSET_BITS} = packs.id)"
        )
    };
    let parts = rows("parts", "data", "first_part", "last_part");
    let events = rows("event_rows", "body", "first_event", "last_event");
    let live = format!("UPDATE packs SET live = {parts} + {events} WHERE id = ?1");
    tx.prepare_cached(&live)?.execute([pack])?;
    tx.prepare_cached("DELETE FROM packs WHERE id = ?1 AND live = 0")?.execute([pack])?;
    Ok(())
}

/// What was taken out of a pack.
#[derive(Default)]
pub(crate) struct TakenOut {
    pub(crate) items: i64,
    pub(crate) bytes: i64,
}

/// Takes the rest out of the pack that this was in, if that is less than half.
pub(crate) fn thin_out(tape: &Connection, place: Place) -> Result<TakenOut, Error> {
    let is_thin = "SELECT 1 FROM packs WHERE id = ?1 AND live * 2 < items";
    if place.is_packed() && tape.prepare_cached(is_thin)?.exists([place.pack()])? {
        take_apart(tape, place.pack())
    } else {
        Ok(TakenOut::default())
    }
}

/// The first pack after this one of which something is gone.
pub(crate) fn next_broken(tape: &Connection, after: i64) -> Result<Option<i64>, Error> {
    let next = "SELECT id FROM packs WHERE id > ?1 AND live < items ORDER BY id LIMIT 1";
    Ok(tape.prepare_cached(next)?.query_row([after], |row| row.get(0)).optional()?)
}

/// Takes what is left of a pack out of it: it lies by itself again, and the pack goes, with all that was deleted. One that
/// cannot be read stays.
pub(crate) fn take_apart(tape: &Connection, pack: i64) -> Result<TakenOut, Error> {
    let range = tape
        .prepare_cached(
            "SELECT first_part, last_part, first_event, last_event FROM packs WHERE id = ?1",
        )?
        .query_row([pack], |row| Ok([row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
        .optional()?;
    let Some([first_part, last_part, first_event, last_event]) = range else {
        return Ok(TakenOut::default());
    };
    let Ok(content) = content(tape, &mut Decoder::new()?, pack) else {
        return Ok(TakenOut::default());
    };
    let mut encoder = Encoder::new()?;
    let mut taken = TakenOut::default();
    let mut stays = false;
    for (table, column, first, last) in
        [("parts", "data", first_part, last_part), ("event_rows", "body", first_event, last_event)]
    {
        let mut select = tape.prepare_cached(&format!(
            "SELECT id, codec, size, {column} FROM {table} WHERE id BETWEEN ?1 AND ?2
                 AND typeof({column}) = 'integer' AND {column} >= 0 AND {column} >> {OFFSET_BITS} = ?3"
        ))?;
        let rows = select.query_map([first, last, pack], |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, i64>(2)?, Place(row.get(3)?)))
        })?;
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        let mut update = tape.prepare_cached(&format!(
            "UPDATE {table} SET codec = ?2, {column} = ?3 WHERE id = ?1"
        ))?;
        for (id, codec, size, place) in rows {
            let mut bytes = Vec::new();
            let found = item(&content, place.offset());
            if !found.is_some_and(|item| {
                unpack_onto(&mut bytes, codec, size.cast_unsigned(), item).is_ok()
            }) {
                stays = true;
                continue;
            }
            let stored = encoder.encode(&bytes)?;
            let data = put_down(tape, bytes.len(), &stored.data)?;
            update.execute(params![id, stored.codec.number(), data])?;
            taken.items += 1;
            taken.bytes += stored.data.len() as i64;
        }
    }
    if !stays {
        tape.prepare_cached("DELETE FROM packs WHERE id = ?1")?.execute([pack])?;
    }
    Ok(taken)
}
