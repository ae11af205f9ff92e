//! In the words of OpenInference, which Phoenix and Arize show best.

use octrace_core::{
    provider::Dialect,
    trace::{ModelSpan, Span, ToolSpan, Turn, TurnSpan, What},
};
use serde_json::json;

use super::{kind, name, settings};
use crate::otlp::{
    chat::{self, Line},
    encode::{Attributes, Told},
    names::{openinference as names, otel},
};

const PLAIN: &str = "text/plain";
const JSON: &str = "application/json";

/// A span.
pub(super) fn tell(turn: &Turn, span: &Span) -> Told {
    let mut attributes = Attributes::default();
    attributes.text(otel::SESSION, &turn.root.id);
    match &span.what {
        What::Turn(what) => of_turn(what, &mut attributes),
        What::Model(what) => of_model(what, &mut attributes),
        What::Tool(what) => of_tool(what, &mut attributes),
    }
    Told { name: name(span), kind: kind(span), attributes }
}

fn of_turn(turn: &TurnSpan, to: &mut Attributes) {
    to.text(names::KIND, "AGENT");
    to.maybe(names::AGENT, turn.agent.as_ref());
    input(&turn.prompt, PLAIN, to);
    output(&turn.reply, PLAIN, to);
}

fn of_model(call: &ModelSpan, to: &mut Attributes) {
    to.text(names::KIND, "LLM");
    to.maybe(names::SYSTEM, system(call.dialect));
    to.maybe(names::PROVIDER, call.provider.as_ref());
    to.maybe(names::MODEL, call.model.as_ref().or(call.answered_by.as_ref()));
    to.maybe(names::REQUEST_MODEL, call.model.as_ref());
    to.maybe(names::RESPONSE_MODEL, call.answered_by.as_ref());
    to.maybe(names::PARAMETERS, settings(call));
    to.maybe(names::FINISH_REASON, call.finish.as_ref());
    if let Some(usage) = call.usage {
        to.number(names::PROMPT_TOKENS, usage.input);
        to.number(names::COMPLETION_TOKENS, usage.output);
        to.number(names::TOTAL_TOKENS, usage.input.saturating_add(usage.output));
        to.number(names::CACHE_READ_TOKENS, usage.cache_read);
        to.number(names::CACHE_WRITE_TOKENS, usage.cache_write);
        to.number(names::REASONING_TOKENS, usage.reasoning);
    }
    if let Some(cost) = call.cost_usd {
        to.real(names::COST, cost);
    }
    let said = &call.said;
    for (at, line) in chat::asked(said).iter().enumerate() {
        message(&format!("{}.{at}", names::INPUT_MESSAGES), line, to);
    }
    input(&chat::last_asked(said), PLAIN, to);
    let answered = said.output.iter().flat_map(chat::of);
    for (at, line) in answered.enumerate() {
        message(&format!("{}.{at}", names::OUTPUT_MESSAGES), &line, to);
        if at == 0 {
            output(&line.text_or_calls(), PLAIN, to);
        }
    }
    for (at, tool) in said.tools.iter().enumerate() {
        let schema = json!({ "type": "function", "function": { "name": tool } });
        to.text(format!("{}.{at}.{}", names::TOOLS, names::SCHEMA), schema.to_string());
    }
}

fn of_tool(call: &ToolSpan, to: &mut Attributes) {
    to.text(names::KIND, "TOOL");
    to.text(names::TOOL, &call.tool);
    to.text(names::CALL, &call.call);
    input(&call.input, JSON, to);
    output(&call.output, PLAIN, to);
}

fn message(at: &str, line: &Line<'_>, to: &mut Attributes) {
    to.text(format!("{at}.{}", names::ROLE), line.role);
    if line.reasoning.is_empty() {
        to.text(format!("{at}.{}", names::CONTENT), &*line.text);
    } else {
        let contents = [("reasoning", &line.reasoning), ("text", &line.text)];
        let contents = contents.into_iter().filter(|(_, text)| !text.is_empty());
        for (number, (kind, text)) in contents.enumerate() {
            let at = format!("{at}.{}.{number}", names::CONTENTS);
            to.text(format!("{at}.{}", names::CONTENT_TYPE), kind);
            to.text(format!("{at}.{}", names::CONTENT_TEXT), &**text);
        }
    }
    if let Some((id, name)) = line.answers {
        to.text(format!("{at}.{}", names::ANSWERS), id);
        to.text(format!("{at}.{}", names::NAME), name);
    }
    for (number, call) in line.calls.iter().enumerate() {
        let at = format!("{at}.{}.{number}", names::CALLS);
        to.text(format!("{at}.{}", names::CALL), call.id);
        to.text(format!("{at}.{}", names::FUNCTION), call.name);
        to.text(format!("{at}.{}", names::ARGUMENTS), call.arguments);
    }
}

fn input(text: &str, kind: &str, to: &mut Attributes) {
    if !text.is_empty() {
        to.text(names::INPUT, text);
        to.text(names::INPUT_TYPE, kind);
    }
}

fn output(text: &str, kind: &str, to: &mut Attributes) {
    if !text.is_empty() {
        to.text(names::OUTPUT, text);
        to.text(names::OUTPUT_TYPE, kind);
    }
}

/// Whose product speaks this dialect.
fn system(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::OpenaiChat | Dialect::OpenaiResponses => Some("openai"),
        Dialect::Anthropic => Some("anthropic"),
        Dialect::Gemini => Some("google"),
        Dialect::Unknown => None,
    }
}
