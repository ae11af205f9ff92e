//! Records in, outline out: one line for each thing, indented under what it belongs to.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{exchange::Outcome, provider::Usage, session::ToolCall};

/// Events in the order given, one millisecond apart.
fn events(told: &[(&str, Value)]) -> Vec<EventRecord> {
    let record = |(place, (kind, body)): (usize, &(&str, Value))| EventRecord {
        id: place as i64,
        at_us: place as i64 * 1000,
        kind: (*kind).to_owned(),
        body: body.clone(),
    };
    told.iter().enumerate().map(record).collect()
}

fn user(id: &str, at: i64) -> (&'static str, Value) {
    let info = json!({"id": id, "role": "user", "sessionID": "s", "agent": "build", "time": {"created": at}});
    ("message.updated", json!({"sessionID": "s", "info": info}))
}

fn assistant(id: &str, parent: &str, created: i64, more: Value) -> (&'static str, Value) {
    let mut info = json!({
        "id": id, "role": "assistant", "parentID": parent, "sessionID": "s", "agent": "build",
        "providerID": "mock", "modelID": "m1", "time": {"created": created},
    });
    let (Value::Object(info_fields), Value::Object(more)) = (&mut info, more) else { panic!() };
    for (key, value) in more {
        if key == "completed" {
            info_fields["time"]["completed"] = value;
        } else {
            info_fields.insert(key, value);
        }
    }
    ("message.updated", json!({"sessionID": "s", "info": info}))
}

fn part(message: &str, id: &str, more: Value) -> (&'static str, Value) {
    let mut part = json!({"id": id, "messageID": message, "sessionID": "s"});
    let (Value::Object(fields), Value::Object(more)) = (&mut part, more) else { panic!() };
    fields.extend(more);
    ("message.part.updated", json!({"sessionID": "s", "part": part}))
}

fn tool(message: &str, id: &str, name: &str, state: Value) -> (&'static str, Value) {
    let mut more = json!({"type": "tool", "tool": name, "callID": format!("call_{id}")});
    more["state"] = state;
    part(message, id, more)
}

fn exchange(id: i64, at_ms: i64, status: u16, assistant: Option<&str>) -> Summary {
    let mut row = Summary {
        id,
        session: "s".to_owned(),
        message: Some("u1".to_owned()),
        assistant: assistant.map(str::to_owned),
        model: Some("m1".to_owned()),
        status: Some(status),
        outcome: Outcome::Complete,
        usage: Some(Usage { input: 100, output: 10, ..Usage::default() }),
        cost_usd: Some(0.5),
        ..Summary::default()
    };
    row.timing.sent_us = at_ms * 1000;
    row.timing.end_after_us = Some(1000);
    row
}

fn title(id: i64, at_ms: i64, status: u16) -> Summary {
    let agent = Some("title".to_owned());
    Summary { purpose: Purpose::Title, agent, ..exchange(id, at_ms, status, None) }
}

fn outline(session: &Session) -> String {
    let mut text = String::new();
    write_session(&mut text, 0, session);
    text
}

fn write_session(text: &mut String, depth: usize, session: &Session) {
    let pad = "  ".repeat(depth);
    let Session { id, title, agent, .. } = session;
    writeln!(text, "{pad}session {id} {title:?} {agent:?}").unwrap();
    for turn in &session.turns {
        let (prompt, end) = (&turn.prompt, turn.ended_us);
        writeln!(text, "{pad}  turn {prompt:?} {}..{end:?} {:?}", turn.started_us, turn.errors)
            .unwrap();
        for call in &turn.calls {
            write_call(text, depth + 2, call);
        }
    }
    for call in &session.unplaced {
        writeln!(text, "{pad}  unplaced").unwrap();
        write_call(text, depth + 2, call);
    }
    for child in &session.children {
        write_session(text, depth + 1, child);
    }
    session.errors.iter().for_each(|error| writeln!(text, "{pad}  error {error:?}").unwrap());
}

fn write_call(text: &mut String, depth: usize, call: &ModelCall) {
    let pad = "  ".repeat(depth);
    let attempts: Vec<_> =
        call.attempts.iter().map(|row| (row.id, row.status.unwrap_or(0))).collect();
    let ModelCall { purpose, assistant, error, text: answer, .. } = call;
    let purpose = purpose.as_str();
    writeln!(text, "{pad}{purpose} {assistant:?} {attempts:?} {answer:?} {error:?}").unwrap();
    for tool in &call.tools {
        let ToolCall { tool: name, subject, status, exit, error, child, .. } = tool;
        writeln!(text, "{pad}  {name} {subject:?} {status:?} {exit:?} {error:?}").unwrap();
        if let Some(child) = child {
            write_session(text, depth + 2, child);
        }
    }
}

