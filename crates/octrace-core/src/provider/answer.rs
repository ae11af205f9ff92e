//! From a response's body to an [`Answer`]: what kind of body it is, and its pieces to the dialect.

use super::{
    Answer, Dialect, anthropic, draft::Draft, error, gemini, openai_chat, openai_responses,
    outline::Elements, sse::Events,
};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How a dialect is read.
struct Reader {
    /// Reads one piece of a stream, or a whole answer: a JSON object.
    read: fn(&mut Draft, &str) -> serde_json::Result<()>,
    /// What a stream ends with, in words.
    terminator: &'static str,
    /// Its name in problems.
    name: &'static str,
}

impl Reader {
    fn of(dialect: Dialect) -> Option<Self> {
        let (read, terminator): (fn(&mut Draft, &str) -> _, _) = match dialect {
            Dialect::OpenaiChat => (openai_chat::read, openai_chat::TERMINATOR),
            Dialect::OpenaiResponses => (openai_responses::read, openai_responses::TERMINATOR),
            Dialect::Anthropic => (anthropic::read, anthropic::TERMINATOR),
            Dialect::Gemini => (gemini::read, gemini::TERMINATOR),
            Dialect::Unknown => return None,
        };
        Some(Self { read, terminator, name: dialect.as_str() })
    }
}

/// What a response says. `content_type` is as [`crate::exchange::content_type`] gives it; a body that is
/// evidently something else is read as what it is. `ended` is false for a stream that was cut or is
/// still running: what is missing at its end is then no problem of the answer.
///
/// An error body gives [`Answer::error`]: the provider's message, or the beginning of the text. Of an
/// unknown dialect only that is read.
pub fn read_answer(dialect: Dialect, content_type: &str, body: &[u8], ended: bool) -> Answer {
    let mut draft = Draft::default();
    let kind = BodyKind::of(content_type, body);
    let Some(reader) = Reader::of(dialect) else {
        if kind == BodyKind::Json
            && let Some(message) = error::of_body(&String::from_utf8_lossy(body))
        {
            draft.error(&message);
        }
        return draft.done();
    };
    match kind {
        BodyKind::EventStream => read_events(&mut draft, &reader, body, ended),
        BodyKind::Json => read_json(&mut draft, &reader, body, ended),
        BodyKind::Empty if ended => draft.problem("the response's body is empty"),
        BodyKind::Empty => {}
        BodyKind::Compressed => draft.problem("the response's body is still compressed"),
        BodyKind::Binary => draft.problem("the response's body is neither text nor JSON"),
        BodyKind::Html => {
            draft.problem("the response's body is an HTML page");
            let page = String::from_utf8_lossy(body);
            draft.error(&error::page_title(&page).unwrap_or_else(|| error::excerpt(&page)));
        }
        BodyKind::Text => {
            draft.problem("the response's body is neither an event stream nor JSON");
            draft.error(&error::excerpt(&String::from_utf8_lossy(body)));
        }
    }
    draft.done()
}

/// What a response's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// Nothing, or white space.
    Empty,
    /// Server-sent events.
    EventStream,
    /// An object or an array.
    Json,
    /// A page, from a proxy mostly.
    Html,
    /// Any other text.
    Text,
    /// gzip or zstd.
    Compressed,
    /// No text.
    Binary,
}

impl BodyKind {
    /// By the first bytes; the content type, as in [`read_answer`], decides only where those are too few.
    pub fn of(content_type: &str, body: &[u8]) -> Self {
        let start = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body).trim_ascii_start();
        let fields: [&[u8]; 5] = [b"data", b"event", b"id", b"retry", b":"];
        let gzip_or_zstd: [&[u8]; 2] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd"];
        match start.first() {
            None => Self::Empty,
            Some(b'{' | b'[') => Self::Json,
            Some(b'<') => Self::Html,
            _ if gzip_or_zstd.iter().any(|magic| start.starts_with(magic)) => Self::Compressed,
            _ if content_type == "text/event-stream" && start.len() < 6 => Self::EventStream,
            _ if fields.iter().any(|field| begins_field(start, field)) => Self::EventStream,
            _ => {
                let sample = start.get(..512).unwrap_or(start);
                if sample.contains(&0)
                    || String::from_utf8_lossy(sample).matches('\u{fffd}').count() > 4
                {
                    Self::Binary
                } else {
                    Self::Text
                }
            }
        }
    }
}

