//! A stream, event by event.

use octrace_core::provider::sse;

use super::{
    node::{Hidden, How, Node, Span},
    pieces::PIECE,
};
use crate::text::{Line, Paint, figures};

/// A page has no more events than this.
const RUN: usize = 200;

/// Events that stand side by side.
#[derive(Debug)]
pub(super) struct Events {
    /// From the first one's first byte on.
    pub(super) span: Span,
    /// The first one's number, from 1.
    first: usize,
}

/// A stream's events, and how many there are.
pub(super) fn stream(span: &Span) -> (Vec<Node>, usize) {
    let mut nodes = Vec::new();
    let (mut start, mut end, mut first, mut number) = (0, 0, 1, 0);
    let mut page = |start: usize, end: usize, first: usize| {
        let base = span.range.start;
        let span = span.part(base + start..base + end);
        nodes.push(Node::hidden(Hidden::Events(Events { span, first })));
    };
    for event in sse::Events::new(span.bytes()) {
        if end > start && (event.end - start > PIECE || number + 1 - first >= RUN) {
            page(start, end, first);
            (start, first) = (end, number + 1);
        }
        number += 1;
        end = event.end;
    }
    if end > start {
        page(start, end, first);
    }
    (nodes, number)
}

/// The events, each folded.
pub(super) fn nodes(events: &Events) -> Vec<Node> {
    let span = &events.span;
    let mut start = 0;
    let mut nodes = Vec::new();
    for (at, event) in sse::Events::new(span.bytes()).enumerate() {
        let base = span.range.start;
        let whole = span.part(base + start..base + event.end);
        start = event.end;
        let data = match &event.data {
            std::borrow::Cow::Borrowed(data) => span.of(data),
            std::borrow::Cow::Owned(_) => whole.clone(),
        };
        let number = format!("{} ", figures::grouped((events.first + at) as u64));
        let mut line = Line::new().layout(Paint::Dim, &number);
        if !event.name.is_empty() {
            line = line.put(Paint::Accent, &event.name).plain(" ");
        }
        line = line.put(Paint::Dim, &figures::bytes(event.data.len() as u64));
        if !event.complete {
            line = line.put(Paint::Warn, " (cut off)");
        }
        let beginning = event.data.get(..event.data.len().min(200)).unwrap_or_default();
        let preview = Line::new()
            .layout(Paint::Dim, "  ")
            .put(Paint::Dim, &String::from_utf8_lossy(beginning));
        let is_json = data.bytes().first().is_some_and(|byte| matches!(byte, b'{' | b'['));
        let below = if is_json { Node::members(data) } else { Node::span(data, How::Text) };
        let mut node = Node::heading(line, vec![below]).preview(preview).showing(whole);
        node.prepare();
        nodes.push(node);
    }
    nodes
}
