//! Why nothing arrives: what the server or the way to it says, with its place, without its password.

use std::{error::Error, time::Duration};

use tokio_postgres::error::SqlState;

use super::config::Database;

/// The destination takes nothing now. What was not accepted waits; nothing of it is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Nobody answered there, or the connection ended.
    #[error("no connection to {place}: {why}")]
    Connection {
        /// Hosts, database, user.
        place: String,
        /// In words.
        why: String,
    },
    /// It took too long.
    #[error("{place} does not answer within {} s", limit.as_secs_f32())]
    Silent {
        /// Hosts, database, user.
        place: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The server answers, and takes nothing: it is read-only, full, shutting down, or denies access.
    #[error("{place} refuses: {why} (SQLSTATE {code})")]
    Refused {
        /// Hosts, database, user.
        place: String,
        /// What the server said.
        why: String,
        /// Five characters.
        code: String,
    },
    /// Another octrace made the tables newer than this one knows.
    #[error(
        "the tables of {place} have version {found}, this octrace knows versions up to {known}"
    )]
    Newer {
        /// Hosts, database, user.
        place: String,
        /// As the database says.
        found: i32,
        /// The newest known here.
        known: i32,
    },
}

impl Unavailable {
    /// Whether it took too long, so that less at once may succeed.
    pub(super) fn is_slow(&self) -> bool {
        match self {
            Self::Silent { .. } => true,
            Self::Refused { code, .. } => code == SqlState::QUERY_CANCELED.code(),
            Self::Connection { .. } | Self::Newer { .. } => false,
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Newer { .. } => "Install the newest octrace; until then everything waits.",
            Self::Refused { code, .. } => match code.get(..2)? {
                "28" => "Look at the user and the password in the database's URL.",
                "3D" => "Create the database, or name another one in the URL.",
                "42" => {
                    "`octrace migrate` creates the tables, as a user who may; `octrace migrate --print` gives the SQL for psql."
                }
                "25" => "Name a server that can be written to.",
                "53" => "Make room on the server; what waits is not lost.",
                _ => return None,
            },
            Self::Connection { .. } | Self::Silent { .. } => return None,
        })
    }
}

/// Why a transaction did not happen.
#[derive(Debug)]
pub(super) enum Failure {
    /// One of the items has something in it that cannot be stored.
    Item(String),
    /// Nothing can be stored at the moment.
    Unavailable(Unavailable),
}

impl From<Unavailable> for Failure {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

impl Database {
    /// Whose fault an error is.
    pub(super) fn failure(&self, error: &tokio_postgres::Error) -> Failure {
        let place = self.place().to_owned();
        let Some(said) = error.as_db_error() else {
            return Failure::Unavailable(Unavailable::Connection {
                place,
                why: self.causes(error),
            });
        };
        let why = self.clean(said.message());
        let code = said.code().code().to_owned();
        if blames_an_item(said.code()) {
            return Failure::Item(format!("{why} (SQLSTATE {code})"));
        }
        Failure::Unavailable(Unavailable::Refused { place, why, code })
    }

    /// An error that can be nobody's fault but the destination's.
    pub(super) fn unavailable(&self, error: &tokio_postgres::Error) -> Unavailable {
        match self.failure(error) {
            Failure::Unavailable(unavailable) => unavailable,
            Failure::Item(why) => self.odd(why),
        }
    }

    /// An error about data where there is none.
    pub(super) fn odd(&self, why: String) -> Unavailable {
        Unavailable::Connection { place: self.place().to_owned(), why }
    }

    /// The innermost words are those that say something.
    fn causes(&self, error: &tokio_postgres::Error) -> String {
        let mut told = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            told = format!("{told}: {inner}");
            cause = inner.source();
        }
        self.clean(&told)
    }
}

/// Whether an error is about the data and would come again, alone or with others: data (22), a constraint (23, 44, and
/// a trigger's own words, P0), a limit (54).
fn blames_an_item(code: &SqlState) -> bool {
    matches!(code.code().get(..2), Some("22" | "23" | "44" | "54" | "P0"))
}
