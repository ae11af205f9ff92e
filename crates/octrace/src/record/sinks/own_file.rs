//! A file of ours in a folder that may be anybody's: only appended to, by one recorder at a time, and only in whole
//! lines.
//!
//! No link is followed, and what was opened is looked at, not what its name says.

use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::{fs::OFlags, process::geteuid};

use crate::paths::create_folder;

/// Why a file is not ours to write.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// Another recorder is writing it; in a moment it is free.
    #[error("another recorder is writing it")]
    Busy,
    /// There is something else with this name.
    #[error("it is not a file of ours")]
    Foreign,
    /// The folder is no place to write to.
    #[error("{0}")]
    Folder(&'static str),
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An open file with a lock on it.
#[derive(Debug)]
pub(super) struct OwnFile {
    file: File,
    size: u64,
}

impl OwnFile {
    /// Opens a file, and makes it and its folder if they are not there, for their owner only.
    pub(super) fn open(folder: &Path, name: &str) -> Result<Self, OpenError> {
        look(folder)?;
        let path = folder.join(name);
        loop {
            let opened = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .mode(0o600)
                .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
                .open(&path);
            let file = match opened {
                Ok(file) => file,
                Err(_) if is_foreign(fs::symlink_metadata(&path)) => {
                    return Err(OpenError::Foreign);
                }
                Err(error) => return Err(error.into()),
            };
            let found = file.metadata()?;
            if is_foreign(Ok(found.clone())) {
                return Err(OpenError::Foreign);
            }
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(OpenError::Busy),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            // Before we had the lock, it may have been moved away for a new one.
            let named = fs::symlink_metadata(&path);
            if named.is_ok_and(|named| (named.dev(), named.ino()) == (found.dev(), found.ino())) {
                let size = file.metadata()?.len();
                return Ok(Self { file, size });
            }
        }
    }

    /// How many bytes it has.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How many of `bytes` are in the file at `offset` already: all of them, or as many as it has. `None` when
    /// something else is there.
    pub(super) fn has(&self, offset: u64, bytes: &[u8]) -> io::Result<Option<usize>> {
        let there = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let expected = &bytes[..bytes.len().min(there)];
        let mut found = vec![0; expected.len()];
        self.file.read_exact_at(&mut found, offset)?;
        Ok((found == expected).then_some(expected.len()))
    }

    /// Appends all of `bytes`, or nothing.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // A full disk takes a part. Nobody else writes it, and a half of a line is none.
            self.file.set_len(self.size)?;
            return Err(error);
        }
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Whether what is appended now begins a line.
    pub(super) fn ends_a_line(&self) -> io::Result<bool> {
        let Some(last) = self.size.checked_sub(1) else { return Ok(true) };
        Ok(self.has(last, b"\n")? == Some(1))
    }
}

/// Makes the folder if need be. In a place where everybody may write, somebody else may have made it for us.
fn look(folder: &Path) -> Result<(), OpenError> {
    create_folder(folder)?;
    let is_trusted = |found: &Metadata| found.uid() == geteuid().as_raw() || found.uid() == 0;
    if !is_trusted(&fs::symlink_metadata(folder)?) || !is_trusted(&fs::metadata(folder)?) {
        return Err(OpenError::Folder("the folder belongs to somebody else"));
    }
    Ok(())
}

fn is_foreign(found: io::Result<Metadata>) -> bool {
    found.is_ok_and(|found| {
        !found.is_file() || found.uid() != geteuid().as_raw() || found.nlink() > 1
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_file_and_its_folder_are_made_for_their_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let mut file = OwnFile::open(&folder, "x.jsonl").unwrap();
        file.append(b"one\n").unwrap();
        assert!(matches!(OwnFile::open(&folder, "x.jsonl"), Err(OpenError::Busy)));
        drop(file);
        let mut file = OwnFile::open(&folder, "x.jsonl").unwrap();
        assert_eq!(file.size(), 4);
        file.append(b"two\n").unwrap();
        assert_eq!(fs::read(folder.join("x.jsonl")).unwrap(), b"one\ntwo\n");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("x.jsonl"))), (0o700, 0o600));
    }

    #[test]
    fn what_is_there_already_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = OwnFile::open(dir.path(), "x").unwrap();
        assert!(file.ends_a_line().unwrap());
        file.append(b"one\ntw").unwrap();
        assert!(!file.ends_a_line().unwrap());
        assert_eq!(file.has(0, b"one\n").unwrap(), Some(4));
        assert_eq!(file.has(4, b"two\n").unwrap(), Some(2));
        assert_eq!(file.has(4, b"other\n").unwrap(), None);
        assert_eq!(file.has(6, b"two\n").unwrap(), Some(0));
        assert_eq!(file.has(99, b"two\n").unwrap(), Some(0));
    }

    #[test]
    fn what_is_not_ours_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let (target, path) = (dir.path().join("target"), |name: &str| dir.path().join(name));
        fs::write(&target, "mine").unwrap();
        symlink(&target, path("link")).unwrap();
        symlink(path("nowhere"), path("dangling")).unwrap();
        fs::hard_link(&target, path("second name")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        let pipe = path("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        for name in ["link", "dangling", "second name", "folder", "pipe"] {
            let opened = OwnFile::open(dir.path(), name);
            assert!(matches!(opened, Err(OpenError::Foreign)), "{name}: {opened:?}");
        }
        assert_eq!(fs::read(&target).unwrap(), b"mine");
        let below = OwnFile::open(&target, "x");
        assert!(matches!(below, Err(OpenError::Io(_))), "{below:?}");
    }
}
