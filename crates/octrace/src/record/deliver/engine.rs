//! One destination's deliveries, a batch at a time: what is due is sent, and what became of it noted on the tape.
//!
//! [`Engine::step`] looks at the tape and nothing else, so that it can die at any point: what was not noted is sent
//! again, with the same ids. Whoever sends is a closure, the clock another one.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use octrace_store::{
    Tape,
    delivery::{self, Bounds, DestinationId, Due, Refusal, Rules, Settled},
};

use super::lock::Lock;

/// However often something failed, it is tried again after this time.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5 * 60);

/// However long a destination asks to be left in peace, this is what it gets at most.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// What is being made again on the tape is looked for after this time.
const REMADE: Duration = Duration::from_secs(1);

/// What has waited for too long is given up as often as this.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// What a batch has at most, in bytes.
const BATCH_BYTES: usize = 8 << 20;

/// What a destination did with a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// Of each item, in order.
    pub(super) verdicts: Vec<Verdict>,
    /// Where it takes nothing more at this moment.
    pub(super) unavailable: Option<Unavailable>,
}

/// Why a destination takes nothing at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unavailable {
    /// In words, without content and without keys.
    pub(super) why: String,
    /// For how long it wants to be left in peace, where it says so.
    pub(super) retry_after: Option<Duration>,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The destination has it for good.
    Accepted,
    /// It is at fault itself, the destination says.
    Refused(String),
    /// It was refused together with others, and may not be the one at fault: alone, it is tried at once.
    Apart(String),
    /// It must not be sent again by itself, and why.
    Dead(String),
    /// Nobody knows; it is to be sent again.
    Unknown,
}

/// How much hurry there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urge {
    /// Batches fill, and a destination that does not answer is left in peace.
    None,
    /// What is there goes now, though the destination was to be left in peace until then: µs since the Unix epoch. What
    /// it asked for itself holds all the same.
    Now(Option<i64>),
}

/// What is to be done after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Something was sent; there may be more.
    Again,
    /// Nothing is due, for so long at least, or until there is something new.
    Idle(Option<Duration>),
    /// The destination does not answer; not before so long.
    Rest(Duration),
    /// Nobody names this destination any more, and nothing waits for it.
    Gone,
}

/// What is due after a batch; nothing as long as that may still become more. Who sends prepares it while the destination takes
/// its time.
pub(super) type Ahead<'t> = dyn FnMut() -> anyhow::Result<Vec<Due>> + 't;

/// Delivers to one destination.
pub(super) struct Engine<S, C> {
    tape: Tape,
    to: DestinationId,
    lock: Lock,
    send: S,
    now_us: C,
    /// Since when there is something that waits for more of it.
    filling_since_us: Option<i64>,
    /// When it was last looked for what has waited for too long.
    expired_us: Option<i64>,
}

