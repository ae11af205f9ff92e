//! What git knows of a work tree's file for `octrace blame`: where it is, which commit its lines came with, and the
//! names that it had.
//!
//! The filters that the repository's own settings name for such a file run, as with `git blame`: nothing else can say
//! how its bytes and those of a commit compare. So only what a person asks for may call this.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use octrace_core::attribution::blame::Commit;

use super::{Git, GitError, porcelain};

/// A work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkTree {
    /// Its root; links are followed.
    pub(crate) root: PathBuf,
    /// The roots of the repository's other work trees.
    pub(crate) others: Vec<PathBuf>,
    /// Whether the history that is here does not begin at the begin.
    pub(crate) shallow: bool,
}

impl Git {
    /// The work tree that we are in; `None` outside of any.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub(crate) fn work_tree(&self) -> Result<Option<WorkTree>, GitError> {
        const WHAT: [&str; 4] =
            ["rev-parse", "--show-toplevel", "--git-common-dir", "--is-shallow-repository"];
        let printed = match self.run(WHAT) {
            Err(GitError::Failed(_)) => return Ok(None),
            printed => printed?,
        };
        // A path may have line feeds in it; that of a work tree which has is not looked for.
        let lines: Vec<&[u8]> = printed.trim_ascii_end().split(|byte| *byte == b'\n').collect();
        let [root, common, shallow] = lines[..] else { return Err(GitError::Odd) };
        let root = PathBuf::from(OsString::from_vec(root.to_owned()));
        let common = Path::new(&self.place[1]).join(OsString::from_vec(common.to_owned()));
        let mut others = others(&common);
        others.retain(|other| *other != root);
        Ok(Some(WorkTree { root, others, shallow: shallow == b"true" }))
    }

    /// Whether git leaves a file of the work tree out of everything.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub(crate) fn ignores(&self, path: &Path) -> Result<bool, GitError> {
        // `check-ignore` takes no literal paths.
        let list = ["ls-files", "--others", "--ignored", "--exclude-standard", "--"];
        let listed = self.run(list.iter().map(AsRef::as_ref).chain([path.as_os_str()]))?;
        Ok(!listed.is_empty())
    }

    /// Whether a file is in the index: the next commit would have it.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub(crate) fn knows(&self, path: &Path) -> Result<bool, GitError> {
        let listed = self.run(["ls-files".as_ref(), "--".as_ref(), path.as_os_str()])?;
        Ok(!listed.is_empty())
    }

    /// The commit that each line of these `contents` of the file came with, from line `from` to line `to`; none for
    /// lines that are in no commit. A file that is in none has no lines here.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub(crate) fn blame(
        &self,
        path: &Path,
        contents: Vec<u8>,
        (from, to): (usize, usize),
        tree: &WorkTree,
    ) -> Result<Vec<Option<Arc<Commit>>>, GitError> {
        let lines = format!("{from},{to}");
        let arguments = ["blame", "--porcelain", "--no-textconv", "--no-ext-diff"];
        // Nobody's list of commits to be passed over.
        let more = ["--ignore-revs-file=", "--contents", "-", "-L", &lines, "--"];
        let arguments = arguments.iter().chain(&more).map(AsRef::as_ref).chain([path.as_os_str()]);
        match self.ask(arguments, Some(contents)) {
            Ok(printed) => read(&printed, tree.shallow),
            // It is in no commit, or there is none.
            Err(GitError::Failed(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The names that a file had since this time (s since the Unix epoch), the newest first, as commits and what is
    /// staged have it. Relative to the root, as `path` has to be.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub(crate) fn earlier_names(
        &self,
        path: &Path,
        since_s: i64,
    ) -> Result<Vec<PathBuf>, GitError> {
        let staged = ["diff-index", "--cached", "-M", "-z", "--name-status", "--diff-filter=R"];
        let staged = match self.run(staged.iter().chain(&["HEAD"])) {
            Err(GitError::Failed(_)) => return Ok(Vec::new()),
            printed => printed?,
        };
        let mut names = Vec::new();
        let staged = renames(&staged).into_iter().find(|(_, to)| to == path);
        names.extend(staged.map(|(from, _)| from));
        let asked = names.first().map_or(path, PathBuf::as_path);
        let since = format!("--since={since_s}");
        let log = ["log", "--follow", "-M", "-z", "--name-status", "--diff-filter=R", "--format="];
        let arguments = log.iter().map(AsRef::as_ref);
        let more = [since.as_ref(), "--".as_ref(), asked.as_os_str()];
        match self.run(arguments.chain(more)) {
            Ok(printed) => names.extend(renames(&printed).into_iter().map(|(from, _)| from)),
            Err(GitError::Failed(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(names)
    }
}

/// The roots of all work trees of a repository, as it notes them.
fn others(common: &Path) -> Vec<PathBuf> {
    let mut roots = Vec::new();
    let common = common.canonicalize().unwrap_or_else(|_| common.to_owned());
    if common.file_name().is_some_and(|name| name == ".git") {
        roots.extend(common.parent().map(Path::to_owned));
    }
    for noted in fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten() {
        let Ok(link) = fs::read(noted.path().join("gitdir")) else { continue };
        let link = PathBuf::from(OsString::from_vec(link.trim_ascii_end().to_owned()));
        let root = noted.path().join(link);
        // It is the path of the work tree's `.git`.
        roots.extend(root.parent().map(|root| root.canonicalize().unwrap_or_else(|_| root.into())));
    }
    roots
}

/// Reads what `--name-status -z` prints of renames: each from which name to which.
fn renames(printed: &[u8]) -> Vec<(PathBuf, PathBuf)> {
    let mut fields = printed
        .split(|byte| *byte == 0)
        .map(<[u8]>::trim_ascii_start)
        .filter(|field| !field.is_empty());
    let mut found = Vec::new();
    let path = |field: &[u8]| PathBuf::from(OsString::from_vec(field.to_owned()));
    while let Some(status) = fields.next() {
        let (true, Some(from), Some(to)) = (status.starts_with(b"R"), fields.next(), fields.next())
        else {
            break;
        };
        found.push((path(from), path(to)));
    }
    found
}

/// Reads what `git blame --porcelain` prints.
fn read(printed: &[u8], shallow: bool) -> Result<Vec<Option<Arc<Commit>>>, GitError> {
    let mut known: HashMap<String, Option<Arc<Commit>>> = HashMap::new();
    porcelain::read(printed, |line| match known.get(line.commit) {
        Some(commit) => commit.clone(),
        None => {
            let exists = line.commit.bytes().any(|digit| digit != b'0');
            let commit = exists.then(|| Arc::new(commit(&line, shallow)));
            known.insert(line.commit.to_owned(), commit.clone());
            commit
        }
    })
}

fn commit(line: &porcelain::Line<'_>, shallow: bool) -> Commit {
    let us = |seconds: i64| seconds.saturating_mul(1_000_000);
    let told = line.told;
    Commit {
        id: line.commit.to_owned(),
        // The history that is not here may name another one.
        author: told.author.clone().filter(|_| !(told.boundary && shallow)),
        authored_us: us(told.authored_s),
        // Git has no fractions: up to the end of that second.
        committed_us: us(told.committed_s).saturating_add(999_999),
        summary: told.summary.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_porcelain_of_blame_names_each_commit_once() {
        let (a, b, none) = ("a1".repeat(20), "b2".repeat(20), "0".repeat(40));
        let printed = format!(
            "{a} 1 1 2\nauthor Ada\nauthor-time 10\ncommitter-time 20\nsummary One two\nboundary\nfilename a\n\tx\n\
             {a} 2 2\n\tauthor nobody\n{none} 3 3 1\nauthor Not Committed Yet\nauthor-time 99\n\t\n\
             {b} 4 4 1\nauthor B\nauthor-time 30\ncommitter-time 30\nsummary \n\t\tb\n"
        );
        let lines = read(printed.as_bytes(), false).unwrap();
        let told = |lines: &[Option<Arc<Commit>>]| -> Vec<Option<(String, i64)>> {
            let told =
                |line: &Arc<Commit>| (line.author.clone().unwrap_or_default(), line.committed_us);
            lines.iter().map(|line| line.as_ref().map(told)).collect()
        };
        let ada = Some(("Ada".to_owned(), 20_999_999));
        let bert = Some(("B".to_owned(), 30_999_999));
        assert_eq!(told(&lines), [ada.clone(), ada, None, bert.clone()]);
        let shallow = read(printed.as_bytes(), true).unwrap();
        assert_eq!(shallow[0].as_ref().unwrap().author, None);
        assert_eq!(told(&shallow)[3], bert);
        assert!(read(b"fatal\n", false).is_err());
    }

    #[test]
    fn renames_are_read_whatever_the_names_are() {
        let printed = b"R100\0a b\0c\nd\0\nR051\0e\0f\0";
        let read: Vec<_> = renames(printed);
        let expected = [("a b", "c\nd"), ("e", "f")].map(|(a, b)| (a.into(), b.into()));
        assert_eq!(read, expected);
        assert_eq!(renames(b"R100\0a"), []);
    }
}
