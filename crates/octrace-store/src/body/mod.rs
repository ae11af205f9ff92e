//! Bodies are stored once. A session of 200 turns sends its beginning 200 times; the tape keeps each piece of it
//! one time and each request as what changed since the one before.
//!
//! * [`split()`] cuts a body into [`Piece`]s at the boundaries of its big arrays' elements. It sets cache markers
//!   aside, which move from turn to turn and would else make two new variants of old messages each time, and long
//!   strings, which stand in events, too ([`set_aside`]).
//! * Every piece, and everything that was set aside, is a *part*: the tape stores it under its address
//!   ([`crate::codec`]) and gives it an integer id. [`entries`] asks for these ids.
//! * [`encode`] and [`decode`] write a row of [`Entry`]s as a list, whole or as the difference to its
//!   parent's. Full lists alone grow with the square of the turns.
//! * [`restore`] puts the body together again, byte for byte.
//!
//! Nothing here knows JSON's meaning or SQLite. What is not JSON is one piece.

mod list;
mod split;

#[cfg(test)]
mod growth;
#[cfg(test)]
pub(crate) mod sample;

pub use list::{List, MAX_CHAIN, Parent, decode, encode, is_whole};
pub use split::{Aside, Mark, Piece, markers, set_aside, split, split_from};

use crate::codec::MAX_SIZE;

/// The most entries and insertions that one body has together. No context window holds as many messages; a body
/// with more elements keeps the rest of them in one piece.
pub const MAX_ITEMS: usize = 16_384;

/// One piece of a body, as the tape knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The id of the part with the piece's bytes, but for what was set aside.
    pub part: i64,
    /// Whether a comma follows.
    pub comma: bool,
    /// What has to be put back into the part, by rising offset.
    pub insertions: Vec<Insertion>,
}

/// The place and the bytes of what was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Insertion {
    /// Where it goes, in bytes of the part as stored.
    pub offset: u64,
    /// The id of the part with its bytes.
    pub part: i64,
}

/// Why a body could not be restored.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The list's first byte is none of ours.
    #[error(
        "a body's list begins with {0:#04x}, which this octrace does not know; a newer one may have written it"
    )]
    UnknownList(u8),
    /// The list ends early, or goes on after its end.
    #[error("a body's list of {0} bytes does not end where it should")]
    WrongLength(usize),
    /// A number in the list cannot be.
    #[error("a body's list is damaged at byte {0}")]
    Damaged(usize),
    /// A difference without what it differs from.
    #[error("a body's list is the difference to a parent that is missing")]
    NoParent,
    /// More entries and insertions than [`MAX_ITEMS`].
    #[error("a body's list has more than {MAX_ITEMS} entries")]
    TooManyItems,
    /// An insertion's offset is beyond its part, or before the last one's.
    #[error("something belongs at byte {offset} of part {part}, which is not there")]
    NoSuchPlace {
        /// The part that it should go into.
        part: i64,
        /// Where, in bytes.
        offset: u64,
    },
    /// The parts together are larger than any body on the tape.
    #[error("a body would be larger than {MAX_SIZE} bytes")]
    TooBig,
}

/// The entries of these pieces. `put` stores bytes as a part, unless the tape has them, and says its id; it is
/// called for each piece and for everything that was set aside.
pub fn entries<E>(
    pieces: &[Piece<'_>],
    mut put: impl FnMut(&[u8]) -> Result<i64, E>,
) -> Result<Vec<Entry>, E> {
    let entry = |piece: &Piece<'_>| {
        let part = put(&piece.content)?;
        let insertions = insertions(&piece.aside, &mut put)?;
        Ok(Entry { part, comma: piece.comma, insertions })
    };
    pieces.iter().map(entry).collect()
}

/// The insertions of what was set aside; `put` as for [`entries`].
pub fn insertions<E>(
    aside: &[Aside<'_>],
    mut put: impl FnMut(&[u8]) -> Result<i64, E>,
) -> Result<Vec<Insertion>, E> {
    let insertion =
        |aside: &Aside<'_>| Ok(Insertion { offset: aside.offset as u64, part: put(aside.bytes)? });
    aside.iter().map(insertion).collect()
}

/// The body that these entries stand for. `part` appends a part's bytes, uncompressed; its errors are handed on. A
/// large body is in memory once: what was set aside comes straight to its place.
pub fn restore<E: From<Error>>(
    entries: &[Entry],
    mut part: impl FnMut(i64, &mut Vec<u8>) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    let mut body = Vec::new();
    let mut piece = Vec::new();
    for entry in entries {
        if entry.insertions.is_empty() {
            part(entry.part, &mut body)?;
        } else {
            piece.clear();
            part(entry.part, &mut piece)?;
            let mut rest = piece.as_slice();
            let mut done = 0;
            for insertion in &entry.insertions {
                let step =
                    insertion.offset.checked_sub(done).and_then(|step| usize::try_from(step).ok());
                let Some((before, after)) = step.and_then(|step| rest.split_at_checked(step))
                else {
                    let (part, offset) = (entry.part, insertion.offset);
                    return Err(Error::NoSuchPlace { part, offset }.into());
                };
                body.extend_from_slice(before);
                part(insertion.part, &mut body)?;
                is_possible(&body)?;
                (rest, done) = (after, insertion.offset);
            }
            body.extend_from_slice(rest);
        }
        if entry.comma {
            body.push(b',');
        }
        is_possible(&body)?;
    }
    Ok(body)
}

fn is_possible(body: &[u8]) -> Result<(), Error> {
    if body.len() > MAX_SIZE { Err(Error::TooBig) } else { Ok(()) }
}
