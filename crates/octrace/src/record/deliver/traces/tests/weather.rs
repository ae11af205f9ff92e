//! A backend that is away, busy, broken or wrong, and well an hour later.

use std::time::Duration;

use octrace_store::delivery::Which;
use octrace_testkit::{Answer, Response};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;

use super::{
    super::super::engine::{Next, Urge},
    *,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn says(status: u16, body: &str) -> Answer {
    Answer::Says(Response::new(status, body))
}

#[test]
fn a_turn_is_a_log_for_each_call_and_as_many_spans_and_one() {
    for (stage, requests, key) in [
        (Stage::helicone(3, ""), 6, ("authorization", format!("Bearer {KEY}"))),
        (Stage::otlp(3, ""), 1, ("x-api-key", KEY.to_owned())),
    ] {
        stage.deliver();
        let received = stage.receiver.received();
        assert_eq!(received.len(), requests);
        assert!(received.iter().all(|one| one.header(key.0) == Some(&key.1)));
        stage.all_arrived_once();
    }
}

#[test]
fn whatever_the_weather_was_all_arrives_an_hour_later_and_nothing_twice() {
    let weathers = [
        ("busy", says(429, "busy")),
        ("broken", says(500, "broken")),
        ("in maintenance", says(503, "<html>")),
        ("too slow for itself", says(408, "")),
        ("another key", says(401, "no such key")),
        ("another address", says(404, "")),
        ("moved", says(301, "")),
        ("the connection ends before the body", Answer::CutAsked),
        ("the connection ends without an answer", Answer::CutUnanswered),
        ("the connection ends within the answer", Answer::CutAnswered(Response::new(200, "ok"))),
    ];
    let stages: [fn() -> Stage; 2] = [|| Stage::helicone(3, ""), || Stage::otlp(3, "")];
    for (name, answer) in weathers {
        for stage in stages {
            let stage = stage();
            stage.receiver.always(answer.clone());
            stage.try_for(HOUR);
            let times = stage.receiver.received().len();
            assert!(
                (matches!(answer, Answer::CutAsked) || times > 5) && times < 50,
                "{name}: {times}"
            );
            assert_eq!((stage.waiting(), stage.letters().len()), (3, 0), "{name}");
            // Another process, with nothing but the tape.
            stage.receiver.always(Answer::Well);
            stage.deliver();
            stage.all_arrived_once();
        }
    }
}

#[test]
fn an_error_with_status_200_is_one() {
    let stage = Stage::helicone(2, "");
    stage.receiver.always(says(200, r#"{"error":"store failure"}"#));
    stage.try_for(HOUR);
    assert_eq!((stage.waiting(), stage.letters().len()), (2, 0));
    let error = stage.tape().destinations().unwrap()[0].error.clone().unwrap();
    assert!(error.contains("store failure"), "{error}");
    stage.receiver.always(Answer::Well);
    stage.deliver();
    // The first log was answered with 200 every time, so only the bodies tell.
    assert_eq!(stage.waiting(), 0);
}

#[test]
fn who_answers_a_byte_at_a_time_is_heard() {
    let stage = Stage::otlp(2, "");
    let answer = Response::new(200, "").header("content-type", "application/x-protobuf");
    stage.receiver.always(Answer::Slowly(answer, Duration::from_millis(1)));
    stage.deliver();
    stage.all_arrived_once();
}

#[test]
fn who_asks_for_peace_gets_it_also_from_a_new_process() {
    let stage = Stage::otlp(2, "");
    let mut times = 0;
    stage.receiver.script(move |_| {
        times += 1;
        match times {
            1 => Answer::Says(Response::new(429, "").header("retry-after", "600")),
            _ => Answer::Well,
        }
    });
    let mut first = stage.process();
    assert!(matches!(first.step(Urge::Now(None)).unwrap(), Next::Rest(_)));
    stage.go_on(Duration::from_secs(599));
    let mut second = stage.process();
    let seen = second.retry_us().unwrap();
    let left = Next::Rest(Duration::from_secs(1));
    assert_eq!(second.step(Urge::Now(seen)).unwrap(), left);
    assert_eq!(first.step(Urge::None).unwrap(), left);
    assert_eq!(stage.receiver.received().len(), 1);
    stage.go_on(Duration::from_secs(1));
    stage.deliver();
    assert_eq!(stage.receiver.received().len(), 2);
    stage.all_arrived_once();
}

#[test]
fn what_is_refused_for_ever_is_a_dead_letter_until_somebody_has_it_tried_again() {
    for status in [400, 413, 422] {
        let stage = Stage::helicone(2, "maxRetries = 2");
        stage.receiver.script(move |one| match one.header("helicone-session-path") {
            Some(path) if path.contains("tool-bash") => says(status, "I do not like it"),
            _ => Answer::Well,
        });
        stage.deliver();
        let letters = stage.letters();
        assert_eq!((stage.waiting(), letters.len()), (0, 2));
        let reason = format!("answered {status} (I do not like it)");
        assert!(letters.iter().all(|letter| letter.reason == reason), "{letters:?}");
        assert_eq!(stage.accepted().len(), 2, "the model calls");
        assert_eq!(stage.receiver.received().len(), 2 + 3 * 2, "each log of a tool three times");
        stage.receiver.always(Answer::Well);
        stage.tape().retry(&Which::All).unwrap();
        stage.deliver();
        stage.all_arrived_once();
    }
}

#[test]
fn of_turns_that_are_refused_together_only_the_guilty_one_is_given_up() {
    let stage = Stage::otlp_by(4, |received| match has(received, "msg_ses_1_0002") {
        true => Response::new(400, "not this one"),
        false => Response::new(200, ""),
    });
    stage.deliver();
    let letters = stage.letters();
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(letter.item, "ses_1/msg_ses_1_0002a");
    assert_eq!((letter.reason.as_str(), letter.attempts), ("answered 400 (not this one)", 6));
    assert_eq!(stage.accepted().len(), 3 * 3);
    assert!(stage.accepted().values().all(|times| *times == 1));
    assert_eq!(stage.waiting(), 0);
}

#[test]
fn what_is_accepted_in_part_is_never_sent_again() {
    let stage = Stage::otlp(2, "");
    let partial_success =
        Some(ExportTracePartialSuccess { rejected_spans: 2, error_message: "too old".to_owned() });
    let answer = ExportTraceServiceResponse { partial_success }.encode_to_vec();
    stage.receiver.always(Answer::Says(Response::new(200, answer)));
    for _ in 0..2 {
        stage.deliver();
        let letters = stage.letters();
        assert_eq!((stage.waiting(), letters.len()), (0, 2));
        let reason = "2 of 6 spans rejected (too old)";
        assert!(letters.iter().all(|letter| letter.reason == reason), "{letters:?}");
        assert_eq!(stage.receiver.received().len(), 1);
        stage.tape().retry(&Which::All).unwrap();
    }
}

#[test]
fn who_has_waited_too_long_is_given_up_while_the_backend_is_away() {
    let stage = Stage::helicone(2, "maxSpoolAge = 3600000");
    stage.receiver.is_down(true);
    stage.try_for(2 * HOUR);
    let letters = stage.letters();
    assert_eq!((stage.waiting(), letters.len()), (0, 2));
    assert!(letters.iter().all(|letter| letter.reason.contains("1 hour")), "{letters:?}");
}

#[test]
fn why_it_is_away_is_told_without_its_key() {
    let stage = Stage::otlp(1, "");
    stage.receiver.always(says(401, &format!("no such key: {KEY}")));
    stage.try_for(Duration::from_secs(1));
    let told = format!("{:?}", stage.tape().queue().unwrap());
    assert!(told.contains("answered 401") && !told.contains(KEY), "{told}");
}
