//! What a file had before: so that a line that comes back is known for what it was.

use super::{
    diff::{ByLine, Tally},
    line::Line,
    timeline::Origin,
};

/// How often each content came into a file, and where from.
#[derive(Clone, Debug, Default)]
pub(super) struct History(ByLine<Introduced>);

#[derive(Clone, Debug)]
struct Introduced {
    times: u32,
    /// `None`: from several.
    origin: Option<Origin>,
}

impl History {
    /// A line came into the file.
    pub(super) fn add(&mut self, line: Line, origin: &Origin) {
        self.merge(line, Introduced { times: 1, origin: Some(origin.clone()) });
    }

    /// What the file had when it had another name.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (&line, introduced) in &other.0 {
            self.merge(line, introduced.clone());
        }
    }

    fn merge(&mut self, line: Line, introduced: Introduced) {
        if line.is_blanked() {
            return;
        }
        match self.0.entry(line) {
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(introduced);
            }
            std::collections::hash_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.times += introduced.times;
                known.origin = known
                    .origin
                    .as_ref()
                    .zip(introduced.origin.as_ref())
                    .and_then(|(one, other)| common(one, other));
            }
        }
    }

    /// How often it came.
    pub(super) fn times(&self, line: Line) -> u32 {
        self.0.get(&line).map_or(0, |introduced| introduced.times)
    }

    /// Where a line comes from that stands in the new text, but did not in the one before: from where it came the
    /// only time that it did, if it is back as that one line.
    pub(super) fn single(&self, line: Line, tally: Tally) -> Option<&Origin> {
        self.same(line, tally).filter(|_| self.times(line) == 1)
    }

    /// As [`History::single`], also of a line that came several times, always from the same.
    pub(super) fn same(&self, line: Line, tally: Tally) -> Option<&Origin> {
        let introduced = self.0.get(&line)?;
        let back = line.is_telling() && tally.old == 0 && tally.new <= introduced.times;
        introduced.origin.as_ref().filter(|_| back)
    }
}

/// In which files each content ever was.
#[derive(Debug, Default)]
pub(super) struct Everywhere(ByLine<Option<usize>>);

impl Everywhere {
    /// A line came into a file, by its place in the list.
    pub(super) fn add(&mut self, line: Line, file: usize) {
        let known = self.0.entry(line).or_insert(Some(file));
        *known = known.filter(|&known| known == file);
    }

    /// Whether a line that tells something was in another file, too.
    pub(super) fn is_elsewhere(&self, line: Line, file: usize) -> bool {
        line.is_telling() && self.0.get(&line).is_some_and(|&known| known != Some(file))
    }
}

/// What can be said of a line that comes from either.
pub(super) fn common(one: &Origin, other: &Origin) -> Option<Origin> {
    match (one, other) {
        (
            Origin::Person { after_us: after, until_us: until },
            Origin::Person { after_us, until_us },
        ) => {
            Some(Origin::Person { after_us: *after.min(after_us), until_us: *until.max(until_us) })
        }
        _ => (one == other).then(|| one.clone()),
    }
}
