//! A node's text in rows of a width.
//!
//! The text is the true one, with all that was recorded in it; a [`Cluster`] of it is made safe when it is measured
//! and when it is drawn. So places in what is shown are places in what is copied.

use std::{borrow::Cow, ops::Range};

use octrace_core::json::TokenKind;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::{
    json::{INLINE, Value},
    node::{Below, How, Node, Own},
    pieces,
};
use crate::text::{Line, Paint, figures, safe};

/// What a node says, before it is laid out.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) text: String,
    /// Where each colour ends.
    pub(super) paints: Vec<(usize, Paint)>,
    /// How much of its beginning is ours: a number in a list.
    pub(super) prefix: usize,
    /// How much of it is its own; the rest is a glimpse of what is folded.
    pub(super) own: usize,
    /// Whether it is one row that is cut.
    cut: bool,
    how: Option<How>,
}

impl Said {
    /// What the node shows, folded or not.
    pub(super) fn of(node: &Node, open: bool) -> Self {
        let mut said = Self::default();
        match &node.own {
            Own::Group(_) => {}
            Own::Line { line, preview, .. } => {
                said.line(line);
                said.own = said.text.len();
                said.cut = true;
                if !open {
                    said.line(preview);
                }
                return said;
            }
            Own::Value(value) => {
                said.value(value, open, matches!(node.below, Below::Nothing));
                return said;
            }
            Own::Piece(span, how) => {
                let paint = if *how == How::Json { Paint::Good } else { Paint::Plain };
                said.push(paint, &pieces::read(span, *how));
                said.how = Some(*how);
            }
            Own::Painted(text, paints) => {
                for (range, paint) in paints {
                    said.paint(range.start, Paint::Plain);
                    said.paint(range.end, *paint);
                }
                said.text.push_str(text);
                said.paint(text.len(), Paint::Plain);
            }
        }
        said.own = said.text.len();
        said
    }

    fn line(&mut self, line: &Line) {
        for (paint, text) in line.pieces() {
            self.push(*paint, text);
        }
    }

    fn push(&mut self, paint: Paint, text: &str) {
        self.text.push_str(text);
        self.paint(self.text.len(), paint);
    }

    fn paint(&mut self, end: usize, paint: Paint) {
        if end > self.paints.last().map_or(0, |(end, _)| *end) {
            self.paints.push((end, paint));
        }
    }

    fn value(&mut self, value: &Value, open: bool, whole: bool) {
        let span = &value.span;
        if let Some(index) = value.index {
            self.push(Paint::Dim, &format!("{index} "));
            self.prefix = self.text.len();
        }
        if let Some(name) = &value.name {
            let name = span.part(name.start..name.end.min(name.start + INLINE));
            self.push(Paint::Accent, &String::from_utf8_lossy(name.bytes()));
            self.push(Paint::Plain, ": ");
        }
        self.how = Some(How::Json);
        if whole {
            let paint = match value.kind {
                TokenKind::String => Paint::Good,
                TokenKind::Number | TokenKind::Word => Paint::Warn,
                _ => Paint::Plain,
            };
            self.push(paint, &String::from_utf8_lossy(span.bytes()));
            self.own = self.text.len();
            return;
        }
        self.cut = true;
        self.own = self.text.len();
        let size = figures::bytes(span.range.len() as u64);
        match value.kind {
            TokenKind::ObjectStart => self.push(Paint::Plain, &format!("{{{}}}", value.count)),
            TokenKind::ArrayStart => self.push(Paint::Plain, &format!("[{}]", value.count)),
            _ => {}
        }
        let size = if value.kind == TokenKind::String { size } else { format!(" {size}") };
        self.push(Paint::Dim, &size);
        if !open {
            let start = span.range.start;
            let glimpse = span.part(start..span.range.end.min(start + INLINE));
            self.push(Paint::Dim, " ");
            self.push(Paint::Dim, &String::from_utf8_lossy(glimpse.bytes()));
        }
    }

