//! `octrace doctor`: is everything in place, and if not, what to do.

use clap::Args;
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
        let ok = findings.iter().all(|finding| finding.verdict != Verdict::Problem);
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
        }
        if ok && !self.json {
            out.line("No problem found.")?;
        }
        if ok { Ok(()) } else { Err(Failure::found()) }
    }
}
