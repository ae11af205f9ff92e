//! End to end: the real OpenCode, recorded by the real binary, read back with the commands that people
//! use. The model is scripted; nothing else is.
//!
//! One file per subject. What each promise looks like when something breaks is in `deaths.rs`.

mod agent_trace;
mod blame;
mod bodies;
mod canary;
mod conversation;
mod deaths;
mod dumps;
mod faults;
mod files;
mod filter;
#[cfg(target_os = "linux")]
mod hangup;
mod hosts;
mod intercept;
mod json;
mod migrate;
#[cfg(target_os = "linux")]
mod offline;
mod once;
mod postgres;
mod secrets;
mod setup;
mod stage;
mod startup;
mod stream;
mod trace;
mod traces;
mod transparency;
mod view;
