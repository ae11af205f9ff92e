//! Words that were found in an exchange, as what a filter looks at: they have what the exchange has, and what the tool
//! calls have that they are of.

use std::collections::BTreeSet;

use super::{Kinds, Quantity, Shown, Subject, Text};
use crate::{exchange::Summary, session::ToolStatus};

/// The tool calls of one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    kinds: Kinds,
    names: BTreeSet<String>,
}

impl Calls {
    /// One more: the tool's name, how it stands, and whether it started a sub-agent.
    pub fn add(&mut self, tool: String, status: ToolStatus, exit: Option<i64>, has_child: bool) {
        let kinds = Kinds::of_tool(status, status.is_error(exit), has_child);
        self.kinds = self.kinds.with(kinds, true);
        self.names.insert(tool);
    }
}

/// Words in an exchange.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The exchange.
    pub exchange: &'a Summary,
    /// The calls that they ask for, or are a result of.
    pub calls: Option<&'a Calls>,
}

impl Subject for Said<'_> {
    fn kinds(&self) -> Kinds {
        let kinds = self.exchange.kinds();
        self.calls.map_or(kinds, |calls| kinds.with(calls.kinds, true))
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        match (field, self.calls) {
            (Text::Tool, Some(calls)) => calls.names.iter().any(|name| fits(Shown::Text(name))),
            _ => self.exchange.any_text(field, fits),
        }
    }

    fn any_status(&self, fits: &mut dyn FnMut(u16) -> bool) -> bool {
        self.exchange.any_status(fits)
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        self.exchange.quantity(of, now_us)
    }
}
