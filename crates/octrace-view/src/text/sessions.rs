//! The list of sessions: two lines each, so that a narrow terminal has room for title and figures, and the
//! whole id can be copied.

use std::collections::{BTreeMap, BTreeSet};

use octrace_store::read::SessionRow;

use super::{Paint, Style, figures, line::Line};

/// The room that titles keep: two fifths of the width, and never less than this. Figures make way for it.
const TITLE: usize = 16;

/// Narrower terminals wrap; in wider ones the figures would stand far from what they are about.
const WIDTHS: (usize, usize) = (30, 120);

/// A figure of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    When,
    Requests,
    Errors,
    Input,
    Output,
    Cost,
    Size,
}

impl Column {
    pub(crate) const ALL: [Self; 7] = [
        Self::When,
        Self::Requests,
        Self::Errors,
        Self::Input,
        Self::Output,
        Self::Cost,
        Self::Size,
    ];

    /// What goes first where there is no room for all.
    const LEAST_FIRST: [Self; 6] =
        [Self::Size, Self::Output, Self::Input, Self::Requests, Self::Errors, Self::Cost];

    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::When => "when",
            Self::Requests => "req",
            Self::Errors => "err",
            Self::Input => "in",
            Self::Output => "out",
            Self::Cost => "cost",
            Self::Size => "size",
        }
    }

    /// The spaces before it; what belongs together stands together.
    pub(crate) fn gap(self) -> usize {
        if matches!(self, Self::Errors | Self::Output) { 1 } else { 2 }
    }
}

/// The sessions as a table for a terminal of `width` columns, newest first, sub-agents' sessions under
/// their parents. `now_us` is the time, µs since the Unix epoch.
pub fn sessions(rows: &[SessionRow], style: &Style, now_us: i64, width: usize) -> String {
    if rows.is_empty() {
        return "Nothing has been recorded yet. `octrace run -- opencode` records a session.\n"
            .to_owned();
    }
    let width = width.clamp(WIDTHS.0, WIDTHS.1);
    let rows: Vec<&SessionRow> = rows.iter().collect();
    let rows = ordered(&rows).into_iter().map(|(depth, at)| (depth, rows[at]));
    let rows: Vec<(usize, &SessionRow)> = rows.collect();
    let titles: Vec<Line> = rows.iter().map(|(depth, row)| title(row, *depth, style)).collect();
    let cells: Vec<[Line; 7]> = rows
        .iter()
        .map(|(_, row)| Column::ALL.map(|column| cell(column, row, now_us, style)))
        .collect();
    let header = Column::ALL.map(|column| Line::new().put(Paint::Dim, column.header()));

    let widest = |at: usize| {
        [&header].into_iter().chain(&cells).map(|row| row[at].width()).max().unwrap_or(0)
    };
    let widths: [usize; 7] = std::array::from_fn(widest);
    let (shown, room) = fitting(&widths, width);

    let mut out = String::new();
    let line = |title: Line, cells: &[Line; 7]| {
        let mut line = title.fit(room, style).pad(room);
        for column in &shown {
            let (width, cell) = (widths[*column as usize], &cells[*column as usize]);
            let start = line.width() + column.gap() + width - cell.width();
            line = line.pad(start).join(cell.clone());
        }
        line
    };
    line(Line::new().put(Paint::Dim, "session"), &header).render(style, &mut out);
    for (((depth, row), title), cells) in rows.into_iter().zip(titles).zip(cells) {
        line(title, &cells).render(style, &mut out);
        let indent = "  ".repeat(1 + depth.min(DEPTH));
        details(row, &indent, style).fit(width, style).render(style, &mut out);
    }
    out
}

