//! What of a session is shown.

use super::*;
use crate::{
    exchange::Summary,
    session::{ModelCall, ToolCall, Turn},
};

fn call(ids: &[(i64, u16)], tools: Vec<ToolCall>) -> ModelCall {
    let attempt = |&(id, status): &(i64, u16)| Summary {
        id,
        status: Some(status),
        outcome: Outcome::Complete,
        cost_usd: Some(0.25),
        model: Some("claude".to_owned()),
        ..Summary::default()
    };
    ModelCall { attempts: ids.iter().map(attempt).collect(), tools, ..ModelCall::default() }
}

fn ran(tool: &str, child: Option<Session>) -> ToolCall {
    let child_id = child.as_ref().map(|child| child.id.clone());
    ToolCall {
        tool: tool.to_owned(),
        status: ToolStatus::Completed,
        child: child.map(Box::new),
        child_id,
        ..ToolCall::default()
    }
}

/// Two turns: one with a call that took two tries and read a file, and one with a sub-agent that fails.
fn recorded() -> Session {
    let inside = Turn {
        prompt: "Look".to_owned(),
        calls: vec![call(&[(4, 500)], vec![ran("grep", None)])],
        ..Turn::default()
    };
    let child = Session {
        id: "ses_child".to_owned(),
        parent: Some("ses_e07ccbea3ffe".to_owned()),
        turns: vec![inside],
        ..Session::default()
    };
    let first = Turn {
        prompt: "Fix it".to_owned(),
        calls: vec![call(&[(1, 429), (2, 200)], vec![ran("read", None), ran("bash", None)])],
        ..Turn::default()
    };
    let second = Turn {
        prompt: "Go on".to_owned(),
        calls: vec![call(&[(3, 200)], vec![ran("task", Some(child))])],
        errors: vec!["it broke".to_owned()],
        ..Turn::default()
    };
    Session {
        turns: vec![first, second],
        unplaced: vec![call(&[(5, 200)], Vec::new())],
        ..session()
    }
}

/// Exchanges, tools, prompts and errors in the order of the tree.
fn shown(session: &Session, to: &mut Vec<String>) {
    for turn in &session.turns {
        to.push(turn.prompt.clone());
        calls(&turn.calls, to);
        to.extend(turn.errors.iter().cloned());
    }
    calls(&session.unplaced, to);
}

fn calls(calls: &[ModelCall], to: &mut Vec<String>) {
    for call in calls {
        to.extend(call.attempts.iter().map(|attempt| format!("#{}", attempt.id)));
        for tool in &call.tools {
            to.push(tool.tool.clone());
            if let Some(child) = &tool.child {
                shown(child, to);
            }
        }
    }
}

fn narrowed(typed: &str) -> String {
    let filter = Filter::parse(typed).unwrap();
    let session = filter.narrow(recorded(), NOW_US, &|id, _| id == 3);
    let mut lines = Vec::new();
    shown(&session, &mut lines);
    lines.join(" ")
}

#[test]
fn what_fits_is_shown_and_the_way_to_it() {
    for (typed, expected) in [
        ("", "Fix it #1 #2 read bash Go on #3 task Look #4 grep it broke #5"),
        ("status:429", "Fix it #1 #2"),
        ("status:5xx", "Go on #3 task Look #4"),
        ("tool:bash,grep", "Fix it #1 #2 bash Go on #3 task Look #4 grep"),
        ("tool:task", "Go on #3 task"),
        ("kind:error", "Fix it #1 #2 Go on #3 task Look #4 it broke"),
        ("kind:sub-agent", "Go on #3 task Look #4 grep"),
        ("kind:prompt", "Fix it Go on #3 task Look"),
        ("fix", "Fix it"),
        ("broke", "Go on it broke"),
        ("cost>=0.5", "Fix it #1 #2"),
        ("attempts:2", "Fix it #1 #2"),
        ("text:x", "Go on #3"),
        ("kind:request -text:x -kind:error", "#5"),
        ("session:child", "Go on #3 task Look #4 grep"),
        ("nothing", ""),
    ] {
        assert_eq!(narrowed(typed), expected, "{typed}");
    }
}
