//! `octrace install`: every OpenCode from now on is recorded.

use std::io::{self, ErrorKind};

use clap::Args;

use super::{
    Context,
    error::{Failure, Result},
    output::Output,
};
use crate::{
    paths::Paths,
    setup::{
        folders,
        install::{Target, install},
        opencode,
        packages::{State, ledger::Prepared},
        shim::{Done, Foreign},
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
        let target = target(self.project, paths);
        let (done, prepared) = install(&target, paths).map_err(|error| {
            let hint = hint(&error);
            let failure = Failure::from(error);
            match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })?;
        let who = who(&target);
        let shim = target.shim();
        let shim = shim.display();
        let (says, wrote) = match done {
            Done::Nothing => (format!("{who} is recorded already: {shim}"), None),
            Done::Changed => (format!("{who} is recorded from its next start on"), Some("wrote")),
            Done::Replaced => (
                format!("{who} is recorded by this octrace from its next start on"),
                Some("replaced"),
            ),
        };
        out.line(&says)?;
        if let Some(wrote) = wrote {
            out.line(&format!("  {wrote} {shim}"))?;
            out.line(&format!("  what is recorded goes to {}", paths.tape().display()))?;
        }
        tell_prepared(&prepared, out)?;
        if target.project.is_some() && done == Done::Changed {
            out.line(
                "The file names a folder of yours: let git ignore .opencode/plugins/octrace.ts",
            )?;
        }
        tell_opencode(paths, out);
        Ok(())
    }
}

/// What to do about an installation that did not succeed.
fn hint(error: &anyhow::Error) -> Option<&'static str> {
    if error.is::<Foreign>() {
        return Some("Move it away, and install again.");
    }
    let refused =
        error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|error| {
            matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
        });
    refused.then_some("Make that place writable for you, and install again.")
}

/// What was made in configuration folders, and where OpenCode goes on waiting.
fn tell_prepared(prepared: &Prepared, out: &mut Output) -> Result {
    for (folder, _) in &prepared.made {
        let folder = folder.display();
        out.line(&format!("  made node_modules and package-lock.json in {folder},"))?;
        out.line("    or OpenCode would wait for packages that the plugin does not need")?;
    }
    for (folder, state) in &prepared.left {
        let folder = folder.display();
        match state {
            State::Needed(reason) => out.note(&format!(
                "OpenCode installs packages into {folder} at its start and waits for them: {}",
                reason.as_str()
            )),
            _ => out.note(&format!(
                "{folder} cannot be prepared; without network OpenCode waits 70 s at its start"
            )),
        }
    }
    Ok(())
}

fn tell_opencode(paths: &Paths, out: &Output) {
    let Some(program) = opencode::find("opencode".as_ref()) else {
        out.note("there is no opencode on PATH yet");
        return;
    };
    let version = opencode::version(&program, &paths.cache);
    if let Some(version) = version.filter(|version| !version.is_supported()) {
        out.note(&format!(
            "the opencode on PATH is OpenCode {version}, which octrace does not support yet: it is not \
             recorded"
        ));
    }
}

/// The user's OpenCode, or that of the project that we are in.
pub(super) fn target(project: bool, paths: &Paths) -> Target {
    let directory = folders::working_directory();
    if project { Target::project(directory) } else { Target::user(paths, directory) }
}

/// As the subject of a sentence.
pub(super) fn who(target: &Target) -> String {
    match &target.project {
        Some(root) => format!("OpenCode in {}", root.display()),
        None => "OpenCode".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;
    use crate::setup::shim;

    #[test]
    fn the_hint_fits_what_went_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let foreign = dir.path().join("octrace.ts");
        std::fs::write(&foreign, "mine").unwrap();
        let error = shim::check(&foreign).unwrap_err();
        assert_eq!(hint(&error), Some("Move it away, and install again."));

        let io = |kind| Err::<(), _>(io::Error::from(kind)).context("cannot write it").unwrap_err();
        assert!(
            hint(&io(ErrorKind::PermissionDenied)).is_some_and(|hint| hint.contains("writable"))
        );
        assert_eq!(hint(&io(ErrorKind::StorageFull)), None);
    }
}
