//! Recording every OpenCode from now on, and no more: the shim, and the folders that OpenCode would
//! otherwise wait for.

use std::path::{Path, PathBuf};

use super::{
    folders,
    packages::{
        self, State,
        ledger::{self, Need, Plugin, Prepared},
    },
    plugin::{self, LaidOut},
    shim::{self, Done, Found},
};
use crate::paths::Paths;

/// Whose OpenCode is meant.
pub(crate) struct Target {
    /// The project's root, if only OpenCode in it is meant.
    pub(crate) project: Option<PathBuf>,
    /// OpenCode's configuration folder for it.
    pub(crate) config: PathBuf,
    /// Where the command was given.
    pub(crate) directory: PathBuf,
}

impl Target {
    /// The user's every OpenCode.
    pub(crate) fn user(paths: &Paths, directory: PathBuf) -> Self {
        Self { project: None, config: paths.opencode_config.clone(), directory }
    }

    /// Those in the project that `directory` is in.
    pub(crate) fn project(directory: PathBuf) -> Self {
        let root = folders::work_tree(&directory).unwrap_or(&directory).to_owned();
        Self { config: root.join(".opencode"), project: Some(root), directory }
    }

    /// The file that makes OpenCode load the plugin.
    pub(crate) fn shim(&self) -> PathBuf {
        shim::path_in(&self.config)
    }

    fn plugin(&self) -> Plugin {
        Plugin { config: self.config.clone(), everywhere: self.project.is_none() }
    }
}

/// What [`install`] did.
#[derive(Debug)]
pub(crate) struct Installed {
    /// With the shim.
    pub(crate) done: Done,
    /// With the plugin's files.
    pub(crate) laid_out: LaidOut,
    /// With [`shim::for_options`].
    pub(crate) for_options: Done,
    /// With the configuration folders.
    pub(crate) prepared: Prepared,
}

/// Installs the plugin. Doing it again changes nothing.
///
/// # Errors
/// When a file that is not ours is in its place, or something cannot be written.
pub(crate) fn install(target: &Target, paths: &Paths) -> anyhow::Result<Installed> {
    let shim = target.shim();
    shim::check(&shim)?;
    let laid_out = plugin::lay_out(&paths.home)?;
    let for_options = shim::write(&shim::for_options(&paths.home), &laid_out.entry)?;
    ledger::give_way(&paths.state)?;
    let mut folders = folders::config_folders(paths, &target.directory);
    if !folders.contains(&target.config) {
        folders.push(target.config.clone());
    }
    // Before the shim, which needs the folder, so that it is noted if it was not there.
    let plugin = target.plugin();
    let prepared = ledger::prepare(&paths.state, &folders, Need::Plugin(&plugin))?;
    match shim::write(&shim, &laid_out.entry) {
        Ok(done) => Ok(Installed { done, laid_out, for_options, prepared }),
        Err(error) => {
            // What has been made is for nothing then.
            ledger::release(&paths.state, &plugin).ok();
            Err(error)
        }
    }
}

/// Prepares the folders of these directories, too, if the plugin is installed for every OpenCode: they are
/// where one was recorded, and the next one there should not have to wait.
///
/// # Errors
/// When the ledger cannot be kept.
pub(crate) fn prepare_for(paths: &Paths, directories: &[PathBuf]) -> anyhow::Result<()> {
    let everywhere = Target::user(paths, PathBuf::new());
    if !matches!(shim::look(&everywhere.shim()), Ok(Found::Ours(_))) {
        return Ok(());
    }
    let mut folders: Vec<_> = directories
        .iter()
        .flat_map(|directory| folders::config_folders(paths, directory))
        .filter(|folder| packages::look(folder) != State::Ready)
        .collect();
    folders.sort();
    folders.dedup();
    if !folders.is_empty() {
        ledger::prepare(&paths.state, &folders, Need::Plugin(&everywhere.plugin()))?;
    }
    Ok(())
}

/// What [`uninstall`] did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Uninstalled {
    /// With the shim.
    pub(crate) done: Done,
    /// What is gone besides.
    pub(crate) gone: Vec<PathBuf>,
    /// The user's configuration folder, if its plugin is still there.
    pub(crate) user: Option<PathBuf>,
    /// The projects that still have a plugin of their own.
    pub(crate) projects: Vec<PathBuf>,
}

