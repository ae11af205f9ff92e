//! What was said to a model and by it, from the bodies of an exchange, in the same words for every dialect.
//!
//! Where things stand in a request is what [`conversation`] knows, and what an answer says [`read_answer`]; here it
//! becomes [`Said`](super::Said). What the dialects do not share is kept as JSON, but for what only says how the parts
//! are cached and signed. The work is linear in the bytes, whatever they are.

mod known;
mod message;
mod settings;

pub use self::known::Known;
use super::{Message, ModelSpan, Part, Role, lessen::left_out};
use crate::{
    json::Scanner,
    provider::{
        Answer,
        conversation::{self, Begun, Children, Place, Section},
        outline::Elements,
        read_answer,
    },
};

/// A request with more pieces of JSON than this is no conversation that any model was ever sent, and would take many
/// times its size.
const PIECES: usize = 1_000_000;

/// Reads the bodies of the call's last attempt into [`ModelSpan::said`], and what else they tell. The response is its
/// `content-type`, as [`crate::exchange::content_type`] gives it, and its body; `is_whole` says whether it arrived to
/// its end.
///
/// A request that is no conversation of any form is told by its size alone: what in it are instructions, which not
/// every destination gets, nobody can tell. What is `known` of requests before it saves work and changes nothing.
pub fn read(
    span: &mut ModelSpan,
    request: &[u8],
    response: Option<(&str, &[u8])>,
    is_whole: bool,
    known: &mut Known,
) {
    known.begin();
    read_request(span, request, known);
    if let Some((content_type, body)) = response {
        let answer = read_answer(span.dialect, content_type, body, is_whole);
        span.answered_by.clone_from(&answer.model);
        if span.finish.is_none() {
            span.finish.clone_from(&answer.finish);
        }
        span.said.output = said(answer);
    }
}

fn read_request(span: &mut ModelSpan, body: &[u8], known: &mut Known) {
    let is_sane = body.len() < PIECES || Scanner::new(body).nth(PIECES).is_none();
    if let Some(sections) = conversation::sections(body).filter(|_| is_sane) {
        return read_sections(span, sections, known);
    }
    if let Some(Begun { sections, messages, rest: (_, rest) }) =
        conversation::begun(body).filter(|_| is_sane)
    {
        read_sections(span, sections, known);
        for message in messages.values() {
            add(span, message, known);
        }
        return cut(span, rest.len());
    }
    cut(span, body.len());
}

/// So many bytes of the request are in no form that can be read.
fn cut(span: &mut ModelSpan, bytes: usize) {
    if bytes > 0 {
        let mark = Part::Text(left_out(bytes));
        span.said.input.push(Message { role: Role::User, parts: vec![mark] });
    }
}

fn read_sections(span: &mut ModelSpan, sections: Vec<Section<'_>>, known: &mut Known) {
    for Section { place, name, value } in sections {
        match place {
            Place::Setting if name == "model" => {}
            Place::Setting if name == "stream" => span.stream = serde_json::from_slice(value).ok(),
            Place::Setting => settings::add(&mut span.said.settings, &name, value),
            Place::Tools => {
                let tools = Children::of(value).unwrap_or_default();
                span.said.tools.extend(tools.values().flat_map(conversation::tool_names));
            }
            Place::Instructions => span.said.system.extend(message::parts(value)),
            Place::Conversation if value.starts_with(b"[") => {
                for range in Elements::new(value) {
                    add(span, value.get(range).unwrap_or_default(), known);
                }
            }
            // The responses dialect takes a bare string for a single message.
            Place::Conversation => {
                let parts = message::parts(value);
                span.said.input.push(Message { role: Role::User, parts });
            }
        }
    }
    span.said.settings.sort();
}

/// Two dialects have their instructions at the head of the conversation.
fn add(span: &mut ModelSpan, message: &[u8], known: &mut Known) {
    for message in known.messages(message) {
        if message.role == Role::System && span.said.input.is_empty() {
            span.said.system.extend(message.parts);
        } else {
            span.said.input.push(message);
        }
    }
}

fn said(answer: Answer) -> Option<Message> {
    let Answer { text, reasoning, tool_calls, .. } = answer;
    let mut parts = Vec::new();
    parts.extend((!reasoning.is_empty()).then_some(Part::Reasoning(reasoning)));
    parts.extend((!text.is_empty()).then_some(Part::Text(text)));
    parts.extend(tool_calls.into_iter().map(|call| Part::Call {
        id: call.id,
        name: call.name,
        arguments: message::arguments(&call.arguments),
    }));
    (!parts.is_empty()).then_some(Message { role: Role::Assistant, parts })
}

#[cfg(test)]
mod tests;
