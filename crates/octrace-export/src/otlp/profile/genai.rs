//! In the words of OpenTelemetry's conventions for generative AI. Tokens are only told of model calls, so that nobody
//! who adds up a trace counts them twice.

use octrace_core::{
    provider::Dialect,
    trace::{Message, ModelSpan, Part, Role, Span, ToolSpan, Turn, TurnSpan, What},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{EXECUTE_TOOL, INVOKE_AGENT, kind, name, operation};
use crate::otlp::{
    chat,
    encode::{Attributes, Told, seconds},
    names::{gen_ai, openinference, otel},
};

/// A span.
pub(super) fn tell(turn: &Turn, span: &Span) -> Told {
    let mut attributes = Attributes::default();
    attributes.text(gen_ai::CONVERSATION, &turn.root.id);
    attributes.text(otel::SESSION, &turn.root.id);
    match &span.what {
        What::Turn(what) => of_turn(what, &mut attributes),
        What::Model(what) => of_model(what, &mut attributes),
        What::Tool(what) => of_tool(what, span.failure.is_some(), &mut attributes),
    }
    Told { name: name(span), kind: kind(span), attributes }
}

fn of_turn(turn: &TurnSpan, to: &mut Attributes) {
    to.text(gen_ai::OPERATION, INVOKE_AGENT);
    to.maybe(gen_ai::AGENT, turn.agent.as_ref());
    let text = |role: Role, text: &str| {
        let said = Said { finish_reason: None, parts: vec![text_piece(text)], role: role.as_str() };
        (!text.is_empty()).then(|| json_of(&[said]))
    };
    to.maybe(gen_ai::INPUT_MESSAGES, text(Role::User, &turn.prompt));
    to.maybe(gen_ai::OUTPUT_MESSAGES, text(Role::Assistant, &turn.reply));
    in_short(&turn.prompt, &turn.reply, to);
}

/// Lists of sessions, traces and spans are made of these by Phoenix and MLflow.
fn in_short(asked: &str, answered: &str, to: &mut Attributes) {
    to.text(openinference::INPUT, asked);
    to.text(openinference::OUTPUT, answered);
}

fn of_model(call: &ModelSpan, to: &mut Attributes) {
    to.text(gen_ai::OPERATION, operation(call));
    to.maybe(gen_ai::PROVIDER, provider(call));
    to.maybe(gen_ai::AGENT, call.agent.as_ref());
    to.maybe(gen_ai::REQUEST_MODEL, call.model.as_ref());
    to.maybe(gen_ai::RESPONSE_MODEL, call.answered_by.as_ref());
    if let Some((host, port)) = &call.server {
        to.text(otel::SERVER_ADDRESS, host);
        if let Some(port) = port {
            to.number(otel::SERVER_PORT, (*port).into());
        }
    }
    if let Some(stream) = call.stream {
        to.truth(gen_ai::STREAM, stream);
    }
    for (name, value) in &call.said.settings {
        setting(name, &super::json(value), to);
    }
    if let Some(finish) = &call.finish {
        to.texts(gen_ai::FINISH_REASONS, [finish.clone()]);
    }
    if let Some(after_us) = call.first_content_after_us {
        to.real(gen_ai::TIME_TO_FIRST_CHUNK, seconds(after_us));
    }
    if let Some(usage) = call.usage {
        to.number(gen_ai::INPUT_TOKENS, usage.input);
        to.number(gen_ai::OUTPUT_TOKENS, usage.output);
        to.number(gen_ai::REASONING_TOKENS, usage.reasoning);
        to.number(gen_ai::CACHE_READ_TOKENS, usage.cache_read);
        to.number(gen_ai::CACHE_WRITE_TOKENS, usage.cache_write);
    }
    if let Some(cost) = call.cost_usd {
        to.real(gen_ai::COST, cost);
    }
    let said = &call.said;
    if !said.system.is_empty() {
        let parts: Vec<_> = said.system.iter().map(piece).collect();
        to.text(gen_ai::SYSTEM_INSTRUCTIONS, json_of(&parts));
    }
    if !said.input.is_empty() {
        let messages: Vec<_> = said.input.iter().flat_map(messages).collect();
        to.text(gen_ai::INPUT_MESSAGES, json_of(&messages));
    }
    if let Some(output) = &said.output {
        let mut messages = messages(output);
        if let Some(message) = messages.last_mut() {
            message.finish_reason = call.finish.as_deref();
        }
        to.text(gen_ai::OUTPUT_MESSAGES, json_of(&messages));
    }
    if !said.tools.is_empty() {
        let tools = said.tools.iter().map(|name| json!({ "type": "function", "name": name }));
        to.text(gen_ai::TOOL_DEFINITIONS, tools.collect::<Value>().to_string());
    }
    let answered = said.output.iter().flat_map(chat::of).next();
    let answered = answered.map(|line| line.text_or_calls().into_owned()).unwrap_or_default();
    in_short(&chat::last_asked(said), &answered, to);
}

fn of_tool(call: &ToolSpan, has_failed: bool, to: &mut Attributes) {
    to.text(gen_ai::OPERATION, EXECUTE_TOOL);
    to.text(gen_ai::TOOL, &call.tool);
    to.text(gen_ai::TOOL_TYPE, "function");
    to.text(gen_ai::TOOL_CALL, &call.call);
    to.text(gen_ai::TOOL_ARGUMENTS, &call.input);
    // Of a call that failed, the status has what it said; of others, the lists have their result from here.
    if has_failed {
        in_short(&call.input, &call.output, to);
    } else {
        to.text(gen_ai::TOOL_RESULT, &call.output);
        in_short(&call.input, "", to);
    }
}

/// A setting of a request: all dialects' have one name each by now.
fn setting(name: &str, value: &Value, to: &mut Attributes) {
    match name {
        "temperature" => real(gen_ai::TEMPERATURE, value, to),
        "top_p" => real(gen_ai::TOP_P, value, to),
        "frequency_penalty" => real(gen_ai::FREQUENCY_PENALTY, value, to),
        "presence_penalty" => real(gen_ai::PRESENCE_PENALTY, value, to),
        "max_tokens" => whole(gen_ai::MAX_TOKENS, value, to),
        "top_k" => whole(gen_ai::TOP_K, value, to),
        "seed" => whole(gen_ai::SEED, value, to),
        "reasoning_effort" => to.maybe(gen_ai::REASONING_LEVEL, value.as_str()),
        "stop" => match value {
            Value::String(text) => to.texts(gen_ai::STOP_SEQUENCES, [text.clone()]),
            Value::Array(texts) => {
                let texts = texts.iter().filter_map(|text| Some(text.as_str()?.to_owned()));
                to.texts(gen_ai::STOP_SEQUENCES, texts);
            }
            _ => {}
        },
        _ => {}
    }
}

fn real(name: &str, value: &Value, to: &mut Attributes) {
    if let Some(value) = value.as_f64() {
        to.real(name, value);
    }
}

fn whole(name: &str, value: &Value, to: &mut Attributes) {
    if let Some(value) = value.as_i64() {
        to.integer(name, value);
    }
}

/// A message as JSON. Here and in [`Piece`] the names stand in the order of the alphabet, as in all JSON of ours.
#[derive(Serialize)]
struct Said<'a> {
    /// Deprecated, and demanded by whoever follows 1.41.
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'a str>,
    parts: Vec<Piece<'a>>,
    role: &'static str,
}

