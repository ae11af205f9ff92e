//! JSONL files as a source: one, or a folder of them, written by octrace or by opencode-api-tracer.
//!
//! A file is gone through once, in pieces, and of each line only where it stands and a row's worth of it is kept
//! ([`index`]); a body is read from its file when somebody opens it. Sessions are listed at once, by the names and first
//! lines of their files; figures come as the reading goes on, the newest files first.
//!
//! Somebody else writes these files, perhaps at this moment, perhaps with bad intent. What is appended is read on
//! ([`mod@file`]); of a file that was cut or replaced everything is read again, under new numbers. Nothing but regular files
//! is opened, and in a folder no link is followed.

mod body;
mod counts;
mod detail;
mod error;
mod file;
mod find;
mod index;
mod line;
mod row;
mod shown;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use jiff::Timestamp;
use octrace_store::{
    follow::Step,
    read::{ExchangeDetail, SessionRow},
};
use octrace_view::terminal::data::{Answer, Ask};

pub(crate) use self::error::OpenError;
use self::{
    file::{Fate, File},
    find::Find,
    shown::{Files, Shown, progress},
};
use super::{Pace, Source, Tell};

/// How long is worked at once.
const STEP: Duration = Duration::from_millis(4);

/// How often what is new is looked for, at most.
const LOOK: Duration = Duration::from_millis(40);

/// How often figures are told while files are read.
const TELL: Duration = Duration::from_millis(100);

/// So many sessions are told at once.
const AT_ONCE: usize = 1_000;

/// So many of the files that grew last are looked at each time, and so many of the others.
const HOT: usize = 16;
const OTHERS: usize = 64;

/// What octrace and opencode-api-tracer write beside the files of sessions.
const DIAGNOSTICS: &str = "opencode-api-tracer.debug.jsonl";

/// A file or a folder.
pub(crate) struct JsonlSource {
    root: PathBuf,
    is_folder: bool,
    is_static: bool,
    files: Files,
    /// The number of the next file.
    next: i64,
    /// The files that each session is in, in order.
    sessions: HashMap<Arc<str>, Vec<i64>>,
    /// Files of which nothing was looked at, and those that have more to read.
    unseen: BTreeSet<i64>,
    unread: BTreeSet<i64>,
    /// The files that grew last, the last one last.
    hot: VecDeque<i64>,
    /// The other file to look at next.
    turn: i64,
    looked: Option<Instant>,
    /// When the folder had changed, as it was listed last.
    listed: Option<(i64, i64)>,
    /// Whether the sessions were asked for, and those that are to be told.
    is_asked: bool,
    changed: BTreeSet<Arc<str>>,
    told: Option<Instant>,
    is_complete: bool,
    shown: Option<Shown>,
    find: Option<Find>,
    /// What a person was told already.
    broken: u64,
    is_gone: bool,
}

