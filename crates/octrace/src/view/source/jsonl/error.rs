//! Why a file or a folder cannot be looked at.

use std::{io, path::PathBuf};

/// See its variants. What to do about it is [`crate::cli`]'s to say.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// Nothing is there.
    #[error("there is no {path}")]
    Missing { path: PathBuf },
    /// A folder without anything to look at.
    #[error("there is no .jsonl file in {path}")]
    Empty { path: PathBuf },
    /// A device, a pipe, a socket.
    #[error("{path} is neither a file nor a folder")]
    Special { path: PathBuf },
    /// A file with something else in it.
    #[error(
        "{path} holds no recording: none of its first lines is a request, a response or an error"
    )]
    Foreign { path: PathBuf },
    /// The system refused.
    #[error("cannot read {path}")]
    Io { path: PathBuf, source: io::Error },
}

impl OpenError {
    /// What to do next.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } | Self::Empty { .. } => Some(
                "`octrace export jsonl SESSION -o FOLDER` makes such files; `octrace view` alone shows the tape.",
            ),
            Self::Foreign { .. } => Some(
                "Each line should be an object with a `kind` of request, response or error, as octrace and opencode-api-tracer write it.",
            ),
            Self::Special { .. } | Self::Io { .. } => None,
        }
    }
}
