//! Looking for words in short texts: case apart, as part of a word, without making anything of the text.

use memchr::{memchr2_iter, memchr3_iter};

/// One thing that a row shows.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// A text.
    Text(&'a str),
    /// A model, of which it is known (or not) who provides it: both as `provider/model`.
    Model {
        /// OpenCode's provider id; may be empty.
        provider: &'a str,
        /// The model.
        model: &'a str,
    },
    /// An exchange's id, shown as `#12`.
    Id(i64),
    /// A number that is shown as it is.
    Number(i64),
}

/// Words that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Needle {
    /// What stands between white space, in lower case; none empty.
    runs: Vec<String>,
    /// For one that may be a number: its digits, and whether `#` stands before them.
    digits: Option<(String, bool)>,
}

impl Needle {
    /// `None` when there is nothing to look for.
    pub(super) fn new(typed: &str) -> Option<Self> {
        let fold = |run: &str| run.chars().flat_map(char::to_lowercase).collect::<String>();
        let runs: Vec<String> = typed.split_whitespace().map(fold).collect();
        let digits = match runs.as_slice() {
            [] => return None,
            [one] => {
                let bare = one.strip_prefix('#');
                let digits = bare.unwrap_or(one);
                let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                is_number.then(|| (digits.to_owned(), bare.is_some()))
            }
            _ => None,
        };
        Some(Self { runs, digits })
    }

    /// Whether it stands there.
    pub(super) fn is_in(&self, shown: Shown<'_>) -> bool {
        match shown {
            Shown::Text(text) => self.is_in_text(text),
            Shown::Model { provider, model } => {
                self.is_in_text(model)
                    || self.is_in_text(provider)
                    || self.is_across(provider, model)
            }
            Shown::Id(id) => self.digits.as_ref().is_some_and(|(digits, is_id)| {
                if *is_id { digits.parse() == Ok(id) } else { has_digits(id, digits) }
            }),
            Shown::Number(number) => self
                .digits
                .as_ref()
                .is_some_and(|(digits, is_id)| !is_id && has_digits(number, digits)),
        }
    }

    fn is_in_text(&self, text: &str) -> bool {
        let Some(first) = self.runs.first().and_then(|run| run.chars().next()) else {
            return true;
        };
        let bytes = text.as_bytes();
        let second = self.runs.first().and_then(|run| run.as_bytes().get(1).copied());
        let begins_at = |at: usize| {
            // Nearly always it ends here.
            second.is_none_or(|second| {
                let next = bytes.get(at + 1).copied().unwrap_or_default();
                next.eq_ignore_ascii_case(&second) || !next.is_ascii() || !second.is_ascii()
            }) && text.get(at..).is_some_and(|rest| self.begins(rest))
        };
        // Two letters of ASCII are the lower case of another character, too: of `K` (Kelvin) and of `İ`.
        let lead = match first {
            'k' => Some(0xE2),
            'i' => Some(0xC4),
            _ => None,
        };
        match (u8::try_from(first).ok().filter(u8::is_ascii), lead) {
            (Some(byte), Some(lead)) => {
                memchr3_iter(byte, byte.to_ascii_uppercase(), lead, bytes).any(begins_at)
            }
            (Some(byte), None) => {
                memchr2_iter(byte, byte.to_ascii_uppercase(), bytes).any(begins_at)
            }
            (None, _) => text.char_indices().any(|(at, _)| begins_at(at)),
        }
    }

    /// Whether this text begins with it.
    fn begins(&self, text: &str) -> bool {
        let mut rest = text;
        for (place, run) in self.runs.iter().enumerate() {
            if place > 0 {
                let next = rest.trim_start();
                if next.len() == rest.len() {
                    return false;
                }
                rest = next;
            }
            match strip(rest, run) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        true
    }

    /// Whether one of its slashes is the one between provider and model.
    fn is_across(&self, provider: &str, model: &str) -> bool {
        let [run] = self.runs.as_slice() else { return false };
        !provider.is_empty()
            && run.match_indices('/').any(|(at, _)| {
                let (left, right) = (run.get(..at), run.get(at + 1..));
                let start = provider.len().checked_sub(at);
                let tail = start.and_then(|start| provider.get(start..));
                left.zip(tail).is_some_and(|(left, tail)| tail.eq_ignore_ascii_case(left))
                    && right.is_some_and(|right| strip(model, right).is_some())
            })
    }
}

/// Whether these digits stand side by side in the number.
fn has_digits(number: i64, digits: &str) -> bool {
    let mut shown = [0; 20];
    let mut left = number.unsigned_abs();
    let mut length = 0;
    for place in shown.iter_mut().rev() {
        *place = b'0' + (left % 10) as u8;
        left /= 10;
        length += 1;
        if left == 0 {
            break;
        }
    }
    let shown = shown.get(shown.len() - length..).unwrap_or_default();
    !digits.is_empty() && shown.windows(digits.len()).any(|part| part == digits.as_bytes())
}

/// What comes after `run`, which is in lower case, when `text` begins with it in whatever case.
fn strip<'t>(text: &'t str, run: &str) -> Option<&'t str> {
    if let Some((begin, rest)) = text.split_at_checked(run.len())
        && begin.eq_ignore_ascii_case(run)
    {
        return Some(rest);
    }
    if run.is_ascii() && text.as_bytes().get(..run.len()).is_some_and(<[u8]>::is_ascii) {
        return None;
    }
    let mut wanted = run.chars().peekable();
    let mut chars = text.chars();
    while wanted.peek().is_some() {
        // The end of the run may be the beginning of what one character folds to.
        for folded in chars.next()?.to_lowercase() {
            if wanted.next().is_some_and(|wanted| wanted != folded) {
                return None;
            }
        }
    }
    Some(chars.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_of_a_number_are_those_that_are_shown(number: i64, digits in "[0-9]{1,4}") {
            prop_assert_eq!(has_digits(number, &digits), number.to_string().contains(&digits));
        }
    }
}
