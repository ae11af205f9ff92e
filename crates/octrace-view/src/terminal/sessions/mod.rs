//! The first screen: the sessions, those of sub-agents under their parents.

mod draw;

pub(super) use self::draw::percent;

use std::collections::{HashMap, HashSet};

use octrace_core::search::Query;
use octrace_store::read::SessionRow;
use ratatui_core::layout::Rect;

use super::{
    command::Command,
    data::Progress,
    filtering::{Filtering, Has},
    list::Cursor,
};
use crate::text::{figures, sessions::ordered};

/// The list of sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    rows: Vec<SessionRow>,
    /// Where each id is in `rows`.
    places: HashMap<String, usize>,
    /// What is shown, in its order: depth and place in `rows`.
    shown: Vec<(usize, usize)>,
    cursor: Cursor,
    filtering: Filtering,
    reading: Reading,
    /// While everything is read again: what has come so far.
    again: Option<HashSet<String>>,
    /// Where the rows were drawn, and how many lines each took.
    drawn: (Rect, u16),
}

/// How far the first reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reading {
    /// Nothing has come yet.
    #[default]
    Begun,
    /// So far.
    At(Progress),
    /// All is known.
    Done,
}

impl Reading {
    pub(super) fn of(progress: Option<Progress>) -> Self {
        progress.map_or(Self::Done, Self::At)
    }
}

impl Sessions {
    pub(super) fn new(filtering: Filtering) -> Self {
        Self { filtering, ..Self::default() }
    }

    /// Sessions as they are now, and those that are gone.
    pub(super) fn tell(
        &mut self,
        rows: Vec<SessionRow>,
        gone: &[String],
        progress: Option<Progress>,
        now_us: i64,
    ) {
        let on = self.selected().map(|row| row.id.clone());
        if !rows.is_empty() {
            self.filtering.stale();
        }
        for row in rows {
            if let Some(again) = &mut self.again {
                again.insert(row.id.clone());
            }
            match self.places.get(&row.id) {
                Some(place) => self.rows[*place] = row,
                None => {
                    self.places.insert(row.id.clone(), self.rows.len());
                    self.rows.push(row);
                }
            }
        }
        for id in gone {
            self.remove(id);
        }
        self.reading = Reading::of(progress);
        if self.reading == Reading::Done
            && let Some(again) = self.again.take()
        {
            let lost: Vec<String> =
                self.places.keys().filter(|id| !again.contains(*id)).cloned().collect();
            for id in lost {
                self.remove(&id);
            }
        }
        self.choose(on.as_deref(), now_us);
    }

    /// What was told holds no longer; what is not told again until all is read is gone.
    pub(super) fn renew(&mut self) {
        self.again = Some(HashSet::new());
    }

    fn remove(&mut self, id: &str) {
        let Some(place) = self.places.remove(id) else { return };
        self.rows.swap_remove(place);
        if let Some(moved) = self.rows.get(place) {
            self.places.insert(moved.id.clone(), place);
        }
    }

    /// Decides what is shown; the cursor stays on the session `on`.
    fn choose(&mut self, on: Option<&str>, now_us: i64) {
        let matches = |row: &SessionRow| self.filtering.matches(row, Has::Session(&row.id), now_us);
        let matching: Vec<usize> =
            (0..self.rows.len()).filter(|place| matches(&self.rows[*place])).collect();
        let rows: Vec<&SessionRow> = matching.iter().map(|place| &self.rows[*place]).collect();
        let shown = ordered(&rows).into_iter().map(|(depth, at)| (depth, matching[at]));
        self.shown = shown.collect();
        let same = on.and_then(|on| self.shown.iter().position(|(_, at)| self.rows[*at].id == on));
        self.cursor.carry(same.unwrap_or(self.cursor.at), self.shown.len());
    }

    /// The session under the cursor.
    pub(super) fn selected(&self) -> Option<&SessionRow> {
        let (_, place) = self.shown.get(self.cursor.at)?;
        self.rows.get(*place)
    }

    /// A session by its id.
    pub(super) fn get(&self, id: &str) -> Option<&SessionRow> {
        self.rows.get(*self.places.get(id)?)
    }

    pub(super) fn filtering(&self) -> &Filtering {
        &self.filtering
    }

    pub(super) fn filtering_mut(&mut self) -> &mut Filtering {
        &mut self.filtering
    }

    /// When the first of the ages in sight changes, µs since the Unix epoch.
    pub(super) fn aged_us(&self, now_us: i64) -> Option<i64> {
        let (area, tall) = self.drawn;
        let in_sight = 0..usize::from(area.height / tall.max(1));
        let places = in_sight.filter_map(|below| {
            let (_, place) = self.shown.get(self.cursor.in_sight(below, self.shown.len())?)?;
            self.rows.get(*place).filter(|row| !row.live)
        });
        places.map(|row| figures::ages_at(row.updated_us, now_us)).min()
    }

    pub(super) fn filter(&mut self, filtering: Filtering, now_us: i64) {
        let on = self.selected().map(|row| row.id.clone());
        self.filtering = filtering;
        self.choose(on.as_deref(), now_us);
    }

    /// Words were found.
    pub(super) fn found(&mut self, words: &Query, places: &[(String, i64)], now_us: i64) {
        if self.filtering.found(words, places, now_us) {
            let on = self.selected().map(|row| row.id.clone());
            self.choose(on.as_deref(), now_us);
        }
    }

    /// Moves the cursor.
    pub(super) fn go(&mut self, command: Command) {
        self.cursor.go(command, self.shown.len());
    }

    /// The mouse went down here: puts the cursor there, and says whether it was there already.
    pub(super) fn press(&mut self, x: u16, y: u16) -> bool {
        let (area, tall) = self.drawn;
        if !area.contains((x, y).into()) {
            return false;
        }
        let below = usize::from((y - area.y) / tall.max(1));
        let Some(at) = self.cursor.in_sight(below, self.shown.len()) else { return false };
        let again = at == self.cursor.at;
        self.cursor.set(at, self.shown.len());
        again
    }
}
