//! An agent that changes files, recorded as the plugin and the recorder would, without OpenCode: for what reads the evidence.
//!
//! Everything goes through redaction and the tape's own writer. A step is one model call with one tool call.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use octrace_core::{
    attribution::{
        observed::{Found, Observed},
        timeline::{CallId, Moment},
    },
    event,
    exchange::{Exchange, Outcome, RequestHead, Timing},
    redact::Redactor,
};
use octrace_store::{Batch, SpoolId, Tape, evidence::Trees};
use serde_json::{Value, json};

use crate::{event_said, exchange_ended};

/// Whether OpenCode's snapshots of a step could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// They were, and compared.
    Yes,
    /// There are none: what a shell did, nobody saw.
    No,
}

/// An agent with its session, and where it is recorded.
pub struct Coder {
    tape: Tape,
    spool: SpoolId,
    redactor: Redactor,
    session: String,
    prompt: String,
    number: u32,
    /// Where it writes files; `None`: only the tape says so.
    clock: Clock,
}

/// What time it is, µs since the Unix epoch.
enum Clock {
    /// As the system says.
    System,
    /// Some time ago, and a bit more whenever somebody asks.
    Since(i64),
}

impl Clock {
    fn now(&mut self) -> i64 {
        match self {
            Self::System => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
            }
            Self::Since(at_us) => {
                *at_us += 1_000;
                *at_us
            }
        }
    }
}

