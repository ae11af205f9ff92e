//! Walking from row to row.

use std::sync::Arc;

use super::{
    Document, Place,
    layout::{Laid, Said},
};

/// So many laid out nodes are kept.
const KEPT: usize = 128;

/// Deeper nodes are not indented further, by this share of the width.
const INDENTED: usize = 4;

impl Document {
    /// In which column a node's text begins; its mark stands before that.
    pub(super) fn indent(&self, path: &[u32]) -> usize {
        let width = usize::from(self.area.width);
        (2 * self.tree.depth(path)).min(width / INDENTED) + 2
    }

    /// A node's rows.
    pub(super) fn laid(&mut self, path: &[u32]) -> Arc<Laid> {
        if let Some(laid) = self.laid.get(path) {
            return Arc::clone(laid);
        }
        let open = self.tree.is_open(path);
        let said = self.tree.node(path).map(|node| Said::of(node, open)).unwrap_or_default();
        let room = usize::from(self.area.width).saturating_sub(self.indent(path));
        let laid = Arc::new(said.laid_out(room));
        if self.laid.len() >= KEPT {
            self.laid.clear();
        }
        self.laid.insert(path.to_vec(), Arc::clone(&laid));
        laid
    }

    /// The place so many rows further down, and how many there were.
    pub(super) fn down(&mut self, place: &Place, rows: usize) -> (Place, usize) {
        let mut place = place.clone();
        for row in 0..rows {
            if let Some(at) = self.laid(&place.path).next_row(place.at) {
                place.at = at;
            } else if let Some(path) = self.tree.next(&place.path, false) {
                place = Place { path, at: 0 };
            } else {
                return (place, row);
            }
        }
        (place, rows)
    }

    /// The place so many rows further up, and how many there were.
    pub(super) fn up(&mut self, place: &Place, rows: usize) -> (Place, usize) {
        let mut place = place.clone();
        for row in 0..rows {
            if let Some(at) = self.laid(&place.path).previous_row(place.at) {
                place.at = at;
            } else if let Some(path) = self.tree.previous(&place.path, false) {
                let at = self.laid(&path).last_row();
                place = Place { path, at };
            } else {
                return (place, row);
            }
        }
        (place, rows)
    }

    /// The last row.
    pub(super) fn end(&mut self) -> Place {
        let path = self.tree.last(&[], false);
        let at = self.laid(&path).last_row();
        Place { path, at }
    }

    /// The first view: something of what is above the cursor, and no empty rows below as long as there is more above.
    pub(super) fn begin_view(&mut self) {
        let height = usize::from(self.area.height).max(1);
        let (above, _) = self.up(&self.cursor.clone(), height / 3);
        let end = self.end();
        let (lowest, _) = self.up(&end, height - 1);
        self.top = above.min(lowest);
    }

    /// Brings the view to the cursor, and both to where something shows.
    pub(super) fn follow(&mut self) {
        if let Some(path) = self.tree.folded_above(&self.cursor.path) {
            self.cursor = Place { path, at: 0 };
        }
        if let Some(path) = self.tree.folded_above(&self.top.path) {
            self.top = Place { path, at: 0 };
        }
        // A folded node shows more.
        let text = self.laid(&self.cursor.path.clone());
        self.cursor.at = text.said.text.floor_char_boundary(self.cursor.at);
        self.top.at = self.laid(&self.top.path.clone()).row(self.top.at);
        let mut row = self.cursor.clone();
        row.at = self.laid(&row.path).row(row.at);
        let height = usize::from(self.area.height).max(1);
        let (highest, _) = self.up(&row, height - 1);
        self.top = self.top.clone().clamp(highest, row);
        let (cursor, top) = (self.cursor.path.clone(), self.top.path.clone());
        let anchor = match &self.selection {
            Some(super::Selection::Rows(anchor) | super::Selection::Characters(anchor)) => {
                anchor.path.clone()
            }
            _ => Vec::new(),
        };
        self.tree.tidy(&[&cursor, &top, &anchor, &self.find.at.path]);
    }
}
