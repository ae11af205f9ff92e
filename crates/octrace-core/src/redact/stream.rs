//! Texts that a model streams in fragments, a few characters an event.
//!
//! No dialect is known here. In events of one kind, the strings at one path make up one text: the deltas
//! of an answer, the arguments of a tool call. Parallel texts are told apart by the `index`, `output_index`,
//! … of the objects they stand in; 0 is the same as none, for servers leave it out. Where such numbers are
//! missing, elements of one array may be parallel texts or one text in order, so both are tried.
//!
//! A fragment is joined as it is written, with its escapes: two halves of a surrogate pair are a character
//! again. What is found goes back to each fragment by itself ([`hit::scatter`](super::hit::scatter)); no
//! event loses more than characters of its strings.

use std::{collections::HashMap, ops::Range};

#[cfg(test)]
mod tests;

use super::hit::Span;
use crate::json::{Scanner, Token, TokenKind};

/// A string this long that is the same as the one before it is an id, repeated in every event.
const REPEATED: usize = 16;

/// An event with more containers or strings is none of a stream: nothing of it is joined.
const LARGEST_EVENT: usize = 1 << 16;

/// So many fragments of a body are joined; what follows is searched by itself.
const MOST_FRAGMENTS: usize = 1 << 20;

/// A text that was streamed: where its fragments are, in order.
pub(super) struct Joined {
    /// Copies, none of them empty; two at least.
    pub(super) fragments: Vec<Span>,
    /// What they are fragments of: the content of a JSON string, or text as it is.
    pub(super) is_json_string: bool,
}

/// What may be a fragment of a longer text.
struct Fragment {
    /// Which text, if elements of one array are parallel texts.
    parallel: u64,
    content: Range<usize>,
}

/// The fragments in a stream's events.
#[derive(Default)]
pub(super) struct Fragments {
    /// By the text that they belong to, if elements of one array are one text in order.
    strings: HashMap<u64, Vec<Fragment>>,
    plain: Vec<Range<usize>>,
    /// All fragments so far.
    count: usize,
    containers: Vec<Container>,
    places: Vec<(u64, u64)>,
}

/// An object or array of the event at hand.
struct Container {
    is_array: bool,
    /// Where it stands, but for its own index.
    parent: Option<usize>,
    step: Step,
    /// Elements so far.
    elements: u64,
    /// The name of the member at hand, and whether its value tells parallel texts apart.
    name: u64,
    name_tells: bool,
    /// From the members that tell; 0 is none.
    index: u64,
    has_index: bool,
}

/// The step from a container to a value in it.
#[derive(Clone, Copy, Default)]
struct Step {
    name: u64,
    position: u64,
}

impl Fragments {
    /// Adds the data of an event, at `range` of `body`, that is no JSON.
    pub(super) fn plain(&mut self, range: Range<usize>) {
        if self.count < MOST_FRAGMENTS {
            self.count += 1;
            self.plain.push(range);
        }
    }

    /// Adds the strings of an event, at `range` of `body`, as far as it is JSON.
    pub(super) fn event(&mut self, body: &[u8], range: Range<usize>) {
        if self.count >= MOST_FRAGMENTS {
            return;
        }
        let text = &body[range.clone()];
        let mut containers = std::mem::take(&mut self.containers);
        containers.clear();
        let mut strings: Vec<(Option<usize>, Step, Range<usize>)> = Vec::new();
        let mut open: Option<usize> = None;
        let mut last = None;
        let mut scanner = Scanner::new(text);
        for Token { kind, start, end, .. } in scanner.by_ref() {
            last = Some(kind);
            if containers.len().max(strings.len()) == LARGEST_EVENT {
                return;
            }
            match kind {
                TokenKind::Key => {
                    if let Some(object) = open.map(|open| &mut containers[open]) {
                        let name = &text[start + 1..end - 1];
                        object.name = hash(name);
                        object.name_tells = name == b"index"
                            || name.ends_with(b"_index")
                            || name == b"type" && object.parent.is_none();
                    }
                }
                TokenKind::ObjectStart | TokenKind::ArrayStart => {
                    let step = step(&mut containers, open);
                    let is_array = kind == TokenKind::ArrayStart;
                    containers.push(Container::new(is_array, open, step));
                    open = Some(containers.len() - 1);
                }
                TokenKind::ObjectEnd | TokenKind::ArrayEnd => {
                    open = open.and_then(|open| containers[open].parent);
                }
                TokenKind::String | TokenKind::Number | TokenKind::Word => {
                    let step = step(&mut containers, open);
                    if let Some(open) = open {
                        containers[open].tell(&text[start..end]);
                    }
                    if kind == TokenKind::String {
                        strings.push((open, step, start + 1..end - 1));
                    }
                }
            }
        }
        // The string in which the stream was cut.
        let expects_value =
            last == Some(TokenKind::Key) || open.is_none_or(|open| containers[open].is_array);
        if let Some(at) = scanner.broken_at()
            && text.get(at) == Some(&b'"')
            && expects_value
        {
            strings.push((open, step(&mut containers, open), at + 1..text.len()));
        }
        places(&containers, &mut self.places);
        self.containers = containers;
        for (container, step, content) in strings {
            let (in_order, parallel) = container.map_or((0, 0), |container| self.places[container]);
            if content.is_empty() {
                continue;
            }
            let content = range.start + content.start..range.start + content.end;
            let text = self.strings.entry(mix(in_order, step.name)).or_default();
            let repeats = |last: &Fragment| {
                content.len() >= REPEATED && body[last.content.clone()] == body[content.clone()]
            };
            if !text.last().is_some_and(repeats) {
                let parallel = mix(mix(parallel, step.name), step.position);
                text.push(Fragment { parallel, content });
                self.count += 1;
            }
        }
    }

