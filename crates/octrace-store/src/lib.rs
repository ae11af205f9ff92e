//! The tape: one SQLite database per user, the only truth; everything else is derived from it.

pub mod read;
