//! The server as a client sees it: what is in a stream, when its chunks arrive, and what goes wrong.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use octrace_script::{Bytes, Dialect, Ending, Fault, Script, Seen, Server, Step, Usage};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(20);

/// Opens a connection and sends a request for a script's first step.
fn ask(server: &Server, path: &str, body: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server.url().trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: loopback\r\nconnection: close\r\nX-Session-Affinity: ses_1\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    Ok(stream)
}

/// An OpenAI chat request.
fn chat(prompt: &str, stream: bool) -> String {
    json!({
        "model": "m", "stream": stream, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": prompt}],
    })
    .to_string()
}

/// Everything until the connection's end: whether it was a proper end, and the body without its head
/// and chunk sizes.
fn rest(mut stream: TcpStream) -> io::Result<(bool, Vec<u8>)> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let mut rest = answer.get(head.map_or(answer.len(), |at| at + 4)..).unwrap_or_default();
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&rest[..line]), 16)
            .expect("a chunk begins with its size");
        if size == 0 {
            return Ok((true, body));
        }
        body.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 2 + size + 2..];
    }
    Ok((false, body))
}

/// Waits for the end of the first request and gives it.
fn ended(server: &Server) -> Seen {
    let first = |seen: &[Seen]| seen.first().filter(|seen| seen.ended.is_some()).cloned();
    server.wait_for(PATIENCE, first).expect("the first request ends")
}

/// Asks for a small step of everything in `dialect` and gives the stream, with an empty line after
/// each chunk that was handed to the connection.
fn stream_of(path: &str, body: &str) -> io::Result<String> {
    let usage = Usage { input: 90, output: 30, reasoning: 10, cache_read: 60, cache_write: 0 };
    let step = Step::call("bash", json!({"command": "ls"})).saying("Look:").reasoning("Hm.");
    let server = Server::start(Script::new().on("all", [step.usage(usage)]))?;
    let (proper, body) = rest(ask(&server, path, body)?)?;
    assert!(proper);
    let seen = ended(&server);
    assert_eq!(seen.response_body(), body, "what was seen is what arrived");
    assert_eq!(seen.dialect, path.split('?').next().and_then(Dialect::of_path));
    assert_eq!((seen.script.as_str(), seen.ending()), ("all", Some(Ending::Complete)));
    Ok(String::from_utf8_lossy(&body).replace("\r\n", "␍\n"))
}

#[test]
fn a_chat_stream() -> io::Result<()> {
    insta::assert_snapshot!(stream_of("/v1/chat/completions", &chat("SCRIPT:all", true))?, @r#"
    data: {"choices":[{"delta":{"content":"","role":"assistant"},"finish_reason":null,"index":0,"logprobs":null}],"created":1767225600,"id":"chatcmpl-KFHA8n5HL1UxLcLL2geSUAaoNr9E3","model":"m","object":"chat.completion.chunk","usage":null}

    data: {"choices":[{"delta":{"reasoning_content":"Hm."},"finish_reason":null,"index":0,"logprobs":null}],"created":1767225600,"id":"chatcmpl-KFHA8n5HL1UxLcLL2geSUAaoNr9E3","model":"m","object":"chat.completion.chunk","usage":null}

    data: {"choices":[{"delta":{"content":"Look:"},"finish_reason":null,"index":0,"logprobs":null}],"created":1767225600,"id":"chatcmpl-KFHA8n5HL1UxLcLL2geSUAaoNr9E3","model":"m","object":"chat.completion.chunk","usage":null}

    data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"","name":"bash"},"id":"call_17jluqA7jtofW8xkr1ozfPea","index":0,"type":"function"}]},"finish_reason":null,"index":0,"logprobs":null}],"created":1767225600,"id":"chatcmpl-KFHA8n5HL1UxLcLL2geSUAaoNr9E3","model":"m","object":"chat.completion.chunk","usage":null}

    data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\"command\":\"ls\"}"},"index":0}]},"finish_reason":null,"index":0,"logprobs":null}],"created":1767225600,"id":"chatcmpl-KFHA8n5HL1UxLcLL2geSUAaoNr9E3","model":"m","object":"chat.completion.chunk","usage":null}

    data: {"choices":[{"delta":{},"finish_reason":"tool_calls","index":0,"logprobs":null}],"created":1767225600,"id":"chatcmpl-KFHA8n5HL1UxLcLL2geSUAaoNr9E3","model":"m","object":"chat.completion.chunk","usage":null}

    data: {"choices":[],"created":1767225600,"id":"chatcmpl-KFHA8n5HL1UxLcLL2geSUAaoNr9E3","model":"m","object":"chat.completion.chunk","usage":{"completion_tokens":30,"completion_tokens_details":{"reasoning_tokens":10},"prompt_tokens":90,"prompt_tokens_details":{"cached_tokens":60},"total_tokens":120}}

    data: [DONE]
    "#);
    Ok(())
}

