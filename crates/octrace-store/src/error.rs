//! What can go wrong with the tape, in the words that commands show.

use std::{io, path::PathBuf};

/// Why the tape could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or created.
    #[error("cannot open the tape {path}")]
    Open {
        /// The tape.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there but is not a tape: another program's database, or damaged at its start.
    #[error("{path} is not an octrace tape, or is damaged at its beginning")]
    NotATape {
        /// The file.
        path: PathBuf,
    },
    /// A newer octrace wrote it.
    #[error("the tape {path} has version {found}, this octrace knows versions up to {known}")]
    Newer {
        /// The tape.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest that this build knows.
        known: i64,
    },
    /// Something that was recorded cannot be read back.
    #[error("the tape is damaged: {what}")]
    Damaged {
        /// What, and where.
        what: String,
    },
    /// A body's layout cannot be read.
    #[error(transparent)]
    Body(#[from] crate::body::Error),
    /// A part cannot be written or read.
    #[error(transparent)]
    Codec(#[from] crate::codec::Error),
    /// SQLite refused.
    #[error("the tape: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl Error {
    /// Something that was recorded cannot be read back.
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    /// Whether somebody else has the tape at this moment.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy))
    }

    /// Whether something that was recorded cannot be read back, rather than not at this moment; the rest can.
    pub fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, TypeMismatch};
        match self {
            Self::Damaged { .. } | Self::Body(_) | Self::Codec(_) => true,
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(code) => matches!(code, DatabaseCorrupt | NotADatabase | TypeMismatch),
                // A value of another type than was ever written.
                None => matches!(
                    error,
                    rusqlite::Error::FromSqlConversionFailure(..)
                        | rusqlite::Error::IntegralValueOutOfRange(..)
                        | rusqlite::Error::InvalidColumnType(..)
                        | rusqlite::Error::Utf8Error(..)
                ),
            },
            _ => false,
        }
    }

    /// Whether the disk is full: what was not written can be written later.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Sqlite(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull))
    }
}
