//! Rules for text of any kind: prompts, source code, tool output, error messages, and what is left of
//! JSON that broke off.
//!
//! A table. The shapes of providers' keys, private key blocks, assignments of high entropy and the user's
//! own patterns are rows that come later; callers do not change for them. A rule sees text as it was
//! written, and once more with its escapes decoded where it has any.

mod patterns;

pub use self::patterns::{BadPattern, Patterns};
use super::{
    hit::Hit,
    key::{self, Secret},
    url,
};

/// A rule about text, with what it must and must not do.
struct Rule {
    /// Text without this byte is not searched.
    needs: u8,
    find: fn(&[u8], &mut Vec<Hit>),
    /// Before and after.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests try them"))]
    hits: &'static [(&'static str, &'static str)],
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests try them"))]
    misses: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        needs: b':',
        find: url::find_in_text,
        hits: &[
            ("see https://me:pw@host/x now", "see https://[REDACTED]@host/x now"),
            (
                "DATABASE_URL=postgres://u:p@db:5432/x",
                "DATABASE_URL=postgres://[REDACTED]@db:5432/x",
            ),
            ("curl 'https://h/?api_key=abc&x=1'", "curl 'https://h/?api_key=[REDACTED]&x=1'"),
            ("https://token@github.com/a/b.git", "https://[REDACTED]@github.com/a/b.git"),
        ],
        misses: &[
            "ssh://git@github.com/a/b.git",
            "`https://h/?token=${token}&x=1`",
            "postgres://${user}:${password}@${host}/db",
            "postgres://user:$PASSWORD@host/db",
            "https://host/@scope/package?page=2",
            "a ? b : //@ts-ignore",
            "git@github.com:a/b.git",
        ],
    },
    Rule {
        needs: b'"',
        find: find_quoted_members,
        hits: &[
            (r#"00012| "password" : "hunter2","#, r#"00012| "password" : "[REDACTED]","#),
            (r#"…"api_key":"abc\"def","x":1"#, r#"…"api_key":"[REDACTED]","x":1"#),
            (r#""token":"cut off he"#, r#""token":"[REDACTED]"#),
            (r#""pin_password":12345,"#, r#""pin_password":"[REDACTED]","#),
        ],
        misses: &[
            r#""max_tokens": "4096""#,
            r#""token": 17, "password": null"#,
            r#"if (key === "password") return "x""#,
            r#"["password", "token"]"#,
            r#"{"password": process.env.PASSWORD}"#,
            r#""apiKey": "{env:KEY}""#,
        ],
    },
];

/// Adds what the rules and the user's own patterns find in `text`.
pub(super) fn find(patterns: &Patterns, text: &[u8], hits: &mut Vec<Hit>) {
    patterns.find(text, hits);
    for rule in RULES {
        if text.contains(&rule.needs) {
            (rule.find)(text, hits);
        }
    }
}

/// Longer names in quotation marks are not looked at.
const LONGEST_NAME: usize = 64;

/// `"name": "value"` with a secret name, wherever it stands: JSON in a listing with line numbers, in a
/// log line, in a body that was cut. A value that does not end is blanked to the end.
fn find_quoted_members(text: &[u8], hits: &mut Vec<Hit>) {
    let mut at = 0;
    while let Some(open) = text[at..].iter().position(|&byte| byte == b'"') {
        let name = at + open + 1;
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-. $".contains(byte);
        let length = text[name..].iter().take(LONGEST_NAME).take_while(is_name).count();
        let close = name + length;
        at = close;
        if text.get(close) != Some(&b'"') {
            continue;
        }
        let colon = skip_space(text, close + 1);
        if text.get(colon) != Some(&b':') {
            continue;
        }
        let value = skip_space(text, colon + 1);
        at = value;
        let Some(secret) = key::secret(&text[name..close]) else {
            continue;
        };
        match text.get(value) {
            Some(b'"') => {
                let end = closing_quote(text, value + 1);
                if !key::is_reference(&text[value + 1..end]) {
                    hits.push(Hit::text(value + 1, end));
                }
                at = (end + 1).min(text.len());
            }
            Some(digit) if digit.is_ascii_digit() && secret == Secret::Scalars => {
                let is_part = |byte: &&u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
                at = value + text[value..].iter().take_while(is_part).count();
                hits.push(Hit::value(value, at));
            }
            _ => {}
        }
    }
}

fn skip_space(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Where the quote stands that ends the string whose content begins at `at`, or the text's end.
fn closing_quote(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::hit::{apply, normalise};

    fn clean(text: &str) -> String {
        let mut hits = Vec::new();
        find(&Patterns::default(), text.as_bytes(), &mut hits);
        normalise(&mut hits);
        String::from_utf8(apply(text.as_bytes().to_vec(), &hits)).unwrap()
    }

    #[test]
    fn every_rule_keeps_its_word() {
        for rule in RULES {
            assert!(!rule.hits.is_empty() && !rule.misses.is_empty());
            for (text, expected) in rule.hits {
                assert!(text.as_bytes().contains(&rule.needs));
                assert_eq!(clean(text), *expected);
                assert_eq!(clean(expected), *expected, "a second time");
            }
            for text in rule.misses {
                assert_eq!(clean(text), *text);
            }
        }
    }
}
