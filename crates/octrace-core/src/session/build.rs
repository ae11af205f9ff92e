//! Joins what the events say with what the wire shows.
//!
//! * A turn is a user message. It ends when OpenCode is idle again, else with its last part.
//! * A model call is an assistant message; its attempts are the exchanges whose answer became it.
//!   Exchanges that became no message (titles, summaries, lost events) are calls of their own: those
//!   for one message and agent are attempts of one call until one of them succeeds.
//! * What names no recorded turn is unplaced.

use std::collections::BTreeMap;

use super::{
    EventRecord, KnownTool, ModelCall, Session, ToolStatus, Turn,
    fold::{Assistant, Fold, User, fold},
    part::PromptPart,
    place::place_children,
};
use crate::exchange::{Purpose, Summary};

/// Builds session `id` from its records: `tools` are what events tell that are not among them. `children` are its
/// sub-agents' sessions, already built. Records may repeat and come in any order.
pub fn build(
    id: &str,
    events: &[EventRecord],
    tools: &[KnownTool],
    exchanges: &[Summary],
    children: Vec<Session>,
) -> Session {
    let fold = fold(id, events, tools);
    let mut session = Session {
        id: id.to_owned(),
        parent: fold.parent.map(str::to_owned),
        title: fold.title.map(|(_, title)| title.to_owned()),
        directory: fold.directory.map(str::to_owned),
        version: fold.version.map(str::to_owned),
        agent: fold.agent.map(str::to_owned),
        turns: turns(&fold),
        ..Session::default()
    };
    let first_event = events.iter().map(|event| event.at_us);
    let first_sent = exchanges.iter().map(|exchange| exchange.timing.sent_us);
    session.created_us =
        fold.created_us.or_else(|| first_event.chain(first_sent).min()).unwrap_or(0);
    if session.agent.is_none() {
        let first = session.turns.first().and_then(|turn| fold.users.get(turn.message.as_str()));
        session.agent = first.and_then(|user| user.agent).map(str::to_owned);
    }

    for (message, call) in calls(&fold, exchanges) {
        let turn = session.turns.iter_mut().find(|turn| Some(&turn.message) == message.as_ref());
        match turn {
            Some(turn) => turn.calls.push(call),
            None => session.unplaced.push(call),
        }
    }
    for calls in session.turns.iter_mut().map(|turn| &mut turn.calls).chain([&mut session.unplaced])
    {
        calls.sort_by(|a, b| order(a).cmp(&order(b)));
    }

    let calls = session.turns.iter_mut().flat_map(|turn| &mut turn.calls);
    let tools = calls.chain(&mut session.unplaced).flat_map(|call| &mut call.tools);
    session.children = place_children(children, &mut tools.collect::<Vec<_>>());

    place_errors(&mut session, &fold);
    end_turns(&mut session.turns, &fold);
    for turn in session.turns.iter_mut().filter(|turn| is_command(turn, &fold)) {
        answered_here(turn);
    }
    session
}

fn is_command(turn: &Turn, fold: &Fold) -> bool {
    fold.users.get(turn.message.as_str()).is_some_and(|user| user.is_command)
}

/// OpenCode reports a model call for a command, which no model was asked: it is the command's reply. Calls that
/// were made are those of the work that the command interrupted.
fn answered_here(turn: &mut Turn) {
    let mut reply = Vec::new();
    for call in std::mem::take(&mut turn.calls) {
        if call.attempts.is_empty() && call.tools.is_empty() {
            reply.extend((!call.text.is_empty()).then_some(call.text));
            turn.errors.extend(call.error);
        } else {
            turn.calls.push(call);
        }
    }
    turn.reply = Some(reply.join("\n"));
}

fn turns(fold: &Fold) -> Vec<Turn> {
    let users = fold.users.iter().filter(|(_, user)| user.known);
    let mut turns: Vec<Turn> = users
        .map(|(id, user)| {
            let compaction =
                user.parts.values().any(|(_, part)| matches!(part, PromptPart::Compaction));
            Turn {
                message: (*id).to_owned(),
                prompt: if compaction { "compaction".to_owned() } else { prompt(user) },
                compaction,
                started_us: user.started_us,
                ..Turn::default()
            }
        })
        .collect();
    turns.sort_by(|a, b| (a.started_us, &a.message).cmp(&(b.started_us, &b.message)));
    turns
}

