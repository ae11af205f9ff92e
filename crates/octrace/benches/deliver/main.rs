//! What delivery to tracing backends costs, measured from outside: the built binary's `octrace flush` on a tape with ten
//! thousand turns that wait, against receivers on loopback that only read.
//!
//! `cargo bench -p octrace --bench deliver` makes tapes in a temporary folder (a few minutes, a few gigabytes) and prints
//! how fast short turns go to a receiver of OTLP, and a table of long ones to each backend. `-- --turns=500` takes fewer
//! long turns, to see that it works; `--quick` fewer of both. `--figures=FILE` is for `cargo xtask bench`, which wants no
//! table.
//!
//! * `tape`: the turns. `sink`: the receivers, and who would post the same to them without doing anything else.

#![expect(clippy::print_stdout, reason = "a table is what it is for")]

mod sink;
mod tape;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use octrace_store::{Tape, delivery::Identity};
use octrace_testkit::{Figures, Needs, Receiver};
use serde_json::json;
use sha2::{Digest, Sha256};

use self::{
    sink::Sink,
    tape::{Shape, Wanted},
};

/// What every backend is asked with here.
const KEY: &str = "some-key";

/// How often it is looked what a process has needed so far.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How often short turns are delivered.
const REPEATS: usize = 5;

/// Turns whose spans are counted.
const COUNTED: usize = 20;

/// A backend, and which environment names it.
#[derive(Clone, Copy)]
struct Backend {
    name: &'static str,
    kind: &'static str,
    profile: &'static str,
    endpoint: &'static str,
    key: Option<&'static str>,
    /// What the slow one needs for a request.
    slow: Duration,
}

const BACKENDS: [Backend; 3] = [
    Backend {
        name: "OTLP (genai)",
        kind: "otlp",
        profile: "genai",
        endpoint: "OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT",
        key: None,
        slow: Duration::from_millis(500),
    },
    Backend {
        name: "Neatlogs",
        kind: "neatlogs",
        profile: "neatlogs",
        endpoint: "NEATLOGS_ENDPOINT",
        key: Some("NEATLOGS_API_KEY"),
        slow: Duration::from_millis(500),
    },
    Backend {
        name: "Helicone",
        kind: "helicone",
        profile: "genai",
        endpoint: "HELICONE_ENDPOINT",
        key: Some("HELICONE_API_KEY"),
        slow: Duration::from_millis(25),
    },
];

fn main() -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        println!("a debug build: its figures say nothing");
    }
    let said = |what: &str| std::env::args().find_map(|it| Some(it.strip_prefix(what)?.to_owned()));
    let is_quick = said("--quick").is_some();
    println!("{} processors", thread::available_parallelism()?);
    tell(&mut Figures::new()?, if is_quick { 100 } else { 5_000 })?;
    if said("--figures=").is_some() {
        return Ok(());
    }

    let turns = said("--turns=").map(|turns| turns.parse()).transpose()?;
    let turns = turns.unwrap_or(if is_quick { 100 } else { 10_000 });
    measure("turns of 3 model calls", turns, Shape::Session)?;
    measure("turns with a request of 1 MB", 40.min(turns), Shape::Large { bytes: 1 << 20 })?;
    measure("turns with a request of 10 MB", 10.min(turns), Shape::Large { bytes: 10 << 20 })
}

/// How many spans of so many short turns a receiver of OTLP gets in a second, and what memory that takes.
fn tell(figures: &mut Figures, turns: usize) -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let path = home.path().join("tape.db");
    let [backend, ..] = BACKENDS;
    let mut sinks = Vec::new();
    for _ in 0..REPEATS {
        sinks.push(Sink::open(Duration::ZERO)?);
    }
    let counting = Receiver::otlp()?;
    let wanted = |url: &str, turns| Wanted { identity: backend.identity(url), turns };
    let mut all: Vec<_> = sinks.iter().map(|sink| wanted(&sink.url(), turns)).collect();
    all.push(wanted(&counting.url(), COUNTED.min(turns)));
    let bodies = tape::write(&path, turns, Shape::Short, &all)?;
    flush(home.path(), &backend, &counting.url())?;
    let spans = counting.spans()?.len() * turns / COUNTED.min(turns);
    let (mut rates, mut peaks, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    for sink in &sinks {
        let Flushed { took, cpu, peak } = flush(home.path(), &backend, &sink.url())?;
        rates.push(spans as f64 / took.as_secs_f64());
        peaks.push(peak as f64 / 1e6);
        sent.push(sink.sizes().iter().sum::<u64>());
        println!("{spans} spans in {took:.2?}, {cpu:.2?} of processor time");
    }
    let waiting: u64 = Tape::open(&path)?.queue()?.iter().map(|standing| standing.waiting).sum();
    ensure!(waiting == 0 && sent.iter().all(|bytes| *bytes > 0), "{waiting} turns wait");
    let note = format!(
        "`octrace flush`, {spans} spans of {turns} turns with 3 model calls, requests of {:.1} kB on average; {:.1} MB are \
         sent, compressed",
        bodies as f64 / 1e3 / (turns * tape::CALLS) as f64,
        sent.iter().sum::<u64>() as f64 / 1e6 / REPEATS as f64,
    );
    println!("{}", figures.tell("deliver.otlp.spans", &rates, &note)?);
    println!("{}", figures.tell("deliver.otlp.memory", &peaks, "of the same processes")?);
    Ok(())
}

