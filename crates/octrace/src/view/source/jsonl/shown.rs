//! The session that is looked at: which of its rows were told, and what is to be told next.
//!
//! Rows are told in their order, file after file, because only those before it tell of an exchange which one it is
//! compared with. When something turns up between rows that were told, they are all told again.

use std::collections::{BTreeMap, BTreeSet};

use octrace_core::timeline::{ExchangeRow, Row, Thread};
use octrace_view::terminal::data::{Answer, Progress};

use super::{
    file::File,
    index::{Changes, Entry},
    row,
};

/// So many exchanges are told at once.
const AT_ONCE: usize = 1_000;

/// Files by number.
pub(super) type Files = BTreeMap<i64, File>;

/// A session's rows, as far as they were told.
pub(super) struct Shown {
    session: String,
    thread: Thread,
    /// The files it is in, with how many of its exchanges there were told.
    files: Vec<(i64, usize)>,
    told: Vec<Told>,
    /// Told, and different now.
    exchanges: BTreeSet<i64>,
    tools: BTreeSet<i64>,
    is_complete: bool,
}

/// What of a row its neighbours told.
#[derive(Clone, Copy)]
struct Told {
    id: i64,
    previous: Option<u32>,
}

impl Shown {
    pub(super) fn new(session: String) -> Self {
        Self {
            session,
            thread: Thread::default(),
            files: Vec::new(),
            told: Vec::new(),
            exchanges: BTreeSet::new(),
            tools: BTreeSet::new(),
            is_complete: false,
        }
    }

    pub(super) fn session(&self) -> &str {
        &self.session
    }

    /// These changed in a file.
    pub(super) fn change(&mut self, number: i64, file: &File, changes: &Changes) {
        let is_ours = |entry: u32| {
            let part = file.index.entries.get(entry as usize).map(|entry| entry.part as usize);
            part.and_then(|part| file.index.parts.get(part))
                .is_some_and(|part| *part.session == *self.session)
        };
        let ours = changes.entries.iter().filter(|entry| is_ours(**entry));
        self.exchanges.extend(ours.map(|entry| row::number(number, *entry)));
        let asked = |tool: &&u32| {
            file.index.tools.get(**tool as usize).is_some_and(|tool| is_ours(tool.entry))
        };
        let ours = changes.tools.iter().filter(asked);
        self.tools.extend(ours.map(|tool| row::number(number, *tool)));
    }

    /// What is to be told next, of the files with these numbers; `None` when that is nothing.
    pub(super) fn next(
        &mut self,
        files: &Files,
        numbers: &[i64],
        now_us: Option<i64>,
    ) -> Option<Answer> {
        if !self.goes_on(files, numbers) {
            *self = Self::new(std::mem::take(&mut self.session));
        }
        let mut rows = Vec::new();
        self.tell_changes(files, now_us, &mut rows);
        let has_more = self.tell_new(files, numbers, now_us, &mut rows);
        let is_complete =
            !has_more && numbers.iter().all(|number| files.get(number).is_none_or(File::is_read));
        let is_news = is_complete && !self.is_complete;
        self.is_complete = is_complete;
        if rows.is_empty() && !is_news {
            return None;
        }
        let progress =
            (!is_complete).then(|| progress(numbers.iter().filter_map(|number| files.get(number))));
        Some(Answer::Timeline { session: self.session.clone(), rows, gone: Vec::new(), progress })
    }

    /// Whether there is more to tell at once.
    pub(super) fn is_behind(&self, files: &Files, numbers: &[i64]) -> bool {
        !self.is_complete
            || !self.exchanges.is_empty()
            || !self.tools.is_empty()
            || self.files.len() < numbers.len()
            || self.files.last().is_some_and(|(number, told)| *told < self.count(files, *number))
    }

    fn count(&self, files: &Files, number: i64) -> usize {
        let part = files.get(&number).and_then(|file| file.index.part_of(&self.session));
        part.map_or(0, |part| part.exchanges.len())
    }

    /// Whether everything that is there now comes after what was told.
    fn goes_on(&self, files: &Files, numbers: &[i64]) -> bool {
        let is_last = |at: usize| at + 1 == self.files.len();
        self.files.len() <= numbers.len()
            && self.files.iter().zip(numbers).enumerate().all(|(at, ((number, told), now))| {
                number == now && (is_last(at) || *told == self.count(files, *number))
            })
    }

