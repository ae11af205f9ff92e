//! What two of OpenCode's snapshots tell of files: each that differs is seen in both.
//!
//! A snapshot is not the work tree. It leaves out what is ignored, and what is new and large; it has what git makes of a
//! file, which filters may have changed; below another folder than the session's it may be old; and where git could not
//! add to it, all of it is. So what a snapshot says is compared with the file as it is, where that is still the same: a
//! file that had its content before the older snapshot was made was not changed in between, whatever the two say.

use std::{
    cell::LazyCell,
    collections::HashMap,
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use octrace_core::attribution::{
    alike, line,
    observed::{Found, Observed},
    timeline::Moment,
};

use crate::git::{Blob, Changed, Git, GitError, Status};

/// The longest file that is read.
const LONGEST: u64 = 4 << 20;

/// So much of all files is read; what there is no room for counts as too large.
const ROOM: u64 = 64 << 20;

/// With more files than these a step is no edit, but another branch, or somebody's packages: nothing is read of it.
const MOST_FILES: usize = 2_000;

/// One of the two snapshots.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// The git tree.
    pub(super) tree: String,
    /// `ses_…`
    pub(super) session: String,
    /// Which moment it is of.
    pub(super) moment: Moment,
    /// When OpenCode had it, in µs since the Unix epoch.
    pub(super) at_us: i64,
    /// When at the earliest it was made.
    pub(super) since_us: i64,
}

/// Where the snapshots are of.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The work tree's root, links followed.
    pub(super) root: PathBuf,
    /// What is looked at when a snapshot is made: the session's directory, relative to the root.
    pub(super) within: PathBuf,
}

/// What the two say of each file that differs; `None`: it is more than is read.
pub(super) fn compare(
    git: &Git,
    place: &Place,
    older: &Snapshot,
    newer: &Snapshot,
) -> Result<Option<Vec<Observed>>, GitError> {
    let mut changes = git.diff_tree(&older.tree, &newer.tree)?;
    let rules_changed = changes.iter().any(|change| change.path.ends_with(b".gitignore"));
    changes.retain(|change| {
        Path::new(std::ffi::OsStr::from_bytes(&change.path)).starts_with(&place.within)
    });
    if changes.len() > MOST_FILES {
        return Ok(None);
    }
    let paths: Vec<&[u8]> = changes.iter().map(|change| change.path.as_slice()).collect();
    if paths.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let converted = Git::at(&place.root).converts(&paths)?;
    let contents = contents(git, &changes)?;
    let lines = |id: Option<&String>| match id.and_then(|id| contents.get(id)) {
        Some(Found::Text(text)) => Some(line::lines(text, true)),
        _ => None,
    };
    let gone = LazyCell::new(|| -> Vec<_> {
        let gone = changes.iter().filter(|change| change.status == Status::Deleted);
        gone.filter_map(|change| lines(change.old.as_ref())).collect()
    });
    let mut seen = Vec::new();
    for (change, is_converted) in changes.iter().zip(converted) {
        let path = std::str::from_utf8(&change.path).ok().map(|path| place.root.join(path));
        let Some((path, name)) = path.as_deref().and_then(|path| Some((path, path.to_str()?)))
        else {
            continue;
        };
        let found = |id: &Option<String>| match id {
            Some(id) => contents.get(id).cloned().unwrap_or(Found::Unreadable),
            None if change.status == Status::Retyped => Found::Other,
            None => Found::Absent,
        };
        let now = Now::of(path, change.new.as_ref().and_then(|id| contents.get(id)));
        let is_renamed = || {
            let now = lines(change.new.as_ref());
            now.is_some_and(|now| gone.iter().any(|gone| alike(gone, &now).is_some()))
        };
        let observed = |snapshot: &Snapshot, found, changed_us| Observed {
            session: snapshot.session.clone(),
            moment: snapshot.moment.clone(),
            path: name.to_owned(),
            named: None,
            at_us: snapshot.at_us,
            found,
            exact: true,
            mark: String::new(),
            changed_us,
        };
        if !is_converted && now.older_is_true(change, older, rules_changed, is_renamed) {
            seen.push(observed(older, found(&change.old), None));
        }
        if !is_converted && now.newer_is_true(change, rules_changed) {
            let changed_us = now.changed_us.filter(|changed_us| *changed_us <= newer.at_us);
            seen.push(observed(newer, found(&change.new), changed_us));
        } else {
            // That it is not known is to be known: it did change, or is not looked at any more.
            seen.push(observed(newer, Found::Unreadable, None));
        }
    }
    Ok(Some(seen))
}

