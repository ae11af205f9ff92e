//! Where each line of each observation comes from: from the first observation of a file to the last, whatever was
//! kept keeps its origin, and whatever is new has that of the change that brought it.

use std::sync::Arc;

use super::{
    line::Line,
    timeline::{Call, FileHistory, Origin},
};

/// What is known of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackedFile {
    /// As in [`FileHistory`].
    pub path: String,
    /// One for each observation, in the same order.
    pub states: Vec<TrackedState>,
}

/// What is known of a file at an observation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackedState {
    /// The file's lines; `None`: there was no file, or it was not read.
    pub lines: Option<Arc<[Line]>>,
    /// Where each of them comes from.
    pub origins: Vec<Origin>,
    /// Lines that this change took away, by the call that did: `(call, lines)`.
    pub removed: Vec<(usize, u32)>,
    /// The file had another name until this change: its place in the list of files.
    pub renamed_from: Option<usize>,
}

/// Tracks files through what was seen of them. `calls` may be in any order; origins name them by their place.
pub fn track(files: &[FileHistory], calls: &[Call]) -> Vec<TrackedFile> {
    let _ = calls;
    files.iter().map(|file| TrackedFile { path: file.path.clone(), states: Vec::new() }).collect()
}
