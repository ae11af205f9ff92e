//! `octrace uninstall`: what `install` made, and nothing else, goes.

use clap::Args;

use super::{
    Context,
    error::{Failure, Result},
    install::{target, who},
};
use crate::setup::{
    install::uninstall,
    shim::{Done, Foreign},
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
        let target = target(self.project, paths);
        let uninstalled = uninstall(&target, paths).map_err(|error| {
            let foreign = error.is::<Foreign>();
            let failure = Failure::from(error);
            if foreign { failure.hint("It is left as it is; see what it is for.") } else { failure }
        })?;
        let who = who(&target);
        out.line(&match (uninstalled.done, &uninstalled.user) {
            (Done::Nothing, _) => format!("{who} has no octrace plugin"),
            (_, None) => format!("{who} is not recorded any more from its next start on"),
            (_, Some(_)) => format!("{who} has no octrace plugin of its own any more"),
        })?;
        let shim = (uninstalled.done != Done::Nothing).then(|| target.shim());
        for path in shim.iter().chain(&uninstalled.gone) {
            out.line(&format!("  removed {}", path.display()))?;
        }
        if let Some(config) = &uninstalled.user {
            let config = config.display();
            out.line(&format!("The plugin in {config} still records it: octrace uninstall"))?;
        }
        for project in &uninstalled.projects {
            let project = project.display();
            out.line(&format!(
                "OpenCode in {project} has a plugin of its own, which stays, with what it needs; there: \
                 octrace uninstall --project"
            ))?;
        }
        if uninstalled.done != Done::Nothing && paths.tape().exists() {
            out.line(&format!("What was recorded stays in {}", paths.tape().display()))?;
        }
        Ok(())
    }
}
