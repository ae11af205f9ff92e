//! A world in which it is known who wrote each line: a person and an agent take turns in a few files, and all that
//! is handed to [`track`] is what the plugin and OpenCode's snapshots would have seen of it. What it says must be true.
//!
//! What is true of lines that are equal to others is a set: where nothing but bytes tells them apart, the line that
//! was taken away and the one that was put in instead are the same line, as an editor or `git diff` has it.

mod agent;
mod truth;

use std::rc::Rc;

use super::super::{
    line,
    timeline::{Call, CallId, Ended, Moment, Observation, Seen},
};

const FILES: usize = 5;
const MOST: usize = 60;
const REPEATED: [&str; 5] = ["}", "", "    }", "fi", "end"];

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Before,
    /// A person, then.
    Person(i64),
    /// A call; whether the evidence is such that it must be found.
    Call(usize, bool),
    /// A call that failed, or somebody who is not here: nobody may be named.
    Nobody,
}

#[derive(Clone, Debug)]
struct Mark {
    id: u64,
    text: Rc<str>,
    /// One of these.
    by: Rc<Vec<By>>,
}

type Text = Vec<Mark>;

#[derive(Clone, Default)]
struct Disk {
    text: Option<Text>,
    crlf: bool,
    changed_us: i64,
    /// What it contained when it was last seen.
    seen: Option<Text>,
    past: Vec<Text>,
    observations: Vec<(Observation, Option<Text>)>,
}

/// Splitmix64: the same story for the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

#[derive(Clone, Copy, Debug)]
struct Kind {
    /// OpenCode takes snapshots.
    trees: bool,
    /// Lines are equal to others.
    repeats: bool,
}

struct World {
    kind: Kind,
    dice: Dice,
    now: i64,
    next: u64,
    message: u64,
    files: Vec<Disk>,
    calls: Vec<Call>,
    /// The last step's end: its message, its time, and what was there.
    finished: Option<(String, i64, Vec<Option<Text>>)>,
    /// Lines that the change that is made now brings.
    given: Vec<Rc<str>>,
}

fn same(one: Option<&Text>, other: Option<&Text>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.text == b.text)
        }
        (None, None) => true,
        _ => false,
    }
}

fn is_repeated(text: &str) -> bool {
    REPEATED.contains(&text)
}

/// Equal lines that were put in may be the ones that were taken away; what a call touched, any of them.
fn reuse(old: &[Mark], new: &mut [Mark], by_call: bool) {
    let ids = |text: &[Mark]| -> Vec<u64> { text.iter().map(|mark| mark.id).collect() };
    let (old_ids, new_ids) = (ids(old), ids(new));
    let kept = |ids: &[u64], other: &[u64]| -> Vec<u64> {
        ids.iter().copied().filter(|id| other.contains(id)).collect()
    };
    let moved = kept(&old_ids, &new_ids) != kept(&new_ids, &old_ids);
    for content in REPEATED {
        let of = |text: &[Mark], other: &[u64]| -> Vec<By> {
            text.iter()
                .filter(|mark| &*mark.text == content && !other.contains(&mark.id))
                .flat_map(|mark| mark.by.iter().copied())
                .collect()
        };
        let (dropped, put) = (of(old, &new_ids), of(new, &old_ids));
        let touched = moved || !dropped.is_empty() || !put.is_empty();
        let all = [of(old, &[]), of(new, &[])].concat();
        for mark in new.iter_mut().filter(|mark| &*mark.text == content) {
            let more: &[By] = if by_call && touched {
                &all
            } else if !old_ids.contains(&mark.id) {
                &dropped
            } else {
                &[]
            };
            let itself = old.iter().filter(|old| old.id == mark.id).flat_map(|old| old.by.iter());
            let by = Rc::make_mut(&mut mark.by);
            for writer in more.iter().chain(itself) {
                if !by.contains(writer) {
                    by.push(*writer);
                }
            }
        }
    }
}

