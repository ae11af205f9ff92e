//! Records in, spans out: one line for each span.

use std::{collections::BTreeSet, fmt::Write};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    provider::Usage,
    trace::{CallPlace, Origin, SessionFacts, Step, ToolSpan},
};

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

fn user(id: &str, at_ms: i64) -> (&'static str, Value) {
    let time = json!({"created": at_ms});
    let info = json!({"id": id, "role": "user", "sessionID": "s", "agent": "build", "time": time});
    ("message.updated", json!({"sessionID": "s", "info": info}))
}

fn assistant(id: &str, parent: &str, time: Value, more: Value) -> (&'static str, Value) {
    let mut info = json!({
        "id": id, "role": "assistant", "parentID": parent, "sessionID": "s", "agent": "build",
        "providerID": "mock", "modelID": "m/1",
    });
    info["time"] = time;
    let (Value::Object(fields), Value::Object(more)) = (&mut info, more) else { panic!() };
    fields.extend(more);
    ("message.updated", json!({"sessionID": "s", "info": info}))
}

fn text(message: &str, text: &str) -> (&'static str, Value) {
    let id = format!("prt_{message}_{text}");
    let part =
        json!({"id": id, "messageID": message, "sessionID": "s", "type": "text", "text": text});
    ("message.part.updated", json!({"sessionID": "s", "part": part}))
}

fn tool(message: &str, call: &str, tool: &str, state: Value) -> (&'static str, Value) {
    let id = format!("prt_{message}_{call}");
    let mut part = json!({"id": id, "messageID": message, "sessionID": "s", "type": "tool", "tool": tool,
        "callID": call});
    part["state"] = state;
    ("message.part.updated", json!({"sessionID": "s", "part": part}))
}

fn error(message: &str) -> Value {
    json!({"name": "APIError", "data": {"message": message}})
}

fn idle() -> (&'static str, Value) {
    ("session.idle", json!({"sessionID": "s"}))
}

/// Sent at `from_ms`, answered until `to_ms`.
fn exchange(id: i64, from_ms: i64, to_ms: i64, assistant: Option<&str>) -> Summary {
    let mut row = Summary {
        id,
        session: "s".to_owned(),
        message: Some("u1".to_owned()),
        assistant: assistant.map(str::to_owned),
        provider: Some("mock".to_owned()),
        model: Some("m/1".to_owned()),
        url: "http://127.0.0.1:8080/v1/chat/completions".to_owned(),
        dialect: Dialect::OpenaiChat,
        status: Some(200),
        outcome: Outcome::Complete,
        usage: Some(Usage { input: 100, output: 10, ..Usage::default() }),
        cost_usd: Some(0.5),
        finish: Some("stop".to_owned()),
        ..Summary::default()
    };
    row.timing.sent_us = from_ms * 1000;
    row.timing.end_after_us = Some((to_ms - from_ms) * 1000);
    row
}

fn failed(row: Summary, status: u16, error: &str) -> Summary {
    let error = Some(error.to_owned());
    Summary { status: Some(status), error, usage: None, cost_usd: None, finish: None, ..row }
}

fn title(row: Summary) -> Summary {
    Summary { purpose: Purpose::Title, agent: Some("title".to_owned()), ..row }
}

fn recorded(told: &[(&str, Value)], exchanges: Vec<Summary>) -> Recorded {
    let session = SessionFacts { id: "s".to_owned(), ..SessionFacts::default() };
    let messages = ["u1", "a1", "a2", "u2", "a3"].into_iter();
    Recorded {
        origin: Origin {
            root: session.clone(),
            root_message: "u1".to_owned(),
            ..Origin::default()
        },
        session,
        message: "u1".to_owned(),
        events: events(told),
        exchanges,
        numbers: messages.zip(0..).map(|(id, number)| (id.to_owned(), number)).collect(),
    }
}

