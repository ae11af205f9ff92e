//! Values given to names that announce a secret (`key`): JSON members in text, `.env` dumps, YAML, INI,
//! XML, command lines, log lines and source code.
//!
//! How sure one can be depends on how it is written. What stands in a `.env` file or as a JSON member is a
//! value whatever it looks like; in source code only what looks drawn by a machine or like a password
//! is, so that `const token = scanner.next()` and `password: string` stay.

use std::ops::Range;

use super::{
    extent::{self, LONGEST_UNQUOTED, Value, closing_quote, wrapping},
    line, markup, tag,
    token::begins,
    value::{
        is_drawn, is_filler, is_joined, is_label, is_marked, is_masked, is_password,
        is_placeholder, is_random, is_typed,
    },
    variable,
    word::{is_name_of_type, is_ordinary, is_path, is_path_of_names, is_type},
};
use crate::redact::{
    hit::Hit,
    key::{self, Secret},
};

/// How far a name reaches to each side of an anchor.
const LONGEST_NAME: usize = 64;

/// A name around the anchor, and what is assigned to it.
pub(super) fn find(text: &[u8], anchor: Range<usize>, hits: &mut Vec<Hit>) {
    let after = text[anchor.end..].iter().take(LONGEST_NAME);
    let end = anchor.end + after.take_while(|byte| in_name(**byte)).count();
    // The cheap question first: after most names nothing is assigned.
    let closers = text[end..].iter().take(3).take_while(|byte| CLOSERS.contains(byte)).count();
    let sign = line::skip_blank(text, line::skip_colour(text, end + closers));
    let sign = text.get(sign).copied().unwrap_or_default();
    let next = text.get(end).copied().unwrap_or_default();
    let pair = closers > 0 || matches!(sign, b'\r' | b'\n') || markup::begins(&text[end..]);
    if !matches!(sign, b':' | b'=' | b'>' | b'?' | b'|' | b'!' | b',' | b'(' | b'/')
        && !pair
        && next != b' '
    {
        return;
    }
    let before = text[..anchor.start].iter().rev().take(LONGEST_NAME);
    let start = anchor.start - before.take_while(|byte| in_name(**byte)).count();
    let dashes = text[start..end].iter().take_while(|byte| **byte == b'-').count();
    let defined = next == b' ' && ends_with_definer(&text[..start]);
    let told = next == b' ' && !pair && !matches!(sign, b':' | b'=' | b'?' | b'|' | b'!');
    let said =
        [&b" is "[..], b" was ", b" is: "].into_iter().find(|is| text[end..].starts_with(is));
    let set = text[..start].ends_with(b" set ");
    if told && !defined && dashes != 2 && said.is_none() && !set {
        return;
    }
    let start = line::after_colour(text, start + dashes..end);
    let start = variable::start(text, start..end);
    let name = &text[start..end];
    let (secret, drawn) = match key::secret(name) {
        Some(secret) => (secret, false),
        None if key::is_of_drawn(name) => (Secret::Strings, true),
        None => return,
    };
    let quote = |at: Option<usize>| {
        at.and_then(|at| text.get(at)).copied().filter(|byte| b"\"'`".contains(byte))
    };
    let around = Assignment {
        text,
        name,
        start,
        end,
        secret,
        quoted: quote(start.checked_sub(1)).filter(|open| quote(Some(end)) == Some(*open)),
    };
    let found = if let Some(hit) = around.marked_up() {
        Some(hit)
    } else if defined {
        around.defined()
    } else if around.quoted == Some(b'"')
        && text.get(line::skip_space(text, end + 1)) == Some(&b':')
    {
        around.member()
    } else if next == b'>' {
        around.element()
    } else if dashes == 2 && begins(text, start - dashes) && matches!(next, b'=' | b' ') {
        around.flag()
    } else if next == b'(' {
        around.call()
    } else if told && let Some(said) = said {
        around.said(end + said.len())
    } else if told && set {
        around.set()
    } else {
        around
            .pair()
            .or_else(|| around.beside(tag::value(text, start, end)))
            .or_else(|| around.assigned())
    };
    hits.extend(found.filter(|hit| !drawn || is_drawn(&text[hit.start..hit.end])));
}

