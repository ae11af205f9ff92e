//! A body inside a line.
//!
//! * JSON as it was sent (redacted): same spelling, same order, without its line breaks.
//! * A stream of events: `{"events":[{"event":"…","data":…}]}`. An event without a name is a `message`, as the
//!   standard for server-sent events has it; `data` is JSON where it is JSON, else a string.
//! * Anything else: `{"raw":"…"}`.
//! * What is not UTF-8 is `U+FFFD`, and then there is `"lossy":true` beside `raw` or `events`, and in each event whose
//!   data it is; the exact bytes are in `octrace request ID --raw`.
//! * A request without a body: `null`.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use octrace_core::provider::{BodyKind, sse::Events};
use serde_json::value::RawValue;

pub(super) fn request(out: &mut impl Write, body: &[u8]) -> io::Result<()> {
    if body.is_empty() { out.write_all(b"null") } else { whole(out, body) }
}

pub(super) fn response(out: &mut impl Write, content_type: &str, body: &[u8]) -> io::Result<()> {
    let is_json = content_type == "application/json";
    if content_type == "text/event-stream"
        || !is_json && BodyKind::of(content_type, body) == BodyKind::EventStream
    {
        events(out, body)
    } else {
        whole(out, body)
    }
}

fn whole(out: &mut impl Write, body: &[u8]) -> io::Result<()> {
    if let Some(json) = json(body) {
        return out.write_all(&json);
    }
    let text = String::from_utf8_lossy(body);
    out.write_all(br#"{"raw":"#)?;
    serde_json::to_writer(&mut *out, &text)?;
    close(out, b"", matches!(text, Cow::Owned(_)))
}

fn events(out: &mut impl Write, body: &[u8]) -> io::Result<()> {
    out.write_all(br#"{"events":["#)?;
    for (index, event) in Events::new(body).enumerate() {
        let name = if event.name.is_empty() { "message" } else { &event.name };
        out.write_all(if index == 0 { br#"{"event":"# } else { br#",{"event":"# })?;
        serde_json::to_writer(&mut *out, name)?;
        out.write_all(br#","data":"#)?;
        let mut is_lossy = false;
        if let Some(json) = json(&event.data) {
            out.write_all(&json)?;
        } else {
            let text = String::from_utf8_lossy(&event.data);
            serde_json::to_writer(&mut *out, &text)?;
            is_lossy = matches!(text, Cow::Owned(_));
        }
        close(out, b"", is_lossy)?;
    }
    // Names and comments count as well.
    close(out, b"]", std::str::from_utf8(body).is_err())
}

/// The end of an object, with the mark where not all of it is as it was.
fn close(out: &mut impl Write, before: &[u8], is_lossy: bool) -> io::Result<()> {
    out.write_all(before)?;
    out.write_all(if is_lossy { br#","lossy":true}"# } else { b"}" })
}

/// JSON on one line. Line breaks stand between its tokens only: inside strings they are escaped.
fn json(body: &[u8]) -> Option<Cow<'_, [u8]>> {
    serde_json::from_slice::<&RawValue>(body).ok()?;
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    Some(if body.iter().any(is_break) {
        Cow::Owned(body.iter().copied().filter(|byte| !is_break(byte)).collect())
    } else {
        Cow::Borrowed(body)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed(content_type: &str, body: &[u8]) -> String {
        let mut out = Vec::new();
        response(&mut out, content_type, body).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_kind_of_body() {
        let sse = "text/event-stream";
        for (content_type, body, expect) in [
            (
                "application/json",
                &b"{\"b\":1e2,\r\n \"a\":\"\\u0041\"}"[..],
                r#"{"b":1e2, "a":"\u0041"}"#,
            ),
            ("", b"[1]", "[1]"),
            ("", b"", r#"{"raw":""}"#),
            ("text/plain", b"busy \"now\"\n", r#"{"raw":"busy \"now\"\n"}"#),
            ("application/json", b"{\"cut\":", r#"{"raw":"{\"cut\":"}"#),
            ("image/png", b"\x89PNG", r#"{"raw":"�PNG","lossy":true}"#),
            (sse, b"", r#"{"events":[]}"#),
            (
                sse,
                b"data: {\"a\":\ndata: 1}\n\nevent: e\ndata: [DONE]\n\ndata: {\"cut",
                r#"{"events":[{"event":"message","data":{"a":1}},{"event":"e","data":"[DONE]"},{"event":"message","data":"{\"cut"}]}"#,
            ),
            ("", b"data: 1\n\n", r#"{"events":[{"event":"message","data":1}]}"#),
            (
                sse,
                b"data: \xff\n\n",
                r#"{"events":[{"event":"message","data":"�","lossy":true}],"lossy":true}"#,
            ),
            (
                sse,
                b": \xff\n\ndata: 1\n\n",
                r#"{"events":[{"event":"message","data":1}],"lossy":true}"#,
            ),
            (
                sse,
                b"data: {\"a\":\"\xff\"}\n\ndata: {}\n\n",
                r#"{"events":[{"event":"message","data":"{\"a\":\"�\"}","lossy":true},{"event":"message","data":{}}],"lossy":true}"#,
            ),
        ] {
            assert_eq!(printed(content_type, body), expect, "{body:?}");
        }
        let mut none = Vec::new();
        request(&mut none, b"").unwrap();
        assert_eq!(none, b"null");
    }

    #[test]
    fn depth_takes_no_stack() {
        let deep = ["[".repeat(200_000), "]".repeat(200_000)].concat();
        assert_eq!(printed("", deep.as_bytes()), deep);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_json_on_one_line(
            body in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "(data|event|: |[{}\\[\\]\",:1a\r\n]){0,40}".prop_map(String::into_bytes),
            ],
            content_type in prop_oneof![Just(""), Just("text/event-stream"), Just("application/json")],
        ) {
            let printed = printed(content_type, &body);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&printed).is_ok(), "{}", printed);
            prop_assert!(!printed.contains(['\n', '\r']));
        }
    }
}
