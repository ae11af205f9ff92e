//! Recordings as text for terminals: lists, trees, single exchanges.
//!
//! Everything recorded is hostile: titles, commands, answers and errors may carry terminal control
//! sequences. The only way onto a `line::Line` is through [`safe`], so no caller can forget it; what
//! is meant for machines ([`request::raw_request`], [`request::raw_response`]) stays exact.

mod blame;
pub(crate) mod figures;
mod grid;
pub(crate) mod line;
mod queue;
pub mod request;
pub mod safe;
mod search;
pub(crate) mod sessions;
pub(crate) mod show;
mod usage;
mod verify;

use std::ops::Range;

use jiff::{Timestamp, tz::TimeZone};

pub use self::blame::{blame, blame_line};
pub use self::queue::queue;
pub use self::sessions::sessions;
pub use self::show::{show, show_part};
pub(crate) use line::Line;
pub use search::search;
pub use usage::{pruned, too_large, usage, would_prune};
pub use verify::verification;

/// `7 requests`, `1 request`.
pub fn counted(number: u64, one: &str) -> String {
    figures::many(number, one)
}

/// What was typed, and under it a mark for the bytes that are meant.
pub fn pointed_at(typed: &str, at: Range<usize>) -> String {
    let shown = |range: Range<usize>| safe::line(typed.get(range).unwrap_or_default()).into_owned();
    let (before, meant) = (shown(0..at.start), shown(at.clone()));
    let after = shown(at.end..typed.len());
    let gap = " ".repeat(line::width(&before));
    let mark = "^".repeat(line::width(&meant).max(1));
    format!("{before}{meant}{after}\n{gap}{mark}\n")
}

/// `512 B`, `1.2 kB`, `48 MB`.
pub fn sized(bytes: u64) -> String {
    figures::bytes(bytes)
}

/// How text may look where it goes.
#[derive(Clone, Debug)]
pub struct Style {
    /// Whether to use ANSI colours. The caller knows about `NO_COLOR` and pipes.
    pub color: bool,
    /// Whether lines and marks may be drawn with more than ASCII.
    pub unicode: bool,
    /// Where times are told.
    pub zone: TimeZone,
}

impl Style {
    /// No colours, times in UTC: for files and tests.
    pub fn plain() -> Self {
        Self { color: false, unicode: true, zone: TimeZone::UTC }
    }

    /// `unicode` where the style allows it, else `ascii`.
    pub(crate) fn glyph(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    /// `2026-11-20 08:49:18`, for µs since the Unix epoch.
    pub(crate) fn date_time(&self, at_us: i64) -> String {
        self.format(at_us, "%Y-%m-%d %H:%M:%S")
    }

    pub(crate) fn format(&self, at_us: i64, format: &str) -> String {
        match Timestamp::from_microsecond(at_us) {
            Ok(at) => at.to_zoned(self.zone.clone()).strftime(format).to_string(),
            // A recording may claim any time; beyond the calendar there is only the number.
            Err(_) => format!("{at_us} µs"),
        }
    }
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Paint {
    #[default]
    Plain,
    Strong,
    Dim,
    Good,
    Bad,
    Warn,
    Accent,
    Meta,
    /// What was searched for.
    Found,
}

impl Paint {
    /// The parameters of the ANSI sequence that switches it on.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Dim => Some("2"),
            Self::Good => Some("32"),
            Self::Bad => Some("31"),
            Self::Warn => Some("33"),
            Self::Accent => Some("36"),
            Self::Meta => Some("35"),
            Self::Found => Some("1;33"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_marked_in_columns() {
        let marked = |typed: &str, at: Range<usize>| pointed_at(typed, at);
        assert_eq!(marked("日本 x", 7..8), "日本 x\n     ^\n");
        assert_eq!(marked("a\u{1b}b", 1..2), "a␛b\n ^\n");
        assert_eq!(marked("ab", 2..2), "ab\n  ^\n");
        assert_eq!(marked("é", 1..9), "\n^\n", "no place in it");
    }
}
