//! What has to be known to read a step's snapshots and to make its records: where its session works, what was before
//! it, whether it is over, and what its calls' records say beside lines.

use octrace_core::{
    attribution::{
        observed::Observed,
        timeline::{Call, CallId, Reach},
    },
    redact::Clean,
};
use rusqlite::{OptionalExtension, Params, params};
use serde::{Deserialize, Serialize};

use super::{Step, Trees, observe};
use crate::{Batch, Error, SpoolId, Tape};

/// What records say of where they come from, by the settings of the process that was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// The version of the specification.
    pub spec_version: String,
    /// The tool's name.
    pub tool_name: String,
    /// The tool's version; without one, it is OpenCode's.
    pub tool_version: Option<String>,
}

/// Where a session works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workplace {
    /// Its directory, absolute.
    pub directory: String,
    /// The root of the work tree that this is in; empty where there is none.
    pub worktree: String,
    /// OpenCode's project id; empty where it is not known.
    pub project: String,
}

/// What a record says of a call beside its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallContext {
    /// The session whose `task` call started the call's.
    pub parent_session: Option<String>,
    /// OpenCode's version.
    pub version: Option<String>,
    /// OpenCode's agent.
    pub agent: Option<String>,
    /// The user message that all of it answers.
    pub prompt: Option<String>,
    /// `provider/model`.
    pub model: Option<String>,
    /// The requests that its message answers, in their order.
    pub exchanges: Vec<i64>,
    /// Real paths with those by which the tool named these files.
    pub names: Vec<(String, String)>,
}

impl Batch<'_> {
    /// What the records of a spool are to say of where they come from; `None`: there are to be none.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn labels(&mut self, spool: SpoolId, labels: Option<&Clean<Labels>>) -> Result<(), Error> {
        let labels = labels.and_then(|labels| serde_json::to_string(labels.get()).ok());
        self.tx()?
            .prepare_cached("UPDATE spools SET labels = ?2 WHERE id = ?1 AND labels IS NOT ?2")?
            .execute(params![spool.0, labels])?;
        Ok(())
    }

    /// What a step's snapshots say of files, once: nothing is written if that was done before. An observation of another step
    /// that is here already is passed over.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn step_read(
        &mut self,
        spool: SpoolId,
        message: &str,
        trees: Trees,
        seen: &[Clean<Observed>],
    ) -> Result<(), Error> {
        let due = "SELECT 1 FROM steps WHERE message = ?1 AND trees = 'due'";
        if !self.tx()?.prepare_cached(due)?.exists([message])? {
            return Ok(());
        }
        for seen in seen {
            let known = match observe::words(&seen.get().moment) {
                Some((moment, subject)) => self
                    .tx()?
                    .prepare_cached(
                        "SELECT 1 FROM observations JOIN traced_files ON traced_files.id = file
                         WHERE path = ?1 AND at_us = ?2 AND moment = ?3 AND subject = ?4",
                    )?
                    .exists(params![seen.get().path, seen.get().at_us, moment, subject])?,
                None => true,
            };
            if !known {
                self.observed(spool, seen)?;
            }
        }
        self.step_is_read(message, trees)
    }
}

