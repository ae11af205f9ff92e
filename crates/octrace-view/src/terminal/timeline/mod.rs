//! The second screen: a session row by row, as it goes.

mod class;
mod columns;
mod draw;
mod phase;
mod rows;

use std::collections::HashSet;

use octrace_core::{
    filter::Within,
    search::Query,
    session::ToolStatus,
    timeline::{ExchangeRow, Row, RowId, ToolRow},
};
use octrace_store::read::SessionRow;
use ratatui_core::layout::Rect;

pub(super) use self::phase::Phase;
use self::{
    class::Class,
    rows::{Change, Key, Order, Rows},
};
use super::{
    command::{Command, Kind},
    data::Progress,
    document::Ran,
    draw::without_left,
    filtering::{Filtering, Has},
    list::Cursor,
    sessions::Reading,
};

/// So many rows are looked at at once: a picture waits for them.
const SLICE: usize = 16_384;

/// A session's rows.
#[derive(Debug)]
pub(super) struct Timeline {
    /// What is known of the session as a whole, at least its id.
    about: SessionRow,
    rows: Rows,
    /// All of them.
    all: Order,
    /// What is shown of them.
    shown: Order,
    /// What will be shown, while that is being chosen, and how many of all rows were looked at for it.
    choosing: Option<Order>,
    chosen: usize,
    cursor: Cursor,
    filtering: Filtering,
    kind: Kind,
    include_meta: bool,
    /// Whether the cursor goes with the newest row: so it is at the beginning, and whenever somebody goes there.
    follow: bool,
    reading: Reading,
    /// While everything is read again: what has come so far.
    again: Option<HashSet<RowId>>,
    /// Where the rows were drawn.
    drawn: Rect,
    /// Where the names of the kinds were drawn.
    kinds: Rect,
}

/// The rows of an exchange's tool calls are among so many after it.
const NEAR: usize = 1_000;

/// What a row leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An exchange.
    Exchange(i64),
    /// A sub-agent's session.
    Session(String),
}

impl Timeline {
    pub(super) fn new(about: SessionRow, include_meta: bool, filtering: Filtering) -> Self {
        Self {
            about,
            rows: Rows::default(),
            all: Order::default(),
            shown: Order::default(),
            choosing: None,
            chosen: 0,
            cursor: Cursor::default(),
            filtering,
            kind: Kind::All,
            include_meta,
            follow: true,
            reading: Reading::Begun,
            again: None,
            drawn: Rect::ZERO,
            kinds: Rect::ZERO,
        }
    }

    /// OpenCode's id of the session.
    pub(super) fn session(&self) -> &str {
        &self.about.id
    }

    /// The session is known better.
    pub(super) fn tell_about(&mut self, about: &SessionRow) {
        self.about.clone_from(about);
    }

    /// Rows as they are now, and those that are gone.
    pub(super) fn tell(
        &mut self,
        rows: Vec<Row>,
        gone: &[RowId],
        progress: Option<Progress>,
        now_us: i64,
    ) {
        let on = self.shown.get(self.cursor.at);
        let (mut all, mut shown) = (Change::default(), Change::default());
        if rows.iter().any(|row| matches!(row, Row::Exchange(_))) {
            self.filtering.stale();
        }
        let within = self.within();
        let accepted: Vec<bool> =
            rows.iter().map(|row| self.accepts(row, &within, now_us)).collect();
        for (row, accepted) in rows.into_iter().zip(accepted) {
            let id = row.id();
            if let Some(again) = &mut self.again {
                again.insert(id);
            }
            let (before, now) = self.rows.put(row);
            if before != Some(now) {
                all.note(id, before, Some(now));
            }
            let was_shown = before.filter(|key| self.shown.has(*key) && !shown.is_gone(*key));
            if !accepted || was_shown != Some(now) {
                shown.note(id, was_shown, accepted.then_some(now));
            }
        }
        self.reading = Reading::of(progress);
        let mut gone = gone.to_vec();
        if self.reading == Reading::Done
            && let Some(again) = self.again.take()
        {
            gone.extend(self.rows.ids().filter(|id| !again.contains(id)));
        }
        for id in gone {
            let before = self.rows.remove(id);
            all.note(id, before, None);
            shown.note(id, before, None);
        }
        self.all.change(all);
        self.shown.change(shown);
        self.settle(on);
        if self.is_choosing() {
            self.choose(now_us);
        }
    }

    /// What was told holds no longer; what is not told again until all is read is gone.
    pub(super) fn renew(&mut self) {
        self.again = Some(HashSet::new());
    }

