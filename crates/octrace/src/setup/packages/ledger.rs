//! What was made in configuration folders, for whom: `prepared.json` in octrace's own folder.
//!
//! `install` makes it for good; `run` only for as long as it runs, and several may run at once. Each run
//! holds a shared lock; the last one out takes away what was made for runs, also what a killed one left
//! behind.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{Missing, State, has_code, look, make, unmake};
use crate::paths::create_folder;

const LEDGER: &str = "prepared.json";
const RUNS: &str = "runs.lock";

/// For whom a folder was prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Owner {
    /// `octrace install`: until `uninstall`.
    Install,
    /// `octrace run`: until the last run ends.
    Run,
}

/// What was made in one folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    folder: PathBuf,
    owner: Owner,
    made: Vec<Missing>,
}

/// What [`prepare`] found in a folder where it could not spare OpenCode the wait.
pub(crate) type Left = (PathBuf, State);

/// Prepares these folders. What cannot be prepared is given back; it costs OpenCode time at its start,
/// nothing else.
///
/// # Errors
/// When the ledger cannot be kept: then nothing is made that nobody would take away.
pub(crate) fn prepare(home: &Path, folders: &[PathBuf], owner: Owner) -> anyhow::Result<Prepared> {
    let mut prepared = Prepared::default();
    let states: Vec<_> = folders.iter().map(|folder| (folder, look(folder))).collect();
    let ready = states.iter().all(|(_, state)| *state == State::Ready);
    if ready && owner == Owner::Run {
        return Ok(prepared);
    }
    let mut ledger = Ledger::open(home)?;
    for (folder, state) in states {
        match state {
            // What a run made is what an installation needs from now on.
            State::Ready if owner == Owner::Install => ledger.promote(folder),
            State::Ready => {}
            State::Needed(_) => prepared.left.push((folder.clone(), state)),
            State::Waits(missing) => {
                // First noted, then made: what is noted and was not made is not found later.
                ledger.note(folder, owner, &missing);
                ledger.save()?;
                match make(folder, &missing) {
                    Ok(()) => prepared.made.push(folder.clone()),
                    Err(_) => prepared.left.push((folder.clone(), State::Waits(missing))),
                }
            }
        }
    }
    ledger.save()?;
    Ok(prepared)
}

/// What [`prepare`] did.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// Folders that are ready now and were not before.
    pub(crate) made: Vec<PathBuf>,
    /// Folders that are not.
    pub(crate) left: Vec<Left>,
}

/// Takes away what was made for `owner` in the folders that `which` picks; gives the paths that are gone.
///
/// # Errors
/// When the ledger cannot be read or written.
pub(crate) fn take_back(
    home: &Path,
    owner: Owner,
    which: impl Fn(&Path) -> bool,
) -> anyhow::Result<Vec<PathBuf>> {
    if !home.join(LEDGER).exists() {
        return Ok(Vec::new());
    }
    let mut ledger = Ledger::open(home)?;
    let (gone, kept) = std::mem::take(&mut ledger.entries)
        .into_iter()
        .partition::<Vec<_>, _>(|entry| entry.owner == owner && which(&entry.folder));
    ledger.entries = kept;
    let paths = gone.iter().flat_map(|entry| unmake(&entry.folder, &entry.made)).collect();
    ledger.save()?;
    Ok(paths)
}

/// Takes away what stands in the way of plugins and tools that were added since: OpenCode installs what they
/// need at its next start. Gives the folders.
///
/// # Errors
/// As [`take_back`].
pub(crate) fn give_way(home: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let gone = take_back(home, Owner::Install, has_code)?;
    Ok(gone.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect())
}

/// While it lives, what was made for runs stays.
pub(crate) struct RunGuard {
    home: PathBuf,
    lock: File,
}

impl RunGuard {
    /// Begins a run.
    ///
    /// # Errors
    /// When octrace's own folder cannot be written.
    pub(crate) fn begin(home: &Path) -> anyhow::Result<Self> {
        let lock = lock_file(home, RUNS)?;
        lock.lock_shared().with_context(|| format!("cannot lock {}", home.join(RUNS).display()))?;
        Ok(Self { home: home.to_owned(), lock })
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        // Whoever gets the lock for itself is the last one. Others clean up after us otherwise.
        if self.lock.unlock().is_ok() && self.lock.try_lock().is_ok() {
            take_back(&self.home, Owner::Run, |_| true).ok();
        }
    }
}