impl Coder {
    /// An agent that works in `directory` from now on, recorded on the tape at `tape`, which is made if need be. Files are what
    /// they really are, and times, too.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn new(tape: &Path, directory: &Path) -> anyhow::Result<Self> {
        Self::with(tape, directory, Clock::System)
    }

    /// The same at some time in the past, µs since the Unix epoch, to record much quickly.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn since(tape: &Path, directory: &Path, at_us: i64) -> anyhow::Result<Self> {
        Self::with(tape, directory, Clock::Since(at_us))
    }

    fn with(tape: &Path, directory: &Path, mut clock: Clock) -> anyhow::Result<Self> {
        let mut tape = Tape::open(tape)?;
        let known = tape.sessions()?.len();
        let (spool, _) = tape.spool(&format!("{known}-coder"), clock.now())?;
        let mut coder = Self {
            tape,
            spool,
            redactor: Redactor::new(""),
            session: format!("ses_coder{known:04}"),
            prompt: String::new(),
            number: 0,
            clock,
        };
        coder.begins(directory, None, "Mark the lines")?;
        coder.asks("Mark the lines, each with a word of its own")?;
        Ok(coder)
    }

    /// The id of its session.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// From here on it is a sub-agent, in a session of its own with this title.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn delegates(&mut self, directory: &Path, title: &str) -> anyhow::Result<()> {
        let parent = self.session.clone();
        self.session = format!("{parent}_sub{}", self.number);
        self.begins(directory, Some(&parent), title)?;
        self.asks(title)
    }

    fn begins(
        &mut self,
        directory: &Path,
        parent: Option<&str>,
        title: &str,
    ) -> anyhow::Result<()> {
        let at_us = self.clock.now();
        let info = json!({"id": self.session, "parentID": parent, "title": title, "directory": directory,
            "version": "1.18.33", "time": {"created": at_us / 1_000}});
        let mut batch = self.tape.begin()?;
        let pen = Pen { redactor: &self.redactor, spool: self.spool, session: &self.session };
        pen.event(&mut batch, at_us, "session.updated", json!({"info": info}))?;
        Ok(batch.commit()?)
    }

    /// A person asks for something.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn asks(&mut self, text: &str) -> anyhow::Result<()> {
        let at_us = self.clock.now();
        self.number += 1;
        self.prompt = format!("msg_user{:04}_{}", self.number, self.session);
        let mut batch = self.tape.begin()?;
        let pen = Pen { redactor: &self.redactor, spool: self.spool, session: &self.session };
        pen.message(&mut batch, at_us, &self.prompt, None)?;
        let part = json!({"id": format!("prt_{}", self.prompt), "messageID": self.prompt, "type": "text", "text": text});
        pen.event(&mut batch, at_us, "message.part.updated", json!({"part": part}))?;
        Ok(batch.commit()?)
    }

    /// It edits or writes a file, so that it has these contents then. Its id.
    ///
    /// # Errors
    /// When the tape or the file cannot be written.
    pub fn writes(&mut self, tool: &str, path: &Path, text: &str) -> anyhow::Result<CallId> {
        let input = if tool == "edit" {
            // Only what is new, as a model writes it.
            let before = fs::read_to_string(path).unwrap_or_default();
            let known: BTreeSet<&str> = before.lines().collect();
            let new = text.lines().filter(|line| !known.contains(line)).collect::<Vec<_>>();
            json!({"filePath": path, "oldString": "", "newString": new.join("\n")})
        } else {
            json!({"filePath": path, "content": text})
        };
        let write = || fs::write(path, text).map_err(anyhow::Error::from);
        self.step(tool, &input, Watched::Yes, &[path], write)
    }

    /// A shell command does something to these files. Its id.
    ///
    /// # Errors
    /// When the tape cannot be written, or it fails.
    pub fn runs(
        &mut self,
        command: &str,
        watched: Watched,
        files: &[&Path],
        change: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<CallId> {
        self.step("bash", &json!({"command": command}), watched, files, change)
    }

    /// A step with one call, as it is recorded.
    fn step(
        &mut self,
        tool: &str,
        input: &Value,
        watched: Watched,
        files: &[&Path],
        change: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<CallId> {
        self.number += 1;
        let number = self.number;
        let message = format!("msg_asst{number:04}_{}", self.session);
        let call = CallId { session: self.session.clone(), call: format!("call_{number:04}") };
        let part = format!("prt_{message}");
        let pen = Pen { redactor: &self.redactor, spool: self.spool, session: &self.session };
        let clock = &mut self.clock;
        let mut batch = self.tape.begin()?;

        pen.message(&mut batch, clock.now(), &message, Some(&self.prompt))?;
        pen.exchange(&mut batch, clock.now(), number, &self.prompt)?;
        let step = |kind: &str, tree: u32| json!({"part": {"id": format!("{part}_{kind}"), "messageID": message, "type": kind, "snapshot": format!("{tree:040x}")}});
        let started_us = clock.now();
        pen.event(&mut batch, started_us, "message.part.updated", step("step-start", number))?;
        let before = read(files)?;
        let ran_us = clock.now();
        let hook = json!({"callID": call.call, "tool": tool});
        pen.hook(&mut batch, ran_us, "tool.execute.before", &hook)?;
        if tool != "bash" {
            let at_us = clock.now();
            for seen in &before {
                pen.observed(&mut batch, at_us, Moment::Before(call.clone()), seen)?;
            }
        }
        change()?;
        let after = read(files)?;
        if tool != "bash" {
            let at_us = clock.now();
            for seen in &after {
                pen.observed(&mut batch, at_us, Moment::After(call.clone()), seen)?;
            }
        }
        let ended_us = clock.now();
        pen.hook(&mut batch, ended_us, "tool.execute.after", &hook)?;
        let state = json!({"status": "completed", "input": input, "output": "", "metadata": {},
            "time": {"start": ran_us / 1_000, "end": ended_us / 1_000}});
        let told = json!({"part": {"id": part, "messageID": message, "type": "tool", "tool": tool, "callID": call.call, "state": state}});
        pen.event(&mut batch, ended_us, "message.part.updated", told)?;
        let finished_us = clock.now();
        pen.event(
            &mut batch,
            finished_us,
            "message.part.updated",
            step("step-finish", number + 1),
        )?;
        if watched == Watched::Yes {
            for (before, after) in
                before.iter().zip(&after).filter(|(before, after)| before != after)
            {
                pen.observed(
                    &mut batch,
                    started_us,
                    Moment::Start(message.clone()),
                    &Seen { changed_us: None, ..before.clone() },
                )?;
                pen.observed(&mut batch, finished_us, Moment::Finish(message.clone()), after)?;
            }
        }
        let trees = if watched == Watched::Yes { Trees::Read } else { Trees::Gone };
        batch.step_is_read(&message, trees)?;
        batch.commit()?;
        Ok(call)
    }
}

/// A file as it was found.
#[derive(Clone, PartialEq)]
struct Seen {
    path: PathBuf,
    found: Found,
    changed_us: Option<i64>,
}

fn read(files: &[&Path]) -> anyhow::Result<Vec<Seen>> {
    let unique: BTreeSet<&Path> = files.iter().copied().collect();
    let read = |path: &Path| {
        // A file that is not there has no links to follow but its folder's.
        let folder = path.parent().context("a file in a folder")?.canonicalize()?;
        let path = folder.join(path.file_name().context("a file")?);
        let (found, changed_us) = match fs::read(&path) {
            Ok(bytes) => {
                let found = fs::metadata(&path)?;
                (Found::Text(bytes), Some(found.mtime() * 1_000_000 + found.mtime_nsec() / 1_000))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Found::Absent, None),
            Err(error) => return Err(error.into()),
        };
        Ok(Seen { path, found, changed_us })
    };
    unique.into_iter().map(read).collect()
}

/// What writes down what happens in a session.
struct Pen<'a> {
    redactor: &'a Redactor,
    spool: SpoolId,
    session: &'a str,
}

