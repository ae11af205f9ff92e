//! How much and how long: sizes and times as people write them, `500MB`, `2 GiB`, `30d`, `12h`.
//!
//! A unit is needed, and no limit is called `none`: a bare 0 could mean everything or nothing.

use std::{str::FromStr, time::Duration};

use jiff::{Span, SpanRelativeTo, Unit};

use super::value::{Raw, Setting};

/// The smallest size that means anything for a tape, which takes a fifth of it when it is empty.
const LEAST: Bytes = Bytes(1_000_000);

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bytes(pub(crate) u64);

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Age(pub(crate) Duration);

/// A limit, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit<T> {
    /// At most so much.
    To(T),
    /// As much as comes.
    None,
}

impl<T> Limit<T> {
    pub(crate) fn get(self) -> Option<T> {
        match self {
            Self::To(limit) => Some(limit),
            Self::None => None,
        }
    }
}

/// Single letters are powers of 1024, as other programs read them.
const UNITS: [(&str, u64); 14] = [
    ("tib", 1 << 40),
    ("gib", 1 << 30),
    ("mib", 1 << 20),
    ("kib", 1 << 10),
    ("tb", 1_000_000_000_000),
    ("gb", 1_000_000_000),
    ("mb", 1_000_000),
    ("kb", 1_000),
    ("t", 1 << 40),
    ("g", 1 << 30),
    ("m", 1 << 20),
    ("k", 1 << 10),
    ("bytes", 1),
    ("b", 1),
];

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let read = UNITS.iter().find_map(|(unit, bytes)| {
            let number: f64 = lower.strip_suffix(unit)?.trim_end().parse().ok()?;
            // As a float it has 52 bits, more than anybody means.
            (number.is_finite() && number >= 0.0).then_some(Self((number * *bytes as f64) as u64))
        });
        read.ok_or_else(|| "a size such as 500MB or 2GiB is needed".to_owned())
    }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let days = SpanRelativeTo::days_are_24_hours();
        let seconds = text.trim().parse::<Span>().and_then(|span| span.total((Unit::Second, days)));
        let read = seconds.ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        read.map(Self).ok_or_else(|| "a length of time such as 30d or 12h is needed".to_owned())
    }
}

impl std::fmt::Display for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, unit) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("MB", 1_000_000), ("kB", 1_000)] {
            if self.0 > 0 && self.0.is_multiple_of(unit) {
                return write!(f, "{} {name}", self.0 / unit);
            }
        }
        write!(f, "{} B", self.0)
    }
}

impl std::fmt::Display for Age {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.as_secs();
        for (name, unit) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
            if seconds > 0 && seconds.is_multiple_of(unit) {
                return write!(f, "{}{name}", seconds / unit);
            }
        }
        write!(f, "{seconds}s")
    }
}

impl<T: FromStr> FromStr for Limit<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        match text.trim() {
            "none" => Ok(Self::None),
            limit => limit.parse().map(Self::To),
        }
    }
}

fn read<T: FromStr>(raw: &Raw) -> Option<Limit<T>> {
    match raw {
        Raw::Text(text) | Raw::Variable(text) => text.parse().ok(),
        _ => None,
    }
}

fn show<T: ToString>(limit: &Limit<T>) -> String {
    match limit {
        Limit::To(limit) => limit.to_string(),
        Limit::None => "none".to_owned(),
    }
}

impl Setting for Limit<Bytes> {
    const MUST_BE: &str = "a size such as \"500MB\" or \"2GiB\", 1MB at least, or \"none\"";

    fn read(raw: &Raw) -> Option<Self> {
        read(raw).filter(|limit| *limit == Self::None || limit.get() >= Some(LEAST))
    }

    fn show(&self) -> String {
        show(self)
    }
}

impl Setting for Limit<Age> {
    const MUST_BE: &str = "a length of time such as \"30d\" or \"12h\", or \"none\"";

    fn read(raw: &Raw) -> Option<Self> {
        read(raw)
    }

    fn show(&self) -> String {
        show(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_people_write_them_and_are_shown_again() {
        let shown = |text: &str| text.parse::<Bytes>().map(|bytes| bytes.to_string());
        let good = ["500MB", "2 GiB", "2g", "1.5 GiB", "1024 b", "64kb", "0B", "1000 MB"];
        let good = good.map(|text| shown(text).unwrap()).join(", ");
        assert_eq!(good, "500 MB, 2 GiB, 2 GiB, 1536 MiB, 1024 B, 64 kB, 0 B, 1000 MB");
        for bad in ["", "5", "GB", "-1 GB", "nan GB", "1 XB", "none", "1 GB 2"] {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ages_are_as_people_write_them_and_are_shown_again() {
        let shown = |text: &str| text.parse::<Age>().map(|age| age.to_string());
        let good = ["30d", "12h", "2 weeks", "90 min", "1d 12h", "45s", "0s"];
        let good = good.map(|text| shown(text).unwrap()).join(", ");
        assert_eq!(good, "30d, 12h, 14d, 90m, 36h, 45s, 0s");
        for bad in ["", "30", "d", "-1d", "2 months", "none"] {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_limit_has_a_name_and_a_bare_number_is_none() {
        let size = |raw| Limit::<Bytes>::read(&raw);
        assert_eq!(size(Raw::Text("none".into())), Some(Limit::None));
        assert_eq!(size(Raw::Variable("1MB".into())), Some(Limit::To(LEAST)));
        assert_eq!(size(Raw::Text("999 kB".into())), None, "no tape is that small");
        assert_eq!(size(Raw::Number(0)), None);
        assert_eq!(size(Raw::Text("0".into())), None);
    }
}
