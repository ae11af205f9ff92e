//! What a tab shows: text that can be folded, searched, selected and copied, of any size.
//!
//! A page is an outline of nodes. What stands below a node is found when somebody unfolds it, and text is
//! decoded and wrapped when it comes into view. A place is a node and a byte of its text, never a line number, so no
//! step lays out the whole.

mod build;
mod calls;
mod conversation;
mod copy;
mod difference;
mod draw;
mod events;
mod find;
mod json;
mod layout;
mod node;
mod pieces;
mod resume;
mod rows;
mod steps;
mod tree;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use ratatui_core::layout::Rect;

pub(crate) use self::node::{How, Node, Span};
pub use self::{
    build::{Exchanges, document, needs},
    calls::Ran,
    find::Search,
    steps::Step,
};
use self::{
    calls::Call,
    find::Find,
    layout::Laid,
    tree::{Path, Tree},
};
use crate::text::figures;

/// A screen that was not drawn yet has so many cells.
const SCREEN: Rect = Rect { x: 0, y: 0, width: 80, height: 24 };

/// No more selected rows are counted than so many: every picture does it again.
const COUNTED: u64 = 200;

/// A place in a page: a node, and a byte of its text. In the order of reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    path: Path,
    at: usize,
}

/// From where to the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Selection {
    /// Whole rows.
    Rows(Place),
    /// Characters, both ends included.
    Characters(Place),
    /// Everything.
    All,
}

/// One page's content, and where somebody is in it.
#[derive(Debug, Default)]
pub struct Document {
    tree: Tree,
    /// The recorded bytes that it shows as they are: then what stands between two places is copied, too.
    exact: Option<Arc<Vec<u8>>>,
    cursor: Place,
    /// The first row in view.
    top: Place,
    /// Where it was drawn last.
    area: Rect,
    was_drawn: bool,
    selection: Option<Selection>,
    /// Where the mouse button went down.
    pressed: Option<Place>,
    find: Find,
    calls: Vec<Call>,
    laid: HashMap<Path, Arc<Laid>>,
}

impl Document {
    /// A page of `nodes`. Takes time in proportion to their texts: not for the thread that draws.
    pub(crate) fn new(nodes: Vec<Node>) -> Self {
        let mut document = Self { tree: Tree::new(nodes), area: SCREEN, ..Self::default() };
        let first = document.tree.first();
        document.cursor.path.clone_from(&first);
        document.top.path = first;
        document
    }

    /// Of recorded bytes as they are: a selection is copied with all that stands between its ends.
    fn exact(mut self, bytes: Arc<Vec<u8>>) -> Self {
        self.exact = Some(bytes);
        self
    }

    /// Opens with the cursor on this node.
    fn beginning_at(mut self, path: Path) -> Self {
        self.cursor = Place { path, at: 0 };
        self.was_drawn = false;
        self
    }

    /// Whether something is selected.
    pub fn is_selecting(&self) -> bool {
        self.selection.is_some()
    }

    /// How much of the page is above the end of what is in view, 0 to 100; `None` where all of it is in view.
    pub fn percent(&mut self) -> Option<u8> {
        let (top, height) = (self.top.clone(), usize::from(self.area.height).max(1));
        let (bottom, _) = self.down(&top, height - 1);
        let is_end = self.down(&bottom, 1).1 == 0;
        if is_end {
            return (self.up(&top, 1).1 > 0).then_some(100);
        }
        let laid = self.laid(&bottom.path);
        let within = bottom.at as f64 / laid.said.text.len().max(1) as f64;
        Some(((self.tree.share(&bottom.path, within) * 100.0) as u8).min(99))
    }

    /// How much is selected, in words; `None` where nothing is.
    pub fn selected_size(&mut self) -> Option<String> {
        if self.selection == Some(Selection::All) {
            return Some("the whole page".to_owned());
        }
        let (from, to) = self.selected()?;
        let mut place = Place { at: self.laid(&from.path).row(from.at), path: from.path.clone() };
        for rows in 1..COUNTED {
            let (next, more) = self.down(&place, 1);
            if more == 0 || next > to || (next == to && to.at > 0) {
                let is_part = matches!(self.selection, Some(Selection::Characters(_)));
                if rows == 1 && is_part && from.path == to.path {
                    let laid = self.laid(&from.path);
                    let text = laid.said.text.get(from.at..to.at).unwrap_or_default();
                    return Some(figures::many(text.chars().count() as u64, "character"));
                }
                return Some(figures::many(rows, "line"));
            }
            place = next;
        }
        Some(format!("{COUNTED} lines or more"))
    }
}
