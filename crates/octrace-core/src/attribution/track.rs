//! Where each line of each observation comes from: from the first observation of a file to the last, whatever was
//! kept keeps its origin, and whatever is new has that of the change that brought it.
//!
//! The rules, between two observations of a file that differ:
//!
//! 1. **Who could have.** A tool that names its files: if this file was observed for the call, and from before it to after it. Any
//!    other tool that writes (a shell): if the file is below its work tree; one that names its files too, and wherever the
//!    file is, if none was observed for it. All only if they ran in between, so a
//!    call that was rejected never; and not if the file system says that the file was last changed before the call ran. Where
//!    OpenCode's snapshots of a step were compared and do not show the file, none of that step's shells; but not once they
//!    showed it as not read, which is how it looks when they stop to cover it.
//! 2. **What was kept.** A line that tells something ([`Line::is_telling`]) and stands once in both texts is the same
//!    line, wherever it is now. So are all lines between two of these that are neighbours in both texts, if what is
//!    between is the same. If only calls were at work, the lines beside those, and those that a diff aligns, are kept
//!    as well: which of several equal lines were there is then the most natural reading, but no more of them are said to be
//!    the call's than the file has now and had not; others are `Unknown(Repeated)`. If a person could have been at work, any other line whose content
//!    was there is `Unknown(Repeated)`, unless all of that content had one origin and there are no more of it now, or
//!    unless all earlier ones are accounted for.
//! 3. **What came back.** A telling line that came into the file once in all its history (also under its name before), was not in
//!    the text before and is there once, has the origin that it had, whoever brought it. If a person could have brought it, also one
//!    that came several times from the same. Others that were there before are the call's if the bytes say so, else
//!    `Unknown(Repeated)`.
//! 4. **What is new.** Nobody could have: a person, but if another file had the line, `Unknown(Repeated)`: it may have been
//!    carried from there. One call, observed from its own step's begin to its end at most: that
//!    call, or `Unknown(Unfinished)` if it did not end well. Several, or one that brings other people's lines, or one and
//!    time for a person: the only call whose input gives that line, whole, else `Unknown` (`Contended`, `Brought`, `Unread`).
//! 5. **What is blanked** equals nothing. It is kept only where it stands among kept lines, and is somebody's only if no blanked
//!    line was there that it could be; else `Unknown(Blanked)`. That a secret was replaced by another is not seen.
//! 6. **Renames.** A file that vanished when another appeared, with a candidate in common (or none) and half of the
//!    lines: its lines go on in the other, and the candidates of both could have changed it.
//!
//! What this cannot see: a person who writes into a file while a shell command of the agent runs in the same step, or
//! while the model thinks before a shell command that changes the very same file without naming it;
//! a process that a call left behind, which looks like a person; one file of several that a call named, if what was seen of
//! that one alone was lost; a snapshot that OpenCode could not bring up to date, which looks as if nothing had changed; what
//! a secret that was blanked was.

use std::{collections::HashSet, sync::Arc};

use super::{
    author::{Author, Before, Brought, Who},
    candidates::{Candidates, Seen as SeenBy, Work},
    declared::{self, Declared},
    diff::align,
    history::{Everywhere, History},
    line::Line,
    renames::{self, Renames, Turn},
    timeline::{Call, Ended, FileHistory, Origin, Seen, Why},
};

/// What is known of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackedFile {
    /// As in [`FileHistory`].
    pub path: String,
    /// One for each observation, in the same order.
    pub states: Vec<TrackedState>,
}

/// What is known of a file at an observation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackedState {
    /// The file's lines; `None`: there was no file, or it was not read.
    pub lines: Option<Arc<[Line]>>,
    /// Where each of them comes from.
    pub origins: Arc<[Origin]>,
    /// Lines that this change took away, by the call that did: `(call, lines)`.
    pub removed: Vec<(usize, u32)>,
    /// The file had another name until this change: its place in the list of files.
    pub renamed_from: Option<usize>,
}