impl<S: FnMut(&[Due], &mut Ahead<'_>) -> Sent, C: Fn() -> i64> Engine<S, C> {
    pub(super) fn new(tape: Tape, to: DestinationId, lock: Lock, send: S, now_us: C) -> Self {
        Self { tape, to, lock, send, now_us, filling_since_us: None, expired_us: None }
    }

    /// Until when the destination is to be left in peace, µs since the Unix epoch.
    pub(super) fn retry_us(&self) -> anyhow::Result<Option<i64>> {
        Ok(self.tape.destination(self.to)?.and_then(|destination| destination.retry_us))
    }

    /// Whether the tape is still the one at its path.
    pub(super) fn is_in_place(&self) -> bool {
        self.tape.is_in_place()
    }

    /// Sends one batch, if one is due. Only one process does so at a time.
    ///
    /// # Errors
    /// When the tape or the lock cannot be used. What was accepted and could not be noted is sent again.
    pub(super) fn step(&mut self, urge: Urge) -> anyhow::Result<Next> {
        self.expire()?;
        if let Ready::Not(next) = self.ready(urge)? {
            return Ok(next);
        }
        let held = self.lock.hold()?;
        // Somebody else may have sent it while we waited for our turn.
        let rules = match self.ready(urge)? {
            Ready::Now(rules) => rules,
            Ready::Not(next) => return Ok(next),
        };
        let now_us = (self.now_us)();
        let bounds = Bounds { items: rules.most(), bytes: BATCH_BYTES };
        let due = self.tape.due(self.to, now_us, bounds)?;
        let Some(last) = due.last().map(|due| due.id) else {
            return Ok(Next::Idle(Some(REMADE)));
        };
        let (tape, to) = (&mut self.tape, self.to);
        let mut ahead = || {
            let enough = due.len() as u64 + u64::from(rules.batch_size);
            let enough = u32::try_from(enough).unwrap_or(u32::MAX);
            if urge == Urge::None && tape.backlog(to, now_us, enough)?.due < enough {
                return Ok(Vec::new());
            }
            Ok(tape.due_after(last, to, now_us, bounds)?)
        };
        let sent = (self.send)(&due, &mut ahead);
        let next = self.note(&rules, &due, sent);
        drop(held);
        next
    }

    /// Gives up what its rules do not let wait any longer, now and then.
    fn expire(&mut self) -> anyhow::Result<()> {
        let now_us = (self.now_us)();
        let is_early =
            |before_us| (0..micros(EXPIRE_EVERY)).contains(&now_us.saturating_sub(before_us));
        if self.expired_us.is_some_and(is_early) {
            return Ok(());
        }
        self.expired_us = Some(now_us);
        let Some(destination) = self.tape.destination(self.to)? else { return Ok(()) };
        let expired = self.tape.expire(self.to, now_us, &destination.rules)?;
        if expired > 0 {
            tracing::warn!(destination = self.to.0, expired, "given up: it waited for too long");
        }
        Ok(())
    }

    /// Whether something is to be sent at this moment, and by which rules.
    fn ready(&mut self, urge: Urge) -> anyhow::Result<Ready> {
        let now_us = (self.now_us)();
        let Some(destination) = self.tape.destination(self.to)? else {
            return Ok(Ready::Not(Next::Gone));
        };
        let (rules, is_asked) = (destination.rules, destination.retry_is_asked);
        let is_passed_over =
            !is_asked && matches!(urge, Urge::Now(seen) if seen == destination.retry_us);
        let longest = if is_asked { LONGEST_ASKED } else { LONGEST_BACK_OFF };
        if let Some(wait) = destination.retry_us.and_then(|at_us| until(now_us, at_us, longest))
            && !is_passed_over
        {
            return Ok(Ready::Not(Next::Rest(wait)));
        }
        let backlog = self.tape.backlog(self.to, now_us, rules.batch_size)?;
        if backlog.due == 0 {
            self.filling_since_us = None;
            let retry_us = backlog.retry_us;
            let wait = retry_us.and_then(|at_us| until(now_us, at_us, LONGEST_BACK_OFF));
            return Ok(Ready::Not(Next::Idle(wait)));
        }
        if backlog.due < rules.batch_size && urge == Urge::None {
            let flush = Duration::from_millis(rules.flush_ms);
            let since = *self.filling_since_us.get_or_insert(now_us);
            let filled_us = since.saturating_add(micros(flush));
            if let Some(wait) = until(now_us, filled_us, flush) {
                return Ok(Ready::Not(Next::Idle(Some(wait))));
            }
        }
        Ok(Ready::Now(rules))
    }

    fn note(&mut self, rules: &Rules, due: &[Due], sent: Sent) -> anyhow::Result<Next> {
        let now_us = (self.now_us)();
        let mut settled = Settled::default();
        for (due, verdict) in due.iter().zip(sent.verdicts) {
            match verdict {
                Verdict::Accepted => settled.accepted.push(due.id),
                Verdict::Refused(reason) => {
                    let attempts = due.attempts.saturating_add(1);
                    let again = attempts <= rules.retry_max;
                    let retry_us =
                        again.then(|| now_us.saturating_add(micros(back_off(rules, attempts))));
                    settled.refused.push(Refusal { id: due.id, reason, retry_us });
                }
                Verdict::Apart(reason) => {
                    let retry_us = Some(now_us);
                    settled.refused.push(Refusal { id: due.id, reason, retry_us });
                }
                Verdict::Dead(reason) => {
                    settled.refused.push(Refusal { id: due.id, reason, retry_us: None });
                }
                Verdict::Unknown => {}
            }
        }
        let answered = !settled.accepted.is_empty() || !settled.refused.is_empty();
        let (accepted, refused) = (settled.accepted.len(), settled.refused.len());
        tracing::trace!(destination = self.to.0, accepted, refused, "settling");
        self.tape.settle(now_us, &settled)?;
        if answered {
            self.tape.answered(self.to, Ok(()))?;
            tracing::debug!(destination = self.to.0, accepted, refused, "delivered");
        }
        self.filling_since_us = None;
        let Unavailable { why, retry_after } = match sent.unavailable {
            Some(unavailable) => unavailable,
            None if answered => return Ok(Next::Again),
            None => {
                let why = "it said nothing of what it was sent".to_owned();
                Unavailable { why, retry_after: None }
            }
        };
        let before = self.tape.destination(self.to)?.map_or(0, |destination| destination.attempts);
        // Who says when it can be asked again knows better than we do; that it is over already is no such word.
        let retry_after = retry_after.filter(|asked| !asked.is_zero());
        let is_asked = retry_after.is_some();
        let wait = match retry_after {
            Some(asked) => asked.max(back_off(rules, 1)).min(LONGEST_ASKED),
            None => back_off(rules, before.saturating_add(1)),
        };
        let retry_us = now_us.saturating_add(micros(wait));
        let unavailable = delivery::Unavailable { why: &why, retry_us, is_asked };
        self.tape.answered(self.to, Err(unavailable))?;
        if before == 0 {
            tracing::warn!(destination = self.to.0, "not delivered, trying again: {why}");
        }
        Ok(Next::Rest(wait))
    }
}

/// Whether something is to be sent.
enum Ready {
    Now(Rules),
    Not(Next),
}

/// How long until then; `None` when that has come. What is further away than anything waits is no time that this
/// clock gave: it was turned back.
fn until(now_us: i64, at_us: i64, longest: Duration) -> Option<Duration> {
    let wait = u64::try_from(at_us.saturating_sub(now_us)).ok().filter(|wait| *wait > 0)?;
    let wait = Duration::from_micros(wait);
    (wait <= longest).then_some(wait)
}

/// How long to wait after so many failures in a row: twice as long after each, and between half of it and all of it, so
/// that those who failed together do not come back together.
fn back_off(rules: &Rules, attempts: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1).min(16));
    let first = Duration::from_millis(rules.retry_base_ms.max(1));
    let longest = first.saturating_mul(doubled).min(LONGEST_BACK_OFF);
    let random = RandomState::new().build_hasher().finish();
    longest / 2 + (longest / 2).mul_f64(random as f64 / u64::MAX as f64)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
