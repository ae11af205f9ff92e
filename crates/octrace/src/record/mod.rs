//! `octrace record`: from one OpenCode's spool onto the tape, for as long as that OpenCode lives.
//!
//! The plugin starts it, detached, with a pipe as standard input that is never written: its end means that
//! OpenCode is gone, however it died. There is no daemon, no pid file and no socket; a lock on the spool
//! keeps a second recorder out.
//!
//! * [`pipeline`]: read → assemble → redact → store → sinks, on one screen.
//! * [`spool`], [`writer`]: the spool's files, and whether its writer lives.
//! * [`assemble`]: frames into exchanges and events.
//! * [`store`]: redact, then store.
//! * [`wishes`]: where it all is to go, by OpenCode's settings.
//! * [`sinks`]: what follows the tape.
//! * [`mod@deliver`]: what goes from the tape to other systems.
//! * [`follow`]: what wakes the recorder.
//! * [`status`], [`control`]: the two small files by which commands and plugin talk with it.
//! * [`index`]: the search index follows when nothing else is to be done.
//! * [`retention`]: how much the tape keeps, and for how long.
//! * [`log`]: what went wrong, for people.
//! * [`place`]: which tape, and which spools are for it.
//! * [`ask`](mod@ask): what `octrace intercept` wants of a recorder.
//! * [`inspect`](mod@inspect): whether spools can be read.
//! * [`adopt`], [`flush`](mod@flush): spools that nobody reads; waiting until all is on the tape.

mod adopt;
mod ask;
mod assemble;
mod clock;
mod control;
mod deliver;
mod flush;
mod follow;
mod index;
mod inspect;
#[cfg(test)]
mod latency;
pub(crate) mod log;
#[cfg(test)]
mod long;
mod pipeline;
mod place;
pub(crate) mod retention;
mod sinks;
mod spool;
mod status;
mod store;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod weather;
mod wishes;
mod writer;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use octrace_store::Tape;

pub(crate) use self::{
    adopt::{FoundSpool, SpoolState, spools},
    ask::{Answer, ask},
    clock::now_us,
    deliver::{
        Undelivered, deliver, destination, postgres,
        reach::{Access, Reach},
    },
    flush::{FlushReport, flush},
    inspect::{Inspection, inspect},
    place::{Delivery, Place},
    retention::Limits,
    sinks::agent_trace::derive::derive_again,
    sinks::dumps::dump_root,
    sinks::jsonl::name_of,
    status::Intercept,
    wishes::DIAGNOSTICS,
};
use self::{
    control::Control,
    deliver::Deliverers,
    follow::{Follow, Wake},
    pipeline::Pipeline,
    retention::Retention,
    spool::Spool,
};

/// How long to gather what comes at once before looking into the spool, and how often to look where nothing is told of changes.
/// It bounds the transactions to 25 a second: each costs more than what is usually in it. What is shown is late by that much.
const PACE: Duration = Duration::from_millis(40);

/// How long to wait before trying again after the tape refused (a full disk, say): doubled each time, up
/// to the last value.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// How often the tape may refuse once OpenCode is gone. What is left in the spool is adopted later.
const RETRIES_AFTER_END: u32 = 5;

/// How long a recorder whose work is done stays for the search index. What is left is for the next one, or for
/// whoever searches.
const INDEXING: Duration = Duration::from_secs(20);

/// How long a recorder whose work is done stays for what can be delivered. The rest is for the next one.
const DELIVERING: Duration = Duration::from_secs(10);

/// How long to prune once everything else is done.
const PRUNING: Duration = Duration::from_secs(60);

