//! The lines of one step in the life of an exchange.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use jiff::Timestamp;
use octrace_core::exchange::{Headers, Outcome, Timing, content_type};
use octrace_store::{follow::Step, read::ExchangeDetail};
use serde::Serialize;

use super::body;

/// Writes the lines that a step in the life of an exchange adds: one, or two for a response that broke off.
///
/// # Errors
/// When `out` fails.
pub fn write(out: &mut impl Write, step: Step, exchange: &ExchangeDetail) -> io::Result<()> {
    match step {
        Step::Begin => request(out, exchange),
        Step::End => {
            if exchange.summary.status.is_some() {
                response(out, exchange)?;
            }
            match exchange.summary.outcome {
                Outcome::Failed | Outcome::Cut | Outcome::Aborted => error(out, exchange),
                Outcome::Waiting | Outcome::Streaming | Outcome::Complete => Ok(()),
            }
        }
    }
}

fn request(out: &mut impl Write, exchange: &ExchangeDetail) -> io::Result<()> {
    begin(out, "request", exchange, exchange.summary.timing.sent_us)?;
    field(out, "headers", &joined(&exchange.request_headers))?;
    out.write_all(br#","body":"#)?;
    body::request(out, &exchange.request_body)?;
    end(out, exchange, exchange.request_cut)
}

fn response(out: &mut impl Write, exchange: &ExchangeDetail) -> io::Result<()> {
    begin(out, "response", exchange, ended_us(&exchange.summary.timing))?;
    field(out, "status", &exchange.summary.status)?;
    field(out, "statusText", exchange.status_text.as_deref().unwrap_or_default())?;
    field(out, "headers", &joined(&exchange.response_headers))?;
    out.write_all(br#","body":"#)?;
    body::response(out, &content_type(&exchange.response_headers), &exchange.response_body)?;
    end(out, exchange, exchange.response_cut || exchange.summary.outcome != Outcome::Complete)
}

fn error(out: &mut impl Write, exchange: &ExchangeDetail) -> io::Result<()> {
    begin(out, "error", exchange, ended_us(&exchange.summary.timing))?;
    let said = exchange.summary.error.as_deref().filter(|error| !error.is_empty());
    let error = said.unwrap_or(match exchange.summary.outcome {
        Outcome::Failed => "fetch failed",
        Outcome::Aborted => "aborted",
        _ => "the response broke off",
    });
    field(out, "error", error)?;
    end(out, exchange, false)
}

/// What all lines have first.
fn begin(
    out: &mut impl Write,
    kind: &str,
    exchange: &ExchangeDetail,
    at_us: i64,
) -> io::Result<()> {
    let row = &exchange.summary;
    // A clock that was set to the end of time is none.
    let at = Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH);
    write!(out, r#"{{"kind":"{kind}","id":{},"timestamp":"{at:.3}""#, exchange.ordinal)?;
    field(out, "sessionID", &row.session)?;
    field(out, "method", &row.method)?;
    field(out, "url", &row.url)
}

/// What is ours, and the end of the line.
fn end(out: &mut impl Write, exchange: &ExchangeDetail, cut: bool) -> io::Result<()> {
    let row = &exchange.summary;
    field(out, "exchange", &row.id)?;
    if let Some(agent) = &row.agent {
        field(out, "agent", agent)?;
    }
    field(out, "purpose", row.purpose.as_str())?;
    if cut {
        field(out, "cut", &true)?;
    }
    out.write_all(b"}\n")
}

fn field(out: &mut impl Write, name: &str, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    write!(out, r#","{name}":"#)?;
    serde_json::to_writer(out, value).map_err(io::Error::from)
}

/// As `fetch` lists headers: names in lower case and in their order, values of one name joined.
fn joined(headers: &Headers) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let all = joined.entry(name.to_ascii_lowercase()).or_default();
        if !all.is_empty() {
            all.push_str(", ");
        }
        all.push_str(value);
    }
    joined
}

/// The end of the response, or the last that is known of it.
fn ended_us(timing: &Timing) -> i64 {
    let moments = [
        timing.end_after_us,
        timing.first_content_after_us,
        timing.first_byte_after_us,
        timing.head_after_us,
    ];
    timing.sent_us.saturating_add(moments.into_iter().flatten().next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use octrace_core::exchange::Summary;

    use super::*;

    fn exchange(outcome: Outcome, status: Option<u16>) -> ExchangeDetail {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        ExchangeDetail {
            summary: Summary {
                id: 42,
                session: "ses_1".to_owned(),
                agent: Some("build".to_owned()),
                method: "POST".to_owned(),
                url: "https://api.example/v1/messages".to_owned(),
                outcome,
                status,
                timing: Timing {
                    sent_us: 1_777_084_869_000_999,
                    end_after_us: Some(1_000_000),
                    ..Timing::default()
                },
                ..Summary::default()
            },
            ordinal: 3,
            request_headers: vec![
                header("Content-Type", "application/json"),
                header("authorization", "[REDACTED]"),
                header("accept", "a"),
                header("Accept", "b"),
            ],
            request_body: b"{\n  \"z\": 1,\n  \"a\": [\"\\u00e9\"]\n}".to_vec(),
            response_headers: vec![header("content-type", "text/event-stream")],
            status_text: status.map(|_| "OK".to_owned()),
            response_body: b"event: x\ndata: {\"a\":1}\n\ndata: [DONE]\n\n".to_vec(),
            ..ExchangeDetail::default()
        }
    }

    fn lines(step: Step, exchange: &ExchangeDetail) -> String {
        let mut out = Vec::new();
        write(&mut out, step, exchange).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_request_and_its_streamed_response() {
        let exchange = exchange(Outcome::Complete, Some(200));
        insta::assert_snapshot!(lines(Step::Begin, &exchange), @r#"{"kind":"request","id":3,"timestamp":"2026-04-25T02:41:09.000Z","sessionID":"ses_1","method":"POST","url":"https://api.example/v1/messages","headers":{"accept":"a, b","authorization":"[REDACTED]","content-type":"application/json"},"body":{  "z": 1,  "a": ["\u00e9"]},"exchange":42,"agent":"build","purpose":"main"}"#);
        insta::assert_snapshot!(lines(Step::End, &exchange), @r#"{"kind":"response","id":3,"timestamp":"2026-04-25T02:41:10.000Z","sessionID":"ses_1","method":"POST","url":"https://api.example/v1/messages","status":200,"statusText":"OK","headers":{"content-type":"text/event-stream"},"body":{"events":[{"event":"x","data":{"a":1}},{"event":"message","data":"[DONE]"}]},"exchange":42,"agent":"build","purpose":"main"}"#);
    }

    #[test]
    fn what_goes_wrong_has_an_error_and_what_arrived() {
        let mut failed = exchange(Outcome::Failed, None);
        failed.summary.error = Some("Unable to connect (ConnectionRefused)".to_owned());
        insta::assert_snapshot!(lines(Step::End, &failed), @r#"{"kind":"error","id":3,"timestamp":"2026-04-25T02:41:10.000Z","sessionID":"ses_1","method":"POST","url":"https://api.example/v1/messages","error":"Unable to connect (ConnectionRefused)","exchange":42,"agent":"build","purpose":"main"}"#);
        let aborted = exchange(Outcome::Aborted, Some(200));
        insta::assert_snapshot!(lines(Step::End, &aborted), @r#"
        {"kind":"response","id":3,"timestamp":"2026-04-25T02:41:10.000Z","sessionID":"ses_1","method":"POST","url":"https://api.example/v1/messages","status":200,"statusText":"OK","headers":{"content-type":"text/event-stream"},"body":{"events":[{"event":"x","data":{"a":1}},{"event":"message","data":"[DONE]"}]},"exchange":42,"agent":"build","purpose":"main","cut":true}
        {"kind":"error","id":3,"timestamp":"2026-04-25T02:41:10.000Z","sessionID":"ses_1","method":"POST","url":"https://api.example/v1/messages","error":"aborted","exchange":42,"agent":"build","purpose":"main"}
        "#);
        let mut refused = exchange(Outcome::Complete, Some(401));
        refused.response_headers.clear();
        refused.response_body = br#"{"error":{"message":"no"}}"#.to_vec();
        insta::assert_snapshot!(lines(Step::End, &refused), @r#"{"kind":"response","id":3,"timestamp":"2026-04-25T02:41:10.000Z","sessionID":"ses_1","method":"POST","url":"https://api.example/v1/messages","status":401,"statusText":"OK","headers":{},"body":{"error":{"message":"no"}},"exchange":42,"agent":"build","purpose":"main"}"#);
    }

    #[test]
    fn a_time_that_cannot_be_is_the_beginning_of_time() {
        let mut exchange = exchange(Outcome::Complete, None);
        exchange.summary.timing.sent_us = i64::MAX;
        assert!(
            lines(Step::Begin, &exchange).contains(r#""timestamp":"1970-01-01T00:00:00.000Z""#)
        );
    }
}
