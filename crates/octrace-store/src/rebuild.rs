//! Making again what is derived from recorded content.
//!
//! Recorded content is read, never changed. Each step is a short transaction of its own, so that recorders go on
//! meanwhile; what they have not ended is left to them. A step that looks before it writes takes the tape first:
//! else a recorder may write between the two, and SQLite refuses the step. A rebuild that was broken off goes on where it was. On a
//! tape that is whole, nothing changes.

use octrace_core::{
    event::{self, Event},
    exchange::{Exchange, Outcome, RequestHead, ResponseHead},
    reading,
};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params, params};
use serde::Serialize;

use crate::{
    Error, Tape, conversation,
    event::{Stored, note},
    facts::Source,
    part::PartReader,
    prune::{EVENT_STAYS, EXCHANGE_STAYS},
    sums,
    text::{self, State},
    turns, uses,
    verify::Stage,
};

/// How many rows a step takes.
const EVENTS: i64 = 500;
const EXCHANGES: i64 = 16;

/// What [`Tape::rebuild`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// Parts whose words are in the search index.
    pub parts: u64,
    /// Events that were read again.
    pub events: u64,
    /// Exchanges that were read again.
    pub exchanges: u64,
    /// Those of them whose row was not what it is now.
    pub changed: u64,
    /// Events and exchanges that could not be read, and were left as they are.
    pub unreadable: u64,
}

/// What one exchange says, by its bodies.
struct Reading {
    purpose: &'static str,
    model: Option<String>,
    ending: reading::Ending,
    problems: String,
}

impl Tape {
    /// Makes everything again that follows from what was recorded: the search index, what events say of sessions,
    /// messages, steps and calls, what bodies say of exchanges, and who uses which part. `tell` hears how far it is.
    ///
    /// # Errors
    /// When the tape cannot be read or written. What was done until then stays; calling it again goes on.
    pub fn rebuild(&mut self, tell: &mut dyn FnMut(Stage)) -> Result<Rebuilt, Error> {
        let mut rebuilt = Rebuilt::default();
        self.rebuild_indexes(tell)?;
        self.begin_rebuild()?;
        while self.rebuild_events(&mut rebuilt, tell)? {}
        turns::end_abandoned(&self.connection)?;
        self.rebuild_uses(tell)?;
        self.rebuild_state_uses(tell)?;
        while self.rebuild_exchanges(&mut rebuilt, tell)? {}
        while self.index_step()? {
            let left = "SELECT count(*) FROM unindexed";
            let left: i64 = self.connection.query_row(left, [], |row| row.get(0))?;
            let done = self.indexed()?;
            tell(Stage { what: "search index", done, of: done + left.cast_unsigned() });
        }
        rebuilt.parts = self.indexed()?;
        self.connection.execute(
            "DELETE FROM derived WHERE what LIKE 'rebuild %' OR what = ?1",
            [conversation::WHAT],
        )?;
        Ok(rebuilt)
    }

    /// How many parts the search index has.
    fn indexed(&self) -> Result<u64, Error> {
        let parts = "SELECT count(*) FROM part_words_docsize";
        let parts: i64 = self.connection.query_row(parts, [], |row| row.get(0))?;
        Ok(parts.cast_unsigned())
    }

    /// SQLite's own indexes, a table at a time.
    fn rebuild_indexes(&self, tell: &mut dyn FnMut(Stage)) -> Result<(), Error> {
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'
             AND name NOT LIKE 'part_words%' AND name NOT LIKE 'sqlite_%'";
        let mut select = self.connection.prepare(tables)?;
        let tables = select.query_map([], |row| row.get(0))?;
        for table in tables.collect::<Result<Vec<String>, _>>()? {
            tell(Stage { what: "indexes", done: 0, of: 0 });
            self.connection.execute_batch(&format!("REINDEX \"{table}\""))?;
        }
        Ok(())
    }

