//! Cutting a body where it will be the same next time.
//!
//! From the body's root we walk through objects only. Every array met on that way (`messages`, `system`, `tools`,
//! `input`, `contents`, `systemInstruction.parts`, the same inside a gateway's envelope) is cut at its elements:
//! an object is a piece of its own, anything else when it is long. So are long strings on that way
//! (`instructions`, a `system` that is a string). What stands between, names, brackets, settings, is short, and a
//! piece too. We do not cut deeper: a message is sent again as it was, or is another message.
//!
//! An element is stored without its `cache_control` members, at whatever depth, each with the comma
//! that goes with it: so it is the same bytes with and without marker.

use std::borrow::Cow;

use octrace_core::json::{Scanner, Token, TokenKind};

use super::MAX_ITEMS;

/// From how many bytes on a value that is no object is a piece of its own.
const LONG: usize = 256;

const MARKER_KEY: &[u8] = br#""cache_control""#;

/// A piece of a body. The pieces in their order, each with its markers put back and its comma after it, are the
/// body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its bytes, without markers.
    pub content: Cow<'a, [u8]>,
    /// Whether a comma follows.
    pub comma: bool,
    /// What was set aside, by rising offset.
    pub markers: Vec<Marker<'a>>,
}

/// A cache marker that was set aside, with the comma and the white space that go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker<'a> {
    /// Where it was, in bytes of the piece's content.
    pub offset: usize,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Cuts a body into pieces, at most [`MAX_ITEMS`] with their markers. What is not JSON, or no longer,
/// stays together; an empty body has no pieces.
pub fn split(body: &[u8]) -> Vec<Piece<'_>> {
    let mut cuts = Cuts { body, pieces: Vec::new(), items: 0, at: 0 };
    // How many objects are open around the place where we look for pieces, an array not counted.
    let mut spine = 0;
    let mut in_array = false;
    let mut markers = Markers::default();
    // Where the element that we are in begins.
    let mut element = None;

    for token in Scanner::new(body) {
        use TokenKind::{ArrayEnd, ArrayStart, Key, Number, ObjectEnd, ObjectStart, String, Word};
        let level = spine + usize::from(in_array);
        let mut cut = None;
        match token.kind {
            ObjectStart | ArrayStart if token.depth == level && in_array => {
                element = Some(token.start);
            }
            ObjectEnd | ArrayEnd if token.depth == level && in_array => {
                let start = element.take().unwrap_or(token.start);
                if token.kind == ObjectEnd || token.end - start >= LONG {
                    cut = Some((start, token.end));
                }
            }
            ObjectStart if token.depth == level => spine += 1,
            ArrayStart if token.depth == level => in_array = true,
            ArrayEnd if token.depth == spine => in_array = false,
            ObjectEnd if token.depth + 1 == spine => spine -= 1,
            String if token.depth == level && token.end - token.start >= LONG => {
                cut = Some((token.start, token.end));
            }
            Key | String | Number | Word | ObjectStart | ObjectEnd | ArrayStart | ArrayEnd => {}
        }
        if element.is_some() || cut.is_some() {
            markers.see(body, &token);
        }
        if let Some((start, end)) = cut {
            let ranges = std::mem::take(&mut markers).ranges;
            if !cuts.push(start, end, &ranges) {
                break;
            }
        } else if element.is_none() {
            markers = Markers::default();
        }
    }
    cuts.finish()
}

/// The pieces so far.
struct Cuts<'a> {
    body: &'a [u8],
    pieces: Vec<Piece<'a>>,
    /// Pieces and markers.
    items: usize,
    /// The end of the last piece.
    at: usize,
}

impl<'a> Cuts<'a> {
    /// Adds what is before `start`, and the piece itself; `false` when that would be too many.
    fn push(&mut self, start: usize, end: usize, ranges: &[(usize, usize)]) -> bool {
        // Two pieces here, and one to come for the rest of the body.
        if self.items + ranges.len() + 3 > MAX_ITEMS {
            return false;
        }
        self.plain(start);

        let mut markers = Vec::with_capacity(ranges.len());
        let mut content = Cow::Borrowed(&self.body[start..end]);
        if !ranges.is_empty() {
            let mut kept = Vec::with_capacity(end - start);
            let mut from = start;
            for &(marker_start, marker_end) in ranges {
                kept.extend_from_slice(&self.body[from..marker_start]);
                let bytes = &self.body[marker_start..marker_end];
                markers.push(Marker { offset: kept.len(), bytes });
                from = marker_end;
            }
            kept.extend_from_slice(&self.body[from..end]);
            content = Cow::Owned(kept);
        }
        let comma = self.body.get(end) == Some(&b',');
        self.items += 1 + markers.len();
        self.at = end + usize::from(comma);
        self.pieces.push(Piece { content, comma, markers });
        true
    }

