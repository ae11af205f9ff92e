//! Server-Sent Events in recorded bytes.
//!
//! The published parsers read a live stream of text: they give no byte offsets, drop an event that
//! the stream's end cut off, and stop at invalid UTF-8. A recorder needs all three: how many bytes
//! had arrived when an event was complete, what a cut stream still said, and whatever a broken
//! server sent. The format is one page of the HTML standard, so this reader is our own.
//!
//! It allocates only for events whose data has several lines, and reads each byte a fixed number of
//! times. `id` and `retry` fields are skipped: no provider gives them a meaning.

use std::borrow::Cow;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field, invalid UTF-8 replaced; empty where there is none.
    pub name: Cow<'a, str>,
    /// The `data` lines, joined by line feeds; not necessarily UTF-8.
    pub data: Cow<'a, [u8]>,
    /// How many bytes of the body had arrived when the event was complete: one past the empty line
    /// that ends it.
    pub end: usize,
    /// Whether its empty line is there. Only the last event can lack it: the stream was cut inside it,
    /// or the server does not close its last event.
    pub complete: bool,
}

/// The events of a body, in order. An [`Iterator`]; events without a `data` field are skipped, as the
/// standard says.
#[derive(Clone, Debug)]
pub struct Events<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Events<'a> {
    /// Begins at the first byte, or after a byte order mark.
    pub fn new(body: &'a [u8]) -> Self {
        let at = if body.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        Self { body, at }
    }

    /// The next line without its end; the last one may have none.
    fn line(&mut self) -> Option<&'a [u8]> {
        let rest = self.body.get(self.at..).filter(|rest| !rest.is_empty())?;
        let Some(length) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            self.at = self.body.len();
            return Some(rest);
        };
        let line_end = if rest[length..].starts_with(b"\r\n") { 2 } else { 1 };
        self.at += length + line_end;
        Some(&rest[..length])
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        let mut name: &[u8] = b"";
        let mut data: Option<Cow<'a, [u8]>> = None;
        while let Some(line) = self.line() {
            if line.is_empty() {
                match data {
                    Some(data) => return Some(self.event(name, data, true)),
                    None => name = b"",
                }
                continue;
            }
            match field(line) {
                (b"event", value) => name = value,
                (b"data", value) => match &mut data {
                    None => data = Some(Cow::Borrowed(value)),
                    Some(data) => {
                        let data = data.to_mut();
                        data.push(b'\n');
                        data.extend_from_slice(value);
                    }
                },
                _ => {}
            }
        }
        Some(self.event(name, data?, false))
    }
}

impl<'a> Events<'a> {
    fn event(&self, name: &'a [u8], data: Cow<'a, [u8]>, complete: bool) -> Event<'a> {
        Event { name: String::from_utf8_lossy(name), data, end: self.at, complete }
    }
}

/// A line's field name and value. A comment has an empty name.
fn field(line: &[u8]) -> (&[u8], &[u8]) {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return (line, b"");
    };
    let value = &line[colon + 1..];
    (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each event as `name|data|end`, with `~` before one that is not complete.
    fn read(body: &[u8]) -> Vec<String> {
        Events::new(body)
            .map(|event| {
                let mark = if event.complete { "" } else { "~" };
                let data = String::from_utf8_lossy(&event.data);
                format!("{mark}{}|{data}|{}", event.name, event.end)
            })
            .collect()
    }

    #[test]
    fn events_as_the_standard_has_them() {
        for (body, expect) in [
            ("data: a\n\ndata: b\n\n", vec!["|a|9", "|b|18"]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", vec!["|a|11", "|b|22"]),
            ("data: a\r\rdata: b\r\r", vec!["|a|9", "|b|18"]),
            ("\u{feff}data: a\n\n", vec!["|a|12"]),
            ("event: x\ndata: 1\ndata: 2\n\n", vec!["x|1\n2|26"]),
            ("data:a\n\n", vec!["|a|8"]),
            ("data:  a\n\n", vec!["| a|10"]),
            ("data\n\n", vec!["||6"]),
            (": comment\n\n\n: more\ndata: a\nid: 7\nretry: 1\n\n", vec!["|a|43"]),
            ("event: lonely\n\ndata: a\n\n", vec!["|a|24"]),
            ("event: a\nevent: b\ndata: c\n\n", vec!["b|c|27"]),
            ("", vec![]),
            ("\n\r\n\r", vec![]),
            (": only a comment", vec![]),
        ] {
            assert_eq!(read(body.as_bytes()), expect, "{body:?}");
        }
    }

    #[test]
    fn what_was_cut_off_is_given_and_marked() {
        for (body, expect) in [
            ("data: a\n\ndata: b", vec!["|a|9", "~|b|16"]),
            ("data: a\n\ndata: b\n", vec!["|a|9", "~|b|17"]),
            ("data: a\n\nevent: x", vec!["|a|9"]),
            ("dat", vec![]),
        ] {
            assert_eq!(read(body.as_bytes()), expect, "{body:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_stay_as_they_are() {
        let events: Vec<_> = Events::new(b"event: \xff\ndata: a\xfe\n\n").collect();
        assert_eq!(events[0].name, "\u{fffd}");
        assert_eq!(*events[0].data, *b"a\xfe");
    }

    proptest! {
        #[test]
        fn ends_rise_and_only_the_last_is_incomplete(
            body in "(data|event|:|: | |a|\\{\\}|\n|\r|\r\n){0,40}",
        ) {
            let events: Vec<_> = Events::new(body.as_bytes()).collect();
            let mut before = 0;
            for (index, event) in events.iter().enumerate() {
                prop_assert!(event.end > before && event.end <= body.len());
                prop_assert!(event.complete || index + 1 == events.len());
                before = event.end;
            }
        }
    }
}
