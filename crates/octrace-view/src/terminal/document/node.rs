//! What a page is made of.

use std::{ops::Range, sync::Arc};

use crate::text::{Line, Paint};

/// Recorded bytes that are shown without a copy of them.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// The bytes that these are a part of: a body, as a rule.
    pub source: Arc<Vec<u8>>,
    /// Which of them.
    pub range: Range<usize>,
}

impl Span {
    /// All of `source`.
    pub(crate) fn whole(source: &Arc<Vec<u8>>) -> Self {
        Self { source: Arc::clone(source), range: 0..source.len() }
    }

    /// Another part of the same source.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        Self { source: Arc::clone(&self.source), range }
    }

    /// What stands there; nothing where that is beyond its end.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.source.get(self.range.clone()).unwrap_or_default()
    }
}

/// How bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// As text; what is not UTF-8 is replaced.
    Text,
    /// What stands between a JSON string's quotes, without its escapes.
    Decoded,
    /// JSON as it was sent.
    Json,
}

/// A row or a text, and what can be unfolded below it.
#[derive(Debug)]
pub(crate) struct Node {
    own: Own,
    below: Vec<Node>,
    open: bool,
}

#[derive(Debug)]
enum Own {
    Line(Line),
    Span(Span, How),
    Painted(String, Vec<(Range<usize>, Paint)>),
}

impl Node {
    /// A row of ours, with `below` what can be folded away under it. Cut where it is too long for the screen.
    pub(crate) fn heading(line: Line, below: Vec<Node>) -> Self {
        Self { own: Own::Line(line), below, open: false }
    }

    /// Recorded text of any length, wrapped.
    pub(crate) fn span(span: Span, how: How) -> Self {
        Self { own: Own::Span(span, how), below: Vec::new(), open: false }
    }

    /// A text with colours at ranges of its bytes (rising, apart), wrapped; of any length.
    pub(crate) fn painted(text: String, paints: Vec<(Range<usize>, Paint)>) -> Self {
        Self { own: Own::Painted(text, paints), below: Vec::new(), open: false }
    }

    /// Unfolded at first.
    pub(crate) fn unfolded(mut self) -> Self {
        self.open = true;
        self
    }

    pub(super) fn line(&self) -> Vec<(Paint, String)> {
        let _ = (&self.below, self.open);
        match &self.own {
            Own::Line(line) => line.pieces().to_vec(),
            Own::Span(span, _) => {
                vec![(Paint::Plain, String::from_utf8_lossy(span.bytes()).into_owned())]
            }
            Own::Painted(text, _) => vec![(Paint::Plain, text.clone())],
        }
    }
}
