//! The content of a trio's three files.

use octrace_core::{
    exchange::{Headers, content_type},
    provider::{BodyKind, Dialect},
};
use octrace_store::read::ExchangeDetail;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Anomaly,
    name::timestamp,
    response::{self, Response},
};

/// What is dumped of one exchange.
#[derive(Debug)]
pub struct Trio {
    /// `anthropic`, `openai` or `generic`: which shape the request has.
    pub kind: &'static str,
    /// When the request was sent, µs since the Unix epoch.
    pub sent_us: i64,
    /// `{headers, body}`
    pub request: Vec<u8>,
    /// `{status, statusText, headers, body, bodyFormat, bodyReadError, bodyOmittedReason}`, and of a stream, where it has
    /// any, `toolCalls`, and `lossy` where its text was not UTF-8
    pub response: Vec<u8>,
    /// `{timestamp, url, method, status, contentType, durationMs, requestBytes, responseBytes, capturedBytes}`
    pub meta: Vec<u8>,
    /// The true sizes of both bodies together.
    pub captured_bytes: u64,
    /// What was odd about the response.
    pub anomalies: Vec<Anomaly>,
}

impl Trio {
    /// Of an exchange that is over.
    ///
    /// # Errors
    /// When a file cannot be printed as JSON, for want of memory say.
    pub fn of(exchange: &ExchangeDetail) -> serde_json::Result<Self> {
        let row = &exchange.summary;
        let (response, anomalies) = response::of(exchange);
        let captured_bytes = row.request_bytes.saturating_add(row.response_bytes);
        let request = Request::of(exchange);
        let meta = Meta {
            timestamp: timestamp(row.timing.sent_us),
            url: &row.url,
            method: &row.method,
            status: row.status,
            content_type: header(&exchange.response_headers, "content-type"),
            duration_ms: row.timing.end_after_us.map(|us| us / 1_000),
            request_bytes: row.request_bytes,
            response_bytes: row.response_bytes,
            captured_bytes,
        };
        Ok(Self {
            kind: kind(row.dialect),
            sent_us: row.timing.sent_us,
            request: file(&request)?,
            response: file(&ResponseFile {
                status: row.status,
                status_text: exchange.status_text.as_deref(),
                headers: Joined(&exchange.response_headers),
                response,
            })?,
            meta: file(&meta)?,
            captured_bytes,
            anomalies,
        })
    }
}

fn kind(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Anthropic => "anthropic",
        Dialect::OpenaiChat | Dialect::OpenaiResponses => "openai",
        Dialect::Gemini | Dialect::Unknown => "generic",
    }
}

fn file(content: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(content)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    headers: Joined<'a>,
    body: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_omitted_reason: Option<&'static str>,
}

impl<'a> Request<'a> {
    fn of(exchange: &'a ExchangeDetail) -> Self {
        let bytes = exchange.request_body.as_slice();
        let kind = BodyKind::of(&content_type(&exchange.request_headers), bytes);
        let body = serde_json::from_slice(bytes).ok();
        let body_omitted_reason = match kind {
            _ if body.is_some() => None,
            BodyKind::Empty if exchange.summary.request_bytes == 0 => None,
            _ if exchange.request_cut => Some("the body was not recorded whole"),
            _ => Some("the body is not JSON, and plain text is not kept"),
        };
        Self { headers: Joined(&exchange.request_headers), body, body_omitted_reason }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseFile<'a> {
    status: Option<u16>,
    status_text: Option<&'a str>,
    headers: Joined<'a>,
    #[serde(flatten)]
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    timestamp: String,
    url: &'a str,
    method: &'a str,
    status: Option<u16>,
    content_type: Option<&'a str>,
    duration_ms: Option<i64>,
    request_bytes: u64,
    response_bytes: u64,
    captured_bytes: u64,
}

fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// Headers as an object, in the order sent; the values of a name that comes twice are joined, as `fetch` does.
struct Joined<'a>(&'a Headers);

impl Serialize for Joined<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut joined: Vec<(&str, String)> = Vec::with_capacity(self.0.len());
        for (name, value) in self.0 {
            match joined.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
                Some((_, values)) => {
                    values.push_str(", ");
                    values.push_str(value);
                }
                None => joined.push((name, value.clone())),
            }
        }
        serializer.collect_map(joined)
    }
}