    /// Adds what is between the last piece and `end`.
    fn plain(&mut self, end: usize) {
        if self.at < end {
            let content = Cow::Borrowed(&self.body[self.at..end]);
            self.pieces.push(Piece { content, comma: false, markers: Vec::new() });
            self.items += 1;
            self.at = end;
        }
    }

    fn finish(mut self) -> Vec<Piece<'a>> {
        self.plain(self.body.len());
        self.pieces
    }
}

/// Finds the ranges of markers in an element, whose tokens it is shown one after the other.
#[derive(Default)]
struct Markers {
    ranges: Vec<(usize, usize)>,
    state: State,
    /// The last token's kind and end.
    last: Option<(TokenKind, usize)>,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Outside,
    /// In a marker's value.
    Inside { start: usize, depth: usize, first: bool },
    /// After a marker that is its object's first member: a comma may go with it.
    After { start: usize, end: usize },
}

impl Markers {
    fn see(&mut self, body: &[u8], token: &Token) {
        if let State::After { start, end } = self.state {
            let end = if token.kind == TokenKind::Key { token.start } else { end };
            self.set_aside(start, end);
        }
        match self.state {
            State::Inside { start, depth, first } => {
                let opens = matches!(token.kind, TokenKind::ObjectStart | TokenKind::ArrayStart);
                if token.depth == depth && !opens {
                    if first {
                        self.state = State::After { start, end: token.end };
                    } else {
                        self.set_aside(start, token.end);
                    }
                }
            }
            _ if token.kind == TokenKind::Key && &body[token.start..token.end] == MARKER_KEY => {
                let previous = self.last.filter(|(kind, _)| *kind != TokenKind::ObjectStart);
                let start = previous.map_or(token.start, |(_, end)| end);
                let first = previous.is_none();
                self.state = State::Inside { start, depth: token.depth, first };
            }
            _ => {}
        }
        self.last = Some((token.kind, token.end));
    }

    fn set_aside(&mut self, start: usize, end: usize) {
        // A marker right after a marker: the comma between them went with the first.
        let start = self.ranges.last().map_or(start, |&(_, before)| start.max(before));
        self.ranges.push((start, end));
        self.state = State::Outside;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::body::{Entry, Error, Insertion, entries, restore};

    /// One line a piece; a marker stands in «» where it was.
    fn pieces(body: &str) -> String {
        let line = |piece: &Piece<'_>| {
            let mut line = piece.content.clone().into_owned();
            for marker in piece.markers.iter().rev() {
                let shown = format!("«{}»", std::str::from_utf8(marker.bytes).unwrap());
                line.splice(marker.offset..marker.offset, shown.into_bytes());
            }
            let comma = if piece.comma { "  +comma" } else { "" };
            format!("{}{comma}\n", String::from_utf8(line).unwrap())
        };
        split(body.as_bytes()).iter().map(line).collect()
    }

    /// Splits, gives ids, restores.
    fn there_and_back(body: &[u8]) -> Vec<u8> {
        let pieces = split(body);
        assert!(pieces.iter().map(|piece| 1 + piece.markers.len()).sum::<usize>() <= MAX_ITEMS);
        let mut parts: Vec<Vec<u8>> = Vec::new();
        let entries = entries(&pieces, |bytes| {
            parts.push(bytes.to_vec());
            Ok::<_, Error>(parts.len() as i64 - 1)
        })
        .unwrap();
        restore(&entries, |id| Ok::<_, Error>(&parts[usize::try_from(id).unwrap()])).unwrap()
    }

