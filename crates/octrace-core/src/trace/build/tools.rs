//! Tool calls as spans: what each was called with and gave, as the newest event of its part tells it.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::{failure, read};
use crate::{
    session::{ToolCall, ToolStatus, part},
    trace::{Failure, Recorded, Span, SpanId, ToolSpan, What},
};

/// A tool call, as far as it got.
struct Told<'a> {
    message: &'a str,
    call: ToolCall,
    /// The part in its newest event.
    newest: &'a Value,
    /// When its first event was seen.
    first_us: i64,
    /// When its newest event was seen.
    last_us: i64,
}

/// A span for each tool call in one of `messages`, in the order they were asked for. What has no end has that of the
/// turn, `until_us`.
pub(super) fn spans(
    recorded: &Recorded,
    messages: &HashSet<&str>,
    turn: SpanId,
    until_us: i64,
) -> Vec<Span> {
    let mut same: HashMap<SpanId, usize> = HashMap::new();
    let place = |told: Told<'_>| {
        let first = SpanId::of_tool(&recorded.session.id, told.message, &told.call.call);
        let before = same.entry(first).or_default();
        *before += 1;
        // An answer that broke off and was asked for again can leave two calls with one id in its message.
        let id = if *before == 1 { first } else { first.of_mark(&before.to_string()) };
        Span { id, parent: Some(turn), ..told.span(recorded, until_us) }
    };
    newest(recorded, messages).into_iter().map(place).collect()
}

fn newest<'a>(recorded: &'a Recorded, messages: &HashSet<&str>) -> Vec<Told<'a>> {
    let mut order: Vec<_> = recorded.events.iter().collect();
    order.sort_by_key(|event| (event.id, event.at_us));
    let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut all: Vec<Told<'a>> = Vec::new();
    for event in order.into_iter().filter(|event| event.kind == "message.part.updated") {
        let Some(newest) = event.body.get("part") else { continue };
        let Some((message, id)) = part::ids(newest) else { continue };
        let Some(call) = part::tool_call(newest).filter(|_| messages.contains(message)) else {
            continue;
        };
        let (first_us, last_us) = (event.at_us, event.at_us);
        match known.get(&(message, id)).and_then(|at| all.get_mut(*at)) {
            Some(told) => {
                if told.call.merge(call) {
                    (told.newest, told.last_us) = (newest, last_us);
                }
            }
            None => {
                known.insert((message, id), all.len());
                all.push(Told { message, call, newest, first_us, last_us });
            }
        }
    }
    all
}

impl Told<'_> {
    /// The span, but for its place among others.
    fn span(self, recorded: &Recorded, until_us: i64) -> Span {
        let state = self.newest.get("state").unwrap_or(&Value::Null);
        let ended = (self.call.status != ToolStatus::Running).then_some(self.last_us);
        let started_us = self.call.started_us.unwrap_or(self.first_us);
        let ended_us = self.call.ended_us.or(ended).unwrap_or(until_us).max(started_us);
        let failure = self.failure(state);
        let ToolCall { call, tool, status, error, exit, child_id, .. } = self.call;
        Span {
            id: SpanId::default(),
            parent: None,
            started_us,
            ended_us,
            failure,
            what: What::Tool(ToolSpan {
                call,
                tool,
                message: self.message.to_owned(),
                number: recorded.numbers.get(self.message).copied().unwrap_or_default(),
                title: read::text(state, "/title").map(str::to_owned),
                input: json(state.get("input")).unwrap_or_else(|| "{}".to_owned()),
                output: match status {
                    ToolStatus::Failed => error.unwrap_or_default(),
                    ToolStatus::Completed | ToolStatus::Running => output(state),
                },
                metadata: json(state.get("metadata")).unwrap_or_default(),
                status,
                exit,
                child: child_id,
            }),
        }
    }

    /// A shell command that exits with something else than 0 is no tool that failed: `grep` says in this way that there
    /// is nothing, and a test that there is an error in the code. The tool did what it is for, and the model reads on.
    /// [`ToolSpan::exit`] tells it.
    fn failure(&self, state: &Value) -> Option<Failure> {
        match self.call.status {
            ToolStatus::Completed => None,
            ToolStatus::Running => Some(failure("unfinished", "")),
            ToolStatus::Failed => {
                // OpenCode's mark on what it stopped itself.
                let aborted = read::flag(state, "/metadata/interrupted");
                let kind = if aborted { "aborted" } else { "tool_error" };
                Some(failure(kind, self.call.error.as_deref().unwrap_or_default()))
            }
        }
    }
}

fn output(state: &Value) -> String {
    match state.get("output") {
        Some(Value::String(text)) => text.clone(),
        other => json(other).unwrap_or_default(),
    }
}

/// JSON; `None` where there is nothing in it.
fn json(value: Option<&Value>) -> Option<String> {
    value
        .filter(|value| !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty()))
        .map(Value::to_string)
}
