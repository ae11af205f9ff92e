//! Ranges to blank: put in order, carried from decoded text back to the bytes it came from, applied.
//!
//! Rules see decoded text; what is changed are the original bytes. A decoding is a row of [`Span`]s,
//! so one function carries ranges back through any of them: escapes of JSON strings, percent signs in
//! URLs, the lines of a server-sent event. Text that was joined from many places (an argument streamed
//! in fragments) is another such row, but its hits are scattered: what stands between is not theirs.

use std::ops::Range;

/// What stands in a secret's place.
pub(crate) const MARK: &str = "[REDACTED]";

/// A range to blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// First byte.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
    /// What takes its place.
    pub(super) stead: Stead,
}

/// What takes the place of a hit; of two hits at one place, the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stead {
    /// The mark with quotes of its own, for it stands for a whole JSON value: how many JSON strings
    /// they are inside of, hence how often they are escaped.
    Value(u32),
    /// Nothing: the mark stands where the secret began, in an earlier fragment.
    Nothing,
    /// The bare mark.
    Text,
}

impl Hit {
    /// Text to be replaced by the bare mark.
    pub(super) fn text(start: usize, end: usize) -> Self {
        Self { start, end, stead: Stead::Text }
    }

    /// A JSON value to be replaced by a string.
    pub(super) fn value(start: usize, end: usize) -> Self {
        Self { start, end, stead: Stead::Value(0) }
    }
}

/// A piece of decoded text and the source bytes it came from. Pieces of equal length on both sides are
/// copies, byte for byte; any other piece is one character and cannot be divided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Where its source begins.
    pub(super) source: usize,
    /// Bytes in the source.
    pub(super) source_len: usize,
    /// Bytes in the decoded text.
    pub(super) text_len: usize,
}

impl Span {
    /// A copy of the source at `range`.
    pub(super) fn copy(range: &Range<usize>) -> Self {
        Self { source: range.start, source_len: range.len(), text_len: range.len() }
    }
}

/// Sorts, drops empty ranges and joins overlapping ones; of those, the
/// first says what takes their place.
pub(super) fn normalise(hits: &mut Vec<Hit>) {
    hits.retain(|hit| hit.start < hit.end);
    hits.sort_by_key(|hit| (hit.start, usize::MAX - hit.end, hit.stead));
    hits.dedup_by(|next, kept| {
        let overlap = next.start < kept.end;
        if overlap {
            kept.end = kept.end.max(next.end);
            if next.start == kept.start {
                kept.stead = kept.stead.min(next.stead);
            }
        }
        overlap
    });
}

/// Carries `hits` in decoded text back to the source it was decoded from, `base` bytes into the bytes
/// that `into` speaks about. `hits` must be normalised.
pub(super) fn lift(
    spans: impl Iterator<Item = Span>,
    hits: &[Hit],
    base: usize,
    into: &mut Vec<Hit>,
) {
    let mut hits = hits.iter().peekable();
    let mut open: Option<usize> = None;
    let mut text = 0;
    for span in spans {
        let text_end = text + span.text_len;
        let copied = span.source_len == span.text_len;
        while let Some(hit) = hits.peek() {
            let start = match open {
                Some(start) => start,
                None if hit.start >= text_end => break,
                None if copied => span.source + (hit.start - text),
                None => span.source,
            };
            open = Some(start);
            if hit.end > text_end {
                break;
            }
            let end =
                if copied { span.source + (hit.end - text) } else { span.source + span.source_len };
            into.push(Hit { start: base + start, end: base + end, stead: hit.stead });
            open = None;
            hits.next();
        }
        text = text_end;
        if hits.peek().is_none() {
            return;
        }
    }
}

/// Carries `hits` in a text that was joined from `fragments` back to each of them: one hit a fragment,
/// so that nothing between two of them is touched. The mark stands in the first. `hits` must be
/// normalised, and fragments copies.
pub(super) fn scatter(fragments: &[Span], hits: &[Hit], into: &mut Vec<Hit>) {
    let mut hits = hits.iter().peekable();
    let mut text = 0;
    for fragment in fragments {
        let text_end = text + fragment.text_len;
        while let Some(hit) = hits.peek().filter(|hit| hit.start < text_end) {
            let start = hit.start.max(text);
            let end = hit.end.min(text_end);
            let stead = if hit.start < text { Stead::Nothing } else { hit.stead };
            let place = |at| fragment.source + (at - text);
            into.push(Hit { start: place(start), end: place(end), stead });
            if hit.end > text_end {
                break;
            }
            hits.next();
        }
        text = text_end;
    }
}

/// The source with every hit replaced; without any, the very same bytes. `hits` must be normalised.
pub(super) fn apply(source: Vec<u8>, hits: &[Hit]) -> Vec<u8> {
    replace(source, hits, |out, stead, _| stead.write(out))
}

/// The same for a text whose lines count: it keeps each line feed, and each line in which something was replaced shows
/// the mark.
pub(super) fn apply_to_lines(source: Vec<u8>, hits: &[Hit]) -> Vec<u8> {
    replace(source, hits, |out, stead, replaced| {
        match stead {
            Stead::Nothing => Stead::Text.write(out),
            stead => stead.write(out),
        }
        let ends = memchr::memchr_iter(b'\n', replaced).map(|end| end + 1);
        for end in ends {
            out.push(b'\n');
            // What ends with a line feed leaves the next line as it is.
            if end < replaced.len() {
                out.extend_from_slice(MARK.as_bytes());
            }
        }
    })
}