impl Tape {
    /// The calls of a spool's steps that may have changed files and ended well, and for which nobody has looked at
    /// the repository since; with when they ended and the directories of their sessions.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn calls_without_revision(
        &self,
        spool: SpoolId,
    ) -> Result<Vec<(CallId, i64, String)>, Error> {
        // A call is never heard of before its step, but for the clock.
        let mut select = self.connection.prepare_cached(
            "SELECT tools.session, tools.call, tool, coalesce(after_us, tools.ended_us, tools.at_us), directory
             FROM steps
             JOIN tools INDEXED BY tools_by_time ON tools.at_us >= steps.started_us - 1000000
                 AND tools.session = steps.session AND tools.message = steps.message
             JOIN sessions ON sessions.id = steps.session
             LEFT JOIN call_times
                 ON call_times.session = tools.session AND call_times.call = tools.call
             WHERE steps.spool = ?1 AND traced = 0 AND tools.status = 'completed' AND directory IS NOT NULL
                 AND tools.call IS NOT NULL AND NOT EXISTS (SELECT 1 FROM revisions
                     WHERE revisions.session = tools.session AND revisions.call = tools.call)
             ORDER BY tools.id",
        )?;
        let mut rows = select.query([spool.0])?;
        let mut calls = Vec::new();
        while let Some(row) = rows.next()? {
            let id = CallId { session: row.get(0)?, call: row.get(1)? };
            let call = Call { id, tool: row.get(2)?, ..Call::default() };
            if call.reach() != Reach::Nothing {
                calls.push((call.id, row.get(3)?, row.get(4)?));
            }
        }
        Ok(calls)
    }

    /// As [`Batch::labels`] was told.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn labels(&self, spool: SpoolId) -> Result<Option<Labels>, Error> {
        let labels: Option<String> = self
            .connection
            .prepare_cached("SELECT labels FROM spools WHERE id = ?1")?
            .query_row([spool.0], |row| row.get(0))
            .optional()?
            .flatten();
        Ok(labels.and_then(|labels| serde_json::from_str(&labels).ok()))
    }

    /// The spool that tells of a step.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn spool_of_step(&self, message: &str) -> Result<Option<SpoolId>, Error> {
        let spool = "SELECT spool FROM steps WHERE message = ?1";
        let spool = self.connection.prepare_cached(spool)?.query_row([message], |row| row.get(0));
        Ok(spool.optional()?.map(SpoolId))
    }

    /// The assistant messages of all steps, in the order in which these began.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn all_steps(&self) -> Result<Vec<String>, Error> {
        let steps = "SELECT message FROM steps ORDER BY coalesce(started_us, ended_us), message";
        let mut select = self.connection.prepare_cached(steps)?;
        Ok(select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Spools whose processes were gone at this time (µs since the Unix epoch) and of which records are not made.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn spools_left_untraced(&self, gone_us: i64) -> Result<Vec<SpoolId>, Error> {
        let mut select = self.connection.prepare_cached(
            "SELECT DISTINCT spool FROM steps JOIN spools ON spools.id = spool
             WHERE traced = 0 AND spools.ended_us <= ?1 ORDER BY spool",
        )?;
        Ok(select
            .query_map([gone_us], |row| Ok(SpoolId(row.get(0)?)))?
            .collect::<Result<_, _>>()?)
    }

    /// Where a session works, by what its spool says of the directory.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn workplace(&self, spool: SpoolId, session: &str) -> Result<Option<Workplace>, Error> {
        let workplace = self
            .connection
            .prepare_cached(
                "SELECT sessions.directory, nullif(worktree, '/'), project FROM sessions
                 LEFT JOIN instances ON instances.directory = sessions.directory AND spool = ?1
                 WHERE id = ?2 AND sessions.directory IS NOT NULL",
            )?
            .query_row(params![spool.0, session], |row| {
                let (worktree, project): (Option<String>, Option<String>) =
                    (row.get(1)?, row.get(2)?);
                Ok(Workplace {
                    directory: row.get(0)?,
                    worktree: worktree.unwrap_or_default(),
                    project: project.unwrap_or_default(),
                })
            })
            .optional()?;
        Ok(workplace)
    }

    /// The newest step of a session in the same directory that had ended with a snapshot before this one began.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn step_before(&self, step: &Step) -> Result<Option<Step>, Error> {
        let Some(started_us) = step.started_us else { return Ok(None) };
        let before: Option<String> = self
            .connection
            .prepare_cached(
                "SELECT message FROM sessions JOIN steps ON steps.session = sessions.id
                 WHERE directory = (SELECT directory FROM sessions WHERE id = ?1)
                     AND ended_us <= ?2 AND after IS NOT NULL AND message != ?3
                 ORDER BY ended_us DESC, message DESC LIMIT 1",
            )?
            .query_row(params![step.session, started_us, step.message], |row| row.get(0))
            .optional()?;
        match before {
            Some(message) => self.step_of_message(&message),
            None => Ok(None),
        }
    }

    /// When a message was made, µs since the Unix epoch.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn message_made_us(&self, message: &str) -> Result<Option<i64>, Error> {
        self.one("SELECT created_us FROM messages WHERE id = ?1", [message])
    }

    /// When a step is known to be over: it ended; its session began another one, came to rest or failed; or its process is gone.
    /// µs since the Unix epoch; `None`: it goes on.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn step_over_us(&self, step: &Step) -> Result<Option<i64>, Error> {
        if step.ended_us.is_some() {
            return Ok(step.ended_us);
        }
        let Some(started_us) = step.started_us else { return Ok(None) };
        let next = self.one(
            "SELECT min(started_us) FROM steps WHERE session = ?1 AND started_us > ?2",
            params![step.session, started_us],
        )?;
        let rest = self.one(
            "SELECT min(at_us) FROM events WHERE session = ?1 AND at_us >= ?2
                 AND kind IN ('session.idle', 'session.error')",
            params![step.session, started_us],
        )?;
        let over = [next, rest].into_iter().flatten().min();
        if over.is_some() {
            return Ok(over);
        }
        self.one(
            "SELECT ended_us FROM spools WHERE id = (SELECT spool FROM steps WHERE message = ?1)",
            [&step.message],
        )
    }

    /// What a record says of a call beside its lines.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn call_context(&self, call: &CallId, message: &str) -> Result<CallContext, Error> {
        let mut context = self
            .connection
            .prepare_cached(
                "SELECT sessions.parent, version, agent, messages.parent FROM sessions
                 LEFT JOIN messages ON messages.id = ?2 WHERE sessions.id = ?1",
            )?
            .query_row([&call.session, message], |row| {
                Ok(CallContext {
                    parent_session: row.get(0)?,
                    version: row.get(1)?,
                    agent: row.get(2)?,
                    prompt: row.get(3)?,
                    ..CallContext::default()
                })
            })
            .optional()?
            .unwrap_or_default();
        let mut select = self.connection.prepare_cached(
            "SELECT id, provider, model FROM staying_exchanges
             WHERE session = ?1 AND assistant = ?2 ORDER BY id",
        )?;
        let mut rows = select.query([&call.session, message])?;
        while let Some(row) = rows.next()? {
            context.exchanges.push(row.get(0)?);
            let (provider, model): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
            if let (Some(provider), Some(model)) = (provider, model) {
                context.model = Some(format!("{provider}/{model}"));
            }
        }
        let mut select = self.connection.prepare_cached(
            "SELECT DISTINCT path, named FROM observations JOIN traced_files ON traced_files.id = file
             WHERE session = ?1 AND subject = ?2 AND named IS NOT NULL ORDER BY path, named",
        )?;
        let names = select
            .query_map([&call.session, &call.call], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(CallContext { names, ..context })
    }

    /// The only column of the only row, if it is there.
    fn one(&self, sql: &str, params: impl Params) -> Result<Option<i64>, Error> {
        let one = self.connection.prepare_cached(sql)?.query_row(params, |row| row.get(0));
        Ok(one.optional()?.flatten())
    }
}
