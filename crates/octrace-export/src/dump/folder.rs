//! The folders that dumps lie in. They are below a place where everybody may write, so nothing in a path is believed.
//!
//! Every step goes from the descriptor of one folder to the next and follows no link, and what was opened is looked at,
//! not what its name says a moment before or after. Who could swap a folder under us would have to be us.

use std::{
    ffi::{CStr, CString},
    fs::File,
    io::{self, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use super::{
    Trio,
    name::{NEW, number_of, session_name},
};

const ROOT: &str = "opencode-interceptor";

/// The name of the root below the folder for temporary files.
pub fn root_path(tmp: &Path) -> PathBuf {
    tmp.join(ROOT)
}

/// Why a folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is not what it should be. It was left alone.
    #[error("{name}: {why}")]
    Refused {
        /// The folder's name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The system refused.
    #[error("{name}: {source}")]
    Io {
        /// The folder's name.
        name: String,
        /// What it said.
        source: io::Error,
    },
}

impl FolderError {
    fn refused(name: &str, why: &'static str) -> Self {
        Self::Refused { name: name.to_owned(), why }
    }

    fn io(name: &str, error: Errno) -> Self {
        Self::Io { name: name.to_owned(), source: error.into() }
    }
}

/// Why a trio is not there.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {name}: {source}")]
pub struct WriteError {
    name: String,
    source: io::Error,
}

/// `<tmp>/opencode-interceptor`, open and known to be ours.
#[derive(Debug)]
pub struct Root {
    pub(super) folder: OwnedFd,
}

impl Root {
    /// Opens the root below `tmp`, and makes it if it is not there.
    ///
    /// # Errors
    /// [`FolderError::Refused`] where it is a link, no folder, somebody else's, or open for others to write, and where
    /// `tmp` is a folder in which anybody could replace it.
    pub fn open(tmp: &Path) -> Result<Self, FolderError> {
        let tmp = temporary(tmp)?;
        Ok(Self { folder: make(&tmp, ROOT)? })
    }

    /// The same, if it is there.
    ///
    /// # Errors
    /// As [`Root::open`].
    pub fn open_existing(tmp: &Path) -> Result<Option<Self>, FolderError> {
        let tmp = match temporary(tmp) {
            Err(FolderError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            opened => opened?,
        };
        match ours(&tmp, ROOT) {
            Err(FolderError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            opened => Ok(Some(Self { folder: opened? })),
        }
    }

    /// Opens the folder of a session, and makes it if it is not there.
    ///
    /// # Errors
    /// As [`Root::open`].
    pub fn session(&self, session: &str) -> Result<SessionFolder, FolderError> {
        let name = session_name(session);
        Ok(SessionFolder { folder: make(&self.folder, &name)? })
    }
}

/// The folder of one session, open and known to be ours.
#[derive(Debug)]
pub struct SessionFolder {
    folder: OwnedFd,
}

impl SessionFolder {
    /// The highest number of a file that is there; 0 when there is none.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn highest_number(&self) -> io::Result<u32> {
        let names = names(&self.folder)?;
        let numbers = names.iter().filter_map(|name| number_of(name.to_str().ok()?));
        Ok(numbers.max().unwrap_or(0))
    }

    /// Writes a trio, whole or not at all: `.meta.json` gets its name last. What an attempt that died left of this
    /// very trio is replaced.
    ///
    /// # Errors
    /// Then nothing of it is there.
    pub fn write(&self, stem: &str, trio: &Trio) -> Result<(), WriteError> {
        let files = [
            (format!("{stem}.request.json"), &trio.request),
            (format!("{stem}.response.json"), &trio.response),
            (format!("{stem}.meta.json"), &trio.meta),
        ];
        let written = files.iter().try_for_each(|(name, content)| {
            self.write_new(&new(name), content).map_err(|source| (name, source))
        });
        let named = written.and_then(|()| {
            files.iter().try_for_each(|(name, _)| {
                rustix::fs::renameat(&self.folder, new(name), &self.folder, name.as_str())
                    .map_err(|error| (name, error.into()))
            })
        });
        named.map_err(|(name, source)| {
            for (name, _) in &files {
                // What is not there need not go; what cannot go has no dump's name, or is not ours.
                rustix::fs::unlinkat(&self.folder, name.as_str(), AtFlags::empty()).ok();
                rustix::fs::unlinkat(&self.folder, new(name), AtFlags::empty()).ok();
            }
            WriteError { name: name.clone(), source }
        })
    }

    fn write_new(&self, name: &str, content: &[u8]) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, name, flags, Mode::RUSR | Mode::WUSR)?;
        File::from(file).write_all(content)
    }
}

/// The name of a file while it is being written.
fn new(name: &str) -> String {
    format!(".{name}{NEW}")
}

/// The folder for temporary files: the system's or the user's own, which may be reached through links.
fn temporary(path: &Path) -> Result<OwnedFd, FolderError> {
    let name = path.display().to_string();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder =
        rustix::fs::open(path, flags, Mode::empty()).map_err(|e| FolderError::io(&name, e))?;
    let found = rustix::fs::fstat(&folder).map_err(|error| FolderError::io(&name, error))?;
    if !(found.st_uid == 0 || is_mine(&found)) {
        return Err(FolderError::refused(&name, "it belongs to somebody else"));
    }
    if is_writable_by_others(&found) && !Mode::from_raw_mode(found.st_mode).contains(Mode::SVTX) {
        return Err(FolderError::refused(&name, "everybody may replace what is in it"));
    }
    Ok(folder)
}

/// Makes the folder `name` in `parent` if it is not there, and opens it.
fn make(parent: &OwnedFd, name: &str) -> Result<OwnedFd, FolderError> {
    match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => ours(parent, name),
        Err(error) => Err(FolderError::io(name, error)),
    }
}

/// Opens the folder `name` in `parent`, which has to be ours alone to write.
pub(super) fn ours(parent: &OwnedFd, name: &str) -> Result<OwnedFd, FolderError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder =
        rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(|error| match error {
            Errno::LOOP | Errno::NOTDIR => FolderError::refused(name, "it is not a folder"),
            error => FolderError::io(name, error),
        })?;
    let found = rustix::fs::fstat(&folder).map_err(|error| FolderError::io(name, error))?;
    if !is_mine(&found) {
        return Err(FolderError::refused(name, "it belongs to somebody else"));
    }
    if is_writable_by_others(&found) {
        return Err(FolderError::refused(name, "others may write to it"));
    }
    Ok(folder)
}

pub(super) fn is_mine(found: &Stat) -> bool {
    found.st_uid == rustix::process::geteuid().as_raw()
}

fn is_writable_by_others(found: &Stat) -> bool {
    Mode::from_raw_mode(found.st_mode).intersects(Mode::WGRP | Mode::WOTH)
}

/// What is in a folder, in the order of the names.
pub(super) fn names(folder: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name: &CStr = entry.file_name();
        if !matches!(name.to_bytes(), b"." | b"..") {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// What stands under `name`, itself: a link is a link.
pub(super) fn look(folder: &OwnedFd, name: &CStr) -> rustix::io::Result<(FileType, Stat)> {
    let found = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok((FileType::from_raw_mode(found.st_mode), found))
}
