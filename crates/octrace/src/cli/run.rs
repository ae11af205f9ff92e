//! `octrace run -- CMD…`: one OpenCode recorded, its configuration untouched.

use std::{
    env,
    ffi::{OsStr, OsString},
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
    config::Origin,
    paths::Paths,
    record::{Place, flush},
    setup::{
        folders, launch, opencode,
        packages::ledger::{self, Need, RunGuard},
        plugin::{self, Told},
        shim::{self, Found},
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
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Failure::usage("there is no command to run"));
        };
        let mut command = Command::new(program);
        command.args(arguments);
        let run = launch::run_id();
        // Whatever stands in the way of recording, the command runs.
        let prepared = prepare(&mut command, program, arguments, &run, context);
        let out = &context.out;
        let status = launch::execute(&mut command);
        let place = match prepared {
            Ok(Prepared { place, guard }) => {
                drop(guard);
                Some(place)
            }
            Err(why) => {
                out.note(&format!("not recorded: {why:#}"));
                None
            }
        };
        let status = status.map_err(|error| {
            let program = program.to_string_lossy();
            Failure::failed(format!("cannot start {program}: {error}"))
                .hint("Everything after `--` is the command, as in `octrace run -- opencode`.")
        })?;
        if let Some(place) = place {
            report(&run, &place, expected(program, arguments), out);
        }
        Ok(ExitCode::from(launch::exit_code(status)))
    }
}

/// What a run that is recorded needs.
struct Prepared {
    /// Where it is recorded.
    place: Place,
    /// Without it, OpenCode may start slowly.
    guard: Option<RunGuard>,
}

/// Makes the command a recorded one.
fn prepare(
    command: &mut Command,
    program: &OsString,
    arguments: &[OsString],
    run: &str,
    context: &Context,
) -> anyhow::Result<Prepared> {
    let Context { paths, settings, out } = context;
    let directory = folders::working_directory();
    let mut directories = vec![directory.clone()];
    if is_opencode(program) {
        let version =
            opencode::find(program).and_then(|path| opencode::version(&path, &paths.cache));
        if let Some(version) = version.filter(|version| !version.is_supported()) {
            anyhow::bail!("this is OpenCode {version}, which octrace does not support yet");
        }
        // The terminal interface takes a project as its argument.
        let projects = arguments.iter().map(|argument| directory.join(argument));
        directories.extend(projects.filter(|project| project.is_dir()));
    }
    let mut all: Vec<PathBuf> = Vec::new();
    for folder in directories.iter().flat_map(|directory| folders::config_folders(paths, directory))
    {
        if !all.contains(&folder) {
            all.push(folder);
        }
    }
    let mut place = paths.place(settings);
    let added = plugin::lay_out(&paths.home).and_then(|plugin| {
        launch::record(command, &plugin.entry, run, env::var_os(launch::CONTENT))
    });
    if let Err(error) = added {
        let Some(told) = all.iter().find_map(|folder| installed(folder)) else { return Err(error) };
        command.env(launch::RUN, run);
        out.note(&format!("recording is left to the plugin that is installed: {error:#}"));
        // As it will decide itself.
        if settings.home.origin != Origin::Environment {
            place = Place { tape: told.home.join("tape.db"), named: told.home, ..place };
        }
    }
    let guard = spare_the_wait(paths, &all);
    if let Err(error) = &guard {
        out.note(&format!("without network OpenCode may start slowly: {error:#}"));
    }
    Ok(Prepared { place, guard: guard.ok() })
}

/// Prepares the folders that OpenCode would otherwise wait for.
fn spare_the_wait(paths: &Paths, folders: &[PathBuf]) -> anyhow::Result<RunGuard> {
    ledger::give_way(&paths.state)?;
    let guard = RunGuard::begin(&paths.state)?;
    ledger::prepare(&paths.state, folders, Need::Run)?;
    Ok(guard)
}

/// What the plugin was told that is installed in a configuration folder.
fn installed(config: &Path) -> Option<Told> {
    match shim::look(&shim::path_in(config)) {
        Ok(Found::Ours(entry)) => plugin::told(&entry?),
        _ => None,
    }
}