/// The columns that have room in `width` with these widths, and what room they leave to titles.
pub(crate) fn fitting(widths: &[usize; 7], width: usize) -> (Vec<Column>, usize) {
    let taken = |shown: &[Column]| -> usize {
        shown.iter().map(|column| column.gap() + widths[*column as usize]).sum()
    };
    let mut shown = Column::ALL.to_vec();
    for column in Column::LEAST_FIRST {
        if taken(&shown) + TITLE.max(width * 2 / 5) > width {
            shown.retain(|other| *other != column);
        }
    }
    let room = width.saturating_sub(taken(&shown));
    (shown, room)
}

/// Deeper sub-agents are not indented further.
const DEPTH: usize = 6;

/// Newest first; sub-agents' sessions after their parent, in the order they began. Each by its depth and its place in
/// `rows`.
pub(crate) fn ordered(rows: &[&SessionRow]) -> Vec<(usize, usize)> {
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut children: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut roots = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        match row.parent.as_deref().filter(|parent| ids.contains(parent) && *parent != row.id) {
            Some(parent) => children.entry(parent).or_default().push(at),
            None => roots.push(at),
        }
    }
    roots.sort_by(|a, b| {
        let (a, b) = (rows[*a], rows[*b]);
        (b.updated_us, &a.id).cmp(&(a.updated_us, &b.id))
    });
    for siblings in children.values_mut() {
        siblings.sort_by_key(|at| (rows[*at].created_us, &rows[*at].id));
    }
    let mut order = Vec::new();
    let mut next: Vec<(usize, usize)> = roots.into_iter().rev().map(|at| (0, at)).collect();
    loop {
        while let Some((depth, at)) = next.pop() {
            order.push((depth, at));
            let below = children.remove(rows[at].id.as_str()).unwrap_or_default();
            next.extend(below.into_iter().rev().map(|child| (depth + 1, child)));
        }
        // Only sessions that are each other's parents are left: shown from any of them.
        match children.pop_first() {
            Some((_, rest)) => next.extend(rest.into_iter().map(|at| (0, at))),
            None => return order,
        }
    }
}

/// What stands in a column.
pub(crate) fn cell(column: Column, row: &SessionRow, now_us: i64, style: &Style) -> Line {
    let totals = &row.totals;
    let (paint, text) = match column {
        Column::When if row.live => (Paint::Good, "live".to_owned()),
        Column::When => (Paint::Plain, figures::ago(row.updated_us, now_us, style)),
        Column::Requests => (Paint::Plain, figures::count(totals.requests)),
        Column::Errors => (Paint::Bad, figures::count_or_blank(totals.errors)),
        Column::Input => (Paint::Plain, figures::count_or_blank(totals.usage.input)),
        Column::Output => (Paint::Plain, figures::count_or_blank(totals.usage.output)),
        Column::Cost => (Paint::Plain, figures::dollars(totals.cost_usd)),
        Column::Size => (Paint::Plain, figures::bytes(row.wire_bytes)),
    };
    Line::new().put(paint, &text)
}

/// The model that answered most, and how many others did.
pub(crate) fn models(row: &SessionRow) -> String {
    match row.models.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, others @ ..] => format!("{first} +{}", others.len()),
    }
}

/// Id, models and directory.
fn details(row: &SessionRow, indent: &str, style: &Style) -> Line {
    let models = models(row);
    let directory = row.directory.as_deref().unwrap_or_default();
    Line::new().layout(Paint::Plain, indent).dotted(
        style,
        Paint::Dim,
        [row.id.as_str(), &models, directory],
    )
}

/// Its title, under its parent's, with a mark while it is live.
pub(crate) fn title(row: &SessionRow, depth: usize, style: &Style) -> Line {
    let mut line = Line::new();
    if depth > 0 {
        let indent = "  ".repeat(depth.min(DEPTH) - 1);
        line = line.layout(Paint::Dim, &indent).layout(Paint::Dim, style.glyph("└ ", "- "));
    }
    if row.live {
        line = line.put(Paint::Good, style.glyph("● ", "* "));
    }
    match &row.title {
        Some(title) => line.put(Paint::Strong, title),
        None => line.put(Paint::Dim, "(untitled)"),
    }
}

#[cfg(test)]
mod tests;