impl JsonlSource {
    /// A file or a folder with files. `is_static`: what is there now is all.
    ///
    /// # Errors
    /// When it is not there, or nothing that can be looked at.
    pub(crate) fn open(path: &Path, is_static: bool) -> Result<Self, OpenError> {
        let path = path.to_path_buf();
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => OpenError::Missing { path: path.clone() },
            _ => OpenError::Io { path: path.clone(), source },
        };
        let found = fs::metadata(&path).map_err(failed)?;
        let mut source = Self {
            root: path.clone(),
            is_folder: found.is_dir(),
            is_static,
            files: BTreeMap::new(),
            next: 0,
            sessions: HashMap::new(),
            unseen: BTreeSet::new(),
            unread: BTreeSet::new(),
            hot: VecDeque::new(),
            turn: 0,
            looked: None,
            listed: None,
            is_asked: false,
            changed: BTreeSet::new(),
            told: None,
            is_complete: false,
            shown: None,
            find: None,
            broken: 0,
            is_gone: false,
        };
        if source.is_folder {
            for path in source.list().map_err(failed)? {
                source.add(path);
            }
            if source.files.is_empty() {
                return Err(OpenError::Empty { path });
            }
        } else if found.is_file() {
            let mut file = File::new(path.clone(), true);
            if !file.peek().map_err(failed)? {
                return Err(OpenError::Foreign { path });
            }
            source.add(path);
        } else {
            return Err(OpenError::Special { path });
        }
        Ok(source)
    }

    /// The sessions before anything is shown: those that the files begin with, or, when they are read to their ends
    /// for it, all.
    pub(crate) fn sessions(&mut self, to_the_end: bool) -> Vec<SessionRow> {
        while !self.unseen.is_empty() {
            self.peek(Instant::now() + STEP);
        }
        while to_the_end && !self.unread.is_empty() {
            // Whoever looks at it is told of what fails.
            self.read(Instant::now() + STEP, &mut |_| ());
        }
        self.sessions.keys().filter_map(|session| self.row(session)).collect()
    }

    /// The folder's files, by name: they begin with a time.
    fn list(&mut self) -> io::Result<Vec<PathBuf>> {
        let changed = changed_at(&fs::metadata(&self.root)?);
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let path = entry.path();
            let is_ours = path.extension().is_some_and(|extension| extension == "jsonl")
                && entry.file_name() != DIAGNOSTICS;
            if is_ours && entry.file_type()?.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        // What changes again within a tick of the disk's clock leaves no trace.
        let is_settled = now_us() / 1_000_000 - changed.0 > 1;
        self.listed = is_settled.then_some(changed);
        Ok(paths)
    }

    fn add(&mut self, path: PathBuf) {
        let number = self.next;
        self.next += 1;
        self.files.insert(number, File::new(path, !self.is_folder));
        self.unseen.insert(number);
        self.unread.insert(number);
        self.heat(number);
    }

    /// Nothing that was read in it counts any more.
    fn remove(&mut self, number: i64) {
        let Some(file) = self.files.remove(&number) else { return };
        for part in &file.index.parts {
            if let Some(numbers) = self.sessions.get_mut(&part.session) {
                numbers.retain(|known| *known != number);
                if numbers.is_empty() {
                    self.sessions.remove(&part.session);
                }
            }
        }
        self.unseen.remove(&number);
        self.unread.remove(&number);
        self.hot.retain(|known| *known != number);
    }

    fn heat(&mut self, number: i64) {
        self.hot.retain(|known| *known != number);
        self.hot.push_back(number);
        if self.hot.len() > HOT {
            self.hot.pop_front();
        }
    }

    /// Whoever shows something asks again.
    fn renew(&mut self, tell: Tell<'_>) {
        self.is_asked = false;
        self.changed.clear();
        self.shown = None;
        self.find = None;
        tell(Answer::Renewed);
    }

    /// Looks at what became of the files.
    fn look(&mut self, tell: Tell<'_>) {
        if self.is_folder {
            self.look_at_folder(tell);
        } else if self.files.is_empty() && self.root.exists() {
            self.is_gone = false;
            let root = self.root.clone();
            self.add(root);
            self.renew(tell);
        }
        let shown = self.shown.as_ref().and_then(|shown| self.sessions.get(shown.session()));
        let mut numbers: BTreeSet<i64> =
            self.hot.iter().chain(shown.into_iter().flatten()).copied().collect();
        let mut others: Vec<i64> =
            self.files.range(self.turn..).map(|(number, _)| *number).take(OTHERS).collect();
        self.turn = others.last().filter(|_| others.len() == OTHERS).map_or(0, |last| last + 1);
        numbers.extend(others.drain(..));
        for number in numbers {
            self.look_at(number, tell);
        }
    }

    fn look_at_folder(&mut self, tell: Tell<'_>) {
        let found = fs::metadata(&self.root).map(|found| changed_at(&found));
        if self.listed.is_some() && found.as_ref().ok() == self.listed.as_ref() {
            return;
        }
        let known: HashMap<PathBuf, i64> =
            self.files.iter().map(|(number, file)| (file.path().to_owned(), *number)).collect();
        let paths = match self.list() {
            Ok(paths) => paths,
            Err(error) => {
                if !std::mem::replace(&mut self.is_gone, true) {
                    tell(Answer::Trouble(format!("cannot read {}: {error}", self.root.display())));
                }
                return;
            }
        };
        self.is_gone = false;
        let now: BTreeSet<&PathBuf> = paths.iter().collect();
        let gone: Vec<i64> = known
            .iter()
            .filter(|(path, _)| !now.contains(path))
            .map(|(_, number)| *number)
            .collect();
        for number in &gone {
            self.remove(*number);
        }
        if !gone.is_empty() {
            self.renew(tell);
        }
        for path in paths {
            if !known.contains_key(&path) {
                self.add(path);
            }
        }
    }

    fn look_at(&mut self, number: i64, tell: Tell<'_>) {
        let Some(file) = self.files.get_mut(&number) else { return };
        let fate = match file.look() {
            Ok(fate) => fate,
            // Told when it is read.
            Err(_) => Fate::Same,
        };
        let name = file.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        match fate {
            Fate::Same => {
                if file.ends(now_us()) {
                    self.take_changes(number);
                }
            }
            Fate::Grown => {
                self.unread.insert(number);
                self.heat(number);
            }
            Fate::Gone => {
                self.remove(number);
                if !self.is_folder {
                    tell(Answer::Trouble(format!("{name} is gone")));
                }
                self.renew(tell);
            }
            Fate::Replaced => {
                let path = file.path().to_owned();
                self.remove(number);
                self.add(path);
                tell(Answer::Trouble(format!("{name} was cut or replaced, and is read anew")));
                self.renew(tell);
            }
        }
    }

    /// Reads the beginnings of files, the newest first.
    fn peek(&mut self, deadline: Instant) {
        while let Some(number) = self.unseen.pop_last() {
            if let Some(file) = self.files.get_mut(&number) {
                // Whether it can be read, and is ours, is seen when it is.
                file.look().ok();
                file.peek().ok();
                self.take_changes(number);
            }
            if Instant::now() >= deadline {
                return;
            }
        }
    }

    /// Reads on in what is looked at, else in the newest file.
    fn read(&mut self, deadline: Instant, tell: Tell<'_>) {
        let shown = self.shown.as_ref().and_then(|shown| self.sessions.get(shown.session()));
        let shown = shown.into_iter().flatten().find(|number| self.unread.contains(number));
        let Some(number) = shown.or(self.unread.last()).copied() else { return };
        let Some(file) = self.files.get_mut(&number) else { return };
        if let Err(error) = file.read(deadline) {
            file.give_up();
            tell(Answer::Trouble(format!("cannot read {}: {error}", file.path().display())));
        }
        if file.is_read() {
            self.unread.remove(&number);
        }
        self.take_changes(number);
    }

    fn take_changes(&mut self, number: i64) {
        let Some(file) = self.files.get_mut(&number) else { return };
        let changes = file.index.changes();
        for part in &changes.parts {
            let Some(part) = file.index.parts.get(*part as usize) else { continue };
            let numbers = self.sessions.entry(part.session.clone()).or_default();
            if let Err(at) = numbers.binary_search(&number) {
                numbers.insert(at, number);
            }
            self.changed.insert(part.session.clone());
        }
        if let Some(shown) = &mut self.shown {
            shown.change(number, file, &changes);
        }
    }

    /// The row of a session.
    fn row(&self, session: &str) -> Option<SessionRow> {
        let numbers = self.sessions.get(session)?;
        let parts: Vec<_> = numbers
            .iter()
            .filter_map(|number| {
                let file = self.files.get(number)?;
                Some((file, file.index.part_of(session)?))
            })
            .collect();
        row::session(&parts, self.now_us())
    }

    /// `None` where nothing is live.
    fn now_us(&self) -> Option<i64> {
        (!self.is_static).then(now_us)
    }

    fn tell_sessions(&mut self, tell: Tell<'_>) {
        let is_complete = self.unread.is_empty();
        let is_news = is_complete && !self.is_complete;
        let is_due = is_complete || self.told.is_none_or(|told| told.elapsed() >= TELL);
        if !self.is_asked || !is_due || (self.changed.is_empty() && !is_news) {
            return;
        }
        let mut rows = Vec::new();
        while let Some(session) = self.changed.pop_first() {
            rows.extend(self.row(&session));
            if rows.len() >= AT_ONCE {
                break;
            }
        }
        self.is_complete = is_complete && self.changed.is_empty();
        // What is left follows at once.
        self.told = self.changed.is_empty().then(Instant::now);
        let progress = (!self.is_complete).then(|| progress(self.files.values()));
        tell(Answer::Sessions { rows, gone: Vec::new(), progress });
    }

    fn tell_timeline(&mut self, tell: Tell<'_>) {
        let now_us = self.now_us();
        let Some(shown) = &mut self.shown else { return };
        let numbers = self.sessions.get(shown.session()).map_or(&[][..], Vec::as_slice);
        if let Some(answer) = shown.next(&self.files, numbers, now_us) {
            tell(answer);
        }
    }

    fn search(&mut self, deadline: Instant, tell: Tell<'_>) {
        let Some(mut find) = self.find.take() else { return };
        if find.step(&self.files, deadline) {
            let Find { session, words, places, .. } = find;
            tell(Answer::Found { session, words, places });
        } else {
            self.find = Some(find);
        }
    }

    fn broken_lines(&self) -> u64 {
        self.files.values().map(|file| file.index.broken + file.too_long).sum()
    }

    /// Says once what was passed over.
    fn report(&mut self, tell: Tell<'_>) {
        let files = || self.files.values();
        let broken = self.broken_lines();
        if broken > self.broken && self.broken == 0 {
            let mut with = files().filter(|file| file.index.broken + file.too_long > 0);
            let first = with.next().map(|file| file.path().file_name().unwrap_or_default());
            let name = first.unwrap_or_default().to_string_lossy();
            let others = with.count();
            let files = match others {
                0 => name.into_owned(),
                1 => format!("{name} and 1 other file"),
                _ => format!("{name} and {others} other files"),
            };
            let lines = if broken == 1 { "line is" } else { "lines are" };
            let not = if broken == 1 { "a whole record and was" } else { "whole records and were" };
            tell(Answer::Trouble(format!("{broken} {lines} not {not} passed over: {files}")));
        }
        self.broken = broken;
    }
}

