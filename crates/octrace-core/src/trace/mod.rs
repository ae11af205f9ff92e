//! The one model of what goes to tracing backends: a turn as spans. Each backend's profile, in `octrace-export`, says
//! it in that backend's words; nothing here knows any of them.
//!
//! * [`build()`]: what was recorded of a turn, as spans.
//! * [`content`]: what was asked and answered, from the bodies of a call's last attempt.
//! * [`id`]: ids by hash of OpenCode's own, so that a turn has the same ones whenever and wherever they are made.
//! * `lessen`: what of a span a destination gets: redacted once more, without content, no larger than it takes.
//!
//! A turn, from a prompt until OpenCode is idle, is a trace; a sub-agent's turn is inside the `task` call that started
//! it, in the trace of that call: ids are computed, so each turn is delivered by itself, whatever comes first.
//!
//! ```text
//! turn                      prompt in, final reply out
//! ├── model call            with its attempts: one of them answered, or none
//! ├── tool call             also one that failed
//! └── tool call (task)
//!     └── turn (sub-agent)
//!         ├── model call
//!         └── …
//! ```

mod build;
pub mod content;
pub mod id;
mod lessen;

pub use self::build::build;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::id::{SpanId, TraceId};
use crate::{
    exchange::{Purpose, Summary},
    provider::{Dialect, Usage},
    session::{EventRecord, ToolStatus},
};

/// What was recorded of a turn.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// The session that it is a turn of.
    pub session: SessionFacts,
    /// The user message: `msg_…`.
    pub message: String,
    /// Where it came from.
    pub origin: Origin,
    /// The session's events from the turn's begin until its end, or a little longer, in any order.
    pub events: Vec<EventRecord>,
    /// The exchanges for its user message, in any order.
    pub exchanges: Vec<Summary>,
    /// The number of each message of the turn among all of the session, from 0, in the order of their ids.
    pub numbers: BTreeMap<String, u64>,
}

/// Where a turn came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The session that the user talks to.
    pub root: SessionFacts,
    /// The user message there: with the session, what the trace's id is made of.
    pub root_message: String,
    /// The `task` call that it is inside of; `None` for a turn that a user began.
    pub parent: Option<CallPlace>,
    /// See [`Turn::path`].
    pub path: Vec<Step>,
}

/// Which tool call it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPlace {
    /// `ses_…`
    pub session: String,
    /// The assistant message: `msg_…`.
    pub message: String,
    /// The provider's call id.
    pub call: String,
}

/// How much a destination gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// What was said, and what tools were called with and gave.
    #[default]
    Full,
    /// Roles, times, counts, names of tools and models; nothing that anybody or any tool said.
    MetadataOnly,
}

/// A turn of a session, as spans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// The trace that all of it is in.
    pub trace: TraceId,
    /// The session that it is a turn of.
    pub session: SessionFacts,
    /// The session that the user talks to: the same, but for sub-agents'.
    pub root: SessionFacts,
    /// The `task` calls that lead from that session to this turn, the outermost first; empty but for sub-agents.
    pub path: Vec<Step>,
    /// The turn itself first, then all that is in it, by the time of their begin.
    pub spans: Vec<Span>,
}

/// What is told of a session with each of its spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFacts {
    /// `ses_…`
    pub id: String,
    /// Its title, once it has one.
    pub title: Option<String>,
    /// Where it works.
    pub directory: Option<String>,
    /// OpenCode's version.
    pub version: Option<String>,
}

/// A `task` call on the way to a sub-agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The tool's name.
    pub tool: String,
    /// The number, in its session, of the message that the call is in.
    pub message: u64,
    /// The session that it started: `ses_…`.
    pub child: String,
}

/// Something that took its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The same whenever it is made, and no other span's anywhere.
    pub id: SpanId,
    /// What it is in; `None` for the turn of a session that no sub-agent's is.
    pub parent: Option<SpanId>,
    /// µs since the Unix epoch.
    pub started_us: i64,
    /// µs since the Unix epoch, not before it began.
    pub ended_us: i64,
    /// What went wrong; `None` where all is well.
    pub failure: Option<Failure>,
    /// What it is.
    pub what: What,
}

/// Why something failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// Of a small set, for counting: an HTTP status as digits, or one of [`Failure::KINDS`].
    pub kind: String,
    /// In words, as it was reported.
    pub message: String,
}

impl Failure {
    /// No HTTP answer: the connection failed, it broke off, somebody no longer wanted it, the provider said so inside
    /// its answer, a tool reported it, OpenCode did, or it was under way when OpenCode ended.
    pub const KINDS: [&str; 7] = [
        "connection",
        "cut",
        "aborted",
        "provider_error",
        "tool_error",
        "session_error",
        "unfinished",
    ];
}

/// What a span is.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A prompt and all that was done about it.
    Turn(TurnSpan),
    /// One thing asked of a model.
    Model(Box<ModelSpan>),
    /// One tool call.
    Tool(ToolSpan),
}

