//! What the agent does in its turn: a step with calls.

use super::{By, FILES, Text, World, same};
use crate::attribution::timeline::{CallId, Ended, Moment};

impl World {
    fn all(&self) -> Vec<Option<Text>> {
        self.files.iter().map(|disk| disk.text.clone()).collect()
    }

    pub(super) fn step(&mut self) {
        self.message += 1;
        let message = format!("msg_{}", self.message);
        let start_us = self.tick();
        let start = self.all();
        if self.kind.trees {
            for disk in &mut self.files {
                disk.seen.clone_from(&disk.text);
            }
        }
        if self.dice.one_in(3) {
            // While the model thinks.
            self.person();
        }
        for _ in 0..=self.dice.below(2) {
            self.agent();
        }
        let finish_us = self.tick();
        let finish = self.all();
        if !self.kind.trees {
            return;
        }
        let last = self.finished.take();
        for file in 0..FILES {
            let here = |all: &[Option<Text>]| all[file].clone();
            let mut notes = Vec::new();
            if let Some((before, at_us, then)) = &last
                && !same(then[file].as_ref(), start[file].as_ref())
            {
                notes.push((*at_us, Moment::Finish(before.clone()), here(then), None));
                notes.push((start_us, Moment::Start(message.clone()), here(&start), None));
            }
            if !same(start[file].as_ref(), finish[file].as_ref()) {
                let changed_us = finish[file].as_ref().map(|_| self.files[file].changed_us);
                notes.push((start_us, Moment::Start(message.clone()), here(&start), None));
                notes.push((finish_us, Moment::Finish(message.clone()), here(&finish), changed_us));
            }
            for (at_us, moment, text, changed_us) in notes {
                let known = &self.files[file].observations;
                if !known.iter().any(|(other, _)| other.moment == moment) {
                    self.note(file, at_us, moment, text, changed_us);
                }
            }
            let disk = &mut self.files[file];
            disk.seen.clone_from(&disk.text);
        }
        self.finished = Some((message, finish_us, finish));
    }

    fn agent(&mut self) {
        match self.dice.below(12) {
            0..=3 => self.edit(),
            4 => self.patch(),
            5 | 6 => self.shell(),
            7 => self.parallel(),
            8 => self.around(),
            9 => self.fails(),
            10 => self.checkout(),
            _ => {
                let tool = ["read", "bash"][self.dice.below(2)];
                let call = self.call(tool);
                self.calls[call].root = "/elsewhere".into();
                self.begin(call);
                self.end(call);
            }
        }
    }

    fn edit(&mut self) {
        let create = self.dice.one_in(6);
        let Some(file) = (if create { self.no_file() } else { self.some_file() }) else { return };
        let tool = ["edit", "write"][self.dice.below(2)];
        let call = self.call(tool);
        self.observe(file, self.moment(call, Moment::Before));
        if self.dice.one_in(4) {
            if self.dice.one_in(2) && !create {
                self.change(file, By::Person(self.now + 1), false);
            }
            self.begin(call);
            self.observe(file, self.moment(call, Moment::Permitted));
        } else {
            self.begin(call);
        }
        self.change(file, By::Call(call, true), true);
        if self.dice.one_in(8) {
            self.files[file].crlf ^= true;
        }
        self.declare(call);
        self.observe(file, self.moment(call, Moment::After));
        self.end(call);
    }

    fn patch(&mut self) {
        let (Some(from), to) = (self.some_file(), self.no_file()) else { return };
        let call = self.call("apply_patch");
        let by = By::Call(call, true);
        let other = self.some_file().filter(|&other| other != from);
        let named: Vec<_> = [Some(from), to, other].into_iter().flatten().collect();
        for &file in &named {
            self.observe(file, self.moment(call, Moment::Before));
        }
        self.begin(call);
        match to {
            Some(to) => {
                self.rename(from, to, true);
                if self.files[to].text.as_ref().is_some_and(|text| text.len() > 25) {
                    self.change(to, by, true);
                }
            }
            None => self.put(from, None, true),
        }
        if let Some(other) = other {
            self.change(other, by, true);
        }
        self.declare(call);
        for &file in &named {
            self.observe(file, self.moment(call, Moment::After));
        }
        self.end(call);
    }