#[test]
fn a_responses_stream() -> io::Result<()> {
    let body = json!({
        "model": "m", "stream": true,
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "SCRIPT:all"}]}],
    });
    insta::assert_snapshot!(stream_of("/v1/responses", &body.to_string())?, @r#"
    event: response.created
    data: {"response":{"created_at":1767225600,"error":null,"id":"resp_KFHA8n5HL1UxLcLL2geSUAaoNr9E3zFLjPdL2Zy6wsVO70Pr","incomplete_details":null,"instructions":null,"model":"m","object":"response","output":[],"parallel_tool_calls":true,"status":"in_progress","usage":null},"sequence_number":0,"type":"response.created"}

    event: response.in_progress
    data: {"response":{"created_at":1767225600,"error":null,"id":"resp_KFHA8n5HL1UxLcLL2geSUAaoNr9E3zFLjPdL2Zy6wsVO70Pr","incomplete_details":null,"instructions":null,"model":"m","object":"response","output":[],"parallel_tool_calls":true,"status":"in_progress","usage":null},"sequence_number":1,"type":"response.in_progress"}

    event: response.output_item.added
    data: {"item":{"encrypted_content":null,"id":"rs_jAPkjKRv0Q8CWLL4A1ckc972qwQa8fvx2Jc42XNVMFtwxxMM","summary":[],"type":"reasoning"},"output_index":0,"sequence_number":2,"type":"response.output_item.added"}

    event: response.reasoning_summary_part.added
    data: {"item_id":"rs_jAPkjKRv0Q8CWLL4A1ckc972qwQa8fvx2Jc42XNVMFtwxxMM","output_index":0,"part":{"text":"","type":"summary_text"},"sequence_number":3,"summary_index":0,"type":"response.reasoning_summary_part.added"}

    event: response.reasoning_summary_text.delta
    data: {"delta":"Hm.","item_id":"rs_jAPkjKRv0Q8CWLL4A1ckc972qwQa8fvx2Jc42XNVMFtwxxMM","output_index":0,"sequence_number":4,"summary_index":0,"type":"response.reasoning_summary_text.delta"}

    event: response.reasoning_summary_text.done
    data: {"item_id":"rs_jAPkjKRv0Q8CWLL4A1ckc972qwQa8fvx2Jc42XNVMFtwxxMM","output_index":0,"sequence_number":5,"summary_index":0,"text":"Hm.","type":"response.reasoning_summary_text.done"}

    event: response.reasoning_summary_part.done
    data: {"item_id":"rs_jAPkjKRv0Q8CWLL4A1ckc972qwQa8fvx2Jc42XNVMFtwxxMM","output_index":0,"part":{"text":"Hm.","type":"summary_text"},"sequence_number":6,"summary_index":0,"type":"response.reasoning_summary_part.done"}

    event: response.output_item.done
    data: {"item":{"encrypted_content":null,"id":"rs_jAPkjKRv0Q8CWLL4A1ckc972qwQa8fvx2Jc42XNVMFtwxxMM","summary":[{"text":"Hm.","type":"summary_text"}],"type":"reasoning"},"output_index":0,"sequence_number":7,"type":"response.output_item.done"}

    event: response.output_item.added
    data: {"item":{"content":[],"id":"msg_wl12YsOefaKhWifkYUEI6Ut366HuFpJj7KpU2jFI8m7lyjFj","role":"assistant","status":"in_progress","type":"message"},"output_index":1,"sequence_number":8,"type":"response.output_item.added"}

    event: response.content_part.added
    data: {"content_index":0,"item_id":"msg_wl12YsOefaKhWifkYUEI6Ut366HuFpJj7KpU2jFI8m7lyjFj","output_index":1,"part":{"annotations":[],"logprobs":[],"text":"","type":"output_text"},"sequence_number":9,"type":"response.content_part.added"}

    event: response.output_text.delta
    data: {"content_index":0,"delta":"Look:","item_id":"msg_wl12YsOefaKhWifkYUEI6Ut366HuFpJj7KpU2jFI8m7lyjFj","logprobs":[],"output_index":1,"sequence_number":10,"type":"response.output_text.delta"}

    event: response.output_text.done
    data: {"content_index":0,"item_id":"msg_wl12YsOefaKhWifkYUEI6Ut366HuFpJj7KpU2jFI8m7lyjFj","logprobs":[],"output_index":1,"sequence_number":11,"text":"Look:","type":"response.output_text.done"}

    event: response.content_part.done
    data: {"content_index":0,"item_id":"msg_wl12YsOefaKhWifkYUEI6Ut366HuFpJj7KpU2jFI8m7lyjFj","output_index":1,"part":{"annotations":[],"logprobs":[],"text":"Look:","type":"output_text"},"sequence_number":12,"type":"response.content_part.done"}

    event: response.output_item.done
    data: {"item":{"content":[{"annotations":[],"logprobs":[],"text":"Look:","type":"output_text"}],"id":"msg_wl12YsOefaKhWifkYUEI6Ut366HuFpJj7KpU2jFI8m7lyjFj","role":"assistant","status":"completed","type":"message"},"output_index":1,"sequence_number":13,"type":"response.output_item.done"}

    event: response.output_item.added
    data: {"item":{"arguments":"","call_id":"call_17jluqA7jtofW8xkr1ozfPea","id":"fc_W0IdRZHofH6SVreX1rIxOaqTrDJs6Z5motMlXtWa7cn4uQ1a","name":"bash","status":"in_progress","type":"function_call"},"output_index":2,"sequence_number":14,"type":"response.output_item.added"}

    event: response.function_call_arguments.delta
    data: {"delta":"{\"command\":\"ls\"}","item_id":"fc_W0IdRZHofH6SVreX1rIxOaqTrDJs6Z5motMlXtWa7cn4uQ1a","output_index":2,"sequence_number":15,"type":"response.function_call_arguments.delta"}

    event: response.function_call_arguments.done
    data: {"arguments":"{\"command\":\"ls\"}","item_id":"fc_W0IdRZHofH6SVreX1rIxOaqTrDJs6Z5motMlXtWa7cn4uQ1a","output_index":2,"sequence_number":16,"type":"response.function_call_arguments.done"}

    event: response.output_item.done
    data: {"item":{"arguments":"{\"command\":\"ls\"}","call_id":"call_17jluqA7jtofW8xkr1ozfPea","id":"fc_W0IdRZHofH6SVreX1rIxOaqTrDJs6Z5motMlXtWa7cn4uQ1a","name":"bash","status":"completed","type":"function_call"},"output_index":2,"sequence_number":17,"type":"response.output_item.done"}

    event: response.completed
    data: {"response":{"created_at":1767225600,"error":null,"id":"resp_KFHA8n5HL1UxLcLL2geSUAaoNr9E3zFLjPdL2Zy6wsVO70Pr","incomplete_details":null,"instructions":null,"model":"m","object":"response","output":[{"encrypted_content":null,"id":"rs_jAPkjKRv0Q8CWLL4A1ckc972qwQa8fvx2Jc42XNVMFtwxxMM","summary":[{"text":"Hm.","type":"summary_text"}],"type":"reasoning"},{"content":[{"annotations":[],"logprobs":[],"text":"Look:","type":"output_text"}],"id":"msg_wl12YsOefaKhWifkYUEI6Ut366HuFpJj7KpU2jFI8m7lyjFj","role":"assistant","status":"completed","type":"message"},{"arguments":"{\"command\":\"ls\"}","call_id":"call_17jluqA7jtofW8xkr1ozfPea","id":"fc_W0IdRZHofH6SVreX1rIxOaqTrDJs6Z5motMlXtWa7cn4uQ1a","name":"bash","status":"completed","type":"function_call"}],"parallel_tool_calls":true,"status":"completed","usage":{"input_tokens":90,"input_tokens_details":{"cached_tokens":60},"output_tokens":30,"output_tokens_details":{"reasoning_tokens":10},"total_tokens":120}},"sequence_number":18,"type":"response.completed"}
    "#);
    Ok(())
}

