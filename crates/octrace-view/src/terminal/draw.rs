//! Lines onto cells. Whatever is drawn stays in the room that it was given.

use ratatui_core::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style as CellStyle},
};

use super::Theme;
use crate::text::{Paint, Style, line::Line};

/// So many columns are between two texts that have nothing to do with each other.
const GAP: u16 = 2;

/// What draws on the screen, and how it looks.
pub(super) struct Pen<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) theme: Theme,
    pub(super) style: &'a Style,
    /// Whether it draws the row with the cursor. Colours that are reversed can hardly be read, so that has none.
    pub(super) marked: bool,
}

impl Pen<'_> {
    /// Draws a line in the first row of `area`, as far as it has room; `…` stands for the rest.
    pub(super) fn line(&mut self, area: Rect, line: Line) {
        let area = area.intersection(self.buffer.area);
        if area.is_empty() {
            return;
        }
        let line = line.fit(usize::from(area.width), self.style);
        let mut x = area.x;
        for (paint, text) in line.pieces() {
            let room = usize::from(area.right().saturating_sub(x));
            if room == 0 {
                return;
            }
            let style = self.cell_style(*paint);
            (x, _) = self.buffer.set_stringn(x, area.y, text, room, style);
        }
    }

    /// Draws a line with its end at the right edge, and gives what is left of the area before it and a gap.
    pub(super) fn right(&mut self, area: Rect, line: Line) -> Rect {
        let line = line.fit(usize::from(area.width), self.style);
        let width = u16::try_from(line.width()).unwrap_or(area.width).min(area.width);
        let (left, right) = split_right(area, width);
        self.line(right, line);
        split_right(left, if width > 0 { GAP } else { 0 }).0
    }

    /// Makes `area` the place of the cursor, if this is its row.
    pub(super) fn ground(&mut self, area: Rect) {
        if self.marked {
            self.buffer.set_style(area, CellStyle::new().add_modifier(Modifier::REVERSED));
        }
    }

    fn cell_style(&self, paint: Paint) -> CellStyle {
        if !self.marked {
            return self.theme.style(paint);
        }
        let style = CellStyle::new().add_modifier(Modifier::REVERSED);
        let strong = matches!(paint, Paint::Strong | Paint::Bad);
        if strong { style.add_modifier(Modifier::BOLD) } else { style }
    }
}

/// A row of an area, from the top; nothing where it has no such row.
pub(super) fn row(area: Rect, at: u16) -> Rect {
    let y = area.y.saturating_add(at);
    Rect { y, height: u16::from(y < area.bottom()), ..area }
}

/// Where a word stands instead of content: after an empty row, where there is room for one.
pub(super) fn word_row(area: Rect) -> Rect {
    row(area, u16::from(area.height > 1))
}

/// The first `rows` of an area, and the others.
pub(super) fn split_top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let top = Rect { height: rows, ..area };
    (top, Rect { y: area.y + rows, height: area.height - rows, ..area })
}

/// An area without its last `rows`, and these.
pub(super) fn split_bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    split_top(area, area.height - rows.min(area.height))
}

/// An area without its last `columns`, and these.
pub(super) fn split_right(area: Rect, columns: u16) -> (Rect, Rect) {
    let columns = columns.min(area.width);
    let left = Rect { width: area.width - columns, ..area };
    (left, Rect { x: left.right(), width: columns, ..area })
}

/// An area without its first `columns`.
pub(super) fn without_left(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect { x: area.x + columns, width: area.width - columns, ..area }
}

/// A text over several rows.
pub(super) fn wrapped(paint: Paint, text: &str, width: usize) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    for word in text.split_whitespace() {
        let word = Line::new().put(paint, word);
        match lines.last_mut() {
            Some(line) if line.width() == 0 => *line = word,
            Some(line) if line.width() + 1 + word.width() <= width => {
                *line = std::mem::take(line).layout(paint, " ").join(word);
            }
            _ => lines.push(word),
        }
    }
    lines
}
