//! Names of secrets in tags, with the value elsewhere in the tag or behind it:
//! `<input name="csrf_token" type="hidden" value="x">`, `<entry key="password">x</entry>`.

use std::ops::Range;

/// Longer tags are not looked through.
const LONGEST: usize = 300;

/// Elements whose content is the value that their name belongs to.
const HOLDERS: [&[u8]; 9] =
    [b"property", b"entry", b"string", b"setting", b"param", b"arg", b"var", b"field", b"value"];

/// The value that belongs to an attribute whose value stands between quotation marks from `start` to `end`.
pub(super) fn value(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let from = start.saturating_sub(LONGEST);
    let before = &text[from..start.checked_sub(1)?];
    let open = before.iter().rposition(|&byte| byte == b'<')?;
    let attribute = before.strip_suffix(b"=")?;
    let names: [&[u8]; 5] = [b"name", b"key", b"id", b"type", b"property"];
    if before[open..].contains(&b'>') || !names.iter().any(|name| attribute.ends_with(name)) {
        return None;
    }
    let rest = &text[end..text.len().min(end + LONGEST)];
    let close = end + rest.iter().position(|&byte| byte == b'>')?;
    let tag = from + open..close;
    for name in [&b" value="[..], b" content="] {
        let found = text[tag.clone()].windows(name.len()).position(|part| part == name);
        let Some(at) = found.map(|at| tag.start + at + name.len()) else { continue };
        let quote = text.get(at).filter(|byte| matches!(byte, b'"' | b'\''))?;
        let length = text[at + 1..close].iter().position(|byte| byte == quote)?;
        return Some(at + 1..at + 1 + length);
    }
    let holds = HOLDERS.iter().any(|name| text[tag.start + 1..].starts_with(name));
    if holds { content(text, close + 1) } else { None }
}

/// What stands from `at` on to the end of its element.
fn content(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = &text[at..text.len().min(at + LONGEST)];
    let length = rest.iter().position(|&byte| byte == b'<')?;
    (length > 0 && rest[length..].starts_with(b"</")).then_some(at..at + length)
}
