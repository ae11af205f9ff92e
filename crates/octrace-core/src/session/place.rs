//! Sub-agents' sessions to the tool calls that started them.

use std::collections::BTreeMap;

use super::{Session, ToolCall};

/// A sub-agent's session is created within a moment of its call's start; clocks are read in
/// milliseconds.
const SLACK_US: i64 = 2_000;

/// Puts each of `children` under the tool call that names it; else under the only `task` call that
/// ran when it began. Gives back those that fit nowhere.
pub(super) fn place_children(children: Vec<Session>, tools: &mut [&mut ToolCall]) -> Vec<Session> {
    let mut waiting: BTreeMap<String, Session> = BTreeMap::new();
    for child in children {
        waiting.entry(child.id.clone()).or_insert(child);
    }
    for tool in tools.iter_mut() {
        let named = tool.child_id.as_ref().and_then(|id| waiting.remove(id));
        tool.child = named.map(Box::new);
    }
    let mut unplaced = Vec::new();
    let mut guesses: BTreeMap<usize, Vec<Session>> = BTreeMap::new();
    for child in waiting.into_values() {
        let mut fitting = (0..tools.len()).filter(|&at| {
            let tool = &tools[at];
            tool.tool == "task" && tool.child_id.is_none() && ran_at(tool, child.created_us)
        });
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => guesses.entry(only).or_default().push(child),
            _ => unplaced.push(child),
        }
    }
    for (at, mut rivals) in guesses {
        match rivals.pop() {
            Some(child) if rivals.is_empty() => {
                tools[at].child_id = Some(child.id.clone());
                tools[at].child = Some(Box::new(child));
            }
            last => unplaced.extend(rivals.into_iter().chain(last)),
        }
    }
    unplaced.sort_by(|a, b| (a.created_us, &a.id).cmp(&(b.created_us, &b.id)));
    unplaced
}

fn ran_at(tool: &ToolCall, at_us: i64) -> bool {
    tool.started_us.is_some_and(|start| start.saturating_sub(SLACK_US) <= at_us)
        && tool.ended_us.is_none_or(|end| at_us <= end.saturating_add(SLACK_US))
}
