//! The plugin's files, carried in this binary, laid out where OpenCode can load them.
//!
//! They go to `<home>/plugin/<hash>/`, a folder that is never changed: another octrace has another hash, so
//! an OpenCode that runs keeps what it has loaded. `recorder.json` beside them names the binary that
//! the plugin starts.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use crate::paths::{create_file, create_folder};

/// Name and content.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/plugin_files.rs"));

/// Where OpenCode begins.
pub(crate) const ENTRY: &str = "index.ts";

/// Names the binary.
const RECORDER: &str = "recorder.json";

/// Lays out the plugin for this binary; gives the file that OpenCode is to load. Doing it again changes
/// nothing.
///
/// # Errors
/// When this binary's path is unknown, or the folder cannot be written.
pub(crate) fn lay_out(home: &Path) -> anyhow::Result<PathBuf> {
    // Bun takes what follows a question mark in an import for a query; other characters do no harm.
    if home.as_os_str().as_encoded_bytes().contains(&b'?') {
        bail!(
            "OpenCode cannot load a plugin from {}: the path has a question mark",
            home.display()
        );
    }
    let files = files(&binary()?)?;
    let folder = home.join("plugin").join(fingerprint(&files));
    if !is_intact(&folder, &files) {
        write(&folder, &files)
            .with_context(|| format!("cannot write the plugin to {}", folder.display()))?;
    }
    Ok(folder.join(ENTRY))
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

/// Where [`lay_out`] puts the file that OpenCode is to load.
pub(crate) fn entry(home: &Path) -> anyhow::Result<PathBuf> {
    Ok(home.join("plugin").join(fingerprint(&files(&binary()?)?)).join(ENTRY))
}

/// Whether everything of a plugin is there that was laid out with this entry, by any octrace: the binary
/// that it starts, if so.
pub(crate) fn recorder_of(entry: &Path) -> Option<PathBuf> {
    let recorder = fs::read(entry.parent()?.join(RECORDER)).ok()?;
    let recorder: serde_json::Value = serde_json::from_slice(&recorder).ok()?;
    Some(recorder.get("binary")?.as_str()?.into()).filter(|_| entry.is_file())
}

fn files(binary: &Path) -> anyhow::Result<Vec<(&'static str, String)>> {
    let binary =
        binary.to_str().with_context(|| format!("the path {} is not UTF-8", binary.display()))?;
    let recorder = serde_json::json!({ "binary": binary }).to_string();
    let sources = FILES.iter().map(|(name, content)| (*name, (*content).to_owned()));
    Ok(sources.chain([(RECORDER, recorder)]).collect())
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
        let entry = lay_out(home.path()).unwrap();
        assert_eq!(entry, super::entry(home.path()).unwrap());
        assert_eq!(recorder_of(&entry), Some(binary().unwrap()));
        assert!(fs::read_to_string(&entry).unwrap().contains("export default"));

        let written = || fs::metadata(&entry).unwrap().modified().unwrap();
        let before = written();
        assert_eq!(lay_out(home.path()).unwrap(), entry);
        assert_eq!(written(), before);

        fs::write(&entry, "half").unwrap();
        lay_out(home.path()).unwrap();
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
    fn another_binary_has_another_folder() {
        let of = |binary| fingerprint(&files(Path::new(binary)).unwrap());
        assert_ne!(of("/a/octrace"), of("/b/octrace"));
        assert_eq!(of("/a/octrace").len(), 12);
    }
}
