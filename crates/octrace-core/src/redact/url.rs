//! URLs: userinfo, and the values of secret parameters.

use std::ops::Range;

use super::{
    escape,
    hit::Hit,
    key::{self, is_reference, secret_parameter},
    text::value::is_random,
};

/// Where a URL is taken from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is all there is; it may be relative.
    Field,
    /// It stands somewhere in text, possibly as a template in source code.
    Text,
}

/// Hits in a field that is a URL, absolute or not.
pub(super) fn find_in_field(url: &[u8], hits: &mut Vec<Hit>) {
    if memchr::memmem::find(url, b"://").is_none() {
        parameters(url, 0, Place::Field, hits);
    }
    let mut at = 0;
    while let Some(colon) = memchr::memmem::find(&url[at..], b"://") {
        at = one(url, at + colon, Place::Field, hits);
    }
}

/// Hits in a URL anywhere in text, by where its `://` stands.
pub(super) fn find_at(text: &[u8], sign: Range<usize>, hits: &mut Vec<Hit>) {
    one(text, sign.start, Place::Text, hits);
}

/// Hits in a form's body, `a=1&b=2`. What stands in the other values is the caller's to search.
pub(super) fn find_in_form(form: &[u8], hits: &mut Vec<Hit>) {
    for (name, value) in form_pairs(form) {
        if !value.is_empty() && secret_parameter(&escape::decode_percent(&form[name])) {
            hits.push(Hit::text(value.start, value.end));
        }
    }
}

/// The ranges of names and values of a form's fields.
pub(super) fn form_pairs(form: &[u8]) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let mut start = 0;
    form.split(|&byte| byte == b'&').map(move |field| {
        let begin = start;
        start += field.len() + 1;
        let name = field.iter().position(|&byte| byte == b'=').unwrap_or(field.len());
        let value = (begin + name + 1).min(begin + field.len());
        (begin..begin + name, value..begin + field.len())
    })
}

/// The URL whose `://` begins at `colon`; returns where to go on.
fn one(text: &[u8], colon: usize, place: Place, hits: &mut Vec<Hit>) -> usize {
    let host = colon + 3;
    if !colon.checked_sub(1).is_some_and(|last| text[last].is_ascii_alphanumeric()) {
        return host;
    }
    let is_end = |&byte: &u8| matches!(byte, b'/' | b'?' | b'#') || ends(byte, place);
    let length = text[host..].iter().position(is_end).unwrap_or(text.len() - host);
    let authority = &text[host..host + length];
    if let Some(sign) = authority.iter().rposition(|&byte| byte == b'@') {
        userinfo(&authority[..sign], host, place, hits);
    } else if let Some(sign) = sign_after_password(&text[host..], length, place) {
        userinfo(&text[host..host + sign], host, place, hits);
        return parameters(text, host + sign, place, hits);
    }
    parameters(text, host + length, place, hits)
}

/// Where the `@` stands after a password in which `/`, `?` or `#` ought to be encoded and is not. What comes
/// before that byte, at `cut`, is then no port.
fn sign_after_password(url: &[u8], cut: usize, place: Place) -> Option<usize> {
    let colon = url[..cut].iter().position(|&byte| byte == b':')?;
    let begun = &url[colon + 1..cut];
    let is_port = begun.iter().all(u8::is_ascii_digit);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.%".contains(byte);
    if is_port
        || !url[..colon].iter().all(is_name)
        || !matches!(url.get(cut), Some(b'/' | b'?' | b'#'))
    {
        return None;
    }
    let rest = url[cut..].iter().take(LONGEST_PASSWORD);
    let sign = cut + rest.take_while(|byte| !ends(**byte, place)).position(|&byte| byte == b'@')?;
    url.get(sign + 1).filter(|byte| byte.is_ascii_alphanumeric() || **byte == b'[').map(|_| sign)
}

/// Longer passwords have nothing that ought to be encoded.
const LONGEST_PASSWORD: usize = 128;

