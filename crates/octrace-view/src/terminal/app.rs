//! The whole state, and how it changes.

mod typed;

use std::{path::PathBuf, time::Duration};

use octrace_core::{filter::Filter, timeline::RowId};
use octrace_store::read::SessionRow;
use ratatui_core::buffer::Buffer;

use self::typed::Purpose;
use super::{
    Theme,
    command::{self, Command, Kind, Place},
    data::{Answer, Ask, Payload, Tab},
    draw::{Pen, split_bottom},
    exchange::Exchange,
    filtering::Filtering,
    foot::Foot,
    help::{self, Help, Helped},
    input::{Input, Key, Mouse, MouseAction},
    prompt::Prompt,
    sessions::Sessions,
    timeline::{Target, Timeline},
    toast::Toast,
};
use crate::text::{Paint, Style, line::Line};

/// How the viewer begins, and how everything in it looks.
#[derive(Clone, Debug)]
pub struct Options {
    /// Opens with this session instead of the list.
    pub session: Option<String>,
    /// Requests for titles and the like are shown, too.
    pub include_meta: bool,
    /// Nothing new is shown.
    pub is_static: bool,
    /// What is shown at the beginning.
    pub filter: Filter,
    /// Colours.
    pub theme: Theme,
    /// Marks and times.
    pub style: Style,
    /// What is looked at, in a few words: `tape`, a file's name.
    pub source: String,
}

/// What happens to the viewer. Nothing else changes it.
#[derive(Debug)]
pub enum Event {
    /// A person did something.
    Input(Input),
    /// The source said something.
    Answer(Answer),
    /// Time has passed: as [`App::next_tick`] says.
    Tick,
    /// An action was done, in words for the person who wanted it.
    Done(String),
    /// An action failed, in words.
    Failed(String),
    /// [`Action::Save`] failed.
    NotSaved {
        /// In words.
        why: String,
        /// As it was asked for.
        path: PathBuf,
        /// A name beside it that is free, where that one is taken.
        free: Option<PathBuf>,
    },
}

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the source.
    Ask(Ask),
    /// Put it on the clipboard, then say how ([`Event::Done`]).
    Copy(Payload),
    /// Write it to a new file, then say where.
    Save(Payload, PathBuf),
    /// Whether the mouse is ours, or the terminal's own selection works.
    Mouse(bool),
    /// Give the terminal back until somebody brings us to the foreground.
    Suspend,
    /// The end.
    Quit,
}

/// The viewer.
pub struct App {
    options: Options,
    now_us: i64,
    sessions: Sessions,
    /// The sessions that are open: a sub-agent's over the one that called it.
    timelines: Vec<Timeline>,
    /// The exchange that is open in the last of them.
    exchange: Option<Exchange>,
    prompt: Option<(Prompt, Purpose)>,
    help: Option<Help>,
    toast: Toast,
    foot: Foot,
    /// What was to be saved last.
    saving: Option<Payload>,
    /// Whether something is being copied of which a part is folded.
    copies_folded: bool,
    /// Whether the mouse is ours.
    mouse: bool,
}

/// How often a picture that moves by itself is drawn.
const MOVING: Duration = Duration::from_millis(200);

/// How far the mouse wheel goes.
const WHEEL: usize = 3;

impl App {
    /// A viewer at its beginning, and what it wants first. `now_us`: µs since the Unix epoch.
    pub fn new(options: Options, now_us: i64) -> (Self, Vec<Action>) {
        let filtering = Filtering::new(options.filter.clone());
        let mut app = Self {
            now_us,
            sessions: Sessions::new(filtering),
            timelines: Vec::new(),
            exchange: None,
            prompt: None,
            help: None,
            toast: Toast::default(),
            foot: Foot::default(),
            saving: None,
            copies_folded: false,
            mouse: true,
            options,
        };
        let mut actions = Vec::new();
        if let Some(session) = app.options.session.clone() {
            app.open_session(&session, &mut actions);
        }
        actions.push(Action::Ask(Ask::Sessions));
        app.ask_words(&mut actions);
        (app, actions)
    }

