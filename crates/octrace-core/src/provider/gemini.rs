//! Google's `generateContent` and `streamGenerateContent`.
//!
//! Chunks and whole answers have the same shape. A stream comes as events with `alt=sse` and without
//! it as one JSON array that grows. Thoughts are counted beside the candidates and prompts of the
//! provider's own tools beside the prompt; [`Usage`] has both inside.

use serde::Deserialize;

use super::{
    Ask, Usage,
    draft::Draft,
    error,
    lenient::{Count, Lenient, List, Raw, Text},
    outline::{Elements, Member, members},
    request,
};

pub(super) const TERMINATOR: &str = "a finish reason";

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Chunk<'a> {
    #[serde(borrow)]
    candidates: List<'a, Candidate<'a>>,
    usage_metadata: Lenient<Counts>,
    model_version: Lenient<Text>,
    prompt_feedback: Lenient<Feedback>,
    #[serde(borrow)]
    error: Raw<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Candidate<'a> {
    index: Lenient<Count>,
    #[serde(borrow)]
    content: Lenient<Content<'a>>,
    finish_reason: Lenient<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Content<'a> {
    #[serde(borrow)]
    parts: List<'a, Part<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Part<'a> {
    text: Lenient<Text>,
    thought: Lenient<bool>,
    #[serde(borrow)]
    function_call: Lenient<Call<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Call<'a> {
    id: Lenient<Text>,
    name: Lenient<Text>,
    #[serde(borrow)]
    args: Raw<'a>,
    #[serde(borrow)]
    partial_args: Raw<'a>,
    will_continue: Lenient<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Counts {
    prompt_token_count: Lenient<Count>,
    candidates_token_count: Lenient<Count>,
    thoughts_token_count: Lenient<Count>,
    cached_content_token_count: Lenient<Count>,
    tool_use_prompt_token_count: Lenient<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Feedback {
    block_reason: Lenient<Text>,
}

/// The model, and whether it streams, stand in the URL.
pub(super) fn read_request(body: &[u8]) -> Ask {
    request::read(body, "contents", nested_tools)
}

/// A tool is a function, or an element that declares none: one of the provider's own.
fn nested_tools(tools: Member<'_>) -> usize {
    let count = |element: &[u8]| {
        let mut functions = None;
        members(element, |member| {
            if matches!(member.name, b"functionDeclarations" | b"function_declarations") {
                functions = Some(member.elements);
            }
        });
        functions.unwrap_or(1)
    };
    Elements::new(tools.value).filter_map(|range| tools.value.get(range)).map(count).sum()
}

/// Reads a chunk of a stream or a whole answer.
pub(super) fn read(draft: &mut Draft, json: &str) -> serde_json::Result<()> {
    let chunk: Chunk<'_> = serde_json::from_str(json)?;
    draft.model(chunk.model_version.as_str());
    // Further candidates are alternatives, not a continuation.
    for candidate in chunk.candidates.iter().filter(|each| each.index.or_zero() == 0) {
        for part in candidate.content.or_default().parts.iter() {
            read_part(draft, part);
        }
        end(draft, &candidate.finish_reason);
    }
    end(draft, &chunk.prompt_feedback.or_default().block_reason);
    if let Some(counts) = chunk.usage_metadata.0 {
        draft.usage(usage(&counts));
    }
    if let Some(message) = error::of_object(chunk.error) {
        draft.error(&message);
    }
    Ok(())
}

fn read_part(draft: &mut Draft, part: Part<'_>) {
    let text = part.text.as_str();
    if part.thought.0 == Some(true) {
        draft.reasoning(text);
    } else {
        draft.text(text);
    }
    let Some(call) = part.function_call.0 else { return };
    let continues = call.will_continue.0 == Some(true);
    if call.partial_args.0.is_some() {
        draft.problem("arguments of a tool call came in pieces, which are not read");
    }
    // A piece of an earlier call, or its end, has no name.
    if !call.name.as_str().is_empty() {
        let request = draft.new_call(draft.next_index());
        call.id.as_str().clone_into(&mut request.id);
        call.name.as_str().clone_into(&mut request.name);
        // A call without arguments has no `args`.
        let none = if continues { "" } else { "{}" };
        request.arguments = call.args.0.map_or(none.to_owned(), |_| call.args.text_or_json());
    }
}

fn end(draft: &mut Draft, reason: &Lenient<Text>) {
    draft.finish(reason.as_str());
    draft.terminated |= !reason.as_str().is_empty();
}

fn usage(counts: &Counts) -> Usage {
    let sum = |a: &Lenient<Count>, b: &Lenient<Count>| a.or_zero().saturating_add(b.or_zero());
    Usage {
        input: sum(&counts.prompt_token_count, &counts.tool_use_prompt_token_count),
        output: sum(&counts.candidates_token_count, &counts.thoughts_token_count),
        reasoning: counts.thoughts_token_count.or_zero(),
        cache_read: counts.cached_content_token_count.or_zero(),
        cache_write: 0,
    }
}
