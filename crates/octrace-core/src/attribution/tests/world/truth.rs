//! Compares what is said with what is true.

use std::collections::HashMap;

use proptest::prelude::*;

use super::{By, FILES, Kind, Mark, World, is_repeated};
use crate::attribution::{
    timeline::{Call, FileHistory, Moment, Origin},
    track::{asked, track},
};

impl World {
    fn check(mut self) -> Result<Found, String> {
        for file in 0..FILES {
            self.observe(file, Moment::Now);
        }
        let mut found = Found::default();
        let mut histories = Vec::new();
        for (file, disk) in self.files.iter_mut().enumerate() {
            disk.observations.sort_by_key(|(observation, _)| (observation.at_us, observation.id));
            histories.push(FileHistory {
                path: format!("/w/f{file}"),
                observations: disk.observations.iter().map(|(seen, _)| seen.clone()).collect(),
            });
        }
        let tracked = track(&histories, &self.calls);
        let mut known = self.calls.clone();
        for call in &mut known {
            call.input.clear();
        }
        let asked = asked(&histories, &known);
        for (place, call) in
            self.calls.iter().enumerate().filter(|(place, _)| asked.contains(place))
        {
            known[place].input.clone_from(&call.input);
        }
        if track(&histories, &known) != tracked {
            return Err("what calls were given that are not asked is asked".to_owned());
        }
        let mut shells = HashMap::<&str, usize>::new();
        for call in self.calls.iter().filter(|call| call.tool == "bash" && call.root == "/w") {
            *shells.entry(&call.message).or_default() += usize::from(call.ran_us.is_some());
        }
        let shells: Vec<_> = self
            .calls
            .iter()
            .map(|call| {
                call.tool == "bash" && shells.get(&*call.message).is_some_and(|&all| all > 1)
            })
            .collect();
        let mut born = HashMap::<u64, i64>::new();
        for (observation, text) in self.files.iter().flat_map(|disk| &disk.observations) {
            for mark in text.iter().flatten() {
                let at = born.entry(mark.id).or_insert(observation.at_us);
                *at = observation.at_us.min(*at);
            }
        }
        let firsts = histories.iter().filter_map(|file| file.observations.first());
        let first = firsts.map(|observation| observation.at_us).max().unwrap_or_default();
        for (file, disk) in self.files.iter().enumerate() {
            for (place, (observation, text)) in disk.observations.iter().enumerate() {
                let state = &tracked[file].states[place];
                let text = text.as_deref().unwrap_or_default();
                if state.origins.len() != text.len() {
                    return Err(format!("{} origins of {} lines", state.origins.len(), text.len()));
                }
                for (line, (mark, origin)) in text.iter().zip(state.origins.iter()).enumerate() {
                    let told = |what: &str| {
                        format!(
                            "{what}: file {file} at {:?} line {line} {:?} by {:?}: {origin:?}",
                            observation.moment, mark.text, mark.by
                        )
                    };
                    if !mark.by.iter().any(|by| is_true(*by, origin, &self.calls, first)) {
                        return Err(told("wrong"));
                    }
                    if born[&mark.id] == observation.at_us {
                        found.add(mark, origin, &shells, told);
                    }
                }
            }
        }
        Ok(found)
    }
}

/// `first`: when all files had been seen once.
fn is_true(by: By, origin: &Origin, calls: &[Call], first: i64) -> bool {
    match (by, origin) {
        (_, Origin::Unknown(_)) => true,
        (By::Call(by, _), Origin::Call { call, .. }) => by == *call,
        (By::Person(at), Origin::Person { after_us, until_us }) => {
            *after_us <= at && at <= *until_us
        }
        // What was there before its file was first seen can be anybody's.
        (By::Before | By::Nobody, Origin::Before) => true,
        (By::Person(at), Origin::Before) => at <= first,
        (By::Call(call, _), Origin::Before) => calls[call].ran_us.is_some_and(|ran| ran <= first),
        _ => false,
    }
}

/// How much is known of lines when they are first seen.
#[derive(Default)]
struct Found {
    due: usize,
    known: usize,
    persons: usize,
    persons_known: usize,
    misses: HashMap<String, usize>,
    example: Option<String>,
}

impl Found {
    fn merge(&mut self, other: Self) {
        self.due += other.due;
        self.known += other.known;
        self.persons += other.persons;
        self.persons_known += other.persons_known;
        for (why, times) in other.misses {
            *self.misses.entry(why).or_default() += times;
        }
        self.example = self.example.take().or(other.example);
    }

    /// `among`: which calls are shells of a step with several, of which the snapshots do not tell which it was.
    fn add(&mut self, mark: &Mark, origin: &Origin, among: &[bool], told: impl Fn(&str) -> String) {
        if is_repeated(&mark.text) {
            return;
        }
        match mark.by[..] {
            [By::Call(call, true)] if !among[call] => {
                self.due += 1;
                if matches!(origin, Origin::Call { .. }) {
                    self.known += 1;
                } else {
                    *self.misses.entry(format!("{origin:.9?}")).or_default() += 1;
                    self.example.get_or_insert_with(|| told("missed"));
                }
            }
            [By::Person(_)] => {
                self.persons += 1;
                self.persons_known += usize::from(matches!(origin, Origin::Person { .. }));
            }
            _ => {}
        }
    }
}

fn live(kind: Kind, seed: u64, turns: &[u64]) -> Result<Found, String> {
    let mut world = World::new(kind, seed);
    for &turn in turns {
        world.turn(turn);
    }
    world.check()
}

fn kind(number: u64) -> Kind {
    Kind { trees: number & 1 == 0, repeats: number & 2 != 0 }
}

fn long_run(worlds: u64, turns: u64) {
    for number in 0..4 {
        let mut all = Found::default();
        for world in 0..worlds {
            let turns: Vec<_> = (0..turns).collect();
            match live(kind(number), world, &turns) {
                Ok(found) => all.merge(found),
                Err(wrong) => panic!("world {world} of {:?}: {wrong}", kind(number)),
            }
        }
        let Found { due, known, persons, persons_known, misses, example } = all;
        println!(
            "{:?}: agent {known} of {due}, person {persons_known} of {persons}; {misses:?} {example:?}",
            kind(number)
        );
        assert!(due > 500 && persons > 200);
        // Without snapshots a shell can always have done what a person did.
        let people = if kind(number).trees { 75 } else { 20 };
        assert!(known * 100 >= due * 99, "{known} of {due}");
        assert!(persons_known * 100 >= persons * people, "{persons_known} of {persons}");
    }
}

#[test]
fn what_is_said_of_thousands_of_turns_is_true_and_most_is_said() {
    long_run(20, 150);
}

#[test]
#[ignore = "takes minutes"]
fn what_is_said_of_a_hundred_thousand_turns_is_true_and_most_is_said() {
    long_run(150, 200);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_is_said_is_true(
        number in 0_u64..4,
        seed: u64,
        turns in proptest::collection::vec(any::<u64>(), 1..40),
    ) {
        if let Err(wrong) = live(kind(number), seed, &turns) {
            prop_assert!(false, "{}", wrong);
        }
    }
}
