//! Reading one spool: which segments there are, the next whole frame, what can be deleted.
//!
//! The plugin writes, we read; nobody locks or truncates anything of the other's. What makes this safe
//! is an order of looking (see [`Spool::next_chunk`]): *first* whether a later segment exists, *then* the
//! bytes. A writer finishes a segment before it begins the next, so what is not whole by then never
//! will be.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use octrace_store::Position;
use octrace_wire::{
    frame::{self, Frame, FrameError, Kind},
    payload::Hello,
    segment::{self, Scan, SegmentError, Tail},
};
use rustix::fs::OFlags;

/// The recorder's claim on the spool; a file, so that the system releases it however we end.
const LOCK: &str = ".lock";

/// What a consumed spool's name begins with while it is being deleted.
const GONE: &str = ".gone-";

/// At most this much of a segment is in memory at once. More than the longest frame, so that there
/// is always progress.
const CHUNK: usize = frame::HEADER + 2 * frame::MAX_PAYLOAD;

/// One spool folder, and how far it was read.
pub(crate) struct Spool {
    folder: PathBuf,
    position: Position,
    /// The first segment there was when it was last looked for the next bytes.
    first: Option<u64>,
}

/// While it lives, no other recorder reads the spool.
pub(crate) struct Claim {
    lock: File,
}

/// What [`Spool::next_chunk`] found.
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    begin: Position,
    /// Bytes that are no frame and never will be.
    pub(crate) torn: u64,
    /// Whether there was nothing behind it. What came meanwhile, the watch tells of.
    pub(crate) is_all: bool,
}

impl Chunk {
    /// Its whole frames, each with where it begins and where the next one does.
    pub(crate) fn frames(&self) -> impl Iterator<Item = (Position, Position, Frame<'_>)> {
        let mut scan = Scan::new(&self.bytes);
        std::iter::from_fn(move || {
            let begin = scan.consumed();
            let frame = scan.next()?;
            Some((self.at(begin), self.at(scan.consumed()), frame))
        })
    }

    fn at(&self, offset: usize) -> Position {
        Position { segment: self.begin.segment, offset: self.begin.offset + offset as u64 }
    }
}

/// Why a spool cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    /// Not a folder of ours: a link, somebody else's, or gone.
    #[error("{path} is not a spool of this user: {why}")]
    Refused { path: PathBuf, why: &'static str },
    /// Written in a format that this build does not know. It is left as it is.
    #[error("{path}: {source}")]
    Format { path: PathBuf, source: SegmentError },
    /// The system refused.
    #[error("cannot read the spool {path}")]
    Io { path: PathBuf, source: io::Error },
}

