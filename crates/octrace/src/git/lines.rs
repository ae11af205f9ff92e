//! Which commit each line of a file came with, as the checked-out commit has it. The work tree is not looked at, so no filter
//! of the repository's runs.

use super::{Git, GitError, porcelain};

/// A line of a file at the checked-out commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommittedLine {
    /// Its content, without its end.
    pub(crate) text: Vec<u8>,
    /// The commit that it came with.
    pub(crate) commit: String,
    /// When that was made, s since the Unix epoch.
    pub(crate) committed_s: i64,
    /// The file's name in that commit, as git writes it.
    pub(crate) path: String,
    /// The line's number there, from 1.
    pub(crate) number: u64,
}

impl Git {
    /// The lines of the file at this path, relative to where we are, as the checked-out commit has it.
    ///
    /// # Errors
    /// As [`Git::run`]; also where there is no such file or no commit.
    pub(crate) fn lines_at_head(&self, path: &str) -> Result<Vec<CommittedLine>, GitError> {
        // Nobody's list of commits to be passed over; the path as it is, not a pattern.
        const BLAME: [&str; 6] =
            ["blame", "--porcelain", "--no-textconv", "--ignore-revs-file=", "HEAD", "--"];
        let printed =
            self.run(["-c", "core.quotePath=false"].into_iter().chain(BLAME).chain([path]))?;
        read(&printed)
    }
}

/// Reads what `git blame --porcelain` prints.
fn read(printed: &[u8]) -> Result<Vec<CommittedLine>, GitError> {
    porcelain::read(printed, |line| CommittedLine {
        text: line.text.to_owned(),
        commit: line.commit.to_owned(),
        committed_s: line.told.committed_s,
        path: line.told.path.clone(),
        number: line.number,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_told_of_once_and_a_name_whenever_it_changes() {
        let (a, b) = ("a1".repeat(20), "b2".repeat(20));
        let printed = format!(
            "{a} 4 1 1\nauthor A\ncommitter-time 20\nfilename a b\n\tfilename x\n{b} 2 2 1\ncommitter-time 30\n\
             filename c\n\t\n{a} 9 3 1\nfilename d\n\tthree\r\n"
        );
        let lines = read(printed.as_bytes()).unwrap();
        let told =
            lines.iter().map(|line| (&*line.path, line.number, line.committed_s, line.text.len()));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [("a b", 4, 20, 10), ("c", 2, 30, 0), ("d", 9, 20, 6)]
        );
        assert_eq!((&lines[0].commit, &lines[1].commit), (&a, &b));
        assert!(read(b"fatal: no\n").is_err());
        assert_eq!(read(b"").unwrap(), []);
    }
}
