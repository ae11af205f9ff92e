//! Dumps do not stay for ever: whoever dumps deletes the session folders that are a day old.
//!
//! A folder goes only if everything in it is a file of ours by its name: then the files go, then the folder. One that
//! holds anything else stays as it is, whole, and so does everything in the root that is not a folder of ours.

use std::{
    ffi::CStr,
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
    folder::{FolderError, Root, look, names, ours},
    name::number_of,
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
    let shown = name.to_string_lossy();
    let anomaly = |phase, error: Errno| {
        let why = std::io::Error::from(error);
        Err(Anomaly::new(phase, format!("{shown}: {why}")))
    };
    match look(root, name) {
        Ok((FileType::Directory, _)) => {}
        Ok((FileType::Symlink, _)) => {
            return Err(Anomaly::new(Phase::PathSafety, format!("{shown}: it is a link")));
        }
        // Gone meanwhile: another recorder begins, too. A file is somebody's note.
        Ok(_) | Err(Errno::NOENT) => return Ok(()),
        Err(error) => return anomaly(Phase::EntryStat, error),
    }
    // Folders of ours have plain names.
    let Ok(word) = name.to_str() else { return Ok(()) };
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
    let files = match expired(&folder, before) {
        Ok(Some(files)) => files,
        Ok(None) => return Ok(()),
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

/// The files of a folder in which nothing changed since `before` and everything is ours.
fn expired(folder: &OwnedFd, before: SystemTime) -> Result<Option<Vec<std::ffi::CString>>, Errno> {
    if changed(&rustix::fs::fstat(folder)?) >= before {
        return Ok(None);
    }
    let files = names(folder).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    for file in &files {
        let is_ours = file.to_str().is_ok_and(|name| number_of(name).is_some());
        let (kind, found) = match look(folder, file) {
            Err(Errno::NOENT) => continue,
            looked => looked?,
        };
        if !is_ours || kind != FileType::RegularFile || changed(&found) >= before {
            return Ok(None);
        }
    }
    Ok(Some(files))
}

fn changed(found: &Stat) -> SystemTime {
    let seconds = u64::try_from(found.st_mtime).unwrap_or(0);
    // Beyond what a clock can say is not old.
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or_else(SystemTime::now)
}
