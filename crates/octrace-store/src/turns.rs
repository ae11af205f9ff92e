//! Turns: from a user message until OpenCode is idle. What tracing backends are sent, so they are queued when they end.
//!
//! A recorder notes them with the event, in its transaction; a rebuild notes them again, which changes nothing and
//! queues nothing. Tapes from before there were any have no rows: [`crate::read`] finds such turns by their events.

use octrace_core::event::{Event, Fact, MessageFact};
use rusqlite::{Connection, OptionalExtension, Params, params};

use crate::{Batch, Error, SpoolId, delivery, facts::Source};

/// The first word of a message comes so soon after it was made; files that it names are read between the two, which
/// may take a while. What is older comes from elsewhere.
const FIRST_WORD_US: i64 = 10 * 60 * 1_000_000;

/// A session and its first message may come in either order, within this time.
const BEGIN_US: i64 = 5 * 1_000_000;

/// The user message that an event tells of, if it may begin a turn. `session_us` is when its session was made, where
/// that is known: a session that was forked from another has copies of that one's messages, which nobody answers.
pub(crate) fn prompt(
    event: &Event,
    at_us: i64,
    session_us: impl FnOnce(&str) -> Result<Option<i64>, Error>,
) -> Result<Option<&MessageFact>, Error> {
    let Some(Fact::Message(message)) = &event.fact else { return Ok(None) };
    if message.role != "user" {
        return Ok(None);
    }
    if let Some(created_us) = message.created_us {
        let session_us = session_us(&message.session)?.unwrap_or(i64::MIN);
        let is_copy = created_us < session_us.saturating_sub(BEGIN_US);
        if is_copy || created_us < at_us.saturating_sub(FIRST_WORD_US) {
            return Ok(None);
        }
    }
    Ok(Some(message))
}

/// When a session was made, µs since the Unix epoch.
pub(crate) fn created_us(tape: &Connection, session: &str) -> Result<Option<i64>, Error> {
    let created = "SELECT created_us FROM sessions WHERE id = ?1";
    Ok(tape.prepare_cached(created)?.query_row([session], |row| row.get(0)).optional()?)
}

/// A turn that ended: its session, and the user message that it answers.
type Ended = (String, String);

impl Batch<'_> {
    /// Notes whether an event begins a turn, or ends some; those that it ends, in the order of their begin.
    pub(crate) fn turn(&mut self, source: Source, event: &Event) -> Result<Vec<Ended>, Error> {
        let tx = self.tx()?;
        if let (Some(Fact::Idle), Some(session)) = (&event.fact, &event.session) {
            return end(
                tx,
                "WHERE spool = ?1 AND session = ?3 AND began <= ?2",
                params![source.spool, source.event, session],
            );
        }
        let known = |session: &str| created_us(tx, session);
        if let Some(message) = prompt(event, source.at_us, known)? {
            begin(tx, source, message)?;
        }
        Ok(Vec::new())
    }

    /// Those that are open in a spool that has ended: nobody will say of them that they are over.
    pub(crate) fn turns_end(&mut self, spool: SpoolId, now_us: i64) -> Result<(), Error> {
        let tx = self.tx()?;
        for (session, message) in end_all(tx, spool.0)? {
            delivery::queue_turn(tx, spool, &session, &message, now_us)?;
        }
        Ok(())
    }
}

/// Ends, without queueing anything, what a rebuild found open in spools that have ended.
pub(crate) fn end_abandoned(tape: &Connection) -> Result<(), Error> {
    let mut select = tape.prepare_cached(
        "SELECT DISTINCT spool FROM turns WHERE ended IS NULL
             AND spool NOT IN (SELECT id FROM spools WHERE ended_us IS NULL)",
    )?;
    let spools = select.query_map([], |row| row.get(0))?;
    for spool in spools.collect::<Result<Vec<i64>, _>>()? {
        end_all(tape, spool)?;
    }
    Ok(())
}

/// A turn begins, unless it is known. One before another that has ended is none: its begin was pruned, and this is a
/// late word about it.
fn begin(tape: &Connection, source: Source, message: &MessageFact) -> Result<(), Error> {
    tape.prepare_cached(
        "INSERT OR IGNORE INTO turns (session, message, spool, began, number)
         SELECT ?1, ?2, ?3, ?4, coalesce(
             (SELECT number + (SELECT count(*) FROM messages
                  WHERE session = ?1 AND id >= turns.message AND id < ?2)
              FROM turns WHERE session = ?1 AND message < ?2 ORDER BY message DESC LIMIT 1),
             (SELECT count(*) FROM messages WHERE session = ?1 AND id < ?2))
         WHERE NOT EXISTS (SELECT 1 FROM turns
             WHERE session = ?1 AND message > ?2 AND ended IS NOT NULL)",
    )?
    .execute(params![message.session, message.id, source.spool, source.event])?;
    Ok(())
}

/// Ends what is open in a spool, by the last that came from it.
fn end_all(tape: &Connection, spool: i64) -> Result<Vec<Ended>, Error> {
    let last = "SELECT coalesce(max(id), 0) FROM event_rows WHERE spool = ?1";
    let last: i64 = tape.prepare_cached(last)?.query_row([spool], |row| row.get(0))?;
    end(tape, "WHERE spool = ?1", params![spool, last])
}

/// Ends the open turns that a condition names; its parameter 2 is the event by which they end.
fn end(tape: &Connection, condition: &str, params: impl Params) -> Result<Vec<Ended>, Error> {
    // By the index of what is open: nearly all turns of a session have ended.
    let mut update = tape.prepare_cached(&format!(
        "UPDATE turns INDEXED BY turns_open SET ended = max(?2, began) {condition} AND ended IS NULL
         RETURNING began, session, message"
    ))?;
    let ended = update.query_map(params, |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    let mut ended: Vec<(i64, Ended)> = ended.collect::<Result<_, _>>()?;
    ended.sort();
    Ok(ended.into_iter().map(|(_, turn)| turn).collect())
}
