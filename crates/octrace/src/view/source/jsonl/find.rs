//! Looking for words in the lines of files.
//!
//! Every request repeats everything that was said before it. What was looked at once in a session is not looked at
//! again, so the places are those where the words were first seen, as with the tape; and most of a file is only
//! compared.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    time::Instant,
};

use octrace_core::{
    json::{Scanner, TokenKind},
    provider::Dialect,
    search::{Passage, Query, Role, passages_of_answer, passages_of_request},
};

use super::{
    body,
    file::File,
    index::{Entry, Span},
    line::{self, Kind},
    row,
    shown::Files,
};

/// So many places are enough.
const MOST: usize = 10_000;

/// A search under way.
pub(super) struct Find {
    pub(super) session: Option<String>,
    pub(super) words: Query,
    /// Where they stand, as far as is known.
    pub(super) places: Vec<(String, i64)>,
    /// The file and the entry to go on with.
    at: (i64, u32),
    /// Pieces that were looked at.
    seen: HashSet<u64>,
}

impl Find {
    pub(super) fn new(session: Option<String>, words: Query) -> Self {
        Self { session, words, places: Vec::new(), at: (i64::MIN, 0), seen: HashSet::new() }
    }

    /// Goes on until the deadline. Whether it is done.
    pub(super) fn step(&mut self, files: &Files, deadline: Instant) -> bool {
        let query = self.words.clone();
        while let Some((number, file)) = files.range(self.at.0..).next() {
            if *number != self.at.0 {
                self.at = (*number, 0);
            }
            while let Some(entry) = file.index.entries.get(self.at.1 as usize) {
                if self.places.len() == MOST {
                    return true;
                }
                if Instant::now() >= deadline {
                    return false;
                }
                self.look(&query, *number, file, entry);
                self.at.1 += 1;
            }
            self.at = (number.saturating_add(1), 0);
        }
        true
    }

    fn look(&mut self, query: &Query, number: i64, file: &File, entry: &Entry) {
        let Some(part) = file.index.parts.get(entry.part as usize) else { return };
        if self.session.as_deref().is_some_and(|session| session != &*part.session) {
            return;
        }
        let session = part.session.to_string();
        let failure = entry.failure.as_ref().map(|failure| failure.line);
        let spans = [Some(entry.request), Some(entry.response), failure];
        // A line that cannot be read is found nowhere; whoever opens it is told.
        let has = |span: &Span| span.length > 0;
        let lines = spans.into_iter().flatten().filter(has).filter_map(|span| file.line(span).ok());
        let mut is_found = false;
        for text in lines {
            is_found |= self.is_in(query, &session, entry.dialect, &text);
        }
        if is_found {
            self.places.push((session, row::number(number, self.at.1)));
        }
    }

    fn is_in(&mut self, query: &Query, session: &str, dialect: Dialect, text: &[u8]) -> bool {
        let Ok(record) = line::read(text) else { return false };
        match record.kind {
            Kind::Request => {
                let mut is_found = false;
                pieces(&body::of(record.body), |piece| {
                    if self.seen.insert(hash(session, piece)) {
                        is_found |= self.is_new(query, session, &passages_of_request(piece));
                    }
                });
                is_found
            }
            Kind::Response => {
                let answer = body::answer(dialect, record.body, !record.is_cut);
                query.find(&passages_of_answer(&answer)).is_some()
                    || dialect == Dialect::Unknown
                        && query.find(&passages_of_request(&body::of(record.body))).is_some()
            }
            Kind::Error => {
                let text = line::text(record.error).unwrap_or_default();
                query.find(&[Passage { role: Role::Error, text }]).is_some()
            }
        }
    }

    /// Whether it is found, and was not found before: cache markers move from message to message.
    fn is_new(&mut self, query: &Query, session: &str, passages: &[Passage<'_>]) -> bool {
        let found = query.find(passages).and_then(|found| passages.get(found.passage));
        found.is_some_and(|passage| self.seen.insert(hash(session, passage.text.as_bytes())))
    }
}

/// Cuts a body into what it repeats: the elements of its lists, and its other members.
fn pieces(body: &[u8], mut visit: impl FnMut(&[u8])) {
    let mut scanner = Scanner::new(body);
    let mut start = 0;
    let mut is_list = false;
    let mut is_any = false;
    for token in scanner.by_ref() {
        let range = match (token.depth, token.kind) {
            (1, TokenKind::Key) => continue,
            (1, TokenKind::ArrayStart) => {
                is_list = true;
                continue;
            }
            (1, TokenKind::ObjectStart) => {
                is_list = false;
                start = token.start;
                continue;
            }
            (1, TokenKind::ArrayEnd) => continue,
            (1, TokenKind::ObjectEnd) => start..token.end,
            (1, _) => token.start..token.end,
            (2, TokenKind::ObjectStart | TokenKind::ArrayStart) if is_list => {
                start = token.start;
                continue;
            }
            (2, TokenKind::ObjectEnd | TokenKind::ArrayEnd) if is_list => start..token.end,
            (2, _) if is_list => token.start..token.end,
            _ => continue,
        };
        is_any = true;
        visit(body.get(range).unwrap_or_default());
    }
    if !is_any {
        visit(body);
    }
}

fn hash(session: &str, piece: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    session.hash(&mut hasher);
    piece.hash(&mut hasher);
    hasher.finish()
}
