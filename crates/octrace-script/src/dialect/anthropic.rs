//! Anthropic's messages.

use serde_json::{Value, json};

use super::{Answer, finish, json_pieces, pieces};

pub(super) fn stream(answer: &Answer<'_>) -> Vec<String> {
    let step = answer.step;
    let mut message = whole(answer);
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    message["usage"]["output_tokens"] = json!(1);
    let mut events = vec![
        event(json!({"type": "message_start", "message": message})),
        event(json!({"type": "ping"})),
    ];
    for (index, block) in content(answer).into_iter().enumerate() {
        let mut opened = block.clone();
        let deltas: Vec<Value> = match block["type"].as_str() {
            Some("thinking") => {
                opened["thinking"] = json!("");
                opened["signature"] = json!("");
                let signature = json!({"type": "signature_delta", "signature": block["signature"]});
                pieces(step, &step.reasoning)
                    .into_iter()
                    .map(|piece| json!({"type": "thinking_delta", "thinking": piece}))
                    .chain([signature])
                    .collect()
            }
            Some("text") => {
                opened["text"] = json!("");
                pieces(step, &step.text)
                    .into_iter()
                    .map(|piece| json!({"type": "text_delta", "text": piece}))
                    .collect()
            }
            _ => {
                opened["input"] = json!({});
                let call = &step.calls[index - content_before_calls(answer)];
                [""].into_iter()
                    .chain(json_pieces(step, &call.arguments))
                    .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}))
                    .collect()
            }
        };
        events.push(event(
            json!({"type": "content_block_start", "index": index, "content_block": opened}),
        ));
        for delta in deltas {
            events.push(event(
                json!({"type": "content_block_delta", "index": index, "delta": delta}),
            ));
        }
        events.push(event(json!({"type": "content_block_stop", "index": index})));
    }
    let delta = json!({
        "stop_reason": finish(step, "tool_use", "end_turn"), "stop_sequence": null,
    });
    let usage = json!({"output_tokens": answer.usage.output});
    events.push(event(json!({"type": "message_delta", "delta": delta, "usage": usage})));
    events.push(event(json!({"type": "message_stop"})));
    events
}

pub(super) fn whole(answer: &Answer<'_>) -> Value {
    let usage = answer.usage;
    // Anthropic's `input_tokens` leaves cached input out.
    let uncached = usage.input.saturating_sub(usage.cache_read + usage.cache_write);
    json!({
        "id": answer.id("msg_01", 0, 22), "type": "message", "role": "assistant",
        "model": answer.ask.model, "content": content(answer),
        "stop_reason": finish(answer.step, "tool_use", "end_turn"), "stop_sequence": null,
        "usage": {
            "input_tokens": uncached,
            "cache_creation_input_tokens": usage.cache_write,
            "cache_read_input_tokens": usage.cache_read,
            "output_tokens": usage.output, "service_tier": "standard",
        },
    })
}

fn content(answer: &Answer<'_>) -> Vec<Value> {
    let step = answer.step;
    let mut blocks = Vec::new();
    if !step.reasoning.is_empty() {
        let signature = answer.id("Er", 60, 86);
        blocks
            .push(json!({"type": "thinking", "thinking": step.reasoning, "signature": signature}));
    }
    if !step.text.is_empty() {
        blocks.push(json!({"type": "text", "text": step.text}));
    }
    for (index, call) in step.calls.iter().enumerate() {
        let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        let id = answer.id("toolu_01", 1 + index, 22);
        blocks.push(json!({"type": "tool_use", "id": id, "name": call.tool, "input": input}));
    }
    blocks
}

/// How many blocks come before the first tool call.
fn content_before_calls(answer: &Answer<'_>) -> usize {
    usize::from(!answer.step.reasoning.is_empty()) + usize::from(!answer.step.text.is_empty())
}

#[expect(clippy::needless_pass_by_value, reason = "callers write json!({…})")]
fn event(data: Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}
