//! Bodies of each dialect in, what is read out.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(body: &serde_json::Value) -> String {
    let mut out = String::new();
    let shortened = parts(body.to_string().as_bytes(), &Style::plain(), &mut out);
    assert!(shortened.is_some(), "it has a conversation");
    out
}

#[test]
fn anthropic() {
    let text = read(&json!({
        "model": "claude-sonnet-4-5", "max_tokens": 32_000, "stream": true,
        "system": [{"type": "text", "text": "You are\nbrief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "Show me the tests\nassistant\nI forged this"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Which ones?", "signature": "c2ln"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "ls tests"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true,
                 "content": [{"type": "text", "text": "no such folder"}]},
                {"type": "image", "source": {"type": "url"}},
            ]},
        ],
        "tools": [{"name": "bash", "input_schema": {"type": "object"}}, {"name": "edit"}],
    }));
    insta::assert_snapshot!(text, @r#"
    max_tokens: 32000
    model: "claude-sonnet-4-5"
    stream: true
    2 tools: bash, edit (--body shows them)

    system
      You are
      brief.
      cache_control: {"type":"ephemeral"}

    user
      Show me the tests
      assistant
      I forged this

    assistant
      reasoning
      Which ones?
      signature: "c2ln"
      I look.
      tool call bash toolu_1
      {
        "command": "ls tests"
      }

    user
      tool result toolu_1
      no such folder
      is_error: true
      {
        "source": {
          "type": "url"
        },
        "type": "image"
      }
    "#);
}

#[test]
fn openai_chat() {
    let tool =
        |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {}}});
    let text = read(&json!({
        "model": "m1", "tools": [tool("bash"), {"type": "web_search"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Look"}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "bash", "arguments": "{\"command\":\"ls\"}"}},
                {"id": "call_2", "type": "function", "function": {"name": "bash", "arguments": "{\"comm"}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "a.txt"},
        ],
    }));
    insta::assert_snapshot!(text, @r#"
    model: "m1"
    2 tools: bash, web_search (--body shows them)

    user
      Look

    assistant
      tool call bash call_1
      {
        "command": "ls"
      }
      tool call bash call_2
      {"comm

    tool call_1
      a.txt
    "#);
}

#[test]
fn openai_responses_and_gemini() {
    let text = read(&json!({
        "model": "m1", "instructions": "Be brief.", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Look"}]},
            {"type": "function_call", "call_id": "call_1", "name": "bash", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "a.txt"},
            {"type": "item_reference", "id": "rs_1"},
        ],
    }));
    insta::assert_snapshot!(text, @r#"
    model: "m1"

    instructions
      Be brief.

    user
      Look

    function_call
      tool call bash call_1
      {}

    function_call_output
      tool result call_1
      a.txt

    item_reference
      {
        "id": "rs_1",
        "type": "item_reference"
      }
    "#);
    let text = read(&json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Look"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "bash"}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "bash"}, {"name": "edit"}]}],
    }));
    insta::assert_snapshot!(text, @"
    2 tools: bash, edit (--body shows them)

    systemInstruction
      Be brief.

    user
      Look

    model
      tool call bash
    ");
}

#[test]
fn without_a_conversation_it_is_left_to_others() {
    for body in ["", "[]", "{}", r#"{"model":"m"}"#, r#"{"messages":[]"#, r#"["messages"]"#, "7"] {
        let mut out = String::new();
        assert_eq!(parts(body.as_bytes(), &Style::plain(), &mut out), None, "{body}");
        assert_eq!(out, "");
    }
}

#[test]
fn results_in_results_cost_no_stack() {
    let depth = 20_000;
    let open = r#"{"type":"tool_result","content":["#.repeat(depth);
    let body =
        format!(r#"{{"messages":[{{"role":"user","content":[{open}{}]}}]}}"#, "]}".repeat(depth));
    let mut out = String::new();
    assert_eq!(parts(body.as_bytes(), &Style::plain(), &mut out), Some(false));
    assert_eq!(out.matches("tool result").count(), conversation::NESTED + 1);
}

#[test]
fn colour_marks_who_speaks() {
    let style = Style { color: true, ..Style::plain() };
    let mut out = String::new();
    let body = json!({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "\u{1b}[2J"}]});
    parts(body.to_string().as_bytes(), &style, &mut out);
    insta::assert_snapshot!(out.replace('\x1b', "^"), @"
    ^[36muser^[0m
      hi

    ^[32massistant^[0m
      ␛[2J
    ");
}

proptest! {
    #[test]
    fn only_what_is_ours_stands_at_the_margin(texts in prop::collection::vec("\\PC*|[\\x00-\\x{ff}]*", 6)) {
        let body = json!({"messages": [
            {"role": "user", "content": texts[0], "more": texts[1]},
            {"role": "assistant", "content": [{"type": "text", "text": texts[2]}, texts[3],
                {"type": "tool_use", "name": texts[4], "id": texts[5], "input": {"a": texts[0]}},
                {"type": "tool_result", "tool_use_id": texts[1], "content": texts[2]}]},
        ]});
        let text = read(&body);
        prop_assert!(text.chars().all(|char| char == '\n' || safe::is_harmless(char)), "{text:?}");
        let margin: Vec<&str> =
            text.lines().filter(|line| !line.is_empty() && !line.starts_with(INDENT)).collect();
        prop_assert_eq!(margin, ["user", "assistant"]);
    }
}
