//! The line at the foot in which something is typed: a filter, what is searched for, a file's name.

use std::ops::Range;

use ratatui_core::layout::Rect;

use super::{
    draw::{Pen, row, split_bottom, wrapped},
    input::Key,
};
use crate::text::{
    Paint,
    line::{self, Line},
    safe,
};

/// More bytes than anybody types; it bounds what a stray paste costs.
const LONGEST: usize = 1_000;

/// Text that is being typed.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    /// What it is for.
    label: &'static str,
    text: String,
    /// Where in it the next character goes, in bytes.
    at: usize,
    /// What is wrong with it, and where.
    problem: Option<(Range<usize>, String)>,
    /// What was typed the last time.
    last: String,
    /// What can be done, where there is room to say so.
    hint: &'static str,
}

/// What a key did to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// The text is another one.
    Changed,
    /// It is done.
    Accepted,
    /// It is given up.
    Cancelled,
    /// Nothing of the kind.
    Nothing,
}

impl Prompt {
    /// With this text to begin with.
    pub(super) fn new(label: &'static str, text: String) -> Self {
        Self { label, at: text.len(), text, problem: None, last: String::new(), hint: "" }
    }

    /// The arrow up brings this back.
    pub(super) fn recalling(self, last: String) -> Self {
        Self { last, ..self }
    }

    /// What has been typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Says what is wrong with the text.
    pub(super) fn set_problem(&mut self, problem: Option<(Range<usize>, String)>) {
        self.problem = problem;
    }

    /// Says what can be done.
    pub(super) fn set_hint(&mut self, hint: &'static str) {
        self.hint = hint;
    }

    /// How many rows it takes: what is wrong is told whole, above the text where there is no room beside it.
    pub(super) fn rows(&self, width: u16) -> u16 {
        u16::try_from(1 + self.above(width).len()).unwrap_or(u16::MAX)
    }

    /// What is wrong, in rows; none where there is room beside the text.
    fn above(&self, width: u16) -> Vec<Line> {
        let Some((_, message)) = &self.problem else { return Vec::new() };
        let width = usize::from(width);
        let text = Line::new().plain(self.label).plain(" ").plain(&self.text).width() + 1;
        if text + 2 + line::width(&safe::line(message)) <= width {
            return Vec::new();
        }
        wrapped(Paint::Bad, message, width)
    }

    pub(super) fn has_problem(&self) -> bool {
        self.problem.is_some()
    }

    /// A key.
    pub(super) fn key(&mut self, key: Key) -> Typed {
        let before = self.text.len();
        match key {
            Key::Enter => return Typed::Accepted,
            Key::Esc => return Typed::Cancelled,
            Key::Up if !self.last.is_empty() => {
                self.text.clone_from(&self.last);
                self.at = self.text.len();
                return Typed::Changed;
            }
            Key::Char(char) if self.text.len() < LONGEST => {
                self.text.insert(self.at, char);
                self.at += char.len_utf8();
            }
            // As in any shell: nothing is left to take away.
            Key::Backspace if self.text.is_empty() => return Typed::Cancelled,
            Key::Backspace => self.delete(self.left(), self.at),
            Key::Delete | Key::Ctrl('d') => self.delete(self.at, self.right()),
            Key::Ctrl('u') => self.delete(0, self.at),
            Key::Ctrl('k') => self.delete(self.at, self.text.len()),
            Key::Ctrl('w') => self.delete(self.word_left(), self.at),
            Key::Left | Key::Ctrl('b') => self.at = self.left(),
            Key::Right | Key::Ctrl('f') => self.at = self.right(),
            Key::Home | Key::Ctrl('a') => self.at = 0,
            Key::End | Key::Ctrl('e') => self.at = self.text.len(),
            _ => {}
        }
        if self.text.len() == before { Typed::Nothing } else { Typed::Changed }
    }

    /// Pasted text, of which only the first line counts.
    pub(super) fn paste(&mut self, text: &str) -> Typed {
        let line = text.trim_matches(['\r', '\n']).lines().next().unwrap_or_default();
        let room = LONGEST.saturating_sub(self.text.len());
        let end = line.char_indices().map(|(at, char)| at + char.len_utf8());
        let line =
            line.get(..end.take_while(|end| *end <= room).last().unwrap_or(0)).unwrap_or_default();
        self.text.insert_str(self.at, line);
        self.at += line.len();
        if line.is_empty() { Typed::Nothing } else { Typed::Changed }
    }

