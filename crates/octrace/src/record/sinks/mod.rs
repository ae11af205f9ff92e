//! What follows the tape: files that are made of what was just stored.
//!
//! * [`jsonl`]: a file per session, in the folder that OpenCode's settings name.
//! * [`diagnostics`]: what the plugin decided, and what became of those files.
//! * [`files`]: the two together, for one OpenCode process.
//! * [`own_file`]: a file that we append to in a folder of anybody's.
//! * [`agent_trace`]: which lines tool calls wrote.
//! * [`dumps`]: three files for each request, while `/intercept` is on.
//!
//! A sink reads the tape and nothing else, and what it has done is noted there. So it can die at any moment, and the next
//! recorder goes on where it stopped. What a sink cannot do is said, and never holds up the recording.

pub(super) mod agent_trace;
mod diagnostics;
pub(super) mod dumps;
mod files;
pub(super) mod jsonl;
mod own_file;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use octrace_core::redact::Redactor;
use octrace_store::{Error, SpoolId, Tape};
use octrace_wire::{
    frame::Head,
    payload::{Diagnostic, Hello, SecretPrint},
};

use self::{
    agent_trace::AgentTrace,
    dumps::Dumps,
    files::Files,
    jsonl::{Jsonl, Outcome},
};
use super::{place::Place, status::Intercept, wishes::Wishes};

/// How long to wait before a file is tried again that another recorder writes.
const BUSY: Duration = Duration::from_millis(50);

/// How often to look whether another recorder has written a file.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Brings all JSONL files up to date, whoever recorded what is due in them, and waits until `deadline` for other
/// recorders; the folders of those that cannot be written, and why. Fails only when the tape does.
pub(super) fn catch_up(
    tape: &mut Tape,
    deadline: Instant,
) -> Result<Vec<(PathBuf, String)>, Error> {
    let mut jsonl = Jsonl::default();
    let mut failed = HashMap::new();
    loop {
        for (file, outcome) in jsonl.follow(tape, None)? {
            if let Outcome::Failed(what) = outcome {
                failed.insert(file.id, (file.folder, what));
            }
        }
        let behind = tape.files_behind(None)?;
        let is_done = behind.iter().all(|file| failed.contains_key(&file.id));
        if is_done || Instant::now() >= deadline {
            return Ok(behind
                .into_iter()
                .map(|file| {
                    failed
                        .remove(&file.id)
                        .unwrap_or((file.folder, "another recorder is writing it".to_owned()))
                })
                .collect());
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// All that follow the tape of one spool.
pub(super) struct Sinks {
    spool: SpoolId,
    files: Files,
    /// Once it is known where.
    dumps: Option<Dumps>,
    agent_trace: AgentTrace,
}

impl Sinks {
    pub(super) fn new(spool: SpoolId, place: &Place) -> Self {
        let agent_trace = AgentTrace::new(spool, place);
        Self { spool, files: Files::new(spool), dumps: None, agent_trace }
    }

    /// The process says who it is.
    pub(super) fn hello(&mut self, hello: &Hello) {
        self.files.hello(hello.pid);
        self.dumps.get_or_insert_with(|| Dumps::new(self.spool, &hello.settings));
        self.agent_trace.hello(hello);
    }

    /// The process learnt credentials.
    pub(super) fn learn(&mut self, secrets: &[SecretPrint]) {
        self.agent_trace.learn(secrets);
    }

    /// The process says where it works.
    pub(super) fn instance(&mut self) {
        self.files.instance();
    }

    /// The plugin decided something.
    pub(super) fn note(&mut self, redactor: &Redactor, head: &Head, said: &Diagnostic) {
        self.files.note(redactor, head, said);
    }

    /// Takes what is new on the tape. Fails only when the tape does.
    pub(super) fn follow(&mut self, tape: &mut Tape, wishes: &Wishes) -> Result<(), Error> {
        self.files.follow(tape, wishes)?;
        self.agent_trace.follow(tape, wishes.traced())?;
        match &mut self.dumps {
            Some(dumps) => dumps.follow(tape),
            None => Ok(()),
        }
    }

    /// The process is gone, and all of it is on the tape.
    pub(super) fn finish(&mut self, tape: &mut Tape, wishes: &Wishes) -> Result<(), Error> {
        self.follow(tape, wishes)?;
        self.files.finish(tape, wishes)?;
        self.agent_trace.finish(tape, wishes.traced())
    }

    /// How long until something is to be tried again.
    pub(super) fn due_in(&self) -> Option<Duration> {
        self.files.due_in()
    }

    /// Whether what is made beside the recording is made of all that is on the tape.
    pub(super) fn is_done(&self) -> bool {
        self.agent_trace.is_done()
    }

    /// How `/intercept` stands.
    pub(super) fn intercept(&self, tape: &Tape) -> Result<Intercept, Error> {
        self.dumps.as_ref().map_or_else(|| Ok(Intercept::default()), |dumps| dumps.status(tape))
    }
}
