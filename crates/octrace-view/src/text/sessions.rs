//! The list of sessions: two lines each, so that a narrow terminal has room for title and figures, and the
//! whole id can be copied.

use std::collections::{BTreeMap, BTreeSet};

use octrace_store::read::SessionRow;

use super::{Paint, Style, figures, line::Line};

/// The room that titles keep: two fifths of the width, and never less than this. Figures make way for it.
const TITLE: usize = 16;

/// Narrower terminals wrap; in wider ones the figures would stand far from what they are about.
const WIDTHS: (usize, usize) = (30, 120);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    When,
    Requests,
    Errors,
    Input,
    Output,
    Cost,
    Size,
}

impl Column {
    const ALL: [Self; 7] = [
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

    fn header(self) -> &'static str {
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
    fn gap(self) -> usize {
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
    let rows = ordered(rows);
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

/// Deeper sub-agents are not indented further.
const DEPTH: usize = 6;

/// Newest first; sub-agents' sessions after their parent, in the order they began.
fn ordered(rows: &[SessionRow]) -> Vec<(usize, &SessionRow)> {
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut children: BTreeMap<&str, Vec<&SessionRow>> = BTreeMap::new();
    let mut roots = Vec::new();
    for row in rows {
        match row.parent.as_deref().filter(|parent| ids.contains(parent) && *parent != row.id) {
            Some(parent) => children.entry(parent).or_default().push(row),
            None => roots.push(row),
        }
    }
    roots.sort_by(|a, b| (b.updated_us, &a.id).cmp(&(a.updated_us, &b.id)));
    for siblings in children.values_mut() {
        siblings.sort_by(|a, b| (a.created_us, &a.id).cmp(&(b.created_us, &b.id)));
    }
    let mut order = Vec::new();
    let mut next: Vec<(usize, &SessionRow)> = roots.into_iter().rev().map(|row| (0, row)).collect();
    loop {
        while let Some((depth, row)) = next.pop() {
            order.push((depth, row));
            let below = children.remove(row.id.as_str()).unwrap_or_default();
            next.extend(below.into_iter().rev().map(|child| (depth + 1, child)));
        }
        // Only sessions that are each other's parents are left: shown from any of them.
        match children.pop_first() {
            Some((_, rest)) => next.extend(rest.into_iter().map(|row| (0, row))),
            None => return order,
        }
    }
}

fn cell(column: Column, row: &SessionRow, now_us: i64, style: &Style) -> Line {
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

/// Id, models and directory.
fn details(row: &SessionRow, indent: &str, style: &Style) -> Line {
    let models = match row.models.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, others @ ..] => format!("{first} +{}", others.len()),
    };
    let directory = row.directory.as_deref().unwrap_or_default();
    Line::new().layout(Paint::Plain, indent).dotted(
        style,
        Paint::Dim,
        [row.id.as_str(), &models, directory],
    )
}

fn title(row: &SessionRow, depth: usize, style: &Style) -> Line {
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
