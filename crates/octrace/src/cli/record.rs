//! `octrace record`: the recorder. The plugin starts it; people hardly ever do.

use std::path::PathBuf;

use clap::Args;

use super::{Context, error::Result};
use crate::{record, setup::packages::ledger::give_way};

/// Record an OpenCode's spool until it ends (started by the plugin)
#[derive(Args)]
pub(crate) struct Record {
    /// The spool's folder
    spool: PathBuf,
}

impl Record {
    pub(crate) fn run(self, context: &mut Context) -> Result {
        // Nobody sees what a background program prints: its log is a file, and without one it works all the
        // same.
        record::log::begin(&context.paths.log()).ok();
        // A tool or a plugin may have been added since `install`; OpenCode's next start makes up for it.
        if let Err(error) = give_way(&context.paths.state) {
            tracing::warn!("cannot make way for the user's own packages: {error:#}");
        }
        let result = record::record(&self.spool, &context.paths.place());
        if let Err(error) = &result {
            tracing::error!("stopped recording: {error:#}");
        }
        Ok(result?)
    }
}
