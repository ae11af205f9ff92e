//! How far an exchange is that is under way.

use octrace_core::timeline::ExchangeRow;

use crate::text::figures;

/// Without a byte for longer than this an answer is stalled, in µs.
const STALLED_US: i64 = 5_000_000;

/// Too short a time to tell a rate from, in µs.
const TOO_SHORT_US: i64 = 200_000;

/// What is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::terminal) enum Phase {
    /// No head of a response yet.
    Connecting,
    /// The head, but nothing of the answer.
    Waiting,
    /// The answer comes: bytes so far, and bytes in a second.
    Streaming { bytes: u64, rate: Option<u64> },
    /// It does not come any more, for so many µs.
    Stalled { for_us: i64 },
}

impl Phase {
    /// Where an exchange is at `now_us`; `None` once it is over.
    pub(in crate::terminal) fn of(row: &ExchangeRow, now_us: i64) -> Option<Self> {
        if !row.outcome.is_open() {
            return None;
        }
        let has_bytes = row.response_bytes > 0 || row.first_content_after_us.is_some();
        let Some(head) = row.head_after_us.or_else(|| has_bytes.then_some(0)) else {
            return Some(Self::Connecting);
        };
        let newest = row.last_byte_after_us.unwrap_or(head).max(head);
        let for_us = now_us.saturating_sub(row.at_us).saturating_sub(newest);
        if for_us > STALLED_US {
            return Some(Self::Stalled { for_us });
        }
        if !has_bytes {
            return Some(Self::Waiting);
        }
        let took = newest.saturating_sub(head);
        let rate = u64::try_from(took).ok().filter(|_| took >= TOO_SHORT_US);
        let rate = rate.map(|took| {
            let each = u128::from(row.response_bytes) * 1_000_000 / u128::from(took);
            u64::try_from(each).unwrap_or(u64::MAX)
        });
        Some(Self::Streaming { bytes: row.response_bytes, rate })
    }

    /// In words.
    pub(in crate::terminal) fn words(self) -> String {
        match self {
            Self::Connecting => "connecting".to_owned(),
            Self::Waiting => "waiting".to_owned(),
            Self::Streaming { bytes, rate: None } => {
                format!("streaming {}", figures::bytes(bytes))
            }
            Self::Streaming { bytes, rate: Some(rate) } => {
                format!("streaming {} {}/s", figures::bytes(bytes), figures::bytes(rate))
            }
            Self::Stalled { for_us } => format!("stalled {}", figures::duration(for_us)),
        }
    }
}

#[cfg(test)]
mod tests {
    use octrace_core::exchange::Outcome;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn from_the_request_to_the_last_byte() {
        let mut row = ExchangeRow { at_us: 1_000_000, ..ExchangeRow::default() };
        let words = |row: &ExchangeRow, now| Phase::of(row, now).map(Phase::words);
        assert_eq!(words(&row, 60_000_000).unwrap(), "connecting", "models may think for long");
        row.head_after_us = Some(1_000_000);
        assert_eq!(words(&row, 3_000_000).unwrap(), "waiting");
        (row.outcome, row.response_bytes) = (Outcome::Streaming, 12_000);
        row.last_byte_after_us = Some(1_100_000);
        assert_eq!(words(&row, 3_000_000).unwrap(), "streaming 12 kB");
        row.last_byte_after_us = Some(5_000_000);
        assert_eq!(words(&row, 7_000_000).unwrap(), "streaming 12 kB 3.0 kB/s");
        assert_eq!(words(&row, 11_000_000).unwrap(), "streaming 12 kB 3.0 kB/s");
        assert_eq!(words(&row, 18_000_000).unwrap(), "stalled 12.0s");
        row.outcome = Outcome::Complete;
        assert_eq!(words(&row, 18_000_000), None);
    }

    proptest! {
        #[test]
        fn any_times_have_a_phase(at_us: i64, now: i64, head: Option<i64>, last: Option<i64>, bytes: u64) {
            let row = ExchangeRow {
                at_us, head_after_us: head, last_byte_after_us: last, response_bytes: bytes,
                ..ExchangeRow::default()
            };
            prop_assert!(Phase::of(&row, now).is_some_and(|phase| phase.words().len() < 40));
        }
    }
}
