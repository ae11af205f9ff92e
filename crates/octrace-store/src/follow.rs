//! What follows the tape: the journal, which says in what order things came onto it, and the files that are
//! written along with it.
//!
//! The journal is kept by the tape itself (by triggers, see `schema/tape.sql`), so that a file which is written while the
//! session goes on and one that is made of it later have the same lines in the same order.

use std::path::PathBuf;

use rusqlite::{Row, params};

use crate::{Batch, Error, ExchangeId, SpoolId, Tape};

/// What happened to an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its request was sent.
    Begin,
    /// It is over, well or badly.
    End,
}

/// An entry of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the order; grows, with gaps.
    pub seq: i64,
    /// Whose it is.
    pub exchange: i64,
    /// What happened.
    pub step: Step,
}

/// A file that follows the tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFile {
    /// Its row.
    pub id: i64,
    /// Where it is.
    pub folder: PathBuf,
    /// Whose it is.
    pub session: String,
    /// Once it has one.
    pub name: Option<String>,
    /// The journal's entries up to this one are in it.
    pub seq: i64,
    /// The bytes that it had then.
    pub size: u64,
    /// Why the last try to write it failed.
    pub error: Option<String>,
}

impl Batch<'_> {
    /// The exchange goes to its session's file in this folder as well, by the settings of the process that it
    /// came from. To be said in the transaction in which it begins.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn exchange_goes_to(&mut self, id: ExchangeId, folder: &str) -> Result<(), Error> {
        let tx = self.tx()?;
        tx.prepare_cached(
            "INSERT INTO files (folder, session) SELECT ?2, session FROM exchanges WHERE id = ?1
             ON CONFLICT (folder, session) DO NOTHING",
        )?
        .execute(params![id.0, folder])?;
        tx.prepare_cached(
            "UPDATE exchanges SET file = (SELECT id FROM files
                 WHERE folder = ?2 AND session = exchanges.session) WHERE id = ?1",
        )?
        .execute(params![id.0, folder])?;
        Ok(())
    }
}

impl Tape {
    /// A session's journal.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn journal(&self, session: &str) -> Result<Vec<Entry>, Error> {
        let mut select = self.connection.prepare_cached(
            "SELECT seq, exchange, step FROM exchanges JOIN journal ON exchange = exchanges.id
             WHERE session = ?1 ORDER BY seq",
        )?;
        Ok(select.query_map([session], entry)?.collect::<Result<_, _>>()?)
    }

    /// What belongs into a file, of the journal after `seq`.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn journal_of(&self, file: &LiveFile, seq: i64) -> Result<Vec<Entry>, Error> {
        let mut select = self.connection.prepare_cached(
            // What belongs into a file that is new begins late in the journal.
            "SELECT seq, exchange, step FROM journal WHERE seq > ?1
                 AND seq >= coalesce((SELECT min(seq) FROM journal WHERE exchange =
                     (SELECT min(id) FROM exchanges WHERE file = ?2)), 9e18)
                 AND (SELECT file FROM exchanges WHERE id = exchange) = ?2 ORDER BY seq",
        )?;
        let rows = select.query_map(params![seq, file.id], entry)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The files that lack something: all of them, or those to which a spool's exchanges go.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn files_behind(&self, spool: Option<SpoolId>) -> Result<Vec<LiveFile>, Error> {
        let mut select = self.connection.prepare_cached(
            "SELECT * FROM files WHERE due > seq AND (?1 IS NULL OR EXISTS (
                 SELECT 1 FROM exchanges WHERE exchanges.file = files.id AND spool = ?1)) ORDER BY id",
        )?;
        let rows = select.query_map([spool.map(|spool| spool.0)], file)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How a file stands now; `None` when it is no longer wanted.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn live_file(&self, id: i64) -> Result<Option<LiveFile>, Error> {
        let mut select = self.connection.prepare_cached("SELECT * FROM files WHERE id = ?1")?;
        Ok(select.query_map([id], file)?.next().transpose()?)
    }

    /// Gives a file its name; whether no other file in its folder has it.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn name_file(&mut self, id: i64, name: &str) -> Result<bool, Error> {
        let named = self
            .connection
            .prepare_cached("UPDATE OR IGNORE files SET name = ?2 WHERE id = ?1")?
            .execute(params![id, name])?;
        Ok(named > 0)
    }

    /// The journal is in the file up to `seq`, and the file has `size` bytes.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn file_is_written(&mut self, id: i64, seq: i64, size: u64) -> Result<(), Error> {
        self.connection
            .prepare_cached("UPDATE files SET seq = ?2, size = ?3, error = NULL WHERE id = ?1")?
            .execute(params![id, seq, size.cast_signed()])?;
        Ok(())
    }

    /// There is nothing left that belongs in the file: what was due was pruned, or is in it. What came onto the tape since that
    /// was seen stays due.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn file_lacks_nothing(&mut self, id: i64) -> Result<(), Error> {
        self.connection
            .prepare_cached(
                "UPDATE files SET due = seq, error = NULL WHERE id = ?1 AND NOT EXISTS (
                     SELECT 1 FROM exchanges JOIN journal ON journal.exchange = exchanges.id
                     WHERE exchanges.file = files.id AND journal.seq > files.seq)",
            )?
            .execute([id])?;
        Ok(())
    }

    /// The file could not be written.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn file_failed(&mut self, id: i64, error: &str) -> Result<(), Error> {
        self.connection
            .prepare_cached("UPDATE files SET error = ?2 WHERE id = ?1")?
            .execute(params![id, error])?;
        Ok(())
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let step = if row.get_ref(2)?.as_str()? == "begin" { Step::Begin } else { Step::End };
    Ok(Entry { seq: row.get(0)?, exchange: row.get(1)?, step })
}

