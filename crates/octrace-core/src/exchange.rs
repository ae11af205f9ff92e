//! One HTTP request with its response, streamed or whole, its timings, or its error.
//!
//! [`Exchange`] is what the recorder assembles from frames and what `redact` makes clean;
//! [`Summary`] is the row that lists, trees and exporters work with, without any body.

use serde::{Deserialize, Serialize};

use crate::provider::{Dialect, Usage};

/// A header's name and value, in the order sent. Values outside the allow list are `[REDACTED]`.
pub type Headers = Vec<(String, String)>;

/// How an exchange stands or ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Sent; no response yet.
    #[default]
    Waiting,
    /// The response is arriving.
    Streaming,
    /// The whole response arrived, whatever its status.
    Complete,
    /// No response ever came: refused, unreachable, TLS, …
    Failed,
    /// The response broke off: by the server, or because OpenCode died.
    Cut,
    /// OpenCode or the user no longer wanted it.
    Aborted,
}

impl Outcome {
    /// The word used in the database, in JSON and on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Streaming => "streaming",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Cut => "cut",
            Self::Aborted => "aborted",
        }
    }

    /// The outcome with this word; an unknown word is a newer version's way to say that it ended.
    pub fn parse(word: &str) -> Self {
        match word {
            "waiting" => Self::Waiting,
            "streaming" => Self::Streaming,
            "complete" => Self::Complete,
            "failed" => Self::Failed,
            "aborted" => Self::Aborted,
            _ => Self::Cut,
        }
    }

    /// Whether more may come.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Streaming)
    }

    /// Whether something went wrong with an exchange that stands so: no response came, the response broke off, or it
    /// says that it is an error, by its status or inside its stream. An abort is somebody's wish.
    pub fn is_error(self, status: Option<u16>, has_error: bool) -> bool {
        match self {
            Self::Failed | Self::Cut => true,
            Self::Waiting | Self::Streaming | Self::Complete | Self::Aborted => {
                status.is_some_and(|status| status >= 400) || (self == Self::Complete && has_error)
            }
        }
    }
}

/// What a request was for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The conversation itself, a sub-agent's too.
    #[default]
    Main,
    /// Naming the session.
    Title,
    /// Summarising for the user.
    Summary,
    /// Summarising for the model, when the context is full.
    Compaction,
}

impl Purpose {
    /// By the name of the agent that OpenCode uses for it.
    pub fn of_agent(agent: &str) -> Self {
        match agent {
            "title" => Self::Title,
            "summary" => Self::Summary,
            "compaction" => Self::Compaction,
            _ => Self::Main,
        }
    }

    /// The purpose with this word; an unknown one is part of the conversation.
    pub fn parse(word: &str) -> Self {
        Self::of_agent(word)
    }

    /// Whether it serves OpenCode's housekeeping rather than the conversation.
    pub fn is_meta(self) -> bool {
        self != Self::Main
    }

    /// The word used in JSON and on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Title => "title",
            Self::Summary => "summary",
            Self::Compaction => "compaction",
        }
    }
}

/// An exchange as assembled: heads, bodies, timings. Raw until redacted; `Debug` is absent on purpose.
#[derive(Clone, Default)]
pub struct Exchange {
    /// Number in its OpenCode process, from 1.
    pub number: u32,
    /// The provider's dialect, as far as the request tells.
    pub dialect: Dialect,
    /// The request without its body.
    pub request: RequestHead,
    /// The request's body as far as it was recorded.
    pub request_body: Vec<u8>,
    /// Whether the plugin cut or left out a part of the request's body.
    pub request_cut: bool,
    /// Status and headers, once they arrived.
    pub response: Option<ResponseHead>,
    /// The response's body so far.
    pub response_body: Vec<u8>,
    /// Whether a part of the response's body was not recorded.
    pub response_cut: bool,
    /// When things happened.
    pub timing: Timing,
    /// How it stands.
    pub outcome: Outcome,
    /// For failed and cut ones: what was said.
    pub error: Option<String>,
}