/// A part of a message as JSON.
#[derive(Default, Serialize)]
struct Piece<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a str>,
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Json(Value),
}

/// What can be written as JSON always is.
fn json_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Each of a tool's results is a message of its own: in some dialects it is the user who brings them, all in one, and
/// Phoenix shows the last of those only.
fn messages(message: &Message) -> Vec<Said<'_>> {
    let is_result = |part: &&Part| matches!(part, Part::Result { .. });
    let (results, others): (Vec<_>, Vec<_>) = message.parts.iter().partition(is_result);
    let said = |role: Role, parts| Said { finish_reason: None, parts, role: role.as_str() };
    let mut messages: Vec<_> =
        results.iter().map(|result| said(Role::Tool, vec![piece(result)])).collect();
    if !others.is_empty() || messages.is_empty() {
        messages.push(said(message.role, others.into_iter().map(piece).collect()));
    }
    messages
}

fn piece(part: &Part) -> Piece<'_> {
    let told = |text| Some(text).filter(|text: &&str| !text.is_empty());
    match part {
        Part::Text(text) => text_piece(text),
        Part::Reasoning(text) => Piece { r#type: "reasoning", ..text_piece(text) },
        Part::Call { id, name, arguments } => Piece {
            r#type: "tool_call",
            name: Some(name),
            id: told(id),
            arguments: told(arguments).map(super::json),
            ..Piece::default()
        },
        Part::Result { id, name, text } => Piece {
            r#type: "tool_call_response",
            response: Some(text),
            id: told(id),
            name: told(name),
            ..Piece::default()
        },
        // Its bytes are never exported, and the conventions demand them of a `blob`.
        Part::Media { mime, bytes } => Piece {
            r#type: "media",
            mime_type: Some(mime),
            bytes: Some(*bytes),
            ..Piece::default()
        },
        Part::Other(text) => Piece {
            r#type: "other",
            content: Some(Content::Json(super::json(text))),
            ..Piece::default()
        },
    }
}

fn text_piece(text: &str) -> Piece<'_> {
    Piece { r#type: "text", content: Some(Content::Text(text)), ..Piece::default() }
}

/// OpenCode's provider in the word of the conventions, where they have one.
fn provider(call: &ModelSpan) -> Option<&str> {
    Some(match call.provider.as_deref() {
        Some("amazon-bedrock") => "aws.bedrock",
        Some("azure" | "azure-cognitive-services") => "azure.ai.openai",
        Some("google") => "gcp.gemini",
        Some("google-vertex" | "google-vertex-anthropic") => "gcp.vertex_ai",
        Some("mistral") => "mistral_ai",
        Some("moonshotai" | "moonshotai-cn") => "moonshot_ai",
        Some("xai") => "x_ai",
        Some(other) => other,
        None => match call.dialect {
            Dialect::OpenaiChat | Dialect::OpenaiResponses => "openai",
            Dialect::Anthropic => "anthropic",
            Dialect::Gemini => "gcp.gemini",
            Dialect::Unknown => return None,
        },
    })
}