/// Each backend gets all turns when it answers at once, and the first tenth when it takes its time.
fn measure(what: &str, turns: usize, shape: Shape) -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let path = home.path().join("tape.db");
    let mut sinks = Vec::new();
    for backend in BACKENDS {
        sinks.push((backend, Sink::open(Duration::ZERO)?));
    }
    for backend in BACKENDS {
        sinks.push((backend, Sink::open(backend.slow)?));
    }
    let wanted: Vec<_> = sinks
        .iter()
        .map(|(backend, sink)| Wanted {
            identity: backend.identity(&sink.url()),
            turns: if sink.takes.is_zero() { turns } else { turns.div_ceil(10) },
        })
        .collect();
    let begun = Instant::now();
    let bodies = tape::write(&path, turns, shape, &wanted)?;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "\n{turns} {what}: {:.0} MB of requests, a tape of {:.0} MB, made in {:.0?}",
        megabytes(bodies),
        megabytes(fs::metadata(&path)?.len()),
        begun.elapsed(),
    );
    println!(
        "{:<14} {:>9} {:>6} {:>8} {:>8} {:>8} {:>9} {:>9} {:>8} {:>8}",
        "backend",
        "answers",
        "turns",
        "requests",
        "MB",
        "took",
        "requests",
        "receiver",
        "CPU",
        "peak"
    );
    for ((backend, sink), wanted) in sinks.iter().zip(&wanted) {
        let standing = || -> anyhow::Result<_> {
            let queue = Tape::open(&path)?.queue()?.into_iter();
            let mut queue =
                queue.filter(|standing| standing.destination.identity == wanted.identity);
            queue.next().context("a destination")
        };
        let turns = standing()?.waiting;
        let flushed = flush(home.path(), backend, &sink.url())?;
        let left = standing()?;
        ensure!(left.waiting + left.dead == 0, "{left:?}");
        let sizes = sink.sizes();
        let bound = sink::post(sink, &sizes)?;
        let answers = match sink.takes.as_millis() {
            0 => "at once".to_owned(),
            ms => format!("in {ms} ms"),
        };
        println!(
            "{:<14} {answers:>9} {turns:>6} {:>8} {:>8.1} {:>6.2} s {:>7.1}/s {:>7.2} s {:>6.2} s {:>5.1} MB",
            backend.name,
            sizes.len(),
            megabytes(sizes.iter().sum()),
            flushed.took.as_secs_f64(),
            sizes.len() as f64 / flushed.took.as_secs_f64(),
            bound.as_secs_f64(),
            flushed.cpu.as_secs_f64(),
            megabytes(flushed.peak),
        );
    }
    Ok(())
}

impl Backend {
    /// As a recording names it.
    fn identity(&self, url: &str) -> Identity {
        let hash = Sha256::new().chain_update("octrace key\0").chain_update(KEY).finalize();
        let print: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let options = json!({"key": self.key.map(|_| print), "profile": self.profile, "content": "full",
            "system_prompt": false, "name": "opencode", "patterns": []});
        Identity { kind: self.kind.to_owned(), name: url.to_owned(), options: options.to_string() }
    }
}

/// What a process needed.
struct Flushed {
    took: Duration,
    /// Of all its threads, in user mode and in the kernel.
    cpu: Duration,
    /// Resident memory at most, in bytes.
    peak: u64,
}

fn flush(home: &Path, backend: &Backend, url: &str) -> anyhow::Result<Flushed> {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_octrace"))
        .env("OCTRACE_HOME", home)
        .env(backend.endpoint, url)
        .envs(backend.key.map(|name| (name, KEY)))
        .args(["flush", "--timeout", "3600"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut peak = 0;
    let (status, cpu) = loop {
        let needs = Needs::of(child.id())?;
        // It only ever grows; in a process that ends it is gone.
        peak = peak.max(needs.peak);
        if let Some(status) = child.try_wait()? {
            break (status, needs.cpu);
        }
        thread::sleep(LOOK_EVERY);
    };
    let took = begun.elapsed();
    ensure!(status.success(), "octrace flush to {}", backend.name);
    Ok(Flushed { took, cpu, peak })
}
