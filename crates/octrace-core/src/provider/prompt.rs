//! The first words of a conversation, in any dialect: what people recognise a session by.

use serde::Deserialize;

use super::{
    lenient::{Lenient, List, Raw, Text},
    outline::{Elements, members},
};

/// What OpenCode says before the conversation when it asks for a title.
const TITLE_INSTRUCTION: &str = "Generate a title for this conversation:";

/// A message of any dialect, as far as its text goes.
#[derive(Deserialize)]
#[serde(default, bound = "'de: 'a")]
#[derive(Default)]
struct Message<'a> {
    role: Lenient<Text>,
    content: Raw<'a>,
    parts: List<'a, Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: Lenient<Text>,
}

/// The first text of a user's in the request with this body; `None` where there is none.
pub fn first_prompt(body: &[u8]) -> Option<String> {
    let mut found = None;
    members(body, |member| {
        let is_conversation = matches!(member.name, b"messages" | b"input" | b"contents");
        if found.is_some() || !is_conversation {
            return;
        }
        found = if member.is_array {
            let mut messages = Elements::new(member.value).filter_map(|at| member.value.get(at));
            messages.find_map(|message| serde_json::from_slice(message).ok().and_then(said))
        } else {
            serde_json::from_slice::<Text>(member.value).ok().and_then(|Text(text)| words(&text))
        };
    });
    found
}

fn said(message: Message<'_>) -> Option<String> {
    let Message { role, content, parts } = message;
    if role.as_str() != "user" {
        return None;
    }
    if let Some(Text(text)) = content.parse() {
        return words(&text);
    }
    let content = content.parse::<List<'_, Part>>().unwrap_or_default();
    content.iter().chain(parts.iter()).find_map(|part| words(part.text.as_str()))
}

fn words(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix(TITLE_INSTRUCTION).unwrap_or(text).trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_user_text_of_each_dialect() {
        for (body, expect) in [
            (
                r#"{"model":"m","messages":[{"role":"system","content":"You are"},{"role":"user","content":" Fix it\n"}]}"#,
                Some("Fix it"),
            ),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"image"},{"type":"text","text":"Fix it"}]}]}"#,
                Some("Fix it"),
            ),
            (
                r#"{"input":[{"role":"developer","content":"x"},{"role":"user","content":[{"type":"input_text","text":"Fix it"}]}]}"#,
                Some("Fix it"),
            ),
            (r#"{"input":"Fix it"}"#, Some("Fix it")),
            (
                r#"{"contents":[{"role":"user","parts":[{"functionResponse":{}},{"text":"Fix it"}]}]}"#,
                Some("Fix it"),
            ),
            (r#"{"messages":[{"role":"user","content":"  "},{"role":"user","content":5}]}"#, None),
            (r#"{"messages":[{"role":"user","content":"cut off"},{"role":"us"#, Some("cut off")),
            (r#"{"messages":{"role":"user"}}"#, None),
            ("not JSON", None),
        ] {
            assert_eq!(first_prompt(body.as_bytes()).as_deref(), expect, "{body}");
        }
    }

    #[test]
    fn what_opencode_says_to_get_a_title_is_no_prompt() {
        let instruction = "Generate a title for this conversation:\\n";
        for messages in [
            format!(
                r#"{{"role":"user","content":"{instruction}"}},{{"role":"user","content":"Fix it"}}"#
            ),
            format!(
                r#"{{"role":"user","content":[{{"text":"{instruction}"}},{{"text":"Fix it"}}]}}"#
            ),
            format!(r#"{{"role":"user","content":"{instruction}Fix it"}}"#),
        ] {
            let body = format!(r#"{{"messages":[{messages}]}}"#);
            assert_eq!(first_prompt(body.as_bytes()).as_deref(), Some("Fix it"), "{body}");
        }
    }
}