#[test]
fn an_anthropic_stream() -> io::Result<()> {
    let body = json!({
        "model": "m", "stream": true,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "SCRIPT:all"}]}],
    });
    insta::assert_snapshot!(stream_of("/v1/messages", &body.to_string())?, @r#"
    event: message_start
    data: {"message":{"content":[],"id":"msg_01KFHA8n5HL1UxLcLL2geSUA","model":"m","role":"assistant","stop_reason":null,"stop_sequence":null,"type":"message","usage":{"cache_creation_input_tokens":0,"cache_read_input_tokens":60,"input_tokens":30,"output_tokens":1,"service_tier":"standard"}},"type":"message_start"}

    event: ping
    data: {"type":"ping"}

    event: content_block_start
    data: {"content_block":{"signature":"","thinking":"","type":"thinking"},"index":0,"type":"content_block_start"}

    event: content_block_delta
    data: {"delta":{"thinking":"Hm.","type":"thinking_delta"},"index":0,"type":"content_block_delta"}

    event: content_block_delta
    data: {"delta":{"signature":"Er7g0EXrlxv7Hx9k6a4Qp91QAEOJJT0VuMNCnbNwWNLJ8tswcP9RQ9AzZ7igriElRqyTROTQc7mUYjjR4r1Sh8vg","type":"signature_delta"},"index":0,"type":"content_block_delta"}

    event: content_block_stop
    data: {"index":0,"type":"content_block_stop"}

    event: content_block_start
    data: {"content_block":{"text":"","type":"text"},"index":1,"type":"content_block_start"}

    event: content_block_delta
    data: {"delta":{"text":"Look:","type":"text_delta"},"index":1,"type":"content_block_delta"}

    event: content_block_stop
    data: {"index":1,"type":"content_block_stop"}

    event: content_block_start
    data: {"content_block":{"id":"toolu_0117jluqA7jtofW8xkr1ozfP","input":{},"name":"bash","type":"tool_use"},"index":2,"type":"content_block_start"}

    event: content_block_delta
    data: {"delta":{"partial_json":"","type":"input_json_delta"},"index":2,"type":"content_block_delta"}

    event: content_block_delta
    data: {"delta":{"partial_json":"{\"command\":\"ls\"}","type":"input_json_delta"},"index":2,"type":"content_block_delta"}

    event: content_block_stop
    data: {"index":2,"type":"content_block_stop"}

    event: message_delta
    data: {"delta":{"stop_reason":"tool_use","stop_sequence":null},"type":"message_delta","usage":{"output_tokens":30}}

    event: message_stop
    data: {"type":"message_stop"}
    "#);
    Ok(())
}

