//! Whole sessions: doomed at one moment, after which nobody sees them, then swept away bit by bit by whoever comes
//! by, from the newest exchange back, so that none is ever based on one that is gone.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{
    Pruned,
    forest::Tree,
    forget::{self, Budget},
};
use crate::{Error, delivery, pack};

/// Makes the sessions of a tree vanish. `false`, and nothing is done, when one of them was active since.
pub(super) fn doom(tape: &mut Connection, tree: &Tree, pruned: &mut Pruned) -> Result<bool, Error> {
    let tx = tape.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (session, updated_us) in &tree.sessions {
        let now: Option<i64> = tx
            .prepare_cached("SELECT updated_us FROM sessions WHERE id = ?1")?
            .query_row([session], |row| row.get(0))
            .optional()?;
        if now != Some(*updated_us) {
            return Ok(false);
        }
        tx.prepare_cached(
            "INSERT INTO doomed (session, exchange, event, until_us) VALUES (?1,
                 coalesce((SELECT max(id) FROM exchanges WHERE session = ?1), 0),
                 coalesce((SELECT id FROM events WHERE session = ?1 ORDER BY id DESC LIMIT 1), 0), ?2)
             ON CONFLICT (session) DO UPDATE SET exchange = excluded.exchange,
                 event = excluded.event, until_us = excluded.until_us",
        )?
        .execute(params![session, updated_us])?;
        forget::place(&tx, session, *updated_us)?;
        tx.prepare_cached("DELETE FROM sessions WHERE id = ?1")?.execute([session])?;
    }
    // Who remembers these sessions' bodies must not build on them.
    tx.execute("UPDATE pruned SET generation = generation + 1", [])?;
    tx.commit()?;
    pruned.sessions += tree.sessions.len() as u64;
    Ok(true)
}

/// One transaction's worth of what is doomed, whoever doomed it; whether there was anything.
pub(super) fn step(tape: &mut Connection, pruned: &mut Pruned) -> Result<bool, Error> {
    let any = "SELECT 1 FROM doomed LIMIT 1";
    if !tape.prepare_cached(any)?.exists([])? {
        return Ok(false);
    }
    let tx = tape.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut budget = Budget::new();
    let mut swept = *pruned;
    while !budget.is_spent() && one(&tx, &mut budget, &mut swept)? {}
    tx.commit()?;
    *pruned = swept;
    Ok(true)
}

/// Some of a doomed session; whether there was one.
fn one(tx: &Transaction<'_>, budget: &mut Budget, pruned: &mut Pruned) -> Result<bool, Error> {
    let doomed = tx
        .prepare_cached("SELECT session, exchange, event, until_us FROM doomed LIMIT 1")?
        .query_row([], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
            ))
        })
        .optional()?;
    let Some((session, last_exchange, last_event, until_us)) = doomed else { return Ok(false) };
    let newest = tx
        .prepare_cached(
            "SELECT id FROM exchanges WHERE session = ?1 AND id <= ?2 ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![session, last_exchange], |row| row.get(0))
        .optional()?;
    if let Some(exchange) = newest {
        forget::exchange(tx, exchange, None, budget, pruned)?;
        return Ok(true);
    }
    let events = forget::found(
        tx,
        "SELECT id, size / 4 FROM events WHERE session = ?1 AND id <= ?2 ORDER BY id LIMIT 500",
        params![session, last_event],
    )?;
    if !events.is_empty() {
        forget::events(tx, &events, budget, pruned)?;
        return Ok(true);
    }
    let tools = tx
        .prepare_cached(
            "DELETE FROM tools WHERE id IN (
                 SELECT id FROM tools WHERE session = ?1 AND at_us <= ?2 LIMIT 500)",
        )?
        .execute(params![session, until_us])?;
    if tools > 0 {
        budget.spend(tools as i64, 0);
        return Ok(true);
    }
    let observations = forget::found(
        tx,
        "SELECT id, 0 FROM observations WHERE session = ?1 AND at_us <= ?2 LIMIT 500",
        params![session, until_us],
    )?;
    if !observations.is_empty() {
        forget::observations(tx, &observations, budget, pruned)?;
        return Ok(true);
    }
    budget.spend(forget::calls(tx, &session, until_us)?, 0);
    let messages = tx
        .prepare_cached(
            "DELETE FROM messages WHERE id IN (
                 SELECT id FROM messages WHERE session = ?1 AND created_us <= ?2 LIMIT 500)",
        )?
        .execute(params![session, until_us])?;
    budget.spend(messages as i64, 0);
    if messages == 0 {
        tx.prepare_cached("DELETE FROM doomed WHERE session = ?1")?.execute([session])?;
    }
    Ok(true)
}

