//! Delivery: what waits on the tape for other systems goes there, a thread for each destination, beside the recording.
//!
//! * [`engine`]: one destination, a batch at a time.
//! * [`lock`]: one deliverer per destination at a time, in all processes.
//! * [`postgres`]: sending to one. [`traces`]: sending to tracing backends.
//! * [`destination`]: which destinations a recording has. [`reach`]: which of them this process has the keys for.
//!
//! A recorder serves each destination on the tape that its own environment, which is OpenCode's, or the user's file has
//! the URL or the key for: also what recorders before it left. It never waits for any of this; a thread wakes when something was
//! recorded, and when the recorder ends, what can still be delivered within a few seconds is. The rest is the next one's.

pub(crate) mod destination;
mod engine;
mod lock;
pub(crate) mod postgres;
pub(crate) mod reach;
#[cfg(test)]
mod tests;
mod traces;

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use octrace_store::{
    Tape,
    delivery::{Destination, DestinationId, Due, Standing},
};

use self::{
    engine::{Ahead, Engine, Next, Sent, Unavailable, Urge, Verdict},
    lock::Lock,
    reach::Reach,
};
use super::{clock::now_us, place::Place};

/// How long to leave a tape that refuses.
const REFUSED: Duration = Duration::from_secs(5);

/// However long there is nothing to do, after this time it is looked again: `octrace queue retry` tells nobody.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Sends batches.
type Sender = Box<dyn FnMut(&[Due], &mut Ahead<'_>) -> Sent + Send>;

/// Who sends nothing for this reason: all of it waits, and `octrace queue` says why.
fn unable(why: String) -> Sender {
    Box::new(move |due: &[Due], _: &mut Ahead<'_>| Sent {
        verdicts: vec![Verdict::Unknown; due.len()],
        unavailable: Some(Unavailable { why: why.clone(), retry_after: None }),
    })
}

/// Makes the sender of a destination; `None` where this process has no key for it.
type Connect = dyn Fn(&Destination) -> Option<Sender>;

/// What deliverers are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Deliver what comes, until told otherwise.
    Follow,
    /// Deliver what is there, and end at the first failure.
    Drain,
    /// Deliver what is there, however often it takes.
    Insist,
}

/// What deliverers hear.
struct Shared {
    told: Mutex<Told>,
    changed: Condvar,
}

#[derive(Clone, Copy)]
struct Told {
    mode: Mode,
    /// Counts what is new.
    news: u64,
}

impl Shared {
    fn told(&self) -> MutexGuard<'_, Told> {
        // A number and a word are whole whoever panicked.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told());
        self.changed.notify_all();
    }

    /// Waits for `limit`, or until there is something else to be done than `before`; with `news`, also until something was
    /// recorded.
    fn wait(&self, before: Told, news: bool, limit: Duration) {
        let same =
            |told: &mut Told| told.mode == before.mode && !(news && told.news != before.news);
        drop(self.changed.wait_timeout_while(self.told(), limit, same));
    }
}

/// The threads of one process.
pub(super) struct Deliverers {
    tape: PathBuf,
    connect: Box<Connect>,
    shared: Arc<Shared>,
    served: HashSet<DestinationId>,
    /// Each says which destination it is done with.
    done: (mpsc::Sender<DestinationId>, mpsc::Receiver<DestinationId>),
}

impl Deliverers {
    /// For a recorder, or who delivers in its stead.
    pub(super) fn of(place: &Place) -> Self {
        let (delivery, tape) = (place.delivery.clone(), place.tape.clone());
        let connect = move |destination: &Destination| {
            Some(match delivery.reach(&destination.identity)? {
                Reach::Postgres(url) => postgres::sender(&destination.identity, url),
                Reach::Backend(access) => traces::sender(&tape, destination, access),
            })
        };
        Self::new(&place.tape, Box::new(connect))
    }

    fn new(tape: &Path, connect: Box<Connect>) -> Self {
        let told = Mutex::new(Told { mode: Mode::Follow, news: 0 });
        let shared = Arc::new(Shared { told, changed: Condvar::new() });
        let (served, done) = (HashSet::new(), mpsc::channel());
        Self { tape: tape.to_owned(), connect, shared, served, done }
    }

