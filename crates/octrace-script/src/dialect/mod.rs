//! How the four providers write their answers; one file each.
//!
//! Each turns the same [`Step`] into the events of a stream and into a whole answer, with the
//! fields, ids and line ends that the real provider sends.

mod anthropic;
mod chat;
mod gemini;
mod responses;

use serde_json::{Value, json};

use crate::{
    ask::Ask,
    script::{Step, Usage},
};

/// The language that a path speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `/v1/chat/completions`
    OpenaiChat,
    /// `/v1/responses`
    OpenaiResponses,
    /// `/v1/messages`
    Anthropic,
    /// `/v1beta/models/{model}:streamGenerateContent` and `…:generateContent`
    Gemini,
}

impl Dialect {
    /// By the path without its query; `None` for what is not a model's endpoint.
    pub fn of_path(path: &str) -> Option<Self> {
        if path.ends_with("/chat/completions") {
            Some(Self::OpenaiChat)
        } else if path.ends_with("/responses") {
            Some(Self::OpenaiResponses)
        } else if path.ends_with("/messages") {
            Some(Self::Anthropic)
        } else if path.ends_with(":streamGenerateContent") || path.ends_with(":generateContent") {
            Some(Self::Gemini)
        } else {
            None
        }
    }
}

/// Everything that an answer is written from.
pub(crate) struct Answer<'a> {
    pub(crate) step: &'a Step,
    pub(crate) usage: Usage,
    pub(crate) ask: &'a Ask,
    /// What the ids of this answer are derived from.
    pub(crate) seed: u64,
}

impl Answer<'_> {
    /// The answer as the texts of a stream's events.
    pub(crate) fn stream(&self, dialect: Dialect) -> Vec<String> {
        match dialect {
            Dialect::OpenaiChat => chat::stream(self),
            Dialect::OpenaiResponses => responses::stream(self),
            Dialect::Anthropic => anthropic::stream(self),
            Dialect::Gemini => gemini::stream(self),
        }
    }

    /// The answer as one JSON value.
    pub(crate) fn whole(&self, dialect: Dialect) -> Value {
        match dialect {
            Dialect::OpenaiChat => chat::whole(self),
            Dialect::OpenaiResponses => responses::whole(self),
            Dialect::Anthropic => anthropic::whole(self),
            Dialect::Gemini => gemini::whole(self),
        }
    }

    /// An id of the provider's shape: `prefix` and `length` letters and digits, the same for the
    /// same answer and `number`.
    fn id(&self, prefix: &str, number: usize, length: usize) -> String {
        const ALPHABET: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut state = self.seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut id = prefix.to_owned();
        for _ in 0..length {
            // A step of splitmix64.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            id.push(char::from(ALPHABET[(mixed >> 32) as usize % ALPHABET.len()]));
        }
        id
    }
}

/// An error of status `code` in the provider's shape.
pub(crate) fn error(dialect: Dialect, code: u16) -> Value {
    let message = format!("scripted error {code}");
    match dialect {
        Dialect::OpenaiChat | Dialect::OpenaiResponses => {
            let kind = if code == 429 { "rate_limit_error" } else { "api_error" };
            json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
        }
        Dialect::Anthropic => {
            let kind = match code {
                400 => "invalid_request_error",
                401 => "authentication_error",
                429 => "rate_limit_error",
                529 => "overloaded_error",
                _ => "api_error",
            };
            json!({"type": "error", "error": {"type": kind, "message": message}})
        }
        Dialect::Gemini => {
            let status = match code {
                400 => "INVALID_ARGUMENT",
                401 => "UNAUTHENTICATED",
                429 => "RESOURCE_EXHAUSTED",
                _ => "INTERNAL",
            };
            json!({"error": {"code": code, "message": message, "status": status}})
        }
    }
}

/// Seconds since the epoch in answers that carry a time; fixed, so that answers are the same each time.
const CREATED: u64 = 1_767_225_600;

/// Cuts a text of `step` into the pieces that a model would stream: a few words each.
fn pieces<'t>(step: &Step, text: &'t str) -> Vec<&'t str> {
    cut(text, |piece, next| piece >= 12 && next == ' ' || step.spelled_out)
}

/// Cuts JSON text of `step` into pieces of about 24 bytes.
fn json_pieces<'t>(step: &Step, text: &'t str) -> Vec<&'t str> {
    cut(text, |piece, _| piece >= 24 || step.spelled_out)
}

fn cut(text: &str, cut_before: impl Fn(usize, char) -> bool) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, next) in text.char_indices() {
        if at > start && cut_before(at - start, next) {
            pieces.extend(text.get(start..at));
            start = at;
        }
    }
    pieces.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    pieces
}

/// The reason for stopping, by whether tools are called.
fn finish<'a>(step: &Step, calls: &'a str, stop: &'a str) -> &'a str {
    if step.calls.is_empty() { stop } else { calls }
}
