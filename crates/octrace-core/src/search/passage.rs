//! The text in bodies, string by string, with who says it.
//!
//! The tape keeps bodies in pieces: elements of `messages`, `tools` and so on, and the short stretches between
//! them, which are not whole JSON. Both are read here; what is no JSON at all is one passage.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    json::{Scanner, TokenKind, decode},
    provider::Answer,
};

/// Whose words a passage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A system prompt.
    System,
    /// A prompt, and what OpenCode adds to it.
    User,
    /// An answer, with its reasoning and the arguments of its tool calls.
    Assistant,
    /// What a tool gave.
    ToolResult,
    /// What the model is told about a tool.
    ToolDefinition,
    /// Another part of a request: a setting.
    Request,
    /// A provider's error, or that of the transport.
    Error,
}

impl Role {
    /// The words used on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::ToolResult => "tool result",
            Self::ToolDefinition => "tool definition",
            Self::Request => "request",
            Self::Error => "error",
        }
    }
}

/// One string in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage<'a> {
    /// Whose.
    pub role: Role,
    /// What it says, without escapes.
    pub text: Cow<'a, str>,
}

/// From how many bytes on base64 is data and no text.
const DATA: usize = 256;

/// The passages of a piece of a request's body. Names of members, `type` and `role`, cache markers and base64
/// data are none.
pub fn passages_of_request(piece: &[u8]) -> Vec<Passage<'_>> {
    let mut passages = Vec::new();
    let starts_as_json = |byte: &u8| b"{[]}\",:-0123456789 \t\r\n".contains(byte);
    if piece.first().is_some_and(|first| !starts_as_json(first)) {
        push(&mut passages, Role::Request, String::from_utf8_lossy(piece));
        return passages;
    }
    let mut key: &[u8] = b"";
    let mut at = 0;
    while let Some(&byte) = piece.get(at) {
        let rest = &piece[at..];
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'[' | b']' | b'}') {
            // Between pieces; an array that is not cut inside holds nothing that its elements do not.
            at += 1;
            continue;
        }
        let mut scanner = Scanner::new(rest);
        let first = scanner.next();
        scanner.by_ref().for_each(drop);
        let end = scanner.broken_at().unwrap_or(rest.len());
        match first.map(|token| (token.kind, token.end)) {
            Some((TokenKind::String, end)) => {
                let follows = rest.get(end..).unwrap_or_default().trim_ascii_start();
                if follows.starts_with(b":") {
                    key = rest.get(1..end - 1).unwrap_or_default();
                } else {
                    // Alone, it is a long text that stands under `system` or `instructions`.
                    let alone = at == 0 && end == rest.len();
                    let role = if alone { Role::System } else { role_of_setting(key) };
                    push(&mut passages, role, decode(&rest[..end]));
                }
                at += end;
            }
            Some((TokenKind::ObjectStart, _)) => {
                object(&mut passages, &rest[..end]);
                at += end.max(1);
            }
            // Cut inside a string.
            _ if rest.get(end) == Some(&b'"') => break,
            _ => at += end.max(1),
        }
        if piece.get(at) == Some(&b'"') && Scanner::new(&piece[at..]).next().is_none() {
            let text = String::from_utf8_lossy(&piece[at + 1..]);
            push(&mut passages, role_of_setting(key), text);
            break;
        }
    }
    passages
}

/// Whether a piece can be what stands inside a string of a request's body, where the tape keeps long ones apart: no
/// quote in it is without its escape.
pub fn is_inside_string(piece: &[u8]) -> bool {
    let Some(quote) = piece.iter().position(|byte| *byte == b'"') else { return true };
    let escapes = piece[..quote].iter().rev().take_while(|byte| **byte == b'\\').count();
    escapes % 2 == 1
}

/// The passages of such a piece, at least those that it has in its place. Whose they are only its place tells.
pub fn passages_of_string(inside: &[u8]) -> Vec<Passage<'_>> {
    let mut passages = Vec::new();
    let text = decode(&[b"\"", inside, b"\""].concat()).into_owned();
    if text.starts_with('{') {
        arguments(&mut passages, Role::Request, Cow::Owned(text.clone()));
    }
    if inside.contains(&b'\\') {
        // Perhaps it is no JSON.
        push(&mut passages, Role::Request, String::from_utf8_lossy(inside));
    }
    push(&mut passages, Role::Request, Cow::Owned(text));
    passages
}

