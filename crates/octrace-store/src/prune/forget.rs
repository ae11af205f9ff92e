//! Taking rows away, a bounded number at a time: nothing here holds the tape for longer than a few milliseconds, so
//! that recorders do not notice.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Params, params};

use super::Pruned;
use crate::{
    Error,
    layout::{self, Walk},
    uses::parts_of,
};

/// How much one transaction may take away: rows, with large ones counted as several.
const BUDGET: i64 = 500;

/// A large row counts as one more for each of so many bytes, four pages of the tape.
const ROW_BYTES: i64 = 16 << 10;

/// What an exchange costs beside its parts: its own row and what hangs on it.
const EXCHANGE: i64 = 20;

/// What is left for this transaction.
pub(super) struct Budget(i64);

impl Budget {
    pub(super) fn new() -> Self {
        Self(BUDGET)
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0 <= 0
    }

    pub(super) fn spend(&mut self, rows: i64, bytes: i64) {
        self.0 -= rows + bytes / ROW_BYTES;
    }
}

/// What stays of a session that loses its oldest exchanges.
pub(super) struct Staying<'a> {
    pub(super) session: &'a str,
    /// The last exchange that has each part.
    pub(super) last: &'a HashMap<i64, i64>,
}

/// Takes an exchange away on which no other one is based; whether all of it is gone. That of a doomed session, which
/// nobody sees, may be an exchange without bodies for a while; one of a session that stays goes at once, whatever
/// the budget.
pub(super) fn exchange(
    tape: &Connection,
    id: i64,
    staying: Option<&Staying<'_>>,
    budget: &mut Budget,
    pruned: &mut Pruned,
) -> Result<bool, Error> {
    tape.prepare_cached(
        "UPDATE pruned SET generation = generation + 1, exchange = max(exchange, ?1)",
    )?
    .execute([id])?;
    tape.prepare_cached(
        "UPDATE exchanges SET request_layout = NULL, request_base = NULL, request_depth = 0,
             response_part = NULL WHERE id = ?1",
    )?
    .execute([id])?;
    let parts: Vec<i64> = tape
        .prepare_cached("SELECT part FROM uses WHERE exchange = ?1 ORDER BY part LIMIT ?2")?
        .query_map(params![id, if staying.is_some() { -1 } else { BUDGET }], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if let Some(staying) = staying {
        hand_on(tape, id, &parts, staying)?;
    }
    for used in parts {
        if budget.is_spent() && staying.is_none() {
            return Ok(false);
        }
        let end = "DELETE FROM uses WHERE part = ?1 AND exchange = ?2";
        tape.prepare_cached(end)?.execute([used, id])?;
        part(tape, used, budget, pruned)?;
    }
    let more = "SELECT 1 FROM uses WHERE exchange = ?1 LIMIT 1";
    if tape.prepare_cached(more)?.exists([id])? {
        return Ok(false);
    }
    tape.prepare_cached("DELETE FROM exchanges WHERE id = ?1")?.execute([id])?;
    budget.spend(EXCHANGE, 0);
    pruned.exchanges += 1;
    Ok(true)
}

/// The next exchange of the session that has them becomes the first user of these parts.
fn hand_on(tape: &Connection, from: i64, parts: &[i64], to: &Staying<'_>) -> Result<(), Error> {
    let mut wanted: HashSet<i64> = parts.iter().copied().collect();
    wanted.retain(|part| to.last.get(part).is_some_and(|last| *last > from));
    if wanted.is_empty() {
        return Ok(());
    }
    let mut insert =
        tape.prepare_cached("INSERT OR IGNORE INTO uses (part, exchange) VALUES (?1, ?2)")?;
    layout::walk(tape, to.session, from, |exchange, entries, response| {
        for part in parts_of(entries).chain(response) {
            if wanted.remove(&part) {
                insert.execute([part, exchange])?;
            }
        }
        Ok(if wanted.is_empty() { Walk::Stop } else { Walk::On })
    })
}

/// Takes a part away unless somebody uses it.
fn part(tape: &Connection, id: i64, budget: &mut Budget, pruned: &mut Pruned) -> Result<(), Error> {
    budget.spend(1, 0);
    let used = "SELECT 1 FROM uses WHERE part = ?1
         UNION ALL SELECT 1 FROM event_uses WHERE part = ?1 LIMIT 1";
    if tape.prepare_cached(used)?.exists([id])? {
        return Ok(());
    }
    let bytes: Option<i64> = tape
        .prepare_cached("SELECT length(data) FROM parts WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let Some(bytes) = bytes else { return Ok(()) };
    // Who remembers it must not build on it.
    tape.prepare_cached("UPDATE pruned SET generation = generation + 1, part = max(part, ?1)")?
        .execute([id])?;
    tape.prepare_cached("DELETE FROM parts WHERE id = ?1")?.execute([id])?;
    budget.spend(1, bytes);
    pruned.parts += 1;
    Ok(())
}

/// Rows with their lengths in bytes, as a query gives them.
pub(super) fn found(
    tape: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<(i64, i64)>, Error> {
    let mut select = tape.prepare_cached(sql)?;
    let rows = select.query_map(params, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Takes these events away, as far as the budget goes.
pub(super) fn events(
    tape: &Connection,
    found: &[(i64, i64)],
    budget: &mut Budget,
    pruned: &mut Pruned,
) -> Result<(), Error> {
    for (id, bytes) in found {
        if budget.is_spent() {
            break;
        }
        tape.prepare_cached("UPDATE pruned SET event = max(event, ?1)")?.execute([id])?;
        let parts: Vec<i64> = tape
            .prepare_cached("SELECT part FROM event_uses WHERE event = ?1")?
            .query_map([id], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        tape.prepare_cached("DELETE FROM events WHERE id = ?1")?.execute([id])?;
        budget.spend(1, *bytes);
        pruned.events += 1;
        for used in parts {
            part(tape, used, budget, pruned)?;
        }
    }
    Ok(())
}
