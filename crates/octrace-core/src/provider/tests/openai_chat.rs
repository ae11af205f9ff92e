//! Chat completions.

use super::*;

const CHAT: Dialect = Dialect::OpenaiChat;

fn text_stream() -> String {
    events(&[
        r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","model":"gpt-x","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-1","model":"gpt-x","choices":[{"index":0,"delta":{"content":"Grüße, "},"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-1","model":"gpt-x","choices":[{"index":0,"delta":{"content":"Welt 🌍"},"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-1","model":"gpt-x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        r#"{"id":"chatcmpl-1","model":"gpt-x","choices":[],"usage":{"prompt_tokens":106,"completion_tokens":20,"total_tokens":126,"prompt_tokens_details":{"cached_tokens":10},"completion_tokens_details":{"reasoning_tokens":5}}}"#,
        "[DONE]",
    ])
}

fn parallel_calls() -> String {
    events(&[
        r#"{"model":"m","choices":[{"delta":{"reasoning_content":"Two files."}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"read","arguments":""}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"bash","arguments":"{\"c"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"path\":"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":"md\":1}"}},{"index":0,"function":{"arguments":"\"a\"}"}}]}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        "[DONE]",
    ])
}

#[test]
fn text() {
    check_stream(CHAT, &text_stream());
    insta::assert_snapshot!(read(CHAT, SSE, &text_stream()), @"
    text: Grüße, Welt 🌍
    usage: 106 in (10 read, 0 written), 20 out (5 reasoning)
    finish: stop
    model: gpt-x
    first content: byte 283
    ");
}

#[test]
fn parallel_calls_in_fragments() {
    check_stream(CHAT, &parallel_calls());
    insta::assert_snapshot!(read(CHAT, SSE, &parallel_calls()), @r#"
    reasoning: Two files.
    call: "call_a" read `{"path":"a"}`
    call: "call_b" bash `{"cmd":1}`
    finish: tool_calls
    model: m
    first content: byte 78
    "#);
}

#[test]
fn a_whole_completion() {
    let body = r#"{"object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","reasoning":"Hm.",
        "tool_calls":[{"id":"a","type":"function","function":{"name":"ls","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"ls","arguments":"{\"d\":1}"}}]},
        "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#;
    insta::assert_snapshot!(read(CHAT, JSON, body), @r#"
    text: Hi
    reasoning: Hm.
    call: "a" ls `{}`
    call: "b" ls `{"d":1}`
    usage: 9 in (0 read, 0 written), 2 out (0 reasoning)
    finish: tool_calls
    model: m
    "#);
}

#[test]
fn what_compatible_servers_do() {
    // Reasoning under two names, typed content, calls that all have index 0 or none.
    let body = events(&[
        r#"{"choices":[{"delta":{"reasoning":"think","reasoning_content":"think"}}]}"#,
        r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":" hard"}]},{"type":"text","text":"done"}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"x","arguments":"{}"}},{"index":0,"id":"b","function":{"name":"y","arguments":{"k":1}}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"x","arguments":"1"}},{"function":{"name":"x","arguments":"2"}}]}}]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"an alternative"}}]}"#,
        r#"{"choices":[{"delta":{"content":"half \ud83d"},"finish_reason":"stop"}],"error":{}}"#,
    ]);
    insta::assert_snapshot!(read(CHAT, SSE, &body), @r#"
    text: donehalf ���
    reasoning: think hard
    call: "a" x `{}`
    call: "b" y `{"k":1}`
    call: "" x `1`
    call: "" x `2`
    finish: stop
    first content: byte 81
    "#);
}

#[test]
fn counts_in_other_places() {
    for (usage, expect) in [
        (
            r#"{"prompt_tokens":50,"completion_tokens":5,"prompt_cache_hit_tokens":40}"#,
            "50 in (40 read, 0 written), 5 out (0 reasoning)",
        ),
        (
            r#"{"prompt_tokens":50,"completion_tokens":5,"cached_tokens":30}"#,
            "50 in (30 read, 0 written), 5 out (0 reasoning)",
        ),
        (
            r#"{"prompt_tokens":50,"completion_tokens":5,"total_tokens":75,"completion_tokens_details":{"reasoning_tokens":20}}"#,
            "50 in (0 read, 0 written), 25 out (20 reasoning)",
        ),
        (
            r#"{"prompt_tokens":50.0,"completion_tokens":-1,"prompt_tokens_details":{"cache_write_tokens":7}}"#,
            "50 in (0 read, 7 written), 0 out (0 reasoning)",
        ),
        (
            r#"{"prompt_tokens":"many","completion_tokens":3,"prompt_tokens_details":null}"#,
            "0 in (0 read, 0 written), 3 out (0 reasoning)",
        ),
    ] {
        let body = format!(r#"{{"choices":[{{"message":{{"content":""}}}}],"usage":{usage}}}"#);
        assert_eq!(read(CHAT, JSON, &body), format!("usage: {expect}\n"), "{usage}");
    }
    let body = r#"{"choices":[{"message":{"content":"x"}}],"usage":{}}"#;
    assert_eq!(read(CHAT, JSON, body), "text: x\n");
}

#[test]
fn an_error_inside_the_stream() {
    let body = events(&[
        r#"{"model":"m","choices":[{"delta":{"content":"Let me"}}]}"#,
        r#"{"error":{"message":"The server had an error","type":"server_error","code":null}}"#,
    ]);
    check_stream(CHAT, &body);
    insta::assert_snapshot!(read(CHAT, SSE, &body), @"
    text: Let me
    model: m
    error: The server had an error
    first content: byte 64
    ");
}

#[test]
fn a_stream_without_its_end() {
    let unfinished = events(&[r#"{"choices":[{"delta":{"content":"a"}}]}"#]);
    insta::assert_snapshot!(read(CHAT, SSE, &unfinished), @"
    text: a
    first content: byte 47
    problem: the stream ended without [DONE] or a finish reason
    ");
    let without_done =
        events(&[r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#]);
    insta::assert_snapshot!(read(CHAT, SSE, &without_done), @"
    text: a
    finish: stop
    first content: byte 70
    ");
    let inside_an_event = format!("{without_done}data: {{\"cho");
    insta::assert_snapshot!(read(CHAT, SSE, &inside_an_event), @"
    text: a
    finish: stop
    first content: byte 70
    problem: event 2, which ends at byte 81, breaks off
    ");
}

#[test]
fn requests() {
    let body = br#"{"model":"gpt-x","stream":true,"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text"}]}],"tools":[{"type":"function","function":{"name":"a"}},{"type":"function"}]}"#;
    let expect = Ask {
        model: Some("gpt-x".to_owned()),
        messages: 2,
        tools: 2,
        stream: Some(true),
        problems: vec![],
    };
    assert_eq!(read_request(CHAT, body), expect);
    let cut = read_request(CHAT, &body[..80]);
    assert_eq!((cut.model, cut.messages), (expect.model, 2));
    assert_eq!(cut.problems, ["the request stops being JSON at byte 76"]);
    for (body, problem) in [
        ("", "the request's body is empty"),
        ("{}", "the request has no `messages`"),
        ("[]", "the request has no `messages`"),
        ("hello", "the request stops being JSON at byte 0"),
    ] {
        assert_eq!(read_request(CHAT, body.as_bytes()).problems, [problem]);
    }
}
