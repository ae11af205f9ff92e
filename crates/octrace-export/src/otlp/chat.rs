//! Messages as most backends want them: one text each, calls of tools beside it, and every tool's result by itself.

use std::borrow::Cow;

use octrace_core::trace::{Message, Part, Role, Said};

/// A message.
#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    /// `system`, `user`, `assistant`, `tool`.
    pub(super) role: &'static str,
    /// What is said; with a word about what is no text.
    pub(super) text: Cow<'a, str>,
    /// What the model thought.
    pub(super) reasoning: Cow<'a, str>,
    /// Which tools it wants called.
    pub(super) calls: Vec<Call<'a>>,
    /// Of a tool's result: the call's id and the tool, each empty where it is not known.
    pub(super) answers: Option<(&'a str, &'a str)>,
}

/// A tool is to be called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    /// JSON.
    pub(super) arguments: &'a str,
}

/// All that was asked, instructions first.
pub(super) fn asked(said: &Said) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    if !said.system.is_empty() {
        let mut line = Line { role: "system", ..Line::default() };
        said.system.iter().for_each(|part| line.add(part));
        lines.push(line);
    }
    for message in &said.input {
        lines.extend(of(message));
    }
    lines
}

/// A message, and before it the tools' results in it.
pub(super) fn of(message: &Message) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut line = Line { role: message.role.as_str(), ..Line::default() };
    let mut is_empty = true;
    for part in &message.parts {
        if let Part::Result { id, name, text } = part {
            let answers = Some((id.as_str(), name.as_str()));
            lines.push(Line { role: "tool", text: text.into(), answers, ..Line::default() });
        } else {
            line.add(part);
            is_empty = false;
        }
    }
    if !is_empty || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// The text that the user said last.
pub(super) fn last_asked(said: &Said) -> Cow<'_, str> {
    let messages = said.input.iter().rev().filter(|message| message.role == Role::User);
    let texts = messages.map(|message| {
        let mut line = Line::default();
        let texts = message.parts.iter().filter(|part| matches!(part, Part::Text(_)));
        texts.for_each(|part| line.add(part));
        line.text
    });
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

impl<'a> Line<'a> {
    fn add(&mut self, part: &'a Part) {
        match part {
            Part::Text(text) => join(&mut self.text, text.into()),
            Part::Reasoning(text) => join(&mut self.reasoning, text.into()),
            Part::Call { id, name, arguments } => self.calls.push(Call { id, name, arguments }),
            Part::Media { mime, bytes } => {
                join(&mut self.text, format!("[{mime}, {bytes} bytes]").into());
            }
            Part::Result { text, .. } | Part::Other(text) => join(&mut self.text, text.into()),
        }
    }

    /// What was said, or else which tools are to be called.
    pub(super) fn text_or_calls(&self) -> Cow<'_, str> {
        if self.calls.is_empty() || !self.text.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        let calls = self.calls.iter().map(|call| format!("→ {}({})", call.name, call.arguments));
        Cow::Owned(calls.collect::<Vec<_>>().join("\n"))
    }
}

fn join<'a>(to: &mut Cow<'a, str>, text: Cow<'a, str>) {
    if to.is_empty() {
        *to = text;
    } else if !text.is_empty() {
        let all = to.to_mut();
        all.push('\n');
        all.push_str(&text);
    }
}
