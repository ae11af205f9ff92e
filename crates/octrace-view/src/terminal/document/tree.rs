//! The outline as somebody walks it: what is folded, what stands after what. Nodes that are hidden are found on the
//! way, and those that nobody was at for a while are forgotten.

use std::collections::VecDeque;

use super::node::{Below, Node, Own};

/// How many hidden parts are kept besides those that are in use.
const KEPT: usize = 48;

/// Which child, from the top.
pub(super) type Path = Vec<u32>;

/// Somebody's wish.
#[derive(Debug)]
struct Fold {
    path: Path,
    /// Also what is below it.
    deep: bool,
    open: bool,
}

/// The outline.
#[derive(Debug)]
pub(super) struct Tree {
    root: Node,
    folds: Vec<Fold>,
    found: VecDeque<Path>,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Tree {
    pub(super) fn new(nodes: Vec<Node>) -> Self {
        let mut root = Node::group(nodes);
        root.prepare();
        Self { root, folds: Vec::new(), found: VecDeque::new() }
    }

    /// The node there.
    pub(super) fn node(&mut self, path: &[u32]) -> Option<&Node> {
        let mut node = &mut self.root;
        for (depth, index) in path.iter().enumerate() {
            if node.find() {
                self.found.push_back(path.get(..depth)?.to_vec());
            }
            node = node.nodes_mut().get_mut(*index as usize)?;
        }
        if node.find() {
            self.found.push_back(path.to_vec());
        }
        Some(node)
    }

    /// Puts a node below this one, as the last, or in the place of the last.
    pub(super) fn put_last(&mut self, path: &[u32], mut put: Node, replaces: bool) {
        put.prepare();
        let Some(node) = path
            .split_last()
            .and_then(|(last, above)| self.known(above)?.nodes_mut().get_mut(*last as usize))
        else {
            return;
        };
        match &mut node.below {
            below @ Below::Nothing => *below = Below::Nodes(vec![put]),
            Below::Nodes(nodes) => {
                if replaces {
                    nodes.pop();
                }
                nodes.push(put);
            }
            Below::Hidden(..) => {}
        }
    }

    /// Whether a row is there.
    pub(super) fn has_row(&mut self, path: &[u32]) -> bool {
        self.node(path).is_some_and(|node| !matches!(node.own, Own::Group(_)))
    }

    pub(super) fn count(&mut self, path: &[u32]) -> u32 {
        self.node(path).map_or(0, |node| node.nodes().len() as u32)
    }

    /// How many nodes with a row are above it.
    pub(super) fn depth(&self, path: &[u32]) -> usize {
        let mut depth = 0;
        let mut node = &self.root;
        for index in path {
            depth += usize::from(!matches!(node.own, Own::Group(_)));
            let Some(next) = node.nodes().get(*index as usize) else { break };
            node = next;
        }
        depth
    }

    fn is_group(&mut self, path: &[u32]) -> bool {
        self.node(path).is_some_and(|node| matches!(node.own, Own::Group(_)))
    }

    /// Whether what is below it shows, where nothing above it is folded.
    pub(super) fn is_open(&mut self, path: &[u32]) -> bool {
        let Some(node) = self.node(path) else { return false };
        let (group, open) = (matches!(node.own, Own::Group(_)), node.open);
        let wish = self
            .folds
            .iter()
            .rev()
            .find(|fold| fold.path == path || (fold.deep && path.starts_with(&fold.path)));
        group || wish.map_or(open, |fold| fold.open)
    }

    /// Folds or unfolds it, or it and all below.
    pub(super) fn fold(&mut self, path: &[u32], deep: bool, open: bool) {
        self.folds.retain(|fold| {
            let replaced = fold.path == path && (deep || !fold.deep);
            !(replaced || (deep && fold.path.starts_with(path)))
        });
        self.folds.push(Fold { path: path.to_vec(), deep, open });
    }

    /// Folds what was folded in a tree of the same page.
    pub(super) fn fold_as(&mut self, before: Self) {
        self.folds = before.folds;
    }

    /// The node after this one that has a row; `all`: as if nothing were folded.
    pub(super) fn next(&mut self, path: &[u32], all: bool) -> Option<Path> {
        let mut path = path.to_vec();
        loop {
            if (all || self.is_open(&path)) && self.count(&path) > 0 {
                path.push(0);
            } else if !self.advance(&mut path) {
                return None;
            }
            if !self.is_group(&path) {
                return Some(path);
            }
        }
    }

    /// The node with a row after this one and all that is below it.
    pub(super) fn after(&mut self, path: &[u32]) -> Option<Path> {
        let mut path = path.to_vec();
        if !self.advance(&mut path) {
            return None;
        }
        if self.is_group(&path) { self.next(&path, true) } else { Some(path) }
    }

    /// To the next node that is not below this one.
    fn advance(&mut self, path: &mut Path) -> bool {
        while let Some(index) = path.pop() {
            if index + 1 < self.count(path) {
                path.push(index + 1);
                return true;
            }
        }
        false
    }

    /// The node before this one that has a row.
    pub(super) fn previous(&mut self, path: &[u32], all: bool) -> Option<Path> {
        let mut path = path.to_vec();
        loop {
            let index = path.pop()?;
            if index > 0 {
                path.push(index - 1);
                self.descend(&mut path, all);
            }
            if path.is_empty() {
                return None;
            }
            if !self.is_group(&path) {
                return Some(path);
            }
        }
    }

    fn descend(&mut self, path: &mut Path, all: bool) {
        while all || self.is_open(path) {
            match self.count(path).checked_sub(1) {
                Some(last) => path.push(last),
                None => break,
            }
        }
    }

    /// The last node with a row at or below this one.
    pub(super) fn last(&mut self, path: &[u32], all: bool) -> Path {
        let mut last = path.to_vec();
        self.descend(&mut last, all);
        if last.len() > path.len() && self.is_group(&last) {
            return self.previous(&last, all).unwrap_or_default();
        }
        last
    }

    /// The first node with a row.
    pub(super) fn first(&mut self) -> Path {
        self.next(&[], true).unwrap_or_default()
    }

    /// The next or previous node under the same parent.
    pub(super) fn sibling(&mut self, path: &[u32], forward: bool) -> Option<Path> {
        let mut path = path.to_vec();
        loop {
            let index = path.pop()?;
            let next = if forward { index.checked_add(1) } else { index.checked_sub(1) };
            let Some(next) = next.filter(|next| *next < self.count(&path)) else {
                if path.is_empty() || !self.is_group(&path) {
                    return None;
                }
                continue;
            };
            path.push(next);
            while self.is_group(&path) {
                match self.count(&path) {
                    0 => break,
                    count => path.push(if forward { 0 } else { count - 1 }),
                }
            }
            if !self.is_group(&path) {
                return Some(path);
            }
        }
    }

    /// The node with a row that this one is below.
    pub(super) fn parent(&mut self, path: &[u32]) -> Option<Path> {
        let mut path = path.to_vec();
        loop {
            path.pop()?;
            if path.is_empty() {
                return None;
            }
            if !self.is_group(&path) {
                return Some(path);
            }
        }
    }

    /// The outermost node above it that is folded.
    pub(super) fn folded_above(&mut self, path: &[u32]) -> Option<Path> {
        (1..path.len())
            .filter_map(|depth| path.get(..depth))
            .find(|above| !self.is_open(above))
            .map(<[u32]>::to_vec)
    }

    /// Unfolds what is above it.
    pub(super) fn reveal(&mut self, path: &[u32]) {
        for depth in 1..path.len() {
            let above = path.get(..depth).unwrap_or_default();
            if !self.is_open(above) {
                self.fold(above, false, true);
            }
        }
    }

    /// How far down it is, from 0 to 1.
    pub(super) fn share(&mut self, path: &[u32], within: f64) -> f64 {
        let (mut share, mut scale) = (0.0, 1.0);
        for (depth, index) in path.iter().enumerate() {
            let count = f64::from(self.count(path.get(..depth).unwrap_or_default()).max(1));
            share += scale * f64::from(*index) / count;
            scale /= count;
        }
        share + scale * within
    }

    /// Forgets what was found long ago and is in none of these places.
    pub(super) fn tidy(&mut self, used: &[&[u32]]) {
        let mut tries = self.found.len();
        while self.found.len() > KEPT && tries > 0 {
            tries -= 1;
            let Some(path) = self.found.pop_front() else { break };
            if used.iter().any(|used| used.starts_with(&path)) {
                self.found.push_back(path);
            } else if let Some(node) = self.known(&path) {
                node.forget();
            }
        }
    }

    /// The node there, if it was found.
    fn known(&mut self, path: &[u32]) -> Option<&mut Node> {
        let mut node = &mut self.root;
        for index in path {
            if matches!(node.below, Below::Nothing) {
                return None;
            }
            node = node.nodes_mut().get_mut(*index as usize)?;
        }
        Some(node)
    }
}
