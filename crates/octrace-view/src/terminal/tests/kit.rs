//! A viewer in a terminal of text, and recordings for it.

use std::fmt::Write;

use octrace_core::{
    exchange::{Outcome, Purpose},
    filter::Filter,
    provider::Usage,
    session::{ToolStatus, Totals},
    timeline::{ExchangeRow, PromptRow, Row, Thread, ToolRow},
};
use octrace_store::read::SessionRow;
use ratatui_core::{
    buffer::{Buffer, Cell, CellWidth},
    layout::Rect,
    style::{Color, Modifier},
};

use crate::{
    terminal::{
        Action, App, Event, Options, Theme,
        data::Answer,
        input::{Input, Key, Mouse, MouseAction},
    },
    text::Style,
};

/// 2026-11-20 08:49:18 UTC, in µs.
pub(super) const NOW: i64 = 1_795_164_558_000_000;

/// A viewer, its terminal, and what it wanted so far.
pub(super) struct Screen {
    pub(super) app: App,
    pub(super) actions: Vec<Action>,
    pub(super) now_us: i64,
    size: (u16, u16),
}

pub(super) fn options() -> Options {
    Options {
        session: None,
        include_meta: false,
        is_static: false,
        filter: Filter::default(),
        theme: Theme::Dark,
        style: Style::plain(),
        source: "tape".to_owned(),
    }
}

impl Screen {
    pub(super) fn new(size: (u16, u16), options: Options) -> Self {
        let (app, actions) = App::new(options, NOW);
        Self { app, actions, now_us: NOW, size }
    }

    /// Something happens.
    pub(super) fn update(&mut self, event: Event) {
        self.actions.extend(self.app.update(event, self.now_us));
    }

    /// Something happens, and what is seen then is drawn.
    pub(super) fn event(&mut self, event: Event) {
        self.update(event);
        self.buffer();
    }

    pub(super) fn answer(&mut self, answer: Answer) {
        self.event(Event::Answer(answer));
    }

    pub(super) fn key(&mut self, key: Key) {
        self.event(Event::Input(Input::Key(key)));
    }

    pub(super) fn type_text(&mut self, text: &str) {
        for char in text.chars() {
            self.key(Key::Char(char));
        }
    }

    pub(super) fn mouse(&mut self, what: MouseAction, x: u16, y: u16) {
        self.event(Event::Input(Input::Mouse(Mouse { what, x, y })));
    }

    pub(super) fn resize(&mut self, width: u16, height: u16) {
        self.size = (width, height);
    }

    fn buffer(&mut self) -> Buffer {
        let (width, height) = self.size;
        let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width, height });
        self.app.draw(&mut buffer);
        buffer
    }

    /// What is on the screen.
    pub(super) fn text(&mut self) -> String {
        let buffer = self.buffer();
        let mut text = String::new();
        for y in 0..buffer.area.height {
            let mut line = String::new();
            let mut hidden = false;
            for x in 0..buffer.area.width {
                let cell = &buffer[(x, y)];
                if !std::mem::take(&mut hidden) {
                    line.push_str(cell.symbol());
                    hidden = is_wide(cell);
                }
            }
            writeln!(text, "{}", line.trim_end()).unwrap();
        }
        shortened(&text)
    }

    /// The same with marks for how it looks: `{r}` red, `{rB}` red and bold, `{}` plain.
    pub(super) fn styled(&mut self) -> String {
        let buffer = self.buffer();
        let mut text = String::new();
        for y in 0..buffer.area.height {
            let mut now = String::new();
            let mut line = String::new();
            let mut hidden = false;
            for x in 0..buffer.area.width {
                let cell = &buffer[(x, y)];
                if std::mem::take(&mut hidden) {
                    continue;
                }
                hidden = is_wide(cell);
                let mut mark = match cell.fg {
                    Color::Reset => String::new(),
                    color => format!("{color:?}").to_lowercase(),
                };
                let marks = [
                    (Modifier::BOLD, "B"),
                    (Modifier::DIM, "D"),
                    (Modifier::REVERSED, "R"),
                    (Modifier::UNDERLINED, "U"),
                ];
                for (modifier, sign) in marks {
                    if cell.modifier.contains(modifier) {
                        mark.push_str(sign);
                    }
                }
                if mark != now && (cell.symbol() != " " || mark.contains('R') || now.contains('R'))
                {
                    write!(line, "{{{mark}}}").unwrap();
                    now = mark;
                }
                line.push_str(cell.symbol());
            }
            writeln!(text, "{}", line.trim_end()).unwrap();
        }
        shortened(&text)
    }

    /// What it wanted since this was asked last.
    pub(super) fn wanted(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// On a session's timeline.
    pub(super) fn at_timeline(size: (u16, u16), options: Options) -> Self {
        let mut screen = Self::new(size, Options { session: Some(SESSION.to_owned()), ..options });
        screen.answer(told(sessions()));
        screen.answer(timeline(rows()));
        screen.wanted();
        screen
    }

    /// The line with the cursor.
    pub(super) fn marked(&mut self) -> String {
        let buffer = self.buffer();
        let is_marked = |y: &u16| {
            let mut cells = (0..buffer.area.width).map(|x| &buffer[(x, *y)]);
            cells.all(|cell| cell.modifier.contains(Modifier::REVERSED))
        };
        let text = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..buffer.area.height).find(is_marked).map(text).unwrap_or_default().trim().to_owned()
    }
}

