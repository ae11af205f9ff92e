//! The search index, and what else is derived, follows the tape when nothing else is to be done; then what is new is
//! packed.
//!
//! Nothing is lost where it cannot: a search reads what is not indexed yet, and what is not packed is larger.

use std::time::{Duration, Instant};

use octrace_store::Tape;

/// How long nothing must have come before it follows.
const IDLE: Duration = Duration::from_secs(2);

/// Since when it is behind.
#[derive(Default)]
pub(super) struct Index {
    behind: Option<Instant>,
}

impl Index {
    /// Something new is on the tape.
    pub(super) fn is_behind(&mut self) {
        self.behind = Some(Instant::now());
    }

    /// How long until [`Index::follow`] is due; `None` when there is nothing for it.
    pub(super) fn due_in(&self) -> Option<Duration> {
        self.behind.map(|since| IDLE.saturating_sub(since.elapsed()))
    }

    /// Takes a step, if that is due.
    pub(super) fn follow(&mut self, tape: &mut Tape) {
        if self.due_in() == Some(Duration::ZERO) && !step(tape) {
            self.behind = None;
        }
    }
}

/// Follows for as long as `limit`.
pub(super) fn catch_up(tape: &mut Tape, limit: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < limit && step(tape) {}
}

/// Whether there is more to do.
fn step(tape: &mut Tape) -> bool {
    let derived = tape.derive_step().unwrap_or_else(|error| {
        tracing::warn!(%error, "the search index does not follow");
        false
    });
    derived
        || tape.pack_step().unwrap_or_else(|error| {
            tracing::warn!(%error, "what is new on the tape is not packed");
            false
        })
}
