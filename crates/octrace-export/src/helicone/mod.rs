//! Helicone, as its own SDK logs to it: one request per model call and per tool call to `/custom/v1/log`, since its
//! OTLP receiver gives spans random ids and no tree.
//!
//! * [`log()`]: a span as such a request.
//! * [`judge`]: what an answer means.
//!
//! What Helicone's own programs make of a log is not documented, but their source is public; what follows from it is
//! said where it matters, and held by the rules of `octrace_testkit::helicone`.

mod answer;
mod chat;
mod log;
mod path;
#[cfg(test)]
mod tests;

use octrace_core::trace::{Content, Span, Turn, What};

pub use self::answer::judge;

/// Where logs are sent to, behind the endpoint.
pub const PATH: &str = "/custom/v1/log";

/// The largest body that Helicone takes, in bytes.
const MAX_BODY: usize = 10 << 20;

/// What the user decides of it.
#[derive(Clone, Debug)]
pub struct Options {
    /// What each session's path begins with: `/opencode`. Outer slashes mean nothing.
    pub session_path_prefix: String,
    /// How much is sent.
    pub content: Content,
}

/// A request to Helicone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// All but `Authorization`. Names and values are ASCII without control characters.
    pub headers: Vec<(String, String)>,
    /// JSON, of at most 10 MiB: Helicone takes no more.
    pub body: Vec<u8>,
}

/// The log of a model call or a tool call of this turn; none of the turn itself, which Helicone shows as its session.
/// The same span gives the same bytes whenever it is asked for.
///
/// With [`Content::MetadataOnly`] the content is taken out here, whatever the caller did about it; and what is too
/// large is trimmed here, with a mark that says so.
pub fn log(turn: &Turn, mut span: Span, options: &Options) -> Option<Log> {
    if matches!(span.what, What::Turn(_)) {
        return None;
    }
    if options.content == Content::MetadataOnly {
        span.without_content();
    }
    let pairs = path::pairs(turn, &span, options);
    let body = log::fitting(&mut span, &pairs, options.content)?;
    let headers = std::iter::once(("Content-Type".to_owned(), "application/json".to_owned()));
    Some(Log { headers: headers.chain(pairs).collect(), body })
}