/// Has `write` write what stands in place of each hit's bytes. It is done in the place of the source, which may be large: where
/// what is written takes more room than what it stands for, all that follows makes that room before.
fn replace(
    mut bytes: Vec<u8>,
    hits: &[Hit],
    write: impl Fn(&mut Vec<u8>, Stead, &[u8]),
) -> Vec<u8> {
    let Some(first) = hits.first() else { return bytes };
    let mut stead = Vec::new();
    let mut room = 0;
    for hit in hits {
        stead.clear();
        write(&mut stead, hit.stead, &bytes[hit.start..hit.end]);
        room += stead.len().saturating_sub(hit.end - hit.start);
    }
    let length = bytes.len();
    bytes.resize(length + room, 0);
    bytes.copy_within(first.start..length, first.start + room);
    let (mut read, mut written) = (first.start, first.start);
    for hit in hits {
        bytes.copy_within(read + room..hit.start + room, written);
        written += hit.start - read;
        stead.clear();
        write(&mut stead, hit.stead, &bytes[hit.start + room..hit.end + room]);
        bytes[written..written + stead.len()].copy_from_slice(&stead);
        written += stead.len();
        read = hit.end;
    }
    bytes.copy_within(read + room.., written);
    bytes.truncate(written + length - read);
    bytes
}

impl Stead {
    fn write(self, out: &mut Vec<u8>) {
        let quote = |out: &mut Vec<u8>| {
            if let Self::Value(depth) = self {
                out.resize(out.len() + (1 << depth) - 1, b'\\');
                out.push(b'"');
            }
        };
        if self != Self::Nothing {
            quote(out);
            out.extend_from_slice(MARK.as_bytes());
            quote(out);
        }
    }

    /// The same, one JSON string further inside.
    pub(super) fn deeper(self) -> Self {
        match self {
            Self::Value(depth) => Self::Value(depth + 1),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_replaced_in_its_place_is_as_if_copied(
            source in "[a-z\n]{0,80}",
            cuts in prop::collection::vec((0_usize..80, 1_usize..30, 0_u32..4), 0..8),
        ) {
            let place = |at: usize| at.min(source.len());
            let mut hits: Vec<_> = cuts
                .into_iter()
                .map(|(start, length, depth)| {
                    let stead = [Stead::Nothing, Stead::Text, Stead::Value(depth)][depth as usize % 3];
                    Hit { start: place(start), end: place(start + length), stead }
                })
                .collect();
            normalise(&mut hits);
            let (mut copy, mut at) = (Vec::new(), 0);
            for hit in &hits {
                copy.extend_from_slice(&source.as_bytes()[at..hit.start]);
                hit.stead.write(&mut copy);
                at = hit.end;
            }
            copy.extend_from_slice(&source.as_bytes()[at..]);
            prop_assert_eq!(apply(source.clone().into_bytes(), &hits), copy);
            let lines = apply_to_lines(source.clone().into_bytes(), &hits);
            let ends = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count();
            prop_assert_eq!(ends(&lines), ends(source.as_bytes()));
        }
    }

    #[test]
    fn overlapping_hits_become_one() {
        let mut hits = vec![
            Hit::text(4, 6),
            Hit::text(0, 2),
            Hit::value(3, 5),
            Hit::text(2, 3),
            Hit::text(7, 7),
        ];
        normalise(&mut hits);
        assert_eq!(hits, [Hit::text(0, 2), Hit::text(2, 3), Hit { end: 6, ..Hit::value(3, 5) }]);
        let mut same = vec![Hit::value(3, 4), Hit::text(3, 6)];
        normalise(&mut same);
        assert_eq!(same, hits[2..]);
        assert_eq!(apply(b"0123456789".to_vec(), &hits[2..]), br#"012"[REDACTED]"6789"#);
    }

    #[test]
    fn what_stands_between_fragments_stays() {
        let fragments = [(1, 2), (5, 3), (10, 1)].map(|(source, len)| Span {
            source,
            source_len: len,
            text_len: len,
        });
        for (hit, clean) in [
            (Hit::text(0, 6), "<[REDACTED]><><>"),
            (Hit::text(1, 4), "<a[REDACTED]><e><f>"),
            (Hit::text(3, 4), "<ab><c[REDACTED]e><f>"),
            (Hit::value(4, 6), "<ab><cd\"[REDACTED]\"><>"),
        ] {
            let mut hits = Vec::new();
            scatter(&fragments, &[hit], &mut hits);
            assert_eq!(apply(b"<ab><cde><f>".to_vec(), &hits), clean.as_bytes());
        }
    }

    #[test]
    fn a_character_is_blanked_whole() {
        // Source: `ab\u00e9cd`; text: `ab`, two bytes of `é`, `cd`.
        let spans = [(0, 2, 2), (2, 6, 2), (8, 2, 2)].map(|(source, source_len, text_len)| Span {
            source,
            source_len,
            text_len,
        });
        for (hit, expected) in [
            (Hit::text(1, 2), Hit::text(1, 2)),
            (Hit::text(1, 3), Hit::text(1, 8)),
            (Hit::text(3, 5), Hit::text(2, 9)),
            (Hit::text(0, 6), Hit::text(0, 10)),
        ] {
            let mut into = Vec::new();
            lift(spans.into_iter(), &[hit], 0, &mut into);
            assert_eq!(into, [expected]);
        }
    }
}
