//! In whose words a backend is told: one file each, and here what is asked of them all.

mod genai;
mod langfuse;
mod neatlogs;
mod openinference;

use octrace_core::{
    provider::Dialect,
    trace::{ModelSpan, Span, Turn, What},
};
use opentelemetry_proto::tonic::{
    common::v1::InstrumentationScope,
    resource::v1::Resource,
    trace::v1::{self as otlp, Status, span::SpanKind, status::StatusCode},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Options,
    encode::{Attributes, Told},
    names,
};

/// In whose words a backend is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// OpenTelemetry's conventions for generative AI.
    #[default]
    GenAi,
    /// OpenInference: Phoenix and others.
    OpenInference,
    /// Langfuse.
    Langfuse,
    /// Neatlogs.
    Neatlogs,
}

impl Profile {
    /// The headers of each request besides the user's own: what the body is, and what this backend wants to be told.
    pub fn headers(self) -> &'static [(&'static str, &'static str)] {
        const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
        const GZIP: (&str, &str) = ("content-encoding", "gzip");
        match self {
            Self::GenAi | Self::OpenInference => &[PROTOBUF, GZIP],
            Self::Langfuse => &[PROTOBUF, GZIP, ("x-langfuse-ingestion-version", "4")],
            Self::Neatlogs => &[PROTOBUF],
        }
    }

    /// Whether requests are sent as gzip.
    pub(super) fn is_compressed(self) -> bool {
        // Nobody has seen Neatlogs take it.
        self != Self::Neatlogs
    }

    pub(super) fn tell(self, turn: &Turn, span: &Span) -> Told {
        match self {
            Self::GenAi => genai::tell(turn, span),
            Self::OpenInference => openinference::tell(turn, span),
            Self::Langfuse => langfuse::tell(turn, span),
            Self::Neatlogs => neatlogs::tell(turn, span),
        }
    }

    /// What follows a span that nothing in its trace comes after.
    pub(super) fn mark(self, root: &otlp::Span, turn: &Turn, span: &Span) -> Option<otlp::Span> {
        (self == Self::Neatlogs).then(|| neatlogs::mark(root, turn, span))
    }

    pub(super) fn status_when_well(self) -> Option<Status> {
        (self == Self::Neatlogs)
            .then(|| Status { code: StatusCode::Ok.into(), ..Status::default() })
    }

    /// Whose spans they are.
    pub(super) fn resource(options: &Options) -> Resource {
        let mut attributes = Attributes::default();
        let filed = Some(options.workflow.as_str()).filter(|name| !name.is_empty());
        let filed = filed.unwrap_or(OPENCODE);
        if options.profile == Self::Neatlogs {
            attributes.text(names::otel::SERVICE, neatlogs::SERVICE);
            attributes.text(names::otel::SERVICE_VERSION, VERSION);
            attributes.text(names::neatlogs::WORKFLOW, filed);
        } else {
            attributes.text(names::otel::SERVICE, OPENCODE);
        }
        if options.profile == Self::OpenInference {
            attributes.text(names::openinference::PROJECT, filed);
        }
        attributes.text(names::otel::SDK, OCTRACE);
        attributes.text(names::otel::SDK_LANGUAGE, "rust");
        attributes.text(names::otel::SDK_VERSION, VERSION);
        Resource { attributes: attributes.done(), ..Resource::default() }
    }

    /// Who tells of them.
    pub(super) fn scope(self) -> InstrumentationScope {
        let name = if self == Self::Neatlogs { neatlogs::SERVICE } else { OCTRACE };
        InstrumentationScope {
            name: name.to_owned(),
            version: VERSION.to_owned(),
            ..InstrumentationScope::default()
        }
    }
}

const OPENCODE: &str = "opencode";
const OCTRACE: &str = "octrace";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which side of a call it is: only models are elsewhere.
fn kind(span: &Span) -> SpanKind {
    match &span.what {
        What::Model(_) => SpanKind::Client,
        What::Turn(_) | What::Tool(_) => SpanKind::Internal,
    }
}

/// The operation and what it is done to, as the GenAI conventions name spans: others have no rule.
fn name(span: &Span) -> String {
    let (operation, of) = match &span.what {
        What::Turn(turn) => (INVOKE_AGENT, turn.agent.as_deref()),
        What::Model(call) => (operation(call), call.model.as_deref()),
        What::Tool(call) => (EXECUTE_TOOL, Some(call.tool.as_str())),
    };
    match of {
        Some(of) if !of.is_empty() => format!("{operation} {of}"),
        _ => operation.to_owned(),
    }
}

const INVOKE_AGENT: &str = "invoke_agent";
const EXECUTE_TOOL: &str = "execute_tool";

/// What is asked of a model.
fn operation(call: &ModelSpan) -> &'static str {
    if call.dialect == Dialect::Gemini { "generate_content" } else { "chat" }
}

/// The settings of a request as one object.
fn settings(call: &ModelSpan) -> Option<String> {
    let settings = call.said.settings.iter();
    let settings: Map<_, _> = settings.map(|(name, value)| (name.clone(), json(value))).collect();
    (!settings.is_empty()).then(|| Value::Object(settings).to_string())
}

/// What is no JSON is a text.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
