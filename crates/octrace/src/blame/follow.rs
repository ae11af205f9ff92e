//! Files that a file may have its lines from: under the name that it had before, in another work tree of the
//! repository, or anywhere else below its root.
//!
//! What is certain enough is made into evidence for the tracker: a file that is gone and has half of the lines of one that
//! appeared is taken for having vanished when that one came. What is not certain is only good for doubt: a line that a
//! person seems to have written and that a call wrote in another file may be a copy.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use octrace_core::attribution::{
    alike,
    blame::{Blamed, Reason, Who},
    line::Line,
    timeline::{Call, Evidence, FileHistory, Moment, Observation, Origin, Seen, Why},
    track::{TrackedFile, track},
};
use octrace_store::{Error, Tape, evidence::FileId};

use crate::git::{Git, WorkTree};

/// The file and those that it may have its lines from.
pub(super) struct Sources {
    /// The file itself, at [`Sources::OWN`], and those that it or one of these had been before.
    pub(super) histories: Vec<FileHistory>,
    /// The others below the roots of the repository's work trees; `true`: the same file in another work tree.
    others: Vec<(FileId, bool)>,
}

impl Sources {
    /// The file's own place.
    pub(super) const OWN: usize = 0;

    /// A file of which the tape knows nothing, as there is none.
    pub(super) fn unrecorded(path: &str, now: Observation) -> Self {
        let own = FileHistory { path: path.to_owned(), observations: vec![now] };
        Self { histories: vec![own], others: Vec::new() }
    }

    /// Finds them. `path` is as on the tape, `now` what is there now.
    pub(super) fn read(
        tape: &Tape,
        tree: Option<&WorkTree>,
        path: &str,
        now: Observation,
        calls: &[Call],
    ) -> Result<Self, Error> {
        let own = tape.traced_file(path)?;
        let mut history = FileHistory { path: path.to_owned(), observations: Vec::new() };
        if let Some(file) = own {
            history.observations =
                tape.file_histories(&[file], None)?.pop().unwrap_or_default().observations;
        }
        history.observations.push(now);

        let mut root = tree.map(|tree| tree.root.clone());
        if root.is_none() {
            let above = calls.iter().map(|call| Path::new(&call.root));
            let above = above.filter(|root| Path::new(path).starts_with(root));
            root = above.max_by_key(|root| root.as_os_str().len()).map(Path::to_owned);
        }
        let mut gone = Vec::new();
        let mut others = Vec::new();
        let relative = root.as_ref().and_then(|root| Path::new(path).strip_prefix(root).ok());
        let elsewhere = tree.map(|tree| tree.others.as_slice()).unwrap_or_default();
        for (at, root) in root.iter().chain(elsewhere).enumerate() {
            for (file, other) in tape.traced_below(&root.to_string_lossy())? {
                let other = Path::new(&other);
                if Some(file) == own {
                    continue;
                }
                let twin = at > 0 && relative.is_some_and(|path| root.join(path) == other);
                others.push((file, twin));
                if at == 0 && other.symlink_metadata().is_err() {
                    gone.push(file);
                }
            }
        }
        let found = tape.file_histories(&gone, None)?;
        let renames = match (&root, tree) {
            (Some(root), Some(_)) if !found.is_empty() => renames(root, path, &found),
            _ => Renames::default(),
        };
        let mut sources = Self { histories: vec![history], others };
        sources.follow(found, &renames);
        Ok(sources)
    }

