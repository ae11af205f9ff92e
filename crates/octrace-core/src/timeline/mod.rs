//! A session as it went, row by row: what somebody sees who watches it.
//!
//! A row is a prompt, an exchange or a tool call, small enough that a hundred thousand of them fit in memory. What a
//! source reads gives rows without what only their neighbours tell; [`Thread`] adds that: which exchange is
//! compared with which, and the how many-eth try it is.

mod thread;

use std::sync::Arc;

pub use self::thread::Thread;
use crate::{
    exchange::{Outcome, Purpose},
    provider::Usage,
    session::ToolStatus,
};

/// One row. Most of a session's rows are small, so that none takes the room of the largest.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// Somebody asked for something.
    Prompt(Box<PromptRow>),
    /// A request and what came of it.
    Exchange(Box<ExchangeRow>),
    /// The model had something done.
    Tool(Box<ToolRow>),
}

/// What a row is about, for as long as its source is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowId {
    /// The source's number of a prompt.
    Prompt(i64),
    /// The exchange's id.
    Exchange(i64),
    /// The source's number of a tool call.
    Tool(i64),
}

/// A user's message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PromptRow {
    /// Its number in this source.
    pub number: i64,
    /// µs since the Unix epoch.
    pub at_us: i64,
    /// The beginning of what was typed; `None` where nobody typed it (a compaction).
    pub text: Option<Box<str>>,
}

/// An exchange without its bodies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExchangeRow {
    /// What `octrace request` takes; of a file, its number there.
    pub id: i64,
    /// Its number in its session, from 1.
    pub ordinal: i64,
    /// When it was sent, µs since the Unix epoch.
    pub at_us: i64,
    /// What it was for.
    pub purpose: Purpose,
    /// OpenCode's agent.
    pub agent: Option<Arc<str>>,
    /// OpenCode's provider id.
    pub provider: Option<Arc<str>>,
    /// The model.
    pub model: Option<Arc<str>>,
    /// The user message that it answers.
    pub message: Option<Arc<str>>,
    /// The assistant message that its answer became.
    pub assistant: Option<Arc<str>>,
    /// The HTTP status, once there is one.
    pub status: Option<u16>,
    /// How it stands.
    pub outcome: Outcome,
    /// What went wrong.
    pub error: Option<Box<str>>,
    /// True size of the request's body.
    pub request_bytes: u64,
    /// True size of the response's body so far.
    pub response_bytes: u64,
    /// µs after it was sent: the response's head arrived.
    pub head_after_us: Option<i64>,
    /// µs after it was sent: the first piece of the answer arrived.
    pub first_content_after_us: Option<i64>,
    /// µs after it was sent: the newest byte arrived, as far as is known while it is under way.
    pub last_byte_after_us: Option<i64>,
    /// µs after it was sent: it was over.
    pub end_after_us: Option<i64>,
    /// Tokens, as the provider counted them.
    pub usage: Option<Usage>,
    /// Dollars.
    pub cost_usd: Option<f64>,
    /// Why the model stopped, in the provider's word.
    pub finish: Option<Arc<str>>,
    /// The exchange before it in the same conversation, by [`Thread`].
    pub previous: Option<i64>,
    /// How much larger its request is than that one's, by [`Thread`].
    pub growth: Option<i64>,
    /// Which try of the same call it is, from 1, by [`Thread`].
    pub attempt: u32,
}

/// A tool call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolRow {
    /// Its number in this source.
    pub number: i64,
    /// When it was asked for, µs since the Unix epoch.
    pub at_us: i64,
    /// The assistant message that asked for it.
    pub assistant: Option<Arc<str>>,
    /// The tool's name.
    pub tool: Arc<str>,
    /// What it was about: a path, a command; one line.
    pub subject: Box<str>,
    /// What became of it.
    pub status: ToolStatus,
    /// For shell commands: the exit code.
    pub exit: Option<i64>,
    /// Why it failed.
    pub error: Option<Box<str>>,
    /// When it began to run, µs since the Unix epoch.
    pub started_us: Option<i64>,
    /// When it ended, µs since the Unix epoch.
    pub ended_us: Option<i64>,
    /// The sub-agent's session, for `task`.
    pub child: Option<Box<str>>,
}

impl Row {
    /// What it is about.
    pub fn id(&self) -> RowId {
        match self {
            Self::Prompt(row) => RowId::Prompt(row.number),
            Self::Exchange(row) => RowId::Exchange(row.id),
            Self::Tool(row) => RowId::Tool(row.number),
        }
    }

    /// When it began, µs since the Unix epoch.
    pub fn at_us(&self) -> i64 {
        match self {
            Self::Prompt(row) => row.at_us,
            Self::Exchange(row) => row.at_us,
            Self::Tool(row) => row.at_us,
        }
    }

    /// Whether more may come of it.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Prompt(_) => false,
            Self::Exchange(row) => row.outcome.is_open(),
            Self::Tool(row) => row.status == ToolStatus::Running,
        }
    }
}

impl From<PromptRow> for Row {
    fn from(row: PromptRow) -> Self {
        Self::Prompt(Box::new(row))
    }
}

impl From<ExchangeRow> for Row {
    fn from(row: ExchangeRow) -> Self {
        Self::Exchange(Box::new(row))
    }
}

impl From<ToolRow> for Row {
    fn from(row: ToolRow) -> Self {
        Self::Tool(Box::new(row))
    }
}

impl ExchangeRow {
    /// Whether something went wrong with it.
    pub fn is_error(&self) -> bool {
        self.outcome.is_error(self.status, self.error.is_some())
    }
}

impl ToolRow {
    /// Whether it failed, or reports that what it ran did.
    pub fn is_error(&self) -> bool {
        self.status.is_error(self.exit)
    }
}
