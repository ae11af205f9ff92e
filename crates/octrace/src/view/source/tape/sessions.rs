//! The tape's sessions: all of them page by page, then what changes.
//!
//! A session in which something happens comes first in the list. So what has changed is at the list's begin, or was
//! under way when it was told. Where that cannot be all (something was pruned, or recorded late), the list is read
//! again, and only what is different is told.

use std::collections::{HashMap, HashSet};

use octrace_store::{
    Error, Tape,
    read::{Census, SessionCursor, SessionRow},
};
use octrace_view::terminal::data::{Answer, Progress};

use super::super::Tell;

/// How many are read at once.
const PIECE: usize = 200;

/// How many of the newest are looked at when something has changed: mostly one has.
const RECENT: usize = 10;

/// What was told of them.
pub(super) struct Sessions {
    told: HashMap<String, SessionRow>,
    census: Census,
    /// How far the reading of all of them is.
    pass: Option<Pass>,
    /// Whether there is something to read.
    pub(super) is_behind: bool,
    /// Whether all were read once.
    is_known: bool,
}

/// A reading of all of them.
#[derive(Default)]
struct Pass {
    at: Option<SessionCursor>,
    seen: HashSet<String>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            told: HashMap::new(),
            census: Census::default(),
            pass: Some(Pass::default()),
            is_behind: true,
            is_known: false,
        }
    }
}

impl Sessions {
    /// Reads a piece, and tells what is different in it.
    pub(super) fn step(&mut self, tape: &Tape, tell: Tell<'_>) -> Result<(), Error> {
        match self.pass.take() {
            Some(pass) => self.go_on(pass, tape, tell),
            None => self.catch_up(tape, tell),
        }
    }

    /// The next page of all of them.
    fn go_on(&mut self, mut pass: Pass, tape: &Tape, tell: Tell<'_>) -> Result<(), Error> {
        if pass.at.is_none() {
            // Before the first page: what changes meanwhile is seen the next time.
            self.census = tape.census()?;
        }
        let (rows, next) = tape.sessions_page(pass.at.as_ref(), PIECE)?;
        pass.seen.extend(rows.iter().map(|row| row.id.clone()));
        let rows = self.different(rows);
        let mut gone = Vec::new();
        if next.is_some() {
            pass.at = next;
            self.pass = Some(pass);
        } else {
            gone.extend(self.told.keys().filter(|id| !pass.seen.contains(*id)).cloned());
            self.told.retain(|id, _| pass.seen.contains(id));
            self.is_behind = false;
        }
        let is_first = !self.is_known;
        self.is_known |= self.pass.is_none();
        let progress = self.pass.as_ref().filter(|_| is_first).map(|pass| {
            let done = pass.seen.len() as u64;
            Progress { done, of: self.census.sessions.max(done) }
        });
        if is_first || !rows.is_empty() || !gone.is_empty() {
            tell(Answer::Sessions { rows, gone, progress });
        }
        Ok(())
    }

    /// What has changed since all were read.
    fn catch_up(&mut self, tape: &Tape, tell: Tell<'_>) -> Result<(), Error> {
        let live = self.told.values().filter(|row| row.live);
        let live: Vec<_> = live.map(|row| row.id.clone()).collect();
        let newest_us = self.told.values().map(|row| row.updated_us).max().unwrap_or(i64::MIN);
        let mut rows = tape.sessions_of(&live)?;
        let mut at = None;
        loop {
            let (page, next) = tape.sessions_page(at.as_ref(), RECENT)?;
            let is_past = page.iter().any(|row| row.updated_us < newest_us);
            rows.extend(page);
            at = next;
            if is_past || at.is_none() {
                break;
            }
        }
        let rows = self.different(rows);
        if !rows.is_empty() {
            tell(Answer::Sessions { rows, gone: Vec::new(), progress: None });
        }
        let census = tape.census()?;
        if census.sessions != self.told.len() as u64 || census.prunings != self.census.prunings {
            self.pass = Some(Pass::default());
        } else {
            self.is_behind = false;
        }
        Ok(())
    }

    /// Those that are not as they were told.
    fn different(&mut self, rows: Vec<SessionRow>) -> Vec<SessionRow> {
        let mut different = Vec::new();
        for row in rows {
            if self.told.get(&row.id) != Some(&row) {
                self.told.insert(row.id.clone(), row.clone());
                different.push(row);
            }
        }
        different
    }

    /// Says that these are all: nothing is recorded, or the rest cannot be read.
    pub(super) fn give_up(&mut self, tell: Tell<'_>) {
        if std::mem::take(&mut self.is_behind) {
            tell(Answer::Sessions { rows: Vec::new(), gone: Vec::new(), progress: None });
        }
    }
}