/// A line for each span: whose child it is, when it was, what it is, and how it failed.
fn outline(turn: &Turn) -> String {
    let mut text = String::new();
    for span in &turn.spans {
        let Span { started_us, ended_us, failure, what, .. } = span;
        let pad = if span.parent == Some(turn.spans[0].id) { "  " } else { "" };
        let (from, to) = (*started_us as f64 / 1000.0, *ended_us as f64 / 1000.0);
        write!(text, "{pad}{from}..{to} ").unwrap();
        match what {
            What::Turn(TurnSpan { agent, prompt, reply, usage, cost_usd, .. }) => {
                let tokens = (usage.input, usage.output);
                write!(text, "turn {agent:?} {prompt:?} -> {reply:?} {tokens:?} {cost_usd:?}")
            }
            What::Model(model) => {
                let ModelSpan { purpose, message, number, attempts, usage, .. } = &**model;
                let tokens = usage.map(|usage| (usage.input, usage.output));
                write!(text, "{} {message:?} #{number} {tokens:?}", purpose.as_str()).unwrap();
                for attempt in attempts {
                    let Attempt { exchange, started_us, ended_us, status, failure } = attempt;
                    let (from, to) = (*started_us / 1000, *ended_us / 1000);
                    let kind = failure.as_ref().map_or("", |failure| &failure.kind);
                    write!(text, " [{exchange}: {from}..{to} {status:?} {kind}]").unwrap();
                }
                Ok(())
            }
            What::Tool(tool) => {
                let ToolSpan { call, tool, message, number, title, input, output, .. } = tool;
                write!(text, "{tool} {call} {message} #{number} {title:?} {input} -> {output:?}")
            }
        }
        .unwrap();
        if let Some(Failure { kind, message }) = failure {
            write!(text, " ! {kind}: {message:?}").unwrap();
        }
        text.push('\n');
    }
    text
}

fn running(start_ms: i64) -> Value {
    json!({"status": "running", "input": {"command": "make"}, "time": {"start": start_ms}})
}

fn done(start_ms: i64, end_ms: i64) -> Value {
    json!({"status": "completed", "input": {"command": "make"}, "output": "made\n", "title": "make",
        "metadata": {"exit": 2, "output": "made\n"}, "time": {"start": start_ms, "end": end_ms}})
}

fn broken(start_ms: i64, end_ms: i64) -> Value {
    json!({"status": "error", "input": {"filePath": "x"}, "error": "File not found: x",
        "time": {"start": start_ms, "end": end_ms}})
}

/// A prompt, a call with two tools, of which one fails, a title beside it, and an answer at the third attempt.
fn whole() -> Recorded {
    let told = [
        user("u1", 1),
        text("u1", "Do it"),
        assistant("a1", "u1", json!({"created": 2}), json!({})),
        tool("a1", "c1", "bash", json!({"status": "pending", "input": {}, "raw": ""})),
        tool("a1", "c1", "bash", running(20)),
        tool("a1", "c2", "read", broken(21, 23)),
        tool("a1", "c1", "bash", done(20, 40)),
        assistant(
            "a1",
            "u1",
            json!({"created": 2, "completed": 41}),
            json!({"finish": "tool-calls"}),
        ),
        assistant("a2", "u1", json!({"created": 42}), json!({})),
        text("a2", "Done."),
        assistant("a2", "u1", json!({"created": 42, "completed": 90}), json!({"finish": "stop"})),
        user("u2", 200),
        text("u2", "And that"),
        assistant("a3", "u2", json!({"created": 201, "completed": 230}), json!({"finish": "stop"})),
        tool("a3", "c1", "bash", done(210, 220)),
    ];
    let mut cut = exchange(5, 70, 75, Some("a2"));
    (cut.outcome, cut.error) = (Outcome::Cut, Some("Connection reset by server".to_owned()));
    let mut last = exchange(6, 80, 89, Some("a2"));
    last.timing.first_content_after_us = Some(4000);
    let other = Summary { message: Some("u2".to_owned()), ..exchange(7, 202, 209, Some("a3")) };
    let rows = vec![
        exchange(1, 5, 15, Some("a1")),
        title(exchange(2, 5, 300, None)),
        failed(exchange(3, 43, 44, Some("a2")), 503, "mock error 503"),
        cut,
        last,
        other,
        Summary { message: None, ..exchange(8, 50, 60, None) },
    ];
    recorded(&told, rows)
}

