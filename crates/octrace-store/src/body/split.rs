//! Cutting a body where it will be the same next time.
//!
//! From the body's root we walk through objects only. Every array met on that way (`messages`, `system`, `tools`,
//! `input`, `contents`, `systemInstruction.parts`, the same inside a gateway's envelope) is cut at its elements:
//! an object is a piece of its own, anything else when it is long. So are long strings on that way
//! (`instructions`, a `system` that is a string). What stands between, names, brackets, settings, is short, and a
//! piece too. We do not cut deeper: a message is sent again as it was, or is another message.
//!
//! What moves is set aside from an element, at whatever depth, and becomes a part of its own:
//!
//! * `cache_control` members, each with the comma that goes with it, so that an element is the same bytes with
//!   and without marker;
//! * what stands between the quotes of a long string, escapes and all. OpenCode's event about a tool has
//!   the same bytes as the message that tells the model ([`set_aside`]), and so has the next reading of that file.

use std::{borrow::Cow, ops::Range};

use octrace_core::json::{Place, Scanner, Token, TokenKind};

use super::MAX_ITEMS;

/// From how many bytes on a value that is no object is a piece of its own.
const LONG: usize = 256;

/// From how many bytes on the content of a string is set aside. For less, a part's own row costs more than it saves.
const LONG_STRING: usize = 512;

/// Strings are set aside as long as there are fewer pieces and things set aside than this: what has been done
/// without them is not crowded out.
const MAX_BEFORE_STRINGS: usize = MAX_ITEMS / 2;

/// What OpenCode shows to people and does not tell the model: never the strings of a request, mostly the same text
/// in another form.
const METADATA_KEY: &[u8] = br#""metadata""#;

const MARKER_KEY: &[u8] = br#""cache_control""#;

/// A piece of a body. The pieces in their order, each with what was set aside put back and its comma after it, are
/// the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its bytes, without what was set aside.
    pub content: Cow<'a, [u8]>,
    /// Whether a comma follows.
    pub comma: bool,
    /// What was set aside, by rising offset.
    pub aside: Vec<Aside<'a>>,
}

impl<'a> Piece<'a> {
    /// The bytes from `start` to `end` without these ranges, which rise.
    fn new(body: &'a [u8], start: usize, end: usize, ranges: &[(usize, usize)]) -> Self {
        let mut aside = Vec::with_capacity(ranges.len());
        let mut content = Cow::Borrowed(&body[start..end]);
        if !ranges.is_empty() {
            let mut kept = Vec::with_capacity(end - start);
            let mut from = start;
            for &(aside_start, aside_end) in ranges {
                kept.extend_from_slice(&body[from..aside_start]);
                aside.push(Aside { offset: kept.len(), bytes: &body[aside_start..aside_end] });
                from = aside_end;
            }
            kept.extend_from_slice(&body[from..end]);
            content = Cow::Owned(kept);
        }
        Self { content, comma: false, aside }
    }
}

/// What was set aside: a cache marker with the comma and the white space that go with it, or a long string's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aside<'a> {
    /// Where it was, in bytes of the piece's content.
    pub offset: usize,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// An event's JSON as one piece, without the long strings that a request may have, too: those in `metadata` stay.
/// What is no JSON, or no longer, stays as well.
pub fn set_aside(json: &[u8]) -> Piece<'_> {
    let mut ranges = Vec::new();
    // How many containers are open around a `metadata` that we are in.
    let mut metadata = None;
    for token in Scanner::new(json) {
        match token.kind {
            TokenKind::Key if metadata.is_none_or(|depth| token.depth <= depth) => {
                let is_metadata = &json[token.start..token.end] == METADATA_KEY;
                metadata = is_metadata.then_some(token.depth);
            }
            TokenKind::ObjectEnd if metadata.is_some_and(|depth| token.depth < depth) => {
                metadata = None;
            }
            TokenKind::String if metadata.is_none() && is_long(&token) => {
                ranges.push(inside(&token));
                if ranges.len() >= MAX_BEFORE_STRINGS {
                    break;
                }
            }
            _ => {}
        }
    }
    Piece::new(json, 0, json.len(), &ranges)
}

fn is_long(token: &Token) -> bool {
    token.kind == TokenKind::String && token.end - token.start >= LONG_STRING + 2
}

/// The range between a string's quotes.
fn inside(string: &Token) -> (usize, usize) {
    (string.start + 1, string.end - 1)
}

/// Where the cache markers of a body's element are, each with the comma and the white space that go with it, by rising
/// offset: without them the element says the same.
pub fn markers(element: &[u8]) -> Vec<Range<usize>> {
    let mut moving = Moving::default();
    if memchr::memmem::find(element, MARKER_KEY).is_some() {
        for token in Scanner::new(element) {
            moving.see(element, &token, false);
        }
    }
    moving.ranges.into_iter().map(|(start, end)| start..end).collect()
}

