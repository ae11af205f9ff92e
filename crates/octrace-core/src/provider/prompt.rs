//! The first words of a conversation, in any dialect: what people recognise a session by.

use super::{
    lenient::{List, Text},
    message::{Part, Shape, TITLE_INSTRUCTION},
    outline::{Elements, members},
};

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
            messages.find_map(|message| said(&serde_json::from_slice(message).ok()?))
        } else {
            serde_json::from_slice::<Text>(member.value).ok().and_then(|Text(text)| words(&text))
        };
    });
    found
}

/// What a user says in this message, OpenCode's wish for a title excepted.
fn said(message: &Shape<'_>) -> Option<String> {
    if message.role.as_str() != "user" {
        return None;
    }
    if let Some(Text(text)) = message.content.parse() {
        return words(&text);
    }
    let content = message.content.parse::<List<'_, Part>>().unwrap_or_default();
    content.iter().chain(message.parts.iter()).find_map(|part| words(part.text.as_str()))
}

/// A text without OpenCode's wish for a title; `None` where nothing else is in it.
pub(super) fn words(text: &str) -> Option<String> {
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
