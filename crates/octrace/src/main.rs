//! octrace: a flight recorder for OpenCode.
//!
//! * [`cli`]: what people type and see; a file per command. Nothing else prints.
//! * [`mod@blame`]: who wrote a file, line by line.
//! * [`record`]: the recorder that the plugin starts.
//! * [`setup`]: how OpenCode comes to be recorded: the plugin's files, `install`, `run`, `demo`.
//! * [`traces`]: turns as tracing backends get them.
//! * [`view`]: the terminal viewer.
//! * [`config`]: settings, and where each value came from.
//! * [`doctor`]: whether everything is in place.
//! * [`git`]: the user's repositories and OpenCode's, asked without starting anything of theirs.
//! * [`paths`]: where everything is.
//! * [`mod@watch`]: the system's word for it that a folder has changed.

mod blame;
mod cli;
mod commits;
mod config;
mod doctor;
mod git;
mod paths;
mod record;
mod setup;
mod traces;
mod view;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
