//! Rows with a free text on the left and columns of figures on the right, and trees of such rows.
//!
//! The text may run on over columns that its row leaves empty: a prompt or a command gets the room
//! that a model call needs for its figures. A column is as wide as what stands in it, and is not there
//! where nothing does; where the terminal is too narrow for all, the least important go.

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

    /// What goes first where there is no room for all: the finer points, then what `request` has too.
    const LEAST_FIRST: [Self; 7] = [
        Self::Thought,
        Self::Cached,
        Self::First,
        Self::Output,
        Self::Input,
        Self::Cost,
        Self::Time,
    ];

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

    /// Widens the columns to what its figures need.
    fn measure(&self, widths: &mut [usize; Column::ALL.len()]) {
        for (column, _, figure) in &self.figures {
            let known = &mut widths[*column as usize];
            *known = width(figure).max(*known);
        }
    }
}

/// A row with what belongs under it.
#[derive(Default)]
pub(super) struct Node {
    pub(super) row: Row,
    pub(super) children: Vec<Node>,
}

impl Node {
    fn measure(&self, widths: &mut [usize; Column::ALL.len()]) {
        self.row.measure(widths);
        for child in &self.children {
            child.measure(widths);
        }
    }
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

/// Figures narrower than this get it all the same, so that columns stay put while numbers grow.
const NARROWEST: usize = 5;

/// The room that texts keep: two fifths of the width, and never less than this.
const TEXT: usize = 24;

/// Where the columns stand.
pub(super) struct Grid<'a> {
    style: &'a Style,
    width: usize,
    /// Each column with the screen column where it begins and the one where it ends.
    columns: Vec<(Column, usize, usize)>,
    /// The columns for which there was no room, in their order.
    left_out: Vec<Column>,
}

impl<'a> Grid<'a> {
    /// A grid of this width with the columns that `trees` and `last` have figures for, as far as the
    /// width allows.
    pub(super) fn new(style: &'a Style, width: usize, trees: &[Node], last: &Row) -> Self {
        let mut widths = [0; Column::ALL.len()];
        last.measure(&mut widths);
        for tree in trees {
            tree.measure(&mut widths);
        }
        let mut shown: Vec<Column> =
            Column::ALL.into_iter().filter(|column| widths[*column as usize] > 0).collect();
        for column in &shown {
            let least = NARROWEST.max(column.title().len());
            let figures = &mut widths[*column as usize];
            *figures = least.max(*figures);
        }
        let text = TEXT.max(width * 2 / 5);
        let mut left_out = Vec::new();
        for column in Column::LEAST_FIRST {
            let figures: usize = shown.iter().map(|column| widths[*column as usize] + 1).sum();
            if figures + text <= width {
                break;
            }
            if let Some(at) = shown.iter().position(|other| *other == column) {
                left_out.push(shown.remove(at));
            }
        }
        left_out.sort_by_key(|column| *column as usize);
        let mut end = width;
        let mut columns = Vec::new();
        for column in shown.into_iter().rev() {
            let start = end.saturating_sub(widths[column as usize]);
            columns.push((column, start, end));
            end = start.saturating_sub(1);
        }
        columns.reverse();
        Self { style, width, columns, left_out }
    }

    /// Says which columns are missing for want of room; nothing where none is.
    pub(super) fn footnote(&self, out: &mut String) {
        if !self.left_out.is_empty() {
            let names: Vec<&str> = self.left_out.iter().map(|column| column.title()).collect();
            let note = format!("no room for: {}", names.join(", "));
            Line::new().put(Paint::Dim, &note).fit(self.width, self.style).render(self.style, out);
        }
    }

    /// The columns' names.
    pub(super) fn header(&self, text: Line, out: &mut String) {
        let mut row = Row::new(text);
        for (column, ..) in &self.columns {
            row = row.set(*column, Paint::Dim, column.title().to_owned());
        }
        self.row(&row, out);
    }

    /// One row.
    pub(super) fn row(&self, row: &Row, out: &mut String) {
        self.prefixed(Line::new(), row, out);
    }

    fn prefixed(&self, prefix: Line, row: &Row, out: &mut String) {
        let figures = self.placed(row);
        let mut line = prefix.join(row.text.clone()).fit(self.room(row), self.style);
        for (start, paint, figure) in figures {
            line = line.pad(start).put(paint, figure);
        }
        line.render(self.style, out);
    }

    /// The figures of a row, from left to right, each with the screen column where it begins.
    fn placed<'r>(&self, row: &'r Row) -> Vec<(usize, Paint, &'r str)> {
        let mut figures = Vec::new();
        for (column, start, end) in &self.columns {
            if let Some((_, paint, figure)) = row.figures.iter().find(|(at, ..)| at == column) {
                let right = end.saturating_sub(width(figure));
                let start = if column.right_aligned() { right } else { *start };
                figures.push((start, *paint, figure.as_str()));
            }
        }
        figures
    }

    /// How many columns the text of a row can have.
    fn room(&self, row: &Row) -> usize {
        self.placed(row).first().map_or(self.width, |(start, ..)| start.saturating_sub(1))
    }

    /// One row under a name of its own; where its text does not fit beside its figures it has the next line.
    pub(super) fn named(&self, name: Line, row: Row, out: &mut String) {
        let text = name.clone().layout(Paint::Plain, "  ").join(row.text.clone());
        if text.width() <= self.room(&row) {
            return self.row(&Row { text, ..row }, out);
        }
        let below = Row::new(row.text);
        self.row(&Row { text: name, figures: row.figures }, out);
        self.row(&below, out);
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
