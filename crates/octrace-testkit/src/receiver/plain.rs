//! Spans in plain values: what tests ask about.

use std::collections::BTreeMap;

use anyhow::Context;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value},
    trace::v1::{Span, Status},
};
use prost::Message;
use serde_json::{Value, json};

/// A span in plain values.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainSpan {
    /// Its name.
    pub name: String,
    /// In hex.
    pub trace: String,
    /// In hex.
    pub id: String,
    /// In hex; empty where there is none.
    pub parent: String,
    /// ns since the Unix epoch.
    pub start: u64,
    /// ns since the Unix epoch.
    pub end: u64,
    /// 0: not set, 1: fine, 2: an error.
    pub status: i32,
    /// What is said of an error.
    pub message: String,
    /// Its attributes. One that is there twice is an array of both.
    pub attributes: BTreeMap<String, Value>,
    /// Names of its events, with their attributes.
    pub events: Vec<(String, BTreeMap<String, Value>)>,
}

/// The spans of a body of OTLP, not compressed.
///
/// # Errors
/// When it is something else.
pub fn spans(body: &[u8]) -> anyhow::Result<Vec<PlainSpan>> {
    let request = ExportTraceServiceRequest::decode(body).context("the body is not OTLP")?;
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    Ok(scopes.flat_map(|scope| scope.spans).map(PlainSpan::from).collect())
}

impl PlainSpan {
    /// An attribute; null where there is none.
    pub fn get(&self, name: &str) -> &Value {
        self.attributes.get(name).unwrap_or(&Value::Null)
    }

    /// An attribute's text; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).as_str().unwrap_or_default()
    }
}

impl From<Span> for PlainSpan {
    fn from(span: Span) -> Self {
        let Status { code, message } = span.status.unwrap_or_default();
        Self {
            name: span.name,
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
            status: code,
            message,
            attributes: attributes(span.attributes),
            events: span
                .events
                .into_iter()
                .map(|event| (event.name, attributes(event.attributes)))
                .collect(),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attributes(given: Vec<KeyValue>) -> BTreeMap<String, Value> {
    let mut attributes = BTreeMap::new();
    for KeyValue { key, value, .. } in given {
        let value = plain(value.unwrap_or_default());
        attributes
            .entry(key)
            .and_modify(|before: &mut Value| *before = json!([before.take(), value.clone()]))
            .or_insert(value);
    }
    attributes
}

fn plain(value: AnyValue) -> Value {
    use any_value::Value as Given;
    match value.value {
        Some(Given::StringValue(text)) => json!(text),
        Some(Given::BoolValue(flag)) => json!(flag),
        Some(Given::IntValue(number)) => json!(number),
        Some(Given::DoubleValue(number)) => json!(number),
        Some(Given::ArrayValue(list)) => list.values.into_iter().map(plain).collect(),
        Some(Given::KvlistValue(list)) => json!(attributes(list.values)),
        other => json!(format!("{other:?}")),
    }
}