/// What was typed; without that what it named; without that what was put in its place.
fn prompt(user: &User) -> String {
    let mut parts: Vec<&(i64, PromptPart)> = user.parts.values().collect();
    parts.sort_by_key(|(place, _)| *place);
    let join = |pick: fn(&PromptPart) -> Option<String>| {
        parts.iter().filter_map(|(_, part)| pick(part)).collect::<Vec<_>>().join("\n")
    };
    let typed = join(|part| match part {
        PromptPart::Typed(text) => Some((*text).to_owned()),
        _ => None,
    });
    let named = join(|part| match part {
        PromptPart::Named(name) => Some(format!("[{name}]")),
        _ => None,
    });
    let added = join(|part| match part {
        PromptPart::Added(text) => Some((*text).to_owned()),
        _ => None,
    });
    [typed, named, added].into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

/// Every model call, with the user message that it answers.
fn calls(fold: &Fold, exchanges: &[Summary]) -> Vec<(Option<String>, ModelCall)> {
    // A repeated row is the same exchange at another time: the later state counts.
    let mut rows: BTreeMap<i64, &Summary> = BTreeMap::new();
    for row in exchanges {
        let known = rows.entry(row.id).or_insert(row);
        if known.outcome.is_open() {
            *known = row;
        }
    }
    let mut exchanges: Vec<&Summary> = rows.into_values().collect();
    exchanges.sort_by_key(|exchange| (exchange.timing.sent_us, exchange.id));

    let mut answered: BTreeMap<&str, Vec<&Summary>> = BTreeMap::new();
    let mut others: BTreeMap<_, Vec<&Summary>> = BTreeMap::new();
    for exchange in exchanges {
        // A title never is an assistant message, even where one was in the making beside it.
        match (&exchange.assistant, exchange.purpose) {
            (Some(assistant), Purpose::Main | Purpose::Compaction) => {
                answered.entry(assistant).or_default().push(exchange);
            }
            (_, purpose) => {
                let key =
                    (exchange.message.as_deref(), purpose.as_str(), exchange.agent.as_deref());
                others.entry(key).or_default().push(exchange);
            }
        }
    }

    let mut calls = Vec::new();
    for (id, assistant) in &fold.assistants {
        let attempts = answered.remove(id).unwrap_or_default();
        // A text alone does not say whose it is: a user's message has some too.
        if assistant.created_us.is_none() && assistant.tools.is_empty() && attempts.is_empty() {
            continue;
        }
        let parent =
            assistant.parent.or_else(|| attempts.iter().find_map(|row| row.message.as_deref()));
        calls.push((parent.map(str::to_owned), answered_call(id, assistant, &attempts)));
    }
    for (id, attempts) in answered {
        let parent = attempts.iter().find_map(|row| row.message.clone());
        calls.push((parent, answered_call(id, &Assistant::default(), &attempts)));
    }
    for ((message, ..), rows) in others {
        // What failed is tried again for the same message; without a message nobody can tell.
        let again = |before: &&Summary, _: &&Summary| message.is_some() && before.is_error();
        for attempts in rows.chunk_by(again) {
            calls.push((message.map(str::to_owned), wire_call(attempts)));
        }
    }
    calls
}

/// A call that exists on the wire only.
fn wire_call(attempts: &[&Summary]) -> ModelCall {
    let first = attempts.first();
    let last = attempts.last();
    let ends = attempts.iter().map(|row| row.ended_us());
    let model = attempts.iter().rev().find_map(|row| {
        let model = row.model.as_deref()?;
        Some(qualified(row.provider.as_deref().unwrap_or_default(), model))
    });
    ModelCall {
        purpose: first.map(|row| row.purpose).unwrap_or_default(),
        agent: attempts.iter().find_map(|row| row.agent.clone()),
        model,
        attempts: attempts.iter().map(|row| (*row).clone()).collect(),
        error: last.filter(|row| row.is_error()).and_then(|row| row.error.clone()),
        started_us: first.map_or(0, |row| row.timing.sent_us),
        ended_us: ends.collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max()),
        ..ModelCall::default()
    }
}

