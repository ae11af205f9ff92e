//! What somebody looks for.

use std::{iter::Peekable, ops::Range, str::CharIndices};

use serde::{Deserialize, Serialize};

use super::{
    passage::Passage,
    word::{LONGEST, is_boundary, is_letter, words},
};

/// How much is shown before what was found and from there on, in characters.
const SHOWN: (usize, usize) = (40, 200);

/// What somebody looks for: terms, all of which have to occur.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    terms: Vec<Term>,
}

/// One word, or a phrase. It is found as it is written, but for case and the kind of white space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Term {
    /// What stands between white space, in lower case; at least one, none empty.
    runs: Vec<String>,
    /// Whether the last word may go on.
    prefix: bool,
}

/// A word that whatever holds what is looked for has, too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexWord {
    /// As [`words`] gives it.
    pub word: String,
    /// Whether it is only the beginning of one.
    pub prefix: bool,
}

/// Where a query was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The place of the passage that shows it best.
    pub passage: usize,
    /// What stands around it there.
    pub snippet: Vec<Fragment>,
}

/// A stretch of text that was looked for, or was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragment {
    /// As recorded.
    pub text: String,
    /// Whether it is what was looked for.
    pub found: bool,
}

impl Query {
    /// Reads what somebody typed: words, `"phrases in quotes"`, and either with `*` after it for words that begin
    /// so. Every other sign means itself. `None` when there is nothing to look for.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut terms = Vec::new();
        let mut chars = typed.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            if char.is_whitespace() {
                continue;
            }
            let (text, prefix) =
                if char == '"' { phrase(typed, &mut chars) } else { bare(typed, at, &mut chars) };
            let fold = |run: &str| run.chars().flat_map(char::to_lowercase).collect::<String>();
            let runs: Vec<_> = text.split_whitespace().map(fold).collect();
            if !runs.is_empty() {
                terms.push(Term { runs, prefix });
            }
        }
        (!terms.is_empty()).then_some(Self { terms })
    }

    /// The words that an index has for everything in which this can be found. Empty when it has none: `=>` can
    /// be anywhere.
    pub fn index_words(&self) -> Vec<IndexWord> {
        let mut all = Vec::new();
        for term in &self.terms {
            for (at, run) in term.runs.iter().enumerate() {
                words(run, |word| all.push(IndexWord { word: word.to_owned(), prefix: false }));
                let goes_on = term.prefix && at + 1 == term.runs.len() && run.ends_with(is_letter);
                if let Some(last) = all.last_mut().filter(|_| goes_on) {
                    last.prefix = last.word.chars().count() < LONGEST;
                }
            }
        }
        all.sort();
        all.dedup();
        all
    }

    /// Finds it in what belongs together: each term in any of the passages.
    pub fn find(&self, passages: &[Passage<'_>]) -> Option<Found> {
        let mut missing: Vec<bool> = vec![true; self.terms.len()];
        let mut best: Option<(usize, Vec<Range<usize>>)> = None;
        for (place, passage) in passages.iter().enumerate() {
            let folded = Folded::new(&passage.text);
            let mut ranges = Vec::new();
            for (term, missing) in self.terms.iter().zip(&mut missing) {
                if let Some(range) = term.find(&folded.text) {
                    *missing = false;
                    ranges.push(folded.original(range));
                }
            }
            if ranges.len() > best.as_ref().map_or(0, |(_, ranges)| ranges.len()) {
                best = Some((place, ranges));
            }
        }
        let (passage, ranges) = best.filter(|_| !missing.contains(&true))?;
        let snippet = snippet(&passages.get(passage)?.text, ranges);
        Some(Found { passage, snippet })
    }
}

/// Up to the closing quote, or to the end where there is none.
fn phrase<'a>(typed: &'a str, chars: &mut Peekable<CharIndices<'_>>) -> (&'a str, bool) {
    let start = chars.peek().map_or(typed.len(), |(at, _)| *at);
    let end = chars.by_ref().find(|(_, char)| *char == '"').map_or(typed.len(), |(at, _)| at);
    let prefix = chars.next_if(|(_, char)| *char == '*').is_some();
    (typed.get(start..end).unwrap_or_default(), prefix)
}

