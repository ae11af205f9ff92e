//! Two texts, word by word.
//!
//! Lines come first: what is between lines that are the same is compared word by word. So a change in a long text
//! costs what the lines around it cost. What is too large for that is one change, between a beginning and an end that
//! are the same: nobody reads it word by word.

use std::ops::Range;

use similar::{Algorithm, ChangeTag, utils};

/// The most bytes of one text that are compared line by line.
const MAX_LINES: usize = 1 << 20;

/// The most bytes of one text that are compared word by word at a time.
const MAX_WORDS: usize = 1 << 16;

/// Of a hundred bytes, at least so many must be the same in changed lines; else they are other lines.
const LIKENESS: usize = 30;

/// The most characters by which the same is shortened so that no word is cut.
const LONGEST_WORD: usize = 64;

/// A stretch of both texts. Empty in one of them where something is new or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Whether it is the same in both.
    pub(crate) same: bool,
    /// In bytes of the first text.
    pub(crate) before: Range<usize>,
    /// In bytes of the second text.
    pub(crate) after: Range<usize>,
}

/// Compares two texts. The spans follow each other and cover both; same and other ones take turns.
pub(crate) fn words(before: &str, after: &str) -> Vec<Span> {
    let mut spans = Spans::default();
    // Cut at line ends: half a line would not find its like.
    let head = same_bytes(before.bytes(), after.bytes());
    let head = before.as_bytes()[..head].iter().rposition(|byte| *byte == b'\n');
    let head = head.map_or(0, |at| at + 1);
    let (old, new) = (split(before, head).1, split(after, head).1);
    let tail = same_bytes(old.bytes().rev(), new.bytes().rev());
    let line = old.as_bytes()[old.len() - tail..].iter().position(|byte| *byte == b'\n');
    let tail = line.map_or(0, |at| tail - at - 1);
    let (old, new) = (split(old, old.len() - tail).0, split(new, new.len() - tail).0);

    spans.push(true, head, head);
    if old.len().max(new.len()) > MAX_LINES {
        between(&mut spans, old, new);
    } else {
        lines(&mut spans, old, new);
    }
    spans.push(true, tail, tail);
    spans.done
}

fn lines(spans: &mut Spans, old: &str, new: &str) {
    let (mut gone, mut came) = (0, 0);
    let (mut old_at, mut new_at) = (0, 0);
    let changes = utils::diff_lines(Algorithm::Myers, old, new);
    for (tag, line) in changes.into_iter().chain([(ChangeTag::Equal, "")]) {
        match tag {
            ChangeTag::Delete => gone += line.len(),
            ChangeTag::Insert => came += line.len(),
            ChangeTag::Equal => {
                let (rest, other) = (split(old, old_at).1, split(new, new_at).1);
                between(spans, split(rest, gone).0, split(other, came).0);
                spans.push(true, line.len(), line.len());
                (old_at, new_at) = (old_at + gone + line.len(), new_at + came + line.len());
                (gone, came) = (0, 0);
            }
        }
    }
}

/// Compares what stands between lines that are the same.
fn between(spans: &mut Spans, old: &str, new: &str) {
    if old.is_empty() || new.is_empty() {
        return spans.push(false, old.len(), new.len());
    }
    let head = head(old, new);
    let (old_rest, new_rest) = (split(old, head).1, split(new, head).1);
    let tail = tail(old_rest, new_rest);
    let (old_rest, new_rest) =
        (split(old_rest, old_rest.len() - tail).0, split(new_rest, new_rest.len() - tail).0);

    let mut found = Spans::default();
    found.push(true, head, head);
    if old_rest.len().max(new_rest.len()) > MAX_WORDS {
        found.push(false, old_rest.len(), new_rest.len());
    } else {
        for (tag, text) in utils::diff_unicode_words(Algorithm::Myers, old_rest, new_rest) {
            match tag {
                ChangeTag::Equal if !text.contains(is_word) && !text.contains('\n') => {
                    found.between_changes(text.len());
                }
                ChangeTag::Equal => found.push(true, text.len(), text.len()),
                ChangeTag::Delete => found.push(false, text.len(), 0),
                ChangeTag::Insert => found.push(false, 0, text.len()),
            }
        }
    }
    found.push(true, tail, tail);

    let same: usize =
        found.done.iter().filter(|span| span.same).map(|span| span.before.len()).sum();
    if 100 * same < LIKENESS * old.len().max(new.len()) {
        return spans.push(false, old.len(), new.len());
    }
    for span in found.done {
        spans.push(span.same, span.before.len(), span.after.len());
    }
}

/// The spans so far.
#[derive(Default)]
struct Spans {
    done: Vec<Span>,
    /// What is the same, but no word, after a change: part of it when another one follows at once.
    loose: usize,
}

impl Spans {
    fn push(&mut self, same: bool, old: usize, new: usize) {
        let loose = std::mem::take(&mut self.loose);
        if loose > 0 {
            self.add(same, loose, loose);
        }
        self.add(same, old, new);
    }

    fn between_changes(&mut self, len: usize) {
        if self.done.last().is_some_and(|last| !last.same) {
            self.loose += len;
        } else {
            self.push(true, len, len);
        }
    }

