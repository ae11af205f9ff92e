//! The steps of `cargo xtask test`, cheap ones first. All of them run even when
//! one has failed, because one run should tell everything that is wrong; only
//! without the tools themselves is there no point in going on.

use std::time::Instant;

use crate::checkout::Checkout;
use crate::log::Log;
use crate::summary::{self, Finished, Report};
use crate::{budget, fuzz, layers, licences, node, readme, receivers, redaction, rust, suites};

/// One step: its name, what it is for, and when it runs.
pub(crate) struct Step {
    name: &'static str,
    about: &'static str,
    when: When,
    run: fn(&Checkout, &mut Log) -> anyhow::Result<Report>,
}

#[derive(PartialEq, Eq)]
enum When {
    /// In `setup` and in `test`.
    Setup,
    /// In `test`.
    Test,
    /// In `test --all`.
    All,
}

const STEPS: &[Step] = &[
    Step {
        name: NEEDS,
        about: "Rust, a C compiler, Node, npm and git are there",
        when: When::Setup,
        run: node::needs,
    },
    Step {
        name: "format",
        about: "cargo fmt finds nothing to do",
        when: When::Test,
        run: rust::format,
    },
    Step {
        name: "budget",
        about: "packages, file sizes and what may be committed",
        when: When::Test,
        run: budget::check,
    },
    Step {
        name: "layers",
        about: "no crate reaches what it must not",
        when: When::Test,
        run: layers::check,
    },
    Step {
        name: "licences",
        about: "licences and sources of all dependencies, as deny.toml allows them",
        when: When::Test,
        run: licences::check,
    },
    Step {
        name: "setup",
        about: "the plugin's development packages, the pinned OpenCode and the pinned Postgres",
        when: When::Setup,
        run: node::setup,
    },
    Step {
        name: "typescript",
        about: "the plugin against OpenCode's types",
        when: When::Test,
        run: node::typescript,
    },
    Step {
        name: "plugin",
        about: "the plugin's tests, in OpenCode's own Bun",
        when: When::Test,
        run: suites::plugin,
    },
    Step { name: "clippy", about: "clippy, warnings denied", when: When::Test, run: rust::clippy },
    Step { name: "docs", about: "cargo doc, warnings denied", when: When::Test, run: rust::docs },
    Step {
        name: "receivers",
        about: "real receivers of traces, from PyPI, below target/",
        when: When::All,
        run: receivers::install,
    },
    Step {
        name: "tests",
        about: "unit, property and end-to-end tests",
        when: When::Test,
        run: suites::rust,
    },
    Step {
        name: "readme",
        about: "every command in README.md works as written",
        when: When::Test,
        run: readme::check,
    },
    Step {
        name: "fuzz",
        about: "random input on each fuzz target, for a minute",
        when: When::All,
        run: fuzz::check,
    },
    Step {
        name: "redaction",
        about: "planted secrets found, false hits in well-known packages, speed",
        when: When::All,
        run: redaction::measure,
    },
    Step {
        name: "deny",
        about: "cargo-deny, installed below target/ when it is not there",
        when: When::All,
        run: licences::cargo_deny,
    },
];

const NEEDS: &str = "needs";

pub(crate) fn exists(name: &str) -> bool {
    STEPS.iter().any(|step| step.name == name)
}

/// One line per step, for the help text.
pub(crate) fn described() -> String {
    let lines: Vec<String> = STEPS
        .iter()
        .map(|step| {
            let slow = if step.when == When::All { " (--all)" } else { "" };
            format!("  {:<11}{}{slow}", step.name, step.about)
        })
        .collect();
    lines.join("\n")
}

/// The steps that were asked for. A step that is named runs also without `--all`.
pub(crate) fn choose(setup_only: bool, all: bool, only: &[String]) -> Vec<&'static Step> {
    STEPS
        .iter()
        .filter(|step| match only {
            [] if setup_only => step.when == When::Setup,
            [] => all || step.when != When::All,
            names => names.iter().any(|name| name == step.name),
        })
        .collect()
}

/// Runs steps in their order and prints as it goes; whether all of them passed.
pub(crate) fn run(steps: &[&Step], checkout: &Checkout) -> anyhow::Result<bool> {
    let mut finished = Vec::new();
    for step in steps {
        summary::begin(step.name);
        let mut log = Log::create(&checkout.target, step.name)?;
        let started = Instant::now();
        let report = (step.run)(checkout, &mut log)
            .unwrap_or_else(|error| Report::failed(format!("{error:#}")));
        let done = Finished { name: step.name, report, took: started.elapsed() };
        summary::end(&done);
        let passed = done.report.is_pass();
        if checkout.verbose || !passed {
            summary::show(&log)?;
        }
        finished.push(done);
        if step.name == NEEDS && !passed {
            break;
        }
    }
    summary::close(&finished);
    Ok(finished.iter().all(|step| step.report.is_pass()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(steps: &[&Step]) -> Vec<&'static str> {
        steps.iter().map(|step| step.name).collect()
    }

    #[test]
    fn setup_is_a_part_of_the_tests() {
        assert_eq!(names(&choose(true, false, &[])), ["needs", "setup"]);
        assert!(names(&choose(false, false, &[])).contains(&"setup"));
    }

    #[test]
    fn the_slow_steps_run_when_asked_for() {
        assert!(!names(&choose(false, false, &[])).contains(&"deny"));
        assert!(names(&choose(false, true, &[])).contains(&"deny"));
        assert_eq!(names(&choose(false, false, &["deny".to_owned()])), ["deny"]);
    }
}
