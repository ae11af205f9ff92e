//! Agent Trace in Postgres: records, their ranges, and events.
//!
//! * [`config`]: a database's URL, and what of it may be told.
//! * [`send`]: a batch by `COPY`, each item once, whatever is repeated or cut.
//! * [`migrate`](mod@migrate): the tables, as plain SQL.
//! * [`error`]: why nothing arrives.
//! * `encode`, `document`: items as `COPY` and `jsonb` take them; `session`: one connection; `tls` and `channel`.
//!
//! Of an item that arrived, nothing changes any more: sending it again does nothing. So whoever does not know
//! whether something arrived sends it again.

mod channel;
pub mod config;
mod document;
mod encode;
pub mod error;
pub mod migrate;
pub mod send;
mod session;
mod tls;

use octrace_core::uuid;

pub use self::{
    config::{BadUrl, Database},
    error::Unavailable,
    send::{Client, Outcome, Verdict},
};

/// Something to deliver, as it is on the tape: redacted.
#[derive(Clone, PartialEq)]
pub enum Item {
    /// An Agent Trace record.
    Record(Record),
    /// Something that happened.
    Event(Event),
}

/// An Agent Trace record.
#[derive(Clone, Default, PartialEq)]
pub struct Record {
    /// A UUID, the record's own.
    pub id: String,
    /// The record as JSON.
    pub json: String,
    /// What its paths are relative to; empty where that is not known.
    pub root: String,
}

/// Something that happened.
#[derive(Clone, Default, PartialEq)]
pub struct Event {
    /// A UUID: [`event_id`].
    pub id: String,
    /// `tool.execute.before`, `message.updated`, …
    pub name: String,
    /// OpenCode's session.
    pub session: Option<String>,
    /// The message that it is about.
    pub message: Option<String>,
    /// The tool call that it is about, as the provider named it.
    pub call: Option<String>,
    /// µs since the Unix epoch.
    pub at_us: i64,
    /// JSON.
    pub payload: String,
}

/// The id under which an event of a spool arrives: the same from whichever tape, however often it is built again.
/// `event` is its id on the tape.
pub fn event_id(spool: &str, event: i64) -> String {
    uuid::version_8("agent trace event", &[spool, &event.to_string()])
}

impl Item {
    /// Under which id it arrives.
    pub fn id(&self) -> &str {
        match self {
            Self::Record(record) => &record.id,
            Self::Event(event) => &event.id,
        }
    }
}

/// An item's content is nobody's business.
impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self {
            Self::Record(_) => "Record",
            Self::Event(_) => "Event",
        };
        f.debug_tuple(kind).field(&self.id()).finish()
    }
}
