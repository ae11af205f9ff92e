//! Tapes of earlier versions: what is on a tape of this version, as an earlier one had it.

use std::path::Path;

use octrace_core::attribution::timeline::Moment;
use rusqlite::{Connection, config::DbConfig};

use super::{
    Author, answer, body,
    evidence::{call, seen},
};
use crate::{
    Tape, migrate,
    prune::{Pruning, Wanted},
};

/// What requests have had as numbers since version 15.
const NAMED: [&str; 5] = ["npm", "price", "method", "url", "request_headers"];

/// Makes, at `path`, a tape of an earlier version that has what this one has, but for the search index.
pub(super) fn make(tape: &Tape, version: usize, path: &Path) {
    let old = Connection::open(path).unwrap();
    migrate::make_old(&old, version);
    old.execute("ATTACH ?1 AS now", [tape.connection.path().unwrap()]).unwrap();
    // Its triggers would write what is copied, and rows come before those that they name.
    old.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
    old.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false).unwrap();
    let list = |sql: &str| {
        let mut select = old.prepare(sql).unwrap();
        let list = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
        list.collect::<Result<Vec<_>, _>>().unwrap()
    };
    let tables = "SELECT name FROM main.sqlite_schema WHERE type = 'table'
        AND name NOT LIKE 'part_words%' AND name NOT LIKE 'sqlite_%'";
    for table in list(tables) {
        let columns = list(&format!(
            "SELECT name FROM pragma_table_info('{table}', 'main')
             INTERSECT SELECT name FROM pragma_table_info('{table}', 'now')"
        ));
        let copied = columns.iter().map(|column| match column.as_str() {
            name if table == "exchanges" && version < 15 && NAMED.contains(&name) => {
                format!("(SELECT name FROM now.names WHERE names.id = {name})")
            }
            column => column.to_owned(),
        });
        let copied = copied.collect::<Vec<_>>().join(", ");
        let mut columns = columns.join(", ");
        let mut from = format!("SELECT {copied} FROM now.{table}");
        if table == "journal" && version < 15 {
            columns.push_str(", session");
            from = format!(
                "SELECT {copied}, (SELECT session FROM now.exchanges WHERE exchanges.id = exchange) FROM now.journal"
            );
        }
        let sql = format!("DELETE FROM main.{table}; INSERT INTO main.{table} ({columns}) {from}");
        old.execute_batch(&sql).unwrap();
    }
    old.execute_batch("INSERT OR IGNORE INTO main.unindexed SELECT DISTINCT part FROM uses")
        .unwrap();
}

#[test]
fn a_tape_from_before_there_were_names_keeps_what_it_has() {
    let mut author = Author::new();
    for (session, message) in [("ses_1", "msg_1"), ("ses_2", "msg_2"), ("ses_1", "msg_3")] {
        author.exchanges(session, message, &body(&[("user", message)]), &answer("Yes."));
        author.event("session.idle", &format!(r#"{{"sessionID":"{session}","n":"{message}"}}"#));
    }
    author.event("server.connected", "{}");
    author.asks("ses_2", "msg_4", &body(&[("user", "Still there?")]));
    let recorded = |tape: &Tape| {
        ["ses_1", "ses_2"].map(|session| {
            (
                tape.events(session).unwrap(),
                tape.exchanges(session).unwrap(),
                tape.journal(session).unwrap(),
            )
        })
    };
    let before = recorded(&author.tape);
    assert_eq!(before.each_ref().map(|(_, _, journal)| journal.len()), [4, 3]);
    author.grows_older(14);
    assert_eq!(recorded(&author.tape), before);
    assert!(author.tape.verify(&mut |_| {}).unwrap().is_whole());

    // It goes on, and what it says of nobody goes with those that it says something of.
    author.event("session.idle", r#"{"sessionID":"ses_1"}"#);
    let id = author.asks("ses_1", "msg_5", &body(&[("user", "And now?")]));
    assert_eq!(author.tape.exchange(id.0).unwrap().unwrap().ordinal, 3);
    assert_eq!(author.tape.events("ses_1").unwrap().len(), 3);
    let names = |tape: &Tape| -> i64 {
        let names = "SELECT count(*) FROM names WHERE what <> 'kind' AND id > 0";
        tape.connection.query_row(names, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(names(&author.tape), 5, "two sessions, headers, a method, a URL");
    let mut tape = author.tape;
    let wanted = Wanted { before_us: Some(i64::MAX), ..Wanted::default() };
    let mut pruning = Pruning::new(wanted, i64::MAX);
    while pruning.step(&mut tape).unwrap() {}
    assert_eq!((pruning.pruned().sessions, names(&tape)), (2, 0));
    assert!(tape.verify(&mut |_| {}).unwrap().is_whole());
}

#[test]
fn a_tape_whose_indexes_had_whole_hashes_finds_what_it_has() {
    let long = "A line of a file that is long enough to be a part.\n".repeat(99);
    let says = |author: &mut Author, at_us| {
        author.exchanges("ses_1", "msg_1", &body(&[("user", &long)]), &answer("Yes."));
        author.sees(seen(Moment::Before(call("call_1")), at_us, "/p/a", &long));
    };
    let has = |tape: &Tape| {
        let sql = "SELECT (SELECT count(*) FROM parts), (SELECT count(*) FROM file_states),
             (SELECT count(*) FROM state_uses), (SELECT count(*) FROM observations WHERE state IS NOT NULL)";
        let row =
            |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
        tape.connection.query_row(sql, [], row).unwrap()
    };
    let mut author = Author::new();
    says(&mut author, 1);
    let [parts, states, uses, _]: [i64; 4] = has(&author.tape);
    assert!(parts > 2 && states == 1, "{parts}, {states}");
    author.grows_older(15);
    assert!(author.tape.verify(&mut |_| {}).unwrap().is_whole());
    says(&mut author, 2);
    assert_eq!(has(&author.tape), [parts, states, uses, 2], "all of it was known");
    let exchanges = author.tape.exchanges("ses_1").unwrap();
    let [first, second] = [0, 1].map(|at| author.tape.exchange(exchanges[at].id).unwrap().unwrap());
    assert_eq!(first.request_body, second.request_body);
    let mut tape = author.tape;
    let wanted = Wanted { before_us: Some(i64::MAX), ..Wanted::default() };
    let mut pruning = Pruning::new(wanted, i64::MAX);
    while pruning.step(&mut tape).unwrap() {}
    assert_eq!(has(&tape), [0, 0, 0, 0]);
    assert!(tape.verify(&mut |_| {}).unwrap().is_whole());
}
