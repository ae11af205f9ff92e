//! What a page is made of: rows and texts, and what can be unfolded below them.

use std::{ops::Range, sync::Arc};

use super::{
    conversation::Messages,
    events::{self, Events},
    json::{self, Run, Value},
    pieces,
};
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

    /// Where `inner`, a part of these bytes, stands.
    pub(super) fn of(&self, inner: &[u8]) -> Self {
        let base = self.source.as_ptr().addr();
        let start = inner.as_ptr().addr().saturating_sub(base).min(self.source.len());
        self.part(start..(start + inner.len()).min(self.source.len()))
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
    /// JSON as it was sent, also what stands between a string's quotes.
    Json,
}

/// A row or a text, and what can be unfolded below it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(super) own: Own,
    pub(super) below: Below,
    pub(super) open: bool,
}

/// What a node itself shows.
#[derive(Debug)]
pub(super) enum Own {
    /// Nothing: what is below it stands where it would. Together that can be a JSON text.
    Group(Option<Span>),
    /// A row of ours.
    Line {
        line: Line,
        /// What follows in it while the node is folded.
        preview: Line,
        /// The recorded bytes that it and all below it show.
        shows: Option<Span>,
    },
    /// A JSON value.
    Value(Value),
    /// A piece of a text.
    Piece(Span, How),
    /// A text of ours.
    Painted(String, Vec<(Range<usize>, Paint)>),
}

/// What is below a node.
#[derive(Debug)]
pub(super) enum Below {
    /// It cannot be unfolded.
    Nothing,
    /// These.
    Nodes(Vec<Node>),
    /// What is found when it is wanted, and forgotten when that was long ago.
    Hidden(Hidden, Vec<Node>),
}

/// Nodes that nobody wanted yet.
#[derive(Debug)]
pub(super) enum Hidden {
    /// A JSON text, or what should be one.
    Json(Span),
    /// What is in the list or object that a JSON text is.
    Members(Span),
    /// What a tool was called with: as members, with strings as people read them.
    Arguments(Span),
    /// Values of a list, members of an object.
    Run(Run),
    /// A text.
    Text(Span, How),
    /// Events of a stream.
    Events(Events),
    /// Messages of a conversation.
    Messages(Messages),
}

impl Hidden {
    pub(super) fn find(&self) -> Vec<Node> {
        match self {
            Self::Json(span) => json::outline(span),
            Self::Members(span) => json::members(span),
            Self::Arguments(span) => json::arguments(span),
            Self::Run(run) => run.values(),
            Self::Text(span, how) => pieces::pieces(span, *how),
            Self::Events(events) => events::nodes(events),
            Self::Messages(messages) => messages.nodes(),
        }
    }

    fn span(&self) -> &Span {
        match self {
            Self::Json(span)
            | Self::Members(span)
            | Self::Arguments(span)
            | Self::Text(span, _) => span,
            Self::Run(run) => &run.span,
            Self::Events(events) => &events.span,
            Self::Messages(messages) => &messages.span,
        }
    }
}

impl Node {
    /// A row of ours, with `below` what can be folded away under it. Cut where it is too long for the screen.
    pub(crate) fn heading(line: Line, below: Vec<Node>) -> Self {
        let below = if below.is_empty() { Below::Nothing } else { Below::Nodes(below) };
        let own = Own::Line { line, preview: Line::new(), shows: None };
        Self { own, below, open: false }
    }

    /// Recorded text of any length, wrapped.
    pub(crate) fn span(span: Span, how: How) -> Self {
        Self::hidden(Hidden::Text(span, how))
    }

    /// A JSON text of any size, as an outline.
    pub(crate) fn json(span: Span) -> Self {
        Self::hidden(Hidden::Json(span))
    }

    /// As [`Node::json`], for under a heading that says what it is: without a row for the text itself.
    pub(crate) fn members(span: Span) -> Self {
        let own = Own::Group(Some(span.clone()));
        Self { own, ..Self::hidden(Hidden::Members(span)) }
    }

    /// As [`Node::members`], for what a tool was called with.
    pub(super) fn arguments(span: Span) -> Self {
        let own = Own::Group(Some(span.clone()));
        Self { own, ..Self::hidden(Hidden::Arguments(span)) }
    }

    /// A text with colours at ranges of its bytes (rising, apart), wrapped; of any length.
    pub(crate) fn painted(text: String, paints: Vec<(Range<usize>, Paint)>) -> Self {
        if text.len() <= pieces::PIECE {
            return Self { own: Own::Painted(text, paints), below: Below::Nothing, open: true };
        }
        Self::group(pieces::painted(&text, &paints))
    }

    /// A text of ours, or a short one that was recorded, in one colour.
    pub(crate) fn text(text: &str, paint: Paint) -> Self {
        Self::painted(text.to_owned(), vec![(0..text.len(), paint)])
    }

    /// Unfolded at first.
    pub(crate) fn unfolded(mut self) -> Self {
        self.open = true;
        self
    }

    /// What follows in the row while it is folded.
    pub(super) fn preview(mut self, preview: Line) -> Self {
        if let Own::Line { preview: shown, .. } = &mut self.own {
            *shown = preview;
        }
        self
    }

    /// The row and all below it show these recorded bytes.
    pub(super) fn showing(mut self, span: Span) -> Self {
        if let Own::Line { shows, .. } = &mut self.own {
            *shows = Some(span);
        }
        self
    }

    /// `nodes` without a row above them.
    pub(super) fn group(nodes: Vec<Self>) -> Self {
        Self { own: Own::Group(None), below: Below::Nodes(nodes), open: true }
    }

    pub(super) fn hidden(hidden: Hidden) -> Self {
        Self { own: Own::Group(None), below: Below::Hidden(hidden, Vec::new()), open: true }
    }

    /// Finds now what would take too long when it is wanted.
    pub(super) fn prepare(&mut self) {
        if let Below::Hidden(hidden, _) = &self.below
            && hidden.span().range.len() > pieces::PIECE
        {
            self.below = Below::Nodes(hidden.find());
        }
        if let Below::Nodes(nodes) = &mut self.below {
            nodes.iter_mut().for_each(Self::prepare);
        }
    }

    /// What is below, as far as it was found.
    pub(super) fn nodes(&self) -> &[Self] {
        match &self.below {
            Below::Nothing => &[],
            Below::Nodes(nodes) | Below::Hidden(_, nodes) => nodes,
        }
    }

    pub(super) fn nodes_mut(&mut self) -> &mut [Self] {
        match &mut self.below {
            Below::Nothing => &mut [],
            Below::Nodes(nodes) | Below::Hidden(_, nodes) => nodes,
        }
    }

    /// Finds what is below; says whether that is new.
    pub(super) fn find(&mut self) -> bool {
        match &mut self.below {
            Below::Hidden(hidden, nodes) if nodes.is_empty() => {
                *nodes = hidden.find();
                true
            }
            _ => false,
        }
    }

    /// Forgets what can be found again.
    pub(super) fn forget(&mut self) {
        if let Below::Hidden(_, nodes) = &mut self.below {
            *nodes = Vec::new();
        }
    }

    /// Whether it can be folded.
    pub(super) fn folds(&self) -> bool {
        !matches!(self.own, Own::Group(_)) && !matches!(self.below, Below::Nothing)
    }
}
