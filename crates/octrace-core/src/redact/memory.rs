//! What was seen before need not be searched again.
//!
//! A model is sent the whole conversation with every request, so that a body mostly begins like one before
//! it. A body is cut into blocks, and each is known by a hash of everything up to its end. Where a walk
//! through JSON is between two elements of an outer array, it leaves a [`Checkpoint`]; a later body that is
//! the same up to the end of that block goes on from there.
//!
//! What is found before such a place depends on nothing after it, but for known values, which may reach
//! across: the end of the block is therefore as far away as the longest of them, and none of them may have
//! been found across it. When more values become known, everything is forgotten.
//!
//! Nothing of what was sent is in here: hashes, places and ranges only.

use std::collections::HashMap;

use super::{around::Around, hit::Hit};
use crate::json::Place;

/// A hash of all blocks up to one.
pub(super) type Key = [u8; blake3::KEY_LEN];

/// Bytes of a block.
const BLOCK: usize = 16 << 10;

/// So many blocks of a body are remembered.
const BLOCKS: usize = 1024;

/// A generation holds about so many checkpoints and hits; there are two.
const GENERATION: usize = 4096;

/// Checkpoints after more hits than this are not left, nor any after them.
const MOST_HITS: usize = 256;

/// A place in a body, and what a walk knows there.
struct Checkpoint {
    /// How many there are before it.
    number: usize,
    /// Where the scanner is.
    place: Place,
    /// What stands around.
    around: Around,
    /// What was found since the checkpoint before.
    hits: Vec<Hit>,
}

/// Checkpoints in bodies, by what stands before the ends of their blocks. What is used stays longest.
pub(super) struct Memory {
    block: usize,
    young: HashMap<Key, Checkpoint>,
    old: HashMap<Key, Checkpoint>,
    /// Checkpoints and hits of the young.
    weight: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self::with_blocks_of(BLOCK)
    }
}

impl Memory {
    /// With blocks of so many bytes.
    pub(super) fn with_blocks_of(block: usize) -> Self {
        Self { block, young: HashMap::new(), old: HashMap::new(), weight: 0 }
    }

    /// Because other things are secret from now on.
    pub(super) fn forget(&mut self) {
        *self = Self::with_blocks_of(self.block);
    }

    fn insert(&mut self, key: Key, checkpoint: Checkpoint) {
        if self.weight >= GENERATION {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += 1 + checkpoint.hits.len();
        self.young.insert(key, checkpoint);
    }

    fn get(&mut self, key: &Key) -> Option<&Checkpoint> {
        if let Some(checkpoint) = self.old.remove(key) {
            self.insert(*key, checkpoint);
        }
        self.young.get(key)
    }
}

/// The way through one body.
pub(super) struct Trail<'m> {
    memory: &'m mut Memory,
    keys: Vec<Key>,
    /// How far a known value can reach.
    reach: usize,
    /// Checkpoints so far, and hits before the last of them.
    number: usize,
    hits: usize,
    /// Where the next checkpoint may be left, at the earliest.
    next: usize,
}

impl<'m> Trail<'m> {
    /// Through `body`, which begins with a JSON container; no known value is longer than `reach`.
    pub(super) fn new(memory: &'m mut Memory, body: &[u8], reach: usize) -> Self {
        let mut key = Key::default();
        let chain = |block| {
            key = *blake3::keyed_hash(&key, block).as_bytes();
            key
        };
        let keys = body.chunks_exact(memory.block).take(BLOCKS).map(chain).collect();
        Self { memory, keys, reach, number: 0, hits: 0, next: 0 }
    }

    /// Where the last checkpoint is that is known, what stands around it, and all hits before it.
    pub(super) fn resume(&mut self) -> Option<(Place, Around, Vec<Hit>)> {
        let (mut last, mut hits) = (None, Vec::new());
        for (before, key) in self.keys.iter().enumerate() {
            // One that was forgotten takes those after it along.
            if let Some(known) = self.memory.get(key).filter(|known| known.number == self.number) {
                hits.extend_from_slice(&known.hits);
                last = Some((before + 1, known.place.clone(), known.around.clone()));
                self.number += 1;
            }
        }
        let (blocks, place, around) = last?;
        self.next = blocks * self.memory.block;
        self.hits = hits.len();
        Some((place, around, hits))
    }

    /// Whether one may be left at `at`.
    pub(super) fn is_due(&self, at: usize) -> bool {
        at >= self.next
    }

