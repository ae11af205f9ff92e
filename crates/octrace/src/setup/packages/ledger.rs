//! What was made in configuration folders, for whom: `prepared.json` in the state folder.
//!
//! A plugin needs it for as long as it is installed; several may be, the user's and those of projects, and
//! the last one that needs something takes it away with it. `run` needs it only for as long as it runs, and
//! several may run at once: each holds a shared lock, and the last one out takes away what no plugin needs,
//! also what a killed one left behind.
//!
//! It is not in octrace's home, which `OCTRACE_HOME` moves: there is one configuration of OpenCode's,
//! wherever its recordings go.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{Missing, State, has_code, holds_only, look, make, unmake};
use crate::{
    paths::create_folder,
    setup::shim::{self, Found},
};

const LEDGER: &str = "prepared.json";
const RUNS: &str = "runs.lock";

/// An installed plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plugin {
    /// The configuration folder that its shim is in.
    pub(crate) config: PathBuf,
    /// Whether every OpenCode loads it, so that it needs what any other one needs.
    pub(crate) everywhere: bool,
}

impl Plugin {
    /// Whether its shim is still there, as far as one can see.
    fn is_there(&self) -> bool {
        let found = shim::look(&shim::path_in(&self.config));
        !matches!(found, Ok(Found::Nothing | Found::Foreign))
    }
}

/// Who needs what is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need<'a> {
    /// A plugin: until it is uninstalled.
    Plugin(&'a Plugin),
    /// `octrace run`: until the last run ends.
    Run,
}

/// What was made in one folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    folder: PathBuf,
    made: Vec<Missing>,
    /// The plugins that need it, by their configuration folders.
    plugins: Vec<PathBuf>,
    /// Whether a run needs it.
    run: bool,
}

/// What [`prepare`] found in a folder where it could not spare OpenCode the wait.
pub(crate) type Left = (PathBuf, State);

/// What [`prepare`] did.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// Folders that are ready now and were not before, with what was made in them.
    pub(crate) made: Vec<(PathBuf, Vec<Missing>)>,
    /// Folders that are not.
    pub(crate) left: Vec<Left>,
}

/// Prepares these folders. What cannot be prepared is given back; it costs OpenCode time at its start,
/// nothing else.
///
/// # Errors
/// When the ledger cannot be kept: then nothing is made that nobody would take away.
pub(crate) fn prepare(
    state: &Path,
    folders: &[PathBuf],
    need: Need<'_>,
) -> anyhow::Result<Prepared> {
    let mut prepared = Prepared::default();
    let states: Vec<_> = folders.iter().map(|folder| (folder, look(folder))).collect();
    let ready = states.iter().all(|(_, state)| *state == State::Ready);
    if ready && need == Need::Run {
        return Ok(prepared);
    }
    let mut ledger = Ledger::open(state)?;
    ledger.contents.forget_those_gone();
    if let Need::Plugin(plugin) = need {
        ledger.contents.note_plugin(plugin);
    }
    for (folder, state) in states {
        match state {
            // Perhaps only because of what was made for somebody else.
            State::Ready => ledger.contents.note_need(folder, need),
            State::Needed(_) => prepared.left.push((folder.clone(), state)),
            State::Waits(missing) => {
                // First noted, then made: what is noted and was not made is not found later.
                ledger.contents.note_made(folder, &missing);
                ledger.contents.note_need(folder, need);
                ledger.save()?;
                match make(folder, &missing) {
                    Ok(()) => prepared.made.push((folder.clone(), missing)),
                    Err(_) => prepared.left.push((folder.clone(), State::Waits(missing))),
                }
            }
        }
    }
    ledger.save()?;
    Ok(prepared)
}

