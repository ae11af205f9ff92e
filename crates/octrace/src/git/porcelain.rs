//! What `git blame --porcelain` prints.

use std::collections::HashMap;

use super::{GitError, objects};

/// What is said of a commit, with its first line. Times are s since the Unix epoch.
#[derive(Default)]
pub(super) struct Told {
    pub(super) author: Option<String>,
    pub(super) authored_s: i64,
    pub(super) committed_s: i64,
    pub(super) summary: String,
    /// The history that is here begins with it.
    pub(super) boundary: bool,
    /// The file's name in it, as git writes it; said again whenever it changes.
    pub(super) path: String,
}

/// A line of the file.
pub(super) struct Line<'a> {
    /// The commit that it came with.
    pub(super) commit: &'a str,
    /// Its number there, from 1.
    pub(super) number: u64,
    /// What is said of the commit.
    pub(super) told: &'a Told,
    /// Its content, without its end.
    pub(super) text: &'a [u8],
}

/// What `make` makes of each line, in their order.
pub(super) fn read<T>(
    printed: &[u8],
    mut make: impl FnMut(Line<'_>) -> T,
) -> Result<Vec<T>, GitError> {
    let mut commits: HashMap<String, Told> = HashMap::new();
    let mut lines = Vec::new();
    let mut head: Option<(String, u64)> = None;
    for line in printed.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let Some((commit, number)) = &head else {
            let mut words = line.split(|byte| *byte == b' ');
            let commit = objects::id(words.next().unwrap_or_default())?;
            let number = words.next().and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
            head = Some((commit, number.ok_or(GitError::Odd)?));
            continue;
        };
        let told = commits.entry(commit.clone()).or_default();
        if let Some(text) = line.strip_prefix(b"\t") {
            lines.push(make(Line { commit, number: *number, told, text }));
            head = None;
            continue;
        }
        let text = String::from_utf8_lossy(line);
        let (key, value) = text.split_once(' ').unwrap_or((&text, ""));
        let seconds = || value.parse().unwrap_or_default();
        match key {
            "author" => told.author = Some(value.to_owned()),
            "author-time" => told.authored_s = seconds(),
            "committer-time" => told.committed_s = seconds(),
            "summary" => value.clone_into(&mut told.summary),
            "boundary" => told.boundary = true,
            "filename" => value.clone_into(&mut told.path),
            _ => {}
        }
    }
    Ok(lines)
}
