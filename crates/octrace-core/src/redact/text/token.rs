//! Secrets that say what they are: a prefix, then so many characters of a kind.

use std::ops::Range;

use super::value;

/// Kinds of characters, as bits.
pub(super) type Class = u16;

const DIGIT: Class = 1;
/// `a` to `f`.
const HEX_LOWER: Class = 1 << 1;
/// `A` to `F`.
const HEX_UPPER: Class = 1 << 2;
/// The other small letters.
const LOWER: Class = 1 << 3;
/// The other capital letters.
const UPPER: Class = 1 << 4;
const DASH: Class = 1 << 5;
const UNDERSCORE: Class = 1 << 6;
/// `+` and `/`.
const SLASH: Class = 1 << 7;
const EQUALS: Class = 1 << 8;
const DOT: Class = 1 << 9;
const PERCENT: Class = 1 << 10;
const TILDE: Class = 1 << 11;

pub(super) const HEX: Class = DIGIT | HEX_LOWER;
pub(super) const LOWERCASE: Class = HEX | LOWER;
pub(super) const UPPERCASE: Class = DIGIT | HEX_UPPER | UPPER;
pub(super) const ALNUM: Class = LOWERCASE | UPPERCASE;
pub(super) const UUID: Class = HEX | DASH;
/// Base64 for URLs.
pub(super) const WORD: Class = ALNUM | DASH | UNDERSCORE;
pub(super) const DOTTED: Class = WORD | DOT;
pub(super) const BASE64: Class = ALNUM | SLASH | EQUALS;
/// Any of base64's alphabets, also percent-encoded.
pub(super) const ENCODED: Class = BASE64 | WORD | PERCENT;
/// What RFC 6750 allows in a bearer token.
pub(super) const BEARER: Class = BASE64 | DOTTED | TILDE;

const CLASSES: [Class; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 255")]
        let class = match byte as u8 {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'f' => HEX_LOWER,
            b'A'..=b'F' => HEX_UPPER,
            b'g'..=b'z' => LOWER,
            b'G'..=b'Z' => UPPER,
            b'-' => DASH,
            b'_' => UNDERSCORE,
            b'+' | b'/' => SLASH,
            b'=' => EQUALS,
            b'.' => DOT,
            b'%' => PERCENT,
            b'~' => TILDE,
            _ => 0,
        };
        classes[byte] = class;
        byte += 1;
    }
    classes
};

/// Whether the byte is of one of these kinds.
pub(super) fn is(class: Class, byte: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// How many bytes of this class `text` begins with, counting no further than `most`.
pub(super) fn run(text: &[u8], class: Class, most: usize) -> usize {
    text.iter().take(most).take_while(|&&byte| is(class, byte)).count()
}

/// The same at the end of `text`.
pub(super) fn run_before(text: &[u8], class: Class, most: usize) -> usize {
    text.iter().rev().take(most).take_while(|&&byte| is(class, byte)).count()
}

/// Whether a token may begin at `at`: not in the middle of a word.
pub(super) fn begins(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    match *before {
        [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
        [.., last] => !last.is_ascii_alphanumeric(),
        [] => true,
    }
}

/// What follows the prefix.
#[derive(Clone, Copy)]
pub(super) struct Token {
    class: Class,
    least: usize,
    most: usize,
    random: bool,
}

impl Token {
    /// At least so many characters of a class.
    pub(super) const fn from(class: Class, least: usize) -> Self {
        Self { class, least, most: usize::MAX, random: false }
    }

    /// Exactly so many.
    pub(super) const fn exactly(class: Class, length: usize) -> Self {
        Self { class, least: length, most: length, random: false }
    }

    /// The prefix is a word that also begins other things: what follows must be no word.
    pub(super) const fn random(mut self) -> Self {
        self.random = true;
        self
    }

    /// The token whose prefix stands at `prefix`.
    pub(super) fn find(self, text: &[u8], prefix: Range<usize>) -> Option<Range<usize>> {
        if !begins(text, prefix.start) {
            return None;
        }
        let rest = &text[prefix.end..];
        let body = &rest[..run(rest, self.class, 64)];
        let made = || value::is_random(body) || value::is_typed(body);
        if value::is_filler(body) || self.random && !made() {
            return None;
        }
        let length = run(rest, self.class, self.most.saturating_add(1));
        if length < self.least || length > self.most {
            return None;
        }
        Some(prefix.start..prefix.end + length)
    }
}
