//! Connection strings that are no URLs: `Server=x;Password=y;` of ADO and ODBC, `user:password@tcp(host)`
//! of Go, `user/password@` of Oracle.

use std::ops::Range;

use super::value::is_placeholder;
use crate::redact::hit::Hit;

/// A field's value, next to a field that says where to connect.
pub(super) fn field(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let start = anchor.end;
    let length = text[start..].iter().take(LONGEST).take_while(|byte| !ends(**byte)).count();
    let value = &text[start..start + length];
    let before = &text[anchor.start.saturating_sub(LONGEST)..anchor.start];
    let before = before.trim_ascii_end().strip_suffix(b";").unwrap_or_default();
    let before = before.rsplit(|&byte| ends(byte)).next().unwrap_or_default();
    let after = text[start + length..].strip_prefix(b";").unwrap_or_default();
    let after = after.get(..40).unwrap_or(after);
    let code = value.iter().any(|byte| b"()[]{} ".contains(byte));
    if (is_field(before) || is_field(after)) && !code && !is_placeholder(value) {
        hits.push(Hit::text(start, start + length));
    }
}

/// Longer values are none.
const LONGEST: usize = 512;

fn ends(byte: u8) -> bool {
    matches!(byte, b';' | b'"' | b'\'' | b'`' | b'\r' | b'\n' | b'\\' | b'<')
}

/// Whether `text` begins with a field that connection strings have, and its `=`.
fn is_field(text: &[u8]) -> bool {
    const NAMES: [&[u8]; 22] = [
        b"server",
        b"host",
        b"hostname",
        b"data source",
        b"address",
        b"addr",
        b"port",
        b"database",
        b"initial catalog",
        b"user",
        b"user id",
        b"userid",
        b"uid",
        b"username",
        b"driver",
        b"dsn",
        b"encrypt",
        b"accountname",
        b"endpointsuffix",
        b"endpoint",
        b"sharedaccesskeyname",
        b"entitypath",
    ];
    let mut halves = text.splitn(2, |&byte| byte == b'=');
    let name = halves.next().unwrap_or_default().trim_ascii();
    halves.next().is_some() && NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// `user:password@tcp(host)` and the same with `unix(`.
pub(super) fn go(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let part = |byte: &&u8| byte.is_ascii_graphic() && !b"\"'`@".contains(byte);
    let length = text[..anchor.start].iter().rev().take(200).take_while(part).count();
    let user = &text[anchor.start - length..anchor.start];
    if let Some(colon) = user.iter().position(|&byte| byte == b':') {
        let start = anchor.start - length + colon + 1;
        if !is_placeholder(&text[start..anchor.start]) && text[start] != b'%' {
            hits.push(Hit::text(start, anchor.start));
        }
    }
}

/// `jdbc:oracle:thin:user/password@host`.
pub(super) fn oracle(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let part = |byte: &&u8| byte.is_ascii_graphic() && !b"\"'`@".contains(byte);
    let length = text[anchor.end..].iter().take(200).take_while(part).count();
    let user = &text[anchor.end..anchor.end + length];
    let slash = user.iter().position(|&byte| byte == b'/');
    if let (Some(slash), Some(b'@')) = (slash, text.get(anchor.end + length))
        && !is_placeholder(&user[slash + 1..])
    {
        hits.push(Hit::text(anchor.end + slash + 1, anchor.end + length));
    }
}
