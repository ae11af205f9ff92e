//! What people type: parsing, and a file per command.
//!
//! Nothing happens before the command line is understood, so that `--version` and `--help` are
//! instant. Commands return what went wrong; [`error`] says it, once, and [`output`] is the only place
//! that prints.

mod blame;
mod config;
mod demo;
mod doctor;
mod du;
mod error;
mod export;
mod filter;
mod flush;
mod install;
mod intercept;
mod migrate;
mod output;
mod prune;
mod queue;
mod rebuild;
mod record;
mod request;
mod run;
mod search;
mod sessions;
mod show;
mod uninstall;
mod verify;
mod view;

use std::{panic, process::ExitCode};

use clap::{Parser, Subcommand};

use self::output::Output;
use crate::{config::Settings, paths::Paths};

/// A flight recorder for OpenCode: what went over the wire, and what the agent did.
#[derive(Parser)]
#[command(name = "octrace", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    Run(run::Run),
    Install(install::Install),
    Uninstall(uninstall::Uninstall),
    Sessions(sessions::Sessions),
    Show(show::Show),
    Request(request::Request),
    View(view::View),
    Search(search::Search),
    Blame(blame::Blame),
    Intercept(intercept::Intercept),
    Export(export::Export),
    Flush(flush::Flush),
    Queue(queue::Queue),
    Migrate(migrate::Migrate),
    Du(du::Du),
    Prune(prune::Prune),
    Verify(verify::Verify),
    Rebuild(rebuild::Rebuild),
    Doctor(doctor::Doctor),
    Config(config::Config),
    #[command(hide = true)]
    Record(record::Record),
}

/// What every command has at hand.
struct Context {
    paths: Paths,
    settings: Settings,
    out: Output,
}

impl Context {
    /// Names settings without effect, to those who do not ask for them anyway.
    fn name_problems(&self, command: &Command) {
        if !matches!(command, Command::Config(_) | Command::Doctor(_) | Command::Record(_)) {
            for problem in &self.settings.problems {
                self.out.note(&problem.to_string());
            }
        }
    }
}

