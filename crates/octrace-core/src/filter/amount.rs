//! Quantities: what can be compared, in which units, and comparing it.

/// What of a row is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Dollars.
    Cost,
    /// Tokens, in and out.
    Tokens,
    /// Tokens in, cached ones included.
    Input,
    /// Tokens out, reasoning included.
    Output,
    /// Tokens in that came from the provider's cache.
    Cached,
    /// Bytes of both bodies.
    Size,
    /// Bytes of the request's body.
    Sent,
    /// Bytes of the response's body.
    Received,
    /// How long it took, or takes so far, µs.
    Time,
    /// How long until the first piece of the answer, µs.
    First,
    /// Requests.
    Requests,
    /// Requests that went wrong.
    Errors,
    /// Which try it is; of a call with all its tries, how many.
    Attempt,
    /// How long ago it was, µs.
    Age,
}

/// What a quantity's numbers may have behind (or before) them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Dollars,
    Count,
    Bytes,
    Time,
}

impl Unit {
    /// How such an amount is written, for those who wrote it otherwise.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Dollars => "dollars, as 0.1 or $0.1",
            Self::Count => "a number, as 3, 50k or 1.5M",
            Self::Bytes => "a size, as 500, 10kB or 1.5MB",
            Self::Time => "a time, as 500ms, 2s, 1.5m, 2h or 7d",
        }
    }

    /// What one of it is worth; `None` for what it has no word for.
    fn factor(self, suffix: &str) -> Option<f64> {
        let table: &[(&str, f64)] = match self {
            Self::Dollars => &[("", 1.0)],
            Self::Count => &[("", 1.0), ("k", 1e3), ("m", 1e6), ("g", 1e9)],
            Self::Bytes => &[
                ("", 1.0),
                ("b", 1.0),
                ("k", 1e3),
                ("kb", 1e3),
                ("kib", 1_024.0),
                ("m", 1e6),
                ("mb", 1e6),
                ("mib", 1_048_576.0),
                ("g", 1e9),
                ("gb", 1e9),
                ("gib", 1_073_741_824.0),
            ],
            Self::Time => &[
                ("", 1e6),
                ("us", 1.0),
                ("µs", 1.0),
                ("ms", 1e3),
                ("s", 1e6),
                ("m", 6e7),
                ("min", 6e7),
                ("h", 3.6e9),
                ("d", 8.64e10),
                ("w", 6.048e11),
            ],
        };
        table.iter().find(|(word, _)| word.eq_ignore_ascii_case(suffix)).map(|(_, factor)| *factor)
    }
}

/// How a number is to stand to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
    /// Not equal: the term is the opposite of the one with [`Comparison::Equal`].
    Other,
}

impl Comparison {
    /// The same without [`Comparison::Other`].
    pub(super) fn negated(self, not: bool) -> (Self, bool) {
        match self {
            Self::Other => (Self::Equal, !not),
            comparison => (comparison, not),
        }
    }
}

/// What a number is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Amount {
    comparison: Comparison,
    value: f64,
    /// Half of what the last digit that was typed is worth: `4s` is anything that is rounded to 4 s.
    tolerance: f64,
}

impl Amount {
    /// Reads a number with its unit.
    pub(super) fn parse(typed: &str, comparison: Comparison, unit: Unit) -> Option<Self> {
        let number = if unit == Unit::Dollars { typed.strip_prefix('$') } else { None };
        let number = number.unwrap_or(typed);
        let is_digit = |char: char| char.is_ascii_digit() || char == '.';
        let end = number.find(|char| !is_digit(char)).unwrap_or(number.len());
        let (digits, suffix) = number.split_at_checked(end)?;
        let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let factor = unit.factor(suffix)?;
        let value = digits.parse::<f64>().ok().filter(|value| value.is_finite())?;
        let exponent = i32::try_from(decimals).ok()?;
        let tolerance = 0.5 * factor * 10_f64.powi(-exponent);
        Some(Self { comparison, value: value * factor, tolerance })
    }

    pub(super) fn holds(&self, of: f64) -> bool {
        match self.comparison {
            Comparison::Less => of < self.value,
            Comparison::AtMost => of <= self.value,
            Comparison::Equal | Comparison::Other => {
                self.value - self.tolerance <= of && of < self.value + self.tolerance
            }
            Comparison::AtLeast => of >= self.value,
            Comparison::More => of > self.value,
        }
    }
}
