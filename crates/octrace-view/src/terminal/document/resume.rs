//! A page that was made again, because there is more of it now, begins where somebody was in the one before.

use super::{Document, find::Search};

impl Document {
    /// Takes over from `before` what a person did there: what is folded, where the cursor is, and what is searched
    /// for, as far as this page has such places. What was selected is not any more. Who was at its end is at the new one.
    pub fn resume(&mut self, mut before: Self) {
        let at_end = before.was_drawn && before.down(&before.cursor.clone(), 1).1 == 0;
        self.tree.fold_as(before.tree);
        self.area = before.area;
        self.was_drawn = before.was_drawn;
        self.find.words = before.find.words;
        self.find.state = match before.find.state {
            // It would go on at places of the page before.
            Search::Going(_) => Search::None,
            state => state,
        };
        for (place, known) in [(&mut self.cursor, before.cursor), (&mut self.top, before.top)] {
            if self.tree.has_row(&known.path) {
                *place = known;
            }
        }
        if at_end {
            self.cursor = self.end();
        }
        if self.was_drawn {
            self.follow();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        terminal::document::{Node, Step},
        text::{Line, Paint},
    };

    fn page(messages: usize) -> Document {
        let line = |text: String| Line::new().put(Paint::Plain, &text);
        let message = |at: usize| {
            let below =
                (0..3).map(|row| Node::heading(line(format!("row {row} of {at}")), Vec::new()));
            Node::heading(line(format!("message {at}")), below.collect()).unfolded()
        };
        Document::new((0..messages).map(message).collect())
    }

    #[test]
    fn who_was_at_the_end_stays_there() {
        let mut before = page(3);
        let area = ratatui_core::layout::Rect::new(0, 0, 40, 5);
        let mut buffer = ratatui_core::buffer::Buffer::empty(area);
        let style = crate::text::Style::plain();
        before.draw(area, &mut buffer, crate::terminal::Theme::Dark, &style);
        before.step(Step::End);
        let mut after = page(9);
        after.resume(before);
        assert_eq!(after.cursor.path, [8, 2]);
        after.step(Step::Up);
        let mut more = page(12);
        more.resume(after);
        assert_eq!(more.cursor.path, [8, 1], "and who was not, is not");
    }

    #[test]
    fn more_of_a_page_leaves_the_cursor_where_it_was() {
        let mut before = page(3);
        before.step(Step::Fold);
        before.step(Step::Down);
        before.step(Step::Down);
        let cursor = before.cursor.clone();
        let mut after = page(5);
        after.resume(before);
        assert_eq!(after.cursor, cursor);
        assert_eq!(cursor.path, [1, 0]);
        assert!(!after.tree.is_open(&[0]) && after.tree.is_open(&[1]));
        let mut less = page(1);
        less.resume(after);
        assert_eq!(less.cursor.path, [0], "what is not there any more is nowhere to be");
    }
}
