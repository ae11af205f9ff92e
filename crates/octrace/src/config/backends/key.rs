//! A key of a tracing backend: what goes where is told apart by its fingerprint, and nobody ever sees the key.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::config::value::{Raw, Setting};

/// A key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

impl Key {
    /// `None` for what cannot stand in a header.
    pub(crate) fn new(text: &str) -> Option<Self> {
        is_plain(text).then(|| Self(text.to_owned()))
    }

    /// All of it: for whoever sends it, and for nothing else.
    pub(crate) fn whole(&self) -> &str {
        &self.0
    }

    /// What tells two keys apart.
    pub(crate) fn print(&self) -> String {
        print(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(…{})", self.print())
    }
}

impl Setting for Key {
    const MUST_BE: &str = "a key: ASCII characters, without a line break";

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Text(text) | Raw::Variable(text) => Self::new(text),
            _ => None,
        }
    }

    fn show(&self) -> String {
        format!("set (…{})", self.print())
    }
}

/// What tells two keys apart without saying what they are, as the plugin has it too (`plugin/backends.ts`): the first
/// eight hexadecimal digits of the SHA-256 of `octrace key`, a zero byte, and the key.
pub(super) fn print(key: &str) -> String {
    let hash = Sha256::new().chain_update("octrace key\0").chain_update(key).finalize();
    let [a, b, c, d, ..] = <[u8; 32]>::from(hash);
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}

/// Whether it can stand in a header: printable ASCII.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugin_and_we_tell_keys_apart_by_the_same_digits() {
        #[derive(serde::Deserialize)]
        struct Vectors {
            keys: Vec<Vector>,
        }
        #[derive(serde::Deserialize)]
        struct Vector {
            key: String,
            sent: String,
        }
        let vectors = include_str!("../../../../../fixtures/wire/keys.json");
        let Vectors { keys } = serde_json::from_str(vectors).unwrap();
        for Vector { key, sent } in keys {
            let print = Key::new(&key).map(|key| key.print());
            assert_eq!(print.unwrap_or_default(), sent, "{key:?}");
        }
    }

    #[test]
    fn nothing_shows_a_key() {
        let key = Key::new("geheim-17").unwrap();
        assert_eq!(key.whole(), "geheim-17");
        assert!(!format!("{key:?} {}", key.show()).contains("geheim"));
    }
}
