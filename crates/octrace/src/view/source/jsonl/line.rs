//! One line of a file: what it is a record of, and where things stand in it. Nothing of it is copied, and a line is
//! gone through once, whatever its length.
//!
//! Fields come in any order, and those that nobody knows are passed over. A line that is not whole JSON is broken: the
//! writers write a line at once, so nothing of it can be believed.

use std::{
    borrow::Cow,
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::Timestamp;
use octrace_core::json::{Scanner, Token, TokenKind, decode};

/// So many of the newest messages of a request are looked at.
const NEWEST: usize = 64;

/// And so many of the oldest: OpenCode's wish for a title is one of them.
const OLDEST: usize = 3;

/// What a line tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Response,
    Error,
}

/// What is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRecord {
    /// White space.
    Blank,
    /// JSON, but nothing that we know.
    Unknown,
    /// Not whole, or no JSON.
    Broken,
}

/// A record, as tokens of its line; an empty one where the field is missing.
#[derive(Clone, Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: Kind,
    pub(super) timestamp: &'a [u8],
    pub(super) session: &'a [u8],
    pub(super) method: &'a [u8],
    pub(super) url: &'a [u8],
    pub(super) headers: &'a [u8],
    pub(super) status: &'a [u8],
    pub(super) status_text: &'a [u8],
    pub(super) error: &'a [u8],
    pub(super) agent: &'a [u8],
    pub(super) purpose: &'a [u8],
    pub(super) is_cut: bool,
    pub(super) body: &'a [u8],
    pub(super) asked: Asked<'a>,
    id: &'a [u8],
    exchange: &'a [u8],
}

/// What a request's body has.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked<'a> {
    pub(super) model: &'a [u8],
    pub(super) has_tools: bool,
    /// How many messages it has.
    pub(super) messages: usize,
    /// The first ones.
    pub(super) oldest: Vec<&'a [u8]>,
    /// The last ones.
    pub(super) newest: VecDeque<&'a [u8]>,
}

/// Reads a line, with or without its end.
pub(super) fn read(line: &[u8]) -> Result<Record<'_>, NoRecord> {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Err(NoRecord::Blank);
    }
    let mut walk = Walk::new(line);
    let mut scanner = Scanner::new(line);
    scanner.by_ref().for_each(|token| walk.step(token));
    if scanner.broken_at().is_some() {
        return Err(NoRecord::Broken);
    }
    walk.record().ok_or(NoRecord::Unknown)
}

/// Whether the beginning of a line, which goes on behind it, can be that of a record.
pub(super) fn begins(line: &[u8]) -> Option<Record<'_>> {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii_start();
    let mut walk = Walk::new(line);
    Scanner::new(line).for_each(|token| walk.step(token));
    walk.record()
}

impl Record<'_> {
    /// What a request and its answer have in common, among those of their session. octrace's own number is never
    /// given twice; `id` begins anew with each process.
    pub(super) fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        if self.exchange.is_empty() { self.id } else { self.exchange }.hash(&mut hasher);
        hasher.finish()
    }

    /// µs since the Unix epoch.
    pub(super) fn at_us(&self) -> Option<i64> {
        if self.timestamp.starts_with(b"\"") {
            let at: Timestamp = decode(self.timestamp).parse().ok()?;
            return Some(at.as_microsecond());
        }
        let millis: i64 = std::str::from_utf8(self.timestamp).ok()?.parse().ok()?;
        millis.checked_mul(1000)
    }

    pub(super) fn status(&self) -> Option<u16> {
        text(self.status)?.parse().ok()
    }
}

/// What a string says; of anything else its JSON; `None` where it is missing, null or empty.
pub(super) fn text(token: &[u8]) -> Option<Cow<'_, str>> {
    let text = match token.first()? {
        b'"' => decode(token),
        b'n' => return None,
        _ => String::from_utf8_lossy(token),
    };
    (!text.is_empty()).then_some(text)
}

