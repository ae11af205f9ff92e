//! The tape's schema, as numbered steps that are only ever appended to.
//!
//! The version is SQLite's `user_version`; `application_id` says that the file is ours. A newer tape is
//! refused, never touched; an older one is brought forward, each step in a transaction of its own.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::Error;

/// "OCTR": in SQLite's header, for `file(1)` and for us.
const APPLICATION_ID: i64 = 0x4f43_5452;

const STEPS: &[&str] = &[include_str!("../schema/0001_tape.sql")];

/// The version that this build reads and writes.
pub(crate) const NEWEST: i64 = STEPS.len() as i64;

/// Brings an open database to [`NEWEST`].
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    if version(connection, path)? == NEWEST {
        return Ok(());
    }
    loop {
        // Another process may be migrating, too: look again under the lock.
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let at = read_version(&step, path)?;
        let Some(sql) = usize::try_from(at).ok().and_then(|at| STEPS.get(at)) else {
            return Ok(());
        };
        step.execute_batch(sql)?;
        step.pragma_update(None, "application_id", APPLICATION_ID)?;
        step.pragma_update(None, "user_version", at + 1)?;
        step.commit()?;
    }
}

/// The tape's version; 0 for an empty file.
pub(crate) fn version(connection: &Connection, path: &Path) -> Result<i64, Error> {
    // Of one moment: another process may be making the tape just now.
    let moment = connection.unchecked_transaction()?;
    read_version(&moment, path)
}

/// The same, inside a transaction.
fn read_version(connection: &Connection, path: &Path) -> Result<i64, Error> {
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let not_a_tape = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            Error::NotATape { path: path.to_owned() }
        }
        _ => Error::Sqlite(error),
    };
    let found = read("user_version").map_err(not_a_tape)?;
    let owner = read("application_id").map_err(not_a_tape)?;
    let schema = read("schema_version").map_err(not_a_tape)?;
    match (owner, schema) {
        (APPLICATION_ID, _) if found > NEWEST => {
            Err(Error::Newer { path: path.to_owned(), found, known: NEWEST })
        }
        (APPLICATION_ID, _) => Ok(found),
        (0, 0) => Ok(0),
        _ => Err(Error::NotATape { path: path.to_owned() }),
    }
}
