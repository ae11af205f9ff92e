//! Verifying tapes that are whole, and tapes that are not.

use std::fs;

use octrace_core::{
    attribution::timeline::{CallId, Moment},
    search::Query,
};
use proptest::prelude::*;

use super::{Author, answer, body, evidence::seen};
use crate::{
    Error, Tape,
    prune::{Pruning, Wanted},
    verify::{Broken, Count, Verification},
};

/// Two sessions of a few exchanges and events; the first one wrote a file.
fn author() -> Author {
    let mut author = Author::new();
    for session in ["ses_1", "ses_2"] {
        let mut said = vec![("user", "Fix the date test".to_owned())];
        for turn in 0..4 {
            let messages: Vec<_> = said.iter().map(|(role, text)| (*role, text.as_str())).collect();
            let asked =
                body(&messages).replace("}]}", r#","cache_control":{"type":"ephemeral"}}]}"#);
            let text = format!("{session} answers {turn}: {}", "so and so ".repeat(40 * turn));
            author.exchanges(session, &format!("msg_{turn}"), &asked, &answer(&text));
            said.push(("assistant", text));
            author.event("session.idle", &format!(r#"{{"sessionID":"{session}","n":{turn}}}"#));
        }
    }
    let call = CallId { session: "ses_1".to_owned(), call: "c".to_owned() };
    let text: String = (0..200).map(|line| format!("line {line} of a file\n")).collect();
    author.sees(seen(Moment::Before(call.clone()), 1, "/p/a", &text));
    author.sees(seen(Moment::After(call), 2, "/p/a", &text.replace("line 99", "other")));
    author.asks("ses_2", "msg_9", &body(&[("user", "still under way")]));
    while author.tape.index_step().unwrap() {}
    author
}

fn verify(tape: &Tape) -> Verification {
    tape.verify(&mut |_| {}).unwrap()
}

#[test]
fn a_whole_tape_is_whole() {
    let author = author();
    let mut told = Vec::new();
    let found = author.tape.verify(&mut |stage| told.push(stage.what)).unwrap();
    assert!(found.is_whole(), "{found:?}");
    assert_eq!(found.sessions, Count { whole: 2, broken: 0 });
    assert_eq!(found.exchanges, Count { whole: 9, broken: 0 });
    assert_eq!(found.events, Count { whole: 8, broken: 0 });
    assert_eq!(found.states, Count { whole: 2, broken: 0 });
    assert_eq!(told, ["database", "parts", "requests", "events", "files"]);
    let folder = tempfile::tempdir().unwrap();
    let empty = Tape::open(&folder.path().join("tape.db")).unwrap();
    assert!(verify(&empty).is_whole());
}

#[test]
fn what_is_broken_is_named_and_the_rest_is_counted() {
    let cases = [
        (
            "UPDATE parts SET data = x'00' WHERE id = (SELECT response_part FROM exchanges WHERE id = 2)",
            (1, 1, 8),
        ),
        ("UPDATE parts SET hash = zeroblob(32) WHERE id = 2", (2, 8, 1)),
        ("UPDATE parts SET size = size + 1, codec = 9 WHERE id = 2", (2, 8, 1)),
        ("UPDATE exchanges SET request_layout = x'02ff' WHERE id = 3", (1, 1, 8)),
        (
            "UPDATE exchanges SET request_headers = (SELECT id FROM names WHERE what = 'kind') WHERE id = 9",
            (1, 1, 8),
        ),
        ("UPDATE exchanges SET response_part = 999 WHERE id = 1", (1, 1, 8)),
        ("UPDATE event_rows SET body = x'00', codec = 0, size = 1 WHERE id = 1", (1, 0, 9)),
        ("UPDATE file_states SET hash = zeroblob(32) WHERE id = 1", (1, 0, 9)),
        ("UPDATE file_states SET parts = x'02ff' WHERE id = 2", (1, 0, 9)),
        ("UPDATE file_states SET exact = 0 WHERE id = 2", (1, 0, 9)),
        ("UPDATE observations SET state = 99 WHERE id = 2", (0, 0, 9)),
    ];
    for (sql, (sessions, exchanges, whole)) in cases {
        let author = author();
        author.tape.connection.execute(sql, []).unwrap();
        let found = verify(&author.tape);
        assert!(found.has(Broken::Content), "{sql}");
        assert_eq!(found.sessions.broken, sessions, "{sql}: {found:?}");
        let count = Count { whole, broken: exchanges };
        assert_eq!(found.exchanges, count, "{sql}: {found:?}");
    }
    for sql in [
        "DELETE FROM part_words WHERE rowid = 1",
        "UPDATE part_words_data SET block = x'00ff00ff00' WHERE id > 10",
        "INSERT INTO part_words (rowid, words) VALUES (999, 'x')",
        "DELETE FROM uses WHERE part = 1",
        "DELETE FROM state_uses WHERE state = 2",
        "DELETE FROM journal WHERE exchange = 1",
    ] {
        let author = author();
        author.tape.connection.execute(sql, []).unwrap();
        let found = verify(&author.tape);
        let only = found.findings.iter().all(|finding| finding.broken == Broken::Derived);
        assert!(!found.is_whole() && only, "{sql}: {found:?}");
        assert_eq!((found.sessions.broken, found.exchanges.broken), (0, 0), "{sql}");
        let mut tape = author.open_again();
        tape.rebuild(&mut |_| {}).unwrap();
        assert!(verify(&tape).is_whole(), "{sql}: {:?}", verify(&tape));
    }
}

#[test]
fn what_is_being_pruned_is_neither_found_nor_broken_nor_made_again() {
    let mut author = author();
    let wanted = Wanted { sessions: vec!["ses_1".to_owned()], ..Wanted::default() };
    let mut pruning = Pruning::new(wanted, i64::MAX);
    loop {
        let more = pruning.step(&mut author.tape).unwrap();
        let found = verify(&author.tape);
        assert!(found.is_whole(), "{found:?}");
        author.tape.rebuild(&mut |_| {}).unwrap();
        let query = Query::parse("ses_1").unwrap();
        let hits = author.tape.search(&query, None, 99).unwrap().hits;
        if pruning.pruned().sessions > 0 {
            assert_eq!((hits.len(), found.sessions.whole), (0, 1));
        }
        if !more {
            break;
        }
    }
    assert_eq!(pruning.pruned().sessions, 1);
    assert_eq!(verify(&author.tape).exchanges, Count { whole: 5, broken: 0 });
}

#[test]
fn many_findings_are_counted() {
    let author = author();
    author.tape.connection.execute("UPDATE parts SET data = x'00'", []).unwrap();
    let events = "INSERT INTO event_rows (spool, session, at_us, kind, size, codec, body)
                  SELECT 1, (SELECT id FROM names WHERE name = 'ses_1'), 0, 1, 1, 0, x'00' FROM generate_series(1, 300)";
    let events = events.replace(
        "FROM generate_series(1, 300)",
        "FROM (WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 300) SELECT n FROM n)",
    );
    author.tape.connection.execute(&events, []).unwrap();
    let found = verify(&author.tape);
    assert_eq!(found.parts.whole, 0);
    assert_eq!(found.events.broken, 300);
    assert!(found.findings.len() <= 101 && found.more_findings > 200, "{}", found.more_findings);
}

/// The file of a tape, all of it.
fn file(author: &Author) -> Vec<u8> {
    // Nobody misses the pages of what a migration dropped.
    let mut give_back = author.tape.connection.prepare("PRAGMA incremental_vacuum").unwrap();
    assert_eq!(give_back.query_map([], |_| Ok(())).unwrap().filter(Result::is_err).count(), 0);
    author.tape.connection.pragma_update(None, "wal_checkpoint", "truncate").unwrap();
    fs::read(author.path()).unwrap()
}

/// Looks at these bytes as at a tape.
fn look(bytes: &[u8], original: &Tape) -> Result<Verification, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tape.db");
    fs::write(&path, bytes).unwrap();
    let tape = Tape::open_existing(&path)?.unwrap();
    let found = tape.verify(&mut |_| {})?;
    if found.is_whole() {
        for id in 1..=9 {
            let bodies = |tape: &Tape| {
                let detail = tape.exchange(id).unwrap().unwrap();
                (detail.request_body, detail.response_body)
            };
            assert_eq!(bodies(&tape), bodies(original), "exchange {id}");
        }
        for id in 1..=2 {
            assert_eq!(tape.text_at(id).unwrap(), original.text_at(id).unwrap(), "file {id}");
        }
    }
    Ok(found)
}

#[test]
fn a_tape_that_is_cut_off_is_no_panic() {
    let author = author();
    let bytes = file(&author);
    for length in (100..bytes.len()).step_by(4_096 * 3 + 77) {
        match look(&bytes[..length], &author.tape) {
            Ok(found) => assert!(!found.is_whole(), "{length} of {}", bytes.len()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// Pages whose rows stand in the wrong order: who goes by ids alone would go round and round.
#[test]
fn rows_in_the_wrong_order_are_no_endless_way() {
    const LEAF_OF_A_TABLE: u8 = 0x0d;
    const PAGE: usize = 4096;
    const HEADER: usize = 8;
    let author = author();
    let whole = file(&author);
    let mut turned = 0;
    for page in (PAGE..whole.len()).step_by(PAGE) {
        let cells = usize::from(whole[page + 3]) << 8 | usize::from(whole[page + 4]);
        if whole[page] != LEAF_OF_A_TABLE || cells < 2 {
            continue;
        }
        let mut bytes = whole.clone();
        let pointers = &mut bytes[page + HEADER..page + HEADER + 2 * cells];
        let backwards: Vec<u8> = pointers.chunks(2).rev().flatten().copied().collect();
        pointers.copy_from_slice(&backwards);
        turned += usize::from(look(&bytes, &author.tape).is_ok_and(|found| !found.is_whole()));
    }
    assert!(turned > 3, "{turned} pages");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// What is said to be whole is what was recorded; whatever it is, nothing panics or goes on for ever.
    #[test]
    fn no_damage_is_taken_for_the_whole(places in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..6)) {
        thread_local! {
            static WHOLE: (Author, Vec<u8>) = {
                let author = author();
                let bytes = file(&author);
                (author, bytes)
            };
        }
        WHOLE.with(|(author, bytes)| {
            let mut bytes = bytes.clone();
            for (place, mask) in &places {
                // The header's first bytes make it a tape at all.
                let at = 100 + place.index(bytes.len() - 100);
                bytes[at] ^= mask;
            }
            look(&bytes, &author.tape).ok();
        });
    }
}
