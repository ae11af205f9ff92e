//! What the viewer costs on histories as large as promised, measured from outside: the built binary in a terminal.
//!
//! `cargo bench -p octrace --bench view` makes its own histories in a temporary folder (some gigabytes, some minutes)
//! and prints a table. After `--`:
//!
//! * `--small` takes a hundredth of them, to see that it works.
//! * `--keep=FOLDER` makes them there, or takes those that an earlier run has left there.

#![expect(clippy::print_stdout, reason = "a table is what it is for")]

use std::{
    cell::Cell,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use octrace_store::Tape;
use octrace_testkit::{Needs, Run, Tui, history, keys, session::write_history, worked};

/// The binary that is measured.
const OCTRACE: &str = env!("CARGO_BIN_EXE_octrace");

/// How often a start is tried.
const STARTS: usize = 15;

/// How often something new happens.
const EVENTS: usize = 20;

/// A key that has changed nothing by then changes nothing: where there is only one row, say.
const NO_CHANGE: Duration = Duration::from_millis(300);

/// Between two keys nothing else happens for so long: what comes late must not count as the answer to the next one, and
/// Escape with a key right behind it would be that key with Alt.
const SETTLED: Duration = Duration::from_millis(5);

/// A screen that has not changed for so long will not, unless something happens.
const QUIET: Duration = Duration::from_millis(300);

/// How long a page may take that is on its way.
const LOADED: Duration = Duration::from_secs(60);

/// How long to look at a viewer that has nothing to do.
const IDLE: Duration = Duration::from_secs(10);

fn main() -> anyhow::Result<()> {
    let share = if std::env::args().any(|argument| argument == "--small") { 100 } else { 1 };
    let kept = std::env::args().find_map(|argument| Some(argument.strip_prefix("--keep=")?.into()));
    let temporary = tempfile::tempdir()?;
    let folder: PathBuf = kept.unwrap_or_else(|| temporary.path().to_owned());
    machine()?;

    for (name, sessions, exchanges) in [("many", 500, 200 / share), ("one", 1, 100_000 / share)] {
        let home = home(&folder, name)?;
        let path = home.join("tape.db");
        if !path.exists() {
            history(&path, sessions, exchanges)?;
        }
        let megabytes = fs::metadata(&path)?.len() >> 20;
        println!("\n{sessions} × {exchanges} exchanges on a tape of {megabytes} MB");
        let rows = Tape::open(&path)?.sessions()?;
        // In a folder that is kept there are short ones, too, from the runs before.
        let longest = rows.iter().max_by_key(|row| row.totals.requests).context("a session")?;
        measure(&home, &["--session", &longest.id], "❯", TIMELINE, None)?;
        if sessions > 1 {
            let happens = || history(&path, 1, 1).map(drop);
            measure(&home, &[], "anthropic/", LIST, Some(&happens))?;
        }
    }

    let home = home(&folder, "files")?;
    let (long, bytes) = (home.join("long.jsonl"), (1 << 30) / u64::try_from(share)?);
    if !long.exists() {
        write_history(&mut File::create(&long)?, bytes, 20)?;
    }
    println!("\na file of {} MB", bytes >> 20);
    let number = Cell::new(1);
    let happens = || {
        number.set(number.get() + 1);
        let lines = exchange(&format!("ses_new{}", number.get()), "One more.");
        Ok(OpenOptions::new().append(true).open(&long)?.write_all(lines.as_bytes())?)
    };
    measure(&home, &["long.jsonl"], "claude-sonnet", LIST, Some(&happens))?;

    let megabytes = 100 / share;
    let sentence = "Nothing that was written is lost, and nothing is there twice. ";
    fs::write(home.join("large.jsonl"), exchange("ses_large", &sentence.repeat(megabytes << 14)))?;
    println!("\none request of {megabytes} MB in a file");
    measure(&home, &["large.jsonl", "--session", "ses_large"], "❯", LARGE, None)
}

/// What it is measured on.
fn machine() -> anyhow::Result<()> {
    let model = fs::read_to_string("/proc/cpuinfo")?;
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = thread::available_parallelism()?;
    let load = fs::read_to_string("/proc/loadavg")?;
    println!("{} × {}", cores, model.map_or("some processor", |(_, model)| model));
    println!("load {}", load.split(' ').next().unwrap_or_default());
    if cfg!(debug_assertions) {
        println!("a debug build: its figures say nothing");
    }
    Ok(())
}

/// A folder that octrace takes for its own.
fn home(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let home = folder.join(name);
    fs::create_dir_all(&home)?;
    Ok(home)
}

/// An exchange that is over: a request of one message, and its answer.
fn exchange(session: &str, text: &str) -> String {
    let request = serde_json::json!({"kind": "request", "id": 1, "timestamp": "2026-11-20T08:49:18.659Z",
        "sessionID": session, "method": "POST", "url": "http://127.0.0.1/v1/messages", "headers": {},
        "body": {"model": "large", "messages": [{"role": "user", "content": text}]}});
    let response = serde_json::json!({"kind": "response", "id": 1, "timestamp": "2026-11-20T08:49:19.659Z",
        "sessionID": session, "status": 200, "statusText": "OK", "headers": {}, "body": {"content": []}});
    format!("{request}\n{response}\n")
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

/// One viewer, started with these arguments: it is there once `shown` is on the screen. `happens`: what puts something
/// new there.
fn measure(
    home: &Path,
    arguments: &[&str],
    shown: &str,
    all: &Keys,
    happens: Option<&dyn Fn() -> anyhow::Result<()>>,
) -> anyhow::Result<()> {
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
    let begun = Instant::now();
    tui.wait_until(LOADED, |screen| !screen.contains("reading"))?;
    line("all of it read", &mut [begun.elapsed()]);
    let pid = tui.pid();
    let at_first = Needs::of(pid)?.resident;

    let mut every = Vec::new();
    for (what, keys, times) in all {
        let (mut took, mut loaded, mut without) = (Vec::new(), Vec::new(), 0);
        for key in (0..*times).flat_map(|_| *keys) {
            let before = tui.updates();
            let begun = Instant::now();
            tui.send(key)?;
            match tui.wait_for_update(before, NO_CHANGE) {
                Ok(()) => took.push(begun.elapsed()),
                Err(_) => without += 1,
            }
            // The page that a key has asked for is another picture: it must not count as the next key's.
            if tui.screen().contains("loading…") {
                tui.wait_until(LOADED, |screen| !screen.contains("loading…"))?;
                loaded.push(begun.elapsed());
            }
            while tui.wait_for_update(tui.updates(), SETTLED).is_ok() {}
        }
        every.extend_from_slice(&took);
        line(what, &mut took);
        if !loaded.is_empty() {
            line("  until it is loaded", &mut loaded);
        }
        if without > 0 {
            println!("    {:<26} {without} keys changed nothing", "");
        }
    }
    line("all keys", &mut every);

    let mut seen = Vec::new();
    for _ in happens.map_or(0..0, |_| 0..EVENTS) {
        while tui.wait_for_update(tui.updates(), QUIET).is_ok() {}
        let (before, begun) = (tui.updates(), Instant::now());
        happens.map(|happens| happens()).transpose()?;
        tui.wait_for_update(before, LOADED)?;
        seen.push(begun.elapsed());
    }
    if !seen.is_empty() {
        line("written and on the screen", &mut seen);
    }

    while tui.wait_for_update(tui.updates(), QUIET).is_ok() {}
    let (before, begun) = (worked(pid)?, Instant::now());
    thread::sleep(IDLE);
    let share = worked(pid)?.saturating_sub(before).as_secs_f64() / begun.elapsed().as_secs_f64();
    println!("    {:<26} {:.3} % of a processor", "idle", share * 100.0);
    let now = Needs::of(pid)?.resident;
    tui.send(keys::ESCAPE)?;
    while tui.wait_for_update(tui.updates(), QUIET).is_ok() {}
    let Needs { resident: back, peak, .. } = Needs::of(pid)?;
    let [at_first, now, back, peak] =
        [at_first, now, back, peak].map(|bytes| format!("{:.1} MB", bytes as f64 / 1e6));
    println!(
        "    {:<26} {at_first} at first, {now} now, {back} after going back, {peak} at most",
        "memory"
    );
    Ok(())
}

fn start(home: &Path, arguments: &[&str]) -> anyhow::Result<Tui> {
    let run = Run::new(OCTRACE.as_ref(), home, home);
    let run = run.env("HOME", home).env("OCTRACE_HOME", home).env("LANG", "C.UTF-8");
    Tui::start(run.arg("view").args(arguments), 160, 50)
}

/// Prints the median, the 99th percentile and the longest.
fn line(what: &str, took: &mut [Duration]) {
    took.sort();
    let at = |share: usize| took.get((took.len() * share / 100).min(took.len() - 1));
    let shown = [at(50), at(99), took.last()].map(|took| {
        format!("{:8.2} ms", took.copied().unwrap_or_default().as_secs_f64() * 1_000.0)
    });
    let [median, most, longest] = shown;
    println!("    {what:<26} median {median}  99th {most}  longest {longest}  of {}", took.len());
}
