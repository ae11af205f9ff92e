//! One segment file: a header of 16 bytes, then frames.
//!
//! ```text
//! offset  size  field
//!      0     4  magic    "OCTS"
//!      4     2  version  of the format, [`crate::VERSION`]
//!      6     2  reserved zero
//!      8     8  number   of the segment in its spool, from 1; as in the file's name
//!     16     …  frames
//! ```
//!
//! The plugin begins a new segment once the current one has reached 8 MiB, and after any short write (a
//! full RAM disk accepts a part of a write). So only a segment's tail can be torn, and a torn tail
//! is followed either by nothing (the writer died) or by the next segment, whose first frame
//! repeats what was torn or is a [`crate::frame::Kind::Gap`] that counts it.
//!
//! A reader therefore stops at the first thing that is not a whole frame and asks one question: is
//! there a next segment, or is the writer dead? Then the tail is lost for good and is counted;
//! otherwise the rest is still on its way. [`Scan`] gives the frames and that tail.

use crate::{
    VERSION,
    frame::{Frame, FrameError},
};

/// Bytes before the first frame.
pub const HEADER: usize = 16;

/// The first four bytes of every segment.
pub const MAGIC: [u8; 4] = *b"OCTS";

/// The plugin begins a new segment once the current one is at least this long, in bytes.
pub const ROLL_AT: u64 = 8 << 20;

/// Why a file is not a segment that this version can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// Not even a header yet: a new file, or a torn one.
    #[error("the segment has no complete header")]
    Incomplete,
    /// Something else has this name.
    #[error("the file is not an octrace segment")]
    NotOurs,
    /// Written by another version of the format.
    #[error("the segment has format version {0}; this octrace reads up to version {VERSION}")]
    Version(u16),
}

/// The header of segment `number`.
pub fn header(number: u64) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[0..4].copy_from_slice(&MAGIC);
    bytes[4..6].copy_from_slice(&VERSION.to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// Checks a segment's first bytes; gives its number.
pub fn check_header(bytes: &[u8]) -> Result<u64, SegmentError> {
    let Some(header) = bytes.first_chunk::<HEADER>() else {
        let known = bytes.len().min(MAGIC.len());
        let ours = bytes[..known] == MAGIC[..known];
        return Err(if ours { SegmentError::Incomplete } else { SegmentError::NotOurs });
    };
    if header[0..4] != MAGIC {
        return Err(SegmentError::NotOurs);
    }
    let version = u16::from_le_bytes([header[4], header[5]]);
    if version != VERSION {
        return Err(SegmentError::Version(version));
    }
    let mut number = [0; 8];
    number.copy_from_slice(&header[8..16]);
    Ok(u64::from_le_bytes(number))
}

/// The file name of segment `number`.
pub fn file_name(number: u64) -> String {
    format!("{number:08}.seg")
}

/// The number in a segment's file name; `None` for any other file.
pub fn number_of(file_name: &str) -> Option<u64> {
    let number = file_name.strip_suffix(".seg")?.parse().ok()?;
    (number > 0 && number < u64::MAX && self::file_name(number) == file_name).then_some(number)
}

/// What is left where the whole frames end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing: the bytes end with a frame.
    Clean,
    /// This many bytes of a frame whose rest is missing.
    Partial(usize),
    /// This many bytes that are no frame.
    Broken(usize, FrameError),
}

/// Iterates over the whole frames in `bytes`, which begin at a frame's first byte (after the
/// segment's header).
#[derive(Clone, Debug)]
pub struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    /// Begins at the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes the frames so far took.
    pub fn consumed(&self) -> usize {
        self.at
    }

    /// What stands where the iteration ended.
    pub fn tail(&self) -> Tail {
        let rest = &self.bytes[self.at..];
        match Frame::decode(rest) {
            _ if rest.is_empty() => Tail::Clean,
            Ok(_) => Tail::Clean,
            Err(FrameError::Incomplete) => Tail::Partial(rest.len()),
            Err(error) => Tail::Broken(rest.len(), error),
        }
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (frame, length) = Frame::decode(&self.bytes[self.at..]).ok()?;
        self.at += length;
        Some(frame)
    }
}
