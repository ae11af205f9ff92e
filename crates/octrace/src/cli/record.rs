//! `octrace record`: the recorder. The plugin starts it; people hardly ever do.

use std::path::{Path, PathBuf};

use clap::Args;
use octrace_store::Tape;

use super::{Context, error::Result};
use crate::{
    paths::Paths,
    record,
    setup::{install::prepare_for, packages::ledger::give_way},
};

/// Record an OpenCode's spool until it ends (started by the plugin)
#[derive(Args)]
pub(crate) struct Record {
    /// The spool's folder
    spool: PathBuf,
}

impl Record {
    pub(crate) fn run(self, context: &mut Context) -> Result {
        let Context { paths, settings, .. } = context;
        // Nobody sees what a background program prints: its log is a file, and without one it works all the
        // same.
        record::log::begin(&paths.log()).ok();
        // A tool or a plugin may have been added since `install`; OpenCode's next start makes up for it.
        if let Err(error) = give_way(&paths.state) {
            tracing::warn!("cannot make way for the user's own packages: {error:#}");
        }
        let result = record::record(&self.spool, &paths.place(settings));
        if let Err(error) = &result {
            tracing::error!("stopped recording: {error:#}");
        }
        if let Err(error) = spare_the_wait(&self.spool, paths) {
            tracing::warn!("the next OpenCode may wait for packages: {error:#}");
        }
        Ok(result?)
    }
}

/// Prepares the projects that OpenCode was in for its next start there.
fn spare_the_wait(spool: &Path, paths: &Paths) -> anyhow::Result<()> {
    let Some(tape) = Tape::open_existing(&paths.tape())? else { return Ok(()) };
    let name = spool.file_name().unwrap_or_default().to_string_lossy();
    let directories: Vec<_> = tape.directories(&name)?.into_iter().map(PathBuf::from).collect();
    prepare_for(paths, &directories)
}
