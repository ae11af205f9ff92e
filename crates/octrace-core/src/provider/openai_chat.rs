//! OpenAI's chat completions, and what the many compatible servers made of them.
//!
//! Chunks and whole answers differ in one word, `delta` or `message`. Read besides the original:
//! reasoning under three names, content in typed parts (Mistral), cached tokens in two other places
//! (DeepSeek, Moonshot), calls without an index or all with the same one (Ollama, Gemini's
//! compatible endpoint), errors inside the stream (OpenRouter), reasoning tokens beside instead of inside
//! the completion tokens (xAI).

use serde::Deserialize;

use super::{
    Ask, Usage,
    draft::Draft,
    error,
    lenient::{Count, Lenient, List, Raw, Text},
    request,
};

pub(super) const TERMINATOR: &str = "[DONE] or a finish reason";

/// The index of calls whose provider gives none.
const UNNUMBERED: u64 = u64::MAX;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Chunk<'a> {
    model: Lenient<Text>,
    #[serde(borrow)]
    choices: List<'a, Choice<'a>>,
    usage: Lenient<Counts>,
    #[serde(borrow)]
    error: Raw<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Choice<'a> {
    index: Lenient<Count>,
    #[serde(borrow)]
    delta: Lenient<Message<'a>>,
    #[serde(borrow)]
    message: Lenient<Message<'a>>,
    finish_reason: Lenient<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    content: Raw<'a>,
    refusal: Lenient<Text>,
    reasoning_content: Lenient<Text>,
    reasoning: Lenient<Text>,
    reasoning_text: Lenient<Text>,
    #[serde(borrow)]
    tool_calls: List<'a, Call<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Part<'a> {
    text: Lenient<Text>,
    #[serde(borrow)]
    thinking: List<'a, Part<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Call<'a> {
    index: Lenient<Count>,
    id: Lenient<Text>,
    #[serde(borrow)]
    function: Lenient<Function<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Function<'a> {
    name: Lenient<Text>,
    #[serde(borrow)]
    arguments: Raw<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Counts {
    prompt_tokens: Lenient<Count>,
    completion_tokens: Lenient<Count>,
    total_tokens: Lenient<Count>,
    prompt_tokens_details: Lenient<PromptDetails>,
    completion_tokens_details: Lenient<CompletionDetails>,
    /// Moonshot.
    cached_tokens: Lenient<Count>,
    /// DeepSeek.
    prompt_cache_hit_tokens: Lenient<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Lenient<Count>,
    cache_write_tokens: Lenient<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Lenient<Count>,
}

pub(super) fn read_request(body: &[u8]) -> Ask {
    request::read(body, "messages", request::flat_tools)
}

/// Reads a chunk of a stream or a whole completion.
pub(super) fn read(draft: &mut Draft, json: &str) -> serde_json::Result<()> {
    let chunk: Chunk<'_> = serde_json::from_str(json)?;
    draft.model(chunk.model.as_str());
    // Further choices are alternatives, not a continuation.
    for choice in chunk.choices.iter().filter(|choice| choice.index.or_zero() == 0) {
        for (message, is_whole) in [(choice.delta, false), (choice.message, true)] {
            if let Some(message) = message.0 {
                read_message(draft, &message, is_whole);
            }
        }
        let finish = choice.finish_reason.as_str();
        draft.finish(finish);
        draft.terminated |= !finish.is_empty();
    }
    if let Some(usage) = chunk.usage.0.and_then(usage) {
        draft.usage(usage);
    }
    if let Some(message) = error::of_object(chunk.error) {
        draft.error(&message);
    }
    Ok(())
}

fn read_message(draft: &mut Draft, message: &Message<'_>, is_whole: bool) {
    // Some servers send the same reasoning under two names.
    let names = [&message.reasoning_content, &message.reasoning, &message.reasoning_text];
    if let Some(reasoning) = names.into_iter().map(Lenient::as_str).find(|text| !text.is_empty()) {
        draft.reasoning(reasoning);
    }
    if let Some(content) = message.content.parse::<Text>() {
        draft.text(&content.0);
    } else if let Some(parts) = message.content.parse::<List<'_, Part<'_>>>() {
        for part in parts.iter() {
            draft.text(part.text.as_str());
            for thought in part.thinking.iter() {
                draft.reasoning(thought.text.as_str());
            }
        }
    }
    draft.text(message.refusal.as_str());
    for call in message.tool_calls.iter() {
        let index = match call.index.get() {
            None if is_whole => draft.next_index(),
            index => index.unwrap_or(UNNUMBERED),
        };
        read_call(draft, index, call);
    }
}

/// A call or a fragment of one.
fn read_call(draft: &mut Draft, index: u64, call: Call<'_>) {
    let function = call.function.or_default();
    let (id, name) = (call.id.as_str(), function.name.as_str());
    let is_other = draft.call(index).is_some_and(|known| {
        let names_other = !id.is_empty() && !known.id.is_empty() && known.id != id;
        let is_repeated = !id.is_empty() && known.id == id;
        !name.is_empty() && (names_other || (index == UNNUMBERED && !is_repeated))
    });
    let request = if is_other { draft.new_call(index) } else { draft.call_at(index) };
    if request.id.is_empty() {
        id.clone_into(&mut request.id);
    }
    if request.name.is_empty() {
        name.clone_into(&mut request.name);
    }
    request.arguments.push_str(&function.arguments.text_or_json());
}

fn usage(counts: Counts) -> Option<Usage> {
    if counts.prompt_tokens.get().is_none() && counts.completion_tokens.get().is_none() {
        return None;
    }
    let details = counts.prompt_tokens_details.or_default();
    let cache_read = details
        .cached_tokens
        .get()
        .or(counts.prompt_cache_hit_tokens.get())
        .or(counts.cached_tokens.get());
    let reasoning = counts.completion_tokens_details.or_default().reasoning_tokens.or_zero();
    let input = counts.prompt_tokens.or_zero();
    let output = counts.completion_tokens.or_zero();
    let with_reasoning = output.saturating_add(reasoning);
    let is_beside = counts.total_tokens.get() == Some(input.saturating_add(with_reasoning));
    Some(Usage {
        input,
        output: if is_beside { with_reasoning } else { output },
        reasoning,
        cache_read: cache_read.unwrap_or(0),
        cache_write: details.cache_write_tokens.or_zero(),
    })
}