fn file(row: &Row<'_>) -> rusqlite::Result<LiveFile> {
    Ok(LiveFile {
        id: row.get("id")?,
        folder: row.get::<_, String>("folder")?.into(),
        session: row.get("session")?,
        name: row.get("name")?,
        seq: row.get("seq")?,
        size: row.get::<_, i64>("size")?.cast_unsigned(),
        error: row.get("error")?,
    })
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

    fn tape() -> (tempfile::TempDir, Tape) {
        let folder = tempfile::tempdir().unwrap();
        let tape = Tape::open(&folder.path().join("tape.db")).unwrap();
        (folder, tape)
    }

    fn begin(tape: &mut Tape, number: u32, session: &str, folder: Option<&str>) -> ExchangeId {
        let (spool, _) = tape.spool("1-a", 0).unwrap();
        let request = RequestHead { session: session.to_owned(), ..RequestHead::default() };
        let exchange =
            Redactor::new("").exchange(Exchange { number, request, ..Exchange::default() });
        let asked = exchange.derive(reading::asked);
        let begin = Begin { at: Position::START, mono_us: 0 };
        let mut batch = tape.begin().unwrap();
        let id = batch.exchange_begins(spool, begin, &exchange, &asked).unwrap();
        if let Some(folder) = folder {
            batch.exchange_goes_to(id, folder).unwrap();
        }
        batch.commit().unwrap();
        id
    }

    fn end(tape: &mut Tape, id: ExchangeId) {
        let exchange = Redactor::new("").exchange(Exchange::default());
        let ending = exchange.derive(reading::ending);
        let progress = Progress { outcome: Outcome::Complete, ..Progress::default() };
        let mut batch = tape.begin().unwrap();
        batch.exchange_ends(id, &exchange, &ending, &progress).unwrap();
        batch.commit().unwrap();
    }

    fn steps(entries: &[Entry]) -> Vec<(i64, Step)> {
        entries.iter().map(|entry| (entry.exchange, entry.step)).collect()
    }

    #[test]
    fn the_journal_has_each_step_once_and_in_its_order() {
        let (_folder, mut tape) = tape();
        let first = begin(&mut tape, 1, "ses_1", None);
        let other = begin(&mut tape, 2, "ses_2", None);
        let second = begin(&mut tape, 3, "ses_1", None);
        for id in [second, other, first] {
            end(&mut tape, id);
        }
        assert_eq!(
            steps(&tape.journal("ses_1").unwrap()),
            [
                (first.0, Step::Begin),
                (second.0, Step::Begin),
                (second.0, Step::End),
                (first.0, Step::End)
            ]
        );
        let ordinal = |id: ExchangeId| tape.exchange(id.0).unwrap().unwrap().ordinal;
        assert_eq!([first, other, second].map(ordinal), [1, 1, 2]);
    }

    #[test]
    fn a_file_is_behind_until_it_has_what_was_decided_for_it() {
        let (_folder, mut tape) = tape();
        let here = begin(&mut tape, 1, "ses_1", Some("/here"));
        begin(&mut tape, 2, "ses_1", None);
        begin(&mut tape, 3, "ses_1", Some("/there"));
        end(&mut tape, here);
        let (spool, _) = tape.spool("1-a", 0).unwrap();
        let (stranger, _) = tape.spool("2-b", 0).unwrap();
        let behind = tape.files_behind(Some(spool)).unwrap();
        assert_eq!(behind, tape.files_behind(None).unwrap());
        assert_eq!(tape.files_behind(Some(stranger)).unwrap(), []);
        let [file, _] = &behind[..] else { panic!("two files: {behind:?}") };
        let entries = tape.journal_of(file, file.seq).unwrap();
        assert_eq!(steps(&entries), [(here.0, Step::Begin), (here.0, Step::End)]);

        tape.file_failed(file.id, "no room").unwrap();
        tape.file_is_written(file.id, entries[0].seq, 7).unwrap();
        let written = tape.live_file(file.id).unwrap().unwrap();
        assert_eq!((written.seq, written.size, written.error), (entries[0].seq, 7, None));
        assert_eq!(tape.files_behind(None).unwrap().len(), 2);
        tape.file_is_written(file.id, entries[1].seq, 9).unwrap();
        assert_eq!(tape.files_behind(None).unwrap().len(), 1);
    }

    #[test]
    fn what_comes_while_somebody_finds_that_a_file_lacks_nothing_is_written() {
        let (_folder, mut tape) = tape();
        begin(&mut tape, 1, "ses_1", Some("/x"));
        let [file] = &tape.files_behind(None).unwrap()[..] else { panic!("one file") };
        let written = tape.journal_of(file, file.seq).unwrap()[0].seq;
        tape.file_is_written(file.id, written, 7).unwrap();
        let found = tape.live_file(file.id).unwrap().unwrap();
        assert_eq!(tape.journal_of(&found, found.seq).unwrap(), []);
        let next = begin(&mut tape, 2, "ses_1", Some("/x"));
        tape.file_lacks_nothing(file.id).unwrap();
        let [file] = &tape.files_behind(None).unwrap()[..] else { panic!("it was forgotten") };
        let entries = tape.journal_of(file, file.seq).unwrap();
        assert_eq!(steps(&entries), [(next.0, Step::Begin)]);
    }

    #[test]
    fn no_two_files_of_a_folder_have_one_name() {
        let (_folder, mut tape) = tape();
        for (number, session, folder) in [(1, "a", "/x"), (2, "b", "/x"), (3, "c", "/y")] {
            begin(&mut tape, number, session, Some(folder));
        }
        let ids: Vec<_> = tape.files_behind(None).unwrap().iter().map(|file| file.id).collect();
        assert!(tape.name_file(ids[0], "Fix.jsonl").unwrap());
        assert!(!tape.name_file(ids[1], "fix.jsonl").unwrap(), "many file systems fold case");
        assert!(tape.name_file(ids[2], "Fix.jsonl").unwrap());
        assert!(tape.name_file(ids[0], "Fix.jsonl").unwrap(), "it is its own");
    }

    #[test]
    fn what_is_pruned_leaves_nothing_behind_and_no_number_comes_twice() {
        let (_folder, mut tape) = tape();
        let id = begin(&mut tape, 1, "ses_1", Some("/x"));
        let newest = tape.journal("ses_1").unwrap()[0].seq;
        tape.connection.execute("DELETE FROM exchanges WHERE id = ?1", [id.0]).unwrap();
        assert_eq!(tape.journal("ses_1").unwrap(), []);
        let [file] = &tape.files_behind(None).unwrap()[..] else { panic!("one file") };
        tape.file_lacks_nothing(file.id).unwrap();
        assert_eq!(tape.files_behind(None).unwrap(), []);
        begin(&mut tape, 2, "ses_1", Some("/x"));
        assert!(tape.journal("ses_1").unwrap()[0].seq > newest);
        tape.connection.execute("DELETE FROM sessions", []).unwrap();
        assert_eq!(tape.files_behind(None).unwrap(), []);
    }
}
