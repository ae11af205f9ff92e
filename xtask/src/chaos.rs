//! `cargo xtask chaos`: what octrace survives. Builds octrace as it is shipped and the program that plays with it
//! (`crates/octrace-chaos`), and runs that in an empty home.

use crate::{
    checkout::Checkout,
    log::Log,
    node,
    summary::{self, Finished, Report},
};

/// What `cargo xtask chaos` was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Handed on as they are, once they are known to be ones.
    options: Vec<String>,
}

const NUMBERS: &[&str] = &["--cycles", "--seed"];

const CASTS: &[&str] = &["writers", "plugins", "opencodes", "crowd"];

/// Reads `[--cycles N] [--seed S] [--cast CAST]`.
pub(crate) fn parse(arguments: &[String]) -> Result<Wish, String> {
    let mut wish = Wish { options: Vec::new() };
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("{option} needs a value"))?;
        let is_known = if NUMBERS.contains(&option.as_str()) {
            value.parse::<u64>().is_ok()
        } else {
            option == "--cast" && CASTS.contains(&value.as_str())
        };
        if !is_known {
            return Err(format!("`{option} {value}` is not an option here"));
        }
        wish.options.extend([option.clone(), value.clone()]);
    }
    Ok(wish)
}

/// Plays; whether nothing was found.
pub(crate) fn run(wish: &Wish, checkout: &Checkout) -> anyhow::Result<bool> {
    let mut log = Log::create(&checkout.target, "chaos")?;
    summary::begin("build");
    let begun = std::time::Instant::now();
    let mut build = checkout.cargo(&["build", "--release", "--package", "octrace"]);
    let built = log.run(build.args(["--package", "octrace-chaos"]));
    if built.is_err() {
        summary::show(&log)?;
    }
    built?;
    summary::end(&Finished { name: "build", report: Report::passed(""), took: begun.elapsed() });
    let programs = checkout.target.join("release");
    let home = checkout.empty_home("chaos")?;
    let mut command = checkout.command(programs.join("octrace-chaos"));
    Checkout::isolate(&mut command, &home);
    command.arg("--octrace").arg(programs.join("octrace")).args(&wish.options);
    command.env("OCTRACE_TEST_OPENCODE", node::opencode(checkout));
    if let Some(postgres) = node::postgres_programs(checkout) {
        command.env("OCTRACE_TEST_POSTGRES", postgres);
    }
    // Its lines are for whoever waits for it.
    Ok(command.status()?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_handed_on_and_others_refused() {
        let parsed =
            |line: &str| parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(parsed(""), Ok(Wish { options: Vec::new() }));
        let wish = parsed("--cycles 3 --seed 7 --cast crowd").unwrap();
        assert_eq!(wish.options, ["--cycles", "3", "--seed", "7", "--cast", "crowd"]);
        for line in ["--cycles", "--cycles x", "--cast all", "3", "--octrace here"] {
            assert!(parsed(line).is_err(), "`{line}` was accepted");
        }
    }
}
