//! Reading the tape: what the commands and viewers ask of it. No read transaction outlives its query.

mod authors;
mod calls;
mod exchanges;
mod search;
mod sessions;
mod subject;
mod timeline;
mod turn;

use octrace_core::{
    exchange::{Headers, Summary},
    session::Totals,
};
use serde::{Deserialize, Serialize};

pub use self::{
    authors::Author,
    search::{Hit, Hits, Wanted},
    timeline::{Changes, Timeline},
    turn::TurnPlace,
};

/// An id behind all that OpenCode gives.
const LAST_ID: &str = "\u{10ffff}";

/// One session in a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionRow {
    /// OpenCode's id.
    pub id: String,
    /// For a sub-agent's session.
    pub parent: Option<String>,
    /// The title, once there is one.
    pub title: Option<String>,
    /// Where it works.
    pub directory: Option<String>,
    /// The models that answered, `provider/model`, most used first.
    pub models: Vec<String>,
    /// OpenCode's agents, most used first.
    pub agents: Vec<String>,
    /// The HTTP statuses that came, most frequent first.
    pub statuses: Vec<u16>,
    /// The tools that were called, most used first.
    pub tools: Vec<String>,
    /// Those of them of which a call failed, the one that did so most often first.
    pub failed_tools: Vec<String>,
    /// µs since the Unix epoch.
    pub created_us: i64,
    /// When the last thing in it was recorded, µs since the Unix epoch.
    pub updated_us: i64,
    /// Whether an exchange of it is under way.
    pub live: bool,
    /// Sums over its own exchanges (not those of sub-agents).
    pub totals: Totals,
    /// Bytes of its bodies as they went over the wire.
    pub wire_bytes: u64,
}

/// Where a list of sessions goes on: see [`crate::Tape::sessions_page`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCursor {
    updated_us: i64,
    id: String,
}

/// What tells whether a list of sessions lacks something, or has something that is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// How many there are.
    pub sessions: u64,
    /// Changes whenever something was pruned.
    pub prunings: i64,
}

/// One exchange, whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExchangeDetail {
    /// Its row.
    pub summary: Summary,
    /// Its number in its session, from 1.
    pub ordinal: i64,
    /// As sent, redacted.
    pub request_headers: Headers,
    /// The request's body as it was sent, redacted, byte for byte.
    pub request_body: Vec<u8>,
    /// Whether the recorded body is shorter than what was sent.
    pub request_cut: bool,
    /// As received, redacted.
    pub response_headers: Headers,
    /// The reason phrase.
    pub status_text: Option<String>,
    /// The response's body as it arrived, redacted.
    pub response_body: Vec<u8>,
    /// Whether the recorded body is shorter than what arrived.
    pub response_cut: bool,
}

/// What one `octrace run` recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// OpenCode processes that recorded anything at all, if only that they began.
    pub processes: u64,
    /// Its sessions, sub-agents' excepted, in the order they began.
    pub sessions: Vec<String>,
    /// Sums over all of its exchanges.
    pub totals: Totals,
}
