//! Whoever delivers dies, at every point that there is, and again.

use octrace_store::delivery::{DeliveryId, Which};
use octrace_testkit::{Answer, Received, Response};
use proptest::prelude::*;

use super::*;

/// What is to be there in the end.
type Check = fn(&Stage);

/// One turn is refused with all that are with it.
fn refusing(received: &Received) -> Response {
    match has(received, "msg_ses_1_0001") {
        true => Response::new(400, "not this one"),
        false => Response::new(200, ""),
    }
}

fn all_but_one_arrived(stage: &Stage) {
    let letters = stage.letters();
    assert_eq!((stage.waiting(), letters.len()), (0, 1), "{letters:?}");
    assert_eq!(letters[0].item, "ses_1/msg_ses_1_0001a");
    assert_eq!(stage.accepted().len(), 2 * 3);
}

/// Somebody dies at each step; how many there were.
fn die_at_each_step(stage: impl Fn() -> Stage, check: Check) -> usize {
    let steps = stage().steps();
    for at in 0..steps {
        let stage = stage();
        stage.deliver_dying(&[at]);
        assert_eq!(stage.deaths(), 1);
        check(&stage);
    }
    steps
}

#[test]
fn whoever_dies_at_any_point_all_arrives_and_nothing_that_was_accepted_is_repeated() {
    // Of logs, of spans, and of spans some of which are refused.
    let logs = die_at_each_step(|| Stage::helicone(3, ""), Stage::all_arrived_once);
    let spans = die_at_each_step(|| Stage::otlp(3, ""), Stage::all_arrived_once);
    let refused = die_at_each_step(|| Stage::otlp_by(3, refusing), all_but_one_arrived);
    assert!(logs + spans + refused > 60, "{logs} {spans} {refused}");
}

#[test]
fn whoever_dies_while_the_next_batch_is_packed_all_arrives_and_nothing_is_repeated() {
    let logs = || Stage::helicone(2, "").in_batches_of(1);
    let logs = die_at_each_step(logs, Stage::all_arrived_once);
    let refused = || Stage::otlp_by(3, refusing).in_batches_of(1);
    let refused = die_at_each_step(refused, all_but_one_arrived);
    assert!(logs > 20 && refused > 20, "{logs} {refused}");
}

#[test]
fn whenever_somebody_drops_a_turn_those_that_are_packed_with_it_arrive() {
    let steps = Stage::otlp(3, "").steps();
    for at in 0..steps {
        let stage = Stage::otlp(3, "");
        stage.deliver_while(at, |tape| {
            tape.drop_deliveries(&Which::These(vec![DeliveryId(1)]), false).unwrap();
        });
        assert_eq!((stage.waiting(), stage.letters()), (0, Vec::new()));
        let accepted = stage.accepted().len();
        assert!(accepted == 3 * 3 || accepted == 2 * 3, "dropped at {at}: {accepted} spans");
    }
}

fn answer() -> impl Strategy<Value = Answer> {
    let says = |status, body: &str| Answer::Says(Response::new(status, body));
    prop_oneof![
        4 => Just(Answer::Well),
        1 => Just(Answer::CutAsked),
        1 => Just(Answer::CutUnanswered),
        1 => Just(Answer::CutAnswered(Response::new(200, "ok"))),
        1 => Just(says(429, "")),
        1 => Just(says(500, "")),
        1 => Just(says(400, "")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn whatever_the_weather_and_whoever_dies_each_arrives_once_or_is_a_dead_letter(
        is_helicone in any::<bool>(),
        turns in 1..6_u32,
        batch in 1..4_u32,
        answers in proptest::collection::vec(answer(), 0..24),
        lives in proptest::collection::vec(0..40_usize, 0..8),
    ) {
        let stage = match is_helicone {
            true => Stage::helicone(turns, "maxRetries = 1"),
            false => Stage::otlp(turns, ""),
        };
        let stage = stage.in_batches_of(batch);
        // In the end all goes well.
        let mut answers = answers.into_iter().chain(std::iter::repeat(Answer::Well));
        stage.receiver.script(move |_| answers.next().unwrap_or(Answer::Well));
        stage.deliver_dying(&lives);
        prop_assert_eq!(stage.waiting(), 0);
        for letter in stage.letters() {
            prop_assert_eq!(letter.reason, "answered 400");
        }
        // What was refused goes as soon as somebody asks for it, and only what is left of it.
        stage.receiver.always(Answer::Well);
        stage.tape().retry(&Which::All).unwrap();
        stage.deliver();
        stage.all_arrived_once();
    }
}
