//! Which exchanges are dumped as files, and which of these dumps are written.
//!
//! That an exchange is dumped is stored with its begin; its files' names before the first of them is made. So whoever
//! dies when, the next recorder knows what is due and writes the same files again, not others beside them.

use rusqlite::{TransactionBehavior, params};

use crate::{
    Batch, Error, ExchangeId, SpoolId, Tape,
    intercept::{self, Anomaly},
};

/// A dump that can be written: its exchange is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDump {
    /// The exchange.
    pub exchange: i64,
    /// Its session.
    pub session: String,
    /// What its files' names begin with, once that is fixed.
    pub name: Option<String>,
}

impl Batch<'_> {
    /// The exchange, which just began, is to be dumped.
    pub fn dump_is_due(&mut self, exchange: ExchangeId) -> Result<(), Error> {
        self.tx()?
            .prepare_cached(
                "INSERT OR REPLACE INTO dumps (exchange, spool, session)
                 SELECT id, spool, session FROM exchanges WHERE id = ?1",
            )?
            .execute([exchange.0])?;
        Ok(())
    }
}

impl Tape {
    /// The dumps of a spool that can be written, in the order in which their exchanges ended.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn due_dumps(&self, spool: SpoolId) -> Result<Vec<DueDump>, Error> {
        let mut select = self.connection.prepare_cached(
            "SELECT exchange, dumps.session, name FROM dumps JOIN journal USING (exchange)
             WHERE spool = ?1 AND state = 'due' AND step = 'end' ORDER BY seq",
        )?;
        let rows = select.query_map([spool.0], |row| {
            Ok(DueDump { exchange: row.get(0)?, session: row.get(1)?, name: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Fixes the name of a dump: `name` makes it from the first number in its session that is free here and above
    /// `highest`.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn name_dump(
        &mut self,
        dump: &DueDump,
        highest: u32,
        name: impl FnOnce(u32) -> String,
    ) -> Result<String, Error> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let taken: u32 = tx.query_row(
            "SELECT coalesce(max(number), 0) FROM dumps WHERE session = ?1",
            [&dump.session],
            |row| row.get(0),
        )?;
        let number = taken.max(highest).saturating_add(1);
        let name = name(number);
        tx.execute(
            "UPDATE dumps SET number = ?2, name = ?3 WHERE exchange = ?1",
            params![dump.exchange, number, name],
        )?;
        tx.commit()?;
        Ok(name)
    }

    /// A dump is done with: written, with `bytes` for its request and response, or given up. Counts it, once.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn dump_is_done(
        &mut self,
        spool: SpoolId,
        dump: &DueDump,
        bytes: Option<u64>,
        now_us: i64,
        anomalies: &[Anomaly],
    ) -> Result<(), Error> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let state = if bytes.is_some() { "written" } else { "failed" };
        let changed = tx.execute(
            "UPDATE dumps SET state = ?2 WHERE exchange = ?1 AND state = 'due'",
            params![dump.exchange, state],
        )?;
        if let Some(bytes) = bytes.filter(|_| changed > 0) {
            tx.execute(
                "UPDATE intercepts SET captures = captures + 1, total_bytes = total_bytes + ?2 WHERE spool = ?1",
                params![spool.0, i64::try_from(bytes).unwrap_or(i64::MAX)],
            )?;
        }
        if changed > 0 {
            intercept::note(&tx, spool, now_us, anomalies)?;
        }
        Ok(tx.commit()?)
    }

