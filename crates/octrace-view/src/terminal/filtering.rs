//! What a list shows: a filter, and where the words stand that it asks the recorded text for.

use std::{collections::HashSet, sync::Arc};

use octrace_core::{
    filter::{Filter, Subject, Within},
    search::Query,
};

use super::prompt::Prompt;
use crate::text::{Line, Paint, Style};

/// The source is asked for the same words again no sooner than this, in µs.
const PAUSE_US: i64 = 1_000_000;

/// A filter at work.
#[derive(Clone, Debug, Default)]
pub(super) struct Filtering {
    filter: Filter,
    /// For each of [`Filter::texts`].
    sought: Vec<Sought>,
    /// What the source was asked for last, until all of that is answered.
    open: Option<usize>,
    /// When that was, µs since the Unix epoch.
    asked_us: i64,
    /// From when on it may be asked again for what it was asked for before.
    again_us: i64,
    /// Whether one is being typed, which the foot shows.
    is_draft: bool,
}

/// Words that are looked for.
#[derive(Clone, Debug, Default)]
struct Sought {
    /// Where they stand, as far as is known.
    places: Option<Arc<Places>>,
    want: Want,
}

/// Whether the source is to be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Want {
    /// It never was.
    #[default]
    New,
    /// What it said holds no longer, or it did not answer.
    Again,
    /// It was, and nothing has changed since.
    Nothing,
}

/// Where words stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Places {
    sessions: HashSet<String>,
    exchanges: HashSet<i64>,
}

impl Filtering {
    pub(super) fn new(filter: Filter) -> Self {
        let sought = filter.texts().iter().map(|_| Sought::default()).collect();
        Self { filter, sought, ..Self::default() }
    }

    /// A filter instead of another: where words of both stand is known.
    pub(super) fn after(filter: Filter, before: &Self) -> Self {
        let mut now = Self::new(filter);
        for (sought, text) in now.sought.iter_mut().zip(now.filter.texts()) {
            let at = before.filter.texts().iter().position(|known| known == text);
            let known = at.and_then(|at| before.sought.get(at));
            sought.places = known.and_then(|known| known.places.clone());
        }
        now
    }

    /// What is typed instead of another filter. `None`: what was shown goes on to be shown, as a term is half typed.
    pub(super) fn typed(prompt: &mut Prompt, before: &Self) -> Option<Self> {
        match Filter::parse(prompt.text().trim()) {
            Ok(filter) => {
                let draft = Self::draft(filter, before);
                prompt.set_problem(None);
                prompt.set_hint(draft.hint());
                Some(draft).filter(|_| !Filter::is_unfinished(prompt.text()))
            }
            Err(problem) => {
                prompt.set_problem(Some((problem.at, problem.message)));
                None
            }
        }
    }

    /// The same while it is typed: words of which it is not known where they stand do not count yet.
    fn draft(filter: Filter, before: &Self) -> Self {
        let Self { filter, sought, .. } = Self::after(filter, before);
        let is_known =
            |text| sought.get(text).is_some_and(|sought: &Sought| sought.places.is_some());
        let filter = filter.without_unknown(is_known);
        Self { filter, sought, is_draft: true, ..Self::default() }
    }

    /// Whether it has words of which it is not known where they stand.
    pub(super) fn is_unknown(&self) -> bool {
        self.sought.iter().any(|sought| sought.places.is_none())
    }

