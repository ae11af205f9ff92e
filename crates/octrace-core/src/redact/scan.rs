//! One search through one text: what kind of text it is, which rules see it, and at which depth.
//!
//! Text inside text (the arguments of a tool call are a string of JSON, a tool's result may be another)
//! is decoded, searched, and its hits are carried back. Each decoding costs at most one pass over its
//! text and there are at most [`DEPTH`] of them, so the whole is linear in the text.

use std::{cell::RefCell, collections::HashMap, ops::Range};

use super::{
    encoded, escape,
    hit::{self, Hit},
    json,
    key::{self, Secret},
    literal::{Literals, Prefixes},
    memory::{Memory, Trail},
    sse::{self, Piece},
    stream::{self, Fragments, Joined},
    strings::Strings,
    text::{self, Patterns},
    url,
};

/// Strings inside strings are followed this deep. What is still escaped there is blanked.
pub(super) const DEPTH: u32 = 8;

/// Base64, hex and percent signs are followed this often on the way to a text. What is still encoded there
/// is blanked. They may multiply the work, if only in texts made for it, so they are fewer.
const ENCODINGS: u32 = 3;

/// At most so many names are remembered, none longer than this.
const NAMES: usize = 1024;
const LONGEST_NAME: usize = 40;

/// A search, with its scratch room.
pub(super) struct Scan<'a> {
    literals: &'a Literals,
    patterns: &'a Patterns,
    strings: &'a RefCell<Strings>,
    prefixes: Prefixes,
    /// How many encodings the text at hand was in.
    encodings: u32,
    /// Names of members in which nothing was found, and what they say. They recur all the time.
    names: HashMap<Box<[u8]>, Option<Secret>>,
}

impl<'a> Scan<'a> {
    /// Ready to search.
    pub(super) fn new(
        literals: &'a Literals,
        patterns: &'a Patterns,
        strings: &'a RefCell<Strings>,
    ) -> Self {
        let names = HashMap::new();
        Self { literals, patterns, strings, prefixes: Prefixes::default(), encodings: 0, names }
    }

    /// Hits in a body of this content type. What it says is only believed for forms; JSON and event
    /// streams are recognised by how they begin, whatever they call themselves.
    pub(super) fn body(
        &mut self,
        content_type: &str,
        body: &[u8],
        memory: &mut Memory,
    ) -> Vec<Hit> {
        let is = |word: &str| content_type.to_ascii_lowercase().contains(word);
        if is("x-www-form-urlencoded") && !json::looks_like(body) {
            self.form(body)
        } else if sse::looks_like(body) || is("event-stream") && !json::looks_like(body) {
            self.events(body, sse::pieces(body))
        } else if let Some(lines) = stream::json_lines(body) {
            self.events(body, lines.map(Piece::Data))
        } else if json::looks_like(body) {
            let trail = Trail::new(memory, body, self.literals.longest());
            let mut hits = json::find_again(self, body, trail);
            hit::normalise(&mut hits);
            hits
        } else {
            self.document(body, 0)
        }
    }

    /// Hits in a text of any kind at this depth: JSON if it begins like it.
    pub(super) fn document(&mut self, text: &[u8], depth: u32) -> Vec<Hit> {
        self.document_around(text, depth, &[])
    }

