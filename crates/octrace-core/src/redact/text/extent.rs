//! How far a value reaches: from its quotation mark to the next, or up to what ends a word.

use std::ops::Range;

use super::{
    value::{LONGEST_LOOK, is_label, is_marked, is_placeholder, is_random},
    word::{is_path_of_names, is_type},
};
use crate::redact::hit::{Hit, MARK};

/// Longer values are not looked at as a whole; their beginning decides, and all of it goes.
pub(super) const LONGEST_UNQUOTED: usize = 4096;

/// Where a value stands, without its quotation marks.
pub(super) struct Value {
    pub(super) range: Range<usize>,
    pub(super) quoted: bool,
    /// A call, an index, `a.b.c`.
    pub(super) is_code: bool,
}

impl Value {
    pub(super) fn hit(&self) -> Hit {
        Hit::text(self.range.start, self.range.end)
    }
}

/// The value at `at`: in quotation marks, or up to what ends a word.
pub(super) fn value(text: &[u8], at: usize) -> Option<Value> {
    let at = at.min(text.len());
    if let Some(range) = in_curly_quotes(text, at) {
        return Some(Value { range, quoted: true, is_code: false });
    }
    let quote = text.get(at).copied().filter(|byte| b"\"'`".contains(byte));
    let Some(quote) = quote else {
        let is_part = |byte: &&u8| byte.is_ascii_graphic() && !b"\"'`;,&|<>()[]{}\\".contains(byte);
        let run = |most| text[at..].iter().take(most).take_while(is_part).count();
        let mut length = run(LONGEST_LOOK);
        if length == LONGEST_LOOK && is_random(&text[at..at + length]) {
            length = run(LONGEST_UNQUOTED);
        }
        let next = text.get(at + length);
        let is_code =
            matches!(next, Some(b'(' | b'[' | b'{')) || is_path_of_names(&text[at..at + length]);
        return (length > 0).then(|| Value { range: at..at + length, quoted: false, is_code });
    };
    let start = at + 1;
    let mut end = start;
    while let Some(&byte) = text.get(end) {
        if byte == quote || byte == b'\n' && quote != b'`' || end - start > LONGEST_UNQUOTED {
            break;
        }
        end += if byte == b'\\' { 2 } else { 1 };
    }
    let end = end.min(text.len());
    let whole = matches!(text.get(end), Some(&byte) if byte == quote) || end == text.len();
    (whole && start < end).then_some(Value { range: start..end, quoted: true, is_code: false })
}

/// The value at `at` that a JSON member of a secret name has without quotation marks, which no JSON has:
/// up to what ends it there, but for words and calls of source code.
pub(in crate::redact) fn bare_value(text: &[u8], name: &[u8], at: usize) -> Option<Hit> {
    let rest = &text[at..];
    if is_marked(rest) {
        return None;
    }
    let length = match rest.first()? {
        quote @ (b'\'' | b'`') => {
            rest[1..].iter().position(|byte| byte == quote).map(|end| end + 2)
        }
        _ => end_of_bare(rest),
    };
    let value = rest[..length.unwrap_or(rest.len())].trim_ascii_end();
    let is_code = value.contains(&b'(') || is_path_of_names(value);
    let kept = is_code || is_placeholder(value) || is_label(name, value) || is_type(value);
    (!kept).then(|| Hit::value(at, at + value.len()))
}

/// Where a value without quotation marks ends; our own mark's bracket ends none.
fn end_of_bare(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += rest[at..].iter().position(|byte| b",}]\r\n".contains(byte))?;
        if !rest[..=at].ends_with(MARK.as_bytes()) {
            return Some(at);
        }
        at += 1;
    }
}

/// What stands between the quotation marks of a word processor.
fn in_curly_quotes(text: &[u8], at: usize) -> Option<Range<usize>> {
    let closing = match text.get(at..at + 3)? {
        b"\xe2\x80\x9c" => b"\xe2\x80\x9d",
        b"\xe2\x80\x98" => b"\xe2\x80\x99",
        _ => return None,
    };
    let rest = text[at + 3..].split(|&byte| byte == b'\n').next()?;
    let rest = &rest[..rest.len().min(LONGEST_UNQUOTED)];
    let length = memchr::memmem::find(rest, closing).filter(|length| *length > 0)?;
    Some(at + 3..at + 3 + length)
}

/// What may stand between a sign and a string: `b"…"`, `String::from("…")`.
pub(super) fn wrapping(text: &[u8]) -> usize {
    let in_call = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_:.@".contains(byte);
    let name = text.iter().take(30).take_while(in_call).count();
    let call = usize::from(name > 0 && text.get(name) == Some(&b'('));
    let quote = matches!(text.get(name + call), Some(b'"' | b'\'' | b'`'));
    if quote && (call == 1 || name <= 2) { name + call } else { 0 }
}

/// Where the quote stands that ends the string whose content begins at `at`, or the text's end.
pub(super) fn closing_quote(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}
