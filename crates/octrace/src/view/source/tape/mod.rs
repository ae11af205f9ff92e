//! The tape as a source.
//!
//! Recorders write to it meanwhile; a number that SQLite keeps says whether somebody has. It may be locked, pruned,
//! deleted or replaced at any moment, and not be there yet: all of that is said, and looked at again.

mod find;
mod sessions;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context;
use octrace_store::{
    Error, Tape,
    follow::Step,
    read::{ExchangeDetail, Timeline},
};
use octrace_view::terminal::data::{Answer, Ask, Progress};

use self::{find::Find, sessions::Sessions};
use super::{Pace, Source, Tell};

/// How many rows of a session the first answer has: more than any screen.
const NEWEST: usize = 300;

/// How many rows the next ones have.
const PIECE: usize = 1000;

/// How long to wait for another program that has the tape to itself: somebody may want something else meanwhile.
const PATIENCE: Duration = Duration::from_millis(200);

/// How long to leave a tape alone that cannot be opened.
const REST: Duration = Duration::from_secs(1);

/// The tape at a path, which need not be there yet.
pub(crate) struct TapeSource {
    path: PathBuf,
    tape: Option<Tape>,
    /// Not to be opened before then.
    closed_until: Option<Instant>,
    /// Of the tape, when it was looked at last.
    version: Option<i64>,
    /// What its log's file said then.
    stamp: Option<(u64, SystemTime)>,
    sessions: Option<Sessions>,
    open: Option<Open>,
    find: Find,
    /// Whether something may be left to derive, on a tape from before there was such a thing.
    derives: bool,
    /// The trouble with the tape that was told last, until it can be read again.
    trouble: Option<String>,
    /// The damage that was told last, until something else is asked for.
    damage: Option<String>,
}

/// The session that is looked at.
struct Open {
    session: String,
    /// Once its newest rows are told.
    timeline: Option<Timeline>,
    /// Exchanges that were told, on the way to all of them.
    told: u64,
    /// Whether there is something to read: the rest, or what has changed.
    is_behind: bool,
    /// Whether all of it was read once.
    is_known: bool,
}

impl TapeSource {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            find: Find::new(path.clone()),
            path,
            tape: None,
            closed_until: None,
            version: None,
            stamp: None,
            sessions: None,
            open: None,
            derives: true,
            trouble: None,
            damage: None,
        }
    }

    /// The tape, as far as there is one at this moment.
    fn tape(&mut self) -> Result<Option<&Tape>, Error> {
        if self.tape.is_none() && self.closed_until.is_none_or(|until| until <= Instant::now()) {
            self.closed_until = None;
            self.tape = Tape::open_existing_within(&self.path, PATIENCE)?;
        }
        Ok(self.tape.as_ref())
    }

    /// Looks whether the tape is another one, or has changed.
    fn look(&mut self, tell: Tell<'_>) -> Result<(), Error> {
        if self.tape.as_ref().is_some_and(|tape| !tape.is_in_place()) {
            self.close();
            tell(Answer::Renewed);
        }
        let known = self.stamp;
        let Some(tape) = self.tape()? else { return Ok(()) };
        let stamp = tape.log_stamp();
        if stamp.is_some() && stamp == known {
            return Ok(());
        }
        let version = tape.data_version()?;
        self.stamp = stamp;
        self.trouble = None;
        if self.version.replace(version) != Some(version) {
            self.is_behind();
        }
        Ok(())
    }

    /// Something has changed.
    fn is_behind(&mut self) {
        if let Some(sessions) = &mut self.sessions {
            sessions.is_behind = true;
        }
        if let Some(open) = &mut self.open {
            open.is_behind = true;
        }
    }

    /// Nothing is known of it any more; what was asked for is asked again.
    fn close(&mut self) {
        self.tape = None;
        self.version = None;
        self.stamp = None;
        self.sessions = self.sessions.is_some().then(Sessions::default);
        self.open = self.open.take().map(|open| Open::new(open.session));
    }

    /// Tells a piece of what is to be told.
    fn step(&mut self, tell: Tell<'_>) -> Result<Pace, Error> {
        self.look(tell)?;
        let Some(tape) = &self.tape else {
            self.give_up(tell);
            return Ok(Pace::Idle);
        };
        // What somebody looks at first; then the list, which is behind it.
        let opens =
            self.open.as_ref().is_some_and(|open| open.is_behind && open.timeline.is_none());
        if let Some(sessions) = self.sessions.as_mut().filter(|list| list.is_behind && !opens) {
            let told = sessions.step(tape, tell);
            if told.as_ref().is_err_and(|error| !error.is_busy()) {
                sessions.give_up(tell);
            }
            told?;
        } else if let Some(open) = self.open.as_mut().filter(|open| open.is_behind) {
            let told = open.step(tape, tell);
            if told.as_ref().is_err_and(|error| !error.is_busy()) {
                open.give_up(tell);
            }
            told?;
        } else if let Some(tape) = self.tape.as_mut().filter(|_| self.derives) {
            // Recorders do it, once one runs; until then rows may lack something.
            self.derives = tape.derive_step().unwrap_or(false);
            if self.derives {
                self.is_behind();
            }
        } else {
            return Ok(Pace::Idle);
        }
        Ok(Pace::Busy)
    }

    /// Says what is wrong, once.
    fn complain(&mut self, error: Error, tell: Tell<'_>) -> Pace {
        // Whether it can be read again is seen by asking it.
        self.stamp = None;
        let (is_busy, is_damage) = (error.is_busy(), error.is_damage());
        let trouble = match is_busy {
            true => "another program keeps the tape to itself; waiting for it".to_owned(),
            false => format!("{:#}", anyhow::Error::new(error)),
        };
        let told = if is_damage { &mut self.damage } else { &mut self.trouble };
        let is_news = told.as_ref() != Some(&trouble);
        if is_news {
            tell(Answer::Trouble(trouble.clone()));
            *told = Some(trouble);
        }
        match (is_busy, is_damage) {
            (true, _) => Pace::Waiting,
            // The rest can be read. Where that fails, too, SQLite forgets what it knew, and takes that for a change.
            (false, true) if self.tape.is_some() && is_news => Pace::Busy,
            (false, true) if self.tape.is_some() => Pace::Waiting,
            (false, _) => {
                self.tape = None;
                self.closed_until = Some(Instant::now() + REST);
                self.give_up(tell);
                Pace::Idle
            }
        }
    }

    /// What was told is all there is, until something changes.
    fn give_up(&mut self, tell: Tell<'_>) {
        if let Some(sessions) = &mut self.sessions {
            sessions.give_up(tell);
        }
        if let Some(open) = &mut self.open {
            open.give_up(tell);
        }
    }
}