impl Pen<'_> {
    fn event(
        &self,
        batch: &mut Batch<'_>,
        at_us: i64,
        kind: &str,
        mut properties: Value,
    ) -> anyhow::Result<()> {
        properties["sessionID"] = json!(self.session);
        event_said(batch, self.redactor, self.spool, at_us, kind, &properties)
    }

    fn hook(
        &self,
        batch: &mut Batch<'_>,
        at_us: i64,
        name: &str,
        input: &Value,
    ) -> anyhow::Result<()> {
        let mut input = input.clone();
        input["sessionID"] = json!(self.session);
        let sent = json!({"hook": name, "input": input}).to_string();
        let event = self.redactor.json(sent.as_bytes());
        let event = event.derive(|clean| event::read_hook(clean)).transpose();
        Ok(batch.event(self.spool, at_us, &event.context("a hook of our own")?)?)
    }

    fn message(
        &self,
        batch: &mut Batch<'_>,
        at_us: i64,
        id: &str,
        answers: Option<&str>,
    ) -> anyhow::Result<()> {
        let role = if answers.is_some() { "assistant" } else { "user" };
        let info = json!({"id": id, "sessionID": self.session, "role": role, "parentID": answers, "agent": "build",
            "time": {"created": at_us / 1_000}});
        self.event(batch, at_us, "message.updated", json!({"info": info}))
    }

    fn exchange(
        &self,
        batch: &mut Batch<'_>,
        at_us: i64,
        number: u32,
        prompt: &str,
    ) -> anyhow::Result<()> {
        let exchange = Exchange {
            number,
            request: RequestHead {
                session: self.session.to_owned(),
                message: Some(prompt.to_owned()),
                agent: Some("build".to_owned()),
                provider: Some("anthropic".to_owned()),
                model: Some("claude-sonnet-4-5".to_owned()),
                ..RequestHead::default()
            },
            timing: Timing { sent_us: at_us, ..Timing::default() },
            outcome: Outcome::Complete,
            ..Exchange::default()
        };
        exchange_ended(batch, self.redactor, self.spool, exchange, 0)
    }

    fn observed(
        &self,
        batch: &mut Batch<'_>,
        at_us: i64,
        moment: Moment,
        seen: &Seen,
    ) -> anyhow::Result<()> {
        let clean = self.redactor.file(Observed {
            session: self.session.to_owned(),
            moment,
            path: seen.path.to_string_lossy().into_owned(),
            named: None,
            at_us,
            found: seen.found.clone(),
            exact: true,
            mark: String::new(),
            changed_us: seen.changed_us,
        });
        Ok(batch.observed(self.spool, &clean)?)
    }
}
