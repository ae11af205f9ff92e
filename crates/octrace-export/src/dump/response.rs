//! What is kept of a response's body, and what is said where it is not kept.
//!
//! A stream is kept as the text that it spells, JSON as it is. Other text is not: nothing tells which parts of a page
//! are safe to leave in a shared folder.

use octrace_core::{
    exchange::{Outcome, content_type},
    provider::{self, BodyKind, Dialect},
};
use octrace_store::read::ExchangeDetail;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Anomaly, Phase};

/// A response's body in `.response.json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    body: Body<'a>,
    body_format: Format,
    body_read_error: Option<String>,
    body_omitted_reason: Option<&'static str>,
    /// Beside the text of a stream: the tools that it calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall>,
    /// Whether what is not UTF-8 was replaced in the text of a stream.
    #[serde(skip_serializing_if = "is_false")]
    lossy: bool,
}

#[derive(Debug, Serialize)]
struct ToolCall {
    name: String,
    arguments: Arguments,
}

/// As JSON, where what the model wrote is that.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Arguments {
    Json(Box<RawValue>),
    Text(String),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !value
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Absent,
    Text(String),
    Json(&'a RawValue),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Format {
    Empty,
    Json,
    ReplayText,
    Omitted,
    ReadError,
}

impl<'a> Response<'a> {
    fn new(body_format: Format, body: Body<'a>) -> Self {
        Self {
            body,
            body_format,
            body_read_error: None,
            body_omitted_reason: None,
            tool_calls: Vec::new(),
            lossy: false,
        }
    }

    /// What a stream says.
    fn spelled(body_format: Format, exchange: &ExchangeDetail, answer: provider::Answer) -> Self {
        let tool_call = |call: provider::ToolRequest| ToolCall {
            name: call.name,
            arguments: match serde_json::from_str(&call.arguments) {
                Ok(json) => Arguments::Json(json),
                Err(_) => Arguments::Text(call.arguments),
            },
        };
        Self {
            tool_calls: answer.tool_calls.into_iter().map(tool_call).collect(),
            lossy: std::str::from_utf8(&exchange.response_body).is_err(),
            ..Self::new(body_format, Body::Text(answer.text))
        }
    }

    fn omitted(reason: &'static str) -> Self {
        let empty = Self::new(Format::Omitted, Body::Absent);
        Self { body_omitted_reason: Some(reason), ..empty }
    }
}

/// The body of an exchange that is over, and what is odd about it.
pub(super) fn of(exchange: &ExchangeDetail) -> (Response<'_>, Vec<Anomaly>) {
    let mut anomalies = Vec::new();
    let mut anomaly = |phase, what: &str| {
        anomalies.push(Anomaly::new(phase, format!("request #{}: {what}", exchange.summary.id)));
    };
    if let Some(broken) = broken(exchange) {
        // Who refuses or aborts a request does so on purpose.
        if !matches!(exchange.summary.outcome, Outcome::Failed | Outcome::Aborted) {
            anomaly(Phase::ResponseRead, "its response is not whole");
        }
        return (broken, anomalies);
    }
    let kind = body_kind(exchange);
    let response = match kind {
        BodyKind::Empty => Response::new(Format::Empty, Body::Absent),
        BodyKind::EventStream => replayed(exchange, &mut anomaly),
        BodyKind::Json => match json(&exchange.response_body) {
            Some(json) => Response::new(Format::Json, Body::Json(json)),
            None => {
                anomaly(Phase::ResponseParse, "its response is malformed JSON");
                Response::omitted("the body is malformed JSON")
            }
        },
        BodyKind::Html => Response::omitted("an HTML page is not kept"),
        BodyKind::Text => Response::omitted("plain text is not kept"),
        BodyKind::Compressed => Response::omitted("the body is still compressed"),
        BodyKind::Binary => Response::omitted("the body is neither text nor JSON"),
    };
    let promised = content_type(&exchange.response_headers);
    if promised.ends_with("json")
        && matches!(kind, BodyKind::Html | BodyKind::Text | BodyKind::Binary)
    {
        anomaly(Phase::ResponseParse, "its response is not the JSON that it promises");
    }
    (response, anomalies)
}

/// A response that did not arrive, or not whole, with what is there of its text.
fn broken(exchange: &ExchangeDetail) -> Option<Response<'_>> {
    let row = &exchange.summary;
    let said = row.error.clone();
    let error = match row.outcome {
        Outcome::Complete if !exchange.response_cut => return None,
        Outcome::Complete => format!(
            "{} of {} bytes were recorded",
            exchange.response_body.len(),
            row.response_bytes
        ),
        Outcome::Failed => said.unwrap_or_else(|| "no response arrived".to_owned()),
        Outcome::Aborted => said.unwrap_or_else(|| "the request was aborted".to_owned()),
        Outcome::Cut => said.unwrap_or_else(|| "the response broke off".to_owned()),
        Outcome::Waiting | Outcome::Streaming => "the response is still arriving".to_owned(),
    };
    let there = match body_kind(exchange) {
        BodyKind::EventStream if row.dialect != Dialect::Unknown => {
            Response::spelled(Format::ReadError, exchange, answer(exchange, false))
        }
        _ => Response::new(Format::ReadError, Body::Absent),
    };
    Some(Response { body_read_error: Some(error), ..there })
}

/// A stream as the text that it spells.
fn replayed<'a>(exchange: &ExchangeDetail, anomaly: &mut impl FnMut(Phase, &str)) -> Response<'a> {
    if exchange.summary.dialect == Dialect::Unknown {
        return Response::omitted("an event stream of an unknown dialect cannot be replayed");
    }
    let mut answer = answer(exchange, true);
    if let Some(problem) = answer.problems.first() {
        anomaly(Phase::ResponseParse, problem);
        let understood = answer.finish.is_some() || answer.error.is_some();
        if answer.text.is_empty() && answer.tool_calls.is_empty() && !understood {
            return Response::omitted("the event stream is malformed");
        }
    }
    // A provider can fail in the middle of a stream and say so in it.
    let body_read_error = answer.error.take();
    Response { body_read_error, ..Response::spelled(Format::ReplayText, exchange, answer) }
}

fn answer(exchange: &ExchangeDetail, ended: bool) -> provider::Answer {
    let content_type = content_type(&exchange.response_headers);
    let body = &exchange.response_body;
    provider::read_answer(exchange.summary.dialect, &content_type, body, ended)
}

fn body_kind(exchange: &ExchangeDetail) -> BodyKind {
    BodyKind::of(&content_type(&exchange.response_headers), &exchange.response_body)
}

fn json(body: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)).ok()
}
