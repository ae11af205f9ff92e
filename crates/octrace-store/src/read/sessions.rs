//! Sessions: the list of them, one as a tree, and what a run recorded.

use std::collections::HashMap;

use octrace_core::{
    event::ToolFact,
    provider::Usage,
    session::{self, EventRecord, KnownTool, Recording, Session, Totals},
};
use rusqlite::{OptionalExtension, Params, Row, params};
use serde_json::Value;

use super::{Census, LAST_ID, RunSummary, SessionCursor, SessionRow};
use crate::{Error, Tape, conversation, event::Stored, part::PartReader};

impl Tape {
    /// All sessions, the one with the newest activity first.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn sessions(&self) -> Result<Vec<SessionRow>, Error> {
        self.rows("1 ORDER BY updated_us DESC, id DESC", params![])
    }

    /// The first sessions of [`Tape::sessions`], or those behind a cursor, and the cursor for the next ones; `None`
    /// when these are the last. A session that becomes active meanwhile moves to the begin.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn sessions_page(
        &self,
        after: Option<&SessionCursor>,
        limit: usize,
    ) -> Result<(Vec<SessionRow>, Option<SessionCursor>), Error> {
        let (updated_us, id) =
            after.map_or((i64::MAX, LAST_ID), |after| (after.updated_us, after.id.as_str()));
        let rows = self.rows(
            "(updated_us, id) < (?1, ?2) ORDER BY updated_us DESC, id DESC LIMIT ?3",
            params![updated_us, id, i64::try_from(limit).unwrap_or(i64::MAX)],
        )?;
        let last = rows.last().filter(|_| rows.len() >= limit);
        let next = last.map(|row| SessionCursor { updated_us: row.updated_us, id: row.id.clone() });
        Ok((rows, next))
    }

    /// These sessions as they are now, in any order; those that are gone are left out.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn sessions_of(&self, ids: &[String]) -> Result<Vec<SessionRow>, Error> {
        let ids = serde_json::to_string(ids).unwrap_or_default();
        self.rows("id IN (SELECT value FROM json_each(?1))", params![ids])
    }

    /// What tells whether a list of sessions lacks something.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn census(&self) -> Result<Census, Error> {
        let sql = "SELECT (SELECT count(*) FROM sessions), generation FROM pruned";
        let read = |row: &Row<'_>| {
            Ok(Census { sessions: row.get::<_, i64>(0)?.cast_unsigned(), prunings: row.get(1)? })
        };
        Ok(self.connection.prepare_cached(sql)?.query_row([], read)?)
    }

    /// The rows of the sessions that a condition is true for.
    fn rows(&self, condition: &str, params: impl Params) -> Result<Vec<SessionRow>, Error> {
        // Of one moment.
        let _moment = self.connection.unchecked_transaction()?;
        let sql = format!(
            "SELECT requests, errors, input_tokens, output_tokens, reasoning_tokens, cache_read_tokens,
                 cache_write_tokens, iif(priced > 0, cost_nanos / 1e9, NULL), id, parent, title, directory, created_us, updated_us, coalesce(open, 0) > 0 AS live,
                 coalesce(wire_bytes, 0) AS wire_bytes
             FROM sessions LEFT JOIN sums ON sums.session = sessions.id WHERE {condition}"
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let mut facets = self.connection.prepare_cached(
            "SELECT name, value FROM facets WHERE session = ?1 ORDER BY count DESC, value",
        )?;
        let mut found = Vec::new();
        let mut rows = select.query(params)?;
        while let Some(row) = rows.next()? {
            let title: Option<String> = row.get("title")?;
            let mut session = SessionRow {
                id: row.get("id")?,
                parent: row.get("parent")?,
                title: title.filter(|title| !session::is_placeholder_title(title)),
                directory: row.get("directory")?,
                created_us: row.get("created_us")?,
                updated_us: row.get("updated_us")?,
                live: row.get("live")?,
                totals: totals(row)?,
                wire_bytes: row.get::<_, i64>("wire_bytes")?.cast_unsigned(),
                ..SessionRow::default()
            };
            let mut facets = facets.query([&session.id])?;
            while let Some(facet) = facets.next()? {
                let value: String = facet.get(1)?;
                match facet.get::<_, String>(0)?.as_str() {
                    "model" => session.models.push(value),
                    "agent" => session.agents.push(value),
                    "status" => session.statuses.extend(value.parse::<u16>()),
                    "tool" => session.tools.push(value),
                    "failed tool" => session.failed_tools.push(value),
                    _ => {}
                }
            }
            found.push(session);
        }
        Ok(found)
    }

    /// One session with its sub-agents' sessions inside; `None` when there is none with this id.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is there but cannot be read.
    pub fn session(&self, id: &str) -> Result<Option<Session>, Error> {
        let known: Option<i64> = self
            .connection
            .prepare_cached("SELECT 1 FROM sessions WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        known.map(|_| session::build_tree(id, &mut |id| self.recording(id))).transpose()
    }

    fn recording(&self, id: &str) -> Result<Recording, Error> {
        let mut select = self
            .connection
            .prepare_cached("SELECT id FROM sessions WHERE parent = ?1 ORDER BY created_us, id")?;
        let children = select.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut known = self.known_tools(id)?;
        let (mut events, mut tools) = (Vec::new(), Vec::new());
        self.each_event_where(
            "session = ?1",
            params![id],
            |event, kind| match known.remove(&event) {
                Some(tool) => {
                    tools.push(tool);
                    false
                }
                None => session::is_told_by(kind),
            },
            |event| events.push(event),
        )?;
        Ok(Recording { events, tools, exchanges: self.exchanges(id)?, children })
    }

    /// The tool calls of a session whose rows say what a tree says of them, by the newest event of each: with what a tool
    /// gave, that has most of all bytes that a session's events have.
    fn known_tools(&self, session: &str) -> Result<HashMap<i64, KnownTool>, Error> {
        // In a row, an error and a tool's name are their begin.
        let sql = format!(
            "SELECT {}, event, part, message FROM tools
             WHERE session = ?1 AND event IS NOT NULL AND error IS NULL AND length(tool) < 100",
            conversation::CALL
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let known = select.query_map([session], |row| {
            let call = conversation::call(row)?;
            let (event, part, message) = (row.get(9)?, row.get(10)?, row.get(11)?);
            Ok((event, KnownTool { event, fact: ToolFact { part, message, call } }))
        })?;
        Ok(known.collect::<Result<_, _>>()?)
    }

    /// The events of a session, in the order they arrived. The body of one that cannot be read is null.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn events(&self, session: &str) -> Result<Vec<EventRecord>, Error> {
        let mut events = Vec::new();
        let every = |_, _: &str| true;
        self.each_event_where("session = ?1", params![session], every, |event| events.push(event))?;
        Ok(events)
    }

    /// The events that a condition is true for, likewise, one at a time. Those that are not `wanted` by their id and kind
    /// come without a body.
    pub(super) fn each_event_where(
        &self,
        condition: &str,
        params: impl Params,
        mut wanted: impl FnMut(i64, &str) -> bool,
        mut each: impl FnMut(EventRecord),
    ) -> Result<(), Error> {
        let mut parts = PartReader::new(&self.connection)?;
        let sql = format!(
            "SELECT id, at_us, kind, {} FROM events WHERE {condition} ORDER BY id",
            Stored::COLUMNS
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let mut rows = select.query(params)?;
        while let Some(row) = rows.next()? {
            let (id, kind): (i64, String) = (row.get(0)?, row.get(2)?);
            let mut body = Value::Null;
            if wanted(id, &kind) {
                // One that is damaged keeps its place and says nothing: the others are not its hostages.
                let stored = Stored::read(row)?.body(&mut parts).ok();
                body = stored.and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or(body);
            }
            each(EventRecord { id, at_us: row.get(1)?, kind, body });
        }
        Ok(())
    }

    /// The directories of the sessions that were recorded from the spool with this name.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn directories(&self, spool: &str) -> Result<Vec<String>, Error> {
        let mut select = self.connection.prepare_cached(
            "SELECT DISTINCT directory FROM sessions WHERE directory IS NOT NULL AND id IN (
                 SELECT session FROM events WHERE spool = (SELECT id FROM spools WHERE name = ?1))",
        )?;
        Ok(select.query_map([spool], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// What was recorded under the id of an `octrace run`.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn run_summary(&self, run: &str) -> Result<RunSummary, Error> {
        let sums = "SELECT sum(requests), sum(errors), sum(input_tokens), sum(output_tokens),
                 sum(reasoning_tokens), sum(cache_read_tokens), sum(cache_write_tokens),
                 iif(sum(priced) > 0, sum(cost_nanos) / 1e9, NULL)
             FROM exchange_sums WHERE id IN (
                 SELECT id FROM exchanges WHERE spool IN (SELECT id FROM spools WHERE run = ?1))";
        let totals = self.connection.prepare_cached(sums)?.query_row([run], totals)?;
        let count = "SELECT count(*) FROM spools WHERE run = ?1";
        let processes: i64 =
            self.connection.prepare_cached(count)?.query_row([run], |row| row.get(0))?;
        let mut select = self.connection.prepare_cached(
            "SELECT id FROM sessions WHERE parent IS NULL AND id IN (
                 SELECT session FROM exchanges WHERE spool IN (SELECT id FROM spools WHERE run = ?1)
                 UNION SELECT session FROM events WHERE spool IN (SELECT id FROM spools WHERE run = ?1))
             ORDER BY created_us, id",
        )?;
        let sessions = select.query_map([run], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(RunSummary { processes: processes.cast_unsigned(), sessions, totals })
    }
}

/// The sums in the first columns of a row: null where there is no exchange.
fn totals(row: &Row<'_>) -> rusqlite::Result<Totals> {
    let sum = |column: usize| {
        let sum: Option<i64> = row.get(column)?;
        Ok::<_, rusqlite::Error>(sum.unwrap_or_default().cast_unsigned())
    };
    Ok(Totals {
        requests: sum(0)?,
        errors: sum(1)?,
        usage: Usage {
            input: sum(2)?,
            output: sum(3)?,
            reasoning: sum(4)?,
            cache_read: sum(5)?,
            cache_write: sum(6)?,
        },
        cost_usd: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use octrace_core::{
        exchange::{Exchange, Outcome, RequestHead, ResponseHead},
        reading,
        redact::Redactor,
    };

    use super::*;
    use crate::sums;
    use crate::write::{Begin, Position, Progress, WriterFacts};

    /// Puts one exchange for each course of things on a new tape: every outcome, with and without a status
    /// and an error.
    fn tape_of_every_course(folder: &std::path::Path) -> Tape {
        let mut tape = Tape::open(&folder.join("tape.db")).unwrap();
        let (spool, _) = tape.spool("1-a", 0).unwrap();
        let redactor = Redactor::new("");
        let outcomes = ["waiting", "streaming", "complete", "failed", "cut", "aborted"];
        let courses = outcomes.into_iter().flat_map(|outcome| {
            [None, Some(200), Some(399), Some(400), Some(503)].into_iter().flat_map(move |status| {
                [None, Some("it broke")].map(|error| (Outcome::parse(outcome), status, error))
            })
        });
        let mut batch = tape.begin().unwrap();
        for (number, (outcome, status, error)) in (1..).zip(courses) {
            let exchange = redactor.exchange(Exchange {
                number,
                outcome,
                request: RequestHead { session: "ses_1".to_owned(), ..RequestHead::default() },
                response: status.map(|status| ResponseHead { status, ..ResponseHead::default() }),
                error: error.map(str::to_owned),
                ..Exchange::default()
            });
            let asked = exchange.derive(reading::asked);
            let begin = Begin { at: Position::START, mono_us: 0 };
            let id = batch.exchange_begins(spool, begin, &exchange, &asked).unwrap();
            let ending = exchange.derive(reading::ending);
            let progress = Progress { outcome, ..Progress::default() };
            batch.exchange_ends(id, &exchange, &ending, &progress).unwrap();
        }
        batch.commit().unwrap();
        tape
    }

    #[test]
    fn the_tape_counts_errors_as_the_core_does() {
        let folder = tempfile::tempdir().unwrap();
        let tape = tape_of_every_course(folder.path());
        let mut expected = Totals::default();
        for exchange in tape.exchanges("ses_1").unwrap() {
            expected.add(&exchange);
        }
        assert_eq!((expected.requests, expected.errors > 0), (60, true));
        let [row] = &tape.sessions().unwrap()[..] else { panic!("one session") };
        assert_eq!(row.totals, expected);
        assert!(row.live);
        assert_eq!(tape.session("ses_1").unwrap().unwrap().totals(), expected);
    }

    #[test]
    fn whatever_happens_to_exchanges_the_sums_follow() {
        let folder = tempfile::tempdir().unwrap();
        let tape = tape_of_every_course(folder.path());
        for change in [
            "UPDATE exchanges SET input_tokens = id, cost_usd = id / 3.0, model = 'm' || (id % 3),
                 provider = iif(id % 2, 'p', NULL), agent = 'build', response_bytes = id * 7",
            "UPDATE exchanges SET cost_usd = 1e300, output_tokens = 9223372036854775807 WHERE id = 5",
            "UPDATE exchanges SET outcome = 'complete', status = 200, error = 'x' WHERE id % 4 = 0",
            "UPDATE exchanges SET session = session || '', chunks = 9, request_layout = NULL",
            "DELETE FROM exchanges WHERE id < 20",
            "UPDATE exchanges SET cost_usd = NULL WHERE id = 30",
        ] {
            tape.connection.execute(change, []).unwrap();
            assert_eq!(sums::wrong(&tape.connection).unwrap(), 0, "{change}");
        }
        let kept = tape.sessions().unwrap();
        assert_eq!((kept[0].models.len(), kept[0].agents.len()), (6, 1));
        assert_eq!((kept[0].statuses[0], kept[0].statuses.len()), (200, 4));
        sums::fill(&tape.connection).unwrap();
        assert_eq!(tape.sessions().unwrap(), kept);
        tape.connection.execute("UPDATE sums SET errors = errors + 1", []).unwrap();
        tape.connection.execute("DELETE FROM facets WHERE name = 'agent'", []).unwrap();
        assert_eq!(sums::wrong(&tape.connection).unwrap(), 2);
    }

    #[test]
    fn pages_hold_every_session_once_and_what_is_gone_is_in_none() {
        let folder = tempfile::tempdir().unwrap();
        let tape = tape_of_every_course(folder.path());
        for number in 2..=9 {
            // Several at the same time.
            let insert = "INSERT INTO sessions (id, created_us, updated_us) VALUES (?1, 0, ?2)";
            tape.connection.execute(insert, params![format!("ses_{number}"), number / 3]).unwrap();
        }
        let all = tape.sessions().unwrap();
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let (rows, next) = tape.sessions_page(after.as_ref(), 2).unwrap();
            paged.extend(rows);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged, all);
        let some = ["ses_3", "ses_none", "ses_1"].map(str::to_owned);
        let mut some: Vec<_> =
            tape.sessions_of(&some).unwrap().into_iter().map(|row| row.id).collect();
        some.sort();
        assert_eq!(some, ["ses_1", "ses_3"]);
    }

    #[test]
    fn a_run_is_known_by_its_processes_before_it_asks_a_model() {
        let folder = tempfile::tempdir().unwrap();
        let mut tape = Tape::open(&folder.path().join("tape.db")).unwrap();
        let redactor = Redactor::new("");
        for (name, run) in [("1-a", Some("run_1")), ("2-b", Some("run_1")), ("3-c", None)] {
            let (spool, _) = tape.spool(name, 0).unwrap();
            let text = |text: &str| redactor.text(text);
            let facts =
                WriterFacts { pid: 1, run: run.map(text), plugin: text("0.1.0"), cwd: text("/d") };
            let mut batch = tape.begin().unwrap();
            batch.writer(spool, &facts).unwrap();
            batch.commit().unwrap();
        }
        let summary = tape.run_summary("run_1").unwrap();
        assert_eq!((summary.processes, summary.totals.requests), (2, 0));
        assert_eq!(summary.sessions, [""; 0]);
        assert_eq!(tape.run_summary("run_2").unwrap(), RunSummary::default());
    }

    #[test]
    fn a_title_of_opencodes_own_is_none_yet() {
        let folder = tempfile::tempdir().unwrap();
        let tape = tape_of_every_course(folder.path());
        for (stored, title) in [
            ("New session - 2026-11-20T08:49:18.659Z", None),
            ("Child session - 2026-11-20T08:49:18.659Z", None),
            ("Fix the date test", Some("Fix the date test")),
        ] {
            tape.connection.execute("UPDATE sessions SET title = ?", [stored]).unwrap();
            let [row] = &tape.sessions().unwrap()[..] else { panic!("one session") };
            assert_eq!(row.title.as_deref(), title);
        }
    }
}