    /// In rows of so many columns.
    pub(super) fn laid_out(self, width: usize) -> Laid {
        let rows = if self.cut { vec![0] } else { rows(&self.text, self.how, width.max(1)) };
        Laid { said: self, rows }
    }
}

/// A text in rows.
#[derive(Debug)]
pub(super) struct Laid {
    pub(super) said: Said,
    /// Where each row begins; there is at least one.
    rows: Vec<usize>,
}

impl Laid {
    /// Where the row begins that `at` is in.
    pub(super) fn row(&self, at: usize) -> usize {
        let row = self.rows.partition_point(|start| *start <= at).saturating_sub(1);
        self.rows.get(row).copied().unwrap_or_default()
    }

    pub(super) fn next_row(&self, at: usize) -> Option<usize> {
        self.rows.get(self.rows.partition_point(|start| *start <= at)).copied()
    }

    pub(super) fn previous_row(&self, at: usize) -> Option<usize> {
        let row = self.rows.partition_point(|start| *start <= at).checked_sub(2)?;
        self.rows.get(row).copied()
    }

    pub(super) fn last_row(&self) -> usize {
        self.rows.last().copied().unwrap_or_default()
    }

    /// The bytes of the row that `at` is in, its line end included.
    pub(super) fn range(&self, at: usize) -> Range<usize> {
        self.row(at)..self.next_row(at).unwrap_or(self.said.text.len())
    }

    /// Whether a row goes on where the one with `at` is cut.
    pub(super) fn is_cut(&self) -> bool {
        self.said.cut
    }

    /// The clusters of the row that `at` is in, with their columns.
    pub(super) fn row_clusters(&self, at: usize) -> impl Iterator<Item = (usize, Cluster<'_>)> {
        let range = self.range(at);
        let start = range.start;
        let text = self.said.text.get(range).unwrap_or_default();
        let mut column = 0;
        Clusters { text, how: self.said.how, at: 0 }.map(move |mut cluster| {
            cluster.at += start;
            column += cluster.width;
            (column - cluster.width, cluster)
        })
    }

    /// Where the cluster ends that begins at or before `at`.
    pub(super) fn cluster_end(&self, at: usize) -> usize {
        let ends = self.row_clusters(at).map(|(_, cluster)| cluster.at + cluster.text.len());
        ends.into_iter().find(|end| *end > at).unwrap_or(self.said.text.len())
    }
}

/// What takes one place on the screen.
#[derive(Debug)]
pub(super) struct Cluster<'a> {
    /// Its first byte.
    pub(super) at: usize,
    /// The true text.
    pub(super) text: &'a str,
    /// What is shown for it.
    pub(super) shown: Cow<'a, str>,
    /// How many columns that takes.
    pub(super) width: usize,
    /// Whether the row ends after it.
    ends: bool,
}

struct Clusters<'a> {
    text: &'a str,
    how: Option<How>,
    at: usize,
}

impl<'a> Iterator for Clusters<'a> {
    type Item = Cluster<'a>;

    fn next(&mut self) -> Option<Cluster<'a>> {
        let at = self.at;
        let rest = self.text.get(at..).filter(|rest| !rest.is_empty())?;
        let bytes = rest.as_bytes();
        let is_simple = |byte: Option<&u8>| byte.is_none_or(|byte| (b' '..0x7f).contains(byte));
        // An escape is never torn apart, and where it is a line end, the row ends.
        let escape = self.how == Some(How::Json)
            && bytes.first() == Some(&b'\\')
            && bytes.get(1).is_some_and(u8::is_ascii_graphic);
        let length = if escape {
            2
        } else if is_simple(bytes.first()) && is_simple(bytes.get(1)) {
            1
        } else {
            rest.graphemes(true).next().map_or(rest.len(), str::len)
        };
        let text = rest.get(..length).unwrap_or(rest);
        self.at += text.len();
        let ends = matches!(text, "\n" | "\r\n") || (escape && text == r"\n");
        let shown = shown(text);
        let width =
            if is_simple(bytes.first()) && shown.is_ascii() { shown.len() } else { shown.width() };
        Some(Cluster { at, text, shown, width, ends })
    }
}

