//! Which lines of a text are lines of the one before it: a diff that also follows lines that moved, and says how sure
//! each of its findings is.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    ops::Range,
};

use gix_imara_diff::{Algorithm, Diff, NoSliderHeuristic, Token};

use super::line::Line;

/// How far an unambiguous line is looked for beside a change before the whole texts are compared.
const REACH: usize = 64;

/// By line. Its number is a hash already.
pub(super) type ByLine<T> = HashMap<Line, T, BuildHasherDefault<NumberIsHash>>;

/// A hasher that takes a number as it is.
#[derive(Default)]
pub(super) struct NumberIsHash(u64);

impl Hasher for NumberIsHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    /// Turned, since a line's last bit is no part of its hash.
    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).rotate_right(1);
    }
}

/// Which lines of a new text are which of an old one.
#[derive(Debug)]
pub(super) struct Alignment {
    /// So many lines at both begins are the same.
    pub prefix: usize,
    /// The lines of the old text that may have changed.
    pub old: Range<usize>,
    /// The lines of the new text that may have changed; behind both ranges all lines are the same.
    pub new: Range<usize>,
    /// For each line of the range `new`: which line of the old text it is.
    pub matches: Vec<Option<Match>>,
    /// For each content in the ranges: how often it stands in the texts.
    pub tallies: ByLine<Tally>,
}

/// A line that was there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Its place in the old text.
    pub old: usize,
    /// It cannot be another line of the same content, nor a new one. Otherwise it is only the most natural of
    /// several readings.
    pub certain: bool,
}

/// How often a content stands in both whole texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// In the old text.
    pub old: u32,
    /// In the new one.
    pub new: u32,
    /// So many lines of the new text are ones of the old text.
    pub kept: u32,
    /// So many of these certainly.
    pub certain: u32,
    /// Its last place in the old range.
    place: usize,
}

impl Tally {
    fn is_single(self) -> bool {
        self.old == 1 && self.new == 1
    }
}

/// Compares two texts.
///
/// Certain are: telling lines that stand exactly once in both texts, wherever; and all lines between two of these (or
/// an end of the text) that are next to each other in both texts, if what is between them is the same. The others
/// of the same content are aligned as the lines beside a certain one, or as a histogram diff has it.
pub(super) fn align(old: &[Line], new: &[Line]) -> Alignment {
    let (prefix, suffix) = common_ends(old, new);
    let (old_range, new_range) = (prefix..old.len() - suffix, prefix..new.len() - suffix);
    let mut middle = Middle::new(&old[old_range.clone()], &new[new_range.clone()]);
    middle.count_outside(&old[..prefix]);
    middle.count_outside(&old[old_range.end..]);
    middle.match_certain();
    middle.match_beside();
    middle.match_by_diff();
    let matches = middle
        .matches
        .iter()
        .map(|found| found.map(|found| Match { old: found.old + prefix, certain: found.certain }));
    Alignment {
        prefix,
        old: old_range,
        new: new_range,
        matches: matches.collect(),
        tallies: middle.tallies,
    }
}

/// How many lines at the begin and at the end are the same for certain: up to a line that stands once in both texts.
fn common_ends(old: &[Line], new: &[Line]) -> (usize, usize) {
    let same = |(old, new): &(&Line, &Line)| old == new;
    let prefix = old.iter().zip(new).take_while(same).count();
    let (old_rest, new_rest) = (&old[prefix..], &new[prefix..]);
    let suffix = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(same).count();
    let once = |line: Line| {
        let times = |text: &[Line]| text.iter().filter(|&&other| other == line).count();
        line.is_telling() && times(old) == 1 && times(new) == 1
    };
    let before = old[..prefix].iter().rev().take(REACH).position(|&line| once(line));
    let after = old[old.len() - suffix..].iter().take(REACH).position(|&line| once(line));
    (before.map_or(0, |lines| prefix - lines), after.map_or(0, |lines| suffix - lines))
}

/// What is between the common ends.
struct Middle<'a> {
    old: &'a [Line],
    new: &'a [Line],
    tallies: ByLine<Tally>,
    matches: Vec<Option<Match>>,
    taken: Vec<bool>,
    /// Certain and telling: places in the old and in the new lines, in the order of the new ones.
    anchors: Vec<(usize, usize)>,
}

impl<'a> Middle<'a> {
    fn new(old: &'a [Line], new: &'a [Line]) -> Self {
        let mut tallies = ByLine::<Tally>::default();
        for (place, &line) in old.iter().enumerate() {
            let tally = tallies.entry(line).or_default();
            tally.old += 1;
            tally.place = place;
        }
        for &line in new {
            tallies.entry(line).or_default().new += 1;
        }
        Self {
            old,
            new,
            tallies,
            matches: vec![None; new.len()],
            taken: vec![false; old.len()],
            anchors: Vec::new(),
        }
    }

    /// The same lines stand outside of the ranges in both texts.
    fn count_outside(&mut self, lines: &[Line]) {
        if self.tallies.is_empty() {
            return;
        }
        for line in lines {
            if let Some(tally) = self.tallies.get_mut(line) {
                tally.old += 1;
                tally.new += 1;
                tally.kept += 1;
                tally.certain += 1;
            }
        }
    }

