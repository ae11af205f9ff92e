//! Words in a page, wherever they are: what is folded is unfolded when they are found in it.
//!
//! A page can be long, so a search goes on in slices of bounded work until it comes back to where it began.

use std::ops::Range;

use regex::Regex;

use super::{
    Document, Place,
    layout::{Laid, Said},
    node::Own,
};

/// How much one slice reads, in bytes.
const SLICE: usize = 3 * 512 * 1024;

/// What a node costs besides its bytes.
const NODE: usize = 200;

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

/// What is searched for, and how far that is.
#[derive(Debug, Default)]
pub(super) struct Find {
    pub(super) words: Option<Regex>,
    pub(super) state: Search,
    forward: bool,
    /// The node that is read next, and from or up to which byte of it.
    pub(super) at: Place,
    /// Where it began.
    origin: Place,
    /// Whether it went over the page's end.
    around: bool,
}

impl Find {
    /// Where the words stand in the row that `at` is in.
    pub(super) fn hits(&self, laid: &Laid, at: usize) -> Vec<Range<usize>> {
        let Some(words) = &self.words else { return Vec::new() };
        let row = laid.range(at);
        // Words may begin in the row before, or end in the next one.
        let start = laid.previous_row(row.start).unwrap_or(row.start);
        let end = laid.range(row.end).end.min(laid.said.own);
        let near = laid.said.text.get(start..end.max(start)).unwrap_or_default();
        let hits = words.find_iter(near).map(|hit| hit.start() + start..hit.end() + start);
        hits.filter(|hit| hit.start < row.end && hit.end > row.start).collect()
    }
}

impl Document {
    /// Looks for `words` from the cursor on, ignoring case; empty ones end the search.
    pub fn search(&mut self, words: &str) -> Search {
        self.find = Find::default();
        let pattern = format!("(?i){}", regex::escape(words));
        self.find.words = Regex::new(&pattern).ok().filter(|_| !words.is_empty());
        if self.find.words.is_none() {
            self.find.state = if words.is_empty() { Search::None } else { Search::Absent };
            return self.find.state;
        }
        self.begin(true, self.cursor.clone())
    }

    /// To the next place of the words, or the one before.
    pub fn search_next(&mut self, forward: bool) -> Search {
        if self.find.words.is_none() {
            return self.find.state;
        }
        let mut from = self.cursor.clone();
        if forward {
            let said = self.said(&from.path);
            let step = said.text.get(from.at..).and_then(|rest| rest.chars().next());
            from.at += step.map_or(1, char::len_utf8);
        }
        self.begin(forward, from)
    }

    /// Ends a search, with all that is marked.
    pub fn end_search(&mut self) {
        self.find = Find::default();
    }

    /// Somebody saw how the search went: that is not said any more.
    pub fn search_seen(&mut self) {
        match self.find.state {
            Search::Absent => self.find.state = Search::None,
            Search::Found => self.find.around = false,
            Search::None | Search::Going(_) => {}
        }
    }

    /// Whether what was found just now stands beyond the page's end: after it, or before its beginning.
    pub fn went_round(&self) -> Option<bool> {
        (self.find.state == Search::Found && self.find.around).then_some(self.find.forward)
    }

    fn begin(&mut self, forward: bool, from: Place) -> Search {
        self.find.forward = forward;
        self.find.around = false;
        self.find.at = from.clone();
        self.find.origin = from;
        self.find.state = Search::Going(0);
        self.search_more()
    }

    /// How the search stands.
    pub fn searching(&self) -> Search {
        self.find.state
    }

    /// Goes on with a search that is [`Search::Going`].
    pub fn search_more(&mut self) -> Search {
        if !matches!(self.find.state, Search::Going(_)) {
            return self.find.state;
        }
        let mut read = 0;
        while read < SLICE {
            let path = self.find.at.path.clone();
            let (length, hit) = self.hit_in(&path);
            read += length + NODE;
            if let Some(at) = hit {
                self.cursor = Place { path, at };
                self.reveal();
                self.find.state = Search::Found;
                return self.find.state;
            }
            if self.find.around && path == self.find.origin.path {
                self.find.state = Search::Absent;
                return self.find.state;
            }
            self.advance();
        }
        self.follow();
        self.find.state = Search::Going(self.searched());
        self.find.state
    }

    /// How much of the node was read, and the first place of the words in what is wanted of it.
    fn hit_in(&mut self, path: &[u32]) -> (usize, Option<usize>) {
        let said = self.said(path);
        let mut text = said.text;
        text.truncate(said.own);
        let own = text.len();
        text.push_str(&self.after_piece(path));
        let Some(words) = &self.find.words else { return (own, None) };
        let (from, forward) = (self.find.at.at, self.find.forward);
        let mut hits = words.find_iter(&text).map(|hit| hit.start()).filter(|at| *at < own);
        let hit = if forward {
            hits.find(|at| *at >= from)
        } else {
            hits.take_while(|at| *at < from).last()
        };
        (own, hit)
    }

    /// The beginning of the piece that goes on with the text of this one: words can be cut in two.
    fn after_piece(&mut self, path: &[u32]) -> String {
        let is_piece = |document: &mut Self, path: &[u32]| {
            document
                .tree
                .node(path)
                .is_some_and(|node| matches!(node.own, Own::Piece(..) | Own::Painted(..)))
        };
        let Some(next) = self.tree.sibling(path, true) else { return String::new() };
        if next.len() != path.len() || !is_piece(self, path) || !is_piece(self, &next) {
            return String::new();
        }
        let length = self.find.words.as_ref().map_or(0, |words| words.as_str().len() * 2);
        let mut text = self.said(&next).text;
        text.truncate(text.floor_char_boundary(length));
        text
    }

    /// To the next node, as if nothing were folded, and around the end.
    fn advance(&mut self) {
        let forward = self.find.forward;
        let path = self.find.at.path.clone();
        let next =
            if forward { self.tree.next(&path, true) } else { self.tree.previous(&path, true) };
        let path = next.unwrap_or_else(|| {
            self.find.around = true;
            if forward { self.tree.first() } else { self.tree.last(&[], true) }
        });
        self.find.at = Place { path, at: if forward { 0 } else { usize::MAX } };
        let (cursor, top) = (&self.cursor.path, &self.top.path);
        self.tree.tidy(&[cursor, top, &self.find.at.path]);
    }

    fn searched(&mut self) -> u8 {
        let at = self.tree.share(&self.find.at.path.clone(), 0.0);
        let from = self.tree.share(&self.find.origin.path.clone(), 0.0);
        let way = if self.find.forward { at - from } else { from - at };
        ((if way < 0.0 { way + 1.0 } else { way }) * 100.0) as u8
    }

    pub(super) fn said(&mut self, path: &[u32]) -> Said {
        // As if it were folded, so that nothing depends on that.
        self.tree.node(path).map(|node| Said::of(node, true)).unwrap_or_default()
    }

    /// Unfolds what is above the cursor; where it was out of view, it comes into the middle.
    fn reveal(&mut self) {
        let path = self.cursor.path.clone();
        self.tree.reveal(&path);
        self.laid.clear();
        let mut row = self.cursor.clone();
        row.at = self.laid(&path).row(row.at);
        let height = usize::from(self.area.height).max(1);
        let (bottom, _) = self.down(&self.top.clone(), height - 1);
        if row < self.top || row > bottom {
            self.top = self.up(&row, height / 2).0;
        }
        self.follow();
    }
}