/// Whether it covers the cell after it.
fn is_wide(cell: &Cell) -> bool {
    cell.cell_width() > 1
}

/// Many empty lines as one that says how many.
fn shortened(text: &str) -> String {
    let mut short = String::new();
    let mut empty = 0;
    for line in text.lines().chain(["end"]) {
        if line.is_empty() {
            empty += 1;
            continue;
        }
        match empty {
            0..=3 => short.push_str(&"\n".repeat(empty)),
            _ => writeln!(short, "({empty} empty lines)").unwrap(),
        }
        empty = 0;
        writeln!(short, "{line}").unwrap();
    }
    short.truncate(short.len() - "end\n".len());
    short
}

pub(super) fn session(id: &str, parent: Option<&str>, title: &str, minutes_ago: i64) -> SessionRow {
    let at_us = NOW - minutes_ago * 60_000_000;
    SessionRow {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        title: Some(title.to_owned()).filter(|title| !title.is_empty()),
        directory: Some("/home/dev/work/project".to_owned()),
        models: vec!["anthropic/claude-sonnet-4-5".to_owned()],
        created_us: at_us,
        updated_us: at_us,
        totals: Totals {
            requests: 8,
            usage: Usage { input: 74_200, output: 1_045, cache_read: 61_000, ..Usage::default() },
            cost_usd: Some(0.1018),
            ..Totals::default()
        },
        wire_bytes: 1_234_567,
        ..SessionRow::default()
    }
}

pub(super) fn sessions() -> Vec<SessionRow> {
    let mut rows = vec![
        session(
            "ses_e07c00000ffe7Ci1RtZFPYXt42",
            None,
            "An older one with a title that takes more room",
            4_000,
        ),
        session(
            "ses_e07cca11effeXW2vT8sGzP0mQ1",
            Some("ses_e07ccbea3ffeBB3KYdJh7Puf9E"),
            "Search the history",
            3,
        ),
        session("ses_e07ccbea3ffeBB3KYdJh7Puf9E", None, "Fix the failing date test", 2),
        session("run_4711_c0ffee", None, "", 100_000),
        session("ses_e07c\x1b[2J", Some("gone"), "\x1b]0;owned\x07漢字 👩‍💻 family\u{202e}", 1),
    ];
    rows[2].live = true;
    rows[2].totals.errors = 2;
    rows[2].models.push("anthropic/claude-haiku-4-5".to_owned());
    rows[3].models.clear();
    rows[3].totals = Totals { requests: 1, ..Totals::default() };
    rows[4].directory = Some("/home/dev/文字/とても長い名前のフォルダー".to_owned());
    rows
}

pub(super) fn told(rows: Vec<SessionRow>) -> Answer {
    Answer::Sessions { rows, gone: Vec::new(), progress: None }
}

pub(super) const SESSION: &str = "ses_e07ccbea3ffeBB3KYdJh7Puf9E";

pub(super) fn timeline(rows: Vec<Row>) -> Answer {
    Answer::Timeline { session: SESSION.to_owned(), rows, gone: Vec::new(), progress: None }
}

const SECOND: i64 = 1_000_000;

