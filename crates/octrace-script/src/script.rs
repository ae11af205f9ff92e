//! The script: which request gets which answer, as data.
//!
//! A script is found by the last user message that names one (`SCRIPT:<name>`, or a text given to
//! [`Script::on_prompt`]); the step is the number of times the model has spoken since. Nothing of this
//! is remembered between requests, so a retry gets the same step again, and sub-agents and
//! parallel sessions cannot get in each other's way.

use std::time::Duration;

use axum::body::Bytes;
use serde_json::Value;

use crate::{
    ask::{Ask, Turn},
    dialect::{Answer, Dialect},
};

/// What stands before a script's name in a prompt.
const MARKER: &str = "SCRIPT:";

/// Which request gets which answer.
#[derive(Clone, Debug)]
pub struct Script {
    rules: Vec<(Trigger, Vec<Step>)>,
    title: Step,
    compaction: Step,
    otherwise: Step,
}

#[derive(Clone, Debug)]
enum Trigger {
    Name(String),
    Text(String),
}

impl Trigger {
    fn fires(&self, prompt: &str) -> bool {
        match self {
            Self::Name(name) => prompt.split(MARKER).skip(1).any(|rest| {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
                rest.get(..end.unwrap_or(rest.len())) == Some(name)
            }),
            Self::Text(text) => prompt.contains(text.as_str()),
        }
    }

    fn label(&self) -> &str {
        match self {
            Self::Name(name) | Self::Text(name) => name,
        }
    }
}

/// The step that answers a request.
pub(crate) struct Chosen<'a> {
    /// The script's name; for requests outside any script, what they are.
    pub(crate) script: &'a str,
    /// Which step, from 0.
    pub(crate) index: usize,
    pub(crate) step: &'a Step,
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// Answers titles, and everything else with one sentence.
    pub fn new() -> Self {
        Self {
            rules: Vec::new(),
            title: Step::text("A scripted session"),
            compaction: Step::text("A summary of the conversation so far."),
            otherwise: Step::text("The script has nothing to say to this."),
        }
    }

    /// What to answer to a prompt that contains `SCRIPT:<name>`; `name` consists of letters, digits,
    /// `-` and `_`. After the last step, the fallback answers.
    #[must_use]
    pub fn on(mut self, name: &str, steps: impl IntoIterator<Item = Step>) -> Self {
        self.rules.push((Trigger::Name(name.to_owned()), steps.into_iter().collect()));
        self
    }

    /// What to answer to a prompt that contains `text`, for prompts that people read.
    #[must_use]
    pub fn on_prompt(mut self, text: &str, steps: impl IntoIterator<Item = Step>) -> Self {
        self.rules.push((Trigger::Text(text.to_owned()), steps.into_iter().collect()));
        self
    }

    /// What to answer when OpenCode asks for a session's title.
    #[must_use]
    pub fn title(mut self, step: Step) -> Self {
        self.title = step;
        self
    }

    /// What to answer when OpenCode asks for a summary because the context is full.
    #[must_use]
    pub fn compaction(mut self, step: Step) -> Self {
        self.compaction = step;
        self
    }

    /// What to answer where no script or no further step is found.
    #[must_use]
    pub fn otherwise(mut self, step: Step) -> Self {
        self.otherwise = step;
        self
    }

    pub(crate) fn choose(&self, ask: &Ask) -> Chosen<'_> {
        if ask.is_title() {
            return Chosen { script: "title", index: 0, step: &self.title };
        }
        if ask.is_compaction() {
            return Chosen { script: "compaction", index: 0, step: &self.compaction };
        }
        for (position, turn) in ask.turns.iter().enumerate().rev() {
            let Turn::User(prompt) = turn else { continue };
            let Some((trigger, steps)) = self.rules.iter().find(|(rule, _)| rule.fires(prompt))
            else {
                continue;
            };
            let spoken = ask.times_model_spoke_after(position);
            let step = steps.get(spoken).unwrap_or(&self.otherwise);
            return Chosen { script: trigger.label(), index: spoken, step };
        }
        Chosen { script: "otherwise", index: 0, step: &self.otherwise }
    }
}

/// One answer of the model, and what is to go wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Shown before the answer, where the dialect has a place for it.
    pub reasoning: String,
    /// The visible answer.
    pub text: String,
    /// Asked for in this order, all in this answer.
    pub calls: Vec<Call>,
    /// `None`: counts that depend on the step and the answer's length only.
    pub usage: Option<Usage>,
    /// Silence before each chunk but the first, and before a cut.
    pub pause: Duration,
    /// Cut the stream into chunks of this many bytes, wherever that falls; `None`: one event each.
    pub chunk_bytes: Option<usize>,
    /// Stream each character as an event of its own.
    pub spelled_out: bool,
    /// What goes wrong.
    pub fault: Option<Fault>,
    /// How many requests for this step meet the fault before one is answered.
    pub fault_times: u32,
}

