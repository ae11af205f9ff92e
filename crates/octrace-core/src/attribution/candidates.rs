//! Which calls could have written what changed in a file between two observations of it.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use super::timeline::{
    self, Call, CallId, Ended, Evidence, FileHistory, Moment, Observation, Reach,
};

/// A file system's clock is that much behind the system's, at most.
const CLOCK_US: i64 = 20_000;

/// All calls, by when they were at work.
pub(super) struct Work<'a> {
    pub calls: &'a [Call],
    by_id: HashMap<&'a CallId, usize>,
    /// Those that reach anything: when they ran, when the last of them and all before it had ended, and which.
    anywhere: Vec<(i64, i64, usize)>,
}

/// What is known of the calls from one file's observations.
pub(super) struct Seen<'a> {
    work: &'a Work<'a>,
    file: &'a FileHistory,
    /// Of calls that name files: when they were about to begin and when they had ended, as places in the observations.
    named: Vec<(usize, Option<usize>, Option<usize>)>,
    /// The steps at whose ends it was observed.
    finished: HashSet<&'a str>,
    /// The places at which OpenCode's snapshots show it, and whether what they show is known. Where it is not, they may
    /// have stopped to cover it.
    shown: Vec<(usize, bool)>,
}

/// Who could have made a change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidates {
    /// Calls, by their places in the list.
    pub calls: Vec<usize>,
    /// Nobody else could have, as far as can be seen: the observations are of a call's own step.
    pub alone: bool,
    /// What the observations are.
    pub evidence: Evidence,
}

impl<'a> Work<'a> {
    pub(super) fn new(calls: &'a [Call]) -> Self {
        let by_id = calls.iter().enumerate().map(|(index, call)| (&call.id, index)).collect();
        let mut anywhere: Vec<_> = calls
            .iter()
            .enumerate()
            .filter(|(_, call)| call.reach() == Reach::Anything)
            .filter_map(|(index, call)| {
                Some((call.ran_us?, call.ended_us.unwrap_or(i64::MAX), index))
            })
            .collect();
        anywhere.sort_unstable();
        let mut last = i64::MIN;
        for (_, ended, _) in &mut anywhere {
            last = last.max(*ended);
            *ended = last;
        }
        Self { calls, by_id, anywhere }
    }

    pub(super) fn seen(&'a self, file: &'a FileHistory) -> Seen<'a> {
        let mut named: Vec<(usize, Option<usize>, Option<usize>)> = Vec::new();
        let mut places = HashMap::new();
        let mut finished = HashSet::new();
        let mut shown = Vec::new();
        for (place, observation) in file.observations.iter().enumerate() {
            let (id, ended) = match &observation.moment {
                Moment::Before(id) | Moment::Permitted(id) => (id, false),
                Moment::After(id) => (id, true),
                Moment::Start(_) => {
                    shown.push((place, observation.seen != timeline::Seen::Unread));
                    continue;
                }
                Moment::Finish(message) => {
                    shown.push((place, observation.seen != timeline::Seen::Unread));
                    finished.insert(message.as_str());
                    continue;
                }
                Moment::Now => continue,
            };
            let Some(&call) = self.by_id.get(id) else { continue };
            if self.calls[call].reach() != Reach::Named {
                continue;
            }
            let known = *places.entry(call).or_insert_with(|| {
                named.push((call, None, None));
                named.len() - 1
            });
            let (_, begin, end) = &mut named[known];
            if ended {
                *end = Some(place);
            } else if matches!(observation.moment, Moment::Before(_)) {
                *begin = Some(place);
            }
        }
        Seen { work: self, file, named, finished, shown }
    }

    /// Whether a moment is one of the step that a call belongs to.
    fn is_of_step(&self, moment: &Moment, call: &Call) -> bool {
        let message = match moment {
            Moment::Before(id) | Moment::Permitted(id) | Moment::After(id) if *id == call.id => {
                return true;
            }
            Moment::Before(id) | Moment::Permitted(id) | Moment::After(id) => {
                self.by_id.get(id).map(|&other| &self.calls[other].message)
            }
            Moment::Start(message) | Moment::Finish(message) => Some(message),
            Moment::Now => None,
        };
        message.is_some_and(|message| !message.is_empty() && *message == call.message)
    }
}

