//! What each call did to each file, as the tracked states tell it.

use std::collections::{BTreeMap, HashMap};

use crate::attribution::{
    line::Line,
    timeline::{Call, Ended, Evidence, FileHistory, Moment, Observation, Origin, Reach, Seen, Why},
    track::{TrackedFile, TrackedState},
};

/// What a call did to files.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Changes {
    /// Files that it changed and that were there afterwards, by their place in the list.
    pub(super) files: BTreeMap<usize, FileChange>,
    /// Files that it took away, by their place, with the count of lines that they had.
    pub(super) gone: BTreeMap<usize, u64>,
    /// Files that got another name: from, to.
    pub(super) renames: Vec<(usize, usize)>,
    /// Lines that came while it and others were at work, and that nobody can be said to have written.
    pub(super) contended: u64,
}

impl Changes {
    /// Whether nothing is known that the call did.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.gone.is_empty() && self.renames.is_empty()
    }
}

/// What a call did to a file that was there afterwards.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FileChange {
    /// The observation that the lines' numbers are of, by its place in the file's history.
    pub(super) at: Option<usize>,
    /// Its lines, in order.
    pub(super) runs: Vec<Run>,
    /// How many lines it took away.
    pub(super) removed: u64,
}

/// Consecutive lines that are known in one way to be a call's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The first line, from 0.
    pub(super) from: usize,
    /// One past the last.
    pub(super) until: usize,
    /// How it is known.
    pub(super) evidence: Evidence,
}

/// What each call that ended well did, by its place in `calls`.
pub(super) fn changes(
    tracked: &[TrackedFile],
    histories: &[FileHistory],
    calls: &[Call],
) -> BTreeMap<usize, Changes> {
    let mut all: BTreeMap<usize, Changes> = BTreeMap::new();
    for (place, (file, history)) in tracked.iter().zip(histories).enumerate() {
        written(place, file, history, calls, &mut all);
        removed(place, file, history, &mut all);
        renamed(place, file, history, calls, &mut all);
        contended(file, history, calls, &mut all);
        rewritten(place, history, calls, &mut all);
    }
    all.retain(|call, _| calls.get(*call).is_some_and(|call| call.ended == Ended::Well));
    for changes in all.values_mut() {
        for (place, lines) in &mut changes.gone {
            let left = changes.files.get(place).is_some_and(|change| change.runs.is_empty());
            if let Some(change) = left.then(|| changes.files.remove(place)).flatten() {
                *lines += change.removed;
            }
        }
        for (from, _) in &changes.renames {
            changes.gone.remove(from);
        }
    }
    all
}

/// The lines that are a call's in the state after it.
fn written(
    place: usize,
    file: &TrackedFile,
    history: &FileHistory,
    calls: &[Call],
    all: &mut BTreeMap<usize, Changes>,
) {
    let mut writers: Vec<usize> = Vec::new();
    for origin in file.states.iter().flat_map(|state| state.origins.iter()) {
        if let Origin::Call { call, .. } = origin
            && writers.last() != Some(call)
        {
            writers.push(*call);
        }
    }
    writers.sort_unstable();
    writers.dedup();
    for writer in writers {
        let Some(call) = calls.get(writer) else { continue };
        let Some(at) = after(history, call) else { continue };
        let Some(state) = file.states.get(at) else { continue };
        let runs = runs(state, writer);
        if !runs.is_empty() {
            let change = all.entry(writer).or_default().files.entry(place).or_default();
            change.at = Some(at);
            change.runs = runs;
        }
    }
}

/// Which observation shows the file as the call left it: the one that was made of it when it had ended, else the first
/// since then.
pub(super) fn after(history: &FileHistory, call: &Call) -> Option<usize> {
    let own = Moment::After(call.id.clone());
    let observations = &history.observations;
    observations.iter().rposition(|observation| observation.moment == own).or_else(|| {
        let ended = call.ended_us?;
        observations
            .iter()
            .position(|observation| observation.at_us >= ended && observation.moment != Moment::Now)
    })
}

/// A call's lines in a state.
fn runs(state: &TrackedState, writer: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let lines = state.lines.as_ref().map_or(0, |lines| lines.len());
    for (line, origin) in state.origins.iter().enumerate().take(lines) {
        let Origin::Call { call, evidence } = *origin else { continue };
        if call != writer {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.until == line && run.evidence == evidence => run.until += 1,
            _ => runs.push(Run { from: line, until: line + 1, evidence }),
        }
    }
    runs
}

/// The lines that calls took away, and the files.
fn removed(
    place: usize,
    file: &TrackedFile,
    history: &FileHistory,
    all: &mut BTreeMap<usize, Changes>,
) {
    for (state, observation) in file.states.iter().zip(&history.observations) {
        for &(call, lines) in &state.removed {
            let changes = all.entry(call).or_default();
            if observation.seen == Seen::Absent {
                *changes.gone.entry(place).or_default() += u64::from(lines);
            } else {
                let change = changes.files.entry(place).or_default();
                change.removed += u64::from(lines);
            }
        }
    }
}

