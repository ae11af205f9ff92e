//! Values that markup puts beside their names: attributes and elements of HTML and XML, property lists, JSON
//! in attributes (`&quot;`), block scalars of YAML, the defaults of Terraform's variables.
//!
//! Each finds where the value of a name stands; [`assign`](super::assign) judges it.

use std::ops::Range;

use super::line;

/// Nothing farther from a name is looked for.
const REACH: usize = 512;

/// Longer blocks are not read on.
const LONGEST_BLOCK: usize = 4096;

const ENTITIES: [&[u8]; 4] = [b"&quot;", b"&#34;", b"&#x22;", b"&apos;"];

/// Whether markup that is looked at stands right after a name.
pub(super) fn begins(text: &[u8]) -> bool {
    match text.first() {
        Some(b'&') => entity(text).is_some(),
        Some(b'<') => text.starts_with(b"</key>"),
        _ => false,
    }
}

/// The entity for a quotation mark that `text` begins with.
fn entity(text: &[u8]) -> Option<&'static [u8]> {
    ENTITIES.into_iter().find(|entity| text.starts_with(entity))
}

/// `name&quot;:&quot;value&quot;`, and `value=&quot;value&quot;` after it, of a name that ends at `end`.
pub(super) fn escaped(text: &[u8], end: usize) -> Option<Range<usize>> {
    let quote = entity(&text[end..])?;
    let mut at = line::skip_space(text, end + quote.len());
    if text[at..].starts_with(b"value=") {
        at += 5;
    }
    if !matches!(text.get(at), Some(b':' | b'=')) {
        return None;
    }
    at = line::skip_space(text, at + 1);
    let start = at + entity(&text[at..])?.len();
    let length = reach(text, start).windows(quote.len()).position(|part| part == quote)?;
    Some(start..start + length)
}

/// What `<key>name</key><string>value</string>` says, of a name that ends at `end`.
pub(super) fn property(text: &[u8], end: usize) -> Option<Range<usize>> {
    let at = line::skip_space(text, end + text[end..].strip_prefix(b"</key>").map(|_| 6)?);
    let start = at + text[at..].strip_prefix(b"<string>").map(|_| 8)?;
    let length = reach(text, start).iter().position(|&byte| byte == b'<')?;
    Some(start..start + length)
}

/// The value of a tag that is given the name, which stands in quotation marks, as its own:
/// `<string name="api_key">value</string>`, `<meta name="csrf-token" content="value">`.
pub(super) fn tagged(text: &[u8], name: Range<usize>) -> Option<Range<usize>> {
    let open = name.start.checked_sub(1)?;
    let is_name = [&b"name="[..], b"key=", b"id="].iter().any(|sign| text[..open].ends_with(sign));
    if !is_name {
        return None;
    }
    let back = &text[open.saturating_sub(REACH)..open];
    let begin = open - back.len() + back.iter().rposition(|&byte| matches!(byte, b'<' | b'>'))?;
    let close = name.end + reach(text, name.end).iter().position(|&byte| byte == b'>')?;
    if text[begin] != b'<' {
        return None;
    }
    for attribute in [&b" value="[..], b" content="] {
        let found = text[begin..close].windows(attribute.len()).position(|part| part == attribute);
        let Some(found) = found else { continue };
        let start = begin + found + attribute.len();
        let quote = text.get(start).filter(|byte| matches!(byte, b'"' | b'\''));
        let inside = &text[start..close];
        return match quote {
            Some(quote) => inside[1..]
                .iter()
                .position(|byte| byte == quote)
                .map(|end| start + 1..start + 1 + end),
            None => {
                let is_end = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'/';
                Some(start..start + inside.iter().position(is_end).unwrap_or(inside.len()))
            }
        };
    }
    let length = reach(text, close + 1).iter().position(|&byte| byte == b'<')?;
    let whole = text[close - 1] != b'/' && text[close + 1 + length..].starts_with(b"</");
    whole.then_some(close + 1..close + 1 + length)
}

/// The default in `variable "name" { default = "value" }`, of a name in quotation marks.
pub(super) fn default(text: &[u8], name: Range<usize>) -> Option<Range<usize>> {
    if !text[..name.start - 1].ends_with(b"variable ") {
        return None;
    }
    let block = reach(text, name.end);
    let block = &block[..block.iter().position(|&byte| byte == b'}').unwrap_or(block.len())];
    let at = memchr::memmem::find(block, b"default")? + 7;
    let sign = at + block[at..].iter().position(|byte| !byte.is_ascii_whitespace())?;
    let open =
        sign + 1 + block.get(sign + 1..)?.iter().position(|byte| !byte.is_ascii_whitespace())?;
    if block[sign] != b'=' || block[open] != b'"' {
        return None;
    }
    let length = block[open + 1..].iter().position(|&byte| byte == b'"')?;
    Some(name.end + open + 1..name.end + open + 1 + length)
}

/// How tags begin that say where a value is to be found.
const REFERENCES: [&[u8]; 8] =
    [b"secret", b"ref", b"env", b"sub", b"getatt", b"include", b"import", b"file"];

/// Past the anchor and the tag that YAML may have before a value: `&db`, `!!str`.
pub(super) fn past_tags(text: &[u8], mut at: usize) -> usize {
    while let Some(b'&' | b'!') = text.get(at) {
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-!/:.".contains(byte);
        let length = 1 + text[at + 1..].iter().take(40).take_while(is_part).count();
        let next = line::skip_blank(text, at + length);
        let tag = text[at + 1..at + length].to_ascii_lowercase();
        let elsewhere = text[at] == b'!' && REFERENCES.iter().any(|word| tag.starts_with(word));
        if length == 1 || next == at + length || elsewhere || text.get(next) == Some(&b'=') {
            break;
        }
        at = next;
    }
    at
}

/// The lines of a block scalar, `|` or `>-` at `at`, of a name that begins at `name`: those that stand
/// deeper than it.
pub(super) fn block(text: &[u8], name: usize, at: usize) -> Option<Range<usize>> {
    if !matches!(text.get(at), Some(b'|' | b'>')) {
        return None;
    }
    let signs = text[at + 1..].iter().take(2).take_while(|byte| b"+-123456789".contains(byte));
    let end = at + 1 + signs.count();
    if !line::is_first(text, name) || !line::rest_is_blank(text, end) {
        return None;
    }
    let first = end + text[end..].iter().take(REACH).position(|&byte| byte == b'\n')? + 1;
    let begin =
        text[name.saturating_sub(REACH)..name].iter().rev().take_while(|byte| **byte != b'\n');
    let column = begin.count();
    let (mut block, mut at) = (first..first, first);
    for line in
        text[first..text.len().min(first + LONGEST_BLOCK)].split_inclusive(|&byte| byte == b'\n')
    {
        let content = line.trim_ascii();
        let margin = line.len() - line.trim_ascii_start().len();
        if !content.is_empty() && margin <= column {
            break;
        }
        if block.is_empty() && !content.is_empty() {
            block.start = at + margin;
        }
        if !content.is_empty() {
            block.end = at + line.trim_ascii_end().len();
        }
        at += line.len();
    }
    (!block.is_empty()).then_some(block)
}

fn reach(text: &[u8], at: usize) -> &[u8] {
    let at = at.min(text.len());
    &text[at..text.len().min(at + REACH)]
}
