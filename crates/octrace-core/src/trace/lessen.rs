//! What of a span a destination gets: redacted once more by that destination's patterns, without what was said, without
//! the instructions, no larger than it takes.
//!
//! One function knows every string of a span, and each of these is a way to change them: a string that is added to a
//! span and not to the function does not compile.

mod trim;

use super::{
    Attempt, Failure, Message, ModelSpan, Part, Role, Said, SessionFacts, Span, ToolSpan, TurnSpan,
    What,
};
use crate::redact::Redactor;

/// What a string of a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What something or somebody is called: an id, a tool, a model. No content.
    Name,
    /// What was said, or a tool gave.
    Text,
    /// The same as JSON; empty where there is none.
    Json,
}

/// What is done with a string.
type Visit<'v> = dyn FnMut(Kind, &mut String) + 'v;

/// Settings that are told also without content, as long as they are numbers.
const FIGURES: [&str; 8] = [
    "frequency_penalty",
    "max_tokens",
    "n",
    "presence_penalty",
    "seed",
    "temperature",
    "top_k",
    "top_p",
];

/// What stands in the place of so many bytes.
pub(super) fn left_out(bytes: usize) -> String {
    format!("[… {bytes} bytes left out]")
}

impl Span {
    /// Blanks what `redactor` finds, in every string; in JSON also what stands under secret names. What was JSON is JSON
    /// afterwards.
    pub fn redact(&mut self, redactor: &Redactor) {
        self.strings(&mut |kind, text| match kind {
            Kind::Name | Kind::Text => *text = redactor.text(std::mem::take(text)).into_inner(),
            Kind::Json if text.is_empty() => {}
            Kind::Json => {
                let json = redactor.json(text.as_bytes()).into_inner();
                *text = String::from_utf8(json)
                    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            }
        });
    }

    /// Leaves what happened, when, and how much it took: names, roles, the kinds of parts, and figures. Texts become
    /// empty, and JSON in messages `null`; titles, settings that are no numbers, and a tool's input and metadata go.
    pub fn without_content(&mut self) {
        let mut settings = Vec::new();
        if let What::Model(model) = &mut self.what {
            settings = std::mem::take(&mut model.said.settings);
            settings.retain(|(name, json)| {
                FIGURES.contains(&name.as_str()) && json.parse::<f64>().is_ok()
            });
        }
        self.strings(&mut |kind, text| match kind {
            Kind::Name => {}
            Kind::Text => text.clear(),
            Kind::Json => "null".clone_into(text),
        });
        match &mut self.what {
            What::Turn(_) => {}
            What::Model(model) => model.said.settings = settings,
            What::Tool(tool) => {
                tool.title = None;
                tool.input.clear();
                tool.metadata.clear();
            }
        }
    }

    /// Takes the instructions away, those in the middle of a conversation too.
    pub fn without_system(&mut self) {
        if let What::Model(model) = &mut self.what {
            model.said.system.clear();
            model.said.input.retain(|message| message.role != Role::System);
        }
    }

    /// Shows every string, in the order in which they can be missed: what was said long ago first, names last.
    fn strings(&mut self, visit: &mut Visit<'_>) {
        let Self { id: _, parent: _, started_us: _, ended_us: _, failure, what } = self;
        match what {
            What::Turn(turn) => turn.strings(visit),
            What::Model(model) => model.strings(visit),
            What::Tool(tool) => tool.strings(visit),
        }
        reason(failure, visit);
    }
}

impl SessionFacts {
    /// As [`Span::redact`].
    pub fn redact(&mut self, redactor: &Redactor) {
        let Self { id: _, title, directory, version: _ } = self;
        for text in [title, directory].into_iter().flatten() {
            *text = redactor.text(std::mem::take(text)).into_inner();
        }
    }

    /// As [`Span::without_content`]: a title says what the session is about, and a folder's name can.
    pub fn without_content(&mut self) {
        (self.title, self.directory) = (None, None);
    }
}

fn reason(failure: &mut Option<Failure>, visit: &mut Visit<'_>) {
    if let Some(Failure { kind, message }) = failure {
        visit(Kind::Text, message);
        visit(Kind::Name, kind);
    }
}

fn names<'a>(names: impl IntoIterator<Item = &'a mut Option<String>>, visit: &mut Visit<'_>) {
    for name in names.into_iter().flatten() {
        visit(Kind::Name, name);
    }
}

impl TurnSpan {
    fn strings(&mut self, visit: &mut Visit<'_>) {
        let Self { message, agent, prompt, reply, usage: _, cost_usd: _ } = self;
        visit(Kind::Text, prompt);
        visit(Kind::Text, reply);
        visit(Kind::Name, message);
        names([agent], visit);
    }
}

impl ToolSpan {
    fn strings(&mut self, visit: &mut Visit<'_>) {
        let Self {
            call,
            tool,
            message,
            number: _,
            title,
            input,
            output,
            metadata,
            status: _,
            exit: _,
            child,
        } = self;
        visit(Kind::Json, metadata);
        visit(Kind::Text, output);
        visit(Kind::Json, input);
        if let Some(title) = title {
            visit(Kind::Text, title);
        }
        for name in [call, tool, message] {
            visit(Kind::Name, name);
        }
        names([child], visit);
    }
}

impl ModelSpan {
    fn strings(&mut self, visit: &mut Visit<'_>) {
        let Self {
            purpose: _,
            message,
            number: _,
            agent,
            provider,
            model,
            answered_by,
            dialect: _,
            server,
            stream: _,
            attempts,
            usage: _,
            cost_usd: _,
            finish,
            first_content_after_us: _,
            said,
        } = self;
        said.strings(visit);
        for attempt in attempts {
            let Attempt { exchange: _, started_us: _, ended_us: _, status: _, failure } = attempt;
            reason(failure, visit);
        }
        names([message, agent, provider, model, answered_by, finish], visit);
        if let Some((host, _)) = server {
            visit(Kind::Name, host);
        }
    }
}

impl Said {
    fn strings(&mut self, visit: &mut Visit<'_>) {
        let Self { system, input, output, settings, tools } = self;
        for message in input {
            message.strings(visit);
        }
        for part in system {
            part.strings(visit);
        }
        for (name, json) in settings {
            visit(Kind::Json, json);
            visit(Kind::Name, name);
        }
        if let Some(message) = output {
            message.strings(visit);
        }
        for name in tools {
            visit(Kind::Name, name);
        }
    }
}

impl Message {
    fn strings(&mut self, visit: &mut Visit<'_>) {
        let Self { role: _, parts } = self;
        for part in parts {
            part.strings(visit);
        }
    }
}

impl Part {
    fn strings(&mut self, visit: &mut Visit<'_>) {
        match self {
            Self::Text(text) | Self::Reasoning(text) => visit(Kind::Text, text),
            Self::Call { id, name, arguments } => {
                visit(Kind::Json, arguments);
                visit(Kind::Name, id);
                visit(Kind::Name, name);
            }
            Self::Result { id, name, text } => {
                visit(Kind::Text, text);
                visit(Kind::Name, id);
                visit(Kind::Name, name);
            }
            Self::Media { mime, bytes: _ } => visit(Kind::Name, mime),
            Self::Other(json) => visit(Kind::Json, json),
        }
    }
}

#[cfg(test)]
mod tests;
