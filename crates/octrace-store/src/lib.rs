//! The tape: one SQLite database per user, the only truth; everything else is derived from it.
//!
//! * [`Tape`]: opening it, refusing what is not ours or newer than we are.
//! * [`mod@write`]: what recorders put on it, in one transaction with how far they have read.
//! * [`read`]: what commands and viewers ask of it.
//! * [`follow`]: the order of things, and the files that follow it.
//! * [`diagnostics`]: what plugins decided, and the options they had.
//! * [`intercept`] and [`dumps`]: whether requests are dumped as files, and which of these dumps are due.
//! * [`delivery`]: what is to be delivered to other systems, and what became of it.
//! * [`verify`]: whether everything is whole.
//! * `event`: bodies of events. `facts`: what they say of sessions and messages. `conversation`: the prompts and tool calls that they tell of. `turns`: where turns begin and end.
//! * [`evidence`]: what files contained and when calls were at work: of which lines who wrote them. `text`: files as parts.
//! * `sums`: what each session adds up to.
//! * `index`: which words are where, for [`Tape::search`].
//! * [`prune`]: what is too old or too much goes.
//! * [`body`] and [`codec`]: how bodies become parts that are stored once, and how they come back byte for
//!   byte. `numbers`: text without its line numbers. `pack`: parts and events, compressed together.

#![warn(missing_docs)]

pub mod body;
pub mod codec;
mod conversation;
pub mod delivery;
pub mod diagnostics;
pub mod dumps;
mod error;
mod event;
pub mod evidence;
mod facts;
pub mod follow;
mod index;
pub mod intercept;
mod layout;
mod migrate;
mod names;
mod numbers;
mod pack;
mod part;
pub mod prune;
pub mod read;
mod rebuild;
mod sums;
mod tape;
#[cfg(test)]
mod tests;
mod text;
mod turns;
mod uses;
pub mod verify;
pub mod write;

pub use error::Error;
pub use rebuild::Rebuilt;
pub use tape::Tape;
pub use write::{
    Batch, Begin, ExchangeId, Losses, OpenExchange, Position, Progress, SpoolId, WriterFacts,
};