impl Source for JsonlSource {
    fn ask(&mut self, ask: Ask, _tell: Tell<'_>) {
        match ask {
            Ask::Sessions => {
                self.is_asked = true;
                self.is_complete = false;
                self.told = None;
                self.changed.extend(self.sessions.keys().cloned());
            }
            Ask::Timeline { session } => self.shown = Some(Shown::new(session)),
            Ask::Find { session, words } => self.find = Some(Find::new(session, words)),
            // Built from what `exchange` gives.
            Ask::Page(_) => {}
        }
    }

    fn work(&mut self, tell: Tell<'_>) -> Pace {
        let is_due = self.looked.is_none_or(|looked| looked.elapsed() >= LOOK);
        if is_due && (!self.is_static || self.looked.is_none()) {
            self.look(tell);
            self.looked = Some(Instant::now());
        }
        let deadline = Instant::now() + STEP;
        if !self.unseen.is_empty() {
            self.peek(deadline);
        } else if !self.unread.is_empty() {
            self.read(deadline, tell);
            if self.unread.is_empty() {
                self.report(tell);
            }
        } else {
            self.search(deadline, tell);
        }
        self.tell_sessions(tell);
        self.tell_timeline(tell);
        let is_behind = self.shown.as_ref().is_some_and(|shown| {
            let numbers = self.sessions.get(shown.session()).map_or(&[][..], Vec::as_slice);
            shown.is_behind(&self.files, numbers)
        });
        let is_busy = !self.unseen.is_empty()
            || !self.unread.is_empty()
            || self.find.is_some()
            || self.is_asked && (!self.changed.is_empty() || !self.is_complete)
            || is_behind;
        if is_busy { Pace::Busy } else { Pace::Idle }
    }

    fn folder(&self) -> Option<PathBuf> {
        let real = self.root.canonicalize().ok()?;
        if self.is_folder { Some(real) } else { real.parent().map(Path::to_path_buf) }
    }

    fn exchange(&mut self, id: i64, bodies: &[Step]) -> anyhow::Result<ExchangeDetail> {
        let (number, place) = row::place(id).context("there is no such exchange")?;
        let file = self.files.get(&number).context("its file was replaced or is gone")?;
        detail::read(file, id, place, bodies, self.now_us())
            .with_context(|| format!("cannot show what stood in {}", file.path().display()))
    }
}

/// When a folder's list of names changed.
fn changed_at(found: &fs::Metadata) -> (i64, i64) {
    (found.mtime(), found.mtime_nsec())
}

fn now_us() -> i64 {
    Timestamp::now().as_microsecond()
}
