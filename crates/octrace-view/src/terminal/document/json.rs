//! JSON as an outline: one scan finds what is long, the rest is found when it is unfolded.
//!
//! Neighbours that are short stand together in a [`Run`], so that an outline takes memory in proportion to the
//! number of long values, not of all. What breaks off is shown up to there, and the rest as text.

use std::ops::Range;

use octrace_core::json::{Scanner, Token, TokenKind};

use super::{
    node::{Below, Hidden, How, Node, Own, Span},
    pieces::{self, PIECE},
};
use crate::text::{Line, Paint, figures};

/// A string that takes no more bytes than this stands in its row whole.
pub(super) const INLINE: usize = 160;

/// A run is no longer than this, in values.
const RUN: usize = 500;

/// What is nested deeper is shown as text: each level costs a step of every walk.
const DEEPEST: usize = 64;

/// A value with its name or number.
#[derive(Debug)]
pub(super) struct Value {
    /// The value's bytes.
    pub(super) span: Span,
    /// Its name's, with their quotes.
    pub(super) name: Option<Range<usize>>,
    /// Its place in a list.
    pub(super) index: Option<usize>,
    /// What it is: the first token's kind.
    pub(super) kind: TokenKind,
    /// How many values are in it, one level down.
    pub(super) count: usize,
}

impl Value {
    /// What stands between a string's quotes; `None` for anything else, and for one that breaks off.
    pub(super) fn inside(&self) -> Option<Span> {
        let Range { start, end } = self.span.range;
        let is_whole = end >= start + 2 && self.span.bytes().ends_with(b"\"");
        (self.kind == TokenKind::String && is_whole).then(|| self.span.part(start + 1..end - 1))
    }

    /// The whole of it in its source, name included.
    pub(super) fn range(&self) -> Range<usize> {
        self.name.as_ref().map_or(self.span.range.start, |name| name.start)..self.span.range.end
    }
}

/// Values that stand side by side, none of them long.
#[derive(Debug)]
pub(super) struct Run {
    /// From the first to the last, commas included.
    pub(super) span: Span,
    /// The first one's number.
    first: usize,
    within: Within,
    depth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Text,
    List,
    Object,
}

impl Within {
    fn of(kind: TokenKind) -> Self {
        if kind == TokenKind::ObjectStart { Self::Object } else { Self::List }
    }
}

/// A list or an object that is being scanned.
struct Open {
    name: Option<Range<usize>>,
    start: usize,
    kind: TokenKind,
    within: Within,
    count: usize,
    nodes: Vec<Node>,
    run: Option<(usize, Range<usize>)>,
}

/// The outline of a text.
pub(super) fn outline(span: &Span) -> Vec<Node> {
    let mut outliner = Outliner { span, open: Vec::new(), name: None, deep: 0 };
    outliner.open.push(Open {
        name: None,
        start: span.range.start,
        kind: TokenKind::ArrayStart,
        within: Within::Text,
        count: 0,
        nodes: Vec::new(),
        run: None,
    });
    let mut scanner = Scanner::new(span.bytes());
    for token in scanner.by_ref() {
        outliner.token(&token);
    }
    outliner.finish(scanner.broken_at().map(|at| span.range.start + at))
}

/// What is in the list or object that the text is; of anything else, its outline.
pub(super) fn members(span: &Span) -> Vec<Node> {
    let mut nodes = outline(span);
    if let [Node { below: Below::Hidden(hidden, _), .. }] = nodes.as_slice() {
        nodes = hidden.find();
    }
    match nodes.pop() {
        Some(Node { own: Own::Value(_), below: Below::Nodes(below), .. }) if nodes.is_empty() => {
            below
        }
        Some(Node {
            own: Own::Value(Value { kind, .. }), below: Below::Hidden(hidden, _), ..
        }) if nodes.is_empty() && kind != TokenKind::String => hidden.find(),
        last => {
            nodes.extend(last);
            nodes
        }
    }
}

/// As [`members`], but strings of more than one line, and long ones, are texts under their names: as people read them.
pub(super) fn arguments(span: &Span) -> Vec<Node> {
    let mut nodes = Vec::new();
    for node in members(span) {
        match node {
            Node { own: Own::Group(_), below: Below::Hidden(Hidden::Run(run), _), .. } => {
                nodes.extend(run.values().into_iter().map(readable));
            }
            node => nodes.push(readable(node)),
        }
    }
    nodes
}

