//! Agent Trace: which lines tool calls wrote.
//!
//! What the plugin sees of files is on the tape already. What is missing comes from git, which may be slow, or hang; and
//! records are made of all of it, which is work. So this sink is a thread of its own, with its own connection to the tape: the
//! recording never waits for it. It is told when something is new, and looks on the tape what there is to do:
//!
//! * [`revision`]: which commit is checked out, when a call has ended.
//! * [`trees`]: what OpenCode's snapshots say of the files that a step changed; [`shadow`]: where these are.
//! * [`derive`](mod@derive): the records of a step that is over, from the tape alone.
//!
//! [`worker`] is the thread. What it has done is noted on the tape with it, so the next recorder goes on where this one died.

pub(in crate::record) mod derive;
mod revision;
mod shadow;
#[cfg(test)]
mod tests;
mod trees;
mod worker;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use octrace_core::redact::{Clean, Redactor};
use octrace_store::{Error, SpoolId, Tape, evidence::Labels};
use octrace_wire::payload::{Hello, SecretPrint};

use self::worker::Worker;
use crate::{
    config::agent_trace,
    record::{clock::now_us, place::Place},
};

/// How long a recorder whose OpenCode is gone waits for what is still to be done.
const FINISHING: Duration = Duration::from_secs(60);

/// A recorder whose OpenCode has been gone for longer is gone as well, in µs.
const LEFT_US: i64 = 2 * 60_000_000;

/// What the thread is told.
enum Message {
    /// Who writes the spool.
    Writer {
        /// For what is to be redacted.
        salt: String,
        secrets: Vec<SecretPrint>,
        /// OpenCode's data folder.
        data: PathBuf,
    },
    /// Credentials that it learnt.
    Secrets(Vec<SecretPrint>),
    /// Something is new on the tape.
    Follow,
    /// The same, and somebody waits until all is done that can be done; nothing more will come.
    Finish(SyncSender<()>),
}

/// The thread's other end.
pub(in crate::record) struct AgentTrace {
    spool: SpoolId,
    place: Place,
    /// Once the process has said who it is.
    thread: Option<Sender<Message>>,
    /// How many messages the thread was sent, and how many it is done with.
    told: usize,
    done: Arc<AtomicUsize>,
    /// As they are on the tape.
    labels: Option<Option<Labels>>,
}

impl AgentTrace {
    /// Of the process that writes this spool.
    pub(in crate::record) fn new(spool: SpoolId, place: &Place) -> Self {
        Self {
            spool,
            place: place.clone(),
            thread: None,
            told: 0,
            done: Arc::default(),
            labels: None,
        }
    }

    /// The process says who it is.
    pub(in crate::record) fn hello(&mut self, hello: &Hello) {
        let data = PathBuf::from(&hello.settings.data);
        let data = if data.is_absolute() { data } else { self.place.opencode_data.clone() };
        let (salt, secrets) = (hello.salt.clone(), hello.secrets.clone());
        if self.thread.is_none() {
            let (sender, messages) = mpsc::channel();
            let worker = Worker::new(self.spool, &self.place, self.done.clone());
            let named = thread::Builder::new().name("agent-trace".to_owned());
            match named.spawn(move || worker.work(&messages)) {
                Ok(_) => self.thread = Some(sender),
                Err(error) => tracing::warn!("no Agent Trace: {error}"),
            }
        }
        self.tell(Message::Writer { salt, secrets, data });
    }

    /// The process learnt credentials.
    pub(in crate::record) fn learn(&mut self, secrets: &[SecretPrint]) {
        self.tell(Message::Secrets(secrets.to_owned()));
    }

    /// Takes note of what records are to say, and that something is new. Fails only when the tape does.
    pub(in crate::record) fn follow(
        &mut self,
        tape: &mut Tape,
        labels: Option<&agent_trace::Labels>,
    ) -> Result<(), Error> {
        self.label(tape, labels)?;
        self.tell(Message::Follow);
        Ok(())
    }

    /// The process is gone, and all of it is on the tape. Fails only when the tape does.
    pub(in crate::record) fn finish(
        &mut self,
        tape: &mut Tape,
        labels: Option<&agent_trace::Labels>,
    ) -> Result<(), Error> {
        self.label(tape, labels)?;
        let (done, wait) = mpsc::sync_channel(1);
        self.tell(Message::Finish(done));
        if self.thread.take().is_some() && wait.recv_timeout(FINISHING).is_err() {
            tracing::warn!("not all Agent Trace records are made; the next recorder makes them");
        }
        Ok(())
    }

    fn label(
        &mut self,
        tape: &mut Tape,
        labels: Option<&agent_trace::Labels>,
    ) -> Result<(), Error> {
        if self.thread.is_none() {
            return Ok(());
        }
        let labels = labels.map(|labels| Labels {
            spec_version: labels.spec_version.value.0.clone(),
            tool_name: labels.tool_name.value.clone(),
            tool_version: labels.tool_version.value.clone(),
        });
        if self.labels.as_ref() == Some(&labels) {
            return Ok(());
        }
        let clean = labels.as_ref().and_then(|labels| clean(labels, &self.place));
        let mut batch = tape.begin()?;
        batch.labels(self.spool, clean.as_ref())?;
        batch.commit()?;
        self.labels = Some(labels);
        Ok(())
    }

    /// Whether all is done of what was told.
    pub(in crate::record) fn is_done(&self) -> bool {
        self.thread.is_none() || self.done.load(Ordering::Acquire) == self.told
    }

    fn tell(&mut self, message: Message) {
        match self.thread.as_ref().map(|thread| thread.send(message)) {
            Some(Ok(())) => self.told += 1,
            // It ended, and nobody waits for it.
            Some(Err(_)) => self.thread = None,
            None => {}
        }
    }
}

/// The user's own words, but who knows what stands in a variable.
fn clean(labels: &Labels, place: &Place) -> Option<Clean<Labels>> {
    let json = serde_json::to_vec(labels).ok()?;
    let redactor = Redactor::new("").with_patterns(&place.patterns);
    redactor.json(&json).derive(|json| serde_json::from_slice(json).ok()).transpose()
}

/// The next message, and those that come until then; nothing comes after [`Message::Finish`].
fn messages(receiver: &Receiver<Message>, until: Instant) -> Vec<Message> {
    let mut messages: Vec<_> = receiver.recv().into_iter().collect();
    while messages.last().is_some_and(|last| !matches!(last, Message::Finish(_)))
        && let Ok(next) = receiver.recv_timeout(until.saturating_duration_since(Instant::now()))
    {
        messages.push(next);
    }
    messages
}

/// Makes the records that recorders before this one could not make. What their snapshots would have told is lost: nobody
/// knows their credentials any more. Fails only when the tape does.
pub(in crate::record) fn catch_up(tape: &mut Tape) -> Result<(), Error> {
    for spool in tape.spools_left_untraced(now_us().saturating_sub(LEFT_US))? {
        for step in tape.steps_due(spool)? {
            let mut batch = tape.begin()?;
            batch.step_read(spool, &step.message, octrace_store::evidence::Trees::Gone, &[])?;
            batch.commit()?;
            derive::derive(tape, spool, &step, derive::Others::MayBeAtWork)?;
        }
    }
    Ok(())
}