    /// The texts that the fragments are of, those of a single one left out.
    pub(super) fn texts(self) -> Vec<Joined> {
        let mut texts = Vec::new();
        let mut add = |is_json_string, contents: &mut dyn Iterator<Item = &Range<usize>>| {
            let fragments: Vec<_> = contents.map(Span::copy).collect();
            if fragments.len() > 1 {
                texts.push(Joined { fragments, is_json_string });
            }
        };
        add(false, &mut self.plain.iter().filter(|content| !content.is_empty()));
        for mut text in self.strings.into_values() {
            add(true, &mut text.iter().map(|fragment| &fragment.content));
            if text.iter().any(|fragment| fragment.parallel != text[0].parallel) {
                // Stable: what belongs together stays in order.
                text.sort_by_key(|fragment| fragment.parallel);
                for text in text.chunk_by(|one, next| one.parallel == next.parallel) {
                    add(true, &mut text.iter().map(|fragment| &fragment.content));
                }
            }
        }
        texts
    }
}

impl Container {
    fn new(is_array: bool, parent: Option<usize>, step: Step) -> Self {
        Self {
            is_array,
            parent,
            step,
            elements: 0,
            name: 0,
            name_tells: false,
            index: 0,
            has_index: false,
        }
    }

    /// Takes note of the value of the member at hand.
    fn tell(&mut self, value: &[u8]) {
        if self.name_tells {
            self.has_index |= value.first() != Some(&b'"');
            if value != b"0" && value != b"null" {
                self.index = mix(mix(self.index, self.name), hash(value));
            }
        }
    }
}

/// The step to the next value in the container at hand.
fn step(containers: &mut [Container], open: Option<usize>) -> Step {
    let Some(container) = open.map(|open| &mut containers[open]) else {
        return Step::default();
    };
    if container.is_array {
        container.elements += 1;
        Step { name: 0, position: container.elements - 1 }
    } else {
        Step { name: container.name, position: 0 }
    }
}

/// What tells each container from others, with its elements in order and in parallel. A container comes
/// after the one around it.
fn places(containers: &[Container], places: &mut Vec<(u64, u64)>) {
    places.clear();
    for container in containers {
        let Step { name, position } = container.step;
        let (in_order, parallel) = container.parent.map_or((0, 0), |parent| places[parent]);
        let position = if container.has_index { 0 } else { position };
        let place = |parent| mix(mix(parent, name), container.index);
        places.push((place(in_order), mix(place(parallel), position)));
    }
}

fn mix(one: u64, other: u64) -> u64 {
    // An odd factor carries every bit upwards; the shift brings them down again.
    let mixed = (one ^ other.rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 29
}

fn hash(name: &[u8]) -> u64 {
    name.iter().fold(1, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The lines of a body that is JSON, one value a line; `None` for anything else.
pub(super) fn json_lines(body: &[u8]) -> Option<impl Iterator<Item = Range<usize>> + Clone> {
    let first = memchr::memchr(b'\n', body)?;
    let mut scanner = Scanner::new(&body[..first]);
    let whole = scanner.by_ref().count() > 0 && scanner.broken_at().is_none();
    if !whole || !super::json::looks_like(&body[first..]) {
        return None;
    }
    let ends = memchr::memchr_iter(b'\n', body).chain(std::iter::once(body.len()));
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', body).map(|end| end + 1));
    Some(starts.zip(ends).map(|(start, end)| start..end).filter(|line| !line.is_empty()))
}
