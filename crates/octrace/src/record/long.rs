//! A session of 200 turns, from its spool onto the tape: what it costs there, and that all of it comes back.

use std::time::Instant;

use octrace_core::redact::Redactor;
use octrace_export::jsonl;
use octrace_store::Tape;
use octrace_testkit::{Author, script::Dialect, session::Session};

use super::tests::{Room, room};

const TURNS: u32 = 200;
const SEED: u64 = 20;

/// Bytes of what `octrace export jsonl` writes of the session.
fn jsonl_bytes(tape: &Tape) -> u64 {
    let mut lines = Vec::new();
    let mut bytes = 0;
    for entry in tape.journal(Session::ID).unwrap() {
        let exchange = tape.exchange_at(entry.exchange, entry.step).unwrap().unwrap();
        lines.clear();
        jsonl::write(&mut lines, entry.step, &exchange).unwrap();
        bytes += lines.len() as u64;
    }
    bytes
}

/// Bytes that the tape needs, with its index and all that belongs to it, once everything is done that is done at leisure.
fn tape_bytes(room: &Room) -> u64 {
    let mut tape = room.tape();
    while tape.index_step().unwrap() || tape.pack_step().unwrap() {}
    tape.size().unwrap().needed()
}

fn is_small_and_whole(dialect: Dialect) {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    let mut session = Session::new(dialect, SEED);
    let mut again = session.clone();
    let mut half = 0;
    let started = Instant::now();
    for number in 1..=TURNS {
        let turn = session.next_turn();
        author.asks(number, &session, &turn);
        author.is_answered(number, &turn);
        if number % 10 == 0 {
            room.pipeline(&author).drain(false).unwrap();
        }
        if number == TURNS / 2 {
            half = tape_bytes(&room);
        }
    }
    let whole = tape_bytes(&room);
    let took = started.elapsed();
    let tape = room.tape();
    let jsonl = jsonl_bytes(&tape);
    println!(
        "{dialect:?}: {TURNS} turns, {jsonl} bytes as JSONL, {whole} on the tape: 1/{}; after half of them {half}; in {took:.1?}",
        jsonl / whole
    );
    assert!(jsonl > 50_000_000, "a session worth measuring: {jsonl}");
    assert!(whole * 50 < jsonl, "{whole} bytes on the tape for {jsonl} of JSONL");
    assert!(whole * 10 < half * 22, "{half} after half of the turns, then {whole}");

    let rows = tape.exchanges(Session::ID).unwrap();
    assert_eq!(rows.len(), TURNS as usize);
    let redactor = Redactor::new("").with_patterns(&room.place().patterns);
    for (number, row) in rows.iter().enumerate() {
        let turn = again.next_turn();
        let exchange = tape.exchange(row.id).unwrap().unwrap();
        // Some of our own sources are about secrets.
        let clean = |kind, body: String, restored: &[u8]| {
            restored == body.as_bytes() || redactor.body(kind, body.into_bytes()).get() == restored
        };
        assert!(
            clean("application/json", turn.request, &exchange.request_body),
            "request {number}"
        );
        let answer = turn.answer.concat();
        assert!(clean("text/event-stream", answer, &exchange.response_body), "answer {number}");
    }
}

#[test]
#[ignore = "slow"]
fn two_hundred_turns_with_anthropic() {
    is_small_and_whole(Dialect::Anthropic);
}

#[test]
#[ignore = "slow"]
fn two_hundred_turns_with_openai_chat() {
    is_small_and_whole(Dialect::OpenaiChat);
}

#[test]
#[ignore = "slow"]
fn two_hundred_turns_with_openai_responses() {
    is_small_and_whole(Dialect::OpenaiResponses);
}
