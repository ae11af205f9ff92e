//! A record's files, put together one by one, with what `metadata` says of them.

use std::ops;

use serde_json::{Value, json};

use super::{
    Context, Contributor, ContributorKind, Conversation, File, Range, Text, change::FileChange,
    content_hash, fallback::Told, metadata, relative,
};
use crate::attribution::{
    line::{self, Line},
    timeline::{Call, FileHistory, Moment},
    track::TrackedFile,
};

/// The longest `model_id` that the specification allows, in characters.
pub(super) const LONGEST_MODEL: usize = 250;

/// A record's files.
pub(super) struct Draft<'a> {
    pub(super) call: &'a Call,
    pub(super) context: &'a Context,
    histories: &'a [FileHistory],
    files: Vec<File>,
    evidence: Vec<Value>,
    deletions: Vec<Value>,
    outside: Vec<String>,
}

impl<'a> Draft<'a> {
    /// No file yet. `histories` is what places of files are of.
    pub(super) fn new(call: &'a Call, context: &'a Context, histories: &'a [FileHistory]) -> Self {
        let (files, evidence, deletions) = (Vec::new(), Vec::new(), Vec::new());
        Self { call, context, histories, files, evidence, deletions, outside: Vec::new() }
    }

    /// Adds a file of which only the event tells.
    pub(super) fn told(&mut self, told: &Told) {
        let lines =
            told.text.as_ref().map_or_else(Vec::new, |text| line::lines(&text.bytes, text.exact));
        let state = if told.text.is_some() { "after_call" } else { "event" };
        let ranges = ranges(told.runs.iter().cloned(), &lines, told.text.as_ref());
        let ways = vec![told.evidence.as_str(); ranges.len()];
        self.file(&told.path, ranges, state, &ways);
    }

    /// Adds a file that was seen to change.
    pub(super) fn changed(
        &mut self,
        place: usize,
        change: &FileChange,
        tracked: Option<&TrackedFile>,
        text: &mut impl FnMut(i64) -> Option<Text>,
    ) {
        let Some(history) = self.histories.get(place) else { return };
        let seen = change.at.and_then(|at| history.observations.get(at));
        let lines =
            change.at.zip(tracked).and_then(|(at, file)| file.states.get(at)?.lines.as_deref());
        let text = seen.filter(|_| !change.runs.is_empty()).and_then(|seen| text(seen.id));
        let runs = change.runs.iter().map(|run| run.from..run.until);
        let ranges = ranges(runs, lines.unwrap_or_default(), text.as_ref());
        let ways = change.runs.iter().map(|run| run.evidence.as_str()).collect::<Vec<_>>();
        let state = match seen.map(|seen| &seen.moment) {
            Some(Moment::After(id)) if *id == self.call.id => "after_call",
            Some(Moment::Finish(message)) if *message == self.call.message => "after_step",
            _ => "next_seen",
        };
        self.file(&history.path, ranges, state, &ways);
        if change.removed > 0 {
            let path = self.relative(&history.path);
            self.deletions.push(json!({ "path": path, "lines": change.removed }));
        }
    }

    /// Adds a file that the call took away.
    pub(super) fn gone(&mut self, place: usize, lines: u64) {
        let path = self.path(place);
        self.deletions.push(json!({ "path": path, "lines": lines, "whole_file": true }));
    }

    /// The files, and the lists in `metadata`, some of them empty.
    pub(super) fn finish(
        mut self,
        renames: &[(usize, usize)],
    ) -> (Vec<File>, [(&'static str, Vec<Value>); 5]) {
        let renames = renames.iter().map(|&(from, to)| {
            let (from, to) = (self.path(from), self.path(to));
            json!({ "from": from, "to": to })
        });
        let renames = renames.collect();
        let context = self.context;
        let names = context.names.iter().map(|(path, named)| {
            let path = self.relative(path);
            json!({ "path": path, "named": named })
        });
        let names = names.collect();
        let lists = [
            (metadata::EVIDENCE, self.evidence),
            (metadata::DELETIONS, self.deletions),
            (metadata::RENAMES, renames),
            (metadata::NAMES, names),
            (metadata::OUTSIDE, self.outside.into_iter().map(Value::String).collect()),
        ];
        (self.files, lists)
    }

    /// A file that is there, once; without ranges it has no conversation.
    fn file(&mut self, path: &str, ranges: Vec<Range>, state: &str, ways: &[&str]) {
        let path = self.relative(path);
        if ranges.is_empty() {
            if !self.files.iter().any(|file| file.path == path) {
                self.files.push(File { path, ..File::default() });
            }
            return;
        }
        self.evidence.push(json!({ "path": path, "state": state, "ranges": ways }));
        let model = Some(self.context.model.clone());
        let contributor = Contributor {
            kind: ContributorKind::Ai,
            model_id: model.filter(|id| !id.is_empty() && id.chars().count() <= LONGEST_MODEL),
            ..Contributor::default()
        };
        let contributor = Some(contributor);
        let conversation = Conversation { contributor, ranges, ..Conversation::default() };
        self.files.push(File { path, conversations: vec![conversation], ..File::default() });
    }

    fn path(&mut self, place: usize) -> String {
        let history = self.histories.get(place);
        history.map_or_else(String::new, |history| self.relative(&history.path))
    }

    /// A path as the record has it; that it leads outside is noted.
    fn relative(&mut self, path: &str) -> String {
        let found = relative(path, &self.context.root);
        if found.outside && !self.outside.contains(&found.path) {
            self.outside.push(found.path.clone());
        }
        found.path
    }
}

/// Ranges from lines that count from 0, with hashes where the text is there and nothing was blanked in these lines.
fn ranges(
    runs: impl Iterator<Item = ops::Range<usize>>,
    lines: &[Line],
    text: Option<&Text>,
) -> Vec<Range> {
    let contents: Vec<&[u8]> =
        text.map_or_else(Vec::new, |text| line::contents(&text.bytes).collect());
    let whole = contents.len() == lines.len();
    let hash = |run: &ops::Range<usize>| {
        let blanked = lines.get(run.clone())?.iter().any(|line| line.is_blanked());
        let own = contents.get(run.clone()).filter(|_| whole && !blanked)?;
        Some(content_hash(own.iter().copied()))
    };
    runs.map(|run| Range {
        content_hash: hash(&run),
        start_line: run.start as u64 + 1,
        end_line: run.end as u64,
        ..Range::default()
    })
    .collect()
}
