//! Rows with a free text on the left and columns of figures on the right, and trees of such rows.
//!
//! The text may run on over columns that its row leaves empty: a prompt or a command gets the room
//! that a model call needs for its figures.

use super::{
    Paint, Style,
    line::{Line, width},
};

/// The columns, in their order on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Status,
    First,
    Time,
    Input,
    Cached,
    Output,
    Thought,
    Cost,
}

impl Column {
    const ALL: [Self; 8] = [
        Self::Status,
        Self::First,
        Self::Time,
        Self::Input,
        Self::Cached,
        Self::Output,
        Self::Thought,
        Self::Cost,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::First => "first",
            Self::Time => "time",
            Self::Input => "in",
            Self::Cached => "cached",
            Self::Output => "out",
            Self::Thought => "thought",
            Self::Cost => "cost",
        }
    }

    fn width(self) -> usize {
        match self {
            Self::Status => 10,
            Self::First | Self::Time | Self::Input | Self::Cached | Self::Output => 6,
            Self::Thought => 7,
            Self::Cost => 8,
        }
    }

    /// Columns of numbers have their digits under each other.
    fn right_aligned(self) -> bool {
        self != Self::Status
    }
}

/// One row: its text, and figures for some of the columns.
#[derive(Default)]
pub(super) struct Row {
    pub(super) text: Line,
    figures: Vec<(Column, Paint, String)>,
}

impl Row {
    pub(super) fn new(text: Line) -> Self {
        Self { text, figures: Vec::new() }
    }

    /// Sets a figure; an empty one is none.
    pub(super) fn set(mut self, column: Column, paint: Paint, figure: String) -> Self {
        if !figure.is_empty() {
            self.figures.push((column, paint, figure));
        }
        self
    }
}

/// A row with what belongs under it.
#[derive(Default)]
pub(super) struct Node {
    pub(super) row: Row,
    pub(super) children: Vec<Node>,
}

impl From<Row> for Node {
    fn from(row: Row) -> Self {
        Self { row, children: Vec::new() }
    }
}

impl From<Line> for Node {
    fn from(text: Line) -> Self {
        Row::new(text).into()
    }
}

/// Where the columns stand.
pub(super) struct Grid<'a> {
    style: &'a Style,
    width: usize,
    /// Each column with the screen column where it ends.
    columns: Vec<(Column, usize)>,
}

impl<'a> Grid<'a> {
    /// A grid of this width without the columns in `without`.
    pub(super) fn new(style: &'a Style, width: usize, without: &[Column]) -> Self {
        let mut end = width;
        let mut columns = Vec::new();
        for column in Column::ALL.into_iter().rev().filter(|column| !without.contains(column)) {
            columns.push((column, end));
            end = end.saturating_sub(column.width() + 1);
        }
        columns.reverse();
        Self { style, width, columns }
    }

    /// The columns' names.
    pub(super) fn header(&self, text: Line, out: &mut String) {
        let mut row = Row::new(text);
        for (column, _) in &self.columns {
            row = row.set(*column, Paint::Dim, column.title().to_owned());
        }
        self.row(&row, out);
    }

    /// One row.
    pub(super) fn row(&self, row: &Row, out: &mut String) {
        self.prefixed(Line::new(), row, out);
    }

    fn prefixed(&self, prefix: Line, row: &Row, out: &mut String) {
        let mut figures = Vec::new();
        for (column, end) in &self.columns {
            if let Some((_, paint, figure)) = row.figures.iter().find(|(at, ..)| at == column) {
                let taken = if column.right_aligned() { width(figure) } else { column.width() };
                figures.push((end.saturating_sub(taken), *paint, figure));
            }
        }
        let room = figures.first().map_or(self.width, |(start, ..)| start.saturating_sub(1));
        let mut line = prefix.join(row.text.clone()).fit(room, self.style);
        for (start, paint, figure) in figures {
            line = line.pad(start).put(paint, figure);
        }
        line.render(self.style, out);
    }

    /// A node, and under it its children, each with a branch to it.
    pub(super) fn tree(&self, node: &Node, out: &mut String) {
        self.row(&node.row, out);
        self.branches("", &node.children, out);
    }

    fn branches(&self, prefix: &str, nodes: &[Node], out: &mut String) {
        for (at, node) in nodes.iter().enumerate() {
            let (branch, below) = match (at + 1 == nodes.len(), self.style.unicode) {
                (false, true) => ("├─ ", "│  "),
                (true, true) => ("└─ ", "   "),
                (false, false) => ("|- ", "|  "),
                (true, false) => ("`- ", "   "),
            };
            let lead = Line::new().layout(Paint::Dim, prefix).layout(Paint::Dim, branch);
            self.prefixed(lead, &node.row, out);
            self.branches(&format!("{prefix}{below}"), &node.children, out);
        }
    }
}
