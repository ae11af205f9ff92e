//! How a session's rows look.

use octrace_core::{
    session::ToolStatus,
    timeline::{ExchangeRow, PromptRow, Row, RowId, ToolRow},
};
use ratatui_core::layout::Rect;

use super::{
    Timeline,
    columns::{Column, Columns, TIME, bar},
    phase::Phase,
};
use crate::{
    terminal::{
        command::Kind,
        draw::{Pen, row, split_top, without_left, word_row},
        sessions::{Reading, percent},
    },
    text::{
        Paint, Style, figures,
        line::Line,
        show::{status, tool_mark},
    },
};

/// How long the longest bar is.
const BAR: u64 = 6;

impl Timeline {
    /// Draws header and rows.
    pub(in crate::terminal) fn draw(
        &mut self,
        area: Rect,
        pen: &mut Pen<'_>,
        is_static: bool,
        now_us: i64,
    ) {
        // The rows come first where there is hardly room for them.
        let (top, area) = split_top(area, u16::from(area.height > 2));
        self.title(top, pen);
        let (top, area) = split_top(area, u16::from(area.height > 8));
        self.facts(top, pen);
        let (top, area) = split_top(area, u16::from(area.height > 4));
        self.kinds = top;
        self.kinds(top, pen, is_static);
        let (top, area) = split_top(area, u16::from(area.height > 5));
        let columns = Columns::new(self.kind, area.width);
        head(top, pen, &columns);
        self.drawn = area;
        let sight = self.cursor.sight(usize::from(area.height), self.shown.len());
        if sight.is_empty() {
            return self.nothing(area, pen);
        }
        for (below, at) in (0..).zip(sight) {
            let Some(shown) = self.shown.get(at).and_then(|key| self.rows.get(key)) else {
                continue;
            };
            pen.marked = at == self.cursor.at;
            self.row(row(area, below), pen, &columns, shown, now_us);
        }
        pen.marked = false;
    }

    fn title(&self, area: Rect, pen: &mut Pen<'_>) {
        let id = &self.about.id;
        // An id cut short is no id; beside it the title has to have some room.
        let mut left = area;
        let mut title = self.about.title.as_deref().unwrap_or("(untitled)");
        if usize::from(area.width) >= id.len() + 20 {
            left = pen.right(area, Line::new().put(Paint::Dim, id));
        } else if self.about.title.is_none() {
            title = id;
        }
        let mut line = Line::new();
        if self.rows.is_live() {
            line = line.put(Paint::Good, pen.style.glyph("● ", "* "));
        }
        pen.line(left, line.put(Paint::Strong, title));
    }

    /// Models and sums.
    fn facts(&self, area: Rect, pen: &mut Pen<'_>) {
        let totals = &self.about.totals;
        if totals.requests == 0 {
            return;
        }
        let usage = &totals.usage;
        let errors = if totals.errors == 0 {
            Line::new()
        } else {
            Line::new().put(Paint::Bad, &figures::many(totals.errors, "error"))
        };
        let cached = match usage.cache_read {
            0 => String::new(),
            read => format!(" ({} cached)", figures::count(read)),
        };
        let tokens = match (usage.input, usage.output) {
            (0, 0) => String::new(),
            (input, output) => {
                format!("{} in{cached}, {} out", figures::count(input), figures::count(output))
            }
        };
        let facts = [
            self.requests(totals.requests),
            tokens,
            figures::dollars(totals.cost_usd),
            self.about.models.join(", "),
        ];
        let mut line = Line::new();
        if errors.width() > 0 {
            line = errors.layout(Paint::Dim, pen.style.glyph(" · ", " - "));
        }
        let facts = Line::new().dotted(pen.style, Paint::Dim, facts.iter().map(String::as_str));
        pen.line(area, line.join(facts));
    }

    /// How many there are: what is hidden is counted, and said to be.
    fn requests(&self, count: u64) -> String {
        let requests = figures::many(count, "request");
        match self.hidden() {
            0 => requests,
            hidden => format!("{requests}, {} hidden (i)", figures::grouped(hidden)),
        }
    }

