//! Whether the tape is whole: everything on it is read, and whatever cannot be is named.
//!
//! What is broken never stops the look at the rest. Nothing is changed, and no read outlives its row: recorders
//! go on meanwhile, and what they add or take away is no damage.

mod content;
mod database;
mod files;
mod walk;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{Error, Tape};

/// So many findings are named; the others are counted.
const NAMED: usize = 100;

/// What a finding is about, which decides what can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Broken {
    /// SQLite's own structure: what is stored there may be lost.
    Database,
    /// Recorded content: it is lost.
    Content,
    /// What is derived from recorded content: `octrace rebuild` makes it again.
    Derived,
}

/// One thing that is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub broken: Broken,
    /// What and why, in words. Ids and numbers, never content.
    pub what: String,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// That can be read and are as they were recorded.
    pub whole: u64,
    /// That cannot, as far as they can be counted.
    pub broken: u64,
}

impl Count {
    fn add(&mut self, whole: bool) {
        *(if whole { &mut self.whole } else { &mut self.broken }) += 1;
    }
}

/// What [`Tape::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Sessions all of whose exchanges, events and files are whole.
    pub sessions: Count,
    /// Exchanges: their row, their bodies.
    pub exchanges: Count,
    /// OpenCode's events and hook calls.
    pub events: Count,
    /// What files contained when they were seen.
    pub states: Count,
    /// Pieces of bodies and files, each of which many of these may have.
    pub parts: Count,
    /// What is broken; at most the first hundred.
    pub findings: Vec<Finding>,
    /// How many findings are not among them.
    pub more_findings: u64,
}

impl Verification {
    /// Whether nothing is broken.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    /// Whether anything of this kind is.
    pub fn has(&self, broken: Broken) -> bool {
        self.findings.iter().any(|finding| finding.broken == broken)
    }

    fn find(&mut self, broken: Broken, what: impl Into<String>) {
        // The worst kind is named once at least, so that what is said to be done is right.
        if self.findings.len() < NAMED || !self.has(broken) {
            self.findings.push(Finding { broken, what: what.into() });
        } else {
            self.more_findings += 1;
        }
    }
}

/// How far a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What is being looked at, in a word or two.
    pub what: &'static str,
    /// The last row that was.
    pub done: u64,
    /// The last row that there is; 0 where that is not known.
    pub of: u64,
}

impl Tape {
    /// Reads everything on the tape. `tell` hears now and then how far it is.
    ///
    /// # Errors
    /// Only when somebody else keeps the tape to himself: what is broken is no error here.
    pub fn verify(&self, tell: &mut dyn FnMut(Stage)) -> Result<Verification, Error> {
        let mut found = Verification::default();
        let mut broken_sessions = BTreeSet::new();
        tell(Stage { what: "database", done: 0, of: 0 });
        if !self.verify_schema(&mut found)? {
            return Ok(found);
        }
        self.verify_database(&mut found)?;
        let parts = self.verify_parts(&mut found, tell)?;
        self.verify_exchanges(&parts, &mut found, &mut broken_sessions, tell)?;
        self.verify_events(&parts, &mut found, &mut broken_sessions, tell)?;
        self.verify_states(&parts, &mut found, &mut broken_sessions, tell)?;
        self.verify_sessions(&mut found, &broken_sessions)?;
        self.verify_parcels(&mut found, tell)?;
        self.verify_text(&mut found)?;
        self.verify_derived(&mut found)?;
        Ok(found)
    }
}
