//! Text with numbered lines, without the numbers.
//!
//! A tool shows the model a file as `1: use std::fs;`, `2: `, `3: fn main() {`, inside a JSON string. The numbers
//! are a tenth of that text, and they cut everything that it repeats into single lines: the file in OpenCode's own
//! words beside it, which has no numbers, and the same file a line further down. So the tape keeps such a
//! part without them ([`crate::codec::Codec::Numbered`]):
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | where the first number stands, in bytes of the text below |
//! | 4 | the first number |
//! | 4 | how many lines in a row have one |
//! | … | the text without `<number>: ` at the begin of these lines |
//!
//! Integers are little-endian. A line ends with a line feed as JSON escapes it, `\n`.

use std::io::Write;

const HEAD: usize = 12;

/// Fewer lines are not worth it.
const LEAST: u32 = 8;

/// The most bytes that are kept beside the text.
pub(crate) const OVERHEAD: usize = HEAD;

/// Lines in a row, each with the number that follows the one before.
#[derive(Clone, Copy, Default)]
struct Run {
    /// Where the first number stands.
    at: usize,
    first: u32,
    lines: u32,
}

/// The text without the numbers of its longest run of numbered lines; `None` when that is not worth it.
pub(crate) fn strip(text: &[u8]) -> Option<Vec<u8>> {
    let run = longest_run(text)?;
    let mut stripped = Vec::with_capacity(HEAD + text.len());
    for number in [u32::try_from(run.at).ok()?, run.first, run.lines] {
        stripped.extend_from_slice(&number.to_le_bytes());
    }
    stripped.extend_from_slice(&text[..run.at]);
    let mut rest = &text[run.at..];
    for _ in 0..run.lines {
        let (_, length) = number(rest)?;
        let (line, after) = rest[length..].split_at(end_of_line(&rest[length..]));
        stripped.extend_from_slice(line);
        rest = after;
    }
    stripped.extend_from_slice(rest);
    Some(stripped)
}

/// Appends the text that [`strip`] made this of. Whether that has its right size is for others to say, but it has at
/// most `limit` bytes; `None` when it would have more, or when this cannot be.
pub(crate) fn restore(stripped: &[u8], limit: usize, text: &mut Vec<u8>) -> Option<()> {
    let (head, kept) = stripped.split_first_chunk::<HEAD>()?;
    let [at, first, lines] =
        [0, 4, 8].map(|place| u32::from_le_bytes(std::array::from_fn(|n| head[place + n])));
    let limit = text.len().checked_add(limit)?;
    let (before, mut rest) = kept.split_at_checked(usize::try_from(at).ok()?)?;
    text.extend_from_slice(before);
    for number in first..first.checked_add(lines)? {
        if text.len() + rest.len() > limit {
            return None;
        }
        write!(text, "{number}: ").ok()?;
        let (line, after) = rest.split_at(end_of_line(rest));
        text.extend_from_slice(line);
        rest = after;
    }
    text.extend_from_slice(rest);
    (text.len() <= limit).then_some(())
}

fn longest_run(text: &[u8]) -> Option<Run> {
    let (mut longest, mut run) = (Run::default(), Run::default());
    let mut at = 0;
    while at < text.len() {
        match number(&text[at..]) {
            Some((found, _))
                if run.lines > 0 && run.first.checked_add(run.lines) == Some(found) =>
            {
                run.lines += 1;
            }
            Some((first, _)) => run = Run { at, first, lines: 1 },
            None => run = Run::default(),
        }
        if run.lines > longest.lines {
            longest = run;
        }
        at += end_of_line(&text[at..]);
    }
    (longest.lines >= LEAST).then_some(longest)
}

/// The number that this begins with, and its length with the colon and the space.
fn number(text: &[u8]) -> Option<(u32, usize)> {
    // No number has more digits, so that adding to one does not overflow, and none begins with a zero, so that
    // printing it gives the same digits.
    let digits = text.iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || text[0] == b'0' || !text[digits..].starts_with(b": ") {
        return None;
    }
    let value = text[..digits].iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    Some((value, digits + 2))
}