/// The whole program.
pub(crate) fn main() -> ExitCode {
    panic::set_hook(Box::new(|panic| {
        // Only the place: a panic's message may quote what was being read.
        let place = panic.location().map(|at| format!(" ({}:{})", at.file(), at.line()));
        let place = place.unwrap_or_default();
        Output::new().note(&format!("this is a fault in octrace itself{place}; please report it"));
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // An error means that nobody reads it.
            error.print().ok();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    // The hook has spoken.
    panic::catch_unwind(|| run(cli.command)).unwrap_or(ExitCode::FAILURE)
}

fn run(command: Command) -> ExitCode {
    let result = Paths::find().map_err(error::Failure::from).and_then(|(paths, settings)| {
        let mut context = Context { paths, settings, out: Output::new() };
        context.name_problems(&command);
        dispatch(command, &mut context)
    });
    result.unwrap_or_else(|failure| {
        Output::new().stderr(&failure.message());
        failure.exit_code()
    })
}

fn dispatch(command: Command, context: &mut Context) -> error::Result<ExitCode> {
    match command {
        // The one command whose exit code is not ours.
        Command::Run(run) => return run.run(context),
        Command::Demo(demo) => demo.run(context),
        Command::Install(install) => install.run(context),
        Command::Uninstall(uninstall) => uninstall.run(context),
        Command::Sessions(sessions) => sessions.run(context),
        Command::Show(show) => show.run(context),
        Command::Request(request) => request.run(context),
        Command::View(view) => view.run(context),
        Command::Search(search) => search.run(context),
        Command::Blame(blame) => blame.run(context),
        Command::Intercept(intercept) => intercept.run(context),
        Command::Export(export) => export.run(context),
        Command::Flush(flush) => flush.run(context),
        Command::Queue(queue) => queue.run(context),
        Command::Migrate(migrate) => migrate.run(context),
        Command::Du(du) => du.run(context),
        Command::Prune(prune) => prune.run(context),
        Command::Verify(verify) => verify.run(context),
        Command::Rebuild(rebuild) => rebuild.run(context),
        Command::Doctor(doctor) => doctor.run(context),
        Command::Config(config) => config.run(context),
        Command::Record(record) => record.run(context),
    }?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn help(arguments: &[&str]) -> String {
        let typed = ["octrace"].iter().chain(arguments).chain(&["--help"]);
        // Whatever terminal the test runs in.
        match Cli::command().term_width(100).try_get_matches_from(typed) {
            Ok(_) => panic!("{arguments:?} has no help"),
            Err(help) => help.to_string(),
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_comes_after_the_dashes_is_the_command() {
        for line in [
            ["octrace", "run", "--", "opencode", "--help"],
            ["octrace", "run", "opencode", "run", "--help"],
        ] {
            let cli = Cli::try_parse_from(line);
            assert!(cli.is_ok_and(|cli| matches!(cli.command, Command::Run(_))), "{line:?}");
        }
    }

    #[test]
    fn the_commands_are_as_documented() {
        insta::assert_snapshot!(help(&[]), @"
        A flight recorder for OpenCode: what went over the wire, and what the agent did

        Usage: octrace <COMMAND>

        Commands:
          demo       See it work: records a real OpenCode session against a built-in scripted model, then
                     shows it
          run        Run OpenCode (or anything that starts it) recorded, without touching its configuration
          install    Record every OpenCode from now on
          uninstall  Record no OpenCode any more
          sessions   List the recorded sessions, newest first
          show       Show a session: its turns, model calls, tools and sub-agents
          request    Show one request with its response: headers, body, answer
          view       Look at what is recorded, in the terminal: sessions, requests as they go, and what
                     changed between them
          search     Search everything recorded: prompts, answers, tools and what they gave, system prompts,
                     errors
          blame      Show who wrote each line of a file: an agent (which model, session, prompt and call) or
                     a person
          intercept  Keep model requests as files: on, off, or how it stands
          export     Write sessions as other tools read them
          flush      Wait until everything captured so far is on the tape, in the files that follow it, and
                     delivered
          queue      Show what waits to be delivered, what was given up and why; try it again, or drop it
          migrate    Make the tables of Agent Trace in Postgres, or bring them up to date
          du         Show how much of the disk each session needs, the largest first
          prune      Take the oldest sessions off the tape, as the settings say or as you do
          verify     Check that everything recorded is whole: the tape, and what is on its way to it
          rebuild    Make again what is derived from what was recorded: the search index, tokens, costs,
                     titles, Agent Trace records
          doctor     Check that everything is in place; each problem comes with its remedy
          config     Show every setting, its value, and where it came from
          help       Print this message or the help of the given subcommand(s)

        Options:
          -h, --help     Print help
          -V, --version  Print version
        ");
    }

    #[test]
    fn a_commands_help_says_how_it_is_typed() {
        insta::assert_snapshot!(help(&["run"]), @"
        Run OpenCode (or anything that starts it) recorded, without touching its configuration

        The exit code is the command's.

        Usage: octrace run -- <CMD>...

        Arguments:
          <CMD>...
                  The command and its arguments

        Options:
          -h, --help
                  Print help (see a summary with '-h')
        ");
        insta::assert_snapshot!(help(&["request"]), @"
        Show one request with its response: headers, body, answer

        Usage: octrace request [OPTIONS] <ID>

        Arguments:
          <ID>  The request's number, as `octrace show` names it

        Options:
              --json      As JSON, all of it; not together with the flags below
              --raw       The request's body exactly as it was sent; with --response, the response's as it
                          arrived
              --body      The whole request body, laid out
              --response  The whole response, put together where it was streamed
              --curl      A curl command that sends the same request
              --diff      What is new against the request before it in its conversation, and where the
                          prompt cache breaks
          -h, --help      Print help
        ");
    }
}
