//! Rules for text of any kind: prompts, source code, tool output, error messages, and what is left of
//! JSON that broke off.
//!
//! A table ([`table`]). Each rule names its anchors, texts without which it has nothing to do; one pass
//! finds the anchors of all rules ([`anchors`]), and only there a rule looks closer:
//!
//! * [`token`]: secrets that begin with a prefix of their own;
//! * [`beside`], [`webhook`], [`pem`]: those whose sign is elsewhere;
//! * [`header`], [`connect`], [`command`], [`manifest`]: what tools write and read;
//! * [`assign`]: values given to names that announce a secret, judged by [`value`] and [`line`](mod@line);
//!   [`variable`]: those of the environment; [`markup`], [`tag`]: those beside their names.
//!
//! [`patterns`] are the user's own. A rule sees text as it was written, and once more with its escapes
//! decoded where it has any.

mod anchors;
pub(super) mod assign;
mod beside;
#[cfg(test)]
mod canaries;
mod command;
mod connect;
#[cfg(test)]
mod example;
pub(super) mod extent;
mod header;
mod line;
mod manifest;
mod markup;
#[cfg(test)]
mod measure;
mod patterns;
mod pem;
mod table;
mod tag;
mod token;
pub(super) mod value;
mod variable;
mod webhook;
mod word;

use std::{ops::Range, sync::LazyLock};

pub use self::patterns::{BadPattern, Patterns};
use self::{anchors::Anchors, token::Token};
use super::hit::Hit;

/// A rule about text, with what it must and must not do.
struct Rule {
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests name what failed"))]
    name: &'static str,
    /// The rule looks where one of these stands, whatever the case of its letters. Of three bytes or more.
    anchors: &'static [&'static str],
    find: Find,
    /// What it must blank, between `«` and `»`; `<20w>` is 20 random characters, see `example`.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests try them"))]
    hits: &'static [&'static str],
    /// What it must leave, written alike.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests try them"))]
    misses: &'static [&'static str],
}

enum Find {
    /// The anchor, as it is written here, begins a secret.
    Token(Token),
    /// Anything else, by where the anchor stands.
    With(fn(&[u8], Range<usize>, &mut Vec<Hit>)),
}

static RULES: LazyLock<Vec<&'static Rule>> =
    LazyLock::new(|| table::FAMILIES.iter().flat_map(|family| family.rules).collect());

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let rules = RULES.iter().enumerate();
    Anchors::new(
        rules.flat_map(|(index, rule)| rule.anchors.iter().map(move |anchor| (*anchor, index))),
    )
});

/// Adds what the rules and the user's own patterns find in `text`.
pub(super) fn find(patterns: &Patterns, text: &[u8], hits: &mut Vec<Hit>) {
    patterns.find(text, hits);
    let rules = &*RULES;
    // What is blanked already is not looked into again, which also bounds the work.
    let mut covered = 0..0;
    let first = hits.len();
    ANCHORS.find(text, |anchor, index| {
        if anchor.start > covered.start && anchor.start < covered.end {
            return;
        }
        let at = anchor.start;
        let rule = rules[index];
        match rule.find {
            Find::Token(token) => {
                let written =
                    rule.anchors.iter().any(|one| one.as_bytes() == &text[anchor.clone()]);
                let found = if written { token.find(text, anchor) } else { None };
                hits.extend(found.map(|found| Hit::text(found.start, found.end)));
            }
            Find::With(find) => find(text, anchor, hits),
        }
        if let Some(last) = hits.get(first..).and_then(<[Hit]>::last)
            && last.end > covered.end
        {
            covered = at..last.end;
        }
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        example::{Example, Random},
        *,
    };
    use crate::redact::hit::{apply, normalise};

    fn clean(text: &str) -> String {
        let mut hits = Vec::new();
        find(&Patterns::default(), text.as_bytes(), &mut hits);
        normalise(&mut hits);
        String::from_utf8(apply(text.as_bytes().to_vec(), &hits)).unwrap()
    }

    #[test]
    fn every_rule_keeps_its_word() {
        let mut random = Random::default();
        let mut broken = Vec::new();
        let mut expect = |name: &str, text: &str, expected: &str| {
            let clean = clean(text);
            if clean != expected {
                broken.push(format!("{name}:\n   {text:?}\n   {clean:?}\n   {expected:?}"));
            }
        };
        for rule in RULES.iter() {
            let name = rule.name;
            assert!(!rule.hits.is_empty() && !rule.misses.is_empty(), "{name}");
            for anchor in rule.anchors {
                assert!(anchor.len() >= 3, "{name}: {anchor} is too short to be looked for");
            }
            for hit in rule.hits {
                let example = Example::new(hit, &mut random);
                let text = example.before.to_lowercase();
                let mut anchors = rule.anchors.iter();
                assert!(anchors.any(|anchor| text.contains(&anchor.to_lowercase())), "{name}");
                assert!(!example.secrets.is_empty(), "{name}: {hit} has no secret");
                expect(name, &example.before, &example.after);
                expect(name, &example.after, &example.after);
            }
            for miss in rule.misses {
                let example = Example::new(miss, &mut random);
                expect(name, &example.before, &example.before);
            }
        }
        assert!(broken.is_empty(), "not as written:\n{}", broken.join("\n"));
    }

    #[test]
    fn every_secret_name_has_an_anchor() {
        let anchors: Vec<_> = table::SETTINGS_ANCHORS.to_vec();
        for name in crate::redact::key::tests::secret_names() {
            let folded = name.to_lowercase();
            assert!(anchors.iter().any(|anchor| folded.contains(anchor)), "{name}");
        }
    }

    /// Anchors, what rules expect around them, and anything.
    fn soup() -> impl Strategy<Value = Vec<u8>> {
        let anchors: Vec<_> = RULES.iter().flat_map(|rule| rule.anchors).copied().collect();
        let piece = prop_oneof![
            4 => prop::sample::select(anchors).prop_map(|anchor| anchor.as_bytes().to_vec()),
            4 => prop::sample::select(vec![
                " ", "\n", "=", ":", ": ", "\"", "'", "`", "\\", "\\n", ";", ",", "-----", "END ",
                "PRIVATE KEY", "value", "<", "</", ">", "(", ")", "[", "--", "@", "/", "%3D", "Bearer ",
                "password", "X_SECRET", "webhooks/", "services/", "é", "[REDACTED]", "$", "{", "| ",
            ]).prop_map(|piece| piece.as_bytes().to_vec()),
            3 => "[a-zA-Z0-9_-]{1,40}".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 0..4),
        ];
        prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in soup()) {
            let mut hits = Vec::new();
            find(&Patterns::default(), &text, &mut hits);
            prop_assert!(hits.iter().all(|hit| hit.start <= hit.end && hit.end <= text.len()));
            // A hit ends between characters where the text is one.
            if let Ok(text) = std::str::from_utf8(&text) {
                prop_assert!(hits.iter().all(|hit| text.is_char_boundary(hit.start) && text.is_char_boundary(hit.end)));
            }
        }
    }
}
