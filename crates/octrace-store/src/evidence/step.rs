//! Steps: model calls with the tool calls that they asked for, and OpenCode's snapshots before and after.

use octrace_core::event::StepFact;
use rusqlite::{Params, Row, params};

use crate::{Batch, Error, SpoolId, Tape, facts::Source};

/// A step, as far as it got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The assistant message that its answer is.
    pub message: String,
    /// `ses_…`
    pub session: String,
    /// When it began, µs since the Unix epoch.
    pub started_us: Option<i64>,
    /// OpenCode's snapshot then: the id of a git tree.
    pub before: Option<String>,
    /// When it had ended, with all its calls, µs since the Unix epoch.
    pub ended_us: Option<i64>,
    /// OpenCode's snapshot then.
    pub after: Option<String>,
    /// What became of reading these.
    pub trees: Trees,
    /// Whether its records are made.
    pub traced: bool,
}

/// What became of reading a step's snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trees {
    /// Nothing yet.
    #[default]
    Due,
    /// What differs is on the tape.
    Read,
    /// They are the same.
    Same,
    /// There are none, or they are gone.
    Gone,
}

impl Trees {
    fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Read => "read",
            Self::Same => "same",
            Self::Gone => "gone",
        }
    }

    /// An unknown word is a newer version's: it did what there was to do.
    fn parse(word: &str) -> Self {
        match word {
            "due" => Self::Due,
            "same" => Self::Same,
            "gone" => Self::Gone,
            _ => Self::Read,
        }
    }
}

impl Batch<'_> {
    /// A step began or ended. A request that is tried again begins it once more: it began the first time.
    pub(crate) fn step(
        &mut self,
        source: Source,
        session: &str,
        fact: &StepFact,
    ) -> Result<(), Error> {
        let tx = self.tx()?;
        if fact.ended {
            // With another tree than the one that was read, there is something to do again.
            tx.prepare_cached(
                "INSERT INTO steps (message, spool, session, ended_us, after) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (message) DO UPDATE SET
                     trees = iif(ended_us IS NULL OR after IS excluded.after, trees, 'due'),
                     traced = iif(ended_us IS NULL OR after IS excluded.after, traced, 0),
                     ended_us = excluded.ended_us, after = excluded.after
                 WHERE ended_us IS NULL OR ended_us < excluded.ended_us",
            )?
            .execute(params![fact.message, source.spool, session, source.at_us, fact.tree])?;
        } else {
            // What was heard late was not: its calls may have begun by now.
            let at_us = fact.at_us.map_or(source.at_us, |at_us| at_us.min(source.at_us));
            tx.prepare_cached(
                "INSERT INTO steps (message, spool, session, started_us, before) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (message) DO UPDATE SET
                     started_us = excluded.started_us, before = excluded.before
                 WHERE started_us IS NULL OR started_us > excluded.started_us",
            )?
            .execute(params![fact.message, source.spool, session, at_us, fact.tree])?;
        }
        Ok(())
    }

    /// The step's snapshots were read, with this result.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn step_is_read(&mut self, message: &str, trees: Trees) -> Result<(), Error> {
        self.tx()?
            .prepare_cached("UPDATE steps SET trees = ?2 WHERE message = ?1")?
            .execute(params![message, trees.as_str()])?;
        Ok(())
    }

    /// The step's records are made.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn step_is_traced(&mut self, message: &str) -> Result<(), Error> {
        self.tx()?
            .prepare_cached("UPDATE steps SET traced = 1 WHERE message = ?1")?
            .execute([message])?;
        Ok(())
    }
}

impl Tape {
    /// The steps of a spool whose records are not made, in the order in which they began. Some have not ended.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn steps_due(&self, spool: SpoolId) -> Result<Vec<Step>, Error> {
        self.steps("spool = ?1 AND traced = 0", [spool.0])
    }

    /// The steps of a session, in the order in which they began.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn steps_of_session(&self, session: &str) -> Result<Vec<Step>, Error> {
        self.steps("session = ?1", [session])
    }

    /// The step that ends with this assistant message.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn step_of_message(&self, message: &str) -> Result<Option<Step>, Error> {
        Ok(self.steps("message = ?1", [message])?.pop())
    }

    fn steps(&self, which: &str, params: impl Params) -> Result<Vec<Step>, Error> {
        let sql = format!(
            "SELECT message, session, started_us, before, ended_us, after, trees, traced FROM steps
             WHERE {which} AND NOT EXISTS (SELECT 1 FROM doomed WHERE doomed.session = steps.session
                 AND coalesce(started_us, ended_us) <= doomed.until_us)
             ORDER BY coalesce(started_us, ended_us), message"
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        Ok(select.query_map(params, step)?.collect::<Result<_, _>>()?)
    }
}

fn step(row: &Row<'_>) -> rusqlite::Result<Step> {
    Ok(Step {
        message: row.get(0)?,
        session: row.get(1)?,
        started_us: row.get(2)?,
        before: row.get(3)?,
        ended_us: row.get(4)?,
        after: row.get(5)?,
        trees: Trees::parse(row.get_ref(6)?.as_str()?),
        traced: row.get(7)?,
    })
}