/// One transaction's worth of what belongs to no session and is older than all of them, and of spools that have
/// ended and hold nothing; whether there was anything.
pub(super) fn rest(
    tape: &mut Connection,
    day_ago_us: i64,
    pruned: &mut Pruned,
) -> Result<bool, Error> {
    let tx = tape.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let oldest: Option<i64> =
        tx.query_row("SELECT min(created_us) FROM sessions", [], |row| row.get(0))?;
    let before_us = oldest.unwrap_or(day_ago_us).min(day_ago_us);
    // They lie in the order they came; the first that is young enough ends it.
    let events = forget::found(
        &tx,
        "SELECT id, size / 4 FROM event_rows WHERE session = 0 AND id < coalesce(
             (SELECT min(id) FROM event_rows WHERE session = 0 AND at_us >= ?1), 9e18)
         ORDER BY id LIMIT 500",
        [before_us],
    )?;
    let mut swept = *pruned;
    if !events.is_empty() {
        forget::events(&tx, &events, &mut Budget::new(), &mut swept)?;
    }
    // Not at once: a recorder that was killed before it deleted the spool's folder has to be told that all of
    // it is here.
    let spools: Vec<i64> = tx
        .prepare_cached(
            "SELECT id FROM spools WHERE ended_us < ?1
                 AND NOT EXISTS (SELECT 1 FROM exchanges WHERE spool = spools.id)
                 AND NOT EXISTS (SELECT 1 FROM event_rows WHERE spool = spools.id)
                 AND NOT EXISTS (SELECT 1 FROM observations WHERE spool = spools.id) LIMIT 100",
        )?
        .query_map([day_ago_us], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let letters = delivery::sweep(&tx, before_us)?;
    for spool in &spools {
        tx.prepare_cached("DELETE FROM spools WHERE id = ?1")?.execute([spool])?;
    }
    tx.commit()?;
    *pruned = swept;
    Ok(!events.is_empty() || !spools.is_empty() || letters)
}

/// The words that no request has any more, if requests went; writers look again for those they know.
pub(super) fn words(tape: &mut Connection, pruned: &Pruned) -> Result<(), Error> {
    if pruned.exchanges == 0 {
        return Ok(());
    }
    let tx = tape.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let gone = tx.execute(
        "DELETE FROM names WHERE what = 'word' AND id NOT IN (
             SELECT method FROM exchanges UNION SELECT url FROM exchanges
             UNION SELECT npm FROM exchanges WHERE npm IS NOT NULL
             UNION SELECT price FROM exchanges WHERE price IS NOT NULL)",
        [],
    )?;
    if gone > 0 {
        tx.execute("UPDATE pruned SET generation = generation + 1", [])?;
    }
    Ok(tx.commit()?)
}

/// Takes the next pack apart of which something went, so that nothing of that is left in it; whether there was one.
pub(super) fn pack(tape: &mut Connection, after: &mut i64) -> Result<bool, Error> {
    let Some(next) = pack::next_broken(tape, *after)? else { return Ok(false) };
    let tx = tape.transaction_with_behavior(TransactionBehavior::Immediate)?;
    pack::take_apart(&tx, next)?;
    tx.commit()?;
    *after = next;
    Ok(true)
}
