//! What a person sees of a run: a line per step, the log of what failed, a
//! table, and as the very last line the totals.

use std::io::Write;
use std::time::Duration;

use crate::log::Log;

/// Longest piece of a failed step's log that is shown; the file has it all.
const SHOWN_LINES: usize = 400;

/// What a step found: how many checks or tests passed and failed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    /// Something worth a place in the table; may be empty.
    pub(crate) note: String,
}

impl Report {
    /// A step that is one check, and passed.
    pub(crate) fn passed(note: impl Into<String>) -> Self {
        Self { passed: 1, failed: 0, note: note.into() }
    }

    /// A step that is one check, and failed.
    pub(crate) fn failed(note: impl Into<String>) -> Self {
        Self { passed: 0, failed: 1, note: note.into() }
    }

    /// One check for each problem that was looked for: none found is a pass.
    pub(crate) fn of_problems(problems: &[String], note: impl Into<String>) -> Self {
        match problems {
            [] => Self::passed(note),
            [only] => Self::failed(only.as_str()),
            [first, rest @ ..] => Self::failed(format!("{first} (and {} more)", rest.len())),
        }
    }

    pub(crate) fn is_pass(&self) -> bool {
        self.failed == 0
    }
}

/// A step that was run.
pub(crate) struct Finished {
    pub(crate) name: &'static str,
    pub(crate) report: Report,
    pub(crate) took: Duration,
}

/// Prints a line. A reader that has gone away is no reason to stop the tests.
pub(crate) fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// Prints a line to stderr.
pub(crate) fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Names the step that is about to run, without ending the line.
pub(crate) fn begin(name: &str) {
    let mut out = std::io::stdout();
    drop(write!(out, "{name:<13}").and_then(|()| out.flush()));
}

/// Ends the line that `begin` opened.
pub(crate) fn end(step: &Finished) {
    say(&outcome(step));
}

fn outcome(step: &Finished) -> String {
    let word = if step.report.is_pass() { "ok" } else { "FAILED" };
    let line = format!("{word:<7}{:>6.1} s  {}", step.took.as_secs_f32(), step.report.note);
    line.trim_end().to_owned()
}

/// Shows a step's log, or its end when it is long.
pub(crate) fn show(log: &Log) -> anyhow::Result<()> {
    let text = log.text()?;
    let lines: Vec<&str> = text.lines().collect();
    let hidden = lines.len().saturating_sub(SHOWN_LINES);
    if hidden > 0 {
        say(&format!("    … {hidden} lines more in {}", log.path().display()));
    }
    for line in lines.iter().skip(hidden) {
        say(&format!("    {line}"));
    }
    Ok(())
}

/// The closing table; the last line is the totals alone.
pub(crate) fn close(steps: &[Finished]) {
    say("");
    for step in steps {
        say(&format!("{:<13}{}", step.name, outcome(step)));
    }
    let whole: Duration = steps.iter().map(|step| step.took).sum();
    say(&format!("\n{:.0} s in all", whole.as_secs_f32()));
    say(&totals(steps));
}

fn totals(steps: &[Finished]) -> String {
    let passed: u32 = steps.iter().map(|step| step.report.passed).sum();
    let failed: u32 = steps.iter().map(|step| step.report.failed).sum();
    format!("{passed} passed, {failed} failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(report: Report) -> Finished {
        Finished { name: "tests", report, took: Duration::from_millis(1500) }
    }

    #[test]
    fn totals_add_up_over_steps() {
        let steps = [
            finished(Report { passed: 40, failed: 2, note: String::new() }),
            finished(Report::passed("")),
            finished(Report::failed("x")),
        ];
        assert_eq!(totals(&steps), "41 passed, 3 failed");
    }

    #[test]
    fn a_line_says_how_it_went_and_how_long_it_took() {
        assert_eq!(outcome(&finished(Report::passed(""))), "ok        1.5 s");
        assert_eq!(outcome(&finished(Report::failed("two"))), "FAILED    1.5 s  two");
    }

    #[test]
    fn problems_are_counted_and_the_first_is_named() {
        let problems = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(Report::of_problems(&problems, "").note, "a (and 2 more)");
        assert!(Report::of_problems(&[], "fine").is_pass());
    }
}
