//! A message of a request as parts.

use serde_json::value::RawValue;

use crate::{
    provider::conversation::{self, Said},
    trace::{Message, Part, Role},
};

/// What a provider's message says: none where that is nothing. Tools' results that one dialect puts into the user's message
/// are messages of their own, as in the others.
pub(super) fn messages(json: &[u8]) -> Vec<Message> {
    let (speaker, call) = conversation::speaker(json);
    let role = role(&speaker);
    let mut reader = Reader::default();
    if role == Role::Tool && call.is_some() {
        // All that the message says is the result.
        reader.said(Said::Result(None, call));
        conversation::message(json, &mut |said| reader.said(said));
        reader.said(Said::ResultEnd);
    } else {
        conversation::message(json, &mut |said| reader.said(said));
    }
    let mut messages: Vec<Message> = Vec::new();
    for part in reader.parts(json) {
        let role = if matches!(part, Part::Result { .. }) { Role::Tool } else { role };
        match messages.last_mut().filter(|last| last.role == role) {
            Some(last) => last.parts.push(part),
            None => messages.push(Message { role, parts: vec![part] }),
        }
    }
    messages
}

/// What instructions say, or a bare string.
pub(super) fn parts(json: &[u8]) -> Vec<Part> {
    let mut reader = Reader::default();
    conversation::content(json, &mut |said| reader.said(said));
    reader.parts(json)
}

/// What a tool is called with, which a provider tells as a string: its JSON, and of what is none, JSON that says it.
pub(super) fn arguments(told: &str) -> String {
    if told.trim().is_empty() { "{}".to_owned() } else { json(told) }
}

/// The text itself where it is JSON, else as a string of JSON.
fn json(text: &str) -> String {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(json) => json.get().to_owned(),
        Err(_) => serde_json::Value::from(text).to_string(),
    }
}

fn json_bytes(bytes: &[u8]) -> String {
    json(&String::from_utf8_lossy(bytes))
}

/// A message's role, or what stands in its place where calls and their results stand among the messages.
fn role(speaker: &str) -> Role {
    match speaker {
        "system" | "developer" => Role::System,
        "assistant" | "model" | "reasoning" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        _ if speaker.ends_with("_call") => Role::Assistant,
        _ if speaker.ends_with("_output") => Role::Tool,
        _ => Role::User,
    }
}

/// What was said so far.
#[derive(Default)]
struct Reader {
    parts: Vec<Part>,
    /// Results that are not at their end: one, and those inside of it.
    open: usize,
    /// Whether anything was said, be it nothing in words.
    heard: bool,
}

impl Reader {
    /// The parts of `whole`, itself one if nothing in it was known.
    fn parts(mut self, whole: &[u8]) -> Vec<Part> {
        if !self.heard {
            self.parts.push(Part::Other(json_bytes(whole)));
        }
        self.parts
    }

    fn said(&mut self, said: Said<'_>) {
        // Members say something about what was said, and no more of it.
        self.heard |= !matches!(&said, Said::Member(name, _) if !is_sealed(name));
        match said {
            Said::Text(json) => self.text(text(json)),
            Said::Reasoning(json) => match text(json) {
                text if self.open > 0 => self.text(text),
                text if text.is_empty() => {}
                text => self.parts.push(Part::Reasoning(text)),
            },
            Said::Call(name, id, told) => {
                let arguments = match conversation::string(told) {
                    Some(text) => arguments(&text),
                    None if told.is_empty() => arguments(""),
                    None => json_bytes(told),
                };
                let name = name.unwrap_or_default();
                self.part(Part::Call { id: id.unwrap_or_default(), name, arguments });
            }
            Said::Result(name, id) => {
                if self.open == 0 {
                    let (id, name) = (id.unwrap_or_default(), name.unwrap_or_default());
                    self.parts.push(Part::Result { id, name, text: String::new() });
                }
                self.open += 1;
            }
            Said::ResultEnd => self.open = self.open.saturating_sub(1),
            Said::Media(mime, data, _) => {
                // Between its quotes.
                let bytes = (data.len() as u64).saturating_sub(2);
                self.part(Part::Media { mime, bytes });
            }
            Said::Json(json) => self.part(Part::Other(json_bytes(json))),
            Said::Member(..) => {}
        }
    }

    fn text(&mut self, text: String) {
        if self.open > 0 {
            self.append(text);
        } else if !text.is_empty() {
            self.parts.push(Part::Text(text));
        }
    }

    fn part(&mut self, part: Part) {
        if self.open == 0 {
            return self.parts.push(part);
        }
        // A result is text.
        match part {
            Part::Media { mime, bytes } => self.append(format!("[{mime}, {bytes} bytes]")),
            Part::Call { name, arguments, .. } => self.append(format!("{name} {arguments}")),
            Part::Other(text) | Part::Text(text) | Part::Reasoning(text) => self.append(text),
            Part::Result { .. } => {}
        }
    }

    /// Adds a line to the result. A result of one text, which may be large, is that text itself.
    fn append(&mut self, line: String) {
        if let Some(Part::Result { text, .. }) = self.parts.last_mut() {
            if text.is_empty() {
                *text = line;
            } else {
                text.push('\n');
                text.push_str(&line);
            }
        }
    }
}

/// Whether a member of this name says what nobody but the provider can read.
fn is_sealed(name: &str) -> bool {
    matches!(name, "encrypted_content" | "signature" | "thoughtSignature")
}

fn text(json: &[u8]) -> String {
    conversation::string(json).unwrap_or_else(|| String::from_utf8_lossy(json).into_owned())
}