/// Names that a file lost to a call: to the one whose bytes show it, else to the only one that was at work.
fn renamed(
    place: usize,
    file: &TrackedFile,
    history: &FileHistory,
    calls: &[Call],
    all: &mut BTreeMap<usize, Changes>,
) {
    for (at, state) in file.states.iter().enumerate() {
        let Some(from) = state.renamed_from else { continue };
        let Some(observation) = history.observations.get(at) else { continue };
        let own =
            calls.iter().position(|call| observation.moment == Moment::After(call.id.clone()));
        let writer = own.or_else(|| {
            let before = history.observations.get(at.checked_sub(1)?)?;
            let mut at_work = at_work(history, calls, before.at_us, observation.at_us);
            at_work.next().filter(|_| at_work.next().is_none())
        });
        if let Some(writer) = writer {
            let changes = all.entry(writer).or_default();
            changes.renames.push((from, place));
            changes.files.entry(place).or_default();
        }
    }
}

/// The calls that were at work between two moments and could have written this file.
fn at_work(
    history: &FileHistory,
    calls: &[Call],
    from_us: i64,
    until_us: i64,
) -> impl Iterator<Item = usize> {
    calls.iter().enumerate().filter_map(move |(place, call)| {
        let ran = call.ran_us?;
        let overlaps = ran <= until_us && call.ended_us.is_none_or(|ended| ended >= from_us);
        let reaches = || match call.reach() {
            Reach::Nothing => false,
            Reach::Named => history.observations.iter().any(|seen| of_call(seen, call).is_some()),
            Reach::Anything => true,
        };
        (overlaps && reaches()).then_some(place)
    })
}

/// Which side of a call an observation shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// As it was before.
    Before,
    /// As it was afterwards.
    After,
}

/// Which side of this call an observation was made for, if it was made for it.
pub(super) fn of_call(observation: &Observation, call: &Call) -> Option<Side> {
    match &observation.moment {
        Moment::Before(id) | Moment::Permitted(id) if *id == call.id => Some(Side::Before),
        Moment::After(id) if *id == call.id => Some(Side::After),
        _ => None,
    }
}

/// New lines that nobody can be said to have written, for every call that could have.
fn contended(
    file: &TrackedFile,
    history: &FileHistory,
    calls: &[Call],
    all: &mut BTreeMap<usize, Changes>,
) {
    let pairs = file.states.windows(2).zip(history.observations.windows(2));
    for (states, seen) in pairs {
        let ([old, new], [before, after]) = (states, seen) else { continue };
        let lines = new_contended(old, new);
        if lines > 0 {
            for call in at_work(history, calls, before.at_us, after.at_us) {
                all.entry(call).or_default().contended += lines;
            }
        }
    }
}

/// How many contended lines a state has more of than the one before, content by content.
fn new_contended(old: &TrackedState, new: &TrackedState) -> u64 {
    let mut had: HashMap<Line, u64> = HashMap::new();
    for line in contended_lines(old) {
        *had.entry(line).or_default() += 1;
    }
    let mut count = 0;
    for line in contended_lines(new) {
        match had.get_mut(&line) {
            Some(left) if *left > 0 => *left -= 1,
            _ => count += 1,
        }
    }
    count
}

fn contended_lines(state: &TrackedState) -> impl Iterator<Item = Line> {
    let lines = state.lines.iter().flat_map(|lines| lines.iter().copied());
    lines
        .zip(state.origins.iter())
        .filter(|(_, origin)| **origin == Origin::Unknown(Why::Contended))
        .map(|(line, _)| line)
}

/// Files that a call changed without bringing or taking a line: it put them in another order, or made an empty file.
/// That is known where the file was seen on both sides of it and nobody else was at work.
fn rewritten(
    place: usize,
    history: &FileHistory,
    calls: &[Call],
    all: &mut BTreeMap<usize, Changes>,
) {
    for (number, call) in calls.iter().enumerate() {
        if call.reach() != Reach::Named {
            continue;
        }
        let observations = &history.observations;
        let side = |side| observations.iter().rev().find(|seen| of_call(seen, call) == Some(side));
        let (Some(before), Some(after)) = (side(Side::Before), side(Side::After)) else { continue };
        if before.seen == after.seen || [&before.seen, &after.seen].contains(&&Seen::Unread) {
            continue;
        }
        let mut at_work = at_work(history, calls, before.at_us, after.at_us);
        if at_work.next() != Some(number) || at_work.next().is_some() {
            continue;
        }
        let changes = all.entry(number).or_default();
        if after.seen == Seen::Absent {
            changes.gone.entry(place).or_default();
        } else {
            changes.files.entry(place).or_default();
        }
    }
}
