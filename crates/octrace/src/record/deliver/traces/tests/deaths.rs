//! Whoever delivers dies, at every point that there is, and again.

use octrace_store::delivery::{DeliveryId, Which};
use octrace_testkit::{Answer, Received, Response};
use proptest::prelude::*;

use super::*;

/// What is to be there in the end.
type Check = fn(&Stage);

#[test]
fn whoever_dies_at_any_point_all_arrives_and_nothing_that_was_accepted_is_repeated() {
    // Of logs, of spans, and of spans one turn of which is refused with all that are with it.
    let refusing = |received: &Received| match has(received, "msg_ses_1_0001") {
        true => Response::new(400, "not this one"),
        false => Response::new(200, ""),
    };
    let all: Check = Stage::all_arrived_once;
    let but_one: Check = |stage| {
        let letters = stage.letters();
        assert_eq!((stage.waiting(), letters.len()), (0, 1), "{letters:?}");
        assert_eq!(letters[0].item, "ses_1/msg_ses_1_0001a");
        assert_eq!(stage.accepted().len(), 2 * 3);
    };
    let stages: [(&dyn Fn() -> Stage, Check); 3] = [
        (&|| Stage::helicone(3, ""), all),
        (&|| Stage::otlp(3, ""), all),
        (&|| Stage::otlp_by(3, refusing), but_one),
    ];
    let mut points = 0;
    for (stage, check) in stages {
        let steps = stage().steps();
        assert!(steps > 4);
        for at in 0..steps {
            let stage = stage();
            stage.deliver_dying(&[at]);
            assert_eq!(stage.deaths(), 1);
            check(&stage);
        }
        points += steps;
    }
    assert!(points > 60, "{points}");
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
        answers in proptest::collection::vec(answer(), 0..24),
        lives in proptest::collection::vec(0..40_usize, 0..8),
    ) {
        let stage = match is_helicone {
            true => Stage::helicone(turns, "maxRetries = 1"),
            false => Stage::otlp(turns, ""),
        };
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
