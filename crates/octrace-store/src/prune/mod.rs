//! Pruning: what is too old or too much goes, whole sessions, the oldest first.
//!
//! A [`Pruning`] goes on in steps, each a transaction of a few milliseconds, and may end after any of them:
//! the tape is whole then, and whoever prunes next goes on where it was left. Recorders and readers work beside it;
//! a writer that remembers something of the tape sees by its generation that it has to look again.
//!
//! * `forest`: which sessions may go, with their sub-agents'.
//! * `sweep`: whole sessions. `trim`: the begin of one that alone is too large.
//! * `forget`: exchanges, their parts, events, within a transaction's bounds.
//! * `usage`: who needs how much. `plan`: what a pruning would do.
//! * `room`: the size on disk, and giving it back.
//!
//! What hangs on an exchange, a part, a session or a spool goes with it by a trigger: see the schema.

mod forest;
mod forget;
mod plan;
mod room;
mod sweep;
#[cfg(test)]
mod tests;
mod trim;
mod usage;

use std::collections::VecDeque;

use serde::Serialize;

pub(crate) use self::forget::Budget;
use self::{
    forest::{Forest, Tree},
    trim::Trim,
};
pub use self::{
    plan::{Plan, empty_bytes},
    room::Size,
    usage::{SessionUsage, Usage},
};
use crate::{Error, Tape};

/// Whether the row of an `exchanges` in a query is none of those that are going: a condition.
pub(crate) const EXCHANGE_STAYS: &str = "NOT EXISTS (SELECT 1 FROM doomed
    WHERE doomed.session = exchanges.session AND exchanges.id <= doomed.exchange)";

/// The same for the row of an `events`.
pub(crate) const EVENT_STAYS: &str = "NOT EXISTS (SELECT 1 FROM doomed
    WHERE doomed.session = events.session AND events.id <= doomed.event)";

/// The same for the row of a `turns`.
pub(crate) const TURN_STAYS: &str = "NOT EXISTS (SELECT 1 FROM doomed
    WHERE doomed.session = turns.session AND turns.began <= doomed.event)";

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

/// What is to go. Nothing that is being recorded ever does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Sessions in which nothing was recorded since, µs since the Unix epoch.
    pub before_us: Option<i64>,
    /// As many of the oldest sessions as it takes for the tape to need at most so many bytes; of what is left, the
    /// oldest exchanges, where it is their content that does not fit. An empty tape has its size, too: nothing is
    /// trimmed for a limit below that.
    pub to_bytes: Option<u64>,
    /// These sessions.
    pub sessions: Vec<String>,
}

impl Wanted {
    /// Whether this tree is to go whatever the tape's size.
    fn names(&self, tree: &Tree) -> bool {
        tree.sessions.first().is_some_and(|(id, _)| self.sessions.contains(id))
            || self.before_us.is_some_and(|before| tree.updated_us < before)
    }
}

/// What went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Whole sessions, sub-agents' included.
    pub sessions: u64,
    /// Requests with their responses.
    pub exchanges: u64,
    /// OpenCode's events and hook calls.
    pub events: u64,
    /// Pieces of bodies that nobody needs any more.
    pub parts: u64,
}

/// A pruning under way.
pub struct Pruning {
    wanted: Wanted,
    now_us: i64,
    stage: Stage,
    /// What may go, the oldest first; `None` when it has to be looked at again.
    candidates: Option<VecDeque<Tree>>,
    trim: Trim,
    /// To how many bytes it is trimmed, once that is known; `None` for not at all.
    trim_to: Option<Option<u64>>,
    /// The last pack that was taken apart.
    pack: i64,
    pruned: Pruned,
}

/// What is done next, in this order.
#[derive(Clone, Copy)]
enum Stage {
    Sessions,
    Exchanges,
    Rest,
    Words,
    Packs,
    Room,
    Done,
}

