//! The third screen: one exchange, a page for each of its tabs.

use octrace_core::timeline::ExchangeRow;
use ratatui_core::layout::Rect;

use super::{
    app::Action,
    command::Command,
    data::{Ask, PageId, Payload, Tab},
    document::{Document, Ran, Search, Step},
    draw::{Pen, split_top, without_left, word_row},
    input::{Mouse, MouseAction},
    timeline::Phase,
};
use crate::text::{Paint, figures, line::Line, show::status};

/// How many slices of a search are done at a time: a picture waits for them.
const SLICES: usize = 4;

/// An exchange that is looked at.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) id: i64,
    tab: Tab,
    /// In the order of [`Tab::ALL`].
    pages: [Page; Tab::ALL.len()],
    /// The row of the tool call that somebody wants to see.
    wanted: Option<i64>,
    /// What is searched for.
    words: String,
    /// What was searched for last.
    sought: String,
    /// Where the tabs were drawn.
    tabs: Rect,
}

/// A tab's page.
#[derive(Debug, Default)]
struct Page {
    content: Content,
    /// Whether an answer is on its way: no other is asked for meanwhile.
    asked: bool,
    /// Whether the exchange has changed since it was asked for.
    stale: bool,
    /// Whether somebody did something in it: then it goes on there when it comes again.
    used: bool,
}

#[derive(Debug, Default)]
enum Content {
    #[default]
    Nothing,
    Document(Box<Document>),
    Problem(String),
}

impl Exchange {
    pub(super) fn new(id: i64, tab: Tab) -> Self {
        Self {
            id,
            tab,
            pages: Default::default(),
            wanted: None,
            words: String::new(),
            sought: String::new(),
            tabs: Rect::ZERO,
        }
    }

    /// With the cursor on the tool call that has this row.
    pub(super) fn at_call(self, number: i64) -> Self {
        Self { wanted: Some(number), ..self }
    }

    /// What became of the tool calls that its answer asked for.
    pub(super) fn tell_ran(&mut self, ran: &[Ran]) {
        let page = &mut self.pages[Tab::Conversation as usize];
        if let Content::Document(document) = &mut page.content {
            document.tell_ran(ran);
            if let Some(number) = self.wanted.take().filter(|_| !page.used) {
                document.go_to_call(number);
            }
        }
    }

    /// Another exchange, looked at in the same way.
    pub(super) fn turn_to(&mut self, id: i64) {
        let (words, sought) = (std::mem::take(&mut self.words), std::mem::take(&mut self.sought));
        *self = Self { words, sought, ..Self::new(id, self.tab) };
    }

    /// The tab that is looked at.
    pub(super) fn tab(&self) -> Tab {
        self.tab
    }

    pub(super) fn show(&mut self, tab: Tab) {
        self.tab = tab;
    }

    /// The tab so many places to the right.
    pub(super) fn turn(&mut self, by: usize) {
        let tabs = Tab::ALL;
        self.tab = tabs[(self.tab as usize + by) % tabs.len()];
    }

    /// How many tabs there are.
    pub(super) const TABS: usize = Tab::ALL.len();

    /// Asks for the page that is looked at, if it is not there.
    pub(super) fn ask(&mut self, exchange: Option<&ExchangeRow>, actions: &mut Vec<Action>) {
        let page = &mut self.pages[self.tab as usize];
        let missing = page.stale || matches!(page.content, Content::Nothing);
        if page.asked || !missing {
            return;
        }
        (page.asked, page.stale) = (true, false);
        let compared = exchange.filter(|_| self.tab == Tab::Difference);
        let previous = compared.and_then(|exchange| exchange.previous);
        let id = PageId { exchange: self.id, previous, tab: self.tab };
        actions.push(Action::Ask(Ask::Page(id)));
    }

    /// More of it was recorded, or something else.
    pub(super) fn changed(&mut self) {
        for page in &mut self.pages {
            page.stale = true;
        }
    }

    /// A page came.
    pub(super) fn tell(&mut self, id: PageId, page: Result<Box<Document>, String>) {
        if id.exchange != self.id {
            return;
        }
        let known = &mut self.pages[id.tab as usize];
        known.asked = false;
        let before = std::mem::take(&mut known.content);
        known.content = match page {
            Ok(mut document) => {
                match before {
                    Content::Document(before) if known.used => document.resume(*before),
                    _ if self.words.is_empty() => {}
                    _ => drop(document.search(&self.words)),
                }
                Content::Document(document)
            }
            Err(problem) => Content::Problem(problem),
        };
    }

    /// The page that is looked at, for what a person does in it.
    fn used(&mut self) -> Option<&mut Document> {
        let page = &mut self.pages[self.tab as usize];
        page.used = true;
        match &mut page.content {
            Content::Document(document) => Some(document),
            Content::Nothing | Content::Problem(_) => None,
        }
    }

