//! Uses: which exchange used which part first in its session.
//!
//! A row is written with what needs it, in the same transaction. For every part of an exchange there is a row of
//! this exchange or of an earlier one of its session, so that taking exchanges away from the newest on never takes
//! a part from one that stays.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::{
    Error,
    body::Entry,
    layout::{self, Walk},
};

/// How many sessions a writer remembers the parts of.
const REMEMBERED: usize = 64;

/// The writer's side: what is known to be used.
#[derive(Default)]
pub(crate) struct Uses {
    sessions: HashMap<String, HashMap<i64, i64>>,
}

impl Uses {
    /// The exchange has these parts.
    pub(crate) fn note(
        &mut self,
        tape: &Connection,
        session: &str,
        exchange: i64,
        parts: impl IntoIterator<Item = i64>,
    ) -> Result<(), Error> {
        let known = match self.sessions.get_mut(session) {
            Some(known) => known,
            None => {
                if self.sessions.len() >= REMEMBERED {
                    self.sessions.clear();
                }
                let known = of_session(tape, session)?;
                self.sessions.entry(session.to_owned()).or_insert(known)
            }
        };
        let mut insert =
            tape.prepare_cached("INSERT OR IGNORE INTO uses (part, exchange) VALUES (?1, ?2)")?;
        for part in parts {
            // An answer may come after that to a later request: then the earlier one is the first, too.
            if known.get(&part).is_none_or(|first| *first > exchange) {
                insert.execute(params![part, exchange])?;
                known.insert(part, exchange);
            }
        }
        Ok(())
    }
}