    /// Whether there is more.
    fn tell_new(
        &mut self,
        files: &Files,
        numbers: &[i64],
        now_us: Option<i64>,
        rows: &mut Vec<Row>,
    ) -> bool {
        let mut left = AT_ONCE;
        for (at, number) in numbers.iter().enumerate() {
            let Some(file) = files.get(number) else { continue };
            if at == self.files.len() {
                self.files.push((*number, 0));
            }
            let told = self.files.get(at).map_or(0, |(_, told)| *told);
            let is_live = now_us.is_some_and(|now_us| file.is_live(now_us));
            let exchanges =
                file.index.part_of(&self.session).map_or(&[][..], |part| &part.exchanges);
            for entry in exchanges.iter().skip(told).take(left) {
                let Some(row) = self.place(files, *number, *entry, is_live) else { continue };
                put(file, *number, *entry, row, is_live, rows);
            }
            let now = exchanges.len().min(told + left);
            left -= now - told;
            if let Some((_, told)) = self.files.get_mut(at) {
                *told = now;
            }
            if now < exchanges.len() || !file.is_read() {
                return now < exchanges.len();
            }
        }
        false
    }

    /// A new row, with what those before it tell.
    fn place(
        &mut self,
        files: &Files,
        number: i64,
        entry: u32,
        is_live: bool,
    ) -> Option<ExchangeRow> {
        let id = row::number(number, entry);
        let ordinal = self.told.len() as i64 + 1;
        let found = files.get(&number)?.index.entries.get(entry as usize)?;
        let mut row = row::exchange(id, ordinal, found, is_live);
        self.thread.follow(&mut row);
        row.attempt = found.attempt;
        let previous = row
            .previous
            .and_then(|previous| self.told.binary_search_by_key(&previous, |told| told.id).ok());
        let previous = previous.and_then(|previous| u32::try_from(previous).ok());
        self.told.push(Told { id, previous });
        Some(row)
    }

    fn tell_changes(&mut self, files: &Files, now_us: Option<i64>, rows: &mut Vec<Row>) {
        let is_live = |file: &File| now_us.is_some_and(|now_us| file.is_live(now_us));
        for id in std::mem::take(&mut self.exchanges) {
            let Some((number, entry)) = row::place(id) else { continue };
            let Ok(at) = self.told.binary_search_by_key(&id, |told| told.id) else { continue };
            let Some(file) = files.get(&number) else { continue };
            let Some(found) = file.index.entries.get(entry as usize) else { continue };
            let mut row = row::exchange(id, at as i64 + 1, found, is_live(file));
            self.thread.follow(&mut row);
            let told = self.told.get(at).copied();
            let previous = told.and_then(|told| self.told.get(told.previous? as usize));
            row.previous = previous.map(|previous| previous.id);
            let before = row.previous.and_then(|id| entry_of(files, id));
            row.growth = before
                .map(|before| i64::from(found.request_bytes) - i64::from(before.request_bytes));
            row.attempt = found.attempt;
            put(file, number, entry, row, is_live(file), rows);
        }
        for id in std::mem::take(&mut self.tools) {
            let Some((number, place)) = row::place(id) else { continue };
            let Some(file) = files.get(&number) else { continue };
            let Some(tool) = file.index.tools.get(place as usize) else { continue };
            let Some(asked) = file.index.entries.get(tool.entry as usize) else { continue };
            rows.push(Row::from(row::tool(id, asked, tool, is_live(file))));
        }
    }
}

fn entry_of(files: &Files, id: i64) -> Option<&Entry> {
    let (number, entry) = row::place(id)?;
    files.get(&number)?.index.entries.get(entry as usize)
}

/// An exchange's row, and those that it brings along.
fn put(file: &File, number: i64, place: u32, row: ExchangeRow, is_live: bool, rows: &mut Vec<Row>) {
    let id = row.id;
    let Some(entry) = file.index.entries.get(place as usize) else { return };
    rows.extend(row::prompt(id, entry).map(Row::from));
    rows.push(Row::from(row));
    for place in entry.tools.clone() {
        if let Some(tool) = file.index.tools.get(place as usize) {
            rows.push(Row::from(row::tool(row::number(number, place), entry, tool, is_live)));
        }
    }
}

/// How far the files are read, in bytes.
pub(super) fn progress<'a>(files: impl Iterator<Item = &'a File>) -> Progress {
    files.fold(Progress { done: 0, of: 0 }, |sum, file| {
        let (done, of) = file.progress();
        Progress { done: sum.done + done, of: sum.of + of }
    })
}