    /// Something happened at `now_us`.
    pub fn update(&mut self, event: Event, now_us: i64) -> Vec<Action> {
        self.now_us = now_us;
        self.toast.tick(now_us);
        let (before, said) = (self.looked_at(), self.toast.count());
        let mut actions = Vec::new();
        match event {
            Event::Input(input) => self.input(input, &mut actions),
            Event::Answer(answer) => self.answer(answer, &mut actions),
            Event::Tick => {
                if let Some(exchange) = &mut self.exchange {
                    exchange.tick();
                }
                if let Some(timeline) = self.timelines.last_mut() {
                    timeline.tick(now_us);
                }
            }
            Event::Done(mut text) => {
                if std::mem::take(&mut self.copies_folded) {
                    text.push_str(", with what is folded");
                }
                self.toast.done(text, now_us);
            }
            Event::Failed(text) => {
                self.copies_folded = false;
                self.toast.failed(text);
            }
            Event::NotSaved { why, path, free } => self.not_saved(why, &path, free.as_deref()),
        }
        if self.looked_at() != before && self.toast.count() == said {
            self.toast.left();
        }
        self.ask_page(&mut actions);
        self.ask_words(&mut actions);
        actions
    }

    /// What is on the screen: another one is another screen.
    fn looked_at(&self) -> (usize, Option<(i64, Tab)>, bool) {
        let exchange = self.exchange.as_ref().map(|exchange| (exchange.id, exchange.tab()));
        (self.timelines.len(), exchange, self.help.is_some())
    }

    /// How soon after what happened last there is to be an [`Event::Tick`], if nothing else happens: at once while
    /// there is work to go on with, a few times a second while something on the screen is under way, when an age that
    /// is shown changes. `None`: time alone changes nothing.
    pub fn next_tick(&self) -> Option<Duration> {
        if self.exchange.as_ref().is_some_and(Exchange::is_searching)
            || self.timelines.last().is_some_and(Timeline::is_choosing)
        {
            return Some(Duration::ZERO);
        }
        let is_moving =
            self.toast.is_moving() || self.timelines.last().is_some_and(Timeline::is_moving);
        let after = |at_us: i64| {
            // Never twice in the same moment.
            let us = u64::try_from(at_us.saturating_sub(self.now_us)).unwrap_or_default();
            Duration::from_micros(us).max(Duration::from_millis(1))
        };
        let aged_us = self.timelines.is_empty().then(|| self.sessions.aged_us(self.now_us));
        let asks_us = self.filtering().due_us().filter(|_| !self.is_filtering());
        let all = [is_moving.then_some(MOVING), aged_us.flatten().map(after), asks_us.map(after)];
        all.into_iter().flatten().min()
    }

    /// Whether a filter is being typed: only what is done is looked for.
    fn is_filtering(&self) -> bool {
        matches!(self.prompt, Some((_, Purpose::Filter(_))))
    }

    fn place(&self) -> Place {
        match (&self.exchange, self.timelines.last()) {
            (Some(_), _) => Place::Exchange,
            (None, Some(_)) => Place::Timeline,
            (None, None) => Place::Sessions,
        }
    }

    fn input(&mut self, input: Input, actions: &mut Vec<Action>) {
        match input {
            Input::Key(key) => {
                self.toast.seen();
                if let Some(exchange) = &mut self.exchange {
                    exchange.seen();
                }
                self.key(key, actions);
            }
            Input::Mouse(mouse) => self.pointed(mouse, actions),
            Input::Paste(text) => {
                if let Some((prompt, _)) = &mut self.prompt {
                    let typed = prompt.paste(&text);
                    self.typed(typed, actions);
                } else if let Some(help) = &mut self.help {
                    help.paste(&text);
                }
            }
        }
    }

    fn key(&mut self, key: Key, actions: &mut Vec<Action>) {
        let command = command::of_key(key, self.place());
        // Out is always out, and to the shell always to the shell.
        let anywhere = matches!(key, Key::Ctrl('c' | 'z'));
        if anywhere && let Some(command) = command {
            self.run(command, actions);
        } else if let Some((prompt, _)) = &mut self.prompt {
            let typed = prompt.key(key);
            self.typed(typed, actions);
        } else if let Some(help) = &mut self.help {
            match help.key(key) {
                Helped::Open => {}
                Helped::Closed => self.help = None,
                Helped::Filter(term) => {
                    self.help = None;
                    self.type_filter(&term);
                }
                Helped::Chosen(command) => {
                    self.help = None;
                    self.run(command, actions);
                }
            }
        } else if let Some(command) = command {
            self.run(command, actions);
        }
    }

