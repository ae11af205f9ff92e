//! The one language for what is shown: `kind:error model:claude status:5xx tool:bash text:"…" cost>0.1`.

use crate::search::Query;

/// What somebody wants to see. Empty: everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    words: Vec<String>,
}

/// Why what was typed is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Where in what was typed, in bytes.
    pub at: std::ops::Range<usize>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Filter {
    /// Reads what somebody typed.
    ///
    /// # Errors
    /// [`Problem`] for a field with a value that it cannot have.
    pub fn parse(typed: &str) -> Result<Self, Problem> {
        let words = typed.split_whitespace().map(str::to_lowercase).collect();
        Ok(Self { words })
    }

    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The `text:` terms, in order: what only the whole recorded text can tell.
    pub fn texts(&self) -> Vec<Query> {
        Vec::new()
    }
}
