//! Server-sent events: which lines carry data, and what of it belongs together.
//!
//! The data of one event is one text, also where it is written over several lines. Texts that a model
//! streams in fragments, over many events, are put together by [`stream`](super::stream).

use std::ops::Range;

use super::hit::Span;

/// A piece of an event stream's body.
#[derive(Clone)]
pub(super) enum Piece {
    /// A line that is no data.
    Line(Range<usize>),
    /// The data of one event, without `data:`.
    Data(Range<usize>),
    /// The same where it is written over several lines.
    Lines(Vec<Range<usize>>),
}

/// Whether a body without a helpful content type begins like an event stream.
pub(super) fn looks_like(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    ["data:", "event:", "id:", "retry:", ": "].iter().any(|word| body.starts_with(word.as_bytes()))
}

/// The pieces of a body, each line that is not empty in one of them. Lines end with `\n`, `\r` or both.
pub(super) fn pieces(body: &[u8]) -> Pieces<'_> {
    Pieces { body, at: 0, data: None }
}

/// An [`Iterator`] of [`Piece`]s.
#[derive(Clone)]
pub(super) struct Pieces<'a> {
    body: &'a [u8],
    at: usize,
    /// The event at hand, as far as it is read.
    data: Option<Piece>,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        while let Some(rest) = self.body.get(self.at..).filter(|rest| !rest.is_empty()) {
            let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let line = self.at..self.at + length;
            self.at = line.end + if rest[length..].starts_with(b"\r\n") { 2 } else { 1 };
            if let Some(value) = rest[..length].strip_prefix(b"data:") {
                let value = value.strip_prefix(b" ").unwrap_or(value);
                let value = line.end - value.len()..line.end;
                self.data = Some(match self.data.take() {
                    Some(Piece::Data(first)) => Piece::Lines(vec![first, value]),
                    Some(Piece::Lines(mut lines)) => {
                        lines.push(value);
                        Piece::Lines(lines)
                    }
                    _ => Piece::Data(value),
                });
            } else if length > 0 {
                return Some(Piece::Line(line));
            } else if self.data.is_some() {
                break;
            }
        }
        self.data.take()
    }
}

/// The text of several data lines, joined as the format has it, and where it came from.
pub(super) fn join(body: &[u8], lines: &[Range<usize>]) -> (Vec<u8>, Vec<Span>) {
    let mut text: Vec<u8> = Vec::new();
    let mut spans: Vec<Span> = Vec::new();
    let mut last_end = None;
    for line in lines {
        if let Some(last_end) = last_end {
            text.push(b'\n');
            spans.push(Span { source: last_end, source_len: line.start - last_end, text_len: 1 });
        }
        text.extend_from_slice(&body[line.clone()]);
        spans.push(Span { source: line.start, source_len: line.len(), text_len: line.len() });
        last_end = Some(line.end);
    }
    (text, spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_event_belong_together() {
        for end in ["\n", "\r\n", "\r"] {
            let body = ["event: x", "data: 1", "data:2", "", ": ping", "data: ", "", "data: cut"]
                .join(end);
            let show = |piece: &Piece| match piece {
                Piece::Line(line) => body.get(line.clone()).unwrap().to_owned(),
                Piece::Data(line) => format!("{:?}", body.get(line.clone()).unwrap()),
                Piece::Lines(lines) => {
                    let (text, spans) = join(body.as_bytes(), lines);
                    assert_eq!(spans.iter().map(|span| span.text_len).sum::<usize>(), text.len());
                    format!("{:?}", String::from_utf8(text).unwrap())
                }
            };
            let shown: Vec<_> = pieces(body.as_bytes()).map(|piece| show(&piece)).collect();
            assert_eq!(shown, ["event: x", r#""1\n2""#, ": ping", r#""""#, r#""cut""#]);
        }
    }
}