#[test]
fn a_gemini_stream() -> io::Result<()> {
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "SCRIPT:all"}]}]});
    let path = "/v1beta/models/m:streamGenerateContent?alt=sse";
    insta::assert_snapshot!(stream_of(path, &body.to_string())?, @r#"
    data: {"candidates":[{"content":{"parts":[{"text":"Hm.","thought":true}],"role":"model"},"index":0}],"modelVersion":"m","responseId":"KFHA8n5HL1UxLcLL2geSUA","usageMetadata":{"cachedContentTokenCount":60,"candidatesTokenCount":20,"promptTokenCount":90,"thoughtsTokenCount":10,"totalTokenCount":120}}␍
    ␍
    data: {"candidates":[{"content":{"parts":[{"text":"Look:"}],"role":"model"},"index":0}],"modelVersion":"m","responseId":"KFHA8n5HL1UxLcLL2geSUA","usageMetadata":{"cachedContentTokenCount":60,"candidatesTokenCount":20,"promptTokenCount":90,"thoughtsTokenCount":10,"totalTokenCount":120}}␍
    ␍
    data: {"candidates":[{"content":{"parts":[{"functionCall":{"args":{"command":"ls"},"name":"bash"}}],"role":"model"},"finishReason":"STOP","index":0}],"modelVersion":"m","responseId":"KFHA8n5HL1UxLcLL2geSUA","usageMetadata":{"cachedContentTokenCount":60,"candidatesTokenCount":20,"promptTokenCount":90,"thoughtsTokenCount":10,"totalTokenCount":120}}␍
    ␍
    "#);
    Ok(())
}