#[test]
fn a_command_that_octrace_answers_is_no_model_call() {
    let typed = json!({"type": "text", "text": "/intercept on", "synthetic": true, "ignored": true,
        "metadata": {"octrace": "intercept"}});
    let reply = json!({"type": "text", "text": "## Interceptor Enabled"});
    let done = json!({"completed": 4, "finish": "stop", "cost": 0,
        "tokens": {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}});
    let told = [
        user("u0", 1),
        part("u0", "p0", typed),
        assistant("a0", "u0", 2, done),
        part("a0", "p1", reply),
        ("session.idle", json!({"sessionID": "s"})),
    ];
    let session = build("s", &events(&told), &[], &[], Vec::new());
    let [turn] = &session.turns[..] else { panic!("one turn") };
    assert_eq!(turn.prompt, "/intercept on");
    assert_eq!(turn.reply.as_deref(), Some("## Interceptor Enabled"));
    assert!(turn.calls.is_empty() && turn.ended_us.is_some());
    assert_eq!(session.asked_turns().count(), 0);
    // Work that it interrupted goes on under its message.
    let attempt = Summary { message: Some("u0".to_owned()), ..exchange(1, 3, 200, None) };
    let session = build("s", &events(&told), &[], &[attempt], Vec::new());
    assert_eq!(session.turns[0].calls.len(), 1);
}

/// A prompt, a call with a tool, a call with the answer, then idle.
fn whole_turn() -> Vec<(&'static str, Value)> {
    let info = json!({"id": "s", "title": "New session - 2026", "directory": "/p", "version": "1.18.33",
        "time": {"created": 1, "updated": 1}});
    let named = json!({"id": "s", "title": "A title", "agent": "build", "time": {"created": 1, "updated": 9}});
    let usage = json!({"completed": 7, "finish": "tool-calls"});
    vec![
        ("session.created", json!({"sessionID": "s", "info": info})),
        user("u1", 1),
        part("u1", "p1", json!({"type": "text", "text": "Do it"})),
        part("u1", "p2", json!({"type": "text", "text": "(reminder)", "synthetic": true})),
        assistant("a1", "u1", 2, json!({})),
        tool("a1", "t1", "bash", json!({"status": "pending", "input": {}})),
        tool(
            "a1",
            "t1",
            "bash",
            json!({"status": "running", "input": {"command": "make"}, "time": {"start": 3}}),
        ),
        tool(
            "a1",
            "t1",
            "bash",
            json!({"status": "completed", "input": {"command": "make"},
            "metadata": {"exit": 2}, "time": {"start": 3, "end": 5}}),
        ),
        assistant("a1", "u1", 2, usage),
        assistant("a2", "u1", 7, json!({})),
        part("a2", "p3", json!({"type": "text", "text": "Done."})),
        assistant("a2", "u1", 7, json!({"completed": 9, "finish": "stop"})),
        ("session.idle", json!({"sessionID": "s"})),
        ("session.updated", json!({"sessionID": "s", "info": named})),
    ]
}

