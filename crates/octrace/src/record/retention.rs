//! The recorder's own retention: the tape never stays larger than its quota, nor keeps what is older than its age.
//!
//! Every recorder looks after the tape; that several may do so at once harms nothing, since each step of a pruning
//! looks anew. Between its steps the recorder reads its spool, and others get the tape.

use std::{
    thread,
    time::{Duration, Instant},
};

use octrace_store::{
    Error, Tape,
    prune::{Pruned, Pruning, Wanted},
};

use super::clock::now_us;

/// What the tape may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes on the disk, the write-ahead log included.
    pub(crate) max_bytes: Option<u64>,
    /// Since the last thing in a session was recorded.
    pub(crate) max_age: Option<Duration>,
}

/// How often the age is looked at.
const AGE_EVERY: Duration = Duration::from_secs(60 * 60);

/// How long one look may take while the spool waits.
const AT_ONCE: Duration = Duration::from_millis(10);

/// How long the spool is read before the next look, while there is something to prune.
const PAUSE: Duration = Duration::from_millis(20);

/// How long to leave it when the tape refused.
const REFUSED: Duration = Duration::from_secs(60);

/// A twentieth below the quota is made free, so that there is something to do only now and then.
const SLACK: u64 = 20;

/// Looks after the tape while a recorder works.
pub(super) struct Retention {
    limits: Limits,
    running: Option<Pruning>,
    age_due: Instant,
    /// What is left may be larger than the quota, if it is one session's newest content: then the tape is let grow
    /// up to here first.
    let_grow: u64,
    refused: Option<Instant>,
}

impl Retention {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, running: None, age_due: Instant::now(), let_grow: 0, refused: None }
    }

    /// Does a little of what there is to do; when to come back, if there is more. What goes wrong is for the log.
    pub(super) fn tend(&mut self, tape: &mut Tape) -> Option<Duration> {
        if self.refused.is_some_and(|at| at.elapsed() < REFUSED) {
            return None;
        }
        let begun = Instant::now();
        loop {
            match self.step(tape) {
                Ok(false) => return None,
                Ok(true) if begun.elapsed() >= AT_ONCE => return Some(PAUSE),
                Ok(true) => {}
                Err(error) => {
                    tracing::warn!("cannot prune the tape: {error}");
                    (self.running, self.refused) = (None, Some(Instant::now()));
                    return None;
                }
            }
        }
    }

    /// Whether there is more to do.
    fn step(&mut self, tape: &mut Tape) -> Result<bool, Error> {
        let Some(running) = &mut self.running else {
            self.running = self.due(tape)?;
            return Ok(self.running.is_some());
        };
        if running.step(tape)? {
            return Ok(true);
        }
        let Pruned { sessions, exchanges, events, parts } = running.pruned();
        self.running = None;
        if let Some(limit) = self.limits.max_bytes {
            self.let_grow = tape.size()?.on_disk() + limit / SLACK;
        }
        if exchanges + events + sessions > 0 {
            tracing::info!(sessions, exchanges, events, parts, "pruned the tape");
        }
        Ok(false)
    }

    fn due(&mut self, tape: &Tape) -> Result<Option<Pruning>, Error> {
        let now_us = now_us();
        let mut wanted = Wanted::default();
        let limit = self.limits.max_bytes;
        if let Some(limit) = limit
            && tape.size()?.on_disk() > limit.max(self.let_grow)
        {
            wanted.to_bytes = Some(limit - limit / SLACK);
        }
        if Instant::now() >= self.age_due {
            self.age_due = Instant::now() + AGE_EVERY;
            wanted.before_us = self.limits.max_age.map(|age| before(now_us, age));
        }
        let is_due = wanted != Wanted::default();
        Ok(is_due.then(|| Pruning::new(wanted, now_us)))
    }
}

/// When `age` ago was.
pub(crate) fn before(now_us: i64, age: Duration) -> i64 {
    now_us.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX))
}

/// Prunes to the end. Others get the tape for as long as each step took.
///
/// # Errors
/// When the tape refuses; what was done before stays done.
pub(crate) fn run(
    pruning: &mut Pruning,
    tape: &mut Tape,
    mut said: impl FnMut(Pruned),
) -> Result<(), Error> {
    loop {
        let begun = Instant::now();
        if !pruning.step(tape)? {
            return Ok(());
        }
        said(pruning.pruned());
        thread::sleep(begun.elapsed());
    }
}

/// What is due when a recorder ends, at most for this long; the next recorder goes on with the rest.
pub(super) fn finish(limits: Limits, tape: &mut Tape, limit: Duration) {
    let begun = Instant::now();
    let mut retention = Retention::new(limits);
    while let Some(pause) = retention.tend(tape) {
        if begun.elapsed() > limit {
            break;
        }
        thread::sleep(pause);
    }
}

#[cfg(test)]
mod tests {
    use octrace_testkit::Author;

    use super::{super::tests::room, *};

    fn text(seed: u32) -> String {
        // Hardly compresses.
        let mut state = u64::from(seed) + 1;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            format!("{:016x}", state ^ (state >> 29))
        };
        (0..400).map(|_| next()).collect()
    }

    #[test]
    fn a_live_recorder_keeps_the_tape_within_its_quota() {
        const QUOTA: u64 = 6 << 20;
        let room = room();
        let mut author = Author::alive(&room.root, "1-a");
        let mut pipeline = room.pipeline(&author);
        let limits = Limits { max_bytes: Some(QUOTA), max_age: None };
        let mut retention = Retention::new(limits);
        let mut largest = 0;
        for number in 1..=2_400 {
            let session = format!("ses_{:03}", number / 20);
            let body =
                format!(r#"{{"messages":[{{"role":"user","content":"{}"}}]}}"#, text(number));
            author.request(number, &session, "msg_1", &body);
            author.response(number, 200);
            author.end(number, "complete");
            if number % 20 == 0 {
                pipeline.drain(false).unwrap();
                while retention.tend(pipeline.at_rest().0).is_some() {}
                largest = largest.max(pipeline.at_rest().0.size().unwrap().on_disk());
            }
        }
        assert!(largest < QUOTA + (1 << 20), "{largest}");
        let tape = room.tape();
        let rows = tape.sessions().unwrap();
        assert!(rows.len() > 5 && rows.len() < 100, "{}", rows.len());
        assert_eq!(rows[0].id, "ses_120");
        for row in tape.exchanges("ses_119").unwrap() {
            assert!(tape.exchange(row.id).unwrap().is_some_and(|one| !one.request_body.is_empty()));
        }
    }

    #[test]
    fn what_is_too_old_goes_at_the_start_and_without_limits_nothing_does() {
        let room = room();
        let mut author = Author::dead(&room.root, "2-a");
        // By its clock, it is 1970.
        author.request(1, "ses_1", "msg_1", "{}");
        author.end(1, "complete");
        room.pipeline(&author).finish().unwrap();
        let mut tape = room.tape();
        finish(Limits::default(), &mut tape, Duration::from_secs(60));
        assert_eq!(tape.sessions().unwrap().len(), 1);
        let day = Duration::from_secs(86_400);
        finish(Limits { max_age: Some(day), max_bytes: None }, &mut tape, Duration::from_secs(60));
        assert_eq!(tape.sessions().unwrap().len(), 0);
    }
}
