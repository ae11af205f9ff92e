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

/// What SQL sets as a password: `IDENTIFIED BY 'x'`, `ALTER USER me WITH PASSWORD 'x'`.
pub(super) fn sql(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let back = &text[anchor.start.saturating_sub(160)..anchor.start];
    let before = back.rsplit(|byte| b"\n;".contains(byte)).next().unwrap_or_default();
    let says =
        |words: &[u8]| before.windows(words.len()).any(|part| part.eq_ignore_ascii_case(words));
    let identified = text[anchor.clone()].to_ascii_lowercase().starts_with(b"identified");
    if !identified && ![&b"create "[..], b"alter ", b"set "].iter().any(|word| says(word)) {
        return;
    }
    let gap = text[anchor.end..].iter().take(4).take_while(|byte| b" =(".contains(byte)).count();
    let start = anchor.end + gap + 1;
    let Some(quote) = text.get(start - 1).filter(|byte| matches!(byte, b'"' | b'\'')) else {
        return;
    };
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.iter().take(LONGEST).position(|byte| byte == quote || *byte == b'\n');
    let Some(length) = length else { return };
    if rest[length] == *quote && !is_placeholder(&rest[..length]) {
        hits.push(Hit::text(start, start + length));
    }
}

/// The last field of a line of a `.pgpass`: `host:5432:database:user:password`.
pub(super) fn pgpass(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let line = text[anchor.end..].iter().take(LONGEST).take_while(|byte| **byte > b' ').count();
    let end = anchor.end + line;
    let mut fields = text[anchor.end..end].splitn(3, |&byte| byte == b':');
    let (Some(1..), Some(1..), Some(password)) =
        (fields.next().map(<[u8]>::len), fields.next().map(<[u8]>::len), fields.next())
    else {
        return;
    };
    let quoted = password.iter().any(|byte| b"/\"'`,;)".contains(byte));
    if !quoted && !is_placeholder(password) {
        hits.push(Hit::text(end - password.len(), end));
    }
}

/// A line of a configuration that is a name and a password: `requirepass x`.
pub(super) fn directive(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let start = anchor.end;
    let length = text[start..].iter().take(LONGEST).take_while(|byte| **byte > b' ').count();
    let value = &text[start..start + length];
    let last = matches!(text.get(start + length), None | Some(b'\r' | b'\n'));
    let code = value.iter().any(|byte| b"()=;,".contains(byte));
    if last && length >= 4 && !code && !is_placeholder(value) {
        hits.push(Hit::text(start, start + length));
    }
}

/// What `crypt` makes of a password: `$6$salt$hash`.
pub(super) fn hash(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"./$=,+".contains(byte);
    let length = text[anchor.end..].iter().take(LONGEST).take_while(part).count();
    let body = &text[anchor.end..anchor.end + length];
    let tail = body.rsplit(|&byte| byte == b'$').next().unwrap_or_default();
    if tail.len() >= 22 {
        hits.push(Hit::text(anchor.start, anchor.end + length));
    }
}

/// The second of two strings: `auth=('me', 'x')`.
pub(super) fn pair(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let rest = &text[anchor.end..text.len().min(anchor.end + LONGEST)];
    let Some(open @ (b'"' | b'\'')) = rest.first() else { return };
    let Some(user) = rest[1..].iter().position(|byte| byte == open) else { return };
    let mut at = user + 2;
    at += rest[at..].iter().take_while(|byte| b", ".contains(byte)).count();
    if rest.get(at) != Some(open) {
        return;
    }
    let Some(length) = rest[at + 1..].iter().position(|byte| byte == open) else { return };
    let start = anchor.end + at + 1;
    if !is_placeholder(&text[start..start + length]) {
        hits.push(Hit::text(start, start + length));
    }
}