/// A member whose text is worth reading, as a text.
fn readable(node: Node) -> Node {
    let Own::Value(value) = &node.own else { return node };
    let (Some(inside), Some(name)) = (value.inside(), &value.name) else { return node };
    let has_lines = memchr::memmem::find(inside.bytes(), br"\n").is_some();
    if !has_lines && inside.range.len() <= INLINE {
        return node;
    }
    let name = inside.part(name.start + 1..name.end.saturating_sub(1));
    let line = Line::new().put(Paint::Accent, &pieces::read(&name, How::Decoded)).plain(":");
    let mut node = Node::heading(line, vec![Node::span(inside, How::Decoded)]).unfolded();
    node.prepare();
    node
}

struct Outliner<'a> {
    span: &'a Span,
    open: Vec<Open>,
    name: Option<Range<usize>>,
    /// Where the value began that is too deep to be looked into.
    deep: usize,
}

impl Outliner<'_> {
    fn token(&mut self, token: &Token) {
        if token.depth > DEEPEST {
            return;
        }
        let at = |at: usize| self.span.range.start + at;
        let (start, end) = (at(token.start), at(token.end));
        match token.kind {
            TokenKind::Key => self.name = Some(start..end),
            TokenKind::ObjectStart | TokenKind::ArrayStart if token.depth == DEEPEST => {
                self.deep = start;
            }
            TokenKind::ObjectStart | TokenKind::ArrayStart => self.open.push(Open {
                name: self.name.take(),
                start,
                kind: token.kind,
                within: Within::of(token.kind),
                count: 0,
                nodes: Vec::new(),
                run: None,
            }),
            TokenKind::ObjectEnd | TokenKind::ArrayEnd if token.depth == DEEPEST => {
                self.value(self.deep..end, TokenKind::ArrayStart);
            }
            TokenKind::ObjectEnd | TokenKind::ArrayEnd => self.close(end),
            kind => self.value(start..end, kind),
        }
    }

    /// A value ended that is not looked into.
    fn value(&mut self, range: Range<usize>, kind: TokenKind) {
        let name = self.name.take();
        let depth = self.open.len() - 1;
        let Some(open) = self.open.last_mut() else { return };
        let whole = name.as_ref().map_or(range.start, |name| name.start)..range.end;
        let node = (whole.len() > PIECE).then(|| {
            let index = (open.within == Within::List).then_some(open.count);
            let span = self.span.part(range);
            node(Value { span, name, index, kind, count: 0 }, depth, true)
        });
        open.add(self.span, whole, node, depth);
    }

    /// A list or an object ended.
    fn close(&mut self, end: usize) {
        let Some(mut closed) = self.open.pop() else { return };
        let depth = self.open.len().saturating_sub(1);
        let Some(open) = self.open.last_mut() else { return };
        let range = closed.start..end;
        let whole = closed.name.as_ref().map_or(closed.start, |name| name.start)..end;
        let node = (whole.len() > PIECE).then(|| {
            closed.flush(self.span, depth + 1);
            let index = (open.within == Within::List).then_some(open.count);
            let span = self.span.part(range);
            let (name, kind, count) = (closed.name, closed.kind, closed.count);
            let own = Own::Value(Value { span, name, index, kind, count });
            Node { own, below: Below::Nodes(closed.nodes), open: depth == 0 }
        });
        open.add(self.span, whole, node, depth);
    }

    /// The text ended, or broke off.
    fn finish(mut self, broken_at: Option<usize>) -> Vec<Node> {
        let rest = broken_at.map(|at| {
            let at = self.name.as_ref().map_or(at, |name| name.start);
            self.name = None;
            at..self.span.range.end
        });
        while self.open.len() > 1 {
            self.close(rest.as_ref().map_or(self.span.range.end, |rest| rest.start));
        }
        let Some(mut root) = self.open.pop() else { return Vec::new() };
        root.flush(self.span, 0);
        if let Some(rest) = rest {
            let at = broken_at.unwrap_or_default() - self.span.range.start;
            let note = format!("from byte {} on this is not JSON", figures::grouped(at as u64));
            let mut below = vec![Node::span(self.span.part(rest.clone()), How::Text)];
            if rest.is_empty() {
                below.clear();
            }
            let mut note = Node::heading(Line::new().put(Paint::Warn, &note), below).unfolded();
            note.prepare();
            root.nodes.push(note);
        }
        root.nodes
    }
}

impl Open {
    /// Another value; `node` for a long one.
    fn add(&mut self, span: &Span, whole: Range<usize>, node: Option<Node>, depth: usize) {
        if let Some(node) = node {
            self.flush(span, depth);
            self.nodes.push(node);
        } else {
            if let Some((first, run)) = &self.run
                && (whole.end - run.start > PIECE || self.count - first >= RUN)
            {
                self.flush(span, depth);
            }
            let (_, run) = self.run.get_or_insert_with(|| (self.count, whole.clone()));
            run.end = whole.end;
        }
        self.count += 1;
    }

