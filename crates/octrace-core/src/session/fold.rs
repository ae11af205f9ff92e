//! Events into what is known of each thing they tell about: the latest word on the session, on each
//! message and on each part, whatever order the events came in and however often.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    EventRecord, KnownTool, ToolCall,
    part::{self, PromptPart},
    read,
};
use crate::{event::ToolFact, provider::Usage};

/// What the plugin writes into the metadata of a command's part (`plugin/forget.ts`).
const COMMAND: &str = "intercept";

/// What a session's events say. Maps are by OpenCode's ids.
#[derive(Default)]
pub(super) struct Fold<'a> {
    pub(super) title: Option<(i64, &'a str)>,
    pub(super) parent: Option<&'a str>,
    pub(super) directory: Option<&'a str>,
    pub(super) version: Option<&'a str>,
    pub(super) agent: Option<&'a str>,
    pub(super) created_us: Option<i64>,
    pub(super) users: BTreeMap<&'a str, User<'a>>,
    pub(super) assistants: BTreeMap<&'a str, Assistant<'a>>,
    /// When OpenCode said that it is idle, in the order recorded.
    pub(super) idles: Vec<i64>,
    /// When OpenCode reported an error, and what.
    pub(super) errors: Vec<(i64, String)>,
}

/// A user message.
#[derive(Default)]
pub(super) struct User<'a> {
    /// Whether the message itself was seen, not only a part of it.
    pub(super) known: bool,
    /// Whether it is a command that octrace answers itself, `/intercept`: its part carries the plugin's mark.
    pub(super) is_command: bool,
    pub(super) started_us: i64,
    pub(super) agent: Option<&'a str>,
    pub(super) parts: BTreeMap<&'a str, (i64, PromptPart<'a>)>,
}

/// An assistant message: OpenCode's view of one model call.
#[derive(Default)]
pub(super) struct Assistant<'a> {
    pub(super) parent: Option<&'a str>,
    pub(super) agent: Option<&'a str>,
    pub(super) model: Option<(&'a str, &'a str)>,
    pub(super) created_us: Option<i64>,
    pub(super) completed_us: Option<i64>,
    pub(super) finish: Option<&'a str>,
    pub(super) error: Option<String>,
    pub(super) usage: Option<Usage>,
    pub(super) cost: Option<f64>,
    pub(super) tools: BTreeMap<&'a str, (i64, ToolCall)>,
    pub(super) texts: BTreeMap<&'a str, (i64, &'a str)>,
}

/// Whether events of this kind say anything of a session.
pub fn is_told_by(kind: &str) -> bool {
    matches!(
        kind,
        "session.created"
            | "session.updated"
            | "message.updated"
            | "message.part.updated"
            | "session.idle"
            | "session.error"
    )
}

/// Folds the events of session `id`; those of other sessions are passed over. `tools` are what other events tell.
pub(super) fn fold<'a>(id: &str, events: &'a [EventRecord], tools: &'a [KnownTool]) -> Fold<'a> {
    let mut order: Vec<&EventRecord> = events.iter().collect();
    order.sort_by_key(|event| (event.id, event.at_us));
    let mut fold = Fold::default();
    for event in order {
        let body = &event.body;
        let session = read::text(body, "/sessionID")
            .or_else(|| read::text(body, "/part/sessionID"))
            .or_else(|| read::text(body, "/info/sessionID"));
        if session.is_some_and(|session| session != id) {
            continue;
        }
        match event.kind.as_str() {
            "session.created" | "session.updated" => fold.session(id, body),
            "message.updated" => fold.message(body, event.at_us),
            "message.part.updated" => fold.part(body, event.id),
            "session.idle" => fold.idles.push(event.at_us),
            "session.error" => {
                if let Some(error) = body.get("error").and_then(read::error) {
                    fold.errors.push((event.at_us, error));
                }
            }
            _ => {}
        }
    }
    for KnownTool { event, fact: ToolFact { part, message, call } } in tools {
        fold.tool(message, part, *event, call.clone());
    }
    fold
}

