//! How an exchange went, in a word.

use octrace_core::exchange::Outcome;

use crate::text::Paint;

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

/// Whether nobody listened there. Bun says it in a sentence, others by code.
fn is_refused(error: Option<&str>) -> bool {
    let error = error.unwrap_or_default();
    ["ECONNREFUSED", "ConnectionRefused", "refused", "Unable to connect"]
        .iter()
        .any(|sign| error.contains(sign))
}
