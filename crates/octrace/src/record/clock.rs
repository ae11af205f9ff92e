//! The recorder's clock. Times of what was recorded come from the frames; this one only says when we
//! did something ourselves.

use std::time::{SystemTime, UNIX_EPOCH};

/// µs since the Unix epoch.
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
