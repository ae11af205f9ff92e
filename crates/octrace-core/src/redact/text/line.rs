//! Lines: whether something stands at the beginning of one, and whether its neighbours are settings.

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
const VARIABLE_FOLLOWS: [&[u8]; 6] = [b"export", b"setx", b" -e", b"--env", b"ENV", b"ARG"];

/// What else may stand before a setting.
const MARGINS: [&[u8]; 7] = [b"set", b"env", b"-", b"+", b">", b"\"", b"'"];

/// Whether nothing is before `at` in its line but a margin: the number of a listing, the sign of a diff or a
/// list, `export`.
pub(super) fn is_first(text: &[u8], at: usize) -> bool {
    let back = &text[at.saturating_sub(MARGIN)..at];
    let mut margin = match back.iter().rposition(|&byte| byte == b'\n') {
        Some(newline) => &back[newline + 1..],
        None if back.len() < MARGIN => back,
        None => return false,
    };
    margin = margin.trim_ascii();
    let digits = margin.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 0 && matches!(margin.get(digits), Some(b'|' | b':' | b'\t')) {
        margin = &margin[digits + 1..];
    }
    loop {
        margin = margin.trim_ascii();
        if margin.is_empty() || VARIABLE_FOLLOWS.iter().any(|word| margin.ends_with(word)) {
            return true;
        }
        match MARGINS.iter().find_map(|sign| margin.strip_suffix(*sign)) {
            Some(shorter) => margin = shorter,
            // A command line may set several.
            None => return ends_with_assignment(margin),
        }
    }
}

/// Whether `margin` is all of assignments, `A=1 B=2`.
fn ends_with_assignment(margin: &[u8]) -> bool {
    let word = margin.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let name = word.iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_').count();
    name > 1 && word.get(name) == Some(&b'=')
}

/// Whether the rest of the line is blank or a comment.
pub(super) fn rest_is_blank(text: &[u8], at: usize) -> bool {
    let end = skip_blank(text, at);
    matches!(text.get(end), None | Some(b'\r' | b'\n')) || end > at && text[end] == b'#'
}

/// Whether the lines before and after that of `at` are settings too, `name: value`, and no code.
pub(super) fn among_settings(text: &[u8], at: usize) -> bool {
    let from = at.saturating_sub(2 * MARGIN);
    let mut before = text[from..at].rsplit(|&byte| byte == b'\n').skip(1);
    let to = text.len().min(at + 2 * MARGIN);
    let mut after = text[at..to].split(|&byte| byte == b'\n').skip(1);
    let blank = |line: &&[u8]| !line.trim_ascii().is_empty();
    before.find(blank).is_none_or(is_setting) && after.find(blank).is_none_or(is_setting)
}

fn is_setting(line: &[u8]) -> bool {
    let mut line = line.trim_ascii();
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 0 && line.get(digits) == Some(&b'|') {
        line = line[digits + 1..].trim_ascii();
    }
    let line = line.strip_prefix(b"- ").unwrap_or(line).trim_ascii_start();
    let in_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.-/\"'".contains(byte);
    let name = line.iter().take_while(in_name).count();
    let rest = &line[name..];
    let code = matches!(line.last(), Some(b',' | b';' | b'{' | b'(' | b'[' | b'}'));
    let mapping = rest.starts_with(b":") && matches!(rest.get(1), None | Some(b' '));
    line.starts_with(b"#") || line == b"---" || name > 0 && mapping && !code
}
