//! What is streamed in fragments is as clean as what is sent whole, and its events stay what they were.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Fragments, LARGEST_EVENT};
use crate::redact::{Redactor, literal::tests as literal, sse};

const LITERALS: [&str; 2] = ["sk/live+canary", "pässwört-日😀本-\"quoted\\"];

fn redactor() -> Redactor {
    let mut redactor = Redactor::new(literal::SALT);
    redactor.learn(&LITERALS.map(literal::print));
    redactor
}

/// A way to stream a text: an event around a fragment, and where the fragment is in it.
struct Dialect {
    event: fn(&str) -> Value,
    fragment: &'static str,
    /// An event that may come between any two, with a fragment of something else at that place.
    other: fn() -> Value,
}

const DIALECTS: &[Dialect] = &[
    Dialect {
        event: |text| json!({"id": "c-1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]}),
        fragment: "/choices/0/delta/content",
        other: || json!({"id": "c-1", "choices": [{"index": 1, "delta": {"content": "x"}}]}),
    },
    Dialect {
        event: |text| json!({"choices": [{"delta": {"reasoning_content": text}}]}),
        fragment: "/choices/0/delta/reasoning_content",
        other: || json!({"choices": [{"delta": {"content": "x"}}]}),
    },
    Dialect {
        event: |text| json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}}]}),
        fragment: "/choices/0/delta/tool_calls/0/function/arguments",
        other: || json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"arguments": "x"}, "index": 1}]}}]}),
    },
    Dialect {
        event: |text| json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": text}),
        fragment: "/delta",
        other: || json!({"type": "response.output_text.delta", "output_index": 2, "delta": "x"}),
    },
    Dialect {
        event: |text| json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 1, "delta": text}),
        fragment: "/delta",
        other: || json!({"type": "response.output_text.delta", "output_index": 1, "delta": "x"}),
    },
    Dialect {
        event: |text| json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": text}}),
        fragment: "/delta/text",
        other: || json!({"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "x"}}),
    },
    Dialect {
        event: |text| json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": text}}),
        fragment: "/delta/partial_json",
        other: || json!({"type": "ping"}),
    },
    Dialect {
        event: |text| json!({"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}}], "usageMetadata": {"promptTokenCount": 7}}),
        fragment: "/candidates/0/content/parts/0/text",
        other: || json!({"candidates": [{"index": 1, "content": {"parts": [{"text": "x"}]}}]}),
    },
    Dialect {
        event: |text| json!({"invented": {"yesterday": [text]}}),
        fragment: "/invented/yesterday/0",
        other: || json!({"invented": {"today": ["x"]}}),
    },
];

/// The events of a stream and how they are written.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Events,
    Lines,
}

impl Framing {
    fn write(self, events: &[Value]) -> String {
        let frame = |event: &Value| match self {
            Self::Events => format!("event: x\ndata: {event}\n\n"),
            Self::Lines => format!("{event}\n"),
        };
        events.iter().map(frame).collect()
    }

    fn read(self, body: &str) -> Vec<Value> {
        let data = body.lines().filter_map(|line| match self {
            Self::Events => line.strip_prefix("data: "),
            Self::Lines => Some(line),
        });
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }
}

fn clean(body: &str) -> String {
    String::from_utf8(redactor().body("", body.into()).into_inner()).unwrap()
}

/// Streams `fragments` in every dialect and compares with `expected`, the whole text redacted.
fn check(fragments: &[&str], expected: &str, framing: Framing) {
    for dialect in DIALECTS {
        let events: Vec<_> = fragments
            .iter()
            .flat_map(|fragment| [(dialect.event)(fragment), (dialect.other)()])
            .collect();
        let before = framing.write(&events);
        let after = clean(&before);
        let mut cleaned = framing.read(&after);
        let own = cleaned.iter_mut().step_by(2);
        let text: String = own
            .map(|event| match event.pointer_mut(dialect.fragment).map(Value::take) {
                Some(Value::String(text)) => text,
                other => panic!("{other:?} in {after}"),
            })
            .collect();
        assert_eq!(text, expected, "{} as {framing:?}: {fragments:?}", dialect.fragment);
        // Everything else is what it was.
        let mut events = events;
        for event in events.iter_mut().step_by(2) {
            *event.pointer_mut(dialect.fragment).unwrap() = Value::Null;
        }
        assert_eq!(cleaned, events);
        assert_eq!(clean(&after), after, "a second time");
    }
}

fn whole(text: &str) -> String {
    redactor().text(text).into_inner()
}

const TEXTS: [(&str, &str); 5] = [
    ("my key is sk/live+canary, ok", "my key is [REDACTED], ok"),
    ("so pässwört-日😀本-\"quoted\\!", "so [REDACTED]!"),
    ("git clone https://me:hunter2@host/x now", "git clone https://[REDACTED]@host/x now"),
    (r#"{"path":"a","password":"hun\u0074er2"}"#, r#"{"path":"a","password":"[REDACTED]"}"#),
    (
        r#"{"credentials":{"user":"root","pin":12345678}}"#,
        r#"{"credentials":{"user":"[REDACTED]","pin":"[REDACTED]"}}"#,
    ),
];

#[test]
fn split_at_every_character() {
    for (text, expected) in TEXTS {
        assert_eq!(whole(text), expected);
        let cuts: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
        for &cut in &cuts {
            let (before, after) = text.split_at(cut);
            check(&[before, after], expected, Framing::Events);
        }
        let letters: Vec<_> = text.split("").filter(|letter| !letter.is_empty()).collect();
        for framing in [Framing::Events, Framing::Lines] {
            check(&letters, expected, framing);
        }
    }
}

#[test]
fn split_inside_a_character() {
    let event = |text: &str| format!("data: {{\"delta\":\"{text}\"}}\n\n");
    let body = event(r"a pässwört-日\ud83d") + &event(r#"\ude00本-\"quoted\\ b"#);
    assert_eq!(clean(&body), event("a [REDACTED]") + &event(" b"));
    // Bytes of UTF-8, which a careless server may part.
    let bytes = event("a pässwört-日😀本-\\\"quoted\\\\ b").into_bytes();
    let begin = bytes.iter().position(|&byte| byte == b'p').unwrap();
    for cut in begin + 1..begin + 20 {
        let stream = [&bytes[..cut], b"\"}\n\ndata: {\"delta\":\"", &bytes[cut..]].concat();
        let clean = redactor().body("", stream).into_inner();
        assert_eq!(String::from_utf8(clean).unwrap(), event("a [REDACTED]") + &event(" b"));
    }
}

#[test]
fn plain_text_in_events() {
    let body = "data: my sk/li\n\ndata: ve+ca\n\ndata: nary!\n\ndata: [DONE]\n\n";
    assert_eq!(clean(body), "data: my [REDACTED]\n\ndata: \n\ndata: !\n\ndata: [DONE]\n\n");
}

#[test]
fn parallel_texts_do_not_mix() {
    // Two calls in one event, told apart by nothing but their order.
    let event = |one: &str, two: &str| format!("data: {{\"calls\":[\"{one}\",\"{two}\"]}}\n\n");
    let body = event("sk/li", "https://u:hu") + &event("ve+canary", "nter2@host/");
    assert_eq!(clean(&body), event("[REDACTED]", "https://[REDACTED]") + &event("", "@host/"));
    // One text in the elements of one array, as tokens of log probabilities are.
    let body = event("sk/li", "ve") + &event("+can", "ary.");
    assert_eq!(clean(&body), event("[REDACTED]", "") + &event("", "."));
}

#[test]
fn a_stream_that_was_cut() {
    let event = |text: &str| format!("data: {{\"delta\":\"{text}\"}}\n\n");
    let body = event(r#"{\"password\":\"hun"#) + r#"data: {"delta":"ter2"#;
    assert_eq!(clean(&body), event(r#"{\"password\":\"[REDACTED]"#) + r#"data: {"delta":""#);
    let body = event("see https://u:hun") + r#"data: {"delta":"ter2@host"#;
    assert_eq!(clean(&body), event("see https://[REDACTED]") + r#"data: {"delta":"@host"#);
}

#[test]
fn ids_that_are_repeated_are_no_fragments() {
    let event = |text: &str| json!({"id": "chatcmpl-0123456789", "object": "chat.completion.chunk", "model": "gpt", "delta": text});
    let body = Framing::Events.write(&["a", "b", "c"].map(event));
    assert_eq!(clean(&body), body);
}

#[test]
fn depth_and_length_are_no_danger() {
    let deep = format!("data: {}\"x\"\n\n", "[".repeat(100_000)).repeat(3);
    assert_eq!(clean(&deep), deep);
    let named = format!("data: {}\"sk/live+canary\"\n\n", "{\"a\":".repeat(100_000));
    assert!(!clean(&named).contains("canary"));
}

#[test]
fn events_too_large_for_a_stream_are_searched_by_themselves() {
    let many = |piece: &str| format!("[{}1]", piece.repeat(LARGEST_EVENT));
    for large in [many(r#""x","#), many("[],"), many("{},"), "[".repeat(LARGEST_EVENT + 2)] {
        let event = |text| format!(r#"{{"text":"{text}","password":"hunter2","a":{large}}}"#);
        let body = format!("data: {}\n\ndata: {}\n\n", event("sk/live"), event("+canary"));
        let mut fragments = Fragments::default();
        for piece in sse::pieces(body.as_bytes()) {
            if let sse::Piece::Data(data) = piece {
                fragments.event(body.as_bytes(), data);
            }
        }
        assert!(fragments.texts().is_empty());
        let clean = redactor().body("text/event-stream", body.into_bytes()).into_inner();
        assert!(!String::from_utf8(clean).unwrap().contains("hunter2"));
    }
}

proptest! {
    #[test]
    fn any_fragments(
        (text, expected) in prop::sample::select(TEXTS.to_vec()),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
        lines: bool,
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.retain(|&cut| text.is_char_boundary(cut));
        cuts.sort_unstable();
        let fragments: Vec<_> = cuts.windows(2).map(|cut| text.get(cut[0]..cut[1]).unwrap()).collect();
        check(&fragments, expected, if lines { Framing::Lines } else { Framing::Events });
    }
}