    /// Goes from the file to what it was before, and from there on.
    fn follow(&mut self, mut gone: Vec<FileHistory>, renames: &Renames) {
        let mut at = Self::OWN;
        while let Some(found) = before(&self.histories[at], &gone, renames) {
            let mut history = gone.swap_remove(found);
            let appeared = &mut self.histories[at].observations;
            let appears_us = appeared.first().map_or(i64::MAX, |seen| seen.at_us);
            history.observations.retain(|seen| seen.at_us < appears_us);
            let is_text = |seen: &&Observation| matches!(seen.seen, Seen::Text(_));
            let last_us = history.observations.iter().rev().find(is_text).map(|seen| seen.at_us);
            if history.observations.last().as_ref().is_some_and(is_text) {
                history.observations.push(absent(appears_us, Moment::Now));
            }
            // OpenCode's snapshots have both names, or neither.
            let of_a_step =
                |seen: &Observation| matches!(seen.moment, Moment::Start(_) | Moment::Finish(_));
            let covered = history.observations.iter().any(of_a_step);
            let moment = if covered { Moment::Start(String::new()) } else { Moment::Now };
            appeared.insert(0, absent(last_us.unwrap_or_default(), moment));
            self.histories.push(history);
            at = self.histories.len() - 1;
        }
        // What vanished while it was watched may go on under a name that was watched, too.
        self.histories.extend(gone);
    }

    /// Looks for lines that people seem to have written among what calls wrote in other files.
    pub(super) fn look_elsewhere(
        &self,
        tape: &Tape,
        calls: &mut [Call],
        tracked: &[TrackedFile],
        blamed: &mut [Blamed],
    ) -> Result<(), Error> {
        let state = tracked.get(Self::OWN).and_then(|file| file.states.last());
        let Some(lines) = state.and_then(|state| state.lines.clone()) else { return Ok(()) };
        let wanted: HashSet<Line> = lines
            .iter()
            .zip(blamed.iter())
            .filter(|(line, blamed)| line.is_telling() && blamed.who == Who::Person)
            .map(|(line, _)| *line)
            .collect();
        if wanted.is_empty() || self.others.is_empty() {
            return Ok(());
        }
        let (ids, twins): (Vec<FileId>, Vec<bool>) = self.others.iter().copied().unzip();
        let mut histories = tape.file_histories(&ids, None)?;
        let mut twins = twins.into_iter();
        let mut written = Written::default();
        histories.retain(|history| {
            let shown = history.observations.iter().filter_map(|seen| match &seen.seen {
                Seen::Text(lines) => Some(lines),
                Seen::Absent | Seen::Unread => None,
            });
            let twin = twins.next() == Some(true);
            let has = shown.flat_map(|lines| lines.iter()).any(|line| wanted.contains(line));
            if has && twin {
                written.twins.insert(history.path.clone());
            }
            has
        });
        tape.tell_asked(&histories, calls)?;
        for (history, file) in histories.iter().zip(track(&histories, calls)) {
            written.add(history, &file, &wanted);
        }
        for at in 0..blamed.len() {
            let line = lines.get(at).filter(|_| blamed[at].who == Who::Person);
            if let Some(who) = line.and_then(|line| written.who(*line, blamed[at].until_us)) {
                blamed[at].who = who;
                spread(at, &lines, blamed);
            }
        }
        Ok(())
    }
}

/// What says nothing by itself, a closing brace say, is doubtful beside a line that came from another file.
fn spread(at: usize, lines: &[Line], blamed: &mut [Blamed]) {
    let reason = match blamed[at].who {
        Who::Unknown(reason) => reason,
        Who::Agent { .. } | Who::Person => Reason::Evidence(Why::Repeated),
    };
    let until_us = blamed[at].until_us;
    let mut doubt = |beside: usize| {
        let Blamed { who, until_us: there_us, .. } = &mut blamed[beside];
        let is = !lines[beside].is_telling() && *who == Who::Person && *there_us >= until_us;
        if is {
            *who = Who::Unknown(reason);
        }
        is
    };
    (0..at).rev().take_while(|beside| doubt(*beside)).count();
    (at + 1..lines.len()).take_while(|beside| doubt(*beside)).count();
}

/// What calls wrote in other files.
#[derive(Default)]
struct Written {
    /// The paths of the same file in other work trees.
    twins: HashSet<String>,
    lines: HashMap<Line, Introduced>,
}