/// Records the spool in `folder` until its OpenCode is gone, then adopts what nobody reads.
pub(crate) fn record(folder: &Path, place: &Place) -> anyhow::Result<()> {
    let spool = Spool::open(folder)?;
    // Before the claim, which may take its time: nothing that happens meanwhile is missed.
    let follow = Follow::begin(folder)?;
    let Some(claim) = spool.claim()? else { return Ok(()) };
    let mut state = State::Follow;
    let mut deliverers = Deliverers::of(place);
    let mut wait = RETRY.0;
    let mut refused_at_end = 0;
    let mut said = String::new();
    loop {
        let begun = Instant::now();
        let Err(error) = follow_spool(folder, place, &follow, &mut state, &mut deliverers) else {
            break;
        };
        if begun.elapsed() > RETRY.1 {
            // It went well for a while.
            wait = RETRY.0;
        }
        let what = format!("{error:#}");
        if what != said {
            tracing::warn!("not on the tape yet, trying again: {what}");
            said = what;
        }
        refused_at_end += u32::from(state == State::Finish);
        // A folder that is made again has another lock and needs another watch: the next recorder's.
        let deleted = !spool.is_claimed_by(&claim);
        if is_newer(&error) || deleted || refused_at_end > RETRIES_AFTER_END {
            return Err(error);
        }
        match rest(&follow, wait) {
            Wake::WriterGone => state = State::Finish,
            Wake::Terminated => return Err(error),
            Wake::Changed | Wake::TimeOut => {}
        }
        wait = (wait * 2).min(RETRY.1);
    }
    adopt::adopt_all(place);
    let mut tape = Tape::open(&place.tape)?;
    // What recorders before this one could not write.
    sinks::catch_up(&mut tape, Instant::now())?;
    sinks::agent_trace::catch_up(&mut tape)?;
    let deliver_until = Instant::now() + DELIVERING;
    deliverers.look(&tape)?;
    deliverers.drain();
    index::catch_up(&mut tape, INDEXING);
    retention::finish(place.limits, &mut tape, PRUNING);
    deliverers.wait(deliver_until);
    Ok(())
}

/// Leaves the tape in peace for as long as `wait`, whatever is new in the spool: each try reads again what is
/// open.
fn rest(follow: &Follow, wait: Duration) -> Wake {
    let until = Instant::now() + wait;
    loop {
        match follow.next(Some(until.saturating_duration_since(Instant::now()))) {
            Wake::Changed => {}
            wake => return wake,
        }
    }
}

/// What is to be done with the spool.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// OpenCode lives.
    Follow,
    /// OpenCode is gone.
    Finish,
}

fn follow_spool(
    folder: &Path,
    place: &Place,
    follow: &Follow,
    state: &mut State,
    deliverers: &mut Deliverers,
) -> anyhow::Result<()> {
    let tape = Tape::open(&place.tape)?;
    let mut pipeline = Pipeline::open(Spool::open(folder)?, tape, place)?;
    let mut retention = Retention::new(place.limits);
    let mut delivered = None;
    while *state == State::Follow {
        let asked = Control::read(folder);
        pipeline.drain(false)?;
        if delivered != Some(pipeline.events()) {
            delivered = Some(pipeline.events());
            deliverers.look(pipeline.at_rest().0)?;
        }
        if pipeline.follow_in() == Some(Duration::ZERO) {
            pipeline.follow()?;
        }
        // Also for what the sinks have made.
        deliverers.wake();
        if let Some(asked) = &asked {
            pipeline.carry_out(asked)?;
        }
        // Who asks for nothing waits for everything.
        let waits = asked.as_ref().is_some_and(|asked| {
            asked.intercept.is_none()
                && !pipeline.has_answered(Some(&asked.token))
                && !pipeline.has_followed()
        });
        let asked = asked.map(|asked| asked.token).filter(|_| !waits);
        // Whoever asks wants all of it; else the rows of open exchanges follow a few times a second.
        if pipeline.refresh_is_due() || !pipeline.has_answered(asked.as_ref()) {
            pipeline.refresh()?;
        }
        let tell_in = pipeline.tell(asked);
        let look_in = waits.then_some(PACE);
        let refresh_in = pipeline.refresh_in();
        let (tape, index) = pipeline.at_rest();
        let (index_in, prune_in) = (index.due_in(), retention.tend(tape));
        let due = [tell_in, look_in, refresh_in, index_in, prune_in, pipeline.follow_in()];
        let wake = match follow.next(due.into_iter().flatten().min()) {
            Wake::Changed => follow.gather(PACE),
            wake => wake,
        };
        match wake {
            Wake::Changed => {}
            Wake::TimeOut => {
                let (tape, index) = pipeline.at_rest();
                index.follow(tape);
            }
            Wake::WriterGone => *state = State::Finish,
            Wake::Terminated => return pipeline.drain(false),
        }
    }
    if pipeline.wait_writer_dead() {
        pipeline.finish()
    } else {
        // Our standard input is not OpenCode's sign of life then; whoever started us has a reason.
        pipeline.drain(false)
    }
}

fn is_newer(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(octrace_store::Error::Newer { .. }))
}
