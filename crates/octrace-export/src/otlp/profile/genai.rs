//! In the words of OpenTelemetry's conventions for generative AI. Tokens are only told of model calls, so that nobody
//! who adds up a trace counts them twice.

use octrace_core::{
    provider::Dialect,
    trace::{Message, ModelSpan, Part, Role, Span, ToolSpan, Turn, TurnSpan, What},
};
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
    let text = |role: &str, text: &str| {
        let message = json!([{ "role": role, "parts": [{ "type": "text", "content": text }] }]);
        (!text.is_empty()).then(|| message.to_string())
    };
    to.maybe(gen_ai::INPUT_MESSAGES, text("user", &turn.prompt));
    to.maybe(gen_ai::OUTPUT_MESSAGES, text("assistant", &turn.reply));
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
        let parts: Value = said.system.iter().map(part).collect();
        to.text(gen_ai::SYSTEM_INSTRUCTIONS, parts.to_string());
    }
    if !said.input.is_empty() {
        let messages: Value = said.input.iter().flat_map(messages).collect();
        to.text(gen_ai::INPUT_MESSAGES, messages.to_string());
    }
    if let Some(output) = &said.output {
        let mut messages = messages(output);
        if let (Some(finish), Some(message)) = (&call.finish, messages.last_mut()) {
            // Deprecated, and demanded by whoever follows 1.41.
            message["finish_reason"] = finish.as_str().into();
        }
        to.text(gen_ai::OUTPUT_MESSAGES, Value::from(messages).to_string());
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

/// Each of a tool's results is a message of its own: in some dialects it is the user who brings them, all in one, and
/// Phoenix shows the last of those only.
fn messages(message: &Message) -> Vec<Value> {
    let is_result = |part: &&Part| matches!(part, Part::Result { .. });
    let (results, others): (Vec<_>, Vec<_>) = message.parts.iter().partition(is_result);
    let mut messages: Vec<_> = results
        .iter()
        .map(|result| json!({ "role": Role::Tool.as_str(), "parts": [part(result)] }))
        .collect();
    if !others.is_empty() || messages.is_empty() {
        let parts: Value = others.into_iter().map(part).collect();
        messages.push(json!({ "role": message.role.as_str(), "parts": parts }));
    }
    messages
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({ "type": "text", "content": text }),
        Part::Reasoning(text) => json!({ "type": "reasoning", "content": text }),
        Part::Call { id, name, arguments } => {
            let mut call = json!({ "type": "tool_call", "name": name });
            if !id.is_empty() {
                call["id"] = id.as_str().into();
            }
            if !arguments.is_empty() {
                call["arguments"] = super::json(arguments);
            }
            call
        }
        Part::Result { id, name, text } => {
            let mut result = json!({ "type": "tool_call_response", "response": text });
            for (key, value) in [("id", id), ("name", name)] {
                if !value.is_empty() {
                    result[key] = value.as_str().into();
                }
            }
            result
        }
        // Its bytes are never exported, and the conventions demand them of a `blob`.
        Part::Media { mime, bytes } => {
            json!({ "type": "media", "mime_type": mime, "bytes": bytes })
        }
        Part::Other(text) => json!({ "type": "other", "content": super::json(text) }),
    }
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