/// Up to white space.
fn bare<'a>(
    typed: &'a str,
    start: usize,
    chars: &mut Peekable<CharIndices<'_>>,
) -> (&'a str, bool) {
    while chars.next_if(|(_, char)| !char.is_whitespace()).is_some() {}
    let end = chars.peek().map_or(typed.len(), |(at, _)| *at);
    let text = typed.get(start..end).unwrap_or_default();
    match text.strip_suffix('*').filter(|begin| begin.ends_with(is_letter)) {
        Some(begin) => (begin, true),
        None => (text, false),
    }
}

impl Term {
    /// Its first place in a text, which is in lower case.
    fn find(&self, text: &str) -> Option<Range<usize>> {
        let (first, others) = self.runs.split_first()?;
        text.match_indices(first.as_str()).find_map(|(start, _)| {
            let mut end = start + first.len();
            for run in others {
                let rest = text.get(end..)?;
                let next = rest.trim_start();
                if next.len() == rest.len() || !next.starts_with(run.as_str()) {
                    return None;
                }
                end += rest.len() - next.len() + run.len();
            }
            let meets = |at: usize| {
                let (before, after) = text.split_at_checked(at)?;
                Some((before.chars().next_back()?, after.chars().next()?))
            };
            let stands = |at| meets(at).is_none_or(|(before, after)| is_boundary(before, after));
            (stands(start) && (self.prefix || stands(end))).then_some(start..end)
        })
    }
}

/// A text in lower case.
struct Folded<'a> {
    original: &'a str,
    text: String,
}

impl<'a> Folded<'a> {
    fn new(original: &'a str) -> Self {
        let text = if original.is_ascii() {
            original.to_ascii_lowercase()
        } else {
            original.chars().flat_map(char::to_lowercase).collect()
        };
        Self { original, text }
    }

    /// Where a range of the text stands in the original.
    fn original(&self, range: Range<usize>) -> Range<usize> {
        if self.original.is_ascii() {
            return range;
        }
        let mut found = self.original.len()..self.original.len();
        let mut folded = 0;
        for (at, char) in self.original.char_indices() {
            let next = folded + char.to_lowercase().map(char::len_utf8).sum::<usize>();
            if (folded..next).contains(&range.start) {
                found.start = at;
            }
            if folded >= range.end {
                found.end = at;
                break;
            }
            folded = next;
        }
        found
    }
}

