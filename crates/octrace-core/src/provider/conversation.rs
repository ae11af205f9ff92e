//! What a request's body says, in the order of reading: its settings, its tools, the instructions, then the
//! conversation message by message.
//!
//! It knows the members that the providers' dialects share or spell differently, and gives whatever else stands beside
//! them as JSON, so that nothing is left out. All that it gives are places in the body; nothing is copied but names.

use std::borrow::Cow;

use crate::json::{Scanner, TokenKind, decode};

/// Results inside results are JSON from this depth on: a body can claim any.
pub const NESTED: usize = 4;

/// Where a member of the body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Beside the conversation: the model, the temperature, …
    Setting,
    /// The tools that are offered.
    Tools,
    /// What is said before the conversation.
    Instructions,
    /// The messages.
    Conversation,
}

impl Place {
    fn of(name: &str) -> Self {
        match name {
            "tools" => Self::Tools,
            "system" | "instructions" | "systemInstruction" | "system_instruction" => {
                Self::Instructions
            }
            "messages" | "input" | "contents" => Self::Conversation,
            _ => Self::Setting,
        }
    }
}

/// What a message says, piece by piece. Strings are JSON, with their quotes.
#[derive(Debug)]
pub enum Said<'a> {
    /// Text.
    Text(&'a [u8]),
    /// What the model thought.
    Reasoning(&'a [u8]),
    /// A tool call: its name, its id, and what it was called with, as JSON or as a string that holds some.
    Call(Option<String>, Option<String>, &'a [u8]),
    /// What a tool gave: its name where the dialect tells it, and the call's id. What it says follows, up to
    /// [`Said::ResultEnd`].
    Result(Option<String>, Option<String>),
    /// The end of a result.
    ResultEnd,
    /// A picture or a file: its type, the string that holds it, and all that is said of it.
    Media(String, &'a [u8], &'a [u8]),
    /// Something that the dialects do not share.
    Json(&'a [u8]),
    /// Something that is said of what came before.
    Member(String, &'a [u8]),
}

/// A member of the body.
pub struct Section<'a> {
    /// Where it is read.
    pub place: Place,
    /// The member's name.
    pub name: Cow<'a, str>,
    /// JSON.
    pub value: &'a [u8],
}

/// A body's members in the order of reading; `None` where it is no whole object with a conversation in it.
pub fn sections(body: &[u8]) -> Option<Vec<Section<'_>>> {
    let members = Children::of(body).filter(|_| body.trim_ascii_start().starts_with(b"{"))?.0;
    let sections = ordered(members);
    sections.last().filter(|section| section.place == Place::Conversation)?;
    Some(sections)
}

fn ordered(members: Vec<Child<'_>>) -> Vec<Section<'_>> {
    let sections = members.into_iter();
    let mut sections: Vec<_> =
        sections.map(|(name, value)| Section { place: Place::of(&name), name, value }).collect();
    sections.sort_by_key(|section| section.place);
    sections
}

/// What there is of a body that breaks off.
pub struct Begun<'a> {
    /// Its whole members in the order of reading.
    pub sections: Vec<Section<'a>>,
    /// Its whole messages, where it breaks off among them.
    pub messages: Children<'a>,
    /// What is not whole: whose message or what member it is, and all that there is of it.
    pub rest: (String, &'a [u8]),
}

/// A body that breaks off in its conversation or after it; `None` for any other.
pub fn begun(body: &[u8]) -> Option<Begun<'_>> {
    let (members, cut) = Children::begun(body).filter(|_| body.starts_with(b"{"))?;
    let (name, rest) = cut?;
    let sections = ordered(members.0);
    if Place::of(&name) == Place::Conversation
        && let Some((messages, Some((_, rest)))) = Children::begun(rest)
    {
        let members = Children::begun(rest).map(|(members, _)| members).unwrap_or_default();
        let role = members.text("role").or_else(|| members.text("type"));
        let rest = (role.unwrap_or_else(|| "message".to_owned()), rest);
        return Some(Begun { sections, messages, rest });
    }
    sections.last().filter(|section| section.place == Place::Conversation)?;
    Some(Begun { sections, messages: Children::default(), rest: (name.into_owned(), rest) })
}

/// A message's role, or in dialects where they stand among the messages, what a tool call or its result is called; and
/// the id of the call that it answers.
pub fn speaker(message: &[u8]) -> (String, Option<String>) {
    let Some(members) = Children::of(message) else { return ("message".to_owned(), None) };
    match members.text("role") {
        Some(role) => (role, members.text("tool_call_id")),
        None => (members.text("type").unwrap_or_else(|| "message".to_owned()), None),
    }
}

/// What a message says.
pub fn message<'a>(message: &'a [u8], say: &mut dyn FnMut(Said<'a>)) {
    let Some(members) = Children::of(message) else { return content(message, say) };
    if members.get("role").is_none_or(|role| string(role).is_none()) {
        return part(message, 0, say);
    }
    for (name, value) in &members.0 {
        match name.as_ref() {
            "role" | "tool_call_id" => {}
            "type" if *value == b"\"message\"" => {}
            "content" | "parts" => content(value, say),
            "reasoning_content" | "reasoning" if value.starts_with(b"\"") => {
                say(Said::Reasoning(value));
            }
            "tool_calls" => match Children::of(value) {
                Some(calls) => calls.values().for_each(|call| part(call, 0, say)),
                None => say(Said::Member(name.to_string(), value)),
            },
            _ => say(Said::Member(name.to_string(), value)),
        }
    }
}

/// What instructions or a message say: a text, or a list of parts.
pub fn content<'a>(value: &'a [u8], say: &mut dyn FnMut(Said<'a>)) {
    nested(value, 0, say);
}

fn nested<'a>(value: &'a [u8], depth: usize, say: &mut dyn FnMut(Said<'a>)) {
    if value.starts_with(b"\"") {
        return say(Said::Text(value));
    }
    let list = |value: &[u8]| value.starts_with(b"[");
    let parts = if list(value) {
        Some(value)
    } else {
        Children::of(value).and_then(|object| object.get("parts")).filter(|parts| list(parts))
    };
    match parts.and_then(Children::of) {
        Some(parts) => parts.values().for_each(|value| part(value, depth, say)),
        None if value == b"null" => {}
        None => say(Said::Json(value)),
    }
}

/// What a tool gave.
fn result<'a>(
    name: Option<String>,
    id: Option<String>,
    value: Option<&'a [u8]>,
    depth: usize,
    say: &mut dyn FnMut(Said<'a>),
) {
    say(Said::Result(name, id));
    match value {
        Some(value) if depth == NESTED => say(Said::Json(value)),
        Some(value) => nested(value, depth + 1, say),
        None => {}
    }
    say(Said::ResultEnd);
}

fn part<'a>(value: &'a [u8], depth: usize, say: &mut dyn FnMut(Said<'a>)) {
    if value.starts_with(b"\"") {
        return say(Said::Text(value));
    }
    let Some(members) = Children::of(value) else { return say(Said::Json(value)) };
    let kind = members.text("type");
    let text = members.get("text").filter(|text| text.starts_with(b"\""));
    let object = |name: &str| members.get(name).and_then(Children::of);
    let shown: &[&str] = match (kind.as_deref(), text) {
        (None, Some(text)) if members.get("thought") == Some(b"true") => {
            say(Said::Reasoning(text));
            &["thought", "text"]
        }
        (None | Some("text" | "input_text" | "output_text"), Some(text)) => {
            say(Said::Text(text));
            &["type", "text"]
        }
        (Some("thinking"), _) => {
            say(Said::Reasoning(members.get("thinking").unwrap_or(b"\"\"")));
            &["type", "thinking"]
        }
        (Some("reasoning"), _) if object("summary").is_some() => {
            for summary in object("summary").unwrap_or_default().values() {
                let text = Children::of(summary).and_then(|summary| summary.get("text"));
                say(text.map_or(Said::Json(summary), Said::Reasoning));
            }
            &["type", "summary"]
        }
        (Some("tool_use"), _) => {
            let input = members.get("input").unwrap_or_default();
            say(Said::Call(members.text("name"), members.text("id"), input));
            &["type", "name", "id", "input"]
        }
        (Some("function"), _) => {
            let function = object("function").unwrap_or_default();
            let arguments = function.get("arguments").unwrap_or_default();
            say(Said::Call(function.text("name"), members.text("id"), arguments));
            &["type", "id", "index", "function"]
        }
        (Some("function_call"), _) => {
            let arguments = members.get("arguments").unwrap_or_default();
            say(Said::Call(members.text("name"), members.text("call_id"), arguments));
            &["type", "id", "name", "call_id", "arguments"]
        }
        (Some("tool_result"), _) => {
            result(None, members.text("tool_use_id"), members.get("content"), depth, say);
            &["type", "tool_use_id", "content"]
        }
        (Some("function_call_output"), _) => {
            result(None, members.text("call_id"), members.get("output"), depth, say);
            &["type", "id", "call_id", "output"]
        }
        (None, None) if object("functionCall").is_some() => {
            let call = object("functionCall").unwrap_or_default();
            let arguments = call.get("args").unwrap_or_default();
            say(Said::Call(call.text("name"), call.text("id"), arguments));
            &["functionCall"]
        }
        (None, None) if object("functionResponse").is_some() => {
            let given = object("functionResponse").unwrap_or_default();
            result(given.text("name"), given.text("id"), given.get("response"), depth, say);
            &["functionResponse"]
        }
        _ => {
            let Some((label, data)) = media(kind.as_deref(), &members) else {
                return say(Said::Json(value));
            };
            // All of its members are in it.
            return say(Said::Media(label, data, value));
        }
    };
    for (name, inner) in members.0.iter().filter(|(name, _)| !shown.contains(&name.as_ref())) {
        say(Said::Member(name.to_string(), inner));
    }
}

/// What type of picture or file it is, and the string with its bytes.
fn media<'a>(kind: Option<&str>, members: &Children<'a>) -> Option<(String, &'a [u8])> {
    let object = |name: &str| members.get(name).and_then(Children::of);
    let (named, data) = match kind {
        Some("image" | "document") => {
            let source = object("source")?;
            (source.text("media_type"), source.get("data").or_else(|| source.get("url"))?)
        }
        Some("image_url") => (None, object("image_url")?.get("url")?),
        Some("input_image") => (None, members.get("image_url")?),
        Some("input_file") => (None, members.get("file_data")?),
        Some("file") => (None, object("file")?.get("file_data")?),
        Some("input_audio") => {
            let audio = object("input_audio")?;
            (audio.text("format").map(|format| format!("audio/{format}")), audio.get("data")?)
        }
        None => {
            let inline = object("inlineData").or_else(|| object("inline_data"))?;
            let named = inline.text("mimeType").or_else(|| inline.text("mime_type"));
            (named, inline.get("data")?)
        }
        Some(_) => return None,
    };
    let inside = data.strip_prefix(b"\"")?;
    let of_url = inside.strip_prefix(b"data:").and_then(|url| {
        let end = url.iter().take(100).position(|byte| matches!(byte, b';' | b','))?;
        std::str::from_utf8(url.get(..end)?).ok()
    });
    let name = named.or_else(|| of_url.map(|name| name.replace('\\', "")));
    Some((name.unwrap_or_else(|| "image".to_owned()), data))
}

/// The members of an object by name, or the elements of a list with no names.
#[derive(Default)]
pub struct Children<'a>(Vec<Child<'a>>);

