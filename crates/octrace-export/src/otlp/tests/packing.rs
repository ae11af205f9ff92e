//! What goes together.

use std::collections::HashSet;

use octrace_core::trace::{Message, Part, Role, Turn, What, id::SpanId};
use prost::Message as _;

use super::{Options, PROFILES, Packer, Profile, decode, options, pack, sample, show, spans};

/// Backends' limit, and the one of the store.
const LIMIT: usize = 4 * 1024 * 1024;

/// A turn whose tool calls give this many bytes each; no two such turns share an id.
fn turn(number: usize, outputs: &[usize]) -> Turn {
    let mut turn = sample::root();
    let model = turn.spans.remove(4);
    turn.spans.truncate(1);
    turn.spans[0].id = SpanId::of_turn("ses", &number.to_string());
    for (at, bytes) in outputs.iter().enumerate() {
        let mut span = model.clone();
        span.id = SpanId::of_tool("ses", &number.to_string(), &at.to_string());
        if let What::Tool(tool) = &mut span.what {
            tool.output = "x".repeat(*bytes);
        }
        turn.spans.push(span);
    }
    turn
}

/// Bytes before compression.
fn size(body: &[u8]) -> usize {
    decode(body).encoded_len()
}

#[test]
fn small_turns_go_together() {
    let turns: Vec<_> = (0..100).map(|number| turn(number, &[10, 10])).collect();
    let parcels = pack(&options(Profile::GenAi), &turns);
    assert_eq!(parcels.len(), 1);
    assert_eq!(parcels[0].turns, 0..100);
    assert_eq!(spans(&parcels[0].body).len(), 300);
}

#[test]
fn a_turn_that_does_not_fit_begins_a_request() {
    let mb = 1_000_000;
    let turns = [
        turn(0, &[mb]),
        turn(1, &[mb, mb]),
        turn(2, &[mb, mb]),
        turn(3, &[10]),
        turn(4, &[3 * mb]),
    ];
    let parcels = pack(&options(Profile::GenAi), &turns);
    let together: Vec<_> = parcels.iter().map(|parcel| parcel.turns.clone()).collect();
    assert_eq!(together, [0..2, 2..4, 4..5]);
}

#[test]
fn a_turn_that_is_too_large_is_split_and_alone() {
    let mb = 1_000_000;
    let turns = [turn(0, &[10]), turn(1, &[mb; 9]), turn(2, &[10])];
    let parcels = pack(&options(Profile::Neatlogs), &turns);
    let together: Vec<_> = parcels.iter().map(|parcel| parcel.turns.clone()).collect();
    let middle = together.len() - 2;
    assert!(middle > 2);
    assert_eq!(together[0], 0..1);
    assert_eq!(together[1..=middle], vec![1..2; middle]);
    assert_eq!(together[middle + 1], 2..3);
    // Its root and the mark are in the last of its requests.
    let last = spans(&parcels[middle].body);
    let names: Vec<_> = last.iter().rev().take(2).map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["neatlogs.trace.complete", "opencode.session"]);
}

#[test]
fn nothing_is_lost_or_twice_and_bodies_are_bounded() {
    // Sizes around the bound, in an order that repeats nothing.
    let sizes = |number: usize| -> Vec<usize> {
        (0..number % 5).map(|at| (number * 7919 + at * 104_729) % 1_300_000).collect()
    };
    let turns: Vec<_> = (0..40).map(|number| turn(number, &sizes(number))).collect();
    for profile in [Profile::GenAi, Profile::Neatlogs] {
        let mut next = 0;
        let mut seen = HashSet::new();
        for parcel in pack(&options(profile), &turns) {
            assert!(parcel.turns.start == next || parcel.turns.start + 1 == next);
            assert!(parcel.turns.start < parcel.turns.end);
            next = parcel.turns.end;
            let spans = spans(&parcel.body);
            assert!(size(&parcel.body) < LIMIT);
            assert!(spans.iter().all(|span| seen.insert(span.span_id.clone())));
        }
        assert_eq!(next, turns.len());
        let marks = if profile == Profile::Neatlogs { turns.len() } else { 0 };
        assert_eq!(seen.len(), turns.iter().map(|turn| turn.spans.len()).sum::<usize>() + marks);
    }
}

#[test]
fn a_span_that_is_too_large_is_cut_and_says_so() {
    for profile in PROFILES {
        let mut turn = sample::root();
        turn.spans.drain(1..4);
        for span in &mut turn.spans {
            match &mut span.what {
                What::Turn(turn) => turn.prompt = "x".repeat(LIMIT),
                What::Tool(tool) => tool.output = "x".repeat(LIMIT),
                // In JSON it takes six times the room.
                What::Model(call) => {
                    let text = Part::Text("\u{1}".repeat(LIMIT / 2));
                    call.said.input = vec![Message { role: Role::User, parts: vec![text] }; 2];
                }
            }
        }
        let parcels = pack(&options(profile), &[turn]);
        let sent: Vec<_> = parcels.iter().flat_map(|parcel| spans(&parcel.body)).collect();
        let marks = usize::from(profile == Profile::Neatlogs);
        assert_eq!(sent.len(), 3 + marks);
        assert!(sent.iter().all(|span| span.dropped_attributes_count == 0), "{profile:?}");
        let told: Vec<_> = parcels.iter().map(|parcel| show(&parcel.body)).collect();
        assert!(told.concat().matches(" bytes left out]").count() >= 3, "{profile:?}");
        assert!(parcels.iter().all(|parcel| size(&parcel.body) < LIMIT), "{profile:?}");
    }
}

#[test]
fn even_names_without_end_are_bounded() {
    for profile in [Profile::OpenInference, Profile::Neatlogs] {
        let mut turn = sample::root();
        turn.spans.truncate(2);
        let What::Model(call) = &mut turn.spans[1].what else { panic!("a title") };
        call.said.input = vec![Message::default(); 90_000];
        let parcels = pack(&options(profile), &[turn]);
        assert!(parcels.iter().all(|parcel| size(&parcel.body) < LIMIT), "{profile:?}");
        let sent: Vec<_> = parcels.iter().flat_map(|parcel| spans(&parcel.body)).collect();
        assert!(sent[0].dropped_attributes_count > 0, "{profile:?}");
    }
}

#[test]
fn nothing_is_sent_for_nothing() {
    assert_eq!(Packer::new(&options(Profile::GenAi)).finish(), None);
}

#[test]
fn files_have_it_plain() {
    let mut packer = Packer::new(&options(Profile::GenAi)).uncompressed();
    let turn = sample::root();
    for span in &turn.spans {
        assert_eq!(packer.push(&turn, span), []);
    }
    packer.end_turn();
    let plain = packer.finish().unwrap().body;
    let sent = pack(&options(Profile::GenAi), &[turn]).remove(0).body;
    assert!(!plain.starts_with(&[0x1f, 0x8b]));
    assert_eq!(decode(&plain), decode(&sent));
}

#[test]
fn what_traces_are_filed_under_is_told() {
    for profile in [Profile::OpenInference, Profile::Neatlogs] {
        let options = Options { profile, workflow: "mine".to_owned() };
        let body = pack(&options, &[sample::root()]).remove(0).body;
        assert!(show(&body).contains("= mine\n"), "{profile:?}");
    }
}