    /// Puts the cursor where it belongs after rows came and went.
    fn settle(&mut self, on: Option<Key>) {
        if self.follow {
            self.cursor.go(Command::Last, self.shown.len());
        } else if let Some(on) = on {
            // It may have another place in time now.
            self.cursor.carry(self.shown.before(self.rows.now(on)), self.shown.len());
        } else {
            self.cursor.set(self.cursor.at, self.shown.len());
        }
    }

    fn within(&self) -> Within<'_> {
        self.filtering.within(&self.about)
    }

    /// Whether this row is shown.
    fn accepts(&self, row: &Row, within: &Within<'_>, now_us: i64) -> bool {
        Class::of(row).is_shown(self.kind, self.shows_meta()) && self.fits(row, within, now_us)
    }

    /// Whether the filter lets it through.
    fn fits(&self, row: &Row, within: &Within<'_>, now_us: i64) -> bool {
        let has = match row {
            Row::Exchange(exchange) => Has::Exchange(exchange.id),
            Row::Prompt(_) | Row::Tool(_) => Has::Nothing,
        };
        self.filtering.is_empty() || self.filtering.fits(within, row, has, now_us)
    }

    /// Decides again what is shown of all rows: at once where that is quick, else a slice now and the others as time
    /// passes. Until it is done, what was shown stays.
    fn choose(&mut self, now_us: i64) {
        self.choosing = Some(Order::with_capacity(self.all.len()));
        self.chosen = 0;
        self.choose_more(now_us);
    }

    /// Goes on with that.
    fn choose_more(&mut self, now_us: i64) {
        let Some(mut choosing) = self.choosing.take() else { return };
        let is_plain = self.filtering.is_empty();
        let end = if is_plain { self.all.len() } else { self.chosen.saturating_add(SLICE) };
        let within = self.within();
        let fits = |key| self.rows.get(key).is_some_and(|row| self.fits(row, &within, now_us));
        let meta = self.shows_meta();
        choosing.choose(&self.all, self.chosen..end, |key| {
            key.class.is_shown(self.kind, meta) && (is_plain || fits(key))
        });
        self.chosen = end;
        if end < self.all.len() {
            self.choosing = Some(choosing);
            return;
        }
        let on = self.shown.get(self.cursor.at);
        self.shown = choosing;
        self.settle(on);
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now_us: i64) {
        self.choose_more(now_us);
    }

    /// Whether there is more to choose from.
    pub(super) fn is_choosing(&self) -> bool {
        self.choosing.is_some()
    }

    pub(super) fn filtering(&self) -> &Filtering {
        &self.filtering
    }

    pub(super) fn filtering_mut(&mut self) -> &mut Filtering {
        &mut self.filtering
    }

    pub(super) fn filter(&mut self, filtering: Filtering, now_us: i64) {
        self.filtering = filtering;
        self.choose(now_us);
    }

    /// Words were found.
    pub(super) fn found(&mut self, words: &Query, places: &[(String, i64)], now_us: i64) {
        if self.filtering.found(words, places, now_us) {
            self.choose(now_us);
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The kind whose name stands there.
    pub(super) fn kind_at(&self, x: u16, y: u16) -> Option<Kind> {
        let mut rest = self.kinds;
        Kind::ALL.into_iter().find(|kind| {
            let width = u16::try_from(kind.name().len()).unwrap_or(0);
            let here = Rect { width, ..rest }.intersection(self.kinds);
            rest = without_left(rest, width + 2);
            here.contains((x, y).into())
        })
    }

    /// Whether requests for titles and the like are shown: a filter that names them is for them.
    fn shows_meta(&self) -> bool {
        self.include_meta || self.filtering.filter().names_meta()
    }

    /// How many requests are there that are not shown, for titles and the like.
    fn hidden(&self) -> u64 {
        if self.shows_meta() { 0 } else { self.rows.meta() }
    }

    /// Does what is about this list alone.
    pub(super) fn act(&mut self, command: Command, now_us: i64) {
        match command {
            Command::Kind(kind) => {
                self.kind = kind;
                self.choose(now_us);
            }
            Command::Meta => {
                self.include_meta = !self.include_meta;
                self.choose(now_us);
            }
            Command::Follow => self.go(Command::Last),
            _ => self.go(command),
        }
    }

    fn go(&mut self, command: Command) {
        if self.cursor.go(command, self.shown.len()) {
            self.by_hand();
        }
    }

    /// Somebody put the cursor where it is.
    fn by_hand(&mut self) {
        self.follow = self.cursor.at + 1 >= self.shown.len();
    }

    /// The row under the cursor.
    pub(super) fn selected(&self) -> Option<&Row> {
        self.rows.get(self.shown.get(self.cursor.at)?)
    }

    /// An exchange by its id.
    pub(super) fn exchange(&self, id: i64) -> Option<&ExchangeRow> {
        match self.rows.get(self.rows.key(RowId::Exchange(id))?)? {
            Row::Exchange(row) => Some(row),
            Row::Prompt(_) | Row::Tool(_) => None,
        }
    }

    /// What the row under the cursor leads to: a tool call to its sub-agent or to the exchange that asked for it, a
    /// prompt to the first exchange after it.
    pub(super) fn target(&self) -> Option<Target> {
        match self.selected()? {
            Row::Exchange(row) => Some(Target::Exchange(row.id)),
            Row::Tool(tool) => match &tool.child {
                Some(child) => Some(Target::Session(child.to_string())),
                None => self.asked_for(tool).map(Target::Exchange),
            },
            Row::Prompt(_) => self.near(self.cursor.at, true).map(Target::Exchange),
        }
    }

    /// The exchange whose answer asked for this tool call.
    fn asked_for(&self, tool: &ToolRow) -> Option<i64> {
        let assistant = tool.assistant.as_deref();
        let key = self.rows.key(RowId::Tool(tool.number))?;
        // The nearest of several tries is the one that was answered.
        self.all.back_from(key).find_map(|key| match self.rows.get(key)? {
            Row::Exchange(row)
                if row.assistant.as_deref() == assistant
                    && (assistant.is_some() || !row.purpose.is_meta()) =>
            {
                Some(row.id)
            }
            _ => None,
        })
    }

    /// What became of the tool calls that this exchange's answer asked for.
    pub(super) fn ran(&self, exchange: i64) -> Vec<Ran> {
        let known = self.rows.key(RowId::Exchange(exchange)).zip(self.exchange(exchange));
        let Some((key, exchange)) = known else { return Vec::new() };
        let asked = exchange.assistant.as_deref();
        let rows = self.all.from(key).skip(1).take(NEAR).filter_map(|key| self.rows.get(key));
        // Where it is not known who asked, it was the exchange before.
        let is_same = |row: &&Row| match row {
            Row::Exchange(other) => asked.is_some() || other.purpose.is_meta(),
            Row::Prompt(_) | Row::Tool(_) => true,
        };
        let ran = rows.take_while(is_same).filter_map(|row| match row {
            Row::Tool(tool) if tool.assistant.as_deref() == asked => Some(ran(tool)),
            _ => None,
        });
        ran.collect()
    }

    /// The exchange that is shown next to this one; the cursor goes there.
    pub(super) fn step(&mut self, from: i64, forward: bool) -> Option<i64> {
        let key = self.rows.key(RowId::Exchange(from))?;
        let next = self.near(self.shown.before(key), forward)?;
        let key = self.rows.key(RowId::Exchange(next))?;
        self.cursor.set(self.shown.before(key), self.shown.len());
        self.by_hand();
        Some(next)
    }

    /// The exchange shown nearest to the place `at`, but not there.
    fn near(&self, at: usize, forward: bool) -> Option<i64> {
        let exchange = |at| match self.rows.get(self.shown.get(at)?)? {
            Row::Exchange(row) => Some(row.id),
            Row::Prompt(_) | Row::Tool(_) => None,
        };
        if forward {
            (at + 1..self.shown.len()).find_map(exchange)
        } else {
            (0..at).rev().find_map(exchange)
        }
    }

    /// Whether what is shown changes by time alone.
    pub(super) fn is_moving(&self) -> bool {
        self.rows.is_live()
    }

    /// The mouse went down here: puts the cursor there, and says whether it was there already.
    pub(super) fn press(&mut self, x: u16, y: u16) -> bool {
        if !self.drawn.contains((x, y).into()) {
            return false;
        }
        let below = usize::from(y - self.drawn.y);
        let Some(at) = self.cursor.in_sight(below, self.shown.len()) else { return false };
        let again = at == self.cursor.at;
        self.cursor.set(at, self.shown.len());
        self.by_hand();
        again
    }
}

/// What became of a tool call, in words.
fn ran(tool: &ToolRow) -> Ran {
    let (number, is_error) = (tool.number, tool.is_error());
    let word = match (tool.status, tool.exit) {
        (ToolStatus::Running, _) => "running".to_owned(),
        (ToolStatus::Failed, _) => "failed".to_owned(),
        (ToolStatus::Completed, Some(exit)) if exit != 0 => format!("exit {exit}"),
        (ToolStatus::Completed, _) => "completed".to_owned(),
    };
    let said = [Some(word.as_str()), tool.error.as_deref()];
    let said = said.into_iter().flatten().collect::<Vec<_>>().join(": ");
    let (tool, subject) = (tool.tool.to_string(), tool.subject.to_string());
    Ran { number, tool, subject, said, is_error }
}