/// An exchange that went well, so many seconds after the beginning.
pub(super) fn exchange(id: i64, after: i64, request_bytes: u64) -> ExchangeRow {
    ExchangeRow {
        id,
        ordinal: id - 100,
        at_us: NOW - 600 * SECOND + after * SECOND,
        agent: Some("build".into()),
        provider: Some("anthropic".into()),
        model: Some("claude-sonnet-4-5".into()),
        message: Some("msg_1".into()),
        assistant: Some(format!("msg_a{id}").into()),
        status: Some(200),
        outcome: Outcome::Complete,
        request_bytes,
        response_bytes: 5_120,
        head_after_us: Some(400_000),
        first_content_after_us: Some(1_240_000),
        last_byte_after_us: Some(4_200_000),
        end_after_us: Some(4_210_000),
        usage: Some(Usage { input: 12_100, output: 421, cache_read: 9_800, ..Usage::default() }),
        cost_usd: Some(0.0123),
        finish: Some("tool_use".into()),
        ..ExchangeRow::default()
    }
}

pub(super) fn tool(number: i64, of: i64, after: i64, tool: &str, subject: &str) -> ToolRow {
    let at_us = NOW - 600 * SECOND + after * SECOND;
    ToolRow {
        number,
        at_us,
        assistant: Some(format!("msg_a{of}").into()),
        tool: tool.into(),
        subject: subject.into(),
        status: ToolStatus::Completed,
        started_us: Some(at_us),
        ended_us: Some(at_us + 52_000),
        ..ToolRow::default()
    }
}

/// A turn with everything that can happen in one, the last exchange under way.
pub(super) fn rows() -> Vec<Row> {
    let at = |after: i64| NOW - 600 * SECOND + after * SECOND;
    let prompt = |number, after, text: Option<&str>| {
        Row::from(PromptRow { number, at_us: at(after), text: text.map(Into::into) })
    };
    let refused = ExchangeRow {
        status: Some(529),
        error: Some("overloaded_error: Overloaded\x1b[31m".into()),
        usage: None,
        cost_usd: None,
        finish: None,
        response_bytes: 120,
        assistant: Some("msg_a104".into()),
        ..exchange(103, 20, 61_000)
    };
    let live = ExchangeRow {
        status: Some(200),
        outcome: Outcome::Streaming,
        response_bytes: 12_000,
        end_after_us: None,
        usage: None,
        cost_usd: None,
        finish: None,
        at_us: NOW - 6 * SECOND,
        head_after_us: Some(1_000_000),
        first_content_after_us: Some(1_500_000),
        last_byte_after_us: Some(5_000_000),
        ..exchange(105, 0, 20_000)
    };
    let mut exchanges = vec![
        ExchangeRow {
            purpose: Purpose::Title,
            agent: Some("title".into()),
            model: Some("claude-haiku-4-5".into()),
            ..exchange(101, 1, 2_400)
        },
        ExchangeRow { ordinal: 2, ..exchange(102, 2, 48_000) },
        refused,
        exchange(104, 24, 61_000),
        live,
    ];
    let mut thread = Thread::default();
    for exchange in &mut exchanges {
        thread.follow(exchange);
    }
    let mut rows: Vec<Row> = exchanges.into_iter().map(Row::from).collect();
    let failed = ToolRow {
        status: ToolStatus::Failed,
        error: Some("oldString not found in content".into()),
        ..tool(3, 104, 29, "edit", "src/date.ts")
    };
    let exited = ToolRow {
        exit: Some(1),
        ..tool(2, 102, 8, "bash", "npm test -- --run 漢字 date.test.ts")
    };
    let task = ToolRow {
        child: Some("ses_e07cca11effeXW2vT8sGzP0mQ1".into()),
        ..tool(4, 104, 30, "task", "Search the history")
    };
    let running = ToolRow {
        status: ToolStatus::Running,
        ended_us: None,
        at_us: NOW - 2 * SECOND,
        started_us: Some(NOW - 2 * SECOND),
        ..tool(5, 105, 0, "bash", "sleep 60")
    };
    rows.extend([
        prompt(1, 0, Some("The date test fails since Friday.\nCan you find out why? \u{202e}evil")),
        Row::from(tool(1, 102, 7, "read", "src/date.ts")),
        Row::from(exited),
        Row::from(failed),
        Row::from(task),
        Row::from(running),
        prompt(2, 590, None),
    ]);
    rows
}
