//! `octrace uninstall`: what `install` made, and nothing else, goes.

use std::fs;

use clap::Args;

use super::{
    Context,
    error::{Failure, Result},
    install::Target,
};
use crate::setup::{
    packages::ledger::{self, Owner},
    shim::{self, Done},
};

/// Record no OpenCode any more
///
/// Removes what `octrace install` wrote. What was recorded stays.
#[derive(Args)]
pub(super) struct Uninstall {
    /// Only what `octrace install --project` wrote in this project
    #[arg(long)]
    project: bool,
}

impl Uninstall {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let target = Target::new(self.project, paths);
        let shim = shim::path_in(&target.config);
        let done = shim::remove(&shim).map_err(|error| {
            Failure::from(error)
                .hint("It is left as it is; remove it yourself if it is not needed.")
        })?;
        // A project's folder goes with the project's plugin, all others with the user's.
        let config = &target.config;
        let gone = ledger::take_back(&paths.home, Owner::Install, |folder| {
            !target.project || folder == config
        })?;
        if target.project {
            // It stays if there is anything else in it, which is what the error says.
            fs::remove_dir(config).ok();
        }
        match done {
            Done::Nothing => out.line(&format!("{} has no octrace plugin", target.who()))?,
            _ => {
                out.line(&format!(
                    "{} is not recorded any more from its next start on",
                    target.who()
                ))?;
                out.line(&format!("  removed {}", shim.display()))?;
            }
        }
        for path in &gone {
            out.line(&format!("  removed {}", path.display()))?;
        }
        if paths.tape().exists() {
            out.line(&format!("What was recorded stays in {}", paths.tape().display()))?;
        }
        Ok(())
    }
}
