//! What `octrace blame` costs on a file as long and a recording as large as promised, measured from outside: the built
//! binary in a repository of its own, 2,000 lines and 500 records, half of the lines the agent's.
//!
//! `cargo bench -p octrace --bench blame` prints a table. The promise is 200 ms.

#![expect(clippy::print_stdout, reason = "a table is what it is for")]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::ensure;
use octrace_testkit::{Coder, Watched};

const LINES: usize = 2_000;
const RECORDS: usize = 500;
const TRIES: usize = 15;

/// After so many records a person writes two lines and commits.
const COMMIT_EVERY: usize = 10;

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (work, home) = (folder.path().join("work"), folder.path().join("home"));
    fs::create_dir(&work)?;
    fs::create_dir(&home)?;
    if cfg!(debug_assertions) {
        println!("a debug build: its figures say nothing");
    }
    record(&work.canonicalize()?, &home.join("tape.db"))?;
    let megabytes = fs::metadata(home.join("tape.db"))?.len() as f64 / f64::from(1 << 20);
    println!("{LINES} lines, {RECORDS} records, a tape of {megabytes:.1} MB");
    for (what, arguments) in [
        ("the file", &["long.rs"][..]),
        ("the file, --json", &["long.rs", "--json"]),
        ("one line", &["long.rs:1000"]),
        ("a file that is new", &["new.rs"]),
        ("a file that was moved", &["moved.rs"]),
    ] {
        if arguments == ["moved.rs"] {
            fs::rename(work.join("long.rs"), work.join("moved.rs"))?;
        }
        let mut took = Vec::new();
        for _ in 0..TRIES {
            took.push(blame(&work, &home, arguments)?);
        }
        took.sort();
        let ms = |at: usize| took[at].as_secs_f64() * 1_000.0;
        println!("{what:<24} median {:6.1} ms  longest {:6.1} ms", ms(TRIES / 2), ms(TRIES - 1));
    }
    Ok(())
}

/// The agent and a person take turns on one file, and the agent looks around in between.
fn record(work: &Path, tape: &Path) -> anyhow::Result<()> {
    git(work, &["init", "--quiet"])?;
    let own = LINES / 2 / RECORDS;
    let mut lines: Vec<String> = (0..LINES - own * RECORDS - 2 * (RECORDS / COMMIT_EVERY))
        .map(|line| format!("    let begin_{line} = compute({line}, \"before anything\");"))
        .collect();
    let path = work.join("long.rs");
    let text = |lines: &[String]| lines.iter().flat_map(|line| [line, "\n"]).collect::<String>();
    fs::write(&path, text(&lines))?;
    commit(work)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let since_us = i64::try_from(now.as_micros())? - 3_600_000_000;
    let mut coder = Coder::since(tape, work, since_us)?;
    for record in 0..RECORDS {
        // Anywhere, but the same each time.
        let at = record * 7_919 % lines.len();
        for line in 0..own {
            lines.insert(at, format!("    agent_{record}_{line}(\"what record {record} says\");"));
        }
        coder.writes("edit", &path, &text(&lines))?;
        if record % 5 == 0 {
            coder.runs("ls -la", Watched::Yes, &[], || Ok(()))?;
        }
        if record % COMMIT_EVERY == 0 {
            let at = record * 104_729 % lines.len();
            for line in 0..2 {
                lines.insert(at, format!("    person_{record}_{line}(\"by hand\");"));
            }
            fs::write(&path, text(&lines))?;
            commit(work)?;
        }
    }
    let new: String = (0..LINES).map(|line| format!("    new_{line}(\"by hand\");\n")).collect();
    Ok(fs::write(work.join("new.rs"), new)?)
}

fn blame(work: &Path, home: &Path, arguments: &[&str]) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_octrace"))
        .current_dir(work)
        .env("OCTRACE_HOME", home)
        .arg("blame")
        .args(arguments)
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "octrace blame {arguments:?}");
    Ok(begun.elapsed())
}

fn commit(work: &Path) -> anyhow::Result<()> {
    git(work, &["add", "long.rs"])?;
    git(work, &["commit", "--quiet", "--message", "more"])
}

fn git(work: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("git")
        .current_dir(work)
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"])
        .args(["-c", "commit.gpgsign=false"])
        .args(arguments)
        .status()?;
    ensure!(status.success(), "git {arguments:?}");
    Ok(())
}