#[test]
fn a_whole_answer_says_the_same() -> io::Result<()> {
    let server = Server::start(Script::new().on("all", [Step::text("One two three, four five.")]))?;
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "SCRIPT:all"}]}]});
    for (path, body, text) in [
        ("/v1/chat/completions", chat("SCRIPT:all", false), "/choices/0/message/content"),
        ("/v1/messages", chat("SCRIPT:all", false), "/content/0/text"),
        (
            "/v1/responses",
            json!({"model": "m", "input": [{"role": "user", "content": "SCRIPT:all"}]}).to_string(),
            "/output/0/content/0/text",
        ),
        (
            "/v1beta/models/m:generateContent",
            gemini.to_string(),
            "/candidates/0/content/parts/0/text",
        ),
    ] {
        let (proper, body) = rest(ask(&server, path, &body)?)?;
        assert!(proper);
        let answer: serde_json::Value = serde_json::from_slice(&body)?;
        assert_eq!(answer.pointer(text), Some(&json!("One two three, four five.")), "{answer:#}");
    }
    Ok(())
}

#[test]
fn a_request_is_kept_as_it_was_received() -> io::Result<()> {
    let server = Server::start(Script::new())?;
    let body = "{ \"messages\" : [ ],\n\t\"odd\": 1.50 , \"\\u00e9\":\"é\"}";
    rest(ask(&server, "/v1/chat/completions?a=b", body)?)?;
    let seen = ended(&server);
    assert_eq!(seen.body, body);
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/chat/completions?a=b"));
    assert_eq!(seen.header("x-session-affinity"), Some("ses_1"));
    assert_eq!((seen.script.as_str(), seen.number), ("otherwise", 1));
    Ok(())
}

#[test]
fn a_chunk_arrives_before_the_next_one_is_due() -> io::Result<()> {
    let step = Step::text("One two three four.").fault(Fault::HangAfter(2));
    let server = Server::start(Script::new().on("hang", [step]))?;
    let mut stream = ask(&server, "/v1/chat/completions", &chat("SCRIPT:hang", true))?;
    let mut arrived = Vec::new();
    // Two events, while the server is silent and the stream is open.
    while arrived.windows(6).filter(|window| window == b"data: ").count() < 2 {
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer)?;
        assert!(read > 0, "the stream ended");
        arrived.extend_from_slice(&buffer[..read]);
    }
    let seen = server.requests().remove(0);
    assert_eq!((seen.sent.len(), seen.ended), (2, None));
    server.release();
    let mut rest = String::new();
    stream.read_to_string(&mut rest)?;
    assert!(rest.contains("data: [DONE]\n\n"), "{rest}");
    assert_eq!(ended(&server).ending(), Some(Ending::Complete));
    Ok(())
}

