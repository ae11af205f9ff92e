//! Google's Gemini: each event is a whole response object, and lines end with CR LF.

use serde_json::{Value, json};

use super::{Answer, pieces};

pub(super) fn stream(answer: &Answer<'_>) -> Vec<String> {
    let step = answer.step;
    let thoughts = pieces(step, &step.reasoning).into_iter().map(thought);
    let texts = pieces(step, &step.text).into_iter().map(text);
    let mut parts: Vec<Value> = thoughts.chain(texts).chain(calls(answer)).collect();
    // The last event carries the finish reason, with a part or without.
    let last = parts.pop().unwrap_or_else(|| text(""));
    let mut events: Vec<String> = parts
        .into_iter()
        .map(|part| event(&response(answer, json!([part]), Value::Null)))
        .collect();
    events.push(event(&response(answer, json!([last]), json!("STOP"))));
    events
}

pub(super) fn whole(answer: &Answer<'_>) -> Value {
    let step = answer.step;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let thoughts = some(&step.reasoning).map(|words| thought(&words));
    let texts = some(&step.text).map(|words| text(&words));
    let parts: Value = thoughts.into_iter().chain(texts).chain(calls(answer)).collect();
    response(answer, parts, json!("STOP"))
}

fn thought(words: &str) -> Value {
    json!({"text": words, "thought": true})
}

fn text(words: &str) -> Value {
    json!({"text": words})
}

fn calls(answer: &Answer<'_>) -> impl Iterator<Item = Value> {
    answer.step.calls.iter().map(|call| {
        let args: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        json!({"functionCall": {"name": call.tool, "args": args}})
    })
}

#[expect(clippy::needless_pass_by_value, reason = "callers write json!({…})")]
fn response(answer: &Answer<'_>, parts: Value, finish: Value) -> Value {
    let usage = answer.usage;
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if !finish.is_null() {
        candidate["finishReason"] = finish;
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": usage.input,
            "cachedContentTokenCount": usage.cache_read,
            // Gemini counts thoughts apart from the answer.
            "candidatesTokenCount": usage.output.saturating_sub(usage.reasoning),
            "thoughtsTokenCount": usage.reasoning,
            "totalTokenCount": usage.input + usage.output,
        },
        "modelVersion": answer.ask.model,
        "responseId": answer.id("", 0, 22),
    })
}

fn event(response: &Value) -> String {
    format!("data: {response}\r\n\r\n")
}