    /// The same but for the strings whose content begins at one of `joined`: see [`json::find_around`].
    fn document_around(&mut self, text: &[u8], depth: u32, joined: &[usize]) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.literals.find(text, &mut self.prefixes, &mut hits);
        if json::looks_like(text) {
            json::find_around(self, text, depth, joined, &mut hits);
        } else {
            self.text(text, depth, &mut hits);
        }
        hit::normalise(&mut hits);
        hits
    }

    /// Hits in what should be JSON, a lone number too.
    pub(super) fn json(&mut self, text: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.literals.find(text, &mut self.prefixes, &mut hits);
        json::find(self, text, 0, &mut hits);
        hit::normalise(&mut hits);
        hits
    }

    /// Hits in a field that is a URL.
    pub(super) fn url(&mut self, url: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        url::find_in_field(url, &mut hits);
        self.literals.find(url, &mut self.prefixes, &mut hits);
        self.percent_encoded(url, 0, 0, &mut hits);
        hit::normalise(&mut hits);
        hits
    }

    /// Known values in `text` as it is that begin at `from` or after it.
    pub(super) fn known_after(&mut self, text: &[u8], from: usize) -> Vec<Hit> {
        let mut known = Vec::new();
        self.literals.find(&text[from..], &mut self.prefixes, &mut known);
        for hit in &mut known {
            hit.start += from;
            hit.end += from;
        }
        hit::normalise(&mut known);
        known
    }

    /// Applies the text rules to `text`, as it is and as often decoded as it has escapes. Known values
    /// in the text as it is are the caller's to find.
    pub(super) fn text(&mut self, text: &[u8], depth: u32, hits: &mut Vec<Hit>) {
        self.rules(text, depth, hits);
        for lines in escape::escaped_lines(text) {
            let source = &text[lines.clone()];
            if depth >= DEPTH {
                let first = memchr::memchr(b'\\', source).unwrap_or(0);
                let last = memchr::memrchr(b'\\', source).unwrap_or(first);
                hits.push(Hit::text(lines.start + first, lines.start + last + 1));
                continue;
            }
            let decoded = escape::decode_json(source);
            let mut inner = Vec::new();
            self.literals.find(&decoded, &mut self.prefixes, &mut inner);
            self.text(&decoded, depth + 1, &mut inner);
            hit::normalise(&mut inner);
            lift_json(source, &mut inner, lines.start, hits);
        }
    }

    /// Hits in a member's name as in any [`string`](Self::string), and what it says of the member's value.
    pub(super) fn name(
        &mut self,
        content: &[u8],
        base: usize,
        depth: u32,
        hits: &mut Vec<Hit>,
    ) -> Option<Secret> {
        if let Some(secret) = self.names.get(content) {
            return *secret;
        }
        let before = hits.len();
        self.string(content, base, depth, hits);
        if memchr::memchr(b'\\', content).is_some() {
            return key::secret(&escape::decode_json(content));
        }
        let secret = key::secret(content);
        if before == hits.len() && content.len() <= LONGEST_NAME && self.names.len() < NAMES {
            self.names.insert(content.into(), secret);
        }
        secret
    }

    /// Hits in the content of a JSON string that begins `base` bytes into the text that `hits` speaks
    /// about, and in which known values have been found already where they are not escaped.
    pub(super) fn string(&mut self, content: &[u8], base: usize, depth: u32, hits: &mut Vec<Hit>) {
        // Further inside, less is followed.
        let outside = depth == 0 && self.encodings == 0;
        let key = if outside { self.strings.borrow().key(content) } else { None };
        if key.is_some_and(|key| self.strings.borrow_mut().has(&key)) {
            return;
        }
        let before = hits.len();
        self.search(content, base, depth, hits);
        if let Some(key) = key.filter(|_| hits.len() == before) {
            self.strings.borrow_mut().insert(key);
        }
    }

    fn search(&mut self, content: &[u8], base: usize, depth: u32, hits: &mut Vec<Hit>) {
        if memchr::memchr(b'\\', content).is_none() {
            let before = hits.len();
            self.rules(content, depth, hits);
            for hit in &mut hits[before..] {
                hit.start += base;
                hit.end += base;
            }
        } else if depth >= DEPTH {
            hits.push(Hit::text(base, base + content.len()));
        } else {
            let decoded = escape::decode_json(content);
            let mut inner = self.document(&decoded, depth + 1);
            lift_json(content, &mut inner, base, hits);
        }
    }

    /// Applies the text rules to `text` as it is, and to what is encoded in it by other means than
    /// backslashes.
    fn rules(&mut self, text: &[u8], depth: u32, hits: &mut Vec<Hit>) {
        text::find(self.patterns, text, hits);
        for word in encoded::percent_words(text) {
            if self.encodings == ENCODINGS {
                hits.push(Hit::text(word.start, word.end));
            } else {
                self.percent_encoded(&text[word.clone()], word.start, depth, hits);
            }
        }
        let is_secret = |decoded: &[u8]| {
            self.encodings == ENCODINGS || !self.encoded(decoded, depth).is_empty()
        };
        encoded::find_runs(text, is_secret, hits);
    }

    /// Hits in what was decoded from a part of a text.
    fn encoded(&mut self, decoded: &[u8], depth: u32) -> Vec<Hit> {
        self.encodings += 1;
        let hits = self.document(decoded, depth);
        self.encodings -= 1;
        hits
    }

    fn form(&mut self, form: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.literals.find(form, &mut self.prefixes, &mut hits);
        url::find_in_form(form, &mut hits);
        for (name, value) in url::form_pairs(form) {
            for part in [name, value] {
                self.percent_encoded(&form[part.clone()], part.start, 0, &mut hits);
            }
        }
        hit::normalise(&mut hits);
        hits
    }

    fn percent_encoded(&mut self, text: &[u8], base: usize, depth: u32, hits: &mut Vec<Hit>) {
        let decoded = escape::decode_percent(text);
        let inner = self.encoded(&decoded, depth);
        hit::lift(escape::percent_spans(text), &inner, base, hits);
    }

    /// Hits in a stream's events: in each by itself, and in the texts that are spread over them.
    fn events(&mut self, body: &[u8], pieces: impl Iterator<Item = Piece> + Clone) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut fragments = Fragments::default();
        for piece in pieces.clone() {
            match piece {
                Piece::Data(data) if json::looks_like(&body[data.clone()]) => {
                    fragments.event(body, data);
                }
                Piece::Data(data) => fragments.plain(data),
                Piece::Line(_) | Piece::Lines(_) => {}
            }
        }
        let mut joined = Vec::new();
        for text in fragments.texts() {
            self.joined(body, &text, &mut hits);
            joined.extend(text.fragments.iter().map(|fragment| fragment.source));
        }
        joined.sort_unstable();
        let mut joined = joined.as_slice();
        for piece in pieces {
            match piece {
                Piece::Line(range) => self.part(body, range, &[], &mut hits),
                Piece::Data(range) => {
                    let before = joined.partition_point(|&start| start < range.start);
                    joined = &joined[before..];
                    self.part(body, range, joined, &mut hits);
                }
                Piece::Lines(lines) => {
                    let (text, spans) = sse::join(body, &lines);
                    hit::lift(spans.into_iter(), &self.document(&text, 0), 0, &mut hits);
                }
            }
        }
        hit::normalise(&mut hits);
        hits
    }

    /// Hits in a text that was streamed in fragments.
    fn joined(&mut self, body: &[u8], text: &Joined, hits: &mut Vec<Hit>) {
        let spans = &text.fragments;
        let mut joined = Vec::with_capacity(spans.iter().map(|span| span.text_len).sum());
        for span in spans {
            joined.extend_from_slice(&body[span.source..span.source + span.source_len]);
        }
        let mut inner = Vec::new();
        if text.is_json_string {
            self.literals.find(&joined, &mut self.prefixes, &mut inner);
            self.string(&joined, 0, 0, &mut inner);
            hit::normalise(&mut inner);
        } else {
            inner = self.document(&joined, 0);
        }
        hit::scatter(spans, &inner, hits);
    }

    /// Hits in a part of `body` that is a text of its own, but for the `joined` fragments in it, of which
    /// those before it are left out already.
    fn part(&mut self, body: &[u8], range: Range<usize>, joined: &[usize], hits: &mut Vec<Hit>) {
        let fragments = joined.partition_point(|&start| start < range.end);
        let fragments: Vec<_> = joined[..fragments].iter().map(|at| at - range.start).collect();
        let inner = self.document_around(&body[range.clone()], 0, &fragments);
        let place =
            |hit: Hit| Hit { start: hit.start + range.start, end: hit.end + range.start, ..hit };
        hits.extend(inner.into_iter().map(place));
    }
}

/// Carries hits in decoded JSON text back to the escaped `source`; quotes are escaped once more there.
fn lift_json(source: &[u8], inner: &mut [Hit], base: usize, hits: &mut Vec<Hit>) {
    for hit in &mut *inner {
        hit.stead = hit.stead.deeper();
    }
    hit::lift(escape::json_spans(source), inner, base, hits);
}
