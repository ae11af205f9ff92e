//! One session that alone is too large: its oldest exchanges go, those that are based on one another together,
//! and the events and messages before what stays.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{
    Pruned,
    forget::{self, Budget, Staying},
};
use crate::{
    Error,
    layout::{self, Walk},
    uses::parts_of,
};

/// The sessions that lose their oldest exchanges, the oldest exchange of all of them first.
#[derive(Default)]
pub(super) struct Trim {
    /// Those with nothing left that may go.
    done: HashSet<String>,
    /// Whether some of those that go together are gone, and others are not.
    begun: bool,
    known: Option<Known>,
}

/// What is known of the session that is being trimmed.
struct Known {
    session: String,
    /// Up to this exchange.
    walked: i64,
    /// The last exchange that has each part.
    last: HashMap<i64, i64>,
}

impl Known {
    fn of(session: &str) -> Self {
        Self { session: session.to_owned(), walked: 0, last: HashMap::new() }
    }

    fn walk(&mut self, tape: &Connection) -> Result<(), Error> {
        let Self { session, walked, last } = self;
        let after = *walked;
        // Those that are under way get their answer yet: they have to be looked at again.
        let open: Option<i64> = tape
            .prepare_cached(
                "SELECT min(id) FROM exchanges
                 WHERE session = ?1 AND outcome IN ('waiting', 'streaming')",
            )?
            .query_row([session.as_str()], |row| row.get(0))?;
        layout::walk(tape, session, after, |exchange, entries, response| {
            *walked = exchange;
            for part in parts_of(entries).chain(response) {
                let known = last.entry(part).or_default();
                *known = exchange.max(*known);
            }
            Ok(Walk::On)
        })?;
        if let Some(open) = open {
            *walked = open.saturating_sub(1).min(*walked);
        }
        Ok(())
    }
}

impl Trim {
    /// Whether it could end here without leaving a gap.
    pub(super) fn is_even(&self) -> bool {
        !self.begun
    }

    /// One transaction's worth; whether anything is left that may go.
    pub(super) fn step(
        &mut self,
        tape: &mut Connection,
        day_ago_us: i64,
        pruned: &mut Pruned,
    ) -> Result<bool, Error> {
        let Some((oldest, session)) = self.oldest(tape)? else { return Ok(false) };
        if self.known.as_ref().is_none_or(|known| known.session != session) {
            // All but the newest of it is read before the tape is held.
            let mut known = Known::of(&session);
            known.walk(tape)?;
            self.known = Some(known);
        }
        let tx = tape.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let Some(group) = group(&tx, &session, oldest, day_ago_us)? else {
            self.begun = false;
            self.done.insert(session);
            return Ok(true);
        };
        let mut swept = *pruned;
        let mut budget = Budget::new();
        if let Some(known) = &mut self.known {
            known.walk(&tx)?;
            let staying = Staying { session: &session, last: &known.last };
            self.begun = false;
            for exchange in group {
                self.begun = budget.is_spent();
                if self.begun {
                    break;
                }
                forget::exchange(&tx, exchange, Some(&staying), &mut budget, &mut swept)?;
            }
        }
        if self.is_even() {
            before_the_rest(&tx, &session, &mut budget, &mut swept)?;
        }
        tx.commit()?;
        *pruned = swept;
        Ok(true)
    }

    /// The oldest exchange on the tape whose session is not done.
    fn oldest(&self, tape: &Connection) -> Result<Option<(i64, String)>, Error> {
        let mut select = tape.prepare_cached("SELECT id, session FROM exchanges ORDER BY id")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let session: String = row.get(1)?;
            if !self.done.contains(&session) {
                return Ok(Some((row.get(0)?, session)));
            }
        }
        Ok(None)
    }
}

/// The exchange and all that are based on it, the newest first; `None` when one of them is under way, or the
/// newest of its session. One that is under way for a day counts as given up.
fn group(
    tape: &Connection,
    session: &str,
    oldest: i64,
    day_ago_us: i64,
) -> Result<Option<Vec<i64>>, Error> {
    let mut select = tape.prepare_cached(
        "WITH RECURSIVE below (id) AS (
             VALUES (?1)
             UNION
             SELECT exchanges.id FROM exchanges JOIN below ON request_base = below.id)
         SELECT id, (outcome IN ('waiting', 'streaming') AND sent_us >= ?3)
             OR id = (SELECT max(id) FROM exchanges WHERE session = ?2)
         FROM exchanges WHERE id IN below ORDER BY id DESC",
    )?;
    let mut rows = select.query(params![oldest, session, day_ago_us])?;
    let mut group = Vec::new();
    while let Some(row) = rows.next()? {
        if row.get(1)? {
            return Ok(None);
        }
        group.push(row.get(0)?);
    }
    Ok(Some(group))
}

/// Takes away what the session said before the turn of the oldest exchange that is left.
fn before_the_rest(
    tape: &Connection,
    session: &str,
    budget: &mut Budget,
    pruned: &mut Pruned,
) -> Result<(), Error> {
    let begin_us: Option<i64> = tape
        .prepare_cached(
            "SELECT min(sent_us, coalesce(
                 (SELECT created_us FROM messages WHERE messages.id = message), sent_us))
             FROM exchanges WHERE session = ?1 ORDER BY id LIMIT 1",
        )?
        .query_row([session], |row| row.get(0))
        .optional()?;
    let Some(begin_us) = begin_us else { return Ok(()) };
    let found = forget::found(
        tape,
        "SELECT id, size / 4 FROM events WHERE session = ?1 AND id < coalesce(
             (SELECT id FROM events WHERE session = ?1 AND at_us >= ?2 ORDER BY id LIMIT 1), 9e18)
         ORDER BY id LIMIT 500",
        params![session, begin_us],
    )?;
    forget::events(tape, &found, budget, pruned)?;
    forget::place(tape, session, begin_us)?;
    let found = forget::found(
        tape,
        "SELECT id, 0 FROM observations WHERE session = ?1 AND at_us < ?2 ORDER BY at_us LIMIT 500",
        params![session, begin_us],
    )?;
    forget::observations(tape, &found, budget, pruned)?;
    forget::calls(tape, session, begin_us.saturating_sub(1))?;
    let tools = tape
        .prepare_cached(
            "DELETE FROM tools WHERE id IN (SELECT id FROM tools WHERE session = ?1 AND id < coalesce(
                 (SELECT id FROM tools WHERE session = ?1 AND at_us >= ?2 ORDER BY id LIMIT 1), 9e18)
             ORDER BY id LIMIT 500)",
        )?
        .execute(params![session, begin_us])?;
    if tools > 0 {
        // Who shows them has to look again.
        tape.execute("UPDATE pruned SET generation = generation + 1", [])?;
    }
    tape.prepare_cached(
        "DELETE FROM messages WHERE id IN (
             SELECT id FROM messages WHERE session = ?1 AND created_us < ?2 LIMIT 500)",
    )?
    .execute(params![session, begin_us])?;
    Ok(())
}
