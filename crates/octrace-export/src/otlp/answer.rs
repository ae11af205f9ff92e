//! What a backend's answer to an OTLP request means.

use std::io::Read;

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::Value;

use crate::http::{Answer, Verdict, shortened};

/// What `answer` means for the request `sent`, which is one of a [`super::Parcel`]; `now_us` is µs since the Unix epoch.
///
/// An answer of success that cannot be read is one: some backends say `ok` or nothing at all. A page for browsers is none.
pub fn judge(answer: &Answer, sent: &[u8], now_us: i64) -> Verdict {
    if !(200..300).contains(&answer.status) {
        return answer.judge_with(status_message(&answer.body).or_else(|| answer.said()), now_us);
    }
    if answer.is_page() {
        let why = format!("answered {} with a page for browsers: it is no endpoint", answer.status);
        return Verdict::Later { why, retry_after: None };
    }
    let partial = partial_success(&answer.body).filter(|partial| partial.rejected_spans > 0);
    let Some(ExportTracePartialSuccess { rejected_spans, error_message }) = partial else {
        return Verdict::Accepted;
    };
    let of = spans(sent).map_or_else(String::new, |all| format!(" of {all}"));
    let why = shortened(&error_message).map_or_else(String::new, |said| format!(" ({said})"));
    Verdict::Partly(format!("{rejected_spans}{of} spans rejected{why}"))
}

fn partial_success(body: &[u8]) -> Option<ExportTracePartialSuccess> {
    if let Ok(answer) = ExportTraceServiceResponse::decode(body) {
        return answer.partial_success;
    }
    // Some answer in JSON whatever they were asked in, and there numbers may be texts.
    let json: Value = serde_json::from_slice(body).ok()?;
    // Protobuf's JSON has each name in two ways.
    let partial = json.get("partialSuccess").or_else(|| json.get("partial_success"))?;
    let rejected = partial.get("rejectedSpans").or_else(|| partial.get("rejected_spans"))?;
    let message = partial.get("errorMessage").or_else(|| partial.get("error_message"));
    let error_message = message.and_then(Value::as_str).unwrap_or_default();
    Some(ExportTracePartialSuccess {
        rejected_spans: rejected.as_i64().or_else(|| rejected.as_str()?.parse().ok())?,
        error_message: error_message.to_owned(),
    })
}

/// The message of a `google.rpc.Status`, which OTLP has for failures. Its first two fields have the shape of a partial
/// success: a number and a text.
fn status_message(body: &[u8]) -> Option<String> {
    let status = ExportTracePartialSuccess::decode(body).ok()?;
    shortened(&status.error_message)
}

/// How many spans a request has; `None` where it cannot be read.
fn spans(sent: &[u8]) -> Option<usize> {
    let mut plain = Vec::new();
    let sent = if sent.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(sent).read_to_end(&mut plain).ok()?;
        &plain
    } else {
        sent
    };
    let request = ExportTraceServiceRequest::decode(sent).ok()?;
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    Some(scopes.map(|scope| scope.spans.len()).sum())
}
