//! JSON: what stands under a secret name, at any depth, and the texts in its strings.
//!
//! A secret name makes everything under it secret: the strings, and unless the name is one for counts the
//! numbers, of a whole tree. `true`, `false` and `null` stay, and so do names, empty strings, references
//! (`${NAME}`) and the words of a JSON schema ([`schema`]). Structure stays as it was.
//!
//! Text that stops being JSON is in addition searched as text from its beginning, and if it stops inside
//! a secret tree, nothing of the rest stays.

use std::ops::Range;

use super::{
    around::Around,
    escape,
    hit::{self, Hit, MARK},
    key::{self, Secret},
    memory::Trail,
    scan::Scan,
    schema::{self, Word},
    text::{extent::bare_value, value::is_label},
};
use crate::json::{Scanner, Token, TokenKind};

/// Objects are told from schemas this deep inside a secret tree; below, nothing is a schema.
const SCHEMA_DEPTH: usize = 64;

/// Whether `text` begins like a JSON object, array or string, and not like our own mark.
pub(super) fn looks_like(text: &[u8]) -> bool {
    let start = text.strip_prefix(BOM).unwrap_or(text).trim_ascii_start();
    start.first().is_some_and(|byte| matches!(byte, b'{' | b'[' | b'"'))
        && !start.starts_with(MARK.as_bytes())
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Adds the hits in `text`; `hits` holds the known values found in it so far.
pub(super) fn find(scan: &mut Scan<'_>, text: &[u8], depth: u32, hits: &mut Vec<Hit>) {
    find_around(scan, text, depth, &[], hits);
}

/// The same but for the strings whose content begins at one of `joined`, in order: they are fragments of
/// texts that are searched elsewhere.
pub(super) fn find_around(
    scan: &mut Scan<'_>,
    text: &[u8],
    depth: u32,
    joined: &[usize],
    hits: &mut Vec<Hit>,
) {
    hit::normalise(hits);
    let known = std::mem::take(hits);
    let walk = Walk { joined, ..Walk::new(scan, text, depth, &known, hits) };
    let start = begin(text);
    walk.values(start, Scanner::new(&text[start..]), None);
}

/// Hits in a whole body, the beginning of which may be remembered.
pub(super) fn find_again(scan: &mut Scan<'_>, text: &[u8], mut trail: Trail<'_>) -> Vec<Hit> {
    let start = begin(text);
    let (mut scanner, mut around) = (Scanner::new(&text[start..]), Around::default());
    let (mut from, mut hits) = (0, Vec::new());
    if let Some((place, stands, before)) = trail.resume() {
        from = start + place.at;
        scanner = Scanner::resume(&text[start..], place);
        (around, hits) = (stands, before);
    }
    let known = scan.known_after(text, from);
    let walk = Walk { around, ..Walk::new(scan, text, 0, &known, &mut hits) };
    walk.values(start, scanner, Some(trail));
    hits
}

/// Where the JSON begins.
fn begin(text: &[u8]) -> usize {
    if text.starts_with(BOM) { BOM.len() } else { 0 }
}

fn is_start(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::ObjectStart | TokenKind::ArrayStart)
}

struct Walk<'w, 's, 'l> {
    scan: &'s mut Scan<'l>,
    text: &'w [u8],
    depth: u32,
    hits: &'w mut Vec<Hit>,
    /// Known values that stand after the last token.
    known: &'w [Hit],
    /// Where fragments begin after the last token.
    joined: &'w [usize],
    /// What the name just read says about its value.
    name: Option<Secret>,
    /// That name.
    label: Range<usize>,
    /// The number or word just read, if such a name stands before it.
    scalar: Option<Range<usize>>,
    around: Around,
    /// The secret tree that the walk is inside of.
    tree: Option<Tree>,
}

/// What stands under a secret name.
struct Tree {
    secret: Secret,
    /// Depth of its outermost container.
    depth: usize,
    /// Its open objects, from the outside.
    objects: Vec<Object>,
    /// Objects open beyond [`SCHEMA_DEPTH`].
    deeper: usize,
    /// Hits that do not count if their object turns out to be a schema.
    pending: Vec<Hit>,
}

