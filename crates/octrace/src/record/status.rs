//! `.status`: what the recorder tells the plugin and the commands, beside the spool.
//!
//! One JSON object, replaced whole by rename, so that a reader sees the old or the new one and never a
//! half. It holds counts and positions, no content.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::{Duration, Instant},
};

use octrace_store::Position;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

/// Its name in the spool's folder.
pub(crate) const FILE: &str = ".status";
const NEW: &str = ".status.new";

/// More than a status ever takes; what is longer is not ours.
const LONGEST: u64 = 64 << 10;

/// How far the recorder is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    /// The recorder's process id.
    pub(crate) pid: u32,
    /// Everything before this position is on the tape.
    pub(crate) position: Position,
    /// Exchanges that this recorder put on the tape from this spool.
    pub(crate) exchanges: u64,
    /// Events, likewise.
    pub(crate) events: u64,
    /// The token of the last request in `.control` that was carried out.
    pub(crate) answered: Option<String>,
    /// How `/intercept` stands.
    pub(crate) intercept: Intercept,
}

/// How often it is said how far the recorder is, where nobody has asked.
const EVERY: Duration = Duration::from_millis(100);

/// How long to wait after the status could not be said.
const REFUSED: Duration = Duration::from_millis(200);

/// The status as it is, and as it was said last.
#[derive(Default)]
pub(super) struct Told {
    pub(super) status: Status,
    said: Option<(Status, Instant)>,
}

impl Told {
    /// Not said yet.
    pub(super) fn new(status: Status) -> Self {
        Self { status, said: None }
    }

    /// Says in `folder` how far it is, and that `answered` was carried out; how long until the rest is to be said. Where
    /// the spool's disk is full, reading on is what makes room.
    pub(super) fn tell(&mut self, folder: &Path, answered: Option<String>) -> Option<Duration> {
        if answered.is_some() {
            self.status.answered = answered;
        }
        if let Some((said, at)) = &self.said {
            if *said == self.status {
                return None;
            }
            let is_answer =
                said.answered != self.status.answered || said.intercept != self.status.intercept;
            if let Some(wait) = EVERY.checked_sub(at.elapsed()).filter(|_| !is_answer) {
                return Some(wait);
            }
        }
        match self.status.publish(folder) {
            Ok(()) => self.said = Some((self.status.clone(), Instant::now())),
            Err(error) if self.said.take().is_some() => {
                tracing::warn!(%error, "cannot say in .status how far it is");
            }
            Err(_) => {}
        }
        self.said.is_none().then_some(REFUSED)
    }

    /// Whether this request, if there is one, was carried out: it stays in its file.
    pub(super) fn has_answered(&self, asked: Option<&String>) -> bool {
        asked.is_none() || self.status.answered.as_ref() == asked
    }
}

/// What the answer to `/intercept` is made of: how it stood when the recorder came to the question, with
/// everything counted that was captured before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Intercept {
    /// The token of the last question that was carried out, from the spool.
    pub(crate) token: String,
    /// Whether requests are dumped.
    pub(crate) enabled: bool,
    /// The folder with the dumps of the session that asked.
    pub(crate) root: String,
    /// Requests whose dumps were written, in this OpenCode process.
    pub(crate) captures: u64,
    /// The bytes of those requests and their responses.
    pub(crate) total_bytes: u64,
    /// What went wrong, when dumping and when cleaning up.
    pub(crate) anomalies: u64,
    /// The newest anomaly's phase, such as `capture/dump-write`; empty when there was none.
    pub(crate) latest_phase: String,
    /// What happened then.
    pub(crate) latest_message: String,
}

impl Status {
    /// Replaces the status in `folder`.
    pub(crate) fn publish(&self, folder: &Path) -> io::Result<()> {
        replace(folder, NEW, FILE, &serde_json::to_vec(self)?)
    }

    /// The status in `folder`; `None` if there is none that can be read.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&read_small(&folder.join(FILE))?).ok()
    }
}

/// Writes `bytes` to `folder/new` and renames it to `folder/name`.
pub(super) fn replace(folder: &Path, new: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(new);
    // What a dead process left, or something else with this name: it is replaced, never written to.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(bytes)?;
    fs::rename(path, folder.join(name))
}

/// A small file of ours, never through a link.
pub(super) fn read_small(path: &Path) -> Option<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .ok()?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_said_at_once_and_how_far_it_is_now_and_then() {
        let folder = tempfile::tempdir().unwrap();
        let mut told = Told::new(Status::default());
        let said = || Status::read(folder.path()).unwrap();
        assert_eq!(told.tell(folder.path(), None), None);
        told.status.events = 1;
        let wait = told.tell(folder.path(), None).expect("it was said just now");
        assert!(wait <= EVERY && said().events == 0);
        told.status.intercept.captures = 1;
        assert_eq!(told.tell(folder.path(), None), None);
        assert_eq!((said().events, said().intercept.captures), (1, 1));
        told.status.events = 2;
        assert_eq!(told.tell(folder.path(), Some("t-1".to_owned())), None);
        assert_eq!((said().events, said().answered.as_deref()), (2, Some("t-1")));
        told.status.events = 3;
        while told.tell(folder.path(), None).is_some() {
            std::thread::yield_now();
        }
        assert_eq!(said().events, 3);
    }
}
