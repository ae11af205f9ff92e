//! What an answer had done: arguments as people read them, what became of each call, and how it came.

use super::*;

/// An answer that writes a file, and runs two commands.
fn calls() -> Document {
    let content = "fn main() {\n    say(\"hello\");\n}\n";
    let call = |id: &str, name: &str, input: serde_json::Value| json!({"type": "tool_use", "id": id, "name": name, "input": input});
    let answer = json!({"type": "message", "role": "assistant", "stop_reason": "tool_use", "content": [
        call("1", "write", json!({"content": content, "filePath": "src/main.rs"})),
        call("2", "bash", json!({"command": "true"})),
        call("3", "bash", json!({"command": "false"})),
    ]});
    let mut detail = detail(Dialect::Anthropic, b"{}", answer.to_string().as_bytes());
    detail.response_headers[0].1 = "application/json".to_owned();
    open(Tab::Conversation, detail)
}

fn ran(number: i64, tool: &str, subject: &str, said: &str) -> Ran {
    let (tool, subject) = (tool.to_owned(), subject.to_owned());
    Ran { number, tool, subject, said: said.to_owned(), is_error: said.contains("exit") }
}

#[test]
fn arguments_are_read_and_copied_as_text() {
    let mut document = calls();
    insta::assert_snapshot!(screen(&mut document, 40, 16), @r#"
    |▾ request · 2 B
    |    {}
    >▾ answer · tool_use · 344 B
    |  ▾ tool call write 1
    |    ▾ content:
    |        fn main() {
    |            say("hello");
    |        }
    |      "filePath": "src/main.rs"
    |  ▾ tool call bash 2
    |      "command": "true"
    |  ▾ tool call bash 3
    |      "command": "false"
    |
    |
    |
    "#);
    for (words, whole) in [
        ("say(", "fn main() {\n    say(\"hello\");\n}\n"),
        ("content", "fn main() {\n    say(\"hello\");\n}\n"),
        ("src/main", "src/main.rs"),
    ] {
        document.search(words);
        assert_eq!(copied(&mut document), whole, "{words}");
    }
}

#[test]
fn what_became_of_a_call_stands_under_it() {
    let mut document = calls();
    assert!(!document.go_to_call(9));
    document.tell_ran(&[ran(9, "bash", "false", "running")]);
    assert!(document.go_to_call(9));
    assert_eq!(document.cursor.path.last(), Some(&2));
    let reason = format!("failed: {}", "a long reason that is told whole ".repeat(3));
    document.tell_ran(&[
        ran(7, "write", "/abs/src/main.rs", &reason),
        ran(8, "bash", "true", "completed"),
        ran(9, "bash", "false", "exit 1"),
    ]);
    insta::assert_snapshot!(screen(&mut document, 40, 30), @r#"
    |▾ request · 2 B
    |    {}
    |▾ answer · tool_use · 344 B
    |  ▾ tool call write 1
    |    ▾ content:
    |        fn main() {
    |            say("hello");
    |        }
    |      "filePath": "src/main.rs"
    |      failed: a long reason that is
    |      told whole a long reason that is
    |      told whole a long reason that is
    |      told whole
    |  ▾ tool call bash 2
    |      "command": "true"
    |      completed
    >  ▾ tool call bash 3
    |      "command": "false"
    |      exit 1
    |
    |
    |
    |
    |
    |
    |
    |
    |
    |
    |
    "#);
    let before = screen(&mut document, 40, 30);
    document.tell_ran(&[ran(9, "bash", "false", "exit 1")]);
    assert_eq!(screen(&mut document, 40, 30), before, "it is said once");
}

#[test]
fn a_number_of_chunks_that_nobody_counted_is_not_said() {
    let received = |chunks| {
        let mut detail = detail(Dialect::Anthropic, b"{}", b"{}");
        detail.summary.chunks = chunks;
        let shown = screen(&mut open(Tab::Timing, detail), 60, 20);
        let line = shown.lines().find(|line| line.contains("received")).unwrap_or_default();
        line.trim_start_matches('|').trim().to_owned()
    };
    assert_eq!(received(1), "received       2 B in 1 chunk, 2 B/s");
    assert_eq!(received(0), "received       2 B, 2 B/s");
}