    fn document(&mut self) -> Option<&mut Document> {
        match &mut self.pages[self.tab as usize].content {
            Content::Document(document) => Some(document),
            Content::Nothing | Content::Problem(_) => None,
        }
    }

    /// Does what is about the page alone.
    pub(super) fn act(&mut self, command: Command) {
        if let (Some(step), Some(document)) = (step(command), self.used()) {
            document.step(step);
        }
    }

    /// Gives up a selection; false if there is none.
    pub(super) fn deselect(&mut self) -> bool {
        let Some(document) = self.document().filter(|document| document.is_selecting()) else {
            return false;
        };
        document.step(Step::Deselect);
        true
    }

    /// What was searched for last.
    pub(super) fn sought(&self) -> &str {
        &self.sought
    }

    /// Ends a search; false if there is none.
    pub(super) fn end_search(&mut self) -> bool {
        for page in &mut self.pages {
            if let Content::Document(document) = &mut page.content {
                document.end_search();
            }
        }
        !std::mem::take(&mut self.words).is_empty()
    }

    /// Somebody saw how a search went.
    pub(super) fn seen(&mut self) {
        if let Some(document) = self.document() {
            document.search_seen();
        }
    }

    pub(super) fn search(&mut self, words: String) {
        if let Some(document) = self.used() {
            document.search(&words);
        }
        if !words.is_empty() {
            self.sought.clone_from(&words);
        }
        self.words = words;
    }

    pub(super) fn search_next(&mut self, forward: bool) {
        if let Some(document) = self.used() {
            document.search_next(forward);
        }
    }

    /// Time has passed: a search in a large page goes on.
    pub(super) fn tick(&mut self) {
        let Some(document) = self.document() else { return };
        for _ in 0..SLICES {
            if is_searching(document) {
                document.search_more();
            }
        }
    }

    /// Whether a search goes on.
    pub(super) fn is_searching(&self) -> bool {
        match &self.pages[self.tab as usize].content {
            Content::Document(document) => is_searching(document),
            Content::Nothing | Content::Problem(_) => false,
        }
    }

    /// What is selected, or stands under the cursor.
    pub(super) fn copy(&mut self) -> Option<Payload> {
        self.document()?.copy().map(Payload::Text)
    }

    /// Whether something of what is selected is folded.
    pub(super) fn copies_folded(&mut self) -> bool {
        self.document().is_some_and(Document::copies_folded)
    }

    /// How much is selected, in words; `None` where nothing is.
    pub(super) fn selected_size(&mut self) -> Option<String> {
        self.document()?.selected_size()
    }

    /// The body that the tab is about.
    pub(super) fn payload(&self) -> Payload {
        match self.tab {
            Tab::Response => Payload::Response(self.id),
            _ => Payload::Request(self.id),
        }
    }

    pub(super) fn mouse(&mut self, mouse: Mouse) {
        if mouse.what == MouseAction::Press && self.tabs.contains((mouse.x, mouse.y).into()) {
            let mut x = self.tabs.x;
            for tab in Tab::ALL {
                let end = x.saturating_add(u16::try_from(name(tab).len()).unwrap_or(0) + 2);
                if (x..end).contains(&mouse.x) {
                    self.tab = tab;
                }
                x = end.saturating_add(1);
            }
        } else if let Some(document) = self.used() {
            document.mouse(mouse);
        }
    }

    /// Draws header, tabs and page. `exchange`: its row, as far as it is known.
    pub(super) fn draw(
        &mut self,
        area: Rect,
        pen: &mut Pen<'_>,
        exchange: Option<&ExchangeRow>,
        now_us: i64,
    ) {
        let (top, area) = split_top(area, u16::from(area.height > 2));
        self.header(top, pen, exchange, now_us);
        let error = exchange.and_then(|exchange| exchange.error.as_deref());
        let (top, area) = split_top(area, u16::from(area.height > 6 && error.is_some()));
        pen.line(top, Line::new().put(Paint::Bad, error.unwrap_or_default()));
        let (top, area) = split_top(area, u16::from(area.height > 1));
        self.tab_bar(top, pen);
        match &mut self.pages[self.tab as usize].content {
            Content::Nothing => {
                let text = pen.style.glyph("loading…", "loading...");
                pen.line(word_row(area), Line::new().put(Paint::Dim, text));
            }
            Content::Problem(problem) => {
                pen.line(word_row(area), Line::new().put(Paint::Bad, problem));
            }
            Content::Document(document) => {
                document.draw(area, pen.buffer, pen.theme, pen.style);
            }
        }
    }

