//! A file that is read line by line and may change at any moment: somebody appends to it, cuts it, puts another one in
//! its place, or deletes it.
//!
//! What is appended is read on. Everything else makes another file of it: no place that was noted before is believed
//! any more. To tell them apart there are the file's number on its disk, its size, and the end of the last line that
//! was read, which has to be there still.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Instant,
};

use rustix::fs::OFlags;

use super::{
    index::{Index, Span},
    line,
};

/// So much is read at once.
const PIECE: usize = 1 << 20;

/// A line that is longer is passed over.
const LONGEST: usize = 512 << 20;

/// A file's first line is looked at as far as this, before the file is read.
const PEEK: usize = 64 << 10;

/// So much of a line's end has to be there still.
const MARK: usize = 32;

/// One file and what it says.
pub(super) struct File {
    path: PathBuf,
    /// Its name without its ending.
    pub(super) stem: String,
    /// Whether it is what a person named, which may be a link.
    is_named: bool,
    identity: Option<(u64, u64)>,
    /// As it was looked at last.
    size: u64,
    modified_ns: i128,
    reading: Option<fs::File>,
    /// Where `buffer` begins in the file.
    at: u64,
    buffer: Vec<u8>,
    /// Where in the buffer the next line begins, and how far its end was looked for.
    start: usize,
    searched: usize,
    is_too_long: bool,
    /// The end of the line before that.
    mark: Vec<u8>,
    /// Whether all that is there was read.
    is_read: bool,
    /// Whether it was live when it was looked at last.
    was_live: bool,
    /// Lines that are longer than anything we take into memory.
    pub(super) too_long: u64,
    pub(super) index: Index,
}

/// What became of a file since it was looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Same,
    /// There is more of it.
    Grown,
    /// What was read is not what is there now.
    Replaced,
    Gone,
}

impl File {
    /// A file that nothing was read of yet.
    pub(super) fn new(path: PathBuf, is_named: bool) -> Self {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self {
            path,
            stem,
            is_named,
            identity: None,
            size: 0,
            modified_ns: 0,
            reading: None,
            at: 0,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            is_too_long: false,
            mark: Vec::new(),
            is_read: false,
            was_live: false,
            too_long: 0,
            index: Index::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How far it is read, and how large it is, in bytes.
    pub(super) fn progress(&self) -> (u64, u64) {
        let done = self.at + self.buffer.len() as u64;
        if self.is_read { (self.size, self.size) } else { (done.min(self.size), self.size) }
    }

    pub(super) fn is_read(&self) -> bool {
        self.is_read
    }

    /// When it was written to last, µs since the Unix epoch.
    pub(super) fn modified_us(&self) -> i64 {
        i64::try_from(self.modified_ns / 1000).unwrap_or_default()
    }

    /// Looks at what became of it.
    pub(super) fn look(&mut self) -> io::Result<Fate> {
        let found =
            if self.is_named { fs::metadata(&self.path) } else { fs::symlink_metadata(&self.path) };
        let found = match found {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Fate::Gone),
            Err(error) => return Err(error),
        };
        let identity = (found.dev(), found.ino());
        let modified_ns =
            i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec());
        let before = (self.identity.replace(identity), self.size, self.modified_ns);
        (self.size, self.modified_ns) = (found.len(), modified_ns);
        match before {
            (None, ..) => Ok(Fate::Grown),
            (Some(before), ..) if before != identity => Ok(Fate::Replaced),
            (_, size, modified) if (size, modified) == (self.size, modified_ns) => Ok(Fate::Same),
            _ if self.size < self.at + self.start as u64 => Ok(Fate::Replaced),
            (_, size, _) => {
                if !self.open()? {
                    return Ok(Fate::Replaced);
                }
                if size == self.size && self.is_read {
                    self.rest();
                    return Ok(Fate::Same);
                }
                self.is_read = false;
                Ok(Fate::Grown)
            }
        }
    }

    /// Whether it has just become so old that nobody waits for what is open in it.
    pub(super) fn ends(&mut self, now_us: i64) -> bool {
        let is_live = self.is_live(now_us);
        let ends = std::mem::replace(&mut self.was_live, is_live) && !is_live;
        if ends {
            self.index.end();
        }
        ends
    }

    /// It cannot be read.
    pub(super) fn give_up(&mut self) {
        self.rest();
    }

    /// Its first line, as far as it can be told from a short piece; `None` where it is none of a record.
    pub(super) fn peek(&mut self) -> io::Result<bool> {
        let file = open(&self.path, self.is_named)?;
        let mut buffer = vec![0; PEEK];
        let length = read_at(&file, &mut buffer, 0)?;
        let beginning = &buffer[..length];
        let mut is_foreign = false;
        for text in beginning.split_inclusive(|byte| *byte == b'\n') {
            if let Some(record) = line::begins(text) {
                let session = line::text(record.session);
                let part = self.index.part(session.as_deref().unwrap_or(&self.stem));
                if let Some(at_us) = record.at_us() {
                    self.index.parts[part as usize].span_us = (at_us, at_us);
                }
                return Ok(true);
            }
            is_foreign |= text.ends_with(b"\n") && !text.trim_ascii().is_empty();
        }
        // What goes on beyond the piece may yet be one.
        Ok(!is_foreign)
    }