    /// Draws it in its last row; the end is in sight where there is no room for all.
    pub(super) fn draw(&self, area: Rect, pen: &mut Pen<'_>) {
        let (above, area) = split_bottom(area, 1);
        let problem = self.above(area.width);
        for (at, line) in (0..).zip(&problem) {
            pen.line(row(above, at), line.clone());
        }
        let (left, right) = self.text.split_at_checked(self.at).unwrap_or((&self.text, ""));
        let bad = self.problem.as_ref().map(|(at, _)| at.clone());
        let label = Line::new().put(Paint::Accent, self.label).layout(Paint::Plain, " ");
        let room = usize::from(area.width).saturating_sub(label.width() + 1);
        let from = suffix(left, room);
        let left = self.painted(left.get(from..).unwrap_or_default(), from, bad.as_ref());
        let mut line = label.join(left);
        let mut rest = right.chars();
        let under = rest.next().map_or(" ".to_owned(), String::from);
        line = line.put(Paint::Found, &under);
        line = line.join(self.painted(rest.as_str(), self.at + under.len(), bad.as_ref()));
        if self.problem.is_none() && line.width() + 2 + self.hint.len() <= usize::from(area.width) {
            pen.right(area, Line::new().put(Paint::Dim, self.hint));
        }
        if let Some((_, message)) = self.problem.as_ref().filter(|_| problem.is_empty()) {
            line = line.layout(Paint::Plain, "  ").put(Paint::Bad, message);
        }
        pen.line(area, line);
    }

    /// A stretch of the text that begins at `from`, with what is wrong in it marked.
    fn painted(&self, text: &str, from: usize, bad: Option<&Range<usize>>) -> Line {
        let mut line = Line::new();
        for (at, char) in text.char_indices() {
            let wrong = bad.is_some_and(|bad| bad.contains(&(from + at)));
            let paint = if wrong { Paint::Bad } else { Paint::Plain };
            line = line.put(paint, char.encode_utf8(&mut [0; 4]));
        }
        line
    }

    fn delete(&mut self, from: usize, to: usize) {
        self.text.drain(from..to);
        self.at = from;
    }

    fn left(&self) -> usize {
        let before = self.text.get(..self.at).unwrap_or_default();
        before.char_indices().next_back().map_or(0, |(at, _)| at)
    }

    fn right(&self) -> usize {
        let after = self.text.get(self.at..).unwrap_or_default();
        after.chars().next().map_or(self.at, |char| self.at + char.len_utf8())
    }

    fn word_left(&self) -> usize {
        let before = self.text.get(..self.at).unwrap_or_default().trim_end();
        before.rfind(char::is_whitespace).map_or(0, |at| {
            at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
        })
    }
}

/// Where the longest end of `text` begins that is at most `columns` wide, made safe.
fn suffix(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, char) in text.char_indices().rev() {
        used += line::width(&safe::line(char.encode_utf8(&mut [0; 4])));
        if used > columns {
            return at + char.len_utf8();
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        let mut prompt = Prompt::new("filter", "model:x tool:é".to_owned());
        for key in [Key::Backspace, Key::Char('b'), Key::Home, Key::Char('-'), Key::Right] {
            prompt.key(key);
        }
        assert_eq!(prompt.text(), "-model:x tool:b");
        assert_eq!(prompt.key(Key::End), Typed::Nothing);
        assert_eq!(prompt.key(Key::Ctrl('w')), Typed::Changed);
        assert_eq!(prompt.text(), "-model:x ");
        prompt.paste("\nfirst\nsecond");
        assert_eq!(prompt.text(), "-model:x first");
        prompt.key(Key::Ctrl('u'));
        assert_eq!(prompt.key(Key::Backspace), Typed::Cancelled);
    }

    proptest! {
        #[test]
        fn any_keys_leave_a_text(start in ".{0,12}", keys in prop::collection::vec(0usize..11, 0..40)) {
            let all = [Key::Char('ß'), Key::Char(' '), Key::Char('漢'), Key::Backspace, Key::Delete, Key::Left,
                Key::Right, Key::Home, Key::End, Key::Ctrl('w'), Key::Ctrl('k')];
            let mut prompt = Prompt::new("x", start);
            for key in keys {
                prompt.key(all[key]);
                prop_assert!(prompt.text.is_char_boundary(prompt.at));
            }
        }
    }
}
