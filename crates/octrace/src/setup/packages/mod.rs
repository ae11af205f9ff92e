//! OpenCode's wait for packages, and how a recorded OpenCode is spared it.
//!
//! At each start OpenCode 1.18 installs `@opencode-ai/plugin` into every configuration folder with an npm
//! of its own. Nobody waits for that until a plugin is configured; with ours, everybody would: up to
//! 30 s the first time, and without network 77 s at *every* start (measured). The install is left out
//! where `node_modules` exists and `package-lock.json` names every dependency of `package.json` and
//! `@opencode-ai/plugin`; only names count. So a folder is prepared with an empty `node_modules` and a
//! lock file that names it.
//!
//! A plugin or a tool of the user's in such a folder may really need the package. Then OpenCode waits
//! without us too, and the folder is left alone, as is one whose `package.json` has dependencies of
//! its own. What was made is noted in the [`ledger`], so that exactly that can be taken away again.

pub(crate) mod ledger;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shim;
use crate::paths::{create_file, create_folder};

/// What OpenCode installs into each folder.
const PACKAGE: &str = "@opencode-ai/plugin";

/// The lock file that makes OpenCode think it did.
const LOCK: &str = "{\"lockfileVersion\":3,\"packages\":{\"\":{\"dependencies\":{\"@opencode-ai/plugin\":\"1.18.33\"}}}}\n";

const MODULES: &str = "node_modules";
const LOCK_FILE: &str = "package-lock.json";

/// A file with one of these endings may import a package.
const CODE: [&str; 8] = ["ts", "js", "mts", "mjs", "cts", "cjs", "tsx", "jsx"];

/// How many files are looked at before a folder counts as one with code.
const MOST: usize = 4_000;

/// How OpenCode would find a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It does not wait for this folder.
    Ready,
    /// It would wait, and these can be made to prevent it.
    Waits(Vec<Missing>),
    /// It waits, and has a reason to that is not ours to remove.
    Needed(Reason),
}

/// Something whose absence makes OpenCode install packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Missing {
    /// The configuration folder itself; OpenCode makes it at its start.
    Folder,
    /// `node_modules`.
    NodeModules,
    /// `package-lock.json`.
    PackageLock,
}

impl Missing {
    /// Where it is.
    pub(crate) fn path_in(self, folder: &Path) -> PathBuf {
        match self {
            Self::Folder => folder.to_owned(),
            Self::NodeModules => folder.join(MODULES),
            Self::PackageLock => folder.join(LOCK_FILE),
        }
    }
}

/// Why OpenCode may really need what it installs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// There are plugins or tools.
    Code,
    /// `package.json` has dependencies that are not installed.
    Dependencies,
    /// There is a `package-lock.json` that does not name the package.
    Lock,
}

impl Reason {
    /// As part of a sentence about the folder.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Code => "it has plugins or tools of its own",
            Self::Dependencies => "its package.json has dependencies that are not installed",
            Self::Lock => "its package-lock.json does not list @opencode-ai/plugin",
        }
    }
}

/// Looks at a configuration folder as OpenCode would.
pub(crate) fn look(folder: &Path) -> State {
    if !folder.exists() {
        return State::Waits(vec![Missing::Folder, Missing::NodeModules, Missing::PackageLock]);
    }
    // OpenCode does nothing in a folder that it cannot write.
    if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_err() {
        return State::Ready;
    }
    let mut wanted = dependencies(&json(&folder.join("package.json")));
    wanted.insert(PACKAGE.to_owned());
    let lock = json(&folder.join(LOCK_FILE));
    let locked = dependencies(lock.pointer("/packages/").unwrap_or(&Value::Null));
    let mut missing = Vec::new();
    if !folder.join(MODULES).exists() {
        missing.push(Missing::NodeModules);
    }
    if wanted.is_subset(&locked) {
        if missing.is_empty() {
            return State::Ready;
        }
    } else if wanted.len() > 1 {
        return State::Needed(Reason::Dependencies);
    } else if fs::symlink_metadata(folder.join(LOCK_FILE)).is_ok() {
        return State::Needed(Reason::Lock);
    } else {
        missing.push(Missing::PackageLock);
    }
    if has_code(folder) { State::Needed(Reason::Code) } else { State::Waits(missing) }
}

/// Makes what is missing, for its owner only, which OpenCode minds not.
pub(crate) fn make(folder: &Path, missing: &[Missing]) -> io::Result<()> {
    missing.iter().try_for_each(|what| {
        let path = what.path_in(folder);
        let result = match what {
            Missing::Folder => create_folder(&path),
            Missing::NodeModules => fs::create_dir(&path),
            Missing::PackageLock => create_file(&path, LOCK.as_bytes()),
        };
        // OpenCode, or another octrace, was faster.
        result.or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            _ => Err(error),
        })
    })
}

/// Takes away what [`make`] made, as far as it is still what it was; gives what is gone.
fn unmake(folder: &Path, made: &[Missing]) -> Vec<PathBuf> {
    let remove = |what: Missing| {
        let path = what.path_in(folder);
        let removed = match what {
            // Only empty folders can be removed like this.
            Missing::Folder | Missing::NodeModules => fs::remove_dir(&path),
            Missing::PackageLock if is_our_lock(&path) => fs::remove_file(&path),
            Missing::PackageLock => return None,
        };
        removed.is_ok().then_some(path)
    };
    // The folder itself comes last.
    [Missing::PackageLock, Missing::NodeModules, Missing::Folder]
        .into_iter()
        .filter(|what| made.contains(what))
        .filter_map(remove)
        .collect()
}