/// Takes away what [`install`] made, as far as no other plugin needs it.
///
/// # Errors
/// When a file that is not ours is in the shim's place, or something cannot be removed.
pub(crate) fn uninstall(target: &Target, paths: &Paths) -> anyhow::Result<Uninstalled> {
    let done = shim::remove(&target.shim())?;
    let mut gone = ledger::release(&paths.state, &target.plugin())?;
    let is_ours = |config: &Path| {
        *config != target.config && matches!(shim::look(&shim::path_in(config)), Ok(Found::Ours(_)))
    };
    let user = Some(paths.opencode_config.clone()).filter(|config| is_ours(config));
    // Those that were noted, and the one that is here.
    let noted = ledger::plugins(&paths.state)?;
    let here = Target::project(target.directory.clone()).config;
    let mut projects: Vec<_> =
        noted.into_iter().map(|plugin| plugin.config).chain([here]).collect();
    projects.retain(|config| *config != paths.opencode_config && is_ours(config));
    projects.sort();
    projects.dedup();
    let for_options = shim::for_options(&paths.home);
    // One that is not ours is no hindrance.
    let is_last = user.is_none() && projects.is_empty();
    if is_last && shim::remove(&for_options).is_ok_and(|done| done == Done::Changed) {
        gone.push(for_options);
    }
    let projects = projects.iter().filter_map(|config| config.parent()).map(Path::to_owned);
    Ok(Uninstalled { done, gone, user, projects: projects.collect() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const CONFIG: &str = "{\n  // Mine. Keep this.\n  \"model\": \"a/b\", /* and this */\n}\n";

    /// A home with a commented configuration, and a git project with one.
    fn home(dir: &Path) -> Paths {
        for folder in ["config", "project/.git", "project/.opencode"] {
            fs::create_dir_all(dir.join(folder)).unwrap();
            fs::write(dir.join(folder).join("opencode.jsonc"), CONFIG).unwrap();
        }
        Paths {
            user: dir.join("user"),
            home: dir.join("octrace"),
            cache: dir.join("cache"),
            state: dir.join("state"),
            opencode_config: dir.join("config"),
            opencode_data: PathBuf::new(),
            opencode_config_dir: None,
            spool_candidates: Vec::new(),
        }
    }

    /// Every path with its content and the time of its last change, but octrace's own.
    fn tree(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![dir.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path == dir.join("octrace") || path == dir.join("state") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path.clone());
                }
                found.push((path.clone(), fs::read(&path).unwrap_or_default()));
            }
        }
        found.sort();
        found
    }

    #[test]
    fn twice_is_once_and_uninstalling_leaves_what_was() {
        let dir = tempfile::tempdir().unwrap();
        let paths = home(dir.path());
        let project = dir.path().join("project");
        let before = tree(dir.path());
        for target in [Target::user(&paths, project.clone()), Target::project(project.clone())] {
            let Installed { done, prepared, for_options, .. } = install(&target, &paths).unwrap();
            assert_eq!((done, for_options), (Done::Changed, Done::Changed));
            assert_eq!(
                shim::look(&shim::for_options(&paths.home)).unwrap(),
                shim::look(&target.shim()).unwrap()
            );
            assert_eq!(prepared.made.len(), 2, "the user's folder and the project's");
            let installed = tree(dir.path());
            assert!(before.iter().all(|path| installed.contains(path)));

            let Installed { done, laid_out, for_options, prepared } =
                install(&target, &paths).unwrap();
            assert_eq!((done, for_options), (Done::Nothing, Done::Nothing));
            assert_eq!((laid_out.written, prepared.made.len()), (false, 0));
            assert_eq!(tree(dir.path()), installed);

            let uninstalled = uninstall(&target, &paths).unwrap();
            assert_eq!((uninstalled.done, uninstalled.gone.len()), (Done::Changed, 5));
            assert!(!shim::for_options(&paths.home).exists());
            assert_eq!(tree(dir.path()), before);
            let again = uninstall(&target, &paths).unwrap();
            let nothing = Uninstalled {
                done: Done::Nothing,
                gone: Vec::new(),
                user: None,
                projects: Vec::new(),
            };
            assert_eq!(again, nothing);
        }
    }

    #[test]
    fn where_one_was_recorded_the_next_one_need_not_wait() {
        let dir = tempfile::tempdir().unwrap();
        let paths = home(dir.path());
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir_all(elsewhere.join(".opencode")).unwrap();
        let before = tree(dir.path());
        let directories = [elsewhere.clone(), dir.path().join("gone")];
        prepare_for(&paths, &directories).unwrap();
        assert_eq!(tree(dir.path()), before, "nothing is installed");

        let user = Target::user(&paths, dir.path().join("project"));
        install(&user, &paths).unwrap();
        assert_ne!(packages::look(&elsewhere.join(".opencode")), State::Ready);
        prepare_for(&paths, &directories).unwrap();
        assert_eq!(packages::look(&elsewhere.join(".opencode")), State::Ready);
        uninstall(&user, &paths).unwrap();
        assert_eq!(tree(dir.path()), before);
    }

    #[test]
    fn another_plugin_keeps_what_it_needs_and_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut paths = home(dir.path());
        let project = dir.path().join("project");
        let (user, own) = (Target::user(&paths, project.clone()), Target::project(project.clone()));
        let before = tree(dir.path());
        install(&user, &paths).unwrap();
        // Where recordings go says nothing about what was made.
        paths.home = dir.path().join("octrace/elsewhere");
        install(&own, &paths).unwrap();
        let uninstalled = uninstall(&user, &paths).unwrap();
        assert_eq!((uninstalled.gone, uninstalled.projects), (Vec::new(), vec![project]));
        for config in [&user.config, &own.config] {
            assert!(config.join("package-lock.json").exists());
        }
        let uninstalled = uninstall(&own, &paths).unwrap();
        assert_eq!((uninstalled.gone.len(), uninstalled.user), (5, None));
        assert_eq!(tree(dir.path()), before);
    }

    #[test]
    fn a_projects_folder_that_was_not_there_is_gone_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let paths = home(dir.path());
        let bare = dir.path().join("bare");
        fs::create_dir(&bare).unwrap();
        let target = Target::project(bare.clone());
        install(&target, &paths).unwrap();
        assert!(target.shim().is_file());
        install(&Target::user(&paths, dir.path().to_owned()), &paths).unwrap();
        let uninstalled = uninstall(&target, &paths).unwrap();
        assert_eq!(uninstalled.user, Some(paths.opencode_config));
        assert_eq!(fs::read_dir(&bare).unwrap().count(), 0);
    }
}
