//! Long strings that were searched before, and in which nothing was found.
//!
//! The same string comes again and again where no body begins alike: the tools stand behind the messages, which grow; a
//! marker moves from message to message; and what a tool gave stands in OpenCode's event and in the next request.
//! What is found in a string depends on nothing around it, so it need not be searched again, until more is secret.
//!
//! Nothing of what was sent is in here: hashes only.

use std::collections::HashSet;

use super::memory::Key;

/// What is shorter is searched about as fast as it is looked up.
const SHORTEST: usize = 256;

/// A generation holds so many strings; there are two.
const GENERATION: usize = 4096;

/// Hashes of strings. What is used stays longest.
pub(super) struct Strings {
    shortest: usize,
    young: HashSet<Key>,
    old: HashSet<Key>,
}

impl Default for Strings {
    fn default() -> Self {
        Self::of_at_least(SHORTEST)
    }
}

impl Strings {
    /// For strings of so many bytes or more.
    pub(super) fn of_at_least(shortest: usize) -> Self {
        Self { shortest, young: HashSet::new(), old: HashSet::new() }
    }

    /// What a string is remembered by; `None` where it is too short for that.
    pub(super) fn key(&self, content: &[u8]) -> Option<Key> {
        (content.len() >= self.shortest).then(|| *blake3::hash(content).as_bytes())
    }

    /// Whether nothing was found in it.
    pub(super) fn has(&mut self, key: &Key) -> bool {
        if self.old.remove(key) {
            self.insert(*key);
        }
        self.young.contains(key)
    }

    /// Nothing was found in it.
    pub(super) fn insert(&mut self, key: Key) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key);
    }

    /// Because other things are secret from now on.
    pub(super) fn forget(&mut self) {
        *self = Self::of_at_least(self.shortest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{Redactor, literal::tests as literal};

    #[test]
    fn a_string_is_known_wherever_it_stands_until_more_is_secret() {
        let text = r"It reads a file.\nAnd a plain-canary-1 in it. ".repeat(20);
        let mut redactor = Redactor::new(literal::SALT);
        let event = format!(r#"{{"output":"{text}"}}"#);
        let body = format!(r#"{{"messages":[{{"content":"{text}"}}]}}"#);
        let key = redactor.strings.get_mut().key(text.as_bytes()).unwrap();
        redactor.json(event.as_bytes());
        assert!(redactor.strings.get_mut().has(&key), "found in an event");
        let kept = redactor.body("", body.clone().into_bytes()).into_inner();
        assert_eq!(String::from_utf8(kept).unwrap(), body);
        redactor.learn(&[literal::print("plain-canary-1")]);
        assert!(!redactor.strings.get_mut().has(&key));
        let kept = redactor.body("", body.into_bytes()).into_inner();
        assert!(!String::from_utf8(kept).unwrap().contains("plain-canary-1"));
        assert!(!redactor.strings.get_mut().has(&key), "something was found in it");
    }

    #[test]
    fn a_text_is_known_until_more_is_secret() {
        let text = "It reads a file.\nAnd a plain-canary-1 in it. ".repeat(20);
        let mut redactor = Redactor::new(literal::SALT);
        let key = redactor.texts.get_mut().key(text.as_bytes()).unwrap();
        for _ in 0..2 {
            assert_eq!(redactor.text(&*text).into_inner(), text);
            assert!(redactor.texts.get_mut().has(&key));
            assert!(!redactor.strings.get_mut().has(&key), "that has escapes");
        }
        redactor.learn(&[literal::print("plain-canary-1")]);
        for _ in 0..2 {
            assert!(!redactor.text(&*text).into_inner().contains("plain-canary-1"));
        }
    }

    #[test]
    fn they_are_bounded_and_what_is_used_stays() {
        let mut strings = Strings::of_at_least(1);
        let keys: Vec<_> =
            (0..5 * GENERATION).map(|n| strings.key(&n.to_le_bytes()).unwrap()).collect();
        for key in &keys {
            strings.insert(*key);
            assert!(strings.has(&keys[0]));
        }
        assert!(strings.young.len() <= GENERATION && strings.old.len() <= GENERATION);
        assert!(!strings.has(&keys[1]));
    }
}