/// Takes away what nobody needs any more now that `plugin` is gone; gives the paths that are gone.
///
/// # Errors
/// When the ledger cannot be read or written.
pub(crate) fn release(state: &Path, plugin: &Plugin) -> anyhow::Result<Vec<PathBuf>> {
    take_back(state, |contents| {
        contents.plugins.retain(|other| other.config != plugin.config);
        contents.forget_those_gone();
        let own = contents.folders.iter_mut().find(|entry| entry.folder == plugin.config);
        // OpenCode does not wait for a project's folder that is not there; so nobody needs what was made in
        // one that has nothing else in it.
        if let Some(own) =
            own.filter(|own| !plugin.everywhere && holds_only(&own.folder, &own.made))
        {
            own.plugins.clear();
        }
        contents.take(|entry| !entry.run && entry.plugins.is_empty())
    })
}

/// Where it is kept what was made.
pub(crate) fn path_in(state: &Path) -> PathBuf {
    state.join(LEDGER)
}

/// The plugins that are installed, as far as it was this user's octrace that did it.
///
/// # Errors
/// When the ledger cannot be read.
pub(crate) fn plugins(state: &Path) -> anyhow::Result<Vec<Plugin>> {
    if !path_in(state).exists() {
        return Ok(Vec::new());
    }
    let mut ledger = Ledger::open(state)?;
    ledger.contents.forget_those_gone();
    Ok(std::mem::take(&mut ledger.contents.plugins))
}

/// Takes away what stands in the way of plugins and tools that were added since: OpenCode installs what they
/// need at its next start. Gives the paths that are gone.
///
/// # Errors
/// As [`release`].
pub(crate) fn give_way(state: &Path) -> anyhow::Result<Vec<PathBuf>> {
    take_back(state, |contents| contents.take(|entry| has_code(&entry.folder)))
}

fn take_back(
    state: &Path,
    choose: impl FnOnce(&mut Contents) -> Vec<Entry>,
) -> anyhow::Result<Vec<PathBuf>> {
    if !path_in(state).exists() {
        return Ok(Vec::new());
    }
    let mut ledger = Ledger::open(state)?;
    let gone = choose(&mut ledger.contents);
    let paths = gone.iter().flat_map(|entry| unmake(&entry.folder, &entry.made)).collect();
    ledger.save()?;
    Ok(paths)
}

/// While it lives, what was made for runs stays.
pub(crate) struct RunGuard {
    state: PathBuf,
    lock: File,
}

impl RunGuard {
    /// Begins a run.
    ///
    /// # Errors
    /// When the state folder cannot be written.
    pub(crate) fn begin(state: &Path) -> anyhow::Result<Self> {
        let lock = lock_file(state, RUNS)?;
        lock.lock_shared()
            .with_context(|| format!("cannot lock {}", state.join(RUNS).display()))?;
        Ok(Self { state: state.to_owned(), lock })
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        // Whoever gets the lock for itself is the last one. Others clean up after us otherwise.
        if self.lock.unlock().is_ok() && self.lock.try_lock().is_ok() {
            let release = |contents: &mut Contents| {
                contents.folders.iter_mut().for_each(|entry| entry.run = false);
                contents.forget_those_gone();
                contents.take(|entry| entry.plugins.is_empty())
            };
            take_back(&self.state, release).ok();
        }
    }
}

/// What the ledger says.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    plugins: Vec<Plugin>,
    folders: Vec<Entry>,
}

impl Contents {
    fn note_plugin(&mut self, plugin: &Plugin) {
        self.plugins.retain(|other| other.config != plugin.config);
        self.plugins.push(plugin.clone());
        if plugin.everywhere {
            for entry in self.folders.iter_mut().filter(|entry| !entry.plugins.is_empty()) {
                entry.need(&plugin.config);
            }
        }
    }

    fn note_made(&mut self, folder: &Path, missing: &[Missing]) {
        if let Some(entry) = self.folders.iter_mut().find(|entry| entry.folder == folder) {
            entry.made.extend_from_slice(missing);
            entry.made.sort_unstable();
            entry.made.dedup();
        } else {
            let (folder, made) = (folder.to_owned(), missing.to_vec());
            self.folders.push(Entry { folder, made, plugins: Vec::new(), run: false });
        }
    }

    /// Notes who needs what was made in the folder; nothing where nothing was made.
    fn note_need(&mut self, folder: &Path, need: Need<'_>) {
        let Some(entry) = self.folders.iter_mut().find(|entry| entry.folder == folder) else {
            return;
        };
        match need {
            Need::Run => entry.run = true,
            Need::Plugin(plugin) => {
                entry.need(&plugin.config);
                for other in self.plugins.iter().filter(|other| other.everywhere) {
                    entry.need(&other.config);
                }
            }
        }
    }

