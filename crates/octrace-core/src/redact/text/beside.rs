//! Secrets whose sign stands in their middle or at their end, or that are known by what stands beside them.

use std::ops::Range;

use super::{
    token::{self, ALNUM, BASE64, DOTTED, ENCODED, HEX, WORD, begins, is, run, run_before},
    value,
};
use crate::redact::hit::Hit;

/// Whether the anchor is written exactly so; letters matter in most of them.
fn reads(text: &[u8], anchor: &Range<usize>, as_written: &[u8]) -> bool {
    text.get(anchor.clone()) == Some(as_written)
}

/// Whether the range is no part of a longer word.
fn stands_alone(text: &[u8], range: &Range<usize>) -> bool {
    begins(text, range.start) && !text.get(range.end).is_some_and(|&byte| is(ALNUM, byte))
}

fn push_alone(text: &[u8], range: Range<usize>, hits: &mut Vec<Hit>) {
    if stands_alone(text, &range) {
        hits.push(Hit::text(range.start, range.end));
    }
}

/// An AWS secret that follows its id, as in the console's download and in tables.
pub(super) fn aws_secret(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let id = anchor.start..anchor.end + run(&text[anchor.end..], token::UPPERCASE, 17);
    if id.len() != 20 || !begins(text, id.start) {
        return;
    }
    let between = text[id.end..].iter().take(40);
    let gap = between.take_while(|byte| !is(BASE64, **byte) || **byte == b'=').count();
    let start = id.end + gap;
    if gap > 0 && run(&text[start..], ALNUM | BASE64, 41) == 40 {
        hits.push(Hit::text(start, start + 40));
    }
}

/// `sk-` and what no class of a style sheet is called: `sk-folding-cube`.
pub(super) fn openai(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    const KINDS: [&[u8]; 9] = [
        b"proj-",
        b"svcacct-",
        b"admin-",
        b"None-",
        b"live-",
        b"test-",
        b"fake-",
        b"canary-",
        b"dummy-",
    ];
    // Its beginning decides, so that `sk-sk-…` does not take long.
    let rest = &text[anchor.end..];
    let body = &rest[..run(rest, WORD, 128)];
    if !reads(text, &anchor, b"sk-") || !begins(text, anchor.start) || value::is_filler(body) {
        return;
    }
    let announced =
        KINDS.iter().any(|kind| body.strip_prefix(*kind).is_some_and(|rest| rest.len() >= 10));
    let odd = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let one_word = || body.split(|&byte| byte == b'-').any(|word| word.len() >= 20);
    if announced || body.len() >= 16 && (body.iter().any(odd) || one_word()) {
        hits.push(Hit::text(anchor.start, anchor.end + run(rest, WORD, usize::MAX)));
    }
}

/// `xxx8Q~…`, with three characters before the digit.
pub(super) fn azure_client_secret(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let before = run_before(&text[..anchor.start], DOTTED, 4);
    let after = run(&text[anchor.end..], DOTTED | token::BEARER, 36);
    if reads(text, &(anchor.start + 1..anchor.end), b"Q~")
        && before == 3
        && (31..=34).contains(&after)
    {
        hits.push(Hit::text(anchor.start - 3, anchor.end + after));
    }
}

/// The signature among the fields of a shared access signature, where it is no URL.
pub(super) fn azure_signature(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let length = run(&text[anchor.end..], ENCODED, 200);
    let is_field = matches!(text[..anchor.start].last(), None | Some(b'&' | b'?' | b' ' | b';'));
    if is_field && (40..200).contains(&length) {
        hits.push(Hit::text(anchor.end, anchor.end + length));
    }
}

/// `v1.0-`, a short id, a long key.
pub(super) fn cloudflare_origin(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let id = run(&text[anchor.end..], HEX, 25);
    let key = anchor.end + id + 1;
    if id == 24 && text.get(key - 1) == Some(&b'-') && run(&text[key..], HEX, 147) == 146 {
        push_alone(text, anchor.start..key + 146, hits);
    }
}

/// A number in base64, a time, a signature, with dots between them.
pub(super) fn discord_bot(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    if !text[anchor.start].is_ascii_uppercase() {
        return;
    }
    let mut at = anchor.start;
    for (least, most) in [(23, 30), (6, 7), (27, 45)] {
        let length = run(&text[at..], WORD, most + 1);
        if !(least..=most).contains(&length) {
            return;
        }
        at += length;
        if most != 45 {
            if text.get(at) != Some(&b'.') {
                return;
            }
            at += 1;
        }
    }
    push_alone(text, anchor.start..at, hits);
}

/// Digits, `:AA`, 33 characters.
pub(super) fn telegram_bot(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let id = text[..anchor.start].iter().rev().take(13);
    let id = id.take_while(|byte| byte.is_ascii_digit()).count();
    let after = run(&text[anchor.end..], WORD, 34);
    if reads(text, &anchor, b":AA") && (8..=12).contains(&id) && after == 33 {
        hits.push(Hit::text(anchor.start - id, anchor.end + after));
    }
}

/// `SK` and 32 digits.
pub(super) fn twilio(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let key = anchor.start + 2;
    if text[anchor].starts_with(b"SK") && run(&text[key..], HEX, 33) == 32 {
        push_alone(text, key - 2..key + 32, hits);
    }
}

/// 32 digits, `-us` and the number of a data centre.
pub(super) fn mailchimp(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let centre = text[anchor.end..].iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    let key = run_before(&text[..anchor.start], HEX, 33);
    if key == 32 && (1..=2).contains(&centre) {
        push_alone(text, anchor.start - 32..anchor.end + centre, hits);
    }
}

/// A name, `.atlasv1.`, a key.
pub(super) fn terraform(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let name = run_before(&text[..anchor.start], ALNUM, 15);
    let key = run(&text[anchor.end..], WORD, 120);
    if name == 14 && key >= 60 {
        hits.push(Hit::text(anchor.start - name, anchor.end + key));
    }
}

/// Three parts (signed) or five (encrypted); the first is JSON in base64.
pub(super) fn jwt(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let inside = matches!(text[..anchor.start].last(), Some(b'-' | b'_'));
    if !reads(text, &anchor, b"eyJ") || inside || !begins(text, anchor.start) {
        return;
    }
    let head = run(&text[anchor.start..], WORD, LONGEST_HEAD);
    let payload = anchor.start + head + 1;
    if head < 12 || text.get(payload - 1) != Some(&b'.') {
        return;
    }
    let length = run(&text[payload..], DOTTED, usize::MAX);
    let parts = &text[payload..payload + length];
    // A payload that is not encrypted is JSON too. One that was cut shows as much as a whole one.
    let signed = parts.starts_with(b"eyJ") && length >= 8;
    if signed || parts.iter().filter(|byte| **byte == b'.').count() >= 2 && length >= 24 {
        hits.push(Hit::text(anchor.start, payload + length));
    }
}

/// A JWT's first part says how it is signed, in a few hundred bytes.
const LONGEST_HEAD: usize = 4096;