/// Tracks files through what was seen of them. `calls` may be in any order; origins name them by their place.
pub fn track(files: &[FileHistory], calls: &[Call]) -> Vec<TrackedFile> {
    let work = Work::new(calls);
    let declared = Declared::new(calls);
    let mut tracked = Vec::with_capacity(files.len());
    let mut changes = Vec::new();
    for (file, history) in files.iter().enumerate() {
        let states = vec![TrackedState::default(); history.observations.len()];
        tracked.push(TrackedFile { path: history.path.clone(), states });
        changes.extend(self::changes(file, history, &work.seen(history)));
    }
    changes.sort_by_key(|change| (change.to_us, change.file, change.to));
    let renames = renames(files, &changes);
    let mut tracker = Tracker {
        files,
        calls,
        declared,
        gone: renames.values().map(|renamed| renamed.from).collect(),
        renames,
        histories: vec![History::default(); files.len()],
        everywhere: Everywhere::default(),
        tracked,
    };
    for change in &changes {
        tracker.apply(change);
    }
    tracker.tracked
}

/// The calls, by their places, of which [`track`] may ask what they were given ([`Call::input`]). Those of the others may
/// be empty, as all may be here: on a long tape they are much to read.
pub fn asked(files: &[FileHistory], calls: &[Call]) -> HashSet<usize> {
    let work = Work::new(calls);
    let mut asked = HashSet::new();
    for (file, history) in files.iter().enumerate() {
        for change in changes(file, history, &work.seen(history)) {
            asked.extend(change.candidates.into_iter().flat_map(|candidates| candidates.calls));
        }
    }
    asked
}

/// From one observation of a file that says what was there to the next one.
struct Change {
    file: usize,
    /// `None`: it is the first one.
    from: Option<usize>,
    to: usize,
    to_us: i64,
    /// `None`: nothing changed, or it is the first one.
    candidates: Option<Candidates>,
}

fn changes(file: usize, history: &FileHistory, seen: &SeenBy<'_>) -> Vec<Change> {
    let mut from = None;
    let mut changes = Vec::new();
    for (to, observation) in history.observations.iter().enumerate() {
        if observation.seen == Seen::Unread {
            continue;
        }
        let differs = |from: usize| !is_same(&history.observations[from].seen, &observation.seen);
        let candidates = from.filter(|&from| differs(from)).map(|from| seen.candidates(from, to));
        changes.push(Change { file, from, to, to_us: observation.at_us, candidates });
        from = Some(to);
    }
    changes
}

fn is_same(one: &Seen, other: &Seen) -> bool {
    match (one, other) {
        (Seen::Text(one), Seen::Text(other)) => Arc::ptr_eq(one, other) || one == other,
        _ => one == other,
    }
}

fn renames(files: &[FileHistory], changes: &[Change]) -> Renames {
    let (mut vanished, mut appeared) = (Vec::new(), Vec::new());
    for change in changes {
        let (Some(from), Some(candidates)) = (change.from, &change.candidates) else { continue };
        let observations = &files[change.file].observations;
        let (earlier, later) = (&observations[from], &observations[change.to]);
        let turn = |lines| Turn {
            file: change.file,
            from: (from, earlier.at_us),
            to: (change.to, later.at_us),
            lines,
            candidates,
        };
        match (&earlier.seen, &later.seen) {
            (Seen::Text(lines), Seen::Absent) => vanished.push(turn(lines)),
            (Seen::Absent, Seen::Text(lines)) => appeared.push(turn(lines)),
            _ => {}
        }
    }
    renames::pair(&vanished, &appeared)
}

struct Tracker<'a> {
    files: &'a [FileHistory],
    calls: &'a [Call],
    declared: Declared<'a>,
    renames: Renames,
    /// The files, with the observation at which they were last seen, that have another name now.
    gone: HashSet<(usize, usize)>,
    histories: Vec<History>,
    everywhere: Everywhere,
    tracked: Vec<TrackedFile>,
}