    fn flush(&mut self, span: &Span, depth: usize) {
        if let Some((first, range)) = self.run.take() {
            let run = Run { span: span.part(range), first, within: self.within, depth };
            self.nodes.push(Node::hidden(Hidden::Run(run)));
        }
    }
}

/// A value that is looked into when it is unfolded, `depth` levels down. `closed`: its end is there.
fn node(value: Value, depth: usize, closed: bool) -> Node {
    let span = &value.span;
    let Range { start, end } = span.range;
    let opens = matches!(value.kind, TokenKind::ObjectStart | TokenKind::ArrayStart);
    let inside = start + 1..(end - usize::from(closed)).max(start + 1);
    let hidden = match value.kind {
        TokenKind::ObjectStart | TokenKind::ArrayStart if depth >= DEEPEST => {
            Some(Hidden::Text(value.span.clone(), How::Json))
        }
        _ if opens && value.count == 0 => None,
        kind if opens => {
            let within = Within::of(kind);
            Some(Hidden::Run(Run { span: span.part(inside), first: 0, within, depth: depth + 1 }))
        }
        TokenKind::String if span.range.len() > INLINE => {
            Some(Hidden::Text(span.part(inside), How::Json))
        }
        // A number can be as long as a body.
        _ if span.range.len() > PIECE => Some(Hidden::Text(value.span.clone(), How::Json)),
        _ => None,
    };
    let below = hidden.map_or(Below::Nothing, |hidden| Below::Hidden(hidden, Vec::new()));
    let mut node = Node { own: Own::Value(value), below, open: opens && depth == 0 };
    node.prepare();
    node
}

impl Run {
    /// Its values.
    pub(super) fn values(&self) -> Vec<Node> {
        let bytes = self.span.bytes();
        let base = self.span.range.start;
        let mut nodes = Vec::new();
        let mut at = 0;
        loop {
            at = skip(bytes, at, b',');
            let mut name = None;
            if self.within == Within::Object {
                let Some(key) = value(bytes, at) else { break };
                name = Some(base + key.range.start..base + key.range.end);
                at = skip(bytes, key.range.end, b':');
            }
            let Some(found) = value(bytes, at) else { break };
            at = found.range.end;
            let span = self.span.part(base + found.range.start..base + found.range.end);
            let index = (self.within == Within::List).then(|| self.first + nodes.len());
            let value = Value { span, name, index, kind: found.kind, count: found.count };
            nodes.push(node(value, self.depth, found.closed));
        }
        if at < bytes.len() || nodes.is_empty() {
            // Only what broke off has anything more; it stands after the outline as text.
            nodes.extend(pieces::pieces(&self.span.part(base + at..base + bytes.len()), How::Json));
        }
        nodes
    }
}

/// The values that stand side by side in `span`, as far as they are whole.
pub(super) fn values(span: &Span) -> Vec<Span> {
    let bytes = span.bytes();
    let mut spans = Vec::new();
    let mut at = skip(bytes, 0, b',');
    while let Some(found) = value(bytes, at) {
        let start = span.range.start;
        spans.push(span.part(start + found.range.start..start + found.range.end));
        at = skip(bytes, found.range.end, b',');
    }
    spans
}

fn skip(bytes: &[u8], at: usize, mark: u8) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let skipped = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == mark);
    at + skipped.count()
}

struct Found {
    range: Range<usize>,
    kind: TokenKind,
    count: usize,
    closed: bool,
}

/// The value that begins at `at`; one that breaks off ends with the bytes.
fn value(bytes: &[u8], at: usize) -> Option<Found> {
    let mut scanner = Scanner::new(bytes.get(at..)?);
    let first = scanner.next()?;
    let range = at + first.start..at + first.end;
    let mut found = Found { range, kind: first.kind, count: 0, closed: true };
    if matches!(first.kind, TokenKind::ObjectStart | TokenKind::ArrayStart) {
        found.range.end = bytes.len();
        found.closed = false;
        for token in scanner {
            match token.kind {
                TokenKind::ObjectEnd | TokenKind::ArrayEnd if token.depth == 0 => {
                    found.range.end = at + token.end;
                    found.closed = true;
                    break;
                }
                TokenKind::Key | TokenKind::ObjectEnd | TokenKind::ArrayEnd => {}
                _ => found.count += usize::from(token.depth == 1),
            }
        }
    }
    Some(found)
}
