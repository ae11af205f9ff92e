//! In the words of Neatlogs' own plugin, as it was seen to send them, but for a written list of differences
//! (`fixtures/neatlogs/`).

use octrace_core::trace::{ModelSpan, Span, ToolSpan, Turn, TurnSpan, What};
use opentelemetry_proto::tonic::trace::v1::{self as otlp, span::SpanKind};

use super::OPENCODE;
use crate::otlp::{
    chat,
    encode::{Attributes, Told},
    names::{neatlogs as names, openinference},
};

/// The name of the service and of the scope.
pub(super) const SERVICE: &str = "neatlogs.opencode";

/// Tells the backend that the trace is complete.
const MARK: &str = "neatlogs.trace.complete";

/// A span.
pub(super) fn tell(turn: &Turn, span: &Span) -> Told {
    let mut attributes = Attributes::default();
    let name = match &span.what {
        What::Turn(what) => {
            of_turn(what, turn, &mut attributes);
            "opencode.session".to_owned()
        }
        What::Model(what) => {
            of_model(what, turn, &mut attributes);
            let model = what.model.as_ref().or(what.answered_by.as_ref());
            format!("opencode.llm.{}", model.map_or("unknown", String::as_str))
        }
        What::Tool(what) => {
            of_tool(what, turn, &mut attributes);
            format!("opencode.tool.{}", what.tool)
        }
    };
    Told { name, kind: SpanKind::Internal, attributes }
}

/// The mark that a trace is complete, after its root.
pub(super) fn mark(root: &otlp::Span, turn: &Turn, span: &Span) -> otlp::Span {
    let mut attributes = Attributes::default();
    attributes.truth(names::COMPLETE, true);
    attributes.truth(names::INTERNAL, true);
    attributes.text(names::KIND, "Neatlogs.INTERNAL");
    attributes.text(names::CONVERSATION, &turn.root.id);
    otlp::Span {
        trace_id: root.trace_id.clone(),
        span_id: span.id.of_mark(MARK).0.to_vec(),
        parent_span_id: root.span_id.clone(),
        name: MARK.to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: root.end_time_unix_nano,
        end_time_unix_nano: root.end_time_unix_nano,
        attributes: attributes.done(),
        ..otlp::Span::default()
    }
}

fn of_turn(what: &TurnSpan, turn: &Turn, to: &mut Attributes) {
    to.text(names::KIND, "AGENT");
    to.text(names::FRAMEWORK, OPENCODE);
    to.text(names::CONVERSATION, &turn.root.id);
    to.text(names::SESSION, &turn.root.id);
    thrice([openinference::INPUT, names::INPUT, names::AGENT_INPUT], &what.prompt, to);
    thrice([openinference::OUTPUT, names::OUTPUT, names::AGENT_OUTPUT], &what.reply, to);
}

fn of_model(call: &ModelSpan, turn: &Turn, to: &mut Attributes) {
    to.text(names::KIND, "LLM");
    to.text(names::CONVERSATION, &turn.root.id);
    to.maybe(names::MODEL, call.model.as_ref().or(call.answered_by.as_ref()));
    to.maybe(names::PROVIDER, call.provider.as_ref());
    for (at, line) in chat::asked(&call.said).iter().enumerate() {
        message(&format!("{}.{at}", names::INPUT_MESSAGES), line.role, &line.text_or_calls(), to);
    }
    let asked = chat::last_asked(&call.said);
    thrice([openinference::INPUT, names::INPUT, names::LLM_INPUT], &asked, to);
    let answered: Vec<_> = call.said.output.iter().flat_map(chat::of).collect();
    for (at, line) in answered.iter().enumerate() {
        let text = line.text_or_calls();
        message(&format!("{}.{at}", names::OUTPUT_MESSAGES), line.role, &text, to);
        if at == 0 {
            thrice([openinference::OUTPUT, names::OUTPUT, names::LLM_OUTPUT], &text, to);
        }
    }
    for (at, call) in answered.iter().flat_map(|line| &line.calls).enumerate() {
        to.text(format!("{}.{at}.name", names::CALLS), call.name);
        to.text(format!("{}.{at}.arguments", names::CALLS), call.arguments);
    }
    if let Some(usage) = call.usage {
        to.number(names::PROMPT_TOKENS, usage.input);
        to.number(names::COMPLETION_TOKENS, usage.output);
        to.number(names::TOTAL_TOKENS, usage.input.saturating_add(usage.output));
        to.number(names::REASONING_TOKENS, usage.reasoning);
        to.number(names::CACHE_READ_TOKENS, usage.cache_read);
        to.number(names::CACHE_WRITE_TOKENS, usage.cache_write);
    }
    if let Some(cost) = call.cost_usd {
        to.real(names::COST, cost);
    }
    to.maybe(names::FINISH, call.finish.as_ref());
}

fn of_tool(call: &ToolSpan, turn: &Turn, to: &mut Attributes) {
    to.text(names::KIND, "TOOL");
    to.text(names::TOOL, &call.tool);
    to.text(names::CONVERSATION, &turn.root.id);
    thrice([openinference::INPUT, names::INPUT, names::TOOL_INPUT], &call.input, to);
    to.maybe(names::TOOL_TITLE, call.title.as_ref());
    thrice([openinference::OUTPUT, names::OUTPUT, names::TOOL_OUTPUT], &call.output, to);
    to.text(names::TOOL_METADATA, &call.metadata);
}

fn message(at: &str, role: &str, text: &str, to: &mut Attributes) {
    to.text(format!("{at}.role"), role);
    to.text(format!("{at}.content"), text);
}

/// The backend has three names for every text.
fn thrice(names: [&str; 3], text: &str, to: &mut Attributes) {
    for name in names {
        to.text(name, text);
    }
}
