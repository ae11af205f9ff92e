//! What answers mean.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;

use super::{Profile, options, pack, sample};
use crate::{
    http::{Answer, Verdict},
    otlp::judge,
};

fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer::new(status, body)
}

fn partial(rejected_spans: i64, message: &str) -> Vec<u8> {
    let partial_success =
        Some(ExportTracePartialSuccess { rejected_spans, error_message: message.to_owned() });
    ExportTraceServiceResponse { partial_success }.encode_to_vec()
}

#[test]
fn a_success_is_one_whatever_is_said_with_it() {
    for body in [vec![], b"ok".to_vec(), b"{}".to_vec(), vec![0xff; 9], partial(0, "a warning")] {
        assert_eq!(judge(&answer(200, body), b"", 0), Verdict::Accepted);
    }
}

#[test]
fn what_is_rejected_of_a_success_is_counted_and_not_sent_again() {
    let said = |of: &str| Verdict::Partly(format!("2 of {of} spans rejected (too old)"));
    for (profile, spans) in [(Profile::GenAi, "6"), (Profile::Neatlogs, "7")] {
        let sent = pack(&options(profile), &[sample::root()]).remove(0).body;
        let told = answer(200, partial(2, "too\nold"));
        assert_eq!(judge(&told, &sent, 0), said(spans));
        let json = r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}"#;
        assert_eq!(judge(&answer(200, json), &sent, 0), said(spans));
        let json = r#"{"partial_success":{"rejected_spans":2,"error_message":"too old"}}"#;
        assert_eq!(judge(&answer(200, json), &sent, 0), said(spans));
    }
    let verdict = judge(&answer(200, partial(2, "")), b"no request", 0);
    assert_eq!(verdict, Verdict::Partly("2 spans rejected".to_owned()));
}

#[test]
fn a_page_for_browsers_is_no_success_and_no_protobuf_is_such_a_page() {
    for page in ["<html>hello</html>", "\n<!DOCTYPE html><title>Sign in</title>"] {
        let why = "answered 200 with a page for browsers: it is no endpoint".to_owned();
        assert_eq!(judge(&answer(200, page), b"", 0), Verdict::Later { why, retry_after: None });
    }
    // The first two bytes of one of these are a line's end and `<`.
    for length in 0..100 {
        let told = answer(200, partial(0, &"<".repeat(length)));
        assert_eq!(judge(&told, b"", 0), Verdict::Accepted);
    }
}

#[test]
fn failures_say_why_in_protobuf_too() {
    let status = ExportTracePartialSuccess { rejected_spans: 3, error_message: "no".to_owned() };
    let why = "answered 400 (no)".to_owned();
    assert_eq!(judge(&answer(400, status.encode_to_vec()), b"", 0), Verdict::Refused(why.clone()));
    assert_eq!(judge(&answer(400, "no"), b"", 0), Verdict::Refused(why));
    let why = "answered 503".to_owned();
    assert_eq!(judge(&answer(503, ""), b"", 0), Verdict::Later { why, retry_after: None });
}
