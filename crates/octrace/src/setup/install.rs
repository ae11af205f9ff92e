//! Recording every OpenCode from now on, and no more: the shim, and the folders that OpenCode would
//! otherwise wait for.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    folders,
    packages::ledger::{self, Owner, Prepared},
    plugin,
    shim::{self, Done},
};
use crate::paths::Paths;

/// Whose OpenCode is meant.
pub(crate) struct Target {
    /// The project's root, if only OpenCode in it is meant.
    pub(crate) project: Option<PathBuf>,
    /// OpenCode's configuration folder for it.
    config: PathBuf,
    /// Where the command was given.
    directory: PathBuf,
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
}

/// Installs the plugin. Doing it again changes nothing.
///
/// # Errors
/// When a file that is not ours is in its place, or something cannot be written.
pub(crate) fn install(target: &Target, paths: &Paths) -> anyhow::Result<(Done, Prepared)> {
    let entry = plugin::lay_out(&paths.home)?;
    let done = shim::write(&target.shim(), &entry)?;
    ledger::give_way(&paths.home)?;
    let mut folders = folders::config_folders(paths, &target.directory);
    if !folders.contains(&target.config) {
        folders.push(target.config.clone());
    }
    Ok((done, ledger::prepare(&paths.home, &folders, Owner::Install)?))
}

/// Takes away what [`install`] made; gives what is gone besides the shim.
///
/// # Errors
/// When a file that is not ours is in the shim's place, or something cannot be removed.
pub(crate) fn uninstall(target: &Target, paths: &Paths) -> anyhow::Result<(Done, Vec<PathBuf>)> {
    let done = shim::remove(&target.shim())?;
    // A project's folder goes with the project's plugin, all others with the user's.
    let all = target.project.is_none();
    let ours = |folder: &Path| all || folder == target.config;
    let gone = ledger::take_back(&paths.home, Owner::Install, ours)?;
    if !all && done != Done::Nothing {
        // It stays if there is anything else in it, which is what the error says.
        fs::remove_dir(&target.config).ok();
    }
    Ok((done, gone))
}

#[cfg(test)]
mod tests {
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
            opencode_config: dir.join("config"),
            opencode_config_dir: None,
            named: dir.join("octrace"),
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
                if path == dir.join("octrace") {
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
            let (done, prepared) = install(&target, &paths).unwrap();
            assert_eq!(done, Done::Changed);
            assert_eq!(prepared.made.len(), 2, "the user's folder and the project's");
            let installed = tree(dir.path());
            assert!(before.iter().all(|path| installed.contains(path)));

            let (done, prepared) = install(&target, &paths).unwrap();
            assert_eq!((done, prepared.made.len()), (Done::Nothing, 0));
            assert_eq!(tree(dir.path()), installed);

            assert_eq!(uninstall(&target, &paths).unwrap().0, Done::Changed);
            let again = uninstall(&target, &paths).unwrap();
            assert_eq!(again, (Done::Nothing, Vec::new()));
            // What the project's installation made for the user's folder goes with the user's.
            uninstall(&Target::user(&paths, project.clone()), &paths).unwrap();
            assert_eq!(tree(dir.path()), before);
        }
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
        uninstall(&target, &paths).unwrap();
        assert_eq!(fs::read_dir(&bare).unwrap().count(), 0);
    }
}
