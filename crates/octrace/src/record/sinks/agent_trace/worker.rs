//! The thread: whatever is due on the tape, in its order.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::Receiver,
    },
    time::{Duration, Instant},
};

use octrace_core::{
    attribution::timeline::Moment,
    redact::{Patterns, Redactor},
};
use octrace_store::{
    Error, SpoolId, Tape,
    evidence::{Step, Trees, Workplace},
};

use super::{
    Message,
    derive::{Others, derive},
    messages, revision, shadow,
    trees::{self, Place, Snapshot},
};
use crate::{
    git::{Git, GitError},
    record::place,
};

/// The least time between two looks at the tape. After each that wrote something, the recorder reads its pages anew.
const PACE: Duration = Duration::from_millis(250);

/// How often git may take too long. Then it is left alone.
const MOST_SLOW: u32 = 3;

/// See [`super`].
pub(super) struct Worker {
    spool: SpoolId,
    path: PathBuf,
    patterns: Patterns,
    redactor: Redactor,
    /// OpenCode's data folder.
    data: PathBuf,
    tape: Option<Tape>,
    /// How many messages are done with.
    done: Arc<AtomicUsize>,
    slow: u32,
    has_warned: bool,
}

impl Worker {
    pub(super) fn new(spool: SpoolId, place: &place::Place, done: Arc<AtomicUsize>) -> Self {
        Self {
            spool,
            path: place.tape.clone(),
            patterns: place.patterns.clone(),
            redactor: Redactor::new("").with_patterns(&place.patterns),
            data: place.opencode_data.clone(),
            tape: None,
            done,
            slow: 0,
            has_warned: false,
        }
    }

    /// Does what is due whenever it is told to look, until nobody is there to tell.
    pub(super) fn work(mut self, receiver: &Receiver<Message>) {
        let mut look_at = Instant::now();
        loop {
            let messages = messages(receiver, look_at);
            if messages.is_empty() {
                return;
            }
            let (count, mut is_new, mut waiting) = (messages.len(), false, None);
            // All of them first: what was learnt meanwhile holds for what is read now.
            for message in messages {
                match message {
                    Message::Writer { salt, secrets, data } => {
                        if !self.redactor.is_for(&salt) {
                            self.redactor = Redactor::new(&salt).with_patterns(&self.patterns);
                        }
                        self.redactor.learn(&secrets);
                        self.data = data;
                    }
                    Message::Secrets(secrets) => self.redactor.learn(&secrets),
                    Message::Follow => is_new = true,
                    Message::Finish(done) => waiting = Some(done),
                }
            }
            // Before the first of these it does not stand on the tape yet whether records are wanted.
            if (is_new || waiting.is_some())
                && let Err(error) = self.look(waiting.is_some())
            {
                self.warn(&error.to_string());
                self.tape = None;
            }
            self.done.fetch_add(count, Ordering::Release);
            if let Some(done) = waiting {
                done.send(()).ok();
                return;
            }
            look_at = Instant::now() + PACE;
        }
    }

    /// Does what is due. With `ended`, nothing more will come.
    fn look(&mut self, ended: bool) -> Result<(), Error> {
        let mut tape = match self.tape.take() {
            Some(tape) => tape,
            None => Tape::open(&self.path)?,
        };
        let is_on = tape.labels(self.spool)?.is_some();
        if is_on {
            self.revisions(&mut tape)?;
        }
        for step in tape.steps_due(self.spool)? {
            if tape.step_over_us(&step)?.is_none() {
                continue;
            }
            // Its end may have come since, and its process's end after that.
            let Some(step) = tape.step_of_message(&step.message)? else { continue };
            if step.trees == Trees::Due {
                self.trees(&mut tape, &step, is_on)?;
            }
            let others = if ended { Others::MayBeAtWork } else { Others::AreWaitedFor };
            derive(&mut tape, self.spool, &step, others)?;
        }
        self.tape = Some(tape);
        Ok(())
    }

    /// The repository, for calls that have ended.
    fn revisions(&mut self, tape: &mut Tape) -> Result<(), Error> {
        for (call, ended_us, directory) in tape.calls_without_revision(self.spool)? {
            let begun = Instant::now();
            let found = if self.slow < MOST_SLOW {
                revision::at(directory.as_ref(), ended_us)
            } else {
                revision::without(directory.as_ref())
            };
            self.slow += u32::from(begun.elapsed() > revision::SLOW);
            let mut batch = tape.begin()?;
            batch.revision(&call, ended_us, &self.redactor.revision(found))?;
            batch.commit()?;
        }
        Ok(())
    }

    /// What the step's snapshots say.
    fn trees(&mut self, tape: &mut Tape, step: &Step, is_on: bool) -> Result<(), Error> {
        let (mut trees, mut seen) = (Trees::Gone, Vec::new());
        if is_on && self.slow < MOST_SLOW {
            match self.compare(tape, step) {
                Ok((read, observed)) => (trees, seen) = (read, observed),
                Err(Failure::Tape(error)) => return Err(error),
                Err(Failure::Git(error)) => {
                    self.slow += u32::from(matches!(error, GitError::Slow(_)));
                    self.warn(&format!("step {}: {error}", step.message));
                }
            }
        }
        let seen: Vec<_> = seen.into_iter().map(|seen| self.redactor.file(seen)).collect();
        let mut batch = tape.begin()?;
        batch.step_read(self.spool, &step.message, trees, &seen)?;
        batch.commit()
    }

