//! Where OpenCode keeps its snapshots: `<data>/snapshot/<project id>/<a hash of the work tree's path>`, a git repository
//! without commits, whose trees are named in events. The work trees of one project are beside each other there; older
//! versions had one repository per project, without the hash.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::git::{Git, GitError};

/// So many work trees of one project are looked at.
const MOST: usize = 64;

/// The repository below `snapshots` that has all these trees; `None` where none has them: they were never there, or git
/// has cleared them away.
pub(super) fn find(
    snapshots: &Path,
    project: &str,
    trees: &[&str],
) -> Result<Option<Git>, GitError> {
    // It is the name of a folder, and nothing else.
    let is_name = |name: &str| !name.is_empty() && !name.contains(['/', '\0']) && name != "..";
    if !is_name(project) || project == "." {
        return Ok(None);
    }
    let project = snapshots.join(project);
    let below = fs::read_dir(&project).into_iter().flatten().flatten().take(MOST);
    let mut candidates: Vec<PathBuf> = below.map(|entry| entry.path()).collect();
    candidates.push(project);
    for candidate in candidates.into_iter().filter(|path| path.join("objects").is_dir()) {
        let git = Git::bare(&candidate);
        let mut has_all = true;
        for tree in trees {
            has_all = has_all && git.has(tree)?;
        }
        if has_all {
            return Ok(Some(git));
        }
    }
    Ok(None)
}
