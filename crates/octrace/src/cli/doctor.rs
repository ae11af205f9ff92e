//! `octrace doctor`: is everything in place, and if not, what to do.

use clap::Args;
use octrace_view::text::counted;
use serde::Serialize;

use super::{
    Context,
    error::{Failure, Result},
};
use crate::doctor::{Finding, Verdict, examine};

/// Check that everything is in place; each problem comes with its remedy
#[derive(Args)]
pub(super) struct Doctor {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints; a promise.
#[derive(Serialize)]
struct Printed<'a> {
    /// Whether there is no problem.
    ok: bool,
    findings: &'a [Finding],
}

impl Doctor {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, settings, out } = context;
        let findings = examine(paths, settings);
        let count = |verdict| findings.iter().filter(|found| found.verdict == verdict).count();
        let (problems, warnings) = (count(Verdict::Problem), count(Verdict::Warning));
        let ok = problems == 0;
        if self.json {
            out.json(&Printed { ok, findings: &findings })?;
        } else {
            for finding in &findings {
                let Finding { about, verdict, says, remedy } = finding;
                out.line(&format!("{:<8}{about}: {says}", verdict.as_str()))?;
                if let Some(remedy) = remedy {
                    out.line(&format!("        → {remedy}"))?;
                }
            }
            out.line(&summary(problems, warnings))?;
        }
        if ok { Ok(()) } else { Err(Failure::found()) }
    }
}

fn summary(problems: usize, warnings: usize) -> String {
    match (problems, warnings) {
        (0, 0) => "All is in place.".to_owned(),
        (0, _) => format!("No problem, {}.", counted(warnings as u64, "warning")),
        (_, 0) => format!("{}.", counted(problems as u64, "problem")),
        _ => format!(
            "{}, {}.",
            counted(problems as u64, "problem"),
            counted(warnings as u64, "warning")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_what_was_found() {
        let lines = [(0, 0), (0, 1), (1, 0), (2, 3)].map(|(p, w)| summary(p, w)).join(" ");
        assert_eq!(
            lines,
            "All is in place. No problem, 1 warning. 1 problem. 2 problems, 3 warnings."
        );
    }
}
