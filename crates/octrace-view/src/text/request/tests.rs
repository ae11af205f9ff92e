//! Exchanges in, what the user sees out.

use octrace_core::{
    exchange::{Outcome, Summary, Timing},
    provider::{Dialect, Usage},
};
use proptest::prelude::*;

use super::*;
use crate::json;

const STREAM: &str = "\
data: {\"choices\":[{\"delta\":{\"content\":\"Hello \"}}]}\n\n\
data: {\"choices\":[{\"delta\":{\"content\":\"there.\\u001b[2J\"}}]}\n\n\
data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"function\":{\"name\":\"bash\",\"arguments\":\"{\\\"command\\\":\\\"ls\\\"}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n\
data: {\"choices\":[],\"usage\":{\"prompt_tokens\":106,\"completion_tokens\":20}}\n\n\
data: [DONE]\n\n";

fn detail() -> ExchangeDetail {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let body = format!(
        r#"{{"model":"m1","stream":true,"n":1.50,"messages":[{{"role":"system","content":"{}"}},{{"role":"user","content":"hi\u001b[1m"}}],"tools":[],"a":{{}}}}"#,
        "long ".repeat(120)
    );
    ExchangeDetail {
        summary: Summary {
            id: 12,
            session: "ses_e07ccbea3ffeBB3KYdJh7Puf9E".to_owned(),
            message: Some("msg_u1".to_owned()),
            assistant: Some("msg_a1".to_owned()),
            agent: Some("build".to_owned()),
            provider: Some("mock".to_owned()),
            model: Some("m1".to_owned()),
            dialect: Dialect::OpenaiChat,
            method: "POST".to_owned(),
            url: "http://127.0.0.1:18080/v1/chat/completions".to_owned(),
            status: Some(200),
            outcome: Outcome::Complete,
            timing: Timing {
                sent_us: 1_795_164_558_659_000,
                head_after_us: Some(301_000),
                first_byte_after_us: Some(302_000),
                first_content_after_us: Some(310_500),
                end_after_us: Some(1_204_000),
                longest_gap_us: Some(80_000),
            },
            request_bytes: body.len() as u64,
            response_bytes: STREAM.len() as u64,
            chunks: 5,
            usage: Some(Usage {
                input: 1_106,
                output: 20,
                reasoning: 7,
                cache_read: 1_000,
                cache_write: 0,
            }),
            cost_usd: Some(0.000_591),
            finish: Some("tool_calls".to_owned()),
            ..Summary::default()
        },
        request_headers: vec![
            header("content-type", "application/json"),
            header("authorization", "[REDACTED]"),
            header("x-odd", "a\x1b]0;owned\x07"),
        ],
        request_body: body.into_bytes(),
        response_headers: vec![header("content-type", "text/event-stream; charset=utf-8")],
        status_text: Some("OK".to_owned()),
        response_body: STREAM.as_bytes().to_vec(),
        ..ExchangeDetail::default()
    }
}

