//! OpenAI's responses.
//!
//! A stream tells everything twice: piece by piece, and again in the final `response`. The pieces
//! are read; the final response gives usage and status, and the output only where no piece came
//! before it.

use serde::Deserialize;

use super::{
    Ask, Usage,
    draft::Draft,
    error,
    lenient::{Count, Lenient, List, Raw, Text},
    request,
};

pub(super) const TERMINATOR: &str = "response.completed";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Event<'a> {
    r#type: Lenient<Text>,
    #[serde(borrow)]
    response: Raw<'a>,
    #[serde(borrow)]
    item: Lenient<Item<'a>>,
    output_index: Lenient<Count>,
    delta: Lenient<Text>,
    arguments: Lenient<Text>,
    /// The error event's own.
    message: Lenient<Text>,
    code: Lenient<Text>,
    #[serde(borrow)]
    error: Raw<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Response<'a> {
    model: Lenient<Text>,
    status: Lenient<Text>,
    incomplete_details: Lenient<Incomplete>,
    #[serde(borrow)]
    output: List<'a, Item<'a>>,
    usage: Lenient<Counts>,
    #[serde(borrow)]
    error: Raw<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Incomplete {
    reason: Lenient<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Item<'a> {
    r#type: Lenient<Text>,
    call_id: Lenient<Text>,
    name: Lenient<Text>,
    arguments: Lenient<Text>,
    /// A custom tool's arguments, not JSON.
    input: Lenient<Text>,
    #[serde(borrow)]
    content: List<'a, Part>,
    #[serde(borrow)]
    summary: List<'a, Part>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Part {
    text: Lenient<Text>,
    refusal: Lenient<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Counts {
    input_tokens: Lenient<Count>,
    output_tokens: Lenient<Count>,
    input_tokens_details: Lenient<InputDetails>,
    output_tokens_details: Lenient<OutputDetails>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Lenient<Count>,
    cache_write_tokens: Lenient<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Lenient<Count>,
}

pub(super) fn read_request(body: &[u8]) -> Ask {
    request::read(body, "input", request::flat_tools)
}

/// Reads an event of a stream or a whole response.
pub(super) fn read(draft: &mut Draft, json: &str) -> serde_json::Result<()> {
    let event: Event<'_> = serde_json::from_str(json)?;
    match event.r#type.as_str() {
        "" => read_final(draft, serde_json::from_str(json)?),
        "response.created" | "response.in_progress" => {
            draft.model(event.response.parse::<Response<'_>>().unwrap_or_default().model.as_str());
        }
        "response.completed" | "response.incomplete" | "response.failed" | "response.done" => {
            draft.terminated = true;
            read_final(draft, event.response.parse().unwrap_or_default());
        }
        "response.output_text.delta" | "response.refusal.delta" => draft.text(event.delta.as_str()),
        "response.reasoning_text.delta"
        | "response.reasoning_summary_text.delta"
        | "response.reasoning_summary.delta" => draft.reasoning(event.delta.as_str()),
        "response.reasoning_summary_part.added" => draft.reasoning_paragraph(),
        "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
            draft.call_at(event.output_index.or_zero()).arguments.push_str(event.delta.as_str());
        }
        "response.function_call_arguments.done" => {
            let call = draft.call_at(event.output_index.or_zero());
            if call.arguments.is_empty() {
                event.arguments.as_str().clone_into(&mut call.arguments);
            }
        }
        "response.output_item.added" | "response.output_item.done" => {
            read_call(draft, event.output_index.or_zero(), &event.item.or_default());
        }
        "error" => {
            let own = [event.message.as_str(), event.code.as_str()];
            let own = own.into_iter().find(|word| !word.is_empty());
            let message = error::of_object(event.error).or_else(|| own.map(str::to_owned));
            draft.error(&message.unwrap_or_else(|| error::excerpt(json)));
        }
        // More than forty others tell of progress or repeat what the pieces said.
        _ => {}
    }
    Ok(())
}

/// A call where it begins or ends; anything else is no call.
fn read_call(draft: &mut Draft, index: u64, item: &Item<'_>) {
    if !matches!(item.r#type.as_str(), "function_call" | "custom_tool_call") {
        return;
    }
    let call = draft.call_at(index);
    for (known, said) in [(&mut call.id, &item.call_id), (&mut call.name, &item.name)] {
        if known.is_empty() {
            said.as_str().clone_into(known);
        }
    }
    if call.arguments.is_empty() {
        call.arguments = [item.arguments.as_str(), item.input.as_str()].concat();
    }
}

fn read_final(draft: &mut Draft, response: Response<'_>) {
    draft.model(response.model.as_str());
    if !draft.has_content() {
        for (index, item) in (0..).zip(response.output.iter()) {
            read_output(draft, index, &item);
        }
    }
    if let Some(counts) = response.usage.0 {
        draft.usage(usage(counts));
    }
    let incomplete = response.incomplete_details.or_default();
    draft.finish(response.status.as_str());
    draft.finish(incomplete.reason.as_str());
    if let Some(message) = error::of_object(response.error) {
        draft.error(&message);
    }
}

fn read_output(draft: &mut Draft, index: u64, item: &Item<'_>) {
    match item.r#type.as_str() {
        "message" => {
            for part in item.content.iter() {
                draft.text(part.text.as_str());
                draft.text(part.refusal.as_str());
            }
        }
        "reasoning" => {
            for part in item.summary.iter() {
                draft.reasoning_paragraph();
                draft.reasoning(part.text.as_str());
            }
            for part in item.content.iter() {
                draft.reasoning(part.text.as_str());
            }
        }
        _ => read_call(draft, index, item),
    }
}

fn usage(counts: Counts) -> Usage {
    let input = counts.input_tokens_details.or_default();
    Usage {
        input: counts.input_tokens.or_zero(),
        output: counts.output_tokens.or_zero(),
        reasoning: counts.output_tokens_details.or_default().reasoning_tokens.or_zero(),
        cache_read: input.cached_tokens.or_zero(),
        cache_write: input.cache_write_tokens.or_zero(),
    }
}
