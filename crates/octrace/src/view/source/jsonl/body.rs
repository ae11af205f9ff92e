//! A body in a line, back into what went over the wire, as far as the line has it.
//!
//! * An object or an array is the body itself.
//! * A string is its text, and so is what stands in `{"raw":"…"}`.
//! * `{"events":[{"event":"…","data":…}]}` becomes an event stream again: what reads streams reads it.
//! * `null` is no body.

use std::{borrow::Cow, ops::Range};

use octrace_core::{
    json::{Scanner, TokenKind, decode},
    provider::{Answer, Dialect, read_answer},
};

/// Of an answer that is larger, only so much of its beginning and of its end is read for a list.
const READ: usize = 4 << 20;
const END: usize = 256 << 10;

/// The body that stands in a line as `json`.
pub(super) fn of(json: &[u8]) -> Cow<'_, [u8]> {
    restore(json, &(0..0))
}

/// What an answer says whose body stands in a line as `json`. Of a very long one, what its ends say.
pub(super) fn answer(dialect: Dialect, json: &[u8], is_whole: bool) -> Answer {
    let middle = if json.len() > READ { END..json.len() - END } else { 0..0 };
    let body = restore(json, &middle);
    if body.len() > READ {
        return Answer::default();
    }
    read_answer(dialect, "", &body, is_whole && middle.is_empty())
}

/// Without the events that lie in the range `without`.
fn restore<'a>(json: &'a [u8], without: &Range<usize>) -> Cow<'a, [u8]> {
    match json.first() {
        None | Some(b'n') => Cow::Borrowed(b""),
        Some(b'"') => match decode(json) {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        },
        Some(b'{') => wrapped(json, without).map_or(Cow::Borrowed(json), Cow::Owned),
        Some(_) => Cow::Borrowed(json),
    }
}

/// What an object holds that has nothing but `events` or `raw`; `None` for every other one.
fn wrapped(json: &[u8], without: &Range<usize>) -> Option<Vec<u8>> {
    let mut body: Option<Vec<u8>> = None;
    let mut in_events = false;
    let mut event = Event::default();
    for token in Scanner::new(json) {
        let value = json.get(token.start..token.end).unwrap_or_default();
        match (token.depth, token.kind) {
            (1, TokenKind::Key) => match value {
                b"\"events\"" if body.is_none() => in_events = true,
                b"\"raw\"" if body.is_none() => in_events = false,
                b"\"lossy\"" => in_events = false,
                _ => return None,
            },
            (1, TokenKind::ArrayStart) if in_events => body = Some(Vec::new()),
            (1, TokenKind::String) if !in_events && body.is_none() => {
                body = Some(decode(value).into_owned().into_bytes());
            }
            (1, TokenKind::Word) if !in_events => {}
            (1, TokenKind::ArrayEnd) => {}
            (1, _) => return None,
            (2, TokenKind::ObjectStart | TokenKind::ArrayStart) => {
                event = Event { start: token.start, ..Event::default() };
            }
            (2, kind) if in_events => {
                if matches!(kind, TokenKind::ObjectEnd | TokenKind::ArrayEnd) {
                    if kind == TokenKind::ArrayEnd {
                        event.data = Some(event.start..token.end);
                    }
                } else {
                    event = Event { data: Some(token.start..token.end), ..Event::default() };
                }
                let is_left_out = without.contains(&event.start) && without.contains(&token.end);
                if let (Some(body), false) = (&mut body, is_left_out) {
                    event.write(json, body);
                }
            }
            (3, TokenKind::Key) => {
                event.key = value;
            }
            (3, TokenKind::ObjectStart | TokenKind::ArrayStart) => event.value = token.start,
            (3, TokenKind::ObjectEnd | TokenKind::ArrayEnd) => event.member(event.value..token.end),
            (3, _) => event.member(token.start..token.end),
            _ => {}
        }
    }
    body
}

/// An element of `events`.
#[derive(Default)]
struct Event<'a> {
    start: usize,
    key: &'a [u8],
    /// Where the member that is being read begins.
    value: usize,
    name: Option<Range<usize>>,
    data: Option<Range<usize>>,
}

impl Event<'_> {
    fn member(&mut self, value: Range<usize>) {
        match self.key {
            b"\"event\"" => self.name = Some(value),
            b"\"data\"" => self.data = Some(value),
            _ => {}
        }
    }

    fn write(&self, json: &[u8], out: &mut Vec<u8>) {
        let value = |range: &Option<Range<usize>>| json.get(range.clone()?);
        if let Some(name) = value(&self.name).filter(|name| name.starts_with(b"\"")) {
            let name = decode(name);
            // A name that is none in the standard was not given.
            if name != "message" && !name.is_empty() {
                field(out, "event", &name);
            }
        }
        match value(&self.data) {
            Some(data) if data.starts_with(b"\"") => field(out, "data", &decode(data)),
            Some(data) => {
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(data);
                out.push(b'\n');
            }
            None => {}
        }
        out.push(b'\n');
    }
}

