//! Where things are in JSON *bytes*: a tolerant scanner that gives ranges and builds no values.
//!
//! Redaction replaces ranges in the original and the tape cuts bodies at element boundaries; both
//! need to know where things stand in bytes that must otherwise stay as they were sent. A value
//! tree would lose exactly that: number spelling, escapes, white space, duplicate keys.
//!
//! The scanner is iterative, so depth costs memory on the heap, one byte a level, never stack. It stops at
//! the first byte that cannot be JSON and says where ([`Scanner::broken_at`]); everything before that is
//! usable.

use std::borrow::Cow;

use crate::provider::lenient::Text;

/// What stands at a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `{`
    ObjectStart,
    /// `}`
    ObjectEnd,
    /// `[`
    ArrayStart,
    /// `]`
    ArrayEnd,
    /// A member's name, with its quotes.
    Key,
    /// A string value, with its quotes.
    String,
    /// A number.
    Number,
    /// `true`, `false` or `null`.
    Word,
}

/// A token and its range in the scanned bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its first byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// How many containers are open around it. A container's own two tokens count as outside it.
    pub depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Object,
    Array,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// A value.
    Value,
    /// A value, or the end of the array that was just opened.
    ValueOrEnd,
    /// A key.
    Key,
    /// A key, or the end of the object that was just opened.
    KeyOrEnd,
    /// A comma, or the end of the container.
    CommaOrEnd,
    /// Nothing more but white space.
    End,
}

/// How far a [`Scanner`] got.
#[derive(Clone)]
pub struct Place {
    /// The byte after the last token.
    pub at: usize,
    open: Vec<Open>,
    expect: Expect,
}

/// Walks over one JSON text. An [`Iterator`] of [`Token`]s.
#[derive(Clone)]
pub struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    open: Vec<Open>,
    expect: Expect,
    broken_at: Option<usize>,
}

impl<'a> Scanner<'a> {
    /// Begins at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, open: Vec::new(), expect: Expect::Value, broken_at: None }
    }

    /// Between the last token and the next: to go on from there, in another text that begins alike.
    pub fn place(&self) -> Place {
        Place { at: self.at, open: self.open.clone(), expect: self.expect }
    }

    /// Goes on from `place`, which another scanner reached in a text that is the same up to there.
    pub fn resume(bytes: &'a [u8], place: Place) -> Self {
        let Place { at, open, expect } = place;
        Self { bytes, at, open, expect, broken_at: None }
    }

    /// Where the text stopped being JSON: at the first impossible byte, or at the end of a text that
    /// ends too early. `None` while the iteration has not ended, and for a whole text.
    pub fn broken_at(&self) -> Option<usize> {
        self.broken_at
    }

    fn fail(&mut self) -> Option<Token> {
        self.broken_at = Some(self.at);
        None
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn token(&mut self, kind: TokenKind, start: usize, end: usize) -> Option<Token> {
        self.at = end;
        Some(Token { kind, start, end, depth: self.open.len() })
    }

    fn close(&mut self, kind: TokenKind) -> Option<Token> {
        self.open.pop();
        self.after_value();
        self.token(kind, self.at, self.at + 1)
    }

    fn after_value(&mut self) {
        self.expect = if self.open.is_empty() { Expect::End } else { Expect::CommaOrEnd };
    }

    fn value(&mut self, first: u8) -> Option<Token> {
        let start = self.at;
        match first {
            b'{' | b'[' => {
                let (kind, open, expect) = if first == b'{' {
                    (TokenKind::ObjectStart, Open::Object, Expect::KeyOrEnd)
                } else {
                    (TokenKind::ArrayStart, Open::Array, Expect::ValueOrEnd)
                };
                let token = self.token(kind, start, start + 1);
                self.open.push(open);
                self.expect = expect;
                token
            }
            b'"' => match string_end(self.bytes, start) {
                Some(end) => {
                    self.after_value();
                    self.token(TokenKind::String, start, end)
                }
                None => self.fail(),
            },
            b'-' | b'0'..=b'9' => {
                let is_part = |b: &u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let length = self.bytes[start..].iter().take_while(|b| is_part(b)).count();
                self.after_value();
                self.token(TokenKind::Number, start, start + length)
            }
            _ => {
                let rest = &self.bytes[start..];
                let words: [&[u8]; 3] = [b"true", b"false", b"null"];
                match words.into_iter().find(|word| rest.starts_with(word)) {
                    Some(word) => {
                        self.after_value();
                        self.token(TokenKind::Word, start, start + word.len())
                    }
                    None => self.fail(),
                }
            }
        }
    }

    fn key(&mut self) -> Option<Token> {
        let start = self.at;
        let Some(end) = string_end(self.bytes, start) else {
            return self.fail();
        };
        let token = self.token(TokenKind::Key, start, end);
        self.skip_space();
        if self.bytes.get(self.at) != Some(&b':') {
            return self.fail();
        }
        self.at += 1;
        self.expect = Expect::Value;
        token
    }
}