/// The head of a request, and what OpenCode knows about it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RequestHead {
    /// `POST`.
    pub method: String,
    /// Without userinfo and secret query values.
    pub url: String,
    /// See [`Headers`].
    pub headers: Headers,
    /// OpenCode's session, or `run_<pid>_<id>` for a request without one.
    pub session: String,
    /// The parent session where a header named it.
    pub parent: Option<String>,
    /// The user message that it answers.
    pub message: Option<String>,
    /// OpenCode's agent.
    pub agent: Option<String>,
    /// OpenCode's provider id.
    pub provider: Option<String>,
    /// OpenCode's model id.
    pub model: Option<String>,
    /// The SDK package that speaks for the provider.
    pub npm: Option<String>,
    /// OpenCode's price object, as sent.
    pub price: Option<String>,
    /// The body's true size in bytes.
    pub body_bytes: u64,
}

/// Status and headers of a response.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ResponseHead {
    /// The HTTP status.
    pub status: u16,
    /// The reason phrase.
    pub status_text: String,
    /// See [`Headers`].
    pub headers: Headers,
}

impl ResponseHead {
    /// The `content-type`, lower case, without parameters; empty where absent.
    pub fn content_type(&self) -> String {
        content_type(&self.headers)
    }
}

/// The `content-type` among `headers`, lower case, without parameters; empty where absent.
pub fn content_type(headers: &Headers) -> String {
    headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .and_then(|(_, value)| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase())
        .unwrap_or_default()
}

/// When things happened. `sent_us` is for people (µs since the Unix epoch); the others are µs after it
/// on a clock that never jumps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// The request was handed to `fetch`.
    pub sent_us: i64,
    /// The response's head arrived.
    pub head_after_us: Option<i64>,
    /// The first byte of the response's body arrived.
    pub first_byte_after_us: Option<i64>,
    /// The first piece of the answer (text, reasoning, a tool call) arrived.
    pub first_content_after_us: Option<i64>,
    /// The exchange was over.
    pub end_after_us: Option<i64>,
    /// The longest silence between two chunks.
    pub longest_gap_us: Option<i64>,
}

/// One exchange without its bodies: a row on the tape. All text in it is redacted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The exchange's id on this tape: what `octrace request ID` takes.
    pub id: i64,
    /// OpenCode's session.
    pub session: String,
    /// The user message that it answers.
    pub message: Option<String>,
    /// The assistant message that its answer became.
    pub assistant: Option<String>,
    /// OpenCode's agent.
    pub agent: Option<String>,
    /// What it was for.
    pub purpose: Purpose,
    /// OpenCode's provider id.
    pub provider: Option<String>,
    /// The model: OpenCode's id, else what the request names.
    pub model: Option<String>,
    /// The provider's dialect.
    pub dialect: Dialect,
    /// `POST`.
    pub method: String,
    /// Redacted.
    pub url: String,
    /// The HTTP status, once there is one.
    pub status: Option<u16>,
    /// How it stands.
    pub outcome: Outcome,
    /// What went wrong: of the transport, or the provider's own message in an error status or stream.
    pub error: Option<String>,
    /// When things happened.
    #[serde(flatten)]
    pub timing: Timing,
    /// True size of the request's body.
    pub request_bytes: u64,
    /// True size of the response's body so far.
    pub response_bytes: u64,
    /// Chunks the response arrived in so far.
    pub chunks: u64,
    /// Tokens, as the provider counted them.
    pub usage: Option<Usage>,
    /// In dollars; `None` where tokens or prices are not known.
    pub cost_usd: Option<f64>,
    /// Why the model stopped, in the provider's word.
    pub finish: Option<String>,
    /// What could not be read or is odd, in words.
    pub problems: Vec<String>,
}

impl Summary {
    /// Whether something went wrong with it.
    pub fn is_error(&self) -> bool {
        self.outcome.is_error(self.status, self.error.is_some())
    }

    /// When it was over, µs since the Unix epoch; `None` while it is not.
    pub fn ended_us(&self) -> Option<i64> {
        let after = self.timing.end_after_us.or(self.timing.first_byte_after_us).unwrap_or(0);
        (!self.outcome.is_open()).then(|| self.timing.sent_us.saturating_add(after))
    }
}
