//! Command lines on which a password stands where only the command says that it is one:
//! `sshpass -p x`, `mysql -px`, `echo x | sudo -S`.

use std::ops::Range;

use super::{token::begins, value::is_placeholder};
use crate::redact::hit::Hit;

/// How far a command is read.
const LONGEST: usize = 400;

/// A command, or the beginning of its name, and the option before its password.
struct Command {
    name: &'static [u8],
    option: &'static [u8],
    /// Whether the password may be a word of its own. It may always follow the option without a space.
    apart: bool,
}

const fn command(name: &'static [u8], option: &'static [u8], apart: bool) -> Command {
    Command { name, option, apart }
}

const COMMANDS: [Command; 15] = [
    command(b"mysql", b"-p", false),
    command(b"mariadb", b"-p", false),
    command(b"sshpass", b"-p", true),
    command(b"docker login", b"-p", true),
    command(b"podman login", b"-p", true),
    command(b"nerdctl login", b"-p", true),
    command(b"registry login", b"-p", true),
    command(b"az login", b"-p", true),
    command(b"redis-cli", b"-a", true),
    command(b"ldap", b"-w", true),
    command(b"mongo", b"-p", true),
    command(b"sqlcmd", b"-P", true),
    command(b"curl ", b"u", true),
    command(b"7z ", b"-p", false),
    command(b"openssl ", b"pass:", false),
];

/// The password of the command whose name stands at `anchor`.
pub(super) fn option(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let name = &text[anchor.clone()];
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else { return };
    if !begins(text, anchor.start) {
        return;
    }
    let end = text.len().min(anchor.end + LONGEST);
    let line = text[anchor.end..end].iter().position(|byte| b"\n|;&".contains(byte));
    let end = line.map_or(end, |length| anchor.end + length);
    let in_name = |byte: &&u8| byte.is_ascii_lowercase() || **byte == b'_' || **byte == b'-';
    let mut at = anchor.end;
    if !command.name.ends_with(b" ") {
        at += text[at..end].iter().take_while(in_name).count();
        if text.get(at) != Some(&b' ') {
            return;
        }
    }
    while let Some(found) = word(text, at, end) {
        at = found.end;
        let mut option = &text[found.clone()];
        // `curl -sSu me:x`, its letters joined; see `header` for `-u`.
        if command.option == b"u" {
            match option {
                [b'-', b'a'..=b'z' | b'A'..=b'Z', .., b'u'] => option = b"u",
                _ => continue,
            }
        }
        let Some(rest) = option.strip_prefix(command.option) else { continue };
        let value = if !rest.is_empty() {
            unquoted(text, found.end - rest.len()..found.end)
        } else if let Some(next) = word(text, at, end).filter(|_| command.apart) {
            unquoted(text, next)
        } else {
            continue;
        };
        let content = &text[value.clone()];
        if is_given(content) && (command.option != b"u" || content.contains(&b':')) {
            hits.push(Hit::text(value.start, value.end));
        }
        return;
    }
}

/// What is written into the command at `anchor`, which reads a password: `echo x | sudo -S`.
pub(super) fn piped(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let from = anchor.start.saturating_sub(LONGEST);
    let line = text[from..anchor.start].iter().rposition(|&byte| byte == b'\n');
    let from = line.map_or(from, |newline| from + newline + 1);
    let before = &text[from..anchor.start];
    let Some(pipe) = before.iter().rposition(|&byte| byte == b'|') else { return };
    for echo in [&b"echo "[..], b"echo -n ", b"printf "] {
        let Some(start) = before[..pipe].windows(echo.len()).rposition(|part| part == echo) else {
            continue;
        };
        let Some(word) = word(text, from + start + echo.len(), from + pipe) else { continue };
        let value = unquoted(text, word.clone());
        let whole = text[word.end..from + pipe].trim_ascii().is_empty();
        if whole && is_given(&text[value.clone()]) {
            hits.push(Hit::text(value.start, value.end));
        }
    }
}

/// Not an option, a port, or one of the options of other commands that begin with the same letter.
fn is_given(value: &[u8]) -> bool {
    let port = value.iter().all(|byte| byte.is_ascii_digit() || b":.-/".contains(byte));
    let other: [&[u8]; 4] = [b"rint", b"rint0", b"ath", b"ort"];
    let option = value.first() == Some(&b'-');
    !port && !option && !other.contains(&value) && !is_placeholder(value)
}

/// The next word from `at` on, with its quotation marks.
fn word(text: &[u8], at: usize, end: usize) -> Option<Range<usize>> {
    let start = at + text[at..end].iter().take_while(|byte| **byte == b' ').count();
    let mut quote = None;
    let mut stop = start;
    for &byte in &text[start..end] {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if byte.is_ascii_whitespace() || matches!(byte, b'`' | b'<' | b'>' | b')') => {
                break;
            }
            None => {}
        }
        stop += 1;
    }
    (start < stop).then_some(start..stop)
}

/// A word without the quotation marks around it, or the one that ends what it stands in.
fn unquoted(text: &[u8], word: Range<usize>) -> Range<usize> {
    let is_quote = |at: usize| matches!(text[at], b'"' | b'\'');
    let start = word.start + usize::from(is_quote(word.start));
    let length = text[start..word.end].iter().take_while(|byte| !b"\"'\\".contains(byte)).count();
    start..start + length
}