/// What is shown for a cluster: itself where that is harmless and can be seen.
fn shown(text: &str) -> Cow<'_, str> {
    match text {
        "\n" | "\r\n" => return Cow::Borrowed(""),
        "\t" => return Cow::Borrowed("    "),
        _ => {}
    }
    let safe = safe::block(text);
    if safe.width() > 0 || safe.is_empty() {
        return safe;
    }
    Cow::Owned(text.chars().map(|char| format!("\\u{{{:x}}}", u32::from(char))).collect())
}

fn rows(text: &str, how: Option<How>, width: usize) -> Vec<usize> {
    let mut rows = vec![0];
    let mut column = 0;
    // After the last space of the row: where that is, and its column.
    let mut space: Option<(usize, usize)> = None;
    for cluster in (Clusters { text, how, at: 0 }) {
        let end = cluster.at + cluster.text.len();
        // After a word that went down, there may still be no room.
        while column + cluster.width > width && column > 0 {
            let (start, before) = space.take().unwrap_or((cluster.at, column));
            rows.push(start);
            column -= before;
        }
        column += cluster.width;
        if cluster.ends {
            if end < text.len() {
                rows.push(end);
            }
            column = 0;
            space = None;
        } else if cluster.text == " " && column <= width {
            space = Some((end, column));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn laid_out(text: &str, how: How, width: usize) -> Laid {
        let said =
            Said { text: text.to_owned(), how: Some(how), own: text.len(), ..Said::default() };
        said.laid_out(width)
    }

    fn shown(laid: &Laid) -> Vec<String> {
        let row = |at: usize| {
            laid.row_clusters(at).map(|(_, cluster)| cluster.shown.into_owned()).collect()
        };
        laid.rows.iter().map(|at| row(*at)).collect()
    }

    #[test]
    fn rows_end_at_lines_words_and_characters() {
        let rows = |text, width| shown(&laid_out(text, How::Text, width));
        assert_eq!(rows("two words\nand more", 6), ["two ", "words", "and ", "more"]);
        assert_eq!(rows("漢字漢字", 5), ["漢字", "漢字"]);
        assert_eq!(rows("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(rows("a👩‍💻b", 3), ["a👩‍💻", "b"]);
        assert_eq!(rows("a\r\n\tb\r\x1b[2J\u{202e}", 20), ["a", r"    b␍␛[2J\u{202e}"]);
        assert_eq!(rows("a\u{200d}", 9), [r"a"].map(|a| format!("{a}\u{200d}")));
        assert_eq!(rows("", 9), [""]);
        assert_eq!(rows("\n\n", 9), ["", ""]);
        let json = shown(&laid_out(r#"a\nb\\nc\"#, How::Json, 20));
        assert_eq!(json, [r"a\n", r"b\\nc\"]);
    }

    proptest! {
        #[test]
        fn rows_are_the_text_and_fit(
            text in "(\\PC|[\\x00-\\x{ff}]|[\\x{2000}-\\x{2070}]|漢|👩‍💻|\\\\n| |\n|\r\n){0,60}", width in 1usize..30,
        ) {
            for how in [How::Text, How::Json] {
                let laid = laid_out(&text, how, width);
                let together: String = laid.rows.iter().map(|at| laid.said.text.get(laid.range(*at)).unwrap()).collect();
                prop_assert_eq!(&together, &text);
                for at in &laid.rows {
                    let clusters: Vec<_> = laid.row_clusters(*at).collect();
                    let total: usize = clusters.iter().map(|(_, cluster)| cluster.width).sum();
                    prop_assert!(total <= width || clusters.iter().filter(|(_, cluster)| cluster.width > 0).count() == 1);
                    prop_assert!(clusters.iter().all(|(_, cluster)| cluster.shown.chars().all(safe::is_harmless)));
                }
            }
        }
    }
}
