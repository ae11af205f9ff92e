//! Files on the tape: what one contained is cut into parts at ends of lines, so that what an edit leaves as it was is
//! stored once.
//!
//! Where to cut is decided by the lines themselves ([`chunks`]): a line after which one is cut ends a part wherever it
//! stands, so that behind an edit the parts are soon the same again. A state's row has the list of its parts, as
//! that of a request's body ([`crate::body`]), and is there once for each content.

use std::{
    collections::{
        HashMap,
        hash_map::Entry::{Occupied, Vacant},
    },
    sync::Arc,
};

use octrace_core::attribution::line::{self, Line};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    Error,
    body::{self, Entry},
    part::{self, PartReader, Parts},
};

/// No part is shorter, but for a file's last one.
const MIN: usize = 1 << 10;

/// No part is longer.
const MAX: usize = 16 << 10;

/// Of so many lines, one ends a part: with [`MIN`], a part has about sixty lines.
const ONE_OF: u64 = 32;

/// The parts of a text, in order. Each but the last ends with a line feed, unless a line alone is too long for one. How
/// it is cut is no part of the format: any parts can be put together.
pub(crate) fn chunks(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (chunk, after) = rest.split_at(first_chunk(rest));
        rest = after;
        Some(chunk)
    })
}

/// The length of the first part.
fn first_chunk(text: &[u8]) -> usize {
    let within = &text[..text.len().min(MAX)];
    let mut begin = 0;
    for end in memchr::memchr_iter(b'\n', within).map(|at| at + 1) {
        let line = &within[begin..end];
        begin = end;
        if end >= MIN && ends_a_part(line) {
            return end;
        }
    }
    // What is left is one part; else it is cut after the last line that ends in it, or in the midst of a line.
    if within.len() == text.len() || begin < MIN { within.len() } else { begin }
}

/// Whether a part ends after this line: FNV-1a, whose high bits depend on all of it.
fn ends_a_part(line: &[u8]) -> bool {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = line.iter().fold(0xcbf2_9ce4_8422_2325, step);
    (hash >> 32).is_multiple_of(ONE_OF)
}

/// What a state is found by.
fn address(text: &[u8], exact: bool) -> [u8; 32] {
    *blake3::Hasher::new().update(text).update(&[u8::from(exact)]).finalize().as_bytes()
}

/// Stores what a file contained, unless the tape has it; its id.
pub(crate) fn put(
    tape: &Connection,
    parts: &mut Parts,
    text: &[u8],
    exact: bool,
) -> Result<i64, Error> {
    let hash = address(text, exact);
    if let Some(id) = part::find(tape, "file_states", &hash)? {
        return Ok(id);
    }
    let entry = |chunk| Ok(Entry { part: parts.put(tape, chunk)?, ..Entry::default() });
    let entries: Vec<Entry> = chunks(text).map(entry).collect::<Result<_, Error>>()?;
    tape.prepare_cached(
        "INSERT INTO file_states (hash, size, exact, parts) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        hash.as_slice(),
        i64::try_from(text.len()).unwrap_or(i64::MAX),
        exact,
        body::encode(&entries, None).bytes
    ])?;
    let id = tape.last_insert_rowid();
    note(tape, id, entries.iter().map(|entry| entry.part))?;
    Ok(id)
}

/// Notes that the state has these parts.
pub(crate) fn note(
    tape: &Connection,
    state: i64,
    parts: impl IntoIterator<Item = i64>,
) -> Result<(), Error> {
    let mut insert =
        tape.prepare_cached("INSERT OR IGNORE INTO state_uses (part, state) VALUES (?1, ?2)")?;
    for part in parts {
        insert.execute([part, state])?;
    }
    Ok(())
}

/// A state as its row has it.
pub(crate) struct State {
    pub(crate) hash: Vec<u8>,
    pub(crate) size: u64,
    /// Whether nothing was blanked in it.
    pub(crate) exact: bool,
    list: Vec<u8>,
}