    fn add(&mut self, same: bool, old: usize, new: usize) {
        if old == 0 && new == 0 {
            return;
        }
        let (from, to) = self.done.last().map_or((0, 0), |last| (last.before.end, last.after.end));
        let (before, after) = (from..from + old, to..to + new);
        match self.done.last_mut().filter(|last| last.same == same) {
            Some(last) => (last.before.end, last.after.end) = (before.end, after.end),
            None => self.done.push(Span { same, before, after }),
        }
    }
}

/// How many bytes both begin with alike, up to the beginning of a word.
fn head(old: &str, new: &str) -> usize {
    let same = old.chars().zip(new.chars()).take_while(|(a, b)| a == b);
    let len = same.map(|(char, _)| char.len_utf8()).sum();
    let (before, rest) = split(old, len);
    let goes_on = |text: &str| text.chars().next().is_some_and(is_word);
    if !goes_on(rest) && !goes_on(split(new, len).1) {
        return len;
    }
    len - before
        .chars()
        .rev()
        .take(LONGEST_WORD)
        .take_while(|char| is_word(*char))
        .map(char::len_utf8)
        .sum::<usize>()
}

/// How many bytes both end with alike, from the end of a word on.
fn tail(old: &str, new: &str) -> usize {
    let same = old.chars().rev().zip(new.chars().rev()).take_while(|(a, b)| a == b);
    let len: usize = same.map(|(char, _)| char.len_utf8()).sum();
    let (rest, after) = split(old, old.len() - len);
    let goes_on = |text: &str| text.chars().next_back().is_some_and(is_word);
    if !goes_on(rest) && !goes_on(split(new, new.len() - len).0) {
        return len;
    }
    len - after
        .chars()
        .take(LONGEST_WORD)
        .take_while(|char| is_word(*char))
        .map(char::len_utf8)
        .sum::<usize>()
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn same_bytes(a: impl Iterator<Item = u8>, b: impl Iterator<Item = u8>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}

/// Both sides of a place between two characters.
fn split(text: &str, at: usize) -> (&str, &str) {
    text.split_at_checked(at).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(before: &str, after: &str) -> String {
        let mut text = String::new();
        for Span { same, before: old, after: new } in words(before, after) {
            let (old, new) = (&before.as_bytes()[old], &after.as_bytes()[new]);
            let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
            if same {
                text.push_str(&old);
                continue;
            }
            if !old.is_empty() {
                text.extend(["[-", &old, "-]"]);
            }
            if !new.is_empty() {
                text.extend(["{+", &new, "+}"]);
            }
        }
        text
    }

    #[test]
    fn words_that_changed_are_marked_and_no_others() {
        for (before, after, expect) in [
            ("", "", ""),
            ("same", "same", "same"),
            (
                "Today is Monday.\nBe kind.\n",
                "Today is Tuesday.\nBe kind.\n",
                "Today is [-Monday-]{+Tuesday+}.\nBe kind.\n",
            ),
            ("date: 2026-11-20", "date: 2026-11-21", "date: 2026-11-[-20-]{+21+}"),
            ("one two three four five", "one 2 3 four five", "one [-two three-]{+2 3+} four five"),
            ("a\nb\nc\n", "a\nc\n", "a\n[-b\n-]c\n"),
            ("a\n", "a\nnew line\n", "a\n{+new line\n+}"),
            (
                "Größe 文字 gleich geblieben",
                "Größe 漢字 gleich geblieben",
                "Größe [-文-]{+漢+}字 gleich geblieben",
            ),
            ("all of it", "nothing alike", "[-all of it-]{+nothing alike+}"),
            ("walk the dog now", "walked the dog now", "[-walk-]{+walked+} the dog now"),
        ] {
            assert_eq!(marked(before, after), expect);
        }
    }

    #[test]
    fn what_is_large_is_compared_by_its_edges() {
        let text = |word: &str| format!("begin {} end", word.repeat(MAX_WORDS));
        let (before, after) = (text("ab "), text("xyz "));
        let spans = words(&before, &after);
        assert_eq!(spans.len(), 1, "nothing alike but a few letters");
        let before = format!("{} b {}", "a ".repeat(MAX_LINES), "c ".repeat(10));
        let after = format!("{} d {}", "a ".repeat(MAX_LINES), "c ".repeat(10));
        let changed: Vec<_> =
            words(&before, &after).into_iter().filter(|span| !span.same).collect();
        assert_eq!(changed.len(), 1);
        assert_eq!(&before.as_bytes()[changed[0].before.clone()], b"b");
        assert_eq!(&after.as_bytes()[changed[0].after.clone()], b"d");
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[ab \n]{0,30}", "(one|two|文字|👩‍💻|ä|\n|, | ){0,20}", ".{0,20}"]
    }

    proptest! {
        #[test]
        fn the_spans_are_both_texts(before in text(), after in text()) {
            let spans = words(&before, &after);
            let (mut old, mut new) = (0, 0);
            let mut last = None;
            for span in &spans {
                prop_assert_eq!((span.before.start, span.after.start), (old, new));
                (old, new) = (span.before.end, span.after.end);
                let texts = (before.get(span.before.clone()), after.get(span.after.clone()));
                prop_assert!(texts.0.is_some() && texts.1.is_some(), "cut through a character");
                prop_assert!(!span.same || texts.0 == texts.1);
                prop_assert_ne!(last, Some(span.same));
                last = Some(span.same);
            }
            prop_assert_eq!((old, new), (before.len(), after.len()));
            prop_assert_eq!(before == after, spans.iter().all(|span| span.same));
        }
    }
}
