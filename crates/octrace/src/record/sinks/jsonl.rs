//! The JSONL files that follow the tape.
//!
//! A file has a row on the tape, with how far the journal is in it and how many bytes it had then. Lines are appended
//! first and noted second. Who dies between the two leaves lines that are not noted: the next recorder makes the same
//! lines again, finds them there, and goes on after them; a half of a line becomes a whole one.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use octrace_core::provider::first_prompt;
use octrace_export::jsonl;
use octrace_store::{
    Error, SpoolId, Tape,
    follow::{Entry, LiveFile, Step},
    read::ExchangeDetail,
};

use super::{
    BUSY,
    own_file::{OpenError, OwnFile},
};

/// How many files of one folder may be called the same.
const MOST_NAMESAKES: usize = 1_000;

/// How long to wait before a file is tried again that cannot be written: doubled each time, up to the last value.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What became of a file.
#[derive(Debug)]
pub(super) enum Outcome {
    /// So many lines more are in it.
    Written(u64),
    /// It could not be written; it is tried again.
    Failed(String),
}

/// A file that is tried again.
struct Waiting {
    since: Instant,
    wait: Duration,
}

impl Waiting {
    fn left(&self) -> Duration {
        self.wait.saturating_sub(self.since.elapsed())
    }
}

/// The files of one recorder.
#[derive(Default)]
pub(super) struct Jsonl {
    waiting: HashMap<i64, Waiting>,
}

impl Jsonl {
    /// Brings the files of a spool up to date, or all files; says of each session's what became of it. Fails only
    /// when the tape does.
    pub(super) fn follow(
        &mut self,
        tape: &mut Tape,
        spool: Option<SpoolId>,
    ) -> Result<Vec<(LiveFile, Outcome)>, Error> {
        let behind = tape.files_behind(spool)?;
        self.waiting.retain(|id, _| behind.iter().any(|file| file.id == *id));
        let mut outcomes = Vec::new();
        for file in behind {
            if self.waiting.get(&file.id).is_some_and(|waiting| waiting.left() > Duration::ZERO) {
                continue;
            }
            match bring_up_to_date(tape, &file) {
                Ok(lines) => {
                    self.waiting.remove(&file.id);
                    outcomes.push((file, Outcome::Written(lines)));
                }
                Err(Failure::Tape(error)) => return Err(error),
                Err(Failure::File(OpenError::Busy)) => self.wait(file.id, BUSY, BUSY),
                Err(Failure::File(error)) => {
                    let what = error.to_string();
                    tape.file_failed(file.id, &what)?;
                    self.wait(file.id, RETRY.0, RETRY.1);
                    outcomes.push((file, Outcome::Failed(what)));
                }
            }
        }
        Ok(outcomes)
    }

    /// How long until a file is to be tried again.
    pub(super) fn due_in(&self) -> Option<Duration> {
        self.waiting.values().map(Waiting::left).min()
    }

    fn wait(&mut self, file: i64, first: Duration, most: Duration) {
        let wait = self.waiting.get(&file).map_or(first, |before| (before.wait * 2).min(most));
        self.waiting.insert(file, Waiting { since: Instant::now(), wait });
    }
}

/// Why a file is not up to date.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Tape(#[from] Error),
    #[error(transparent)]
    File(#[from] OpenError),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::File(error.into())
    }
}

/// Appends what is missing; how many entries of the journal that were.
fn bring_up_to_date(tape: &mut Tape, behind: &LiveFile) -> Result<u64, Failure> {
    let Some(mut name) = first_name(tape, behind)? else {
        tape.file_lacks_nothing(behind.id)?;
        return Ok(0);
    };
    let plain = name.clone();
    for count in 2..MOST_NAMESAKES {
        if tape.name_file(behind.id, &name)? {
            match OwnFile::open(&behind.folder, &name) {
                Ok(file) => match append(tape, behind.id, file)? {
                    Appended::Entries(count) => return Ok(count),
                    Appended::NotOurs => {}
                },
                Err(OpenError::Foreign) => {}
                Err(error) => return Err(error.into()),
            }
        }
        name = jsonl::numbered(&plain, count);
    }
    Err(OpenError::Foreign.into())
}

/// The name that it has, or is to have; `None` when nothing is left on the tape that belongs in it.
fn first_name(tape: &Tape, file: &LiveFile) -> Result<Option<String>, Error> {
    if let Some(name) = &file.name {
        return Ok(Some(name.clone()));
    }
    let entries = tape.journal_of(file, 0)?;
    let begin = entries.iter().find(|entry| entry.step == Step::Begin).or(entries.first());
    let Some(first) = begin else { return Ok(None) };
    Ok(tape.exchange_at(first.exchange, Step::Begin)?.map(|first| name_of(&first)))
}

/// The name of the file that begins with this exchange.
pub(crate) fn name_of(first: &ExchangeDetail) -> String {
    let words = first_prompt(&first.request_body);
    let words = words.as_deref().unwrap_or(&first.summary.session);
    jsonl::file_name(first.summary.timing.sent_us, &TimeZone::system(), words)
}

enum Appended {
    Entries(u64),
    /// There is something else with this name.
    NotOurs,
}

fn append(tape: &mut Tape, id: i64, mut file: OwnFile) -> Result<Appended, Failure> {
    // With the lock on it: another recorder may have written it a moment ago.
    let Some(mut row) = tape.live_file(id)? else { return Ok(Appended::Entries(0)) };
    if file.size() < row.size {
        // It was taken away, or a power cut took its end: from the beginning, then.
        (row.seq, row.size) = (0, 0);
    }
    let mut at = row.size;
    let mut written = Ok(());
    let entries = tape.journal_of(&row, row.seq)?;
    let mut count = 0;
    for entry in &entries {
        let lines = lines(tape, entry)?;
        if at < file.size() {
            match file.has(at, &lines)? {
                Some(there) if there == lines.len() || at + there as u64 == file.size() => {
                    written = file.append(&lines[there..]);
                    at += lines.len() as u64;
                }
                _ if at == 0 => return Ok(Appended::NotOurs),
                // Somebody wrote into it. What is theirs stays, and ours goes on after it.
                _ => {
                    let new_line: &[u8] = if file.ends_a_line()? { b"" } else { b"\n" };
                    written = file.append(&[new_line, &lines].concat());
                    at = file.size();
                }
            }
        } else {
            written = file.append(&lines);
            at += lines.len() as u64;
        }
        if written.is_err() {
            break;
        }
        (row.seq, row.size) = (entry.seq, at);
        count += 1;
    }
    if count > 0 {
        tape.file_is_written(id, row.seq, row.size)?;
    } else if entries.is_empty() {
        tape.file_lacks_nothing(id)?;
    }
    written?;
    Ok(Appended::Entries(count))
}

/// What an entry of the journal says; nothing for one that was pruned meanwhile, or that the tape cannot restore.
fn lines(tape: &Tape, entry: &Entry) -> Result<Vec<u8>, Failure> {
    let mut lines = Vec::new();
    match tape.exchange_at(entry.exchange, entry.step) {
        Ok(Some(exchange)) => jsonl::write(&mut lines, entry.step, &exchange)?,
        Ok(None) => {}
        Err(error) if error.is_damage() => {
            tracing::warn!(request = entry.exchange, "left out of its file: {error}");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(lines)
}
