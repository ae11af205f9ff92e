//! Files that changed their names: one vanished and another appeared in the same change, with half of the lines.

use std::collections::HashMap;

use super::{candidates::Candidates, diff::ByLine, line::Line};

/// A file vanished or appeared between two observations of it.
pub(super) struct Turn<'a> {
    /// The file's place in the list.
    pub file: usize,
    /// The places of the observations, and their times.
    pub from: (usize, i64),
    pub to: (usize, i64),
    /// What is no longer there, or is now.
    pub lines: &'a [Line],
    pub candidates: &'a Candidates,
}

impl Turn<'_> {
    /// Whether the same call could have done both, or nobody but a person.
    fn has_hand_of(&self, other: &Self) -> bool {
        let (one, other) = (&self.candidates.calls, &other.candidates.calls);
        one.is_empty() && other.is_empty() || one.iter().any(|call| other.contains(call))
    }
}

/// By a file and the observation at which it is there.
pub(super) type Renames = HashMap<(usize, usize), Renamed>;

/// What a file was before.
pub(super) struct Renamed {
    /// The file, and the observation at which it was last seen.
    pub from: (usize, usize),
    /// Who could have changed it in between: under its old name, its new one, or both.
    pub candidates: Candidates,
}

/// Pairs what vanished with what appeared, the most alike first.
pub(super) fn pair(vanished: &[Turn<'_>], appeared: &[Turn<'_>]) -> Renames {
    let mut alike: Vec<_> = appeared
        .iter()
        .enumerate()
        .flat_map(|(new, to)| {
            vanished.iter().enumerate().filter_map(move |(old, from)| {
                let overlap = from.from.1 < to.to.1 && to.from.1 < from.to.1;
                if from.file == to.file || !overlap || !from.has_hand_of(to) {
                    return None;
                }
                Some((self::alike(from.lines, to.lines)?, old, new))
            })
        })
        .collect();
    alike.sort_by_key(|&(equal, old, new)| (std::cmp::Reverse(equal), old, new));
    let (mut olds, mut news) = (vec![false; vanished.len()], vec![false; appeared.len()]);
    let mut renames = Renames::new();
    for (_, old, new) in alike {
        if !olds[old] && !news[new] {
            (olds[old], news[new]) = (true, true);
            let (old, new) = (&vanished[old], &appeared[new]);
            let mut candidates = new.candidates.clone();
            candidates.calls.extend(&old.candidates.calls);
            candidates.calls.sort_unstable();
            candidates.calls.dedup();
            candidates.alone &= old.candidates.alone;
            let renamed = Renamed { from: (old.file, old.from.0), candidates };
            renames.insert((new.file, new.to.0), renamed);
        }
    }
    renames
}

/// How many lines two texts have in common, if those are half of the longer one's or more: then one may be the other under
/// another name.
pub fn alike(one: &[Line], other: &[Line]) -> Option<usize> {
    let (shorter, longer) = (one.len().min(other.len()), one.len().max(other.len()));
    if shorter * 2 < longer {
        return None;
    }
    let mut times = ByLine::<usize>::default();
    for &line in one.iter().filter(|line| !line.is_blanked()) {
        *times.entry(line).or_default() += 1;
    }
    let equal = other.iter().filter(|line| {
        times.get_mut(line).is_some_and(|left| {
            let has = *left > 0;
            *left -= usize::from(has);
            has
        })
    });
    let equal = equal.count();
    (equal * 2 >= longer && equal > 0).then_some(equal)
}
