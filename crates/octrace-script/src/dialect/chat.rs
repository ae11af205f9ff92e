//! OpenAI's chat completions, with `reasoning_content` as other providers send it.

use serde_json::{Value, json};

use super::{Answer, CREATED, finish, json_pieces, pieces};

pub(super) fn stream(answer: &Answer<'_>) -> Vec<String> {
    let step = answer.step;
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    for piece in pieces(step, &step.reasoning) {
        deltas.push(json!({"reasoning_content": piece}));
    }
    for piece in pieces(step, &step.text) {
        deltas.push(json!({"content": piece}));
    }
    for (index, call) in step.calls.iter().enumerate() {
        deltas.push(json!({"tool_calls": [{
            "index": index, "id": call_id(answer, index), "type": "function",
            "function": {"name": call.tool, "arguments": ""},
        }]}));
        for piece in json_pieces(step, &call.arguments) {
            deltas
                .push(json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}));
        }
    }
    let mut events: Vec<String> = deltas
        .into_iter()
        .map(|delta| event(answer, &json!([choice(delta, Value::Null)]), &Value::Null))
        .collect();
    let finish = finish(step, "tool_calls", "stop");
    events.push(event(answer, &json!([choice(json!({}), json!(finish))]), &Value::Null));
    if answer.ask.usage_wanted {
        events.push(event(answer, &json!([]), &usage(answer)));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

pub(super) fn whole(answer: &Answer<'_>) -> Value {
    let step = answer.step;
    let mut message = json!({"role": "assistant", "content": step.text});
    if !step.reasoning.is_empty() {
        message["reasoning_content"] = json!(step.reasoning);
    }
    if !step.calls.is_empty() {
        let calls = step.calls.iter().enumerate().map(|(index, call)| {
            json!({
                "id": call_id(answer, index), "type": "function",
                "function": {"name": call.tool, "arguments": call.arguments},
            })
        });
        message["tool_calls"] = calls.collect();
    }
    json!({
        "id": answer.id("chatcmpl-", 0, 29), "object": "chat.completion", "created": CREATED,
        "model": answer.ask.model,
        "choices": [{
            "index": 0, "message": message, "logprobs": null,
            "finish_reason": finish(step, "tool_calls", "stop"),
        }],
        "usage": usage(answer),
    })
}

fn call_id(answer: &Answer<'_>, index: usize) -> String {
    answer.id("call_", 1 + index, 24)
}

#[expect(clippy::needless_pass_by_value, reason = "callers write json!({…})")]
fn choice(delta: Value, finish: Value) -> Value {
    json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish})
}

fn event(answer: &Answer<'_>, choices: &Value, usage: &Value) -> String {
    let mut chunk = json!({
        "id": answer.id("chatcmpl-", 0, 29), "object": "chat.completion.chunk", "created": CREATED,
        "model": answer.ask.model, "choices": choices,
    });
    if answer.ask.usage_wanted {
        chunk["usage"] = usage.clone();
    }
    format!("data: {chunk}\n\n")
}

fn usage(answer: &Answer<'_>) -> Value {
    let usage = answer.usage;
    json!({
        "prompt_tokens": usage.input, "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    })
}
