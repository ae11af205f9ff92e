//! Where this checkout and its build products are, and how a command is
//! started inside it. Every child process of `xtask` is made here, so that none
//! of them reads the terminal, colours its output, or sees the developer's
//! own OpenCode, keys and home folder by accident.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

/// Environment variables that would let a test reach a developer's own
/// recordings, providers or backends.
const PERSONAL: &[&str] =
    &["AGENT_TRACE_", "DATABASE_URL", "HELICONE_", "NEATLOGS_", "OCTRACE_", "OPENCODE_", "OTEL_"];

/// A checkout of octrace and the wishes of this run.
pub(crate) struct Checkout {
    /// The repository's root.
    pub(crate) root: PathBuf,
    /// Cargo's target folder; everything that xtask produces is below it.
    pub(crate) target: PathBuf,
    /// Whether the slow set is wanted too.
    pub(crate) all: bool,
    /// Whether the output of steps that pass is wanted too.
    pub(crate) verbose: bool,
}

impl Checkout {
    /// Finds the checkout that this xtask was built from.
    pub(crate) fn find(all: bool, verbose: bool) -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("the xtask crate has no parent folder")?
            .to_path_buf();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => std::path::absolute(folder).context("CARGO_TARGET_DIR is no path")?,
            None => root.join("target"),
        };
        Ok(Self { root, target, all, verbose })
    }

    /// A command in the repository's root, without stdin, as on a CI machine.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .env("CI", "true")
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_TERM_COLOR", "never")
            .env("NO_COLOR", "1");
        command
    }

    /// Cargo, held to the committed lock file.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments);
        if arguments.first() != Some(&"fmt") {
            command.arg("--locked");
        }
        command
    }

    /// Lets a command see an empty home and nothing personal in its environment.
    pub(crate) fn isolate(command: &mut Command, home: &Home) {
        for (name, _) in std::env::vars_os() {
            let Some(text) = name.to_str() else { continue };
            if PERSONAL.iter().any(|personal| text.starts_with(personal))
                || text.ends_with("_API_KEY")
            {
                command.env_remove(&name);
            }
        }
        // Cargo and rustup live in the real home, and are all that may be used there.
        for (variable, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            if std::env::var_os(variable).is_none()
                && let Some(real) = std::env::home_dir()
            {
                command.env(variable, real.join(folder));
            }
        }
        for (variable, folder) in HOME_FOLDERS {
            command.env(variable, home.path.join(folder));
        }
    }

    /// A fresh and empty home folder below the target folder.
    pub(crate) fn empty_home(&self, name: &str) -> anyhow::Result<Home> {
        let path = self.target.join("xtask").join(format!("home-{name}"));
        if path.exists() {
            std::fs::remove_dir_all(&path)
                .with_context(|| format!("cannot clear {}", path.display()))?;
        }
        for (_, folder) in HOME_FOLDERS {
            std::fs::create_dir_all(path.join(folder))
                .with_context(|| format!("cannot create {}", path.display()))?;
        }
        Ok(Home { path })
    }
}

const HOME_FOLDERS: &[(&str, &str)] = &[
    ("HOME", ""),
    ("XDG_CACHE_HOME", "cache"),
    ("XDG_CONFIG_HOME", "config"),
    ("XDG_DATA_HOME", "data"),
    ("XDG_RUNTIME_DIR", "runtime"),
    ("XDG_STATE_HOME", "state"),
];

/// A home folder that holds nothing but empty XDG folders.
pub(crate) struct Home {
    pub(crate) path: PathBuf,
}

impl Home {
    /// What was written into it since: one path per file or folder found.
    pub(crate) fn touched(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for (_, folder) in HOME_FOLDERS {
            for entry in std::fs::read_dir(self.path.join(folder))? {
                let path = entry?.path();
                if !HOME_FOLDERS.iter().any(|(_, known)| path == self.path.join(known)) {
                    found.push(path);
                }
            }
        }
        Ok(found)
    }
}
