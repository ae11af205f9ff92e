//! What recordings mean. Pure: no clock, disk, network, threads or async runtime; ids and times are
//! arguments. Unknown input is kept and counted, never an error.
//!
//! * [`attribution`]: which lines a tool call wrote.
//! * [`redact`]: the only way from what OpenCode sent to what may be kept ([`redact::Clean`]).
//! * [`json`]: where things are in JSON *bytes*, so that they can be cut or replaced in place.
//! * [`exchange`]: one HTTP request with its response: what is kept of it, and its summary.
//! * [`event`]: OpenCode's events, as far as recording needs to know them.
//! * [`provider`]: what providers' requests and answers say, one file per dialect.
//! * [`reading`]: what an exchange asked and what came of it.
//! * [`cost`]: tokens into dollars.
//! * [`filter`]: the language in which people say what they want to see.
//! * [`search`]: what of a recording can be searched, and finding it.
//! * [`session`]: events and exchanges into sessions, turns, model calls, tool calls, sub-agents.
//! * [`timeline`]: a session as it went, row by row.
//! * [`trace`]: a turn as spans, for tracing backends.
//! * [`uuid`]: ids for other systems.

#![warn(missing_docs)]

pub mod attribution;
pub mod cost;
pub mod event;
pub mod exchange;
pub mod filter;
pub mod json;
pub mod provider;
pub mod reading;
pub mod redact;
pub mod search;
pub mod session;
pub mod timeline;
pub mod trace;
pub mod uuid;
