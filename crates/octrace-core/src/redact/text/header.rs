//! HTTP headers in text: dumps of requests, command lines of `curl`, logs; and the files in which tools
//! keep what they log in with.

use std::ops::Range;

use super::{
    line,
    token::{BASE64, BEARER, begins, run},
    value::{self, is_placeholder, is_random},
};
use crate::redact::hit::Hit;

/// How one says who one is, with the value behind it.
const SCHEMES: [&[u8]; 8] =
    [b"bearer ", b"basic ", b"token ", b"bot ", b"apikey ", b"api-key ", b"negotiate ", b"key "];

/// `Authorization: Bearer x`, with whatever quotes; also `Proxy-Authorization`.
pub(super) fn authorization(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let between = text[anchor.end..].iter().take(8);
    let gap = between.take_while(|byte| b":='\"`\\, ]".contains(byte)).count();
    let at = anchor.end + gap;
    if gap == 0 {
        return;
    }
    let rest = &text[at..];
    let quoted = text[anchor.end..at].iter().any(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    if begins_with(rest, b"digest username=") {
        let line = rest.iter().take_while(|byte| !b"\r\n\\".contains(byte)).count();
        hits.push(Hit::text(at + b"digest ".len(), at + line));
    } else if let Some(scheme) = SCHEMES.iter().find(|scheme| begins_with(rest, scheme)) {
        let start = at + scheme.len();
        let length = credential(&text[start..]);
        let value = &text[start..start + length];
        let ended =
            matches!(text.get(start + length), Some(b'"' | b'\'' | b'`' | b'\r' | b'\n') | None);
        let letters = value.iter().all(u8::is_ascii_lowercase);
        if value.len() >= 3 && !is_placeholder(value) && (!letters || ended) {
            hits.push(Hit::text(start, start + length));
        }
    } else if begins_with(rest, b"aws4-hmac-sha256 ") {
        let start = at + b"aws4-hmac-sha256 ".len();
        let length = text[start..].iter().take_while(|byte| !b"\"'`\r\n\\".contains(byte)).count();
        if length >= 20 {
            hits.push(Hit::text(start, start + length));
        }
    } else {
        let length = credential(rest);
        let called = text.get(at + length) == Some(&b'(');
        let value = &rest[..length];
        let ended = length >= 8 && matches!(rest.get(length), Some(b'\r' | b'\n') | None);
        if is_random(value) && !called || (quoted || ended) && value::is_password(value) {
            hits.push(Hit::text(at, at + length));
        }
    }
}

/// `Bearer x` wherever it stands. In prose an ordinary word follows.
pub(super) fn bearer(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let length = credential(&text[anchor.end..]);
    let value = &text[anchor.end..anchor.end + length];
    let odd = value.len() >= 8 && value.iter().any(u8::is_ascii_digit) || is_random(value);
    if begins(text, anchor.start) && odd && !is_placeholder(value) {
        hits.push(Hit::text(anchor.end, anchor.end + length));
    }
}

/// `Cookie: a=b; c=d` and `Set-Cookie: a=b; Path=/`: what is after the name, to the line's end.
pub(super) fn cookie(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let start = anchor.end + usize::from(text.get(anchor.end) == Some(&b' '));
    let name = run(&text[start..], BEARER, 80);
    // `=` may be part of a cookie's value, hence of the run; a name comes before it.
    let pair = &text[start..start + name];
    let equals = pair.iter().position(|&byte| byte == b'=');
    let Some(1..) = equals else { return };
    if is_placeholder(&text[start..text.len().min(start + 80)]) {
        return;
    }
    let end = text[start..].iter().position(|byte| b"\r\n\"'`\\<>".contains(byte));
    hits.push(Hit::text(start, start + end.unwrap_or(text.len() - start)));
}

/// `curl -u user:password`.
pub(super) fn curl_user(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let before = &text[anchor.start.saturating_sub(400)..anchor.start];
    let command = before.rsplit(|&byte| matches!(byte, b'\n' | b'|' | b'&')).next();
    let is_curl = |line: &[u8]| line.windows(4).any(|word| word == b"curl" || word == b"http");
    if !command.is_some_and(is_curl) {
        return;
    }
    let quote = text.get(anchor.end).filter(|byte| matches!(byte, b'"' | b'\''));
    let start = anchor.end + usize::from(quote.is_some());
    let is_end = |byte: &u8| match quote {
        Some(quote) => byte == quote || *byte == b'\n',
        None => byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\'),
    };
    let length = text[start..].iter().take_while(|byte| !is_end(byte)).count();
    let value = &text[start..start + length];
    let Some(colon) = value.iter().position(|&byte| byte == b':') else { return };
    if !is_placeholder(&value[colon + 1..]) && !is_placeholder(value) {
        hits.push(Hit::text(start, start + length));
    }
}

/// `login x password y` of a `.netrc`, on one line or several.
pub(super) fn netrc(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    if !text[..anchor.start].last().is_none_or(u8::is_ascii_whitespace) {
        return;
    }
    let mut at = anchor.end;
    at += word(&text[at..]);
    at += space(&text[at..]);
    if !text[at..].starts_with(b"password") {
        return;
    }
    at += b"password".len();
    let gap = space(&text[at..]);
    let start = at + gap;
    let length = word(&text[start..]);
    if gap > 0 && !is_placeholder(&text[start..start + length]) {
        hits.push(Hit::text(start, start + length));
    }
}

/// `//registry/:_authToken=x` of an `.npmrc`.
pub(super) fn npmrc(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let gap = text[anchor.end..].iter().take(4).take_while(|byte| b" =\"'".contains(byte)).count();
    let start = anchor.end + gap;
    let length = run(&text[start..], BEARER, usize::MAX);
    // Without the registry before it, it is all of its line.
    let scoped = text[anchor.start] == b':';
    let whole = line::is_first(text, anchor.start) && line::rest_is_blank(text, start + length);
    if !scoped && (length < 8 || !whole) {
        return;
    }
    if gap > 0 && length >= 3 && !is_placeholder(&text[start..start + length]) {
        hits.push(Hit::text(start, start + length));
    }
}

fn credential(text: &[u8]) -> usize {
    run(text, BEARER, usize::MAX)
}

fn word(text: &[u8]) -> usize {
    text.iter().take(200).take_while(|byte| byte.is_ascii_graphic()).count()
}

fn space(text: &[u8]) -> usize {
    text.iter().take(40).take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn begins_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// `"auth": "x"` of Docker's settings: user and password in base64.
pub(super) fn docker(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let colon = line::skip_space(text, anchor.end);
    let open = line::skip_space(text, colon + 1);
    if text.get(colon) != Some(&b':') || text.get(open) != Some(&b'"') {
        return;
    }
    let length = run(&text[open + 1..], BASE64, 400);
    let value = &text[open + 1..open + 1 + length];
    // What base64 makes of `user:password` is in small and in capital letters, and in fours.
    let mixed =
        value.iter().any(u8::is_ascii_lowercase) && value.iter().any(u8::is_ascii_uppercase);
    let ended = text.get(open + 1 + length) == Some(&b'"');
    let made = value.ends_with(b"=") || is_random(value);
    if ended && mixed && made && length >= 8 && length.is_multiple_of(4) {
        hits.push(Hit::text(open + 1, open + 1 + length));
    }
}
