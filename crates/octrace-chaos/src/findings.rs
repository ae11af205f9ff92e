//! What is not as it was promised.

use std::fmt;

/// What was counted, of a cycle or of all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Exchanges on the tape.
    pub(crate) exchanges: usize,
    /// Events on the tape.
    pub(crate) events: usize,
    /// Spans that arrived.
    pub(crate) spans: usize,
    /// Processes that were killed.
    pub(crate) kills: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It was written, and is not there, or not as it was.
    Lost,
    /// It is there more than once.
    Twice,
    /// Somebody does not come to an end.
    Hang,
    Panic,
}

/// What was found in one cycle, or in all.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) counts: Counts,
    pub(crate) all: Vec<(Kind, String)>,
}

impl Findings {
    pub(crate) fn note(&mut self, kind: Kind, what: impl Into<String>) {
        self.all.push((kind, what.into()));
    }

    /// Holds what is there against what should be, each once; `what` says what it is.
    pub(crate) fn compare(&mut self, what: &str, should: &[String], is: &[String]) {
        let (should, is) = (counted(should), counted(is));
        for (one, wanted) in &should {
            let there = is.get(one).copied().unwrap_or(0);
            if there < *wanted {
                self.note(Kind::Lost, format!("{what}: {one} is there {there} times of {wanted}"));
            }
        }
        for (one, there) in &is {
            let wanted = should.get(one).copied().unwrap_or(0);
            if *there > wanted {
                self.note(Kind::Twice, format!("{what}: {one} is there {there} times of {wanted}"));
            }
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.counts.exchanges += other.counts.exchanges;
        self.counts.events += other.counts.events;
        self.counts.spans += other.counts.spans;
        self.counts.kills += other.counts.kills;
        self.all.extend(other.all);
    }

    fn of(&self, kind: Kind) -> usize {
        self.all.iter().filter(|(of, _)| *of == kind).count()
    }
}

fn counted(all: &[String]) -> std::collections::BTreeMap<&str, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for one in all {
        *counts.entry(one.as_str()).or_default() += 1;
    }
    counts
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { exchanges, events, spans, kills } = self.counts;
        let (lost, twice) = (self.of(Kind::Lost), self.of(Kind::Twice));
        let (hangs, panics) = (self.of(Kind::Hang), self.of(Kind::Panic));
        write!(
            f,
            "{exchanges} exchanges, {events} events, {spans} spans, {kills} kills; \
             {lost} lost, {twice} twice, {hangs} hangs, {panics} panics"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_and_what_is_there_again_is_found() {
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mut findings = Findings::default();
        findings.compare("events", &list("a b b"), &list("b a b"));
        assert!(findings.all.is_empty());
        findings.compare("events", &list("a b c"), &list("a a c"));
        assert_eq!((findings.of(Kind::Lost), findings.of(Kind::Twice)), (1, 1));
    }
}