/// The passages of an answer.
pub fn passages_of_answer(answer: &Answer) -> Vec<Passage<'_>> {
    let mut passages = Vec::new();
    push(&mut passages, Role::Assistant, Cow::Borrowed(&answer.text));
    push(&mut passages, Role::Assistant, Cow::Borrowed(&answer.reasoning));
    for call in &answer.tool_calls {
        push(&mut passages, Role::Assistant, Cow::Borrowed(&call.id));
        push(&mut passages, Role::Assistant, Cow::Borrowed(&call.name));
        arguments(&mut passages, Role::Assistant, Cow::Borrowed(&call.arguments));
    }
    if let Some(error) = &answer.error {
        push(&mut passages, Role::Error, Cow::Borrowed(error));
    }
    passages
}

fn push<'a>(passages: &mut Vec<Passage<'a>>, role: Role, text: Cow<'a, str>) {
    if !text.trim().is_empty() && !is_data(&text) {
        passages.push(Passage { role, text });
    }
}

/// Arguments of a tool call: JSON in a string, or as much of it as there is.
fn arguments<'a>(passages: &mut Vec<Passage<'a>>, role: Role, text: Cow<'a, str>) {
    if !text.starts_with('{') {
        return push(passages, role, text);
    }
    let mut inner = Vec::new();
    for (kind, range) in tokens(text.as_bytes()) {
        if kind == TokenKind::String {
            push(&mut inner, role, decode(&text.as_bytes()[range]));
        }
    }
    passages.extend(inner.into_iter().map(|p| Passage { text: p.text.into_owned().into(), ..p }));
}

fn tokens(json: &[u8]) -> impl Iterator<Item = (TokenKind, std::ops::Range<usize>)> {
    Scanner::new(json).map(|token| (token.kind, token.start..token.end))
}

/// What one object says of itself.
#[derive(Clone, Copy, Default)]
struct Hints {
    /// By its `role` or its `type`.
    role: Option<Role>,
    /// By the names of its members, where nothing else tells.
    likely: Option<Role>,
}

/// An object that is open.
struct Open<'a> {
    role: Option<Role>,
    /// Whether it is what the model wrote or a tool gave: every string in it is text.
    verbatim: bool,
    /// Whether it is a cache marker.
    marker: bool,
    /// The name of the member that is being read.
    key: &'a [u8],
}

fn object<'a>(passages: &mut Vec<Passage<'a>>, json: &'a [u8]) {
    let mut hints = hints(json).into_iter();
    let mut open: Vec<Open<'_>> = Vec::new();
    for (kind, range) in tokens(json) {
        match kind {
            TokenKind::Key => {
                if let Some(open) = open.last_mut() {
                    open.key = inside(json, range);
                }
            }
            TokenKind::ObjectStart => {
                let hints = hints.next().unwrap_or_default();
                open.push(match open.last() {
                    Some(parent) => Open {
                        role: role_of_key(parent.key)
                            .or(hints.role.filter(|_| !parent.verbatim))
                            .or(parent.role),
                        verbatim: parent.verbatim
                            || matches!(parent.key, b"input" | b"args" | b"arguments"),
                        marker: parent.marker || parent.key == b"cache_control",
                        key: b"",
                    },
                    None => {
                        let role = hints.role.or(hints.likely);
                        Open { role, verbatim: false, marker: false, key: b"" }
                    }
                });
            }
            TokenKind::ObjectEnd => {
                open.pop();
            }
            TokenKind::String => {
                let Some(open) = open.last() else { continue };
                let sign = matches!(open.key, b"type" | b"role") && !open.verbatim;
                if sign || open.marker {
                    continue;
                }
                let role = open.role.unwrap_or_else(|| role_of_setting(open.key));
                let text = decode(&json[range]);
                if open.key == b"arguments" {
                    arguments(passages, role, text);
                } else {
                    push(passages, role, text);
                }
            }
            TokenKind::ArrayStart | TokenKind::ArrayEnd | TokenKind::Number | TokenKind::Word => {}
        }
    }
}

