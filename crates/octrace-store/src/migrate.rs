//! The tape's schema: as it is, and as numbered steps from the first on, which are only ever appended to.
//!
//! The version is SQLite's `user_version`; `application_id` says that the file is ours. A newer tape is
//! refused, never touched; an older one is brought forward, each step in a transaction of its own. A new one is made at
//! once: the steps would take it a hundred milliseconds.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::{Error, sums, uses};

/// "OCTR": in SQLite's header, for `file(1)` and for us.
const APPLICATION_ID: i64 = 0x4f43_5452;

/// Derives from an older tape what SQL alone cannot.
type Fill = fn(&Connection) -> Result<(), Error>;

/// From one version to the next.
struct Step {
    sql: &'static str,
    fill: Option<Fill>,
}

const STEPS: &[Step] = &[
    Step { sql: include_str!("../schema/0001_tape.sql"), fill: None },
    Step { sql: include_str!("../schema/0002_uses.sql"), fill: None },
    Step { sql: include_str!("../schema/0003_journal.sql"), fill: None },
    Step { sql: include_str!("../schema/0004_dumps.sql"), fill: None },
    Step { sql: include_str!("../schema/0005_search.sql"), fill: None },
    Step { sql: include_str!("../schema/0006_prune.sql"), fill: Some(uses::fill) },
    Step { sql: include_str!("../schema/0007_event_parts.sql"), fill: None },
    Step { sql: include_str!("../schema/0008_sums.sql"), fill: Some(sums::begin) },
    Step { sql: include_str!("../schema/0009_timeline.sql"), fill: None },
    Step { sql: include_str!("../schema/0010_agent_trace.sql"), fill: None },
    Step { sql: include_str!("../schema/0011_deliveries.sql"), fill: None },
    Step { sql: include_str!("../schema/0012_traces.sql"), fill: None },
    Step { sql: include_str!("../schema/0013_numbers.sql"), fill: None },
    Step { sql: include_str!("../schema/0014_packs.sql"), fill: None },
    Step { sql: include_str!("../schema/0015_names.sql"), fill: None },
    Step { sql: include_str!("../schema/0016_indexes.sql"), fill: None },
];

/// What the steps come to.
const NEW: &str = include_str!("../schema/tape.sql");

/// Of a new tape, in bytes. Most of its rows are short, and some thirty of its tables and indexes are empty on most
/// tapes: larger pages are larger gaps. An older tape keeps what it has.
const PAGE: i64 = 1_024;

/// The version that this build reads and writes.
pub(crate) const NEWEST: i64 = STEPS.len() as i64;

/// Brings an open database to [`NEWEST`].
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    if version(connection, path)? == NEWEST {
        return Ok(());
    }
    loop {
        // Another process may be migrating, too: look again under the lock.
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let at = read_version(&step, path)?;
        let reached = if at == 0 {
            step.execute_batch(NEW)?;
            NEWEST
        } else {
            let Some(next) = usize::try_from(at).ok().and_then(|at| STEPS.get(at)) else {
                return Ok(());
            };
            take(&step, next)?;
            at + 1
        };
        name(&step, reached)?;
        step.commit()?;
    }
}

fn take(tape: &Connection, step: &Step) -> Result<(), Error> {
    tape.execute_batch(step.sql)?;
    step.fill.map_or(Ok(()), |fill| fill(tape))
}

/// It is a tape, of this version.
fn name(tape: &Connection, version: i64) -> Result<(), Error> {
    tape.pragma_update(None, "application_id", APPLICATION_ID)?;
    tape.pragma_update(None, "user_version", version)?;
    Ok(())
}

/// What only an empty file can still be told. What is pruned one day gives its pages back bit by bit.
pub(crate) fn begin(connection: &Connection) -> Result<(), Error> {
    connection.pragma_update(None, "page_size", PAGE)?;
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    Ok(())
}

/// A tape of the newest version with nothing on it, in memory: what one has to look like.
pub(crate) fn in_memory() -> Result<Connection, Error> {
    let mut connection = Connection::open_in_memory()?;
    begin(&connection)?;
    migrate(&mut connection, Path::new(":memory:"))?;
    Ok(connection)
}

/// What a database is made of, whoever wrote it down: one that was brought forward has other spaces, comments and commas than a
/// new one. What hangs on a table is in the order in which it was made.
pub(crate) fn shape(tape: &Connection) -> Result<Vec<String>, Error> {
    let mut objects = tape.prepare(
        "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'
         ORDER BY type, tbl_name, rowid",
    )?;
    let shape = objects.query_map([], |row| {
        let (name, sql): (String, String) = (row.get(0)?, row.get(1)?);
        let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
        let mut sql = lines.collect::<Vec<_>>().join(" ").replace('"', "");
        for sign in [",", "(", ")"] {
            sql = sql.replace(sign, &format!(" {sign} "));
        }
        let words: Vec<_> = sql.split_whitespace().collect();
        Ok(format!("{name} {}", words.join(" ")))
    })?;
    Ok(shape.collect::<Result<_, _>>()?)
}