/// Whether nothing is in the folder but what [`make`] made, as it made it.
fn holds_only(folder: &Path, made: &[Missing]) -> bool {
    let is_ours = |path: &Path| {
        made.iter().any(|what| what.path_in(folder) == path)
            && (is_our_lock(path)
                || fs::read_dir(path).is_ok_and(|mut found| found.next().is_none()))
    };
    fs::read_dir(folder).is_ok_and(|found| found.flatten().all(|entry| is_ours(&entry.path())))
}

/// Whether it is a lock file as [`make`] makes it.
pub(crate) fn is_our_lock(path: &Path) -> bool {
    fs::read(path).is_ok_and(|found| found == LOCK.as_bytes())
}

/// Whether there are plugins or tools in the folder besides ours.
pub(crate) fn has_code(folder: &Path) -> bool {
    let ours = shim::path_in(folder);
    let mut folders = vec![folder.to_owned()];
    let mut seen = 0;
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            seen += 1;
            if seen > MOST {
                return true;
            }
            let (path, name) = (entry.path(), entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if name != MODULES && name != ".git" {
                    folders.push(path);
                }
                continue;
            }
            let code = path.extension().is_some_and(|end| CODE.iter().any(|code| end == *code));
            if code && !(path == ours && matches!(shim::look(&path), Ok(shim::Found::Ours(_)))) {
                return true;
            }
        }
    }
    false
}

/// The names in all four lists of dependencies.
fn dependencies(package: &Value) -> BTreeSet<String> {
    ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"]
        .iter()
        .filter_map(|list| package.get(list)?.as_object())
        .flat_map(|list| list.keys().cloned())
        .collect()
}

/// As OpenCode reads it: what cannot be read has nothing in it.
fn json(path: &Path) -> Value {
    fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if !name.ends_with('/') {
                fs::write(path, content).unwrap();
            }
        }
        dir
    }

    #[test]
    fn a_folder_without_code_is_prepared_and_taken_back() {
        let dir = folder(&[("opencode.jsonc", "{ // mine\n}"), ("skill/a/SKILL.md", "")]);
        let State::Waits(missing) = look(dir.path()) else { panic!("it does not wait") };
        assert_eq!(missing, [Missing::NodeModules, Missing::PackageLock]);
        make(dir.path(), &missing).unwrap();
        assert_eq!(look(dir.path()), State::Ready);
        assert_eq!(unmake(dir.path(), &missing).len(), 2);
        assert_eq!(look(dir.path()), State::Waits(missing));
    }

    #[test]
    fn a_folder_that_is_not_there_is_made_and_taken_back() {
        let dir = folder(&[]);
        let config = dir.path().join("a/opencode");
        let State::Waits(missing) = look(&config) else { panic!("it does not wait") };
        make(&config, &missing).unwrap();
        assert_eq!(look(&config), State::Ready);
        unmake(&config, &missing);
        assert!(!config.exists());
    }

    #[test]
    fn what_changed_since_stays() {
        let dir = folder(&[]);
        let made = [Missing::NodeModules, Missing::PackageLock];
        make(dir.path(), &made).unwrap();
        fs::write(dir.path().join(LOCK_FILE), "{}").unwrap();
        fs::create_dir(dir.path().join("node_modules/zod")).unwrap();
        assert_eq!(unmake(dir.path(), &made), Vec::<PathBuf>::new());
        assert!(dir.path().join("node_modules/zod").exists());
        assert_eq!(fs::read_to_string(dir.path().join(LOCK_FILE)).unwrap(), "{}");
    }

    #[test]
    fn a_folder_that_needs_its_packages_is_left_alone() {
        let needs = |files: &[(&str, &str)]| look(folder(files).path());
        let code = State::Needed(Reason::Code);
        assert_eq!(needs(&[("tool/mine.ts", "")]), code);
        assert_eq!(needs(&[("plugins/octrace.ts", "export default {}")]), code);
        let package = r#"{"dependencies":{"zod":"4"}}"#;
        assert_eq!(needs(&[("package.json", package)]), State::Needed(Reason::Dependencies));
        assert_eq!(needs(&[(LOCK_FILE, "{}")]), State::Needed(Reason::Lock));
    }

    #[test]
    fn what_opencode_is_content_with_is_ready() {
        let lock = r#"{"packages":{"":{"dependencies":{"zod":"4","@opencode-ai/plugin":"1"}}}}"#;
        let package = r#"{"dependencies":{"zod":"4"}}"#;
        let files = [("package.json", package), (LOCK_FILE, lock), ("tool/mine.ts", "")];
        let dir = folder(&files);
        assert_eq!(look(dir.path()), State::Needed(Reason::Code), "zod is not there");
        fs::create_dir(dir.path().join(MODULES)).unwrap();
        assert_eq!(look(dir.path()), State::Ready);
    }

    #[test]
    fn our_own_shim_is_no_code_of_the_users() {
        let dir = folder(&[]);
        shim::write(&shim::path_in(dir.path()), Path::new("/x/index.ts")).unwrap();
        assert!(!has_code(dir.path()));
    }
}
