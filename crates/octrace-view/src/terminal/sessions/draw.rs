//! How the list of sessions looks: two lines each, or one where there is room for everything side by side.

use octrace_store::read::SessionRow;
use ratatui_core::layout::Rect;

use super::{Reading, Sessions};
use crate::{
    terminal::draw::{Pen, row, split_right, split_top, without_left},
    text::{
        Paint, figures,
        line::Line,
        sessions::{Column, cell, fitting, models, title},
    },
};

/// What each figure may take, in the order of [`Column::ALL`]: columns stay put while numbers grow.
const WIDTHS: [usize; 7] = [8, 5, 4, 5, 5, 8, 6];

/// From this width on a session takes one line.
const WIDE: u16 = 130;

/// For project and model, where they stand beside the title.
const BESIDE: (u16, u16) = (20, 28);

impl Sessions {
    /// Draws header and rows.
    pub(in crate::terminal) fn draw(
        &mut self,
        area: Rect,
        pen: &mut Pen<'_>,
        source: &str,
        is_static: bool,
        now_us: i64,
    ) {
        let (top, area) = split_top(area, u16::from(area.height > 2));
        self.header(top, pen, source, is_static);
        let wide = area.width >= WIDE;
        let beside = if wide { BESIDE.0 + BESIDE.1 + 4 } else { 0 };
        let (columns, room) = fitting(&WIDTHS, usize::from(area.width - beside));
        let room = u16::try_from(room).unwrap_or(area.width);
        let cells = Cells { columns, room, wide, now_us };
        let (head, area) = split_top(area, u16::from(area.height > 3));
        if self.shown.is_empty() {
            self.drawn = (Rect::ZERO, 1);
            self.cursor.sight(0, 0);
            return self.nothing(area, pen);
        }
        cells.head(head, pen);
        let tall = if wide || area.height < 2 { 1 } else { 2 };
        self.drawn = (area, tall);
        let sight = self.cursor.sight(usize::from(area.height / tall), self.shown.len());
        let mut rest = area;
        for at in sight {
            let (depth, place) = self.shown[at];
            let (here, below) = split_top(rest, tall);
            rest = below;
            pen.marked = at == self.cursor.at;
            cells.session(here, pen, &self.rows[place], depth);
        }
        pen.marked = false;
    }

    fn header(&self, area: Rect, pen: &mut Pen<'_>, source: &str, is_static: bool) {
        let all = figures::many(self.rows.len() as u64, "session");
        let count = match self.reading {
            Reading::Begun => pen.style.glyph("reading…", "reading...").to_owned(),
            Reading::At(progress) => format!("reading {}, {all}", percent(progress)),
            Reading::Done if self.filtering.is_empty() => all,
            Reading::Done => format!("{} of {all}", figures::grouped(self.shown.len() as u64)),
        };
        let left = pen.right(area, Line::new().put(Paint::Dim, &count));
        let mut line = Line::new().put(Paint::Strong, "octrace").layout(Paint::Plain, "  ");
        line = line.put(Paint::Dim, source);
        if is_static {
            line = line.layout(Paint::Plain, "  ").put(Paint::Warn, "static");
        }
        pen.line(left, line.layout(Paint::Plain, "  ").join(self.filtering.line(pen.style)));
    }

    fn nothing(&self, area: Rect, pen: &mut Pen<'_>) {
        let lines: &[&str] = match self.reading {
            Reading::Begun | Reading::At(_) => &[],
            Reading::Done if self.rows.is_empty() => &[
                "Nothing has been recorded yet.",
                "`octrace run -- opencode` records a session.",
                "`octrace demo` makes one to look at: it needs no account and no key.",
            ],
            Reading::Done => &["No session matches the filter.", "f changes it, esc shows all."],
        };
        for (at, text) in (1..).zip(lines) {
            pen.line(row(area, at), Line::new().put(Paint::Dim, text));
        }
    }
}

/// `42%`.
pub(in crate::terminal) fn percent(progress: crate::terminal::data::Progress) -> String {
    let done = u128::from(progress.done.min(progress.of)) * 100;
    format!("{}%", done / u128::from(progress.of.max(1)))
}

/// Where a session's facts stand.
struct Cells {
    columns: Vec<Column>,
    /// For the title.
    room: u16,
    wide: bool,
    now_us: i64,
}

impl Cells {
    fn head(&self, area: Rect, pen: &mut Pen<'_>) {
        let word = |text| Line::new().put(Paint::Dim, text);
        let figures = self.beside(area, pen, [word("session"), word("project"), word("model")]);
        self.figures(figures, pen, |column| word(column.header()));
    }

    fn session(&self, area: Rect, pen: &mut Pen<'_>, session: &SessionRow, depth: usize) {
        let first = row(area, 0);
        pen.ground(area);
        let texts = [
            title(session, depth, pen.style),
            Line::new().plain(project(session)),
            Line::new().put(Paint::Dim, &models(session)),
        ];
        let figures = self.beside(first, pen, texts);
        let style = pen.style;
        self.figures(figures, pen, |column| cell(column, session, self.now_us, style));
        if !self.wide {
            let indent = u16::try_from(2 + 2 * depth.min(6)).unwrap_or(0);
            let facts = [project(session), &models(session), &session.id];
            let facts = Line::new().dotted(pen.style, Paint::Dim, facts);
            pen.line(without_left(row(area, 1), indent), facts);
        }
    }

    /// Draws the texts, of which only the first is there in narrow terminals; gives the area of the figures.
    fn beside(&self, area: Rect, pen: &mut Pen<'_>, texts: [Line; 3]) -> Rect {
        let widths = if self.wide { [self.room, BESIDE.0, BESIDE.1] } else { [self.room, 0, 0] };
        let mut rest = area;
        for (width, text) in widths.into_iter().zip(texts) {
            let here = Rect { width: width.min(rest.width), ..rest };
            pen.line(here, text);
            rest = without_left(rest, if width == 0 { 0 } else { width + 2 });
        }
        // The gap before the first figure is its own.
        split_right(area, rest.width + 2).1
    }

    fn figures(&self, area: Rect, pen: &mut Pen<'_>, cell: impl Fn(Column) -> Line) {
        let mut rest = area;
        for column in &self.columns {
            let width = u16::try_from(column.gap() + WIDTHS[*column as usize]).unwrap_or(0);
            let here = Rect { width: width.min(rest.width), ..rest };
            pen.right(here, cell(*column));
            rest = without_left(rest, width);
        }
    }
}

/// The last two names of where it works.
fn project(row: &SessionRow) -> &str {
    let directory = row.directory.as_deref().unwrap_or_default().trim_end_matches(['/', '\\']);
    let mut cuts = directory.char_indices().rev().filter(|(_, char)| matches!(char, '/' | '\\'));
    match cuts.nth(1) {
        Some((at, _)) => directory.get(at + 1..).unwrap_or(directory),
        None => directory,
    }
}