    /// What can be done with it while it is typed.
    pub(super) fn hint(&self) -> &'static str {
        if self.is_unknown() {
            "enter looks for the text, ctrl-u clears"
        } else if self.is_empty() {
            ""
        } else {
            "enter keeps it, ctrl-u clears"
        }
    }

    /// Another one begins to be typed.
    pub(super) fn be_draft(&mut self) {
        self.is_draft = true;
    }

    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filter.is_empty()
    }

    /// The words that the source is to be asked for now, if it is: for one after the other, and not all the time.
    pub(super) fn ask(&mut self, now_us: i64) -> Option<Query> {
        // A clock that was set back is no reason to wait.
        if self.due_us()? > now_us && self.asked_us <= now_us {
            return None;
        }
        let wanted = |want| self.sought.iter().position(|sought| sought.want == want);
        let at = wanted(Want::New).or_else(|| wanted(Want::Again))?;
        self.sought[at].want = Want::Nothing;
        self.open = Some(at);
        (self.asked_us, self.again_us) = (now_us, now_us.saturating_add(PAUSE_US));
        self.filter.texts().get(at).cloned()
    }

    /// When the source is to be asked next, µs since the Unix epoch; `None` as long as there is nothing to ask.
    pub(super) fn due_us(&self) -> Option<i64> {
        let wants = |want| self.sought.iter().any(|sought| sought.want == want);
        match self.open {
            Some(_) => None,
            None if wants(Want::New) => Some(i64::MIN),
            None => wants(Want::Again).then_some(self.again_us),
        }
    }

    /// More was recorded: the words may stand there, too.
    pub(super) fn stale(&mut self) {
        for sought in &mut self.sought {
            if sought.want == Want::Nothing {
                sought.want = Want::Again;
            }
        }
    }

    /// What the source was asked for may never be answered.
    pub(super) fn lost(&mut self) {
        if let Some(sought) = self.open.take().and_then(|at| self.sought.get_mut(at)) {
            sought.want = Want::Again;
        }
    }

    /// What it says, for a header; nothing where everything is shown.
    pub(super) fn line(&self, style: &Style) -> Line {
        if self.is_empty() || self.is_draft {
            return Line::new();
        }
        let line = Line::new().layout(Paint::Dim, "filter ");
        let line = line.put(Paint::Accent, &self.filter.to_string());
        if !self.is_unknown() {
            return line;
        }
        line.layout(Paint::Dim, style.glyph(" searching…", " searching..."))
    }

    /// Words were found; whether that changes what is shown.
    pub(super) fn found(&mut self, words: &Query, places: &[(String, i64)], now_us: i64) -> bool {
        let Some(at) = self.filter.texts().iter().position(|text| text == words) else {
            return false;
        };
        if self.open == Some(at) {
            self.open = None;
            // A long search leaves the source as much time for other things.
            let took = now_us.saturating_sub(self.asked_us).max(0);
            self.again_us = self.again_us.max(now_us.saturating_add(took));
        }
        let known = &mut self.sought[at].places;
        let now = Places {
            sessions: places.iter().map(|(session, _)| session.clone()).collect(),
            exchanges: places.iter().map(|(_, exchange)| *exchange).collect(),
        };
        let is_news = known.as_deref() != Some(&now);
        *known = Some(Arc::new(now));
        is_news
    }

    /// Whether this is shown. As long as it is not known where words stand, they stand everywhere.
    pub(super) fn matches(&self, subject: &impl Subject, has: Has<'_>, now_us: i64) -> bool {
        self.filter.matches(subject, now_us, |text| self.has(text, has))
    }

    /// The filter for rows of this session: [`Filtering::fits`] says whether one is shown.
    pub(super) fn within(&self, session: &impl Subject) -> Within<'_> {
        self.filter.within(session)
    }

    /// As [`Filtering::matches`] for a row of the session that `within` was made for.
    pub(super) fn fits(
        &self,
        within: &Within<'_>,
        row: &impl Subject,
        has: Has<'_>,
        now_us: i64,
    ) -> bool {
        within.matches(row, now_us, |text| self.has(text, has))
    }

    fn has(&self, text: usize, has: Has<'_>) -> bool {
        let known = self.sought.get(text).and_then(|sought| sought.places.as_ref());
        let Some(places) = known else { return true };
        match has {
            Has::Session(id) => places.sessions.contains(id),
            Has::Exchange(id) => places.exchanges.contains(&id),
            Has::Nothing => false,
        }
    }
}

/// What recorded text something has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Has<'a> {
    /// All of this session's.
    Session(&'a str),
    /// This exchange's.
    Exchange(i64),
    /// None of its own.
    Nothing,
}