    fn run(&mut self, command: Command, actions: &mut Vec<Action>) {
        match command {
            Command::Quit => actions.push(Action::Quit),
            Command::Suspend => actions.push(Action::Suspend),
            Command::Help => self.help = Some(Help::new(self.place())),
            Command::Theme => {
                self.options.theme = self.options.theme.next();
                let text = format!("colours: {}", self.options.theme.name());
                self.toast.done(text, self.now_us);
            }
            Command::Mouse => {
                self.mouse = !self.mouse;
                actions.push(Action::Mouse(self.mouse));
                let whose = if self.mouse { "octrace's" } else { "the terminal's own" };
                self.toast.done(format!("the mouse is {whose}"), self.now_us);
            }
            Command::Filter => self.type_filter(""),
            Command::Search => self.type_search(),
            Command::Save => self.type_path(),
            Command::Copy => self.copy(actions),
            Command::CopyWhole => actions.extend(self.payload().map(Action::Copy)),
            Command::CopyCurl => {
                actions.extend(self.exchange_id().map(|id| Action::Copy(Payload::Curl(id))));
            }
            Command::Open => self.open(actions),
            Command::Back => self.back(actions),
            _ => self.move_on(command),
        }
    }

    /// What a screen does by itself.
    fn move_on(&mut self, command: Command) {
        let Some(exchange) = &mut self.exchange else {
            match self.timelines.last_mut() {
                Some(timeline) => timeline.act(command, self.now_us),
                None => self.sessions.go(command),
            }
            return;
        };
        match command {
            Command::NextTab => exchange.turn(1),
            Command::PreviousTab => exchange.turn(Exchange::TABS - 1),
            Command::Tab(tab) => exchange.show(tab),
            Command::NextExchange | Command::PreviousExchange => {
                let forward = command == Command::NextExchange;
                let timeline = self.timelines.last_mut();
                match timeline.and_then(|timeline| timeline.step(exchange.id, forward)) {
                    Some(id) => exchange.turn_to(id),
                    None => {
                        let which = if forward { "last" } else { "first" };
                        let text = format!("this is the {which} exchange that is shown");
                        self.toast.refused(text, self.now_us);
                    }
                }
            }
            Command::NextFound => exchange.search_next(true),
            Command::PreviousFound => exchange.search_next(false),
            _ => exchange.act(command),
        }
    }

    fn open(&mut self, actions: &mut Vec<Action>) {
        let Some(timeline) = self.timelines.last() else {
            if let Some(session) = self.sessions.selected() {
                let id = session.id.clone();
                self.open_session(&id, actions);
            }
            return;
        };
        match timeline.target() {
            Some(Target::Session(session)) => self.open_session(&session, actions),
            Some(Target::Exchange(id)) => {
                let tab =
                    if timeline.kind() == Kind::Responses { Tab::Response } else { Tab::default() };
                let exchange = Exchange::new(id, tab);
                self.exchange = Some(match timeline.selected_id() {
                    Some(RowId::Tool(number)) => {
                        Exchange::new(id, Tab::Conversation).at_call(number)
                    }
                    _ => exchange,
                });
            }
            None => self.toast.refused("there is nothing to open here".to_owned(), self.now_us),
        }
    }

    fn open_session(&mut self, session: &str, actions: &mut Vec<Action>) {
        let filtering = Filtering::new(self.options.filter.clone());
        let unknown = || SessionRow { id: session.to_owned(), ..SessionRow::default() };
        let about = self.sessions.get(session).cloned().unwrap_or_else(unknown);
        actions.push(Action::Ask(Ask::Timeline { session: session.to_owned() }));
        self.timelines.push(Timeline::new(about, self.options.include_meta, filtering));
    }

    fn back(&mut self, actions: &mut Vec<Action>) {
        if let Some(exchange) = &mut self.exchange {
            if !exchange.deselect() && !exchange.end_search() {
                self.exchange = None;
            }
            return;
        }
        match self.timelines.pop() {
            // It was busy with what was asked for that one.
            Some(_) => self.filtering_mut().lost(),
            None => self.sessions.filter(Filtering::default(), self.now_us),
        }
        // The source told only of the session that is gone now.
        if let Some(timeline) = self.timelines.last_mut() {
            timeline.renew();
            let session = timeline.session().to_owned();
            actions.push(Action::Ask(Ask::Timeline { session }));
        }
    }