    #[test]
    fn cuts_at_elements_and_leaves_the_rest_between() {
        insta::assert_snapshot!(
            pieces(r#"{"model":"m","system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"text":"b"}]},{"role":"user"}],"stop":["x","y"],"stream":true}"#),
            @r#"
        {"model":"m","system":[
        {"type":"text","text":"a"«,"cache_control":{"type":"ephemeral"}»}
        ],"messages":[
        {"role":"user","content":[{"text":"b"}]}  +comma
        {"role":"user"}
        ],"stop":["x","y"],"stream":true}
        "#
        );
    }

    #[test]
    fn goes_through_objects_and_takes_long_strings_alone() {
        let long = "l".repeat(LONG);
        let body = format!(
            r#"{{"request":{{"systemInstruction":{{"parts":[{{"text":"s"}}]}},"contents":[{{"parts":[]}}]}},"instructions":"{long}","n":1}}"#
        );
        insta::assert_snapshot!(pieces(&body).replace(&long, "…"), @r#"
        {"request":{"systemInstruction":{"parts":[
        {"text":"s"}
        ]},"contents":[
        {"parts":[]}
        ]},"instructions":
        "…"  +comma
        "n":1}
        "#);
    }

    #[test]
    fn spaces_stay_between_and_a_broken_end_stays_together() {
        insta::assert_snapshot!(pieces("[ {\"a\":1} ,\n {\"b\":2},{\"c\":[{"), @r#"
        [ 
        {"a":1}
         ,
         
        {"b":2}  +comma
        {"c":[{
        "#);
        assert_eq!(split(b"").len(), 0);
        assert_eq!(split(b"\xff not JSON").len(), 1);
    }

    #[test]
    fn an_element_is_the_same_with_and_without_markers() {
        for (with, without) in [
            (r#"{"a":1,"cache_control":{"type":"ephemeral","ttl":"1h"}}"#, r#"{"a":1}"#),
            (r#"{"cache_control":{"type":"ephemeral"},"a":1}"#, r#"{"a":1}"#),
            (r#"{"a":1 , "cache_control" : null , "b":2}"#, r#"{"a":1 , "b":2}"#),
            (r#"{ "cache_control": {"a":{"cache_control":1}}, "a":1}"#, r#"{ "a":1}"#),
            (r#"{"cache_control":[]}"#, "{}"),
            (r#"{"cache_control":1,"cache_control":2}"#, "{}"),
            (
                r#"{"c":[{"t":"x","cache_control":{}},{"t":"y","cache_control":{}}],"cache_control":{}}"#,
                r#"{"c":[{"t":"x"},{"t":"y"}]}"#,
            ),
            (r#"{"text":"cache_control"}"#, r#"{"text":"cache_control"}"#),
        ] {
            let body = format!(r#"{{"m":[{with},{{"n":1}}]}}"#);
            let pieces = split(body.as_bytes());
            assert_eq!(pieces[1].content, without.as_bytes(), "{with}");
            assert_eq!(there_and_back(body.as_bytes()), body.as_bytes());
        }
    }

    #[test]
    fn a_million_elements_are_bounded() {
        for element in ["{}", " {}", r#"{"cache_control":1}"#] {
            let body = format!("[{}{element}]", format!("{element},").repeat(200_000));
            assert_eq!(there_and_back(body.as_bytes()), body.as_bytes());
        }
        let markers = format!("[{{\"m\":[{}0]}},{{}}]", r#"{"cache_control":1},"#.repeat(20_000));
        assert_eq!(split(markers.as_bytes()).len(), 1);
        let deep = r#"{"a":["#.repeat(100_000);
        assert_eq!(there_and_back(deep.as_bytes()), deep.as_bytes());
    }

    #[test]
    fn a_marker_that_does_not_fit_its_part_is_an_error() {
        for (offsets, wrong) in [([1, 4], 4), ([2, 1], 1), ([u64::MAX, 0], u64::MAX)] {
            let insertions = offsets.map(|offset| Insertion { offset, part: 7 }).to_vec();
            let entries = [Entry { part: 1, comma: false, insertions }];
            let restored = restore(&entries, |_| Ok::<_, Error>(b"abc"));
            assert_eq!(restored, Err(Error::NoSuchPlace { part: 1, offset: wrong }));
        }
    }

    /// JSON text with random spaces, names that repeat, and markers anywhere.
    fn json_text() -> impl Strategy<Value = String> {
        let space = || prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\n\t")];
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("-1.50e3".to_owned()),
            Just(r#""cache_control""#.to_owned()),
            "[a-z«\\PC]{0,4}".prop_map(|text| serde_json::to_string(&text).unwrap()),
            Just(format!("\"{}\"", "long ".repeat(LONG / 4))),
        ];
        leaf.prop_recursive(5, 60, 6, move |inner| {
            let name = prop::sample::select(vec!["cache_control", "messages", "text", "a", ""]);
            let item =
                (space(), inner.clone(), space()).prop_map(|(a, text, b)| format!("{a}{text}{b}"));
            let member = (space(), name, space(), item.clone())
                .prop_map(|(a, name, b, item)| format!("{a}\"{name}\"{b}:{item}"));
            prop_oneof![
                prop::collection::vec(item, 0..6)
                    .prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec(member, 0..6)
                    .prop_map(|members| format!("{{{}}}", members.join(","))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn any_json_comes_back_whole_or_cut(body in json_text(), keep in 0.0..1.2_f64) {
            let length = (body.len() as f64 * keep.min(1.0)) as usize;
            let body = &body.as_bytes()[..length];
            prop_assert_eq!(there_and_back(body), body);
        }

        #[test]
        fn no_marker_is_left_in_an_element(body in json_text()) {
            let body = format!(r#"{{"messages":[{body},{{}}]}}"#);
            for piece in split(body.as_bytes()) {
                if piece.content.first() == Some(&b'{') && piece.content.last() == Some(&b'}') {
                    let last = Scanner::new(&piece.content)
                        .find(|t| t.kind == TokenKind::Key && &piece.content[t.start..t.end] == MARKER_KEY);
                    prop_assert_eq!(last, None);
                }
            }
        }

        #[test]
        fn any_bytes_come_back(body in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(there_and_back(&body), body);
        }

        #[test]
        fn any_bytes_that_look_like_json_come_back(body in r#"([\[\]{},: ]|"a"|"cache_control"|1){0,60}"#) {
            prop_assert_eq!(there_and_back(body.as_bytes()), body.as_bytes());
        }
    }
}
