//! What leaves the tape, one folder per destination: what is clean comes in, what others read goes out.
//!
//! * [`dump`]: three files per request, in a session's folder.
//! * [`helicone`]: model calls and tool calls as Helicone's logs.
//! * [`http`]: requests to tracing backends, and what their answers mean.
//! * [`jsonl`]: a line for each request, response and error, in a file per session.
//! * [`otlp`]: traces, in the words of many backends.
//! * [`postgres`]: Agent Trace in tables.

#![warn(missing_docs)]

pub mod dump;
pub mod helicone;
pub mod http;
pub mod jsonl;
pub mod otlp;
pub mod postgres;
