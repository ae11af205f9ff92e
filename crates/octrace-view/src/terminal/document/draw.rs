//! What is in view, onto cells.

use ratatui_core::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Modifier,
};
use unicode_width::UnicodeWidthStr;

use super::{Document, Place, Search, layout::Laid};
use crate::{
    terminal::Theme,
    text::{Paint, Style},
};

impl Document {
    /// Draws what is in view.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, theme: Theme, style: &Style) {
        let area = area.intersection(buffer.area);
        if area != self.area || !self.was_drawn {
            if area.width != self.area.width {
                self.laid.clear();
            }
            self.area = area;
            if !self.was_drawn {
                self.was_drawn = true;
                self.begin_view();
            }
            self.follow();
        }
        let selected = self.selected();
        let mut place = self.top.clone();
        let mut cursor = self.cursor.clone();
        cursor.at = self.laid(&cursor.path).row(cursor.at);
        for y in area.y..area.bottom() {
            let row = Rect { y, height: 1, ..area };
            self.row(&place, row, buffer, theme, style);
            let laid = self.laid(&place.path);
            let indent = self.indent(&place.path) as u16;
            let text = Rect {
                x: row.x.saturating_add(indent),
                width: row.width.saturating_sub(indent),
                ..row
            };
            if let Some((from, to)) = &selected {
                mark(&laid, &place, from, to, text, buffer);
            }
            if place == cursor && selected.is_none() {
                invert(row, buffer);
            }
            let (next, rows) = self.down(&place, 1);
            if rows == 0 {
                break;
            }
            place = next;
        }
    }

    fn row(&mut self, place: &Place, area: Rect, buffer: &mut Buffer, theme: Theme, style: &Style) {
        let indent = self.indent(&place.path);
        let open = self.tree.is_open(&place.path);
        let laid = self.laid(&place.path);
        let found = self.find.hits(&laid, place.at);
        let is_current = self.find.state == Search::Found && place.path == self.cursor.path;
        let current = is_current.then_some(self.cursor.at);
        let mut begin = area.x + (indent.saturating_sub(2) as u16).min(area.width);
        let Some(node) = self.tree.node(&place.path) else { return };
        if place.at == 0 && node.folds() {
            let mark = if open { style.glyph("▾", "-") } else { style.glyph("▸", "+") };
            put(buffer, begin, area, mark, theme.style(Paint::Dim));
        }
        begin = area.x + (indent as u16).min(area.width);
        let mut paints = laid.said.paints.iter().peekable();
        for (column, cluster) in laid.row_clusters(place.at) {
            while paints.next_if(|(end, _)| *end <= cluster.at).is_some() {}
            let mut look = theme.style(paints.peek().map_or(Paint::Plain, |(_, paint)| *paint));
            if found.iter().any(|hit| hit.contains(&cluster.at)) {
                look = look.patch(theme.style(Paint::Found));
                // The place that the cursor is at looks different, also without colours.
                if found.iter().any(|hit| hit.contains(&cluster.at) && Some(hit.start) == current) {
                    look = look.add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
                }
            }
            let x = usize::from(begin) + column;
            if laid.is_cut() && x + cluster.width > usize::from(area.right()) {
                let x = area.right().saturating_sub(1);
                if x >= area.x && area.width > 0 {
                    put(buffer, x, area, style.glyph("…", "~"), theme.style(Paint::Dim));
                }
                break;
            }
            put(buffer, u16::try_from(x).unwrap_or(u16::MAX), area, &cluster.shown, look);
        }
    }
}

/// One cluster, or what is shown for it, as far as there is room.
fn put(buffer: &mut Buffer, x: u16, area: Rect, text: &str, style: ratatui_core::style::Style) {
    let room = usize::from(area.right().saturating_sub(x));
    if room == 0 {
        return;
    }
    if text.width() <= 2 && text.chars().count() > 1 && text.width() <= room && !text.is_ascii() {
        // One place on the screen, whatever it is made of.
        if let Some(cell) = buffer.cell_mut(Position { x, y: area.y }) {
            cell.set_symbol(text).set_style(style);
        }
        if text.width() == 2
            && let Some(cell) = buffer.cell_mut(Position { x: x + 1, y: area.y })
        {
            cell.reset();
        }
        return;
    }
    buffer.set_stringn(x, area.y, text, room, style);
}

/// The row with the cursor; what is reversed in it already, is not.
fn invert(row: Rect, buffer: &mut Buffer) {
    for position in row.positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            cell.modifier.toggle(Modifier::REVERSED);
        }
    }
}

/// Marks what is selected of a row.
fn mark(laid: &Laid, place: &Place, from: &Place, to: &Place, area: Rect, buffer: &mut Buffer) {
    let style = ratatui_core::style::Style::new().add_modifier(Modifier::REVERSED);
    let range = laid.range(place.at);
    let start = if place.path < from.path {
        usize::MAX
    } else if place.path == from.path {
        from.at
    } else {
        0
    };
    let end = if place.path > to.path {
        0
    } else if place.path == to.path {
        to.at
    } else {
        usize::MAX
    };
    let empty = range.is_empty() && start <= range.start && end >= range.end && start != usize::MAX;
    for (column, cluster) in laid.row_clusters(place.at) {
        if cluster.at < start || cluster.at >= end {
            continue;
        }
        // A line end that is selected shows, too.
        let width = cluster.width.max(1);
        let x = usize::from(area.x) + column;
        if x < usize::from(area.right()) {
            let width = width.min(usize::from(area.right()) - x);
            buffer.set_style(Rect { x: x as u16, width: width as u16, ..area }, style);
        }
    }
    if empty && area.width > 0 {
        buffer.set_style(Rect { width: 1, ..area }, style);
    }
}