impl<'a> Fold<'a> {
    fn session(&mut self, id: &str, body: &'a Value) {
        if read::text(body, "/info/id").is_some_and(|session| session != id) {
            return;
        }
        let updated = read::micros(body, "/info/time/updated").unwrap_or(i64::MIN);
        if let Some(title) =
            read::text(body, "/info/title").filter(|title| !is_placeholder_title(title))
            && self.title.is_none_or(|(known, _)| known <= updated)
        {
            self.title = Some((updated, title));
        }
        self.parent = read::text(body, "/info/parentID").or(self.parent);
        self.directory = read::text(body, "/info/directory").or(self.directory);
        self.version = read::text(body, "/info/version").or(self.version);
        self.agent = read::text(body, "/info/agent").or(self.agent);
        self.created_us = read::micros(body, "/info/time/created").or(self.created_us);
    }

    fn message(&mut self, body: &'a Value, at_us: i64) {
        let Some(info) = body.get("info") else { return };
        let Some(id) = read::text(info, "/id") else { return };
        let created_us = read::micros(info, "/time/created");
        match read::text(info, "/role") {
            Some("user") => {
                let user = self.users.entry(id).or_default();
                if !user.known {
                    user.started_us = created_us.unwrap_or(at_us);
                }
                user.known = true;
                user.agent = read::text(info, "/agent").or(user.agent);
            }
            Some("assistant") => {
                let assistant = self.assistants.entry(id).or_default();
                let completed_us = read::micros(info, "/time/completed");
                assistant.parent = read::text(info, "/parentID").or(assistant.parent);
                assistant.agent = read::text(info, "/agent").or(assistant.agent);
                assistant.created_us = assistant.created_us.or(created_us).or(Some(at_us));
                let provider = read::text(info, "/providerID").unwrap_or_default();
                let model = read::text(info, "/modelID").map(|model| (provider, model));
                assistant.model = model.or(assistant.model);
                // An event from before the end must not undo what the end said.
                if completed_us.is_some() || assistant.completed_us.is_none() {
                    assistant.completed_us = completed_us;
                    assistant.finish = read::text(info, "/finish").or(assistant.finish);
                    assistant.usage = info.get("tokens").and_then(read::tokens).or(assistant.usage);
                    assistant.cost = info.get("cost").and_then(Value::as_f64).or(assistant.cost);
                }
                let error = info.get("error").and_then(read::error);
                assistant.error = error.or(assistant.error.take());
            }
            _ => {}
        }
    }

    fn part(&mut self, body: &'a Value, place: i64) {
        let Some(part) = body.get("part") else { return };
        let Some((message, id)) = part::ids(part) else { return };
        if let Some(told) = part::tool_call(part) {
            self.tool(message, id, place, told);
        }
        let Some(piece) = part::prompt_part(part) else { return };
        self.prompt_part(message, id, place, piece);
        if read::text(part, "/metadata/octrace") == Some(COMMAND) {
            self.users.entry(message).or_default().is_command = true;
        }
        if let PromptPart::Typed(text) = piece {
            let texts = &mut self.assistants.entry(message).or_default().texts;
            texts.entry(id).or_insert((place, text)).1 = text;
        }
    }

    fn tool(&mut self, message: &'a str, id: &'a str, place: i64, told: ToolCall) {
        let tools = &mut self.assistants.entry(message).or_default().tools;
        tools.entry(id).or_insert_with(|| (place, ToolCall::default())).1.merge(told);
    }

    fn prompt_part(&mut self, message: &'a str, id: &'a str, place: i64, part: PromptPart<'a>) {
        let parts = &mut self.users.entry(message).or_default().parts;
        let place = parts.get(id).map_or(place, |(first, _)| *first);
        parts.insert(id, (place, part));
    }
}

/// Whether this is OpenCode's own title, which stands until the model has given one: then there is none yet.
pub fn is_placeholder_title(title: &str) -> bool {
    title.starts_with("New session - ") || title.starts_with("Child session - ")
}