/// Each part that the session uses, and the exchange that did first, but for what is being pruned.
fn of_session(tape: &Connection, session: &str) -> Result<HashMap<i64, i64>, Error> {
    let mut select = tape.prepare_cached(
        "SELECT part, min(exchange) FROM uses
         WHERE exchange IN (SELECT id FROM exchanges WHERE session = ?1
             AND id > coalesce((SELECT exchange FROM doomed WHERE session = ?1), 0))
         GROUP BY part",
    )?;
    let rows = select.query_map([session], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The parts that these entries are made of, with repetitions.
pub(crate) fn parts_of(entries: &[Entry]) -> impl Iterator<Item = i64> {
    entries.iter().flat_map(|entry| {
        [entry.part].into_iter().chain(entry.insertions.iter().map(|insertion| insertion.part))
    })
}

/// Notes the uses of everything on a tape that was written before there was a table of them. What cannot be read
/// is passed over, as nobody can say what it used.
pub(crate) fn fill(tape: &Connection) -> Result<(), Error> {
    let mut select = tape.prepare("SELECT DISTINCT session FROM exchanges")?;
    let sessions: Vec<String> =
        select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    sessions.iter().try_for_each(|session| fill_session(tape, session))
}

/// The same for one session.
pub(crate) fn fill_session(tape: &Connection, session: &str) -> Result<(), Error> {
    let mut uses = Uses::default();
    layout::walk(tape, session, 0, |exchange, entries, response| {
        uses.note(tape, session, exchange, parts_of(entries).chain(response))?;
        Ok(Walk::On)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use octrace_core::{
        exchange::{Exchange, Outcome, RequestHead},
        reading,
        redact::Redactor,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Begin, ExchangeId, Position, Progress, Tape,
        body::sample::{Session, Shape},
    };

    fn exchange(number: u32, session: &str, request: &str, response: &str) -> Exchange {
        let request_head = RequestHead { session: session.to_owned(), ..RequestHead::default() };
        Exchange {
            number,
            request: request_head,
            request_body: request.into(),
            response_body: response.into(),
            outcome: Outcome::Complete,
            ..Exchange::default()
        }
    }

    fn begin(tape: &mut Tape, spool: &str, exchange: &Exchange) -> ExchangeId {
        let (spool, _) = tape.spool(spool, 0).unwrap();
        let clean = Redactor::new("").exchange(exchange.clone());
        let asked = clean.derive(reading::asked);
        let begin = Begin { at: Position::START, mono_us: 0 };
        let mut batch = tape.begin().unwrap();
        let id = batch.exchange_begins(spool, begin, &clean, &asked).unwrap();
        batch.commit().unwrap();
        id
    }

    fn end(tape: &mut Tape, id: ExchangeId, exchange: &Exchange) {
        let clean = Redactor::new("").exchange(exchange.clone());
        let ending = clean.derive(reading::ending);
        let progress = Progress { outcome: Outcome::Complete, ..Progress::default() };
        let mut batch = tape.begin().unwrap();
        batch.exchange_ends(id, &clean, &ending, &progress).unwrap();
        batch.commit().unwrap();
    }

    fn rows(tape: &Tape) -> BTreeSet<(i64, i64)> {
        let mut select = tape.connection.prepare("SELECT part, exchange FROM uses").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// The first user of each part in each session, from the bodies themselves.
    fn first_users(tape: &Tape) -> BTreeSet<(i64, i64)> {
        let mut first: BTreeMap<(String, i64), i64> = BTreeMap::new();
        let mut select = tape
            .connection
            .prepare("SELECT id, session, response_part FROM exchanges ORDER BY id")
            .unwrap();
        let mut rows = select.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (id, session): (i64, String) = (row.get(0).unwrap(), row.get(1).unwrap());
            let entries = layout::read(&tape.connection, id).unwrap();
            let response: Option<i64> = row.get(2).unwrap();
            for part in parts_of(&entries).chain(response) {
                first.entry((session.clone(), part)).or_insert(id);
            }
        }
        first.into_iter().map(|((_, part), exchange)| (part, exchange)).collect()
    }

    #[test]
    fn an_answer_that_comes_late_is_used_by_both_who_got_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut tape = Tape::open(&folder.path().join("tape.db")).unwrap();
        let [one, two] = [1, 2].map(|n| exchange(n, "ses_1", &format!("ask {n}"), "overloaded"));
        let [first, second] = [&one, &two].map(|exchange| begin(&mut tape, "1-a", exchange));
        end(&mut tape, second, &two);
        end(&mut tape, first, &one);
        let part: i64 = tape
            .connection
            .query_row("SELECT response_part FROM exchanges LIMIT 1", [], |row| row.get(0))
            .unwrap();
        assert!(rows(&tape).contains(&(part, first.0)), "deleting the second one leaves it");
    }

    /// `cargo test -p octrace-store uses_in_figures -- --ignored --nocapture`
    #[test]
    #[ignore = "prints figures"]
    fn uses_in_figures() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.db");
        let mut tape = Tape::open(&path).unwrap();
        let mut session = Session::new(Shape::Anthropic, 5_300);
        let mut wire = 0;
        for number in 1..=200 {
            let body = session.next_body();
            wire += body.len();
            let exchange = exchange(number, "ses_1", &body, &format!("answer {number}"));
            let id = begin(&mut tape, "1-a", &exchange);
            end(&mut tape, id, &exchange);
        }
        let figure =
            |sql: &str| -> i64 { tape.connection.query_row(sql, [], |row| row.get(0)).unwrap() };
        tape.connection.execute_batch("VACUUM").unwrap();
        let (rows, before) = (rows(&tape).len(), figure("PRAGMA page_count"));
        tape.connection.execute_batch("DROP TABLE uses; VACUUM").unwrap();
        let after = figure("PRAGMA page_count");
        println!(
            "{rows} uses take {} bytes; the tape {} of {wire}",
            (before - after) * 4096,
            before * 4096
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Two writers, each with a memory of its own, on sessions that they share; then the same from the
        /// bodies, as a tape of the first version is brought forward.
        #[test]
        fn the_first_user_of_every_part_has_its_row(
            asked in prop::collection::vec((0..2_usize, 0..2_u8, 0..6_u8, 0..3_u8), 1..30)
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("tape.db");
            let mut tapes = [Tape::open(&path).unwrap(), Tape::open(&path).unwrap()];
            for (number, (writer, session, messages, answer)) in (1..).zip(asked) {
                let list: Vec<String> = (0..=messages)
                    .map(|n| format!(r#"{{"role":"user","content":"message number {n}"}}"#))
                    .collect();
                let body = format!(r#"{{"messages":[{}]}}"#, list.join(","));
                let exchange =
                    exchange(number, &format!("ses_{session}"), &body, &format!("answer {answer}"));
                let tape = &mut tapes[writer];
                let id = begin(tape, &format!("{writer}-a"), &exchange);
                end(tape, id, &exchange);
            }
            let [tape, _] = &mut tapes;
            let expected = first_users(tape);
            prop_assert!(rows(tape).is_superset(&expected));
            tape.connection.execute("DELETE FROM uses", []).unwrap();
            fill(&tape.connection).unwrap();
            prop_assert_eq!(rows(tape), expected);
        }
    }
}
