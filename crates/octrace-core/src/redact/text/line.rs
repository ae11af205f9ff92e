//! Lines: whether something stands at the beginning of one, and whether its neighbours are settings.

use crate::redact::hit::MARK;

/// Past spaces and line breaks; `at` may be past the end.
pub(super) fn skip_space(text: &[u8], at: usize) -> usize {
    skip(text, at, u8::is_ascii_whitespace)
}

/// Past spaces and tabs; `at` may be past the end.
pub(super) fn skip_blank(text: &[u8], at: usize) -> usize {
    skip(text, at, |byte| matches!(byte, b' ' | b'\t'))
}

fn skip(text: &[u8], at: usize, is_skipped: impl Fn(&u8) -> bool) -> usize {
    let at = at.min(text.len());
    at + text[at..].iter().take(MARGIN).take_while(|byte| is_skipped(byte)).count()
}

/// What stands before a setting at most, and the longest line that may be one.
const MARGIN: usize = 200;

/// What comes right before a variable that is set, wherever it is in its line.
const VARIABLE_FOLLOWS: [&[u8]; 7] =
    [b"export", b"setx", b" -e", b"--env", b"ENV", b"ARG", b"Environment="];

/// What else may stand before a setting.
const MARGINS: [&[u8]; 9] = [b"set", b"env", b"-", b"+", b">", b"\"", b"'", b"#", b"//"];

/// Past the escape sequences that terminals take for colours; `at` may be past the end.
pub(super) fn skip_colour(text: &[u8], mut at: usize) -> usize {
    while let Some(length) = text.get(at..).and_then(colour) {
        at += length;
    }
    at
}

/// The length of the escape sequence that `text` begins with: `ESC [ 1 ; 31 m`.
fn colour(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(b"\x1b[")?;
    let numbers = rest.iter().take(16).take_while(|byte| b"0123456789;".contains(byte)).count();
    rest.get(numbers).filter(|byte| byte.is_ascii_alphabetic()).map(|_| numbers + 3)
}

/// Where a name begins, if an escape sequence ends in what `name` was taken to be.
pub(super) fn after_colour(text: &[u8], name: std::ops::Range<usize>) -> usize {
    if !matches!(text[..name.start], [.., b'[' | b';']) {
        return name.start;
    }
    let before = &text[name.start.saturating_sub(16)..name.start];
    let Some(escape) = before.iter().rposition(|&byte| byte == 0x1b) else { return name.start };
    let from = name.start - before.len() + escape;
    let past = colour(&text[from..]).map_or(name.start, |length| from + length);
    if past > name.start && past < name.end { past } else { name.start }
}

/// Whether nothing is before `at` in its line but a margin: the number of a listing, the sign of a diff or a
/// list, the place that `grep` found, a comment's sign, `export`.
pub(super) fn is_first(text: &[u8], at: usize) -> bool {
    let back = &text[at.saturating_sub(MARGIN)..at];
    let margin = match back.iter().rposition(|&byte| byte == b'\n') {
        Some(newline) => &back[newline + 1..],
        None if back.len() < MARGIN => back,
        None => return false,
    };
    let plain;
    let margin = if margin.contains(&0x1b) {
        plain = without_colours(margin);
        plain.as_slice()
    } else {
        margin
    };
    let mut margin = after_number(margin.trim_ascii());
    loop {
        margin = margin.trim_ascii();
        if margin.is_empty()
            || VARIABLE_FOLLOWS.iter().any(|word| margin.ends_with(word))
            || is_place(margin)
        {
            return true;
        }
        match MARGINS.iter().find_map(|sign| margin.strip_suffix(*sign)) {
            Some(shorter) => margin = shorter,
            // A command line may set several.
            None => return ends_with_assignment(margin),
        }
    }
}

fn without_colours(margin: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(margin.len());
    let mut at = 0;
    while at < margin.len() {
        let past = skip_colour(margin, at);
        if past == at {
            plain.push(margin[at]);
        }
        at = past.max(at + 1);
    }
    plain
}

/// A line without the number that a listing gives it.
fn after_number(line: &[u8]) -> &[u8] {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match line.get(digits) {
        Some(b'|' | b':' | b'\t') if digits > 0 => &line[digits + 1..],
        _ => line,
    }
}

/// Whether a margin is the place that `grep` found: `.env:`, `app/.env:3:`, `app/.env-3-`.
fn is_place(margin: &[u8]) -> bool {
    let in_place = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(byte);
    let named = |path: &[u8]| path.contains(&b'.') || path.contains(&b'/');
    let ended = margin.strip_suffix(b":").or_else(|| {
        let place = margin.strip_suffix(b"-")?;
        let digits = place.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        place[..place.len() - digits].strip_suffix(b"-").filter(|_| digits > 0)
    });
    ended.is_some_and(named) && margin.iter().all(in_place) && !margin.ends_with(b"::")
}

/// Whether `margin` is all of assignments, `A=1 B=2`.
fn ends_with_assignment(margin: &[u8]) -> bool {
    let word = margin.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let name = word.iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_').count();
    name > 1 && word.get(name) == Some(&b'=')
}

