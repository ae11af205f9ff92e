//! What a record says beyond the specification's fields, each key in one place. `docs/agent-trace.md` explains them.

use serde_json::{Map, Value, json};

use super::Context;
use crate::attribution::timeline::Call;

/// What happened: `tool.execute.after`.
pub const EVENT_NAME: &str = "io.opencode.event_name";
/// OpenCode's session.
pub const SESSION_ID: &str = "io.opencode.session_id";
/// The session whose `task` call started this one.
pub const PARENT_SESSION_ID: &str = "io.opencode.parent_session_id";
/// The assistant message that asked for the call.
pub const MESSAGE_ID: &str = "io.opencode.message_id";
/// The call, as the provider named it.
pub const CALL_ID: &str = "io.opencode.call_id";
/// The requests that the assistant message answers, for `octrace request`.
pub const EXCHANGE_IDS: &str = "io.opencode.exchange_ids";
/// The tool's name.
pub const TOOL: &str = "io.opencode.tool";
/// OpenCode's agent.
pub const AGENT: &str = "io.opencode.agent";
/// The user message that all of it answers.
pub const PROMPT_ID: &str = "io.opencode.prompt_id";
/// How each range was found: for each of `files`, in their order, `path`, `state` and `ranges` (a word for each).
pub const EVIDENCE: &str = "io.opencode.evidence";
/// Lines that the call took away: `path`, `lines`, and `whole_file` where the file went with them.
pub const DELETIONS: &str = "io.opencode.deletions";
/// Files that got another name: `from`, `to`.
pub const RENAMES: &str = "io.opencode.renames";
/// Files that the tool named by another path than the real one: `path`, `named`.
pub const NAMES: &str = "io.opencode.names";
/// Paths that are outside the root.
pub const OUTSIDE: &str = "io.opencode.outside";
/// How many new lines are nobody's, because other calls were at work as well.
pub const CONTENDED: &str = "io.opencode.contended";
/// Whether no commit is known that has the lines.
pub const PROVISIONAL: &str = "io.opencode.provisional";
/// Commits that have the lines.
pub const COMMITS: &str = "io.opencode.commits";

/// In records that others wrote: what stood where something was changed so that the record is valid, by JSON pointer.
pub const ORIGINAL: &str = "io.opencode.original";

/// What is known of the call itself.
pub(super) fn of_call(call: &Call, context: &Context) -> Map<String, Value> {
    let mut metadata = Map::new();
    let mut put = |key: &str, value: Value| metadata.insert(key.to_owned(), value);
    put(EVENT_NAME, json!("tool.execute.after"));
    put(SESSION_ID, json!(call.id.session));
    put(CALL_ID, json!(call.id.call));
    put(TOOL, json!(call.tool));
    put(EXCHANGE_IDS, json!(context.exchanges));
    put(PROVISIONAL, json!(true));
    let known = [
        (PARENT_SESSION_ID, &context.parent_session),
        (MESSAGE_ID, &call.message),
        (AGENT, &context.agent),
        (PROMPT_ID, &context.prompt),
    ];
    for (key, value) in known {
        if !value.is_empty() {
            put(key, json!(value));
        }
    }
    metadata
}