#[test]
fn one_exchange() {
    insta::assert_snapshot!(request(&detail(), &Style::plain()), @r#"
    #12 POST http://127.0.0.1:18080/v1/chat/completions
    200 OK

    session  ses_e07ccbea3ffeBB3KYdJh7Puf9E
    purpose  main, agent build
    model    mock/m1
    prompt   msg_u1
    answer   msg_a1
    sent     2026-11-20 08:49:18
    times    head after 301ms, first byte 302ms, first content 311ms, end 1.20s, longest gap 80ms
    tokens   1,106 in (1,000 from cache), 20 out (7 reasoning)
    cost     $0.0006
    stopped  tool_calls
    size     739 B sent, 367 B received in 5 chunks

    ── request headers ─────────────────────────────────────────────────────
    content-type: application/json
    authorization: [REDACTED]
    x-odd: a␛]0;owned␇

    ── response headers ────────────────────────────────────────────────────
    content-type: text/event-stream; charset=utf-8

    ── request (739 B) ─────────────────────────────────────────────────────
    model: "m1"
    stream: true
    n: 1.50
    a: {}
    0 tools

    system
      long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long … (120 more characters)

    user
      hi␛[1m

    ── answer (367 B) ──────────────────────────────────────────────────────
    Hello there.␛[2J
    tool call bash call_1
    {
      "command": "ls"
    }

    Long strings are shortened; octrace request 12 --body shows all.
    "#);
}

#[test]
fn an_error_answer_is_shown_as_it_came() {
    let mut detail = detail();
    detail.summary.status = Some(401);
    detail.summary.error = Some("mock error 401".to_owned());
    detail.status_text = Some("Unauthorized".to_owned());
    detail.response_headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    detail.response_body = br#"{"error":{"message":"mock error 401","code":null}}"#.to_vec();
    insta::assert_snapshot!(response(&detail, &Style::plain()), @r#"
    #12 POST http://127.0.0.1:18080/v1/chat/completions
    401 Unauthorized: mock error 401
    content-type: application/json

    {
      "error": {
        "message": "mock error 401",
        "code": null
      }
    }
    "#);
}

#[test]
fn nothing_came_back() {
    let mut detail = detail();
    detail.summary.status = None;
    detail.summary.outcome = Outcome::Waiting;
    detail.status_text = None;
    detail.response_body.clear();
    detail.response_headers.clear();
    let text = response(&detail, &Style::plain());
    insta::assert_snapshot!(text, @"
    #12 POST http://127.0.0.1:18080/v1/chat/completions
    waiting…

    (none yet)
    ");
}

#[test]
fn a_body_is_whole_and_as_it_was_sent() {
    let mut detail = detail();
    detail.request_body =
        br#"{"a":1.50,"a":"\u00e4","deep":[[],[1,{"b":null}]], "broken":tr"#.to_vec();
    detail.request_cut = true;
    insta::assert_snapshot!(body(&detail, &Style::plain()), @r#"
    {
      "a": 1.50,
      "a": "\u00e4",
      "deep": [
        [],
        [
          1,
          {
            "b": null
          }
        ]
      ],
      "broken":
    tr
    (from byte 60 on this is not JSON)
    (the recording has only this part of the body)
    "#);
    assert_eq!(raw_request(&detail), detail.request_body);
    detail.request_body = vec![0, 159, 146, 150, 0, 0];
    insta::assert_snapshot!(body(&detail, &Style::plain()), @"
    (6 bytes that are not text)
    (the recording has only this part of the body)
    ");
    detail.request_body = "plain \x1b[2J text".into();
    insta::assert_snapshot!(body(&detail, &Style::plain()), @"
    plain ␛[2J text
    (the recording has only this part of the body)
    ");
}

#[test]
fn json_for_scripts() {
    let mut detail = detail();
    detail.request_body = "{\"n\":1.50,\"n\":\"\u{9b}31m\"}".into();
    insta::assert_snapshot!(json::request(&detail).unwrap(), @r#"
    {
      "exchange": {
        "id": 12,
        "session": "ses_e07ccbea3ffeBB3KYdJh7Puf9E",
        "message": "msg_u1",
        "assistant": "msg_a1",
        "agent": "build",
        "purpose": "main",
        "provider": "mock",
        "model": "m1",
        "dialect": "openai-chat",
        "method": "POST",
        "url": "http://127.0.0.1:18080/v1/chat/completions",
        "status": 200,
        "outcome": "complete",
        "error": null,
        "sent_us": 1795164558659000,
        "head_after_us": 301000,
        "first_byte_after_us": 302000,
        "first_content_after_us": 310500,
        "end_after_us": 1204000,
        "longest_gap_us": 80000,
        "request_bytes": 739,
        "response_bytes": 367,
        "chunks": 5,
        "usage": {
          "input": 1106,
          "output": 20,
          "reasoning": 7,
          "cache_read": 1000,
          "cache_write": 0
        },
        "cost_usd": 0.000591,
        "finish": "tool_calls",
        "problems": []
      },
      "request": {
        "headers": [
          [
            "content-type",
            "application/json"
          ],
          [
            "authorization",
            "[REDACTED]"
          ],
          [
            "x-odd",
            "a\u001b]0;owned\u0007"
          ]
        ],
        "body": {"n":1.50,"n":"\u009b31m"},
        "body_text": null,
        "cut": false
      },
      "response": {
        "headers": [
          [
            "content-type",
            "text/event-stream; charset=utf-8"
          ]
        ],
        "body": null,
        "body_text": "data: {\"choices\":[{\"delta\":{\"content\":\"Hello \"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"there.\\u001b[2J\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"function\":{\"name\":\"bash\",\"arguments\":\"{\\\"command\\\":\\\"ls\\\"}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":106,\"completion_tokens\":20}}\n\ndata: [DONE]\n\n",
        "cut": false
      },
      "answer": {
        "text": "Hello there.\u001b[2J",
        "reasoning": "",
        "tool_calls": [
          {
            "id": "call_1",
            "name": "bash",
            "arguments": "{\"command\":\"ls\"}"
          }
        ],
        "usage": {
          "input": 106,
          "output": 20,
          "reasoning": 0,
          "cache_read": 0,
          "cache_write": 0
        },
        "finish": "tool_calls",
        "model": null,
        "error": null,
        "first_content_at": 52,
        "problems": []
      }
    }
    "#);
}

proptest! {
    #[test]
    fn any_bytes_are_shown_harmlessly(
        body_bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[\\[{]([\\[\\]{},:\"\\\\a-f0-9 \\n\\x1b\\x{9b}]|true|\"\"|\"a\":){0,60}".prop_map(String::into_bytes),
        ],
        header in ".{0,20}",
        limit in prop::option::of(0usize..40),
    ) {
        let mut detail = detail();
        detail.request_body = body_bytes.clone();
        detail.response_body = body_bytes.clone();
        detail.request_headers = vec![(header.clone(), header)];
        let style = Style::plain();
        let mut laid_out = String::new();
        pretty::pretty(&body_bytes, limit, &style, &mut laid_out);
        for text in [request(&detail, &style), response(&detail, &style), body(&detail, &style), laid_out,
            curl(&detail), json::request(&detail).unwrap()]
        {
            prop_assert!(text.chars().all(|char| char == '\n' || safe::is_harmless(char)), "{text:?}");
        }
    }

    #[test]
    fn a_layout_changes_white_space_only(keys in prop::collection::vec("\\PC{0,8}", 0..5), number: i64) {
        let value = serde_json::json!({"keys": keys, "number": number, "nested": [{}, [], {"a": [null]}]});
        let style = Style::plain();
        let mut text = String::new();
        pretty::pretty(value.to_string().as_bytes(), None, &style, &mut text);
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}

#[test]
fn depth_is_no_danger() {
    let mut detail = detail();
    detail.request_body = "[".repeat(100_000).into_bytes();
    assert!(body(&detail, &Style::plain()).contains("from byte 100,000 on this is not JSON"));
    assert!(json::request(&detail).is_ok());
}
