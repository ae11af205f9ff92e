//! What SQLite itself can say, and whether what is derived fits what it is derived from.

use rusqlite::{Connection, types::ValueRef};

use super::{Broken, Verification, walk::readable};
use crate::{Error, Tape, migrate, prune::EXCHANGE_STAYS, sums};

/// What SQLite's own check says of a table or index that is derived.
const DERIVED: [&str; 5] =
    ["fts5", "part_words", "missing from index", "entries in index", "non-unique entry in index"];

impl Tape {
    /// Whether the tables are those that this octrace makes. Without them nothing else can be looked at.
    pub(super) fn verify_schema(&self, found: &mut Verification) -> Result<bool, Error> {
        let sorted = |tape: &Connection| {
            let mut shape = migrate::shape(tape)?;
            shape.sort();
            Ok(shape)
        };
        let same = readable(sorted(&self.connection))? == Some(sorted(&migrate::in_memory()?)?);
        if !same {
            found.find(Broken::Database, "the tables are not those of a tape of this version");
        }
        Ok(same)
    }

    /// The structure of the file, and whether rows that name others name some that exist.
    pub(super) fn verify_database(&self, found: &mut Verification) -> Result<(), Error> {
        let tape = &self.connection;
        let said = readable(lines(tape, "PRAGMA integrity_check(100)", |row| row.get(0)))?;
        match said {
            None => found.find(Broken::Database, "SQLite cannot read the database through"),
            Some(lines) => {
                for line in lines.iter().filter(|line| line.as_str() != "ok") {
                    let lower = line.to_lowercase();
                    let derived = DERIVED.iter().any(|sign| lower.contains(sign));
                    let broken = if derived { Broken::Derived } else { Broken::Database };
                    found.find(broken, format!("SQLite says: {}", line.trim()));
                }
            }
        }
        let dangling = readable(lines(tape, "PRAGMA foreign_key_check", |row| {
            let (table, id): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
            let of: String = row.get(2)?;
            let id = id.map(|id| format!(" {id}")).unwrap_or_default();
            Ok(format!("row{id} of {table} names one of {of} that is not there"))
        }))?;
        for line in dangling.unwrap_or_default() {
            found.find(Broken::Content, line);
        }
        Ok(())
    }

    /// Text is text: SQLite does not look.
    pub(super) fn verify_text(&self, found: &mut Verification) -> Result<(), Error> {
        let tables =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'part_words%'
            AND name NOT LIKE 'sqlite_%' AND name NOT IN ('parts', 'exchanges') ORDER BY name";
        for table in lines(&self.connection, tables, |row| row.get(0))? {
            match readable(no_text(&self.connection, &table))? {
                Some(0) => {}
                Some(rows) => found.find(
                    Broken::Content,
                    format!("{rows} rows of {table} have text that is no text"),
                ),
                None => found.find(Broken::Database, format!("the table {table} cannot be read")),
            }
        }
        Ok(())
    }

    /// The index of words, the order of things, sums, and turns.
    pub(super) fn verify_derived(&self, found: &mut Verification) -> Result<(), Error> {
        let tape = &self.connection;
        let count = |sql: &str| {
            readable(tape.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(Error::from))
        };
        let missing = count(
            "SELECT count(*) FROM parts WHERE id IN (SELECT part FROM uses)
                 AND id NOT IN (SELECT id FROM part_words_docsize UNION ALL SELECT part FROM unindexed)",
        )?;
        let surplus = count(
            "SELECT count(*) FROM part_words_docsize WHERE id NOT IN (SELECT id FROM parts)",
        )?;
        // A part that is damaged has no words.
        let missing = missing.map(|missing| missing - found.parts.broken.cast_signed());
        match (missing, surplus) {
            (Some(..=0), Some(0)) => {}
            (Some(missing), Some(surplus)) => found.find(
                Broken::Derived,
                format!(
                    "the search index lacks {} parts, and has {surplus} that are gone",
                    missing.max(0)
                ),
            ),
            _ => found.find(Broken::Derived, "the search index cannot be read"),
        }
        let unlisted = count(&format!(
            "SELECT count(*) FROM exchanges WHERE {EXCHANGE_STAYS}
             AND (id NOT IN (SELECT exchange FROM journal WHERE step = 'begin')
                 OR outcome NOT IN ('waiting', 'streaming')
                     AND id NOT IN (SELECT exchange FROM journal WHERE step = 'end'))"
        ))?;
        if unlisted.is_some_and(|unlisted| unlisted > 0) {
            let unlisted = unlisted.unwrap_or_default();
            found.find(
                Broken::Derived,
                format!("{unlisted} requests are not in the journal, or not whole"),
            );
        }
        let lost =
            count("SELECT count(*) FROM turns WHERE began NOT IN (SELECT id FROM event_rows)")?;
        if let Some(lost @ 1..) = lost {
            found.find(Broken::Derived, format!("{lost} turns begin with events that are gone"));
        }
        match readable(sums::wrong(tape))? {
            Some(0) => {}
            Some(wrong) => found.find(
                Broken::Derived,
                format!("{wrong} sums of sessions do not fit their requests"),
            ),
            None => found.find(Broken::Derived, "the sums of sessions cannot be read"),
        }
        Ok(())
    }
}

/// How many rows of a table have text that is not UTF-8.
fn no_text(tape: &Connection, table: &str) -> Result<u64, Error> {
    let mut select = tape.prepare(&format!("SELECT * FROM \"{table}\""))?;
    let columns = select.column_count();
    let mut rows = select.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let is_no_text = |column| match row.get_ref(column) {
            Ok(ValueRef::Text(text)) => std::str::from_utf8(text).is_err(),
            _ => false,
        };
        count += u64::from((0..columns).any(is_no_text));
    }
    Ok(count)
}

fn lines(
    tape: &Connection,
    pragma: &str,
    line: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<String>,
) -> Result<Vec<String>, Error> {
    let mut select = tape.prepare(pragma)?;
    Ok(select.query_map([], line)?.collect::<Result<_, _>>()?)
}