impl Pruning {
    /// One that begins at this time, µs since the Unix epoch.
    pub fn new(wanted: Wanted, now_us: i64) -> Self {
        let (candidates, trim) = (None, Trim::default());
        Self {
            wanted,
            now_us,
            stage: Stage::Sessions,
            candidates,
            trim,
            trim_to: None,
            pack: 0,
            pruned: Pruned::default(),
        }
    }

    /// What went so far.
    pub fn pruned(&self) -> Pruned {
        self.pruned
    }

    /// Does a little of it; whether there is more to do.
    ///
    /// # Errors
    /// When the tape cannot be read or written. What was done before stays done.
    pub fn step(&mut self, tape: &mut Tape) -> Result<bool, Error> {
        let day_ago_us = self.now_us.saturating_sub(DAY_US);
        let (more, next) = match self.stage {
            Stage::Sessions => {
                let swept = sweep::step(&mut tape.connection, &mut self.pruned)?;
                (swept || self.next_session(tape)?, Stage::Exchanges)
            }
            Stage::Exchanges => {
                let goes_on = !self.trim.is_even() || self.is_to_trim(tape)?;
                let connection = &mut tape.connection;
                let more = goes_on && self.trim.step(connection, day_ago_us, &mut self.pruned)?;
                (more, Stage::Rest)
            }
            Stage::Rest => {
                (sweep::rest(&mut tape.connection, day_ago_us, &mut self.pruned)?, Stage::Words)
            }
            Stage::Words => {
                sweep::words(&mut tape.connection, &self.pruned)?;
                (false, Stage::Packs)
            }
            Stage::Packs => (sweep::pack(&mut tape.connection, &mut self.pack)?, Stage::Room),
            Stage::Room => (tape.give_back()?, Stage::Done),
            Stage::Done => (false, Stage::Done),
        };
        if !more {
            self.stage = next;
        }
        Ok(!matches!(self.stage, Stage::Done))
    }

    fn is_too_large(&self, tape: &Tape) -> Result<bool, Error> {
        let Some(limit) = self.wanted.to_bytes else { return Ok(false) };
        Ok(tape.size()?.needed() > limit)
    }

    /// Whether the begin of what stays has to go, still.
    fn is_to_trim(&mut self, tape: &Tape) -> Result<bool, Error> {
        let Some(limit) = self.wanted.to_bytes else { return Ok(false) };
        let needed = tape.size()?.needed();
        let to = match self.trim_to {
            Some(to) => to,
            None if needed <= limit => None,
            None => plan::trim_to(
                limit,
                needed,
                plan::content_bytes(&tape.connection)?,
                plan::empty_bytes()?,
            ),
        };
        self.trim_to = Some(to);
        Ok(to.is_some_and(|to| needed > to))
    }

    /// Dooms the next session that is to go; whether there is one.
    fn next_session(&mut self, tape: &mut Tape) -> Result<bool, Error> {
        loop {
            let candidates = match &mut self.candidates {
                Some(candidates) => candidates,
                none => none.insert(candidates(tape, &self.wanted, self.now_us)?),
            };
            let Some(tree) = candidates.pop_front() else { return Ok(false) };
            if !self.wanted.names(&tree) && !self.is_too_large(tape)? {
                continue;
            }
            if sweep::doom(&mut tape.connection, &tree, &mut self.pruned)? {
                return Ok(true);
            }
            self.candidates = None;
        }
    }
}

/// The trees that may go, in the order in which they would: those that were asked for, then the oldest.
fn candidates(tape: &Tape, wanted: &Wanted, now_us: i64) -> Result<VecDeque<Tree>, Error> {
    let forest = Forest::read(&tape.connection, now_us)?;
    let asked = wanted.sessions.iter().map(|id| forest.tree(id));
    let mut all = forest.trees();
    // The newest one is trimmed, unless it is too old.
    let newest = all.pop();
    let newest = newest.filter(|newest| wanted.before_us.is_some_and(|at| newest.updated_us < at));
    let trees = asked.chain(all).chain(newest);
    Ok(trees.filter(|tree| !tree.busy && !tree.sessions.is_empty()).collect())
}
