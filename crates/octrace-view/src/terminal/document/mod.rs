//! What a tab shows: text that can be folded, searched, selected and copied, of any size.
//!
//! A page is an outline of [`Node`]s. What stands below a node is found when somebody unfolds it, and text is
//! decoded and wrapped when it comes into view. A place is a node and a byte of its text, never a line number, so no
//! step lays out the whole.

mod build;
mod difference;
mod node;

use ratatui_core::{buffer::Buffer, layout::Rect};

pub use self::build::{Exchanges, document};
pub(crate) use self::node::{How, Node, Span};
use super::{Theme, input::Mouse};
use crate::text::Style;

/// One page's content, and where somebody is in it.
#[derive(Debug, Default)]
pub struct Document {
    nodes: Vec<Node>,
}

/// A step that a person takes in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// Half a screen up.
    HalfUp,
    /// Half a screen down.
    HalfDown,
    /// To the first row.
    Top,
    /// To the last row.
    End,
    /// To the next node at the same depth.
    Next,
    /// To the node before at the same depth.
    Previous,
    /// While selecting: one character to the left. Otherwise folds, or goes to the node above.
    Left,
    /// While selecting: one character to the right. Otherwise unfolds.
    Right,
    /// Folds what is unfolded, unfolds what is folded.
    Fold,
    /// Folds all below the node, or unfolds all of it where it is folded.
    FoldBelow,
    /// Folds everything.
    FoldAll,
    /// Unfolds everything.
    UnfoldAll,
    /// Begins a selection at the cursor, or gives it up.
    Select,
    /// Selects everything.
    SelectAll,
    /// Gives up the selection.
    Deselect,
}

/// How a search stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Search {
    /// Nothing is searched for.
    #[default]
    None,
    /// The cursor is where the words stand.
    Found,
    /// They stand nowhere.
    Absent,
    /// Not yet found; [`Document::search_more`] goes on. So many percent are done.
    Going(u8),
}

/// What is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// As it was recorded: without our indentation, line breaks or marks.
    pub text: String,
    /// What it is, in a few words: `selection`, `messages`.
    pub what: String,
}

impl Document {
    /// A page of `nodes`. Takes time in proportion to their texts: not for the thread that draws.
    pub(crate) fn new(nodes: Vec<Node>) -> Self {
        Self { nodes }
    }

    /// Takes a step. Where it makes no sense, nothing happens.
    pub fn step(&mut self, _step: Step) {}

    /// The mouse did something at a cell of the screen; selects from press to release, and scrolls. Says whether that
    /// was in the area that was drawn last.
    pub fn mouse(&mut self, _mouse: Mouse) -> bool {
        false
    }

    /// Looks for `words` from the cursor on, ignoring case; empty ones end the search.
    pub fn search(&mut self, _words: &str) -> Search {
        Search::None
    }

    /// To the next place of the words, or the one before.
    pub fn search_next(&mut self, _forward: bool) -> Search {
        Search::None
    }

    /// Goes on with a search that is [`Search::Going`].
    pub fn search_more(&mut self) -> Search {
        Search::None
    }

    /// How the search stands.
    pub fn searching(&self) -> Search {
        Search::None
    }

    /// Whether something is selected.
    pub fn is_selecting(&self) -> bool {
        false
    }

    /// The selection, else the node under the cursor, whole. Takes time in proportion to its size.
    pub fn copy(&mut self) -> Option<Clip> {
        None
    }

    /// How far down the cursor is, 0 to 100.
    pub fn percent(&mut self) -> u8 {
        0
    }

    /// Draws what is in view.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, theme: Theme, _style: &Style) {
        let mut y = area.y;
        for node in &self.nodes {
            if y >= area.bottom() {
                break;
            }
            let mut x = area.x;
            for (paint, text) in node.line() {
                let room = usize::from(area.right().saturating_sub(x));
                x = buffer.set_stringn(x, y, text, room, theme.style(paint)).0;
            }
            y += 1;
        }
    }
}
