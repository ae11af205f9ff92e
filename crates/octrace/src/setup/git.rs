//! Which of the files that octrace made git would offer to commit.

use std::path::{Path, PathBuf};

use crate::git::Git;

/// Those of `paths` that are in the work tree at `root`, untracked and not ignored, relative to it. None
/// where git is not there or cannot tell.
pub(crate) fn shown(root: &Path, paths: &[PathBuf]) -> Vec<String> {
    let inside: Vec<_> = paths.iter().filter_map(|path| path.strip_prefix(root).ok()).collect();
    if inside.is_empty() {
        return Vec::new();
    }
    let options = ["ls-files", "--others", "--exclude-standard", "-z", "--"].map(Path::new);
    let Ok(listed) = Git::at(root).run(options.into_iter().chain(inside)) else {
        return Vec::new();
    };
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;

    #[test]
    fn what_git_would_show_is_named_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let git = |arguments: &[&str]| {
            let status = Command::new("git").arg("-C").arg(root).args(arguments).status();
            assert!(status.unwrap().success(), "{arguments:?}");
        };
        git(&["init", "--quiet"]);
        fs::create_dir_all(root.join("a/node_modules")).unwrap();
        for name in ["shown", "tracked", "ignored", "another"] {
            fs::write(root.join("a").join(name), "").unwrap();
        }
        fs::write(root.join(".gitignore"), "ignored\n").unwrap();
        git(&["add", "a/tracked"]);
        let asked = ["shown", "tracked", "ignored", "node_modules", "missing"];
        let mut asked: Vec<_> = asked.iter().map(|name| root.join("a").join(name)).collect();
        asked.push("/elsewhere".into());
        assert_eq!(shown(root, &asked), ["a/shown"]);
        assert_eq!(shown(&root.join("no/such"), &asked), [""; 0]);
        assert_eq!(shown(root, &["/elsewhere".into()]), [""; 0]);
    }
}
