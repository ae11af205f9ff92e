//! A request's body in reading order: its settings, its tools by name, the instructions, then the
//! conversation, each message under its role.
//!
//! It knows the members that the providers' dialects share or spell differently, and lays out as JSON
//! whatever else stands beside them, so that nothing but the tools' schemas is left out. Recorded text is
//! indented: only what stands at the margin is ours, so that no message can pass for another one.

use std::borrow::Cow;

use octrace_core::json::{Scanner, TokenKind};

use super::{OVERVIEW, pretty};
use crate::text::{Paint, Style, figures, line::Line, safe};

/// More tools than these are only counted.
const NAMED: usize = 40;

/// A member no longer than this, in bytes, stands on one line as it was sent.
const SHORT: usize = 72;

/// Results inside results are laid out as JSON from this depth on: a body can claim any.
const NESTED: usize = 4;

const INDENT: &str = "  ";

/// Writes `body` in reading order and says whether strings were shortened; writes nothing and gives `None`
/// where it is no whole JSON object with a conversation in it.
pub(super) fn parts(body: &[u8], style: &Style, out: &mut String) -> Option<bool> {
    let mut members = Children::of(body).filter(|_| body.trim_ascii_start().starts_with(b"{"))?.0;
    members.sort_by_key(|(name, _)| Place::of(name));
    members.last().filter(|(name, _)| Place::of(name) == Place::Conversation)?;
    let mut writer = Writer { style, out, nested: 0, shortened: false };
    for (name, value) in &members {
        match Place::of(name) {
            Place::Setting => writer.member("", name, value),
            Place::Tools => writer.tools(name, value),
            Place::Instructions => {
                writer.heading(name, None);
                writer.content(value);
            }
            Place::Conversation => match Children::of(value) {
                Some(messages) => messages.values().for_each(|message| writer.message(message)),
                None => {
                    writer.heading(name, None);
                    writer.content(value);
                }
            },
        }
    }
    Some(writer.shortened)
}

/// Where a member of the body is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Setting,
    Tools,
    Instructions,
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

struct Writer<'a> {
    style: &'a Style,
    out: &'a mut String,
    /// How many results we are in.
    nested: usize,
    shortened: bool,
}

