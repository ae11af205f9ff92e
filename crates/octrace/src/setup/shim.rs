//! The one line in OpenCode's plugin folder by which it loads our plugin: what `octrace install` writes
//! and `octrace uninstall` removes. The same line stands in octrace's own folder, for those who give options.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::paths::{create_folder, replace_file};

/// What our file begins with, whichever version wrote it.
const MARK: &str = "// octrace: ";

/// What stands where the shim belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// Ours, and the file that it makes OpenCode load, if that can be read from it.
    Ours(Option<PathBuf>),
    /// Somebody else's.
    Foreign,
}

/// Somebody else's file is where the shim belongs.
#[derive(Debug, thiserror::Error)]
#[error("{} was not written by octrace", .0.display())]
pub(crate) struct Foreign(PathBuf);

/// What [`write()`] or [`remove`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// It was like that already.
    Nothing,
    /// A new file, or one less.
    Changed,
    /// Ours was there, for another version of octrace or another binary.
    Replaced,
}

/// Where the shim is in a configuration folder of OpenCode's.
pub(crate) fn path_in(config: &Path) -> PathBuf {
    config.join("plugins/octrace.ts")
}

/// The file that people name in OpenCode's configuration to give options, in octrace's folder `home`. It is there for
/// all versions; [`path_in`]'s would not do, since OpenCode loads a file once, and without the options.
pub(crate) fn for_options(home: &Path) -> PathBuf {
    home.join("plugin/octrace.ts")
}

/// Looks.
///
/// # Errors
/// When something is there that cannot be read.
pub(crate) fn look(path: &Path) -> anyhow::Result<Found> {
    let kind = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound) => return Ok(Found::Nothing),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot look at {}", path.display()));
        }
    };
    if !kind.is_file() {
        return Ok(Found::Foreign);
    }
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8_lossy(&text);
    if !text.starts_with(MARK) {
        return Ok(Found::Foreign);
    }
    let target = text.lines().find_map(|line| {
        let quoted = line.strip_prefix("export { default } from ")?.trim_end_matches(';');
        serde_json::from_str::<String>(quoted).ok()
    });
    Ok(Found::Ours(target.map(PathBuf::from)))
}

/// Whether it can be written or removed without harm to anybody's file.
///
/// # Errors
/// [`Foreign`] when a file that is not ours is in its place, or something is there that cannot be read.
pub(crate) fn check(path: &Path) -> anyhow::Result<()> {
    match look(path)? {
        Found::Foreign => Err(Foreign(path.to_owned()).into()),
        Found::Nothing | Found::Ours(_) => Ok(()),
    }
}

/// Makes OpenCode load `entry`.
///
/// # Errors
/// [`Foreign`] when a file that is not ours is in its place; else when it cannot be written.
pub(crate) fn write(path: &Path, entry: &Path) -> anyhow::Result<Done> {
    let done = match look(path)? {
        Found::Ours(Some(target)) if target == entry => return Ok(Done::Nothing),
        Found::Ours(_) => Done::Replaced,
        Found::Nothing => Done::Changed,
        Found::Foreign => return Err(Foreign(path.to_owned()).into()),
    };
    let folder = path.parent().context("a plugin has no folder")?;
    create_folder(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    replace_file(path, text(entry)?.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(done)
}

/// Takes it away, and its folder if that is empty then.
///
/// # Errors
/// [`Foreign`] when a file that is not ours is in its place; else when it cannot be removed.
pub(crate) fn remove(path: &Path) -> anyhow::Result<Done> {
    match look(path)? {
        Found::Nothing => return Ok(Done::Nothing),
        Found::Foreign => return Err(Foreign(path.to_owned()).into()),
        Found::Ours(_) => {}
    }
    fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    // It stays if the user has plugins of his own, which is what the error says.
    path.parent().map(fs::remove_dir);
    Ok(Done::Changed)
}

fn text(entry: &Path) -> anyhow::Result<String> {
    let entry = entry.to_str().with_context(|| format!("{} is not UTF-8", entry.display()))?;
    let entry = serde_json::to_string(entry)?;
    Ok(format!(
        "{MARK}records OpenCode's sessions on this machine. `octrace install` wrote this file, `octrace \
         uninstall` removes it.\nexport {{ default }} from {entry}\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_once_replaced_when_old_and_removed_once() {
        let config = tempfile::tempdir().unwrap();
        let path = path_in(config.path());
        let entry = Path::new("/home/a \"b\"/plugin/0123/index.ts");
        assert_eq!(look(&path).unwrap(), Found::Nothing);
        assert_eq!(write(&path, entry).unwrap(), Done::Changed);
        assert_eq!(look(&path).unwrap(), Found::Ours(Some(entry.to_owned())));
        assert_eq!(write(&path, entry).unwrap(), Done::Nothing);
        assert_eq!(write(&path, Path::new("/new/index.ts")).unwrap(), Done::Replaced);
        assert_eq!(remove(&path).unwrap(), Done::Changed);
        assert_eq!(remove(&path).unwrap(), Done::Nothing);
        assert!(!config.path().join("plugins").exists());
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let config = tempfile::tempdir().unwrap();
        let path = path_in(config.path());
        create_folder(path.parent().unwrap()).unwrap();
        for make in [
            |path: &Path| fs::write(path, "export default {}\n"),
            |path: &Path| std::os::unix::fs::symlink("/dev/null", path),
        ] {
            make(&path).unwrap();
            let before = fs::symlink_metadata(&path).unwrap().modified().unwrap();
            assert_eq!(look(&path).unwrap(), Found::Foreign);
            assert!(write(&path, Path::new("/x")).is_err());
            assert!(remove(&path).is_err());
            assert_eq!(fs::symlink_metadata(&path).unwrap().modified().unwrap(), before);
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn the_folder_stays_when_there_are_other_plugins() {
        let config = tempfile::tempdir().unwrap();
        let path = path_in(config.path());
        write(&path, Path::new("/x/index.ts")).unwrap();
        fs::write(config.path().join("plugins/mine.ts"), "").unwrap();
        remove(&path).unwrap();
        assert!(config.path().join("plugins/mine.ts").exists());
    }
}
