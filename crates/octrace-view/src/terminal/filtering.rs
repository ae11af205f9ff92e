//! What a list shows: the filter, as it was typed and as it is meant.

use octrace_core::{
    filter::{Filter, Problem},
    timeline::Row,
};
use octrace_store::read::SessionRow;

/// A filter with its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filtering {
    typed: String,
    filter: Filter,
}

impl Filtering {
    /// Shows what this filter says.
    pub(super) fn of(filter: Filter) -> Self {
        Self { typed: String::new(), filter }
    }

    /// Reads what somebody typed.
    pub(super) fn parse(typed: &str) -> Result<Self, Problem> {
        Ok(Self { typed: typed.trim().to_owned(), filter: Filter::parse(typed)? })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filter.is_empty()
    }

    pub(super) fn typed(&self) -> String {
        self.typed.clone()
    }

    pub(super) fn matches_session(&self, _session: &SessionRow) -> bool {
        true
    }

    pub(super) fn matches(&self, _row: &Row) -> bool {
        true
    }
}
