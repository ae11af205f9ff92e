//! What a list shows: a filter, and where the words stand that it asks the recorded text for.

use std::collections::HashSet;

use octrace_core::filter::{Filter, Subject};

use crate::text::{Line, Paint, Style};

/// A filter at work.
#[derive(Clone, Debug, Default)]
pub(super) struct Filtering {
    filter: Filter,
    /// For each of [`Filter::texts`] what has it; `None` until that is known.
    found: Vec<Option<Places>>,
}

/// Where words stand.
#[derive(Clone, Debug, Default)]
struct Places {
    sessions: HashSet<String>,
    exchanges: HashSet<i64>,
}

impl Filtering {
    pub(super) fn new(filter: Filter) -> Self {
        let found = filter.texts().iter().map(|_| None).collect();
        Self { filter, found }
    }

    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filter.is_empty()
    }

    /// The words that have to be looked for.
    pub(super) fn wanted(&self) -> impl Iterator<Item = String> {
        let texts = self.filter.texts().iter().zip(&self.found);
        texts.filter(|(_, found)| found.is_none()).map(|(text, _)| text.to_string())
    }

    /// What it says, for a header; nothing where everything is shown.
    pub(super) fn line(&self, style: &Style) -> Line {
        if self.is_empty() {
            return Line::new();
        }
        let line = Line::new().layout(Paint::Dim, "filter ");
        let line = line.put(Paint::Accent, &self.filter.to_string());
        if self.found.iter().all(Option::is_some) {
            return line;
        }
        line.layout(Paint::Dim, style.glyph(" searching…", " searching..."))
    }

    /// Words were found; false if nobody asked for them here.
    pub(super) fn found(&mut self, words: &str, places: &[(String, i64)]) -> bool {
        let mut is_ours = false;
        for (text, found) in self.filter.texts().iter().zip(&mut self.found) {
            if text.to_string() == words {
                let sessions = places.iter().map(|(session, _)| session.clone()).collect();
                let exchanges = places.iter().map(|(_, exchange)| *exchange).collect();
                *found = Some(Places { sessions, exchanges });
                is_ours = true;
            }
        }
        is_ours
    }

    /// Whether this is shown. As long as it is not known where words stand, they stand everywhere.
    pub(super) fn matches(&self, subject: &impl Subject, has: Has<'_>, now_us: i64) -> bool {
        self.filter.matches(subject, now_us, |text| {
            let Some(Some(places)) = self.found.get(text) else { return true };
            match has {
                Has::Session(id) => places.sessions.contains(id),
                Has::Exchange(id) => places.exchanges.contains(&id),
                Has::Nothing => false,
            }
        })
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
