//! What a request sets besides what is said in it: what every dialect has under a name of its own gets one name.

use serde_json::value::RawValue;

use crate::provider::conversation::Children;

/// Adds a setting. Gemini's stand in an object, where they are at the first level.
pub(super) fn add(settings: &mut Vec<(String, String)>, name: &str, json: &[u8]) {
    if matches!(name, "generationConfig" | "generation_config") {
        for (name, json) in object(json).members() {
            one(settings, name, json);
        }
    } else {
        one(settings, name, json);
    }
}

fn one(settings: &mut Vec<(String, String)>, name: &str, json: &[u8]) {
    if matches!(name, "reasoning" | "output_config" | "thinkingConfig" | "thinking_config") {
        for (inner, json) in object(json).members() {
            match inner {
                "effort" | "thinkingLevel" => push(settings, "reasoning_effort", json),
                _ => push(settings, &format!("{name}.{inner}"), json),
            }
        }
    } else {
        push(settings, known(name), json);
    }
}

fn object(json: &[u8]) -> Children<'_> {
    Children::of(json).filter(|_| json.starts_with(b"{")).unwrap_or_default()
}

fn push(settings: &mut Vec<(String, String)>, name: &str, json: &[u8]) {
    // What the tolerant reader passes need not be JSON to others.
    let text = String::from_utf8_lossy(json);
    if serde_json::from_str::<&RawValue>(&text).is_ok() {
        settings.push((name.to_owned(), text.into_owned()));
    }
}

/// One name for what the dialects call differently: OpenAI's, of the chat dialect.
fn known(name: &str) -> &str {
    match name {
        "topP" => "top_p",
        "topK" => "top_k",
        "maxOutputTokens" | "max_output_tokens" | "max_completion_tokens" => "max_tokens",
        "stopSequences" | "stop_sequences" => "stop",
        "candidateCount" => "n",
        "frequencyPenalty" => "frequency_penalty",
        "presencePenalty" => "presence_penalty",
        _ => name,
    }
}