/// A prompt and all that was done about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnSpan {
    /// The user message: `msg_…`.
    pub message: String,
    /// OpenCode's agent.
    pub agent: Option<String>,
    /// What was asked, without the quotes that `opencode run` adds.
    pub prompt: String,
    /// The last answer's text.
    pub reply: String,
    /// Tokens of all its model calls.
    pub usage: Usage,
    /// Dollars of all of them, as far as known.
    pub cost_usd: Option<f64>,
}

/// One thing asked of a model, with every attempt to get it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelSpan {
    /// What it was for.
    pub purpose: Purpose,
    /// The assistant message that the answer became: `msg_…`; `None` for titles and the like.
    pub message: Option<String>,
    /// That message's number in its session, from 0; of a call that became none, that of the user message.
    pub number: u64,
    /// OpenCode's agent.
    pub agent: Option<String>,
    /// OpenCode's provider id.
    pub provider: Option<String>,
    /// The model, without its provider.
    pub model: Option<String>,
    /// The model that answered, in the provider's word.
    pub answered_by: Option<String>,
    /// The provider's dialect.
    pub dialect: Dialect,
    /// The host that was asked, and its port where it is not the scheme's own.
    pub server: Option<(String, Option<u16>)>,
    /// Whether a stream was asked for, where that is known.
    pub stream: Option<bool>,
    /// Every request made for it, in order; empty where the wire did not show it.
    pub attempts: Vec<Attempt>,
    /// Tokens as billed: input with what was cached, output with reasoning.
    pub usage: Option<Usage>,
    /// Dollars.
    pub cost_usd: Option<f64>,
    /// Why the model stopped, in the provider's word.
    pub finish: Option<String>,
    /// From the begin of the last attempt to the first piece of its answer, in µs.
    pub first_content_after_us: Option<i64>,
    /// What was asked and answered, read from the last attempt.
    pub said: Said,
}

/// One request to a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The exchange's id on this tape: to find its bodies. It means nothing elsewhere.
    pub exchange: i64,
    /// µs since the Unix epoch.
    pub started_us: i64,
    /// µs since the Unix epoch.
    pub ended_us: i64,
    /// The HTTP status, once there was one.
    pub status: Option<u16>,
    /// What went wrong.
    pub failure: Option<Failure>,
}

/// What was asked of a model, and what it answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// The instructions before the conversation.
    pub system: Vec<Part>,
    /// The conversation, as it was sent.
    pub input: Vec<Message>,
    /// The answer; `None` where none came.
    pub output: Option<Message>,
    /// What the request sets besides, with its JSON, sorted by name. What all dialects have is called as in OpenAI's:
    /// `frequency_penalty`, `max_tokens`, `n`, `presence_penalty`, `reasoning_effort`, `seed`, `stop`, `temperature`,
    /// `top_k`, `top_p`.
    pub settings: Vec<(String, String)>,
    /// The names of the tools that it offers.
    pub tools: Vec<String>,
}

/// Who says something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Whoever runs the model, in the middle of a conversation.
    System,
    /// The user, or OpenCode in the user's place.
    #[default]
    User,
    /// The model.
    Assistant,
    /// A tool, with its result.
    Tool,
}

impl Role {
    /// The word that most dialects have for it: `system`, `user`, `assistant`, `tool`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What.
    pub parts: Vec<Part>,
}

/// A piece of what is said.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text.
    Text(String),
    /// What the model thought.
    Reasoning(String),
    /// The model wants a tool called.
    Call {
        /// The call's id; empty where the dialect has none.
        id: String,
        /// The tool.
        name: String,
        /// JSON; what is none is a JSON string of it. `null` where content is left out.
        arguments: String,
    },
    /// What a tool gave.
    Result {
        /// The call's id; empty where the dialect has none.
        id: String,
        /// The tool; empty where the dialect does not repeat it.
        name: String,
        /// As the model was told.
        text: String,
    },
    /// A picture or a file; its bytes are never exported.
    Media {
        /// `image/png`, …
        mime: String,
        /// Bytes as they were sent, in base64 or as a URL.
        bytes: u64,
    },
    /// Something that the dialects do not share: JSON.
    Other(String),
}

/// One tool call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolSpan {
    /// The provider's call id.
    pub call: String,
    /// The tool's name.
    pub tool: String,
    /// The assistant message that it is in: `msg_…`.
    pub message: String,
    /// That message's number in its session, from 0.
    pub number: u64,
    /// What OpenCode called it for people.
    pub title: Option<String>,
    /// What it was called with: JSON; empty where content is left out.
    pub input: String,
    /// What it gave, or why it failed.
    pub output: String,
    /// What else OpenCode tells of it: JSON; empty where there is nothing.
    pub metadata: String,
    /// What became of it.
    pub status: ToolStatus,
    /// For shell commands: the exit code.
    pub exit: Option<i64>,
    /// The sub-agent's session, for `task`: `ses_…`.
    pub child: Option<String>,
}
