//! Which commits have the lines of an Agent Trace record: asked when a record is exported, for a commit may be rewritten
//! at any time.
//!
//! Each file as the checked-out commit has it goes through the same tracker as everything that was seen of it; so a line is
//! taken for a call's only where its whole history says so. It must be one that the call was seen to write, and have come
//! with a commit that is no older than the call.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::Path,
};

use octrace_core::attribution::{
    line::Line,
    record::{Record, metadata},
    timeline::{CallId, Moment, Observation, Origin, Seen},
    track::{TrackedFile, track},
};
use octrace_store::{Error, Tape, evidence};
use serde_json::{Value, json};

use crate::git::{CommittedLine, Git};

/// Lines in commits: a commit, the file's name in it, a line's number.
type Lines = BTreeSet<(String, String, u64)>;

/// Adds to the records which commits have their lines. What git cannot say stays as it is.
///
/// # Errors
/// When the tape cannot be read.
pub(crate) fn find(
    tape: &Tape,
    records: &mut [(evidence::Record, Record)],
    now_us: i64,
) -> Result<(), Error> {
    let mut files: BTreeMap<(String, String), Vec<CommittedLine>> = BTreeMap::new();
    let mut roots: HashMap<CallId, String> = HashMap::new();
    for (row, record) in records.iter() {
        let Some(revision) = tape.revision_of_call(&row.call)?.filter(|at| at.vcs.is_some()) else {
            continue;
        };
        for path in written(record) {
            let key = (revision.root.clone(), path.to_owned());
            files.entry(key).or_insert_with_key(|(root, path)| {
                Git::at(Path::new(root)).lines_at_head(path).unwrap_or_default()
            });
        }
        roots.insert(row.call.clone(), revision.root);
    }
    files.retain(|_, lines| !lines.is_empty());

    let mut histories = Vec::new();
    let mut committed = Vec::new();
    for ((root, path), lines) in files {
        let Some(file) = tape.traced_file(&format!("{}/{path}", root.trim_end_matches('/')))?
        else {
            continue;
        };
        let Some(mut history) = tape.file_histories(&[file], None)?.pop() else { continue };
        let text: Vec<Line> =
            lines.iter().enumerate().map(|(at, line)| content(at, line)).collect();
        history.observations.push(Observation {
            id: 0,
            at_us: now_us,
            moment: Moment::Now,
            seen: Seen::Text(text.into()),
            changed_us: None,
        });
        histories.push(history);
        committed.push((root, lines));
    }
    if histories.is_empty() {
        return Ok(());
    }
    let mut calls = tape.call_times_between(i64::MIN, now_us)?;
    tape.tell_asked(&histories, &mut calls)?;
    let mut found: HashMap<CallId, Lines> = HashMap::new();
    for (file, (root, lines)) in track(&histories, &calls).iter().zip(&committed) {
        for (call, line) in own(file) {
            let (Some(call), Some(line)) = (calls.get(call), lines.get(line)) else { continue };
            let since_s = call.ran_us.unwrap_or(i64::MAX) / 1_000_000;
            let of_record = roots.get(&call.id) == Some(root) && line.committed_s >= since_s;
            if of_record {
                let lines = found.entry(call.id.clone()).or_default();
                lines.insert((line.commit.clone(), line.path.clone(), line.number));
            }
        }
    }
    for (row, record) in records {
        if let Some(lines) = found.get(&row.call) {
            record.metadata.insert(metadata::COMMITS.to_owned(), joined(lines));
            record.metadata.insert(metadata::PROVISIONAL.to_owned(), json!(false));
        }
    }
    Ok(())
}

/// The files below the root of which a record has lines.
fn written(record: &Record) -> impl Iterator<Item = &str> {
    let files = record.files.iter().filter(|file| {
        let inside = !file.path.starts_with('/') && !file.path.starts_with("../");
        inside && file.conversations.iter().any(|one| !one.ranges.is_empty())
    });
    files.map(|file| file.path.as_str())
}

/// A committed line as the tracker compares it.
fn content(at: usize, line: &CommittedLine) -> Line {
    let text = line.text.strip_suffix(b"\r").unwrap_or(&line.text);
    let text = if at == 0 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) } else { text };
    Line::of(text)
}

/// The lines of a file's last state that calls wrote, by the calls' places; of them those that the call was seen to have
/// written before.
fn own(file: &TrackedFile) -> Vec<(usize, usize)> {
    let Some((last, before)) = file.states.split_last() else { return Vec::new() };
    let mut seen: HashSet<(usize, Line)> = HashSet::new();
    for state in before {
        let lines = state.lines.as_deref().unwrap_or_default();
        for (line, origin) in lines.iter().zip(state.origins.iter()) {
            if let Origin::Call { call, .. } = origin {
                seen.insert((*call, *line));
            }
        }
    }
    let lines = last.lines.as_deref().unwrap_or_default();
    let origins = last.origins.iter().zip(lines).enumerate();
    origins
        .filter_map(|(at, (origin, line))| match origin {
            Origin::Call { call, .. } if seen.contains(&(*call, *line)) => Some((*call, at)),
            _ => None,
        })
        .collect()
}

/// `[{"revision", "path", "start_line", "end_line"}]`
fn joined(lines: &Lines) -> Value {
    let mut ranges: Vec<(&str, &str, u64, u64)> = Vec::new();
    for (commit, path, number) in lines {
        match ranges.last_mut() {
            Some((last, name, _, end)) if last == commit && name == path && *end + 1 == *number => {
                *end = *number;
            }
            _ => ranges.push((commit, path, *number, *number)),
        }
    }
    let ranges = ranges.into_iter().map(|(revision, path, start_line, end_line)| {
        json!({ "revision": revision, "path": path, "start_line": start_line, "end_line": end_line })
    });
    ranges.collect()
}
