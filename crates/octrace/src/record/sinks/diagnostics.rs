//! The diagnostics file: what the plugin decided, and what became of files, without any content. One JSON object on a
//! line; bounded.

use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use octrace_store::diagnostics::Process;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    BUSY,
    own_file::{OpenError, OwnFile},
};
use crate::record::wishes::Diagnosed;

/// A file that would be longer makes room for a new one; one old file is kept, with `.1` after its name.
const LONGEST: u64 = 4 << 20;

/// How much may wait for a file that cannot be written. What comes then is not said.
const MOST_WAITING: usize = 1 << 20;

/// Something that happened.
#[derive(Debug, Default, Serialize)]
pub(in crate::record) struct Event<'a> {
    pub(in crate::record) event: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(in crate::record) method: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(in crate::record) host: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(in crate::record) reason: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(in crate::record) session: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::record) count: Option<u64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(in crate::record) error: &'a str,
}

/// What waits to be said of one OpenCode process.
#[derive(Default)]
pub(in crate::record) struct Diagnostics {
    waiting: Vec<u8>,
    /// Whether it is known in which folder the file is: an instance's options may say so.
    is_settled: bool,
    has_failed: bool,
    /// When another recorder was last found writing the file.
    busy: Option<Instant>,
}

#[derive(Serialize)]
struct Line<'a, T> {
    timestamp: String,
    pid: u32,
    #[serde(flatten)]
    said: &'a T,
}

impl Diagnostics {
    /// Says that something happened.
    pub(in crate::record) fn note(&mut self, at_us: i64, pid: u32, event: &Event<'_>) {
        self.is_settled |= !event.event.starts_with("install.");
        self.line(at_us, pid, event);
    }

    /// Says what the process did in all.
    pub(in crate::record) fn summary(&mut self, at_us: i64, process: &Process) {
        self.is_settled = true;
        self.line(at_us, process.pid, &summary(process));
    }

    /// Where the file is does not change any more.
    pub(in crate::record) fn settle(&mut self) {
        self.is_settled = true;
    }

    /// How long until the file is to be tried again; `None` where nobody else writes it.
    pub(in crate::record) fn due_in(&self) -> Option<Duration> {
        self.busy.map(|since| BUSY.saturating_sub(since.elapsed()))
    }

    fn line(&mut self, at_us: i64, pid: u32, said: &impl Serialize) {
        let at = Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH);
        let line = Line { timestamp: format!("{at:.3}"), pid, said };
        let before = self.waiting.len();
        let printed = serde_json::to_writer(&mut self.waiting, &line);
        if printed.is_err() || self.waiting.len() > MOST_WAITING {
            self.waiting.truncate(before);
        } else {
            self.waiting.push(b'\n');
        }
    }

    /// Writes what waits to the file at `place`, and where that cannot be written, to its `spare`; without a place,
    /// nobody wants to know.
    pub(in crate::record) fn write(&mut self, place: Option<Diagnosed<'_>>) {
        self.busy = None;
        if self.waiting.is_empty() || !self.is_settled {
            return;
        }
        let Some(Diagnosed { file, spare }) = place else { return self.waiting.clear() };
        let mut written = append(file, &self.waiting);
        if let Err(error) = &written
            && !matches!(error, OpenError::Busy)
        {
            if !self.has_failed {
                tracing::warn!("cannot write diagnostics to {}: {error}", file.display());
            }
            self.has_failed = true;
            if file != spare {
                written = append(spare, &self.waiting);
            }
        } else {
            self.has_failed = false;
        }
        match written {
            Ok(()) => self.waiting.clear(),
            // Another recorder is at it, for a moment only.
            Err(OpenError::Busy) => self.busy = Some(Instant::now()),
            // They go on waiting.
            Err(_) => {}
        }
    }
}

fn append(path: &Path, lines: &[u8]) -> Result<(), OpenError> {
    let name = path.file_name().and_then(|name| name.to_str());
    let (Some(folder), Some(name)) = (path.parent(), name) else {
        return Err(io::Error::from(io::ErrorKind::InvalidFilename).into());
    };
    let mut file = OwnFile::open(folder, name)?;
    if file.size() + lines.len() as u64 > LONGEST {
        fs::rename(path, folder.join(format!("{name}.1")))?;
        file = OwnFile::open(folder, name)?;
    }
    if !file.ends_a_line()? {
        file.append(b"\n")?;
    }
    Ok(file.append(lines)?)
}

fn summary(process: &Process) -> Value {
    let skipped: Map<_, _> = process
        .counts
        .iter()
        .filter(|count| count.event == "fetch.skipped")
        .map(|count| (count.reason.clone(), count.count.into()))
        .collect();
    json!({
        "event": "process.summary",
        "seen": process.count("fetch.seen"),
        "traced": process.count("fetch.traced"),
        "skipped": skipped,
        "requests": process.requests,
        "responses": process.responses,
        "errors": process.errors,
        "jsonlWrites": process.count("jsonl.write.success"),
        "jsonlErrors": process.count("jsonl.write.error"),
    })
}
