//! Requests to tracing backends over HTTP, and what their answers mean for what was sent.

use std::time::Duration;

/// What an answer means for what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The backend has it for good.
    Accepted,
    /// It is at fault itself: why, without content and without keys.
    Refused(String),
    /// Nobody knows, or the backend takes nothing at this moment: it is to be sent again.
    Later {
        /// Why, without content and without keys.
        why: String,
        /// How long the backend wants to be left in peace, where it says so.
        retry_after: Option<Duration>,
    },
}
