//! A session as a tree, read from the tape with as little of its events as it takes.

use octrace_core::session::{self, ToolStatus};
use serde_json::{Value, json};

use super::{Author, answer, body};

/// What OpenCode tells of a tool call.
fn tool(part: &str, tool: &str, state: &Value) -> String {
    json!({"sessionID": "ses_1", "part": {"id": part, "messageID": "msg_2", "sessionID": "ses_1", "type": "tool",
        "tool": tool, "callID": format!("call_{part}"), "state": state}})
    .to_string()
}

#[test]
fn rows_of_tools_say_what_all_their_events_say() {
    let mut author = Author::new();
    let mut message = |info: Value| {
        let event = json!({"sessionID": "ses_1", "info": info}).to_string();
        author.event("message.updated", &event);
    };
    message(json!({"id": "msg_1", "sessionID": "ses_1", "role": "user", "time": {"created": 1}}));
    message(json!({"id": "msg_2", "sessionID": "ses_1", "role": "assistant", "parentID": "msg_1",
        "time": {"created": 2}}));
    let long = "It did not work. ".repeat(99);
    let running = json!({"status": "running", "input": {"command": "make"}, "time": {"start": 3}});
    let done = json!({"status": "completed", "input": {"command": "make"}, "output": long,
        "metadata": {"exit": 2, "output": long}, "time": {"start": 3, "end": 9}});
    let failed = json!({"status": "error", "input": {"filePath": "/a"}, "error": long,
        "time": {"start": 3, "end": 4}});
    let task = json!({"status": "completed", "input": {"description": "look"}, "output": "so",
        "metadata": {"sessionId": "ses_2"}, "time": {"start": 5, "end": 6}});
    for (part, name, state) in [
        ("prt_2", "bash", &json!({"status": "pending", "input": {}})),
        ("prt_1", "read", &failed),
        ("prt_2", "bash", &running),
        ("prt_3", "task", &task),
        ("prt_4", "bash", &running),
        ("prt_2", "bash", &done),
        // Told too late.
        ("prt_2", "bash", &running),
        ("prt_5", long.as_str(), &done),
        ("prt_6", "invalid", &json!({"status": "completed", "input": {"error": long}})),
    ] {
        author.event("message.part.updated", &tool(part, name, state));
    }
    author.event("hook.shell.env", r#"{"sessionID":"ses_1","callID":"call_prt_2"}"#);
    author.exchanges("ses_1", "msg_1", &body(&[("user", "Go on")]), &answer("yes"));

    let tape = &author.tape;
    let (events, exchanges) = (tape.events("ses_1").unwrap(), tape.exchanges("ses_1").unwrap());
    let told = session::build("ses_1", &events, &[], &exchanges, Vec::new());
    let calls = || told.turns[0].calls.iter().flat_map(|call| &call.tools);
    assert_eq!(calls().filter(|call| call.status == ToolStatus::Completed).count(), 3);
    assert_eq!(
        calls().filter_map(|call| call.error.as_ref()).filter(|why| **why == long).count(),
        2
    );
    assert_eq!(tape.session("ses_1").unwrap().as_ref(), Some(&told));

    let damage = "UPDATE event_rows SET body = x'00' WHERE id IN (SELECT event FROM tools
         WHERE status = 'completed' AND length(tool) < 100) OR kind IN (SELECT id FROM names WHERE name LIKE 'hook.%')";
    assert_eq!(
        tape.connection.execute(damage, []).unwrap(),
        3,
        "two calls, and what no tree tells"
    );
    assert_eq!(tape.session("ses_1").unwrap(), Some(told));
}
