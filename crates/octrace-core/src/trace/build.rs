//! A turn's spans from what was recorded of it.
//!
//! Which calls a turn made, and how often each was tried, is what [`session::build`] says; here it gets ids, true times
//! and reasons for what failed.
//!
//! * A model call lasts from the sending of its first request to the end of its last answer. OpenCode's message lasts
//!   longer: it is open while its tools run. So tool calls stand beside the model calls, not inside.
//! * What is still under way when the turn is over ends with it, and says so.

mod tools;

use std::collections::{HashMap, HashSet};

use super::{Attempt, Failure, ModelSpan, Recorded, Span, SpanId, TraceId, Turn, TurnSpan, What};
use crate::{
    exchange::{Outcome, Purpose, Summary},
    provider::Dialect,
    session::{self, EventRecord, ModelCall, Session, Totals, read},
};

/// How the word on an error begins that is somebody's wish to stop.
const ABORTED: &str = "MessageAbortedError";

/// The spans of the turn that answers `recorded.message`. What was said to and by the models is not in them:
/// see [`content`](super::content). Calls that other messages' turns made are left out, and so are those that name no
/// message.
pub fn build(recorded: &Recorded) -> Turn {
    let Recorded { session, message, origin, .. } = recorded;
    let (turn, next_us) = pick(recorded);
    let until_us = turn.ended_us.unwrap_or_else(|| last_sign(recorded, &turn, next_us));
    let until_us = until_us.max(turn.started_us);

    let id = SpanId::of_turn(&session.id, message);
    let ids = call_ids(recorded, &turn.calls);
    let models: Vec<Span> = ids
        .zip(&turn.calls)
        .map(|(own, call)| Span {
            id: own,
            parent: Some(id),
            ..model_call(call, recorded, until_us)
        })
        .collect();
    let mut parts: Vec<Span> = models.clone();
    parts.extend(tools::spans(recorded, &assistants(&turn), id, until_us));
    // Equal times stay in this order: a call, then its tools.
    parts.sort_by_key(|span| span.started_us);

    let is_sub_agent = !origin.root.id.is_empty() && origin.root.id != session.id;
    let (root, trace) = if is_sub_agent {
        (origin.root.clone(), TraceId::of_turn(&origin.root.id, &origin.root_message))
    } else {
        (session.clone(), TraceId::of_turn(&session.id, message))
    };
    let parent = origin.parent.as_ref();
    let parent = parent.map(|call| SpanId::of_tool(&call.session, &call.message, &call.call));
    let whole = Span {
        id,
        parent,
        started_us: turn.started_us,
        ended_us: until_us,
        failure: turn_failure(&turn, &models),
        what: What::Turn(turn_span(recorded, turn)),
    };
    Turn {
        trace,
        session: session.clone(),
        root,
        path: origin.path.clone(),
        spans: std::iter::once(whole).chain(parts).collect(),
    }
}

/// The id of each call's span.
fn call_ids(recorded: &Recorded, calls: &[ModelCall]) -> impl Iterator<Item = SpanId> {
    let session = &recorded.session.id;
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    calls.iter().map(move |call| match &call.assistant {
        Some(assistant) => SpanId::of_answer(session, assistant),
        None => {
            let purpose = call.purpose.as_str();
            let next = numbers.entry(purpose).or_default();
            *next += 1;
            SpanId::of_meta(session, &recorded.message, purpose, *next - 1)
        }
    })
}

/// The turn among all that the records tell about, and when the next one began.
fn pick(recorded: &Recorded) -> (session::Turn, Option<i64>) {
    let Recorded { session, message, events, exchanges, .. } = recorded;
    let Session { mut turns, mut unplaced, .. } =
        session::build(&session.id, events, &[], exchanges, Vec::new());
    if let Some(at) = turns.iter().position(|turn| turn.message == *message) {
        let next_us = turns.get(at + 1).map(|turn| turn.started_us);
        return (turns.swap_remove(at), next_us);
    }
    // The message itself was not recorded: there is what the wire shows.
    let answers = |row: &Summary| row.message.as_ref() == Some(message);
    unplaced.retain(|call| call.attempts.iter().any(answers));
    let started_us = unplaced.iter().map(|call| call.started_us).min().unwrap_or_default();
    let ends = unplaced.iter().map(|call| call.ended_us).collect::<Option<Vec<_>>>();
    let turn = session::Turn {
        message: message.clone(),
        started_us,
        ended_us: ends.and_then(|ends| ends.into_iter().max()),
        calls: unplaced,
        ..session::Turn::default()
    };
    (turn, None)
}

