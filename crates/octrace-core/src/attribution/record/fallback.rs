//! Which lines a call wrote, where nobody saw the file before it: too large, not readable, or recorded before octrace
//! looked at files. Then OpenCode's own account of the call is asked, in this order, and each answer is checked against
//! the file as it was afterwards:
//!
//! 1. the line numbers in the diff that it made ([`Evidence::Explicit`]);
//! 2. the new text of an edit, if it stands exactly once in the file ([`Evidence::UniqueText`]);
//! 3. the whole file, if the call created it ([`Evidence::Created`]).
//!
//! `apply_patch` makes its diff before a formatter runs, so its numbers count only where the file agrees with them.

use std::{collections::HashSet, ops::Range};

use memchr::memmem;
use serde::Deserialize;

use super::{
    Text,
    change::{Side, of_call},
    patch,
};
use crate::attribution::{
    line,
    timeline::{Call, Evidence, FileHistory, Moment, Observation, Seen},
};

/// A file of which only the event tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    /// Its absolute path.
    pub(super) path: String,
    /// Its text afterwards, where that was seen.
    pub(super) text: Option<Text>,
    /// The call's lines, from 0.
    pub(super) runs: Vec<Range<usize>>,
    /// How that is known.
    pub(super) evidence: Evidence,
}

/// The files of a call of which only the event tells, with the lines that are proven by it. `names` are real paths with
/// those by which the tool named these files, where they differ.
pub(super) fn told(
    call: &Call,
    histories: &[FileHistory],
    names: &[(String, String)],
    text: &mut impl FnMut(i64) -> Option<Text>,
) -> Vec<Told> {
    let targets = targets(call);
    let only = targets.len() == 1;
    targets
        .iter()
        .filter_map(|target| {
            let named = absolute(&target.path, &call.root)?;
            let real = names.iter().find(|(_, name)| *name == named).map(|(real, _)| real.clone());
            let path = real.unwrap_or(named);
            let own = |history: &&FileHistory| {
                history.path == path
                    || only && history.observations.iter().any(|seen| of_call(seen, call).is_some())
            };
            let history = histories.iter().find(own);
            let seen = |side| history.and_then(|history| seen(history, call, side));
            if seen(Side::Before).is_some() && seen(Side::After).is_some() {
                return None;
            }
            let after = seen(Side::After).filter(|after| matches!(after.seen, Seen::Text(_)));
            let text = after.and_then(|after| text(after.id));
            let (evidence, runs) = target.lines(text.as_ref())?;
            let path = history.map_or(path, |history| history.path.clone());
            Some(Told { path, text, runs, evidence })
        })
        .collect()
}

/// What was seen of the file on this side of a call, or of its step; nothing where it could not be read.
fn seen<'a>(history: &'a FileHistory, call: &Call, side: Side) -> Option<&'a Observation> {
    let of_step = |seen: &Observation| match &seen.moment {
        Moment::Start(message) => side == Side::Before && *message == call.message,
        Moment::Finish(message) => side == Side::After && *message == call.message,
        _ => false,
    };
    let known = |seen: &&Observation| seen.seen != Seen::Unread;
    let seen = || history.observations.iter().filter(known);
    let own = seen().rfind(|seen| of_call(seen, call) == Some(side));
    own.or_else(|| seen().find(|seen| of_step(seen)))
}

/// An absolute path without `.` and `..`.
fn absolute(path: &str, root: &str) -> Option<String> {
    let full = if path.starts_with('/') { path.to_owned() } else { format!("{root}/{path}") };
    let mut names: Vec<&str> = Vec::new();
    for name in full.split('/') {
        match name {
            "" | "." => {}
            ".." => _ = names.pop(),
            _ => names.push(name),
        }
    }
    (full.starts_with('/') && !names.is_empty()).then(|| format!("/{}", names.join("/")))
}

/// What an event tells of one file.
#[derive(Clone, Debug, Default, PartialEq)]
struct Target {
    path: String,
    /// A diff, with the count of its new lines where that is told.
    diff: Option<(String, Option<usize>)>,
    /// Whether the diff's numbers are those of the file afterwards, whatever formatter ran.
    last: bool,
    /// An edit's old and new text.
    texts: Option<(String, String)>,
    /// Whether the call created it.
    created: bool,
}

impl Target {
    /// The call's lines, from 0.
    fn lines(&self, text: Option<&Text>) -> Option<(Evidence, Vec<Range<usize>>)> {
        let found = |evidence| move |runs: Vec<Range<usize>>| (evidence, runs);
        let explicit = self.explicit(text).map(found(Evidence::Explicit));
        explicit
            .or_else(|| self.unique(text?).map(found(Evidence::UniqueText)))
            .or_else(|| self.whole(text?).map(found(Evidence::Created)))
            .filter(|(_, runs)| !runs.is_empty())
    }