    /// Begins with nothing done, unless some of it is.
    fn begin_rebuild(&mut self) -> Result<(), Error> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let goes_on = tx.prepare("SELECT 1 FROM derived WHERE what LIKE 'rebuild %'")?.exists([])?;
        if !goes_on {
            tx.execute_batch(
                "INSERT INTO part_words (part_words) VALUES ('delete-all');
                 INSERT OR REPLACE INTO derived (what, upto)
                 VALUES ('rebuild events', 0), ('rebuild exchanges', 0);
                 DELETE FROM uses WHERE exchange NOT IN (SELECT id FROM exchanges)
                     OR part NOT IN (SELECT id FROM parts);
                 DELETE FROM event_uses WHERE event NOT IN (SELECT id FROM event_rows)
                     OR part NOT IN (SELECT id FROM parts);
                 DELETE FROM state_uses WHERE state NOT IN (SELECT id FROM file_states)
                     OR part NOT IN (SELECT id FROM parts);
                 DELETE FROM turns WHERE began NOT IN (SELECT id FROM event_rows);
                 DELETE FROM unindexed;
                 INSERT INTO unindexed SELECT DISTINCT part FROM uses;",
            )?;
            rebuild_journal(&tx)?;
            sums::fill(&tx)?;
        }
        Ok(tx.commit()?)
    }

    /// What some events say; whether there are more.
    fn rebuild_events(
        &mut self,
        rebuilt: &mut Rebuilt,
        tell: &mut dyn FnMut(Stage),
    ) -> Result<bool, Error> {
        const WHAT: &str = "rebuild events";
        let mut batch = self.begin()?;
        // In the transaction that they are written in: what is pruned meanwhile must not come back.
        let tx = batch.tx()?;
        let (events, upto) = events(tx, upto(tx, WHAT)?, rebuilt)?;
        let Some(upto) = upto else { return Ok(false) };
        for seen in events {
            batch.facts(seen.source, &seen.event)?;
            // What it ends was queued when that happened, or is older than the queue.
            batch.turn(seen.source, &seen.event)?;
            note(batch.tx()?, seen.source.event, seen.parts)?;
        }
        batch.derived(WHAT, upto)?;
        batch.commit()?;
        tell(self.stage("events", WHAT)?);
        Ok(true)
    }

    /// Which exchange used which part first, session by session.
    fn rebuild_uses(&mut self, tell: &mut dyn FnMut(Stage)) -> Result<(), Error> {
        let mut select = self.connection.prepare("SELECT DISTINCT session FROM exchanges")?;
        let sessions = select.query_map([], |row| row.get(0))?;
        let sessions: Vec<String> = sessions.collect::<Result<_, _>>()?;
        drop(select);
        for (done, session) in (1..).zip(&sessions) {
            let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            uses::fill_session(&tx, session)?;
            tx.commit()?;
            tell(Stage { what: "sessions", done, of: sessions.len() as u64 });
        }
        Ok(())
    }

    /// Which file's state has which part, a few states at a time.
    fn rebuild_state_uses(&mut self, tell: &mut dyn FnMut(Stage)) -> Result<(), Error> {
        let mut from = 0;
        loop {
            let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let ids = "SELECT id FROM file_states WHERE id > ?1 ORDER BY id LIMIT ?2";
            let ids: Vec<i64> = tx
                .prepare_cached(ids)?
                .query_map([from, EXCHANGES], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let Some(last) = ids.last().copied() else { return Ok(()) };
            for id in ids {
                let parts = State::read(&tx, id)?.and_then(|state| state.parts().ok());
                text::note(&tx, id, parts.unwrap_or_default())?;
            }
            tx.commit()?;
            from = last;
            tell(Stage { what: "files", done: last.cast_unsigned(), of: 0 });
        }
    }

    /// What the bodies of some exchanges say; whether there are more.
    fn rebuild_exchanges(
        &mut self,
        rebuilt: &mut Rebuilt,
        tell: &mut dyn FnMut(Stage),
    ) -> Result<bool, Error> {
        const WHAT: &str = "rebuild exchanges";
        let sql = format!(
            "SELECT id FROM exchanges WHERE id > ?1 AND {EXCHANGE_STAYS} ORDER BY id LIMIT ?2"
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let ids = select
            .query_map(params![upto(&self.connection, WHAT)?, EXCHANGES], |row| row.get(0))?;
        let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
        drop(select);
        let Some(last) = ids.last().copied() else { return Ok(false) };
        let mut readings = Vec::new();
        for id in ids {
            match self.reading(id) {
                Ok(Some(reading)) => readings.push((id, reading)),
                Ok(None) => {}
                Err(error) if error.is_damage() => rebuilt.unreadable += 1,
                Err(error) => return Err(error),
            }
        }
        rebuilt.exchanges += readings.len() as u64;
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (id, reading) in &readings {
            rebuilt.changed += write(&tx, *id, reading)?;
        }
        tx.execute("UPDATE derived SET upto = ?2 WHERE what = ?1", params![WHAT, last])?;
        tx.commit()?;
        tell(self.stage("exchanges", WHAT)?);
        Ok(true)
    }

    /// What the exchange says; `None` for one that has not ended, or is gone.
    fn reading(&self, id: i64) -> Result<Option<Reading>, Error> {
        let Some(detail) = self.exchange(id)? else { return Ok(None) };
        let row = detail.summary;
        if row.outcome.is_open() {
            return Ok(None);
        }
        let price =
            "SELECT name FROM exchanges JOIN names ON names.id = price WHERE exchanges.id = ?1";
        let price = self.connection.prepare_cached(price)?.query_row([id], |row| row.get(0));
        let exchange = Exchange {
            dialect: row.dialect,
            request: RequestHead {
                agent: row.agent,
                model: row.model,
                price: price.optional()?,
                ..RequestHead::default()
            },
            request_body: detail.request_body,
            request_cut: detail.request_cut,
            response: row.status.map(|status| ResponseHead {
                status,
                headers: detail.response_headers,
                ..ResponseHead::default()
            }),
            response_body: detail.response_body,
            response_cut: detail.response_cut,
            outcome: row.outcome,
            // That of the transport is recorded nowhere else.
            error: row.error.filter(|_| row.outcome != Outcome::Complete),
            ..Exchange::default()
        };
        let asked = reading::asked(&exchange);
        let mut ending = reading::ending(&exchange);
        let problems = [asked.problems, std::mem::take(&mut ending.problems)].concat();
        let problems = serde_json::to_string(&problems).unwrap_or_else(|_| "[]".to_owned());
        let model = asked.model.or_else(|| ending.model.take());
        Ok(Some(Reading { purpose: asked.purpose.as_str(), model, ending, problems }))
    }

    /// How far `what` is with the rows of a table.
    fn stage(&self, table: &'static str, what: &str) -> Result<Stage, Error> {
        let newest =
            format!("SELECT coalesce((SELECT id FROM {table} ORDER BY id DESC LIMIT 1), 0)");
        let newest: i64 = self.connection.query_row(&newest, [], |row| row.get(0))?;
        let done = upto(&self.connection, what)?.cast_unsigned();
        Ok(Stage { what: table, done, of: newest.cast_unsigned() })
    }
}

/// What the journal lacks, in the order of the times, as on a tape from before there was one. Files that lacked nothing
/// do not get those lines a second time.
fn rebuild_journal(tape: &Connection) -> Result<(), Error> {
    let written = tape.execute(
        &format!(
            "INSERT INTO journal (exchange, step)
             SELECT id, step FROM (
                 SELECT id, 'begin' AS step, sent_us AS at_us FROM exchanges
                 WHERE {EXCHANGE_STAYS}
                 UNION ALL
                 SELECT id, 'end', sent_us + coalesce(end_after_us, 0) FROM exchanges
                 WHERE outcome NOT IN ('waiting', 'streaming') AND {EXCHANGE_STAYS}
             ) AS missing
             WHERE NOT EXISTS (SELECT 1 FROM journal
                 WHERE journal.exchange = missing.id AND journal.step = missing.step)
             ORDER BY at_us, id, step"
        ),
        [],
    )?;
    if written > 0 {
        let newest = "SELECT max(seq) FROM journal";
        let sql = format!("UPDATE files SET seq = ({newest}), due = ({newest}) WHERE due <= seq");
        tape.execute(&sql, [])?;
    }
    Ok(())
}

fn upto(tape: &Connection, what: &str) -> Result<i64, Error> {
    let upto = "SELECT upto FROM derived WHERE what = ?1";
    Ok(tape.prepare_cached(upto)?.query_row([what], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// An event that was read again.
struct Seen {
    source: Source,
    event: Event,
    parts: Vec<i64>,
}

/// Some events after `from`, and the last row that was looked at.
fn events(
    tape: &Connection,
    from: i64,
    rebuilt: &mut Rebuilt,
) -> Result<(Vec<Seen>, Option<i64>), Error> {
    let sql = format!(
        "SELECT id, session, at_us, kind, spool, {} FROM events
         WHERE id > ?1 AND {EVENT_STAYS} ORDER BY id LIMIT ?2",
        Stored::COLUMNS
    );
    let mut select = tape.prepare_cached(&sql)?;
    let mut reader = PartReader::new(tape)?;
    let mut events = Vec::new();
    let mut upto = None;
    let mut rows = select.query([from, EVENTS])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        upto = Some(id);
        let stored = Stored::read(row)?;
        let body = stored.body(&mut reader).and_then(|body| Ok((body, stored.parts()?)));
        let body = body.ok().and_then(|(body, parts)| Some((String::from_utf8(body).ok()?, parts)));
        let Some((body, parts)) = body else {
            rebuilt.unreadable += 1;
            continue;
        };
        rebuilt.events += 1;
        let kind: String = row.get(3)?;
        let fact = event::read_fact(&kind, &body);
        let event = Event { kind, session: row.get(1)?, body, fact };
        let source = Source { event: id, spool: row.get(4)?, at_us: row.get(2)? };
        events.push(Seen { source, event, parts });
    }
    Ok((events, upto))
}

/// Puts down what an exchange says, unless that is there; how many rows changed.
fn write(tape: &Connection, id: i64, reading: &Reading) -> Result<u64, Error> {
    let Reading { purpose, model, ending, problems } = reading;
    let usage = ending.usage.as_ref();
    let tokens = |count: fn(&octrace_core::provider::Usage) -> u64| {
        usage.map(|usage| i64::try_from(count(usage)).unwrap_or(i64::MAX))
    };
    let changed = tape
        .prepare_cached(
            "UPDATE exchanges SET (purpose, model, finish, error, input_tokens, output_tokens,
                 reasoning_tokens, cache_read_tokens, cache_write_tokens, cost_usd, problems)
               = (:purpose, :model, :finish, coalesce(:error, error), :input, :output,
                 :reasoning, :read, :write, :cost, :problems)
             WHERE id = :id AND outcome NOT IN ('waiting', 'streaming')
               AND (purpose, model, finish, error, input_tokens, output_tokens,
                 reasoning_tokens, cache_read_tokens, cache_write_tokens, cost_usd, problems)
               IS NOT (:purpose, :model, :finish, coalesce(:error, error), :input, :output,
                 :reasoning, :read, :write, :cost, :problems)",
        )?
        .execute(named_params! {
            ":id": id, ":purpose": purpose, ":model": model, ":finish": ending.finish,
            ":error": ending.error, ":input": tokens(|u| u.input), ":output": tokens(|u| u.output),
            ":reasoning": tokens(|u| u.reasoning), ":read": tokens(|u| u.cache_read),
            ":write": tokens(|u| u.cache_write), ":cost": ending.cost_usd, ":problems": problems,
        })?;
    Ok(changed as u64)
}
