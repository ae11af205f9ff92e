//! A changed part, row by row: rows that are the same around what changed, and what changed word by word.

use super::words::{Span, words};
use crate::text::Paint;

/// How many rows that are the same are shown before and after one that is not.
const AROUND: usize = 2;

/// Fewer rows are not hidden.
const HIDDEN: usize = 3;

/// What is the same within a changed row is shown with so many characters at each end.
const BESIDE: usize = 60;

/// Rows of one kind, or the place where the prompt breaks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// Shown.
    Shown(Vec<Row>),
    /// The same, and not near anything that changed.
    Same(Vec<Row>),
    /// What comes is no longer what it was.
    Break,
}

/// What stands in a row, with its colours.
pub(super) type Row = Vec<(Paint, String)>;

/// Compares two texts; `breaks` tells whether the first change is where the prompt breaks. Nothing where they are the
/// same.
pub(super) fn rows(before: &str, after: &str, breaks: bool) -> Vec<Rows> {
    let mut lines = Lines::default();
    for Span { same, before: old, after: new } in words(before, after) {
        let (old, new) = (before.get(old).unwrap_or_default(), after.get(new).unwrap_or_default());
        if same {
            lines.same(old);
        } else {
            lines.changed(old, new);
        }
    }
    lines.flush();
    fold(lines.done, breaks)
}

/// Hides what is the same, but for a little around what changed.
fn fold(rows: Vec<(bool, Row)>, breaks: bool) -> Vec<Rows> {
    let changes = || rows.iter().enumerate().filter(|(_, (changed, _))| *changed).map(|(at, _)| at);
    let Some(first) = changes().next() else { return Vec::new() };
    let mut shown = vec![false; rows.len()];
    for change in changes() {
        let end = rows.len().min(change + AROUND + 1);
        shown[change.saturating_sub(AROUND)..end].fill(true);
    }
    for hidden in shown.chunk_by_mut(|a, b| a == b).filter(|run| run.len() < HIDDEN) {
        hidden.fill(true);
    }
    let mut folded: Vec<Rows> = Vec::new();
    for (at, ((changed, mut row), shown)) in rows.into_iter().zip(shown).enumerate() {
        if breaks && at == first {
            folded.push(Rows::Break);
        }
        if shown && !changed {
            for (_, text) in &mut row {
                *text = shortened(text, true, false);
            }
        }
        match folded.last_mut() {
            Some(Rows::Shown(rows)) if shown => rows.push(row),
            Some(Rows::Same(rows)) if !shown => rows.push(row),
            _ if shown => folded.push(Rows::Shown(vec![row])),
            _ => folded.push(Rows::Same(vec![row])),
        }
    }
    folded
}

/// Puts rows together.
#[derive(Default)]
struct Lines<'a> {
    /// Whether a row changed, and what stands in it.
    done: Vec<(bool, Row)>,
    /// The row that is being put together.
    open: Vec<Piece<'a>>,
}

#[derive(Clone, Copy)]
struct Piece<'a> {
    /// As it was, or as it is if it is the same.
    old: &'a str,
    /// As it is.
    new: &'a str,
    same: bool,
}

impl<'a> Lines<'a> {
    fn same(&mut self, text: &'a str) {
        for line in text.split_inclusive('\n') {
            self.open.push(Piece { old: line, new: line, same: true });
            if line.ends_with('\n') {
                self.flush();
            }
        }
    }

