//! One line of output: pieces of text with their colours, measured in terminal columns.

use unicode_width::UnicodeWidthChar;

use super::{Paint, Style, safe};

/// A line being composed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pieces: Vec<(Paint, String)>,
    width: usize,
}

impl Line {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Appends text, made safe. The only way in for what was recorded.
    pub(crate) fn put(self, paint: Paint, text: &str) -> Self {
        self.layout(paint, &safe::line(text))
    }

    /// Appends our own text, with its spaces as they are.
    pub(crate) fn layout(mut self, paint: Paint, text: &str) -> Self {
        self.width += width(text);
        match self.pieces.last_mut() {
            Some((last, piece)) if *last == paint => piece.push_str(text),
            _ if text.is_empty() => {}
            _ => self.pieces.push((paint, text.to_owned())),
        }
        self
    }

    /// Appends uncoloured text.
    pub(crate) fn plain(self, text: &str) -> Self {
        self.put(Paint::Plain, text)
    }

    /// Appends `parts` with a dim dot between them; empty ones are left out.
    pub(crate) fn dotted<'a>(
        mut self,
        style: &Style,
        paint: Paint,
        parts: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut first = true;
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            if !first {
                self = self.put(Paint::Dim, style.glyph(" · ", " - "));
            }
            first = false;
            self = self.put(paint, part);
        }
        self
    }

    /// Appends another line.
    pub(crate) fn join(mut self, other: Self) -> Self {
        self.width += other.width;
        self.pieces.extend(other.pieces);
        self
    }

    /// Appends spaces up to this column.
    pub(crate) fn pad(self, column: usize) -> Self {
        let spaces = " ".repeat(column.saturating_sub(self.width));
        self.layout(Paint::Plain, &spaces)
    }

    /// Its pieces, in order, safe for a terminal.
    pub(crate) fn pieces(&self) -> &[(Paint, String)] {
        &self.pieces
    }

    /// What it says, without colours.
    pub(crate) fn text(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// How many columns it takes.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// At most `columns` wide; where something is left out, `…` stands for it.
    pub(crate) fn fit(self, columns: usize, style: &Style) -> Self {
        if self.width <= columns {
            return self;
        }
        let mark = style.glyph("…", "~");
        let mut fitted = Self::new();
        if columns == 0 {
            return fitted;
        }
        for (paint, text) in self.pieces {
            let room = (columns - 1).saturating_sub(fitted.width);
            let kept = prefix(&text, room);
            let whole = kept.len() == text.len();
            fitted = fitted.layout(paint, kept);
            if !whole {
                return fitted.layout(paint, mark);
            }
        }
        fitted
    }

    /// Writes it with a line end, and no spaces before that.
    pub(crate) fn render(mut self, style: &Style, out: &mut String) {
        while let Some((_, last)) = self.pieces.last_mut() {
            last.truncate(last.trim_end().len());
            if !last.is_empty() {
                break;
            }
            self.pieces.pop();
        }
        for (paint, text) in &self.pieces {
            match paint.code().filter(|_| style.color) {
                Some(code) => out.extend(["\x1b[", code, "m", text, "\x1b[0m"]),
                None => out.push_str(text),
            }
        }
        out.push('\n');
    }
}

/// How many columns a text without control characters takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|char| char.width().unwrap_or(0)).sum()
}

/// The longest beginning of `text` that is at most `columns` wide.
fn prefix(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, char) in text.char_indices() {
        used += char.width().unwrap_or(0);
        if used > columns {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rendered(line: Line, style: &Style) -> String {
        let mut out = String::new();
        line.render(style, &mut out);
        out
    }

    #[test]
    fn wide_characters_are_never_halved() {
        let style = Style::plain();
        let fit = |text: &str, columns| {
            rendered(Line::new().plain(text).fit(columns, &style), &style).trim_end().to_owned()
        };
        assert_eq!(fit("漢字漢字", 8), "漢字漢字");
        assert_eq!(fit("漢字漢字", 7), "漢字漢…");
        assert_eq!(fit("漢字漢字", 6), "漢字…");
        assert_eq!(fit("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn colour_is_ours_only() {
        let style = Style { color: true, ..Style::plain() };
        let line = Line::new().put(Paint::Bad, "x\x1b[0m").plain(" y  ");
        assert_eq!(rendered(line, &style), "\x1b[31mx␛[0m\x1b[0m y\n");
    }

    proptest! {
        #[test]
        fn a_fitted_line_fits(text in ".*", columns in 0usize..40) {
            let style = Style::plain();
            let line = Line::new().plain(&text).put(Paint::Dim, &text).fit(columns, &style);
            prop_assert!(line.width() <= columns);
            prop_assert!(width(rendered(line, &style).trim_end()) <= columns);
        }
    }
}
