//! Which exchange continues which.

use std::collections::HashMap;

use super::ExchangeRow;

/// Goes along a session's exchanges in the order they were sent, and says of each what those before it tell.
///
/// A conversation is a session's exchanges of one agent and purpose: their requests are each other's continuation.
#[derive(Clone, Debug, Default)]
pub struct Thread {
    newest: HashMap<(Option<String>, &'static str), Before>,
}

#[derive(Clone, Debug)]
struct Before {
    id: i64,
    request_bytes: u64,
    attempt: u32,
    call: Option<String>,
    failed: bool,
}

impl Thread {
    /// Fills [`ExchangeRow::previous`], [`ExchangeRow::growth`] and [`ExchangeRow::attempt`] of the next one. The same
    /// exchange may come again, with how it stands now.
    pub fn follow(&mut self, row: &mut ExchangeRow) {
        let key = (row.agent.as_deref().map(str::to_owned), row.purpose.as_str());
        let call = row
            .message
            .as_deref()
            .map(|message| format!("{message} {}", row.assistant.as_deref().unwrap_or_default()));
        let failed = row.is_error();
        if let Some(known) = self.newest.get_mut(&key).filter(|known| known.id == row.id) {
            known.failed = failed;
        }
        if self.newest.get(&key).is_some_and(|newest| newest.id >= row.id) {
            return;
        }
        row.attempt = 1;
        if let Some(before) = self.newest.get(&key) {
            row.previous = Some(before.id);
            row.growth = Some(difference(row.request_bytes, before.request_bytes));
            if before.failed && call.is_some() && before.call == call {
                row.attempt = before.attempt.saturating_add(1);
            }
        }
        let (id, request_bytes, attempt) = (row.id, row.request_bytes, row.attempt);
        self.newest.insert(key, Before { id, request_bytes, attempt, call, failed });
    }
}

fn difference(now: u64, before: u64) -> i64 {
    let size = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    size(now).saturating_sub(size(before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Outcome, Purpose};

    fn row(id: i64, agent: &str, bytes: u64, status: u16) -> ExchangeRow {
        ExchangeRow {
            id,
            agent: Some(agent.into()),
            message: Some("msg_1".into()),
            request_bytes: bytes,
            status: Some(status),
            outcome: Outcome::Complete,
            ..ExchangeRow::default()
        }
    }

    #[test]
    fn each_conversation_has_its_own_thread_and_what_failed_is_tried_again() {
        let mut thread = Thread::default();
        let title = ExchangeRow { purpose: Purpose::Title, ..row(2, "title", 10, 200) };
        let rows =
            [row(1, "build", 100, 500), title, row(3, "build", 100, 200), row(4, "build", 90, 200)];
        let seen: Vec<_> = rows
            .into_iter()
            .map(|mut row| {
                thread.follow(&mut row);
                (row.previous, row.growth, row.attempt)
            })
            .collect();
        assert_eq!(
            seen,
            [(None, None, 1), (None, None, 1), (Some(1), Some(0), 2), (Some(3), Some(-10), 1)]
        );
    }
}
