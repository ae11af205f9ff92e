//! Taking rows away, a bounded number at a time: nothing here holds the tape for longer than a few milliseconds, so
//! that recorders do not notice.

use std::collections::{BTreeSet, HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Params, params};

use super::Pruned;
use crate::{
    Error,
    layout::{self, Walk},
    pack::{self, Place},
    text::State,
    uses::parts_of,
};

/// How much one transaction may take away: rows, with large ones counted as several.
const BUDGET: i64 = 500;

/// A large row counts as one more for each of so many bytes, four pages of the tape.
const ROW_BYTES: i64 = 16 << 10;

/// What an exchange costs beside its parts: its own row and what hangs on it.
const EXCHANGE: i64 = 20;

/// What is left for this transaction.
pub(crate) struct Budget(i64);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(BUDGET)
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.0 <= 0
    }

    pub(crate) fn spend(&mut self, rows: i64, bytes: i64) {
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
         UNION ALL SELECT 1 FROM event_uses WHERE part = ?1
         UNION ALL SELECT 1 FROM state_uses WHERE part = ?1 LIMIT 1";
    if tape.prepare_cached(used)?.exists([id])? {
        return Ok(());
    }
    let bytes: Option<i64> = tape
        .prepare_cached(&format!(
            "SELECT {} FROM parts WHERE id = ?1",
            pack::bytes("parts", "data")
        ))?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let Some(bytes) = bytes else { return Ok(()) };
    // Who remembers it must not build on it.
    tape.prepare_cached("UPDATE pruned SET generation = generation + 1, part = max(part, ?1)")?
        .execute([id])?;
    let place: Option<i64> = tape
        .prepare_cached(
            "DELETE FROM parts WHERE id = ?1 RETURNING iif(typeof(data) = 'integer', data, NULL)",
        )?
        .query_row([id], |row| row.get(0))?;
    budget.spend(1, bytes);
    pruned.parts += 1;
    thin_out(tape, place, budget)
}

/// Something went that was in a pack: few that stay do not keep all of it.
fn thin_out(tape: &Connection, place: Option<i64>, budget: &mut Budget) -> Result<(), Error> {
    if let Some(place) = place {
        let taken_out = pack::thin_out(tape, Place(place))?;
        budget.spend(taken_out.items, taken_out.bytes);
    }
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
        let place: Option<Option<i64>> = tape
            .prepare_cached("DELETE FROM event_rows WHERE id = ?1 RETURNING iif(typeof(body) = 'integer', body, NULL)")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        thin_out(tape, place.flatten(), budget)?;
        budget.spend(1, *bytes);
        pruned.events += 1;
        for used in parts {
            part(tape, used, budget, pruned)?;
        }
    }
    Ok(())
}

/// Takes these observations away, as far as the budget goes, with what a file contained then and nobody else saw.
pub(super) fn observations(
    tape: &Connection,
    found: &[(i64, i64)],
    budget: &mut Budget,
    pruned: &mut Pruned,
) -> Result<(), Error> {
    for (id, _) in found {
        if budget.is_spent() {
            break;
        }
        let (file, seen): (i64, Option<i64>) = tape
            .prepare_cached("DELETE FROM observations WHERE id = ?1 RETURNING file, state")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        budget.spend(1, 0);
        if let Some(seen) = seen {
            state(tape, seen, budget, pruned)?;
        }
        tape.prepare_cached(
            "DELETE FROM traced_files WHERE id = ?1
                 AND NOT EXISTS (SELECT 1 FROM observations WHERE file = ?1)",
        )?
        .execute([file])?;
    }
    Ok(())
}

/// Takes what a file contained away, unless somebody saw it at another time. It goes at once, whatever the budget: no
/// file is larger than a few MiB.
fn state(
    tape: &Connection,
    id: i64,
    budget: &mut Budget,
    pruned: &mut Pruned,
) -> Result<(), Error> {
    let seen = "SELECT 1 FROM observations WHERE state = ?1 LIMIT 1";
    if tape.prepare_cached(seen)?.exists([id])? {
        return Ok(());
    }
    let Some(row) = State::read(tape, id)? else { return Ok(()) };
    let parts: BTreeSet<i64> = match row.parts() {
        Ok(parts) => parts.into_iter().collect(),
        // Its list is damaged: the slow way.
        Err(_) => tape
            .prepare_cached("SELECT part FROM state_uses WHERE state = ?1")?
            .query_map([id], |row| row.get(0))?
            .collect::<Result<_, _>>()?,
    };
    tape.prepare_cached("DELETE FROM file_states WHERE id = ?1")?.execute([id])?;
    budget.spend(1, 0);
    for used in parts {
        let end = "DELETE FROM state_uses WHERE part = ?1 AND state = ?2";
        tape.prepare_cached(end)?.execute([used, id])?;
        part(tape, used, budget, pruned)?;
    }
    Ok(())
}

/// Takes away what else there is of the calls and steps of a session before or at a time, and the records of them; how many rows.
pub(super) fn calls(tape: &Connection, session: &str, until_us: i64) -> Result<i64, Error> {
    let mut rows = 0;
    for sql in [
        "DELETE FROM call_times WHERE session = ?1 AND at_us <= ?2",
        "DELETE FROM revisions WHERE session = ?1 AND at_us <= ?2",
        "DELETE FROM agent_trace_records WHERE session = ?1 AND at_us <= ?2",
        "DELETE FROM steps WHERE session = ?1 AND coalesce(started_us, ended_us) <= ?2",
    ] {
        rows += tape.prepare_cached(sql)?.execute(params![session, until_us])? as i64;
    }
    Ok(rows)
}

/// Nobody can say any more what was at work where this session works, from its begin until then.
pub(super) fn place(tape: &Connection, session: &str, until_us: i64) -> Result<(), Error> {
    tape.prepare_cached(
        "INSERT INTO pruned_places (directory, from_us, until_us)
         SELECT coalesce(directory, ''), min(created_us, ?2), ?2 FROM sessions WHERE id = ?1
         ON CONFLICT (directory) DO UPDATE SET from_us = min(from_us, excluded.from_us),
             until_us = max(until_us, excluded.until_us)",
    )?
    .execute(params![session, until_us])?;
    Ok(())
}
