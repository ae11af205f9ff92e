//! A session together with the sessions of its sub-agents, and of theirs.

use std::collections::BTreeSet;

use super::{EventRecord, KnownTool, Session, build, read};
use crate::exchange::Summary;

/// What the tape has of one session.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Its events, in any order.
    pub events: Vec<EventRecord>,
    /// Its tool calls, where they stand for events that have no body here.
    pub tools: Vec<KnownTool>,
    /// Its exchanges, in any order.
    pub exchanges: Vec<Summary>,
    /// Ids of the sessions that name it as their parent.
    pub children: Vec<String>,
}

/// Deeper nesting is shown as ids only. OpenCode's agents nest two or three deep; recordings can claim
/// anything.
const DEPTH: usize = 12;

/// Builds session `id` with its sub-agents' sessions, asking `load` for each. A session that names
/// itself among its descendants is built once.
pub fn build_tree<E>(
    id: &str,
    load: &mut dyn FnMut(&str) -> Result<Recording, E>,
) -> Result<Session, E> {
    let mut seen = BTreeSet::from([id.to_owned()]);
    descend(id, load, &mut seen, DEPTH)
}

fn descend<E>(
    id: &str,
    load: &mut dyn FnMut(&str) -> Result<Recording, E>,
    seen: &mut BTreeSet<String>,
    depth: usize,
) -> Result<Session, E> {
    let recording = load(id)?;
    let named = recording.events.iter().filter(|event| event.kind == "message.part.updated");
    let named = named.filter_map(|event| read::text(&event.body, "/part/state/metadata/sessionId"));
    let called = recording.tools.iter().filter_map(|tool| tool.fact.call.child_id.as_deref());
    let ids: Vec<&str> = recording
        .children
        .iter()
        .map(String::as_str)
        .chain(named)
        .chain(called)
        .filter(|&id| !id.is_empty())
        .collect();
    let mut children = Vec::new();
    for child in ids {
        if depth > 0 && seen.insert(child.to_owned()) {
            let session = descend(child, load, seen, depth - 1)?;
            // A session that a tool call only names may never have been recorded.
            if session != empty(child) {
                children.push(session);
            }
        }
    }
    Ok(build(id, &recording.events, &recording.tools, &recording.exchanges, children))
}

fn empty(id: &str) -> Session {
    Session { id: id.to_owned(), ..Session::default() }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use serde_json::json;

    use super::*;

    fn task(session: &str, child: &str) -> EventRecord {
        let state = json!({"status": "running", "metadata": {"sessionId": child}});
        let part = json!({
            "id": "t", "messageID": "a", "sessionID": session, "type": "tool", "tool": "task", "state": state,
        });
        EventRecord {
            id: 1,
            at_us: 1,
            kind: "message.part.updated".to_owned(),
            body: json!({"sessionID": session, "part": part}),
        }
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let mut asked = Vec::new();
        let built = build_tree::<Infallible>("a", &mut |id| {
            asked.push(id.to_owned());
            let next = if id == "a" { "b" } else { "a" };
            let children = vec![next.to_owned(), id.to_owned()];
            Ok(Recording { events: vec![task(id, next)], children, ..Recording::default() })
        });
        let Ok(session) = built;
        assert_eq!(asked, ["a", "b"]);
        let tool = &session.unplaced[0].tools[0];
        assert_eq!(tool.child.as_ref().map(|child| child.id.as_str()), Some("b"));
        assert_eq!(session.sub_agents().count(), 1);
    }

    #[test]
    fn a_chain_without_end_ends() {
        let mut depth = 0;
        let built = build_tree::<Infallible>("0", &mut |id| {
            depth += 1;
            let next = format!("{id}0");
            Ok(Recording { events: vec![task(id, &next)], ..Recording::default() })
        });
        assert!(built.is_ok());
        assert_eq!(depth, 1 + DEPTH);
    }

    #[test]
    fn what_the_tape_does_not_have_is_no_sub_agent() {
        let mut load = |id: &str| match id {
            "a" => Ok(Recording { events: vec![task("a", "b")], ..Recording::default() }),
            "b" => Ok(Recording::default()),
            _ => Err("unexpected"),
        };
        let session = build_tree("a", &mut load).unwrap();
        assert_eq!(session.sub_agents().count(), 0);
        assert_eq!(session.unplaced[0].tools[0].child_id.as_deref(), Some("b"));
        assert_eq!(build_tree("x", &mut load), Err("unexpected"));
    }
}