/// The last that was heard of a turn whose end was not recorded.
fn last_sign(recorded: &Recorded, turn: &session::Turn, next_us: Option<i64>) -> i64 {
    let mut messages = assistants(turn);
    messages.insert(turn.message.as_str());
    let events = recorded.events.iter().filter(|event| {
        let message = read::text(&event.body, "/info/id");
        let message = message.or_else(|| read::text(&event.body, "/part/messageID"));
        message.is_some_and(|message| messages.contains(message))
    });
    let events = events.map(|event| event.at_us);
    let rows = turn.calls.iter().flat_map(|call| &call.attempts);
    let rows = rows.map(|row| row.ended_us().unwrap_or(row.timing.sent_us));
    let calls = turn.calls.iter().flat_map(|call| [Some(call.started_us), call.ended_us]);
    let tools = turn.calls.iter().flat_map(|call| &call.tools);
    let tools = tools.flat_map(|tool| [tool.started_us, tool.ended_us]);
    let signs = events.chain(rows).chain(calls.chain(tools).flatten());
    let signs = signs.filter(|at| next_us.is_none_or(|next| *at <= next));
    signs.max().unwrap_or(turn.started_us)
}

/// The assistant messages that answer the turn's.
fn assistants(turn: &session::Turn) -> HashSet<&str> {
    turn.calls.iter().filter_map(|call| call.assistant.as_deref()).collect()
}

/// Whether a call is work on what was asked, not done beside it.
fn is_work(call: &ModelCall) -> bool {
    matches!(call.purpose, Purpose::Main | Purpose::Compaction)
}

fn turn_span(recorded: &Recorded, turn: session::Turn) -> TurnSpan {
    let Totals { usage, cost_usd, .. } = turn.calls.iter().map(ModelCall::totals).collect();
    let work = || turn.calls.iter().filter(|call| is_work(call));
    let agent = recorded.events.iter().find_map(|event| agent(event, &turn.message));
    let agent = agent.map(str::to_owned).or_else(|| work().find_map(|call| call.agent.clone()));
    let reply = match turn.reply {
        Some(reply) => reply,
        None => work().next_back().map(|call| call.text.clone()).unwrap_or_default(),
    };
    TurnSpan { message: turn.message, agent, prompt: unquoted(turn.prompt), reply, usage, cost_usd }
}

/// `opencode run` puts quotes around what has spaces; those nobody typed.
fn unquoted(prompt: String) -> String {
    let inner = prompt.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let is_argument = |inner: &&str| {
        inner.contains(' ') && !inner.ends_with('\\') && !inner.replace("\\\"", "").contains('"')
    };
    match inner.filter(is_argument) {
        Some(inner) => inner.replace("\\\"", "\""),
        None => prompt,
    }
}

/// The agent that a user's message is for.
fn agent<'a>(event: &'a EventRecord, message: &str) -> Option<&'a str> {
    let info = event.body.get("info").filter(|_| event.kind == "message.updated")?;
    read::text(info, "/agent").filter(|_| read::text(info, "/id") == Some(message))
}

/// A turn fails by what OpenCode reports of it, and as its last call does: then nobody got the answer.
fn turn_failure(turn: &session::Turn, models: &[Span]) -> Option<Failure> {
    if !turn.errors.is_empty() {
        return Some(reported(&turn.errors.join("\n")));
    }
    if let Some(last) = turn.calls.iter().rposition(is_work) {
        let told = turn.calls[last].error.as_deref();
        let aborted = told.filter(|error| is_abort(error));
        let failure = aborted.map(reported).or_else(|| models.get(last)?.failure.clone());
        if let Some(failure) = failure.or_else(|| told.map(reported)) {
            return Some(failure);
        }
    }
    turn.ended_us.is_none().then(|| failure("unfinished", ""))
}

fn failure(kind: &str, message: &str) -> Failure {
    Failure { kind: kind.to_owned(), message: message.to_owned() }
}

/// What OpenCode says went wrong.
fn reported(error: &str) -> Failure {
    failure(if is_abort(error) { "aborted" } else { "session_error" }, error)
}

fn is_abort(error: &str) -> bool {
    error.lines().any(|line| line.starts_with(ABORTED))
}