    fn shell(&mut self) {
        let Some(file) = self.some_file() else { return };
        let call = self.call("bash");
        let by = By::Call(call, self.kind.trees);
        self.begin_shell(call);
        match (self.dice.below(6), self.no_file()) {
            (0, Some(to)) => self.rename(file, to, true),
            (1, _) if self.dice.one_in(2) => self.put(file, None, true),
            (2, Some(to)) => {
                let lines = 1 + self.dice.below(10);
                let text = self.fresh(lines, by);
                self.put(to, Some(text), true);
            }
            _ => self.change(file, by, true),
        }
        if self.dice.one_in(2) {
            self.declare(call);
        }
        if self.dice.one_in(2) {
            self.look(Moment::After, call);
        }
        self.end(call);
    }

    /// The files that are not as they were last seen are looked at before the process starts.
    fn begin_shell(&mut self, call: usize) {
        self.look(Moment::Permitted, call);
        self.begin(call);
    }

    fn look(&mut self, of: impl Fn(CallId) -> Moment, call: usize) {
        for file in 0..FILES {
            let disk = &self.files[file];
            if !same(disk.text.as_ref(), disk.seen.as_ref()) {
                self.observe(file, self.moment(call, &of));
            }
        }
    }

    /// Two edits of one file at once.
    fn parallel(&mut self) {
        let Some(file) = self.some_file() else { return };
        let (one, two) = (self.call("edit"), self.call("edit"));
        let swapped = self.dice.one_in(2);
        self.observe(file, self.moment(one, Moment::Before));
        self.begin(one);
        self.observe(file, self.moment(two, Moment::Before));
        self.begin(two);
        let (first, second) = if swapped { (two, one) } else { (one, two) };
        self.given.clear();
        self.change(file, By::Call(first, false), true);
        self.declare(first);
        self.given.clear();
        if self.dice.one_in(2) {
            self.change(file, By::Call(second, false), true);
            self.declare(second);
            self.observe(file, self.moment(first, Moment::After));
        } else {
            self.observe(file, self.moment(first, Moment::After));
            self.change(file, By::Call(second, false), true);
            self.declare(second);
        }
        self.end(first);
        self.observe(file, self.moment(second, Moment::After));
        self.end(second);
    }

    /// A shell runs around an edit of the same file.
    fn around(&mut self) {
        let Some(file) = self.some_file() else { return };
        let (shell, edit) = (self.call("bash"), self.call("edit"));
        self.begin_shell(shell);
        let declares = self.dice.one_in(2);
        for stage in 0..3 {
            if stage == 1 {
                self.observe(file, self.moment(edit, Moment::Before));
                self.begin(edit);
                self.change(file, By::Call(edit, false), true);
                self.declare(edit);
            }
            if self.dice.one_in(2) {
                self.given.clear();
                self.change(file, By::Call(shell, false), true);
                if declares {
                    self.declare(shell);
                }
            }
            if stage == 1 {
                self.observe(file, self.moment(edit, Moment::After));
                self.end(edit);
            }
        }
        self.end(shell);
    }

    fn fails(&mut self) {
        let Some(file) = self.some_file() else { return };
        let tool = ["edit", "bash"][self.dice.below(2)];
        let call = self.call(tool);
        self.calls[call].ended = Ended::Badly;
        if self.calls[call].tool == "edit" {
            self.observe(file, self.moment(call, Moment::Before));
        }
        if self.dice.one_in(2) {
            self.calls[call].ended_us = Some(self.tick());
            return;
        }
        self.begin(call);
        if self.dice.one_in(2) {
            self.change(file, By::Nobody, true);
            self.declare(call);
        }
        self.end(call);
    }

    /// An earlier state comes back, or one with lines of somebody else.
    fn checkout(&mut self) {
        let Some(file) = self.some_file() else { return };
        if self.files[file].past.is_empty() {
            return;
        }
        let call = self.call("bash");
        self.calls[call].input = r#"{"command":"git stash && git -C . pull"}"#.into();
        self.begin_shell(call);
        let past = self.dice.below(self.files[file].past.len());
        let mut text = self.files[file].past[past].clone();
        if self.dice.one_in(2) {
            text = self.changed(&text, By::Nobody);
        }
        self.put(file, Some(text), false);
        self.end(call);
    }
}