/// The tape's version; 0 for an empty file.
pub(crate) fn version(connection: &Connection, path: &Path) -> Result<i64, Error> {
    // Of one moment: another process may be making the tape just now.
    let moment = connection.unchecked_transaction()?;
    read_version(&moment, path)
}

/// The same, inside a transaction.
fn read_version(connection: &Connection, path: &Path) -> Result<i64, Error> {
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let not_a_tape = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            Error::NotATape { path: path.to_owned() }
        }
        _ => Error::Sqlite(error),
    };
    let found = read("user_version").map_err(not_a_tape)?;
    let owner = read("application_id").map_err(not_a_tape)?;
    let schema = read("schema_version").map_err(not_a_tape)?;
    match (owner, schema) {
        (APPLICATION_ID, _) if found > NEWEST => {
            Err(Error::Newer { path: path.to_owned(), found, known: NEWEST })
        }
        (APPLICATION_ID, _) => Ok(found),
        (0, 0) => Ok(0),
        _ => Err(Error::NotATape { path: path.to_owned() }),
    }
}

/// Makes an empty database one of an earlier version.
#[cfg(test)]
pub(crate) fn make_old(empty: &Connection, version: usize) {
    for step in &STEPS[..version] {
        take(empty, step).unwrap();
    }
    name(empty, version as i64).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    #[test]
    fn a_new_tape_is_what_the_steps_come_to() {
        let new = in_memory().unwrap();
        let old = Connection::open_in_memory().unwrap();
        begin(&old).unwrap();
        make_old(&old, STEPS.len());
        for (new, old) in shape(&new).unwrap().iter().zip(shape(&old).unwrap()) {
            assert_eq!(*new, old);
        }
        assert_eq!(shape(&new).unwrap().len(), shape(&old).unwrap().len());
        let rows = "SELECT group_concat(what || upto) FROM derived UNION ALL
            SELECT generation || exchange || event || part FROM pruned UNION ALL
            SELECT group_concat(id || what || coalesce(name, 'NULL')) FROM names";
        let [new, old] = [new, old].map(|tape| {
            let mut rows = tape.prepare(rows).unwrap();
            let rows = rows.query_map([], |row| row.get::<_, String>(0)).unwrap();
            rows.collect::<Result<Vec<_>, _>>().unwrap()
        });
        assert_eq!(new, old);
    }

    #[test]
    fn a_tape_of_the_first_version_is_brought_forward() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.db");
        let old = Connection::open(&path).unwrap();
        make_old(&old, 1);
        // The first has a part, the second's list is damaged, the third has what the first had, and an answer.
        old.execute_batch(
            "INSERT INTO spools (id, name, started_us) VALUES (1, '1-a', 0);
             INSERT INTO sessions (id, created_us, updated_us) VALUES ('ses_1', 0, 0);
             INSERT INTO parts (id, hash, size, codec, data) VALUES (1, x'01', 2, 0, x'6869'), (2, x'02', 2, 0, x'686f');
             INSERT INTO exchanges (spool, number, begin_segment, begin_offset, session, purpose, dialect,
                 method, url, request_headers, request_bytes, request_layout, response_part, outcome, sent_us,
                 sent_mono_us)
             VALUES (1, 1, 1, 0, 'ses_1', 'main', 'generic', 'POST', '', '[]', 2, x'010110', NULL, 'complete', 0, 0),
                 (1, 2, 1, 0, 'ses_1', 'main', 'generic', 'POST', '', '[]', 2, x'ff', NULL, 'complete', 0, 0),
                 (1, 3, 1, 0, 'ses_1', 'main', 'generic', 'POST', '', '[]', 2, x'010110', 2, 'complete', 0, 0);",
        )
        .unwrap();
        drop(old);
        let tape = Tape::open(&path).unwrap();
        assert_eq!(version(&tape.connection, &path).unwrap(), NEWEST);
        let mut uses = tape.connection.prepare("SELECT part, exchange FROM uses").unwrap();
        let uses = uses.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let uses: Vec<(i64, i64)> = uses.collect::<Result<_, _>>().unwrap();
        assert_eq!(uses, [(1, 1), (2, 3)]);
        assert_eq!(tape.exchange(1).unwrap().unwrap().request_body, b"hi");
        assert!(matches!(tape.exchange(2), Err(Error::Body(_) | Error::Damaged { .. })));
        // The three ended in the order in which they began; a fourth goes on from there.
        let steps = |tape: &Tape| {
            tape.journal("ses_1").unwrap().iter().map(|entry| entry.exchange).collect::<Vec<_>>()
        };
        assert_eq!(steps(&tape), [1, 1, 2, 2, 3, 3]);
        tape.connection
            .execute_batch(
                "INSERT INTO exchanges (spool, number, begin_segment, begin_offset, session, purpose, dialect,
                     method, url, request_headers, request_bytes, outcome, sent_us, sent_mono_us)
                 SELECT 1, 4, 1, 0, 'ses_1', 'main', 'generic', method, url, request_headers, 2, 'waiting', 0, 0
                 FROM exchanges WHERE id = 3",
            )
            .unwrap();
        assert_eq!(steps(&tape), [1, 1, 2, 2, 3, 3, 4]);
        assert_eq!(tape.exchange(4).unwrap().unwrap().ordinal, 4);
    }

    #[test]
    fn a_tape_whose_events_have_no_parts_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.db");
        let old = Connection::open(&path).unwrap();
        make_old(&old, 6);
        // The index has the first part, and none of the second; no exchange uses the third.
        old.execute_batch(
            "INSERT INTO spools (id, name, started_us) VALUES (1, '1-a', 0);
             INSERT INTO sessions (id, created_us, updated_us) VALUES ('ses_1', 0, 0);
             INSERT INTO parts (id, hash, size, codec, data) VALUES
                 (1, x'01', 2, 0, x'6869'), (2, x'02', 2, 0, x'686f'), (3, x'03', 2, 0, x'6875');
             INSERT INTO exchanges (spool, number, begin_segment, begin_offset, session, purpose, dialect,
                 method, url, request_headers, request_bytes, request_layout, response_part, outcome, sent_us,
                 sent_mono_us)
             VALUES (1, 1, 1, 0, 'ses_1', 'main', 'generic', 'POST', '', '[]', 2, x'010110', 2, 'complete', 0, 0);
             INSERT INTO uses VALUES (1, 1), (2, 1);
             INSERT INTO part_words (rowid, words) VALUES (1, 'hi');
             UPDATE derived SET upto = 1;
             INSERT INTO events (spool, session, at_us, kind, size, codec, body)
             VALUES (1, 'ses_1', 0, 'session.idle', 7, 0, CAST('{\"n\":1}' AS BLOB));",
        )
        .unwrap();
        drop(old);
        let tape = Tape::open(&path).unwrap();
        let mut unindexed = tape.connection.prepare("SELECT part FROM unindexed").unwrap();
        let unindexed = unindexed.query_map([], |row| row.get(0)).unwrap();
        assert_eq!(unindexed.collect::<Result<Vec<i64>, _>>().unwrap(), [2]);
        assert_eq!(tape.events("ses_1").unwrap()[0].body["n"], 1);
    }

    #[test]
    fn a_tape_from_before_calls_were_timed_learns_of_them_from_its_events() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.db");
        let old = Connection::open(&path).unwrap();
        make_old(&old, 9);
        old.execute_batch(
            r#"INSERT INTO spools (id, name, started_us) VALUES (1, '1-a', 0);
             INSERT INTO sessions (id, directory, created_us, updated_us) VALUES ('ses_1', '/p', 0, 0);
             INSERT INTO tools (session, part, message, at_us, tool, subject, status)
             VALUES ('ses_1', 'prt_1', 'msg_1', 20, 'bash', 'make', 'completed');
             UPDATE pruned SET generation = 1;
             INSERT INTO events (spool, session, at_us, kind, size, codec, body)
             SELECT 1, 'ses_1', value ->> 0, value ->> 1, length(value ->> 2), 0, CAST(value ->> 2 AS BLOB)
             FROM json_each('[
                 [10, "message.part.updated", {"part": {"id": "prt_0", "messageID": "msg_1",
                     "type": "step-start", "snapshot": "aa"}}],
                 [30, "hook.tool.execute.before", {"callID": "c"}],
                 [40, "message.part.updated", {"part": {"id": "prt_1", "messageID": "msg_1",
                     "type": "tool", "tool": "bash", "callID": "c", "state": {"status": "completed",
                     "input": {"command": "make"}, "time": {"start": 0, "end": 0}}}}]]');"#,
        )
        .unwrap();
        drop(old);
        let mut tape = Tape::open(&path).unwrap();
        let pruned = tape.pruned_at("/p".as_ref()).unwrap();
        assert!(pruned[0].1 > 0, "something went, nobody knows of when and where");
        assert_eq!(tape.calls_between(0, 100).unwrap(), []);
        while tape.derive_step().unwrap() {}
        let [call] = &tape.calls_between(0, 100).unwrap()[..] else { panic!("one call") };
        assert_eq!((call.id.call.as_str(), call.ran_us), ("c", Some(30)));
        assert_eq!((call.input.as_str(), call.root.as_str()), (r#"{"command":"make"}"#, "/p"));
        let [step] = &tape.steps_of_session("ses_1").unwrap()[..] else { panic!("one step") };
        assert_eq!((step.started_us, step.before.as_deref()), (Some(10), Some("aa")));
        assert!(tape.verify(&mut |_| {}).unwrap().is_whole());
    }
}
