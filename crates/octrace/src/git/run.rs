//! A program that is asked something: bounded in time and in what it may print, and killed beyond, with all that it
//! started.

use std::{
    io::{Read, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::GitError;

/// How much it may print.
const LONGEST: u64 = 64 << 20;

/// How often to look whether a program has ended that has closed its output.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What the program prints until it ends well, with `input` on its standard input.
///
/// # Errors
/// When it cannot be started, fails, takes too long or prints too much.
pub(crate) fn run(
    mut command: Command,
    input: Option<Vec<u8>>,
    limit: Duration,
) -> Result<Vec<u8>, GitError> {
    let child = command
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // What it starts is killed with it.
        .process_group(0)
        .spawn();
    answer(child.map_err(GitError::Start)?, input, limit)
}

/// What the child prints until it ends well.
fn answer(mut child: Child, input: Option<Vec<u8>>, limit: Duration) -> Result<Vec<u8>, GitError> {
    let deadline = Instant::now() + limit;
    let mut stdin = child.stdin.take();
    // Where it no longer wants to read, its exit code says why.
    let writer = thread::spawn(move || match (&mut stdin, input) {
        (Some(stdin), Some(input)) => stdin.write_all(&input).is_ok(),
        _ => true,
    });
    let stdout = child.stdout.take();
    let (sender, printed) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.map_or(Ok(0), |out| out.take(LONGEST + 1).read_to_end(&mut bytes));
        // Nobody waits for it any more.
        sender.send(read.map(|_| bytes)).ok();
    });
    let printed = match printed.recv_timeout(limit) {
        Ok(Ok(bytes)) if bytes.len() as u64 <= LONGEST => Ok(bytes),
        Ok(Ok(_)) => Err(GitError::Long),
        Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(GitError::Odd),
        Err(RecvTimeoutError::Timeout) => Err(GitError::Slow(limit)),
    };
    let ended = if printed.is_ok() { wait(&mut child, deadline) } else { None };
    let Some(status) = ended else {
        let group = Pid::from_child(&child);
        // It may have ended by itself a moment ago.
        kill_process_group(group, Signal::KILL).ok();
        // What hangs in the kernel does not die before that lets it go.
        thread::spawn(move || child.wait());
        return printed.and(Err(GitError::Slow(limit)));
    };
    writer.join().ok();
    if status.success() { printed } else { Err(GitError::Failed(status.code())) }
}

/// Whoever closes his output ends at once, if nothing is wrong with him.
fn wait(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(LOOK_EVERY);
    }
}
