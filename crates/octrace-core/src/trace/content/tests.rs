//! Bodies in, what is said out, line by line.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::provider::Dialect;

const SSE: &str = "text/event-stream";

fn span(dialect: Dialect) -> ModelSpan {
    ModelSpan { dialect, ..ModelSpan::default() }
}

fn shown(dialect: Dialect, request: &str, response: Option<(&str, &str)>) -> String {
    let mut span = span(dialect);
    let response = response.map(|(kind, body)| (kind, body.as_bytes()));
    read(&mut span, request.as_bytes(), response, true, &mut Known::default());
    let ModelSpan { stream, answered_by, finish, said, .. } = span;
    let mut text = String::new();
    for part in &said.system {
        writeln!(text, "system {part:?}").unwrap();
    }
    for message in &said.input {
        writeln!(text, "{:?} {:?}", message.role, message.parts).unwrap();
    }
    if let Some(output) = &said.output {
        writeln!(text, "-> {:?}", output.parts).unwrap();
    }
    for (name, value) in &said.settings {
        writeln!(text, "{name} = {value}").unwrap();
    }
    writeln!(text, "{:?} stream {stream:?} by {answered_by:?} {finish:?}", said.tools).unwrap();
    text
}

#[test]
fn openai_chat() {
    let request = r#"{"model":"gpt-x","messages":[
        {"role":"system","content":"Be brief."},
        {"role":"user","content":[{"type":"text","text":"Look"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},
        {"role":"assistant","content":"","reasoning_content":"Hm.","tool_calls":[
            {"id":"call_1","type":"function","function":{"name":"read","arguments":"{\"filePath\":\"a\"}"}},
            {"id":"call_2","type":"function","function":{"name":"ls","arguments":""}},
            {"id":"call_3","type":"function","function":{"name":"bash","arguments":"{\"comm"}}]},
        {"role":"tool","tool_call_id":"call_1","content":"one\ntwo"},
        {"role":"system","content":"Go on."},
        {"role":"user","content":null,"refusal":"?"}],
        "temperature":0.5,"max_completion_tokens":32,"reasoning_effort":"high","stream":true,
        "stream_options":{"include_usage":true},
        "tools":[{"type":"function","function":{"name":"read"}},{"type":"function","function":{"name":"bash"}}]}"#;
    let response = concat!(
        r#"data: {"model":"gpt-x-1","choices":[{"index":0,"delta":{"reasoning_content":"So."}}]}"#,
        "\n\n",
        r#"data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}"#,
        "\n\n",
        r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_4","function":{"name":"bash","arguments":"{\"c\":1}"}}]}}]}"#,
        "\n\n",
        r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        "\n\ndata: [DONE]\n\n"
    );
    insta::assert_snapshot!(shown(Dialect::OpenaiChat, request, Some((SSE, response))), @r#"
    system Text("Be brief.")
    User [Text("Look"), Media { mime: "image/png", bytes: 26 }]
    Assistant [Reasoning("Hm."), Call { id: "call_1", name: "read", arguments: "{\"filePath\":\"a\"}" }, Call { id: "call_2", name: "ls", arguments: "{}" }, Call { id: "call_3", name: "bash", arguments: "\"{\\\"comm\"" }]
    Tool [Result { id: "call_1", name: "", text: "one\ntwo" }]
    System [Text("Go on.")]
    User [Other("{\"role\":\"user\",\"content\":null,\"refusal\":\"?\"}")]
    -> [Reasoning("So."), Text("Hi"), Call { id: "call_4", name: "bash", arguments: "{\"c\":1}" }]
    max_tokens = 32
    reasoning_effort = "high"
    stream_options = {"include_usage":true}
    temperature = 0.5
    ["read", "bash"] stream Some(true) by Some("gpt-x-1") Some("tool_calls")
    "#);
}

