//! What providers' requests and answers say.
//!
//! One file per dialect; each reads the provider's own JSON or event stream and gives the same few
//! things: text, reasoning, tool calls, usage, why it stopped. Reading never fails: a malformed
//! answer gives what could be read, and says what was wrong.

use serde::{Deserialize, Serialize};

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
