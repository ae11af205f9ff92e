//! `octrace install`: every OpenCode from now on is recorded.

use std::{
    io::{self, ErrorKind},
    path::PathBuf,
};

use clap::Args;

use super::{
    Context,
    error::{Failure, Result},
    output::Output,
};
use crate::{
    paths::Paths,
    setup::{
        folders, git,
        install::{Installed, Target, install},
        opencode,
        packages::{
            Missing, State, is_our_lock,
            ledger::{self, Prepared},
        },
        shim::{self, Done, Foreign},
    },
};

/// Record every OpenCode from now on
///
/// Writes one small file into OpenCode's plugin folder, and what keeps OpenCode from waiting for packages.
/// Your settings are not touched.
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
        let installed = install(&target, paths).map_err(|error| {
            let hint = hint(&error);
            let failure = Failure::from(error);
            match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })?;
        out.line(&headline(&who(&target), &installed))?;
        tell_written(&target, &installed, paths, out)?;
        tell_left(&installed.prepared, out);
        tell_git(&target, &installed, out)?;
        tell_opencode(paths, out);
        Ok(())
    }
}

/// What has become of it.
fn headline(who: &str, installed: &Installed) -> String {
    let mended = installed.laid_out.written
        || installed.for_options != Done::Nothing
        || !installed.prepared.made.is_empty();
    match installed.done {
        Done::Nothing if mended => {
            format!("{who} was recorded already, but not all was in place; repaired:")
        }
        Done::Nothing => format!("{who} is recorded already"),
        Done::Changed => format!("{who} is recorded from its next start on"),
        Done::Replaced => format!("{who} is recorded by this octrace from its next start on"),
    }
}

/// Everything that was written, and why.
fn tell_written(target: &Target, installed: &Installed, paths: &Paths, out: &mut Output) -> Result {
    let Installed { done, laid_out, for_options, prepared } = installed;
    let shim = target.shim();
    let shim = shim.display();
    out.line(&match done {
        Done::Nothing => format!("  by {shim}"),
        Done::Changed => format!("  wrote {shim}"),
        Done::Replaced => format!("  replaced {shim}"),
    })?;
    if let Some(folder) = laid_out.entry.parent().filter(|_| laid_out.written) {
        out.line(&format!("  wrote the plugin's files, {}", folder.display()))?;
    }
    let beside = shim::for_options(&paths.home);
    let beside = beside.display();
    out.line(&match for_options {
        Done::Nothing => format!("  options for it go beside {beside}"),
        Done::Changed => format!("  wrote {beside}"),
        Done::Replaced => format!("  replaced {beside}"),
    })?;
    if *for_options != Done::Nothing {
        out.line("    beside whose name, in OpenCode's configuration, options can be given")?;
    }
    for path in made(prepared) {
        out.line(&format!("  made {}", path.display()))?;
    }
    if !prepared.made.is_empty() {
        let ledger = ledger::path_in(&paths.state);
        out.line("    so that OpenCode does not wait for packages that the plugin does not need;")?;
        out.line(&format!("    uninstall takes it back, by {}", ledger.display()))?;
    }
    out.line(&format!("  what is recorded goes to {}", paths.tape().display()))
}

fn made(prepared: &Prepared) -> Vec<PathBuf> {
    let paths = |(folder, made): &(PathBuf, Vec<Missing>)| -> Vec<PathBuf> {
        made.iter().map(|what| what.path_in(folder)).collect()
    };
    prepared.made.iter().flat_map(paths).collect()
}

/// What git would offer to commit: it names folders of this machine.
fn tell_git(target: &Target, installed: &Installed, out: &mut Output) -> Result {
    let Some(root) = folders::work_tree(&target.directory) else { return Ok(()) };
    let mut ours = made(&installed.prepared);
    ours.push(target.shim());
    // Also when it was made an earlier time.
    let lock = Missing::PackageLock.path_in(&target.config);
    if !ours.contains(&lock) && is_our_lock(&lock) {
        ours.push(lock);
    }
    let shown = git::shown(root, &ours);
    if shown.is_empty() {
        return Ok(());
    }
    out.line("git shows these files, which are for this machine only; let it ignore them, for example in")?;
    out.line(".git/info/exclude:")?;
    shown.iter().try_for_each(|name| out.line(&format!("  /{name}")))
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

/// Where OpenCode goes on waiting.
fn tell_left(prepared: &Prepared, out: &Output) {
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
