//! What a request says, as far as the script needs it: who spoke in which order, and whether it is the
//! request for a title.
//!
//! This is the server's own small reading of the dialects, apart from octrace's, so that a
//! misreading there is not confirmed by the same misreading here.

use serde_json::Value;

use crate::dialect::Dialect;

/// One turn of the conversation in a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    User(String),
    Model,
    ToolResult,
}

/// A request to a model.
#[derive(Debug, Default)]
pub(crate) struct Ask {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// OpenAI chat only: whether a stream should end with token counts.
    pub(crate) usage_wanted: bool,
    pub(crate) tools: usize,
    pub(crate) system: String,
    pub(crate) turns: Vec<Turn>,
}

impl Ask {
    /// Reads a body; what is not there or not JSON reads as empty.
    pub(crate) fn read(dialect: Dialect, path: &str, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut ask = Self {
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            stream: body["stream"].as_bool().unwrap_or(false),
            usage_wanted: body["stream_options"]["include_usage"].as_bool().unwrap_or(false),
            tools: body["tools"].as_array().map_or(0, Vec::len),
            ..Self::default()
        };
        match dialect {
            Dialect::OpenaiChat => ask.read_openai_chat(&body),
            Dialect::OpenaiResponses => ask.read_openai_responses(&body),
            Dialect::Anthropic => ask.read_anthropic(&body),
            Dialect::Gemini => ask.read_gemini(&body, path),
        }
        ask
    }

    /// Whether OpenCode asks for a session's title: no tools, and its title prompt.
    pub(crate) fn is_title(&self) -> bool {
        self.tools == 0 && self.system.contains("title generator")
    }

    /// Whether OpenCode asks for a summary to go on with when the context is full.
    pub(crate) fn is_compaction(&self) -> bool {
        self.tools == 0 && self.system.contains("context summarization")
    }

    /// How often the model answered after turn `position`; several items of one answer count once.
    pub(crate) fn times_model_spoke_after(&self, position: usize) -> usize {
        let after = self.turns.get(position..).unwrap_or_default();
        after.windows(2).filter(|pair| pair[0] != Turn::Model && pair[1] == Turn::Model).count()
    }

    fn read_openai_chat(&mut self, body: &Value) {
        for message in items(&body["messages"]) {
            match message["role"].as_str() {
                Some("system" | "developer") => self.system.push_str(&text_of(&message["content"])),
                Some("assistant") => self.turns.push(Turn::Model),
                Some("tool") => self.turns.push(Turn::ToolResult),
                _ => self.turns.push(Turn::User(text_of(&message["content"]))),
            }
        }
    }

    fn read_openai_responses(&mut self, body: &Value) {
        self.system.push_str(body["instructions"].as_str().unwrap_or_default());
        for item in items(&body["input"]) {
            match (item["role"].as_str(), item["type"].as_str()) {
                (Some("system" | "developer"), _) => {
                    self.system.push_str(&text_of(&item["content"]));
                }
                (Some("user"), _) => self.turns.push(Turn::User(text_of(&item["content"]))),
                (_, Some("function_call_output")) => self.turns.push(Turn::ToolResult),
                _ => self.turns.push(Turn::Model),
            }
        }
    }

    fn read_anthropic(&mut self, body: &Value) {
        self.system = text_of(&body["system"]);
        for message in items(&body["messages"]) {
            if message["role"] == "assistant" {
                self.turns.push(Turn::Model);
            } else if let Value::String(text) = &message["content"] {
                self.turns.push(Turn::User(text.clone()));
            } else {
                for block in items(&message["content"]) {
                    self.turns.push(if block["type"] == "tool_result" {
                        Turn::ToolResult
                    } else {
                        Turn::User(block["text"].as_str().unwrap_or_default().to_owned())
                    });
                }
            }
        }
    }

    fn read_gemini(&mut self, body: &Value, path: &str) {
        self.system = text_of(&body["systemInstruction"]["parts"]);
        self.stream = path.contains(":streamGenerateContent");
        self.tools =
            items(&body["tools"]).map(|tool| items(&tool["functionDeclarations"]).count()).sum();
        let model = path.rsplit("/models/").next().and_then(|rest| rest.split(':').next());
        self.model = model.unwrap_or_default().to_owned();
        for content in items(&body["contents"]) {
            if content["role"] == "model" {
                self.turns.push(Turn::Model);
                continue;
            }
            for part in items(&content["parts"]) {
                self.turns.push(if part["functionResponse"].is_object() {
                    Turn::ToolResult
                } else {
                    Turn::User(part["text"].as_str().unwrap_or_default().to_owned())
                });
            }
        }
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A string, or the `text` of each part of an array.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        _ => items(content).filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"),
    }
}