/// Where the next line begins, or the text's end.
fn end_of_line(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &text[at..]) {
        at += found + 2;
        match text.get(at - 1) {
            Some(b'n') => return at,
            Some(_) => {}
            None => break,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn restored(stripped: &[u8], limit: usize) -> Option<Vec<u8>> {
        let mut text = b"before".to_vec();
        restore(stripped, limit, &mut text)?;
        Some(text.split_off(6))
    }

    fn numbered(first: u32, lines: &[&str]) -> String {
        let lines = (first..).zip(lines).map(|(number, line)| format!("{number}: {line}"));
        lines.collect::<Vec<_>>().join("\\n")
    }

    #[test]
    fn the_longest_run_of_numbers_goes_and_comes_back() {
        let lines =
            ["use std::fs;", "", r#"let a = \"1: \\n2: \";"#, "3: three", "\\t4", "", "", "z"];
        let run = numbered(98, &lines);
        let text = format!("<content>\\n1: one\\n2: two\\n{run}\\n\\n(End of file)\\n</content>");
        let stripped = strip(text.as_bytes()).unwrap();
        let kept = String::from_utf8(stripped[HEAD..].to_vec()).unwrap();
        assert_eq!(
            kept,
            format!(
                "<content>\\n1: one\\n2: two\\n{}\\n\\n(End of file)\\n</content>",
                lines.join("\\n")
            )
        );
        assert_eq!(stripped[..HEAD], [27, 0, 0, 0, 98, 0, 0, 0, 8, 0, 0, 0]);
        assert_eq!(restored(&stripped, text.len()).unwrap(), text.as_bytes());
        assert_eq!(restored(&stripped, text.len() - 1), None, "too large");
    }

    #[test]
    fn what_is_not_numbered_line_by_line_stays() {
        let eight = numbered(1, &["x"; 8]);
        assert!(strip(eight.as_bytes()).is_some());
        for text in [
            numbered(1, &["x"; 7]),
            eight.replace("5: ", "5:"),
            eight.replace("5: ", "6: "),
            eight.replace("5: ", "05: "),
            eight.replace("\\n", "\\\\n"),
            eight.replace("\\n", "\n"),
            numbered(999_999_996, &["x"; 8]),
        ] {
            assert_eq!(strip(text.as_bytes()), None, "{text}");
        }
    }

    /// Lines, most of them numbered in a row.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let line = (0..12_u8, r#"[a1: \\n"]{0,6}"#);
        let lines = prop::collection::vec(line, 0..60);
        (lines, 1..1_200_u32).prop_map(|(lines, mut number)| {
            let mut text = Vec::new();
            for (kind, line) in lines {
                match kind {
                    0 => number += 1,
                    1 => text.extend_from_slice(b"\\"),
                    _ => {
                        text.extend_from_slice(format!("{number}: ").as_bytes());
                        number += 1;
                    }
                }
                text.extend_from_slice(line.as_bytes());
                text.extend_from_slice(b"\\n");
            }
            text
        })
    }

    proptest! {
        #[test]
        fn whatever_was_stripped_comes_back(text in text()) {
            if let Some(stripped) = strip(&text) {
                prop_assert!(stripped.len() + 3 * LEAST as usize <= text.len() + OVERHEAD);
                prop_assert_eq!(restored(&stripped, text.len()), Some(text));
            }
        }

        #[test]
        fn any_bytes_give_no_more_than_is_allowed(
            head in prop::array::uniform12(0..40_u8),
            kept in r#"[a\\n]{0,40}"#,
            limit in 0..90_usize,
        ) {
            let stripped = [head.as_slice(), kept.as_bytes()].concat();
            if let Some(text) = restored(&stripped, limit) {
                prop_assert!(text.len() <= limit);
            }
        }
    }
}