impl State {
    pub(crate) fn read(tape: &Connection, id: i64) -> Result<Option<Self>, Error> {
        let mut select =
            tape.prepare_cached("SELECT hash, size, exact, parts FROM file_states WHERE id = ?1")?;
        let state = select.query_row([id], |row| {
            // What is damaged is no blob any more.
            let blob = |column| {
                Ok::<_, rusqlite::Error>(
                    row.get_ref(column)?.as_blob().unwrap_or_default().to_vec(),
                )
            };
            Ok(Self {
                hash: blob(0)?,
                size: row.get::<_, i64>(1)?.cast_unsigned(),
                exact: row.get(2)?,
                list: blob(3)?,
            })
        });
        Ok(state.optional()?)
    }

    /// Its parts, in order, with repetitions.
    pub(crate) fn parts(&self) -> Result<Vec<i64>, Error> {
        Ok(body::decode(&self.list, None)?.iter().map(|entry| entry.part).collect())
    }

    /// The bytes that the file had, as redacted.
    pub(crate) fn text(&self, reader: &mut PartReader<'_>) -> Result<Vec<u8>, Error> {
        let entries = body::decode(&self.list, None)?;
        body::restore(&entries, |part, text| reader.append(part, text))
    }

    /// Whether these are its bytes.
    pub(crate) fn is(&self, text: &[u8]) -> bool {
        self.size == text.len() as u64 && self.hash == address(text, self.exact)
    }
}

/// The lines of many states. A part that several have is read once.
pub(crate) struct StateLines<'t> {
    tape: &'t Connection,
    reader: PartReader<'t>,
    states: HashMap<i64, Arc<[Line]>>,
    parts: HashMap<Place, Piece>,
}

/// A part, and what its lines depend on beside its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    part: i64,
    /// Whether nothing was blanked in the state.
    exact: bool,
    /// Whether it is the state's first: a byte order mark belongs to no line there.
    is_first: bool,
}

/// The lines of a part that begins at a line.
struct Piece {
    lines: Vec<Line>,
    /// Whether the next part begins at one, too.
    ends_a_line: bool,
}

impl Place {
    fn lines(self, text: &[u8]) -> Vec<Line> {
        if self.is_first {
            line::lines(text, self.exact)
        } else {
            line::lines_within(text, self.exact)
        }
    }
}

impl<'t> StateLines<'t> {
    pub(crate) fn new(tape: &'t Connection) -> Result<Self, Error> {
        let reader = PartReader::new(tape)?;
        Ok(Self { tape, reader, states: HashMap::new(), parts: HashMap::new() })
    }

    /// The lines of the state with this id, as [`line::lines`] has them.
    pub(crate) fn get(&mut self, id: i64) -> Result<Arc<[Line]>, Error> {
        if let Some(lines) = self.states.get(&id) {
            return Ok(Arc::clone(lines));
        }
        let state = State::read(self.tape, id)?.ok_or_else(|| missing(id))?;
        let parts = state.parts()?;
        let mut lines = Vec::new();
        let mut rest = parts.as_slice();
        while let Some((&part, mut after)) = rest.split_first() {
            let place = Place { part, exact: state.exact, is_first: rest.len() == parts.len() };
            let piece = self.piece(place)?;
            if piece.ends_a_line || after.is_empty() {
                lines.extend_from_slice(&piece.lines);
            } else {
                // A line of several parts: what is read is theirs together.
                let mut text = self.reader.get(part)?;
                while let Some((&next, left)) =
                    after.split_first().filter(|_| !text.ends_with(b"\n"))
                {
                    self.reader.append(next, &mut text)?;
                    after = left;
                }
                lines.extend(place.lines(&text));
            }
            rest = after;
        }
        let lines: Arc<[Line]> = lines.into();
        self.states.insert(id, Arc::clone(&lines));
        Ok(lines)
    }

    fn piece(&mut self, place: Place) -> Result<&Piece, Error> {
        Ok(match self.parts.entry(place) {
            Occupied(known) => known.into_mut(),
            Vacant(room) => {
                let bytes = self.reader.get(place.part)?;
                let ends_a_line = bytes.ends_with(b"\n");
                room.insert(Piece { lines: place.lines(&bytes), ends_a_line })
            }
        })
    }
}

