//! Anthropic's messages.
//!
//! Its `input_tokens` leave out what was read from and written to the cache; [`super::Usage::input`]
//! has it all. The counts in `message_start` are a beginning and those in `message_delta` cumulative, and
//! compatible servers fill now one, now the other: the larger one counts.

use serde::Deserialize;

use super::{
    Ask,
    draft::Draft,
    error,
    lenient::{Count, Lenient, List, Raw, Text},
    request,
};

pub(super) const TERMINATOR: &str = "message_stop";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Event<'a> {
    r#type: Lenient<Text>,
    index: Lenient<Count>,
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow)]
    content_block: Lenient<Block<'a>>,
    delta: Lenient<Delta>,
    usage: Lenient<Counts>,
    #[serde(borrow)]
    error: Raw<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Message<'a> {
    model: Lenient<Text>,
    #[serde(borrow)]
    content: List<'a, Block<'a>>,
    stop_reason: Lenient<Text>,
    usage: Lenient<Counts>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Block<'a> {
    r#type: Lenient<Text>,
    text: Lenient<Text>,
    thinking: Lenient<Text>,
    id: Lenient<Text>,
    name: Lenient<Text>,
    #[serde(borrow)]
    input: Raw<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Delta {
    text: Lenient<Text>,
    thinking: Lenient<Text>,
    partial_json: Lenient<Text>,
    stop_reason: Lenient<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Counts {
    input_tokens: Lenient<Count>,
    output_tokens: Lenient<Count>,
    cache_read_input_tokens: Lenient<Count>,
    cache_creation_input_tokens: Lenient<Count>,
    output_tokens_details: Lenient<OutputDetails>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Lenient<Count>,
}

pub(super) fn read_request(body: &[u8]) -> Ask {
    request::read(body, "messages", request::flat_tools)
}

/// Reads an event of a stream or a whole message.
pub(super) fn read(draft: &mut Draft, json: &str) -> serde_json::Result<()> {
    let event: Event<'_> = serde_json::from_str(json)?;
    let index = event.index.or_zero();
    match event.r#type.as_str() {
        "message" => read_message(draft, serde_json::from_str(json)?),
        "message_start" => read_message(draft, event.message.parse().unwrap_or_default()),
        "content_block_start" => read_block(draft, index, &event.content_block.or_default()),
        "content_block_delta" => {
            let delta = event.delta.or_default();
            draft.text(delta.text.as_str());
            draft.reasoning(delta.thinking.as_str());
            // Calls of the provider's own tools have arguments too, but are no tool calls to us.
            if let Some(call) = draft.call(index) {
                call.arguments.push_str(delta.partial_json.as_str());
            }
        }
        "content_block_stop" => {
            // A call without arguments is streamed as nothing at all.
            if let Some(call) = draft.call(index).filter(|call| call.arguments.is_empty()) {
                "{}".clone_into(&mut call.arguments);
            }
        }
        "message_delta" => {
            draft.finish(event.delta.or_default().stop_reason.as_str());
            if let Some(counts) = event.usage.0 {
                count(draft, counts);
            }
        }
        "message_stop" => draft.terminated = true,
        _ => {
            if let Some(message) = error::of_object(event.error) {
                draft.error(&message);
            }
        }
    }
    Ok(())
}

fn read_message(draft: &mut Draft, message: Message<'_>) {
    draft.model(message.model.as_str());
    for (index, block) in (0..).zip(message.content.iter()) {
        read_block(draft, index, &block);
        if let Some(call) = draft.call(index).filter(|call| call.arguments.is_empty()) {
            "{}".clone_into(&mut call.arguments);
        }
    }
    draft.finish(message.stop_reason.as_str());
    if let Some(counts) = message.usage.0 {
        count(draft, counts);
    }
}

/// A block of a whole message, or the beginning of one that is streamed.
fn read_block(draft: &mut Draft, index: u64, block: &Block<'_>) {
    match block.r#type.as_str() {
        "text" => draft.text(block.text.as_str()),
        "thinking" => draft.reasoning(block.thinking.as_str()),
        "tool_use" => {
            let call = draft.new_call(index);
            block.id.as_str().clone_into(&mut call.id);
            block.name.as_str().clone_into(&mut call.name);
            // At the beginning of a stream it is empty: the arguments follow in pieces.
            if block.input.json() != "{}" {
                block.input.json().clone_into(&mut call.arguments);
            }
        }
        _ => {}
    }
}

fn count(draft: &mut Draft, counts: Counts) {
    let usage = draft.usage_mut();
    let thinking = counts.output_tokens_details.or_default().thinking_tokens.or_zero();
    let cached = usage.cache_read.saturating_add(usage.cache_write);
    let uncached = usage.input.saturating_sub(cached).max(counts.input_tokens.or_zero());
    usage.cache_read = usage.cache_read.max(counts.cache_read_input_tokens.or_zero());
    usage.cache_write = usage.cache_write.max(counts.cache_creation_input_tokens.or_zero());
    usage.input = uncached.saturating_add(usage.cache_read).saturating_add(usage.cache_write);
    usage.output = usage.output.max(counts.output_tokens.or_zero());
    usage.reasoning = usage.reasoning.max(thinking);
}
