//! The plugin's files, carried in this binary, laid out where OpenCode can load them.
//!
//! They go to `<home>/plugin/<hash>/`, a folder that is never changed: another octrace has another hash, so
//! an OpenCode that runs keeps what it has loaded. `recorder.json` beside them names the binary that
//! the plugin starts, and the home whose tape it is to write to, whatever the environment was in which it
//! was installed.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::paths::{create_file, create_folder};

/// Name and content.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/plugin_files.rs"));

/// Where OpenCode begins.
pub(crate) const ENTRY: &str = "index.ts";

/// Names the binary and the home.
const RECORDER: &str = "recorder.json";

/// What [`lay_out`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LaidOut {
    /// The file that OpenCode is to load.
    pub(crate) entry: PathBuf,
    /// Whether it was not there, or not whole.
    pub(crate) written: bool,
}

/// Lays out the plugin for this binary and this home. Doing it again changes nothing.
///
/// # Errors
/// When this binary's path is unknown, or the folder cannot be written.
pub(crate) fn lay_out(home: &Path) -> anyhow::Result<LaidOut> {
    // Bun takes what follows a question mark in an import for a query; other characters do no harm.
    if home.as_os_str().as_encoded_bytes().contains(&b'?') {
        bail!(
            "OpenCode cannot load a plugin from {}: the path has a question mark",
            home.display()
        );
    }
    let files = files(&binary()?, home)?;
    let folder = home.join("plugin").join(fingerprint(&files));
    let written = !is_intact(&folder, &files);
    if written {
        write(&folder, &files)
            .with_context(|| format!("cannot write the plugin to {}", folder.display()))?;
    }
    Ok(LaidOut { entry: folder.join(ENTRY), written })
}

/// The path of the binary that runs, without links, so that it is the same however it was called.
///
/// # Errors
/// When the system does not say.
pub(crate) fn binary() -> anyhow::Result<PathBuf> {
    std::env::current_exe()
        .and_then(fs::canonicalize)
        .context("cannot find the path of this octrace")
}

/// Whether `entry` is what [`lay_out`] lays out for this home, and all of it is there.
pub(crate) fn is_current(entry: &Path, home: &Path) -> bool {
    let Some(files) = binary().ok().and_then(|binary| files(&binary, home).ok()) else {
        return false;
    };
    let folder = home.join("plugin").join(fingerprint(&files));
    entry == folder.join(ENTRY) && is_intact(&folder, &files)
}

/// What a plugin that any octrace laid out was told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Told {
    /// The recorder that it starts.
    pub(crate) binary: PathBuf,
    /// Whose tape the recorder writes to, unless the environment says otherwise.
    pub(crate) home: PathBuf,
}

/// What the plugin was told that OpenCode loads from `entry`; `None` if it is not there.
pub(crate) fn told(entry: &Path) -> Option<Told> {
    let recorder = fs::read(entry.parent()?.join(RECORDER)).ok()?;
    serde_json::from_slice(&recorder).ok().filter(|_| entry.is_file())
}

fn files(binary: &Path, home: &Path) -> anyhow::Result<Vec<(&'static str, String)>> {
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", path.display()))
    };
    let recorder = serde_json::json!({ "binary": text(binary)?, "home": text(home)? });
    let sources = FILES.iter().map(|(name, content)| (*name, (*content).to_owned()));
    Ok(sources.chain([(RECORDER, recorder.to_string())]).collect())
}

/// 12 hex digits that stand for these files.
fn fingerprint(files: &[(&str, String)]) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, content) in files {
        for text in [name.as_bytes(), content.as_bytes()] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
    }
    hasher.finalize().to_hex().chars().take(12).collect()
}

fn is_intact(folder: &Path, files: &[(&str, String)]) -> bool {
    files.iter().all(|(name, content)| {
        fs::read(folder.join(name)).is_ok_and(|found| found == content.as_bytes())
    })
}

/// Writes all of it aside, then moves it into place.
fn write(folder: &Path, files: &[(&str, String)]) -> io::Result<()> {
    let parent = folder.parent().ok_or(io::ErrorKind::InvalidInput)?;
    create_folder(parent)?;
    // Its folder is for the owner only, and gone at the end.
    let aside = tempfile::Builder::new().prefix(".new-").tempdir_in(parent)?;
    let new = aside.path().join("new");
    create_folder(&new)?;
    for (name, content) in files {
        create_file(&new.join(name), content.as_bytes())?;
    }
    // What is there is not what belongs there.
    match fs::rename(folder, aside.path().join(OsString::from("old"))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match fs::rename(&new, folder) {
        // Another octrace was faster.
        Err(_) if is_intact(folder, files) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_laid_out_once_and_mended_when_damaged() {
        let home = tempfile::tempdir().unwrap();
        let LaidOut { entry, written } = lay_out(home.path()).unwrap();
        assert!(written && is_current(&entry, home.path()));
        let told = told(&entry).unwrap();
        assert_eq!((told.binary, told.home), (binary().unwrap(), home.path().to_owned()));
        assert!(fs::read_to_string(&entry).unwrap().contains("export default"));

        let changed = || fs::metadata(&entry).unwrap().modified().unwrap();
        let before = changed();
        assert_eq!(lay_out(home.path()).unwrap(), LaidOut { entry: entry.clone(), written: false });
        assert_eq!(changed(), before);

        fs::write(&entry, "half").unwrap();
        assert!(!is_current(&entry, home.path()));
        assert!(lay_out(home.path()).unwrap().written);
        assert!(fs::read_to_string(&entry).unwrap().contains("export default"));
        let left: Vec<_> = fs::read_dir(home.path().join("plugin")).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing but the plugin's folder is left");
    }

    #[test]
    fn every_module_that_the_plugin_imports_is_carried() {
        for (name, content) in FILES {
            for line in content.lines().filter(|line| line.contains(" from \"./")) {
                let import = line.split("\"./").nth(1).and_then(|rest| rest.split('"').next());
                let import = import.unwrap();
                assert!(FILES.iter().any(|(name, _)| *name == import), "{name} imports {import}");
            }
        }
    }

    #[test]
    fn a_path_that_cannot_be_imported_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("what?");
        assert!(lay_out(&home).is_err());
        assert!(!home.exists());
    }

    #[test]
    fn another_binary_or_home_has_another_folder() {
        let of = |binary: &str, home: &str| {
            fingerprint(&files(Path::new(binary), Path::new(home)).unwrap())
        };
        assert_ne!(of("/a/octrace", "/home"), of("/b/octrace", "/home"));
        assert_ne!(of("/a/octrace", "/home"), of("/a/octrace", "/elsewhere"));
        assert_eq!(of("/a/octrace", "/home").len(), 12);
    }
}