/// The hints of each object in `json`, in the order of their beginnings: a `type` may come last.
fn hints(json: &[u8]) -> Vec<Hints> {
    let mut hints: Vec<Hints> = Vec::new();
    let mut open: Vec<(usize, &[u8])> = Vec::new();
    for (kind, range) in tokens(json) {
        match kind {
            TokenKind::ObjectStart => {
                open.push((hints.len(), b""));
                hints.push(Hints::default());
            }
            TokenKind::ObjectEnd => {
                open.pop();
            }
            TokenKind::Key => {
                if let Some((at, key)) = open.last_mut() {
                    *key = inside(json, range);
                    let likely = &mut hints[*at].likely;
                    *likely = match *key {
                        b"input_schema" | b"parameters" | b"function" | b"functionDeclarations" => {
                            Some(Role::ToolDefinition)
                        }
                        b"parts" => likely.or(Some(Role::User)),
                        b"text" => likely.or(Some(Role::System)),
                        _ => *likely,
                    };
                }
            }
            TokenKind::String => {
                if let Some((at, key)) = open.last() {
                    let value = inside(json, range);
                    let role = &mut hints[*at].role;
                    match *key {
                        b"role" => *role = role_of_message(value).or(*role),
                        b"type" => *role = role_of_type(value).or(*role),
                        _ => {}
                    }
                }
            }
            TokenKind::ArrayStart | TokenKind::ArrayEnd | TokenKind::Number | TokenKind::Word => {}
        }
    }
    hints
}

fn role_of_message(role: &[u8]) -> Option<Role> {
    match role {
        b"system" | b"developer" => Some(Role::System),
        b"user" => Some(Role::User),
        b"assistant" | b"model" => Some(Role::Assistant),
        b"tool" | b"function" => Some(Role::ToolResult),
        _ => None,
    }
}

fn role_of_type(kind: &[u8]) -> Option<Role> {
    match kind {
        b"tool_result" | b"function_call_output" | b"custom_tool_call_output" => {
            Some(Role::ToolResult)
        }
        b"tool_use" | b"function_call" | b"custom_tool_call" | b"reasoning" | b"thinking" => {
            Some(Role::Assistant)
        }
        _ => None,
    }
}

/// Gemini's parts are told by their names.
fn role_of_key(key: &[u8]) -> Option<Role> {
    match key {
        b"functionResponse" => Some(Role::ToolResult),
        b"functionCall" => Some(Role::Assistant),
        b"systemInstruction" | b"system_instruction" => Some(Role::System),
        _ => None,
    }
}

fn role_of_setting(key: &[u8]) -> Role {
    match key {
        b"system" | b"instructions" => Role::System,
        b"input" | b"prompt" => Role::User,
        _ => Role::Request,
    }
}

/// What stands between the quotes.
fn inside(json: &[u8], range: std::ops::Range<usize>) -> &[u8] {
    json.get(range.start + 1..range.end - 1).unwrap_or_default()
}

