//! Recordings for scripts: what `--json` prints. These shapes are a promise.
//!
//! * Times ending in `_us` are µs since the Unix epoch; those ending in `_after_us` are µs after the
//!   exchange's `sent_us`. Sizes are bytes, tokens are as the provider bills them (`input` counts
//!   cached input in, `output` counts reasoning in), costs are US dollars.
//! * A field without a value is `null` or empty. Fields may be added, none renamed or removed.
//! * `octrace sessions --json` is a list of [`SessionRow`]s, in the order of the tape.
//! * `octrace show --json` is [`Shown`]: the session, and sums with and without its sub-agents. With `--filter`, the
//!   session has only what fits and the way to it, `shown` sums that up, and the other sums are of all there is.
//! * `octrace request --json` is [`Request`]: the exchange, its headers and bodies, and its answer.
//! * `octrace search --json` is [`Hits`]: the places, newest first, and whether there may be more.
//! * `octrace verify --json` has `ok`, the tape as a [`Verification`](octrace_store::verify::Verification), the spools,
//!   and what to do; `octrace rebuild --json` is [`Rebuilt`](octrace_store::Rebuilt).
//!
//! Text is as recorded (redacted), but characters that a terminal would obey are escaped as JSON
//! allows, so that printing is harmless and parsing gives the original.

use octrace_core::{
    exchange::{Headers, Summary},
    provider::Answer,
    session::{Session, Totals},
};
use octrace_store::read::{ExchangeDetail, Hits, SessionRow};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::text::{request::read_answer_of, safe};

/// One session with its sums.
#[derive(Serialize)]
pub struct Shown<'a> {
    /// The session: its turns, calls, tools, and sub-agents under the tools that started them.
    pub session: &'a Session,
    /// Sums over its own exchanges.
    pub totals: Totals,
    /// Sums over its own exchanges and its sub-agents'.
    pub totals_with_sub_agents: Totals,
    /// With a filter: sums over what is shown, sub-agents' exchanges included.
    pub shown: Option<Totals>,
}

/// One exchange.
#[derive(Serialize)]
pub struct Request<'a> {
    /// Its row: ids, model, status, outcome, timings, tokens, cost.
    pub exchange: &'a Summary,
    /// What was sent.
    pub request: Message<'a>,
    /// What came back; `null` while nothing has.
    pub response: Option<Message<'a>>,
    /// What the response says, put together where it was streamed.
    pub answer: Option<Answer>,
}

/// Headers and a body.
#[derive(Serialize)]
pub struct Message<'a> {
    /// Name and value pairs, in their order.
    pub headers: &'a Headers,
    /// The body where it is JSON.
    pub body: Option<&'a RawValue>,
    /// The body where it is other text; bytes that are not UTF-8 are `U+FFFD` here, and exact with
    /// `--raw`.
    pub body_text: Option<std::borrow::Cow<'a, str>>,
    /// Whether the recorded body is shorter than the true one.
    pub cut: bool,
}

impl<'a> Message<'a> {
    fn new(headers: &'a Headers, body: &'a [u8], cut: bool) -> Self {
        let json = serde_json::from_slice::<&RawValue>(body).ok();
        let text = (json.is_none() && !body.is_empty()).then(|| String::from_utf8_lossy(body));
        Self { headers, body: json, body_text: text, cut }
    }
}

/// For `octrace sessions --json`.
pub fn sessions(rows: &[SessionRow]) -> serde_json::Result<String> {
    print(&rows)
}

/// For `octrace show --json`. Of a session that a filter has narrowed, `whole` are the sums before: its own, and with
/// those of its sub-agents.
pub fn show(session: &Session, whole: Option<(Totals, Totals)>) -> serde_json::Result<String> {
    let now = (session.totals(), session.totals_with_sub_agents());
    let (totals, totals_with_sub_agents) = whole.unwrap_or(now);
    print(&Shown { session, totals, totals_with_sub_agents, shown: whole.map(|_| now.1) })
}

/// For `octrace request --json`.
pub fn request(detail: &ExchangeDetail) -> serde_json::Result<String> {
    let response = detail.summary.status.is_some().then(|| {
        Message::new(&detail.response_headers, &detail.response_body, detail.response_cut)
    });
    print(&Request {
        exchange: &detail.summary,
        request: Message::new(&detail.request_headers, &detail.request_body, detail.request_cut),
        answer: response.as_ref().map(|_| read_answer_of(detail)),
        response,
    })
}

/// For `octrace search --json`.
pub fn search(found: &Hits) -> serde_json::Result<String> {
    print(found)
}

fn print(value: &impl Serialize) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(safe::json(&text).into_owned())
}
