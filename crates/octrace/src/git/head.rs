//! Which commit is checked out, or was at a time.

use super::{Git, GitError, objects};

/// How far to look back in the log of what was checked out.
const LOOK_BACK: &str = "-n1000";

impl Git {
    /// The commit that is checked out; `None` where there is none yet.
    ///
    /// # Errors
    /// As [`Git::run`]; also where there is no repository.
    pub(crate) fn rev_parse_head(&self) -> Result<Option<String>, GitError> {
        match self.run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]) {
            Ok(id) => Ok(Some(objects::id(id.trim_ascii())?)),
            // That is how it says so; anything worse is 128.
            Err(GitError::Failed(Some(1))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The commit that was checked out at a time, in µs since the Unix epoch, as the log of it says; `None` where it
    /// does not. It has whole seconds, and says nothing of one in which something else was checked out.
    ///
    /// # Errors
    /// As [`Git::run`]; also where there is no repository, or no commit.
    pub(crate) fn head_at(&self, at_us: i64) -> Result<Option<String>, GitError> {
        let options = ["log", "-g", LOOK_BACK, "--date=unix", "--format=%H %gd", "HEAD", "--"];
        let printed = self.run(options)?;
        let at = at_us.div_euclid(1_000_000);
        for line in printed.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let entry = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' '));
            let (commit, selector) = entry.ok_or(GitError::Odd)?;
            let since = selector.rsplit_once("@{").and_then(|(_, date)| date.strip_suffix('}'));
            let since: i64 = since.and_then(|date| date.parse().ok()).ok_or(GitError::Odd)?;
            if since < at {
                return Ok(Some(objects::id(commit.as_bytes())?));
            }
            if since == at {
                return Ok(None);
            }
        }
        Ok(None)
    }
}
