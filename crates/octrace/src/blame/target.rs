//! `FILE`, `FILE:LINE`, `FILE:FROM-TO`: which file and which of its lines are meant.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The file.
    pub(crate) path: PathBuf,
    /// The lines, from 1, both included; `None`: all.
    pub(crate) lines: Option<(usize, usize)>,
}

impl Target {
    /// Reads it. A file of the whole name has precedence over lines of another one.
    pub(crate) fn read(typed: &OsStr, exists: impl Fn(&Path) -> bool) -> Self {
        let whole = Self { path: typed.into(), lines: None };
        if exists(&whole.path) {
            return whole;
        }
        let bytes = typed.as_bytes();
        let Some(colon) = bytes.iter().rposition(|byte| *byte == b':') else { return whole };
        let Some(lines) = std::str::from_utf8(&bytes[colon + 1..]).ok().and_then(range) else {
            return whole;
        };
        Self { path: OsString::from_vec(bytes[..colon].to_vec()).into(), lines: Some(lines) }
    }
}

/// `12`, `12-20`.
fn range(text: &str) -> Option<(usize, usize)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    Some((from.parse().ok()?, to.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_behind_the_last_colon() {
        let read = |typed: &str| {
            let Target { path, lines } =
                Target::read(typed.as_ref(), |path| path == Path::new("odd:7"));
            (path.display().to_string(), lines)
        };
        assert_eq!(read("a/b.rs"), ("a/b.rs".to_owned(), None));
        assert_eq!(read("a/b.rs:12"), ("a/b.rs".to_owned(), Some((12, 12))));
        assert_eq!(read("a:b.rs:3-40"), ("a:b.rs".to_owned(), Some((3, 40))));
        assert_eq!(read("odd:7"), ("odd:7".to_owned(), None), "it is there");
        assert_eq!(read("odd:7:1"), ("odd:7".to_owned(), Some((1, 1))));
        for plain in ["a:", "a:b", "a:1-", "a:-1", "a:1-2-3"] {
            assert_eq!(read(plain), (plain.to_owned(), None));
        }
    }
}
