//! Records that other tools wrote, or an earlier octrace: read into the shape that is valid now.
//!
//! Nothing is lost and nothing is invented. A field that the specification knows and that does not hold what it
//! should is mended where that is safe, otherwise left out; what stood there is kept under its JSON pointer in
//! `metadata` as `io.opencode.original`. Fields that nobody knows stay where they are.
//!
//! The reference implementation of the specification writes `"version":"1.0"`, which its own schema refuses, and says things
//! that no line of a file bears out; these go the same way: files that are none (`.shell-history`, `.sessions`), and
//! the range 1-1, which it writes wherever it knows no lines.

mod fix;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use self::fix::Originals;
use super::{Record, SPEC_VERSION, metadata, record_id};
use crate::attribution::timeline::CallId;

/// Why a line holds no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRecord {
    /// It cannot be read: cut off, say.
    #[error("no JSON ({0})")]
    NoJson(String),
    /// JSON, but something else.
    #[error("no Agent Trace record: {0}")]
    Other(&'static str),
}

/// Which version the reference implementation writes.
const REFERENCE: &str = "1.0";

/// What the reference implementation names as files when it knows of none.
const NO_FILES: [&str; 3] = [".shell-history", ".sessions", ".unknown"];

/// Reads the lines of a file: the records, and what is wrong with the lines that hold none, with their numbers from 1.
pub fn read(text: &[u8]) -> (Vec<Record>, Vec<(usize, NoRecord)>) {
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        match read_line(line) {
            Ok(record) => records.extend(record),
            Err(why) => problems.push((number + 1, why)),
        }
    }
    (records, problems)
}

/// Reads one line; there is nothing in an empty one.
///
/// # Errors
/// Where it holds no record, or one without a time or without files.
pub fn read_line(line: &[u8]) -> Result<Option<Record>, NoRecord> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    let value = serde_json::from_slice(line).map_err(|error| {
        let at = error.column();
        NoRecord::NoJson(if error.is_eof() { "cut off".into() } else { format!("column {at}") })
    })?;
    upgrade(value).map(Some)
}

/// The record that a JSON value holds, in the shape that is valid now.
///
/// # Errors
/// Where it holds none, or one without a time or without files.
pub fn upgrade(mut value: Value) -> Result<Record, NoRecord> {
    let Some(record) = value.as_object() else { return Err(NoRecord::Other("no object")) };
    if !record.get("timestamp").and_then(Value::as_str).is_some_and(fix::is_time) {
        return Err(NoRecord::Other("`timestamp` is no time"));
    }
    if !record.get("files").is_some_and(Value::is_array) {
        return Err(NoRecord::Other("`files` is no list"));
    }
    let of_reference = record.get("version").and_then(Value::as_str) == Some(REFERENCE);
    let id = match record.get("id") {
        Some(Value::String(id)) if fix::is_uuid(id) => None,
        id => {
            // An id of its own, always the same.
            let call = id.map_or_else(|| value.to_string(), Value::to_string);
            Some(record_id(&CallId { session: String::new(), call }))
        }
    };
    let mut originals = Originals::default();
    fix::record(&mut value, &mut originals);
    if let Some(id) = id {
        originals.replace(&mut value, "", "id", Some(json!(id)));
    }
    if of_reference {
        unclaim(&mut value, &mut originals);
    }
    let mut record: Record =
        serde_json::from_value(value).map_err(|_| NoRecord::Other("of another shape"))?;
    if !originals.all.is_empty() {
        let kept = record.metadata.entry(metadata::ORIGINAL).or_insert_with(|| json!({}));
        match kept {
            Value::Object(kept) => kept.extend(originals.all),
            kept => *kept = Value::Object(originals.all),
        }
    }
    if record.version.is_empty() {
        SPEC_VERSION.clone_into(&mut record.version);
    }
    Ok(record)
}

/// Takes out what the reference implementation says without knowing it.
fn unclaim(record: &mut Value, originals: &mut Originals) {
    let none = |file: &Value| {
        let path = file.get("path").and_then(Value::as_str).unwrap_or_default();
        !NO_FILES.contains(&path)
    };
    originals.keep_items(record, "", "files", none);
    fix::each(record, "", "files", |file, at| {
        fix::each(file, at, "conversations", |conversation, at| {
            let unknown = |ranges: &[Value]| match ranges {
                [range] => range["start_line"] == 1 && range["end_line"] == 1,
                _ => false,
            };
            let ranges = conversation.get("ranges").and_then(Value::as_array);
            if ranges.is_some_and(|ranges| unknown(ranges)) {
                originals.replace(conversation, at, "ranges", Some(json!([])));
            }
        });
    });
}