#[test]
fn a_turn_with_all_that_happens() {
    let turn = build(&whole());
    insta::assert_snapshot!(outline(&turn), @r#"
    1..90 turn Some("build") "Do it" -> "Done." (400, 40) Some(2.0)
      5..15 main Some("a1") #1 Some((100, 10)) [1: 5..15 Some(200) ]
      5..300 title None #0 Some((100, 10)) [2: 5..300 Some(200) ]
      20..40 bash c1 a1 #1 Some("make") {"command":"make"} -> "made\n"
      21..23 read c2 a1 #1 None {"filePath":"x"} -> "File not found: x" ! tool_error: "File not found: x"
      43..89 main Some("a2") #2 Some((200, 20)) [3: 43..44 Some(503) 503] [5: 70..75 Some(200) cut] [6: 80..89 Some(200) ]
    "#);
    assert_eq!(turn.trace, TraceId::of_turn("s", "u1"));
    assert_eq!(turn.spans[0].parent, None);
    let ids: Vec<SpanId> = turn.spans.iter().map(|span| span.id).collect();
    for id in [
        SpanId::of_turn("s", "u1"),
        SpanId::of_answer("s", "a1"),
        SpanId::of_answer("s", "a2"),
        SpanId::of_meta("s", "u1", "title", 0),
        SpanId::of_tool("s", "a1", "c1"),
        SpanId::of_tool("s", "a1", "c2"),
    ] {
        assert!(ids.contains(&id));
    }
    let model = turn.spans.iter().find_map(|span| match &span.what {
        What::Model(model) if model.message.as_deref() == Some("a2") => Some(model),
        _ => None,
    });
    let model = model.unwrap();
    assert_eq!((model.provider.as_deref(), model.model.as_deref()), (Some("mock"), Some("m/1")));
    assert_eq!(model.server, Some(("127.0.0.1".to_owned(), Some(8080))));
    assert_eq!(model.first_content_after_us, Some(4000));
    let shell = turn.spans.iter().find_map(|span| match &span.what {
        What::Tool(tool) if tool.tool == "bash" => Some(tool),
        _ => None,
    });
    assert_eq!(shell.unwrap().exit, Some(2), "told, and no failure");
    assert_eq!(shell.unwrap().metadata, r#"{"exit":2,"output":"made\n"}"#);

    let second = Recorded { message: "u2".to_owned(), ..whole() };
    insta::assert_snapshot!(outline(&build(&second)), @r#"
    200..230 turn Some("build") "And that" -> "" (100, 10) Some(0.5)
      202..209 main Some("a3") #4 Some((100, 10)) [7: 202..209 Some(200) ]
      210..220 bash c1 a3 #4 Some("make") {"command":"make"} -> "made\n"
    "#);
}

#[test]
fn failed_calls() {
    let why = json!({"error": error("mock error 400")});
    let told = [
        user("u1", 1),
        assistant("a1", "u1", json!({"created": 2}), json!({})),
        ("session.error", json!({"sessionID": "s", "error": error("mock error 400")})),
        idle(),
        assistant("a1", "u1", json!({"created": 2, "completed": 9}), why),
    ];
    let row = failed(exchange(1, 3, 8, Some("a1")), 400, "mock error 400");
    insta::assert_snapshot!(outline(&build(&recorded(&told, vec![row]))), @r#"
    1..9 turn Some("build") "" -> "" (0, 0) None ! 400: "mock error 400"
      3..8 main Some("a1") #1 None [1: 3..8 Some(400) 400] ! 400: "mock error 400"
    "#);

    // Nothing on the wire: OpenCode's word is all there is.
    insta::assert_snapshot!(outline(&build(&recorded(&told, Vec::new()))), @r#"
    1..9 turn Some("build") "" -> "" (0, 0) None ! session_error: "APIError: mock error 400"
      2..9 main Some("a1") #1 None ! session_error: "APIError: mock error 400"
    "#);

    let mut refused = exchange(1, 3, 4, Some("a1"));
    (refused.status, refused.outcome) = (None, Outcome::Failed);
    let inside = Summary { error: Some("overloaded".to_owned()), ..exchange(2, 6, 8, Some("a1")) };
    insta::assert_snapshot!(outline(&build(&recorded(&told, vec![refused, inside]))), @r#"
    1..9 turn Some("build") "" -> "" (200, 20) Some(1.0) ! provider_error: "overloaded"
      3..8 main Some("a1") #1 Some((200, 20)) [1: 3..4 None connection] [2: 6..8 Some(200) provider_error] ! provider_error: "overloaded"
    "#);

    // What OpenCode makes of an answer that came.
    let row = exchange(1, 3, 8, Some("a1"));
    insta::assert_snapshot!(outline(&build(&recorded(&told, vec![row]))), @r#"
    1..9 turn Some("build") "" -> "" (100, 10) Some(0.5) ! session_error: "APIError: mock error 400"
      3..8 main Some("a1") #1 Some((100, 10)) [1: 3..8 Some(200) ] ! session_error: "APIError: mock error 400"
    "#);
}

#[test]
fn errors_outside_calls_are_the_turns() {
    let other = json!({"name": "UnknownError", "data": {"message": "no agent"}});
    let told =
        [user("u1", 0), ("session.error", json!({"sessionID": "s", "error": other})), idle()];
    insta::assert_snapshot!(outline(&build(&recorded(&told, Vec::new()))), @r#"0..2 turn Some("build") "" -> "" (0, 0) None ! session_error: "UnknownError: no agent""#);
}

#[test]
fn aborted_turns() {
    let aborted = json!({"name": "MessageAbortedError", "data": {"message": "Aborted"}});
    let stopped = json!({"status": "error", "error": "Tool execution aborted", "input": {},
        "metadata": {"interrupted": true}, "time": {"start": 4, "end": 6}});
    let told = [
        user("u1", 1),
        assistant("a1", "u1", json!({"created": 2}), json!({})),
        text("a1", "Half an"),
        tool("a1", "c1", "bash", stopped),
        ("session.error", json!({"sessionID": "s", "error": aborted})),
        idle(),
        assistant("a1", "u1", json!({"created": 2, "completed": 7}), json!({"error": aborted})),
    ];
    let mut row = exchange(1, 3, 5, Some("a1"));
    // While the tool ran: the answer was there.
    insta::assert_snapshot!(outline(&build(&recorded(&told, vec![row.clone()]))), @r#"
    1..7 turn Some("build") "" -> "Half an" (100, 10) Some(0.5) ! aborted: "MessageAbortedError: Aborted"
      3..5 main Some("a1") #1 Some((100, 10)) [1: 3..5 Some(200) ]
      4..6 bash c1 a1 #1 None {} -> "Tool execution aborted" ! aborted: "Tool execution aborted"
    "#);
    (row.outcome, row.error) = (Outcome::Aborted, Some("The operation was aborted.".to_owned()));
    insta::assert_snapshot!(outline(&build(&recorded(&told, vec![row]))), @r#"
    1..7 turn Some("build") "" -> "Half an" (100, 10) Some(0.5) ! aborted: "MessageAbortedError: Aborted"
      3..5 main Some("a1") #1 Some((100, 10)) [1: 3..5 Some(200) aborted] ! aborted: "The operation was aborted."
      4..6 bash c1 a1 #1 None {} -> "Tool execution aborted" ! aborted: "Tool execution aborted"
    "#);
}

#[test]
fn what_is_under_way_ends_with_the_turn() {
    let told = [
        user("u1", 1),
        assistant("a1", "u1", json!({"created": 2}), json!({})),
        tool("a1", "c1", "bash", running(4)),
        assistant("a2", "u1", json!({"created": 5}), json!({})),
        ("session.updated", json!({"sessionID": "s", "info": {"id": "s", "title": "Later"}})),
    ];
    let mut row = exchange(1, 3, 0, Some("a1"));
    (row.outcome, row.timing.end_after_us) = (Outcome::Streaming, None);
    insta::assert_snapshot!(outline(&build(&recorded(&told, vec![row]))), @r#"
    1..5 turn Some("build") "" -> "" (100, 10) Some(0.5) ! unfinished: ""
      3..5 main Some("a1") #1 Some((100, 10)) [1: 3..5 Some(200) unfinished] ! unfinished: ""
      4..5 bash c1 a1 #1 None {"command":"make"} -> "" ! unfinished: ""
      5..5 main Some("a2") #2 None ! unfinished: ""
    "#);
}

#[test]
fn a_sub_agents_turn_is_inside_its_task() {
    let root = SessionFacts { id: "r".to_owned(), ..SessionFacts::default() };
    let parent = CallPlace {
        session: "p".to_owned(),
        message: "msg_p".to_owned(),
        call: "call_p".to_owned(),
    };
    let step =
        |message, child: &str| Step { tool: "task".to_owned(), message, child: child.to_owned() };
    let path = vec![step(3, "p"), step(1, "s")];
    let origin = Origin {
        root: root.clone(),
        root_message: "msg_r".to_owned(),
        parent: Some(parent),
        path: path.clone(),
    };
    let turn = build(&Recorded { origin, ..whole() });
    assert_eq!(turn.trace, TraceId::of_turn("r", "msg_r"));
    assert_eq!((turn.session.id.as_str(), turn.root, turn.path), ("s", root, path));
    assert_eq!(turn.spans[0].parent, Some(SpanId::of_tool("p", "msg_p", "call_p")));
    assert_eq!(turn.spans[0].id, SpanId::of_turn("s", "u1"));

    // Nobody found out where it came from: it is a root of its own.
    let turn = build(&Recorded { origin: Origin::default(), ..whole() });
    assert_eq!((turn.trace, turn.root.id.as_str()), (TraceId::of_turn("s", "u1"), "s"));
}

#[test]
fn compactions_and_commands() {
    let part = json!({"id": "p1", "messageID": "u1", "sessionID": "s", "type": "compaction"});
    let told = [
        user("u1", 1),
        ("message.part.updated", json!({"sessionID": "s", "part": part})),
        assistant(
            "a1",
            "u1",
            json!({"created": 2, "completed": 8}),
            json!({"agent": "compaction", "finish": "stop"}),
        ),
        text("a1", "What was done so far"),
        idle(),
    ];
    let row = Summary {
        purpose: Purpose::Compaction,
        agent: Some("compaction".to_owned()),
        ..exchange(1, 3, 7, Some("a1"))
    };
    insta::assert_snapshot!(outline(&build(&recorded(&told, vec![row]))), @r#"
    1..8 turn Some("build") "compaction" -> "What was done so far" (100, 10) Some(0.5)
      3..7 compaction Some("a1") #1 Some((100, 10)) [1: 3..7 Some(200) ]
    "#);

    let part = json!({"id": "p1", "messageID": "u1", "sessionID": "s", "type": "text",
        "text": "/intercept on", "metadata": {"octrace": "intercept"}});
    let told = [
        user("u1", 1),
        ("message.part.updated", json!({"sessionID": "s", "part": part})),
        assistant("a1", "u1", json!({"created": 2, "completed": 3}), json!({"finish": "stop"})),
        text("a1", "## Interceptor Enabled"),
        idle(),
    ];
    insta::assert_snapshot!(outline(&build(&recorded(&told, Vec::new()))), @r###"1..4 turn Some("build") "/intercept on" -> "## Interceptor Enabled" (0, 0) None"###);
}

#[test]
fn calls_with_one_id_are_spans_of_their_own() {
    let mut again = tool("a1", "c1", "bash", done(6, 7));
    again.1["part"]["id"] = json!("another");
    let told = [
        user("u1", 1),
        assistant("a1", "u1", json!({"created": 2}), json!({})),
        tool("a1", "c1", "bash", done(4, 5)),
        again,
        idle(),
    ];
    let turn = build(&recorded(&told, Vec::new()));
    let tools = turn.spans.iter().filter(|span| matches!(span.what, What::Tool(_)));
    let ids: Vec<SpanId> = tools.map(|span| span.id).collect();
    let first = SpanId::of_tool("s", "a1", "c1");
    assert_eq!(ids, [first, first.of_mark("2")]);
}

#[test]
fn a_turn_whose_message_was_lost_is_what_the_wire_shows() {
    let rows = vec![exchange(1, 5, 15, Some("a1")), exchange(2, 20, 30, Some("a2"))];
    insta::assert_snapshot!(outline(&build(&recorded(&[], rows))), @r#"
    5..30 turn None "" -> "" (200, 20) Some(1.0)
      5..15 main Some("a1") #1 Some((100, 10)) [1: 5..15 Some(200) ]
      20..30 main Some("a2") #2 Some((100, 10)) [2: 20..30 Some(200) ]
    "#);
    assert_eq!(build(&Recorded::default()).spans.len(), 1);
}

#[test]
fn quotes_that_nobody_typed_are_left_out() {
    for (prompt, typed) in [
        (r#""Fix it""#, "Fix it"),
        (r#""Say \"hi\" twice""#, r#"Say "hi" twice"#),
        (r#""word""#, r#""word""#),
        (r#""two words" and "two more""#, r#""two words" and "two more""#),
        (r#""in C:\my folder\""#, r#""in C:\my folder\""#),
        (r#"""#, r#"""#),
        ("", ""),
    ] {
        assert_eq!(unquoted(prompt.to_owned()), typed);
    }
}

#[test]
fn servers() {
    for (url, host, port) in [
        ("https://api.example.com/v1/messages", "api.example.com", None),
        ("https://api.example.com:443/v1?a=b:9", "api.example.com", None),
        ("https://[REDACTED]@api.example.com:8443", "api.example.com", Some(8443)),
        ("http://127.0.0.1:80/", "127.0.0.1", None),
        ("http://[::1]:18080/v1", "[::1]", Some(18080)),
        ("http://[::1]/v1", "[::1]", None),
    ] {
        assert_eq!(server(url), Some((host.to_owned(), port)), "{url}");
    }
    assert_eq!(server("[REDACTED]"), None);
    assert_eq!(server("https:///v1"), None);
}

/// What holds for any turn.
fn check(recorded: &Recorded) -> Result<Turn, TestCaseError> {
    let turn = build(recorded);
    let ids: BTreeSet<SpanId> = turn.spans.iter().map(|span| span.id).collect();
    prop_assert_eq!(ids.len(), turn.spans.len(), "no id twice");
    let mut sum = Usage::default();
    for (at, span) in turn.spans.iter().enumerate() {
        prop_assert!(span.started_us <= span.ended_us);
        prop_assert_eq!(at == 0, matches!(span.what, What::Turn(_)));
        if at > 0 {
            prop_assert_eq!(span.parent, Some(turn.spans[0].id));
        }
        let mut failures: Vec<&Failure> = span.failure.iter().collect();
        if let What::Model(model) = &span.what {
            sum.input += model.usage.unwrap_or_default().input;
            for attempt in &model.attempts {
                prop_assert!(attempt.started_us <= attempt.ended_us);
                failures.extend(&attempt.failure);
            }
        }
        for Failure { kind, .. } in failures {
            let is_status = kind.len() == 3 && kind.bytes().all(|byte| byte.is_ascii_digit());
            prop_assert!(is_status || Failure::KINDS.contains(&kind.as_str()), "{}", kind);
        }
    }
    let What::Turn(whole) = &turn.spans[0].what else { panic!() };
    prop_assert_eq!(whole.usage.input, sum.input);
    Ok(turn)
}

proptest! {
    #[test]
    fn order_and_repetition_change_nothing(
        order in Just((0..15).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let expected = check(&whole())?;
        let mut shuffled = whole();
        let told = std::mem::take(&mut shuffled.events);
        shuffled.events = order.iter().map(|at| told[*at].clone()).collect();
        shuffled.events.extend(told);
        shuffled.exchanges.reverse();
        prop_assert_eq!(build(&shuffled), expected);
    }

    #[test]
    fn any_part_of_a_turn_is_one(
        kept in prop::collection::vec(any::<bool>(), 15),
        rows in prop::collection::vec((any::<bool>(), any::<i64>(), any::<i64>(), 0usize..6), 7),
        times in prop::collection::vec(any::<i64>(), 15),
    ) {
        let mut part = whole();
        for (event, at_us) in part.events.iter_mut().zip(times) {
            event.at_us = at_us;
        }
        let mut kept = kept.into_iter();
        part.events.retain(|_| kept.next().unwrap_or(true));
        let mut told = rows.iter();
        part.exchanges.retain(|_| told.next().is_none_or(|row| row.0));
        for (row, (_, sent_us, after_us, outcome)) in part.exchanges.iter_mut().zip(rows) {
            row.timing.sent_us = sent_us;
            row.timing.end_after_us = Some(after_us);
            row.outcome = [
                Outcome::Waiting, Outcome::Streaming, Outcome::Complete, Outcome::Failed, Outcome::Cut,
                Outcome::Aborted,
            ][outcome];
        }
        check(&part)?;
    }
}
