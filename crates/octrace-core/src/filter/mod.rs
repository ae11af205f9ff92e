//! The one language for what is shown: `kind:error model:claude status:5xx tool:bash text:"…" cost>0.1`.
//!
//! Terms stand between blanks, and all of them have to hold. What a field means is said once, in [`FIELDS`]: the
//! parser reads it, and so does whatever tells people of the language. A session fits a term when anything in it
//! does; a row of a session only when it does itself.
//!
//! * [`Filter::parse`] reads what somebody typed, [`Search::parse`] the same beside words to search for.
//! * [`Filter::matches`] decides about a [`Subject`], [`Filter::within`] about many of one session; neither makes
//!   anything of what it looks at.
//! * [`Filter::texts`] are the `text:` terms. Only the whole recorded text can tell them, so that the caller does.

mod amount;
mod fields;
mod kind;
mod needle;
mod parse;
mod said;
mod subject;
#[cfg(test)]
mod tests;
mod token;
mod tree;
mod within;

use std::{
    fmt,
    ops::{Range, RangeInclusive},
};

use self::{amount::Amount, needle::Needle};
pub use self::{
    amount::Quantity,
    fields::{FIELDS, Field, SIGNS, Sign},
    kind::Kinds,
    needle::Shown,
    said::{Calls, Said},
    subject::{Subject, Text},
    within::Within,
};
use crate::search::{Query, Role};

/// What somebody wants to see. Empty: everything. It is shown as it was typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    typed: String,
    terms: Vec<Term>,
    texts: Vec<Query>,
}

/// Why what was typed is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Where in what was typed, in bytes.
    pub at: Range<usize>,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// What somebody searches for: words, and a filter that says where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    /// The words, as they always are in a search; `None` when there are none.
    pub query: Option<Query>,
    /// Which exchanges count.
    pub filter: Filter,
    /// For each `role:` whether it is one of these, or none.
    roles: Vec<(bool, Vec<Role>)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Term {
    not: bool,
    test: Test,
}

/// One of several values is enough for each of them.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    Kind(Kinds),
    Text(Text, Vec<Needle>),
    Status(Vec<RangeInclusive<u16>>),
    Amount(Quantity, Vec<Amount>),
    /// Places in [`Filter::texts`].
    Recorded(Range<usize>),
}

impl Filter {
    /// Reads what somebody typed.
    ///
    /// # Errors
    /// [`Problem`] for a field with a value that it cannot have.
    pub fn parse(typed: &str) -> Result<Self, Problem> {
        parse::filter(typed)
    }

    /// Whether what was typed may go on to be a field where it ends: `kin`, or `cost` and a blank.
    pub fn is_unfinished(typed: &str) -> bool {
        parse::is_unfinished(typed)
    }

    /// Whether it names OpenCode's housekeeping, as `kind:title` does.
    pub fn names_meta(&self) -> bool {
        let is_meta = |kinds: Kinds| kinds.and(Kinds::META) != Kinds::NONE;
        self.terms
            .iter()
            .any(|term| !term.not && matches!(term.test, Test::Kind(kinds) if is_meta(kinds)))
    }

    /// Without the `text:` terms of which it is not known where all their words stand.
    #[must_use]
    pub fn without_unknown(mut self, is_known: impl Fn(usize) -> bool) -> Self {
        self.terms.retain(|term| match &term.test {
            Test::Recorded(places) => places.clone().all(&is_known),
            _ => true,
        });
        self
    }

    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The `text:` terms' values, in order: what only the whole recorded text can tell.
    pub fn texts(&self) -> &[Query] {
        &self.texts
    }

    /// Whether it can depend on tool calls what fits.
    pub fn asks_of_calls(&self) -> bool {
        let of_calls = Kinds::TOOL.with(Kinds::ERROR, true);
        let of_calls = of_calls.with(Kinds::LIVE, true).with(Kinds::SUB_AGENT, true);
        self.terms.iter().any(|term| match &term.test {
            Test::Kind(kinds) => kinds.and(of_calls) != Kinds::NONE,
            Test::Text(field, _) => *field == Text::Tool,
            Test::Status(_) | Test::Amount(..) | Test::Recorded(_) => false,
        })
    }

    /// Whether `subject` is to be shown. `now_us`: µs since the Unix epoch. `has_text`: whether the recorded text of
    /// it has this one of [`Filter::texts`].
    pub fn matches(
        &self,
        subject: &(impl Subject + ?Sized),
        now_us: i64,
        has_text: impl Fn(usize) -> bool,
    ) -> bool {
        self.terms.iter().all(|term| term.holds(subject, Kinds::NONE, now_us, &has_text))
    }
}

impl Term {
    /// Whether it holds for a subject, which besides what it says is also of these kinds.
    fn holds(
        &self,
        subject: &(impl Subject + ?Sized),
        also: Kinds,
        now_us: i64,
        has_text: &dyn Fn(usize) -> bool,
    ) -> bool {
        let holds = match &self.test {
            Test::Kind(kinds) => subject.kinds().with(also, true).and(*kinds) != Kinds::NONE,
            Test::Text(field, needles) => subject
                .any_text(*field, &mut |shown| needles.iter().any(|needle| needle.is_in(shown))),
            Test::Status(ranges) => {
                subject.any_status(&mut |status| ranges.iter().any(|range| range.contains(&status)))
            }
            Test::Amount(quantity, amounts) => subject
                .quantity(*quantity, now_us)
                .is_some_and(|value| amounts.iter().any(|amount| amount.holds(value))),
            Test::Recorded(places) => places.clone().any(has_text),
        };
        holds != self.not
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl Search {
    /// Reads what somebody typed. Fields are those of a filter, and `role:`. All else is what is searched for, as
    /// [`Query::parse`] reads it: `-x` and `!x` too, because code is full of them. A field without a value is a
    /// word, because text is (`error in model: no such name`); `text:` is the same as the words without it.
    ///
    /// # Errors
    /// [`Problem`] for a field with a value that it cannot have.
    pub fn parse(typed: &str) -> Result<Self, Problem> {
        parse::search(typed)
    }

    /// Whether words of this role count.
    pub fn wants(&self, role: Role) -> bool {
        self.roles.iter().all(|(not, roles)| roles.contains(&role) != *not)
    }
}
