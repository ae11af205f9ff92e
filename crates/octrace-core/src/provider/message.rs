//! One message of a request, in any dialect: what people want to know of it in a list.

use serde::Deserialize;

use super::{
    lenient::{Lenient, List, Raw, Text},
    prompt,
};

/// What OpenCode says before the conversation when it asks for a title.
pub(super) const TITLE_INSTRUCTION: &str = "Generate a title for this conversation:";

/// What a message says of the conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Whether the model said it, or did it.
    pub is_answer: bool,
    /// The first text in it, where it is a user's.
    pub prompt: Option<String>,
    /// What tools gave.
    pub results: Vec<ToolResult>,
    /// Whether it is OpenCode's own wish for a title.
    pub asks_for_title: bool,
}

/// That a tool call has a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolResult {
    /// The call's id; empty where the dialect has none.
    pub call: String,
    /// The tool's name; empty where the dialect does not repeat it.
    pub name: String,
    /// Whether it says that the tool failed.
    pub failed: bool,
}

/// An element of `messages`, `input` or `contents`, as far as it is of interest here.
#[derive(Deserialize, Default)]
#[serde(default, bound = "'de: 'a")]
pub(super) struct Shape<'a> {
    pub(super) role: Lenient<Text>,
    pub(super) content: Raw<'a>,
    pub(super) parts: List<'a, Part>,
    r#type: Lenient<Text>,
    tool_call_id: Lenient<Text>,
    call_id: Lenient<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Part {
    pub(super) text: Lenient<Text>,
    r#type: Lenient<Text>,
    tool_use_id: Lenient<Text>,
    is_error: Lenient<bool>,
    #[serde(rename = "functionResponse")]
    function_response: Lenient<FunctionResponse>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FunctionResponse {
    id: Lenient<Text>,
    name: Lenient<Text>,
}

impl Message {
    /// Reads an element of `messages`, `input` or `contents`. What is none says nothing.
    pub fn read(json: &[u8]) -> Self {
        let shape: Shape<'_> = serde_json::from_slice(json).unwrap_or_default();
        let kind = shape.r#type.as_str();
        let role = shape.role.as_str();
        let mut message = Self {
            is_answer: matches!(role, "assistant" | "model")
                || role.is_empty()
                    && matches!(kind, "function_call" | "custom_tool_call" | "reasoning"),
            ..Self::default()
        };
        if role == "tool" {
            message.results.extend(result(&shape.tool_call_id, false));
        } else if kind.ends_with("_call_output") {
            message.results.extend(result(&shape.call_id, false));
        } else if role == "user" {
            message.said(&shape);
        }
        message
    }

    /// What a user's message says. It may hold a tool's result of many megabytes, and is gone through once.
    fn said(&mut self, shape: &Shape<'_>) {
        if let Some(Text(text)) = shape.content.parse() {
            self.text(&text);
            return;
        }
        let content = shape.content.parse::<List<'_, Part>>().unwrap_or_default();
        for part in content.iter().chain(shape.parts.iter()) {
            self.text(part.text.as_str());
            if part.r#type.as_str() == "tool_result" {
                let failed = part.is_error.0.unwrap_or_default();
                self.results.extend(result(&part.tool_use_id, failed));
            } else if let Some(response) = part.function_response.0 {
                self.results.push(ToolResult {
                    call: response.id.or_default().0,
                    name: response.name.or_default().0,
                    failed: false,
                });
            }
        }
    }

    fn text(&mut self, text: &str) {
        if self.prompt.is_none() {
            self.asks_for_title |= text.trim_start().starts_with(TITLE_INSTRUCTION);
            self.prompt = prompt::words(text);
        }
    }
}

fn result(call: &Lenient<Text>, failed: bool) -> Option<ToolResult> {
    let call = call.as_str();
    let result = || ToolResult { call: call.to_owned(), name: String::new(), failed };
    (!call.is_empty()).then(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_messages_say() {
        let result = |call: &str, name: &str, failed| ToolResult {
            call: call.to_owned(),
            name: name.to_owned(),
            failed,
        };
        let prompt = |text: &str| Message { prompt: Some(text.to_owned()), ..Message::default() };
        let answer = Message { is_answer: true, ..Message::default() };
        let results = |results| Message { results, ..Message::default() };
        for (json, expect) in [
            (r#"{"role":"user","content":"Fix it"}"#, prompt("Fix it")),
            (
                r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","is_error":true,"content":"no"},{"type":"tool_result","tool_use_id":"b"}]}"#,
                results(vec![result("a", "", true), result("b", "", false)]),
            ),
            (
                r#"{"role":"tool","tool_call_id":"c","content":"x"}"#,
                results(vec![result("c", "", false)]),
            ),
            (
                r#"{"type":"function_call_output","call_id":"d","output":"x"}"#,
                results(vec![result("d", "", false)]),
            ),
            (
                r#"{"role":"user","parts":[{"functionResponse":{"name":"read","response":{}}}]}"#,
                results(vec![result("", "read", false)]),
            ),
            (r#"{"role":"assistant","content":"user"}"#, answer.clone()),
            (r#"{"role":"model","parts":[{"text":"hi"}]}"#, answer.clone()),
            (r#"{"type":"function_call","call_id":"d","name":"x"}"#, answer),
            (r#"{"role":"system","content":"You are"}"#, Message::default()),
            ("[1]", Message::default()),
            ("no JSON", Message::default()),
        ] {
            assert_eq!(Message::read(json.as_bytes()), expect, "{json}");
        }
    }

    #[test]
    fn a_title_is_asked_for_in_opencodes_words() {
        for (json, expect) in [
            (r#"{"role":"user","content":"Generate a title for this conversation:\n"}"#, true),
            (
                r#"{"role":"user","content":[{"type":"text","text":"Generate a title for this conversation:\nFix"}]}"#,
                true,
            ),
            (r#"{"role":"user","content":"Why Generate a title for this conversation:"}"#, false),
            (
                r#"{"role":"assistant","content":"Generate a title for this conversation:\n"}"#,
                false,
            ),
        ] {
            assert_eq!(Message::read(json.as_bytes()).asks_for_title, expect, "{json}");
        }
    }
}