/// A place behind a piece of a body, from where another one that begins alike can be cut further.
pub struct Mark {
    scanner: Place,
    spine: usize,
    in_array: bool,
    items: usize,
    /// How many pieces there are before it.
    pub pieces: usize,
}

impl Mark {
    /// Whether a body begins alike that has so many bytes in common with the one that this is a place in. What comes
    /// after a piece is of interest, too: whether that is a comma.
    pub fn is_within(&self, common: usize) -> bool {
        self.scanner.at < common
    }
}

/// Cuts a body into pieces, at most [`MAX_ITEMS`] with what is set aside. What is not JSON, or no longer,
/// stays together; an empty body has no pieces.
pub fn split(body: &[u8]) -> Vec<Piece<'_>> {
    split_from(body, None).0
}

/// The pieces of a body behind `mark`, which [is within](Mark::is_within) what it has in common with the one that was
/// marked, and the marks behind it.
pub fn split_from<'a>(body: &'a [u8], mark: Option<&Mark>) -> (Vec<Piece<'a>>, Vec<Mark>) {
    let mut scanner = Scanner::new(body);
    let mut cuts = Cuts { body, pieces: Vec::new(), items: 0, at: 0 };
    // How many objects are open around the place where we look for pieces, an array not counted.
    let mut spine = 0;
    let mut in_array = false;
    if let Some(mark) = mark {
        cuts.skip_to(mark.scanner.at, mark.items);
        scanner = Scanner::resume(body, mark.scanner.clone());
        (spine, in_array) = (mark.spine, mark.in_array);
    }
    let before = mark.map_or(0, |mark| mark.pieces);
    let mut marks = Vec::new();
    let mut moving = Moving::default();
    // Where the element that we are in begins.
    let mut element = None;

    while let Some(token) = scanner.next() {
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
            let few = cuts.items + moving.ranges.len() < MAX_BEFORE_STRINGS;
            moving.see(body, &token, few && element.is_some());
        }
        if let Some((start, end)) = cut {
            let ranges = std::mem::take(&mut moving).ranges;
            if !cuts.push(start, end, &ranges) {
                break;
            }
            let (items, pieces) = (cuts.items, before + cuts.pieces.len());
            marks.push(Mark { scanner: scanner.place(), spine, in_array, items, pieces });
        } else if element.is_none() {
            moving = Moving::default();
        }
    }
    (cuts.finish(), marks)
}

/// The pieces so far.
struct Cuts<'a> {
    body: &'a [u8],
    pieces: Vec<Piece<'a>>,
    /// Pieces, and what was set aside.
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

        let comma = self.body.get(end) == Some(&b',');
        self.skip_to(end, self.items + 1 + ranges.len());
        self.pieces.push(Piece { comma, ..Piece::new(self.body, start, end, ranges) });
        true
    }

    /// A piece ends here, but for the comma that goes with it.
    fn skip_to(&mut self, end: usize, items: usize) {
        self.at = end + usize::from(self.body.get(end) == Some(&b','));
        self.items = items;
    }

    /// Adds what is between the last piece and `end`.
    fn plain(&mut self, end: usize) {
        if self.at < end {
            self.pieces.push(Piece::new(self.body, self.at, end, &[]));
            self.items += 1;
            self.at = end;
        }
    }

    fn finish(mut self) -> Vec<Piece<'a>> {
        self.plain(self.body.len());
        self.pieces
    }
}

