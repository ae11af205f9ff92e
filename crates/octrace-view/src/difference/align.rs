//! Which part of a request is which part of the one before.

use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
};

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{
    Change, Step,
    parts::{Content, Name, Parts, Place},
};

/// Goes through both prompts in order: each part of `after` has one step, each part of `before` that is gone has one.
pub(super) fn align(before: &Parts<'_>, after: &Parts<'_>) -> Vec<Step> {
    let (old, new) = (before.parts.len(), after.parts.len());
    let same = |(a, b): &(usize, usize)| before.content(*a) == after.content(*b);
    let head = (0..old).zip(0..new).take_while(same).count();
    let tail = (head..old).rev().zip((head..new).rev()).take_while(same).count();
    let middle = Middle::of(before, after, head..old - tail, head..new - tail);

    let mut steps = Vec::with_capacity(old.max(new));
    steps.extend((0..head).map(|part| kept(before, after, part, part)));
    middle.steps(&mut steps);
    steps.extend((0..tail).rev().map(|back| kept(before, after, old - 1 - back, new - 1 - back)));
    steps
}

/// Two parts that say the same.
fn kept(before: &Parts<'_>, after: &Parts<'_>, old: usize, new: usize) -> Step {
    let exactly = before.content(old).is_exactly(after.content(new));
    let change = if exactly { Change::Same } else { Change::Marker };
    Step { change, before: Some(old), after: Some(new) }
}

/// Some parts of both, one after the other.
#[derive(Clone)]
struct Stretch {
    /// Whether they are all the same.
    same: bool,
    old: Range<usize>,
    new: Range<usize>,
}

/// Parts of which some are not the same.
struct Middle<'a, 'b> {
    before: &'b Parts<'a>,
    after: &'b Parts<'a>,
    /// All of them; same and other ones take turns.
    stretches: Vec<Stretch>,
    /// What a new part was, where that is known: as which change, and which part.
    was: HashMap<usize, (Change, usize)>,
    /// Parts of the request before that are there in some form.
    stayed: Vec<bool>,
}

impl<'a, 'b> Middle<'a, 'b> {
    fn of(
        before: &'b Parts<'a>,
        after: &'b Parts<'a>,
        old: Range<usize>,
        new: Range<usize>,
    ) -> Self {
        // Parts that say the same have the same number.
        let mut numbers: HashMap<Content<'_, '_>, u32> = HashMap::new();
        let mut number = |content| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(content).or_insert(next)
        };
        let olds: Vec<u32> = old.clone().map(|part| number(before.content(part))).collect();
        let news: Vec<u32> = new.clone().map(|part| number(after.content(part))).collect();

        let moved = |range: Range<usize>, by: usize| range.start + by..range.end + by;
        // Bounded by its heuristics, also for what has nothing in common.
        let ops = capture_diff_slices(Algorithm::Myers, &olds, &news);
        let mut stretches: Vec<Stretch> = Vec::new();
        for op in ops {
            let same = matches!(op, DiffOp::Equal { .. });
            let (old, new) = (moved(op.old_range(), old.start), moved(op.new_range(), new.start));
            match stretches.last_mut() {
                Some(last) if last.same == same => {
                    (last.old.end, last.new.end) = (old.end, new.end);
                }
                _ => stretches.push(Stretch { same, old, new }),
            }
        }
        let stayed = vec![false; before.parts.len()];
        let mut middle = Self { before, after, stretches, was: HashMap::new(), stayed };
        middle.find_moved(|part| olds[part - old.start], |part| news[part - new.start]);
        middle.find_changed();
        middle
    }

    /// Tools and the like that say the same in another place. Messages do not move: one that says what another
    /// one said is a new one.
    fn find_moved(&mut self, old: impl Fn(usize) -> u32, new: impl Fn(usize) -> u32) {
        let moves = |place| !matches!(place, Place::Message | Place::Rest);
        let mut left: HashMap<u32, VecDeque<usize>> = HashMap::new();
        for (_, stretch) in self.differing() {
            for part in stretch.old.filter(|part| moves(self.before.parts[*part].place)) {
                left.entry(old(part)).or_default().push_back(part);
            }
        }
        for (_, stretch) in self.differing() {
            for part in stretch.new {
                if let Some(was) = left.get_mut(&new(part)).and_then(VecDeque::pop_front) {
                    self.was.insert(part, (Change::Moved, was));
                    self.stayed[was] = true;
                }
            }
        }
    }

    /// Parts that say something else under the same name: tools and settings anywhere, others in the same stretch and
    /// in their order.
    fn find_changed(&mut self) {
        let mut left: HashMap<(Place, Name, usize), VecDeque<usize>> = HashMap::new();
        let key = |parts: &Parts<'_>, part: usize, stretch: usize| {
            let place = parts.parts[part].place;
            let anywhere = !matches!(place, Place::Message | Place::Instruction | Place::Rest);
            (place, parts.name(part), if anywhere { 0 } else { stretch })
        };
        for (number, stretch) in self.differing() {
            for part in stretch.old.filter(|part| !self.stayed[*part]) {
                left.entry(key(self.before, part, number)).or_default().push_back(part);
            }
        }
        for (number, stretch) in self.differing() {
            // What is behind a pair stays behind it.
            let mut last = None;
            for part in stretch.new {
                if self.was.contains_key(&part) {
                    continue;
                }
                let key = key(self.after, part, number);
                let in_order = key.2 != 0;
                let Some(found) = left.get_mut(&key) else { continue };
                while in_order
                    && found.front().is_some_and(|was| last.is_some_and(|last| *was < last))
                {
                    found.pop_front();
                }
                if let Some(was) = found.pop_front() {
                    self.was.insert(part, (Change::Changed, was));
                    self.stayed[was] = true;
                    last = if in_order { Some(was) } else { last };
                }
            }
        }
    }

    /// The stretches that are not the same, numbered from 1.
    fn differing(&self) -> Vec<(usize, Stretch)> {
        (1..).zip(self.stretches.clone()).filter(|(_, stretch)| !stretch.same).collect()
    }

    fn steps(self, steps: &mut Vec<Step>) {
        for Stretch { same, old, new } in self.stretches {
            if same {
                let kept = |(old, new)| kept(self.before, self.after, old, new);
                steps.extend(old.zip(new).map(kept));
                continue;
            }
            let mut gone = old.clone().filter(|part| !self.stayed[*part]).peekable();
            let mut leave = |until: usize, steps: &mut Vec<Step>| {
                while let Some(part) = gone.next_if(|part| *part < until) {
                    steps.push(Step { change: Change::Gone, before: Some(part), after: None });
                }
            };
            // What is gone stands before what came in its place: up to the next part that stayed in this stretch.
            let mut until = old.end;
            let mut limits: Vec<usize> = Vec::with_capacity(new.len());
            for part in new.clone().rev() {
                let was = self.was.get(&part).map(|(_, was)| *was);
                until = was.filter(|was| old.contains(was)).unwrap_or(until);
                limits.push(until);
            }
            for (part, until) in new.zip(limits.into_iter().rev()) {
                leave(until, steps);
                let (change, was) = match self.was.get(&part) {
                    Some((change, was)) => (*change, Some(*was)),
                    None => (Change::New, None),
                };
                steps.push(Step { change, before: was, after: Some(part) });
            }
            leave(old.end, steps);
        }
    }
}
