//! How an exchange or a tool call went, in a word or a mark.

use octrace_core::{exchange::Outcome, session::ToolStatus};

use crate::text::{Paint, Style};

/// `200`, `401`, `refused`, `cut`, `waiting…`, with its colour.
pub(crate) fn status(
    outcome: Outcome,
    status: Option<u16>,
    error: Option<&str>,
) -> (Paint, String) {
    let word = |paint, word: &str| (paint, word.to_owned());
    match (outcome, status) {
        (Outcome::Waiting, _) => word(Paint::Warn, "waiting…"),
        (Outcome::Streaming, _) => word(Paint::Warn, "streaming…"),
        (Outcome::Failed, _) if is_refused(error) => word(Paint::Bad, "refused"),
        (Outcome::Failed, _) => word(Paint::Bad, "failed"),
        (Outcome::Cut, _) => word(Paint::Bad, "cut"),
        (Outcome::Aborted, _) => word(Paint::Warn, "aborted"),
        (Outcome::Complete, Some(status)) if status >= 400 => (Paint::Bad, status.to_string()),
        (Outcome::Complete, Some(status)) if error.is_some() => {
            (Paint::Bad, format!("{status} error"))
        }
        (Outcome::Complete, Some(status)) => (Paint::Good, status.to_string()),
        (Outcome::Complete, None) => word(Paint::Dim, "complete"),
    }
}

/// `✓ `, `✗ `, `! `, `… ` for a tool call that stands so, with its colour.
pub(crate) fn tool_mark(
    status: ToolStatus,
    exit: Option<i64>,
    style: &Style,
) -> (Paint, &'static str) {
    match status {
        // It ran, and reports that something is wrong: often all that was asked.
        ToolStatus::Completed if status.is_error(exit) => (Paint::Warn, "! "),
        ToolStatus::Completed => (Paint::Good, style.glyph("✓ ", "+ ")),
        ToolStatus::Failed => (Paint::Bad, style.glyph("✗ ", "x ")),
        ToolStatus::Running => (Paint::Warn, style.glyph("… ", "~ ")),
    }
}

/// Whether nobody listened there. Bun says it in a sentence, others by code.
fn is_refused(error: Option<&str>) -> bool {
    let error = error.unwrap_or_default();
    ["ECONNREFUSED", "ConnectionRefused", "refused", "Unable to connect"]
        .iter()
        .any(|sign| error.contains(sign))
}
