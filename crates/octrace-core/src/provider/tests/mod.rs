//! Recordings in, answers out: one file per dialect, and here what holds for all of them.

use std::fmt::Write;

use proptest::prelude::*;

use super::{sse::Events, *};

mod anthropic;
mod gemini;
mod openai_chat;
mod openai_responses;
mod other_bodies;

const SSE: &str = "text/event-stream";
const JSON: &str = "application/json";

/// What is not empty in an answer, line by line.
fn show(answer: &Answer) -> String {
    let Answer {
        text,
        reasoning,
        tool_calls,
        usage,
        finish,
        model,
        error,
        first_content_at,
        problems,
    } = answer;
    let mut out = String::new();
    let mut line = |name: &str, value: &str| writeln!(out, "{name}: {value}").unwrap();
    for (name, value) in [("text", text), ("reasoning", reasoning)] {
        if !value.is_empty() {
            line(name, value);
        }
    }
    for call in tool_calls {
        line("call", &format!("{:?} {} `{}`", call.id, call.name, call.arguments));
    }
    if let Some(Usage { input, output, reasoning, cache_read, cache_write }) = usage {
        line(
            "usage",
            &format!(
                "{input} in ({cache_read} read, {cache_write} written), {output} out ({reasoning} reasoning)"
            ),
        );
    }
    for (name, value) in [("finish", finish), ("model", model), ("error", error)] {
        if let Some(value) = value {
            line(name, value);
        }
    }
    if let Some(at) = first_content_at {
        line("first content", &format!("byte {at}"));
    }
    for problem in problems {
        line("problem", problem);
    }
    out
}

/// Reads a body that ended; what it says, line by line.
fn read(dialect: Dialect, content_type: &str, body: &str) -> String {
    show(&read_answer(dialect, content_type, body.as_bytes(), true))
}

/// A stream, event by event, with what every property of streams asks of it: cut at any byte it reads
/// as a beginning of the whole, without complaint when it had not ended; and one event spoilt costs
/// that event only.
fn check_stream(dialect: Dialect, body: &str) {
    let whole = read_answer(dialect, SSE, body.as_bytes(), true);
    assert_eq!(whole.problems, [""; 0]);
    for cut in 0..body.len() {
        let part = &body.as_bytes()[..cut];
        let answer = read_answer(dialect, SSE, part, false);
        assert!(whole.text.starts_with(&answer.text), "cut at {cut}: {}", answer.text);
        assert!(whole.reasoning.starts_with(&answer.reasoning), "cut at {cut}");
        for (part, whole) in answer.tool_calls.iter().zip(&whole.tool_calls) {
            assert_eq!((&part.id, &part.name), (&whole.id, &whole.name), "cut at {cut}");
            assert!(whole.arguments.starts_with(&part.arguments), "cut at {cut}");
        }
        assert!(answer.tool_calls.len() <= whole.tool_calls.len(), "cut at {cut}");
        assert_eq!(answer.problems, [""; 0], "cut at {cut}");
        match (answer.first_content_at, whole.first_content_at) {
            (None, Some(at)) => assert!(cut < at, "cut at {cut}"),
            // The event's closing line may be what was cut off.
            (Some(part), Some(whole)) => {
                assert!(part <= whole && whole <= part + 2, "cut at {cut}");
            }
            (part, whole) => assert_eq!(part, whole, "cut at {cut}"),
        }
        read_answer(dialect, "", part, true);
    }
    let mut start = 0;
    for (index, event) in Events::new(body.as_bytes()).enumerate() {
        let range = start..event.end;
        start = event.end;
        if *event.data == *b"[DONE]" {
            continue;
        }
        let mut spoilt = body.as_bytes().to_vec();
        let brace = spoilt[range.clone()].iter().rposition(|byte| *byte == b'}').unwrap();
        spoilt[range.start + brace] = 0xff;
        let mut without = body.as_bytes().to_vec();
        without.drain(range);
        let number = index + 1;
        let spoilt = read_answer(dialect, SSE, &spoilt, false);
        let without = read_answer(dialect, SSE, &without, false);
        let problems = vec![
            format!("event {number} is not UTF-8"),
            format!("event {number}, which ends at byte {}, is malformed JSON", event.end),
        ];
        let first_content_at = spoilt.first_content_at;
        assert_eq!(spoilt, Answer { problems, first_content_at, ..without });
    }
}

/// Lines of events, each with the empty line that ends it.
fn events(data: &[&str]) -> String {
    data.iter().map(|data| format!("data: {data}\n\n")).collect()
}

#[test]
fn words_of_dialects_go_there_and_back() {
    for dialect in Dialect::ALL {
        assert_eq!(Dialect::parse(dialect.as_str()), dialect);
        assert_eq!(serde_json::to_value(dialect).unwrap(), dialect.as_str());
    }
    assert_eq!(Dialect::parse("telepathy"), Dialect::Unknown);
}

/// Pieces of real streams, to be put together at random.
const PIECES: &[&[u8]] = &[
    b"data: ",
    b"\n\n",
    b"event: error\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"-1",
    b"1e400",
    b"\"\\ud800\"",
    b"\"choices\":",
    b"\"delta\":",
    b"\"tool_calls\":",
    b"\"type\":\"content_block_start\"",
    b"\"content_block\":{\"type\":\"tool_use\"",
    b"\"type\":\"response.completed\"",
    b"\"response\":",
    b"\"candidates\":",
    b"\"usage\":",
    b"\"error\":",
    b"\xff",
    b"\x1f\x8b",
];

fn soup() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end(
        body in prop_oneof![soup(), prop::collection::vec(any::<u8>(), 0..300)],
        ended: bool,
    ) {
        for dialect in Dialect::ALL {
            for content_type in [SSE, JSON, ""] {
                let answer = read_answer(dialect, content_type, &body, ended);
                prop_assert!(answer.first_content_at.is_none_or(|at| at <= body.len()));
                prop_assert!(answer.error.is_none_or(|error| error.chars().count() <= 2_000));
                read_request(dialect, &body);
                Dialect::detect(None, "", &body);
            }
        }
    }
}
