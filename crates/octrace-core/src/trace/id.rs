//! Ids of traces and spans: hashes of OpenCode's ids, which are unique everywhere. Some backends drop a span whose id they
//! know already, whatever trace it is in, so ids are never given twice, and what is sent again is recognised.

use std::fmt;

/// A trace's id: 16 bytes, not all of them zero.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(pub [u8; 16]);

/// A span's id: 8 bytes, not all of them zero.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(pub [u8; 8]);

impl TraceId {
    /// Of the turn that answers this user message, when no other turn started it.
    pub fn of_turn(session: &str, message: &str) -> Self {
        Self(hash("trace", &[session, message]))
    }
}

impl SpanId {
    /// Of the turn that answers this user message.
    pub fn of_turn(session: &str, message: &str) -> Self {
        Self(hash("turn", &[session, message]))
    }

    /// Of the model call that became this assistant message.
    pub fn of_answer(session: &str, assistant: &str) -> Self {
        Self(hash("model call", &[session, assistant]))
    }

    /// Of a model call that became no message (a title): the `number`th, from 0, for this purpose and user message.
    pub fn of_meta(session: &str, message: &str, purpose: &str, number: usize) -> Self {
        Self(hash("meta call", &[session, message, purpose, &number.to_string()]))
    }

    /// Of a tool call in this assistant message. Providers repeat call ids; messages' ids are unique.
    pub fn of_tool(session: &str, assistant: &str, call: &str) -> Self {
        Self(hash("tool call", &[session, assistant, call]))
    }

    /// Of a mark that belongs to this span and is a span of its own.
    pub fn of_mark(self, name: &str) -> Self {
        Self(hash("mark", &[&self.to_string(), name]))
    }
}

/// From the BLAKE3 hash of `subject` and the words, each followed by a zero byte.
fn hash<const N: usize>(subject: &str, words: &[&str]) -> [u8; N] {
    let mut hasher = blake3::Hasher::new();
    for word in std::iter::once(&subject).chain(words) {
        hasher.update(word.as_bytes());
        hasher.update(&[0]);
    }
    let mut bytes = [0; N];
    hasher.finalize_xof().fill(&mut bytes);
    // Nothing else may be the id that means none.
    bytes[0] |= u8::from(bytes.iter().all(|byte| *byte == 0));
    bytes
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_same_for_the_same_and_differ_for_all_else() {
        insta::assert_snapshot!(TraceId::of_turn("ses_1", "msg_1"), @"10dbc0b2acdec117ee1581e7307fa619");
        insta::assert_snapshot!(SpanId::of_turn("ses_1", "msg_1"), @"01189394452cdd16");
        let mut ids = vec![
            SpanId::of_turn("ses_1", "msg_1"),
            SpanId::of_answer("ses_1", "msg_1"),
            SpanId::of_tool("ses_1", "msg_1", ""),
            SpanId::of_tool("ses_1", "msg_1", "0"),
            SpanId::of_meta("ses_1", "msg_1", "title", 0),
            SpanId::of_meta("ses_1", "msg_1", "title", 1),
            SpanId::of_turn("ses_1", "msg_1").of_mark("complete"),
        ];
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