/// All of `https://user:password@`, for names alone are often tokens; but `ssh://git@` says nothing.
fn userinfo(userinfo: &[u8], start: usize, place: Place, hits: &mut Vec<Hit>) {
    let password = userinfo.splitn(2, |&byte| byte == b':').last().unwrap_or_default();
    let example: [&[u8]; 4] = [b"password", b"pass", b"pwd", b"passwd"];
    let pattern = || password.windows(2).any(|two| matches!(two, b"(?" | b"[^" | b"(\\"));
    let template = place == Place::Text
        && (matches!(password.first(), Some(b'$' | b'{' | b'%' | b'<'))
            || example.contains(&password)
            || userinfo.contains(&b':') && (pattern() || userinfo.starts_with(b"(")));
    if !userinfo.is_empty() && userinfo != b"git" && !template {
        hits.push(Hit::text(start, start + userinfo.len()));
    }
}

/// Reads on from `at` to the end of the URL, or to a URL inside it; returns where that is.
fn parameters(text: &[u8], mut at: usize, place: Place, hits: &mut Vec<Hit>) -> usize {
    while let Some(&byte) = text.get(at) {
        if ends(byte, place) || byte == b':' && text[at..].starts_with(b"://") {
            return at;
        }
        at += 1;
        if !matches!(byte, b'?' | b'&' | b'#' | b';') {
            continue;
        }
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.%[]$".contains(byte);
        let name = text[at..].iter().take_while(|byte| is_name(byte)).count();
        let name = &text[at..at + name];
        at += name.len();
        if text.get(at) != Some(&b'=') {
            continue;
        }
        at += 1;
        let name = escape::decode_percent(name);
        if !secret_parameter(&name) {
            continue;
        }
        let is_end = |&byte: &u8| matches!(byte, b'&' | b'#') || ends(byte, place);
        let length = text[at..].iter().position(is_end).unwrap_or(text.len() - at);
        let value = &text[at..at + length];
        let template = place == Place::Text
            && (is_reference(value)
                || matches!(value.first(), Some(b'$' | b'{'))
                || key::secret(&name).is_none() && is_word(value));
        if !value.is_empty() && !template {
            hits.push(Hit::text(at, at + length));
        }
        at += length;
    }
    at
}

/// Whether a value is too plain for a key: `?key=value`, `?code=not_found`.
fn is_word(value: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-');
    value.len() < 8 || value.iter().all(plain) && !is_random(value)
}

fn ends(byte: u8, place: Place) -> bool {
    place == Place::Text
        && (byte <= b' ' || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::hit::{apply, normalise};

    fn field(url: &str) -> String {
        let mut hits = Vec::new();
        find_in_field(url.as_bytes(), &mut hits);
        normalise(&mut hits);
        String::from_utf8(apply(url.as_bytes().to_vec(), &hits)).unwrap()
    }

    #[test]
    fn fields() {
        for (url, clean) in [
            (
                "https://u:p@host/v1/messages?beta=true",
                "https://[REDACTED]@host/v1/messages?beta=true",
            ),
            ("https://g/v1:stream?alt=sse&key=AIza", "https://g/v1:stream?alt=sse&key=[REDACTED]"),
            ("/relative?api%5Fkey=a b'c&x=1", "/relative?api%5Fkey=[REDACTED]&x=1"),
            (
                "https://h/cb#access_token=abc&state=1",
                "https://h/cb#access_token=[REDACTED]&state=1",
            ),
            (
                "https://h/?next=https://u:p@i/?token=t",
                "https://h/?next=https://[REDACTED]@i/?token=[REDACTED]",
            ),
            ("https://h/?token=", "https://h/?token="),
            ("https://h/?token=${x}", "https://h/?token=[REDACTED]"),
            ("http://[::1]:4000/v1/chat/completions", "http://[::1]:4000/v1/chat/completions"),
        ] {
            assert_eq!(field(url), clean);
            assert_eq!(field(clean), clean, "a second time");
        }
    }

    #[test]
    fn forms_are_cut_into_fields() {
        let pairs: Vec<_> = form_pairs(b"a=1&&b&c==2").collect();
        assert_eq!(pairs, [(0..1, 2..3), (4..4, 4..4), (5..6, 6..6), (7..8, 9..11)]);
    }
}
