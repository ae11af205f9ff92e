//! Who wrote each line of a file as it is now: what [`track`](super::track) found out and what git says, weighed
//! against what may have happened while nobody looked.
//!
//! A call wrote a line where its evidence says so. A person is named only where nothing else is possible: no call that
//! nobody watched was at work in the time in which the line came, and nothing that was recorded of that time is gone.
//! Everything else is unknown, with the reason.

use std::{collections::HashMap, path::Path, sync::Arc};

use serde::Serialize;

use super::{
    line::Line,
    timeline::{Call, CallId, Ended, Evidence, FileHistory, Moment, Origin, Reach, Why},
    track::TrackedFile,
};

/// A commit, as `git blame` names it for a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Commit {
    /// In hex.
    pub id: String,
    /// Its author's name; `None` where the history that is here begins with it, so that it stands for those before.
    pub author: Option<String>,
    /// When its author made it, µs since the Unix epoch.
    pub authored_us: i64,
    /// When it became what it is, by an amend or a rebase say: what is in it was there by then. µs since the Unix epoch.
    pub committed_us: i64,
    /// The first line of its message.
    pub summary: String,
}

/// Who wrote a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Who {
    /// A call.
    Agent {
        /// Its place in the list of calls.
        call: usize,
        /// How that is known.
        evidence: Evidence,
    },
    /// No call that was recorded, and no other could have been.
    Person,
    /// Nobody can say.
    Unknown(Reason),
}

/// Why nobody can say who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// What was seen does not say.
    Evidence(Why),
    /// This call, by its place in the list, was at work when the line came, and what it changed was not seen.
    Unseen(usize),
    /// The same of a call that failed or was broken off.
    Failed(usize),
    /// This call wrote the same line in another file.
    Elsewhere(usize),
    /// What was recorded of the time in which the line came is deleted.
    Pruned,
}

/// A line, and who wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Blamed {
    /// Who wrote it.
    pub who: Who,
    /// The commit that git names for it; `None` where there is none yet, or git does not say.
    pub commit: Option<Arc<Commit>>,
    /// It was there by then, µs since the Unix epoch.
    pub until_us: i64,
}

/// What is to be weighed beside what was seen of the file.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The calls that origins name by their place: all that were at work up to now.
    pub calls: &'a [Call],
    /// OpenCode's snapshots have the file: a call whose step was [compared](Call::compared) and does not show it did not
    /// change it.
    pub covered: bool,
    /// From when to when something was recorded here that is deleted now, µs since the Unix epoch.
    pub pruned: &'a [(i64, i64)],
}

/// A file and those whose lines it may have, with what is known of them, in the same order.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// What was seen.
    pub histories: &'a [FileHistory],
    /// What follows from it.
    pub tracked: &'a [TrackedFile],
}

impl Circumstances<'_> {
    /// Who wrote each line of the file at this place as it was seen last. `commits` is what git says of the same lines;
    /// where it says nothing, it may be shorter.
    pub fn blame(
        &self,
        files: Files<'_>,
        at: usize,
        commits: &[Option<Arc<Commit>>],
    ) -> Vec<Blamed> {
        let last = files.histories.get(at).and_then(|file| file.observations.last());
        let state = files.tracked.get(at).and_then(|file| file.states.last());
        let (Some(last), Some(state)) = (last, state) else { return Vec::new() };
        let first = first_seen(files);
        let lines = state.lines.as_deref().unwrap_or_default();
        let mut commits = commits.iter().cloned();
        lines
            .iter()
            .zip(state.origins.iter())
            .map(|(line, origin)| {
                let commit = commits.next().flatten();
                let committed_us = commit.as_ref().map_or(i64::MAX, |commit| commit.committed_us);
                let seen_us = match origin {
                    Origin::Before => first.get(line).copied().unwrap_or(last.at_us),
                    Origin::Person { until_us, .. } => *until_us,
                    Origin::Call { .. } | Origin::Unknown(_) => last.at_us,
                };
                let until_us = seen_us.min(committed_us);
                let who = match origin {
                    Origin::Call { call, evidence } => {
                        Who::Agent { call: *call, evidence: *evidence }
                    }
                    Origin::Unknown(why) => Who::Unknown(Reason::Evidence(*why)),
                    Origin::Before => self.person_until(files.histories, until_us),
                    // It was in a commit before it was here, so it came with that.
                    Origin::Person { after_us, .. } if committed_us < *after_us => {
                        self.person_until(files.histories, until_us)
                    }
                    Origin::Person { after_us, .. } if self.is_pruned(*after_us, until_us) => {
                        Who::Unknown(Reason::Pruned)
                    }
                    Origin::Person { .. } => Who::Person,
                };
                Blamed { who, commit, until_us }
            })
            .collect()
    }

    /// Whether only a person can have written what was there by a time.
    fn person_until(&self, histories: &[FileHistory], until_us: i64) -> Who {
        let begun = |call: &Call| call.ran_us.is_some_and(|ran_us| ran_us <= until_us);
        for (at, call) in self.calls.iter().enumerate().filter(|(_, call)| begun(call)) {
            let badly = call.ended == Ended::Badly;
            let mut paths = histories.iter().map(|history| Path::new(&history.path));
            let could = match call.reach() {
                Reach::Nothing => false,
                // What it wrote before it failed was not looked at.
                Reach::Named => badly && is_named(histories, &call.id),
                Reach::Anything => {
                    (call.unseen || paths.any(|path| path.starts_with(&call.root)))
                        && !(call.compared && self.covered)
                }
            };
            if could {
                let reason = if badly { Reason::Failed(at) } else { Reason::Unseen(at) };
                return Who::Unknown(reason);
            }
        }
        if self.is_pruned(i64::MIN, until_us) {
            return Who::Unknown(Reason::Pruned);
        }
        Who::Person
    }

    fn is_pruned(&self, after_us: i64, until_us: i64) -> bool {
        self.pruned.iter().any(|&(from_us, to_us)| from_us <= until_us && after_us < to_us)
    }
}

/// When each line that was there from the begin was first seen.
fn first_seen(files: Files<'_>) -> HashMap<Line, i64> {
    let mut first = HashMap::new();
    for (history, tracked) in files.histories.iter().zip(files.tracked) {
        let mut states = history.observations.iter().zip(&tracked.states);
        let Some((seen, state)) = states.find(|(_, state)| state.lines.is_some()) else { continue };
        for line in state.lines.as_deref().unwrap_or_default() {
            let at_us = first.entry(*line).or_insert(seen.at_us);
            *at_us = seen.at_us.min(*at_us);
        }
    }
    first
}

/// Whether a call named one of the files: it was looked at before the call, which only happens to those.
fn is_named(histories: &[FileHistory], call: &CallId) -> bool {
    let mut seen = histories.iter().flat_map(|history| &history.observations);
    seen.any(|seen| match &seen.moment {
        Moment::Before(of) | Moment::Permitted(of) => of == call,
        Moment::After(_) | Moment::Start(_) | Moment::Finish(_) | Moment::Now => false,
    })
}

#[cfg(test)]
mod tests;
