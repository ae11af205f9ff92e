//! How recordings look: [`text`] for people at a terminal, [`json`] for scripts, [`terminal`] to walk around in;
//! [`mod@difference`] is what a request changed, [`mod@blame`] who wrote a file.
//!
//! Nothing here reads a tape or writes to a terminal: it takes what `octrace-store` and
//! `octrace-core` give and returns strings, or cells of a screen.

#![warn(missing_docs)]

pub mod blame;
pub mod difference;
pub mod json;
pub mod terminal;
pub mod text;