fn is_opencode(program: &OsStr) -> bool {
    Path::new(program).file_name().is_some_and(|name| name == "opencode")
}

/// What one may expect of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// That OpenCode loads its plugins.
    Plugin,
    /// That OpenCode answers, lists, or waits for others, without loading any.
    Nothing,
    /// Whatever it does, it is not known.
    Unknown,
}

fn expected(program: &OsStr, arguments: &[OsString]) -> Expected {
    if !is_opencode(program) {
        return Expected::Unknown;
    }
    let mut words = arguments.iter().map(|argument| argument.to_string_lossy());
    if words.clone().any(|word| matches!(&*word, "-h" | "--help" | "-v" | "--version")) {
        return Expected::Nothing;
    }
    match words.find(|word| !word.starts_with('-')) {
        // The terminal interface, perhaps in a project.
        None => Expected::Plugin,
        Some(word) if word == "run" || Path::new(&*word).is_dir() => Expected::Plugin,
        Some(_) => Expected::Nothing,
    }
}

/// Says what was recorded, in one line.
fn report(run: &str, place: &Place, expected: Expected, out: &Output) {
    let report = flush(place, PATIENCE);
    match summary(run, &place.tape) {
        Ok(summary) if !summary.sessions.is_empty() => {
            let more = if report.late.is_empty() { "" } else { " so far" };
            out.note(&recorded(&summary, more));
        }
        Ok(_) if !report.late.is_empty() => {
            out.note("nothing is on the tape yet · octrace flush waits for it");
        }
        Ok(summary) => out.note(nothing(summary.processes, expected)),
        Err(error) => {
            let error = anyhow::Error::new(error);
            out.note(&format!("cannot read what was recorded: {error:#}"));
        }
    }
    for (spool, error) in &report.failed {
        out.note(&format!("cannot read all of {}, which is kept: {error:#}", spool.display()));
    }
}

/// Why there is no session, by how many processes had the plugin.
fn nothing(processes: u64, expected: Expected) -> &'static str {
    match (processes, expected) {
        (1.., _) => "no model was asked, so there is nothing to show",
        (0, Expected::Nothing) => "there was nothing to record",
        (0, Expected::Unknown) => "nothing was recorded",
        (0, Expected::Plugin) => {
            "nothing was recorded · octrace doctor tells whether all is in place"
        }
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
    fn the_hint_comes_only_where_something_was_to_be_expected() {
        let expected = |line: &str| {
            let words: Vec<_> = line.split(' ').map(OsString::from).collect();
            expected(&words[0], &words[1..])
        };
        for line in ["opencode", "/bin/opencode run hi", "opencode --continue", "opencode /tmp"] {
            assert_eq!(expected(line), Expected::Plugin, "{line}");
        }
        for line in ["opencode --version", "opencode run --help", "opencode models", "opencode -v"]
        {
            assert_eq!(expected(line), Expected::Nothing, "{line}");
        }
        assert_eq!(expected("sh -c opencode"), Expected::Unknown);

        let all = [Expected::Plugin, Expected::Nothing, Expected::Unknown];
        let hinted = all.map(|expected| nothing(0, expected).contains("doctor"));
        assert_eq!(hinted, [true, false, false]);
        assert!(all.iter().all(|expected| nothing(1, *expected).starts_with("no model was asked")));
    }

    #[test]
    fn the_line_says_what_and_where() {
        let totals = Totals { requests: 4, cost_usd: Some(0.0012), ..Totals::default() };
        let mut summary = RunSummary { processes: 1, sessions: vec!["ses_1".into()], totals };
        insta::assert_snapshot!(recorded(&summary, ""), @"recorded 1 session, 4 requests, $0.0012 · octrace show ses_1");
        summary.sessions.push("ses_2".into());
        summary.totals = Totals { requests: 1, errors: 1, ..Totals::default() };
        insta::assert_snapshot!(recorded(&summary, " so far"), @"recorded so far 2 sessions, 1 request, 1 failed · octrace sessions");
    }
}
