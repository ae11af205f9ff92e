//! Whether the OpenCode process that writes a spool still lives.
//!
//! A process id alone proves nothing: ids are reused, and a spool may have survived a reboot. So
//! the `hello` frame carries the process's start time and the machine's boot id, where the system has
//! them. Without them, only a process id that nobody has proves anything; else a spool is given up after a day
//! without a write.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use octrace_wire::payload::Hello;
use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};

/// How long a spool of unknown origin must have been untouched before its writer counts as dead.
const UNTOUCHED: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a process may take to be gone after its pipe closed.
const DYING: Duration = Duration::from_secs(2);

/// What is known about a spool's writer.
#[derive(Clone, Default)]
pub(crate) struct Writer {
    pid: u32,
    start: String,
    boot: String,
}

impl Writer {
    /// As it introduced itself.
    pub(crate) fn new(hello: &Hello) -> Self {
        Self { pid: hello.pid, start: hello.process_start.clone(), boot: hello.boot.clone() }
    }

    /// Whether it is surely dead. Looks at the spool's age only where nothing better is known.
    pub(crate) fn is_dead(&self, spool: &Path) -> bool {
        match (boot_id(), self.boot.is_empty()) {
            (Some(now), false) if now != self.boot => true,
            (Some(_), false) if self.pid != 0 && !self.start.is_empty() => {
                process_start(self.pid).is_none_or(|start| start != self.start)
            }
            // No such process now: then not that one either.
            _ if pid(self.pid).is_some_and(is_gone) => true,
            _ => untouched_for(spool) > UNTOUCHED,
        }
    }

    /// Waits until it is dead, for a moment at the most: a dying process closes its pipes a little before
    /// it is gone.
    pub(crate) fn wait_dead(&self, spool: &Path) -> bool {
        let begun = Instant::now();
        loop {
            if self.is_dead(spool) {
                return true;
            }
            if begun.elapsed() > DYING {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}

fn is_gone(pid: Pid) -> bool {
    test_kill_process(pid) == Err(Errno::SRCH)
}

fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// Field 22 of `/proc/<pid>/stat`, the start time in clock ticks since boot; `None` when the
/// process is gone or only its exit status is left (a zombie).
fn process_start(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses and may contain anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    let state = fields.next()?;
    let start = fields.nth(18)?;
    (!matches!(state, "Z" | "X" | "x")).then(|| start.to_owned())
}

fn untouched_for(spool: &Path) -> Duration {
    let Ok(entries) = fs::read_dir(spool) else { return Duration::MAX };
    let newest = entries
        .flatten()
        .filter_map(|entry| entry.metadata().ok()?.modified().ok())
        .max()
        .or_else(|| fs::metadata(spool).ok()?.modified().ok());
    // A clock that was set back makes a file look as if it came from the future: then wait.
    newest
        .and_then(|newest| SystemTime::now().duration_since(newest).ok())
        .unwrap_or(Duration::ZERO)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn writer(pid: u32, start: &str, boot: &str) -> Writer {
        Writer { pid, start: start.to_owned(), boot: boot.to_owned() }
    }

    #[test]
    fn a_process_is_told_apart_from_a_later_one_with_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let (me, boot) = (std::process::id(), boot_id().unwrap());
        let start = process_start(me).unwrap();
        assert!(!writer(me, &start, &boot).is_dead(folder.path()));
        assert!(writer(me, "1", &boot).is_dead(folder.path()), "another start time");
        assert!(writer(me, &start, "another boot").is_dead(folder.path()));
        assert!(!writer(0, "", "").is_dead(folder.path()), "unknown, and touched just now");
    }

    #[test]
    fn a_killed_child_is_dead_before_anybody_reaps_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let start = process_start(child.id()).unwrap();
        let writer = writer(child.id(), &start, &boot_id().unwrap());
        assert!(!writer.is_dead(folder.path()));
        child.kill().unwrap();
        assert!(writer.wait_dead(folder.path()), "a zombie is dead");
        child.wait().unwrap();
    }
}
