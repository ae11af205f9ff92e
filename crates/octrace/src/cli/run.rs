//! `octrace run -- CMD…`: one OpenCode recorded, its configuration untouched.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use clap::Args;
use octrace_store::{Tape, read::RunSummary};

use super::{
    Context,
    error::{Failure, Result},
    output::Output,
};
use crate::{
    paths::Paths,
    record::flush,
    setup::{
        folders, launch, opencode,
        packages::ledger::{self, Need, RunGuard},
        plugin,
    },
};

/// How long the recorder may take for what it has not read yet when OpenCode has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// Run OpenCode (or anything that starts it) recorded, without touching its configuration
///
/// The exit code is the command's.
#[derive(Args)]
#[command(override_usage = "octrace run -- <CMD>...")]
pub(super) struct Run {
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    command: Vec<OsString>,
}

impl Run {
    pub(super) fn run(self, context: &mut Context) -> Result<ExitCode> {
        let Context { paths, out, .. } = context;
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Failure::usage("there is no command to run"));
        };
        let mut command = Command::new(program);
        command.args(arguments);
        let run = launch::run_id();
        // Whatever stands in the way of recording, the command runs.
        let prepared = prepare(&mut command, program, arguments, &run, paths, out);
        let status = launch::execute(&mut command);
        let recorded = match prepared {
            Ok(guard) => {
                drop(guard);
                true
            }
            Err(why) => {
                out.note(&format!("not recorded: {why:#}"));
                false
            }
        };
        let status = status.map_err(|error| {
            let program = program.to_string_lossy();
            Failure::failed(format!("cannot start {program}: {error}"))
                .hint("Everything after `--` is the command, as in `octrace run -- opencode`.")
        })?;
        if recorded {
            report(&run, paths, out);
        }
        Ok(ExitCode::from(launch::exit_code(status)))
    }
}

/// Makes the command a recorded one.
fn prepare(
    command: &mut Command,
    program: &OsString,
    arguments: &[OsString],
    run: &str,
    paths: &Paths,
    out: &Output,
) -> anyhow::Result<RunGuard> {
    let directory = folders::working_directory();
    let mut directories = vec![directory.clone()];
    if Path::new(program).file_name().is_some_and(|name| name == "opencode") {
        let version =
            opencode::find(program).and_then(|path| opencode::version(&path, &paths.cache));
        if let Some(version) = version.filter(|version| !version.is_supported()) {
            anyhow::bail!("this is OpenCode {version}, which octrace does not support yet");
        }
        // The terminal interface takes a project as its argument.
        let projects = arguments.iter().map(|argument| directory.join(argument));
        directories.extend(projects.filter(|project| project.is_dir()));
    }
    let plugin = plugin::lay_out(&paths.home)?;
    launch::record(command, &plugin.entry, run, env::var_os(launch::CONTENT))?;
    ledger::give_way(&paths.state)?;
    let guard = RunGuard::begin(&paths.state)?;
    let mut all: Vec<PathBuf> = Vec::new();
    for folder in directories.iter().flat_map(|directory| folders::config_folders(paths, directory))
    {
        if !all.contains(&folder) {
            all.push(folder);
        }
    }
    if let Err(error) = ledger::prepare(&paths.state, &all, Need::Run) {
        out.note(&format!("without network OpenCode may start slowly: {error:#}"));
    }
    Ok(guard)
}

/// Says what was recorded, in one line.
fn report(run: &str, paths: &Paths, out: &Output) {
    let report = flush(&paths.place(), PATIENCE);
    match summary(run, &paths.tape()) {
        Ok(summary) if !summary.sessions.is_empty() => {
            let more = if report.late.is_empty() { "" } else { " so far" };
            out.note(&recorded(&summary, more));
        }
        Ok(_) if !report.late.is_empty() => {
            out.note("nothing is on the tape yet · octrace flush waits for it");
        }
        Ok(_) => out.note("nothing was recorded · octrace doctor tells whether all is in place"),
        Err(error) => {
            let error = anyhow::Error::new(error);
            out.note(&format!("cannot read what was recorded: {error:#}"));
        }
    }
    for (spool, error) in &report.failed {
        out.note(&format!("the spool {} is left as it is: {error:#}", spool.display()));
    }
}

fn summary(run: &str, tape: &Path) -> std::result::Result<RunSummary, octrace_store::Error> {
    Tape::open_existing(tape)?
        .map_or_else(|| Ok(RunSummary::default()), |tape| tape.run_summary(run))
}

/// `recorded 1 session, 4 requests, $0.0012 · octrace show ses_…`
fn recorded(summary: &RunSummary, more: &str) -> String {
    let count = |number: u64, one: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    };
    let totals = &summary.totals;
    let mut facts =
        vec![count(summary.sessions.len() as u64, "session"), count(totals.requests, "request")];
    if totals.errors > 0 {
        facts.push(format!("{} failed", totals.errors));
    }
    if let Some(cost) = totals.cost_usd.filter(|cost| *cost > 0.0) {
        facts.push(format!("${cost:.4}"));
    }
    let next = match summary.sessions.as_slice() {
        [session] => format!("octrace show {session}"),
        _ => "octrace sessions".to_owned(),
    };
    format!("recorded{more} {} · {next}", facts.join(", "))
}

#[cfg(test)]
mod tests {
    use octrace_core::session::Totals;

    use super::*;

    #[test]
    fn the_line_says_what_and_where() {
        let totals = Totals { requests: 4, cost_usd: Some(0.0012), ..Totals::default() };
        let mut summary = RunSummary { sessions: vec!["ses_1".into()], totals };
        insta::assert_snapshot!(recorded(&summary, ""), @"recorded 1 session, 4 requests, $0.0012 · octrace show ses_1");
        summary.sessions.push("ses_2".into());
        summary.totals = Totals { requests: 1, errors: 1, ..Totals::default() };
        insta::assert_snapshot!(recorded(&summary, " so far"), @"recorded so far 2 sessions, 1 request, 1 failed · octrace sessions");
    }
}
