//! OpenAI's responses.

use serde_json::{Value, json};

use super::{Answer, CREATED, json_pieces, pieces};
use crate::script::Step;

pub(super) fn stream(answer: &Answer<'_>) -> Vec<String> {
    let mut events = Events { step: answer.step, texts: Vec::new() };
    events.push("response.created", json!({"response": response(answer, "in_progress")}));
    events.push("response.in_progress", json!({"response": response(answer, "in_progress")}));
    for (index, item) in output(answer).into_iter().enumerate() {
        let mut opened = item.clone();
        let id = item["id"].clone();
        match item["type"].as_str() {
            Some("reasoning") => {
                opened["summary"] = json!([]);
                events.added(index, &opened);
                events.reasoning(index, &id, &answer.step.reasoning);
            }
            Some("message") => {
                opened["content"] = json!([]);
                opened["status"] = json!("in_progress");
                events.added(index, &opened);
                events.text(index, &id, &answer.step.text);
            }
            _ => {
                opened["arguments"] = json!("");
                opened["status"] = json!("in_progress");
                events.added(index, &opened);
                events.arguments(index, &id, item["arguments"].as_str().unwrap_or_default());
            }
        }
        let done = json!({"output_index": index, "item": item});
        events.push("response.output_item.done", done);
    }
    events.push("response.completed", json!({"response": response(answer, "completed")}));
    events.texts
}

pub(super) fn whole(answer: &Answer<'_>) -> Value {
    response(answer, "completed")
}

/// The response object; while it is in progress it has neither output nor usage.
fn response(answer: &Answer<'_>, status: &str) -> Value {
    let completed = status == "completed";
    let usage = answer.usage;
    json!({
        "id": answer.id("resp_", 0, 48), "object": "response", "created_at": CREATED,
        "status": status, "error": null, "incomplete_details": null, "instructions": null,
        "model": answer.ask.model, "parallel_tool_calls": true,
        "output": if completed { output(answer) } else { Vec::new() },
        "usage": completed.then(|| json!({
            "input_tokens": usage.input, "input_tokens_details": {"cached_tokens": usage.cache_read},
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.input + usage.output,
        })),
    })
}

fn output(answer: &Answer<'_>) -> Vec<Value> {
    let step = answer.step;
    let mut items = Vec::new();
    if !step.reasoning.is_empty() {
        items.push(json!({
            "id": answer.id("rs_", 50, 48), "type": "reasoning", "encrypted_content": null,
            "summary": [{"type": "summary_text", "text": step.reasoning}],
        }));
    }
    if !step.text.is_empty() {
        items.push(json!({
            "id": answer.id("msg_", 51, 48), "type": "message", "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": step.text, "annotations": [], "logprobs": []}],
        }));
    }
    for (index, call) in step.calls.iter().enumerate() {
        items.push(json!({
            "id": answer.id("fc_", 100 + index, 48), "type": "function_call",
            "status": "completed", "call_id": answer.id("call_", 1 + index, 24),
            "name": call.tool, "arguments": call.arguments,
        }));
    }
    items
}

/// The events so far; each carries its type twice and a running number.
struct Events<'a> {
    step: &'a Step,
    texts: Vec<String>,
}

impl Events<'_> {
    fn push(&mut self, kind: &str, mut data: Value) {
        data["type"] = json!(kind);
        data["sequence_number"] = json!(self.texts.len());
        self.texts.push(format!("event: {kind}\ndata: {data}\n\n"));
    }

    fn added(&mut self, index: usize, item: &Value) {
        self.push("response.output_item.added", json!({"output_index": index, "item": item}));
    }

    fn reasoning(&mut self, index: usize, id: &Value, text: &str) {
        let at = json!({"item_id": id, "output_index": index, "summary_index": 0});
        let part = |text: &str| json!({"part": {"type": "summary_text", "text": text}});
        self.push("response.reasoning_summary_part.added", with(&at, part("")));
        for piece in pieces(self.step, text) {
            let delta = with(&at, json!({"delta": piece}));
            self.push("response.reasoning_summary_text.delta", delta);
        }
        self.push("response.reasoning_summary_text.done", with(&at, json!({"text": text})));
        self.push("response.reasoning_summary_part.done", with(&at, part(text)));
    }

    fn text(&mut self, index: usize, id: &Value, text: &str) {
        let at = json!({"item_id": id, "output_index": index, "content_index": 0});
        let part = |text: &str| json!({"part": {"type": "output_text", "text": text, "annotations": [], "logprobs": []}});
        self.push("response.content_part.added", with(&at, part("")));
        for piece in pieces(self.step, text) {
            let delta = with(&at, json!({"delta": piece, "logprobs": []}));
            self.push("response.output_text.delta", delta);
        }
        self.push("response.output_text.done", with(&at, json!({"text": text, "logprobs": []})));
        self.push("response.content_part.done", with(&at, part(text)));
    }

    fn arguments(&mut self, index: usize, id: &Value, arguments: &str) {
        let at = json!({"item_id": id, "output_index": index});
        for piece in json_pieces(self.step, arguments) {
            let delta = with(&at, json!({"delta": piece}));
            self.push("response.function_call_arguments.delta", delta);
        }
        let done = with(&at, json!({"arguments": arguments}));
        self.push("response.function_call_arguments.done", done);
    }
}

/// `object` with the fields of `more`.
fn with(object: &Value, more: Value) -> Value {
    let mut object = object.clone();
    if let (Value::Object(fields), Value::Object(more)) = (&mut object, more) {
        fields.extend(more);
    }
    object
}
