//! Kubernetes' secrets: every value below `data:` and `stringData:`, whatever its name.

use std::ops::Range;

use super::value::is_placeholder;
use crate::redact::hit::Hit;

/// How far the manifest is read to each side of `kind: Secret`.
const LONGEST: usize = 8 << 10;

pub(super) fn secret(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    if &text[anchor.clone()] != b"kind: Secret"
        || !matches!(text.get(anchor.end), None | Some(b'\r' | b'\n' | b' '))
    {
        return;
    }
    let from = anchor.start.saturating_sub(LONGEST);
    // Another manifest's kind ends this one too, which bounds the work.
    let ends = |line: &[u8]| {
        let line = line[margin(line)..].trim_ascii_end();
        line == b"---" || line.starts_with(b"kind: ")
    };
    let mut start = anchor.start;
    for before in text[from..anchor.start].split_inclusive(|&byte| byte == b'\n').rev() {
        if ends(before) {
            break;
        }
        start -= before.len();
    }
    let to = text.len().min(anchor.end + LONGEST);
    // The depth of `data:`, and of the value that goes on over several lines.
    let (mut data, mut block) = (None, None);
    let mut at = start;
    for whole in text[start..to].split_inclusive(|&byte| byte == b'\n') {
        let begin = at + margin(whole);
        at += whole.len();
        let content = text[begin..at].trim_ascii_end();
        let indent = content.iter().take_while(|byte| **byte == b' ').count();
        let content = &content[indent..];
        let value_at = begin + indent;
        if value_at > anchor.end && ends(&text[begin..at]) {
            return;
        }
        if content.is_empty() {
            continue;
        }
        if block.is_some_and(|depth| indent > depth) {
            hits.push(Hit::text(value_at, value_at + content.len()));
            continue;
        }
        block = None;
        if data.is_some_and(|depth| indent > depth) {
            let Some(colon) = content.windows(2).position(|two| two == b": ") else { continue };
            let value = content[colon + 1..].trim_ascii_start();
            if matches!(value.first(), Some(b'|' | b'>')) {
                block = Some(indent);
            } else if !is_placeholder(value) {
                let end = value_at + content.len();
                hits.push(Hit::text(end - value.len(), end));
            }
            continue;
        }
        data = matches!(content, b"data:" | b"stringData:").then_some(indent);
    }
}

/// The number of a line in a listing, and the sign after it.
fn margin(line: &[u8]) -> usize {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match line.get(digits..digits + 2) {
        Some([b'|' | b':', b' ']) if digits > 0 => digits + 2,
        _ => 0,
    }
}