/// A name, and JSON.
type Child<'a> = (Cow<'a, str>, &'a [u8]);

impl<'a> Children<'a> {
    /// `None` for what is neither, or not whole.
    pub fn of(json: &'a [u8]) -> Option<Self> {
        Self::begun(json).and_then(|(whole, cut)| cut.is_none().then_some(whole))
    }

    /// Those that are whole, and the one where it breaks off: its name, and all that there is from its beginning on.
    /// `None` for what is neither an object nor a list.
    fn begun(json: &'a [u8]) -> Option<(Self, Option<Child<'a>>)> {
        let mut scanner = Scanner::new(json);
        let first = scanner.next()?;
        if !matches!(first.kind, TokenKind::ObjectStart | TokenKind::ArrayStart) {
            return None;
        }
        let mut children = Vec::new();
        let (mut name, mut open, mut end) = (Cow::Borrowed(""), None, first.end);
        for token in scanner.by_ref().filter(|token| token.depth == 1) {
            end = token.end;
            match token.kind {
                TokenKind::Key => {
                    name = decode(json.get(token.start..token.end)?);
                    continue;
                }
                TokenKind::ObjectStart | TokenKind::ArrayStart => {
                    open = Some(token.start);
                    continue;
                }
                TokenKind::ObjectEnd | TokenKind::ArrayEnd => {}
                TokenKind::String | TokenKind::Number | TokenKind::Word => open = Some(token.start),
            }
            children.push((std::mem::take(&mut name), json.get(open.take()?..token.end)?));
        }
        let cut = scanner.broken_at().map(|_| {
            let rest = json.get(open.unwrap_or(end)..).unwrap_or_default();
            let is_between = |byte: &u8| b" \t\r\n,:".contains(byte);
            let skip = rest.iter().take_while(|byte| is_between(byte)).count();
            (name, rest.get(skip..).unwrap_or_default())
        });
        Some((Self(children), cut))
    }