/// Goes along a line's tokens and keeps what is wanted.
struct Walk<'a> {
    line: &'a [u8],
    /// The names of the members that are open, without their quotes, and where their values begin; the line's own
    /// first, then those of what stands in them.
    keys: [&'a [u8]; 2],
    starts: [usize; 3],
    is_object: bool,
    in_messages: bool,
    kind: Option<Kind>,
    record: Record<'a>,
}

impl<'a> Walk<'a> {
    fn new(line: &'a [u8]) -> Self {
        let none: &[u8] = b"";
        let record = Record {
            kind: Kind::Request,
            id: none,
            exchange: none,
            timestamp: none,
            session: none,
            method: none,
            url: none,
            headers: none,
            status: none,
            status_text: none,
            error: none,
            agent: none,
            purpose: none,
            is_cut: false,
            body: none,
            asked: Asked::default(),
        };
        Self {
            line,
            keys: [none; 2],
            starts: [0; 3],
            is_object: false,
            in_messages: false,
            kind: None,
            record,
        }
    }

    fn step(&mut self, token: Token) {
        match (token.depth, token.kind) {
            (0, TokenKind::ObjectStart) => self.is_object = true,
            (1 | 2, TokenKind::Key) => {
                self.keys[token.depth - 1] =
                    self.line.get(token.start + 1..token.end - 1).unwrap_or_default();
            }
            (1..=3, TokenKind::ObjectStart | TokenKind::ArrayStart) => {
                self.starts[token.depth - 1] = token.start;
                match token.depth {
                    1 => {
                        self.keys[1] = b"";
                        if self.keys[0] == b"body" {
                            self.record.asked = Asked::default();
                        }
                    }
                    2 => {
                        let is_list = matches!(self.keys[1], b"messages" | b"input" | b"contents");
                        let is_array = token.kind == TokenKind::ArrayStart;
                        self.in_messages = self.keys[0] == b"body" && is_list && is_array;
                    }
                    _ => {}
                }
            }
            (1..=3, TokenKind::ObjectEnd | TokenKind::ArrayEnd) => {
                let start = self.starts[token.depth - 1];
                self.value(token.depth, start, token.end);
            }
            (1..=3, _) => self.value(token.depth, token.start, token.end),
            _ => {}
        }
    }

    /// A value that is whole.
    fn value(&mut self, depth: usize, start: usize, end: usize) {
        let value = self.line.get(start..end).unwrap_or_default();
        match depth {
            1 => self.field(value),
            2 if self.keys[0] == b"body" => {
                let asked = &mut self.record.asked;
                match self.keys[1] {
                    b"model" => asked.model = value,
                    b"tools" => asked.has_tools = value.len() > 2,
                    _ => {}
                }
                self.in_messages = false;
            }
            3 if self.in_messages => {
                let asked = &mut self.record.asked;
                asked.messages += 1;
                if asked.oldest.len() < OLDEST {
                    asked.oldest.push(value);
                }
                if asked.newest.len() == NEWEST {
                    asked.newest.pop_front();
                }
                asked.newest.push_back(value);
            }
            _ => {}
        }
    }

    fn field(&mut self, value: &'a [u8]) {
        let record = &mut self.record;
        match self.keys[0] {
            b"kind" => {
                self.kind = match value {
                    b"\"request\"" => Some(Kind::Request),
                    b"\"response\"" => Some(Kind::Response),
                    b"\"error\"" => Some(Kind::Error),
                    _ => None,
                };
            }
            b"id" => record.id = value,
            b"exchange" => record.exchange = value,
            b"timestamp" => record.timestamp = value,
            b"sessionID" => record.session = value,
            b"method" => record.method = value,
            b"url" => record.url = value,
            b"headers" => record.headers = value,
            b"status" => record.status = value,
            b"statusText" => record.status_text = value,
            b"error" => record.error = value,
            b"agent" => record.agent = value,
            b"purpose" => record.purpose = value,
            b"cut" => record.is_cut = value == b"true",
            b"body" => record.body = value,
            _ => {}
        }
    }