#[test]
fn a_client_that_leaves_is_noticed() -> io::Result<()> {
    let step = Step::text("One two three four.");
    for fault in [Fault::HangBeforeHead, Fault::HangAfter(1)] {
        let script = Script::new().on("hang", [step.clone().fault(fault.clone())]);
        let server = Server::start(script)?;
        let stream = ask(&server, "/v1/chat/completions", &chat("SCRIPT:hang", true))?;
        let wanted = usize::from(matches!(fault, Fault::HangAfter(_)));
        let begun = |seen: &[Seen]| seen.iter().any(|seen| seen.sent.len() == wanted).then_some(());
        server.wait_for(PATIENCE, begun).unwrap();
        stream.shutdown(Shutdown::Both)?;
        assert!(ended(&server).client_closed(), "{fault:?}");
    }
    Ok(())
}

#[test]
fn a_cut_has_no_end_and_happens_as_often_as_written() -> io::Result<()> {
    let step = Step::text("One two three four.").fail_times(1, Fault::CutAfter(2));
    let gone = Step::text("There.").fail_times(1, Fault::CutBeforeHead);
    let server = Server::start(Script::new().on("cut", [step]).on("gone", [gone]))?;
    let ask = |name| ask(&server, "/v1/chat/completions", &chat(name, true)).and_then(rest);
    let (proper, body) = ask("SCRIPT:cut")?;
    assert!(!proper);
    assert_eq!(body.windows(6).filter(|window| window == b"data: ").count(), 2);
    assert!(ask("SCRIPT:cut")?.0);
    assert_eq!(ask("SCRIPT:gone")?, (false, Vec::new()));
    assert!(ask("SCRIPT:gone")?.0);
    let endings: Vec<_> = server.requests().iter().map(Seen::ending).collect();
    assert_eq!(endings, [Ending::Cut, Ending::Complete, Ending::Cut, Ending::Complete].map(Some));
    Ok(())
}

#[test]
fn raw_bytes_and_chunk_sizes_are_sent_as_written() -> io::Result<()> {
    let raw = Fault::Raw {
        content_type: "text/html",
        chunks: vec![Bytes::from_static(b"\xff\xfe"), Bytes::from_static(b"<p>")],
    };
    let server = Server::start(
        Script::new()
            .on("raw", [Step::default().fault(raw)])
            .on("bytes", [Step::text("é").chunk_bytes(7)]),
    )?;
    let ask = |name| ask(&server, "/v1/chat/completions", &chat(name, true)).and_then(rest);
    assert_eq!(ask("SCRIPT:raw")?, (true, b"\xff\xfe<p>".to_vec()));
    let (_, body) = ask("SCRIPT:bytes")?;
    let sent = &server.requests()[1].sent;
    assert!(sent.iter().rev().skip(1).all(|(chunk, _)| chunk.len() == 7));
    assert_eq!(sent.len(), body.len().div_ceil(7));
    Ok(())
}

#[test]
fn an_answer_can_be_spelled_out() -> io::Result<()> {
    let server = Server::start(Script::new().on("slow", [Step::text("naïve").spelled_out()]))?;
    let (_, body) = rest(ask(&server, "/v1/chat/completions", &chat("SCRIPT:slow", true))?)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    for letter in "naïve".chars() {
        assert!(body.contains(&format!(r#""content":"{letter}""#)), "{letter} in {body}");
    }
    Ok(())
}