/// What may stand between a name and the sign after it.
const CLOSERS: &[u8] = b"\"'`])*";

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$')
}

struct Assignment<'a> {
    text: &'a [u8],
    name: &'a [u8],
    start: usize,
    end: usize,
    secret: Secret,
    /// The quotation marks around the name.
    quoted: Option<u8>,
}

impl Assignment<'_> {
    /// `"name": "value"`, wherever it stands: JSON in a listing with line numbers, in a log line, in a body
    /// that was cut. A value that does not end is blanked to the end.
    fn member(&self) -> Option<Hit> {
        // `x ? "password" : "text"` is none.
        let open = self.start.checked_sub(1)?;
        if self.text[..open].trim_ascii_end().ends_with(b"?") {
            return None;
        }
        let colon = line::skip_space(self.text, self.end + 1);
        let at = line::skip_space(self.text, colon + 1);
        match *self.text.get(at)? {
            b'"' => {
                let end = closing_quote(self.text, at + 1);
                let value = &self.text[at + 1..end];
                let kept = key::is_reference(value) || is_label(self.name, value);
                (!kept).then(|| Hit::text(at + 1, end))
            }
            b'0'..=b'9' if self.secret == Secret::Scalars => {
                let is_part = |byte: &&u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
                let length = self.text[at..].iter().take_while(is_part).count();
                Some(Hit::value(at, at + length))
            }
            _ => self.assigned(),
        }
    }

    /// What markup puts beside the name.
    fn marked_up(&self) -> Option<Hit> {
        let (text, name) = (self.text, self.start..self.end);
        let range = match (self.quoted, text.get(self.end)) {
            (Some(_), _) => {
                markup::tagged(text, name.clone()).or_else(|| markup::default(text, name))?
            }
            (None, Some(b'&')) => markup::escaped(text, self.end)?,
            (None, Some(b'<')) => markup::property(text, self.end)?,
            _ => return None,
        };
        let value = &text[range.clone()];
        let whole = self.quoted.is_none() || value.contains(&b'-');
        let given = self.is_likely(value) || self.is_chosen(value) && whole;
        given.then(|| Hit::text(range.start, range.end))
    }

    /// `#define NAME "value"`, `ENV NAME value`
    fn defined(&self) -> Option<Hit> {
        let value = extent::value(self.text, line::skip_blank(self.text, self.end))?;
        let content = &self.text[value.range.clone()];
        let given =
            !is_placeholder(content) && (self.is_likely(content) || self.is_chosen(content));
        let whole = line::rest_is_blank(self.text, value.range.end + usize::from(value.quoted));
        (given && whole && !value.is_code).then(|| value.hit())
    }

    /// `<name>value</name>`
    fn element(&self) -> Option<Hit> {
        let open = self.start.checked_sub(1)?;
        let start = self.end + 1;
        let rest = &self.text[start..];
        let length = rest.iter().take(LONGEST_UNQUOTED).position(|&byte| byte == b'<')?;
        let value = &rest[..length];
        let whole = self.text[open] == b'<' && rest[length..].starts_with(b"</");
        let word = value.iter().all(|byte| *byte >= b' ') && !value.contains(&b'{');
        (whole && word && self.is_given(value)).then(|| Hit::text(start, start + length))
    }

    /// `--name value`, `--name=value`
    fn flag(&self) -> Option<Hit> {
        let value = extent::value(self.text, self.end + 1)?;
        let content = &self.text[value.range.clone()];
        let capitals = content.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
        // After a space it may be a sentence that goes on.
        let spoken = self.text[self.end] == b' ' && !value.quoted && is_ordinary(content);
        let given = self.is_given(content) && !capitals && !spoken && !content.starts_with(b"-");
        (given && !value.is_code).then(|| value.hit())
    }

    /// `setPassword("value")`
    fn call(&self) -> Option<Hit> {
        let value = extent::value(self.text, self.end + 1)?;
        let content = &self.text[value.range.clone()];
        let alone = value.quoted && self.text.get(value.range.end + 1) == Some(&b')');
        (alone && self.is_likely(content)).then(|| value.hit())
    }

    /// `the password is value`
    fn said(&self, at: usize) -> Option<Hit> {
        let mut value = extent::value(self.text, at)?;
        if self.text[value.range.clone()].ends_with(b".") {
            value.range.end -= 1;
        }
        let content = &self.text[value.range.clone()];
        let chosen = self.secret == Secret::Scalars
            && is_password(content)
            && content.len() >= 6
            && !is_name_of_type(content)
            && !is_path_of_names(content)
            && self.is_given(content);
        (chosen && line::is_spoken(self.text, self.start, value.range.end)).then(|| value.hit())
    }

    /// `config set name value`
    fn set(&self) -> Option<Hit> {
        let value = extent::value(self.text, self.end + 1)?;
        let content = &self.text[value.range.clone()];
        let whole = value.quoted || line::rest_is_blank(self.text, value.range.end);
        let given = self.is_given(content) && !is_ordinary(content) && content.len() >= 6;
        (whole && given && !value.is_code).then(|| value.hit())
    }

    /// The name is itself a value, and the secret stands beside it:
    /// `{"name": "X_TOKEN", "value": "secret"}`, `<add key="X_TOKEN" value="secret"/>`.
    fn pair(&self) -> Option<Hit> {
        let quoted = usize::from(self.quoted.is_some());
        let is_gap = |byte: &&u8| byte.is_ascii_whitespace() || **byte == b',';
        let gap = self.text[self.end + quoted..].iter().take(80).take_while(is_gap).count();
        let mut at = self.end + quoted + gap;
        let open = usize::from(matches!(self.text.get(at), Some(b'"' | b'\'')));
        let rest = &self.text[at + open..];
        if gap == 0 || !rest.get(..5)?.eq_ignore_ascii_case(b"value") {
            return None;
        }
        at += open + 5 + open;
        at = line::skip_space(self.text, at);
        if !matches!(self.text.get(at), Some(b':' | b'=')) {
            return None;
        }
        let value = extent::value(self.text, line::skip_blank(self.text, at + 1))?;
        let content = &self.text[value.range.clone()];
        let whole = value.quoted || line::rest_is_blank(self.text, value.range.end);
        (self.is_given(content) && !value.is_code && whole).then(|| value.hit())
    }

    /// What a tag has beside the name.
    fn beside(&self, value: Option<Range<usize>>) -> Option<Hit> {
        let value = value?;
        self.is_given(&self.text[value.clone()]).then(|| Hit::text(value.start, value.end))
    }

    /// `name = value` and what else languages have for it.
    fn assigned(&self) -> Option<Hit> {
        let text = self.text;
        // A header's value is in parts; it has a rule of its own.
        if self.name.to_ascii_lowercase().ends_with(b"authorization") {
            return None;
        }
        let closers = text[self.end..].iter().take(3);
        let closed = self.end + closers.take_while(|byte| CLOSERS.contains(byte)).count();
        let shown = line::skip_colour(text, closed);
        let begin = line::skip_blank(text, shown);
        let signs =
            text[begin..].iter().take(4).take_while(|byte| b":=!>|?,+".contains(byte)).count();
        let mut at = begin + signs;
        let sign = &text[begin..at];
        let usual = match sign {
            b"," | b"||" | b"??" => false,
            [.., b':' | b'='] | b"=>" => true,
            _ if sign.starts_with(b"=") && self.quoted.is_none() => {
                at = begin + 1;
                true
            }
            b"|" if self.quoted.is_none() => return self.cell(at),
            _ => return None,
        };
        let sign = &text[begin..at];
        at = line::skip_colour(text, at);
        let tight = begin == shown && text.get(at).is_some_and(|byte| !byte.is_ascii_whitespace());
        if tight && sign == b"=" && variable::is_set(text, self.start..self.end) {
            let range = variable::value(text, self.start, at)?;
            return self.is_set_to(&text[range.clone()]).then(|| Hit::text(range.start, range.end));
        }
        // `**Password:** x`
        at += text[at..].iter().take(2).take_while(|byte| **byte == b'*').count();
        at = line::skip_colour(text, line::skip_blank(text, at));
        if sign == b":" {
            at = markup::past_tags(text, at);
            if let Some(block) = markup::block(text, self.start, at) {
                let given = self.is_given(&text[block.clone()]);
                return given.then(|| Hit::text(block.start, block.end));
            }
        }
        if sign == b":"
            && let Some(equals) = annotation(&text[at..])
        {
            at = line::skip_blank(text, at + equals);
        }
        at += wrapping(&text[at..]);
        let mut value = extent::value(self.text, at)?;
        let content = &text[value.range.clone()];
        // `X-Vault-Token: s.x` is no path of names.
        if value.is_code && self.name.contains(&b'-') && sign == b":" && self.is_setting(&value) {
            value.is_code = false;
        }
        if is_placeholder(content) || is_label(self.name, content) {
            return None;
        }
        let given = if value.quoted {
            self.is_likely(content)
                || self.stands_in_quotes(sign, &value)
                || (self.is_setting(&value)
                    || line::among_pairs(text, self.start, value.range.end + 1))
                    && self.is_given(content)
        } else if !usual || value.is_code {
            false
        } else if sign == b"=" && tight {
            self.is_likely(content)
                || self.is_chosen(content) && self.stands_alone(&value)
                || self.is_passed(&value)
        } else if self.in_quotes(&value) {
            content.len() >= 5 && self.is_given(content)
        } else {
            self.stands_in_a_file(sign, &value)
        };
        given.then(|| value.hit())
    }

    /// Whether a variable of the environment is given this value, not told where to find it.
    fn is_set_to(&self, value: &[u8]) -> bool {
        let elsewhere = variable::is_elsewhere(value) || is_path(value) && !is_random(value);
        let masked = is_marked(value) || is_masked(value) || is_filler(value);
        let count = self.secret == Secret::Strings && value.iter().all(u8::is_ascii_digit);
        !elsewhere && !masked && !count && !is_label(self.name, value) && !is_type(value)
    }

    /// Whether a value of letters alone could be a secret: a word, and none of those that say what it is.
    fn is_chosen(&self, value: &[u8]) -> bool {
        self.secret == Secret::Scalars
            && value.len() >= 5
            && value.iter().all(u8::is_ascii_graphic)
            && !value.iter().all(u8::is_ascii_uppercase)
            && self.is_given(value)
    }

    /// Whether an unquoted value right after `=` stands in a log line of such pairs, or is all of a line of
    /// settings.
    fn stands_alone(&self, value: &Value) -> bool {
        line::is_pair(self.text, self.start, value.range.end)
            || line::is_first(self.text, self.start)
                && line::rest_is_blank(self.text, value.range.end)
                && line::among_fields(self.text, self.start)
    }

    /// Whether a value in quotation marks is all that a line of settings says.
    fn stands_in_quotes(&self, sign: &[u8], value: &Value) -> bool {
        let content = &self.text[value.range.clone()];
        let last = line::rest_is_blank(self.text, value.range.end + 1);
        let settings = || match sign {
            b"=" => line::among_fields(self.text, self.start),
            b":" => line::among_settings(self.text, self.start),
            _ => false,
        };
        let words = self.secret == Secret::Scalars && content.len() >= 5 && self.is_given(content);
        words && last && line::is_first(self.text, self.start) && settings()
    }

    /// An unquoted value after `: ` or ` = `: YAML, INI, a log line, or code.
    fn stands_in_a_file(&self, sign: &[u8], value: &Value) -> bool {
        let content = &self.text[value.range.clone()];
        let last = line::rest_is_blank(self.text, value.range.end);
        if is_random(content) || is_typed(content) {
            return true;
        }
        if is_type(content) || is_path(content) {
            return false;
        }
        let password = is_password(content);
        let scalar = self.secret == Secret::Scalars;
        if scalar && password && line::is_pair(self.text, self.start, value.range.end) {
            return true;
        }
        let chosen = password && content.len() >= 6;
        let odd = content.iter().any(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
        if !last || !line::is_first(self.text, self.start) {
            let long = content.len() >= 10 && odd;
            let word = is_name_of_type(content) || content.starts_with(b"!");
            let chosen = chosen && (scalar || long) && !word;
            return chosen && line::is_spoken(self.text, self.start, value.range.end);
        }
        let settings = line::among_settings(self.text, self.start);
        // What is read from somewhere stands without quotation marks in programs too.
        let least = if self.secret == Secret::Strings || sign == b"=" { 6 } else { 4 };
        (chosen || is_joined(content)) && (odd || sign == b"=")
            || settings && content.len() >= least
            || sign == b"=" && self.is_chosen(content) && line::among_fields(self.text, self.start)
    }

    /// A cell of a table: `| password | x |`.
    fn cell(&self, at: usize) -> Option<Hit> {
        let value = extent::value(self.text, line::skip_blank(self.text, at))?;
        let content = &self.text[value.range.clone()];
        let closed = self.text.get(line::skip_blank(self.text, value.range.end)) == Some(&b'|');
        let first = self.text[..self.start].trim_ascii_end().ends_with(b"|");
        (first && closed && self.is_likely(content)).then(|| value.hit())
    }

    /// Whether all of the line is this assignment, among others.
    fn is_setting(&self, value: &Value) -> bool {
        let least = if self.secret == Secret::Strings { 6 } else { 4 };
        value.range.len() >= least
            && line::is_first(self.text, self.start)
            && line::rest_is_blank(self.text, value.range.end + usize::from(value.quoted))
            && line::among_settings(self.text, self.start)
    }

    /// Whether `name=value` is an argument, a parameter, or a field, which are no code.
    fn is_passed(&self, value: &Value) -> bool {
        let content = &self.text[value.range.clone()];
        let text = self.text;
        self.is_given(content)
            && !is_path(content)
            && content.len() >= 4
            && (line::is_argument(text, self.start)
                || line::among_pairs(text, self.start, value.range.end)
                || line::is_parameter(text, self.start)
                || self.is_setting(value)
                || content.len() >= 8
                    && content.iter().any(u8::is_ascii_digit)
                    && line::is_spoken(text, self.start, value.range.end))
    }

    /// Whether name and value stand in quotation marks together: `-H "X-Api-Key: value"`.
    fn in_quotes(&self, value: &Value) -> bool {
        let open = self.start.checked_sub(1).map(|at| self.text[at]);
        let close = self.text.get(value.range.end).copied();
        let quoted = matches!(open, Some(b'"' | b'\'')) && open == close;
        quoted && self.name.contains(&b'-')
    }

    /// Whether a value is one, at a place where values are given without ado.
    fn is_given(&self, value: &[u8]) -> bool {
        let number = value.iter().all(u8::is_ascii_digit);
        let count = number && self.secret == Secret::Strings;
        let said = is_placeholder(value) || is_label(self.name, value) || is_type(value);
        !said && !count
    }

    /// Whether a value is one, where it could be anything.
    fn is_likely(&self, value: &[u8]) -> bool {
        let chosen = match self.secret {
            Secret::Scalars => is_password(value) || is_joined(value),
            Secret::Strings => {
                let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
                is_password(value) && value.len() >= 10 && digits >= 3
            }
        };
        (is_random(value) || is_typed(value) || chosen) && self.is_given(value)
    }
}

/// Where `=` ends a type: `token: Option<&str> = …`, not a log line's `token: value next=…`.
fn annotation(text: &[u8]) -> Option<usize> {
    let in_type = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_<>&'.| :".contains(byte);
    let length = text.iter().take(40).take_while(in_type).count();
    let apart = text[..length].last() == Some(&b' ') || !text[..length].contains(&b' ');
    let first = text[..length].split(|&byte| byte == b' ').next().unwrap_or_default();
    (length > 0
        && text.get(length) == Some(&b'=')
        && text.get(length + 1) != Some(&b'=')
        && apart
        && !is_random(first))
    .then_some(length + 1)
}

/// Whether a name and its value follow with a blank between them.
fn ends_with_definer(before: &[u8]) -> bool {
    const DEFINERS: [&[u8]; 7] =
        [b"#define ", b"ENV ", b"setenv ", b"setx ", b"set -x ", b"set -gx ", b"set -Ux "];
    matches!(before, [.., b'e' | b'V' | b'v' | b'x', b' '])
        && DEFINERS.iter().any(|word| before.ends_with(word))
}