    fn compare(
        &self,
        tape: &Tape,
        step: &Step,
    ) -> Result<(Trees, Vec<octrace_core::attribution::observed::Observed>), Failure> {
        let nothing = (Trees::Gone, Vec::new());
        let Some(workplace) = tape.workplace(self.spool, &step.session)? else {
            return Ok(nothing);
        };
        let earlier = match tape.step_before(step)? {
            Some(earlier) => finish(tape, &earlier)?,
            None => None,
        };
        let (mut start, finish) = (start(tape, step)?, finish(tape, step)?);
        if let (Some(start), Some(earlier)) = (&mut start, &earlier)
            && start.session == earlier.session
        {
            // OpenCode counts milliseconds, and goes on at once.
            start.at_us = start.at_us.max(earlier.at_us + 1);
        }
        let differ = |older: &Option<Snapshot>, newer: &Option<Snapshot>| match (older, newer) {
            (Some(older), Some(newer)) if older.tree != newer.tree => {
                Some([older.clone(), newer.clone()])
            }
            _ => None,
        };
        let within = differ(&start, &finish);
        let result = match (&start, &finish) {
            (Some(_), Some(_)) if within.is_none() => Trees::Same,
            (Some(_), Some(_)) => Trees::Read,
            _ => Trees::Gone,
        };
        let pairs = [(differ(&earlier, &start), false), (within, true)];
        let mut seen = Vec::new();
        for (pair, is_own) in pairs {
            let Some([older, newer]) = pair else { continue };
            let read = match self.repository(&workplace, &older, &newer)? {
                Some((git, place)) => trees::compare(&git, &place, &older, &newer)?,
                None => None,
            };
            match read {
                Some(read) => seen.extend(read),
                // What was before is not needed for what is now.
                None if is_own => return Ok((Trees::Gone, seen)),
                None => {}
            }
        }
        Ok((result, seen))
    }

    /// The repository that has both, and what they are of.
    fn repository(
        &self,
        workplace: &Workplace,
        older: &Snapshot,
        newer: &Snapshot,
    ) -> Result<Option<(Git, Place)>, Failure> {
        let Some(place) = place(workplace)? else { return Ok(None) };
        let snapshots = self.data.join("snapshot");
        let found = shadow::find(&snapshots, &workplace.project, &[&older.tree, &newer.tree])?;
        Ok(found.map(|git| (git, place)))
    }

    fn warn(&mut self, what: &str) {
        if !std::mem::replace(&mut self.has_warned, true) {
            tracing::warn!("of some steps, no snapshot is read: {what}");
        }
    }
}

/// Where a session works, as the file system has it now.
fn place(workplace: &Workplace) -> Result<Option<Place>, GitError> {
    let real = |path: &str| std::fs::canonicalize(path).ok();
    let Some(directory) = real(&workplace.directory) else { return Ok(None) };
    let root = match real(&workplace.worktree).filter(|_| !workplace.worktree.is_empty()) {
        Some(root) => root,
        None => match Git::at(&directory).toplevel() {
            Ok(root) => root,
            Err(GitError::Failed(_)) => return Ok(None),
            Err(error) => return Err(error),
        },
    };
    let within = directory.strip_prefix(&root).ok().map(ToOwned::to_owned);
    Ok(within.map(|within| Place { root, within }))
}

fn start(tape: &Tape, step: &Step) -> Result<Option<Snapshot>, Error> {
    let (Some(tree), Some(told_us)) = (&step.before, step.started_us) else { return Ok(None) };
    // OpenCode makes it before it asks the model, and tells of it when the answer begins: what a person does while the
    // model thinks comes after it.
    let made_us = tape.message_made_us(&step.message)?.map(|made_us| made_us.min(told_us));
    Ok(Some(Snapshot {
        tree: tree.clone(),
        session: step.session.clone(),
        moment: Moment::Start(step.message.clone()),
        at_us: made_us.unwrap_or(told_us),
        since_us: made_us.unwrap_or(i64::MIN),
    }))
}

fn finish(tape: &Tape, step: &Step) -> Result<Option<Snapshot>, Error> {
    let (Some(tree), Some(at_us)) = (&step.after, step.ended_us) else { return Ok(None) };
    // It is made when the last call has ended.
    let calls = tape.calls_of_message(&step.session, &step.message)?;
    let ended_us = calls.iter().filter_map(|call| call.ended_us).max();
    Ok(Some(Snapshot {
        tree: tree.clone(),
        session: step.session.clone(),
        moment: Moment::Finish(step.message.clone()),
        at_us,
        since_us: ended_us.or(step.started_us).unwrap_or(i64::MIN).min(at_us),
    }))
}

/// Why snapshots were not compared.
enum Failure {
    Tape(Error),
    Git(GitError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Tape(error)
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}