impl Spool {
    /// A spool at `folder`, to be read from `position` on.
    pub(crate) fn open(folder: &Path) -> Result<Self, SpoolError> {
        let refused = |why| SpoolError::Refused { path: folder.to_owned(), why };
        let found = fs::symlink_metadata(folder).map_err(|_| refused("there is no such folder"))?;
        if !found.is_dir() {
            return Err(refused("it is not a folder"));
        }
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(refused("it belongs to somebody else"));
        }
        Ok(Self { folder: folder.to_owned(), position: Position::START, first: None })
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder's name: the spool's name on the tape.
    pub(crate) fn name(&self) -> String {
        self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// What the writer said of itself in the oldest segment where it came to that; `None` where it never did.
    pub(crate) fn hello(&self) -> Result<Option<Hello>, SpoolError> {
        for segment in self.segments()? {
            let position = Position { segment, offset: 0 };
            let mut spool = Self { folder: self.folder.clone(), position, first: None };
            let chunk = spool.read_segment(false)?;
            let first = chunk.as_ref().and_then(|chunk| chunk.frames().next());
            let said = first.filter(|(.., frame)| frame.head.kind == Kind::Hello);
            let hello = said.and_then(|(.., frame)| serde_json::from_slice(frame.payload).ok());
            if hello.is_some() {
                return Ok(hello);
            }
        }
        Ok(None)
    }

    /// Continues from `position`.
    pub(crate) fn seek(&mut self, position: Position) {
        self.position = position;
    }

    /// How far it was read.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Claims the spool if nobody else has it.
    pub(crate) fn try_claim(&self) -> Result<Option<Claim>, SpoolError> {
        let lock = self.lock_file()?;
        match lock.try_lock() {
            Ok(()) => Ok(self.still_there(&lock).then_some(Claim { lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(self.io(error)),
        }
    }

    /// Claims the spool as soon as whoever has it is done; `None` when it is gone by then.
    pub(crate) fn claim(&self) -> Result<Option<Claim>, SpoolError> {
        let lock = self.lock_file()?;
        lock.lock().map_err(|error| self.io(error))?;
        Ok(self.still_there(&lock).then_some(Claim { lock }))
    }

    /// Whether the claim still stands: false once somebody has deleted the folder under us.
    pub(crate) fn is_claimed_by(&self, claim: &Claim) -> bool {
        self.still_there(&claim.lock)
    }

    fn lock_file(&self) -> Result<File, SpoolError> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(self.folder.join(LOCK))
            .map_err(|error| self.io(error))
    }

    /// Whether the lock we hold is the one in the folder: the spool may have been consumed and deleted
    /// while we waited.
    fn still_there(&self, lock: &File) -> bool {
        let held = lock.metadata().map(|held| (held.dev(), held.ino()));
        let named = fs::symlink_metadata(self.folder.join(LOCK)).map(|n| (n.dev(), n.ino()));
        matches!((held, named), (Ok(held), Ok(named)) if held == named)
    }

    /// The numbers of the segments that are there, in order.
    pub(crate) fn segments(&self) -> Result<Vec<u64>, SpoolError> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|error| self.io(error))? {
            let entry = entry.map_err(|error| self.io(error))?;
            // A folder or a link with a segment's name is not the plugin's: it stays, and stops nothing.
            if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                continue;
            }
            numbers.extend(entry.file_name().to_str().and_then(segment::number_of));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The next bytes with at least one whole frame, or with something torn to pass over; `None` when
    /// there is nothing more for now. With `ended`, the writer is dead, and what is not whole is torn.
    /// The position is then behind them.
    pub(crate) fn next_chunk(&mut self, ended: bool) -> Result<Option<Chunk>, SpoolError> {
        loop {
            let segments = self.segments()?;
            self.first = segments.first().copied();
            let later = segments.iter().copied().find(|number| *number > self.position.segment);
            let finished = ended || later.is_some();
            let chunk = if segments.contains(&self.position.segment) {
                self.read_segment(finished)?
            } else {
                None
            };
            match (chunk, later) {
                (Some(mut chunk), _) => {
                    chunk.is_all &= !finished;
                    return Ok(Some(chunk));
                }
                (None, Some(next)) => self.position = Position { segment: next, offset: 0 },
                (None, None) => return Ok(None),
            }
        }
    }

    fn read_segment(&mut self, finished: bool) -> Result<Option<Chunk>, SpoolError> {
        let Some(mut file) = self.open_segment(self.position.segment)? else { return Ok(None) };
        if self.position.offset == 0 {
            let mut header = Vec::with_capacity(segment::HEADER);
            let mut limited = file.by_ref().take(segment::HEADER as u64);
            limited.read_to_end(&mut header).map_err(|error| self.io(error))?;
            match segment::check_header(&header) {
                Ok(_) => self.position.offset = segment::HEADER as u64,
                Err(SegmentError::Incomplete) if !finished => return Ok(None),
                Err(source @ SegmentError::Version(_)) => {
                    return Err(SpoolError::Format { path: self.folder.clone(), source });
                }
                Err(_) => {
                    let length = file.metadata().map_err(|error| self.io(error))?.len();
                    return Ok(self.pass_over(length));
                }
            }
        }
        let length = file.seek(SeekFrom::End(0)).map_err(|error| self.io(error))?;
        let rest = usize::try_from(length.saturating_sub(self.position.offset)).unwrap_or(CHUNK);
        let mut bytes = Vec::with_capacity(rest.min(CHUNK));
        file.seek(SeekFrom::Start(self.position.offset)).map_err(|error| self.io(error))?;
        file.take(CHUNK as u64).read_to_end(&mut bytes).map_err(|error| self.io(error))?;

        let mut scan = Scan::new(&bytes);
        scan.by_ref().for_each(drop);
        let (whole, tail) = (scan.consumed(), scan.tail());
        if whole > 0 {
            bytes.truncate(whole);
            let begin = self.position;
            self.position.offset += whole as u64;
            let is_all = self.position.offset == length;
            return Ok(Some(Chunk { bytes, begin, torn: 0, is_all }));
        }
        match tail {
            Tail::Broken(_, FrameError::Checksum) if finished => {
                Ok(self.pass_over(broken_length(&bytes) as u64))
            }
            Tail::Partial(rest) | Tail::Broken(rest, _) if finished => {
                Ok(self.pass_over(rest as u64))
            }
            _ => Ok(None),
        }
    }

    /// Skips `length` bytes that are no frames.
    fn pass_over(&mut self, length: u64) -> Option<Chunk> {
        let begin = self.position;
        self.position.offset += length;
        (length > 0).then(|| Chunk { bytes: Vec::new(), begin, torn: length, is_all: false })
    }

    pub(super) fn open_segment(&self, number: u64) -> Result<Option<File>, SpoolError> {
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(self.folder.join(segment::file_name(number)));
        match opened {
            Ok(file) => {
                let kind = file.metadata().map_err(|error| self.io(error))?.file_type();
                if !kind.is_file() {
                    let why = "a segment in it is not a regular file";
                    return Err(SpoolError::Refused { path: self.folder.clone(), why });
                }
                Ok(Some(file))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io(error)),
        }
    }

    /// Whether there is something before segment `number`, as far as it was looked for the next bytes.
    pub(crate) fn has_before(&self, number: u64) -> bool {
        self.first.is_some_and(|first| first < number)
    }

    /// Deletes the segments before `number`: everything in them is on the tape for good.
    pub(crate) fn delete_before(&mut self, number: u64) -> Result<(), SpoolError> {
        for old in self.segments()?.into_iter().take_while(|old| *old < number) {
            fs::remove_file(self.folder.join(segment::file_name(old))).or_else(|error| {
                let gone = error.kind() == io::ErrorKind::NotFound;
                if gone { Ok(()) } else { Err(self.io(error)) }
            })?;
        }
        self.first = self.first.max(Some(number));
        Ok(())
    }

    /// Deletes the whole spool: its writer is dead and everything in it is on the tape for good. It is
    /// renamed first, so that nobody who comes by at this moment leaves something in a folder that is about to
    /// go.
    pub(crate) fn delete(self) -> Result<(), SpoolError> {
        let gone = self.folder.with_file_name(format!("{GONE}{}", self.name()));
        fs::rename(&self.folder, &gone).map_err(|error| self.io(error))?;
        sweep(&gone).map_err(|source| SpoolError::Io { path: gone, source })
    }

    fn io(&self, source: io::Error) -> SpoolError {
        SpoolError::Io { path: self.folder.clone(), source }
    }
}

/// How much of `bytes`, which begin with a frame whose checksum is wrong, is lost: that frame, where its length
/// leads to another one; else all of it.
pub(super) fn broken_length(bytes: &[u8]) -> usize {
    let length = bytes.first_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize);
    let next = frame::HEADER + length;
    let leads_on = |rest: &[u8]| {
        rest.is_empty() || matches!(Frame::decode(rest), Ok(_) | Err(FrameError::Incomplete))
    };
    if bytes.get(next..).is_some_and(leads_on) { next } else { bytes.len() }
}

/// The spools in a root, oldest name first. A root that is not there has none.
pub(crate) fn spools_in(root: &Path) -> Vec<PathBuf> {
    folders_in(root, false)
}

/// Deletes what a recorder began to delete and did not finish.
pub(crate) fn sweep_all(root: &Path) {
    for folder in folders_in(root, true) {
        if let Err(error) = sweep(&folder) {
            tracing::warn!(spool = %folder.display(), "cannot delete a consumed spool: {error}");
        }
    }
}

fn folders_in(root: &Path, gone: bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut folders: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(GONE.as_bytes()) == gone)
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
}

/// Deletes a consumed spool, maybe while somebody else does. Files that are not ours stay, and then so does the folder.
fn sweep(gone: &Path) -> io::Result<()> {
    let unless_gone = |done: io::Result<()>| match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    let entries = match fs::read_dir(gone) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let ours = |name: &str| segment::number_of(name).is_some() || name.starts_with('.');
        if name.to_str().is_some_and(ours) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            unless_gone(fs::remove_file(entry.path()))?;
        }
    }
    match fs::remove_dir(gone) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        other => unless_gone(other),
    }
}
