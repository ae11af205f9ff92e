//! Steps that a person takes in a page.

use super::{Document, Place, Selection};
use crate::terminal::input::{Mouse, MouseAction};

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
    /// Folds what is unfolded, unfolds what is folded; below it, the node above.
    Fold,
    /// Folds the node and all below, or unfolds all of it where it is folded.
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

/// How far the wheel turns the page, in rows.
const WHEEL: usize = 3;

impl Document {
    /// Takes a step. Where it makes no sense, nothing happens.
    pub fn step(&mut self, step: Step) {
        let page = usize::from(self.area.height).max(2) - 1;
        match step {
            Step::Up => self.go_up(1),
            Step::Down => self.go_down(1),
            Step::PageUp => self.turn(page, false),
            Step::PageDown => self.turn(page, true),
            Step::HalfUp => self.turn(page.div_ceil(2), false),
            Step::HalfDown => self.turn(page.div_ceil(2), true),
            Step::Top => {
                let path = self.tree.first();
                self.cursor = Place { path, at: 0 };
            }
            Step::End => self.cursor = self.end(),
            Step::Next | Step::Previous => {
                let path = self.tree.sibling(&self.cursor.path, step == Step::Next);
                if let Some(path) = path {
                    self.cursor = Place { path, at: 0 };
                }
            }
            Step::Left | Step::Right if self.selection.is_some() => {
                self.go_aside(step == Step::Right);
            }
            Step::Left => {
                let path = self.cursor.path.clone();
                if self.folds(&path) && self.tree.is_open(&path) {
                    self.fold(&path, false, false);
                } else if let Some(path) = self.tree.parent(&path) {
                    self.cursor = Place { path, at: 0 };
                }
            }
            Step::Right => {
                let path = self.cursor.path.clone();
                if self.folds(&path) {
                    self.fold(&path, false, true);
                }
            }
            Step::Fold | Step::FoldBelow => {
                let path = self.cursor.path.clone();
                let path = if self.folds(&path) { Some(path) } else { self.tree.parent(&path) };
                if let Some(path) = path {
                    let open = self.tree.is_open(&path);
                    self.fold(&path, step == Step::FoldBelow, !open);
                }
            }
            Step::FoldAll => self.fold(&[], true, false),
            Step::UnfoldAll => self.fold(&[], true, true),
            Step::Select => {
                self.selection = match self.selection {
                    None => Some(Selection::Rows(self.cursor.clone())),
                    Some(_) => None,
                };
            }
            Step::SelectAll => self.selection = Some(Selection::All),
            Step::Deselect => self.selection = None,
        }
        self.follow();
    }

    fn folds(&mut self, path: &[u32]) -> bool {
        self.tree.node(path).is_some_and(super::Node::folds)
    }

    pub(super) fn fold(&mut self, path: &[u32], deep: bool, open: bool) {
        self.tree.fold(path, deep, open);
        // What a folded node shows, it does not show unfolded.
        self.laid.clear();
    }

    fn go_down(&mut self, rows: usize) {
        self.cursor = self.down(&self.cursor.clone(), rows).0;
        self.cursor.at = self.laid(&self.cursor.path.clone()).row(self.cursor.at);
    }

    fn go_up(&mut self, rows: usize) {
        self.cursor = self.up(&self.cursor.clone(), rows).0;
        self.cursor.at = self.laid(&self.cursor.path.clone()).row(self.cursor.at);
    }

    /// The view and the cursor, together.
    fn turn(&mut self, rows: usize, forward: bool) {
        if forward {
            self.go_down(rows);
            let lowest = self.end();
            let (lowest, _) = self.up(&lowest, usize::from(self.area.height).max(1) - 1);
            let (top, _) = self.down(&self.top.clone(), rows);
            self.top = top.min(lowest.max(self.top.clone()));
        } else {
            self.go_up(rows);
            self.top = self.up(&self.top.clone(), rows).0;
        }
    }

