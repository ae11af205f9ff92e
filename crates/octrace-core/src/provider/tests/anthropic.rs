//! Messages.

use super::*;

const ANTHROPIC: Dialect = Dialect::Anthropic;

fn stream() -> String {
    [
        r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"claude-z","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type": "ping"}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"see."}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Two tools."}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"read","input":{}}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"path\": \"a"}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":".rs\"}"}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_2","name":"list","input":{}}}"#,
        r#"{"type":"content_block_stop","index":3}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89,"output_tokens_details":{"thinking_tokens":40}}}"#,
        r#"{"type":"message_stop"}"#,
    ]
    .map(|data| format!("event: e\ndata: {data}\n\n"))
    .concat()
}

#[test]
fn thinking_text_and_parallel_calls() {
    check_stream(ANTHROPIC, &stream());
    insta::assert_snapshot!(read(ANTHROPIC, SSE, &stream()), @r#"
    text: Two tools.
    reasoning: Let me see.
    call: "toolu_1" read `{"path": "a.rs"}`
    call: "toolu_2" list `{}`
    usage: 1125 in (1000 read, 100 written), 89 out (40 reasoning)
    finish: tool_use
    model: claude-z
    first content: byte 552
    "#);
}

#[test]
fn a_whole_message() {
    let body = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-z","content":[
        {"type":"thinking","thinking":"Hm.","signature":"c2ln"},{"type":"text","text":"Hi."},
        {"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}},
        {"type":"tool_use","id":"toolu_1","name":"read","input":{"n": 1.50}},{"type":"tool_use","id":"toolu_2","name":"list","input":{}}],
        "stop_reason":"tool_use","usage":{"input_tokens":5,"cache_read_input_tokens":7,"output_tokens":3}}"#;
    insta::assert_snapshot!(read(ANTHROPIC, JSON, body), @r#"
    text: Hi.
    reasoning: Hm.
    call: "toolu_1" read `{"n": 1.50}`
    call: "toolu_2" list `{}`
    usage: 12 in (7 read, 0 written), 3 out (0 reasoning)
    finish: tool_use
    model: claude-z
    "#);
}

#[test]
fn counts_that_come_at_the_end() {
    let body = events(&[
        r#"{"type":"message_start","message":{"model":"m","usage":{"input_tokens":0,"output_tokens":0}}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":10,"cache_read_input_tokens":90,"output_tokens":5}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":12,"cache_read_input_tokens":90,"output_tokens":8}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    insta::assert_snapshot!(read(ANTHROPIC, SSE, &body), @"
    usage: 102 in (90 read, 0 written), 8 out (0 reasoning)
    finish: end_turn
    model: m
    ");
}

#[test]
fn an_error_inside_the_stream() {
    let body = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\"}}\n\n\
        event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    insta::assert_snapshot!(read(ANTHROPIC, SSE, body), @"
    model: m
    error: Overloaded
    ");
    assert_eq!(read(ANTHROPIC, SSE, "event: error\ndata: gone away\n\n"), "error: gone away\n");
    assert_eq!(read(ANTHROPIC, SSE, "event: error\ndata: {\"detail\":\"x\"}\n\n"), "error: x\n");
}

#[test]
fn a_stream_without_its_end() {
    let stream = stream();
    let unfinished =
        stream.strip_suffix("event: e\ndata: {\"type\":\"message_stop\"}\n\n").unwrap();
    let answer = read_answer(ANTHROPIC, SSE, unfinished.as_bytes(), true);
    assert_eq!(answer.problems, ["the stream ended without message_stop"]);
}

#[test]
fn requests() {
    let ask = read_request(
        ANTHROPIC,
        br#"{"model":"claude-z","max_tokens":9,"stream":true,"system":[{"type":"text"}],"messages":[{"role":"user","content":"x"}],"tools":[{"name":"a"},{"name":"b"}]}"#,
    );
    assert_eq!((ask.messages, ask.tools, ask.stream, ask.problems.len()), (1, 2, Some(true), 0));
}
