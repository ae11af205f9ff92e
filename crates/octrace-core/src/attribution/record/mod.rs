//! Agent Trace records: for each tool call that changed files, which lines it wrote.
//!
//! A record is derived from what was tracked ([`crate::attribution::track`](mod@crate::attribution::track)) and nothing else: the same evidence gives the
//! same record, byte for byte. A line that is not known to be the call's is in no range. What each field and
//! each key of `metadata` means is written down in `docs/agent-trace.md`.

mod change;
mod hash;
mod identity;
pub mod metadata;
mod path;
mod shape;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use self::change::{Changes, FileChange};
pub use self::{
    hash::content_hash,
    identity::record_id,
    path::{RelativePath, relative},
    shape::{Contributor, ContributorKind, Conversation, File, Range, Record, Related, Tool, Vcs},
};
use super::{
    line,
    timeline::{Call, FileHistory, Moment},
    track::TrackedFile,
};

/// The specification's version that our records follow.
pub const SPEC_VERSION: &str = "0.1.0";

/// The longest `model_id` that the specification allows, in characters.
const LONGEST_MODEL: usize = 250;

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
/// `histories`, in the same order. `context` is asked once for each such call, and `None` means that its record is not
/// wanted; `text` gives an observation's text by its id, and without it ranges are without hashes.
pub fn records(
    tracked: &[TrackedFile],
    histories: &[FileHistory],
    calls: &[Call],
    mut context: impl FnMut(usize) -> Option<Context>,
    mut text: impl FnMut(i64) -> Option<Text>,
) -> Vec<CallRecord> {
    let mut records = Vec::new();
    for (place, changes) in change::changes(tracked, histories, calls) {
        if changes.files.is_empty() && changes.gone.is_empty() && changes.renames.is_empty() {
            continue;
        }
        let Some(call) = calls.get(place) else { continue };
        let Some(context) = context(place) else { continue };
        let record = record(call, &context, &changes, (tracked, histories), &mut text);
        records.push(CallRecord { call: place, record });
    }
    records
}

/// One call's record.
fn record(
    call: &Call,
    context: &Context,
    changes: &Changes,
    (tracked, histories): (&[TrackedFile], &[FileHistory]),
    text: &mut impl FnMut(i64) -> Option<Text>,
) -> Record {
    let mut paths = Paths { histories, root: &context.root, outside: Vec::new() };
    let contributor = Contributor {
        kind: ContributorKind::Ai,
        model_id: Some(context.model.clone())
            .filter(|model| !model.is_empty() && model.chars().count() <= LONGEST_MODEL),
        ..Contributor::default()
    };
    let (mut files, mut evidence, mut deletions) = (Vec::new(), Vec::new(), Vec::new());
    for (&place, change) in &changes.files {
        let path = paths.of(place);
        let ranges = match (tracked.get(place), histories.get(place)) {
            (Some(file), Some(history)) => ranges(file, history, change, text),
            _ => Vec::new(),
        };
        if !ranges.is_empty() {
            let ways = change.runs.iter().map(|run| run.evidence.as_str()).collect::<Vec<_>>();
            let state = state(call, histories.get(place), change.at);
            evidence.push(json!({ "path": path, "state": state, "ranges": ways }));
        }
        if change.removed > 0 {
            deletions.push(json!({ "path": path, "lines": change.removed }));
        }
        let conversation = (!ranges.is_empty()).then(|| Conversation {
            contributor: Some(contributor.clone()),
            ranges,
            ..Conversation::default()
        });
        files.push(File {
            path,
            conversations: conversation.into_iter().collect(),
            ..File::default()
        });
    }
    for (&place, &lines) in &changes.gone {
        let path = paths.of(place);
        deletions.push(json!({ "path": path, "lines": lines, "whole_file": true }));
    }
    let renames: Vec<Value> = changes
        .renames
        .iter()
        .map(|&(from, to)| json!({ "from": paths.of(from), "to": paths.of(to) }))
        .collect();
    let names: Vec<Value> = context
        .names
        .iter()
        .map(|(path, named)| json!({ "path": paths.relative(path), "named": named }))
        .collect();
    let mut metadata = metadata::of_call(call, context);
    let lists = [
        (metadata::EVIDENCE, evidence),
        (metadata::DELETIONS, deletions),
        (metadata::RENAMES, renames),
        (metadata::NAMES, names),
        (metadata::OUTSIDE, paths.outside.into_iter().map(Value::String).collect()),
    ];
    for (key, list) in lists {
        if !list.is_empty() {
            metadata.insert(key.to_owned(), Value::Array(list));
        }
    }
    if changes.contended > 0 {
        metadata.insert(metadata::CONTENDED.to_owned(), json!(changes.contended));
    }
    let word = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Record {
        version: spec_version(&context.spec_version),
        id: record_id(&call.id),
        timestamp: context.timestamp.clone(),
        vcs: context.vcs.clone(),
        tool: Some(Tool {
            name: word(&context.tool_name),
            version: word(&context.tool_version),
            ..Tool::default()
        }),
        files,
        metadata,
        ..Record::default()
    }
}

/// Paths in a record, and which of them lead outside.
struct Paths<'a> {
    histories: &'a [FileHistory],
    root: &'a str,
    outside: Vec<String>,
}

impl Paths<'_> {
    fn of(&mut self, place: usize) -> String {
        let histories = self.histories;
        histories.get(place).map_or_else(String::new, |history| self.relative(&history.path))
    }

    fn relative(&mut self, path: &str) -> String {
        let found = relative(path, self.root);
        if found.outside && !self.outside.contains(&found.path) {
            self.outside.push(found.path.clone());
        }
        found.path
    }
}

/// A file's ranges, with hashes where the text is there and nothing was blanked in these lines.
fn ranges(
    file: &TrackedFile,
    history: &FileHistory,
    change: &FileChange,
    text: &mut impl FnMut(i64) -> Option<Text>,
) -> Vec<Range> {
    let Some(at) = change.at.filter(|_| !change.runs.is_empty()) else { return Vec::new() };
    let lines = file.states.get(at).and_then(|state| state.lines.as_deref()).unwrap_or_default();
    let text = history.observations.get(at).and_then(|seen| text(seen.id));
    let contents: Vec<&[u8]> =
        text.as_ref().map_or_else(Vec::new, |text| line::contents(&text.bytes).collect());
    let whole = contents.len() == lines.len();
    let range = |run: &change::Run| {
        let blanked = lines.get(run.from..run.until)?.iter().any(|line| line.is_blanked());
        let own = contents.get(run.from..run.until).filter(|_| whole && !blanked);
        Some(Range {
            start_line: run.from as u64 + 1,
            end_line: run.until as u64,
            content_hash: own.map(|own| content_hash(own.iter().copied())),
            ..Range::default()
        })
    };
    change.runs.iter().filter_map(range).collect()
}

/// Which state of the file the lines' numbers are of, in a word.
fn state(call: &Call, history: Option<&FileHistory>, at: Option<usize>) -> &'static str {
    let seen = history.zip(at).and_then(|(history, at)| history.observations.get(at));
    match seen.map(|seen| &seen.moment) {
        Some(Moment::After(id)) if *id == call.id => "after_call",
        Some(Moment::Finish(message)) if *message == call.message => "after_step",
        _ => "next_seen",
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