/// What stands around the first range, and what of the others is in it.
fn snippet(text: &str, mut ranges: Vec<Range<usize>>) -> Vec<Fragment> {
    ranges.sort_by_key(|range| range.start);
    let first = ranges.first().map_or(0, |range| range.start);
    let (before, after) = text.split_at_checked(first).unwrap_or(("", text));
    let start = before.char_indices().rev().take(SHOWN.0).last().map_or(first, |(at, _)| at);
    let end = after.char_indices().nth(SHOWN.1).map_or(text.len(), |(at, _)| first + at);
    let mut fragments = Vec::new();
    let mut put = |range: Range<usize>, found| {
        let text = text.get(range).unwrap_or_default();
        if !text.is_empty() {
            fragments.push(Fragment { text: text.to_owned(), found });
        }
    };
    let mut at = start;
    for range in ranges {
        let range = range.start.max(at)..range.end.min(end);
        if range.start < range.end {
            put(at..range.start, false);
            put(range.clone(), true);
            at = range.end;
        }
    }
    put(at..end, false);
    fragments
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::passage::Role, *};

    fn passage(text: &str) -> Passage<'_> {
        Passage { role: Role::User, text: text.into() }
    }

    /// What is found, in brackets.
    fn found(query: &str, texts: &[&str]) -> String {
        let passages: Vec<_> = texts.iter().map(|text| passage(text)).collect();
        let found = Query::parse(query).and_then(|query| query.find(&passages));
        let show = |f: &Fragment| if f.found { format!("[{}]", f.text) } else { f.text.clone() };
        found.map_or("-".to_owned(), |found| found.snippet.iter().map(show).collect())
    }

    #[test]
    fn words_phrases_beginnings_and_code() {
        for (query, text, expected) in [
            ("date", "Fix the Date test", "Fix the [Date] test"),
            ("dat", "Fix the date test", "-"),
            ("dat*", "Fix the date test", "Fix the [dat]e test"),
            ("test fix", "Fix the date test", "[Fix] the date [test]"),
            ("\"the date\"", "Fix the \n\t date", "Fix [the \n\t date]"),
            ("\"date the\"", "Fix the date", "-"),
            ("\"the da\"*", "Fix the date", "Fix [the da]te"),
            ("\"never closed", "is never  closed.", "is [never  closed]."),
            ("foo_bar", "a foo_bar() b", "a [foo_bar]() b"),
            ("foo_bar", "a foo_bars b", "-"),
            ("foo_bar", "a foo bar b", "-"),
            ("bar", "a foo_bar() b", "a foo_[bar]() b"),
            ("a.b.c", "x = a.b.c;", "x = [a.b.c];"),
            ("=>", "a => b", "a [=>] b"),
            ("*", "2 * 3", "2 [*] 3"),
            ("日期", "修复日期测试", "修复[日期]测试"),
            ("期日", "修复日期测试", "-"),
            ("ÜBER", "das über", "das [über]"),
            ("i̇x", "aİx İX", "aİx [İX]"),
            ("x AND NOT y", "x not y and", "[x] [not] [y] [and]"),
            ("col:x", "a col:x", "a [col:x]"),
            ("x\" OR 1", "x\" or 1", "[x\"] [or] [1]"),
        ] {
            assert_eq!(found(query, &[text]), expected, "{query} in {text}");
        }
        assert_eq!(found("one two", &["one", "two one", "two"]), "[two] [one]");
        assert_eq!(found("one two three", &["one", "two"]), "-");
        for nothing in ["", " \t", "\"\"", "\" \" \"\""] {
            assert_eq!(Query::parse(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn an_index_is_asked_for_words() {
        let words = |query: &str| {
            let show = |w: IndexWord| if w.prefix { w.word + "*" } else { w.word };
            let words = Query::parse(query).unwrap().index_words();
            words.into_iter().map(show).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words("Foo_Bar* \"a b\" a => 日期"), "a b bar* foo 日 期");
        assert_eq!(words("=> *"), "");
        assert_eq!(words(&format!("{}*", "x".repeat(80))), "x".repeat(LONGEST));
        assert_eq!(words("foo(* "), "foo");
    }

    #[test]
    fn a_long_text_is_shown_around_the_place() {
        let text = format!("{}needle{}", "a ".repeat(500), " ä".repeat(500));
        let shown = found("needle", &[&text]);
        assert_eq!(shown.chars().count(), SHOWN.0 + SHOWN.1 + 2, "{shown}");
        assert!(shown.starts_with("a a a"), "{shown}");
    }

    proptest! {
        /// What is found has the words that the index is asked for: else the index would hide it.
        #[test]
        fn the_index_hides_nothing(
            text in "[a-c_ .日期éİΣ\"*]{0,30}|\\PC{0,20}",
            start in 0usize..30, length in 1usize..8, quoted: bool, prefix: bool,
        ) {
            let part: String = text.chars().skip(start).take(length).collect();
            let quote = if quoted { "\"" } else { "" };
            let star = if prefix { "*" } else { "" };
            let Some(query) = Query::parse(&format!("{quote}{part}{quote}{star}")) else { return Ok(()) };
            if query.find(&[passage(&text)]).is_some() {
                let mut has = std::collections::BTreeSet::new();
                words(&text, |word| { has.insert(word.to_owned()); });
                for IndexWord { word, prefix } in query.index_words() {
                    let there = has.iter().any(|has| if prefix { has.starts_with(&word) } else { *has == word });
                    prop_assert!(there, "{word} prefix {prefix} of {query:?} in {has:?}");
                }
            }
        }

        /// Each word of a text is found in it, and what is marked is that word.
        #[test]
        fn every_word_is_found(text in "\\PC{0,60}") {
            let mut all = Vec::new();
            words(&text, |word| all.push(word.to_owned()));
            for word in all {
                let Some(query) = Query::parse(&word) else { continue };
                let found = query.find(&[passage(&text)]);
                prop_assert!(found.is_some(), "{word} in {text}");
                let marked = found.unwrap().snippet.into_iter().find(|f| f.found).unwrap().text;
                let folded: String = marked.chars().flat_map(char::to_lowercase).collect();
                prop_assert!(folded.contains(&word), "{marked} for {word}");
            }
        }
    }
}