/// A line that a call wrote in another file.
struct Introduced {
    call: usize,
    /// When it was first seen there, µs since the Unix epoch.
    at_us: i64,
    /// How that is known: of the same file in other work trees only, and if only this call wrote it.
    evidence: Option<Evidence>,
}

impl Written {
    fn add(&mut self, history: &FileHistory, file: &TrackedFile, wanted: &HashSet<Line>) {
        let twin = self.twins.contains(&file.path);
        for (seen, state) in history.observations.iter().zip(&file.states) {
            let lines = state.lines.as_deref().unwrap_or_default();
            for (line, origin) in lines.iter().zip(state.origins.iter()) {
                let (true, Origin::Call { call, evidence }) = (wanted.contains(line), origin)
                else {
                    continue;
                };
                let evidence = Some(*evidence).filter(|_| twin);
                let new = || Introduced { call: *call, at_us: seen.at_us, evidence };
                let known = self.lines.entry(*line).or_insert_with(new);
                known.at_us = known.at_us.min(seen.at_us);
                known.evidence = known.evidence.filter(|_| known.call == *call && twin);
            }
        }
    }

    /// Who else may have written a line that was there by a time. The same file in another work tree has its lines through
    /// the repository; any other may be a copy, or not.
    fn who(&self, line: Line, until_us: i64) -> Option<Who> {
        let Introduced { call, at_us, evidence } = *self.lines.get(&line)?;
        (at_us <= until_us).then_some(match evidence {
            Some(evidence) => Who::Agent { call, evidence },
            None => Who::Unknown(Reason::Elsewhere(call)),
        })
    }
}

/// What git knows of names that the file had.
#[derive(Default)]
struct Renames {
    /// Absolute.
    names: Vec<PathBuf>,
    /// Git knows the file, so that it was no other one without git knowing that.
    complete: bool,
}

/// Which of the files that are gone a file was before; `None`: none for certain.
fn before(history: &FileHistory, gone: &[FileHistory], renames: &Renames) -> Option<usize> {
    let first = history.observations.first()?;
    let Seen::Text(lines) = &first.seen else { return None };
    let last_alike = |earlier: &FileHistory| {
        let mut earlier = earlier.observations.iter().rev().filter(|seen| seen.at_us < first.at_us);
        let last = earlier.find_map(|seen| match &seen.seen {
            Seen::Text(lines) => Some(lines),
            Seen::Absent | Seen::Unread => None,
        })?;
        alike(last, lines)
    };
    let mut best: Option<((bool, usize), usize)> = None;
    let mut tie = false;
    for (at, candidate) in gone.iter().enumerate() {
        let named = renames.names.iter().any(|name| Path::new(&candidate.path) == name);
        let Some(equal) = last_alike(candidate).filter(|_| named || !renames.complete) else {
            continue;
        };
        let rank = (named, equal);
        match best {
            Some((most, _)) if rank < most => {}
            Some((most, _)) if rank == most => tie = true,
            _ => (best, tie) = (Some((rank, at)), false),
        }
    }
    best.filter(|_| !tie).map(|(_, at)| at)
}

/// What git knows of the names that the file had since the first of these was seen.
fn renames(root: &Path, path: &str, gone: &[FileHistory]) -> Renames {
    let seen = gone.iter().flat_map(|history| &history.observations);
    let since_us = seen.map(|seen| seen.at_us).min().unwrap_or_default();
    let Ok(relative) = Path::new(path).strip_prefix(root) else { return Renames::default() };
    let git = Git::at(root);
    // What git cannot say is found by what the files contain.
    let names = git.earlier_names(relative, since_us / 1_000_000).unwrap_or_default();
    let complete = git.knows(relative).unwrap_or_default();
    Renames { names: names.into_iter().map(|name| root.join(name)).collect(), complete }
}

fn absent(at_us: i64, moment: Moment) -> Observation {
    Observation { id: 0, at_us, moment, seen: Seen::Absent, changed_us: None }
}
