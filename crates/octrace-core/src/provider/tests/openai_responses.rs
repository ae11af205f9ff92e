//! Responses.

use super::*;

const RESPONSES: Dialect = Dialect::OpenaiResponses;

fn stream() -> String {
    [
        r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","model":"gpt-y","output":[],"usage":null,"error":null}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}"#,
        r#"{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"Plan."}"#,
        r#"{"type":"response.reasoning_summary_text.done","item_id":"rs_1","output_index":0,"summary_index":0,"text":"Plan."}"#,
        r#"{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":1,"part":{"type":"summary_text","text":""}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":1,"delta":"Do."}"#,
        r#"{"type":"response.output_item.added","output_index":1,"item":{"id":"msg_1","type":"message","status":"in_progress","content":[],"role":"assistant"}}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"Reading"}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":" both."}"#,
        r#"{"type":"response.output_text.done","item_id":"msg_1","output_index":1,"content_index":0,"text":"Reading both."}"#,
        r#"{"type":"response.output_item.added","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"read","arguments":""}}"#,
        r#"{"type":"response.output_item.added","output_index":3,"item":{"id":"fc_2","type":"function_call","call_id":"call_2","name":"bash","arguments":""}}"#,
        r#"{"type":"response.function_call_arguments.delta","item_id":"fc_2","output_index":3,"delta":"{\"c\":"}"#,
        r#"{"type":"response.function_call_arguments.delta","item_id":"other","output_index":2,"delta":"{\"p\":1}"}"#,
        r#"{"type":"response.function_call_arguments.delta","item_id":"fc_2","output_index":3,"delta":"2}"}"#,
        r#"{"type":"response.function_call_arguments.done","item_id":"fc_2","output_index":3,"arguments":"{\"c\":2}"}"#,
        r#"{"type":"response.output_item.done","output_index":3,"item":{"id":"fc_2","type":"function_call","call_id":"call_2","name":"bash","arguments":"{\"c\":2}"}}"#,
        r#"{"type":"response.completed","response":{"id":"resp_1","object":"response","status":"completed","model":"gpt-y","error":null,"incomplete_details":null,"output":[{"type":"message","content":[{"type":"output_text","text":"Reading both."}]}],"usage":{"input_tokens":75,"input_tokens_details":{"cached_tokens":32},"output_tokens":120,"output_tokens_details":{"reasoning_tokens":64},"total_tokens":195}}}"#,
    ]
    .map(|data| format!("event: e\r\ndata: {data}\r\n\r\n"))
    .concat()
}

#[test]
fn reasoning_text_and_parallel_calls() {
    insta::assert_snapshot!(read(RESPONSES, SSE, &stream()), @r#"
    text: Reading both.
    reasoning: Plan.

    Do.
    call: "call_1" read `{"p":1}`
    call: "call_2" bash `{"c":2}`
    usage: 75 in (32 read, 0 written), 120 out (64 reasoning)
    finish: completed
    model: gpt-y
    first content: byte 615
    "#);
    check_stream(RESPONSES, &stream().replace('\r', ""));
}

#[test]
fn a_whole_response() {
    let body = r#"{"object":"response","status":"completed","model":"gpt-y","error":null,"incomplete_details":null,"output":[
        {"type":"reasoning","summary":[{"type":"summary_text","text":"A."},{"type":"summary_text","text":"B."}]},
        {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi."},{"type":"refusal","refusal":" No."}]},
        {"type":"function_call","id":"fc","call_id":"call_1","name":"read","arguments":"{}"},
        {"type":"custom_tool_call","id":"ctc","call_id":"call_2","name":"patch","input":"*** Begin"}],
        "usage":{"input_tokens":7,"output_tokens":3}}"#;
    insta::assert_snapshot!(read(RESPONSES, JSON, body), @r#"
    text: Hi. No.
    reasoning: A.

    B.
    call: "call_1" read `{}`
    call: "call_2" patch `*** Begin`
    usage: 7 in (0 read, 0 written), 3 out (0 reasoning)
    finish: completed
    model: gpt-y
    "#);
}

#[test]
fn a_final_response_alone_says_everything() {
    let body = events(&[
        r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"All at once"}]}]}}"#,
    ]);
    insta::assert_snapshot!(read(RESPONSES, SSE, &body), @"
    text: All at once
    finish: completed
    first content: byte 157
    ");
}

#[test]
fn ends_that_are_not_completed() {
    let incomplete = events(&[
        r#"{"type":"response.output_text.delta","output_index":0,"delta":"Once"}"#,
        r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"usage":{"input_tokens":1,"output_tokens":2}}}"#,
    ]);
    insta::assert_snapshot!(read(RESPONSES, SSE, &incomplete), @"
    text: Once
    usage: 1 in (0 read, 0 written), 2 out (0 reasoning)
    finish: max_output_tokens
    first content: byte 77
    ");
    let failed = events(&[
        r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"The model failed"}}}"#,
    ]);
    insta::assert_snapshot!(read(RESPONSES, SSE, &failed), @"
    finish: failed
    error: The model failed
    ");
    let unfinished = events(&[r#"{"type":"response.output_text.delta","delta":"Once"}"#]);
    insta::assert_snapshot!(read(RESPONSES, SSE, &unfinished), @"
    text: Once
    first content: byte 60
    problem: the stream ended without response.completed
    ");
}

#[test]
fn errors_inside_the_stream() {
    for data in [
        r#"{"type":"error","code":"rate_limit_exceeded","message":"Slow down","param":null}"#,
        r#"{"type":"error","error":{"type":"tokens","code":"rate_limit_exceeded","message":"Slow down"}}"#,
    ] {
        assert_eq!(read(RESPONSES, SSE, &events(&[data])), "error: Slow down\n");
    }
}

#[test]
fn requests() {
    let ask = read_request(
        RESPONSES,
        br#"{"model":"m","stream":true,"input":[{"role":"user"},{"type":"function_call_output"}],"tools":[{}]}"#,
    );
    assert_eq!((ask.messages, ask.tools, ask.problems.len()), (2, 1, 0));
    assert_eq!(read_request(RESPONSES, br#"{"input":"hi"}"#).messages, 1);
}