/// Finds what is to be set aside from an element, whose tokens it is shown one after the other.
#[derive(Default)]
struct Moving {
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

impl Moving {
    fn see(&mut self, body: &[u8], token: &Token, strings: bool) {
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
            _ if strings && is_long(token) => self.ranges.push(inside(token)),
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
            for marker in piece.aside.iter().rev() {
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
        together(&split(body))
    }

    fn together(pieces: &[Piece<'_>]) -> Vec<u8> {
        assert!(pieces.iter().map(|piece| 1 + piece.aside.len()).sum::<usize>() <= MAX_ITEMS);
        let mut parts: Vec<Vec<u8>> = Vec::new();
        let entries = entries(pieces, |bytes| {
            parts.push(bytes.to_vec());
            Ok::<_, Error>(parts.len() as i64 - 1)
        })
        .unwrap();
        restore(&entries, |id, body| {
            body.extend_from_slice(&parts[usize::try_from(id).unwrap()]);
            Ok::<_, Error>(())
        })
        .unwrap()
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
    fn markers_are_found_at_any_depth_with_their_commas() {
        for (element, without) in [
            (r#"{"text":"a", "cache_control":{"type":"x"}}"#, r#"{"text":"a"}"#),
            (
                r#"{"cache_control":{}, "content":[{"cache_control":1},{"n":2,"cache_control":null,"m":3}]}"#,
                r#"{"content":[{},{"n":2,"m":3}]}"#,
            ),
            (r#"{"text":"\"cache_control\":1"}"#, r#"{"text":"\"cache_control\":1"}"#),
            (r#"{"cache_control":{"type"#, r#"{"cache_control":{"type"#),
            (r#""cache_control""#, r#""cache_control""#),
        ] {
            let mut kept = element.as_bytes().to_vec();
            for marker in markers(element.as_bytes()).into_iter().rev() {
                kept.drain(marker);
            }
            assert_eq!(String::from_utf8(kept).unwrap(), without);
        }
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
    fn long_strings_are_set_aside_from_elements_as_they_stand() {
        let long = r#"l\n\u00fc\""#.repeat(LONG_STRING);
        let short = "s".repeat(LONG_STRING - 1);
        let body = format!(
            r#"{{"m":[{{"role":"user","c":[{{"t":"{long}","cache_control":{{"x":"{long}"}}}},"{long}"],"s":"{short}","{long}":1}}]}}"#
        );
        insta::assert_snapshot!(pieces(&body).replace(&long, "…").replace(&short, "s"), @r#"
        {"m":[
        {"role":"user","c":[{"t":"«…»"«,"cache_control":{"x":"…"}»},"«…»"],"s":"s","…":1}
        ]}
        "#);
        let markers =
            format!(r#"[{{"cache_control":"{long}"}},{{"cache_control":"{long}","a":"{long}"}}]"#);
        assert_eq!(there_and_back(markers.as_bytes()), markers.as_bytes());
        assert_eq!(split(markers.as_bytes())[2].content, &br#"{"a":""}"#[..]);
    }

    #[test]
    fn an_event_keeps_what_it_shows_to_people() {
        let long = "l".repeat(LONG_STRING);
        let event = format!(
            r#"{{"part":{{"state":{{"output":"{long}","metadata":{{"a":{{"text":"{long}"}},"metadata":1}},"title":"{long}"}},"metadata":"{long}","text":"{long}"}}}}"#
        );
        let piece = set_aside(event.as_bytes());
        let left = String::from_utf8_lossy(&piece.content).replace(&long, "…");
        insta::assert_snapshot!(left, @r#"{"part":{"state":{"output":"","metadata":{"a":{"text":"…"},"metadata":1},"title":""},"metadata":"…","text":""}}"#);
        assert!(piece.aside.iter().all(|aside| aside.bytes == long.as_bytes()));
    }

    #[test]
    fn a_hundred_thousand_long_strings_are_bounded() {
        let string = format!("\"{}\",", "l".repeat(LONG_STRING));
        let body = format!(r#"{{"m":[{{"a":[{}0]}},{{"role":"user"}}]}}"#, string.repeat(100_000));
        let pieces = split(body.as_bytes());
        assert_eq!(pieces.len(), 4, "it is cut at its elements all the same");
        assert!(pieces[1].aside.len() < MAX_ITEMS);
        assert_eq!(there_and_back(body.as_bytes()), body.as_bytes());
        assert!(set_aside(body.as_bytes()).aside.len() < MAX_ITEMS);
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
            let restored = restore(&entries, |_, body| {
                body.extend_from_slice(b"abc");
                Ok::<_, Error>(())
            });
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
            Just(format!("\"{}\"", r#"very\n\"long"#.repeat(LONG_STRING / 8))),
        ];
        leaf.prop_recursive(5, 60, 6, move |inner| {
            let names = ["cache_control", "messages", "metadata", "text", "a", ""];
            let name = prop::sample::select(names.to_vec());
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
            prop_assert_eq!(together(&[set_aside(body)]), body);
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
        fn what_begins_alike_is_cut_alike(
            elements in prop::collection::vec(json_text(), 0..6),
            other in json_text(),
            at in any::<prop::sample::Index>(),
            removed in 0..40_usize,
        ) {
            let before = format!(r#"{{"messages":[{}],"system":"{}"}}"#, elements.join(","), "s".repeat(300));
            let at = at.index(before.len() + 1);
            let rest = before.as_bytes().get(at + removed..).unwrap_or_default();
            let after = [&before.as_bytes()[..at], other.as_bytes(), rest].concat();
            let (pieces, marks) = split_from(before.as_bytes(), None);
            // Any place that both have, not only the last one.
            let common = before.bytes().zip(&after).take_while(|(a, b)| a == *b).count();
            for mark in marks.iter().filter(|mark| mark.is_within(common)) {
                let mut again = pieces[..mark.pieces].to_vec();
                again.extend(split_from(&after, Some(mark)).0);
                prop_assert_eq!(again, split(&after));
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