    fn record(self) -> Option<Record<'a>> {
        let kind = self.kind.filter(|_| self.is_object)?;
        Some(Record { kind, ..self.record })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = r#"{"kind":"request","id":1,"timestamp":"2026-04-25T02:41:09.000Z","sessionID":"ses_1","method":"POST","url":"https://x.example/v1/messages","headers":{"a":"b"},"body":{"model":"m","kind":"error","messages":[{"role":"user","content":"a"},{"role":"user","content":["b"]}],"tools":[{"name":"read"}],"x":{"model":"no"}},"exchange":7,"agent":"build","purpose":"main"}"#;

    #[test]
    fn fields_stand_where_they_are() {
        let record = read(REQUEST.as_bytes()).unwrap();
        assert_eq!(record.kind, Kind::Request);
        assert_eq!(record.at_us(), Some(1_777_084_869_000_000));
        assert_eq!(text(record.session).as_deref(), Some("ses_1"));
        assert_eq!(record.headers, br#"{"a":"b"}"#);
        assert_eq!(text(record.agent).as_deref(), Some("build"));
        assert_eq!(record.asked.model, br#""m""#);
        assert!(record.asked.has_tools);
        assert_eq!(record.asked.messages, 2);
        assert_eq!(record.asked.newest[1], br#"{"role":"user","content":["b"]}"#);
        assert_eq!(record.status(), None);
        let other = REQUEST.replace("\"id\":1", "\"id\":2");
        assert_eq!(read(other.as_bytes()).unwrap().key(), record.key(), "the exchange decides");
    }

    #[test]
    fn order_white_space_and_odd_values_do_not_matter() {
        for (line, session, at_us) in [
            (
                " { \"body\" : null , \"sessionID\":\"s\", \"kind\" : \"request\" }\r\n",
                Some("s"),
                None,
            ),
            (
                "\u{feff}{\"kind\":\"request\",\"timestamp\":1700000000123}",
                None,
                Some(1_700_000_000_123_000),
            ),
            (
                r#"{"kind":"request","sessionID":5,"timestamp":"soon","body":["messages",[1]]}"#,
                Some("5"),
                None,
            ),
            (r#"{"kind":"request","sessionID":null,"timestamp":1e3}"#, None, None),
        ] {
            let record = read(line.as_bytes()).unwrap();
            assert_eq!(text(record.session).as_deref(), session, "{line}");
            assert_eq!(record.at_us(), at_us, "{line}");
            assert_eq!(record.asked.messages, 0);
        }
    }

    #[test]
    fn what_is_no_record() {
        for (line, expect) in [
            ("", NoRecord::Blank),
            (" \r", NoRecord::Blank),
            ("\0\0\0", NoRecord::Broken),
            ("[]", NoRecord::Unknown),
            (r#"["kind","request"]"#, NoRecord::Unknown),
            (r#"{"kind":"telemetry"}"#, NoRecord::Unknown),
            (r#"{"kind":"request","id":1"#, NoRecord::Broken),
            (r#"{"kind":"request"}{"kind":"request"}"#, NoRecord::Broken),
            ("text", NoRecord::Broken),
        ] {
            assert_eq!(read(line.as_bytes()).unwrap_err(), expect, "{line}");
        }
        assert!(begins(br#"{"kind":"request","sessionID":"s","body":{"mess"#).is_some());
        assert!(begins(br#"{"name":"left-pad","version":"1"#).is_none());
    }

    #[test]
    fn bytes_that_are_no_text_are_read() {
        let record = read(b"{\"kind\":\"error\",\"error\":\"a\xff\\ud83d\"}").unwrap();
        assert!(text(record.error).unwrap().starts_with("a\u{fffd}"));
    }
}
