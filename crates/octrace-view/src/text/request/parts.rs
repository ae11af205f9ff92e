//! A request's body in reading order: its settings, its tools by name, the instructions, then the
//! conversation, each message under its role.
//!
//! Nothing but the tools' schemas is left out. Recorded text is indented: only what stands at the margin is ours, so
//! that no message can pass for another one.

use octrace_core::provider::conversation::{self, Children, Place, Said, Section};

use super::{OVERVIEW, pretty};
use crate::text::{Paint, Style, figures, line::Line, safe};

/// More tools than these are only counted.
const NAMED: usize = 40;

/// A member no longer than this, in bytes, stands on one line as it was sent.
const SHORT: usize = 72;

const INDENT: &str = "  ";

/// Writes `body` in reading order and says whether strings were shortened; writes nothing and gives `None`
/// where it is no whole JSON object with a conversation in it.
pub(super) fn parts(body: &[u8], style: &Style, out: &mut String) -> Option<bool> {
    let sections = conversation::sections(body)?;
    let mut writer = Writer { style, out, shortened: false };
    for Section { place, name, value } in &sections {
        match place {
            Place::Setting => writer.member("", name, value),
            Place::Tools => writer.tools(name, value),
            Place::Instructions => {
                writer.heading(name, None);
                conversation::content(value, &mut |said| writer.said(said));
            }
            Place::Conversation => match Children::of(value) {
                Some(messages) => messages.values().for_each(|message| writer.message(message)),
                None => {
                    writer.heading(name, None);
                    conversation::content(value, &mut |said| writer.said(said));
                }
            },
        }
    }
    Some(writer.shortened)
}

struct Writer<'a> {
    style: &'a Style,
    out: &'a mut String,
    shortened: bool,
}

impl Writer<'_> {
    fn tools(&mut self, name: &str, value: &[u8]) {
        let Some(tools) = Children::of(value) else { return self.member("", name, value) };
        let names: Vec<String> = tools.values().flat_map(conversation::tool_names).collect();
        let mut line = Line::new().put(Paint::Accent, &figures::many(names.len() as u64, "tool"));
        if !names.is_empty() {
            let more = if names.len() > NAMED { self.style.glyph(", …", ", ...") } else { "" };
            let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            line = line.plain(": ").plain(&named).plain(more);
            line = line.put(Paint::Dim, " (--body shows them)");
        }
        line.render(self.style, self.out);
    }

    fn message(&mut self, message: &[u8]) {
        let (role, id) = conversation::speaker(message);
        self.heading(&role, id.as_deref());
        conversation::message(message, &mut |said| self.said(said));
    }

    fn said(&mut self, said: Said<'_>) {
        match said {
            Said::Text(text) => self.text(&conversation::string(text).unwrap_or_default()),
            Said::Reasoning(text) => {
                self.label("reasoning", &[]);
                self.text(&conversation::string(text).unwrap_or_default());
            }
            Said::Call(name, id, arguments) => {
                self.label("tool call", &[name, id]);
                match conversation::string(arguments) {
                    Some(arguments) => self.arguments(&arguments),
                    None if arguments.is_empty() => {}
                    None => self.json(arguments),
                }
            }
            Said::Result(name, id) => self.label("tool result", &[name, id]),
            Said::ResultEnd => {}
            Said::Json(value) | Said::Media(_, _, value) => self.json(value),
            Said::Member(name, value) => self.member(INDENT, &name, value),
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

#[cfg(test)]
mod tests;
