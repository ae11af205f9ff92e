//! What stands in the three files.

use octrace_core::{
    exchange::{Outcome, Summary, Timing},
    provider::Dialect,
};
use octrace_store::read::ExchangeDetail;
use serde_json::Value;

use crate::dump::{Trio, stem};

const SSE: &str = "text/event-stream";
const JSON: &str = "application/json";

fn exchange(dialect: &str, request: &str, answered_as: &str, response: &str) -> ExchangeDetail {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    ExchangeDetail {
        summary: Summary {
            id: 12,
            dialect: Dialect::parse(dialect),
            method: "POST".into(),
            url: "https://api.example/v1/x".into(),
            status: Some(200),
            outcome: Outcome::Complete,
            timing: Timing {
                sent_us: 1_795_183_456_123_456,
                end_after_us: Some(1_234_567),
                ..Timing::default()
            },
            request_bytes: request.len() as u64,
            response_bytes: response.len() as u64,
            ..Summary::default()
        },
        request_headers: vec![header("content-type", JSON), header("authorization", "[REDACTED]")],
        request_body: request.into(),
        response_headers: vec![header("content-type", answered_as)],
        status_text: Some("OK".into()),
        response_body: response.into(),
        ..ExchangeDetail::default()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Format, body, error and reason of `.response.json`, and the anomalies.
fn response(exchange: &ExchangeDetail) -> String {
    let trio = Trio::of(exchange).unwrap();
    let file: Value = serde_json::from_slice(&trio.response).unwrap();
    let mut shown = format!("{} {}", file["bodyFormat"].as_str().unwrap(), file["body"]);
    for field in ["bodyReadError", "bodyOmittedReason", "toolCalls", "lossy"] {
        match &file[field] {
            Value::Null => {}
            said => shown.push_str(&format!(" {field}: {said}")),
        }
    }
    for anomaly in trio.anomalies {
        shown.push_str(&format!("\n{}: {}", anomaly.phase.as_str(), anomaly.message));
    }
    shown
}

fn events(data: &[&str]) -> String {
    data.iter().map(|data| format!("data: {data}\n\n")).collect()
}

#[test]
fn a_stream_is_kept_as_what_it_says() {
    let stream = events(&[
        r#"{"type":"message_start","message":{"model":"m","usage":{"input_tokens":3,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo."}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    let request = r#"{"model":"m","system":"s","messages":[{"role":"user","content":"1.50"}]}"#;
    let trio = Trio::of(&exchange("anthropic", request, SSE, &stream)).unwrap();
    assert_eq!(trio.anomalies, []);
    assert_eq!(stem(1, trio.kind, trio.sent_us), "001-anthropic-2026-11-20T14-04-16-123Z");
    insta::assert_snapshot!(text(&trio.request), @r#"
    {
      "headers": {
        "content-type": "application/json",
        "authorization": "[REDACTED]"
      },
      "body": {"model":"m","system":"s","messages":[{"role":"user","content":"1.50"}]}
    }
    "#);
    insta::assert_snapshot!(text(&trio.response), @r#"
    {
      "status": 200,
      "statusText": "OK",
      "headers": {
        "content-type": "text/event-stream"
      },
      "body": "Hello.",
      "bodyFormat": "replay-text",
      "bodyReadError": null,
      "bodyOmittedReason": null
    }
    "#);
    insta::assert_snapshot!(text(&trio.meta), @r#"
    {
      "timestamp": "2026-11-20T14:04:16.123Z",
      "url": "https://api.example/v1/x",
      "method": "POST",
      "status": 200,
      "contentType": "text/event-stream",
      "durationMs": 1234,
      "requestBytes": 72,
      "responseBytes": 499,
      "capturedBytes": 571
    }
    "#);
}

#[test]
fn a_stream_that_only_calls_tools_shows_them() {
    let stream = events(&[
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"bash","arguments":"{\"comm"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"and\":\"ls\"}"}},{"index":1,"id":"c2","function":{"name":"read","arguments":"{\"cut"}}]},"finish_reason":"tool_calls"}]}"#,
        "[DONE]",
    ]);
    let mut called = exchange("openai-chat", "{}", SSE, &stream);
    let calls = r#"toolCalls: [{"arguments":{"command":"ls"},"name":"bash"},{"arguments":"{\"cut","name":"read"}]"#;
    let replayed = response(&called);
    assert!(replayed.starts_with(&format!("replay-text \"\" {calls}")), "{replayed}");
    called.summary.outcome = Outcome::Aborted;
    called.summary.error = Some("aborted".to_owned());
    assert_eq!(response(&called), format!(r#"read-error "" bodyReadError: "aborted" {calls}"#));
}

#[test]
fn text_that_is_not_utf_8_is_marked() {
    let stream = events(&[
        r#"{"choices":[{"index":0,"delta":{"content":"Hel"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"l?."},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ]);
    let mut odd = exchange("openai-chat", "{}", SSE, &stream);
    assert!(!response(&odd).contains("lossy"));
    for byte in odd.response_body.iter_mut().filter(|byte| **byte == b'?') {
        *byte = 0xff;
    }
    insta::assert_snapshot!(response(&odd), @r#"
    replay-text "Hell�." lossy: true
    capture/response-parse: request #12: event 2 is not UTF-8
    "#);
}

#[test]
fn each_dialect_has_its_kind_and_its_text() {
    let chat = events(&[
        r#"{"choices":[{"index":0,"delta":{"content":"Hel"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"lo."},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ]);
    let responses = events(&[
        r#"{"type":"response.output_text.delta","item_id":"i","output_index":0,"content_index":0,"delta":"Hello."}"#,
        r#"{"type":"response.completed","response":{"status":"completed","output":[]}}"#,
    ]);
    let gemini = events(&[
        r#"{"candidates":[{"content":{"parts":[{"text":"Hello."}],"role":"model"},"finishReason":"STOP"}]}"#,
    ]);
    let kind = |exchange: &ExchangeDetail| Trio::of(exchange).unwrap().kind;
    for (dialect, stream, expect) in [
        ("openai-chat", &chat, "openai"),
        ("openai-responses", &responses, "openai"),
        ("gemini", &gemini, "generic"),
    ] {
        let streamed = exchange(dialect, "{}", SSE, stream);
        assert_eq!(
            (kind(&streamed), response(&streamed).as_str()),
            (expect, r#"replay-text "Hello.""#)
        );
    }
    for (dialect, whole) in [
        ("anthropic", r#"{"content":[{"type":"text","text":"Hello."}],"n":1.50}"#),
        ("openai-chat", r#"{"choices":[{"message":{"content":"Hello."}}],"n":1.50}"#),
        ("openai-responses", r#"{"output":[],"n":1.50}"#),
        ("gemini", r#"[{"candidates":[],"n":1.50}]"#),
        ("unknown", r#"{"n":1.50}"#),
    ] {
        let trio = Trio::of(&exchange(dialect, "{}", JSON, whole)).unwrap();
        // As it was sent, not as we would print it.
        assert!(text(&trio.response).contains(&format!("\"body\": {whole}")), "{dialect}");
        assert_eq!(trio.anomalies, []);
    }
    assert_eq!(kind(&exchange("unknown", "{}", JSON, "{}")), "generic");
}

#[test]
fn errors_say_what_the_provider_said() {
    let body = r#"{"error":{"message":"invalid x-api-key"}}"#;
    let mut refused = exchange("anthropic", "{}", JSON, body);
    refused.summary.status = Some(401);
    refused.status_text = Some("Unauthorized".into());
    assert_eq!(response(&refused), format!("json {body}"));
    let mut page = exchange("openai-chat", "{}", "text/html", "<html><title>502</title></html>");
    page.summary.status = Some(500);
    insta::assert_snapshot!(response(&page), @r#"omitted null bodyOmittedReason: "an HTML page is not kept""#);
    let stream = events(&[
        r#"{"choices":[{"index":0,"delta":{"content":"Hel"}}]}"#,
        r#"{"error":{"message":"overloaded"}}"#,
    ]);
    insta::assert_snapshot!(response(&exchange("openai-chat", "{}", SSE, &stream)), @r#"replay-text "Hel" bodyReadError: "overloaded""#);
}

#[test]
fn what_cannot_be_kept_says_why() {
    let kept = |dialect, answered_as, body| response(&exchange(dialect, "{}", answered_as, body));
    insta::assert_snapshot!(kept("anthropic", JSON, ""), @"empty null");
    insta::assert_snapshot!(kept("anthropic", "text/plain", "upstream connect error"), @r#"omitted null bodyOmittedReason: "plain text is not kept""#);
    insta::assert_snapshot!(kept("anthropic", JSON, "upstream connect error"), @r#"
    omitted null bodyOmittedReason: "plain text is not kept"
    capture/response-parse: request #12: its response is not the JSON that it promises
    "#);
    insta::assert_snapshot!(kept("anthropic", JSON, "{\"content\": nothing}"), @r#"
    omitted null bodyOmittedReason: "the body is malformed JSON"
    capture/response-parse: request #12: its response is malformed JSON
    "#);
    insta::assert_snapshot!(kept("anthropic", "application/octet-stream", "\0\0\u{1}"), @r#"omitted null bodyOmittedReason: "the body is neither text nor JSON""#);
    insta::assert_snapshot!(kept("anthropic", SSE, "data: {\"type\":\n\ndata: oops\n\n"), @r#"
    omitted null bodyOmittedReason: "the event stream is malformed"
    capture/response-parse: request #12: event 1, which ends at byte 16, breaks off
    "#);
    insta::assert_snapshot!(kept("unknown", SSE, "data: {\"text\":\"x\"}\n\n"), @r#"omitted null bodyOmittedReason: "an event stream of an unknown dialect cannot be replayed""#);
    let mut compressed = exchange("anthropic", "{}", JSON, "");
    compressed.response_body = b"\x1f\x8b\x08\0".to_vec();
    insta::assert_snapshot!(response(&compressed), @r#"omitted null bodyOmittedReason: "the body is still compressed""#);
}

#[test]
fn a_response_that_is_not_whole_says_what_there_was() {
    let stream = events(&[r#"{"choices":[{"index":0,"delta":{"content":"Hel"}}]}"#]);
    let broken = |outcome, error: Option<&str>| {
        let mut exchange = exchange("openai-chat", "{}", SSE, &stream);
        exchange.summary.outcome = outcome;
        exchange.summary.error = error.map(str::to_owned);
        exchange
    };
    insta::assert_snapshot!(response(&broken(Outcome::Cut, Some("terminated (ECONNRESET)"))), @r#"
    read-error "Hel" bodyReadError: "terminated (ECONNRESET)"
    capture/response-read: request #12: its response is not whole
    "#);
    insta::assert_snapshot!(response(&broken(Outcome::Aborted, None)), @r#"read-error "Hel" bodyReadError: "the request was aborted""#);
    let mut partly = broken(Outcome::Complete, None);
    partly.response_cut = true;
    partly.summary.response_bytes = 1 << 30;
    insta::assert_snapshot!(response(&partly), @r#"
    read-error "Hel" bodyReadError: "59 of 1073741824 bytes were recorded"
    capture/response-read: request #12: its response is not whole
    "#);
    let mut failed = exchange("openai-chat", "{}", "", "");
    failed.summary.outcome = Outcome::Failed;
    failed.summary.error = Some("Unable to connect (ConnectionRefused)".into());
    failed.summary.status = None;
    failed.status_text = None;
    failed.response_headers.clear();
    let trio = Trio::of(&failed).unwrap();
    insta::assert_snapshot!(text(&trio.response), @r#"
    {
      "status": null,
      "statusText": null,
      "headers": {},
      "body": null,
      "bodyFormat": "read-error",
      "bodyReadError": "Unable to connect (ConnectionRefused)",
      "bodyOmittedReason": null
    }
    "#);
    insta::assert_snapshot!(text(&trio.meta), @r#"
    {
      "timestamp": "2026-11-20T14:04:16.123Z",
      "url": "https://api.example/v1/x",
      "method": "POST",
      "status": null,
      "contentType": null,
      "durationMs": 1234,
      "requestBytes": 2,
      "responseBytes": 0,
      "capturedBytes": 2
    }
    "#);
}

#[test]
fn a_request_is_kept_if_it_is_json_and_headers_that_come_twice_are_joined() {
    let mut odd = exchange("unknown", "a=1&b=2", JSON, "{}");
    odd.request_headers.push(("Content-Type".into(), "text/x".into()));
    insta::assert_snapshot!(text(&Trio::of(&odd).unwrap().request), @r#"
    {
      "headers": {
        "content-type": "application/json, text/x",
        "authorization": "[REDACTED]"
      },
      "body": null,
      "bodyOmittedReason": "the body is not JSON, and plain text is not kept"
    }
    "#);
    let mut cut = exchange("anthropic", "{\"messages\":[", JSON, "{}");
    cut.request_cut = true;
    let file: Value = serde_json::from_slice(&Trio::of(&cut).unwrap().request).unwrap();
    assert_eq!(file["bodyOmittedReason"], "the body was not recorded whole");
    let none = Trio::of(&exchange("unknown", "", JSON, "{}")).unwrap();
    let file: Value = serde_json::from_slice(&none.request).unwrap();
    assert_eq!((&file["body"], file.get("bodyOmittedReason")), (&Value::Null, None));
}
