//! How often each model, agent, status and tool occurs in a session.

/// So many different words of a kind are counted in a session.
const KINDS: usize = 100;

/// How often each of a few words occurs.
pub(super) struct Counts<T>(Vec<(T, u64)>);

impl<T> Default for Counts<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord + Clone> Counts<T> {
    pub(super) fn add(&mut self, word: impl IntoIterator<Item = T>, count: u64) {
        for word in word {
            let is_full = self.0.len() == KINDS;
            match self.0.iter_mut().find(|(known, _)| *known == word) {
                Some((_, known)) => *known += count,
                None if is_full => {}
                None => self.0.push((word, count)),
            }
        }
    }

    /// Counts others in.
    pub(super) fn merge(&mut self, other: &Self) {
        for (word, count) in &other.0 {
            self.add([word.clone()], *count);
        }
    }

    /// The most frequent first.
    pub(super) fn words(mut self) -> impl Iterator<Item = T> {
        self.0.sort_by(|(a, many), (b, few)| few.cmp(many).then_with(|| a.cmp(b)));
        self.0.into_iter().map(|(word, _)| word)
    }
}
