//! Evidence of which lines the agent wrote, and the Agent Trace records that follow from it.
//!
//! * `observe`: what files contained at moments, written by a recorder.
//! * `history`: the same, read as [`octrace_core::attribution`] wants it.
//! * `call`: when tool calls were at work. `step`: the steps that they belong to, with OpenCode's snapshots.
//! * `due`: what else has to be known to make records.
//! * `record`: the records, and the revisions that they name.
//!
//! Steps and the times of calls are derived from events, so [`Tape::rebuild`](crate::Tape::rebuild) makes them again. What files
//! contained is recorded content, as bodies are.

mod call;
mod due;
mod history;
mod observe;
mod record;
mod step;

pub use due::{CallContext, Labels, Workplace};
pub use history::FileId;
pub use record::Record;
pub use step::{Step, Trees};

/// Whether the row of an `observations`, `call_times`, `revisions` or `agent_trace_records` is none of a session that is
/// being pruned: a condition on that table.
pub(crate) fn stays(table: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM doomed
             WHERE doomed.session = {table}.session AND {table}.at_us <= doomed.until_us)"
    )
}
