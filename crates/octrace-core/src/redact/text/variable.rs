//! Variables of the environment where they are set: `.env` files, what `env` prints, unit files, image
//! recipes, and all of these in a listing, a diff or the output of `grep`.
//!
//! A name in capital letters at such a place is given a value whatever it looks like, so the value is as long
//! as the shell or the file's reader would take it: any byte up to a blank, all between quotation marks, and
//! among other variables all of the line.

use std::ops::Range;

use super::{line, value::is_random};

/// Longer values are not read on; what was read of them goes.
const LONGEST: usize = 4096;

/// The part of `name` that is a variable's, with what `grep` wrote before it taken off: `.env-3-API_TOKEN`.
pub(super) fn start(text: &[u8], name: Range<usize>) -> usize {
    let upper = text[name.clone()].iter().rev().take_while(|byte| in_name(**byte)).count();
    let start = name.end - upper;
    if start > name.start && text[start - 1] == b'-' { start } else { name.start }
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

/// Whether a name that stands at `name` is a variable that is set there.
pub(super) fn is_set(text: &[u8], name: Range<usize>) -> bool {
    let before = &text[..name.start];
    let next_command = || [&b"&& "[..], b"|| ", b"; "].iter().any(|sign| before.ends_with(sign));
    text[name.clone()].iter().all(|byte| in_name(*byte))
        && (line::is_first(text, name.start) || next_command())
}

/// The value at `at`, right after the sign, of the variable whose name begins at `name`.
pub(super) fn value(text: &[u8], name: usize, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..text.len().min(at + LONGEST)];
    let first = *rest.first()?;
    let range = if matches!(first, b'"' | b'\'' | b'`') {
        quoted(rest, first).map(|end| at + 1..at + end)?
    } else {
        let around = name.checked_sub(1).map(|before| text[before]);
        let around = around.filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
        let length = match around {
            // `"NAME=value"`
            Some(quote) => rest.iter().position(|byte| *byte == quote || *byte == b'\n'),
            None => rest.iter().enumerate().position(|(at, byte)| ends(rest, at, *byte)),
        };
        let mut end = at + length.unwrap_or(rest.len());
        if around.is_none() && text.get(end) == Some(&b' ') && line::among_variables(text, at) {
            end = line::end_of_value(text, end);
        }
        at..end
    };
    (!range.is_empty() && !is_code(&text[range.clone()], first)).then_some(range)
}

/// Where the value ends that begins with a quotation mark, on a later line if not on its own.
fn quoted(rest: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        if byte == quote {
            return (at > 1).then_some(at);
        }
        at += if byte == b'\\' { 2 } else { 1 };
    }
    rest.iter().position(|&byte| byte == b'\n').or(Some(rest.len())).filter(|end| *end > 1)
}

/// Whether an unquoted value ends before this byte: a blank, or a line break that is written as `\n`.
fn ends(rest: &[u8], at: usize, byte: u8) -> bool {
    byte <= b' '
        || byte == 0x7f
        || matches!(byte, b'"' | b'\'' | b'`') && rest.get(at + 1).is_none_or(|next| *next <= b' ')
        || byte == b'\\' && rest.get(at + 1).is_none_or(|next| b"nrtux\"'\\/".contains(next))
}

/// Whether a value is one of source code or of a shell, not of a file: `$(pass x)`, `${X:-y}`, `next(x);`.
fn is_code(value: &[u8], first: u8) -> bool {
    let in_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.$".contains(byte);
    let name = value.iter().take_while(in_name).count();
    let call = name > 0
        && matches!(value.get(name), Some(b'(' | b'['))
        && !value.iter().any(|byte| b"!@#%^&*+".contains(byte));
    first != b'"' && first != b'\'' && call && !is_random(value)
}

/// Whether a value only says where the secret is to be found: `$NAME`, `${NAME:-x}`, `$(…)`, `%NAME%`,
/// `{{ name }}`, `<your key>`; but `$ecretP4ss` and `{x7Gq…}` say it.
pub(super) fn is_elsewhere(value: &[u8]) -> bool {
    let (Some((first, inner)), Some(last)) = (value.split_first(), value.last()) else {
        return true;
    };
    let named = |name: &[u8]| {
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_:.-/${}%() ".contains(byte);
        let digit = name.iter().any(u8::is_ascii_digit);
        let lower = name.iter().any(u8::is_ascii_lowercase);
        name.iter().all(part) && !(digit && lower) && !is_random(name)
    };
    match first {
        b'$' if inner.starts_with(b"(") || inner.starts_with(b"{") => true,
        b'$' | b'%' => named(inner),
        b'{' if inner.starts_with(b"{") => true,
        b'{' if *last == b'}' => !is_random(inner),
        b'<' if *last == b'>' => !is_random(inner),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_from_secrets_that_begin_alike() {
        for value in
            ["$TOKEN", "$token", "${TOKEN:-x}", "$(cat x)", "%TOKEN%", "{{ x }}", "<x>", "{x}"]
        {
            assert!(is_elsewhere(value.as_bytes()), "{value}");
        }
        for value in ["$ecretP4ss", "{x7Gq2LmZ9tRkQw3p}", "%x7Gq2LmZ9tRk", "hunter2", "<x", "$a!b"]
        {
            assert!(!is_elsewhere(value.as_bytes()), "{value}");
        }
    }
}
