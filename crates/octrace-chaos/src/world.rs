//! The world of one cycle: a home of its own, a small disk in it, and backends. And how it comes to rest.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use octrace_testkit::{Answer, Fault, Home, Output, Postgres, Proxy, Receiver, Run, eventually};
use octrace_wire::{frame::Frame, segment};
use rustix::process::Pid;

use crate::{
    disk::{self, Disk},
    findings::{Findings, Kind},
};

/// How long everything may take to come to rest: far beyond what it takes. Who is not done by then hangs.
const REST: Duration = Duration::from_secs(120);

const DATABASE: &str = "AGENT_TRACE_DATABASE_URL";
const BACKEND: &str = "OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT";
const FILES: &str = "OPENCODE_API_TRACER_DIR";

/// What all cycles have in common.
pub(crate) struct Ground {
    /// The binary under test.
    pub(crate) octrace: PathBuf,
    pub(crate) postgres: Postgres,
    /// The way to it.
    pub(crate) proxy: Proxy,
}

impl Ground {
    pub(crate) fn new(octrace: PathBuf) -> anyhow::Result<Self> {
        ensure!(octrace.is_file(), "there is no octrace at {}", octrace.display());
        let postgres = Postgres::start(&["max_connections=200"])?;
        let proxy = Proxy::to(postgres.port())?;
        Ok(Self { octrace, postgres, proxy })
    }
}

pub(crate) struct World<'a> {
    pub(crate) ground: &'a mut Ground,
    pub(crate) receiver: Receiver,
    /// The straight way to the database.
    pub(crate) database: String,
    is_crashed: bool,
    // Unmounted before the home is removed.
    disk: Option<Disk>,
    pub(crate) home: Home,
}

impl<'a> World<'a> {
    /// `model` is where the scripted model is; `with_disk`: what octrace keeps is on a small disk.
    pub(crate) fn new(
        ground: &'a mut Ground,
        model: &str,
        with_disk: bool,
    ) -> anyhow::Result<Self> {
        let home = Home::new(model)?;
        let local = home.path().join(".local");
        fs::create_dir_all(&local)?;
        let disk = (with_disk && disk::is_possible()).then(|| Disk::over(&local)).transpose()?;
        let database = ground.postgres.database()?;
        let world =
            Self { ground, receiver: Receiver::otlp()?, database, is_crashed: false, disk, home };
        // What nobody reads in a recorder's life: its last words.
        let script = format!(
            "#!/bin/sh\nexec '{}' \"$@\" 2>>'{}'\n",
            world.ground.octrace.display(),
            world.output().join("recorders.stderr").display()
        );
        fs::write(world.recorder(), script)?;
        fs::set_permissions(world.recorder(), fs::Permissions::from_mode(0o755))?;
        Ok(world)
    }

    /// What starts recorders.
    fn recorder(&self) -> PathBuf {
        self.home.path().join("bin/recorder")
    }

    /// Where programs' output is.
    pub(crate) fn output(&self) -> PathBuf {
        self.home.path().join("output")
    }

    /// The folder of JSONL files.
    pub(crate) fn files(&self) -> PathBuf {
        self.home.data().join("traces")
    }

    pub(crate) fn tape(&self) -> PathBuf {
        self.home.data().join("octrace/tape.db")
    }

    /// A program that has this world's backends in its environment.
    pub(crate) fn program(&self, program: &Path) -> Run {
        let server = format!(":{}/", self.ground.postgres.port());
        let proxy = format!(":{}/", self.ground.proxy.port());
        self.home
            .command(program)
            .env("OCTRACE_BIN", self.recorder())
            .env("OCTRACE_HOME", self.home.data().join("octrace"))
            .env(DATABASE, self.database.replace(&server, &proxy))
            .env(BACKEND, self.receiver.url())
            .env(FILES, self.files())
    }

    pub(crate) fn octrace<'b>(&self, arguments: impl IntoIterator<Item = &'b str>) -> Run {
        self.program(&self.ground.octrace).args(arguments)
    }

    /// The recorders at work.
    pub(crate) fn recorders(&self) -> Vec<Pid> {
        let all = self.home.processes().into_iter();
        all.filter(|(_, line)| line.contains(" record ")).map(|(pid, _)| pid).collect()
    }

    pub(crate) fn fill_disk(&self, leave: u64) {
        if let Some(disk) = &self.disk {
            // It may be full already.
            disk.fill(leave).ok();
        }
    }

    pub(crate) fn free_disk(&self) {
        if let Some(disk) = &self.disk {
            disk.free();
        }
    }

    /// The database dies, as after `kill -9`, until everything is well again.
    pub(crate) fn crash_database(&mut self) {
        // An error means that it is dead already.
        self.ground.postgres.stop().ok();
        self.is_crashed = true;
    }

    /// Everything that was wrong is well again.
    fn heal(&mut self) -> anyhow::Result<()> {
        if std::mem::take(&mut self.is_crashed) {
            self.ground.postgres.resume()?;
        }
        self.free_disk();
        self.ground.proxy.set(Fault::None);
        self.receiver.is_down(false);
        self.receiver.always(Answer::Well);
        self.receiver.release();
        Ok(())
    }

    /// Whatever was written is where it belongs when this returns, or it hangs.
    pub(crate) fn settle(&mut self, findings: &mut Findings) -> anyhow::Result<()> {
        self.heal()?;
        let begun = Instant::now();
        loop {
            let flushed = self.octrace(["flush", "--timeout", "20"]).output()?;
            let gone = eventually(REST, || {
                let left = self.home.processes();
                if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
            });
            if let Err(error) = gone {
                findings.note(Kind::Hang, format!("processes do not end: {error:#}"));
                return Ok(());
            }
            if flushed.code == 0 && self.spools()?.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > REST {
                let Output { code, stderr, .. } = flushed;
                let spools = self.spools()?;
                findings.note(
                    Kind::Hang,
                    format!(
                        "octrace flush is never done: code {code}, spools {spools:?}, {stderr}"
                    ),
                );
                return Ok(());
            }
        }
    }

    /// The spools that are left. One whose writer died before it had said who it is stays for a day: nobody knows whose it
    /// is, and nothing is in it.
    fn spools(&self) -> anyhow::Result<Vec<PathBuf>> {
        let root = self.home.runtime().join("octrace");
        if !root.exists() {
            return Ok(Vec::new());
        }
        let all = fs::read_dir(&root).with_context(|| root.display().to_string())?;
        let all = all.map(|entry| entry.map(|entry| entry.path()));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().filter(|spool| has_begun(spool)).collect())
    }

    /// Whatever anybody printed or logged, by its file.
    pub(crate) fn said(&self) -> Vec<(PathBuf, String)> {
        let mut said = Vec::new();
        for folder in [self.output(), self.home.state().join("octrace")] {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let bytes = fs::read(entry.path()).unwrap_or_default();
                said.push((entry.path(), String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
        said
    }
}

/// Whether there is one whole frame at least.
fn has_begun(spool: &Path) -> bool {
    let first = spool.join(segment::file_name(1));
    match fs::read(&first) {
        Ok(bytes) => bytes.get(segment::HEADER..).is_some_and(|rest| Frame::decode(rest).is_ok()),
        // Read and deleted, or never made.
        Err(_) => fs::read_dir(spool).is_ok_and(|mut all| all.any(|entry| is_segment(entry.ok()))),
    }
}

fn is_segment(entry: Option<fs::DirEntry>) -> bool {
    let name = entry.map(|entry| entry.file_name());
    name.is_some_and(|name| name.to_str().and_then(segment::number_of).is_some())
}
