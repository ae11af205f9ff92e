//! What was packed is what it was before, also where packs were unknown, and damage to one costs what is in it.

use std::ops::Range;

use rusqlite::params;
use serde_json::json;

use super::{Author, answer, body};
use crate::{Tape, codec::Codec, event::Stored, part::PartReader, verify::Broken};

/// Much less than what the session below has.
const SIZE: usize = 16 << 10;

fn text(number: u32) -> String {
    let lines =
        (0..100_u32).map(|line| format!("{}: let x{} = {number};", line + 1, line * number));
    lines.collect::<Vec<_>>().join("\n")
}

/// A session that reads files.
fn author() -> Author {
    let mut author = Author::new();
    goes_on(&mut author, 0..40);
    author
}

fn goes_on(author: &mut Author, turns: Range<u32>) {
    for turn in turns {
        let output = text(turn);
        let shown = output.replace(": ", " ");
        let event = json!({"sessionID": "ses_1", "part": {"id": format!("prt_{turn}"), "type": "tool",
            "tool": "read", "state": {"status": "completed", "output": output,
            "metadata": {"preview": shown}}}});
        author.event("message.part.updated", &event.to_string());
        let said: Vec<_> = (0..=turn).map(text).collect();
        let said: Vec<_> = said.iter().map(|text| ("user", text.as_str())).collect();
        author.exchanges("ses_1", "msg_1", &body(&said), &answer(&format!("I saw {turn}")));
    }
}

/// All that was recorded: the bodies of requests and responses, and the events.
fn recorded(tape: &Tape) -> (Vec<[Vec<u8>; 2]>, Vec<serde_json::Value>) {
    let exchanges = tape.exchanges("ses_1").unwrap();
    let bodies = exchanges.iter().map(|row| {
        let exchange = tape.exchange(row.id).unwrap().unwrap();
        [exchange.request_body, exchange.response_body]
    });
    let events = tape.events("ses_1").unwrap();
    (bodies.collect(), events.into_iter().map(|event| event.body).collect())
}

