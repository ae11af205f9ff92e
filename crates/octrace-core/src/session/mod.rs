//! Events and exchanges into what people think in: sessions, turns, model calls, tool calls,
//! sub-agents, attempts.
//!
//! A session is folded from two rows of records, OpenCode's own events and the exchanges on the wire;
//! neither alone suffices: events know tools, prompts and sub-agents, the wire knows attempts, titles
//! and what was really sent. [`build()`] joins them ([`build_tree`] with the sub-agents' sessions). It
//! never fails: what fits nowhere is in [`Session::unplaced`], [`Session::children`] or
//! [`Session::errors`], so that nothing that was recorded is invisible.
//!
//! Records may repeat and arrive in any order: the same records give the same session.

mod build;
mod fold;
pub(crate) mod part;
mod place;
pub(crate) mod read;
mod totals;
mod tree;

pub use build::build;
pub use fold::{is_placeholder_title, is_told_by};
pub use read::subject;
pub use tree::{Recording, build_tree};

use serde::{Deserialize, Serialize};

use crate::{
    event::ToolFact,
    exchange::{Purpose, Summary},
    provider::Usage,
};

/// One of OpenCode's events or hook calls, redacted, as the tape keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Its place in the order of arrival on this tape.
    pub id: i64,
    /// When it was seen, µs since the Unix epoch.
    pub at_us: i64,
    /// `message.updated`, … ; a hook's name with `hook.` before it.
    pub kind: String,
    /// The event's `properties`, or the hook's input.
    pub body: serde_json::Value,
}

/// A tool call, as what was read of its events before has it: it stands for the newest of these.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownTool {
    /// That event's place in the order of arrival on this tape.
    pub event: i64,
    /// All that its events tell together.
    pub fact: ToolFact,
}

/// One OpenCode session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// OpenCode's id, `ses_…`.
    pub id: String,
    /// The session whose `task` call started this one.
    pub parent: Option<String>,
    /// The title, once there is one.
    pub title: Option<String>,
    /// Where it works.
    pub directory: Option<String>,
    /// OpenCode's version.
    pub version: Option<String>,
    /// The agent that works in it.
    pub agent: Option<String>,
    /// When it was created, µs since the Unix epoch; of what was recorded, the first thing, where
    /// OpenCode did not say.
    pub created_us: i64,
    /// Prompt by prompt.
    pub turns: Vec<Turn>,
    /// Model calls that belong to no turn that was recorded.
    pub unplaced: Vec<ModelCall>,
    /// Sub-agents' sessions for which no `task` call was found.
    pub children: Vec<Session>,
    /// What OpenCode reported as having gone wrong before any turn.
    pub errors: Vec<String>,
}

/// From a prompt until OpenCode is idle again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The user message's id.
    pub message: String,
    /// What was asked; `compaction` where OpenCode asked for one by itself or on `/compact`.
    pub prompt: String,
    /// Whether this turn summarises the conversation for the model, and nobody typed its prompt.
    pub compaction: bool,
    /// For a command that octrace answered itself, without a model (`/intercept`): what it answered, empty where
    /// it did not come to that. `None` for every other turn.
    pub reply: Option<String>,
    /// µs since the Unix epoch.
    pub started_us: i64,
    /// When its last part ended; `None` while it runs.
    pub ended_us: Option<i64>,
    /// In the order they began; titles and the like among them.
    pub calls: Vec<ModelCall>,
    /// What OpenCode reported as having gone wrong, outside any call.
    pub errors: Vec<String>,
}

/// One thing asked of a model, with every attempt to get it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelCall {
    /// What it was for.
    pub purpose: Purpose,
    /// OpenCode's agent.
    pub agent: Option<String>,
    /// `provider/model`, as far as known.
    pub model: Option<String>,
    /// The assistant message that the answer became.
    pub assistant: Option<String>,
    /// Every request made for it, in order; empty when OpenCode reported a call that the wire
    /// did not show.
    pub attempts: Vec<Summary>,
    /// What the model then had done.
    pub tools: Vec<ToolCall>,
    /// Why it failed, where it did.
    pub error: Option<String>,
    /// The visible text of the answer, as OpenCode kept it.
    pub text: String,
    /// When OpenCode or the wire first knew of it, µs since the Unix epoch.
    pub started_us: i64,
    /// When its answer, its tools included, was over; `None` while it runs.
    pub ended_us: Option<i64>,
    /// Tokens as OpenCode counted them, for a call that the wire did not show.
    pub reported: Option<Usage>,
    /// Dollars as OpenCode counted them, for a call that the wire did not show.
    pub reported_cost_usd: Option<f64>,
}

/// What became of a tool call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// Asked for, or still running.
    #[default]
    Running,
    /// It ran and gave a result.
    Completed,
    /// It failed, was refused, or was aborted.
    Failed,
}

impl ToolStatus {
    /// Whether a call that stands so failed, or reports by its exit code that what it ran did.
    pub fn is_error(self, exit: Option<i64>) -> bool {
        self == Self::Failed || exit.is_some_and(|exit| exit != 0)
    }
}

/// One tool call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's call id.
    pub call: String,
    /// The tool's name.
    pub tool: String,
    /// What it was about: a path, a command; one line.
    pub subject: String,
    /// What became of it.
    pub status: ToolStatus,
    /// Why it failed.
    pub error: Option<String>,
    /// For shell commands: the exit code.
    pub exit: Option<i64>,
    /// µs since the Unix epoch.
    pub started_us: Option<i64>,
    /// µs since the Unix epoch.
    pub ended_us: Option<i64>,
    /// The sub-agent's session, for `task`.
    pub child: Option<Box<Session>>,
    /// Its id, also when it was not recorded, or stands under an earlier call that it continues.
    pub child_id: Option<String>,
}

/// Sums over calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Exchanges, every attempt counted.
    pub requests: u64,
    /// Exchanges that failed, were cut, or got an error status.
    pub errors: u64,
    /// Tokens of all of them.
    pub usage: Usage,
    /// Dollars, as far as known.
    pub cost_usd: Option<f64>,
}
