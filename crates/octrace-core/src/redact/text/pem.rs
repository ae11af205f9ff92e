//! Private keys in armour (PEM, OpenSSH, PGP, PuTTY), whole or cut off, with line breaks as such or
//! escaped. What is between the dashed lines is blanked; those stay and say what it was.

use std::ops::Range;

use super::token::{BASE64, begins, is, run, run_before};
use crate::redact::hit::{Hit, MARK};

const DASHES: &[u8] = b"-----";

/// Less of a key is none: code that only speaks of the dashed line.
const LEAST: usize = 16;

/// A block that begins at the anchor, `-----BEGIN `.
pub(super) fn find(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let label = text[anchor.end..].iter().take(60);
    let label = label.take_while(|byte| byte.is_ascii_uppercase() || **byte == b' ').count();
    let close = anchor.end + label;
    let is_private = text[anchor.end..close].windows(11).any(|part| part == b"PRIVATE KEY");
    if !is_private || !text[close..].starts_with(DASHES) {
        return;
    }
    let start = close + DASHES.len();
    // A line break, escaped or not, belongs to the dashed line.
    let breaks: [&[u8]; 6] = [b"\r\n", b"\n", b"\\r\\n", b"\\n", b"\\\\r\\\\n", b"\\\\n"];
    let after = breaks.iter().find(|line| text[start..].starts_with(line));
    let start = start + after.map_or(0, |line| line.len());
    if text[start..].starts_with(MARK.as_bytes()) {
        return;
    }
    let open = armour(&text[start..]);
    let body = &text[start..start + open];
    // In source code each line may be a string of its own.
    let next = text[start + open..].iter().take_while(|byte| **byte != b'-');
    let quoted = open + next.take(LONGEST_JOINT).count();
    let ends = text[start + quoted..].starts_with(b"-----END ");
    let length = if ends && mostly_key(&text[start..start + quoted]) { quoted } else { open };
    if key_bytes(body) >= LEAST || length > open {
        hits.push(Hit::text(start, start + length));
    }
}

/// The lines of a key whose dashed line is elsewhere, by how all of them begin: after `head`, `rg` or a cut.
/// Certificates and public keys begin otherwise.
pub(super) fn body(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let start = anchor.start;
    let first = run(&text[start..], BASE64, LONGEST_LINE);
    // Anchors are found in any case; base64 means something else in each.
    let head = &text[anchor];
    let rsa = head.eq_ignore_ascii_case(b"MII");
    let numbered = head == b"MII" && text.get(start + 6..start + 9) == Some(b"IBA");
    if !begins(text, start) || first < SHORTEST_LINE || first == LONGEST_LINE || rsa && !numbered {
        return;
    }
    let mut end = start + first;
    hits.push(Hit::text(start, end));
    // Each further line is all base64 behind the margin of a listing.
    for _ in 0..LINES {
        let Some(line) = text[end..].iter().take(3).position(|&byte| byte == b'\n') else { break };
        let line = end + line + 1;
        let length = text[line..].iter().take(2 * LONGEST_MARGIN).position(|&byte| byte == b'\n');
        let next = length.map_or(text.len().min(line + 2 * LONGEST_MARGIN), |length| line + length);
        let content = text[line..next].trim_ascii_end();
        let key = run_before(content, BASE64, LONGEST_MARGIN);
        if key < LEAST || !begins(text, line + content.len() - key) {
            break;
        }
        end = line + content.len();
        hits.push(Hit::text(end - key, end));
    }
}

/// Lines of keys have at least so many letters, but for the last.
const SHORTEST_LINE: usize = 48;
const LONGEST_LINE: usize = 8 * 1024;
const LONGEST_MARGIN: usize = 120;

/// Keys have no more lines.
const LINES: usize = 120;

/// How far past the first string of a key its end is looked for.
const LONGEST_JOINT: usize = 16 * 1024;

/// The lines after the anchor, `Private-Lines: `.
pub(super) fn putty(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let number = text[anchor.end..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let at = anchor.end + number;
    let Some(line) = text[at..].iter().take(8).position(|&byte| byte == b'\n') else { return };
    let start = at + line + 1;
    let length = text[start..]
        .iter()
        .take_while(|byte| is(BASE64, **byte) || matches!(**byte, b'\r' | b'\n'))
        .count();
    // The next line's name is no part of it.
    let length = match text[start..start + length].iter().rposition(|&byte| byte == b'\n') {
        Some(last) if start + length < text.len() => last + 1,
        _ => length,
    };
    if number > 0 && key_bytes(&text[start..start + length]) >= LEAST {
        hits.push(Hit::text(start, start + length));
    }
}

/// How much of `text` could be armour: base64 in lines, their numbers in a listing, header lines.
fn armour(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let part = is(BASE64, byte) || matches!(byte, b'\r' | b'\n' | b'\\' | b'\t' | b' ' | b'|');
        let header = matches!(byte, b':' | b',' | b'.' | b'(' | b')' | b'<' | b'>' | b'@')
            || byte == b'-' && !text[at..].starts_with(b"--");
        if !part && !header {
            break;
        }
        at += 1;
    }
    // Prose may follow a key that was cut.
    if text[at..].starts_with(DASHES) { at } else { trimmed(&text[..at]) }
}

/// Up to the first line that reads like a sentence.
fn trimmed(body: &[u8]) -> usize {
    let is_sentence = |line: &&[u8]| {
        let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        words.clone().count() >= 3 && words.map(<[u8]>::len).max() < Some(20)
    };
    let lines = body.split_inclusive(|&byte| byte == b'\n');
    lines.take_while(|line| !is_sentence(line)).map(<[u8]>::len).sum()
}

fn key_bytes(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| is(BASE64, byte)).count()
}

/// Whether it is base64 in pieces, not code between the dashed lines.
fn mostly_key(text: &[u8]) -> bool {
    let other = |byte: &u8| !is(BASE64, *byte) && !byte.is_ascii_whitespace();
    key_bytes(text) >= 2 * LEAST
        && key_bytes(text) >= 5 * text.iter().filter(|byte| other(byte)).count()
}