/// A state that something names is not there.
pub(crate) fn missing(state: i64) -> Error {
    Error::damaged(format!("what a file contained (state {state}) is missing"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::migrate;

    /// Source code of about so many bytes: lines of many lengths, some of them often.
    fn code(bytes: usize, seed: u64) -> String {
        let mut text = String::new();
        let mut number = 0_u64;
        while text.len() < bytes {
            number += 1;
            let hash = blake3::hash(&(seed << 32 | number).to_le_bytes()).to_hex();
            match number % 5 {
                0 => text.push_str("    }\n"),
                1 => text.push('\n'),
                _ => {
                    let word: String = hash.chars().take((number % 40) as usize).collect();
                    text.push_str(&format!("        let value_{number} = call(\"{word}\");\n"));
                }
            }
        }
        text
    }

    fn stored(tape: &Connection, parts: &mut Parts, text: &[u8], exact: bool) -> i64 {
        let id = put(tape, parts, text, exact).unwrap();
        let state = State::read(tape, id).unwrap().unwrap();
        assert_eq!(state.text(&mut PartReader::new(tape).unwrap()).unwrap(), text);
        assert!(state.is(text) && state.exact == exact);
        id
    }

    #[test]
    fn parts_end_with_lines_and_are_neither_tiny_nor_huge() {
        let text = code(200_000, 1);
        let parts: Vec<&[u8]> = chunks(text.as_bytes()).collect();
        let (last, whole) = parts.split_last().unwrap();
        assert!(whole.iter().all(|part| part.ends_with(b"\n") && part.len() >= MIN));
        assert!(last.len() <= MAX && whole.iter().all(|part| part.len() <= MAX));
        let average = text.len() / parts.len();
        assert!((1_500..5_000).contains(&average), "{average}");
        let line = "x".repeat(100_000);
        assert_eq!(chunks(line.as_bytes()).map(<[u8]>::len).max(), Some(MAX));
        assert_eq!(chunks(b"").count(), 0);
    }

    #[test]
    fn an_edit_of_a_large_file_adds_few_parts() {
        let tape = migrate::in_memory().unwrap();
        let mut parts = Parts::default();
        let count = || -> i64 {
            tape.query_row("SELECT count(*) FROM parts", [], |row| row.get(0)).unwrap()
        };
        let mut text = code(100_000, 1);
        stored(&tape, &mut parts, text.as_bytes(), true);
        for edit in 0..50 {
            let before = count();
            let at = text.match_indices('\n').nth(edit * 31).unwrap().0 + 1;
            match edit % 3 {
                0 => text.insert_str(at, &format!("inserted {edit}\n")),
                1 => text.replace_range(at..at + 40, "other"),
                _ => text.insert_str(at, &code(900, edit as u64 + 2)),
            }
            stored(&tape, &mut parts, text.as_bytes(), true);
            assert!(count() - before <= 5, "edit {edit}: {} parts", count() - before);
        }
        let all = count();
        let first = stored(&tape, &mut parts, text.as_bytes(), true);
        assert_eq!(stored(&tape, &mut parts, text.as_bytes(), true), first);
        assert_ne!(stored(&tape, &mut parts, text.as_bytes(), false), first, "blanked or not");
        assert_eq!(count(), all);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_bytes_come_back_and_have_their_lines(
            texts in prop::collection::vec(
                prop::collection::vec(
                    prop_oneof![
                        4 => "[a-c]{0,3}\r?\n".prop_map(String::into_bytes),
                        1 => Just(b"\xef\xbb\xbf".to_vec()),
                        1 => Just(b"[REDACTED]\n".to_vec()),
                        1 => prop::collection::vec(any::<u8>(), 0..40),
                        1 => (0..3_usize).prop_map(|n| vec![b'y'; n * 12_000]),
                        1 => (0..900_usize).prop_map(|n| code(n * 10, n as u64).into_bytes()),
                    ],
                    0..12,
                ),
                1..4,
            ),
            exact in any::<bool>(),
        ) {
            let tape = migrate::in_memory().unwrap();
            let mut parts = Parts::default();
            let texts: Vec<Vec<u8>> = texts.iter().map(|pieces| pieces.concat()).collect();
            let ids: Vec<i64> =
                texts.iter().map(|text| stored(&tape, &mut parts, text, exact)).collect();
            let mut lines = StateLines::new(&tape).unwrap();
            for (text, id) in texts.iter().zip(ids) {
                prop_assert_eq!(&*lines.get(id).unwrap(), &*line::lines(text, exact));
            }
        }
    }
}
