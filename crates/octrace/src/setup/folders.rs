//! The configuration folders that an OpenCode looks at, by its own rules.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::paths::Paths;

/// For an OpenCode that works in `directory`: the global folder, the project's `.opencode` folders from
/// there up to the work tree's root, the home's, and `OPENCODE_CONFIG_DIR`. Only the global one may not
/// exist yet; OpenCode makes it.
pub(crate) fn config_folders(paths: &Paths, directory: &Path) -> Vec<PathBuf> {
    let mut folders = vec![paths.opencode_config.clone()];
    let mut add = |folder: PathBuf| {
        if folder.is_dir() && !folders.contains(&folder) {
            folders.push(folder);
        }
    };
    if !is_set("OPENCODE_DISABLE_PROJECT_CONFIG") {
        let root = work_tree(directory);
        for ancestor in directory.ancestors() {
            add(ancestor.join(".opencode"));
            if Some(ancestor) == root {
                break;
            }
        }
    }
    add(paths.user.join(".opencode"));
    if let Some(folder) = &paths.opencode_config_dir {
        add(folder.clone());
    }
    folders
}

/// The nearest folder from `directory` up that is the root of a git work tree.
pub(crate) fn work_tree(directory: &Path) -> Option<&Path> {
    directory.ancestors().find(|ancestor| ancestor.join(".git").exists())
}

/// The directory that OpenCode takes itself to be in: it trusts `PWD`, which keeps links as they were
/// typed.
pub(crate) fn working_directory() -> PathBuf {
    let current = env::current_dir().unwrap_or_default();
    let told = env::var_os("PWD").map(PathBuf::from).filter(|told| told.is_absolute());
    told.filter(|told| told.canonicalize().is_ok_and(|real| real == current)).unwrap_or(current)
}

fn is_set(variable: &str) -> bool {
    env::var(variable).is_ok_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_projects_folders_up_to_its_root_belong_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        for folder in ["above/.opencode", "above/project/.git", "above/project/.opencode"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::create_dir_all(at("above/project/deep/er/.opencode")).unwrap();
        fs::create_dir_all(at("home/.opencode")).unwrap();
        let paths = Paths {
            user: at("home"),
            home: at("octrace"),
            cache: at("cache"),
            state: at("state"),
            opencode_config: at("config"),
            opencode_data: PathBuf::new(),
            opencode_config_dir: Some(at("missing")),
            spool_candidates: Vec::new(),
        };
        assert_eq!(
            config_folders(&paths, &at("above/project/deep/er")),
            [
                at("config"),
                at("above/project/deep/er/.opencode"),
                at("above/project/.opencode"),
                at("home/.opencode"),
            ]
        );
    }
}
