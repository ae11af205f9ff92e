//! A recorded request as a shell command that repeats it.
//!
//! The command is for a POSIX shell, and what it is made of is hostile: a body, a header or an URL
//! must not end its quotes. Everything recorded stands in single quotes (in which nothing has a
//! meaning but the quote itself) or, where a terminal would not show it, as octal escapes for
//! `printf`. What redaction took comes from the environment, and the shell stops where it is not set.

use octrace_store::read::ExchangeDetail;

use super::is_redacted;
use crate::text::safe;

/// Headers that curl makes itself, or that describe the connection rather than the request.
const NOT_REPEATED: [&str; 9] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The marks that redaction leaves, as they are and as an URL spells them.
const MARKS: [&str; 2] = ["[REDACTED]", "%5BREDACTED%5D"];

/// The command. It speaks HTTP only, whatever the recorded URL says.
pub fn curl(detail: &ExchangeDetail) -> String {
    let summary = &detail.summary;
    let mut needed = Vec::new();
    let mut lines = vec![format!(
        "curl --globoff --proto '=http,https' --request {}",
        quoted(method(&summary.method))
    )];
    for (name, value) in &detail.request_headers {
        let wanted = !NOT_REPEATED.iter().any(|skipped| name.eq_ignore_ascii_case(skipped));
        // `@name` would make curl read a file, and a name with other signs in it is none.
        if !wanted
            || !is_token(name)
            || value.chars().any(|char| char == '\0' || char == '\n' || char == '\r')
        {
            continue;
        }
        let value = if is_redacted(value) {
            format!("{}{}", quoted(&format!("{name}: ")), variable(name, &mut needed))
        } else {
            quoted(&format!("{name}: {value}"))
        };
        lines.push(format!("  --header {value}"));
    }
    lines.push(format!("  --url {}", url(&summary.url, &mut needed)));
    let mut command = String::new();
    note(&mut command, "For a POSIX shell: sh, bash, zsh.");
    for name in &needed {
        note(&mut command, &format!("Set {name} first: the recording holds no secrets."));
    }
    if detail.request_cut {
        note(&mut command, "The recording has only a part of this request's body.");
    }
    if MARKS.iter().any(|mark| contains(&detail.request_body, mark.as_bytes())) {
        note(&mut command, "[REDACTED] in the body stands where a secret was.");
    }
    if !detail.request_body.is_empty() {
        lines.push("  --data-binary @-".to_owned());
        command.push_str(&print(&detail.request_body));
        command.push_str(" |\n");
    }
    command.push_str(&lines.join(" \\\n"));
    command.push('\n');
    command
}

fn note(command: &mut String, text: &str) {
    command.push_str("# ");
    command.push_str(text);
    command.push('\n');
}

/// A method is letters; whatever else was recorded is no reason to send it.
fn method(method: &str) -> &str {
    if is_token(method) { method } else { "POST" }
}

/// What HTTP calls a token.
fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

/// `text` for the shell: in single quotes; `$(printf …)` where it holds what a terminal would obey.
fn quoted(text: &str) -> String {
    if text.chars().all(safe::is_harmless) {
        format!("'{}'", text.replace('\'', r"'\''"))
    } else {
        format!("\"$({})\"", print_octal(text.as_bytes()))
    }
}

/// A command that writes exactly these bytes.
fn print(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().all(|char| char == '\n' || safe::is_harmless(char)) => {
            format!("printf '%s' '{}'", text.replace('\'', r"'\''"))
        }
        _ => print_octal(bytes),
    }
}

/// The same with every byte that is not plain ASCII as `\ooo`, which `printf` reads in its format. A
/// dash at the start would be an option.
fn print_octal(bytes: &[u8]) -> String {
    let mut text = String::from("printf '");
    for (at, &byte) in bytes.iter().enumerate() {
        let special = matches!(byte, b'\'' | b'\\' | b'%') || (at == 0 && byte == b'-');
        if (byte.is_ascii_graphic() && !special) || byte == b' ' {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("\\{byte:03o}"));
        }
    }
    text.push('\'');
    text
}

/// The reference to the variable for what redaction took under `name`; the shell stops if it is
/// not set.
fn variable(name: &str, needed: &mut Vec<String>) -> String {
    let word =
        |char: char| if char.is_ascii_alphanumeric() { char.to_ascii_uppercase() } else { '_' };
    let variable = format!("OCTRACE_{}", name.chars().map(word).collect::<String>());
    let reference = format!("\"${{{variable}:?is not set}}\"");
    if !needed.contains(&variable) {
        needed.push(variable);
    }
    reference
}

/// The URL, with variables for the query values that redaction took.
fn url(url: &str, needed: &mut Vec<String>) -> String {
    let mut pieces = String::new();
    let mut rest = url;
    while let Some((at, mark)) =
        MARKS.iter().filter_map(|mark| Some((rest.find(mark)?, mark))).min_by_key(|(at, _)| *at)
    {
        let (before, after) = (rest.get(..at).unwrap_or_default(), rest.get(at + mark.len()..));
        let name = before.strip_suffix('=').and_then(|query| query.rsplit(['?', '&']).next());
        pieces.push_str(&quoted(before));
        pieces.push_str(&variable(name.filter(|name| name.len() <= 64).unwrap_or("URL"), needed));
        rest = after.unwrap_or_default();
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push_str(&quoted(rest));
    }
    pieces
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests;