/// An object inside a secret tree.
struct Object {
    is_schema: bool,
    /// What the current member's name is in a schema.
    word: Word,
    /// Where its part of [`Tree::pending`] begins.
    pending: usize,
}

impl<'w, 's, 'l> Walk<'w, 's, 'l> {
    fn new(
        scan: &'s mut Scan<'l>,
        text: &'w [u8],
        depth: u32,
        known: &'w [Hit],
        hits: &'w mut Vec<Hit>,
    ) -> Self {
        Self {
            scan,
            text,
            depth,
            hits,
            known,
            joined: &[],
            name: None,
            label: 0..0,
            scalar: None,
            around: Around::default(),
            tree: None,
        }
    }

    /// One value after another, as in JSON lines, the first of them with this scanner.
    fn values(mut self, mut start: usize, mut scanner: Scanner<'w>, mut trail: Option<Trail<'_>>) {
        loop {
            let mut whole = false;
            while let Some(mut token) = scanner.next() {
                token.start += start;
                token.end += start;
                whole = token.depth == 0 && !is_start(token.kind);
                self.token(token);
                if let Some(trail) = trail.as_mut().filter(|trail| trail.is_due(token.end))
                    && self.is_between_elements(token)
                {
                    trail.leave(token.end, scanner.place(), &self.around, self.hits);
                }
            }
            trail = None;
            match scanner.broken_at() {
                None => break,
                Some(at) if whole && matches!(self.text.get(start + at), Some(b'{' | b'[')) => {
                    start += at;
                    scanner = Scanner::new(&self.text[start..]);
                }
                Some(at) => {
                    self.broken(start + at);
                    break;
                }
            }
        }
        self.hits.extend_from_slice(self.known);
    }

    /// Whether `token`, the last one, ends an element of one of the two outermost containers, and nothing
    /// before it matters to what follows.
    fn is_between_elements(&self, token: Token) -> bool {
        matches!(token.kind, TokenKind::ObjectEnd | TokenKind::ArrayEnd)
            && (1..=2).contains(&token.depth)
            && self.tree.is_none()
            && self.around.is_settled()
    }

    fn token(&mut self, token: Token) {
        self.place_known(token);
        self.scalar = None;
        let content = token.start + 1..token.end.saturating_sub(1);
        match token.kind {
            TokenKind::Key => {
                let name = &self.text[content.clone()];
                self.label = content.clone();
                let secret = self.scan.name(name, content.start, self.depth, self.hits);
                self.name = if self.around.name(name) { None } else { secret };
                if let Some(object) = self.tree.as_mut().and_then(Tree::object) {
                    object.word = schema::word(&escape::decode_json(name));
                    object.is_schema |= object.word == Word::Sign;
                }
            }
            TokenKind::ObjectStart | TokenKind::ArrayStart => {
                self.around.begin();
                let name = self.name.take();
                if let (None, Some(secret)) = (&self.tree, name) {
                    self.tree = Some(Tree::new(secret, token.depth));
                }
                if let (Some(tree), TokenKind::ObjectStart) = (&mut self.tree, token.kind) {
                    tree.open();
                }
            }
            TokenKind::ObjectEnd | TokenKind::ArrayEnd => {
                self.around.end();
                if let Some(tree) = &mut self.tree {
                    if token.kind == TokenKind::ObjectEnd {
                        tree.close(self.hits);
                    }
                    if tree.depth == token.depth {
                        self.tree = None;
                    }
                }
            }
            TokenKind::String => {
                let raw = &self.text[content.clone()];
                let hit = Hit::text(content.start, content.end);
                self.hits.extend(self.around.string(raw, hit));
                let blanked = self.is_secret(Secret::Strings) && self.blank(hit);
                if !self.is_joined(content.start) && !blanked {
                    self.scan.string(raw, content.start, self.depth, self.hits);
                }
                self.name = None;
            }
            TokenKind::Number => {
                if self.is_secret(Secret::Scalars) {
                    self.blank(Hit::value(token.start, token.end));
                }
                self.scalar = self.name.take().map(|_| token.start..token.end);
            }
            TokenKind::Word => {
                self.scalar = self.name.take().map(|_| token.start..token.end);
            }
        }
    }