    /// The exchange that is open or under the cursor.
    fn exchange_id(&self) -> Option<i64> {
        match (&self.exchange, self.timelines.last()?.selected_id()) {
            (Some(exchange), _) => Some(exchange.id),
            (None, Some(RowId::Exchange(id))) => Some(id),
            (None, _) => None,
        }
    }

    /// The body that is open or under the cursor.
    fn payload(&mut self) -> Option<Payload> {
        if let Some(exchange) = &self.exchange {
            return Some(exchange.payload());
        }
        let id = self.exchange_id();
        let kind = self.timelines.last().map(Timeline::kind);
        let payload = id.map(|id| match kind {
            Some(Kind::Responses) => Payload::Response(id),
            _ => Payload::Request(id),
        });
        if payload.is_none() {
            self.toast.refused("only an exchange has a body".to_owned(), self.now_us);
        }
        payload
    }

    fn copy(&mut self, actions: &mut Vec<Action>) {
        let (style, now_us) = (&self.options.style, self.now_us);
        let payload = match (&mut self.exchange, self.timelines.last()) {
            (Some(exchange), _) => {
                self.copies_folded = exchange.copies_folded();
                exchange.copy()
            }
            (None, Some(timeline)) => timeline.row_text(style, now_us).map(Payload::Text),
            (None, None) => self.sessions.selected().map(|row| Payload::Text(row.id.clone())),
        };
        match payload {
            Some(payload) => actions.push(Action::Copy(payload)),
            None => self.toast.refused("there is nothing to copy here".to_owned(), now_us),
        }
    }

    fn filtering(&self) -> &Filtering {
        self.timelines.last().map_or(self.sessions.filtering(), Timeline::filtering)
    }

    fn filtering_mut(&mut self) -> &mut Filtering {
        self.timelines.last_mut().map_or(self.sessions.filtering_mut(), Timeline::filtering_mut)
    }

    fn filter(&mut self, filtering: Filtering) {
        match self.timelines.last_mut() {
            Some(timeline) => timeline.filter(filtering, self.now_us),
            None => self.sessions.filter(filtering, self.now_us),
        }
    }

    fn pointed(&mut self, mouse: Mouse, actions: &mut Vec<Action>) {
        let wheel = match mouse.what {
            MouseAction::WheelUp => Some(Command::Up),
            MouseAction::WheelDown => Some(Command::Down),
            MouseAction::Press | MouseAction::Drag | MouseAction::Release => None,
        };
        let clicked = self.foot.command(mouse.x, mouse.y);
        if let Some(command) = clicked.filter(|_| mouse.what == MouseAction::Press) {
            self.run(command, actions);
        } else if let Some(help) = &mut self.help {
            if let Some(command) = wheel {
                (0..WHEEL).for_each(|_| help.scroll(command));
            }
        } else if self.prompt.is_some() && wheel.is_none() {
            // What is typed is for what is looked at, and that stays until it is done.
        } else if let Some(exchange) = &mut self.exchange {
            exchange.mouse(mouse);
        } else if let Some(command) = wheel {
            for _ in 0..WHEEL {
                self.move_on(command);
            }
        } else if mouse.what == MouseAction::Press {
            let kinds = self.timelines.last();
            if let Some(kind) = kinds.and_then(|timeline| timeline.kind_at(mouse.x, mouse.y)) {
                return self.run(Command::Kind(kind), actions);
            }
            let again = match self.timelines.last_mut() {
                Some(timeline) => timeline.press(mouse.x, mouse.y),
                None => self.sessions.press(mouse.x, mouse.y),
            };
            if again {
                self.open(actions);
            }
        }
    }

