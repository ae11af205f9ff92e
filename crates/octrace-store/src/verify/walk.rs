//! Walking over the rows of a table that may be damaged in places.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Broken, Stage, Verification};
use crate::Error;

/// How many ids are read at once.
const AT_ONCE: i64 = 1_000;

/// Behind a place that cannot be read, so many ids are tried, in steps that grow up to the second number.
const BEHIND: (u32, i64) = (20_000, 16);

/// A table whose ids are numbers.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) plural: &'static str,
}

/// Shows the id of each row of the table, as far as that can be found. Where it cannot, `found` hears it, and the
/// walk goes on behind. Ids rise; in a page of nonsense they may not, and the walk would never end.
pub(super) fn ids(
    tape: &Connection,
    table: Table,
    found: &mut Verification,
    tell: &mut dyn FnMut(Stage),
    mut visit: impl FnMut(&mut Verification, i64) -> Result<(), Error>,
) -> Result<(), Error> {
    let Table { name, plural } = table;
    let some = format!("SELECT id FROM {name} WHERE id > ?1 ORDER BY id LIMIT ?2");
    let last: Option<i64> = readable(newest(tape, name))?.flatten();
    let mut at = i64::MIN;
    loop {
        let stage = |at: i64| Stage {
            what: plural,
            done: u64::try_from(at).unwrap_or(0),
            of: last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0),
        };
        match readable(batch(tape, &some, at))? {
            Some(ids) if ids.is_empty() => return Ok(()),
            Some(ids) => {
                for id in ids {
                    visit(found, id)?;
                    at = id;
                }
                tell(stage(at));
            }
            None => {
                let Some(next) = behind(tape, name, at)? else {
                    found.find(
                        Broken::Database,
                        format!("{plural} after number {} cannot be read", at.max(0)),
                    );
                    return Ok(());
                };
                let (first, last) = (at.max(0), next);
                found.find(
                    Broken::Database,
                    format!("{plural} between numbers {first} and {last} cannot be read"),
                );
                at = next - 1;
            }
        }
    }
}

fn newest(tape: &Connection, name: &str) -> Result<Option<i64>, Error> {
    Ok(tape.query_row(&format!("SELECT max(id) FROM {name}"), [], |row| row.get(0))?)
}

fn batch(tape: &Connection, sql: &str, after: i64) -> Result<Vec<i64>, Error> {
    let mut select = tape.prepare_cached(sql)?;
    let mut ids = Vec::new();
    let mut rows = select.query(params![after, AT_ONCE])?;
    let mut last = after;
    loop {
        let next = match rows.next() {
            Ok(None) => return Ok(ids),
            Ok(Some(row)) => match row.get(0)? {
                id if id > last => Ok(id),
                id => Err(Error::damaged(format!("number {id} comes after {last}"))),
            },
            Err(error) => Err(error.into()),
        };
        match next {
            Ok(id) => ids.push(id),
            // What was read before it counts; the next call begins with it.
            Err(error) if ids.is_empty() => return Err(error),
            Err(_) => return Ok(ids),
        }
        last = *ids.last().unwrap_or(&after);
    }
}

/// The next id that can be read after `at`.
fn behind(tape: &Connection, name: &str, at: i64) -> Result<Option<i64>, Error> {
    let sql = format!("SELECT id FROM {name} WHERE id >= ?1 ORDER BY id LIMIT 1");
    let mut select = tape.prepare_cached(&sql)?;
    let (mut next, mut step) = (at.max(0).saturating_add(1), 1);
    for _ in 0..BEHIND.0 {
        let row = select.query_row([next], |row| row.get(0)).optional();
        match readable(row.map_err(Error::from))? {
            Some(None) => return Ok(None),
            Some(Some(id)) if id >= next => return Ok(Some(id)),
            Some(Some(_)) | None => {}
        }
        next = next.saturating_add(step);
        step = (step * 2).min(BEHIND.1);
    }
    Ok(None)
}

/// `None` for what is damaged. What is only busy, say, is an error all the same.
pub(super) fn readable<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_damage() => Ok(None),
        Err(error) => Err(error),
    }
}