impl Open {
    fn new(session: String) -> Self {
        Self { session, timeline: None, told: 0, is_behind: true, is_known: false }
    }

    /// Tells a piece of it.
    fn step(&mut self, tape: &Tape, tell: Tell<'_>) -> Result<(), Error> {
        match self.timeline.take() {
            None => self.begin(tape, tell),
            Some(timeline) => self.go_on(timeline, tape, tell),
        }
    }

    /// The newest rows.
    fn begin(&mut self, tape: &Tape, tell: Tell<'_>) -> Result<(), Error> {
        let (timeline, rows) = tape.timeline(&self.session, NEWEST)?;
        self.timeline = Some(timeline);
        let progress = Some(Progress { done: 0, of: rows.len() as u64 });
        let session = self.session.clone();
        tell(Answer::Timeline { session, rows, gone: Vec::new(), progress });
        Ok(())
    }

    /// The next ones of all, or what has changed.
    fn go_on(&mut self, mut timeline: Timeline, tape: &Tape, tell: Tell<'_>) -> Result<(), Error> {
        let changes = tape.timeline_goes_on(&mut timeline, PIECE);
        // An error has told nothing; it is looked for again when something has changed.
        self.timeline = Some(timeline);
        let changes = changes?;
        self.told += changes.rows.len() as u64;
        self.is_behind = changes.left > 0;
        let is_first = !self.is_known;
        self.is_known |= !self.is_behind;
        if !is_first && changes.rows.is_empty() && changes.gone.is_empty() {
            return Ok(());
        }
        let (done, of) = (self.told, self.told + changes.left);
        let progress = self.is_behind.then_some(Progress { done, of });
        let session = self.session.clone();
        tell(Answer::Timeline { session, rows: changes.rows, gone: changes.gone, progress });
        Ok(())
    }

    /// Says that this is all: there is no tape, or the rest cannot be read.
    fn give_up(&mut self, tell: Tell<'_>) {
        if std::mem::take(&mut self.is_behind) {
            let session = self.session.clone();
            tell(Answer::Timeline { session, rows: Vec::new(), gone: Vec::new(), progress: None });
        }
    }
}

impl Source for TapeSource {
    fn ask(&mut self, ask: Ask, _tell: Tell<'_>) {
        match ask {
            Ask::Sessions => self.sessions = Some(Sessions::default()),
            Ask::Timeline { session } => {
                self.open = Some(Open::new(session));
                self.damage = None;
            }
            Ask::Find { session, words } => self.find.ask(session, words),
            // Whoever serves reads it with `exchange`.
            Ask::Page(_) => {}
        }
    }

    fn work(&mut self, tell: Tell<'_>) -> Pace {
        let finding = self.find.work(tell);
        match self.step(tell) {
            Err(error) => self.complain(error, tell),
            Ok(Pace::Idle) if finding => Pace::Waiting,
            Ok(pace) => pace,
        }
    }

    fn folder(&self) -> Option<PathBuf> {
        let real = self.path.canonicalize().ok()?;
        real.parent().map(Path::to_path_buf)
    }

    fn exchange(&mut self, id: i64, bodies: &[Step]) -> anyhow::Result<ExchangeDetail> {
        let tape = self.tape()?.context("the tape is gone")?;
        tape.exchange_with(id, bodies)?.with_context(|| format!("request {id} was pruned"))
    }
}

#[cfg(test)]
mod tests;
