//! What the requests of all dialects have in common: a model, a list of messages, a list of tools.

use super::{
    Ask,
    draft::bounded,
    lenient::Text,
    outline::{Member, members},
};

/// Longest model name, in characters.
const MAX_MODEL: usize = 200;

/// Reads a request whose messages stand under `messages`; `tools` counts what stands under `tools`.
pub(super) fn read(body: &[u8], messages: &str, tools: fn(Member<'_>) -> usize) -> Ask {
    let mut ask = Ask::default();
    let mut has_messages = false;
    let broken_at = members(body, |member| match member.name {
        b"model" => ask.model = string(member.value).filter(|model| !model.is_empty()),
        b"stream" => ask.stream = serde_json::from_slice(member.value).ok(),
        b"tools" => ask.tools = tools(member),
        name if name == messages.as_bytes() => {
            has_messages = true;
            // The responses dialect takes a bare string for a single message.
            let is_string = member.value.starts_with(b"\"");
            ask.messages = if is_string { 1 } else { member.elements };
        }
        _ => {}
    });
    match broken_at {
        _ if body.is_empty() => ask.problems.push("the request's body is empty".to_owned()),
        Some(at) => ask.problems.push(format!("the request stops being JSON at byte {at}")),
        None if !has_messages => ask.problems.push(format!("the request has no `{messages}`")),
        None => {}
    }
    ask
}

/// Each element is a tool.
pub(super) fn flat_tools(tools: Member<'_>) -> usize {
    tools.elements
}

fn string(json: &[u8]) -> Option<String> {
    serde_json::from_slice::<Text>(json).ok().map(|text| bounded(&text.0, MAX_MODEL))
}
