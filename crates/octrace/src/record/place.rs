//! Where a recorder works: its tape, and the spools that may be for it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use octrace_core::redact::Patterns;
use octrace_wire::payload::Hello;

use super::retention::Limits;
use crate::config::{Settings, backends::Backends, database::DatabaseUrl};

/// Where a recorder works.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The database.
    pub(crate) tape: PathBuf,
    /// The folder of the tape, which a plugin names in its `hello` when its spool is for this tape.
    pub(crate) named: PathBuf,
    /// Where spools are.
    pub(crate) roots: Vec<PathBuf>,
    /// What the user wants blanked besides what the rules know.
    pub(crate) patterns: Patterns,
    /// The user's `config.toml`.
    pub(crate) config: PathBuf,
    /// The user's home.
    pub(crate) user: PathBuf,
    /// OpenCode's data folder, where its process does not name it.
    pub(crate) opencode_data: PathBuf,
    /// Where the diagnostics file is, unless a setting says otherwise.
    pub(crate) state: PathBuf,
    /// What the tape may hold.
    pub(crate) limits: Limits,
    /// What this process has the keys for.
    pub(crate) delivery: Delivery,
}

/// What a process needs to deliver, by its own environment and the user's `config.toml`. Where recordings go is
/// decided by their own settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delivery {
    /// The Postgres that it has the URL of.
    pub(crate) database: Option<DatabaseUrl>,
    /// The tracing backends, with the keys that it has; `None`: it has none.
    pub(crate) backends: Option<Backends>,
}

impl Delivery {
    /// By these settings.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            database: settings.agent_trace.database.value.clone(),
            backends: Some(settings.backends.clone()),
        }
    }
}

impl Place {
    /// Whether a spool of this writer is for this tape. One that named nothing is anybody's.
    pub(super) fn is_for(&self, hello: &Hello) -> bool {
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        hello.home.is_empty() || real(&self.named) == real(Path::new(&hello.home))
    }
}
