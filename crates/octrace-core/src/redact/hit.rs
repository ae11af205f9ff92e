//! Ranges to blank: put in order, carried from decoded text back to the bytes it came from, applied.
//!
//! Rules see decoded text; what is changed are the original bytes. A decoding is a row of [`Span`]s,
//! so one function carries ranges back through any of them: escapes of JSON strings, percent signs in
//! URLs, the lines of a server-sent event. Text that is spread over many places (an argument streamed
//! in fragments) is another such row.

/// What stands in a secret's place.
pub(super) const MARK: &str = "[REDACTED]";

/// A range to blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// First byte.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
    /// The mark stands for a whole JSON value and needs quotes of its own: how many JSON strings
    /// they are inside of, hence how often they are escaped.
    pub(super) quotes: Option<u32>,
}

impl Hit {
    /// Text to be replaced by the bare mark.
    pub(super) fn text(start: usize, end: usize) -> Self {
        Self { start, end, quotes: None }
    }

    /// A JSON value to be replaced by a string.
    pub(super) fn value(start: usize, end: usize) -> Self {
        Self { start, end, quotes: Some(0) }
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

/// Sorts, drops empty ranges and joins overlapping ones; of those, the first says how it is marked.
pub(super) fn normalise(hits: &mut Vec<Hit>) {
    hits.retain(|hit| hit.start < hit.end);
    hits.sort_by_key(|hit| (hit.start, usize::MAX - hit.end, hit.quotes.is_none()));
    hits.dedup_by(|next, kept| {
        let overlap = next.start < kept.end;
        if overlap {
            kept.end = kept.end.max(next.end);
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
            into.push(Hit { start: base + start, end: base + end, quotes: hit.quotes });
            open = None;
            hits.next();
        }
        text = text_end;
        if hits.peek().is_none() {
            return;
        }
    }
}

/// The source with every hit replaced; without any, the very same bytes. `hits` must be normalised.
pub(super) fn apply(source: Vec<u8>, hits: &[Hit]) -> Vec<u8> {
    if hits.is_empty() {
        return source;
    }
    let mut out = Vec::with_capacity(source.len() + hits.len() * MARK.len());
    let mut at = 0;
    for hit in hits {
        out.extend_from_slice(&source[at..hit.start]);
        quote(&mut out, hit.quotes);
        out.extend_from_slice(MARK.as_bytes());
        quote(&mut out, hit.quotes);
        at = hit.end;
    }
    out.extend_from_slice(&source[at..]);
    out
}

fn quote(out: &mut Vec<u8>, depth: Option<u32>) {
    if let Some(depth) = depth {
        let backslashes = (1_usize << depth) - 1;
        out.resize(out.len() + backslashes, b'\\');
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(apply(b"0123456789".to_vec(), &hits[2..]), br#"012"[REDACTED]"6789"#);
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
