//! Fuzzing on the stable toolchain. libFuzzer needs no nightly and no cargo-fuzz: coverage is an LLVM pass that
//! stable rustc runs when it is told to, and libFuzzer itself comes with a crate.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::checkout::Checkout;
use crate::log::Log;
use crate::summary::{self, Finished, Report};

/// The targets, in `fuzz/fuzz_targets/`.
const TARGETS: &[&str] = &["conversation", "filter", "frames", "redact", "split", "sse"];

/// What the slow test set gives each target.
const A_MINUTE: Duration = Duration::from_secs(60);

/// Counters at every edge, the places they stand for, and what is compared with what.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Longer inputs find little that these do not, and much later.
const LONGEST: &str = "-max_len=8192";

/// What `cargo xtask fuzz` was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    targets: Vec<String>,
    each: Duration,
}

/// Reads `[TARGET...] [--seconds N]`.
pub(crate) fn parse(arguments: &[String]) -> Result<Wish, String> {
    let mut wish = Wish { targets: Vec::new(), each: A_MINUTE };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            let seconds = rest.next().and_then(|number| number.parse().ok()).filter(|n| *n > 0);
            wish.each = Duration::from_secs(seconds.ok_or("--seconds needs a number")?);
        } else if TARGETS.contains(&argument.as_str()) {
            wish.targets.push(argument.clone());
        } else {
            let targets = TARGETS.join(", ");
            return Err(format!("there is no target `{argument}`; the targets are {targets}"));
        }
    }
    if wish.targets.is_empty() {
        wish.targets.extend(TARGETS.iter().map(|target| (*target).to_owned()));
    }
    Ok(wish)
}

/// `cargo xtask fuzz`; whether nothing was found.
pub(crate) fn run(wish: &Wish, checkout: &Checkout) -> anyhow::Result<bool> {
    let mut log = Log::create(&checkout.target, "fuzz")?;
    summary::begin("build");
    let started = std::time::Instant::now();
    let built = build(checkout, &mut log);
    if built.is_err() {
        summary::show(&log)?;
    }
    let folder = built?;
    summary::end(&Finished { name: "build", report: Report::passed(""), took: started.elapsed() });
    let mut found = 0;
    for target in &wish.targets {
        summary::begin(target);
        let started = std::time::Instant::now();
        let report = fuzz(checkout, &mut log, &folder, target, wish.each)?;
        found += report.failed;
        summary::end(&Finished { name: "", report, took: started.elapsed() });
    }
    Ok(found == 0)
}

/// The step of the slow test set: a minute for each target.
pub(crate) fn check(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let folder = build(checkout, log)?;
    let mut all = Report::default();
    let mut notes = Vec::new();
    for target in TARGETS {
        let report = fuzz(checkout, log, &folder, target, A_MINUTE)?;
        all.passed += report.passed;
        all.failed += report.failed;
        notes.push(format!("{target}: {}", report.note));
    }
    all.note = notes.join("; ");
    Ok(all)
}

/// Builds the targets; the folder they are in. A target triple keeps the flags away from build scripts and
/// the products away from everybody else's.
fn build(checkout: &Checkout, log: &mut Log) -> anyhow::Result<PathBuf> {
    let version = log.read(checkout.command("rustc").arg("-vV"))?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("`rustc -vV` names no host")?;
    let mut command = checkout.cargo(&["build", "--package", "octrace-fuzz", "--bins"]);
    command.args(["--features", "libfuzzer", "--profile", "fuzz", "--target", host]);
    log.run(command.env("RUSTFLAGS", COVERAGE)).context(
        "the fuzz targets could not be built; they need a C++ compiler: `apt install g++`, `xcode-select --install`",
    )?;
    Ok(checkout.target.join(host).join("fuzz"))
}

/// Runs one target. What it learns stays in `target/fuzz/<target>/corpus` for the next run.
fn fuzz(
    checkout: &Checkout,
    log: &mut Log,
    folder: &std::path::Path,
    target: &str,
    time: Duration,
) -> anyhow::Result<Report> {
    let room = checkout.target.join("fuzz").join(target);
    let (corpus, findings) = (room.join("corpus"), room.join("findings"));
    for made in [&corpus, &findings] {
        std::fs::create_dir_all(made)
            .with_context(|| format!("cannot create {}", made.display()))?;
    }
    let binary = folder.join(target);
    let before = log.text()?.len();
    let mut command = checkout.command(&binary);
    command
        .arg(&corpus)
        .arg(checkout.root.join("fuzz/seeds").join(target))
        .arg(format!("-dict={}", checkout.root.join("fuzz/tokens.dict").display()))
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .arg(format!("-max_total_time={}", time.as_secs()))
        .args([
            LONGEST,
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-print_final_stats=1",
            "-verbosity=0",
        ])
        .env("RUST_BACKTRACE", "0");
    let fine = log.succeeds(&mut command)?;
    let output = log.text()?;
    let output = output.get(before..).unwrap_or_default();
    let said =
        |start: &str| output.lines().find_map(|line| line.strip_prefix(start)).map(str::trim);
    if fine {
        let runs = said("stat::number_of_executed_units:").unwrap_or("no");
        if runs == "no" || runs == "0" {
            bail!("{target} ran not once; see {}", log.path().display());
        }
        return Ok(Report::passed(format!("{runs} inputs")));
    }
    let input = output.lines().find_map(|line| line.split_once("Test unit written to "));
    let Some((_, input)) = input else {
        bail!("{target} could not run; see {}", log.path().display());
    };
    Ok(Report::failed(format!(
        "found something. Again: {} {input} (once fixed, the input goes to fuzz/seeds/{target}/)",
        binary.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Wish, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn without_names_all_targets_run_for_a_minute() {
        let wish = parsed("").unwrap();
        assert_eq!((wish.targets.len(), wish.each), (TARGETS.len(), A_MINUTE));
        let wish = parsed("redact --seconds 5 sse").unwrap();
        assert_eq!(wish.targets, ["redact", "sse"]);
        assert_eq!(wish.each, Duration::from_secs(5));
        for line in ["all", "--seconds", "--seconds 0", "--seconds x", "redact --fast"] {
            assert!(parsed(line).is_err(), "`{line}` was accepted");
        }
    }

    #[test]
    fn every_target_has_its_file_and_its_seeds() {
        let fuzz = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let names = |folder: &str| {
            let entries = std::fs::read_dir(fuzz.join(folder)).unwrap();
            let mut names: Vec<String> = entries
                .map(|entry| {
                    entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()
                })
                .collect();
            names.sort_unstable();
            names
        };
        assert_eq!(names("fuzz_targets"), TARGETS);
        assert_eq!(names("seeds"), TARGETS);
    }
}