    /// Which rows are shown, and where in them the cursor is.
    fn kinds(&self, area: Rect, pen: &mut Pen<'_>, is_static: bool) {
        let place = match self.shown.len() {
            0 => String::new(),
            len => {
                let at = figures::grouped(self.cursor.at as u64 + 1);
                format!("{at}/{}", figures::grouped(len as u64))
            }
        };
        let reading = match self.reading {
            Reading::Begun => pen.style.glyph("reading…", "reading...").to_owned(),
            Reading::At(progress) => format!("reading {}", percent(progress)),
            Reading::Done => String::new(),
        };
        let follow = match is_static {
            true => "static",
            false if self.follow => "following",
            false => "",
        };
        let right = Line::new().dotted(pen.style, Paint::Dim, [follow, &reading, &place]);
        let left = pen.right(area, right);
        let mut line = Line::new();
        for kind in Kind::ALL {
            let paint = if kind == self.kind { Paint::Found } else { Paint::Dim };
            line = line.put(paint, kind.name()).layout(Paint::Plain, "  ");
        }
        if self.shows_meta() {
            line = line.put(Paint::Meta, "+meta").layout(Paint::Plain, "  ");
        }
        line = line.join(self.filtering.line(pen.style));
        pen.line(left, line);
    }

    fn nothing(&self, area: Rect, pen: &mut Pen<'_>) {
        let text = match self.reading {
            Reading::Begun | Reading::At(_) => return,
            Reading::Done if self.rows.len() == 0 => {
                "Nothing of this session's work has been recorded yet."
            }
            Reading::Done if self.rows.len() as u64 == self.hidden() => {
                let hidden = self.requests(self.hidden());
                return pen.line(word_row(area), Line::new().put(Paint::Dim, &hidden));
            }
            Reading::Done => {
                "Nothing here is of this kind and matches the filter. a shows all, f changes it."
            }
        };
        pen.line(word_row(area), Line::new().put(Paint::Dim, text));
    }

    fn row(&self, area: Rect, pen: &mut Pen<'_>, columns: &Columns, row: &Row, now_us: i64) {
        pen.ground(area);
        let style = pen.style;
        let mut text = area;
        if columns.with_time {
            pen.line(area, Line::new().put(Paint::Dim, &style.format(row.at_us(), "%H:%M:%S")));
            text = without_left(area, TIME);
        }
        let figures = columns.shown.iter().map(|(column, start, width)| {
            let here = Rect { width: *width, ..without_left(area, *start) };
            (*column, here, self.figure(*column, row, style, now_us))
        });
        let figures: Vec<_> = figures.filter(|(.., line)| line.width() > 0).collect();
        // The text may run on over columns that are empty in this row.
        if let Some((_, first, _)) = figures.first() {
            text.width = first.x.saturating_sub(text.x + 1);
        }
        pen.line(text, self.text(row, style, now_us));
        for (column, here, line) in figures {
            if column.is_right() {
                pen.right(here, line);
            } else {
                // Into the gap before the next one, rather than cut.
                pen.line(Rect { width: here.width + 1, ..here }, line);
            }
        }
    }

    /// What a row is about.
    fn text(&self, row: &Row, style: &Style, now_us: i64) -> Line {
        match row {
            Row::Prompt(prompt) => prompt_text(prompt, style),
            Row::Tool(tool) => {
                let indent = if self.kind == Kind::All { self.id_width() + 1 } else { 0 };
                tool_text(tool, style, indent)
            }
            Row::Exchange(exchange) => self.exchange_text(exchange, style, now_us),
        }
    }

    /// What an id takes, with its sign.
    fn id_width(&self) -> usize {
        self.rows.highest().to_string().len().max(3) + 1
    }

    fn exchange_text(&self, exchange: &ExchangeRow, style: &Style, now_us: i64) -> Line {
        let id = format!("{:>1$} ", format!("#{}", exchange.id), self.id_width());
        let mut line = Line::new().layout(Paint::Accent, &id);
        let mut parts: Vec<(Paint, String)> = Vec::new();
        if exchange.purpose.is_meta() {
            parts.push((Paint::Meta, exchange.purpose.as_str().to_owned()));
        }
        let phase = Phase::of(exchange, now_us);
        if exchange.attempt > 1 {
            let word = if phase.is_some() { "retry" } else { "try" };
            parts.push((Paint::Warn, format!("{word} {}", exchange.attempt)));
        }
        if let Some(phase) = phase {
            let paint = if let Phase::Stalled { .. } = phase { Paint::Bad } else { Paint::Warn };
            parts.push((paint, phase.words()));
        }
        let error = exchange.error.as_deref().filter(|_| !exchange.outcome.is_open());
        parts.extend(error.map(|error| (Paint::Bad, error.to_owned())));
        parts.extend(self.who(exchange).map(|who| (Paint::Plain, who)));
        for (at, (paint, part)) in parts.into_iter().enumerate() {
            if at > 0 {
                line = line.layout(Paint::Dim, style.glyph(" · ", " - "));
            }
            line = line.put(paint, &part);
        }
        line
    }

