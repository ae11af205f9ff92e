//! Agent Trace records: derived, one for each call that changed files; and the revisions that they name.

use octrace_core::{
    attribution::{observed::Revision, timeline::CallId},
    redact::Clean,
};
use rusqlite::{OptionalExtension, Params, Row, params};

use super::stays;
use crate::{Batch, Error, SpoolId, Tape};

/// A record as the tape has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// A UUID, from session and call.
    pub id: String,
    /// The call that changed the files.
    pub call: CallId,
    /// When the call had ended, µs since the Unix epoch.
    pub at_us: i64,
    /// The record, as exported.
    pub json: String,
}

impl Batch<'_> {
    /// Keeps a record, which was made of what is on the tape; whether it is new, or another than the one with its id.
    /// Never of a session that is gone.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn record_put(&mut self, spool: SpoolId, record: &Record) -> Result<bool, Error> {
        let changed = self
            .tx()?
            .prepare_cached(
                "INSERT INTO agent_trace_records (id, spool, session, call, at_us, record)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?3)
                 ON CONFLICT (id) DO UPDATE SET at_us = excluded.at_us, record = excluded.record
                 WHERE record != excluded.record",
            )?
            .execute(params![
                record.id,
                spool.0,
                record.call.session,
                record.call.call,
                record.at_us,
                record.json
            ])?;
        Ok(changed > 0)
    }

    /// The call has no record, as is known by now; whether it had one.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn record_drop(&mut self, call: &CallId) -> Result<bool, Error> {
        let dropped = self
            .tx()?
            .prepare_cached("DELETE FROM agent_trace_records WHERE session = ?1 AND call = ?2")?
            .execute([&call.session, &call.call])?;
        Ok(dropped > 0)
    }

    /// The repository as it was when a call had ended. Never of a session that is gone.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn revision(
        &mut self,
        call: &CallId,
        at_us: i64,
        revision: &Clean<Revision>,
    ) -> Result<(), Error> {
        let revision = revision.get();
        self.tx()?
            .prepare_cached(
                "INSERT OR REPLACE INTO revisions (session, call, at_us, root, type, revision)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?1)",
            )?
            .execute(params![
                call.session,
                call.call,
                at_us,
                revision.root,
                revision.vcs,
                revision.revision
            ])?;
        Ok(())
    }
}

impl Tape {
    /// The records of a session, in the order in which their calls ended.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn records(&self, session: &str) -> Result<Vec<Record>, Error> {
        self.records_where("session = ?1", [session])
    }

    /// The record with this id.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn record(&self, id: &str) -> Result<Option<Record>, Error> {
        Ok(self.records_where("id = ?1", [id])?.pop())
    }

    /// The record of a call, if it has one.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn record_of_call(&self, call: &CallId) -> Result<Option<Record>, Error> {
        Ok(self.records_where("session = ?1 AND call = ?2", [&call.session, &call.call])?.pop())
    }

    fn records_where(&self, which: &str, params: impl Params) -> Result<Vec<Record>, Error> {
        let sql = format!(
            "SELECT id, session, call, at_us, record FROM agent_trace_records
             WHERE {which} AND {} ORDER BY at_us, id",
            stays("agent_trace_records")
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        Ok(select.query_map(params, record)?.collect::<Result<_, _>>()?)
    }

    /// The repository as it was when the call had ended; `None` where nobody looked.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn revision_of_call(&self, call: &CallId) -> Result<Option<Revision>, Error> {
        let sql = format!(
            "SELECT root, type, revision FROM revisions WHERE session = ?1 AND call = ?2 AND {}",
            stays("revisions")
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let revision = select.query_row([&call.session, &call.call], |row| {
            Ok(Revision { root: row.get(0)?, vcs: row.get(1)?, revision: row.get(2)? })
        });
        Ok(revision.optional()?)
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        id: row.get(0)?,
        call: CallId { session: row.get(1)?, call: row.get(2)? },
        at_us: row.get(3)?,
        json: row.get(4)?,
    })
}
