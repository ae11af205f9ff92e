//! Rebuilding whole tapes and tapes that lost what can be derived.

use std::sync::atomic::{AtomicBool, Ordering};

use octrace_core::search::Query;
use rusqlite::types::Value;

use super::{Author, answer, body};
use crate::Tape;

/// Every row of every table but FTS5's own, which depend on how it came about.
fn dump(tape: &Tape) -> Vec<String> {
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'part_words%'
                  AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut select = tape.connection.prepare(tables).unwrap();
    let tables = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut rows = Vec::new();
    for table in tables.map(Result::unwrap) {
        let mut select = tape.connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = select.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            (0..columns).map(|at| row.get::<_, Value>(at)).collect::<Result<Vec<_>, _>>()
        };
        let all = select.query_map([], row).unwrap();
        rows.extend(all.map(|row| format!("{table}: {:?}", row.unwrap())));
    }
    rows.sort();
    rows
}

fn words(tape: &Tape) -> Vec<i64> {
    let mut select = tape
        .connection
        .prepare("SELECT rowid FROM part_words WHERE part_words MATCH 'fix*'")
        .unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A tape with a bit of everything, one exchange under way.
fn author() -> Author {
    let mut author = Author::new();
    for (kind, properties) in [
        (
            "session.created",
            r#"{"info":{"id":"ses_1","title":"New session - 1","directory":"/p","version":"1.18.33","time":{"created":1795164557000}}}"#,
        ),
        (
            "message.updated",
            r#"{"info":{"id":"msg_1","sessionID":"ses_1","role":"user","time":{"created":1795164557500}}}"#,
        ),
        (
            "message.updated",
            r#"{"info":{"id":"msg_2","sessionID":"ses_1","role":"assistant","parentID":"msg_1","agent":"build"}}"#,
        ),
        ("session.updated", r#"{"info":{"id":"ses_1","title":"Fixing","parentID":"ses_0"}}"#),
        ("session.idle", r#"{"sessionID":"ses_1"}"#),
    ] {
        author.event(kind, properties);
    }
    let asked = body(&[("user", "Fix it")]);
    author.exchanges("ses_1", "msg_1", &asked, &answer("Fixed"));
    author.exchanges("ses_1", "msg_1", "{\"no\": \"messages\"}", "<html>no</html>");
    author.exchanges(
        "ses_1",
        "msg_1",
        &asked,
        r#"{"type":"error","error":{"message":"overloaded"}}"#,
    );
    author.fails("ses_2", &asked, "ConnectionRefused");
    author.asks("ses_2", "msg_5", &asked);
    while author.tape.index_step().unwrap() {}
    author
}

#[test]
fn a_whole_tape_stays_as_it_is() {
    let mut author = author();
    let before = (dump(&author.tape), words(&author.tape));
    let rebuilt = author.tape.rebuild(&mut |_| {}).unwrap();
    assert_eq!(
        (rebuilt.events, rebuilt.exchanges, rebuilt.changed, rebuilt.unreadable),
        (5, 4, 0, 0)
    );
    assert!(rebuilt.parts > 0);
    assert_eq!((dump(&author.tape), words(&author.tape)), before);
    let found = author.tape.verify(&mut |_| {}).unwrap();
    assert!(found.is_whole(), "{found:?}");
}

#[test]
fn what_is_derived_comes_back() {
    let mut author = author();
    let before = (dump(&author.tape), words(&author.tape));
    author
        .tape
        .connection
        .execute_batch(
            "UPDATE exchanges SET input_tokens = 1, cost_usd = 9, finish = 'x', model = NULL, problems = '[]'
             WHERE outcome = 'complete';
             UPDATE exchanges SET error = NULL, purpose = 'title' WHERE outcome = 'complete';
             UPDATE sessions SET title = 'wrong', directory = NULL, created_us = 7 WHERE id = 'ses_1';
             DELETE FROM messages WHERE id = 'msg_2';
             UPDATE messages SET role = 'x';
             DELETE FROM uses;
             UPDATE sums SET errors = 9, cost_nanos = 1;
             DELETE FROM facets;
             DELETE FROM part_words WHERE rowid < 5;",
        )
        .unwrap();
    let found = author.tape.verify(&mut |_| {}).unwrap();
    assert!(!found.is_whole() && !found.has(crate::verify::Broken::Content), "{found:?}");
    let rebuilt = author.tape.rebuild(&mut |_| {}).unwrap();
    assert_eq!(rebuilt.changed, 3);
    assert_eq!((dump(&author.tape), words(&author.tape)), before);
    assert!(author.tape.verify(&mut |_| {}).unwrap().is_whole());
}

#[test]
fn what_the_journal_lacks_comes_back_and_is_in_no_file_twice() {
    let mut author = author();
    let steps = |author: &Author| {
        let entries = author.tape.journal("ses_1").unwrap();
        entries.into_iter().map(|entry| (entry.exchange, entry.step)).collect::<Vec<_>>()
    };
    let before = steps(&author);
    author
        .tape
        .connection
        .execute_batch(
            "INSERT INTO files (folder, session, name, seq, size, due) VALUES ('/f', 'ses_1', 'n', 99, 7, 99);
             UPDATE exchanges SET file = 1 WHERE session = 'ses_1';
             DELETE FROM journal WHERE exchange = 2;
             DELETE FROM journal WHERE step = 'end';",
        )
        .unwrap();
    assert!(author.tape.verify(&mut |_| {}).unwrap().has(crate::verify::Broken::Derived));
    author.tape.rebuild(&mut |_| {}).unwrap();
    let mut after = steps(&author);
    after.sort_by_key(|step| before.iter().position(|known| known == step));
    assert_eq!(after, before, "each step once");
    let file = author.tape.live_file(1).unwrap().unwrap();
    assert_eq!(author.tape.journal_of(&file, file.seq).unwrap(), []);
    assert!(author.tape.verify(&mut |_| {}).unwrap().is_whole());
}

#[test]
fn one_that_was_broken_off_goes_on_beside_a_recorder() {
    let mut author = author();
    let mut tape = author.open_again();
    let stop = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut steps = 0;
        tape.rebuild(&mut |stage| {
            steps += usize::from(stage.what == "exchanges");
            assert!(steps < 1, "broken off");
        })
    }));
    assert!(stop.is_err());
    author.exchanges("ses_3", "msg_8", &body(&[("user", "Meanwhile")]), &answer("Fixed, too"));
    let mut tape = author.open_again();
    let rebuilt = tape.rebuild(&mut |_| {}).unwrap();
    assert_eq!((rebuilt.events, rebuilt.changed), (0, 0), "they were done");
    let query = Query::parse("fixed").unwrap();
    assert_eq!(tape.search(&query, None, 9).unwrap().hits.len(), 2);
    let left = "SELECT count(*) FROM derived WHERE what LIKE 'rebuild %'";
    assert_eq!(tape.connection.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn a_recorder_that_writes_all_the_time_is_no_hindrance() {
    let mut author = Author::new();
    // So many that to look them through takes longer than to write an event.
    let said: Vec<String> = (0..2_000).map(|number| format!("fix {number}")).collect();
    let asked = body(&said.iter().map(|text| ("user", text.as_str())).collect::<Vec<_>>());
    for session in 0..8 {
        author.exchanges(&format!("ses_{session}"), "msg_1", &asked, &answer("Fixed"));
    }
    author.tape.connection.execute("DELETE FROM uses WHERE part % 2 = 0", []).unwrap();
    let mut tape = author.open_again();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                author.event("session.idle", r#"{"sessionID":"ses_1"}"#);
            }
        });
        let rebuilt = tape.rebuild(&mut |_| {});
        is_done.store(true, Ordering::Relaxed);
        assert_eq!(rebuilt.unwrap().exchanges, 8);
    });
}
