//! What people type: parsing, and a file per command.
//!
//! Nothing happens before the command line is understood, so that `--version` and `--help` are
//! instant. Commands return what went wrong; [`error`] says it, once, and [`output`] is the only place
//! that prints.

mod config;
mod demo;
mod doctor;
mod error;
mod flush;
mod install;
mod output;
mod record;
mod request;
mod run;
mod sessions;
mod show;
mod uninstall;

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
    Flush(flush::Flush),
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
        Command::Flush(flush) => flush.run(context),
        Command::Doctor(doctor) => doctor.run(context),
        Command::Config(config) => config.run(context),
        Command::Record(record) => record.run(context),
    }?;
    Ok(ExitCode::SUCCESS)
}