#[test]
fn openai_responses() {
    let request = r#"{"model":"gpt-y","instructions":"Be exact.","input":[
        {"role":"developer","content":"And brief."},
        {"role":"user","content":[{"type":"input_text","text":"Look"},{"type":"input_image","image_url":"data:image/png;base64,AAAA"}]},
        {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Plan."}],"encrypted_content":"xx"},
        {"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"yy"},
        {"type":"function_call","call_id":"call_1","name":"read","arguments":"{\"p\":1}"},
        {"type":"function_call_output","call_id":"call_1","output":"text"},
        {"type":"web_search_call","id":"ws_1","status":"completed"},
        {"role":"assistant","content":[{"type":"output_text","text":"Done.","annotations":[]}]}],
        "max_output_tokens":100,"reasoning":{"effort":"low","summary":"auto"},"store":false,"stream":false,
        "tools":[{"type":"function","name":"read"},{"type":"web_search"}]}"#;
    let response = r#"{"object":"response","status":"completed","model":"gpt-y-2","output":[
        {"type":"reasoning","summary":[{"type":"summary_text","text":"A."}]},
        {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi."}]},
        {"type":"function_call","call_id":"call_2","name":"bash","arguments":"{"}],"usage":{"input_tokens":1,"output_tokens":1}}"#;
    let json = Some(("application/json", response));
    insta::assert_snapshot!(shown(Dialect::OpenaiResponses, request, json), @r#"
    system Text("Be exact.")
    system Text("And brief.")
    User [Text("Look"), Media { mime: "image/png", bytes: 26 }]
    Assistant [Reasoning("Plan.")]
    Assistant [Call { id: "call_1", name: "read", arguments: "{\"p\":1}" }]
    Tool [Result { id: "call_1", name: "", text: "text" }]
    Assistant [Other("{\"type\":\"web_search_call\",\"id\":\"ws_1\",\"status\":\"completed\"}")]
    Assistant [Text("Done.")]
    -> [Reasoning("A."), Text("Hi."), Call { id: "call_2", name: "bash", arguments: "\"{\"" }]
    max_tokens = 100
    reasoning.summary = "auto"
    reasoning_effort = "low"
    store = false
    ["read", "web_search"] stream Some(false) by Some("gpt-y-2") Some("completed")
    "#);
    let text = r#"{"model":"gpt-y","input":"Just this","stream":true}"#;
    insta::assert_snapshot!(shown(Dialect::OpenaiResponses, text, None), @r#"
    User [Text("Just this")]
    [] stream Some(true) by None None
    "#);
}

#[test]
fn anthropic() {
    let request = r#"{"model":"claude","max_tokens":64,"temperature":1,"stop_sequences":["\n"],
        "thinking":{"type":"enabled","budget_tokens":1024},"stream":true,
        "system":[{"type":"text","text":"You are","cache_control":{"type":"ephemeral"}},{"type":"text","text":"here."}],
        "tools":[{"name":"read","input_schema":{}},{"name":"bash","input_schema":{}}],
        "messages":[
        {"role":"user","content":"Fix it"},
        {"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"s"},
            {"type":"redacted_thinking","data":"zz"},{"type":"text","text":"I read."},
            {"type":"tool_use","id":"toolu_1","name":"read","input":{"filePath":"a"}},
            {"type":"tool_use","id":"toolu_2","name":"shot","input":{}}]},
        {"role":"user","content":[
            {"type":"tool_result","tool_use_id":"toolu_1","content":"gone","is_error":true},
            {"type":"tool_result","tool_use_id":"toolu_2","content":[{"type":"text","text":"a"},{"type":"text","text":"b"},
                {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
            {"type":"text","text":"And now?"},
            {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAAAAAA"}}]}]}"#;
    let response = concat!(
        "event: message_start\n",
        r#"data: {"type":"message_start","message":{"model":"claude-1","usage":{"input_tokens":3,"output_tokens":1}}}"#,
        "\n\nevent: content_block_start\n",
        r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        "\n\nevent: content_block_delta\n",
        r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#,
        "\n\nevent: message_delta\n",
        r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}"#,
        "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
    );
    insta::assert_snapshot!(shown(Dialect::Anthropic, request, Some((SSE, response))), @r#"
    system Text("You are")
    system Text("here.")
    User [Text("Fix it")]
    Assistant [Reasoning("Hm."), Other("{\"type\":\"redacted_thinking\",\"data\":\"zz\"}"), Text("I read."), Call { id: "toolu_1", name: "read", arguments: "{\"filePath\":\"a\"}" }, Call { id: "toolu_2", name: "shot", arguments: "{}" }]
    Tool [Result { id: "toolu_1", name: "", text: "gone" }, Result { id: "toolu_2", name: "", text: "a\nb\n[image/png, 4 bytes]" }]
    User [Text("And now?"), Media { mime: "application/pdf", bytes: 8 }]
    -> [Text("Hi")]
    max_tokens = 64
    stop = ["\n"]
    temperature = 1
    thinking = {"type":"enabled","budget_tokens":1024}
    ["read", "bash"] stream Some(true) by Some("claude-1") Some("end_turn")
    "#);
}

#[test]
fn gemini() {
    let request = r#"{"systemInstruction":{"parts":[{"text":"Be kind."}]},"contents":[
        {"role":"user","parts":[{"text":"Look"},{"inlineData":{"mimeType":"image/jpeg","data":"AAAAAA"}}]},
        {"role":"model","parts":[{"text":"Hm.","thought":true},{"text":"I read.","thoughtSignature":"s"},
            {"functionCall":{"name":"read","args":{"p":1}}}]},
        {"role":"user","parts":[{"functionResponse":{"name":"read","response":{"name":"read","content":"x"}}}]}],
        "generationConfig":{"temperature":0,"topP":0.95,"maxOutputTokens":9,"stopSequences":["x"],"seed":4,
            "thinkingConfig":{"thinkingLevel":"high","includeThoughts":true},
            "generationConfig":{"generationConfig":{}}},
        "tools":[{"functionDeclarations":[{"name":"read"},{"name":"bash"}]}]}"#;
    let response = r#"[{"candidates":[{"content":{"parts":[{"text":"Hi"},{"functionCall":{"name":"bash","args":{"c":1}}}]},"finishReason":"STOP"}],"modelVersion":"gemini-1"}]"#;
    let json = Some(("application/json", response));
    insta::assert_snapshot!(shown(Dialect::Gemini, request, json), @r#"
    system Text("Be kind.")
    User [Text("Look"), Media { mime: "image/jpeg", bytes: 6 }]
    Assistant [Reasoning("Hm."), Text("I read."), Call { id: "", name: "read", arguments: "{\"p\":1}" }]
    Tool [Result { id: "", name: "read", text: "{\"name\":\"read\",\"content\":\"x\"}" }]
    -> [Text("Hi"), Call { id: "", name: "bash", arguments: "{\"c\":1}" }]
    generationConfig = {"generationConfig":{}}
    max_tokens = 9
    reasoning_effort = "high"
    seed = 4
    stop = ["x"]
    temperature = 0
    thinkingConfig.includeThoughts = true
    top_p = 0.95
    ["read", "bash"] stream None by Some("gemini-1") Some("STOP")
    "#);
}

#[test]
fn what_nobody_can_read_is_told_by_its_size() {
    for body in ["no JSON", r#"{"prompt":"You are"}"#, r#"{"system":"You are","mess"#] {
        let text = shown(Dialect::Unknown, body, Some(("text/html", "<html>")));
        let mark = format!("User [Text(\"[… {} bytes left out]\")]\n", body.len());
        assert_eq!(text, mark + "[] stream None by None None\n");
    }
    let text = shown(Dialect::Anthropic, "", None);
    assert_eq!(text, "[] stream None by None None\n");
    let begun = r#"{"system":"You are","messages":[{"role":"user","content":"a"},{"role":"assistant","conte"#;
    insta::assert_snapshot!(shown(Dialect::Anthropic, begun, None), @r#"
    system Text("You are")
    User [Text("a")]
    User [Text("[… 26 bytes left out]")]
    [] stream None by None None
    "#);
    let wide = format!(r#"{{"messages":[{}1]}}"#, "1,".repeat(PIECES));
    let mut span = span(Dialect::OpenaiChat);
    read(&mut span, wide.as_bytes(), None, true, &mut Known::default());
    assert_eq!(span.said.input.len(), 1, "one mark, not a million messages");
}

#[test]
fn odd_messages_are_there_as_json() {
    let request = r#"{"messages":[1,"text",[],null,{"role":"user"},{"role":"critic","content":{"a":1}},
        {"role":"user","say":"this"},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":
            [{"type":"tool_result","tool_use_id":"b","content":[{"type":"x"}]}]}]}]}"#;
    insta::assert_snapshot!(shown(Dialect::OpenaiChat, request, None), @r#"
    User [Other("1")]
    User [Text("text")]
    User [Other("[]")]
    User [Other("null")]
    User [Other("{\"role\":\"user\"}")]
    User [Other("{\"a\":1}")]
    User [Other("{\"role\":\"user\",\"say\":\"this\"}")]
    Tool [Result { id: "a", name: "", text: "{\"type\":\"x\"}" }]
    [] stream None by None None
    "#);
}

#[test]
fn nesting_is_no_danger() {
    for (open, close) in [
        ("[", "]"),
        (r#"{"a":"#, "}"),
        (r#"{"type":"tool_result","content":["#, "]}"),
        (r#"{"generationConfig":"#, "}"),
        (r#"{"functionResponse":{"response":"#, "}}"),
    ] {
        let deep = format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
        for body in [
            deep.clone(),
            format!(
                r#"{{"generationConfig":{deep},"messages":[{{"role":"user","content":[{deep}]}}]}}"#
            ),
            format!(r#"{{"system":{deep},"contents":[{{"role":"user","parts":[{deep}]}}]}}"#),
        ] {
            let mut span = span(Dialect::Anthropic);
            read(
                &mut span,
                body.as_bytes(),
                Some(("application/json", body.as_bytes())),
                true,
                &mut Known::default(),
            );
        }
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let word = prop::sample::select(vec![
        "user",
        "assistant",
        "system",
        "tool",
        "text",
        "tool_use",
        "tool_result",
        "function_call",
        "reasoning",
        "image",
        "a",
    ]);
    let key = prop::sample::select(vec![
        "role",
        "content",
        "parts",
        "type",
        "text",
        "tool_calls",
        "function",
        "arguments",
        "input",
        "tool_call_id",
        "functionCall",
        "functionResponse",
        "source",
        "data",
        "summary",
    ]);
    let leaf = prop_oneof![
        word.prop_map(serde_json::Value::from),
        any::<i8>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        ".{0,9}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            3 => prop::collection::hash_map(key.clone(), inner.clone(), 0..6).prop_map(|map| {
                map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            }),
            1 => prop::collection::vec(inner, 0..4).prop_map(serde_json::Value::from),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_called_json_is_json(messages in prop::collection::vec(any_json(), 0..6), cut in 0usize..400) {
        let body = serde_json::json!({"system": messages, "messages": messages, "a": messages}).to_string();
        for body in [body.as_bytes(), body.as_bytes().get(..cut).unwrap_or_default()] {
            let mut span = span(Dialect::Anthropic);
            read(&mut span, body, Some(("", body)), false, &mut Known::default());
            let said = span.said;
            let messages = said.input.iter().chain(&said.output);
            for part in messages.flat_map(|message| &message.parts).chain(&said.system) {
                if let Part::Call { arguments: json, .. } | Part::Other(json) = part {
                    prop_assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{}", json);
                }
            }
            for (_, json) in &said.settings {
                prop_assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{}", json);
            }
        }
    }
}
