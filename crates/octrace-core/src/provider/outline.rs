//! The top of a JSON text: its members or its elements, as ranges.
//!
//! Requests reach 100 MB and more, and what is wanted of them is a name and three counts, or where their messages
//! stand. The outline gives that without building values, however deep or wide the text is, and as far as a cut text
//! goes.

use std::ops::Range;

use crate::json::{Scanner, Token, TokenKind};

/// A member of the outermost object.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// The name as it stands between its quotes, escapes and all.
    pub name: &'a [u8],
    /// The value's bytes; for a cut text possibly not all of them.
    pub value: &'a [u8],
    /// Where the value begins in the text.
    pub start: usize,
    /// Whether the value is an array.
    pub is_array: bool,
    /// How many elements the array has.
    pub elements: usize,
}

/// Shows each member of the object that `json` is. Gives where the text stopped being JSON, if it did.
pub fn members<'a>(json: &'a [u8], mut visit: impl FnMut(Member<'a>)) -> Option<usize> {
    let mut scanner = Scanner::new(json);
    let mut name: &[u8] = b"";
    let mut open: Option<Member<'a>> = None;
    for token in scanner.by_ref() {
        match (token.depth, token.kind) {
            (0, TokenKind::ObjectStart | TokenKind::ObjectEnd) => {}
            (0, _) => return scanner.broken_at(),
            (1, TokenKind::Key) => name = &json[token.start + 1..token.end - 1],
            (1, TokenKind::ObjectStart | TokenKind::ArrayStart) => {
                let is_array = token.kind == TokenKind::ArrayStart;
                let start = token.start;
                open = Some(Member { name, value: b"", start, is_array, elements: 0 });
            }
            (1, TokenKind::ObjectEnd | TokenKind::ArrayEnd) => {
                if let Some(member) = open.take() {
                    visit(Member { value: &json[member.start..token.end], ..member });
                }
            }
            (1, _) => {
                let start = token.start;
                let value = &json[start..token.end];
                visit(Member { name, value, start, is_array: false, elements: 0 });
            }
            (2, _) if begins_value(&token) => {
                if let Some(member) = &mut open {
                    member.elements += 1;
                }
            }
            _ => {}
        }
    }
    if let Some(member) = open {
        visit(Member { value: &json[member.start..], ..member });
    }
    scanner.broken_at()
}

/// The ranges of an array's elements. An [`Iterator`]; a text that is no array has none.
#[derive(Clone)]
pub struct Elements<'a> {
    scanner: Scanner<'a>,
}

impl<'a> Elements<'a> {
    /// Begins at the first byte of what may be an array.
    pub fn new(json: &'a [u8]) -> Self {
        Self { scanner: Scanner::new(json) }
    }

    /// As [`Scanner::broken_at`].
    pub fn broken_at(&self) -> Option<usize> {
        self.scanner.broken_at()
    }
}

impl Iterator for Elements<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let mut open_at = 0;
        for token in self.scanner.by_ref() {
            match (token.depth, token.kind) {
                (0, TokenKind::ArrayStart | TokenKind::ArrayEnd) => {}
                (0, _) => return None,
                (1, TokenKind::ObjectStart | TokenKind::ArrayStart) => open_at = token.start,
                (1, TokenKind::ObjectEnd | TokenKind::ArrayEnd) => return Some(open_at..token.end),
                (1, _) => return Some(token.start..token.end),
                _ => {}
            }
        }
        None
    }
}

fn begins_value(token: &Token) -> bool {
    !matches!(token.kind, TokenKind::Key | TokenKind::ObjectEnd | TokenKind::ArrayEnd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(json: &str) -> (Vec<String>, Option<usize>) {
        let mut rows = Vec::new();
        let broken_at = members(json.as_bytes(), |member| {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let count = if member.is_array { member.elements.to_string() } else { String::new() };
            rows.push(format!("{}={}#{count}", text(member.name), text(member.value)));
        });
        (rows, broken_at)
    }

    #[test]
    fn members_with_their_values_and_counts() {
        let rows = |rows: &[&str]| rows.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (json, expect, broken_at) in [
            (
                r#"{"a":1,"b":[1,{"x":[2]},[]],"c":{"d":[1]}}"#,
                rows(&["a=1#", r#"b=[1,{"x":[2]},[]]#3"#, r#"c={"d":[1]}#"#]),
                None,
            ),
            (r#"{"b":[{"x":1},{"y"#, rows(&[r#"b=[{"x":1},{"y#2"#]), Some(15)),
            ("[1,2]", vec![], None),
            ("\"text\"", vec![], None),
            ("", vec![], Some(0)),
        ] {
            assert_eq!(outline(json), (expect, broken_at), "{json}");
        }
    }

    #[test]
    fn elements_as_far_as_they_are_whole() {
        let json = br#" [ {"a":[1]} , 2, [3], {"b":"#;
        let mut elements = Elements::new(json);
        let whole: Vec<_> = elements.by_ref().map(|range| &json[range]).collect();
        assert_eq!(whole, [&br#"{"a":[1]}"#[..], b"2", b"[3]"]);
        assert_eq!(elements.broken_at(), Some(json.len()));
    }
}