impl World {
    fn new(kind: Kind, seed: u64) -> Self {
        let mut world = Self {
            kind,
            dice: Dice(seed),
            now: 1_000_000,
            next: 0,
            message: 0,
            files: vec![Disk::default(); FILES],
            calls: Vec::new(),
            finished: None,
            given: Vec::new(),
        };
        for file in 0..FILES - 2 {
            let lines = 5 + world.dice.below(20);
            world.files[file].text = Some(world.fresh(lines, By::Before));
        }
        world
    }

    fn tick(&mut self) -> i64 {
        self.now += 40_000 + self.dice.below(1_000_000) as i64;
        self.now
    }

    fn mark(&mut self, by: By) -> Mark {
        self.next += 1;
        let text: Rc<str> = if self.kind.repeats && self.dice.one_in(3) {
            REPEATED[self.dice.below(REPEATED.len())].into()
        } else {
            format!("{}mark {}", "  ".repeat(self.dice.below(3)), self.next).into()
        };
        self.given.push(Rc::clone(&text));
        Mark { id: self.next, text, by: Rc::new(vec![by]) }
    }

    fn fresh(&mut self, lines: usize, by: By) -> Text {
        (0..lines).map(|_| self.mark(by)).collect()
    }

    /// A new content for a file, `by` whom is new in it.
    fn changed(&mut self, text: &Text, by: By) -> Text {
        let mut text = text.clone();
        let from = self.dice.below(text.len() + 1);
        let most = (text.len() - from).min(8);
        let to = from + self.dice.below(most + 1);
        let lines = if text.len() > MOST { 0 } else { 1 + self.dice.below(5) };
        match self.dice.below(8) {
            0 | 1 => {
                let new = self.fresh(lines, by);
                text.splice(from..from, new);
            }
            2 => {
                text.drain(from..to);
            }
            3 | 4 => {
                let new = self.fresh(lines, by);
                text.splice(from..to, new);
            }
            5 => {
                let block: Vec<_> = text.drain(from..to).collect();
                let at = self.dice.below(text.len() + 1);
                text.splice(at..at, block);
            }
            6 => {
                for mark in &mut text[from..to] {
                    if self.dice.one_in(2) {
                        *mark = self.mark(by);
                    }
                }
            }
            _ => {
                // A formatter: all telling lines of a block are others now. If it did the same again after
                // that was undone, nobody could tell.
                for mark in &mut text[from..to] {
                    if !is_repeated(&mark.text) {
                        self.next += 1;
                        let indented: Rc<str> = format!("\t{}\tmark {}", mark.id, self.next).into();
                        self.given.push(Rc::clone(&indented));
                        *mark = Mark { id: self.next, text: indented, by: Rc::new(vec![by]) };
                    }
                }
            }
        }
        text
    }

    /// Puts a new content into a file. What is true of equal lines is then what bytes can tell.
    fn put(&mut self, file: usize, mut text: Option<Text>, by_call: bool) {
        self.tick();
        let disk = &mut self.files[file];
        disk.changed_us = self.now;
        if let Some(new) = &mut text {
            for (old, by_call) in
                [(&disk.text, by_call), (&disk.seen, by_call), (&disk.seen, false)]
            {
                reuse(old.as_deref().unwrap_or_default(), new, by_call);
            }
        }
        self.files[file].text = text;
    }

    fn observe(&mut self, file: usize, moment: Moment) {
        let at_us = self.tick();
        let disk = &mut self.files[file];
        disk.seen.clone_from(&disk.text);
        let text = disk.text.clone();
        let changed_us = text.as_ref().map(|_| disk.changed_us);
        self.note(file, at_us, moment, text, changed_us);
    }