#[test]
fn a_turn_has_its_calls_with_their_tools_and_titles() {
    let rows = [exchange(1, 2, 200, Some("a1")), title(2, 2, 200), exchange(3, 7, 200, Some("a2"))];
    let session = build("s", &events(&whole_turn()), &[], &rows, Vec::new());
    insta::assert_snapshot!(outline(&session), @r#"
    session s Some("A title") Some("build")
      turn "Do it" 1000..Some(12000) []
        main Some("a1") [(1, 200)] "" None
          bash "make" Completed Some(2) None
        title None [(2, 200)] "" None
        main Some("a2") [(3, 200)] "Done." None
    "#);
    let totals = session.totals();
    assert_eq!((totals.requests, totals.errors, totals.usage.input), (3, 0, 300));
    assert_eq!(totals.cost_usd, Some(1.5));
}

#[test]
fn retries_are_attempts_of_one_call() {
    let failed = json!({"completed": 20, "error": {"name": "APIError", "data": {"message": "mock error 500"}}});
    let told = events(&[
        user("u1", 1),
        assistant("a1", "u1", 2, json!({})),
        (
            "session.error",
            json!({"sessionID": "s", "error": {"name": "APIError", "data": {"message": "mock error 500"}}}),
        ),
        assistant("a1", "u1", 2, failed),
        ("session.error", json!({"error": {"name": "UnknownError", "data": {"message": "other"}}})),
        ("session.error", json!({"error": {"name": "UnknownError", "data": {"message": "other"}}})),
    ]);
    let mut refused = exchange(3, 9, 0, Some("a1"));
    (refused.status, refused.outcome) = (None, Outcome::Failed);
    let rows = [
        exchange(1, 2, 500, Some("a1")),
        title(2, 2, 500),
        refused,
        title(4, 5, 200),
        title(5, 8, 200),
    ];
    let session = build("s", &told, &[], &rows, Vec::new());
    insta::assert_snapshot!(outline(&session), @r#"
    session s None Some("build")
      turn "" 1000..Some(20000) ["UnknownError: other"]
        main Some("a1") [(1, 500), (3, 0)] "" Some("APIError: mock error 500")
        title None [(2, 500), (4, 200)] "" None
        title None [(5, 200)] "" None
    "#);
    assert_eq!(session.totals().errors, 3);
}

#[test]
fn what_only_one_side_knows_is_there_too() {
    let told = events(&[
        (
            "session.error",
            json!({"error": {"name": "UnknownError", "data": {"message": "Failed to load plugin"}}}),
        ),
        user("u1", 5),
        part("u1", "p1", json!({"type": "file", "filename": "a.png"})),
        assistant(
            "a1",
            "u1",
            6,
            json!({"completed": 8, "finish": "stop", "cost": 0.25,
            "tokens": {"input": 5, "output": 2, "reasoning": 1, "cache": {"read": 3, "write": 0}}}),
        ),
        assistant("a8", "gone", 6, json!({})),
        tool(
            "a9",
            "t1",
            "read",
            json!({"status": "error", "error": "File not found: x", "input": {"filePath": "x"}}),
        ),
        tool(
            "a1",
            "t2",
            "invalid",
            json!({"status": "completed", "input": {"tool": "nosuch", "error": "no such tool"}}),
        ),
    ]);
    let mut lost = exchange(1, 9, 200, None);
    lost.message = None;
    let rows = [lost.clone(), Summary { id: 2, ..lost }, exchange(3, 9, 200, Some("a7"))];
    let session = build("s", &told, &[], &rows, Vec::new());
    insta::assert_snapshot!(outline(&session), @r#"
    session s None Some("build")
      turn "[a.png]" 5000..None []
        main Some("a1") [] "" None
          invalid "nosuch" Failed None Some("no such tool")
        main Some("a7") [(3, 200)] "" None
      unplaced
        main Some("a9") [] "" None
          read "x" Failed None Some("File not found: x")
      unplaced
        main Some("a8") [] "" None
      unplaced
        main None [(1, 200)] "" None
      unplaced
        main None [(2, 200)] "" None
      error "UnknownError: Failed to load plugin"
    "#);
    assert_eq!(session.turns[0].calls[0].reported.unwrap().input, 8);
    assert_eq!(session.totals().cost_usd, Some(1.75), "three exchanges and one reported call");
}

#[test]
fn sub_agents_stand_under_their_task() {
    let running = |start: i64, metadata: Value| {
        json!({"status": "running", "input": {"description": "look"},
        "metadata": metadata, "time": {"start": start}})
    };
    let told = events(&[
        user("u1", 1),
        assistant("a1", "u1", 2, json!({})),
        tool("a1", "t1", "task", running(3, json!({"sessionId": "named"}))),
        tool("a1", "t2", "task", running(50, json!({}))),
        tool("a1", "t3", "task", running(60, json!({"sessionId": "named"}))),
    ]);
    let child = |id: &str, at_ms: i64| Session {
        id: id.to_owned(),
        created_us: at_ms * 1000,
        ..Session::default()
    };
    let children = vec![child("named", 4), child("guessed", 51), child("early", 5)];
    let session = build("s", &told, &[], &[], children);
    insta::assert_snapshot!(outline(&session), @r#"
    session s None Some("build")
      turn "" 1000..None []
        main Some("a1") [] "" None
          task "look" Running None None
            session named None None
          task "look" Running None None
            session guessed None None
          task "look" Running None None
      session early None None
    "#);

    let rivals = vec![child("one", 51), child("two", 52)];
    let session = build("s", &told, &[], &[], rivals);
    assert_eq!(session.children.len(), 2, "which of two belongs there is not known");
}

#[test]
fn a_turn_runs_until_opencode_is_idle() {
    let ended = |told: &[(&'static str, Value)], rows: &[Summary]| {
        build("s", &events(told), &[], rows, Vec::new()).turns[0].ended_us
    };
    let told = whole_turn();
    assert_eq!(ended(&told, &[]), Some(12_000), "idle, the thirteenth event");
    assert_eq!(ended(&told[..12], &[]), Some(9_000), "the last call says that it stopped");
    assert_eq!(ended(&told[..10], &[]), None, "a call is running");
    assert_eq!(ended(&told[..9], &[]), None, "a call is due after tools");
    assert_eq!(ended(&told[..3], &[]), None, "nothing answered yet");
    let mut late = title(2, 50, 200);
    late.timing.end_after_us = Some(1_000_000);
    assert_eq!(ended(&told, &[late]), Some(12_000), "a title may outlast its turn");
}

#[test]
fn compaction_and_other_sessions_events() {
    let mut told = events(&[
        user("u1", 1),
        part("u1", "p1", json!({"type": "compaction", "auto": true})),
        assistant("a1", "u1", 2, json!({"agent": "compaction", "completed": 3, "finish": "stop"})),
    ]);
    let mut other = events(&whole_turn());
    for event in &mut other {
        event.body["sessionID"] = json!("another");
    }
    told.extend(other);
    let session = build("s", &told, &[], &[], Vec::new());
    insta::assert_snapshot!(outline(&session), @r#"
    session s None Some("build")
      turn "compaction" 1000..Some(3000) []
        compaction Some("a1") [] "" None
    "#);
    assert!(session.turns[0].compaction);
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "s",
        "u1",
        "a1",
        "t1",
        "user",
        "assistant",
        "tool",
        "text",
        "task",
        "completed",
        "running",
        "error",
        "compaction",
        "bash",
        "invalid",
        "",
    ]);
    let keys = prop::sample::select(vec![
        "info",
        "part",
        "id",
        "role",
        "sessionID",
        "messageID",
        "parentID",
        "callID",
        "type",
        "tool",
        "text",
        "state",
        "status",
        "input",
        "metadata",
        "sessionId",
        "time",
        "created",
        "completed",
        "start",
        "end",
        "error",
        "name",
        "data",
        "message",
        "tokens",
        "cost",
        "exit",
        "title",
    ]);
    let leaf = prop_oneof![
        words.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::Null),
        ".{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 9, move |inner| {
        prop_oneof![
            4 => prop::collection::hash_map(keys.clone(), inner.clone(), 0..9).prop_map(|map| {
                Value::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

proptest! {
    #[test]
    fn any_events_give_a_session(
        bodies in prop::collection::vec((0usize..5, any_json()), 0..20),
        times in prop::collection::vec(any::<i64>(), 20),
        rows in prop::collection::vec((0i64..6, any::<i64>(), prop::option::of(0usize..3)), 0..6),
    ) {
        let kinds =
            ["session.updated", "message.updated", "message.part.updated", "session.error", "session.idle"];
        let mut told = events(&[]);
        for (place, (kind, body)) in bodies.into_iter().enumerate() {
            let kind = kinds[kind].to_owned();
            told.push(EventRecord { id: place as i64, at_us: times[place], kind, body });
        }
        let rows: Vec<Summary> = rows.into_iter().map(|(id, sent_us, assistant)| {
            let mut row = exchange(id, 0, 200, assistant.map(|at| ["a1", "u1", "t1"][at]));
            row.timing.sent_us = sent_us;
            row.timing.end_after_us = Some(sent_us);
            row
        }).collect();
        let session = build("s", &told, &[], &rows, vec![Session::default()]);
        let mut placed: Vec<i64> =
            session.calls().flat_map(|call| &call.attempts).map(|row| row.id).collect();
        placed.sort_unstable();
        let mut given: Vec<i64> = rows.iter().map(|row| row.id).collect();
        given.sort_unstable();
        given.dedup();
        prop_assert_eq!(placed, given, "every exchange is somewhere, once");
        prop_assert_eq!(session.sub_agents().count(), 1, "so is every sub-agent");
    }

    #[test]
    fn order_and_repetition_change_nothing(order in Just((0..14).collect::<Vec<usize>>()).prop_shuffle()) {
        let told = events(&whole_turn());
        let rows = [exchange(1, 2, 200, Some("a1")), title(2, 2, 200), exchange(3, 7, 200, Some("a2"))];
        let expected = build("s", &told, &[], &rows, Vec::new());
        let mut shuffled: Vec<EventRecord> = order.iter().map(|&at| told[at].clone()).collect();
        shuffled.extend(told.iter().rev().cloned());
        let rows: Vec<Summary> = rows.iter().rev().chain(&rows).cloned().collect();
        prop_assert_eq!(build("s", &shuffled, &[], &rows, Vec::new()), expected);
    }

    #[test]
    fn late_news_never_undoes_the_end(order in Just((0..14).collect::<Vec<usize>>()).prop_shuffle()) {
        // Here the records' own order is wrong: what was told last may carry the first number.
        let told = whole_turn();
        let jumbled: Vec<_> = order.iter().map(|&at| told[at].clone()).collect();
        let session = build("s", &events(&jumbled), &[], &[], Vec::new());
        prop_assert_eq!(session.title.as_deref(), Some("A title"));
        let tool = &session.turns[0].calls[0].tools[0];
        prop_assert_eq!((tool.status, tool.exit), (ToolStatus::Completed, Some(2)));
        prop_assert_eq!(session.turns[0].calls[1].ended_us, Some(9_000));
    }
}
