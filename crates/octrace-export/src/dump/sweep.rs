//! Dumps do not stay for ever: whoever dumps deletes the session folders that are a day old.
//!
//! Such a folder is known by its name. It goes with the files and links in it, whatever they are called; a link is
//! deleted and never followed. One that holds a folder, or what belongs to somebody else, stays as it is, whole. So does
//! everything in the root that has another name.

use std::{
    ffi::{CStr, CString},
    os::fd::OwnedFd,
    path::Path,
    time::{Duration, SystemTime},
};

use rustix::{
    fs::{AtFlags, FileType, Stat},
    io::Errno,
};

use super::{
    Anomaly, Phase,
    folder::{FolderError, Root, is_mine, look, names, ours},
    name::is_session,
};

/// How long a session's folder is kept after the last change in it.
pub const KEPT_FOR: Duration = Duration::from_hours(24);

/// Deletes the session folders below `tmp` in which nothing changed for [`KEPT_FOR`].
pub fn sweep(tmp: &Path, now: SystemTime) -> Vec<Anomaly> {
    let root = match Root::open_existing(tmp) {
        Ok(Some(root)) => root,
        Ok(None) => return Vec::new(),
        Err(error @ FolderError::Refused { .. }) => {
            return vec![Anomaly::new(Phase::PathSafety, error.to_string())];
        }
        Err(error @ FolderError::Io { .. }) => {
            return vec![Anomaly::new(Phase::RootRead, error.to_string())];
        }
    };
    let entries = match names(&root.folder) {
        Ok(entries) => entries,
        Err(error) => return vec![Anomaly::new(Phase::RootRead, error.to_string())],
    };
    let before = now.checked_sub(KEPT_FOR).unwrap_or(SystemTime::UNIX_EPOCH);
    entries.iter().filter_map(|name| entry(&root.folder, name, before).err()).collect()
}

fn entry(root: &OwnedFd, name: &CStr, before: SystemTime) -> Result<(), Anomaly> {
    // What has another name is somebody's, whatever it is.
    let Some(word) = name.to_str().ok().filter(|word| is_session(word)) else { return Ok(()) };
    let anomaly = |phase, error: Errno| {
        let why = std::io::Error::from(error);
        Err(Anomaly::new(phase, format!("{word}: {why}")))
    };
    match look(root, name) {
        Ok((FileType::Directory, _)) => {}
        Ok((FileType::Symlink, _)) => {
            return Err(Anomaly::new(Phase::PathSafety, format!("{word}: it is a link")));
        }
        // Gone meanwhile: another recorder begins, too. A file is somebody's note.
        Ok(_) | Err(Errno::NOENT) => return Ok(()),
        Err(error) => return anomaly(Phase::EntryStat, error),
    }
    let folder = match ours(root, word) {
        Ok(folder) => folder,
        Err(FolderError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Ok(());
        }
        Err(error @ FolderError::Refused { .. }) => {
            return Err(Anomaly::new(Phase::PathSafety, error.to_string()));
        }
        Err(error @ FolderError::Io { .. }) => {
            return Err(Anomaly::new(Phase::EntryStat, error.to_string()));
        }
    };
    let files = match content(&folder, before) {
        Ok(Content::Old(files)) => files,
        Ok(Content::Fresh) => return Ok(()),
        Ok(Content::Foreign(what)) => {
            let why = "is neither a file nor a link of ours, so the folder stays";
            return Err(Anomaly::new(Phase::EntryDelete, format!("{word}: {what} {why}")));
        }
        Err(error) => return anomaly(Phase::EntryStat, error),
    };
    let gone = |deleted| match deleted {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => anomaly(Phase::EntryDelete, error),
    };
    for file in files {
        gone(rustix::fs::unlinkat(&folder, file, AtFlags::empty()))?;
    }
    gone(rustix::fs::unlinkat(root, name, AtFlags::REMOVEDIR))
}

/// What stands in a session's folder.
enum Content {
    /// Something changed lately.
    Fresh,
    /// Files and links of ours that may go.
    Old(Vec<CString>),
    /// There is something that is not ours to delete, of this name.
    Foreign(String),
}

/// `before`: what did not change since then is old.
fn content(folder: &OwnedFd, before: SystemTime) -> Result<Content, Errno> {
    if changed(&rustix::fs::fstat(folder)?) >= before {
        return Ok(Content::Fresh);
    }
    let mut foreign = None;
    let files = names(folder).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    for file in &files {
        let (kind, found) = match look(folder, file) {
            Err(Errno::NOENT) => continue,
            looked => looked?,
        };
        if changed(&found) >= before {
            return Ok(Content::Fresh);
        }
        if !matches!(kind, FileType::RegularFile | FileType::Symlink) || !is_mine(&found) {
            foreign.get_or_insert_with(|| file.to_string_lossy().escape_debug().to_string());
        }
    }
    Ok(foreign.map_or(Content::Old(files), Content::Foreign))
}

fn changed(found: &Stat) -> SystemTime {
    let seconds = u64::try_from(found.st_mtime).unwrap_or(0);
    // Beyond what a clock can say is not old.
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or_else(SystemTime::now)
}
