//! What files contained at moments: on its way to the tape.

use octrace_core::{
    attribution::{
        observed::{Found, Observed},
        timeline::Moment,
    },
    redact::Clean,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{Batch, Error, SpoolId, text};

/// The words for moments on the tape, and what each is a moment of.
pub(super) fn words(moment: &Moment) -> Option<(&'static str, &str)> {
    Some(match moment {
        Moment::Before(call) => ("before", &call.call),
        Moment::Permitted(call) => ("permitted", &call.call),
        Moment::After(call) => ("after", &call.call),
        Moment::Start(message) => ("start", message),
        Moment::Finish(message) => ("finish", message),
        Moment::Now => return None,
    })
}

impl Batch<'_> {
    /// A file was seen. What is of a step is passed over when the step is gone: its session was pruned meanwhile.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn observed(&mut self, spool: SpoolId, seen: &Clean<Observed>) -> Result<(), Error> {
        let seen = seen.get();
        let Some((moment, subject)) = words(&seen.moment) else { return Ok(()) };
        if let Moment::Start(message) | Moment::Finish(message) = &seen.moment {
            let step = "SELECT 1 FROM steps WHERE message = ?1";
            if !self.tx()?.prepare_cached(step)?.exists([message])? {
                return Ok(());
            }
        } else {
            self.touch(&seen.session, None, seen.at_us)?;
        }
        let (tx, parts) = self.with_parts()?;
        let file = file(tx, &seen.path)?;
        let (found, state) = match &seen.found {
            Found::Text(bytes) => ("text", Some(text::put(tx, parts, bytes, seen.exact)?)),
            Found::Same => match same(tx, spool, file, &seen.mark)? {
                Some(state) => ("text", Some(state)),
                // It was pruned, or never here.
                None => ("unreadable", None),
            },
            Found::Absent => ("absent", None),
            Found::Large => ("large", None),
            Found::Other => ("other", None),
            Found::Unreadable => ("unreadable", None),
        };
        tx.prepare_cached(
            "INSERT INTO observations (spool, session, subject, moment, file, named, at_us, found,
                 state, mark, changed_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            spool.0,
            seen.session,
            subject,
            moment,
            file,
            seen.named,
            seen.at_us,
            found,
            state,
            seen.mark,
            seen.changed_us
        ])?;
        Ok(())
    }
}

/// The row of the file at this path, made if need be.
fn file(tape: &Connection, path: &str) -> Result<i64, Error> {
    let known = tape
        .prepare_cached("SELECT id FROM traced_files WHERE path = ?1")?
        .query_row([path], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    tape.prepare_cached("INSERT INTO traced_files (path) VALUES (?1)")?.execute([path])?;
    Ok(tape.last_insert_rowid())
}

/// What the spool said of the file with this mark last.
fn same(tape: &Connection, spool: SpoolId, file: i64, mark: &str) -> Result<Option<i64>, Error> {
    let state = tape
        .prepare_cached(
            "SELECT state FROM observations
             WHERE file = ?1 AND spool = ?2 AND mark = ?3 AND state IS NOT NULL
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![file, spool.0, mark], |row| row.get(0))
        .optional()?;
    Ok(state.filter(|_| !mark.is_empty()))
}