/// A tool call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The tool's name.
    pub tool: String,
    /// Its arguments, as sent (a malformed text is sent as it is, but for Gemini, whose dialect
    /// has no place for one).
    pub arguments: String,
}

/// Tokens of one answer, as providers bill them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input, cached input included.
    pub input: u64,
    /// All output, reasoning included.
    pub output: u64,
    /// Of the output: reasoning. Anthropic's dialect does not tell it apart.
    pub reasoning: u64,
    /// Of the input: read from the cache.
    pub cache_read: u64,
    /// Of the input: written to the cache. Only Anthropic's dialect says so.
    pub cache_write: u64,
}

/// What goes wrong with an answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// An error status.
    Status {
        /// The HTTP status.
        code: u16,
        /// Additional headers, such as `retry-after-ms`.
        headers: Vec<(&'static str, String)>,
        /// `None`: an error in the dialect's own shape.
        body: Option<Bytes>,
    },
    /// The connection is closed before any byte of an answer.
    CutBeforeHead,
    /// Head and this many chunks, then the connection is closed without an end.
    CutAfter(usize),
    /// No byte of an answer until [`crate::Server::release`], then the answer.
    HangBeforeHead,
    /// Head and this many chunks, then silence until [`crate::Server::release`], then the rest.
    HangAfter(usize),
    /// Status 200 and these bytes in place of an answer.
    Raw {
        /// The `content-type`.
        content_type: &'static str,
        /// One chunk each. [`Bytes`] share their memory, so a huge body can repeat a small one.
        chunks: Vec<Bytes>,
    },
}

impl Fault {
    /// An error status with a body in the dialect's shape.
    pub fn status(code: u16) -> Self {
        Self::Status { code, headers: Vec::new(), body: None }
    }

    /// An error status that asks for a retry after 20 ms, so that a test need not wait for OpenCode's
    /// own back-off, which begins at 2 s.
    pub fn retry_at_once(code: u16) -> Self {
        Self::Status { code, headers: vec![("retry-after-ms", "20".to_owned())], body: None }
    }
}

impl Step {
    /// An answer in words.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// An answer that calls a tool.
    pub fn call(tool: &str, arguments: Value) -> Self {
        Self::default().and_call(tool, arguments)
    }

    /// With one more tool call in the same answer.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers write json!({…})")]
    pub fn and_call(mut self, tool: &str, arguments: Value) -> Self {
        self.calls.push(Call { tool: tool.to_owned(), arguments: arguments.to_string() });
        self
    }

