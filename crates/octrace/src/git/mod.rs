//! Git, asked by its own program: whatever a repository is made of, the user's git can read it.
//!
//! A repository may be hostile, and its settings can name programs. So git is called in a way in which it starts none:
//! nothing of our environment that speaks to git, no monitor, no hook, no network, no question, no lock. What is
//! asked here must keep to it: plumbing about trees, objects and names. Whatever looks at a work tree's files (`git
//! diff`, `git blame FILE`) runs the filters that the repository names.
//!
//! * `run`: any program, bounded in time and output. * `objects`: trees and contents.
//! * `head`: which commit is checked out, or was. * `lines`: which commit a line came with, `porcelain`: as git prints that.
//! * `attributes`: which files git keeps in another form. * `blame`: what `octrace blame` asks, of the work tree as well.
//!
//! Git may hang, on a network's file system say. It is killed when its time is over, and what it may print is bounded.

mod attributes;
mod blame;
mod head;
mod lines;
mod objects;
mod porcelain;
mod run;
#[cfg(test)]
mod tests;

use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

pub(crate) use self::blame::WorkTree;
pub(crate) use self::lines::CommittedLine;
pub(crate) use self::objects::{Blob, Changed, Status};
pub(crate) use self::run::run;

/// How long git may take, unless a caller says otherwise.
const LIMIT: Duration = Duration::from_secs(5);

/// Settings that a repository cannot change then: what would start a program, or go to a network.
const SETTINGS: [&str; 5] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "log.showSignature=false",
    "protocol.allow=never",
];

/// Why git gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// There is no git, or it cannot be started.
    #[error("git cannot be started: {0}")]
    Start(io::Error),
    /// It ended with this exit code, or by a signal. What it says of that may show content, and is not kept.
    #[error("git ended with {}", .0.map_or_else(|| "a signal".to_owned(), |code| code.to_string()))]
    Failed(Option<i32>),
    /// It was killed.
    #[error("git took longer than {} s", .0.as_secs_f32())]
    Slow(Duration),
    /// It was killed.
    #[error("git printed more than is read")]
    Long,
    /// It printed what it should not.
    #[error("git's answer cannot be read")]
    Odd,
}

/// A repository to ask.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    program: OsString,
    /// `-C <directory>` or `--git-dir <repository>`.
    place: [OsString; 2],
    limit: Duration,
}

impl Git {
    /// The repository that `directory` is in, wherever its root is.
    pub(crate) fn at(directory: &Path) -> Self {
        Self::new(["-C".into(), directory.into()])
    }

    /// The repository that is this very folder.
    pub(crate) fn bare(repository: &Path) -> Self {
        Self::new(["--git-dir".into(), repository.into()])
    }

    fn new(place: [OsString; 2]) -> Self {
        Self { program: "git".into(), place, limit: LIMIT }
    }

    /// Something else that is taken for git.
    #[cfg(test)]
    pub(crate) fn by(self, program: &Path) -> Self {
        Self { program: program.into(), ..self }
    }

    /// It may take so long.
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// What git prints when called with `arguments`.
    ///
    /// # Errors
    /// When it cannot be started, fails, takes too long or prints too much.
    pub(crate) fn run(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Vec<u8>, GitError> {
        self.ask(arguments, None)
    }

    /// The root of the work tree.
    ///
    /// # Errors
    /// As [`Git::run`]; also where there is none.
    pub(crate) fn toplevel(&self) -> Result<PathBuf, GitError> {
        use std::os::unix::ffi::OsStringExt;
        let printed = self.run(["rev-parse", "--show-toplevel"])?;
        let path = printed.strip_suffix(b"\n").ok_or(GitError::Odd)?;
        let path = PathBuf::from(OsString::from_vec(path.to_owned()));
        if path.is_absolute() { Ok(path) } else { Err(GitError::Odd) }
    }

    /// The same, with `input` on its standard input.
    fn ask(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        input: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, GitError> {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"GIT_") {
                command.env_remove(name);
            }
        }
        command
            .envs([
                ("GIT_OPTIONAL_LOCKS", "0"),
                ("GIT_TERMINAL_PROMPT", "0"),
                // What a partial clone lacks is not fetched, and no setting of the repository lets it.
                ("GIT_NO_LAZY_FETCH", "1"),
                ("GIT_ALLOW_PROTOCOL", ""),
                ("LC_ALL", "C"),
            ])
            .args(["--no-pager", "--literal-pathspecs"])
            .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
            .args(&self.place)
            .args(arguments);
        run(command, input, self.limit)
    }
}
