//! `cargo xtask bench`: all figures that octrace publishes, measured here and now, in one table.
//!
//! Each part is a program of its own that measures and says what it measured; what the figures should be stands in
//! [`targets`]. Nothing here fails because a figure is not what it should be: it is a measurement, and the table says so.

mod table;
mod targets;

use std::{fs, time::Instant};

use anyhow::Context;

use self::table::Table;
use crate::{
    checkout::Checkout,
    log::Log,
    node,
    summary::{self, Finished, Report, say},
};

/// A program that measures.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    about: &'static str,
    how: How,
}

enum How {
    /// `cargo bench -p octrace --bench …`
    Cargo(&'static str),
    /// A file in `plugin/bench/`, in OpenCode's own Bun.
    Bun(&'static str),
}

pub(crate) const PARTS: &[Part] = &[
    Part { name: "plugin", about: "the plugin inside OpenCode's Bun", how: How::Bun("cost.ts") },
    Part { name: "opencode", about: "the real `opencode run`", how: How::Cargo("opencode") },
    Part { name: "recorder", about: "the recorder and the tape", how: How::Cargo("recorder") },
    Part { name: "commands", about: "the commands, on long tapes", how: How::Cargo("commands") },
    Part { name: "postgres", about: "delivery to Postgres", how: How::Cargo("postgres") },
    Part { name: "deliver", about: "delivery of traces", how: How::Cargo("deliver") },
];

/// What `cargo xtask bench` was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    parts: Vec<String>,
    quick: bool,
}

/// One line per part, for the help text.
pub(crate) fn described() -> String {
    let lines = PARTS.iter().map(|part| format!("  {:<11}{}", part.name, part.about));
    lines.collect::<Vec<_>>().join("\n")
}

/// Reads `[PART...] [--quick]`.
pub(crate) fn parse(arguments: &[String]) -> Result<Wish, String> {
    let mut wish = Wish { parts: Vec::new(), quick: false };
    for argument in arguments {
        if argument == "--quick" {
            wish.quick = true;
        } else if PARTS.iter().any(|part| part.name == argument) {
            wish.parts.push(argument.clone());
        } else {
            return Err(format!("there is no part `{argument}`; the parts are:\n{}", described()));
        }
    }
    Ok(wish)
}

/// Measures; whether all of it could be measured.
pub(crate) fn run(wish: &Wish, checkout: &Checkout) -> anyhow::Result<bool> {
    let folder = checkout.target.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let wanted =
        |part: &&Part| wish.parts.is_empty() || wish.parts.iter().any(|name| name == part.name);
    let mut table = Table::of_this_machine(checkout)?;
    let mut all_measured = true;
    for part in PARTS.iter().filter(wanted) {
        summary::begin(part.name);
        let mut log = Log::create(&checkout.target, &format!("bench-{}", part.name))?;
        let begun = Instant::now();
        let report = match part.measure(checkout, wish.quick, &mut log) {
            Ok(figures) => {
                let told = table.take(&figures)?;
                Report::passed(format!("{told} figures"))
            }
            Err(error) => Report::failed(format!("{error:#}")),
        };
        let done = Finished { name: part.name, report, took: begun.elapsed() };
        summary::end(&done);
        if !done.report.is_pass() {
            summary::show(&log)?;
            all_measured = false;
        }
    }
    let path = folder.join("figures.json");
    fs::write(&path, table.json()).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("\n{}\nAlso in {}", table.markdown(), path.display()));
    Ok(all_measured)
}

impl Part {
    /// The figures, a line of JSON each.
    fn measure(&self, checkout: &Checkout, quick: bool, log: &mut Log) -> anyhow::Result<String> {
        let file = checkout.target.join("bench").join(format!("{}.jsonl", self.name));
        fs::write(&file, "").with_context(|| format!("cannot write {}", file.display()))?;
        let home = checkout.empty_home("bench")?;
        let mut command = match self.how {
            How::Cargo(bench) => {
                checkout.cargo(&["bench", "--package", "octrace", "--bench", bench])
            }
            How::Bun(script) => {
                let mut bun = checkout.command(node::opencode(checkout));
                bun.current_dir(checkout.root.join("plugin"));
                bun.args(["run", &format!("bench/{script}")]);
                bun
            }
        };
        Checkout::isolate(&mut command, &home);
        if let How::Bun(_) = self.how {
            command.env("BUN_BE_BUN", "1");
        } else {
            command.arg("--");
        }
        command.env("OCTRACE_TEST_OPENCODE", node::opencode(checkout));
        if let Some(programs) = node::postgres_programs(checkout) {
            command.env("OCTRACE_TEST_POSTGRES", programs);
        }
        command.arg(format!("--figures={}", file.display()));
        command.args(quick.then_some("--quick"));
        log.run(&mut command)?;
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_names_all_parts_are_measured() {
        let parsed =
            |line: &str| parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(parsed(""), Ok(Wish { parts: Vec::new(), quick: false }));
        let some = Wish { parts: vec!["recorder".to_owned()], quick: true };
        assert_eq!(parsed("recorder --quick"), Ok(some));
        assert!(parsed("everything").is_err());
    }
}