    /// With words before the tool calls.
    #[must_use]
    pub fn saying(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// With reasoning before everything else.
    #[must_use]
    pub fn reasoning(mut self, text: impl Into<String>) -> Self {
        self.reasoning = text.into();
        self
    }

    /// With these token counts.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// With a silence before each chunk but the first.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Cut into chunks of `bytes` wherever that falls, in the middle of a character too.
    #[must_use]
    pub fn chunk_bytes(mut self, bytes: usize) -> Self {
        self.chunk_bytes = Some(bytes.max(1));
        self
    }

    /// With each character streamed as an event of its own.
    #[must_use]
    pub fn spelled_out(mut self) -> Self {
        self.spelled_out = true;
        self
    }

    /// With a fault each time.
    #[must_use]
    pub fn fault(self, fault: Fault) -> Self {
        self.fail_times(u32::MAX, fault)
    }

    /// With a fault for the first `times` requests of a session for this step.
    #[must_use]
    pub fn fail_times(mut self, times: u32, fault: Fault) -> Self {
        self.fault = Some(fault);
        self.fault_times = times;
        self
    }

    /// The answer as the server streams it, an event each: for who needs answers without a server. `index` says
    /// which step of its conversation this is; ids and token counts depend on it.
    pub fn streamed(&self, dialect: Dialect, request: &[u8], index: usize) -> Vec<String> {
        let ask = Ask::read(dialect, "", request);
        let seed = index as u64;
        Answer { step: self, usage: self.usage_at(index), ask: &ask, seed }.stream(dialect)
    }

    /// The token counts that step `index` of a script reports.
    pub(crate) fn usage_at(&self, index: usize) -> Usage {
        self.usage.unwrap_or_else(|| {
            let words = |text: &str| text.split_whitespace().count() as u64;
            let reasoning = words(&self.reasoning) * 2;
            let calls: u64 =
                self.calls.iter().map(|call| 12 + call.arguments.len() as u64 / 4).sum();
            let index = index as u64;
            Usage {
                input: 8_200 + index * 310,
                output: 4 + words(&self.text) * 2 + reasoning + calls,
                reasoning,
                cache_read: if index == 0 { 0 } else { 7_680 + index * 256 },
                cache_write: 0,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialect::Dialect;

    fn chosen(dialect: Dialect, body: &Value) -> (String, usize) {
        let script = Script::new().on("a", []).on("ab", []).on_prompt("plain words", []);
        let ask = Ask::read(dialect, "/v1beta/models/m:x", body.to_string().as_bytes());
        let chosen = script.choose(&ask);
        (chosen.script.to_owned(), chosen.index)
    }

    #[test]
    fn the_last_prompt_that_names_a_script_counts() {
        let said = |role: &str, text: &str| json!({"role": role, "content": text});
        let after = |messages: &[Value]| {
            chosen(Dialect::OpenaiChat, &json!({"messages": messages, "tools": [{}]}))
        };
        let first = [said("system", "SCRIPT:ab"), said("user", "SCRIPT:a, please")];
        assert_eq!(after(&first), ("a".to_owned(), 0));
        let calls = [said("assistant", "SCRIPT:ab"), said("tool", "SCRIPT:ab"), said("tool", "")];
        let second = [&first[..], &calls].concat();
        assert_eq!(after(&second), ("a".to_owned(), 1), "only what the user says counts");
        let third = [&second[..], &calls, &[said("user", "a reminder")]].concat();
        assert_eq!(after(&third), ("a".to_owned(), 2));
        let fourth = [&third[..], &calls, &[said("user", "SCRIPT:ab")]].concat();
        assert_eq!(after(&fourth), ("ab".to_owned(), 0));
        assert_eq!(after(&[said("user", "some plain words here")]).0, "plain words");
        assert_eq!(after(&[said("user", "SCRIPT:abc")]).0, "otherwise");
    }

    #[test]
    fn an_answer_of_several_items_is_one_step_in_every_dialect() {
        let prompt = json!([{"type": "text", "text": "SCRIPT:a"}]);
        let one = ("a".to_owned(), 1);
        let responses = json!({"input": [
            {"role": "user", "content": prompt},
            {"type": "reasoning"}, {"role": "assistant", "content": []},
            {"type": "function_call"}, {"type": "function_call"},
            {"type": "function_call_output"}, {"type": "function_call_output"},
        ]});
        assert_eq!(chosen(Dialect::OpenaiResponses, &responses), one);
        let anthropic = json!({"messages": [
            {"role": "user", "content": prompt},
            {"role": "assistant", "content": [{"type": "tool_use"}, {"type": "tool_use"}]},
            {"role": "user", "content": [{"type": "tool_result"}, {"type": "tool_result"}]},
        ]});
        assert_eq!(chosen(Dialect::Anthropic, &anthropic), one);
        let gemini = json!({"contents": [
            {"role": "user", "parts": [{"text": "SCRIPT:a"}]},
            {"role": "model", "parts": [{"functionCall": {}}, {"functionCall": {}}]},
            {"role": "user", "parts": [{"functionResponse": {}}, {"functionResponse": {}}]},
        ]});
        assert_eq!(chosen(Dialect::Gemini, &gemini), one);
    }

    #[test]
    fn a_title_is_asked_for_without_tools() {
        let user = json!({"role": "user", "content": "SCRIPT:a"});
        let title = "You are a title generator. You output ONLY a thread title.";
        for (dialect, body) in [
            (
                Dialect::OpenaiChat,
                json!({"messages": [{"role": "system", "content": title}, user]}),
            ),
            (Dialect::OpenaiResponses, json!({"instructions": title, "input": [user]})),
            (
                Dialect::OpenaiResponses,
                json!({"input": [{"role": "developer", "content": title}, user]}),
            ),
            (Dialect::Anthropic, json!({"system": [{"text": title}], "messages": [user]})),
            (Dialect::Gemini, json!({"systemInstruction": {"parts": [{"text": title}]}})),
        ] {
            assert_eq!(chosen(dialect, &body).0, "title", "{body}");
            let mut with_tools = body.clone();
            with_tools["tools"] = json!([{"functionDeclarations": [{}]}]);
            assert_ne!(chosen(dialect, &with_tools).0, "title", "{body}");
        }
    }
}
