//! Lines that can be compared: a number for each content.
//!
//! A line ends at a line feed; a carriage return at its end belongs to the end, and a byte order mark at a file's begin to no
//! line. So a file whose line ends were converted has the lines it had. What follows the last line feed is a line,
//! unless it is empty.

use memchr::memchr_iter;

/// A line's content: equal contents are equal numbers, whatever the tape or the process. The last bit says whether it
/// tells anything: see [`Line::is_telling`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Line(u64);

/// With fewer letters and digits a line is of the kind that everybody writes: `}`, `*/`, `fi`.
const TELLING: usize = 4;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What redaction leaves in place of a secret.
const BLANK: &[u8] = crate::redact::hit::MARK.as_bytes();

impl Line {
    /// A line in which a secret was blanked: nobody knows what it was, so it equals none, itself included, wherever
    /// something follows from lines being equal.
    pub const BLANKED: Self = Self(0);

    /// The line with this content, without its end.
    pub fn of(content: &[u8]) -> Self {
        let hash = blake3::hash(content);
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        let telling = content
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
            .nth(TELLING - 1)
            .is_some();
        Self((u64::from_le_bytes(first).max(2) & !1) | u64::from(telling))
    }

    /// Whether its content says something, so that it is the same line when it turns up elsewhere: it has four letters
    /// or digits at least. A closing brace or an empty line has not, nor has [`Line::BLANKED`].
    pub fn is_telling(self) -> bool {
        self.0 & 1 == 1
    }

    /// Whether it is [`Line::BLANKED`].
    pub fn is_blanked(self) -> bool {
        self == Self::BLANKED
    }
}

/// The contents of a text's lines, without their ends. The first one has the byte order mark, if there is one.
pub fn contents(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let rest = memchr_iter(b'\n', text).next_back().map_or(0, |end| end + 1);
    let mut from = 0;
    memchr_iter(b'\n', text)
        .map(|end| end + 1)
        .chain((rest < text.len()).then_some(text.len()))
        .map(move |end| {
            let line = &text[from..end];
            from = end;
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            line.strip_suffix(b"\r").unwrap_or(line)
        })
}

/// A text's lines. `exact` is false where redaction blanked something in it: then lines that show it are
/// [`Line::BLANKED`].
pub fn lines(text: &[u8], exact: bool) -> Vec<Line> {
    lines_within(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text), exact)
}

/// The same for what begins at a line but not at the begin of its text.
pub fn lines_within(text: &[u8], exact: bool) -> Vec<Line> {
    let blank = memchr::memmem::Finder::new(BLANK);
    contents(text)
        .map(
            |line| {
                if !exact && blank.find(line).is_some() { Line::BLANKED } else { Line::of(line) }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_line_feeds_and_the_rest_is_a_line() {
        let cut = |text: &str| -> Vec<String> {
            contents(text.as_bytes())
                .map(|line| String::from_utf8_lossy(line).into_owned())
                .collect()
        };
        assert_eq!(cut(""), Vec::<String>::new());
        assert_eq!(cut("a"), ["a"]);
        assert_eq!(cut("a\n"), ["a"]);
        assert_eq!(cut("a\r\n\nb\r"), ["a", "", "b"]);
        assert_eq!(cut("a\rb\n\n"), ["a\rb", ""]);
    }

    #[test]
    fn braces_and_empty_lines_tell_nothing() {
        for plain in ["", "  }", "});", "fi", "\t*/", "# ---"] {
            assert!(!Line::of(plain.as_bytes()).is_telling(), "{plain}");
        }
        for telling in ["let a1", "é é", "ABCD", "f(x, 12)"] {
            assert!(Line::of(telling.as_bytes()).is_telling(), "{telling}");
        }
        assert!(!Line::BLANKED.is_telling());
        assert!(!Line::of(b"}").is_blanked());
    }

    #[test]
    fn ends_and_marks_of_byte_order_make_no_difference_and_blanks_equal_nothing() {
        let unix = lines(b"one\ntwo", true);
        assert_eq!(lines(b"\xef\xbb\xbfone\r\ntwo\r\n", true), unix);
        assert_ne!(unix[0], unix[1]);
        let text = format!("key = {}\nx", crate::redact::hit::MARK);
        assert!(lines(text.as_bytes(), false)[0].is_blanked());
        assert!(!lines(text.as_bytes(), true)[0].is_blanked(), "a source that is about this");
        assert_eq!(lines(b"\xff\xfe\n", true).len(), 1);
    }
}
