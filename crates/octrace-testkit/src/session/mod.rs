//! Long sessions, as OpenCode holds them: what it sends, what is answered, and what it says about it.
//!
//! Every request repeats everything before it, and cache markers move from message to message: that is
//! what the tape is made for, and what these sessions try it with. Tool results are real source files, this
//! repository's own. The same seed gives the same session in the same checkout.

mod body;
mod events;
mod history;
mod sources;

use octrace_script::{Dialect, Step};
use serde_json::{Value, json};

use self::{body::Body, sources::Sources};
pub use self::{events::small_events, history::write_history};

/// A model is prompted by the user once in so many steps; in between it reads files.
const STEPS_PER_PROMPT: usize = 8;

/// Bytes of the file that a tool reads: from, to.
const FILE: (usize, usize) = (2_100, 4_700);

/// Bytes of what the model says before: from, to.
const SAYS: (usize, usize) = (480, 1_580);

/// A session that grows with each [`Turn`].
#[derive(Clone)]
pub struct Session {
    dialect: Dialect,
    sources: Sources,
    body: Body,
    steps: usize,
    prompt: String,
    /// For the user to say with the next prompt.
    mention: Option<String>,
}

/// One request of a session, its answer, and OpenCode's events around them.
pub struct Turn {
    /// The id of the user's message that it answers.
    pub message: String,
    /// What OpenCode says before it asks: kinds and properties.
    pub before: Vec<(&'static str, Value)>,
    /// The request's body.
    pub request: String,
    /// The answer: an event stream, in the chunks in which it arrives.
    pub answer: Vec<String>,
    /// What OpenCode says once the answer is there and its tool has run.
    pub after: Vec<(&'static str, Value)>,
}

impl Session {
    /// The id of every session made here.
    pub const ID: &str = "ses_0123456789abcdefghijklmnop";

    /// A session that has not begun yet.
    ///
    /// # Panics
    /// For Gemini's dialect, which OpenCode's sessions seldom speak; nobody wrote that down here.
    pub fn new(dialect: Dialect, seed: u64) -> Self {
        let mut sources = Sources::new(seed);
        let body = Body::new(dialect, &mut sources);
        Self { dialect, sources, body, steps: 0, prompt: String::new(), mention: None }
    }

    /// The user's next prompt, at most eight turns away, ends with this. It is in every request from then on.
    pub fn mention(&mut self, words: &str) {
        self.mention = Some(words.to_owned());
    }

    /// Where its requests go.
    pub fn url(&self) -> &'static str {
        match self.dialect {
            Dialect::Anthropic => "https://api.anthropic.com/v1/messages",
            Dialect::OpenaiResponses => "https://api.openai.com/v1/responses",
            Dialect::OpenaiChat | Dialect::Gemini => {
                "https://models.example.com/v1/chat/completions"
            }
        }
    }

    /// The SDK package that speaks for its provider.
    pub fn npm(&self) -> &'static str {
        match self.dialect {
            Dialect::Anthropic => "@ai-sdk/anthropic",
            Dialect::OpenaiResponses => "@ai-sdk/openai",
            Dialect::OpenaiChat | Dialect::Gemini => "@ai-sdk/openai-compatible",
        }
    }

    /// The next request and what comes of it: the model says something and reads a file.
    pub fn next_turn(&mut self) -> Turn {
        let mut before = Vec::new();
        if self.steps.is_multiple_of(STEPS_PER_PROMPT) {
            let mut text = self.sources.prose(80, 600);
            text.extend(self.mention.take().map(|words| format!(" {words}")));
            self.prompt = self.sources.ascending("msg_", self.now());
            self.body.user(&text);
            before.extend(self.prompted(&text));
        }
        let assistant = self.sources.ascending("msg_", self.now());
        before.push(("message.updated", self.assistant(&assistant, None)));
        let request = self.body.text();

        let says = self.sources.prose(SAYS.0, SAYS.1);
        let file = self.sources.file(FILE.0, FILE.1);
        let call = self.sources.id("call_");
        let input = json!({"filePath": file.path});
        let step = Step::call("read", input.clone()).saying(says.as_str());
        let answer = step.streamed(self.dialect, request.as_bytes(), self.steps);
        self.body.call(&says, &call, &input.to_string());
        self.body.result(&call, &file.numbered);

        let begun =
            json!({"type": "step-start", "snapshot": "2983d346154128389a7a678ae819b9881293cea6"});
        let said = json!({"type": "text", "text": says,
            "time": {"start": self.now(), "end": self.now() + 900}});
        let (begun, said) = (self.part(&assistant, begun), self.part(&assistant, said));
        let tool = self.sources.ascending("prt_", self.now());
        let after = vec![
            ("message.part.updated", begun),
            ("message.part.updated", said),
            (
                "message.part.updated",
                self.part(
                    &assistant,
                    json!({"id": tool, "type": "tool", "tool": "read",
                "callID": call, "state": {"status": "running", "input": input,
                "time": {"start": self.now()}}}),
                ),
            ),
            (
                "message.part.updated",
                self.part(
                    &assistant,
                    json!({"id": tool, "type": "tool", "tool": "read",
                "callID": call, "state": {"status": "completed", "input": input,
                "output": file.numbered, "title": file.path,
                "metadata": {"preview": file.preview(), "truncated": false, "loaded": [],
                    "display": {"type": "file", "path": file.path, "text": file.text,
                        "lineStart": 1, "truncated": false}},
                "time": {"start": self.now(), "end": self.now() + 40}}}),
                ),
            ),
            (
                "message.part.updated",
                self.part(
                    &assistant,
                    json!({"type": "step-finish",
                "reason": "tool-calls", "snapshot": "2983d346154128389a7a678ae819b9881293cea6",
                "tokens": tokens(request.len()), "cost": 0.01}),
                ),
            ),
            ("message.updated", self.assistant(&assistant, Some(request.len()))),
        ];
        self.steps += 1;
        Turn { message: self.prompt.clone(), before, request, answer, after }
    }

