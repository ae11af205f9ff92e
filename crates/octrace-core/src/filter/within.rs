//! A filter for the rows of one session. What rows do not say of themselves their session says, and that is decided
//! once, not for each of a hundred thousand rows.

use super::{Filter, Kinds, Subject, Term, Test, Text};

/// What of a filter is still to be decided for each row of a session.
#[derive(Clone, Debug)]
pub struct Within<'a> {
    /// What is quickly decided first; `None` where nothing of this session fits.
    terms: Option<Vec<&'a Term>>,
    /// What the session says its rows are.
    kinds: Kinds,
}

impl Filter {
    /// The filter for the rows of this session.
    pub fn within(&self, session: &(impl Subject + ?Sized)) -> Within<'_> {
        let kinds = session.kinds().and(Kinds::SUB_AGENT);
        let (decided, mut terms): (Vec<&Term>, Vec<&Term>) =
            self.terms.iter().partition(|term| match &term.test {
                Test::Text(field, _) => {
                    matches!(field, Text::Session | Text::Title | Text::Project)
                }
                Test::Kind(_) | Test::Status(_) | Test::Amount(..) | Test::Recorded(_) => false,
            });
        terms.sort_by_key(|term| matches!(term.test, Test::Text(..)));
        let fits = decided.iter().all(|term| term.holds(session, Kinds::NONE, 0, &|_| false));
        Within { terms: fits.then_some(terms), kinds }
    }
}

impl Within<'_> {
    /// Whether `row` is to be shown, as [`Filter::matches`] says it.
    pub fn matches(
        &self,
        row: &(impl Subject + ?Sized),
        now_us: i64,
        has_text: impl Fn(usize) -> bool,
    ) -> bool {
        self.terms.as_ref().is_some_and(|terms| {
            terms.iter().all(|term| term.holds(row, self.kinds, now_us, &has_text))
        })
    }
}
