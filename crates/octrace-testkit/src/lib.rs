//! What octrace's end-to-end tests stand on: the real OpenCode, in a throw-away home, talking to a
//! scripted model on loopback.
//!
//! * [`OpenCode`]: finds the pinned OpenCode that `cargo xtask test` installs.
//! * [`Home`]: a home folder that nothing of the developer's machine leaks into, with OpenCode
//!   configured for the scripted server in all four dialects, and git projects to work in.
//! * [`Run`], [`Running`], [`Output`]: programs in that home, to their end or in the background.
//! * [`Serve`]: `opencode serve` and its HTTP interface.
//! * [`Tui`]: OpenCode's terminal interface, or octrace's, in a pseudo-terminal.
//! * [`Postgres`], [`Sql`], [`Proxy`]: a real Postgres, what is in it, and a way to it that fails on purpose.
//! * [`Identity`]: certificates and keys for servers with TLS.
//! * [`Receiver`]: a tracing backend that keeps what it is sent, and answers badly when it is told to.
//! * [`helicone`]: whether Helicone would take a log, and read it as it is meant.
//! * [`Phoenix`], [`Rotel`]: real receivers of traces.
//! * [`session`]: long sessions to measure on, without OpenCode.
//! * [`history()`]: months of work on a tape, for lists and viewers.
//! * [`Coder`]: an agent that changes files, recorded without OpenCode.
//! * [`Author`]: spools as the plugin writes them. [`event_said`], [`exchange_ended`]: what a recorder makes of them.
//! * [`Figures`]: what a benchmark measured. [`Needs`]: what a process needs.
//! * [`eventually()`]: waits for a condition instead of a time.
//!
//! Only tests use this crate; nothing of it is in the shipped binary.

mod author;
mod certificate;
mod coder;
mod eventually;
mod figures;
pub mod helicone;
mod history;
mod home;
mod http;
mod needs;
#[cfg(target_os = "linux")]
mod network;
mod opencode;
mod phoenix;
mod picture;
mod postgres;
mod process;
mod proxy;
mod receiver;
mod recorded;
mod serve;
pub mod session;
mod sql;
mod supervised;
mod tui;

pub use author::Author;
pub use certificate::Identity;
pub use coder::{Coder, Watched};
pub use eventually::eventually;
pub use figures::Figures;
pub use history::{HISTORY_ENDS_US, History, history};
pub use home::{Home, PROVIDERS, Provider, prepare};
pub use http::{Reply, refused_url};
pub use needs::{Needs, worked};
#[cfg(target_os = "linux")]
pub use network::cut_off;
pub use octrace_script as script;
pub use opencode::OpenCode;
pub use phoenix::{Phoenix, Rotel};
pub use postgres::Postgres;
pub use process::{Ended, Output, Run, Running};
pub use proxy::{Fault, Proxy};
pub use receiver::{Answer, PlainSpan, Received, Receiver, Response, spans};
pub use recorded::{event_said, exchange_ended, streamed};
pub use serve::Serve;
pub use sql::Sql;
pub use tui::{Modes, Tui, keys};

/// How long a test waits for one thing before it fails: far beyond what an idle machine takes, since
/// tests run side by side.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
