//! Bodies that are no answers: errors, pages, noise.

use super::*;

#[test]
fn error_bodies_of_every_provider() {
    for (body, expect) in [
        (
            r#"{"error":{"message":"Incorrect API key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
            "Incorrect API key",
        ),
        (
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_1"}"#,
            "invalid x-api-key",
        ),
        (
            r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[]}}"#,
            "API key not valid.",
        ),
        (r#"[{"error":{"code":400,"message":"In an array."}}]"#, "In an array."),
        (r#"{"error":"model not found"}"#, "model not found"),
        (r#"{"error":{"type":"overloaded_error"}}"#, "overloaded_error"),
        (r#"{"error":{"reasons":[1]}}"#, r#"{"reasons":[1]}"#),
        (r#"{"message":"Too many tokens"}"#, "Too many tokens"),
        (r#"{"detail":"Not Found"}"#, "Not Found"),
        (r#"{"detail":[{"msg":"field required"}]}"#, r#"[{"msg":"field required"}]"#),
        ("\u{feff} {\"error\":{\"message\":\"after a mark\"}}", "after a mark"),
    ] {
        for dialect in Dialect::ALL {
            // An array is a stream to the dialects, and nothing to the unknown one.
            if dialect == Dialect::Unknown && body.starts_with(['[', '\u{feff}']) {
                continue;
            }
            let answer = read_answer(dialect, JSON, body.as_bytes(), true);
            let shown = (answer.error.as_deref(), &answer.problems[..]);
            assert_eq!(shown, (Some(expect), &[][..]), "{dialect:?} {body}");
        }
    }
}

#[test]
fn bodies_that_are_no_answer() {
    let page = "<!DOCTYPE html>\n<html><head><TITLE> 502 Bad Gateway </TITLE></head></html>";
    let binary = [&b"\x00\x01\x02"[..], &[0xfe; 20]].concat();
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0".to_vec();
    let mut shown = String::new();
    for (content_type, body) in [
        (JSON, b"".to_vec()),
        (SSE, b" \r\n".to_vec()),
        (SSE, page.into()),
        ("text/html", b"<p>gone</p>".to_vec()),
        (SSE, gzip.clone()),
        (JSON, gzip),
        (JSON, binary),
        ("text/plain", b"upstream connect error\n".to_vec()),
        (SSE, b": keep-alive\n\n: keep-alive\n\n".to_vec()),
        (JSON, br#"{"hello":"world"}"#.to_vec()),
        (JSON, br#"{"choices":[{"mess"#.to_vec()),
        (JSON, b"{choices}".to_vec()),
        (JSON, b"{\"error\":{\"message\":\"caf\xe9\"}}".to_vec()),
    ] {
        let answer = read_answer(Dialect::OpenaiChat, content_type, &body, true);
        shown.push_str(&show(&answer));
        shown.push('\n');
    }
    insta::assert_snapshot!(shown, @r#"
    problem: the response's body is empty

    problem: the response's body is empty

    error: 502 Bad Gateway
    problem: the response's body is an HTML page

    error: <p>gone</p>
    problem: the response's body is an HTML page

    problem: the response's body is still compressed

    problem: the response's body is still compressed

    problem: the response's body is neither text nor JSON

    error: upstream connect error
    problem: the response's body is neither an event stream nor JSON

    problem: the stream holds no events

    error: {"hello":"world"}
    problem: the response's JSON is no openai-chat answer

    problem: the response's body breaks off

    error: {choices}
    problem: the response's body is malformed JSON

    error: caf�
    problem: the response's body is not UTF-8
    "#);
}

#[test]
fn a_lying_content_type_is_seen_through() {
    let whole = r#"{"choices":[{"message":{"content":"hi"}}]}"#;
    assert_eq!(read(Dialect::OpenaiChat, SSE, whole), "text: hi\n");
    let stream =
        "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n";
    for content_type in [JSON, "", "text/plain"] {
        let shown = read(Dialect::OpenaiChat, content_type, stream);
        assert_eq!(shown, "text: hi\nfinish: stop\nfirst content: byte 71\n");
    }
}

#[test]
fn fallbacks_are_bounded_between_characters() {
    let long = "é".repeat(3_000);
    let text = read_answer(Dialect::Gemini, "", long.as_bytes(), true).error.unwrap();
    assert_eq!(text.chars().count(), 500);
    let body = format!(r#"{{"error":{{"message":"{long}"}}}}"#);
    let message = read_answer(Dialect::Gemini, JSON, body.as_bytes(), true).error.unwrap();
    assert_eq!(message.chars().count(), 2_000);
    let stream = "data: x\n\n".repeat(1_000);
    let problems = read_answer(Dialect::OpenaiChat, SSE, stream.as_bytes(), true).problems;
    assert_eq!(problems.len(), 21);
    assert_eq!(problems[20], "981 more problems");
}

#[test]
fn nesting_is_no_danger() {
    let deep = "[".repeat(200_000);
    for body in [
        deep.clone(),
        format!(r#"{{"choices":{deep}"#),
        format!(r#"{{"x":{deep}{}}}"#, "]".repeat(200_000)),
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":{deep}\n\n"),
        r#"{"error":"#.repeat(50_000),
        r#"{"response":"#.repeat(50_000),
    ] {
        for dialect in Dialect::ALL {
            read_answer(dialect, "", body.as_bytes(), true);
            read_request(dialect, body.as_bytes());
        }
    }
}

/// Anything quadratic in the number of calls or events would take minutes here.
#[test]
fn many_pieces_are_read_in_linear_time() {
    let mut body = String::new();
    for n in 0..100_000 {
        let call = format!("{{\"index\":{n},\"id\":\"{n}\"}}");
        writeln!(body, "data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{call}]}}}}]}}\n")
            .unwrap();
    }
    let answer = read_answer(Dialect::OpenaiChat, SSE, body.as_bytes(), false);
    assert_eq!(answer.tool_calls.len(), 100_000);
    assert_eq!(answer.tool_calls[99_999].id, "99999");
}