/// A field of an event, a line for each of its lines.
fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    for line in value.split(['\n', '\r']) {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use octrace_core::provider::sse::Events;
    use proptest::prelude::*;

    use super::*;

    fn restored(json: &str) -> String {
        String::from_utf8_lossy(&of(json.as_bytes())).into_owned()
    }

    #[test]
    fn each_kind_of_body() {
        for (json, expect) in [
            ("null", ""),
            ("", ""),
            (r#"{"b":1e2, "a":"\u0041"}"#, r#"{"b":1e2, "a":"\u0041"}"#),
            ("[1]", "[1]"),
            (r#""busy \"now\"\n""#, "busy \"now\"\n"),
            (r#"{"raw":"{\"cut\":"}"#, "{\"cut\":"),
            (r#"{"raw":"�PNG","lossy":true}"#, "�PNG"),
            (r#"{"lossy":true,"raw":"x"}"#, "x"),
            (r#"{"raw":"x","model":"m"}"#, r#"{"raw":"x","model":"m"}"#),
            (r#"{"raw":{"a":1}}"#, r#"{"raw":{"a":1}}"#),
            (r#"{"events":{"a":1}}"#, r#"{"events":{"a":1}}"#),
            (r#"{"events":[],"more":1}"#, r#"{"events":[],"more":1}"#),
            (r#"{"events":[]}"#, ""),
            (
                r#"{"events":[{"event":"message","data":{"a":[1,{"b":"c"}]}},{"event":"e","data":"[DONE]"},{"event":"message","data":"a\nb","lossy":true}],"lossy":true}"#,
                "data: {\"a\":[1,{\"b\":\"c\"}]}\n\nevent: e\ndata: [DONE]\n\ndata: a\ndata: b\n\n",
            ),
            (
                r#"{"events":[ {"data":null,"id":[7]} , 5, "x", [1,{"data":2}], {} ]}"#,
                "data: null\n\ndata: 5\n\ndata: x\n\ndata: [1,{\"data\":2}]\n\n\n",
            ),
            (
                r#"{"events":[{"event":"a\nevent: b","data":"x"}]}"#,
                "event: a\nevent: event: b\ndata: x\n\n",
            ),
        ] {
            assert_eq!(restored(json), expect, "{json}");
        }
        assert_eq!(of(b"{}"), &b"{}"[..]);
    }

    #[test]
    fn of_a_long_answer_the_ends_are_read() {
        let delta = r#"{"event":"content_block_delta","data":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"some words and some more"}}}"#;
        let start = r#"{"event":"message_start","data":{"type":"message_start","message":{"model":"claude","usage":{"input_tokens":10,"output_tokens":1}}}}"#;
        let end = r#"{"event":"message_delta","data":{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":99}}}"#;
        let middle = vec![delta; 60_000].join(",");
        let json = format!(r#"{{"events":[{start},{middle},{end}]}}"#);
        let answer = answer(Dialect::Anthropic, json.as_bytes(), true);
        let usage = answer.usage.unwrap();
        assert_eq!((usage.input, usage.output), (10, 99));
        assert_eq!(answer.finish.as_deref(), Some("end_turn"));
        assert!(answer.text.len() < 1 << 20, "{}", answer.text.len());
    }

    proptest! {
        /// What a stream says is the same behind a line as before it.
        #[test]
        fn a_stream_comes_back(events in prop::collection::vec(("[a-z]{0,3}", "[ -~é]{0,8}(\n[ -~]{1,5})?"), 0..6)) {
            let list: Vec<_> = events.iter()
                .map(|(name, data)| serde_json::json!({"event": name, "data": data}))
                .collect();
            let json = serde_json::json!({ "events": list }).to_string();
            let body = of(json.as_bytes());
            let back: Vec<_> = Events::new(&body)
                .map(|event| (event.name.to_string(), String::from_utf8_lossy(&event.data).into_owned()))
                .collect();
            prop_assert_eq!(back, events);
        }

        #[test]
        fn whatever_stands_there_is_some_body(json in "[\\[\\]{}\",:a0 ]{0,60}|\\{\"events\":\\[[\\[\\]{}\",:a0]{0,40}") {
            of(json.as_bytes());
            answer(Dialect::Anthropic, json.as_bytes(), true);
        }
    }
}
