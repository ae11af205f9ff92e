//! Where somebody is in a list: the row with the cursor, and which rows are in sight.

use std::ops::Range;

use super::command::Command;

/// A cursor. The list's length is given each time, since lists grow and shrink under it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The row that it is on; 0 in an empty list.
    pub(super) at: usize,
    /// The first row in sight.
    top: usize,
    /// How many rows were in sight when it was drawn last.
    rows: usize,
}

impl Cursor {
    /// Moves as a command says; false if it says nothing about that.
    pub(super) fn go(&mut self, command: Command, len: usize) -> bool {
        let page = self.rows.max(1);
        let at = match command {
            Command::Up => self.at.saturating_sub(1),
            Command::Down => self.at.saturating_add(1),
            Command::HalfUp => self.at.saturating_sub(page.div_ceil(2)),
            Command::HalfDown => self.at.saturating_add(page.div_ceil(2)),
            // One row stays in sight, so that one can read on.
            Command::PageUp => self.at.saturating_sub((page - 1).max(1)),
            Command::PageDown => self.at.saturating_add((page - 1).max(1)),
            Command::First => 0,
            Command::Last => usize::MAX,
            _ => return false,
        };
        self.set(at, len);
        true
    }

    /// Puts it on a row, or on the last one.
    pub(super) fn set(&mut self, at: usize, len: usize) {
        self.at = at.min(len.saturating_sub(1));
    }

    /// Its row is another one now, because of what came and went above it: it stays where it is on screen. Only who
    /// sees the first row goes on to see what comes before it.
    pub(super) fn carry(&mut self, at: usize, len: usize) {
        let above = self.at.saturating_sub(self.top);
        self.set(at, len);
        if self.top > 0 {
            self.top = self.at.saturating_sub(above);
        }
    }

    /// The rows in sight, where there is room for so many.
    pub(super) fn sight(&mut self, rows: usize, len: usize) -> Range<usize> {
        self.rows = rows;
        self.at = self.at.min(len.saturating_sub(1));
        self.top = self.top.min(len.saturating_sub(rows)).min(self.at);
        if self.at >= self.top.saturating_add(rows) {
            self.top = (self.at + 1).saturating_sub(rows);
        }
        self.top..self.top.saturating_add(rows).min(len)
    }

    /// The row that was drawn so many rows below the first one in sight.
    pub(super) fn in_sight(&self, below: usize, len: usize) -> Option<usize> {
        Some(self.top.saturating_add(below)).filter(|at| below < self.rows && *at < len)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_keeps_one_row_in_sight() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.sight(10, 100), 0..10);
        cursor.go(Command::PageDown, 100);
        cursor.go(Command::PageDown, 100);
        assert_eq!((cursor.at, cursor.sight(10, 100)), (18, 9..19));
        cursor.go(Command::Last, 100);
        assert_eq!(cursor.sight(10, 100), 90..100);
        cursor.go(Command::HalfUp, 100);
        assert_eq!((cursor.at, cursor.sight(10, 100)), (94, 90..100));
    }

    #[test]
    fn rows_that_come_above_do_not_move_what_is_read() {
        let mut cursor = Cursor::default();
        cursor.sight(10, 50);
        cursor.set(30, 50);
        assert_eq!(cursor.sight(10, 50), 21..31);
        cursor.carry(37, 57);
        assert_eq!(cursor.sight(10, 57), 28..38);
    }

    proptest! {
        #[test]
        fn the_cursor_is_in_sight(steps in prop::collection::vec((0usize..8, 0usize..30, 0usize..60), 1..40)) {
            let commands = [Command::Up, Command::Down, Command::PageUp, Command::PageDown, Command::First,
                Command::Last, Command::HalfUp, Command::HalfDown];
            let mut cursor = Cursor::default();
            for (command, rows, len) in steps {
                cursor.go(commands[command], len);
                let sight = cursor.sight(rows, len);
                prop_assert!(sight.end <= len && sight.len() <= rows);
                prop_assert!(rows == 0 || len == 0 || sight.contains(&cursor.at));
                prop_assert!(rows == 0 || sight.len() == rows.min(len), "no room is wasted");
            }
        }
    }
}
