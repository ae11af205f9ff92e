//! `octrace install`: every OpenCode from now on is recorded.

use std::path::PathBuf;

use clap::Args;

use super::{
    Context,
    error::{Failure, Result},
};
use crate::{
    paths::Paths,
    setup::{
        folders, opencode,
        packages::{
            State,
            ledger::{self, Owner},
        },
        plugin,
        shim::{self, Done},
    },
};

/// Record every OpenCode from now on
///
/// Writes one small file into OpenCode's plugin folder. Your settings are not touched.
#[derive(Args)]
pub(super) struct Install {
    /// Only OpenCode in this project
    #[arg(long)]
    project: bool,
}

impl Install {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let target = Target::new(self.project, paths);
        let program = opencode::find("opencode".as_ref());
        let version = program.as_deref().and_then(|path| opencode::version(path, &paths.cache));
        let entry = plugin::lay_out(&paths.home)?;
        let shim = shim::path_in(&target.config);
        let done = shim::write(&shim, &entry).map_err(|error| {
            Failure::from(error).hint("Move that file away, or rename it, and install again.")
        })?;
        ledger::give_way(&paths.home)?;
        let mut folders = folders::config_folders(paths, &folders::working_directory());
        if !folders.contains(&target.config) {
            folders.push(target.config.clone());
        }
        let prepared = ledger::prepare(&paths.home, &folders, Owner::Install)?;

        let shim = shim.display();
        let who = target.who();
        match done {
            Done::Nothing => {
                out.line(&format!("{who} is recorded already; {shim} is as it should be"))?;
            }
            Done::Changed => {
                out.line(&format!("{who} is recorded from its next start on"))?;
                out.line(&format!("  wrote {shim}"))?;
            }
            Done::Replaced => {
                out.line(&format!("{who} is recorded by this octrace from its next start on"))?;
                out.line(&format!("  replaced {shim}"))?;
            }
        }
        for folder in &prepared.made {
            out.line(&format!(
                "  made node_modules and package-lock.json in {}, so that OpenCode does not wait for \
                 packages that the plugin does not need",
                folder.display()
            ))?;
        }
        if done != Done::Nothing {
            out.line(&format!("  the recording goes to {}", paths.tape().display()))?;
        }
        if target.project && done == Done::Changed {
            out.line(
                "The file names a folder of yours; git should ignore .opencode/plugins/octrace.ts",
            )?;
        }
        for (folder, state) in &prepared.left {
            if let State::Needed(reason) = state {
                let folder = folder.display();
                let reason = reason.as_str();
                out.note(&format!(
                    "OpenCode installs packages into {folder} at its start and waits for them: {reason}"
                ));
            }
        }
        match version {
            Some(version) if !version.is_supported() => out.note(&format!(
                "the opencode on PATH is OpenCode {version}, which octrace does not support yet: it is \
                 not recorded"
            )),
            None if program.is_none() => out.note("there is no opencode on PATH"),
            _ => {}
        }
        Ok(())
    }
}

/// Whose OpenCode is meant.
pub(super) struct Target {
    /// OpenCode's configuration folder for it.
    pub(super) config: PathBuf,
    pub(super) project: bool,
    root: PathBuf,
}

impl Target {
    /// The user's, or that of the project that we are in.
    pub(super) fn new(project: bool, paths: &Paths) -> Self {
        let directory = folders::working_directory();
        let root = folders::work_tree(&directory).unwrap_or(&directory).to_owned();
        let config = if project { root.join(".opencode") } else { paths.opencode_config.clone() };
        Self { config, project, root }
    }

    /// As the subject of a sentence.
    pub(super) fn who(&self) -> String {
        if self.project {
            format!("OpenCode in {}", self.root.display())
        } else {
            "OpenCode".to_owned()
        }
    }
}
