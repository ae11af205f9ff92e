//! What the viewer costs on histories as large as promised, measured from outside: the built binary in a terminal.
//!
//! `cargo bench -p octrace --bench view` makes its own histories in a temporary folder (some gigabytes) and prints a
//! table; `-- --small` takes a hundredth of them, to see that it works.

#![expect(clippy::print_stdout, reason = "a table is what it is for")]

use std::{
    fs::{self, File},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use octrace_testkit::{Run, Tui, history, keys, session::write_history};

/// The binary that is measured.
const OCTRACE: &str = env!("CARGO_BIN_EXE_octrace");

/// How often a start is tried.
const STARTS: usize = 15;

/// A key that has changed nothing by then changes nothing: where there is only one row, say.
const NO_CHANGE: Duration = Duration::from_secs(1);

/// How long to look at a viewer that has nothing to do.
const IDLE: Duration = Duration::from_secs(10);

fn main() -> anyhow::Result<()> {
    let share = if std::env::args().any(|argument| argument == "--small") { 100 } else { 1 };
    let folder = tempfile::tempdir()?;
    let home = |name: &str| {
        let home = folder.path().join(name);
        fs::create_dir(&home).map(|()| home)
    };
    for (sessions, exchanges) in [(500, 200 / share), (1, 100_000 / share)] {
        let home = home(&format!("tape of {sessions}"))?;
        let written = history(&home.join("tape.db"), sessions, exchanges)?;
        let megabytes = written.body_bytes >> 20;
        println!("\n{sessions} × {exchanges} exchanges on the tape, {megabytes} MB of bodies");
        if sessions > 1 {
            measure(&home, &[], "anthropic/", LIST)?;
        }
        let newest = written.sessions.first().context("a session")?;
        measure(&home, &["--session", newest], "❯", TIMELINE)?;
    }

    let home = home("files")?;
    let bytes = (1 << 30) / u64::try_from(share)?;
    let exchanges = write_history(&mut File::create(home.join("long.jsonl"))?, bytes, 20)?;
    println!("\n{exchanges} exchanges in a file of {} MB", bytes >> 20);
    measure(&home, &["long.jsonl"], "claude-sonnet", LIST)?;

    let megabytes = 100 / share;
    fs::write(home.join("large.jsonl"), large(megabytes))?;
    println!("\none request of {megabytes} MB in a file");
    measure(&home, &["large.jsonl", "--session", "ses_large"], "1/1", LARGE)
}

/// A recording of one request with a message of so many megabytes.
fn large(megabytes: usize) -> String {
    let text =
        "Nothing that was written is lost, and nothing is there twice. ".repeat(megabytes << 14);
    let request = serde_json::json!({"kind": "request", "id": 1, "timestamp": "2026-11-20T08:49:18.659Z",
        "sessionID": "ses_large", "method": "POST", "url": "http://127.0.0.1/v1/messages", "headers": {},
        "body": {"model": "large", "messages": [{"role": "user", "content": text}]}});
    format!("{request}\n")
}

/// Keys, and what they are called here.
type Keys = [(&'static str, &'static [&'static str], usize)];

const LIST: &Keys = &[
    ("a row down, a row up", &["j", "k"], 200),
    ("to the end and back", &["G", "g"], 50),
    ("a page", &["\x04", "\x15"], 50),
    ("help and back", &["?", keys::ESCAPE], 20),
];

const TIMELINE: &Keys = &[
    ("a row down, a row up", &["j", "k"], 200),
    ("to the end and back", &["g", "G"], 50),
    ("kinds", &["e", "t", "r", "a"], 10),
    ("typing a filter", &["f", "b", "a", "s", "h", keys::ESCAPE], 10),
    ("an exchange and back", &[keys::ENTER, keys::ESCAPE], 20),
    ("tabs", &[keys::ENTER, "2", "3", "4", "5", "6", "1", keys::ESCAPE], 5),
];

const LARGE: &Keys = &[
    ("open it, and back", &[keys::ENTER, keys::ESCAPE], 3),
    ("open it", &[keys::ENTER], 1),
    ("a page down", &["\x04"], 50),
    ("to the end and back", &["G", "g"], 20),
    ("the request, and back", &["2", "1"], 3),
];

/// One viewer, started with these arguments: it is there once `shown` is on the screen.
fn measure(home: &Path, arguments: &[&str], shown: &str, all: &Keys) -> anyhow::Result<()> {
    println!("  octrace view {}", arguments.join(" "));
    let mut starts = Vec::new();
    let mut tui = start(home, arguments)?;
    for _ in 0..STARTS {
        let begun = Instant::now();
        tui = start(home, arguments)?;
        tui.wait_for(shown)?;
        starts.push(begun.elapsed());
    }
    line("first screen", &mut starts);

    let mut every = Vec::new();
    for (what, keys, times) in all {
        let (mut took, mut without) = (Vec::new(), 0);
        for key in (0..*times).flat_map(|_| *keys) {
            let before = tui.updates();
            let begun = Instant::now();
            tui.send(key)?;
            match tui.wait_for_update(before, NO_CHANGE) {
                Ok(()) => took.push(begun.elapsed()),
                Err(_) => without += 1,
            }
        }
        every.extend_from_slice(&took);
        line(what, &mut took);
        if without > 0 {
            println!("    {:<26} {without} keys changed nothing", "");
        }
    }
    line("all keys", &mut every);

    let pid = tui.pid().context("it has ended")?;
    let (before_us, begun) = (worked_us(pid)?, Instant::now());
    thread::sleep(IDLE);
    let share = (worked_us(pid)? - before_us) as f64 / begun.elapsed().as_micros() as f64;
    println!("    {:<26} {:.3} % of a processor", "idle", share * 100.0);
    println!(
        "    {:<26} {} now, {} at most",
        "memory",
        memory(pid, "VmRSS")?,
        memory(pid, "VmHWM")?
    );
    Ok(())
}

fn start(home: &Path, arguments: &[&str]) -> anyhow::Result<Tui> {
    let run = Run::new(OCTRACE.as_ref(), home, home);
    let run = run.env("HOME", home).env("OCTRACE_HOME", home).env("LANG", "C.UTF-8");
    Tui::start(run.arg("view").args(arguments), 160, 50)
}

/// The median, the 99th percentile and the longest.
fn line(what: &str, took: &mut [Duration]) {
    took.sort();
    let at = |share: usize| took.get((took.len() * share / 100).min(took.len() - 1));
    let shown = [at(50), at(99), took.last()].map(|took| {
        format!("{:8.2} ms", took.copied().unwrap_or_default().as_secs_f64() * 1_000.0)
    });
    let [median, most, longest] = shown;
    println!("    {what:<26} median {median}  99th {most}  longest {longest}  of {}", took.len());
}

/// How long all threads of a process have worked, in µs.
fn worked_us(pid: u32) -> anyhow::Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let worked = fs::read_to_string(thread?.path().join("schedstat"))?;
        let ns: u64 = worked.split(' ').next().context("no time")?.parse()?;
        sum += ns / 1_000;
    }
    Ok(sum)
}

/// A line of what the system knows about a process's memory.
fn memory(pid: u32, name: &str) -> anyhow::Result<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let found = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Ok(found.context("no such line")?.trim().to_owned())
}