    /// The sessions that the spool with this name has anything of, newest first.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn sessions_of_spool(&self, name: &str) -> Result<Vec<String>, Error> {
        let mut select = self.connection.prepare_cached(
            "WITH found AS (
                 SELECT session, at_us FROM events WHERE spool = (SELECT id FROM spools WHERE name = ?1)
                 UNION ALL
                 SELECT session, sent_us FROM exchanges WHERE spool = (SELECT id FROM spools WHERE name = ?1))
             SELECT session FROM found WHERE session IS NOT NULL GROUP BY session ORDER BY max(at_us) DESC, session",
        )?;
        Ok(select.query_map([name], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use octrace_core::{
        exchange::{Exchange, Outcome, RequestHead},
        reading,
        redact::Redactor,
    };

    use super::*;
    use crate::{Begin, Position, Progress};

    fn begin(tape: &mut Tape, spool: SpoolId, number: u32, is_dumped: bool) -> ExchangeId {
        let request = RequestHead { session: "ses_1".into(), ..RequestHead::default() };
        let raw = Exchange { number, request, ..Exchange::default() };
        let clean = Redactor::new("").exchange(raw);
        let asked = clean.derive(reading::asked);
        let begin = Begin { at: Position::START, mono_us: 0 };
        let mut batch = tape.begin().unwrap();
        let id = batch.exchange_begins(spool, begin, &clean, &asked).unwrap();
        if is_dumped {
            batch.dump_is_due(id).unwrap();
        }
        batch.commit().unwrap();
        id
    }

    fn end(tape: &mut Tape, id: ExchangeId) {
        let progress = Progress { outcome: Outcome::Complete, ..Progress::default() };
        let mut batch = tape.begin().unwrap();
        batch.exchange_goes_on(id, None, &progress).unwrap();
        batch.commit().unwrap();
    }

    fn room() -> (tempfile::TempDir, Tape, SpoolId) {
        let folder = tempfile::tempdir().unwrap();
        let mut tape = Tape::open(&folder.path().join("tape.db")).unwrap();
        let (spool, _) = tape.spool("1-a", 0).unwrap();
        (folder, tape, spool)
    }

    #[test]
    fn a_dump_is_due_when_its_exchange_is_over_and_counts_once() {
        let (_folder, mut tape, spool) = room();
        assert_eq!(tape.intercept(spool).unwrap(), intercept::Intercept::default());
        let mut batch = tape.begin().unwrap();
        let session = Redactor::new("").text("ses_1");
        batch.intercept_typed(spool, Some(true), "t-1", &session).unwrap();
        batch.commit().unwrap();
        let first = begin(&mut tape, spool, 1, true);
        let second = begin(&mut tape, spool, 2, true);
        let third = begin(&mut tape, spool, 3, false);
        end(&mut tape, third);
        assert_eq!(tape.due_dumps(spool).unwrap(), []);
        end(&mut tape, second);
        end(&mut tape, first);
        let due = tape.due_dumps(spool).unwrap();
        let ids: Vec<_> = due.iter().map(|dump| dump.exchange).collect();
        assert_eq!(ids, [second.0, first.0]);

        let name = |number: u32| format!("{number:03}-x");
        assert_eq!(tape.name_dump(&due[0], 6, name).unwrap(), "007-x", "above what is there");
        assert_eq!(tape.name_dump(&due[1], 0, name).unwrap(), "008-x");
        let broken = Anomaly { phase: "capture/dump-write".into(), message: "full".into() };
        for _ in 0..2 {
            tape.dump_is_done(spool, &due[0], Some(100), 5, &[]).unwrap();
            tape.dump_is_done(spool, &due[1], None, 6, std::slice::from_ref(&broken)).unwrap();
        }
        assert_eq!(tape.due_dumps(spool).unwrap(), []);
        let now = tape.intercept(spool).unwrap();
        assert_eq!((now.captures, now.total_bytes, now.anomalies), (1, 100, 1));
        assert_eq!((now.latest, now.enabled, now.swept), (Some(broken), true, false));
    }

    #[test]
    fn each_process_stands_for_itself_and_the_last_word_holds() {
        let (_folder, mut tape, spool) = room();
        let (other, _) = tape.spool("2-a", 0).unwrap();
        let session = Redactor::new("").text("ses_1");
        let mut batch = tape.begin().unwrap();
        batch.intercept_set(spool, true, "c-1").unwrap();
        batch.intercept_typed(spool, None, "t-1", &session).unwrap();
        batch.commit().unwrap();
        tape.dumps_swept(spool, 9, &[]).unwrap();
        let now = tape.intercept(spool).unwrap();
        assert!(now.enabled && now.swept, "asking changes nothing");
        assert_eq!((now.token.as_str(), now.control.as_str()), ("t-1", "c-1"));
        assert!(!tape.intercept(other).unwrap().enabled);
        let mut batch = tape.begin().unwrap();
        batch.intercept_typed(spool, Some(false), "t-2", &session).unwrap();
        batch.commit().unwrap();
        assert!(!tape.intercept(spool).unwrap().enabled);
    }

    #[test]
    fn what_is_pruned_is_not_due_any_more_and_that_is_said() {
        let (_folder, mut tape, spool) = room();
        let id = begin(&mut tape, spool, 1, true);
        end(&mut tape, id);
        assert_eq!(tape.sessions_of_spool("1-a").unwrap(), ["ses_1"]);
        tape.connection.execute("DELETE FROM exchanges", []).unwrap();
        assert_eq!(tape.due_dumps(spool).unwrap(), []);
        let left: i64 =
            tape.connection.query_row("SELECT count(*) FROM dumps", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0);
        let anomaly = tape.intercept(spool).unwrap().latest.unwrap();
        assert_eq!(anomaly.phase, "capture/dump-write");
    }
}