impl Seen<'_> {
    /// Who could have made the change between two observations, by their places.
    pub(super) fn candidates(&self, from: usize, to: usize) -> Candidates {
        let (earlier, later) = (&self.file.observations[from], &self.file.observations[to]);
        let mut calls: Vec<usize> = self
            .named
            .iter()
            .filter(|&&(call, begin, end)| {
                begin.is_none_or(|begin| begin < to)
                    && end.is_none_or(|end| from < end)
                    && self.was_at_work(call, end.is_some(), earlier, later)
            })
            .map(|&(call, ..)| call)
            .chain(self.anywhere(earlier, later, self.is_covered(to)))
            .collect();
        calls.sort_unstable();
        let alone = calls.iter().any(|&call| self.is_alone(call, earlier, later));
        let own = match (&earlier.moment, &later.moment) {
            (Moment::Before(begin) | Moment::Permitted(begin), Moment::After(end)) => {
                begin == end && matches!(calls[..], [only] if self.work.calls[only].id == *end)
            }
            _ => false,
        };
        let snapshot = |observation: &Observation| {
            matches!(observation.moment, Moment::Start(_) | Moment::Finish(_))
        };
        let evidence = if !own && (snapshot(earlier) || snapshot(later)) {
            Evidence::StepTrees
        } else {
            Evidence::Bytes
        };
        Candidates { calls, alone, evidence }
    }

    /// Calls that can change any file.
    fn anywhere(
        &self,
        earlier: &Observation,
        later: &Observation,
        covered: bool,
    ) -> impl Iterator<Item = usize> {
        let all = &self.work.anywhere;
        let begun = all.partition_point(|&(ran, ..)| ran <= later.at_us);
        all[..begun]
            .iter()
            .rev()
            .take_while(|&&(_, all_ended, _)| all_ended >= earlier.at_us)
            .map(|&(.., call)| call)
            .filter(|&call| {
                let Call { root, unseen, .. } = &self.work.calls[call];
                (*unseen || Path::new(&self.file.path).starts_with(root))
                    && self.was_at_work(call, false, earlier, later)
                    && !(covered && self.is_cleared(&self.work.calls[call], earlier, later))
            })
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Whether OpenCode's snapshots cover the file up to a place: what they showed last is known. Before they first showed
    /// it, it is what they showed then.
    fn is_covered(&self, to: usize) -> bool {
        let before = self.shown.partition_point(|&(place, _)| place <= to);
        self.shown.get(before.saturating_sub(1)).is_some_and(|&(_, known)| known)
    }

    /// Whether OpenCode's snapshots, which cover the file, say that the call's step left the file as it was. In between, in the step, it may
    /// have been another.
    fn is_cleared(&self, call: &Call, earlier: &Observation, later: &Observation) -> bool {
        call.compared
            && !self.finished.contains(call.message.as_str())
            && ![earlier, later].iter().any(|seen| self.work.is_of_step(&seen.moment, call))
    }

    /// Whether it ran between the two and could have made the last change. `observed`: the file was seen when it had
    /// ended, which is better than its time.
    fn was_at_work(
        &self,
        call: usize,
        observed: bool,
        earlier: &Observation,
        later: &Observation,
    ) -> bool {
        let Call { ran_us: Some(ran), ended_us, .. } = self.work.calls[call] else { return false };
        // A file that was moved, or copied with its times, was not changed when it says so.
        let changed_before = later
            .changed_us
            .is_some_and(|changed| changed < ran - CLOCK_US && changed >= earlier.at_us - CLOCK_US);
        ran <= later.at_us
            && (observed || ended_us.is_none_or(|ended| ended >= earlier.at_us))
            && !changed_before
    }

    /// Whether a person had no time: the observations are of the call's step, or it was at work when they were made.
    fn is_alone(&self, call: usize, earlier: &Observation, later: &Observation) -> bool {
        let call = &self.work.calls[call];
        let of_step = |observation: &Observation| self.work.is_of_step(&observation.moment, call);
        let ran_before = |at_us: i64| call.ran_us.is_some_and(|ran| ran <= at_us);
        let begun = match &earlier.moment {
            // The snapshot was made before the model was asked. While it thought a person had time, and only the file system
            // can tell.
            Moment::Start(_) => {
                of_step(earlier)
                    && later.changed_us.is_some_and(|changed| ran_before(changed + CLOCK_US))
            }
            _ => of_step(earlier),
        } || ran_before(earlier.at_us);
        let until = match &later.moment {
            // A person may have changed the file while another was asked, and only the file system can tell.
            Moment::Permitted(id) if *id == call.id => later.changed_us.is_some(),
            _ => {
                of_step(later)
                    || call.ended == Ended::Running
                    || call.ended_us.is_some_and(|ended| later.at_us <= ended)
            }
        };
        begun && until
    }
}
