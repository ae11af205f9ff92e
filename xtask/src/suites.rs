//! The two test suites, Rust's and the plugin's. Both run in an empty home, and
//! a test that writes there fails its suite: on a developer's machine that
//! would have been the real home.

use anyhow::bail;

use crate::checkout::{Checkout, Home};
use crate::log::Log;
use crate::node;
use crate::receivers;
use crate::summary::Report;

/// Unit, property and end-to-end tests. The latter find the real OpenCode by
/// `OCTRACE_TEST_OPENCODE`; the slow ones are `#[ignore]`d and run with `--all`.
pub(crate) fn rust(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let home = checkout.empty_home("tests")?;
    let mut command = checkout.cargo(&["test", "--workspace", "--no-fail-fast"]);
    Checkout::isolate(&mut command, &home);
    command.env("INSTA_UPDATE", "no");
    let opencode = node::opencode(checkout);
    if opencode.is_file() {
        command.env("OCTRACE_TEST_OPENCODE", opencode);
    }
    if let Some(programs) = node::postgres_programs(checkout) {
        command.env("OCTRACE_TEST_POSTGRES", programs);
    }
    if checkout.all {
        command.env("OCTRACE_TEST_ALL", "1").env("PROPTEST_CASES", "2048");
        command.env("OCTRACE_TEST_RECEIVERS", receivers::environment(checkout));
        command.args(["--", "--include-ignored"]);
        // What needs fetched packages or the release profile is a step of its own, `redaction`.
        for name in ["ordinary_source_code_is_left_alone", "hostile_text_takes_linear_time"] {
            command.args(["--skip", name]);
        }
        // What these print says nothing of a debug build, and nothing on a machine that does something else.
        command.args(["--skip", "_in_figures"]);
    } else {
        // The same cases in every run: what passed here passes elsewhere. `--all` looks for new ones.
        command.env("PROPTEST_RNG_SEED", "20260101");
    }
    let succeeded = log.succeeds(&mut command)?;
    let results = read_libtest(&log.text()?);
    judge(succeeded, &results, &home, log)
}

/// The plugin's tests, in the Bun that OpenCode carries: there the plugin has to work.
pub(crate) fn plugin(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let binary = node::opencode(checkout);
    if !binary.exists() {
        bail!("{} is not there; run `cargo xtask setup`", binary.display());
    }
    let home = checkout.empty_home("plugin")?;
    let mut command = checkout.command(binary);
    Checkout::isolate(&mut command, &home);
    command.env("BUN_BE_BUN", "1").arg("test").current_dir(checkout.root.join("plugin"));
    let succeeded = log.succeeds(&mut command)?;
    let results = read_bun(&log.text()?);
    judge(succeeded, &results, &home, log)
}

/// What a suite printed about its tests.
#[derive(Debug, Default)]
struct Results {
    passed: u32,
    failed: u32,
    ignored: u32,
    /// Names of failed tests, where the suite prints them.
    broken: Vec<String>,
    /// What the failed tests said, where the suite says it far from its end.
    said: Vec<String>,
}

/// Turns results into a report, and is not content with a suite that ran nothing.
fn judge(succeeded: bool, results: &Results, home: &Home, log: &mut Log) -> anyhow::Result<Report> {
    if !succeeded && results.failed == 0 {
        bail!("the tests could not be built or run to their end");
    }
    if results.passed + results.failed == 0 {
        bail!("not one test was found");
    }
    // Last in the log, where whoever reads of a failure looks first.
    for line in &results.said {
        log.line(line)?;
    }
    let mut failed = results.failed;
    let mut note = format!("{} passed", results.passed);
    if failed > 0 {
        note.push_str(&format!(", {failed} failed: {}", results.broken.join(", ")));
    }
    if results.ignored > 0 {
        note.push_str(&format!(", {} ignored", results.ignored));
    }
    for path in home.touched()? {
        failed += 1;
        let problem = format!("a test wrote to the home folder: {}", path.display());
        log.line(&problem)?;
        note.push_str(&format!("; {problem}"));
    }
    Ok(Report { passed: results.passed, failed, note })
}

/// Adds up what libtest printed, binary by binary.
fn read_libtest(output: &str) -> Results {
    let mut results = Results::default();
    let mut speaks = false;
    for line in output.lines() {
        // Between its own title and the list of names; other binaries' tests follow.
        speaks = (speaks && line != "failures:") || line.starts_with("---- ");
        if speaks {
            results.said.push(line.to_owned());
        }
        if let Some(counts) = line.strip_prefix("test result: ") {
            results.passed += count_before(counts, " passed");
            results.failed += count_before(counts, " failed");
            results.ignored += count_before(counts, " ignored");
        } else if let Some(name) =
            line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            results.broken.push(name.to_owned());
        }
    }
    results
}

/// The number that stands before a word, as in `12 passed; 0 failed`.
fn count_before(text: &str, word: &str) -> u32 {
    text.split_once(word)
        .and_then(|(before, _)| before.rsplit(' ').next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

/// Reads the ` 12 pass` and ` 0 fail` lines that Bun ends with, and its `(fail) name` lines.
fn read_bun(output: &str) -> Results {
    let mut results = Results::default();
    for line in output.lines() {
        if let Some(name) = line.strip_prefix("(fail) ") {
            results.broken.push(name.to_owned());
            continue;
        }
        let Some((number, word)) = line.trim().split_once(' ') else { continue };
        let Ok(number) = number.parse::<u32>() else { continue };
        match word {
            "pass" => results.passed += number,
            "fail" => results.failed += number,
            "skip" | "todo" => results.ignored += number,
            _ => {}
        }
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_binaries_are_added_up() {
        let output = "\
running 3 tests
test json::empty ... ok
test json::deep ... FAILED

failures:

---- json::deep stdout ----
it is too deep

failures:
    json::deep

test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

test result: ok. 39 passed; 0 failed; 4 ignored; 0 measured; 0 filtered out; finished in 1.20s
";
        let results = read_libtest(output);
        assert_eq!((results.passed, results.failed, results.ignored), (41, 1, 4));
        assert_eq!(results.broken, ["json::deep"]);
        assert_eq!(results.said, ["---- json::deep stdout ----", "it is too deep", ""]);
    }

    #[test]
    fn bun_results_are_read() {
        let output = "\
frame.test.ts:
(pass) frames > round trip [0.20ms]
(fail) frames > torn tail [1.00ms]

 12 pass
 1 fail
 40 expect() calls
Ran 13 tests across 2 files. [81.00ms]
";
        let results = read_bun(output);
        assert_eq!((results.passed, results.failed, results.ignored), (12, 1, 0));
        assert_eq!(results.broken, ["frames > torn tail [1.00ms]"]);
    }
}