    /// By one character; from now on, characters are selected.
    fn go_aside(&mut self, forward: bool) {
        if let Some(Selection::Rows(anchor)) = &self.selection {
            self.selection = Some(Selection::Characters(anchor.clone()));
        }
        let laid = self.laid(&self.cursor.path.clone());
        if forward {
            let end = laid.cluster_end(self.cursor.at);
            if end < laid.said.text.len() {
                self.cursor.at = end;
            } else if let Some(path) = self.tree.next(&self.cursor.path, false) {
                self.cursor = Place { path, at: 0 };
            }
            return;
        }
        if self.cursor.at == 0
            && let Some(path) = self.tree.previous(&self.cursor.path, false)
        {
            let at = self.laid(&path).said.text.len();
            self.cursor = Place { path, at };
        }
        let at = self.cursor.at;
        let laid = self.laid(&self.cursor.path.clone());
        let row =
            if laid.row(at) == at { laid.previous_row(at).unwrap_or(0) } else { laid.row(at) };
        let before = laid.row_clusters(row).map(|(_, cluster)| cluster.at);
        self.cursor.at = before.into_iter().filter(|start| *start < at).last().unwrap_or(at);
    }

    /// The mouse did something at a cell of the screen; selects from press to release, turns the page, and folds where
    /// a node's mark is. Says whether that was in the area that was drawn last.
    pub fn mouse(&mut self, mouse: Mouse) -> bool {
        let inside = self.area.contains((mouse.x, mouse.y).into());
        match mouse.what {
            MouseAction::WheelDown | MouseAction::WheelUp if inside => self.wheel(mouse.what),
            MouseAction::Press if inside => self.press(mouse),
            MouseAction::Drag => {
                let Some(pressed) = self.pressed.clone() else { return inside };
                if mouse.y < self.area.y {
                    self.top = self.up(&self.top.clone(), 1).0;
                } else if mouse.y >= self.area.bottom() {
                    self.top = self.down(&self.top.clone(), 1).0;
                }
                if let Some((place, _)) = self.place(mouse.x, mouse.y) {
                    self.cursor = place;
                    self.selection = Some(Selection::Characters(pressed));
                    self.follow();
                }
            }
            MouseAction::Release => self.pressed = None,
            _ => {}
        }
        inside
    }

    fn press(&mut self, mouse: Mouse) {
        self.selection = None;
        let Some((place, on_mark)) = self.place(mouse.x, mouse.y) else { return };
        self.cursor = place.clone();
        if on_mark && self.folds(&place.path) {
            self.step(Step::Fold);
        } else {
            self.pressed = Some(place);
        }
    }

    fn wheel(&mut self, turned: MouseAction) {
        let height = usize::from(self.area.height).max(1);
        if turned == MouseAction::WheelDown {
            // The last row stays at the bottom.
            let (_, rest) = self.down(&self.top.clone(), height - 1 + WHEEL);
            let rows = rest.saturating_sub(height - 1);
            self.top = self.down(&self.top.clone(), rows).0;
        } else {
            self.top = self.up(&self.top.clone(), WHEEL).0;
        }
        let (bottom, _) = self.down(&self.top.clone(), height - 1);
        if self.cursor < self.top
            || self.cursor.path > bottom.path
            || (self.cursor.path == bottom.path
                && self.laid(&bottom.path).row(self.cursor.at) > bottom.at)
        {
            self.cursor = self.cursor.clone().clamp(self.top.clone(), bottom);
        }
        self.follow();
    }

    /// What is at a cell, and whether that is before its text; the nearest for a cell outside.
    fn place(&mut self, x: u16, y: u16) -> Option<(Place, bool)> {
        if self.area.is_empty() {
            return None;
        }
        let row = y.clamp(self.area.y, self.area.bottom() - 1) - self.area.y;
        let (place, _) = self.down(&self.top.clone(), usize::from(row));
        let column = usize::from(x.saturating_sub(self.area.x));
        let indent = self.indent(&place.path);
        let laid = self.laid(&place.path);
        let column_in_text = column.saturating_sub(indent);
        let mut clusters = laid.row_clusters(place.at);
        let found = clusters.find(|(start, cluster)| start + cluster.width > column_in_text);
        let at = match found {
            Some((_, cluster)) => cluster.at,
            // Behind the last character.
            None => laid
                .range(place.at)
                .end
                .saturating_sub(usize::from(laid.next_row(place.at).is_some())),
        };
        let at = laid.said.text.floor_char_boundary(at);
        Some((Place { path: place.path, at }, column < indent))
    }
}
