//! Which kinds a row is of, in so few bits that they stand beside its place in time: to show another kind, no row has
//! to be looked at.

use octrace_core::timeline::Row;

use crate::terminal::command::Kind;

/// A set of [`Kind`]s, and whether it is a meta request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Class(u8);

impl Class {
    const META: u8 = 1 << 7;

    /// A row's.
    pub(super) fn of(row: &Row) -> Self {
        let is = |kind| match row {
            Row::Exchange(exchange) => match kind {
                Kind::All | Kind::Requests => true,
                Kind::Responses => exchange.status.is_some() || exchange.outcome.is_open(),
                Kind::Errors => exchange.is_error(),
                Kind::Tools => false,
            },
            Row::Tool(tool) => match kind {
                Kind::All | Kind::Tools => true,
                Kind::Errors => tool.is_error(),
                Kind::Requests | Kind::Responses => false,
            },
            Row::Prompt(_) => kind == Kind::All,
        };
        let is_meta = matches!(row, Row::Exchange(exchange) if exchange.purpose.is_meta());
        let kinds = Kind::ALL.into_iter().filter(|kind| is(*kind)).map(|kind| 1 << kind as u8);
        Self(kinds.fold(if is_meta { Self::META } else { 0 }, |all: u8, one: u8| all | one))
    }

    /// Whether it is a request for a title or the like.
    pub(super) fn is_meta(self) -> bool {
        self.0 & Self::META != 0
    }

    /// Whether such rows are shown in a list of this kind.
    pub(super) fn is_shown(self, kind: Kind, include_meta: bool) -> bool {
        self.0 & (1 << kind as u8) != 0 && (include_meta || !self.is_meta())
    }
}