    /// Reads on until the deadline or the end.
    pub(super) fn read(&mut self, deadline: Instant) -> io::Result<()> {
        if self.reading.is_none() && !self.open()? {
            // The next look tells.
            self.rest();
            self.identity = Some((0, 0));
            return Ok(());
        }
        while Instant::now() < deadline {
            if self.next_line() {
                continue;
            }
            if self.buffer.len() - self.start > LONGEST {
                self.too_long += u64::from(!self.is_too_long);
                self.is_too_long = true;
                self.start = self.buffer.len();
            }
            self.buffer.drain(..self.start);
            self.at += self.start as u64;
            (self.start, self.searched) = (0, self.buffer.len());
            if self.buffer.is_empty() {
                // A long line took much room.
                self.buffer.shrink_to(2 * PIECE);
            }
            let known = self.buffer.len();
            self.buffer.resize(known + PIECE, 0);
            let length = match &self.reading {
                Some(file) => read_at(file, &mut self.buffer[known..], self.at + known as u64),
                None => Ok(0),
            };
            self.buffer.truncate(known + length.as_ref().copied().unwrap_or_default());
            if length? == 0 {
                self.last_line();
                self.rest();
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes a line out of the buffer; whether there was one.
    fn next_line(&mut self) -> bool {
        let Some(length) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            return false;
        };
        let end = self.searched + length;
        if !std::mem::take(&mut self.is_too_long) {
            self.take(end);
        }
        self.note(end);
        (self.start, self.searched) = (end + 1, end + 1);
        true
    }

    /// The last line may want its end: nothing can follow what is whole.
    fn last_line(&mut self) {
        let rest = &self.buffer[self.start..];
        if rest.trim_ascii_end().ends_with(b"}") && !self.is_too_long {
            let end = self.buffer.len();
            let broken = self.index.broken;
            if self.take(end) {
                self.note(end);
                self.start = end;
            }
            self.index.broken = broken;
        }
    }

    fn take(&mut self, end: usize) -> bool {
        let line = &self.buffer[self.start..end];
        self.index.add(self.at + self.start as u64, line, &self.stem)
    }

    fn note(&mut self, end: usize) {
        self.mark.clear();
        self.mark.extend_from_slice(&self.buffer[self.start.max(end.saturating_sub(MARK))..end]);
        if self.buffer.get(end) == Some(&b'\n') {
            self.mark.push(b'\n');
        }
    }

    /// Nothing more is there at the moment. A line that is not whole yet is read again when it is.
    fn rest(&mut self) {
        self.at += self.start as u64;
        self.buffer = Vec::new();
        (self.start, self.searched) = (0, 0);
        self.reading = None;
        self.is_read = true;
    }

    /// Opens it to read on. Whether it is the one that was read before.
    fn open(&mut self) -> io::Result<bool> {
        let file = open(&self.path, self.is_named)?;
        let found = file.metadata()?;
        let mut mark = vec![0; self.mark.len()];
        let next = self.at + self.start as u64;
        let from = next.saturating_sub(mark.len() as u64);
        let length = read_at(&file, &mut mark, from)?;
        let is_same = self.identity.is_none_or(|known| known == (found.dev(), found.ino()))
            && length == self.mark.len()
            && mark == self.mark;
        if is_same && self.reading.is_none() {
            self.reading = Some(file);
        }
        Ok(is_same)
    }

    /// The bytes of a line that was read, as they are there now.
    pub(super) fn line(&self, span: Span) -> io::Result<Vec<u8>> {
        let file = open(&self.path, self.is_named)?;
        let mut line = vec![0; span.length as usize];
        let length = read_at(&file, &mut line, span.offset)?;
        line.truncate(length);
        Ok(line)
    }
}

/// Opens a regular file, and nothing that could make us wait.
pub(super) fn open(path: &Path, follows: bool) -> io::Result<fs::File> {
    let nofollow = if follows { OFlags::empty() } else { OFlags::NOFOLLOW };
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NONBLOCK | nofollow).bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
    }
}

/// Fills the buffer as far as the file goes.
fn read_at(file: &fs::File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<usize> {
    let mut length = 0;
    while !buffer.is_empty() {
        match file.read_at(buffer, offset) {
            Ok(0) => break,
            Ok(read) => {
                length += read;
                offset += read as u64;
                buffer = buffer.get_mut(read..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
