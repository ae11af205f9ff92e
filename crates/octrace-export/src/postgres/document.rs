//! JSON that `jsonb` can hold. What is valid JSON need not be: `\u0000` and half a surrogate pair are no text to
//! Postgres, its numbers and its stack are finite. Whatever it would refuse is replaced, and nothing else.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// Objects and arrays within each other, beyond which one becomes the text that it is. Postgres gives up at a few
/// thousand, many readers at 128.
const DEEPEST: usize = 100;

/// Digits of a number, and of its exponent's size, beyond which it becomes text.
const LONGEST_NUMBER: usize = 1000;
const LARGEST_EXPONENT: u32 = 1000;

/// What stands for a character that cannot be stored.
const REPLACEMENT: &[u8] = br"\ufffd";

/// The document as it can be stored, and whether it had to be altered for that: U+FFFD stands for a character that cannot
/// be stored; a number that is too large, and what is nested too deeply, became the text that it was. What is
/// no JSON at all becomes one text.
pub(super) fn storable(json: &str) -> (Cow<'_, str>, bool) {
    let mut scan = Scan { text: json.as_bytes(), at: 0, depth: 0, out: Vec::new(), copied: 0 };
    scan.all();
    let storable = match scan.copied {
        0 => Cow::Borrowed(json),
        copied => {
            scan.out.extend_from_slice(&scan.text[copied..]);
            // It was cut at ASCII characters only.
            Cow::Owned(String::from_utf8_lossy(&scan.out).into_owned())
        }
    };
    match serde_json::from_str::<IgnoredAny>(&storable) {
        Ok(_) => {
            let altered = matches!(storable, Cow::Owned(_));
            (storable, altered)
        }
        Err(_) => (Cow::Owned(quoted(json.as_bytes())), true),
    }
}

/// As a string of JSON that can be stored.
fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text).replace('\0', "\u{fffd}");
    serde_json::Value::String(text).to_string()
}

/// Goes through JSON once.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    out: Vec<u8>,
    /// Up to where `out` has the text; 0: it is not needed yet.
    copied: usize,
}

impl Scan<'_> {
    fn all(&mut self) {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'"' => self.string(),
                b'{' | b'[' if self.depth == DEEPEST => {
                    let start = self.at;
                    self.skip_nested();
                    self.replace(start, quoted(&self.text[start..self.at]).as_bytes());
                }
                b'{' | b'[' => {
                    self.depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.at += 1;
                }
                b'-' | b'0'..=b'9' => self.number(),
                _ => self.at += 1,
            }
        }
    }

    /// What stood between `start` and here becomes this.
    fn replace(&mut self, start: usize, with: &[u8]) {
        self.out.extend_from_slice(&self.text[self.copied..start]);
        self.out.extend_from_slice(with);
        self.copied = self.at;
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' => self.escape(),
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) {
        let start = self.at;
        let Some(unit) = self.unit(start) else {
            self.at = self.text.len().min(start + 2);
            return;
        };
        self.at = start + 6;
        match unit {
            0xd800..=0xdbff if matches!(self.unit(self.at), Some(0xdc00..=0xdfff)) => self.at += 6,
            0 | 0xd800..=0xdfff => self.replace(start, REPLACEMENT),
            _ => {}
        }
    }

    /// The four digits of the `\u` that stands here.
    fn unit(&self, at: usize) -> Option<u16> {
        let digits = self.text.get(at..at + 6)?.strip_prefix(br"\u")?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    }

    fn number(&mut self) {
        let start = self.at;
        let rest = &self.text[start..];
        let is_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().position(|byte| !is_number(byte)).unwrap_or(rest.len());
        self.at = start + length;
        let number = &rest[..length];
        let exponent = number.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let exponent = exponent.map_or(Some(0), |e| {
            let digits = std::str::from_utf8(&number[e + 1..]).ok()?;
            digits.trim_start_matches(['+', '-']).parse::<u32>().ok()
        });
        let fits = exponent.is_some_and(|exponent| exponent <= LARGEST_EXPONENT);
        if length > LONGEST_NUMBER || !fits {
            self.replace(start, quoted(number).as_bytes());
        }
    }

    /// Goes behind the object or array that begins here.
    fn skip_nested(&mut self) {
        let mut open = 0_usize;
        while let Some(&byte) = self.text.get(self.at) {
            self.at += 1;
            match byte {
                b'{' | b'[' => open += 1,
                b'}' | b']' if open == 1 => return,
                b'}' | b']' => open -= 1,
                b'"' => self.skip_string(),
                _ => {}
            }
        }
    }

    /// Goes behind the string whose first quote is just behind us.
    fn skip_string(&mut self) {
        while let Some(&byte) = self.text.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => return,
                b'\\' => self.at += 1,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_can_be_stored_is_left_as_it_is() {
        for json in [
            "{}",
            r#"{"a": [1, -2.50, 3e10, true, null], "b": "\u00e9 \ud83d\ude00 \\u0000 \" 😀"}"#,
            r#""\\\\u0000""#,
            "  17 ",
        ] {
            assert_eq!(storable(json), (Cow::Borrowed(json), false));
        }
    }

    #[test]
    fn characters_that_are_none_are_replaced() {
        for (json, stored) in [
            (r#"{"a\u0000b":"\u0000"}"#, r#"{"a\ufffdb":"\ufffd"}"#),
            (r#""\ud800 \udc00 \uD83Dx \ud83d""#, r#""\ufffd \ufffd \ufffdx \ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\\u0000""#, r#""\\\ufffd""#),
        ] {
            assert_eq!(storable(json), (stored.into(), true), "{json}");
        }
    }

    #[test]
    fn numbers_beyond_measure_become_text() {
        let long = "7".repeat(1001);
        for number in ["1e1001", "-2E-99999999999", long.as_str()] {
            let stored = format!(r#"{{"n":"{number}","m":1}}"#);
            let json = format!(r#"{{"n":{number},"m":1}}"#);
            assert_eq!(storable(&json), (stored.into(), true));
        }
    }

    #[test]
    fn what_is_nested_beyond_measure_becomes_text() {
        let nested = |depth: usize, inner: &str| {
            format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth))
        };
        let deep = nested(DEEPEST, "1");
        assert_eq!(storable(&deep), (deep.as_str().into(), false));
        let deeper = nested(DEEPEST, r#"{"]":"\u0000"}, 2"#);
        let (stored, altered) = storable(&deeper);
        let expected = nested(DEEPEST, r#""{\"]\":\"\\u0000\"}", 2"#);
        assert_eq!((stored.as_ref(), altered), (expected.as_str(), true));
        let million = nested(1_000_000, "");
        assert!(storable(&million).1);
    }

    #[test]
    fn what_is_no_json_becomes_one_text() {
        for json in ["", "NaN", "[1,", "{\"a\":Infinity}", "\"\u{0}\"", "[1]]"] {
            let (stored, altered) = storable(json);
            let text: String = serde_json::from_str(&stored).unwrap();
            assert_eq!((text, altered), (json.replace('\0', "\u{fffd}"), true));
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_out_is_json_and_needs_nothing_more(text in r#"[\[\]{}":,\\u0dD8e1\-. ]{0,60}"#) {
            let (stored, _) = storable(&text);
            serde_json::from_str::<IgnoredAny>(&stored).unwrap();
            prop_assert!(!storable(&stored).1);
        }
    }
}
