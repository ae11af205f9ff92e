//! A process that stands in for OpenCode with its plugin: it writes its [`Plan`] as the plugin writes its frames, has a
//! recorder, and starts it again when it ends. It may be killed at any moment, as OpenCode may.
//!
//! How many frames are written it notes in a file of eight bytes after each: what the truth is when it is dead.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::{
        fs::{DirBuilderExt, FileExt, OpenOptionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use octrace_wire::{
    frame::{Frame, Head, Kind},
    segment,
};
use rustix::process::{Signal, getpid, kill_process};
use serde_json::{Value, json};

use crate::plan::{Ending, Plan, Step};

/// Writes the plan of this seed and name, and ends as it says. `done` is where it notes how far it is.
pub(crate) fn write(seed: u64, name: &str, done: &Path) -> anyhow::Result<()> {
    let plan = Plan::new(seed, name);
    let progress = OpenOptions::new().write(true).create_new(true).open(done)?;
    let mut spool = Spool::begin()?;
    if !plan.is_alone {
        let folder = spool.folder.clone();
        thread::spawn(move || keep_a_recorder(&folder));
    }
    for (at, step) in plan.steps.iter().enumerate() {
        if step.pause_ms > 0 {
            thread::sleep(Duration::from_millis(step.pause_ms));
        }
        match plan.ending {
            Ending::Torn { at: here, bytes } if here == at => {
                let frame = spool.encoded(step);
                let torn = frame.get(..bytes.min(frame.len() - 1)).unwrap_or_default();
                spool.file.write_all(torn)?;
                die();
            }
            Ending::Dies { at: here } if here == at => die(),
            _ => {}
        }
        spool.step(step)?;
        progress.write_all_at(&(at as u64 + 1).to_le_bytes(), 0)?;
    }
    spool.frame(Kind::Bye, 0, 0, b"{}")
}

/// How many frames of the plan are written for certain. One more may be.
pub(crate) fn frames_done(done: &Path) -> usize {
    let noted = fs::read(done).unwrap_or_default();
    let count = noted.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn die() {
    // It does not come back.
    kill_process(getpid(), Signal::KILL).ok();
}

/// As the plugin does: detached, with a pipe that is never written, and again with back-off whenever it ends.
fn keep_a_recorder(spool: &Path) {
    let Some(binary) = env::var_os("OCTRACE_BIN") else { return };
    let mut pause = Duration::from_millis(50);
    loop {
        let recorder = Command::new(&binary)
            .arg("record")
            .arg(spool)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        if let Ok(mut recorder) = recorder {
            // `wait` would close the pipe, which says that we are gone.
            let pipe = recorder.stdin.take();
            recorder.wait().ok();
            drop(pipe);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

struct Spool {
    folder: PathBuf,
    number: u64,
    file: File,
    begun: Instant,
    /// How far the wall clock is off.
    jumped_us: i64,
}

impl Spool {
    fn begin() -> anyhow::Result<Self> {
        let runtime = env::var_os("XDG_RUNTIME_DIR").context("XDG_RUNTIME_DIR is not set")?;
        let root = Path::new(&runtime).join("octrace");
        let mut private = fs::DirBuilder::new();
        private.recursive(true).mode(0o700).create(&root)?;
        let folder = root.join(format!("{}-{:08x}", std::process::id(), std::process::id()));
        private.create(&folder)?;
        let file = new_segment(&folder, 1)?;
        let mut spool = Self { folder, number: 1, file, begun: Instant::now(), jumped_us: 0 };
        spool.hello()?;
        Ok(spool)
    }

    fn hello(&mut self) -> anyhow::Result<()> {
        let hello = hello();
        self.frame(Kind::Hello, 0, 0, hello.to_string().as_bytes())
    }

    fn roll(&mut self) -> anyhow::Result<()> {
        self.number += 1;
        self.file = new_segment(&self.folder, self.number)?;
        self.hello()
    }

    fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        self.jumped_us += step.jump_us;
        if step.rolls {
            self.roll()?;
        }
        let frame = self.encoded(step);
        if let Some(bytes) = step.short {
            // A full RAM disk took a part of it.
            self.file.write_all(frame.get(..bytes).unwrap_or(&frame))?;
            self.roll()?;
        }
        Ok(self.file.write_all(&frame)?)
    }

    fn encoded(&self, step: &Step) -> Vec<u8> {
        self.encode(step.kind, step.flags, step.exchange, &step.payload)
    }

    fn frame(
        &mut self,
        kind: Kind,
        flags: u8,
        exchange: u32,
        payload: &[u8],
    ) -> anyhow::Result<()> {
        let frame = self.encode(kind, flags, exchange, payload);
        Ok(self.file.write_all(&frame)?)
    }

    fn encode(&self, kind: Kind, flags: u8, exchange: u32, payload: &[u8]) -> Vec<u8> {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let wall_us = micros(wall).saturating_add_signed(self.jumped_us);
        let head = Head { kind, flags, exchange, wall_us, mono_us: micros(self.begun.elapsed()) };
        let mut bytes = Vec::with_capacity(payload.len() + 32);
        Frame { head, payload }.encode(&mut bytes);
        bytes
    }
}

fn new_segment(folder: &Path, number: u64) -> anyhow::Result<File> {
    let path = folder.join(segment::file_name(number));
    let mut file = OpenOptions::new()
        .create_new(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| path.display().to_string())?;
    file.write_all(&segment::header(number))?;
    Ok(file)
}

/// What the plugin would say of this process and its environment.
fn hello() -> Value {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let stat = file("/proc/self/stat");
    let start = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19));
    let database = variable("AGENT_TRACE_DATABASE_URL");
    // Without its password.
    let database = match (database.split_once("://"), database.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, place))) => {
            let user = rest.split([':', '@']).next().unwrap_or_default();
            format!("{scheme}://{user}@{place}")
        }
        _ => database,
    };
    let otlp = "OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT";
    json!({
        "format": octrace_wire::VERSION, "plugin": "0.1.0", "pid": std::process::id(),
        "process_start": start.unwrap_or_default(), "boot": file("/proc/sys/kernel/random/boot_id").trim(),
        "cwd": "/project", "home": variable("OCTRACE_HOME"), "run": "", "secrets": [],
        "salt": "00112233445566778899aabbccddeeff",
        "settings": {"tmp": variable("TMPDIR"), "data": format!("{}/opencode", variable("XDG_DATA_HOME")),
            "jsonl_dir": variable("OPENCODE_API_TRACER_DIR"), "agent_trace": {"database": database},
            "variables": {otlp: variable(otlp)}},
    })
}
