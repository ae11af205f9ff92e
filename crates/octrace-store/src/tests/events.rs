//! What events have in common with requests is on the tape once.

use octrace_core::search::{Query, Role};
use proptest::prelude::*;
use rusqlite::Connection;
use serde_json::json;

use super::{Author, answer, body};
use crate::{Tape, event::Stored, part::PartReader};

/// Text that has escapes in JSON, and hardly repeats itself.
fn long(seed: usize) -> String {
    (seed * 100..seed * 100 + 40)
        .map(|n| format!("{n}: let \"ünal\\{n}\" = {};\n", n * n))
        .collect()
}

/// A tool has run.
fn completed(output: &str, shown: &str) -> String {
    json!({"sessionID": "ses_1", "part": {"type": "tool", "tool": "read", "state": {
        "status": "completed", "input": {"filePath": "/a"}, "output": output,
        "metadata": {"preview": shown, "display": {"text": shown}}}}})
    .to_string()
}

fn count(tape: &Tape, sql: &str) -> i64 {
    tape.connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The bodies of all events, byte for byte.
fn bodies(tape: &Connection) -> Vec<String> {
    let mut select =
        tape.prepare(&format!("SELECT {} FROM events ORDER BY id", Stored::COLUMNS)).unwrap();
    let stored = select.query_map([], Stored::read).unwrap();
    let mut parts = PartReader::new(tape).unwrap();
    stored
        .map(|stored| String::from_utf8(stored.unwrap().body(&mut parts).unwrap()).unwrap())
        .collect()
}

#[test]
fn a_tools_output_is_one_part_in_the_event_and_in_each_dialects_request() {
    let output = long(1);
    let arguments = json!({"content": long(2)}).to_string();
    let requests = [
        json!({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t",
            "content": [{"type": "text", "text": output}], "cache_control": {"type": "ephemeral"}}]}]}),
        json!({"messages": [{"role": "tool", "tool_call_id": "t", "content": output}]}),
        json!({"input": [{"type": "function_call_output", "call_id": "t", "output": output},
            {"type": "function_call", "call_id": "t", "arguments": arguments}]}),
        json!({"contents": [{"role": "user", "parts": [{"functionResponse": {"name": "read",
            "response": {"name": "read", "content": output}}}]}]}),
    ];
    let mut author = Author::new();
    let event = completed(&output, &output.replace(": ", " "));
    author.event("message.part.updated", &event);
    for request in &requests {
        author.exchanges("ses_1", "msg_1", &request.to_string(), &answer("so"));
    }
    let of_event = "SELECT count(*) FROM parts WHERE id IN (SELECT part FROM event_uses)";
    assert_eq!(count(&author.tape, of_event), 1, "what people are shown is none");
    let long = format!("SELECT count(*) FROM parts WHERE size >= {}", output.len());
    assert_eq!(count(&author.tape, &long), 2, "the output, and the arguments of a call");
    assert_eq!(bodies(&author.tape.connection), [event]);
    // What is shown is the output in another form, and takes little beside it.
    assert!(count(&author.tape, "SELECT length(body) FROM events") < 500);
    for (id, request) in (1..).zip(&requests) {
        let restored = author.tape.exchange(id).unwrap().unwrap().request_body;
        assert_eq!(restored, request.to_string().as_bytes());
    }
    assert!(author.tape.verify(&mut |_| {}).unwrap().is_whole());
}

#[test]
fn events_are_not_searched_but_what_a_request_has_of_them_is() {
    let mut author = Author::new();
    let output = format!("{} needle\nöde", long(1));
    author.event("message.part.updated", &completed(&output, "shown"));
    let find = |tape: &Tape, text: &str| {
        let hits = tape.search(&Query::parse(text).unwrap(), None, 9).unwrap().hits;
        hits.iter().map(|hit| (hit.role, hit.exchange)).collect::<Vec<_>>()
    };
    author.exchanges("ses_1", "msg_1", &body(&[("user", "Go on")]), &answer("yes"));
    while author.tape.index_step().unwrap() {}
    assert_eq!(find(&author.tape, "needle"), []);
    // Its part is older than what is in the index.
    let request = json!({"messages": [{"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "t", "content": output}]},
        {"role": "assistant", "content": [{"type": "tool_use", "name": "write",
            "input": {"content": format!("{} pin", long(3))}}]},
        {"role": "assistant", "tool_calls": [{"function": {"name": "write",
            "arguments": json!({"content": format!("{}\ncushion", long(4))}).to_string()}}]}]});
    author.exchanges("ses_1", "msg_2", &request.to_string(), &answer("yes"));
    for indexed in [false, true] {
        while indexed && author.tape.index_step().unwrap() {}
        assert_eq!(find(&author.tape, "needle"), [(Role::ToolResult, 2)]);
        assert_eq!(find(&author.tape, "\"needle\nöde\""), [(Role::ToolResult, 2)]);
        assert_eq!(find(&author.tape, "pin"), [(Role::Assistant, 2)]);
        assert_eq!(find(&author.tape, "cushion"), [(Role::Assistant, 2)]);
        assert_eq!(find(&author.tape, "ncushion"), [], "an escape is no letter");
    }
    assert!(author.tape.verify(&mut |_| {}).unwrap().is_whole());
    author.tape.rebuild(&mut |_| {}).unwrap();
    assert_eq!(find(&author.tape, "needle"), [(Role::ToolResult, 2)]);
}

#[test]
fn what_is_broken_of_an_events_part_is_named_and_its_use_comes_back() {
    let mut author = Author::new();
    author.event("message.part.updated", &completed(&long(1), "shown"));
    author.event("session.idle", r#"{"sessionID":"ses_1"}"#);
    author.tape.connection.execute("DELETE FROM event_uses", []).unwrap();
    let found = author.tape.verify(&mut |_| {}).unwrap();
    assert!(!found.is_whole() && found.findings.iter().all(|one| one.what.contains("event 1")));
    author.tape.rebuild(&mut |_| {}).unwrap();
    assert!(author.tape.verify(&mut |_| {}).unwrap().is_whole());
    author.tape.connection.execute("UPDATE parts SET hash = zeroblob(32)", []).unwrap();
    let found = author.tape.verify(&mut |_| {}).unwrap();
    assert_eq!((found.events.whole, found.events.broken), (1, 1), "{found:?}");
    for damage in [
        "UPDATE parts SET data = x'00'",
        "UPDATE event_rows SET layout = x'01' WHERE layout NOT NULL",
    ] {
        author.tape.connection.execute(damage, []).unwrap();
        let found = author.tape.verify(&mut |_| {}).unwrap();
        assert_eq!((found.events.whole, found.events.broken), (1, 1), "{found:?}");
        let read = author.tape.events("ses_1").unwrap();
        assert!(read[0].body.is_null() && read[1].body.is_object());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_event_comes_back_byte_for_byte(
        events in prop::collection::vec((0..4_usize, 0..4_usize, "\\PC{0,20}", any::<bool>()), 1..8)
    ) {
        let mut author = Author::new();
        let mut sent = Vec::new();
        for (output, shown, note, spaced) in events {
            let output = format!("{}{note}", long(output));
            let mut event = completed(&output, &long(shown));
            if spaced {
                event = event.replace("\"state\":{", "\"text\" : \"\" ,\n \"state\" :\t{");
            }
            author.event("message.part.updated", &event);
            sent.push(event);
        }
        prop_assert_eq!(bodies(&author.tape.connection), sent);
    }
}
