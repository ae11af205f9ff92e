//! Looking through spools without taking anything: what is in them that the tape does not have yet, and whether
//! all of it can be read.

use std::{
    io::{self, Read},
    path::Path,
};

use octrace_wire::segment::{self, Scan, SegmentError, Tail};
use serde::Serialize;

use super::{
    place::Place,
    spool::{self, Spool, SpoolError},
    writer::Writer,
};

/// The most of one segment that is looked at: far more than the plugin ever writes into one.
const MOST: u64 = 256 << 20;

/// What was found in one spool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Inspection {
    /// Its name.
    pub(crate) name: String,
    /// Whether its OpenCode may still write to it.
    pub(crate) live: bool,
    /// Whole frames in it.
    pub(crate) frames: u64,
    /// Bytes at its end that are no whole frame: what was being written, or never came to its end when OpenCode was
    /// killed. No damage.
    pub(crate) unfinished_bytes: u64,
    /// What is broken, in words.
    pub(crate) broken: Vec<String>,
}

/// Looks through the spools of this place.
pub(crate) fn inspect(place: &Place) -> Vec<Inspection> {
    let folders = place.roots.iter().flat_map(|root| spool::spools_in(root));
    folders.filter_map(|folder| inspect_one(&folder, place)).collect()
}

fn inspect_one(folder: &Path, place: &Place) -> Option<Inspection> {
    let spool = Spool::open(folder).ok()?;
    let mut found = Inspection { name: spool.name(), ..Inspection::default() };
    match spool.hello() {
        Ok(Some(hello)) if !place.is_for(&hello) => return None,
        Ok(hello) => {
            let writer = hello.as_ref().map(Writer::new).unwrap_or_default();
            found.live = !writer.is_dead(folder);
        }
        // Named below, with the segment that it is.
        Err(_) => {}
    }
    match spool.segments() {
        Ok(segments) => {
            for number in &segments {
                let last = Some(number) == segments.last();
                match read(&spool, *number) {
                    Ok(Some(bytes)) => look(&mut found, *number, &bytes, last),
                    // Read and deleted by its recorder meanwhile.
                    Ok(None) => {}
                    Err(error) => found.broken.push(format!("segment {number}: {error}")),
                }
            }
        }
        Err(_) if !folder.exists() => return None,
        Err(error) => found.broken.push(error.to_string()),
    }
    Some(found)
}

fn read(spool: &Spool, number: u64) -> Result<Option<Vec<u8>>, SpoolError> {
    let Some(file) = spool.open_segment(number)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let io = |source: io::Error| SpoolError::Io { path: spool.folder().to_owned(), source };
    file.take(MOST).read_to_end(&mut bytes).map_err(io)?;
    Ok(Some(bytes))
}

fn look(found: &mut Inspection, number: u64, bytes: &[u8], last: bool) {
    match segment::check_header(bytes) {
        Ok(_) => {}
        Err(SegmentError::Incomplete) => {
            found.unfinished_bytes += bytes.len() as u64;
            return;
        }
        Err(error) => return found.broken.push(format!("segment {number}: {error}")),
    }
    let mut at = segment::HEADER;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let mut scan = Scan::new(rest);
        found.frames += scan.by_ref().count() as u64;
        at += scan.consumed();
        match scan.tail() {
            Tail::Clean => return,
            // A short write ends a segment; the next one begins with what it was.
            Tail::Partial(length) => {
                if last {
                    found.unfinished_bytes += length as u64;
                }
                return;
            }
            Tail::Broken(_, error) => {
                found.broken.push(format!("segment {number}, byte {at}: {error}"));
                let rest = bytes.get(at..).unwrap_or_default();
                match spool::broken_length(rest) {
                    length if length < rest.len() => at += length.max(1),
                    _ => return,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use octrace_testkit::Author;

    use super::{super::tests::room, *};

    #[test]
    fn a_torn_tail_is_no_damage_and_a_flipped_bit_is() {
        let room = room();
        let mut author = Author::dead(&room.root, "1-a");
        for _ in 0..3 {
            author.roll();
        }
        let segment = |number| author.folder.join(segment::file_name(number));
        let look = || inspect(&room.place()).pop().unwrap();
        let whole = look();
        assert_eq!(
            (whole.frames, whole.unfinished_bytes, whole.broken.len()),
            (4, 0, 0),
            "{whole:?}"
        );

        let bytes = fs::read(segment(4)).unwrap();
        fs::write(segment(4), &bytes[..bytes.len() - 5]).unwrap();
        let torn = look();
        assert_eq!((torn.frames, torn.broken.len()), (3, 0), "{torn:?}");
        assert_eq!(torn.unfinished_bytes as usize, bytes.len() - 5 - segment::HEADER);

        let mut bytes = fs::read(segment(2)).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(segment(2), &bytes).unwrap();
        fs::write(segment(3), b"something else").unwrap();
        let broken = look();
        assert_eq!((broken.frames, broken.broken.len()), (1, 2), "{broken:?}");
        insta::assert_snapshot!(broken.broken.join("\n"), @"
        segment 2, byte 16: the frame's checksum does not match
        segment 3: the file is not an octrace segment
        ");
    }

    #[test]
    fn rubbish_is_named_and_foreign_spools_are_left_out() {
        let room = room();
        let mut other = Author::alive(&room.root, "2-b");
        other.roll_for("/elsewhere");
        fs::remove_file(other.folder.join(segment::file_name(1))).unwrap();
        fs::create_dir(room.root.join("3-c")).unwrap();
        fs::write(room.root.join("3-c").join(segment::file_name(1)), [0xff; 900]).unwrap();
        let found = inspect(&room.place());
        assert_eq!(found.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["3-c"]);
        assert_eq!(found[0].broken.len(), 1);
    }
}