    /// The members' values, or the elements.
    pub fn values(&self) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().map(|(_, value)| *value)
    }

    /// The members; a list's elements have no names.
    pub fn members(&self) -> impl Iterator<Item = (&str, &'a [u8])> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    fn get(&self, wanted: &str) -> Option<&'a [u8]> {
        self.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value)
    }

    /// A member that is a string.
    fn text(&self, wanted: &str) -> Option<String> {
        self.get(wanted).and_then(string)
    }
}

/// What a JSON string says; `None` for what is none.
pub fn string(json: &[u8]) -> Option<String> {
    let is_string = json.len() > 1 && json.starts_with(b"\"") && json.ends_with(b"\"");
    is_string.then(|| decode(json).into_owned())
}

/// What the tools in an entry of the list are called: one, but for Gemini's, which declares many.
pub fn tool_names(entry: &[u8]) -> Vec<String> {
    let members = Children::of(entry).unwrap_or_default();
    let mut declared = ["functionDeclarations", "function_declarations"].into_iter();
    match declared.find_map(|name| members.get(name).and_then(Children::of)) {
        Some(tools) => {
            tools.values().map(|tool| tool_name(&Children::of(tool).unwrap_or_default())).collect()
        }
        None => vec![tool_name(&members)],
    }
}

fn tool_name(members: &Children) -> String {
    let function = members.get("function").and_then(Children::of).unwrap_or_default();
    let name = members.text("name").or_else(|| function.text("name"));
    name.or_else(|| members.text("type")).unwrap_or_else(|| "?".to_owned())
}