fn count(tape: &Tape, sql: &str) -> i64 {
    tape.connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn what_was_packed_is_what_it_was_before_and_smaller() {
    let mut author = author();
    let before = recorded(&author.tape);
    let loose = count(&author.tape, "SELECT sum(length(data)) FROM loose");
    let usage = author.tape.usage().unwrap().sessions[0].bytes;
    assert!(!author.tape.pack_stretch(1 << 30).unwrap(), "not enough for a pack");
    // Two may do it at once.
    let mut other = author.open_again();
    while author.tape.pack_stretch(SIZE).unwrap() || other.pack_stretch(SIZE).unwrap() {}
    assert_eq!(recorded(&author.tape), before);
    let packs = count(&author.tape, "SELECT count(*) FROM packs");
    assert!((5..20).contains(&packs), "{packs}");
    let packed = count(
        &author.tape,
        "SELECT (SELECT sum(length(data)) FROM packs) + (SELECT coalesce(sum(length(data)), 0) FROM loose)",
    );
    assert!(packed * 4 < loose * 3, "{packed} of {loose}");
    let smaller = author.tape.usage().unwrap().sessions[0].bytes;
    assert!(smaller < usage && smaller > packed.cast_unsigned(), "{smaller} of {usage}");
    assert!(author.tape.verify(&mut |_| {}).unwrap().is_whole());
    // What comes now builds on it.
    author.exchanges("ses_1", "msg_1", &body(&[("user", &text(3))]), &answer("again"));
    let after = recorded(&author.tape).0;
    assert!(String::from_utf8_lossy(&after.last().unwrap()[0]).contains("let x9 = 3;"));
}

/// What lies by itself and could be packed, in bytes before compression.
const LOOSE: &str =
    "SELECT (SELECT coalesce(sum(size), 0) FROM parts WHERE typeof(data) = 'integer' AND data < 0)
     + (SELECT coalesce(sum(size), 0) FROM event_rows WHERE typeof(body) = 'integer' AND body < 0)";

#[test]
fn a_session_that_rests_often_has_as_few_packs_as_another_and_little_beside_them() {
    let (mut often, mut once) = (Author::new(), author());
    for turn in 0..40 {
        goes_on(&mut often, turn..turn + 1);
        while often.tape.pack_stretch(SIZE).unwrap() {}
    }
    while once.tape.pack_stretch(SIZE).unwrap() {}
    let packs = |tape: &Tape| count(tape, "SELECT count(*) FROM packs");
    assert!(packs(&often.tape).abs_diff(packs(&once.tape)) <= 1, "{}", packs(&often.tape));
    let [often_loose, once_loose] = [&often, &once].map(|author| count(&author.tape, LOOSE));
    assert!(often_loose < once_loose + SIZE as i64 / 3, "{often_loose}, {once_loose}");
    // But for what came last, it is what was cut off from its part where a pack ended.
    assert!(often_loose < SIZE as i64, "{often_loose}");
    assert_eq!(count(&often.tape, "SELECT count(*) FROM packs WHERE live < items"), 0);
    assert_eq!(recorded(&often.tape), recorded(&once.tape));
    assert!(often.tape.verify(&mut |_| {}).unwrap().is_whole());
}

#[test]
fn of_a_damaged_pack_with_room_in_it_nothing_more_is_lost() {
    let mut author = Author::new();
    goes_on(&mut author, 0..2);
    assert!(author.tape.pack_stretch(SIZE).unwrap());
    let open = count(&author.tape, "SELECT count(*) FROM packs WHERE size < 16384");
    assert_eq!(open, 1);
    author.tape.connection.execute("UPDATE packs SET codec = 77", []).unwrap();
    let broken = author.tape.verify(&mut |_| {}).unwrap().parts.broken;
    goes_on(&mut author, 2..6);
    while author.tape.pack_stretch(SIZE).unwrap() {}
    assert_eq!(author.tape.verify(&mut |_| {}).unwrap().parts.broken, broken);
    author
        .tape
        .connection
        .execute("UPDATE packs SET codec = ?1 WHERE codec = 77", [Codec::Dictionary.number()])
        .unwrap();
    assert!(author.tape.verify(&mut |_| {}).unwrap().is_whole());
}

#[test]
fn a_damaged_pack_costs_what_is_in_it_and_is_named() {
    let mut author = author();
    while author.tape.pack_stretch(SIZE).unwrap() {}
    let items = count(&author.tape, "SELECT items FROM packs WHERE id = 2");
    author.tape.connection.execute_batch("CREATE TEMP TABLE whole AS SELECT * FROM packs").unwrap();
    for damage in ["data = zeroblob(9)", "size = size + 1", "codec = 77"] {
        let damage = format!("UPDATE packs SET {damage} WHERE id = 2");
        author.tape.connection.execute(&damage, []).unwrap();
        let found = author.tape.verify(&mut |_| {}).unwrap();
        assert!(found.has(Broken::Content) && !found.has(Broken::Database), "{damage}");
        assert!(found.parts.broken > 3 && found.parts.broken < items.cast_unsigned(), "{damage}");
        assert!(author.tape.exchange(1).unwrap().is_some());
        assert!(author.tape.events("ses_1").unwrap().len() == 40);
        let mend = "INSERT OR REPLACE INTO packs SELECT * FROM temp.whole";
        author.tape.connection.execute(mend, []).unwrap();
    }
    author.tape.connection.execute("UPDATE parts SET data = data + 1 WHERE id = 30", []).unwrap();
    let found = author.tape.verify(&mut |_| {}).unwrap();
    assert_eq!(found.parts.broken, 1, "{found:?}");
}

/// Takes all bytes into their rows, and line numbers into them.
fn unpack(tape: &Tape) {
    let tape = &tape.connection;
    let mut reader = PartReader::new(tape).unwrap();
    let ids = |table: &str| {
        let mut select = tape.prepare(&format!("SELECT id FROM {table}")).unwrap();
        let ids = select.query_map([], |row| row.get::<_, i64>(0)).unwrap();
        ids.collect::<Result<Vec<_>, _>>().unwrap()
    };
    for id in ids("parts") {
        let bytes = reader.get(id).unwrap();
        let update = "UPDATE parts SET codec = 0, data = ?2 WHERE id = ?1";
        tape.execute(update, params![id, bytes]).unwrap();
    }
    for id in ids("events") {
        let sql = format!("SELECT {} FROM events WHERE id = ?1", Stored::COLUMNS);
        let stored = tape.query_row(&sql, [id], Stored::read).unwrap();
        let update = "UPDATE event_rows SET codec = 0, body = ?2 WHERE id = ?1";
        tape.execute(update, params![id, stored.own(&mut reader).unwrap()]).unwrap();
    }
    tape.execute("DELETE FROM derived WHERE what LIKE 'packed %'", []).unwrap();
}

#[test]
fn a_tape_from_before_there_were_packs_keeps_what_it_has_and_packs_what_comes() {
    let mut author = author();
    let (bodies, events) = recorded(&author.tape);
    unpack(&author.tape);
    author.grows_older(12);
    assert!(author.tape.verify(&mut |_| {}).unwrap().is_whole());
    while author.tape.pack_stretch(SIZE).unwrap() {}
    assert_eq!(count(&author.tape, "SELECT count(*) FROM packs"), 0, "it would not be smaller");
    assert_eq!(recorded(&author.tape), (bodies.clone(), events.clone()));
    goes_on(&mut author, 40..70);
    let after = recorded(&author.tape);
    assert_eq!((&after.0[..40], &after.1[..40]), (&bodies[..], &events[..]));
    let mut tape = author.tape;
    while tape.pack_stretch(SIZE).unwrap() {}
    assert!(tape.verify(&mut |_| {}).unwrap().is_whole());
    assert_eq!(recorded(&tape), after);
    let packed = "SELECT count(*) FROM parts WHERE typeof(data) = 'integer'";
    assert!(count(&tape, packed) > 40);
}
