//! What follows the tape: files that are made of what was just stored.
//!
//! A sink reads the tape and nothing else, and what it has done is noted there. So it can die at any moment, and the next
//! recorder goes on where it stopped. What a sink cannot do is said, and never holds up the recording.

pub(super) mod dumps;
#[cfg(test)]
mod tests;
