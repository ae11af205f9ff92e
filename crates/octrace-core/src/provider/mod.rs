//! What providers' requests and answers say.
//!
//! One file per dialect; each reads the provider's own JSON or event stream and gives the same few
//! things: text, reasoning, tool calls, usage, why it stopped. Reading never fails: a malformed
//! answer gives what could be read, and says what was wrong.
//!
//! What comes in is hostile. Reading takes time in proportion to the bytes and memory in proportion to
//! what is read out of them, at any nesting; problems never quote content.
//!
//! [`read_request`] and [`read_answer`] choose the dialect's file; [`sse`] is open to those who show
//! streams, [`outline`] and [`conversation`] to those who show requests.

mod answer;
mod anthropic;
pub mod conversation;
mod detect;
mod draft;
mod error;
mod gemini;
pub(crate) mod lenient;
mod message;
mod openai_chat;
mod openai_responses;
pub mod outline;
mod prompt;
mod request;
pub mod sse;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::answer::{BodyKind, read_answer};
pub use self::message::{Message, ToolResult};
pub use self::prompt::first_prompt;

/// The language that an endpoint speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `POST …/chat/completions`
    OpenaiChat,
    /// `POST …/responses`
    OpenaiResponses,
    /// `POST …/messages`
    Anthropic,
    /// `POST …:generateContent`, `…:streamGenerateContent`
    Gemini,
    /// Something else: kept, but its answers are not read.
    #[default]
    Unknown,
}

impl Dialect {
    /// Each of them.
    pub const ALL: [Self; 5] =
        [Self::OpenaiChat, Self::OpenaiResponses, Self::Anthropic, Self::Gemini, Self::Unknown];

    /// The word used in the database, in JSON and on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai-chat",
            Self::OpenaiResponses => "openai-responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Unknown => "unknown",
        }
    }

    /// The dialect with this word; an unknown word is a newer version's dialect.
    pub fn parse(word: &str) -> Self {
        match word {
            "openai-chat" => Self::OpenaiChat,
            "openai-responses" => Self::OpenaiResponses,
            "anthropic" => Self::Anthropic,
            "gemini" => Self::Gemini,
            _ => Self::Unknown,
        }
    }
}

/// Tokens of one answer, as the provider bills them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All input, cached input included.
    pub input: u64,
    /// All output, reasoning included.
    pub output: u64,
    /// Of the output: reasoning.
    pub reasoning: u64,
    /// Of the input: read from the provider's cache.
    pub cache_read: u64,
    /// Of the input: written to the provider's cache.
    pub cache_write: u64,
}

/// A tool call that the model asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolRequest {
    /// The provider's call id; the same as OpenCode's `callID`.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments as the model wrote them: JSON text, possibly incomplete.
    pub arguments: String,
}

/// What an answer says, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The visible text.
    pub text: String,
    /// The reasoning text, where the provider shows it.
    pub reasoning: String,
    /// In the order asked for.
    pub tool_calls: Vec<ToolRequest>,
    /// `None` when the answer names no counts.
    pub usage: Option<Usage>,
    /// Why the model stopped, in the provider's word.
    pub finish: Option<String>,
    /// The model that answered, in the provider's word.
    pub model: Option<String>,
    /// The provider's error message, from an error body or from inside a stream.
    pub error: Option<String>,
    /// For streams: how many bytes of the body had arrived when the first piece of the answer
    /// (text, reasoning, a tool call) was complete.
    pub first_content_at: Option<usize>,
    /// What was malformed, cut or unexpected, in words.
    pub problems: Vec<String>,
}

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The model, in the provider's word.
    pub model: Option<String>,
    /// How many messages (or inputs, or contents) it carries.
    pub messages: usize,
    /// How many tools it offers.
    pub tools: usize,
    /// Whether a stream was asked for, where the body says it.
    pub stream: Option<bool>,
    /// What was malformed, in words.
    pub problems: Vec<String>,
}

/// What the request with this `body` asks for. An unknown dialect's asks for nothing that we can tell.
pub fn read_request(dialect: Dialect, body: &[u8]) -> Ask {
    match dialect {
        Dialect::OpenaiChat => openai_chat::read_request(body),
        Dialect::OpenaiResponses => openai_responses::read_request(body),
        Dialect::Anthropic => anthropic::read_request(body),
        Dialect::Gemini => gemini::read_request(body),
        Dialect::Unknown => Ask::default(),
    }
}
