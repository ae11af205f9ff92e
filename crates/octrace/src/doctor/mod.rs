//! Is everything in place? Each check looks, changes nothing, and says what to do.
//!
//! * [`destinations`]: where recordings are delivered to.
//! * [`opencode`]: the program, the plugin in its folders, the packages that it may wait for.
//! * [`requests`]: what became of what OpenCode asked.
//! * [`storage`]: spools, tape, disk.

mod destinations;
mod opencode;
mod requests;
mod storage;

use serde::Serialize;

use crate::{config::Settings, paths::Paths, setup::plugin};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// It works, but not as well as it could.
    Warning,
    /// Something is not recorded, or not kept.
    Problem,
}

impl Verdict {
    /// The word before the line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "PROBLEM",
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) about: &'static str,
    /// How bad it is.
    pub(crate) verdict: Verdict,
    /// What was found.
    pub(crate) says: String,
    /// What to do, where there is something to do.
    pub(crate) remedy: Option<String>,
}

impl Finding {
    fn new(about: &'static str, verdict: Verdict, says: impl Into<String>) -> Self {
        Self { about, verdict, says: says.into(), remedy: None }
    }

    fn ok(about: &'static str, says: impl Into<String>) -> Self {
        Self::new(about, Verdict::Ok, says)
    }

    fn note(about: &'static str, says: impl Into<String>) -> Self {
        Self::new(about, Verdict::Note, says)
    }

    fn warning(about: &'static str, says: impl Into<String>) -> Self {
        Self::new(about, Verdict::Warning, says)
    }

    fn problem(about: &'static str, says: impl Into<String>) -> Self {
        Self::new(about, Verdict::Problem, says)
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// Every check.
pub(crate) fn examine(paths: &Paths, settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![binary()];
    findings.extend(settings.problems.iter().map(|problem| {
        Finding::warning("settings", problem.to_string()).remedy("Correct it, or take it out.")
    }));
    findings.extend(opencode::options(paths));
    findings.push(opencode::program(paths));
    findings.extend(opencode::plugins(paths, settings));
    findings.extend(opencode::packages(paths));
    findings.push(storage::spool_folder(paths));
    findings.extend(storage::spools(paths, settings));
    findings.extend(storage::home(paths, settings));
    findings.push(storage::tape(paths));
    findings.extend(requests::requests(paths));
    findings.extend(destinations::destinations(paths, settings));
    findings.extend(storage::disk(paths));
    findings
}

fn binary() -> Finding {
    const ABOUT: &str = "octrace";
    match plugin::binary() {
        Ok(path) => {
            Finding::ok(ABOUT, format!("{} at {}", env!("CARGO_PKG_VERSION"), path.display()))
        }
        Err(error) => Finding::problem(ABOUT, format!("{error:#}"))
            .remedy("Install octrace at a place that stays, and install the plugin again."),
    }
}
