//! The recorder, and where it works.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use octrace_store::Position;
use octrace_testkit::{Author, Needs, worked};
use serde_json::Value;

/// Where the system keeps files in memory: spools are there.
const MEMORY: &str = "/dev/shm";

/// How often it is looked how far the recorder is.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(300);

/// The credentials of an OpenCode that somebody works with, by their lengths and whether they are tokens: the recorder
/// looks for each of them in everything.
const CREDENTIALS: [(usize, bool); 8] = [
    (20, true),
    (36, true),
    (40, true),
    (51, true),
    (93, true),
    (108, true),
    (164, true),
    (24, false),
];

/// A home with a tape of its own, and a place for spools.
pub(crate) struct Stage {
    home: tempfile::TempDir,
    runtime: tempfile::TempDir,
}

impl Stage {
    /// Where nothing was recorded yet.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let memory = Path::new(MEMORY);
        let runtime =
            if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
        Ok(Self { home: tempfile::tempdir()?, runtime })
    }

    /// A spool of an OpenCode that has credentials and works in one directory.
    pub(crate) fn author(&self) -> Author {
        let mut author = Author::dead(&self.runtime.path().join("octrace"), "1-bench");
        let credentials: Vec<_> = CREDENTIALS.iter().map(|shape| credential(*shape)).collect();
        // What is older than the tape keeps would be pruned.
        author.goes_live();
        author.knows(&credentials.iter().map(String::as_str).collect::<Vec<_>>());
        let project = self.home.path();
        author.instance(project, project, "global");
        author
    }

    pub(crate) fn tape(&self) -> PathBuf {
        self.home.path().join("tape.db")
    }

    /// Starts the recorder of a spool as the plugin does.
    pub(crate) fn record(&self, author: &Author) -> anyhow::Result<Recorder> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_octrace"))
            .arg("record")
            .arg(&author.folder)
            .current_dir("/")
            .env_clear()
            .envs(env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", self.home.path())
            .env("OCTRACE_HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.runtime.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start octrace")?;
        let alive = child.stdin.take();
        Ok(Recorder { child, alive, status: author.folder.join(".status") })
    }
}

fn credential((bytes, is_token): (usize, bool)) -> String {
    let letters = if is_token { "aB3-xY7_" } else { "aB3 xY7!" };
    letters.chars().cycle().take(bytes).collect()
}

/// A recorder at work; dropped, it is killed.
pub(crate) struct Recorder {
    child: Child,
    /// Its end says that OpenCode is gone.
    alive: Option<ChildStdin>,
    status: PathBuf,
}

impl Recorder {
    pub(crate) fn needs(&self) -> anyhow::Result<Needs> {
        Needs::of(self.child.id())
    }

    /// How long its threads have worked.
    pub(crate) fn worked(&self) -> anyhow::Result<Duration> {
        worked(self.child.id())
    }

    /// Waits until everything before `position` is on the tape.
    pub(crate) fn wait_for(&self, position: Position) -> anyhow::Result<()> {
        self.wait_until("everything is on the tape", || {
            Ok(self.position().is_some_and(|reached| reached >= position))
        })
    }

    /// Waits until this is so.
    pub(crate) fn wait_until(
        &self,
        what: &str,
        is_so: impl Fn() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !is_so()? {
            ensure!(begun.elapsed() < PATIENCE, "still waiting until {what}");
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// As it says itself.
    fn position(&self) -> Option<Position> {
        let status: Value = serde_json::from_slice(&fs::read(&self.status).ok()?).ok()?;
        serde_json::from_value(status["position"].clone()).ok()
    }

    /// Waits until it has not worked for so long.
    pub(crate) fn wait_idle(&self, quiet: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        let (mut before, mut since) = (self.worked()?, Instant::now());
        while since.elapsed() < quiet {
            ensure!(begun.elapsed() < PATIENCE, "it does not come to rest");
            thread::sleep(quiet / 10);
            let now = self.worked()?;
            if now != before {
                (before, since) = (now, Instant::now());
            }
        }
        Ok(())
    }

    /// OpenCode is gone.
    pub(crate) fn is_alone(&mut self) {
        self.alive = None;
    }

    /// OpenCode is gone: waits until the recorder is, too; what it needed.
    pub(crate) fn end(mut self) -> anyhow::Result<Needs> {
        self.is_alone();
        let begun = Instant::now();
        let (mut cpu, mut peak) = (Duration::ZERO, 0);
        loop {
            let needs = self.needs()?;
            cpu = cpu.max(needs.cpu);
            // In a process that ends it is gone.
            peak = peak.max(needs.peak);
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "octrace record: {status}");
                return Ok(Needs { cpu, resident: 0, peak });
            }
            if begun.elapsed() > PATIENCE {
                bail!("it does not end");
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // An error means that it is gone.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