/// A call that OpenCode reported, with the attempts that the wire shows.
fn answered_call(id: &str, assistant: &Assistant, attempts: &[&Summary]) -> ModelCall {
    let mut tools: Vec<_> = assistant.tools.values().cloned().collect();
    tools.sort_by_key(|(place, _)| *place);
    let mut texts: Vec<_> = assistant.texts.values().copied().collect();
    texts.sort_by_key(|(place, _)| *place);

    let mut call = wire_call(attempts);
    call.assistant = Some(id.to_owned());
    call.tools = tools.into_iter().map(|(_, tool)| tool).collect();
    call.text = texts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n");
    if let Some(agent) = assistant.agent {
        call.agent = Some(agent.to_owned());
        if attempts.is_empty() {
            call.purpose = Purpose::of_agent(agent);
        }
    }
    if let Some((provider, model)) = assistant.model {
        call.model = Some(qualified(provider, model));
    }
    // With an event of its own, OpenCode's word on failure counts; a retry may still be coming.
    if assistant.created_us.is_some() {
        call.error.clone_from(&assistant.error);
    }
    if attempts.is_empty() {
        let first_tool = call.tools.iter().filter_map(|tool| tool.started_us).min();
        call.started_us = assistant.created_us.or(first_tool).unwrap_or_default();
        call.ended_us = assistant.completed_us;
        call.reported = assistant.usage;
        call.reported_cost_usd = assistant.cost.filter(|_| assistant.usage.is_some());
    } else if assistant.created_us.is_some() {
        let failed = call.ended_us.filter(|_| assistant.error.is_some());
        call.ended_us = assistant.completed_us.or(failed);
    }
    call
}

fn qualified(provider: &str, model: &str) -> String {
    if provider.is_empty() { model.to_owned() } else { format!("{provider}/{model}") }
}

/// Calls stand in the order they began; equal times in the order of the tape.
fn order(call: &ModelCall) -> (i64, i64, Option<&str>) {
    let first = call.attempts.first().map_or(i64::MAX, |row| row.id);
    (call.started_us, first, call.assistant.as_deref())
}

/// Errors that no call carries go to the turn they happened in, each once.
fn place_errors(session: &mut Session, fold: &Fold) {
    for (at_us, error) in &fold.errors {
        if session.calls().any(|call| call.error.as_ref() == Some(error)) {
            continue;
        }
        let turn = session.turns.iter_mut().rev().find(|turn| turn.started_us <= *at_us);
        let errors = turn.map_or(&mut session.errors, |turn| &mut turn.errors);
        if !errors.contains(error) {
            errors.push(error.clone());
        }
    }
}

fn end_turns(turns: &mut [Turn], fold: &Fold) {
    let starts: Vec<i64> = turns.iter().map(|turn| turn.started_us).collect();
    for (at, turn) in turns.iter_mut().enumerate() {
        let next = starts.get(at + 1).copied();
        // A title may outlast the turn that it is made for.
        let main = || turn.calls.iter().filter(|call| !matches!(call.purpose, Purpose::Title));
        let tools = || main().flat_map(|call| &call.tools);
        let open = main().any(|call| call.ended_us.is_none())
            || tools().any(|tool| tool.status == ToolStatus::Running);
        let known = main().flat_map(|call| [Some(call.started_us), call.ended_us]);
        let known = known.chain(tools().flat_map(|tool| [tool.started_us, tool.ended_us]));
        let last = known.flatten().max().unwrap_or(turn.started_us);
        let idles = fold.idles.iter().copied();
        let mut idles =
            idles.filter(|&idle| idle >= turn.started_us && next.is_none_or(|next| idle < next));
        let asks_for_more = main()
            .next_back()
            .and_then(|call| fold.assistants.get(call.assistant.as_deref()?))
            .is_none_or(|assistant| {
                assistant.error.is_none() && matches!(assistant.finish, None | Some("tool-calls"))
            });
        let any_idle = idles.clone().next().is_some();
        turn.ended_us = idles
            .find(|&idle| idle >= last)
            .or((!open && (any_idle || next.is_some() || !asks_for_more)).then_some(last));
    }
}

#[cfg(test)]
mod tests;
