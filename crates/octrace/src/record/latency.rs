//! How long it takes from a frame in the spool to a row on the tape: what somebody who watches waits for.

use std::{
    thread,
    time::{Duration, Instant},
};

use octrace_core::exchange::{Outcome, Summary};
use octrace_store::Tape;

use super::{State, deliver::Deliverers, follow::Follow, follow_spool, tests::room};
use octrace_testkit::Author;

/// How often each is tried.
const TRIES: u32 = 60;

/// What may pass until the tape has it, in the usual case.
const SOON: Duration = Duration::from_millis(100);

/// Waits until the newest exchange of the session is as wanted.
fn until(tape: &Tape, begun: Instant, wanted: impl Fn(&Summary) -> bool) -> Duration {
    while !tape.exchanges("ses_1").unwrap().last().is_some_and(&wanted) {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never came");
        thread::sleep(Duration::from_millis(1));
    }
    begun.elapsed()
}

/// `sleep 60 | cargo test -p octrace --bin octrace frame_to_row_in_figures -- --ignored --nocapture`
#[test]
#[ignore = "prints figures; needs a standard input that stays open"]
fn frame_to_row_in_figures() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    let (folder, place) = (author.folder.clone(), room.place());
    let follow = Follow::begin(&folder).unwrap();
    // It ends with the process.
    thread::spawn(move || {
        let mut deliverers = Deliverers::of(&place);
        follow_spool(&folder, &place, &follow, &mut State::Follow, &mut deliverers)
    });
    let tape = Tape::open(&room.tape).unwrap();
    let mut took: [Vec<Duration>; 4] = Default::default();
    for number in 1..=TRIES {
        let begun = Instant::now();
        author.request(
            number,
            "ses_1",
            "msg_1",
            r#"{"messages":[{"role":"user","content":"hi"}]}"#,
        );
        took[0].push(until(&tape, begun, |row| row.id == i64::from(number)));
        let begun = Instant::now();
        author.response(number, 200);
        took[1].push(until(&tape, begun, |row| row.outcome == Outcome::Streaming));
        // At any moment of the recorder's own rhythm.
        thread::sleep(Duration::from_millis(u64::from(number * 37 % 300)));
        let begun = Instant::now();
        author.chunk(number, "data: {}\n\n");
        took[2].push(until(&tape, begun, |row| row.response_bytes > 0));
        let begun = Instant::now();
        author.end(number, "complete");
        took[3].push(until(&tape, begun, |row| row.outcome == Outcome::Complete));
    }
    for (what, mut took) in ["sent", "head", "bytes", "end"].into_iter().zip(took) {
        took.sort();
        let (median, most) = (took[took.len() / 2], took[took.len() - 1]);
        println!("{what}: median {median:.1?}, at most {most:.1?}");
        assert!(median < SOON, "{what}: {median:?}");
    }
}