fn begins_field(body: &[u8], name: &[u8]) -> bool {
    body.strip_prefix(name).is_some_and(|rest| name == b":" || rest.starts_with(b":"))
}

fn read_events(draft: &mut Draft, reader: &Reader, body: &[u8], ended: bool) {
    let mut number = 0_u64;
    for event in Events::new(body) {
        number += 1;
        let data = String::from_utf8_lossy(&event.data);
        if !is_utf8(&event.data, event.complete || ended) {
            draft.problem(format!("event {number} is not UTF-8"));
        }
        let data = data.trim();
        if data == "[DONE]" {
            draft.terminated = true;
        } else if data.is_empty() {
            // Sent to keep the connection alive.
        } else if let Err(why) = read_piece(draft, reader, data) {
            if event.name == "error" && why != Unreadable::BreaksOff {
                draft.error(&error::excerpt(data));
            } else if event.complete || ended {
                draft.problem(format!("event {number}, which ends at byte {}, {why}", event.end));
            }
        } else if event.name == "error" && !draft.has_error() {
            draft.error(&error::of_body(data).unwrap_or_else(|| error::excerpt(data)));
        }
        draft.arrived(event.end);
    }
    if number == 0 && ended {
        draft.problem("the stream holds no events");
    } else {
        check_end(draft, reader, ended);
    }
}

fn read_json(draft: &mut Draft, reader: &Reader, body: &[u8], ended: bool) {
    let text = String::from_utf8_lossy(body);
    if !is_utf8(body, ended) {
        draft.problem("the response's body is not UTF-8");
    }
    let json = text.trim_start_matches('\u{feff}').trim();
    if json.starts_with('[') {
        return read_array(draft, reader, body, ended);
    }
    match read_piece(draft, reader, json) {
        Ok(()) if draft.is_blank() => {
            let message = error::of_body(json);
            if message.is_none() {
                draft.problem(format!("the response's JSON is no {} answer", reader.name));
            }
            draft.error(&message.unwrap_or_else(|| error::excerpt(json)));
        }
        Ok(()) => {}
        Err(Unreadable::BreaksOff) if !ended => {}
        Err(why) => {
            draft.problem(format!("the response's body {why}"));
            if why != Unreadable::BreaksOff {
                draft.error(&error::excerpt(json));
            }
        }
    }
}

/// A stream as one array that grows: Gemini's, without `alt=sse`.
fn read_array(draft: &mut Draft, reader: &Reader, body: &[u8], ended: bool) {
    let skipped = if body.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let array = &body[skipped..];
    let mut elements = Elements::new(array);
    let mut number = 0_u64;
    for range in elements.by_ref() {
        number += 1;
        let end = skipped + range.end;
        if let Err(why) = read_piece(draft, reader, &String::from_utf8_lossy(&array[range])) {
            draft.problem(format!("element {number}, which ends at byte {end}, {why}"));
        }
        draft.arrived(end);
    }
    match elements.broken_at() {
        // Where only the end is missing, more may come.
        Some(at) if ended => {
            let at = skipped + at;
            draft.problem(format!("the response's body stops being JSON at byte {at}"));
        }
        _ => check_end(draft, reader, ended),
    }
}

/// Where more may come, a character can be cut at the end.
fn is_utf8(bytes: &[u8], ended: bool) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| !ended && error.error_len().is_none(), |_| true)
}

fn check_end(draft: &mut Draft, reader: &Reader, ended: bool) {
    if ended && !draft.terminated {
        draft.problem(format!("the stream ended without {}", reader.terminator));
    }
}

/// Why a piece could not be read. Never what it says.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Unreadable {
    #[error("is not a JSON object")]
    NoObject,
    #[error("breaks off")]
    BreaksOff,
    #[error("is malformed JSON")]
    Malformed,
}

fn read_piece(draft: &mut Draft, reader: &Reader, json: &str) -> Result<(), Unreadable> {
    if !json.starts_with('{') {
        return Err(Unreadable::NoObject);
    }
    (reader.read)(draft, json)
        .map_err(|error| if error.is_eof() { Unreadable::BreaksOff } else { Unreadable::Malformed })
}
