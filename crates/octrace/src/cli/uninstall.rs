//! `octrace uninstall`: what `install` made, and nothing else, goes.

use clap::Args;

use super::{
    Context,
    error::{Failure, Result},
    install::{target, who},
};
use crate::setup::{install::uninstall, shim::Done};

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
        let target = target(self.project, paths);
        let (done, gone) = uninstall(&target, paths).map_err(|error| {
            Failure::from(error)
                .hint("It is left as it is; remove it yourself if it is not needed.")
        })?;
        let who = who(&target);
        if done == Done::Nothing {
            out.line(&format!("{who} has no octrace plugin"))?;
        } else {
            out.line(&format!("{who} is not recorded any more from its next start on"))?;
            out.line(&format!("  removed {}", target.shim().display()))?;
        }
        for path in &gone {
            out.line(&format!("  removed {}", path.display()))?;
        }
        if done != Done::Nothing && paths.tape().exists() {
            out.line(&format!("What was recorded stays in {}", paths.tape().display()))?;
        }
        Ok(())
    }
}