    fn take(&mut self, old: usize, new: usize, certain: bool) {
        self.matches[new] = Some(Match { old, certain });
        self.taken[old] = true;
        if let Some(tally) = self.tallies.get_mut(&self.new[new]) {
            tally.kept += 1;
            tally.certain += u32::from(certain);
        }
    }

    fn is_free(&self, old: usize, new: usize) -> bool {
        !self.taken[old] && self.matches[new].is_none() && self.old[old] == self.new[new]
    }

    /// Matches what stands once in both, and what is between two such lines that are neighbours in both.
    fn match_certain(&mut self) {
        let mut ranks = vec![0; self.old.len()];
        for (place, &line) in self.new.iter().enumerate() {
            let tally = self.tallies.get(&line).copied().unwrap_or_default();
            if line.is_telling() && tally.is_single() {
                ranks[tally.place] = 1;
                self.anchors.push((tally.place, place));
            }
        }
        let mut rank = 0;
        for place in &mut ranks {
            rank += *place;
            *place = rank;
        }
        for index in 0..self.anchors.len() {
            let (old, new) = self.anchors[index];
            self.take(old, new, true);
        }
        // From the begin to the first, from each to the next, and from the last to the end: the places behind a line
        // and its rank in the old text.
        let mut behind = (0, 0, 0);
        for index in 0..=self.anchors.len() {
            let end = (self.old.len(), self.new.len(), rank + 1);
            let here = self.anchors.get(index).map_or(end, |&(old, new)| (old, new, ranks[old]));
            let (old, new) = (behind.0..here.0, behind.1..here.1);
            if here.2 == behind.2 + 1 && self.old.get(old.clone()) == self.new.get(new.clone()) {
                for (old, new) in old.zip(new) {
                    self.take(old, new, true);
                }
            }
            behind = (here.0 + 1, here.1 + 1, here.2);
        }
    }

    /// Lines beside certain ones went with them.
    fn match_beside(&mut self) {
        for index in 0..self.anchors.len() {
            let (old, new) = self.anchors[index];
            let below = (old + 1..self.old.len()).zip(new + 1..self.new.len());
            self.match_while_free(below);
        }
        for index in 0..self.anchors.len() {
            let (old, new) = self.anchors[index];
            self.match_while_free((0..old).rev().zip((0..new).rev()));
        }
    }

    fn match_while_free(&mut self, places: impl Iterator<Item = (usize, usize)>) {
        for (old, new) in places {
            if !self.is_free(old, new) || self.old[old].is_blanked() {
                break;
            }
            self.take(old, new, false);
        }
    }

    /// Matches the rest as a diff has it.
    fn match_by_diff(&mut self) {
        let open = |(matched, line): (&Option<Match>, &Line)| {
            matched.is_none() && self.tallies.get(line).is_some_and(|tally| tally.old > 0)
        };
        if !self.matches.iter().zip(self.new).any(open) || self.taken.iter().all(|&taken| taken) {
            return;
        }
        let (old, new, contents) = self.tokens();
        let mut diff = Diff::default();
        diff.compute_with(Algorithm::Histogram, &old, &new, contents);
        diff.postprocess_with(&old, &new, NoSliderHeuristic);
        let (mut old, mut new) = (0, 0);
        let mut blanked = Vec::new();
        while old < self.old.len() || new < self.new.len() {
            if old < self.old.len() && diff.is_removed(old as u32) {
                old += 1;
            } else if new < self.new.len() && diff.is_added(new as u32) {
                new += 1;
            } else if old < self.old.len() && new < self.new.len() {
                if self.is_free(old, new) && self.old[old].is_blanked() {
                    blanked.push((old, new));
                } else if self.is_free(old, new) {
                    self.take(old, new, false);
                }
                (old, new) = (old + 1, new + 1);
            } else {
                break;
            }
        }
        // Nobody knows whether it is the same secret, unless the lines around it are the same.
        for (old, new) in blanked {
            let after = old + 1 == self.old.len() && new + 1 == self.new.len()
                || self.matches.get(new + 1).is_some_and(|next| is_line(*next, old + 1));
            let before = old == 0 && new == 0
                || old > 0 && new > 0 && is_line(self.matches[new - 1], old - 1);
            if before && after {
                self.take(old, new, false);
            }
        }
    }

    /// Both sides as numbers: one for each content, but for each pair that is matched one of its own.
    fn tokens(&self) -> (Vec<Token>, Vec<Token>, u32) {
        let mut contents = 0;
        let mut number = || {
            contents += 1;
            Token(contents - 1)
        };
        let mut numbers = ByLine::<Token>::default();
        let mut old: Vec<_> =
            self.old.iter().map(|line| *numbers.entry(*line).or_insert_with(&mut number)).collect();
        let new = self.new.iter().zip(&self.matches).map(|(line, found)| match found {
            Some(found) => {
                old[found.old] = number();
                old[found.old]
            }
            None => *numbers.entry(*line).or_insert_with(&mut number),
        });
        let new = new.collect();
        (old, new, contents)
    }
}

fn is_line(found: Option<Match>, old: usize) -> bool {
    found.is_some_and(|found| found.old == old)
}
