//! Which files git keeps in another form than they have in the work tree: of those, an object tells nothing.

use super::{Git, GitError};

/// Attributes by which contents are converted to something else than other ends of lines.
const CONVERTING: [&str; 3] = ["filter", "ident", "working-tree-encoding"];

impl Git {
    /// Of each of these paths, relative to the root of the work tree, whether its content is converted on its way
    /// into the repository. Nothing is started for it.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub(crate) fn converts(&self, paths: &[&[u8]]) -> Result<Vec<bool>, GitError> {
        let mut input = Vec::new();
        for path in paths {
            input.extend_from_slice(path);
            input.push(0);
        }
        let command = ["check-attr", "-z", "--stdin"].iter().chain(&CONVERTING);
        let printed = self.ask(command, Some(input))?;
        // For each path and attribute: path, NUL, attribute, NUL, value, NUL.
        let fields: Vec<_> = printed.split(|byte| *byte == 0).collect();
        let values = fields.chunks_exact(3).map(|field| field[2]);
        let is_set: Vec<_> =
            values.map(|value| !matches!(value, b"unspecified" | b"unset")).collect();
        let converts: Vec<_> =
            is_set.chunks_exact(CONVERTING.len()).map(|set| set.contains(&true)).collect();
        if converts.len() == paths.len() { Ok(converts) } else { Err(GitError::Odd) }
    }
}
