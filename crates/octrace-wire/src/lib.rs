//! The contract between the plugin inside OpenCode and the recorder: what is in a spool.
//!
//! A *spool* is a folder that belongs to one OpenCode process. The plugin appends to it, the
//! recorder reads it; there is no other channel for content. Everything in a spool is ours and
//! versioned ([`VERSION`]), little-endian, and written down here rather than derived from a
//! library's memory layout, so that a spool can be read by anyone in ten years.
//!
//! ```text
//! <root>/<pid>-<random>/           0700, one per OpenCode process
//!     00000001.seg 00000002.seg …  0600, frames, see [`segment`] and [`frame`]
//!     .lock                        held by the recorder that reads the spool
//!     .status                      recorder → plugin, replaced whole
//!     .control                     commands → recorder, see the `octrace` crate
//! ```
//!
//! * [`segment`]: what a segment file begins with, and how to read one that is being written,
//!   was torn, or is not ours.
//! * [`frame`]: the 32 bytes before each payload, and the kinds of payload.
//! * [`payload`]: the JSON payloads *as sent*: tolerant, every field optional that can be. What they
//!   mean is decided in `octrace-core`.
//!
//! The plugin's encoder (`plugin/frame.ts`) and this decoder are held together by the test vectors
//! in `fixtures/wire/`, which both test suites run.

#![warn(missing_docs)]

pub mod frame;
pub mod payload;
pub mod segment;

/// The version of the spool format that the plugin writes; in every segment's header and in the
/// `hello` frame. A recorder reads this version and the one before it.
pub const VERSION: u16 = 1;
