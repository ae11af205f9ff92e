//! JSON's escapes and URLs' percent signs, decoded with a way back to the bytes they came from.
//!
//! Tolerant: whatever is not an escape stands for itself, so that decoding any bytes ends and gives
//! something to search. A backslash before anything else disappears, as a lenient reader would have it;
//! text therefore runs out of backslashes after as many decodings as it is nested deep.

use std::ops::Range;

use super::hit::Span;

/// One step of decoding: a run that is copied, or a character.
struct Step {
    source: usize,
    source_len: usize,
    /// `None`: the source bytes themselves.
    character: Option<Character>,
}

struct Character {
    bytes: [u8; 4],
    len: usize,
}

impl Character {
    fn byte(byte: u8) -> Self {
        Self { bytes: [byte, 0, 0, 0], len: 1 }
    }

    fn nothing() -> Self {
        Self { bytes: [0; 4], len: 0 }
    }

    fn unicode(character: char) -> Self {
        let mut bytes = [0; 4];
        let len = character.encode_utf8(&mut bytes).len();
        Self { bytes, len }
    }
}

/// The content of a JSON string (without its quotes), decoded.
pub(super) fn decode_json(content: &[u8]) -> Vec<u8> {
    collect(content, steps(content, b'\\', json_escape))
}

/// Where the pieces of [`decode_json`]'s text came from.
pub(super) fn json_spans(content: &[u8]) -> impl Iterator<Item = Span> {
    steps(content, b'\\', json_escape).map(span)
}

/// A line with escapes takes further lines along if they have some within this many bytes.
const NEAR: usize = 256;

/// The lines of `text` in which there are backslashes, and what stands between them and near: elsewhere,
/// decoding changes nothing.
pub(super) fn escaped_lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let line_end =
        |at: usize| memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end);
    let mut at = 0;
    std::iter::from_fn(move || {
        let first = at + memchr::memchr(b'\\', &text[at..])?;
        let start = memchr::memrchr(b'\n', &text[at..first]).map_or(at, |end| at + end + 1);
        at = line_end(first);
        while let Some(next) = memchr::memchr(b'\\', &text[at..text.len().min(at + NEAR)]) {
            at = line_end(at + next);
        }
        Some(start..at)
    })
}

/// Percent-encoded text, decoded.
pub(super) fn decode_percent(text: &[u8]) -> Vec<u8> {
    collect(text, steps(text, b'%', percent_escape))
}

/// Where the pieces of [`decode_percent`]'s text came from.
pub(super) fn percent_spans(text: &[u8]) -> impl Iterator<Item = Span> {
    steps(text, b'%', percent_escape).map(span)
}

fn collect(source: &[u8], steps: impl Iterator<Item = Step>) -> Vec<u8> {
    let mut text = Vec::with_capacity(source.len());
    for step in steps {
        match step.character {
            None => text.extend_from_slice(&source[step.source..step.source + step.source_len]),
            Some(character) => text.extend_from_slice(&character.bytes[..character.len]),
        }
    }
    text
}

#[expect(clippy::needless_pass_by_value, reason = "an adapter for map")]
fn span(step: Step) -> Span {
    let text_len = step.character.as_ref().map_or(step.source_len, |character| character.len);
    Span { source: step.source, source_len: step.source_len, text_len }
}

/// Cuts `source` at each `sign`; `escape` reads what begins there: its length and its meaning.
fn steps(
    source: &[u8],
    sign: u8,
    escape: fn(&[u8]) -> (usize, Character),
) -> impl Iterator<Item = Step> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = source.get(at..).filter(|rest| !rest.is_empty())?;
        let run = memchr::memchr(sign, rest).unwrap_or(rest.len());
        let (source_len, character) = if run > 0 {
            (run, None)
        } else {
            let (len, character) = escape(rest);
            (len, Some(character))
        };
        let step = Step { source: at, source_len, character };
        at += source_len;
        Some(step)
    })
}

fn json_escape(rest: &[u8]) -> (usize, Character) {
    let Some(&letter) = rest.get(1) else {
        return (1, Character::nothing());
    };
    match letter {
        b'n' => (2, Character::byte(b'\n')),
        b't' => (2, Character::byte(b'\t')),
        b'r' => (2, Character::byte(b'\r')),
        b'b' => (2, Character::byte(8)),
        b'f' => (2, Character::byte(12)),
        b'u' => match utf16_unit(rest) {
            Some(high @ 0xd800..0xdc00) => match utf16_unit(rest.get(6..).unwrap_or_default()) {
                Some(low @ 0xdc00..0xe000) => {
                    let scalar = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    (12, Character::unicode(scalar_or_replacement(scalar)))
                }
                _ => (6, Character::unicode(char::REPLACEMENT_CHARACTER)),
            },
            Some(unit) => (6, Character::unicode(scalar_or_replacement(unit))),
            None => (2, Character::byte(b'u')),
        },
        other => (2, Character::byte(other)),
    }
}

fn scalar_or_replacement(scalar: u32) -> char {
    char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The number in a `\uXXXX` at the beginning of `rest`.
fn utf16_unit(rest: &[u8]) -> Option<u32> {
    let digits = rest.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | hex(digit)?))
}

fn percent_escape(rest: &[u8]) -> (usize, Character) {
    let byte = || {
        let high = hex(*rest.get(1)?)?;
        let low = hex(*rest.get(2)?)?;
        u8::try_from(high << 4 | low).ok()
    };
    byte().map_or((1, Character::byte(b'%')), |byte| (3, Character::byte(byte)))
}

fn hex(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes() {
        for (source, text) in [
            (r#"a\"b\\c\/d\n"#, "a\"b\\c/d\n"),
            (r"\u0061pi\u005fkey", "api_key"),
            (r"\ud83d\ude00!", "😀!"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"\d\u12", "du12"),
            ("cut\\", "cut"),
        ] {
            assert_eq!(String::from_utf8(decode_json(source.as_bytes())).unwrap(), text);
        }
        assert_eq!(decode_percent(b"a%2Fb%zz%4"), b"a/b%zz%4");
    }

    #[test]
    fn lines_without_escapes_are_left_out() {
        let far = format!("{}\n", "x".repeat(NEAR));
        let lines = |text: &str| -> Vec<String> {
            let lines = escaped_lines(text.as_bytes());
            lines.map(|line| text.get(line).unwrap().to_owned()).collect()
        };
        assert_eq!(lines("a\nb\\\nc\n"), ["b\\"]);
        assert_eq!(lines("a\\\nb\nc\\\\"), ["a\\\nb\nc\\\\"]);
        assert_eq!(lines(&format!("a\\\n{far}\\b\n{far}{far}")), ["a\\", "\\b"]);
        assert_eq!(lines("\\"), ["\\"]);
        assert_eq!(lines(""), [""; 0]);
    }

    proptest! {
        #[test]
        fn decodes_like_serde(text in ".*") {
            let json = serde_json::to_string(&text).unwrap();
            let content = &json.as_bytes()[1..json.len() - 1];
            prop_assert_eq!(decode_json(content), text.into_bytes());
        }

        #[test]
        fn spans_cover_source_and_text(source in prop::collection::vec(any::<u8>(), 0..80)) {
            let sum = |spans: Vec<Span>| spans.iter().fold((0, 0), |(source, text), span| {
                assert_eq!(span.source, source);
                (source + span.source_len, text + span.text_len)
            });
            prop_assert_eq!(
                sum(json_spans(&source).collect()), (source.len(), decode_json(&source).len()));
            prop_assert_eq!(
                sum(percent_spans(&source).collect()), (source.len(), decode_percent(&source).len()));
        }
    }
}
