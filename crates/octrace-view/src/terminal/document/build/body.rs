//! A body as it was recorded: JSON folded, a stream event by event, text, or the beginning of what is none.

use std::sync::Arc;

use octrace_core::provider::BodyKind;

use crate::{
    terminal::document::{How, Node, Span, events},
    text::{Line, Paint, figures},
};

/// So much is shown of what is no text, in bytes.
const DUMPED: usize = 4 * 1024;

/// A body and what is known about it.
pub(in crate::terminal::document) struct Body {
    /// Lower case, without parameters.
    pub(in crate::terminal::document) content_type: String,
    pub(in crate::terminal::document) bytes: Arc<Vec<u8>>,
    /// Whether the recording has only a part of it.
    pub(in crate::terminal::document) is_cut: bool,
    /// Whether more may come.
    pub(in crate::terminal::document) is_open: bool,
}

impl Body {
    /// All that is to be said about it.
    pub(super) fn page(&self) -> Vec<Node> {
        let mut nodes = self.notes();
        nodes.extend(self.nodes());
        nodes
    }

    /// What is missing of it.
    pub(in crate::terminal::document) fn notes(&self) -> Vec<Node> {
        let note = if self.is_cut {
            "The recording has only this part of the body."
        } else if self.is_open {
            "More may come."
        } else {
            return Vec::new();
        };
        vec![Node::text(note, Paint::Warn)]
    }

    /// The bytes.
    pub(in crate::terminal::document) fn nodes(&self) -> Vec<Node> {
        let span = Span::whole(&self.bytes);
        match BodyKind::of(&self.content_type, &self.bytes) {
            BodyKind::Empty if self.bytes.is_empty() => vec![Node::text("(empty)", Paint::Dim)],
            BodyKind::Json => vec![Node::json(span)],
            BodyKind::EventStream => {
                let (mut events, count) = events::stream(&span);
                if count == 0 {
                    return vec![Node::span(span, How::Text)];
                }
                let line = Line::new().put(Paint::Strong, &figures::many(count as u64, "event"));
                let size = format!(" · {}", figures::bytes(self.bytes.len() as u64));
                events.insert(0, Node::heading(line.put(Paint::Dim, &size), Vec::new()));
                events
            }
            BodyKind::Empty | BodyKind::Html | BodyKind::Text => vec![Node::span(span, How::Text)],
            BodyKind::Compressed | BodyKind::Binary => {
                let size = figures::many(self.bytes.len() as u64, "byte");
                let note = format!("{size} that are not text; the first of them:");
                let shown = self.bytes.get(..self.bytes.len().min(DUMPED)).unwrap_or_default();
                vec![Node::text(&note, Paint::Warn), Node::painted(dump(shown), Vec::new())]
            }
        }
    }
}

/// `00000000  1f 8b 08 00 …  ....`
fn dump(bytes: &[u8]) -> String {
    let mut dump = String::new();
    for (number, row) in bytes.chunks(16).enumerate() {
        let hex: String = row.iter().map(|byte| format!("{byte:02x} ")).collect();
        let is_shown = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        let text = row.iter().map(|byte| if is_shown(*byte) { char::from(*byte) } else { '.' });
        let text: String = text.collect();
        dump.push_str(&format!("{:08x}  {hex:<48} {text}\n", number * 16));
    }
    dump
}