    fn answer(&mut self, answer: Answer, actions: &mut Vec<Action>) {
        match answer {
            Answer::Sessions { rows, gone, progress } => {
                self.sessions.tell(rows, &gone, progress, self.now_us);
                for timeline in &mut self.timelines {
                    if let Some(about) = self.sessions.get(timeline.session()) {
                        timeline.tell_about(about);
                    }
                }
            }
            Answer::Timeline { session, rows, gone, progress } => {
                let timeline = self.timelines.last_mut().filter(|open| open.session() == session);
                let Some(timeline) = timeline else { return };
                let open = self.exchange.as_mut();
                let row = |id| timeline.exchange(id).cloned();
                let before = open.as_ref().and_then(|exchange| row(exchange.id));
                timeline.tell(rows, &gone, progress, self.now_us);
                if let Some(exchange) = open {
                    if timeline.exchange(exchange.id) != before.as_ref() {
                        exchange.changed();
                    }
                    exchange.tell_ran(&timeline.ran(exchange.id));
                }
            }
            Answer::Page(id, page) => {
                if let Some((exchange, timeline)) =
                    self.exchange.as_mut().zip(self.timelines.last())
                {
                    exchange.tell(id, page);
                    exchange.tell_ran(&timeline.ran(exchange.id));
                }
            }
            Answer::Found { session: None, words, places } => {
                self.sessions.found(&words, &places, self.now_us);
            }
            Answer::Found { session: Some(session), words, places } => {
                let open = self.timelines.iter_mut().filter(|open| open.session() == session);
                open.for_each(|timeline| timeline.found(&words, &places, self.now_us));
            }
            Answer::Renewed => {
                self.filtering_mut().lost();
                self.sessions.renew();
                actions.push(Action::Ask(Ask::Sessions));
                if let Some(timeline) = self.timelines.last_mut() {
                    timeline.renew();
                    let session = timeline.session().to_owned();
                    actions.push(Action::Ask(Ask::Timeline { session }));
                }
                if let Some(exchange) = &mut self.exchange {
                    exchange.changed();
                }
            }
            Answer::Trouble(text) => {
                self.filtering_mut().lost();
                self.toast.failed(text);
            }
        }
    }

    /// Asks for the page that is looked at, if it is not there.
    fn ask_page(&mut self, actions: &mut Vec<Action>) {
        if let Some(exchange) = &mut self.exchange {
            let timeline = self.timelines.last();
            let row = timeline.and_then(|timeline| timeline.exchange(exchange.id));
            exchange.ask(row, actions);
        }
    }

    /// Asks where the words stand that the filter of what is looked at wants to know of.
    fn ask_words(&mut self, actions: &mut Vec<Action>) {
        if self.is_filtering() {
            return;
        }
        let now_us = self.now_us;
        if let Some(words) = self.filtering_mut().ask(now_us) {
            let session = self.timelines.last().map(|timeline| timeline.session().to_owned());
            actions.push(Action::Ask(Ask::Find { session, words }));
        }
    }

    /// Draws everything.
    pub fn draw(&mut self, buffer: &mut Buffer) {
        buffer.reset();
        let area = buffer.area;
        let place = self.place();
        let (theme, style, now_us) = (self.options.theme, &self.options.style, self.now_us);
        let mut pen = Pen { buffer, theme, style, marked: false };
        let rows = self.prompt.as_ref().map_or(1, |(prompt, _)| prompt.rows(area.width));
        let (body, foot) = split_bottom(area, rows.min(area.height / 2));
        if let Some(help) = &mut self.help {
            help.draw(body, &mut pen);
        } else if let (Some(exchange), Some(timeline)) = (&mut self.exchange, self.timelines.last())
        {
            let row = timeline.exchange(exchange.id);
            exchange.draw(body, &mut pen, row, now_us);
        } else if let Some(timeline) = self.timelines.last_mut() {
            timeline.draw(body, &mut pen, self.options.is_static, now_us);
        } else {
            let Options { source, is_static, .. } = &self.options;
            self.sessions.draw(body, &mut pen, source, *is_static, now_us);
        }
        if let Some((prompt, _)) = &self.prompt {
            self.foot.says(foot, &mut pen, Line::new());
            prompt.draw(foot, &mut pen);
        } else if let Some(line) = self.toast.line(style) {
            self.foot.says(foot, &mut pen, line);
        } else if self.help.is_some() {
            self.foot.says(foot, &mut pen, Line::new().put(Paint::Dim, help::HOW));
        } else if let Some(size) = self.exchange.as_mut().and_then(Exchange::selected_size) {
            let line = Line::new().put(Paint::Accent, "selecting: y copies, esc gives up");
            self.foot.says(foot, &mut pen, line.layout(Paint::Plain, "  ").put(Paint::Dim, &size));
        } else {
            self.foot.hints(foot, &mut pen, place);
        }
    }
}