    fn is_joined(&mut self, start: usize) -> bool {
        while let Some((first, rest)) = self.joined.split_first()
            && *first <= start
        {
            self.joined = rest;
            if *first == start {
                return true;
            }
        }
        false
    }

    /// Whether the value at hand is secret, of this kind or a stricter one.
    fn is_secret(&self, kind: Secret) -> bool {
        self.name.max(self.tree.as_ref().map(|tree| tree.secret)) >= Some(kind)
    }

    /// Blanks the scalar at `hit`, for good (`true`) or unless its object is a schema.
    fn blank(&mut self, hit: Hit) -> bool {
        let value = &self.text[hit.start..hit.end];
        let is_label = self.tree.is_none() && is_label(&self.text[self.label.clone()], value);
        if is_label || key::is_reference(value) {
            return false;
        }
        if let Some(tree) = &mut self.tree
            && let Some(object) = tree.object()
            && object.word != Word::None
        {
            object.is_schema |= object.word == Word::Type && schema::is_type(value);
            tree.pending.push(hit);
            return false;
        }
        self.hits.push(hit);
        true
    }

    /// Known values up to the end of `token`. Inside a string they are text; where they touch anything
    /// else, whole tokens are replaced by a string, so that JSON stays JSON.
    fn place_known(&mut self, token: Token) {
        while let Some((hit, rest)) = self.known.split_first()
            && hit.start < token.end
        {
            let in_string =
                matches!(token.kind, TokenKind::Key | TokenKind::String) && hit.start > token.start;
            let placed = match token.kind {
                _ if in_string => *hit,
                TokenKind::Number | TokenKind::Word => {
                    Hit::value(hit.start.min(token.start), hit.end.max(token.end))
                }
                _ => Hit::value(hit.start, hit.end),
            };
            self.hits.push(placed);
            self.known = rest;
        }
    }

    /// The text is no JSON from `at` on.
    fn broken(&mut self, at: usize) {
        let unfinished = self.text.get(at) == Some(&b'"');
        let before = self.hits.len();
        self.scan.text(self.text, self.depth, self.hits);
        if let Some(tree) = &mut self.tree {
            // What goes on across the break goes with the rest.
            let across = self.hits[before..].iter().filter(|hit| hit.start < at && at < hit.end);
            let start = across.map(|hit| hit.start).min().unwrap_or(at);
            self.hits.append(&mut tree.pending);
            self.hits.push(Hit::value(start, self.text.len()));
        } else if unfinished && self.name.is_some() {
            self.hits.push(Hit::text(at + 1, self.text.len()));
        } else if unfinished {
            self.scan.string(&self.text[at + 1..], at + 1, self.depth, self.hits);
        } else {
            // `{"token":plum`, `{"token":1plum`
            let scalar = self.scalar.take().filter(|scalar| scalar.end == at);
            let start =
                if self.name.is_some() { Some(at) } else { scalar.map(|scalar| scalar.start) };
            let name = &self.text[self.label.clone()];
            self.hits.extend(start.and_then(|start| bare_value(self.text, name, start)));
        }
    }
}

impl Tree {
    fn new(secret: Secret, depth: usize) -> Self {
        Self { secret, depth, objects: Vec::new(), deeper: 0, pending: Vec::new() }
    }

    /// The innermost open object, as far as they are followed.
    fn object(&mut self) -> Option<&mut Object> {
        if self.deeper > 0 { None } else { self.objects.last_mut() }
    }

    fn open(&mut self) {
        if self.objects.len() == SCHEMA_DEPTH {
            self.deeper += 1;
        } else {
            let pending = self.pending.len();
            self.objects.push(Object { is_schema: false, word: Word::None, pending });
        }
    }

    fn close(&mut self, hits: &mut Vec<Hit>) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(object) = self.objects.pop() {
            let pending = self.pending.drain(object.pending..);
            if !object.is_schema {
                hits.extend(pending);
            }
        }
    }
}
