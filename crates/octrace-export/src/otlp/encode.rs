//! A span of ours as one of OTLP: what is the same for every backend. The profile has the name and most attributes.

use octrace_core::trace::{Attempt, Failure, Span, Turn, What};
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value},
    trace::v1::{self as otlp, Status, span::Event, span::SpanKind, status::StatusCode},
};

use super::{
    Profile,
    names::{otel, own},
};

/// What a profile says of a span.
pub(super) struct Told {
    /// Its name.
    pub(super) name: String,
    /// Which side of a call it is.
    pub(super) kind: SpanKind,
    /// In the profile's words.
    pub(super) attributes: Attributes,
}

/// Names and values; what is empty is left out.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<KeyValue>);

impl Attributes {
    pub(super) fn text(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.any(name, Value::StringValue(value));
        }
    }

    pub(super) fn maybe(&mut self, name: impl Into<String>, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    pub(super) fn number(&mut self, name: impl Into<String>, value: u64) {
        self.integer(name, i64::try_from(value).unwrap_or(i64::MAX));
    }

    pub(super) fn integer(&mut self, name: impl Into<String>, value: i64) {
        self.any(name, Value::IntValue(value));
    }

    pub(super) fn real(&mut self, name: impl Into<String>, value: f64) {
        self.any(name, Value::DoubleValue(value));
    }

    pub(super) fn truth(&mut self, name: impl Into<String>, value: bool) {
        self.any(name, Value::BoolValue(value));
    }

    pub(super) fn texts(
        &mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = String>,
    ) {
        let values = values.into_iter().map(|text| any(Value::StringValue(text))).collect();
        self.any(name, Value::ArrayValue(ArrayValue { values }));
    }

    fn any(&mut self, name: impl Into<String>, value: Value) {
        self.0.push(KeyValue { key: name.into(), value: Some(any(value)), ..KeyValue::default() });
    }

    /// As OTLP has them.
    pub(super) fn done(self) -> Vec<KeyValue> {
        self.0
    }
}

fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

/// A span, in the words of `profile`.
pub(super) fn span(profile: Profile, turn: &Turn, span: &Span) -> otlp::Span {
    let Told { name, kind, mut attributes } = profile.tell(turn, span);
    let mut events = Vec::new();
    attributes.text(own::SESSION, &turn.session.id);
    match &span.what {
        What::Turn(what) => {
            attributes.text(own::MESSAGE, &what.message);
            attributes.maybe(own::VERSION, turn.session.version.as_ref());
        }
        What::Model(what) => {
            attributes.maybe(own::MESSAGE, what.message.as_ref());
            if what.purpose.is_meta() {
                attributes.text(own::PURPOSE, what.purpose.as_str());
            }
            if what.attempts.len() > 1 {
                attributes.number(own::ATTEMPTS, what.attempts.len() as u64);
            }
            if what.attempts.len() > 1 || what.attempts.iter().any(|one| one.failure.is_some()) {
                events.extend((1..).zip(&what.attempts).map(|(number, one)| attempt(number, one)));
            }
        }
        What::Tool(what) => {
            attributes.text(own::MESSAGE, &what.message);
            if let Some(code) = what.exit {
                attributes.integer(own::EXIT, code);
            }
        }
    }
    let status = match &span.failure {
        Some(failure) => {
            attributes.text(otel::ERROR_TYPE, &failure.kind);
            Some(Status { code: StatusCode::Error.into(), message: in_words(failure).to_owned() })
        }
        None => profile.status_when_well(),
    };
    otlp::Span {
        trace_id: turn.trace.0.to_vec(),
        span_id: span.id.0.to_vec(),
        parent_span_id: span.parent.map(|parent| parent.0.to_vec()).unwrap_or_default(),
        name,
        kind: kind.into(),
        start_time_unix_nano: nanoseconds(span.started_us),
        end_time_unix_nano: nanoseconds(span.ended_us.max(span.started_us)),
        attributes: attributes.done(),
        events,
        status,
        ..otlp::Span::default()
    }
}

/// The message, or where it must not be told, what kind of failure it is.
pub(super) fn in_words(failure: &Failure) -> &str {
    if failure.message.is_empty() { &failure.kind } else { &failure.message }
}

fn attempt(number: u64, attempt: &Attempt) -> Event {
    let mut attributes = Attributes::default();
    attributes.number(own::ATTEMPT_NUMBER, number);
    attributes
        .real(own::ATTEMPT_DURATION, seconds(attempt.ended_us.saturating_sub(attempt.started_us)));
    if let Some(status) = attempt.status {
        attributes.number(otel::HTTP_STATUS, status.into());
    }
    if let Some(failure) = &attempt.failure {
        attributes.text(otel::ERROR_TYPE, &failure.kind);
        attributes.text(otel::ERROR_MESSAGE, &failure.message);
    }
    Event {
        time_unix_nano: nanoseconds(attempt.started_us),
        name: own::ATTEMPT.to_owned(),
        attributes: attributes.done(),
        ..Event::default()
    }
}

/// Of µs.
pub(super) fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

/// Of µs since the epoch; OTLP has no time before it.
fn nanoseconds(us: i64) -> u64 {
    u64::try_from(us).unwrap_or(0).saturating_mul(1000)
}
