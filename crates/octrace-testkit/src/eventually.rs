//! Waiting for a condition that only asking can tell, such as a row on the tape.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use anyhow::bail;

/// Between two questions.
const POLL: Duration = Duration::from_millis(10);

/// Asks until the answer is `Ok`, at most `timeout`.
///
/// # Errors
/// After `timeout`, with the last answer.
pub fn eventually<T, E: Display>(
    timeout: Duration,
    mut ask: impl FnMut() -> Result<T, E>,
) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        match ask() {
            Ok(found) => return Ok(found),
            Err(why) if start.elapsed() > timeout => {
                bail!("still not so after {:.1} s: {why:#}", start.elapsed().as_secs_f32())
            }
            Err(_) => std::thread::sleep(POLL),
        }
    }
}
