//! Gemini.

use super::*;

const GEMINI: Dialect = Dialect::Gemini;

const CHUNKS: [&str; 4] = [
    r#"{"candidates":[{"content":{"parts":[{"text":"Let me think.","thought":true}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":40,"totalTokenCount":60,"thoughtsTokenCount":20},"modelVersion":"gemini-w"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"Two "}],"role":"model"},"index":0}],"modelVersion":"gemini-w"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"tools."},{"functionCall":{"name":"read","args":{"path":"a.rs"}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"c2","name":"list"}}],"role":"model"}}],"modelVersion":"gemini-w"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":40,"candidatesTokenCount":8,"totalTokenCount":68,"cachedContentTokenCount":30,"thoughtsTokenCount":20},"modelVersion":"gemini-w"}"#,
];

#[test]
fn thoughts_text_and_parallel_calls() {
    check_stream(GEMINI, &events(&CHUNKS));
    insta::assert_snapshot!(read(GEMINI, SSE, &events(&CHUNKS)), @r#"
    text: Two tools.
    reasoning: Let me think.
    call: "" read `{"path":"a.rs"}`
    call: "c2" list `{}`
    usage: 40 in (30 read, 0 written), 28 out (20 reasoning)
    finish: STOP
    model: gemini-w
    first content: byte 224
    "#);
}

#[test]
fn a_stream_that_is_one_growing_array() {
    let body = format!("[{}\n]\n", CHUNKS.join("\n,\r\n"));
    insta::assert_snapshot!(read(GEMINI, JSON, &body), @r#"
    text: Two tools.
    reasoning: Let me think.
    call: "" read `{"path":"a.rs"}`
    call: "c2" list `{}`
    usage: 40 in (30 read, 0 written), 28 out (20 reasoning)
    finish: STOP
    model: gemini-w
    first content: byte 217
    "#);
    let whole = read_answer(GEMINI, JSON, body.as_bytes(), true);
    for cut in 0..body.len() {
        let part = read_answer(GEMINI, JSON, &body.as_bytes()[..cut], false);
        assert!(whole.text.starts_with(&part.text), "cut at {cut}");
        assert!(whole.tool_calls.starts_with(&part.tool_calls), "cut at {cut}");
        assert_eq!(part.problems, [""; 0], "cut at {cut}");
    }
    let spoilt = body.replacen("\"text\":\"Two \"", "\"text\"?\"Two \"", 1);
    let at = spoilt.find('?').unwrap();
    let problems = read_answer(GEMINI, JSON, spoilt.as_bytes(), true).problems;
    assert_eq!(problems, [format!("the response's body stops being JSON at byte {at}")]);
}

#[test]
fn a_whole_answer() {
    insta::assert_snapshot!(read(GEMINI, JSON, CHUNKS[3]), @"
    usage: 40 in (30 read, 0 written), 28 out (20 reasoning)
    finish: STOP
    model: gemini-w
    ");
}

#[test]
fn a_blocked_prompt() {
    let body = r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4,"toolUsePromptTokenCount":6}}"#;
    insta::assert_snapshot!(read(GEMINI, SSE, &events(&[body])), @"
    usage: 10 in (0 read, 0 written), 0 out (0 reasoning)
    finish: SAFETY
    ");
}

#[test]
fn errors_inside_the_stream() {
    let error =
        r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
    assert_eq!(read(GEMINI, SSE, &events(&[error])), "error: The model is overloaded.\n");
    assert_eq!(read(GEMINI, JSON, &format!("[{error}\n]")), "error: The model is overloaded.\n");
}

#[test]
fn arguments_in_pieces_are_named_as_unread() {
    let body = events(&[
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"read","willContinue":true}}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.path","stringValue":"a"}],"willContinue":true}}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{}}]},"finishReason":"STOP"}]}"#,
    ]);
    insta::assert_snapshot!(read(GEMINI, SSE, &body), @r#"
    call: "" read ``
    finish: STOP
    first content: byte 101
    problem: arguments of a tool call came in pieces, which are not read
    "#);
}

#[test]
fn requests() {
    let ask = read_request(
        GEMINI,
        br#"{"contents":[{"role":"user","parts":[{"text":"x"}]}],"tools":[{"functionDeclarations":[{"name":"a"},{"name":"b"}]},{"googleSearch":{}}]}"#,
    );
    assert_eq!((ask.messages, ask.tools, ask.model, ask.stream), (1, 3, None, None));
    assert_eq!(ask.problems, [""; 0]);
}
