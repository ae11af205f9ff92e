//! In the words of Langfuse. No other words are mixed in: it makes a usage type of every token count that it finds.

use jiff::Timestamp;
use octrace_core::{
    provider::Usage,
    trace::{ModelSpan, Span, ToolSpan, Turn, TurnSpan, What},
};
use serde_json::{Map, Value, json};

use super::{OPENCODE, kind, name, settings};
use crate::otlp::{
    chat::{self, Line},
    encode::{Attributes, Told, in_words},
    names::{langfuse as names, otel},
};

/// A span.
pub(super) fn tell(turn: &Turn, span: &Span) -> Told {
    let mut attributes = Attributes::default();
    attributes.text(otel::SESSION, &turn.root.id);
    attributes.text(names::TRACE, OPENCODE);
    if let Some(failure) = &span.failure {
        attributes.text(names::LEVEL, "ERROR");
        attributes.text(names::STATUS, in_words(failure));
    }
    match &span.what {
        What::Turn(what) => of_turn(what, &mut attributes),
        What::Model(what) => of_model(what, &mut attributes),
        What::Tool(what) => of_tool(what, &mut attributes),
    }
    Told { name: name(span), kind: kind(span), attributes }
}

fn of_turn(turn: &TurnSpan, to: &mut Attributes) {
    to.text(names::TYPE, "agent");
    to.maybe(names::AGENT, turn.agent.as_ref());
    to.text(names::INPUT, &turn.prompt);
    to.text(names::OUTPUT, &turn.reply);
}

fn of_model(call: &ModelSpan, to: &mut Attributes) {
    to.text(names::TYPE, "generation");
    to.maybe(names::AGENT, call.agent.as_ref());
    to.maybe(names::MODEL, call.answered_by.as_ref().or(call.model.as_ref()));
    to.maybe(names::PROVIDER, call.provider.as_ref());
    to.maybe(names::PARAMETERS, settings(call));
    to.maybe(names::FINISH, call.finish.as_ref());
    if let Some(usage) = &call.usage {
        to.text(names::USAGE, usage_details(usage).to_string());
    }
    if let Some(cost) = call.cost_usd {
        to.text(names::COST, json!({ "total": cost }).to_string());
    }
    if let (Some(last), Some(after_us)) = (call.attempts.last(), call.first_content_after_us) {
        let at = Timestamp::from_microsecond(last.started_us.saturating_add(after_us));
        to.maybe(names::FIRST_TOKEN_AT, at.ok().map(|at| at.to_string()));
    }
    let said = &call.said;
    let asked = chat::asked(said);
    if !asked.is_empty() {
        to.text(names::INPUT, asked.iter().map(message).collect::<Value>().to_string());
    }
    if let Some(output) = &said.output {
        let answered: Vec<_> = chat::of(output).iter().map(message).collect();
        let answered = match <[Value; 1]>::try_from(answered) {
            Ok([one]) => one,
            Err(several) => several.into(),
        };
        to.text(names::OUTPUT, answered.to_string());
    }
    if !said.tools.is_empty() {
        to.text(names::TOOLS, json!(said.tools).to_string());
    }
}

fn of_tool(call: &ToolSpan, to: &mut Attributes) {
    to.text(names::TYPE, "tool");
    to.maybe(names::TITLE, call.title.as_ref());
    to.text(names::INPUT, &call.input);
    to.text(names::OUTPUT, &call.output);
}

/// Each token once: what is cached is not input, and what is thought not output.
fn usage_details(usage: &Usage) -> Value {
    let cached = usage.cache_read.saturating_add(usage.cache_write);
    json!({
        "input": usage.input.saturating_sub(cached),
        "input_cached_tokens": usage.cache_read,
        "input_cache_creation": usage.cache_write,
        "output": usage.output.saturating_sub(usage.reasoning),
        "output_reasoning_tokens": usage.reasoning,
        "total": usage.input.saturating_add(usage.output),
    })
}

/// As in OpenAI's chats, which Langfuse shows best.
fn message(line: &Line<'_>) -> Value {
    let mut message = Map::new();
    message.insert("role".to_owned(), line.role.into());
    message.insert("content".to_owned(), (*line.text).into());
    if !line.reasoning.is_empty() {
        message.insert("reasoning_content".to_owned(), (*line.reasoning).into());
    }
    if let Some((id, name)) = line.answers {
        message.insert("tool_call_id".to_owned(), id.into());
        if !name.is_empty() {
            message.insert("name".to_owned(), name.into());
        }
    }
    if !line.calls.is_empty() {
        let calls = line.calls.iter().map(|call| {
            let function = json!({ "name": call.name, "arguments": call.arguments });
            json!({ "id": call.id, "type": "function", "function": function })
        });
        message.insert("tool_calls".to_owned(), calls.collect());
    }
    message.into()
}
