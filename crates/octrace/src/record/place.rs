//! Where a recorder works: its tape, and the spools that may be for it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use octrace_core::redact::Patterns;
use octrace_wire::payload::Hello;

use super::retention::Limits;
use crate::config::{AgentTrace, database::DatabaseUrl};

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
    /// What this process has the keys for, and how it delivers.
    pub(crate) delivery: Delivery,
}

/// What a process needs to deliver, by its own environment and the user's `config.toml`. Where recordings go is
/// decided by their own settings.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// The Postgres that it has the URL of.
    pub(crate) database: Option<DatabaseUrl>,
    /// Items at once.
    pub(crate) batch_size: u32,
    /// For how long fewer than that wait for more.
    pub(crate) flush: Duration,
    /// How often an item that is refused is tried again.
    pub(crate) retry_max: u32,
}

impl Default for Delivery {
    /// For a process without any key.
    fn default() -> Self {
        let flush = Duration::from_millis(500);
        Self { database: None, batch_size: 50, flush, retry_max: 5 }
    }
}

impl Delivery {
    /// By these settings.
    pub(crate) fn new(settings: &AgentTrace) -> Self {
        Self {
            database: settings.database.value.clone(),
            batch_size: settings.batch_size.value.get(),
            flush: Duration::from_millis(settings.flush_ms.value.into()),
            retry_max: settings.retry_max.value,
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