    /// Model and agent, where they are others than those of the exchange before; always in a list of one kind, whose
    /// rows do not follow one another.
    fn who(&self, exchange: &ExchangeRow) -> Option<String> {
        let before = exchange.previous.and_then(|id| self.exchange(id));
        if self.kind == Kind::All
            && before.is_some_and(|before| {
                before.model == exchange.model && before.agent == exchange.agent
            })
        {
            return None;
        }
        let model = exchange.model.as_deref()?;
        let model = model.split_once('/').map_or(model, |(_, model)| model);
        let agent = exchange.agent.as_deref().filter(|_| !exchange.purpose.is_meta());
        Some(agent.map_or(model.to_owned(), |agent| format!("{model} ({agent})")))
    }

    fn figure(&self, column: Column, row: &Row, style: &Style, now_us: i64) -> Line {
        let (paint, text) = match row {
            Row::Prompt(_) => return Line::new(),
            Row::Tool(tool) => tool_figure(column, tool, style, now_us),
            Row::Exchange(exchange) if column == Column::Bar => {
                let (requests, responses) = self.rows.largest();
                let bar = if self.kind == Kind::Responses {
                    bar(exchange.response_bytes, responses, BAR, style.unicode)
                } else {
                    bar(exchange.request_bytes, requests, BAR, style.unicode)
                };
                return Line::new().layout(Paint::Accent, &bar);
            }
            Row::Exchange(exchange) => exchange_figure(column, exchange, self.kind, now_us),
        };
        Line::new().put(paint, &text)
    }

    /// The row under the cursor as text, for the clipboard.
    pub(in crate::terminal) fn row_text(&self, style: &Style, now_us: i64) -> Option<String> {
        let row = self.selected()?;
        let of_exchange = |exchange: &ExchangeRow| {
            let columns = Columns::new(Kind::All, u16::MAX);
            let figures = columns.shown.iter().filter(|(column, ..)| *column != Column::Bar);
            let figures = figures.filter_map(|(column, ..)| {
                let figure = self.figure(*column, row, style, now_us).text();
                (!figure.is_empty()).then(|| match column.title() {
                    "status" => figure,
                    title => format!("{title} {figure}"),
                })
            });
            let text = format!("#{} {}", exchange.id, self.who(exchange).unwrap_or_default());
            let error = exchange.error.iter().map(ToString::to_string);
            [text.trim_end().to_owned()]
                .into_iter()
                .chain(figures)
                .chain(error)
                .collect::<Vec<_>>()
                .join("  ")
        };
        Some(match row {
            Row::Prompt(prompt) => prompt.text.as_deref()?.to_owned(),
            Row::Exchange(exchange) => of_exchange(exchange),
            Row::Tool(tool) => {
                let what = if tool.subject.is_empty() { &*tool.tool } else { &*tool.subject };
                [what].into_iter().chain(tool.error.as_deref()).collect::<Vec<_>>().join("\n")
            }
        })
    }

    /// The row under the cursor.
    pub(in crate::terminal) fn selected_id(&self) -> Option<RowId> {
        self.selected().map(Row::id)
    }
}

fn head(area: Rect, pen: &mut Pen<'_>, columns: &Columns) {
    if columns.with_time {
        pen.line(area, Line::new().put(Paint::Dim, "at"));
    }
    for (column, start, width) in &columns.shown {
        let here = Rect { width: *width, ..without_left(area, *start) };
        let name = Line::new().put(Paint::Dim, column.title());
        if column.is_right() {
            pen.right(here, name);
        } else {
            pen.line(here, name);
        }
    }
}