    fn changed(&mut self, old: &'a str, new: &'a str) {
        self.open.push(Piece { old, new, same: false });
        let at_start = |side: fn(&Piece<'a>) -> &'a str| {
            let mut texts = self.open.iter().rev().map(side);
            texts.find(|text| !text.is_empty()).is_none_or(|text| text.ends_with('\n'))
        };
        if at_start(|piece| piece.old) && at_start(|piece| piece.new) {
            self.flush();
        }
    }

    /// Ends what is open: a row that is the same, a row of changed words, or the rows that were and those that are.
    fn flush(&mut self) {
        let open = std::mem::take(&mut self.open);
        let changed = || open.iter().filter(|piece| !piece.same);
        if open.is_empty() {
            return;
        }
        if changed().next().is_none() {
            let text: String = open.iter().map(|piece| piece.new.trim_end_matches('\n')).collect();
            self.done.push((false, vec![(Paint::Plain, format!("  {text}"))]));
        } else if changed().any(|piece| piece.old.contains('\n') || piece.new.contains('\n')) {
            self.side("- ", Paint::Bad, ["[-", "-]"], &open, |piece| piece.old);
            self.side("+ ", Paint::Good, ["{+", "+}"], &open, |piece| piece.new);
        } else {
            self.words(&open);
        }
    }

    /// The rows as they were, or as they are. Words are marked where not all of a row changed.
    fn side(
        &mut self,
        gutter: &str,
        paint: Paint,
        marks: [&str; 2],
        open: &[Piece<'a>],
        text: fn(&Piece<'a>) -> &'a str,
    ) {
        let mut row: Vec<(bool, &str)> = Vec::new();
        let mut end = |row: &mut Vec<(bool, &str)>| {
            let row = std::mem::take(row);
            let mixed = row.iter().any(|(same, _)| *same);
            let mut done = vec![(paint, gutter.to_owned())];
            for (same, text) in row {
                match (same, mixed) {
                    (true, _) => done.push((Paint::Plain, text.to_owned())),
                    (false, false) => done.push((paint, text.to_owned())),
                    (false, true) => done.push((paint, [marks[0], text, marks[1]].concat())),
                }
            }
            self.done.push((true, done));
        };
        for piece in open {
            for line in text(piece).split_inclusive('\n') {
                let kept = line.trim_end_matches('\n');
                if !kept.is_empty() {
                    row.push((piece.same, kept));
                }
                if line.ends_with('\n') {
                    end(&mut row);
                }
            }
        }
        if !row.is_empty() {
            end(&mut row);
        }
    }

    /// One row, with the words that are gone and those that came.
    fn words(&mut self, open: &[Piece<'a>]) {
        let mut row = vec![(Paint::Warn, "~ ".to_owned())];
        for (at, piece) in open.iter().enumerate() {
            if piece.same {
                let text = piece.new.trim_end_matches('\n');
                row.push((Paint::Plain, shortened(text, at > 0, at + 1 < open.len())));
                continue;
            }
            if !piece.old.is_empty() {
                row.push((Paint::Bad, ["[-", piece.old, "-]"].concat()));
            }
            if !piece.new.is_empty() {
                row.push((Paint::Good, ["{+", piece.new, "+}"].concat()));
            }
        }
        self.done.push((true, row));
    }
}

/// What is the same, without its middle, or what is far from what changed `before` and `after` it.
fn shortened(text: &str, before: bool, after: bool) -> String {
    let ends = BESIDE * (usize::from(before) + usize::from(after));
    if text.chars().nth(ends + BESIDE).is_none() {
        return text.to_owned();
    }
    let from = |count| text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    let start = if before { text.get(..from(BESIDE)).unwrap_or_default() } else { "" };
    let back = text.char_indices().rev().nth(BESIDE - 1).map_or(0, |(at, _)| at);
    let end = if after { text.get(back..).unwrap_or_default() } else { "" };
    [start, "…", end].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> String {
        let mut text = String::new();
        let row = |row: &Row| row.iter().map(|(_, text)| text.as_str()).collect::<String>() + "\n";
        for rows in rows(before, after, true) {
            match rows {
                Rows::Shown(rows) => text.extend(rows.iter().map(row)),
                Rows::Same(rows) => text.push_str(&format!("({} rows)\n", rows.len())),
                Rows::Break => text.push_str("(break)\n"),
            }
        }
        text
    }

    #[test]
    fn rows_of_words_and_whole_rows() {
        let before =
            "1\n2\n3\n4\n5\nToday is Monday.\nBe kind.\nUse few words.\n9\n10\n11\n12\n13\n";
        let after = "1\n2\n3\n4\n5\nToday is Tuesday.\nBe kind.\nUse few words.\nAnd\nmore\n9\n10\n11\n12\n13\n";
        insta::assert_snapshot!(shown(before, after), @"
        (3 rows)
          4
          5
        (break)
        ~ Today is [-Monday-]{+Tuesday+}.
          Be kind.
          Use few words.
        + And
        + more
          9
          10
        (3 rows)
        ");
        insta::assert_snapshot!(shown("one two three four\nfive\nsix\n", "one two 3\nfour five\nsix\n"), @"
        (break)
        - one two [-three four-]
        - five
        + one two {+3+}
        + {+four +}five
          six
        ");
        insta::assert_snapshot!(shown("gone\nstays\n", "stays\n"), @"
        (break)
        - gone
          stays
        ");
        assert_eq!(shown("same\n", "same\n"), "");
    }

    #[test]
    fn a_long_row_is_shown_around_what_changed() {
        let row = |word: &str| format!("{} {word} {}", "a ".repeat(300), "é ".repeat(300));
        insta::assert_snapshot!(shown(&row("old"), &row("new")), @"
        (break)
        ~ … a a a a a a a a a a a a a a a a a a a a a a a a a a a a a  [-old-]{+new+} é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é…
        ");
    }
}