/// The contents of both sides, by their ids.
fn contents(git: &Git, changes: &[Changed]) -> Result<HashMap<String, Found>, GitError> {
    let ids = changes.iter().flat_map(|change| [&change.old, &change.new]).flatten();
    let mut ids: Vec<String> = ids.cloned().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut contents = HashMap::new();
    let mut room = ROOM;
    git.cat_file(&ids, LONGEST, |place, blob| {
        let found = match blob {
            Blob::Bytes(bytes) if bytes.len() as u64 <= room => {
                room -= bytes.len() as u64;
                Found::Text(bytes)
            }
            Blob::Bytes(_) | Blob::Large(_) => Found::Large,
            Blob::Missing => Found::Unreadable,
        };
        contents.extend(ids.get(place).map(|id| (id.clone(), found)));
    })?;
    Ok(contents)
}

/// The file as it is at this moment.
#[derive(Debug, Default)]
struct Now {
    /// There is something of that name.
    exists: bool,
    /// When it was last changed, if it still has the content of the newer snapshot; µs since the Unix epoch.
    changed_us: Option<i64>,
    /// When it was made, likewise.
    made_us: Option<i64>,
}

impl Now {
    fn of(path: &Path, newer: Option<&Found>) -> Self {
        let Ok(before) = fs::symlink_metadata(path) else { return Self::default() };
        let exists = Self { exists: true, ..Self::default() };
        let Some(Found::Text(bytes)) = newer else { return exists };
        if !before.is_file() || before.len() != bytes.len() as u64 {
            return exists;
        }
        // It is compared and forgotten; whoever swaps it for a pipe or for something large meanwhile gains nothing.
        let is_same = read(path).is_some_and(|now| now == *bytes);
        let Ok(after) = fs::symlink_metadata(path) else { return exists };
        let changed = |file: &fs::Metadata| (file.ino(), file.ctime(), file.ctime_nsec());
        if !is_same || changed(&before) != changed(&after) {
            return exists;
        }
        let made = after.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Self {
            exists: true,
            changed_us: after
                .ctime()
                .checked_mul(1_000_000)
                .map(|us| us.saturating_add(after.ctime_nsec() / 1_000)),
            made_us: made.and_then(|made| i64::try_from(made.as_micros()).ok()),
        }
    }

    /// Whether the file was what the older snapshot says when that was made.
    /// A file that is renamed was made when it had its other name.
    fn older_is_true(
        &self,
        change: &Changed,
        older: &Snapshot,
        rules_changed: bool,
        is_renamed: impl FnOnce() -> bool,
    ) -> bool {
        let had_it_before = |at_us: Option<i64>| {
            at_us.is_some_and(|at_us| at_us.saturating_add(step_us(at_us)) < older.since_us)
        };
        if had_it_before(self.changed_us) {
            return false;
        }
        match change.status {
            // Ignored until now, or too large: it was there, and nobody looked.
            Status::Added if had_it_before(self.made_us) && !is_renamed() => false,
            Status::Added => !rules_changed || self.changed_us.is_some(),
            Status::Deleted | Status::Modified | Status::Retyped => true,
        }
    }

    /// Whether the file was what the newer snapshot says when that was made.
    fn newer_is_true(&self, change: &Changed, rules_changed: bool) -> bool {
        // It may be ignored from now on, and still there.
        change.status != Status::Deleted || !(self.exists || rules_changed)
    }
}

/// By how much the clock of a file system goes on that gives this time.
fn step_us(at_us: i64) -> i64 {
    if at_us % 1_000_000 == 0 { 2_000_000 } else { 20_000 }
}

/// A regular file's bytes, if they are no more than is read.
fn read(path: &Path) -> Option<Vec<u8>> {
    use std::{io::Read, os::unix::fs::OpenOptionsExt};
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
