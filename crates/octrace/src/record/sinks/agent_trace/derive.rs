//! The records of a step, from what is on the tape and nothing else: the recorder makes them when the step is over, and
//! `octrace rebuild` makes the same ones again.
//!
//! What came after the step is not looked at, and what came long before it neither: so the result does not depend on when
//! it is made, and the work not on how long the tape is.

use jiff::Timestamp;
use octrace_core::attribution::{
    record::{self, Context, Text, Vcs},
    timeline::{Call, Ended, FileHistory},
    track::track,
};
use octrace_store::{
    Error, SpoolId, Tape,
    evidence::{Labels, Record, Step},
};

/// So much of each file's past is looked at.
const OBSERVATIONS: u32 = 200;

/// How far to look back, in µs.
const LOOK_BACK_US: i64 = 24 * 60 * 60 * 1_000_000;

/// What about calls of other sessions that may have written the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// As long as one is at work, nothing is said.
    AreWaitedFor,
    /// It may well be; the records are made once more when it has ended.
    MayBeAtWork,
}

/// Makes the step's records, and those that it no longer has go. It is noted that they are made, unless a call of another
/// session that overlaps is still at work. Fails only when the tape does.
pub(crate) fn derive(
    tape: &mut Tape,
    spool: SpoolId,
    step: &Step,
    others: Others,
) -> Result<(), Error> {
    let Some(over_us) = tape.step_over_us(step)? else { return Ok(()) };
    let Some(labels) = tape.labels(spool)? else { return done(tape, step) };
    let own = tape.calls_of_message(&step.session, &step.message)?;
    if own.is_empty() {
        return done(tape, step);
    }
    let files = tape.files_of_step(&step.session, &step.message)?;
    let mut histories = tape.newest_histories(&files, over_us, OBSERVATIONS)?;
    let since_us = over_us.saturating_sub(LOOK_BACK_US);
    for history in &mut histories {
        history.observations.retain(|seen| seen.at_us >= since_us);
    }
    histories.retain(|history| !history.observations.is_empty());
    let mut calls = tape.call_times_between(first_us(&histories, &own, over_us), over_us)?;
    for own in &own {
        match calls.iter_mut().find(|call| call.id == own.id) {
            Some(call) => call.clone_from(own),
            None => calls.push(own.clone()),
        }
    }
    let is_settled = !calls.iter().any(|call| is_at_work(call) && overlaps(call, &own));
    if !is_settled && others == Others::AreWaitedFor {
        return Ok(());
    }
    tape.tell_asked(&histories, &mut calls)?;
    let records = records(tape, &labels, &histories, &calls, &own)?;
    let mut batch = tape.begin()?;
    for record in &records {
        // Of a step whose records were made before, they are only made again.
        if batch.record_put(spool, record)? && !step.traced {
            batch.record_is_due(spool, record)?;
        }
    }
    for call in &own {
        if !records.iter().any(|record| record.call == call.id) {
            batch.record_drop(&call.id)?;
        }
    }
    if is_settled {
        batch.step_is_traced(&step.message)?;
    }
    batch.commit()
}

/// Makes the records again of all steps of which they were made; how many steps that were. `tell` hears how many are done,
/// and how many there are. Fails only when the tape does.
pub(crate) fn derive_again(tape: &mut Tape, tell: &mut dyn FnMut(u64, u64)) -> Result<u64, Error> {
    let steps = tape.all_steps()?;
    let of = steps.len() as u64;
    let mut count = 0;
    for (done, message) in (1..).zip(&steps) {
        let (step, spool) = (tape.step_of_message(message)?, tape.spool_of_step(message)?);
        // The others are a recorder's, which may still have to read their snapshots.
        if let (Some(step), Some(spool)) = (step.filter(|step| step.traced), spool) {
            derive(tape, spool, &step, Others::MayBeAtWork)?;
            count += 1;
        }
        tell(done, of);
    }
    Ok(count)
}

/// There is nothing to make.
fn done(tape: &mut Tape, step: &Step) -> Result<(), Error> {
    if step.traced {
        return Ok(());
    }
    let mut batch = tape.begin()?;
    batch.step_is_traced(&step.message)?;
    batch.commit()
}

/// From when on calls matter.
fn first_us(histories: &[FileHistory], own: &[Call], over_us: i64) -> i64 {
    let seen = histories.iter().flat_map(|history| &history.observations).map(|seen| seen.at_us);
    let ran = own.iter().filter_map(|call| call.ran_us);
    seen.chain(ran).min().unwrap_or(over_us)
}

fn is_at_work(call: &Call) -> bool {
    call.ended == Ended::Running && call.ended_us.is_none()
}

fn overlaps(call: &Call, own: &[Call]) -> bool {
    own.iter().any(|own| {
        own.ended_us.is_none_or(|ended_us| call.ran_us.is_some_and(|ran_us| ran_us <= ended_us))
    })
}

/// A record for each of `own` that changed something.
fn records(
    tape: &Tape,
    labels: &Labels,
    histories: &[FileHistory],
    calls: &[Call],
    own: &[Call],
) -> Result<Vec<Record>, Error> {
    let tracked = track(histories, calls);
    let mut contexts = Vec::with_capacity(calls.len());
    for call in calls {
        let is_own = own.iter().any(|own| own.id == call.id);
        contexts.push(if is_own { Some(context(tape, labels, call)?) } else { None });
    }
    let mut failed = None;
    let made = record::records(
        &tracked,
        histories,
        calls,
        |place| contexts.get_mut(place).and_then(Option::take),
        |observation| match tape.text_at(observation) {
            Ok(text) => text.map(|(bytes, exact)| Text { bytes, exact }),
            Err(error) if error.is_damage() => None,
            Err(error) => {
                failed = Some(error);
                None
            }
        },
    );
    if let Some(error) = failed {
        return Err(error);
    }
    let record = |made: record::CallRecord| {
        let call = calls.get(made.call)?;
        Some(Record {
            id: made.record.id.clone(),
            call: call.id.clone(),
            at_us: call.ended_us.unwrap_or_default(),
            json: serde_json::to_string(&made.record).ok()?,
        })
    };
    Ok(made.into_iter().filter_map(record).collect())
}

fn context(tape: &Tape, labels: &Labels, call: &Call) -> Result<Context, Error> {
    let known = tape.call_context(&call.id, &call.message)?;
    let revision = tape.revision_of_call(&call.id)?.unwrap_or_default();
    let ended = call.ended_us.and_then(|at_us| Timestamp::from_microsecond(at_us).ok());
    let version = labels.tool_version.clone().or(known.version);
    let vcs = |(kind, revision)| Vcs { kind, revision, ..Vcs::default() };
    Ok(Context {
        timestamp: format!("{:.3}", ended.unwrap_or(Timestamp::UNIX_EPOCH)),
        parent_session: known.parent_session.unwrap_or_default(),
        exchanges: known.exchanges,
        agent: known.agent.unwrap_or_default(),
        prompt: known.prompt.unwrap_or_default(),
        model: known.model.unwrap_or_default(),
        root: Some(revision.root)
            .filter(|root| !root.is_empty())
            .unwrap_or_else(|| call.root.clone()),
        vcs: revision.vcs.zip(revision.revision).map(vcs),
        spec_version: labels.spec_version.clone(),
        tool_name: labels.tool_name.clone(),
        tool_version: version.unwrap_or_default(),
        names: known.names,
    })
}
