//! What is sent is decoded again, and looked at.

mod answers;
mod genai;
mod langfuse;
mod neatlogs;
mod observed;
mod odd;
mod openinference;
mod packing;
mod sample;

use std::{fmt::Write as _, io::Read as _};

use flate2::read::GzDecoder;
use octrace_core::trace::Turn;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use prost::Message as _;

use super::{Options, Packer, Parcel, Profile};

const PROFILES: [Profile; 4] =
    [Profile::GenAi, Profile::OpenInference, Profile::Langfuse, Profile::Neatlogs];

fn options(profile: Profile) -> Options {
    Options { profile, workflow: String::new() }
}

/// All that is sent for these turns.
fn pack(options: &Options, turns: &[Turn]) -> Vec<Parcel> {
    let mut packer = Packer::new(options);
    let mut parcels = Vec::new();
    for turn in turns {
        for span in &turn.spans {
            parcels.extend(packer.push(turn, span));
        }
        parcels.extend(packer.end_turn());
    }
    parcels.extend(packer.finish());
    parcels
}

/// All of both turns of the sample, in one request.
fn told(profile: Profile) -> String {
    let parcels = pack(&options(profile), &[sample::child(), sample::root()]);
    assert_eq!(parcels.len(), 1);
    assert_eq!(parcels[0].turns, 0..2);
    show(&parcels[0].body)
}

/// What a receiver makes of it.
fn decode(body: &[u8]) -> ExportTraceServiceRequest {
    let mut plain = Vec::new();
    if body.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(body).read_to_end(&mut plain).unwrap();
    } else {
        plain.extend(body);
    }
    ExportTraceServiceRequest::decode(plain.as_slice()).unwrap()
}

fn spans(body: &[u8]) -> Vec<Span> {
    let resources = decode(body).resource_spans.into_iter();
    resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
}

/// A request as text.
fn show(body: &[u8]) -> String {
    let mut text = String::new();
    for resource in decode(body).resource_spans {
        writeln!(text, "resource").unwrap();
        show_attributes(&resource.resource.unwrap().attributes, 1, &mut text);
        for scope in resource.scope_spans {
            let by = scope.scope.unwrap();
            writeln!(text, "scope {} {}", by.name, by.version).unwrap();
            scope.spans.iter().for_each(|span| show_span(span, &mut text));
        }
    }
    text.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

fn show_span(span: &Span, text: &mut String) {
    let hex = |id: &[u8]| id.iter().take(3).fold(String::new(), |hex, b| format!("{hex}{b:02x}"));
    let parent =
        if span.parent_span_id.is_empty() { "-".into() } else { hex(&span.parent_span_id) };
    let kind = SpanKind::try_from(span.kind).unwrap().as_str_name().replace("SPAN_KIND_", "");
    let started_ms = span.start_time_unix_nano / 1_000_000;
    let took_ms = span.end_time_unix_nano / 1_000_000 - started_ms;
    let (name, trace, id) = (&span.name, hex(&span.trace_id), hex(&span.span_id));
    write!(text, "{name} t={trace} s={id} p={parent} {kind} at {started_ms} ms, {took_ms} ms")
        .unwrap();
    match &span.status {
        None => {}
        Some(status) => {
            let code = StatusCode::try_from(status.code).unwrap().as_str_name();
            write!(text, " {} {}", code.replace("STATUS_CODE_", ""), status.message).unwrap();
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    show_attributes(&span.attributes, 1, text);
    for event in &span.events {
        writeln!(text, "    {} at {} ms", event.name, event.time_unix_nano / 1_000_000).unwrap();
        show_attributes(&event.attributes, 2, text);
    }
}

fn show_attributes(attributes: &[KeyValue], depth: usize, text: &mut String) {
    for KeyValue { key, value, .. } in attributes {
        let value = show_value(value.as_ref().unwrap().value.as_ref().unwrap());
        writeln!(text, "{:1$}{key} = {value}", "", depth * 4).unwrap();
    }
}

fn show_value(value: &Value) -> String {
    match value {
        Value::StringValue(text) => text.replace('\n', "\\n"),
        Value::BoolValue(truth) => truth.to_string(),
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => format!("{number:?}"),
        Value::ArrayValue(array) => {
            let values = array.values.iter().map(|value| show_value(value.value.as_ref().unwrap()));
            format!("[{}]", values.collect::<Vec<_>>().join(", "))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_tells_where_the_user_works() {
    for profile in PROFILES {
        let told = told(profile);
        assert!(!told.contains("secret-project"), "{profile:?}");
        // Titles tell what it is about, and this is not where they would be taken out.
        assert!(!told.contains("Fixing it"), "{profile:?}");
    }
}
