//! Agent Trace records: for each tool call that changed files, which lines it wrote.
//!
//! A record is derived from what was tracked ([`crate::attribution::track`](mod@crate::attribution::track)) and nothing else: the same evidence gives the
//! same record, byte for byte. A line that is not known to be the call's is in no range. What each field and
//! each key of `metadata` means is written down in `docs/agent-trace.md`.

mod change;
mod draft;
mod fallback;
mod hash;
mod identity;
pub mod metadata;
mod patch;
mod path;
pub mod read;
mod shape;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use self::{change::Changes, draft::Draft};
pub use self::{
    hash::content_hash,
    identity::record_id,
    path::{RelativePath, relative},
    shape::{Contributor, ContributorKind, Conversation, File, Range, Record, Related, Tool, Vcs},
};
use super::{
    timeline::{Call, Ended, FileHistory, Reach},
    track::TrackedFile,
};

/// The specification's version that our records follow.
pub const SPEC_VERSION: &str = "0.1.0";

/// What a record says of a call that the call itself does not know. What is empty is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// When the call had ended, RFC 3339.
    pub timestamp: String,
    /// The session whose `task` call started the call's.
    pub parent_session: String,
    /// The requests that the call's message answers: the tape's ids.
    pub exchanges: Vec<i64>,
    /// OpenCode's agent.
    pub agent: String,
    /// The user message that all of it answers.
    pub prompt: String,
    /// `provider/model`.
    pub model: String,
    /// What paths are relative to, absolute: the repository's root, without one the folder that the session works in.
    pub root: String,
    /// The revision that the work tree stood on when the call had ended.
    pub vcs: Option<Vcs>,
    /// `AGENT_TRACE_SPEC_VERSION`; what is no version of the form `X.Y.Z` or `X.Y` counts as not set.
    pub spec_version: String,
    /// `AGENT_TRACE_TOOL_NAME`, else `opencode`.
    pub tool_name: String,
    /// `AGENT_TRACE_TOOL_VERSION`, else OpenCode's version.
    pub tool_version: String,
    /// Real paths, absolute, with those by which the tool named these files, where they differ.
    pub names: Vec<(String, String)>,
}

/// An observation's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The bytes, as redacted.
    pub bytes: Vec<u8>,
    /// Whether they are the file's own; `false` where a secret was blanked.
    pub exact: bool,
}

/// A call's record.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// The call's place in the list of calls.
    pub call: usize,
    /// Its record.
    pub record: Record,
}

/// A record for each call that ended well and changed a file, in the order of `calls`. `tracked` has the files of
/// `histories`, in the same order. `context` is asked at most once for a call, and `None` means that its record is not
/// wanted; `text` gives an observation's text by its id, and without it ranges are without hashes.
pub fn records(
    tracked: &[TrackedFile],
    histories: &[FileHistory],
    calls: &[Call],
    mut context: impl FnMut(usize) -> Option<Context>,
    mut text: impl FnMut(i64) -> Option<Text>,
) -> Vec<CallRecord> {
    let mut records = Vec::new();
    let mut all = change::changes(tracked, histories, calls);
    for (place, call) in calls.iter().enumerate() {
        let changes = all.remove(&place).unwrap_or_default();
        let names = call.reach() == Reach::Named || call.unseen && changes.is_empty();
        let may_tell = names && call.ended == Ended::Well;
        if changes.is_empty() && !may_tell {
            continue;
        }
        let Some(context) = context(place) else { continue };
        let told = if may_tell {
            fallback::told(call, histories, &context.names, &mut text)
        } else {
            Vec::new()
        };
        if changes.is_empty() && told.is_empty() {
            continue;
        }
        let mut draft = Draft::new(call, &context, histories);
        for told in &told {
            draft.told(told);
        }
        for (&file, change) in &changes.files {
            draft.changed(file, change, tracked.get(file), &mut text);
        }
        for (&file, &lines) in &changes.gone {
            draft.gone(file, lines);
        }
        records.push(CallRecord { call: place, record: record(draft, &changes) });
    }
    records
}

/// One call's record.
fn record(draft: Draft<'_>, changes: &Changes) -> Record {
    let (call, context) = (draft.call, draft.context);
    let word = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let tool = Tool {
        name: word(&context.tool_name),
        version: word(&context.tool_version),
        ..Tool::default()
    };
    let (files, lists) = draft.finish(&changes.renames);
    let mut metadata = metadata::of_call(call, context);
    for (key, list) in lists {
        if !list.is_empty() {
            metadata.insert(key.to_owned(), Value::Array(list));
        }
    }
    if changes.contended > 0 {
        metadata.insert(metadata::CONTENDED.to_owned(), json!(changes.contended));
    }
    Record {
        version: spec_version(&context.spec_version),
        id: record_id(&call.id),
        timestamp: context.timestamp.clone(),
        vcs: context.vcs.clone(),
        tool: Some(tool),
        files,
        metadata,
        ..Record::default()
    }
}

/// The version as the specification's schema wants it: with three numbers.
fn spec_version(label: &str) -> String {
    let numbers: Vec<&str> = label.trim().split('.').collect();
    let sound = numbers
        .iter()
        .all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    match (numbers.len(), sound) {
        (3, true) => numbers.join("."),
        (2, true) => format!("{}.0", numbers.join(".")),
        _ => SPEC_VERSION.to_owned(),
    }
}
