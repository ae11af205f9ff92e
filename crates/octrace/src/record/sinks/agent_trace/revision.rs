//! Which commit was checked out when a call had ended.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use octrace_core::attribution::observed::Revision;

use crate::{
    git::{self, Git},
    record::clock::now_us,
};

/// Whoever looks so much later than the call ended looks at something else, in µs.
const LATE_US: i64 = 2_000_000;

/// How long git, or jj, may take.
const LIMIT: Duration = Duration::from_secs(3);

/// Whoever takes so long has hung.
pub(super) const SLOW: Duration = Duration::from_secs(3);

/// The repository that `directory` is in, as it was at `ended_us`, µs since the Unix epoch.
pub(super) fn at(directory: &Path, ended_us: i64) -> Revision {
    let git = Git::at(directory).within(LIMIT);
    let is_late = now_us().saturating_sub(ended_us) > LATE_US;
    let jj = directory.ancestors().find(|folder| folder.join(".jj").is_dir());
    let Some(root) = git.toplevel().ok().or_else(|| jj.map(ToOwned::to_owned)) else {
        return without(directory);
    };
    if root.join(".jj").is_dir() {
        // What jj calls a change says nothing of when.
        let change = if is_late { None } else { change(&root) };
        if change.is_some() {
            return of(&root, "jj", change);
        }
    }
    let head = if is_late { git.head_at(ended_us) } else { git.rev_parse_head() };
    match head {
        Ok(Some(commit)) => of(&root, "git", Some(commit)),
        Ok(None) if !is_late => of(&root, "git", None),
        _ => of(&root, "", None),
    }
}

/// The same where nobody is asked.
pub(super) fn without(directory: &Path) -> Revision {
    of(directory, "", None)
}

fn of(root: &Path, vcs: &str, revision: Option<String>) -> Revision {
    let root: PathBuf = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let vcs = Some(vcs.to_owned()).filter(|vcs| !vcs.is_empty());
    Revision { root: root.to_string_lossy().into_owned(), vcs, revision }
}

/// jj's id of the change that the work tree is, where jj is there.
fn change(root: &Path) -> Option<String> {
    let mut command = Command::new("jj");
    // It takes no note of the work tree's files, and writes nothing.
    command
        .args(["log", "--no-graph", "--no-pager", "--color=never", "--ignore-working-copy"])
        .args(["-r", "@", "-T", "change_id", "-R"])
        .arg(root);
    let printed = git::run(command, None, LIMIT).ok()?;
    let id = std::str::from_utf8(printed.trim_ascii()).ok()?;
    let is_id = !id.is_empty() && id.len() <= 64 && id.bytes().all(|c| c.is_ascii_lowercase());
    is_id.then(|| id.to_owned())
}
