//! A conversation in the words of OpenAI's chat completions, whatever dialect it was held in: the one that Helicone shows
//! whole.

use std::borrow::Cow;

use octrace_core::{
    json::Scanner,
    trace::{Content, Part, Role},
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

/// How deep JSON may be nested inside a log.
const MAX_DEPTH: usize = 100;

/// A message.
#[derive(Serialize)]
pub(super) struct Chat<'a> {
    role: &'static str,
    content: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Text<'a> {
    Plain(&'a str),
    Items(Vec<Item<'a>>),
}

/// A part; without content it is its kind alone.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item<'a> {
    Text {
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'a str>,
    },
    /// With content, it stands beside the items.
    Reasoning,
    File {
        mime: &'a str,
        bytes: u64,
    },
    Other {
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<Json<'a>>,
    },
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a str>,
}

/// The message that `role` said these parts in. What tools gave are messages of their own, before it.
pub(super) fn chats(role: Role, parts: &[Part], content: Content) -> Vec<Chat<'_>> {
    let is_full = content == Content::Full;
    let mut chats = Vec::new();
    let mut items = Vec::new();
    let mut tool_calls = Vec::new();
    let mut thoughts: Vec<&str> = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => items.push(Item::Text { text: is_full.then_some(text) }),
            Part::Reasoning(text) if is_full => thoughts.push(text),
            Part::Reasoning(_) => items.push(Item::Reasoning),
            Part::Call { id, name, arguments } => {
                let function = Function { name, arguments: is_full.then_some(arguments) };
                tool_calls.push(Call { id, r#type: "function", function });
            }
            Part::Result { id, name, text } => chats.push(Chat {
                role: "tool",
                content: is_full.then_some(Text::Plain(text)),
                reasoning: None,
                tool_calls: Vec::new(),
                tool_call_id: Some(id),
                name: (!name.is_empty()).then_some(name),
            }),
            Part::Media { mime, bytes } => items.push(Item::File { mime, bytes: *bytes }),
            Part::Other(json) => {
                items.push(Item::Other { value: is_full.then(|| Json::of(json)) });
            }
        }
    }
    let is_only_results = !chats.is_empty() && items.is_empty() && tool_calls.is_empty();
    if is_only_results && thoughts.is_empty() {
        return chats;
    }
    let content = match items.as_slice() {
        [] => None,
        [Item::Text { text: Some(text) }] => Some(Text::Plain(text)),
        _ => Some(Text::Items(items)),
    };
    let reasoning = match thoughts.as_slice() {
        [] => None,
        [one] => Some(Cow::Borrowed(*one)),
        several => Some(Cow::Owned(several.join("\n\n"))),
    };
    let role = role.as_str();
    chats.push(Chat { role, content, reasoning, tool_calls, tool_call_id: None, name: None });
    chats
}

/// JSON as it was recorded; what is none is a string of it.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Json<'a> {
    Raw(&'a RawValue),
    Text(&'a str),
}

impl<'a> Json<'a> {
    /// What is nested too deep to be read by everybody is a string, too.
    pub(super) fn of(text: &'a str) -> Self {
        let is_flat = || Scanner::new(text.as_bytes()).all(|token| token.depth <= MAX_DEPTH);
        // A raw value may have numbers that are too large and escapes that are no characters.
        let is_sound = || serde_json::from_str::<Value>(text).is_ok();
        match serde_json::from_str(text) {
            Ok(raw) if is_flat() && is_sound() => Self::Raw(raw),
            _ => Self::Text(text),
        }
    }
}