/// Whether a pair from `start` to `end` has another right after it, `name=value`, or right before it, as log
/// lines do.
pub(super) fn is_pair(text: &[u8], start: usize, end: usize) -> bool {
    let in_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    let is_pair = |word: &[u8]| {
        let name = word.iter().take_while(in_name).count();
        let value = word.get(name + 1);
        name > 0
            && word.get(name) == Some(&b'=')
            && value.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"\"'/".contains(byte))
            && !matches!(word.last(), Some(b';' | b',' | b'(' | b'{'))
    };
    let before = &text[start.saturating_sub(MARGIN)..start];
    let before = before.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let after = &text[end.min(text.len())..text.len().min(end + MARGIN)];
    let after = after.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let next = after.split(u8::is_ascii_whitespace).find(|word| !word.is_empty());
    let last = before.rsplit(u8::is_ascii_whitespace).find(|word| !word.is_empty());
    after.first().is_some_and(u8::is_ascii_whitespace) && next.is_some_and(is_pair)
        || before.last().is_some_and(u8::is_ascii_whitespace) && last.is_some_and(is_pair)
}

/// Whether the rest of the line is blank or a comment.
pub(super) fn rest_is_blank(text: &[u8], at: usize) -> bool {
    let at = skip_colour(text, at);
    let end = skip_blank(text, at);
    matches!(text.get(end), None | Some(b'\r' | b'\n')) || end > at && text[end] == b'#'
}

/// Whether the lines before and after that of `at` are settings too, `name: value` or `name = value`, or prose,
/// and no code.
pub(super) fn among_settings(text: &[u8], at: usize) -> bool {
    let (mut before, mut after) = neighbours(text, at);
    before.next().is_none_or(is_setting) && after.next().is_none_or(is_setting)
}

/// Whether the line before or after that of `at` sets a variable of the environment, and no code is there.
pub(super) fn among_variables(text: &[u8], at: usize) -> bool {
    let is_variable = |line: &[u8]| {
        let line = content(line);
        let line = line.strip_prefix(b"export ").unwrap_or(line);
        let in_name =
            |byte: &&u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b'_';
        let name = line.iter().take_while(in_name).count();
        name > 1 && line.get(name) == Some(&b'=') && !line.ends_with(b";")
    };
    let (mut before, mut after) = neighbours(text, at);
    before.next().is_some_and(is_variable) || after.next().is_some_and(is_variable)
}

/// Whether the line of `at` stands in a file with sections, of INI or TOML, or among `name=value` lines.
pub(super) fn among_fields(text: &[u8], at: usize) -> bool {
    let (mut before, mut after) = neighbours(text, at);
    let section = |line: &[u8]| {
        let line = content(line);
        in_brackets(line) && !line.contains(&b'"') && !line.contains(&b',') && line.len() > 3
    };
    let field = |line: &[u8]| {
        let line = content(line);
        let in_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
        let name = line.iter().take_while(in_name).count();
        let sign = skip_blank(line, name);
        let code = matches!(line.last(), Some(b',' | b';' | b'{' | b'(' | b'[' | b'}' | b')'));
        name > 0 && line.get(sign) == Some(&b'=') && line.get(sign + 1) != Some(&b'=') && !code
    };
    let comment = |line: &[u8]| matches!(content(line).first(), None | Some(b'#' | b';'));
    let mut fields = false;
    for line in before.by_ref().take(12) {
        if section(line) {
            return after.next().is_none_or(|line| field(line) || section(line) || comment(line));
        }
        if !field(line) && !comment(line) {
            return false;
        }
        fields |= field(line) && !content(line).contains(&b' ');
    }
    let next = after.next();
    next.is_none_or(|line| field(line) || comment(line))
        && (fields || next.is_some_and(|line| field(line) && !content(line).contains(&b' ')))
}

/// The lines before that of `at`, the nearest first, and those after it, but for blank ones.
fn neighbours(
    text: &[u8],
    at: usize,
) -> (impl Iterator<Item = &[u8]>, impl Iterator<Item = &[u8]>) {
    let from = at.saturating_sub(2 * MARGIN);
    let before = text[from..at].rsplit(|&byte| byte == b'\n').skip(1);
    let to = text.len().min(at + 2 * MARGIN);
    let after = text[at..to].split(|&byte| byte == b'\n').skip(1);
    let blank = |line: &&[u8]| !line.trim_ascii().is_empty();
    (before.filter(blank), after.filter(blank))
}

/// A line without the number of a listing and the sign of a diff or a list.
fn content(line: &[u8]) -> &[u8] {
    let line = after_number(line.trim_ascii()).trim_ascii();
    let line = line.strip_prefix(b"+").unwrap_or(line);
    line.strip_prefix(b"- ").or_else(|| line.strip_prefix(b"-")).unwrap_or(line).trim_ascii_start()
}