impl Iterator for Scanner<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if self.broken_at.is_some() {
            return None;
        }
        loop {
            self.skip_space();
            let Some(&byte) = self.bytes.get(self.at) else {
                if self.expect != Expect::End {
                    self.broken_at = Some(self.at);
                }
                return None;
            };
            return match (self.expect, byte) {
                (Expect::CommaOrEnd, b',') => {
                    self.at += 1;
                    self.expect = match self.open.last() {
                        Some(Open::Object) => Expect::Key,
                        _ => Expect::Value,
                    };
                    continue;
                }
                (Expect::CommaOrEnd | Expect::KeyOrEnd, b'}')
                    if self.open.last() == Some(&Open::Object) =>
                {
                    self.close(TokenKind::ObjectEnd)
                }
                (Expect::CommaOrEnd | Expect::ValueOrEnd, b']')
                    if self.open.last() == Some(&Open::Array) =>
                {
                    self.close(TokenKind::ArrayEnd)
                }
                (Expect::Key | Expect::KeyOrEnd, b'"') => self.key(),
                (Expect::Value | Expect::ValueOrEnd, first) => self.value(first),
                _ => self.fail(),
            };
        }
    }
}

/// A string with its quotes, decoded; what cannot be is as it stands.
pub fn decode(quoted: &[u8]) -> Cow<'_, str> {
    let raw = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if memchr::memchr(b'\\', raw).is_none() {
        // Faster than what looks for what is none.
        return str::from_utf8(raw).map_or_else(|_| String::from_utf8_lossy(raw), Cow::Borrowed);
    }
    match serde_json::from_slice::<Text>(quoted) {
        Ok(text) => Cow::Owned(text.0),
        Err(_) => String::from_utf8_lossy(raw),
    }
}

/// One past the closing quote of the string that opens at `start`; `None` if it does not close.
///
/// Quotes are looked for and not backslashes, of which texts with lines have many more. Those right before a quote say
/// whether it is escaped; each of them stands before one quote only.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let content = bytes.get(start + 1..)?;
    let mut at = 0;
    loop {
        at += memchr::memchr(b'"', &content[at..])?;
        let backslashes = content[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        at += 1;
        if backslashes.is_multiple_of(2) {
            return Some(start + 1 + at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<&str> {
        Scanner::new(text.as_bytes())
            .map(|token| text.get(token.start..token.end).unwrap())
            .collect()
    }

    #[test]
    fn tokens_are_ranges_of_the_original() {
        assert_eq!(
            words(r#" {"a" : [1, -2.5e3,true], "b\"c":{ } ,"d":""} "#),
            [
                "{",
                "\"a\"",
                "[",
                "1",
                "-2.5e3",
                "true",
                "]",
                "\"b\\\"c\"",
                "{",
                "}",
                "\"d\"",
                "\"\"",
                "}"
            ]
        );
    }

    #[test]
    fn what_breaks_off_is_usable_up_to_there() {
        for (text, broken_at, tokens) in [
            (r#"{"a":1"#, 6, 3),
            (r#"{"a":"unfinis"#, 5, 2),
            (r#"[1,]"#, 3, 2),
            (r#"{"a":1}x"#, 7, 4),
            ("", 0, 0),
            (r#"{"a" 1}"#, 5, 1),
            ("[}", 1, 1),
        ] {
            let mut scanner = Scanner::new(text.as_bytes());
            assert_eq!(scanner.by_ref().count(), tokens, "{text}");
            assert_eq!(scanner.broken_at(), Some(broken_at), "{text}");
        }
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = "[".repeat(1_000_000);
        let mut scanner = Scanner::new(deep.as_bytes());
        assert_eq!(scanner.by_ref().count(), 1_000_000);
        assert_eq!(scanner.broken_at(), Some(1_000_000));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::hash_map(".*", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whole_json_is_never_broken(value in json()) {
            let text = serde_json::to_string_pretty(&value).unwrap();
            let mut scanner = Scanner::new(text.as_bytes());
            let mut end = 0;
            for token in scanner.by_ref() {
                prop_assert!(token.start >= end && token.end > token.start);
                end = token.end;
            }
            prop_assert_eq!(scanner.broken_at(), None);
        }

        #[test]
        fn any_bytes_end_somewhere(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut scanner = Scanner::new(&bytes);
            for token in scanner.by_ref() {
                prop_assert!(token.end <= bytes.len());
            }
        }
    }
}
