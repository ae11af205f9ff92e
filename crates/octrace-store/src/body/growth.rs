//! What a session costs on the tape: its parts, compressed, and its lists, without SQLite's own share.

use std::{collections::HashMap, time::Instant};

use super::{
    Entry, Error, List, Parent, decode, encode, entries, restore,
    sample::{Session, Shape},
    split,
};
use crate::codec::{Address, Decoder, Encoder, address};

struct Part {
    codec: i64,
    size: u64,
    data: Vec<u8>,
}

/// A tape in memory.
struct Tape {
    encoder: Encoder,
    ids: HashMap<Address, i64>,
    parts: Vec<Part>,
    lists: Vec<List>,
    last: Vec<Entry>,
}

impl Tape {
    fn new() -> Self {
        let encoder = Encoder::new().unwrap();
        Self {
            encoder,
            ids: HashMap::new(),
            parts: Vec::new(),
            lists: Vec::new(),
            last: Vec::new(),
        }
    }

    fn record(&mut self, body: &[u8]) {
        let Self { encoder, ids, parts, lists, last } = self;
        let put = |bytes: &[u8]| {
            Ok::<_, Error>(*ids.entry(address(bytes)).or_insert_with(|| {
                let stored = encoder.encode(bytes).unwrap();
                let (codec, data) = (stored.codec.number(), stored.data.into_owned());
                parts.push(Part { codec, size: bytes.len() as u64, data });
                // Response bodies take ids too.
                2 * parts.len() as i64
            }))
        };
        let this = entries(&split(body), put).unwrap();
        let parent = lists.last().map(|list| Parent { entries: last, chain: list.chain });
        lists.push(encode(&this, parent));
        *last = this;
    }

    /// Every body, from what the tape keeps.
    fn bodies(&self) -> impl Iterator<Item = Vec<u8>> {
        let mut decoder = Decoder::new().unwrap();
        let mut last = Vec::new();
        self.lists.iter().map(move |list| {
            last = decode(&list.bytes, Some(&last)).unwrap();
            restore(&last, |id, body| {
                let part = &self.parts[usize::try_from(id / 2 - 1).unwrap()];
                decoder.decode_onto(body, part.codec, part.size, &part.data).unwrap();
                Ok::<_, Error>(())
            })
            .unwrap()
        })
    }

    fn part_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.data.len()).sum()
    }

    fn list_bytes(&self) -> usize {
        self.lists.iter().map(|list| list.bytes.len()).sum()
    }
}

#[test]
fn a_session_grows_with_its_turns_and_comes_back_byte_for_byte() {
    for shape in [Shape::Anthropic, Shape::OpenAiChat] {
        let mut session = Session::new(shape, 200);
        let mut tape = Tape::new();
        let mut half = (0, 0);
        let mut bodies = Vec::new();
        for turn in 1..=200 {
            let body = session.next_body();
            tape.record(body.as_bytes());
            bodies.push(body);
            if turn == 100 {
                half = (tape.part_bytes(), tape.list_bytes());
            }
        }

        let (parts, lists) = (tape.part_bytes(), tape.list_bytes());
        assert!(10 * parts < 21 * half.0, "{shape:?}: parts {} then {parts}", half.0);
        assert!(10 * lists < 25 * half.1, "{shape:?}: lists {} then {lists}", half.1);
        // Each turn has two new messages; whatever else is new was not shared as it should be.
        assert!(tape.parts.len() < 2 * 200 + 30, "{shape:?}: {} parts", tape.parts.len());
        assert!(lists < 200 * 40, "{shape:?}: {lists} bytes of lists");

        let mut restored = tape.bodies();
        for (turn, body) in bodies.iter().enumerate() {
            assert!(restored.next().as_deref() == Some(body.as_bytes()), "{shape:?}, turn {turn}");
        }
    }
}

#[test]
fn a_body_is_never_behind_more_lists_than_promised() {
    let mut session = Session::new(Shape::OpenAiChat, 50);
    let mut tape = Tape::new();
    for _ in 0..100 {
        tape.record(session.next_body().as_bytes());
    }
    let mut expected = 0;
    for list in &tape.lists {
        assert!(list.chain <= super::MAX_CHAIN);
        assert_eq!(super::is_whole(&list.bytes), Ok(list.chain == 0));
        assert!(list.chain == 0 || list.chain == expected, "{}", list.chain);
        expected = list.chain + 1;
    }
}

/// `cargo test --release -p octrace-store growth_in_figures -- --ignored --nocapture`
#[test]
#[ignore = "prints figures; asserts only the size that was promised"]
fn growth_in_figures() {
    for shape in [Shape::Anthropic, Shape::OpenAiChat] {
        let mut session = Session::new(shape, 5_300);
        let bodies: Vec<_> = (0..200).map(|_| session.next_body()).collect();
        let wire: usize = bodies.iter().map(String::len).sum();
        let largest = bodies.iter().map(String::len).max().unwrap_or_default();

        let mut tape = Tape::new();
        let start = Instant::now();
        for body in &bodies {
            tape.record(body.as_bytes());
        }
        let recorded = start.elapsed();
        let start = Instant::now();
        assert!(tape.bodies().zip(&bodies).all(|(restored, body)| restored == body.as_bytes()));
        let restored = start.elapsed();

        let plain: u64 = tape.parts.iter().map(|part| part.size).sum();
        let (parts, lists) = (tape.part_bytes(), tape.list_bytes());
        let rate = |time: std::time::Duration| wire as f64 / 1e6 / time.as_secs_f64();
        println!(
            "{shape:?}: {wire} bytes in 200 bodies, the largest {largest}\n\
             {} parts of {plain} bytes, kept in {parts}; lists {lists}; together {}\n\
             recorded at {:.0} MB/s, restored at {:.0} MB/s",
            tape.parts.len(),
            parts + lists,
            rate(recorded),
            rate(restored),
        );
        assert!(parts + lists < 1_200_000);
    }
}
