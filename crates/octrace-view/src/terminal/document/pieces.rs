//! Long texts in pieces of bounded size, cut at line ends where there are any, and never inside a character or an
//! escape.

use std::ops::Range;

use super::node::{Below, How, Node, Own, Span};
use crate::text::Paint;

/// The longest piece, in bytes; what is longer than this is also not scanned while somebody waits. Tests have small
/// bodies, and pieces all the same.
pub(super) const PIECE: usize = if cfg!(test) { 256 } else { 16 * 1024 };

/// A text's pieces; of an empty one, one.
pub(super) fn pieces(span: &Span, how: How) -> Vec<Node> {
    let bytes = span.bytes();
    let mut start = 0;
    let mut pieces = Vec::with_capacity(bytes.len() / PIECE + 1);
    while start < bytes.len() || pieces.is_empty() {
        let end = start + piece(bytes.get(start..).unwrap_or_default(), how);
        let span = span.part(span.range.start + start..span.range.start + end);
        pieces.push(Node { own: Own::Piece(span, how), below: Below::Nothing, open: true });
        start = end;
    }
    pieces
}

/// A painted text's pieces.
pub(super) fn painted(text: &str, paints: &[(Range<usize>, Paint)]) -> Vec<Node> {
    let mut start = 0;
    let mut paints = paints.iter().peekable();
    let mut pieces = Vec::new();
    while start < text.len() {
        let end = start + piece(text.as_bytes().get(start..).unwrap_or_default(), How::Text);
        let mut inside = Vec::new();
        while let Some((range, paint)) = paints.peek().filter(|(range, _)| range.start < end) {
            inside.push((range.start.max(start) - start..range.end.min(end) - start, *paint));
            if range.end > end {
                break;
            }
            paints.next();
        }
        let own = Own::Painted(text.get(start..end).unwrap_or_default().to_owned(), inside);
        pieces.push(Node { own, below: Below::Nothing, open: true });
        start = end;
    }
    pieces
}

/// How long the piece is that `bytes` begin with.
fn piece(bytes: &[u8], how: How) -> usize {
    if bytes.len() <= PIECE {
        return bytes.len();
    }
    let mut line_end = None;
    let mut at = 0;
    // Up to here no character and no escape is cut.
    let end = loop {
        let rest = bytes.get(at..PIECE).unwrap_or_default();
        let special = if how == How::Text {
            memchr::memchr(b'\n', rest)
        } else {
            memchr::memchr2(b'\n', b'\\', rest)
        };
        let Some(special) = special.map(|special| at + special) else {
            break boundary(bytes, PIECE);
        };
        let length = if bytes.get(special) == Some(&b'\n') { 1 } else { escape(bytes, special) };
        if special + length > PIECE {
            break special;
        }
        at = special + length;
        if length == 1 || bytes.get(special + 1) == Some(&b'n') {
            line_end = Some(at);
        }
    };
    // Else between words.
    let space = || bytes.get(PIECE / 2..end).and_then(|rest| memchr::memrchr(b' ', rest));
    let line_end = line_end.filter(|line_end| *line_end >= PIECE / 2);
    line_end.or_else(|| space().map(|space| PIECE / 2 + space + 1)).unwrap_or(end)
}

/// The last start of a character that is at most `at`; where there is no UTF-8 in sight, `at`.
fn boundary(bytes: &[u8], at: usize) -> usize {
    let is_start = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (at.saturating_sub(3)..=at).rev().find(is_start).unwrap_or(at)
}

/// How long the escape is that begins at the backslash at `at`; a pair of surrogates is one.
fn escape(bytes: &[u8], at: usize) -> usize {
    match unit(bytes, at) {
        Some(0xd800..0xdc00) if matches!(unit(bytes, at + 6), Some(0xdc00..0xe000)) => 12,
        Some(_) => 6,
        // A character may follow that no escape knows.
        None if bytes.get(at + 1).is_some_and(u8::is_ascii) => 2,
        None => 1,
    }
}

/// The UTF-16 unit of the `\u` escape at `at`.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u16::from_str_radix(digits, 16).ok()
}

/// A piece as text. What stands for nothing, half a surrogate pair, stays as it was sent.
pub(super) fn read(span: &Span, how: How) -> String {
    let bytes = span.bytes();
    if how != How::Decoded {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        text.push_str(&String::from_utf8_lossy(rest.get(..plain).unwrap_or_default()));
        at += plain;
        if at < bytes.len() {
            let length = escape(bytes, at).min(bytes.len() - at);
            let escaped = bytes.get(at..at + length).unwrap_or_default();
            match decode(bytes, at, length) {
                Some(char) => text.push(char),
                None => text.push_str(&String::from_utf8_lossy(escaped)),
            }
            at += length;
        }
    }
    text
}

fn decode(bytes: &[u8], at: usize, length: usize) -> Option<char> {
    match (length, bytes.get(at + 1)?) {
        (2, b'n') => Some('\n'),
        (2, b'r') => Some('\r'),
        (2, b't') => Some('\t'),
        (2, b'b') => Some('\x08'),
        (2, b'f') => Some('\x0c'),
        (2, mark @ (b'"' | b'\\' | b'/')) => Some(char::from(*mark)),
        (6, _) => char::from_u32(u32::from(unit(bytes, at)?)),
        (12, _) => {
            let units = [unit(bytes, at)?, unit(bytes, at + 6)?];
            char::decode_utf16(units).next().and_then(Result::ok)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn spans(text: &[u8], how: How) -> Vec<Span> {
        let source = Arc::new(text.to_vec());
        let pieces = pieces(&Span::whole(&source), how).into_iter();
        pieces
            .filter_map(|node| match node.own {
                Own::Piece(span, _) => Some(span),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn escapes_are_read() {
        let read = |text: &str| {
            spans(text.as_bytes(), How::Decoded)
                .iter()
                .map(|span| read(span, How::Decoded))
                .collect::<String>()
        };
        assert_eq!(read(r#"a\nb\t\"\\\/\u00e4\ud83d\ude00"#), "a\nb\t\"\\/ä😀");
        assert_eq!(read(r"\ud800 \ude00\u12 \x \ä \"), r"\ud800 \ude00\u12 \x \ä \");
        assert_eq!(read(r"\ud83dx\ude00"), r"\ud83dx\ude00");
    }

    proptest! {
        #[test]
        fn pieces_are_short_and_together_the_whole(
            unit in "(a|ä|漢|😀|\\\\\\\\|\\\\n|\\\\ud83d\\\\ude00|\n| ){1,6}", times in 3_000usize..9_000, shift in 0usize..40,
        ) {
            let text = format!("{}{}", "x".repeat(shift), unit.repeat(times));
            for how in [How::Text, How::Decoded, How::Json] {
                let spans = spans(text.as_bytes(), how);
                let together: String = spans.iter().map(|span| read(span, how)).collect();
                let whole = Span::whole(&Arc::new(text.clone().into_bytes()));
                prop_assert_eq!(together, read(&whole, how), "no character or escape is cut");
                let mut end = 0;
                for span in spans {
                    prop_assert_eq!(span.range.start, end);
                    prop_assert!(span.range.len() <= PIECE && !span.range.is_empty());
                    end = span.range.end;
                }
                prop_assert_eq!(end, text.len());
            }
        }
    }
}
