//! What is copied: the true text, whatever is in view of it.

use std::{ops::Range, sync::Arc};

use super::{
    Document, Place, Selection,
    layout::Said,
    node::{How, Node, Own, Span},
    pieces,
    tree::Path,
};

impl Document {
    /// What is selected, in the order of reading: from the first byte to after the last one.
    pub(super) fn selected(&mut self) -> Option<(Place, Place)> {
        let cursor = self.cursor.clone();
        let ordered = |a: &Place, b: &Place| {
            if a <= b { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) }
        };
        match self.selection.clone()? {
            Selection::All => {
                let from = Place { path: self.tree.first(), at: 0 };
                let path = self.tree.last(&[], false);
                let at = self.laid(&path).said.text.len();
                Some((from, Place { path, at }))
            }
            Selection::Rows(anchor) => {
                let (mut from, mut to) = ordered(&anchor, &cursor);
                from.at = self.laid(&from.path).row(from.at);
                to.at = self.laid(&to.path).range(to.at).end;
                Some((from, to))
            }
            Selection::Characters(anchor) => {
                let (from, mut to) = ordered(&anchor, &cursor);
                to.at = self.laid(&to.path).cluster_end(to.at);
                Some((from, to))
            }
        }
    }

    /// The selection, else the node under the cursor, whole: as it was recorded, without our indentation, line breaks or
    /// marks. Takes time in proportion to its size.
    pub fn copy(&mut self) -> Option<String> {
        let text = match self.selected() {
            Some((from, to)) => {
                let all = self.selection == Some(Selection::All);
                self.between(&from, to, all)
            }
            None => {
                let path = self.whole(&self.cursor.path.clone());
                self.node_text(&path)
            }
        };
        (!text.is_empty()).then_some(text)
    }

    /// Whether something of what is selected is folded: it is copied all the same.
    pub fn copies_folded(&mut self) -> bool {
        let Some((from, to)) = self.selected() else { return false };
        let mut path = from.path;
        loop {
            if self.tree.node(&path).is_some_and(Node::folds) && !self.tree.is_open(&path) {
                return true;
            }
            match self.tree.next(&path, false) {
                Some(next) if next <= to.path => path = next,
                _ => return false,
            }
            self.tree.tidy(&[&self.cursor.path, &self.top.path, &path]);
        }
    }

    /// The node that a place in it stands for: of a piece, the text that it is a piece of.
    fn whole(&mut self, path: &[u32]) -> Path {
        let is_piece = |node: &Node| matches!(node.own, Own::Piece(..) | Own::Painted(..));
        let mut whole = path.to_vec();
        if self.tree.node(path).is_some_and(is_piece) && path.len() > 1 {
            whole.pop();
            let group = self.tree.node(&whole);
            let is_text = group.is_some_and(|node| {
                matches!(node.own, Own::Group(_) | Own::Value(_))
                    && node.nodes().iter().all(is_piece)
            });
            if !is_text {
                whole = path.to_vec();
            }
        }
        whole
    }

    /// All that a node says.
    fn node_text(&mut self, path: &[u32]) -> String {
        let Some(node) = self.tree.node(path) else { return String::new() };
        if let Own::Value(value) = &node.own {
            // Where bodies are not shown as they are, a string is meant as people read it.
            if self.exact.is_none()
                && let Some(inside) = value.inside()
            {
                return pieces::read(&inside, How::Decoded);
            }
            return String::from_utf8_lossy(value.span.bytes()).into_owned();
        }
        // What has something below it says that.
        let says_below = node.folds() || matches!(node.own, Own::Group(_));
        let first = if says_below { self.tree.next(path, true) } else { Some(path.to_vec()) };
        let Some(first) = first else { return String::new() };
        let to = self.end_of(path);
        self.gather(Place { path: first, at: 0 }, &to)
    }

    /// After the last byte of a node and all below it.
    fn end_of(&mut self, path: &[u32]) -> Place {
        let path = self.tree.last(path, true);
        let at = self.said(&path).text.len();
        Place { path, at }
    }

    /// From the first byte to after the last one; of what is folded at the end, all.
    fn between(&mut self, from: &Place, mut to: Place, all: bool) -> String {
        let folded =
            self.tree.node(&to.path).is_some_and(Node::folds) && !self.tree.is_open(&to.path);
        let end_at = self.laid(&to.path).said.own;
        if folded && to.at >= end_at {
            to = self.end_of(&to.path);
        }
        if let Some(exact) = self.exact.as_ref().filter(|_| all) {
            return String::from_utf8_lossy(exact).into_owned();
        }
        if self.exact.is_some()
            && let Some((source, start)) = self.source(from)
            && let Some((other, mut end)) = self.source(&to)
            && Arc::ptr_eq(&source, &other)
        {
            end = end.max(self.closed(from, &to));
            return String::from_utf8_lossy(source.get(start..end).unwrap_or_default())
                .into_owned();
        }
        self.gather(from.clone(), &to)
    }

    /// The group that shows a JSON text of which this node is the first, and the text.
    fn json_around(&mut self, path: &[u32]) -> Option<(Path, Span)> {
        let mut path = path.to_vec();
        while path.pop()? == 0 {
            match &self.tree.node(&path)?.own {
                Own::Group(Some(span)) => {
                    let span = span.clone();
                    return Some((path, span));
                }
                Own::Group(None) => {}
                _ => return None,
            }
        }
        None
    }

    /// Where a place is in what was recorded.
    fn source(&mut self, place: &Place) -> Option<(Arc<Vec<u8>>, usize)> {
        let said = self.said(&place.path);
        let node = self.tree.node(&place.path)?;
        let (span, at) = match &node.own {
            Own::Piece(span, _) => {
                let exact = said.text.len() == span.range.len();
                let at = if exact { place.at } else { 0 };
                let at = if place.at >= said.text.len() { span.range.len() } else { at };
                (span, span.range.start + at.min(span.range.len()))
            }
            Own::Value(value) => {
                let span = &value.span;
                let at = place.at.saturating_sub(said.prefix);
                let name = value.name.clone().unwrap_or(span.range.start..span.range.start);
                let separator = if value.name.is_some() { 2 } else { 0 };
                let in_value = at.saturating_sub(name.len() + separator);
                let at = if at < name.len() {
                    name.start + at
                } else if at < name.len() + separator {
                    name.end
                } else if node.folds() {
                    // What follows in its row is ours.
                    span.range.start + usize::from(in_value > 0)
                } else if place.at >= said.text.len() {
                    span.range.end
                } else {
                    (span.range.start + in_value).min(span.range.end)
                };
                (span, at)
            }
            Own::Line { shows: Some(span), .. } => {
                (span, if place.at == 0 { span.range.start } else { span.range.end })
            }
            _ => return None,
        };
        Some((Arc::clone(&span.source), at))
    }

    /// Where the lists and objects end that are selected from their beginnings to their last values.
    fn closed(&mut self, from: &Place, to: &Place) -> usize {
        let mut end = 0;
        let mut path = to.path.clone();
        if to.at < self.said(&path).own {
            return end;
        }
        while let Some(index) = path.pop() {
            let before = from.path < path || (from.path == path && from.at == 0);
            if index + 1 < self.tree.count(&path) || path.is_empty() {
                break;
            }
            let ends = match &self.tree.node(&path).map(|node| &node.own) {
                Some(Own::Value(value)) => value.span.range.end,
                Some(Own::Line { shows: Some(span), .. }) => span.range.end,
                _ => continue,
            };
            if !before {
                break;
            }
            end = ends;
        }
        end
    }

    /// Node by node, each text whole, and a line end between those that do not belong together.
    fn gather(&mut self, from: Place, to: &Place) -> String {
        let mut text = String::new();
        let mut before: Option<Path> = None;
        let mut place = from;
        loop {
            let said = self.said(&place.path);
            let is_last = place.path == to.path;
            if let Some((group, span)) = self.json_around(&place.path).filter(|_| place.at == 0)
                && let end = self.end_of(&group)
                && end <= *to
            {
                text.push_str(line_end(&text));
                text.push_str(&String::from_utf8_lossy(span.bytes()));
                before = None;
                let Some(path) = self.tree.after(&group).filter(|path| *path <= to.path) else {
                    break;
                };
                place = Place { path, at: 0 };
                continue;
            }
            let Some(node) = self.tree.node(&place.path) else { break };
            let is_piece = matches!(node.own, Own::Piece(..) | Own::Painted(..));
            let folds = node.folds();
            let ends_below = !is_last && to.path.starts_with(&place.path);
            // JSON that is meant whole is as it was sent.
            let json = match &node.own {
                Own::Value(value)
                    if place.at == 0 && !ends_below && (folds || to.at >= said.own || !is_last) =>
                {
                    let all = !is_last || folds || to.at >= said.own;
                    all.then(|| value.span.part(value.range()))
                }
                _ => None,
            };
            let joined = match (&before, place.path.split_last()) {
                (Some(before), Some((_, parent))) => is_piece && before == parent,
                _ => false,
            };
            if !joined {
                text.push_str(line_end(&text));
            }
            if let Some(span) = &json {
                text.push_str(&String::from_utf8_lossy(span.bytes()));
            } else {
                text.push_str(part(&said, place.at, if is_last { to.at } else { usize::MAX }));
            }
            if is_last {
                break;
            }
            before =
                place.path.split_last().filter(|_| is_piece).map(|(_, parent)| parent.to_vec());
            let next = if json.is_some() {
                self.tree.after(&place.path)
            } else {
                self.tree.next(&place.path, true)
            };
            let Some(path) = next.filter(|path| *path <= to.path) else { break };
            self.tree.tidy(&[&self.cursor.path, &self.top.path, &path]);
            place = Place { path, at: 0 };
        }
        text
    }
}

/// What ends a text before another one.
fn line_end(text: &str) -> &'static str {
    if text.is_empty() || text.ends_with('\n') { "" } else { "\n" }
}

/// A part of a node's own text.
fn part(said: &Said, from: usize, to: usize) -> &str {
    let Range { start, end } = from..to.min(said.own);
    said.text.get(start.min(end)..end).unwrap_or_default()
}
