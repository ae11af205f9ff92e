//! octrace's own chores, so that a contributor has one command to remember:
//! `cargo xtask test` sets up what the tests need and runs them all.

mod bench;
mod budget;
mod chaos;
mod checkout;
mod fuzz;
mod layers;
mod licences;
mod log;
mod modules;
mod node;
#[cfg(test)]
mod promises;
mod readme;
mod receivers;
mod redaction;
mod rust;
mod steps;
mod suites;
mod summary;

use std::process::ExitCode;

use crate::checkout::Checkout;
use crate::summary::{complain, say};

const USAGE: &str = "\
Usage: cargo xtask <COMMAND> [OPTIONS]

Commands:
  test     Sets up what the tests need and runs every check and test
  setup    Only fetches what the tests need (Node packages, the pinned OpenCode)
  fuzz [TARGET...] [--seconds N]
           Tries random input on all or some fuzz targets for 60 s each:
           conversation, filter, frames, redact, split, sse
  bench [PART...] [--quick]
           Measures all or some of the figures in docs/benchmarks.md; --quick to see that it works
  chaos [--cycles N] [--seed S] [--cast writers|plugins|opencodes|crowd]
           Random sessions, random deaths and bad weather, 20 times; then whether all is there, once

Options:
  --all            Adds the slow tests and the checks that need more than Rust, Node and git
  --only STEP...   Runs only these steps
  --verbose        Shows each step's output, also when it passed
  --help           Shows this text";

/// What the command line asked for.
enum Wish {
    Steps(Options),
    Fuzz(fuzz::Wish),
    Bench(bench::Wish),
    Chaos(chaos::Wish),
}

/// What `test` and `setup` were asked for.
struct Options {
    setup_only: bool,
    all: bool,
    verbose: bool,
    only: Vec<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        say(&format!(
            "{USAGE}\n\nSteps of `cargo xtask test`:\n{}\n\nParts of `cargo xtask bench`:\n{}",
            steps::described(),
            bench::described()
        ));
        return ExitCode::SUCCESS;
    }
    let wish = match parse(&arguments) {
        Ok(wish) => wish,
        Err(problem) => {
            complain(&format!("xtask: {problem}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    match run(&wish) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked for; the answer is whether all of it passed.
fn run(wish: &Wish) -> anyhow::Result<bool> {
    let options = match wish {
        Wish::Steps(options) => options,
        Wish::Fuzz(wish) => return fuzz::run(wish, &Checkout::find(false, false)?),
        Wish::Bench(wish) => return bench::run(wish, &Checkout::find(false, false)?),
        Wish::Chaos(wish) => return chaos::run(wish, &Checkout::find(false, false)?),
    };
    let checkout = Checkout::find(options.all, options.verbose)?;
    let chosen = steps::choose(options.setup_only, options.all, &options.only);
    steps::run(&chosen, &checkout)
}

fn parse(arguments: &[String]) -> Result<Wish, String> {
    let (command, rest) = arguments.split_first().ok_or("which command?")?;
    let setup_only = match command.as_str() {
        "test" => false,
        "setup" => true,
        "fuzz" => return fuzz::parse(rest).map(Wish::Fuzz),
        "bench" => return bench::parse(rest).map(Wish::Bench),
        "chaos" => return chaos::parse(rest).map(Wish::Chaos),
        other => return Err(format!("there is no command `{other}`")),
    };
    let mut options = Options { setup_only, all: false, verbose: false, only: Vec::new() };
    let mut taking_steps = false;
    for argument in rest {
        match argument.as_str() {
            "--all" => options.all = true,
            "--verbose" | "-v" => options.verbose = true,
            "--only" if !setup_only => {
                taking_steps = true;
                continue;
            }
            step if taking_steps && !step.starts_with('-') => {
                if !steps::exists(step) {
                    return Err(format!(
                        "there is no step `{step}`; the steps are:\n{}",
                        steps::described()
                    ));
                }
                options.only.push(step.to_owned());
                continue;
            }
            other => return Err(format!("`{other}` is not an option here")),
        }
        taking_steps = false;
    }
    if rest.iter().any(|argument| argument == "--only") && options.only.is_empty() {
        return Err("--only needs the name of a step".to_owned());
    }
    Ok(Wish::Steps(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Wish, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn steps_are_named_after_only() {
        let wish = parsed("test --only format layers --verbose").unwrap();
        let Wish::Steps(options) = wish else { panic!("steps") };
        assert_eq!(options.only, ["format", "layers"]);
        assert!(options.verbose && !options.all && !options.setup_only);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for line in ["", "tset", "test --fast", "test --only", "test --only frmat", "test format"] {
            assert!(parsed(line).is_err(), "`{line}` was accepted");
        }
    }
}