fn prompt_text(prompt: &PromptRow, style: &Style) -> Line {
    let line = Line::new().layout(Paint::Accent, style.glyph("❯ ", "> "));
    match prompt.text.as_deref().map(str::trim_start) {
        None => line.put(Paint::Meta, "compaction"),
        Some("") => line.put(Paint::Dim, "(a prompt without text)"),
        Some(text) => line.put(Paint::Strong, text),
    }
}

fn tool_text(tool: &ToolRow, style: &Style, indent: usize) -> Line {
    let (paint, mark) = tool_mark(tool.status, tool.exit, style);
    let mut line = Line::new().pad(indent).layout(paint, mark);
    line = line.put(Paint::Strong, &tool.tool);
    if !tool.subject.is_empty() {
        line = line.layout(Paint::Plain, " ").put(Paint::Plain, &tool.subject);
    }
    if tool.child.is_some() {
        line = line.put(Paint::Meta, style.glyph(" ↳ session", " > session"));
    }
    if let Some(error) = &tool.error {
        line = line.layout(Paint::Dim, style.glyph(" · ", " - ")).put(Paint::Bad, error);
    }
    line
}

fn tool_figure(column: Column, tool: &ToolRow, style: &Style, now_us: i64) -> (Paint, String) {
    match column {
        Column::Status => match (tool.status, tool.exit) {
            (_, Some(exit)) if exit != 0 => (Paint::Warn, format!("exit {exit}")),
            (ToolStatus::Failed, _) => (Paint::Bad, "failed".to_owned()),
            (ToolStatus::Running, _) => (Paint::Warn, "running".to_owned()),
            (ToolStatus::Completed, _) => (Paint::Plain, String::new()),
        },
        Column::Took => {
            let running = (tool.status == ToolStatus::Running).then_some(now_us);
            let start = tool.started_us.unwrap_or(tool.at_us);
            let took = tool.ended_us.or(running).map(|end| end.saturating_sub(start));
            let took = took.map(figures::duration).unwrap_or_default();
            // Who does not know when it began knows that it did not take longer.
            let is_bound = tool.started_us.is_none() && tool.ended_us.is_some();
            let bound = if is_bound { style.glyph("≤", "<") } else { "" };
            (Paint::Plain, format!("{bound}{took}"))
        }
        _ => (Paint::Plain, String::new()),
    }
}

fn exchange_figure(column: Column, row: &ExchangeRow, kind: Kind, now_us: i64) -> (Paint, String) {
    let time = |after: Option<i64>| after.map(figures::duration).unwrap_or_default();
    let count = |of: fn(&octrace_core::provider::Usage) -> u64| {
        row.usage.as_ref().map(|usage| figures::count_or_blank(of(usage))).unwrap_or_default()
    };
    let plain = |text| (Paint::Plain, text);
    match column {
        Column::Bar => plain(String::new()),
        Column::Size if kind == Kind::Responses => plain(figures::bytes(row.response_bytes)),
        Column::Size => plain(figures::bytes(row.request_bytes)),
        Column::Growth => growth(row.growth),
        Column::Finish => plain(row.finish.as_deref().unwrap_or_default().to_owned()),
        // What is under way says so in its text.
        Column::Status if row.outcome.is_open() => {
            let status = row.status.map(|status| status.to_string());
            (Paint::Warn, status.unwrap_or_default())
        }
        Column::Status => status(row.outcome, row.status, row.error.as_deref()),
        Column::First => plain(time(row.first_content_after_us)),
        Column::Took if row.outcome.is_open() => {
            (Paint::Warn, figures::duration(now_us.saturating_sub(row.at_us)))
        }
        Column::Took => plain(time(row.end_after_us)),
        Column::Input => plain(count(|usage| usage.input)),
        Column::Cached => (Paint::Dim, count(|usage| usage.cache_read)),
        Column::Output => plain(count(|usage| usage.output)),
        Column::Cost => plain(figures::dollars(row.cost_usd)),
    }
}

/// `+1.2 kB`, `-48 kB`.
fn growth(bytes: Option<i64>) -> (Paint, String) {
    match bytes {
        None => (Paint::Dim, String::new()),
        Some(0) => (Paint::Dim, "=".to_owned()),
        Some(more) if more > 0 => (Paint::Dim, format!("+{}", figures::bytes(more.unsigned_abs()))),
        // A conversation that shrinks was compacted, or is another one.
        Some(less) => (Paint::Warn, format!("-{}", figures::bytes(less.unsigned_abs()))),
    }
}