    /// Leaves one at `at`, between two elements, if what was found so far ends there.
    pub(super) fn leave(&mut self, at: usize, place: Place, around: &Around, hits: &[Hit]) {
        let found = &hits[self.hits..];
        let block = at / self.memory.block;
        let Some(key) = self.keys.get(block).filter(|_| found.len() <= MOST_HITS) else {
            self.next = usize::MAX;
            return;
        };
        let end = (block + 1) * self.memory.block;
        if at + self.reach > end || found.iter().any(|hit| hit.end > at) {
            return;
        }
        let hits = found.to_vec();
        let checkpoint = Checkpoint { number: self.number, place, around: around.clone(), hits };
        self.memory.insert(*key, checkpoint);
        self.number += 1;
        self.hits += found.len();
        self.next = end;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::*;

    use super::*;
    use crate::redact::{Redactor, literal::tests as literal, strings::Strings};

    /// The last two reach from one element into the next.
    const LITERALS: [&str; 4] = ["plain-canary-1", "4815162342", "9\"},{\"a\":\"", "[],[],[],[]"];

    fn remembering(block: usize) -> Redactor {
        Redactor {
            memory: RefCell::new(Memory::with_blocks_of(block)),
            strings: RefCell::new(Strings::of_at_least(1)),
            texts: RefCell::new(Strings::of_at_least(1)),
            ..Redactor::new(literal::SALT)
        }
    }

    fn element() -> impl Strategy<Value = String> {
        let member = prop::sample::select(vec![
            r#""a":"x9"},{"a":"y""#,
            r#""a":4815162342"#,
            r#""password":"hunter2","b":{"token":[1,"z"]}"#,
            r#""role":"user","content":[{"text":"say plain-canary-1 \n"}]"#,
            r#""credentials":{"type":"x","title":{"type":"string"}}"#,
            r#""x":[[],[],[],[],[{"a":"b"}]]"#,
            r#""value":"hunter2""#,
            r#""name":"X_TOKEN""#,
            r#""text":"{\"token\":\"hunter2\"}""#,
            r#""logprobs":{"token":"x"}"#,
            r#""token":bare-plum"#,
        ]);
        let odd =
            prop::sample::select(vec!["[],[],[],[],[]", "1", r#""x""#, "}", "]", "[", ":", "\n"]);
        prop_oneof![
            12 => prop::collection::vec(member, 0..4)
                .prop_map(|members| format!("{{{}}}", members.join(","))),
            1 => odd.prop_map(str::to_owned),
        ]
    }

    fn begin() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            r#"{"model":"m","messages":["#,
            r#"{"name":"DB_PASSWORD","messages":["#,
            r#"{"credentials":["#,
            r#"{"logprobs":["#,
            "\u{feff}[",
            "[[",
            r#"{"a":{"b":["#,
        ])
    }

    proptest! {
        #[test]
        fn what_is_remembered_changes_nothing(
            block in 1_usize..64,
            begin in begin(),
            elements in prop::collection::vec(element(), 1..24),
            bodies in prop::collection::vec(
                (0_usize..24, prop::collection::vec(element(), 0..4), "[\\]}]{0,3}", 0_usize..9), 1..12),
        ) {
            let mut again = remembering(block);
            let mut known = Vec::new();
            for (same, other, end, learned) in bodies {
                known.extend(LITERALS.get(learned).copied().map(literal::print));
                again.learn(&known);
                let mut once = Redactor::new(literal::SALT);
                once.learn(&known);
                let same = elements.iter().take(same).cloned();
                let elements: Vec<String> = same.chain(other).collect();
                let body = format!("{begin}{}{end}", elements.join(",")).into_bytes();
                let told = |clean: Vec<u8>| String::from_utf8_lossy(&clean).into_owned();
                prop_assert_eq!(
                    told(again.body("", body.clone()).into_inner()), told(once.body("", body).into_inner()));
            }
        }
    }

    #[test]
    fn known_values_reach_across() {
        // The first is there or not by what stands after its element; its end is the second's begin.
        let known = [r#"9"},{"a":12"#, "12345678"].map(literal::print);
        let bodies = [
            r#"[{"x":"9"},{"c":1234567899},{"d":"a longer text"}]"#,
            r#"[{"x":"9"},{"a":1234567899},{"d":"a longer text"}]"#,
            r#"[{"x":"9"},{"a":1234567899},{"e":"a longer text"}]"#,
        ];
        for (block, one, other) in (1..48)
            .flat_map(|block| bodies.map(|one| (block, one)))
            .flat_map(|(block, one)| bodies.map(|other| (block, one, other)))
        {
            let mut again = remembering(block);
            let mut once = Redactor::new(literal::SALT);
            again.learn(&known);
            once.learn(&known);
            again.body("", one.into());
            let [again, once] =
                [again, once].map(|redactor| redactor.body("", other.into()).into_inner());
            assert_eq!(String::from_utf8(again), String::from_utf8(once), "{block}: {one}");
        }
    }

    #[test]
    fn nothing_of_what_was_sent_is_kept() {
        let redactor = remembering(64);
        let mut body = conversation(100);
        body.splice(1..1, br#""value":"hunter2","#.iter().copied());
        redactor.body("", body);
        assert!(redactor.memory.borrow().young.is_empty(), "it would have to remember the value");
    }

    fn conversation(messages: usize) -> Vec<u8> {
        let message = |number| format!(r#"{{"role":"user","content":"message {number}"}}"#);
        let messages: Vec<_> = (0..messages).map(message).collect();
        format!(r#"{{"messages":[{}],"tools":[]}}"#, messages.join(",")).into_bytes()
    }

    #[test]
    fn a_conversation_goes_on_where_it_was_until_more_is_secret() {
        let mut redactor = remembering(256);
        let from = |redactor: &Redactor, body: &[u8]| {
            let memory = &mut redactor.memory.borrow_mut();
            Trail::new(memory, body, 14).resume().map_or(0, |(place, ..)| place.at)
        };
        let (first, second) = (conversation(100), conversation(101));
        assert_eq!(from(&redactor, &first), 0);
        redactor.body("", first.clone());
        assert!(from(&redactor, &first) > first.len() - 512);
        assert!(from(&redactor, &second) > first.len() - 512);
        redactor.learn(&[literal::print(LITERALS[0])]);
        assert_eq!(from(&redactor, &second), 0);
        redactor.body("", second.clone());
        redactor.learn(&[literal::print(LITERALS[0])]);
        assert!(from(&redactor, &second) > 0, "nothing new was learned");
    }

    #[test]
    fn it_is_bounded() {
        let redactor = remembering(64);
        for round in 0..40 {
            let mut body = conversation(600);
            body.splice(1..1, format!(r#""round":{round},"#).into_bytes());
            redactor.body("", body);
        }
        let memory = redactor.memory.borrow();
        assert!(!memory.old.is_empty());
        for generation in [&memory.young, &memory.old] {
            assert!(generation.len() <= GENERATION);
        }
    }
}
