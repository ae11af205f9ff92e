//! JSONL files and diagnostics of one OpenCode process: what becomes of the former is said in the latter.

use std::{
    thread,
    time::{Duration, Instant},
};

use octrace_core::redact::Redactor;
use octrace_store::{Error, SpoolId, Tape, follow::LiveFile};
use octrace_wire::{frame::Head, payload::Diagnostic};

use super::{
    diagnostics::{Diagnostics, Event},
    jsonl::{Jsonl, Outcome},
};
use crate::record::{clock::now_us, wishes::Wishes};

/// How long the last diagnostics wait for other recorders that write the same file.
const PATIENCE: Duration = Duration::from_secs(5);

/// What follows the tape of one spool.
pub(in crate::record) struct Files {
    spool: SpoolId,
    jsonl: Jsonl,
    diagnostics: Diagnostics,
    pid: u32,
}

impl Files {
    pub(in crate::record) fn new(spool: SpoolId) -> Self {
        Self { spool, jsonl: Jsonl::default(), diagnostics: Diagnostics::default(), pid: 0 }
    }

    /// The process says who it is.
    pub(in crate::record) fn hello(&mut self, pid: u32) {
        self.pid = pid;
    }

    /// It says in which directory it works, and with which options.
    pub(in crate::record) fn instance(&mut self) {
        self.diagnostics.settle();
    }

    /// The plugin decided something.
    pub(in crate::record) fn note(&mut self, redactor: &Redactor, head: &Head, said: &Diagnostic) {
        let text = |text: &str| redactor.text(text).into_inner();
        let [event, method, host, reason] =
            [&said.event, &said.method, &said.host, &said.reason].map(|said| text(said));
        let count = Some(said.count).filter(|count| *count > 1);
        let (event, method, host, reason) = (&*event, &*method, &*host, &*reason);
        let event = Event { event, method, host, reason, count, ..Event::default() };
        let at_us = i64::try_from(head.wall_us).unwrap_or(i64::MAX);
        self.diagnostics.note(at_us, self.pid, &event);
    }

    /// Brings the files up to date. Fails only when the tape does.
    pub(in crate::record) fn follow(
        &mut self,
        tape: &mut Tape,
        wishes: &Wishes,
    ) -> Result<(), Error> {
        for (file, outcome) in self.jsonl.follow(tape, Some(self.spool))? {
            self.report(tape, &file, &outcome)?;
        }
        self.diagnostics.write(wishes.diagnostics());
        Ok(())
    }

    /// How long until something is to be tried again.
    pub(in crate::record) fn due_in(&self) -> Option<Duration> {
        self.jsonl.due_in().into_iter().chain(self.diagnostics.due_in()).min()
    }

    /// The process is gone, and all of it is on the tape: says what it did.
    pub(in crate::record) fn finish(
        &mut self,
        tape: &mut Tape,
        wishes: &Wishes,
    ) -> Result<(), Error> {
        if let Some(process) = tape.process(self.spool)? {
            self.diagnostics.summary(now_us(), &process);
        }
        let begun = Instant::now();
        self.diagnostics.write(wishes.diagnostics());
        // Nobody comes by again for what waits now.
        while let Some(wait) = self.diagnostics.due_in().filter(|_| begun.elapsed() < PATIENCE) {
            thread::sleep(wait);
            self.diagnostics.write(wishes.diagnostics());
        }
        Ok(())
    }

    fn report(&mut self, tape: &mut Tape, file: &LiveFile, outcome: &Outcome) -> Result<(), Error> {
        let session = file.session.as_str();
        let event = match outcome {
            Outcome::Written(0) => return Ok(()),
            Outcome::Written(entries) => Event {
                event: "jsonl.write.success",
                session,
                count: Some(*entries),
                ..Event::default()
            },
            Outcome::Failed(error) => {
                if file.error.as_deref() != Some(error) {
                    let folder = file.folder.display();
                    tracing::warn!(session, %folder, "cannot write a JSONL file, trying again: {error}");
                }
                Event { event: "jsonl.write.error", session, error, ..Event::default() }
            }
        };
        tape.count(self.spool, event.event, event.count.unwrap_or(1))?;
        self.diagnostics.note(now_us(), self.pid, &event);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