    /// Serves each destination that is on the tape by now and that this process has the key for.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub(super) fn look(&mut self, tape: &Tape) -> Result<(), octrace_store::Error> {
        while let Ok(done) = self.done.1.try_recv() {
            self.served.remove(&done);
        }
        for destination in tape.destinations()? {
            if self.served.contains(&destination.id) {
                continue;
            }
            let Some(send) = (self.connect)(&destination) else { continue };
            match self.spawn(destination.id, send) {
                Ok(()) => drop(self.served.insert(destination.id)),
                Err(error) => {
                    tracing::warn!(destination = destination.id.0, "cannot deliver: {error}");
                }
            }
        }
        Ok(())
    }

    fn spawn(&self, to: DestinationId, send: Sender) -> io::Result<()> {
        let path = self.tape.clone();
        let (shared, done) = (self.shared.clone(), self.done.0.clone());
        let serve = move || {
            if let Err(error) = serve(&path, to, send, &shared) {
                tracing::warn!(destination = to.0, "delivers no more: {error:#}");
            }
            // Whoever started us may be gone.
            done.send(to).ok();
        };
        let name = format!("deliver-{}", to.0);
        thread::Builder::new().name(name).spawn(serve).map(drop)
    }

    /// Something was recorded.
    pub(super) fn wake(&self) {
        self.shared.tell(|told| told.news += 1);
    }

    /// Has what is there delivered, to each destination until it fails.
    pub(super) fn drain(&self) {
        self.shared.tell(|told| told.mode = Mode::Drain);
    }

    /// Has what is there delivered, trying again what fails.
    pub(super) fn insist(&self) {
        self.shared.tell(|told| told.mode = Mode::Insist);
    }

    /// Waits until that is done, but not beyond `deadline`.
    pub(super) fn wait(mut self, deadline: Instant) {
        while !self.served.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            // A thread that is late ends with the process; what it did not note is sent again.
            let Ok(done) = self.done.1.recv_timeout(left) else { break };
            self.served.remove(&done);
        }
    }
}

/// Something that is not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undelivered {
    /// How it stands.
    pub(crate) standing: Standing,
    /// What this process lacks to deliver it; `None`: it has the key.
    pub(crate) lacks: Option<&'static str>,
}

impl Undelivered {
    /// Why.
    pub(crate) fn why(&self) -> &str {
        match (self.lacks, &self.standing.destination.error) {
            (Some(lacks), _) => lacks,
            (None, Some(error)) => error,
            (None, None) => self.standing.refused.as_deref().unwrap_or("it takes longer"),
        }
    }
}

/// Delivers what waits to each destination that this process has the key for, and tries again what fails, until
/// `deadline`; what is left then.
///
/// # Errors
/// When the tape cannot be read.
pub(crate) fn deliver(
    place: &Place,
    deadline: Instant,
) -> Result<Vec<Undelivered>, octrace_store::Error> {
    let waiting = |tape: &Tape| -> Result<Vec<Undelivered>, octrace_store::Error> {
        let standings = tape.queue()?.into_iter().filter(|standing| standing.waiting > 0);
        Ok(standings
            .map(|standing| {
                let lacks = place.delivery.lacks(&standing.destination.identity);
                Undelivered { standing, lacks }
            })
            .collect())
    };
    let Some(tape) = Tape::open_existing(&place.tape)? else { return Ok(Vec::new()) };
    if waiting(&tape)?.iter().any(|waiting| waiting.lacks.is_none()) {
        let mut deliverers = Deliverers::of(place);
        deliverers.insist();
        deliverers.look(&tape)?;
        deliverers.wait(deadline);
    }
    waiting(&tape)
}

/// Serves one destination until told to end.
fn serve(path: &Path, to: DestinationId, send: Sender, shared: &Shared) -> anyhow::Result<()> {
    let mut engine = Engine::new(Tape::open(path)?, to, Lock::of(path, to), send, now_us);
    // A new process tries at once what another one could not do, and so does one that ends.
    let mut urge = Urge::Now(engine.retry_us()?);
    let mut mode = Mode::Follow;
    loop {
        let told = *shared.told();
        if told.mode != mode {
            (mode, urge) = (told.mode, Urge::Now(engine.retry_us()?));
        }
        let next = match engine.step(urge) {
            Ok(next) => next,
            Err(error) if mode != Mode::Follow || !engine.is_in_place() => return Err(error),
            Err(error) => {
                tracing::warn!(destination = to.0, "cannot deliver, trying again: {error:#}");
                Next::Idle(Some(REFUSED))
            }
        };
        match (next, mode) {
            (Next::Again, _) => continue,
            (Next::Gone, _)
            | (Next::Idle(_) | Next::Rest(_), Mode::Drain)
            | (Next::Idle(None), Mode::Insist) => return Ok(()),
            (Next::Idle(wait), Mode::Follow) => {
                shared.wait(told, true, wait.unwrap_or(LOOK_EVERY).min(LOOK_EVERY));
            }
            // What is new makes neither it answer nor anything due.
            (Next::Rest(wait), Mode::Follow | Mode::Insist)
            | (Next::Idle(Some(wait)), Mode::Insist) => {
                shared.wait(told, false, wait.min(LOOK_EVERY));
            }
        }
        if mode == Mode::Follow {
            urge = Urge::None;
        }
    }
}
