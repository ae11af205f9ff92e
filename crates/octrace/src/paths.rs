//! Where everything is: octrace's own folders, the spools, and OpenCode's configuration.
//!
//! The rules of the XDG base directories hold on macOS too, as they do for OpenCode.

use std::{
    env,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::Context;
use etcetera::base_strategy::{BaseStrategy, Xdg};

use crate::{
    config::{self, Age, Bytes, Settings},
    record::{Delivery, Limits, Place},
};

/// The folders that matter to octrace, whether they exist or not.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The user's home.
    pub(crate) user: PathBuf,
    /// octrace's own folder: the tape, the plugin's files.
    pub(crate) home: PathBuf,
    /// What can be got again.
    pub(crate) cache: PathBuf,
    /// What is known about this machine, wherever [`home`](Self::home) is: what was made for whom.
    pub(crate) state: PathBuf,
    /// Where OpenCode's global configuration is.
    pub(crate) opencode_config: PathBuf,
    /// Where OpenCode keeps what it knows.
    pub(crate) opencode_data: PathBuf,
    /// A further one, `OPENCODE_CONFIG_DIR`.
    pub(crate) opencode_config_dir: Option<PathBuf>,
    /// Where the plugin tries to make its spools, in this order.
    pub(crate) spool_candidates: Vec<PathBuf>,
}

impl Paths {
    /// By the environment and the user's `config.toml`.
    ///
    /// # Errors
    /// When the user's home cannot be found.
    pub(crate) fn find() -> anyhow::Result<(Self, Settings)> {
        let xdg = Xdg::new().context("cannot find the home folder")?;
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let settings = config::load(
            &xdg.config_dir().join("octrace/config.toml"),
            &xdg.data_dir(),
            // Those are told to the recorder of the OpenCode that has them.
            &config::Options::new(),
            variable,
        );
        let state = xdg.state_dir().unwrap_or_else(|| xdg.home_dir().join(".local/state"));
        let state = state.join("octrace");
        let paths = Self {
            user: xdg.home_dir().to_owned(),
            home: settings.home.value.clone(),
            cache: xdg.cache_dir().join("octrace"),
            opencode_config: xdg.config_dir().join("opencode"),
            opencode_data: xdg.data_dir().join("opencode"),
            opencode_config_dir: variable("OPENCODE_CONFIG_DIR").map(PathBuf::from),
            spool_candidates: spool_candidates(
                variable("XDG_RUNTIME_DIR").map(PathBuf::from),
                &state,
            ),
            state,
        };
        Ok((paths, settings))
    }

    /// The database.
    pub(crate) fn tape(&self) -> PathBuf {
        self.home.join("tape.db")
    }

    /// Where recorders work.
    pub(crate) fn place(&self, settings: &Settings) -> Place {
        Place {
            tape: self.tape(),
            named: self.home.clone(),
            roots: self.spool_roots(),
            patterns: settings.patterns.value.clone(),
            config: settings.file.clone(),
            user: self.user.clone(),
            opencode_data: self.opencode_data.clone(),
            state: self.state.clone(),
            limits: Limits {
                max_bytes: settings.max_size.value.get().map(|Bytes(bytes)| bytes),
                max_age: settings.max_age.value.get().map(|Age(age)| age),
            },
            delivery: Delivery::new(settings),
        }
    }

    /// The recorders' log.
    pub(crate) fn log(&self) -> PathBuf {
        self.home.join("recorder.log")
    }

    /// Where spools may be: not only where an OpenCode started here would make its own, since others may
    /// have been started with another environment. A folder that the plugin would refuse is none.
    pub(crate) fn spool_roots(&self) -> Vec<PathBuf> {
        self.spool_candidates.iter().filter(|path| is_private(path)).cloned().collect()
    }
}

/// As in `plugin/root.ts`: where the system has memory for it, since what is in a spool is not redacted
/// yet.
fn spool_candidates(runtime: Option<PathBuf>, state: &Path) -> Vec<PathBuf> {
    let runtime = runtime.filter(|path| path.is_absolute() && is_ours(path));
    let shared_memory = cfg!(target_os = "linux")
        .then(|| format!("/dev/shm/octrace-{}", rustix::process::getuid().as_raw()).into());
    let state = Some(state.join("spool"));
    [runtime.map(|path| path.join("octrace")), shared_memory, state].into_iter().flatten().collect()
}

/// Whether this is a real folder of ours, not a link to one.
fn is_ours(path: &Path) -> bool {
    let user = rustix::process::getuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() && found.uid() == user)
}

/// Whether it is ours and closed to everybody else.
pub(crate) fn is_private(path: &Path) -> bool {
    is_ours(path) && fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 == 0)
}

/// Makes a folder and those above it, new ones for their owner only.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a new file for its owner only.
///
/// # Errors
/// `AlreadyExists`, and whatever the system refuses.
pub(crate) fn create_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)
}

/// Replaces a file, or makes it, so that nobody ever sees a half of it.
pub(crate) fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    // Private by itself.
    let mut file = tempfile::Builder::new().prefix(".octrace-").tempfile_in(folder)?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_folder_comes_first_unless_it_is_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real");
        fs::create_dir(&real).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let state = dir.path().join("state");

        let first = |runtime: PathBuf| spool_candidates(Some(runtime), &state).remove(0);
        assert_eq!(first(real.clone()), real.join("octrace"));
        assert!(!first(link).starts_with(dir.path().join("link")));
        assert!(!first("relative".into()).starts_with("relative"));
        assert_eq!(spool_candidates(None, &state).pop(), Some(state.join("spool")));
    }

    #[test]
    fn what_is_made_is_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        create_folder(&folder).unwrap();
        create_file(&folder.join("new"), b"x").unwrap();
        replace_file(&folder.join("replaced"), b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("new")), 0o600);
        assert_eq!(mode(&folder.join("replaced")), 0o600);
        assert!(is_private(&folder));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(!is_private(&folder));
    }
}