/// Where a value ends that goes on after a blank at `at`: at the line's end, or before a comment.
pub(super) fn end_of_value(text: &[u8], at: usize) -> usize {
    let rest = &text[at..text.len().min(at + MARGIN)];
    let line = rest.split(|&byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let comment = line.windows(2).position(|two| two == b" #").unwrap_or(line.len());
    let value = line[..comment].trim_ascii_end();
    if value.contains(&b'=') || value.contains(&b'\\') { at } else { at + value.len() }
}

fn is_setting(line: &[u8]) -> bool {
    if line.starts_with(b"@@ ") {
        return true;
    }
    let line = content(line);
    let line = line.strip_prefix(b"export ").unwrap_or(line).trim_ascii_start();
    let in_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.-/\"'".contains(byte);
    let name = line.iter().take_while(in_name).count();
    let rest = &line[name..];
    let code = matches!(line.last(), Some(b',' | b';' | b'{' | b'(' | b'[' | b'}' | b')'));
    let mapping = rest.starts_with(b":") && matches!(rest.get(1), None | Some(b' '));
    let rest = rest.trim_ascii_start();
    let equals = rest.starts_with(b"=") && !matches!(rest.get(1), Some(b'=' | b'>'));
    let margin = [&b"#"[..], b"---", b"```", b"</", b"(End of file"];
    let is_margin = line.is_empty() || margin.iter().any(|sign| line.starts_with(sign));
    // What a file is wrapped in when a tool shows it.
    let tag = line.starts_with(b"<") && line.ends_with(b">") && !line.contains(&b' ');
    is_margin
        || in_brackets(line)
        || tag
        || name > 0 && (mapping || equals) && !code
        || is_prose(line)
}

/// Whether a line is all in brackets, as a section's name is; our own mark's bracket ends none.
fn in_brackets(line: &[u8]) -> bool {
    line.starts_with(b"[") && line.ends_with(b"]") && !line.ends_with(MARK.as_bytes())
}

/// Whether a line is words and the signs between them, or introduces what follows.
fn is_prose(line: &[u8]) -> bool {
    let plain = |byte: &u8| {
        byte.is_ascii_alphanumeric() || b" .,:!?'-*\t".contains(byte) || !byte.is_ascii()
    };
    let spaces = line.iter().filter(|byte| **byte == b' ').count();
    line.iter().all(plain) && (spaces >= 3 || spaces >= 1 && line.ends_with(b":"))
}

/// Whether what stands from `start` to `end` is written as an argument of a command: its word or the word
/// before it begins with a dash.
pub(super) fn is_argument(text: &[u8], start: usize) -> bool {
    let line = text[start.saturating_sub(MARGIN)..start].rsplit(|&byte| byte == b'\n').next();
    let mut words = line.unwrap_or_default().rsplit(|&byte| byte == b' ');
    let own = words.next().unwrap_or_default();
    let before = words.next().unwrap_or_default();
    let is_option = |word: &[u8]| {
        let word = word.strip_prefix(b"\"").unwrap_or(word);
        word.len() > 1 && word[0] == b'-' && word[1..].iter().any(u8::is_ascii_alphabetic)
    };
    let part = own.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=\"'".contains(byte));
    part && (is_option(own) || is_option(before))
}

/// Whether the value up to `end`, given to the name at `start`, is one of several of a line: `host=h user=me`.
pub(super) fn among_pairs(text: &[u8], start: usize, end: usize) -> bool {
    let line = text[start.saturating_sub(MARGIN)..start].rsplit(|&byte| byte == b'\n').next();
    let line = line.unwrap_or_default();
    let before = line.strip_suffix(b" ").and_then(|line| line.rsplit(|&byte| byte == b' ').next());
    let after = text.get(end..).unwrap_or_default();
    let after = after.strip_prefix(b" ").map(|rest| &rest[..rest.len().min(40)]);
    let is_pair = |word: &[u8]| {
        let name =
            word.iter().take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_').count();
        let given = word
            .get(name + 1)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"/'\"".contains(byte));
        name > 1 && word.get(name) == Some(&b'=') && given
    };
    before.is_some_and(is_pair) || after.is_some_and(is_pair)
}

/// Whether what stands at `at` is in a parameter of a URL that begins with its path: `/login?x=1&`.
pub(super) fn is_parameter(text: &[u8], at: usize) -> bool {
    let back = &text[at.saturating_sub(MARGIN)..at];
    let in_url = |byte: &&u8| byte.is_ascii_graphic() && !b"\"'`<>(){},;".contains(byte);
    let length = back.iter().rev().take_while(in_url).count();
    let url = &back[back.len() - length..];
    url.starts_with(b"/") && url.contains(&b'?') && url.ends_with(b"?") | url.ends_with(b"&")
}

/// Whether the line of `at` is a sentence or a line of a log, and no code.
pub(super) fn is_spoken(text: &[u8], start: usize, end: usize) -> bool {
    // A tag bounds what is said, too.
    let before =
        text[start.saturating_sub(MARGIN)..start].rsplit(|byte| b"\n>".contains(byte)).next();
    let after = text[end..text.len().min(end + MARGIN)].split(|byte| b"\n<".contains(byte)).next();
    let is_code = |byte: &u8| b"{}[];=<>\"'`\\".contains(byte);
    let spoken = |part: Option<&[u8]>| !part.unwrap_or_default().iter().any(is_code);
    spoken(before) && spoken(after)
}