impl Writer<'_> {
    fn tools(&mut self, name: &str, value: &[u8]) {
        let Some(tools) = Children::of(value) else { return self.member("", name, value) };
        let names: Vec<String> = tools.values().flat_map(tool_names).collect();
        let mut line = Line::new().put(Paint::Accent, &figures::many(names.len() as u64, "tool"));
        if !names.is_empty() {
            let more = if names.len() > NAMED { self.style.glyph(", …", ", ...") } else { "" };
            let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            line = line.plain(": ").plain(&named).plain(more);
            line = line.put(Paint::Dim, " (--body shows them)");
        }
        line.render(self.style, self.out);
    }

    /// A message, or in dialects where they stand among the messages, a tool call or its result.
    fn message(&mut self, message: &[u8]) {
        let Some(members) = Children::of(message) else {
            self.heading("message", None);
            return self.content(message);
        };
        let Some(role) = members.text("role") else {
            self.heading(members.text("type").as_deref().unwrap_or("message"), None);
            return self.part(message);
        };
        self.heading(&role, members.text("tool_call_id").as_deref());
        for (name, value) in &members.0 {
            match name.as_ref() {
                "role" | "tool_call_id" => {}
                "content" | "parts" => self.content(value),
                "tool_calls" => match Children::of(value) {
                    Some(calls) => calls.values().for_each(|call| self.part(call)),
                    None => self.member(INDENT, name, value),
                },
                _ => self.member(INDENT, name, value),
            }
        }
    }

    /// What a message says: a text, or a list of parts.
    fn content(&mut self, value: &[u8]) {
        if let Some(text) = string(value) {
            return self.text(&text);
        }
        let list = |value: &[u8]| value.starts_with(b"[");
        let parts = if list(value) {
            Some(value)
        } else {
            Children::of(value).and_then(|object| object.get("parts")).filter(|parts| list(parts))
        };
        match parts.and_then(Children::of) {
            Some(parts) => parts.values().for_each(|part| self.part(part)),
            None if value == b"null" => {}
            None => self.json(value),
        }
    }

    /// What a tool gave.
    fn result(&mut self, id: Option<String>, value: Option<&[u8]>) {
        self.label("tool result", &[None, id]);
        if self.nested == NESTED {
            return self.json(value.unwrap_or_default());
        }
        self.nested += 1;
        self.content(value.unwrap_or(b"null"));
        self.nested -= 1;
    }

    fn part(&mut self, part: &[u8]) {
        if let Some(text) = string(part) {
            return self.text(&text);
        }
        let Some(members) = Children::of(part) else { return self.json(part) };
        let kind = members.text("type");
        let shown: &[&str] = match kind.as_deref() {
            None | Some("text" | "input_text" | "output_text")
                if members.text("text").is_some() =>
            {
                self.text(&members.text("text").unwrap_or_default());
                &["type", "text"]
            }
            Some("thinking") => {
                self.label("reasoning", &[]);
                self.text(&members.text("thinking").unwrap_or_default());
                &["type", "thinking"]
            }
            Some("tool_use") => {
                self.label("tool call", &[members.text("name"), members.text("id")]);
                self.json(members.get("input").unwrap_or_default());
                &["type", "name", "id", "input"]
            }
            Some("function") => {
                let function = members.get("function").and_then(Children::of).unwrap_or_default();
                self.label("tool call", &[function.text("name"), members.text("id")]);
                self.arguments(&function.text("arguments").unwrap_or_default());
                &["type", "id", "index", "function"]
            }
            Some("function_call") => {
                self.label("tool call", &[members.text("name"), members.text("call_id")]);
                self.arguments(&members.text("arguments").unwrap_or_default());
                &["type", "id", "name", "call_id", "arguments"]
            }
            Some("tool_result") => {
                self.result(members.text("tool_use_id"), members.get("content"));
                &["type", "tool_use_id", "content"]
            }
            Some("function_call_output") => {
                self.result(members.text("call_id"), members.get("output"));
                &["type", "id", "call_id", "output"]
            }
            _ => return self.json(part),
        };
        for (name, value) in members.0.iter().filter(|(name, _)| !shown.contains(&name.as_ref())) {
            self.member(INDENT, name, value);
        }
    }

    fn heading(&mut self, role: &str, id: Option<&str>) {
        let paint = match role {
            "user" => Paint::Accent,
            "assistant" | "model" => Paint::Good,
            _ => Paint::Meta,
        };
        self.out.push('\n');
        let line =
            Line::new().put(paint, role).put(Paint::Dim, if id.is_some() { " " } else { "" });
        line.put(Paint::Dim, id.unwrap_or_default()).render(self.style, self.out);
    }

    /// `tool call bash call_1`: what, its name, its id.
    fn label(&mut self, what: &str, names: &[Option<String>]) {
        let mut line = Line::new().layout(Paint::Plain, INDENT).put(Paint::Meta, what);
        for (name, paint) in names.iter().zip([Paint::Strong, Paint::Dim]) {
            if let Some(name) = name {
                line = line.put(paint, " ").put(paint, name);
            }
        }
        line.render(self.style, self.out);
    }

    /// What a tool was called with: JSON in a string, as a rule.
    fn arguments(&mut self, text: &str) {
        match Children::of(text.as_bytes()) {
            Some(_) => self.json(text.as_bytes()),
            None => self.text(text),
        }
    }

    fn member(&mut self, indent: &str, name: &str, value: &[u8]) {
        let line = Line::new().layout(Paint::Plain, indent).put(Paint::Accent, name).plain(":");
        if value.len() <= SHORT {
            let value = String::from_utf8_lossy(value);
            return line.plain(" ").plain(&value).render(self.style, self.out);
        }
        line.render(self.style, self.out);
        self.json(value);
    }

    fn text(&mut self, text: &str) {
        let end = text.char_indices().nth(OVERVIEW).map(|(end, _)| end);
        let kept = safe::block(text.get(..end.unwrap_or(text.len())).unwrap_or_default());
        let mut lines = kept.lines().peekable();
        while let Some(line) = lines.next() {
            let mut line = Line::new().layout(Paint::Plain, INDENT).layout(Paint::Plain, line);
            if lines.peek().is_none() && end.is_some() {
                let more = (text.chars().count() - OVERVIEW) as u64;
                let more = format!(" ({} more characters)", figures::grouped(more));
                line = line.layout(Paint::Plain, self.style.glyph("…", "..."));
                line = line.layout(Paint::Dim, &more);
            }
            line.render(self.style, self.out);
        }
        self.shortened |= end.is_some();
    }

    fn json(&mut self, value: &[u8]) {
        let mut text = String::new();
        self.shortened |= pretty::pretty(value, Some(OVERVIEW), self.style, &mut text);
        for line in text.lines() {
            self.out.extend([INDENT, line, "\n"]);
        }
    }
}

/// The members of an object by name, or the elements of a list with no names.
#[derive(Default)]
struct Children<'a>(Vec<(Cow<'a, str>, &'a [u8])>);

impl<'a> Children<'a> {
    /// `None` for what is neither, or not whole.
    fn of(json: &'a [u8]) -> Option<Self> {
        let mut scanner = Scanner::new(json);
        let first = scanner.next().map(|token| token.kind)?;
        if !matches!(first, TokenKind::ObjectStart | TokenKind::ArrayStart) {
            return None;
        }
        let mut children = Vec::new();
        let (mut name, mut start) = (Cow::Borrowed(""), 0);
        for token in scanner.by_ref().filter(|token| token.depth == 1) {
            match token.kind {
                TokenKind::Key => {
                    name = string(json.get(token.start..token.end)?)?.into();
                    continue;
                }
                TokenKind::ObjectStart | TokenKind::ArrayStart => {
                    start = token.start;
                    continue;
                }
                TokenKind::ObjectEnd | TokenKind::ArrayEnd => {}
                TokenKind::String | TokenKind::Number | TokenKind::Word => start = token.start,
            }
            children.push((std::mem::take(&mut name), json.get(start..token.end)?));
        }
        scanner.broken_at().is_none().then_some(Self(children))
    }

    fn values(&self) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().map(|(_, value)| *value)
    }

    fn get(&self, wanted: &str) -> Option<&'a [u8]> {
        self.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value)
    }

    /// A member that is a string.
    fn text(&self, wanted: &str) -> Option<String> {
        self.get(wanted).and_then(string)
    }
}

/// What a JSON string says; one with impossible escapes is shown as it stands.
fn string(json: &[u8]) -> Option<String> {
    let inside = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let text = serde_json::from_slice(json);
    Some(text.unwrap_or_else(|_| String::from_utf8_lossy(inside).into_owned()))
}

/// What the tools in an entry of the list are called: one, but for Gemini's, which declares many.
fn tool_names(entry: &[u8]) -> Vec<String> {
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

#[cfg(test)]
mod tests;
