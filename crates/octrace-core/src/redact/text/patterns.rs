//! The user's own patterns: regular expressions without look-around or back-references, so that no
//! pattern and no text can make a search explode.

use regex::bytes::{Regex, RegexBuilder};

use crate::redact::hit::Hit;

/// What a compiled pattern may take, in bytes. Patterns of secrets take a few thousand.
const LARGEST: usize = 1 << 20;

/// Everything that one of the user's patterns matches is blanked, in any text.
#[derive(Clone, Default)]
pub struct Patterns(Vec<Regex>);

/// A pattern may itself say what is secret.
impl std::fmt::Debug for Patterns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} patterns", self.0.len())
    }
}

/// A pattern that cannot be used. It is passed over; the others hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pattern {number} {reason}")]
pub struct BadPattern {
    /// Which one it is in the list, from 1.
    pub number: usize,
    /// What is wrong with it, in one line; never the pattern itself, which may say what is secret.
    pub reason: String,
}

impl Patterns {
    /// Reads patterns in the syntax of the `regex` crate; those that are wrong or too large are left out.
    pub fn new(patterns: &[String]) -> (Self, Vec<BadPattern>) {
        let mut good = Vec::new();
        let mut bad = Vec::new();
        for (index, pattern) in patterns.iter().enumerate() {
            match compile(pattern) {
                Ok(regex) => good.push(regex),
                Err(reason) => bad.push(BadPattern { number: index + 1, reason }),
            }
        }
        (Self(good), bad)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what the patterns match in `text`.
    pub(in crate::redact) fn find(&self, text: &[u8], hits: &mut Vec<Hit>) {
        for pattern in &self.0 {
            let found = pattern.find_iter(text);
            hits.extend(found.map(|found| Hit::text(found.start(), found.end())));
        }
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    let compiled = RegexBuilder::new(pattern).size_limit(LARGEST).dfa_size_limit(LARGEST).build();
    let regex = compiled.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too large: it takes more than 1 MiB".to_owned(),
        // The last line says why; those before it repeat the pattern.
        error => {
            let told = error.to_string();
            let why = told.lines().next_back().unwrap_or_default();
            format!("cannot be read: {}", why.trim_start_matches("error: "))
        }
    })?;
    if regex.is_match(b"") {
        return Err("matches nothing at all, and so every text".to_owned());
    }
    Ok(regex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    fn patterns(patterns: &[&str]) -> (Patterns, Vec<BadPattern>) {
        Patterns::new(&patterns.iter().map(|&pattern| pattern.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn what_they_match_is_blanked_in_any_text() {
        let (patterns, bad) = patterns(&[r"ACME-\d{4}", r"(?i)project \w+"]);
        assert_eq!(bad, []);
        let redactor = Redactor::new("").with_patterns(&patterns);
        for (text, clean) in [
            ("ask ACME-1234 of PROJECT x", "ask [REDACTED] of [REDACTED]"),
            (r#"{"a":"{\"b\":\"\u0041CME-1234\"}"}"#, r#"{"a":"{\"b\":\"[REDACTED]\"}"}"#),
            ("ACME-12", "ACME-12"),
        ] {
            assert_eq!(redactor.text(text).get(), clean);
        }
    }

    #[test]
    fn a_bad_one_is_named_and_the_others_hold() {
        let (patterns, bad) = patterns(&["a(b", "ACME", r"\w{100}{100}{100}", "x*", r"(?=secret)"]);
        let told: Vec<_> = bad.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(told.join("\n"), @"
        pattern 1 cannot be read: unclosed group
        pattern 3 is too large: it takes more than 1 MiB
        pattern 4 matches nothing at all, and so every text
        pattern 5 cannot be read: look-around, including look-ahead and look-behind, is not supported
        ");
        assert_eq!(Redactor::new("").with_patterns(&patterns).text("ACME").get(), "[REDACTED]");
    }

    #[test]
    fn the_time_is_linear_in_the_text() {
        let (patterns, _) = patterns(&["(a+)+b"]);
        let text = "a".repeat(20_000);
        assert_eq!(*Redactor::new("").with_patterns(&patterns).text(&text).get(), text);
    }
}