    /// Milliseconds since the Unix epoch, of a clock that goes with the steps.
    fn now(&self) -> u64 {
        1_795_164_560_576 + 5_000 * self.steps as u64
    }

    fn prompted(&mut self, text: &str) -> [(&'static str, Value); 2] {
        let message = json!({"sessionID": Self::ID, "info": {"role": "user",
            "time": {"created": self.now()}, "agent": "build", "id": self.prompt,
            "model": {"providerID": "p", "modelID": "m"}, "sessionID": Self::ID,
            "summary": {"diffs": []}}});
        let prompt = self.prompt.clone();
        let part = self.part(&prompt, json!({"type": "text", "text": text}));
        [("message.updated", message), ("message.part.updated", part)]
    }

    fn assistant(&self, id: &str, asked: Option<usize>) -> Value {
        json!({"sessionID": Self::ID, "info": {"id": id, "parentID": self.prompt, "role": "assistant",
            "mode": "build", "agent": "build", "path": {"cwd": "/home/dev/project", "root": "/home/dev/project"},
            "cost": 0.01, "tokens": tokens(asked.unwrap_or_default()), "modelID": "m", "providerID": "p",
            "time": {"created": self.now()}, "sessionID": Self::ID}})
    }

    /// A part with the id that it has, or else with a new one.
    fn part(&mut self, message: &str, mut part: Value) -> Value {
        if part["id"].is_null() {
            part["id"] = json!(self.sources.ascending("prt_", self.now()));
        }
        part["messageID"] = json!(message);
        part["sessionID"] = json!(Self::ID);
        json!({"sessionID": Self::ID, "part": part, "time": self.now()})
    }
}

fn tokens(asked: usize) -> Value {
    json!({"input": asked / 40, "output": 120, "reasoning": 0, "cache": {"read": asked / 4, "write": 0}})
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECTS: [Dialect; 3] =
        [Dialect::Anthropic, Dialect::OpenaiChat, Dialect::OpenaiResponses];

    /// Whether a cache marker stands in this, as a key: a file that was read may well speak of one.
    fn is_marked(value: &Value) -> bool {
        match value {
            Value::Object(fields) => {
                fields.contains_key("cache_control") || fields.values().any(is_marked)
            }
            Value::Array(items) => items.iter().any(is_marked),
            _ => false,
        }
    }

    #[test]
    fn a_seed_is_a_session() {
        for dialect in DIALECTS {
            let bodies = |seed| {
                let mut session = Session::new(dialect, seed);
                (0..9).map(|_| session.next_turn().request).collect::<Vec<_>>()
            };
            assert_eq!(bodies(1), bodies(1));
            assert_ne!(bodies(1), bodies(2));
        }
    }

    #[test]
    fn ids_of_messages_and_parts_grow_with_time() {
        let mut session = Session::new(Dialect::Anthropic, 7);
        let (mut messages, mut parts) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let turn = session.next_turn();
            for (_, event) in turn.before.iter().chain(&turn.after) {
                messages.extend(event["info"]["id"].as_str().map(str::to_owned));
                parts.extend(event["part"]["id"].as_str().map(str::to_owned));
            }
        }
        // What is told of again has the id that it had.
        for (mut ids, prefix) in [(messages, "msg_1f8"), (parts, "prt_1f8")] {
            ids.dedup();
            assert!(ids.is_sorted(), "{ids:?}");
            assert!(ids.iter().all(|id| id.starts_with(prefix) && id.len() == 30), "{ids:?}");
        }
    }

    /// What all figures are measured with, however this repository grows.
    #[test]
    fn two_hundred_turns_are_as_large_as_the_targets_say() {
        let mut session = Session::new(Dialect::Anthropic, 7);
        let (mut bytes, mut largest, mut events) = (0, 0, Vec::new());
        for _ in 0..200 {
            let turn = session.next_turn();
            bytes += turn.request.len();
            largest = largest.max(turn.request.len());
            events.push(turn.answer.concat().matches("\ndata: ").count());
        }
        events.sort_unstable();
        assert!((115_000_000..121_000_000).contains(&bytes), "{bytes} bytes of requests");
        assert!((1_100_000..1_220_000).contains(&largest), "{largest} bytes in the largest");
        assert!((78..=92).contains(&events[100]), "{} events in most answers", events[100]);
    }

    #[test]
    fn requests_grow_by_what_happened_and_their_markers_move() {
        for dialect in DIALECTS {
            let mut session = Session::new(dialect, 7);
            let mut last = 0;
            for turn in 0..20 {
                let turn_of = session.next_turn();
                let body: Value = serde_json::from_str(&turn_of.request).unwrap();
                assert_eq!(body["tools"].as_array().unwrap().len(), 12);
                let messages = body["messages"].as_array().or(body["input"].as_array()).unwrap();
                assert!(messages.len() > last, "{dialect:?}, turn {turn}");
                last = messages.len();
                let expected = match dialect {
                    Dialect::OpenaiResponses => 0,
                    Dialect::Anthropic => 2.min(last),
                    // The system prompt is a message here.
                    _ => 1 + 2.min(last - 1),
                };
                assert_eq!(
                    messages.iter().filter(|it| is_marked(it)).count(),
                    expected,
                    "{dialect:?}"
                );
                let streamed = turn_of.answer.concat();
                assert!(streamed.starts_with("data: ") || streamed.starts_with("event: "));
                assert!(turn_of.after.len() > 4 && !turn_of.before.is_empty());
            }
        }
    }
}
