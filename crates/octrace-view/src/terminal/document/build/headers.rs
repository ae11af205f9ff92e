//! The headers of both sides.

use octrace_core::exchange::Headers;
use octrace_store::read::ExchangeDetail;

use crate::{
    terminal::document::Node,
    text::{Line, Paint, figures, request::is_redacted, show::status},
};

/// What the tab shows.
pub(super) fn nodes(detail: &ExchangeDetail) -> Vec<Node> {
    let summary = &detail.summary;
    let request = Line::new().put(Paint::Strong, &summary.method).plain(" ").plain(&summary.url);
    let mut nodes = vec![section(request, &detail.request_headers)];
    let (paint, word) = status(summary.outcome, summary.status, summary.error.as_deref());
    let mut response = Line::new().put(paint, &word);
    if let Some(text) = detail.status_text.as_deref().filter(|text| !text.is_empty()) {
        response = response.plain(" ").put(paint, text);
    }
    nodes.push(section(response, &detail.response_headers));
    if let Some(error) = &summary.error {
        nodes.push(Node::text(error, Paint::Bad));
    }
    nodes
}

fn section(line: Line, headers: &Headers) -> Node {
    let count = format!(" · {}", figures::many(headers.len() as u64, "header"));
    let rows = headers.iter().map(|(name, value)| {
        let text = format!("{name}: {value}");
        let paint = if is_redacted(value) { Paint::Dim } else { Paint::Plain };
        let paints = vec![(0..name.len(), Paint::Accent), (name.len() + 2..text.len(), paint)];
        Node::painted(text, paints)
    });
    Node::heading(line.put(Paint::Dim, &count), rows.collect()).unfolded()
}