/// The ledger, locked against others.
struct Ledger {
    path: PathBuf,
    entries: Vec<Entry>,
    file: File,
}

impl Ledger {
    fn open(home: &Path) -> anyhow::Result<Self> {
        let path = home.join(LEDGER);
        let file = lock_file(home, LEDGER)?;
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        let text =
            io::read_to_string(&file).with_context(|| format!("cannot read {}", path.display()))?;
        // One that cannot be understood is begun anew; what it said is lost, which leaves an empty
        // folder and a small file somewhere.
        let entries = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self { path, entries, file })
    }

    fn note(&mut self, folder: &Path, owner: Owner, missing: &[Missing]) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.folder == folder) {
            for what in missing {
                if !entry.made.contains(what) {
                    entry.made.push(*what);
                }
            }
        } else {
            self.entries.push(Entry { folder: folder.to_owned(), owner, made: missing.to_vec() });
        }
        if owner == Owner::Install {
            self.promote(folder);
        }
    }

    /// Makes what was made for a run stay.
    fn promote(&mut self, folder: &Path) {
        for entry in self.entries.iter_mut().filter(|entry| entry.folder == folder) {
            entry.owner = Owner::Install;
        }
    }

    /// Writes in place, since the lock is on this very file.
    fn save(&mut self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.entries)?;
        self.file
            .rewind()
            .and_then(|()| self.file.set_len(0))
            .and_then(|()| io::Write::write_all(&mut self.file, text.as_bytes()))
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

fn lock_file(home: &Path, name: &str) -> anyhow::Result<File> {
    let path = home.join(name);
    create_folder(home)
        .and_then(|()| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)
        })
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("config")).unwrap();
            Self(dir)
        }

        fn home(&self) -> PathBuf {
            self.0.path().join("home")
        }

        fn config(&self) -> PathBuf {
            self.0.path().join("config")
        }

        fn prepare(&self, owner: Owner) -> Prepared {
            prepare(&self.home(), &[self.config()], owner).unwrap()
        }

        fn is_prepared(&self) -> bool {
            look(&self.config()) == State::Ready
        }
    }

    #[test]
    fn the_last_run_out_takes_away_what_was_made_for_runs() {
        let place = Place::new();
        let first = RunGuard::begin(&place.home()).unwrap();
        assert_eq!(place.prepare(Owner::Run).made, [place.config()]);
        let second = RunGuard::begin(&place.home()).unwrap();
        assert!(place.prepare(Owner::Run).made.is_empty());
        drop(first);
        assert!(place.is_prepared());
        drop(second);
        assert_eq!(fs::read_dir(place.config()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_run_left_goes_with_the_next_one() {
        let place = Place::new();
        place.prepare(Owner::Run);
        drop(RunGuard::begin(&place.home()).unwrap());
        assert!(!place.is_prepared());
    }

    #[test]
    fn an_installation_keeps_what_a_run_made() {
        let place = Place::new();
        let run = RunGuard::begin(&place.home()).unwrap();
        place.prepare(Owner::Run);
        place.prepare(Owner::Install);
        drop(run);
        assert!(place.is_prepared());
        assert_eq!(take_back(&place.home(), Owner::Install, |_| true).unwrap().len(), 2);
        assert!(!place.is_prepared());
        assert!(take_back(&place.home(), Owner::Install, |_| true).unwrap().is_empty());
    }

    #[test]
    fn a_run_leaves_what_was_installed() {
        let place = Place::new();
        place.prepare(Owner::Install);
        drop(RunGuard::begin(&place.home()).unwrap());
        assert!(place.is_prepared());
    }

    #[test]
    fn it_gives_way_to_a_tool_that_was_added_later() {
        let place = Place::new();
        place.prepare(Owner::Install);
        assert!(give_way(&place.home()).unwrap().is_empty());
        fs::create_dir(place.config().join("tool")).unwrap();
        fs::write(place.config().join("tool/mine.ts"), "").unwrap();
        assert!(!give_way(&place.home()).unwrap().is_empty());
        assert!(!place.config().join("node_modules").exists());
        assert!(!place.config().join("package-lock.json").exists());
    }

    #[test]
    fn a_ledger_that_is_damaged_is_begun_anew() {
        let place = Place::new();
        place.prepare(Owner::Install);
        fs::write(place.home().join(LEDGER), "{ half").unwrap();
        assert!(take_back(&place.home(), Owner::Install, |_| true).unwrap().is_empty());
    }
}
