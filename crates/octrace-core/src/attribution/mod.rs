//! Which lines a tool call wrote. The measure is truth: what is not proven is not said.
//!
//! Evidence is of one kind: what a file contained at a moment ([`timeline::Observation`]), seen before and after a call
//! by the plugin, or at the begin and the end of a step in OpenCode's snapshots. Between two observations of a file
//! something changed or nothing did; the calls that were at work in between and could have written it
//! ([`timeline::Call`]) are the only ones that can have. One: its lines. None: a person's. Several: the one whose
//! own text says so, else nobody's.
//!
//! * [`line`](mod@line): bytes into lines that can be compared.
//! * [`observed`]: what recording sees of a file.
//! * [`timeline`]: observations and calls, the evidence.
//! * [`blame`](mod@blame): who wrote each line of a file as it is now.
//! * [`record`]: Agent Trace records, what of it others can read.
//! * [`track`](mod@track): where each line of each observation comes from. It has its own modules for which lines of
//!   two texts are the same (`diff`), for where new ones come from (`author`), for which calls were at work
//!   (`candidates`), for what a call's input says (`declared`), for what a file had before (`history`), and for files
//!   that changed their names (`renames`).

mod author;
pub mod blame;
mod candidates;
mod declared;
mod diff;
mod history;
pub mod line;
pub mod observed;
pub mod record;
mod renames;
pub mod timeline;
pub mod track;

#[cfg(test)]
mod tests;

pub use self::renames::alike;