    fn header(&self, area: Rect, pen: &mut Pen<'_>, exchange: Option<&ExchangeRow>, now_us: i64) {
        let mut line = Line::new().put(Paint::Accent, &format!("#{}", self.id));
        let Some(row) = exchange else { return pen.line(area, line) };
        let gap = |line: Line| line.layout(Paint::Plain, "  ");
        if row.purpose.is_meta() {
            line = gap(line).put(Paint::Meta, row.purpose.as_str());
        }
        if let Some(model) = &row.model {
            line = gap(line).put(Paint::Strong, model);
        }
        let (paint, word) = match Phase::of(row, now_us) {
            Some(phase) => (Paint::Warn, phase.words()),
            None => status(row.outcome, row.status, row.error.as_deref()),
        };
        if row.attempt > 1 {
            line = gap(line).put(Paint::Warn, &format!("try {}", row.attempt));
        }
        line = gap(line).put(paint, &word);
        let running = row.outcome.is_open().then(|| now_us.saturating_sub(row.at_us));
        let times = [("first", row.first_content_after_us), ("took", row.end_after_us.or(running))];
        for (name, time) in times {
            if let Some(time) = time {
                line = gap(line).put(Paint::Dim, name).put(Paint::Plain, " ");
                line = line.put(Paint::Plain, &figures::duration(time));
            }
        }
        let arrow = pen.style.glyph(" → ", " > ");
        line = gap(line).put(Paint::Plain, &figures::bytes(row.request_bytes));
        line = line.put(Paint::Dim, arrow).put(Paint::Plain, &figures::bytes(row.response_bytes));
        if let Some(usage) = &row.usage {
            let tokens = format!("{} in", figures::count(usage.input));
            line = gap(line).put(Paint::Plain, &tokens);
            if usage.cache_read > 0 {
                let cached = format!(" ({} cached)", figures::count(usage.cache_read));
                line = line.put(Paint::Dim, &cached);
            }
            let tokens = format!(" {} out", figures::count(usage.output));
            line = line.put(Paint::Plain, &tokens);
        }
        if row.cost_usd.is_some() {
            line = gap(line).put(Paint::Plain, &figures::dollars(row.cost_usd));
        }
        pen.line(area, line);
    }

    fn tab_bar(&mut self, area: Rect, pen: &mut Pen<'_>) {
        self.tabs = area;
        let mut rest = area;
        for tab in Tab::ALL {
            let paint = if tab == self.tab { Paint::Found } else { Paint::Dim };
            let number = tab as usize + 1;
            let line = Line::new().layout(paint, &format!("{number} {}", name(tab)));
            let width = u16::try_from(line.width()).unwrap_or(0);
            pen.line(rest, line);
            rest = without_left(rest, width + 1);
        }
        let Some(document) = self.document() else { return };
        let place = match document.searching() {
            Search::Going(percent) => format!("search {percent}%"),
            Search::Absent => "not found".to_owned(),
            // There is not much room beside the tabs.
            Search::None | Search::Found => match (document.went_round(), document.percent()) {
                (Some(true), _) => "from the top".to_owned(),
                (Some(false), _) => "from the end".to_owned(),
                (None, Some(percent)) => format!("{percent}%"),
                (None, None) => "all".to_owned(),
            },
        };
        let paint = if document.searching() == Search::Absent { Paint::Warn } else { Paint::Dim };
        let line = Line::new().put(paint, &place);
        if usize::from(rest.width) >= line.width() {
            pen.right(rest, line);
        }
    }
}

fn is_searching(document: &Document) -> bool {
    matches!(document.searching(), Search::Going(_))
}

fn name(tab: Tab) -> &'static str {
    match tab {
        Tab::Conversation => "conversation",
        Tab::Request => "request",
        Tab::Response => "response",
        Tab::Headers => "headers",
        Tab::Timing => "timing",
        Tab::Difference => "difference",
    }
}

/// The step in a page that a command means there.
fn step(command: Command) -> Option<Step> {
    Some(match command {
        Command::Up => Step::Up,
        Command::Down => Step::Down,
        Command::HalfUp => Step::HalfUp,
        Command::HalfDown => Step::HalfDown,
        Command::PageUp => Step::PageUp,
        Command::PageDown => Step::PageDown,
        Command::First => Step::Top,
        Command::Last => Step::End,
        Command::PreviousSibling => Step::Previous,
        Command::NextSibling => Step::Next,
        Command::Toggle => Step::Fold,
        Command::ToggleBelow => Step::FoldBelow,
        Command::Fold => Step::Left,
        Command::Unfold => Step::Right,
        Command::FoldAll => Step::FoldAll,
        Command::UnfoldAll => Step::UnfoldAll,
        Command::Select => Step::Select,
        Command::SelectAll => Step::SelectAll,
        _ => return None,
    })
}