    fn note(
        &mut self,
        file: usize,
        at_us: i64,
        moment: Moment,
        text: Option<Text>,
        changed_us: Option<i64>,
    ) {
        self.next += 1;
        let id = self.next as i64;
        let disk = &mut self.files[file];
        let seen = text.as_ref().map_or(Seen::Absent, |text| {
            let end = if disk.crlf { "\r\n" } else { "\n" };
            let bytes: String = text.iter().flat_map(|mark| [&*mark.text, end]).collect();
            Seen::Text(line::lines(bytes.as_bytes(), true).into())
        });
        if let Some(text) = &text {
            disk.past.push(text.clone());
        }
        let observation = Observation { id, at_us, moment, seen, changed_us };
        disk.observations.push((observation, text));
    }

    fn call(&mut self, tool: &str) -> usize {
        let call = self.calls.len();
        self.calls.push(Call {
            id: CallId { session: "ses".into(), call: format!("call_{call}") },
            message: format!("msg_{}", self.message),
            tool: tool.into(),
            root: "/w".into(),
            ended: Ended::Well,
            compared: self.kind.trees,
            ..Call::default()
        });
        call
    }

    fn begin(&mut self, call: usize) {
        self.calls[call].ran_us = Some(self.tick());
        self.given.clear();
    }

    fn end(&mut self, call: usize) {
        self.calls[call].ended_us = Some(self.tick());
    }

    /// The call's input names what it brings.
    fn declare(&mut self, call: usize) {
        let text = self.given.join("\n");
        let field = if self.calls[call].tool == "bash" { "command" } else { "newString" };
        let mut all: serde_json::Value =
            serde_json::from_str(&self.calls[call].input).unwrap_or_else(|_| serde_json::json!({}));
        let said = all[field].as_str().unwrap_or_default().to_owned();
        all[field] = format!("{said}\n{text}").into();
        self.calls[call].input = all.to_string();
    }

    fn moment(&self, call: usize, of: impl Fn(CallId) -> Moment) -> Moment {
        of(self.calls[call].id.clone())
    }

    fn some_file(&mut self) -> Option<usize> {
        let file = self.dice.below(FILES);
        (0..FILES)
            .map(|step| (file + step) % FILES)
            .find(|&file| self.files[file].text.as_ref().is_some_and(|text| !text.is_empty()))
    }

    fn no_file(&mut self) -> Option<usize> {
        let file = self.dice.below(FILES);
        (0..FILES).map(|step| (file + step) % FILES).find(|&file| self.files[file].text.is_none())
    }

    /// An edit of one file; `by` whom is what is new.
    fn change(&mut self, file: usize, by: By, by_call: bool) {
        let text = self.files[file].text.clone().unwrap_or_default();
        let text = self.changed(&text, by);
        self.put(file, Some(text), by_call);
    }

    fn rename(&mut self, from: usize, to: usize, by_call: bool) {
        let text = self.files[from].text.clone();
        self.put(from, None, by_call);
        self.files[to].crlf = self.files[from].crlf;
        self.put(to, text, by_call);
    }

    fn person(&mut self) {
        let by = By::Person(self.now + 1);
        let Some(file) = self.some_file() else { return };
        match self.dice.below(12) {
            0 => self.files[file].crlf ^= true,
            1 if !self.files[file].past.is_empty() => {
                let past = self.dice.below(self.files[file].past.len());
                let text = self.files[file].past[past].clone();
                self.put(file, Some(text), false);
            }
            2 => {
                // What a shell wrote, and nobody saw before it was carried elsewhere, nobody can know.
                let known = same(self.files[file].text.as_ref(), self.files[file].seen.as_ref());
                if let Some(to) = self.no_file().filter(|_| known) {
                    self.rename(file, to, false);
                }
            }
            3 if self.dice.one_in(3) => self.put(file, None, false),
            4 => {
                if let Some(to) = self.no_file() {
                    let lines = 1 + self.dice.below(10);
                    let text = self.fresh(lines, by);
                    self.put(to, Some(text), false);
                }
            }
            _ => self.change(file, by, false),
        }
    }

    fn turn(&mut self, seed: u64) {
        self.dice.0 ^= seed;
        if self.dice.one_in(3) {
            for _ in 0..=self.dice.below(2) {
                self.person();
            }
        } else {
            self.step();
        }
    }
}