/// The span of a call, but for its place among others.
fn model_call(call: &ModelCall, recorded: &Recorded, until_us: i64) -> Span {
    let attempts: Vec<Attempt> = call.attempts.iter().map(|row| attempt(row, until_us)).collect();
    // Of a call that the wire did not show, nothing is known but its message's life.
    let started_us = attempts.first().map_or(call.started_us, |attempt| attempt.started_us);
    let ended = attempts.iter().map(|attempt| attempt.ended_us).max();
    let ended_us = ended.or(call.ended_us).unwrap_or(until_us).max(started_us);

    let last = call.attempts.last();
    let (provider, model) = provider_and_model(call);
    let message = call.assistant.as_ref().unwrap_or(&recorded.message);
    let totals = call.totals();
    let counted = call.attempts.iter().any(|row| row.usage.is_some()) || call.reported.is_some();
    Span {
        id: SpanId::default(),
        parent: None,
        started_us,
        ended_us,
        failure: call_failure(call, &attempts),
        what: What::Model(Box::new(ModelSpan {
            purpose: call.purpose,
            message: call.assistant.clone(),
            number: recorded.numbers.get(message).copied().unwrap_or_default(),
            agent: call.agent.clone(),
            provider,
            model,
            dialect: last.map(|row| row.dialect).unwrap_or_default(),
            server: last.and_then(|row| server(&row.url)),
            // Gemini is told by the address; the others' requests say it themselves.
            stream: last
                .filter(|row| row.dialect == Dialect::Gemini)
                .map(|row| row.url.contains(":streamGenerateContent")),
            attempts,
            usage: counted.then_some(totals.usage),
            cost_usd: totals.cost_usd,
            finish: last.and_then(|row| row.finish.clone()),
            first_content_after_us: last.and_then(|row| row.timing.first_content_after_us),
            ..ModelSpan::default()
        })),
    }
}

/// A call fails with its last attempt: one that was tried again until it answered did not. OpenCode may have refused
/// the answer all the same.
fn call_failure(call: &ModelCall, attempts: &[Attempt]) -> Option<Failure> {
    let told = call.error.as_deref();
    match attempts.last() {
        Some(Attempt { failure: Some(failure), .. }) => Some(failure.clone()),
        // The answer was there: what was aborted are the tools that it asked for.
        Some(_) => told.filter(|error| !is_abort(error)).map(reported),
        None if told.is_none() && call.ended_us.is_none() => Some(failure("unfinished", "")),
        None => told.map(reported),
    }
}

fn attempt(row: &Summary, until_us: i64) -> Attempt {
    let started_us = row.timing.sent_us;
    Attempt {
        exchange: row.id,
        started_us,
        ended_us: row.ended_us().unwrap_or(until_us).max(started_us),
        status: row.status,
        failure: attempt_failure(row),
    }
}

fn attempt_failure(row: &Summary) -> Option<Failure> {
    let kind = match (row.status, row.outcome) {
        (Some(status @ 400..), _) => &status.to_string(),
        (_, Outcome::Failed) => "connection",
        (_, Outcome::Cut) => "cut",
        (_, Outcome::Aborted) => "aborted",
        (_, Outcome::Waiting | Outcome::Streaming) => "unfinished",
        (_, Outcome::Complete) if row.is_error() => "provider_error",
        (_, Outcome::Complete) => return None,
    };
    Some(failure(kind, row.error.as_deref().unwrap_or_default()))
}

/// OpenCode's provider id, and the model without it. Models' names have slashes of their own.
fn provider_and_model(call: &ModelCall) -> (Option<String>, Option<String>) {
    let Some(model) = call.model.as_deref() else { return (None, None) };
    let rows = || call.attempts.iter().rev();
    if let Some(provider) = rows().find_map(|row| row.provider.as_deref())
        && let Some(model) = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/'))
    {
        return (Some(provider.to_owned()), Some(model.to_owned()));
    }
    match model.split_once('/') {
        Some((provider, model))
            if rows().all(|row| row.model.as_deref() != call.model.as_deref()) =>
        {
            (Some(provider.to_owned()), Some(model.to_owned()))
        }
        _ => (None, Some(model.to_owned())),
    }
}

/// The host in an address, and its port where it is not the scheme's own.
fn server(url: &str) -> Option<(String, Option<u16>)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    // The colons of an IPv6 address are inside its brackets.
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (place, None),
    };
    let own = if scheme.eq_ignore_ascii_case("http") { 80 } else { 443 };
    (!host.is_empty()).then(|| (host.to_owned(), port.filter(|port| *port != own)))
}

#[cfg(test)]
mod tests;
