//! Programs in a [`Home`], run to their end or in the background.
//!
//! Their output goes to files: no thread has to read it, no pipe can fill up, and it can be looked at
//! while the program runs.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

use crate::{Needs, PATIENCE, eventually, home::Home};

/// A program that is about to be run.
#[must_use = "nothing runs before output() or spawn()"]
pub struct Run {
    program: OsString,
    arguments: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    dir: PathBuf,
    output: PathBuf,
    timeout: Duration,
}

/// What a program left behind.
#[derive(Clone, Debug)]
pub struct Output {
    /// The exit code; 128 and the signal's number when a signal ended it.
    pub code: i32,
    /// What it printed, byte for byte.
    pub bytes: Vec<u8>,
    /// What it printed; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// What it printed to its standard error.
    pub stderr: String,
    /// From the start to the end.
    pub took: Duration,
}

impl Output {
    /// Itself when the exit code is 0.
    ///
    /// # Errors
    /// When the exit code is another, with everything that was printed.
    pub fn success(self) -> anyhow::Result<Self> {
        let Self { code, stdout, stderr, .. } = &self;
        ensure!(*code == 0, "exit code {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        Ok(self)
    }
}

impl Run {
    /// A program in no [`Home`], started in `dir` without any environment. What it prints is kept in the folder
    /// `output`.
    pub fn new(program: &OsStr, dir: &Path, output: &Path) -> Self {
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            dir: dir.to_owned(),
            output: output.to_owned(),
            timeout: PATIENCE,
        }
    }

    /// With one more argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// With more arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// With a variable in its environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Without a variable that the home sets.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.remove(name.as_ref());
        self
    }

    /// Started in `dir` rather than in the home's project.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = dir.into();
        self
    }

    /// Killed after `timeout`; 60 s without this.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time; another exit code than 0 is no error.
    pub fn output(self) -> anyhow::Result<Output> {
        self.spawn()?.wait()
    }

    /// Starts it, as the leader of a process group of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(self) -> anyhow::Result<Running> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let stdout = self.output.join(format!("{number}.stdout"));
        let stderr = self.output.join(format!("{number}.stderr"));
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            // OpenCode believes PWD before it asks the system.
            .env("PWD", &self.dir)
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(File::create(&stdout)?)
            .stderr(File::create(&stderr)?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let start = Instant::now();
        Ok(Running { child, stdout, stderr, start, timeout: self.timeout })
    }

    /// The parts that a pseudo-terminal needs to start it.
    pub(crate) fn into_parts(
        self,
    ) -> (OsString, Vec<OsString>, BTreeMap<OsString, OsString>, PathBuf) {
        (self.program, self.arguments, self.environment, self.dir)
    }
}

/// A program that has ended, for who measures it.
#[derive(Clone, Debug)]
pub struct Ended {
    /// When it had, to half a millisecond.
    pub at: Instant,
    /// What it needed, with the children that it had waited for.
    pub needs: Needs,
    /// What it left behind.
    pub output: Output,
}

/// A program in the background. Dropping it kills its process group.
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    start: Instant,
    timeout: Duration,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn stdout(&self) -> io::Result<String> {
        read(&self.stdout)
    }

    /// What it has printed to its standard error so far.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn stderr(&self) -> io::Result<String> {
        read(&self.stderr)
    }

    /// Sends it a signal, and not its children.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// `kill -9`, and waits until it is gone. Its children live on until this is dropped; a child in a
    /// session of its own, such as a recorder, longer than that.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn kill(&mut self) -> anyhow::Result<Output> {
        self.signal(Signal::KILL)?;
        let status = self.child.wait()?;
        self.output(status)
    }

    /// Its exit code, as [`Output::code`], if it has ended.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> anyhow::Result<Option<i32>> {
        let status = self.child.try_wait()?;
        status.map(code).transpose()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end in time, with what it printed.
    pub fn wait(&mut self) -> anyhow::Result<Output> {
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if self.start.elapsed() > self.timeout {
                let (seconds, out, err) = (self.timeout.as_secs(), self.stdout()?, self.stderr()?);
                bail!("not done after {seconds} s\n--- stdout\n{out}\n--- stderr\n{err}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.output(status)
    }

    /// Waits for its end as [`Running::wait`] does, and tells when that was and what it had needed.
    ///
    /// # Errors
    /// As [`Running::wait`], and on a system without `/proc`.
    pub fn measured(&mut self) -> anyhow::Result<Ended> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // What it needed is known until somebody has waited for it.
        while waitid(WaitId::Pid(Pid::from_child(&self.child)), options)?.is_none()
            && self.start.elapsed() <= self.timeout
        {
            std::thread::sleep(Duration::from_micros(500));
        }
        let at = Instant::now();
        let needs = Needs::of(self.pid())?;
        Ok(Ended { at, needs, output: self.wait()? })
    }

    fn output(&self, status: ExitStatus) -> anyhow::Result<Output> {
        Ok(Output {
            code: code(status)?,
            bytes: fs::read(&self.stdout)?,
            stdout: self.stdout()?,
            stderr: self.stderr()?,
            took: self.start.elapsed(),
        })
    }

    /// Waits until its output contains `text`, and gives the output.
    ///
    /// # Errors
    /// When it ends or the time is over before that.
    pub fn wait_for_stdout(&mut self, text: &str) -> anyhow::Result<String> {
        eventually(self.timeout, || {
            // Asked before reading, so that its last words are not missed.
            let gone = self.child.try_wait()?;
            let printed = self.stdout()?;
            if printed.contains(text) {
                return Ok(Ok(printed));
            }
            match gone {
                Some(status) => Ok(Err(anyhow::anyhow!(
                    "ended with {status} without printing {text:?}\n{printed}\n{}",
                    self.stderr()?
                ))),
                None => bail!("{text:?} not printed; printed so far:\n{printed}"),
            }
        })?
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that nobody is left of the group.
        kill_process_group(Pid::from_child(&self.child), Signal::KILL).ok();
        self.child.wait().ok();
    }
}

fn code(status: ExitStatus) -> anyhow::Result<i32> {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.context("neither exit code nor signal")
}

fn read(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}

/// Runs git in a project of `home`.
pub(crate) fn git(home: &Home, project: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    home.command("git").args(arguments).dir(project).output()?.success()
}