impl Tracker<'_> {
    fn apply(&mut self, change: &Change) {
        let lines = match &self.files[change.file].observations[change.to].seen {
            Seen::Text(lines) => Some(Arc::clone(lines)),
            Seen::Absent | Seen::Unread => None,
        };
        let new = lines.as_deref().unwrap_or_default();
        let mut state = match (change.from, &change.candidates) {
            (None, _) => {
                for &line in new {
                    self.histories[change.file].add(line, &Origin::Before);
                    self.everywhere.add(line, change.file);
                }
                TrackedState {
                    origins: vec![Origin::Before; new.len()].into(),
                    ..TrackedState::default()
                }
            }
            (Some(from), None) => TrackedState {
                origins: Arc::clone(&self.tracked[change.file].states[from].origins),
                ..TrackedState::default()
            },
            (Some(from), Some(candidates)) => self.changed(change, from, candidates, new),
        };
        state.lines = lines;
        self.tracked[change.file].states[change.to] = state;
    }

    fn changed(
        &mut self,
        change: &Change,
        from: usize,
        candidates: &Candidates,
        new: &[Line],
    ) -> TrackedState {
        let renamed = self.renames.get(&(change.file, change.to));
        let candidates = renamed.map_or(candidates, |renamed| &renamed.candidates);
        let (file, place) = renamed.map_or((change.file, from), |renamed| renamed.from);
        if renamed.is_some() {
            let before = std::mem::take(&mut self.histories[file]);
            self.histories[change.file].add_all(&before);
            self.histories[file] = before;
        }
        let before = &self.tracked[file].states[place];
        let before =
            Before { lines: before.lines.as_deref().unwrap_or_default(), origins: &before.origins };
        let observations = &self.files[change.file].observations;
        let after_us = observations[from].at_us.min(self.files[file].observations[place].at_us);
        let who = self.who(candidates, after_us, observations[change.to].at_us);
        // What a call brings from elsewhere can be as anybody left it there.
        let brought =
            candidates.calls.iter().any(|&call| declared::brings_others(&self.calls[call]));
        let author = Author {
            all: self.calls,
            declared: &self.declared,
            who,
            alone: candidates.alone && !brought,
            file: change.file,
            everywhere: &self.everywhere,
        };
        let aligned = align(before.lines, new);
        let history = &mut self.histories[change.file];
        let Brought { origins, introduced } = author.origins(&before, &aligned, new, history);
        let removed = match author.who {
            Who::Call { call, .. } if !self.gone.contains(&(change.file, from)) => {
                let kept = aligned.matches.iter().flatten().count();
                let lines = u32::try_from(aligned.old.len() - kept).unwrap_or(u32::MAX);
                (lines > 0).then_some((call, lines))
            }
            _ => None,
        };
        for (line, origin) in &introduced {
            history.add(*line, origin);
            self.everywhere.add(*line, change.file);
        }
        TrackedState {
            lines: None,
            origins: origins.into(),
            removed: removed.into_iter().collect(),
            renamed_from: renamed.map(|_| file),
        }
    }

    fn who(&self, candidates: &Candidates, after_us: i64, until_us: i64) -> Who {
        let Candidates { ref calls, alone, evidence } = *candidates;
        let declared = |otherwise| Who::Declared { calls: calls.clone(), evidence, otherwise };
        match calls[..] {
            [] => Who::Person { after_us, until_us },
            [call] if self.calls[call].ended != Ended::Well => Who::Unfinished,
            [call] if declared::brings_others(&self.calls[call]) => declared(Why::Brought),
            [call] if alone => Who::Call { call, evidence },
            [_] => declared(Why::Unread),
            _ => declared(Why::Contended),
        }
    }
}
