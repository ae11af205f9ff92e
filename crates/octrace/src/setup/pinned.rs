//! The OpenCode that `demo` uses where there is none: pinned, from npm, in the cache folder.
//!
//! `opencode/package-lock.json` names every package with its hash, so that npm installs those and nothing
//! else.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use super::opencode;
use crate::paths::{create_file, create_folder};

/// The version in `opencode/package.json`.
pub(crate) const VERSION: &str = "1.18.33";

/// What it takes up; a little less has to be downloaded.
pub(crate) const SIZE: &str = "about 180 MB";

const PACKAGE: &str = include_str!("../../opencode/package.json");
const LOCK: &str = include_str!("../../opencode/package-lock.json");

/// Where it is once it is installed.
pub(crate) fn program(cache: &Path) -> PathBuf {
    folder(cache).join("node_modules/opencode-ai/bin/opencode.exe")
}

/// The folder that it is installed into.
pub(crate) fn folder(cache: &Path) -> PathBuf {
    cache.join(format!("opencode-{VERSION}"))
}

/// Installs it. npm shows its progress on standard error.
///
/// # Errors
/// Without npm or network, or when the cache folder cannot be written.
pub(crate) fn install(cache: &Path) -> anyhow::Result<PathBuf> {
    if opencode::find("npm".as_ref()).is_none() {
        bail!("there is neither an OpenCode nor an npm to get one with");
    }
    let place = folder(cache);
    create_folder(cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let aside = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(cache)
        .with_context(|| format!("cannot write to {}", cache.display()))?;
    let new = aside.path().join("new");
    create_folder(&new)?;
    create_file(&new.join("package.json"), PACKAGE.as_bytes())?;
    create_file(&new.join("package-lock.json"), LOCK.as_bytes())?;
    let quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
    run(Command::new("npm").args(["ci", "--ignore-scripts"]).args(quiet).current_dir(&new))?;
    // Puts the program for this machine in its place: the one script that is needed. It tries the program,
    // which makes folders in the home that it finds.
    let modules = new.join("node_modules");
    run(opencode::in_home(&mut Command::new("node"), aside.path())
        .arg("postinstall.mjs")
        .current_dir(modules.join("opencode-ai")))?;
    keep_only(&modules, "opencode-ai")
        .with_context(|| format!("cannot tidy {}", modules.display()))?;
    match fs::rename(&place, aside.path().join("old")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot replace {}", place.display()));
        }
        _ => {}
    }
    let moved = fs::rename(&new, &place);
    let program = program(cache);
    // Another demo may have been faster.
    if !program.is_file() {
        moved.with_context(|| format!("cannot write {}", place.display()))?;
        bail!("npm installed no OpenCode for this machine");
    }
    Ok(program)
}

/// Removes the packages that the program was copied from, one for each kind of processor.
fn keep_only(modules: &Path, package: &str) -> io::Result<()> {
    for entry in fs::read_dir(modules)? {
        let entry = entry?;
        if entry.file_name() != package && entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Runs a step; its output goes to standard error, where a person sees how it goes.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name} could not install OpenCode {VERSION} ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_has_this_version_for_every_system_and_no_addresses() {
        let lock: serde_json::Value = serde_json::from_str(LOCK).unwrap();
        assert_eq!(lock["packages"]["node_modules/opencode-ai"]["version"], VERSION);
        let systems = &lock["packages"]["node_modules/opencode-ai"]["optionalDependencies"];
        for (name, version) in systems.as_object().unwrap() {
            let package = &lock["packages"][format!("node_modules/{name}")];
            assert_eq!(&package["version"], version, "{name}");
        }
        assert!(!LOCK.contains("\"resolved\""));
        assert!(PACKAGE.contains(&format!("\"opencode-ai\": \"{VERSION}\"")));
    }
}
