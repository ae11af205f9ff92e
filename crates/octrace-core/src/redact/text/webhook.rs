//! Addresses to post to: whoever knows one may use it. The part that tells is blanked.

use std::ops::Range;

use super::token::{ENCODED, WORD, is, run};
use crate::redact::hit::Hit;

/// `hooks.slack.com/services/T…/B…/…`, and the same for workflows and triggers.
pub(super) fn slack(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    path(text, anchor.end, &[b"services/", b"workflows/", b"triggers/"], hits);
}

/// `discord.com/api/webhooks/<number>/<token>`.
pub(super) fn discord(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let mut at = anchor.end;
    if text.get(at) == Some(&b'v') {
        at += run(&text[at..], WORD, 4) + 1;
    }
    let rest = text.get(at..).unwrap_or_default();
    let Some(number) = rest.strip_prefix(b"webhooks/") else { return };
    let digits = number.iter().take(24).take_while(|byte| byte.is_ascii_digit()).count();
    let token = at + b"webhooks/".len() + digits + 1;
    let length = run(text.get(token..).unwrap_or_default(), WORD, usize::MAX);
    if digits > 0 && text.get(token - 1) == Some(&b'/') && length >= 16 {
        hits.push(Hit::text(token, token + length));
    }
}

/// `<tenant>.webhook.office.com/webhookb2/…`.
pub(super) fn teams(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    path(text, anchor.end, &[b"webhookb2/", b"webhook/"], hits);
}

/// All of a path after one of these beginnings.
fn path(text: &[u8], at: usize, beginnings: &[&[u8]], hits: &mut Vec<Hit>) {
    let rest = &text[at..];
    let Some(beginning) = beginnings.iter().find(|beginning| rest.starts_with(beginning)) else {
        return;
    };
    let rest = &rest[beginning.len()..];
    let in_path = |byte: &&u8| is(ENCODED, **byte) || **byte == b'@';
    let length = rest.iter().take_while(in_path).count();
    if length >= 16 {
        let start = at + beginning.len();
        hits.push(Hit::text(start, start + length));
    }
}