    fn explicit(&self, text: Option<&Text>) -> Option<Vec<Range<usize>>> {
        let (diff, additions) = self.diff.as_ref()?;
        let lines = patch::new_lines(diff)?;
        let added = || lines.iter().filter(|line| line.added);
        if additions.is_some_and(|additions| additions != added().count()) {
            return None;
        }
        match text {
            Some(text) => {
                let contents: Vec<&[u8]> = line::contents(&text.bytes).collect();
                let agrees = |line: &patch::NewLine<'_>| {
                    let content = contents.get(line.number - 1);
                    content.is_some_and(|content| alike(content, line.content.as_bytes()))
                };
                lines.iter().all(agrees).then_some(())?;
            }
            None if self.last => {}
            None => return None,
        }
        Some(joined(added().map(|line| line.number - 1)))
    }

    /// The lines of an edit's new text that its old text did not have, if the new text stands in one place.
    fn unique(&self, text: &Text) -> Option<Vec<Range<usize>>> {
        let (old, new) = self.texts.as_ref()?;
        if new.contains(crate::redact::hit::MARK) {
            return None;
        }
        let at = only_place(&text.bytes, new.as_bytes())
            .or_else(|| only_place(&text.bytes, new.replace('\n', "\r\n").as_bytes()))?;
        let first = memchr::memchr_iter(b'\n', text.bytes.get(..at)?).count();
        let had: HashSet<&str> = old.lines().map(str::trim).collect();
        let new = new.lines().enumerate().filter(|(_, line)| !had.contains(line.trim()));
        Some(joined(new.map(|(line, _)| first + line)))
    }

    fn whole(&self, text: &Text) -> Option<Vec<Range<usize>>> {
        let lines = line::contents(&text.bytes).count();
        self.created.then(|| joined(0..lines))
    }
}

/// Whether a line may be the one that a diff shows: but for what surrounds it, and for secrets.
fn alike(line: &[u8], shown: &[u8]) -> bool {
    let mark = crate::redact::hit::MARK.as_bytes();
    line.trim_ascii() == shown.trim_ascii()
        || [line, shown].iter().any(|text| memmem::find(text, mark).is_some())
}

/// Where a text stands, if it does so exactly once.
fn only_place(text: &[u8], part: &[u8]) -> Option<usize> {
    let at = memmem::find(text, part).filter(|_| !part.is_empty())?;
    memmem::find(text.get(at + 1..)?, part).is_none().then_some(at)
}

/// Rising numbers as ranges.
fn joined(numbers: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some(run) if run.end == number => run.end += 1,
            _ => runs.push(number..number + 1),
        }
    }
    runs
}

/// A call's input, as far as it tells of a file.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Input {
    file_path: String,
    old_string: String,
    new_string: String,
    replace_all: bool,
}

/// `state.metadata` of the tools that change files.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    filepath: String,
    exists: Option<bool>,
    diff: Option<String>,
    filediff: Option<FileDiff>,
    files: Vec<FileDiff>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FileDiff {
    #[serde(alias = "filePath")]
    file: String,
    move_path: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    patch: String,
    additions: Option<usize>,
}

/// The files that an event names, with what it tells of them.
fn targets(call: &Call) -> Vec<Target> {
    // What is damaged or of another shape tells nothing.
    let input: Input = serde_json::from_str(&call.input).unwrap_or_default();
    let metadata: Metadata = serde_json::from_str(&call.metadata).unwrap_or_default();
    let named = |path: String| if path.is_empty() { input.file_path.clone() } else { path };
    match call.tool.as_str() {
        "edit" => {
            let told = metadata.filediff;
            let diff = told.as_ref().map(|told| (told.patch.clone(), told.additions));
            vec![Target {
                path: named(told.map(|told| told.file).unwrap_or_default()),
                diff: diff.or(metadata.diff.map(|diff| (diff, None))),
                // Without an old text, the diff was made before a formatter ran.
                last: !input.old_string.is_empty(),
                texts: (!input.replace_all).then_some((input.old_string, input.new_string)),
                created: false,
            }]
        }
        "write" => vec![Target {
            path: named(metadata.filepath),
            created: metadata.exists == Some(false),
            ..Target::default()
        }],
        "apply_patch" => {
            let files = metadata.files.into_iter().filter(|file| file.kind != "delete");
            files
                .map(|file| Target {
                    path: file.move_path.unwrap_or(file.file),
                    diff: Some((file.patch, file.additions)),
                    created: file.kind == "add",
                    ..Target::default()
                })
                .collect()
        }
        _ => Vec::new(),
    }
}
