//! A model provider on loopback that follows a script.
//!
//! `octrace demo` shows octrace at work without an account, and octrace's end-to-end tests need a
//! provider that does exactly what the test says, also when that is to fail. Both use this server: it
//! speaks four provider dialects, streamed and whole, and keeps what it received and sent, byte for
//! byte and with times, so that a test can compare it with what octrace recorded.
//!
//! * [`Script`]: what to answer. A prompt that contains `SCRIPT:<name>` runs the script of that name,
//!   one [`Step`] for each request; the step follows from the conversation in the request, so
//!   sub-agents, parallel sessions and retries need no further thought.
//! * [`Server`]: the server in its own thread, with a blocking interface.
//! * [`Seen`]: one request and its answer, as the server saw them.
//! * [`demo`]: the demo's prompt and script.
//!
//! ```no_run
//! use octrace_script::{Fault, Script, Server, Step};
//!
//! let script = Script::new().on(
//!     "greet",
//!     [
//!         Step::call("bash", serde_json::json!({"command": "echo hi", "description": "Greet"})),
//!         Step::text("Done.").fail_times(2, Fault::retry_at_once(500)),
//!     ],
//! );
//! let server = Server::start(script)?;
//! println!("{}/v1/chat/completions", server.url());
//! # Ok::<(), std::io::Error>(())
//! ```

#![warn(missing_docs)]

mod ask;
mod connection;
pub mod demo;
mod dialect;
mod play;
mod script;
mod seen;
mod server;

pub use axum::body::Bytes;
pub use dialect::Dialect;
pub use script::{Call, Fault, Script, Step, Usage};
pub use seen::{Ending, Seen};
pub use server::Server;