    /// Forgets plugins that somebody removed by hand.
    fn forget_those_gone(&mut self) {
        let Self { plugins, folders } = self;
        plugins.retain(Plugin::is_there);
        for entry in folders {
            entry.plugins.retain(|config| plugins.iter().any(|plugin| plugin.config == *config));
        }
    }

    fn take(&mut self, which: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let (gone, kept) = std::mem::take(&mut self.folders).into_iter().partition(which);
        self.folders = kept;
        gone
    }
}

impl Entry {
    fn need(&mut self, config: &Path) {
        if !self.plugins.iter().any(|known| known == config) {
            self.plugins.push(config.to_owned());
        }
    }
}

/// The ledger, locked against others.
struct Ledger {
    path: PathBuf,
    contents: Contents,
    file: File,
}

impl Ledger {
    fn open(state: &Path) -> anyhow::Result<Self> {
        let path = path_in(state);
        let file = loop {
            let file = lock_file(state, LEDGER)?;
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
            // Whoever had it before us may have removed it.
            let id = |found: fs::Metadata| (found.dev(), found.ino());
            if fs::metadata(&path).ok().map(id) == file.metadata().ok().map(id) {
                break file;
            }
        };
        let text =
            io::read_to_string(&file).with_context(|| format!("cannot read {}", path.display()))?;
        // One that cannot be understood is begun anew; what it said is lost, which leaves an empty
        // folder and a small file somewhere.
        let contents = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self { path, contents, file })
    }

    /// Writes in place, since the lock is on this very file; one that says nothing is removed.
    fn save(&mut self) -> anyhow::Result<()> {
        if self.contents.plugins.is_empty() && self.contents.folders.is_empty() {
            return fs::remove_file(&self.path)
                .with_context(|| format!("cannot remove {}", self.path.display()));
        }
        let text = serde_json::to_string_pretty(&self.contents)?;
        self.file
            .rewind()
            .and_then(|()| self.file.set_len(0))
            .and_then(|()| io::Write::write_all(&mut self.file, text.as_bytes()))
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

fn lock_file(state: &Path, name: &str) -> anyhow::Result<File> {
    let path = state.join(name);
    create_folder(state)
        .and_then(|()| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)
        })
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A user's configuration folder and that of a project.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            for folder in ["config", "project/.opencode"] {
                fs::create_dir_all(dir.path().join(folder)).unwrap();
            }
            Self(dir)
        }

        fn state(&self) -> PathBuf {
            self.0.path().join("state")
        }

        fn config(&self) -> PathBuf {
            self.0.path().join("config")
        }

        fn user(&self) -> Plugin {
            Plugin { config: self.config(), everywhere: true }
        }

        fn project(&self) -> Plugin {
            Plugin { config: self.0.path().join("project/.opencode"), everywhere: false }
        }

        fn run(&self) -> Prepared {
            prepare(&self.state(), &[self.config()], Need::Run).unwrap()
        }

        /// Both folders, as an OpenCode in the project looks at them.
        fn install(&self, plugin: &Plugin) -> Prepared {
            let folders = [self.config(), self.project().config];
            let prepared = prepare(&self.state(), &folders, Need::Plugin(plugin)).unwrap();
            shim::write(&shim::path_in(&plugin.config), Path::new("/x/index.ts")).unwrap();
            prepared
        }

        fn uninstall(&self, plugin: &Plugin) -> usize {
            shim::remove(&shim::path_in(&plugin.config)).unwrap();
            release(&self.state(), plugin).unwrap().len()
        }

        fn is_prepared(&self) -> bool {
            look(&self.config()) == State::Ready
        }
    }

    #[test]
    fn the_last_run_out_takes_away_what_was_made_for_runs() {
        let place = Place::new();
        let first = RunGuard::begin(&place.state()).unwrap();
        assert_eq!(place.run().made.len(), 1);
        let second = RunGuard::begin(&place.state()).unwrap();
        assert!(place.run().made.is_empty());
        drop(first);
        assert!(place.is_prepared());
        drop(second);
        assert_eq!(fs::read_dir(place.config()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_run_left_goes_with_the_next_one() {
        let place = Place::new();
        place.run();
        drop(RunGuard::begin(&place.state()).unwrap());
        assert!(!place.is_prepared());
    }

    #[test]
    fn a_plugin_keeps_what_a_run_made() {
        let place = Place::new();
        let run = RunGuard::begin(&place.state()).unwrap();
        place.run();
        place.install(&place.user());
        drop(run);
        assert!(place.is_prepared());
        assert_eq!(place.uninstall(&place.user()), 4);
        assert!(!place.is_prepared());
        assert_eq!(place.uninstall(&place.user()), 0);
    }

    #[test]
    fn a_run_keeps_what_a_plugin_made() {
        let place = Place::new();
        let run = RunGuard::begin(&place.state()).unwrap();
        place.install(&place.user());
        place.run();
        // Another one, whose need is noted.
        prepare(&place.state(), &[place.config(), place.0.path().join("new")], Need::Run).unwrap();
        place.uninstall(&place.user());
        assert!(place.is_prepared());
        drop(run);
        assert!(!place.is_prepared());
        assert!(!place.0.path().join("new").exists());
    }

    #[test]
    fn the_last_plugin_out_takes_away_what_was_made_for_plugins() {
        let place = Place::new();
        for order in [[place.user(), place.project()], [place.project(), place.user()]] {
            for (first, last) in [(0, 1), (1, 0)] {
                for plugin in &order {
                    place.install(plugin);
                }
                place.uninstall(&order[first]);
                assert!(place.is_prepared(), "{order:?} {first}");
                assert_eq!(plugins(&place.state()).unwrap(), [order[last].clone()]);
                place.uninstall(&order[last]);
                for config in [place.user().config, place.project().config] {
                    assert_eq!(fs::read_dir(&config).map_or(0, Iterator::count), 0, "{order:?}");
                }
                assert_eq!(plugins(&place.state()).unwrap(), []);
                assert!(!path_in(&place.state()).exists());
            }
        }
    }

    #[test]
    fn the_users_plugin_keeps_a_projects_folder_ready_that_stays() {
        let place = Place::new();
        let project = place.project();
        fs::write(project.config.join("opencode.json"), "{}").unwrap();
        place.install(&place.user());
        place.install(&project);
        place.uninstall(&project);
        assert_eq!(look(&project.config), State::Ready);
        place.uninstall(&place.user());
        assert_eq!(fs::read_dir(&project.config).unwrap().count(), 1);
    }

    #[test]
    fn a_plugin_that_was_removed_by_hand_needs_nothing() {
        let place = Place::new();
        place.install(&place.project());
        place.install(&place.user());
        shim::remove(&shim::path_in(&place.project().config)).unwrap();
        place.uninstall(&place.user());
        assert!(!place.is_prepared());
    }

    #[test]
    fn a_run_leaves_what_was_installed() {
        let place = Place::new();
        place.install(&place.user());
        drop(RunGuard::begin(&place.state()).unwrap());
        assert!(place.is_prepared());
    }

    #[test]
    fn it_gives_way_to_a_tool_that_was_added_later() {
        let place = Place::new();
        place.install(&place.user());
        assert!(give_way(&place.state()).unwrap().is_empty());
        fs::create_dir(place.config().join("tool")).unwrap();
        fs::write(place.config().join("tool/mine.ts"), "").unwrap();
        assert!(!give_way(&place.state()).unwrap().is_empty());
        assert!(!place.config().join("node_modules").exists());
        assert!(!place.config().join("package-lock.json").exists());
    }

    #[test]
    fn a_ledger_that_is_damaged_is_begun_anew() {
        let place = Place::new();
        place.install(&place.user());
        fs::write(path_in(&place.state()), "{ half").unwrap();
        assert_eq!(place.uninstall(&place.user()), 0);
        assert_eq!(place.install(&place.user()).left, []);
    }
}