/// Whether it is a picture or a signature rather than text.
fn is_data(text: &str) -> bool {
    let data = match text.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((_, data)) => data,
        None => text,
    };
    let is_digit = |b: u8| b.is_ascii_alphanumeric() || b"+/-_=".contains(&b);
    data.len() >= DATA && data.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ToolRequest;

    #[test]
    fn what_stands_inside_a_string_has_the_passages_that_it_has_in_its_place() {
        for text in ["a \"b\"\n\\c", "{\"command\":\"ls\\nécho\"}", "1: fn main() {", "\\", "{"] {
            let quoted = serde_json::to_string(text).unwrap();
            let inside = &quoted.as_bytes()[1..quoted.len() - 1];
            assert!(is_inside_string(inside), "{text}");
            let alone = passages_of_string(inside);
            for member in ["content", "arguments"] {
                let message = format!(r#"{{"role":"assistant","{member}":{quoted}}}"#);
                for passage in passages_of_request(message.as_bytes()) {
                    assert!(alone.iter().any(|one| one.text == passage.text), "{passage:?}");
                }
            }
        }
        for piece in [r#"{"a":"b"}"#, r#""alone""#, r#"],"stop":["#, r#"\\","x":""#] {
            assert!(!is_inside_string(piece.as_bytes()), "{piece}");
        }
    }

    fn said(piece: &str) -> String {
        let line = |p: &Passage<'_>| format!("{}: {}\n", p.role.as_str(), p.text);
        passages_of_request(piece.as_bytes()).iter().map(line).collect()
    }

    #[test]
    fn messages_say_whose_words_they_are() {
        insta::assert_snapshot!(
            [
                r#"{"role":"user","content":[{"type":"text","text":"a \u00fc\n\"b\""},{"tool_use_id":"toolu_1","content":"gave","type":"tool_result"}]}"#,
                r#"{"content":[{"type":"thinking","thinking":"hm"},{"type":"tool_use","id":"toolu_1","name":"bash","input":{"command":"ls","type":"x","list":["y"]}}],"role":"assistant"}"#,
                r#"{"role":"assistant","content":"ok","tool_calls":[{"id":"call_1","type":"function","function":{"name":"read","arguments":"{\"filePath\":\"/a\\\"b\"}"}}]}"#,
                r#"{"role":"tool","tool_call_id":"call_1","content":"gave"}"#,
                r#"{"role":"developer","content":"rules"}"#,
                r#"{"type":"function_call_output","call_id":"c","output":"gave"}"#,
                r#"{"role":"model","parts":[{"functionCall":{"name":"ls","args":{"role":"x"}}}]}"#,
                r#"{"role":"user","parts":[{"functionResponse":{"name":"ls","response":{"output":"gave"}}}]}"#,
                r#"{"parts":[{"text":"asks"}]}"#,
            ]
            .map(said)
            .join("-\n"),
            @r#"
        user: a ü
        "b"
        tool result: toolu_1
        tool result: gave
        -
        assistant: hm
        assistant: toolu_1
        assistant: bash
        assistant: ls
        assistant: x
        assistant: y
        -
        assistant: ok
        assistant: call_1
        assistant: read
        assistant: /a"b
        -
        tool result: call_1
        tool result: gave
        -
        system: rules
        -
        tool result: c
        tool result: gave
        -
        assistant: ls
        assistant: x
        -
        tool result: ls
        tool result: gave
        -
        user: asks
        "#
        );
    }

    #[test]
    fn prompts_tools_settings_and_what_is_no_json() {
        let data = "iVBOR/+".repeat(60);
        insta::assert_snapshot!(
            [
                r#"{"type":"text","text":"be brief","cache_control":{"type":"ephemeral"}}"#,
                r#""you are an agent""#,
                r#"{"name":"bash","description":"runs","input_schema":{"type":"object","properties":{"c":{"type":"string","description":"what"}}}}"#,
                r#"{"type":"function","function":{"name":"bash","description":"runs","parameters":{}}}"#,
                r#"{"model":"m","system":"short one","n":[1,"x"],"messages":["#,
                r#"],"stop":["STOP"],"o":{"effort":"high"},"stream":true}"#,
                r#","cache_control":{"type":"ephemeral"}"#,
                r#"{"role":"user","content":"whole"},{"role":"user","content":"cut he"#,
                "plain text, no \"JSON\"",
                &format!(r#"{{"role":"user","content":"data:image/png;base64,{data}","d":"{data}"}}"#),
                "",
            ]
            .map(said)
            .join("-\n"),
            @r#"
        system: be brief
        -
        system: you are an agent
        -
        tool definition: bash
        tool definition: runs
        tool definition: what
        -
        tool definition: bash
        tool definition: runs
        -
        request: m
        system: short one
        request: x
        -
        request: STOP
        request: high
        -
        -
        user: whole
        request: cut he
        -
        request: plain text, no "JSON"
        -
        -
        "#
        );
    }

    #[test]
    fn an_answer_says_the_same_as_the_message_that_it_becomes() {
        let answer = Answer {
            text: "done".to_owned(),
            tool_calls: vec![ToolRequest {
                id: "toolu_1".to_owned(),
                name: "bash".to_owned(),
                arguments: r#"{"command":"a\tb"}"#.to_owned(),
            }],
            ..Answer::default()
        };
        let message = r#"{"role":"assistant","content":[{"type":"text","text":"done"},{"type":"tool_use","id":"toolu_1","name":"bash","input":{"command":"a\tb"}}]}"#;
        assert_eq!(passages_of_answer(&answer), passages_of_request(message.as_bytes()));
    }

    #[test]
    fn a_million_broken_pieces_take_no_time() {
        for piece in ["[", "[x", "{", "{\"a\"", "\"a\",", "\"a\":", "x\"", "{\"a\":[", "}", "-"] {
            passages_of_request(piece.repeat(300_000).as_bytes());
            passages_of_request(format!("[{}", piece.repeat(300_000)).as_bytes());
        }
    }
}
