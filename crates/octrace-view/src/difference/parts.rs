//! A request cut into what a difference is about, in the order in which the model reads it.
//!
//! Providers put a prompt together from the members of a request, in an order that is not the body's: tools first,
//! then the instructions, then the conversation. Their prompt caches hold beginnings of that. A model has a cache of
//! its own, and some settings stand in the prompt: OpenAI's schema of the answer before everything else, Anthropic's
//! choice of tools and of reasoning before the conversation. Other settings are compared, too, but break nothing.

use std::{
    hash::{Hash, Hasher},
    ops::Range,
};

use octrace_core::provider::{
    Dialect,
    conversation::string,
    outline::{Elements, Member, members},
};
use octrace_store::body::{MAX_ITEMS, markers};

/// A gateway wraps the request in an object of its own, hardly in more than one.
const MAX_ENVELOPES: usize = 3;

/// Where a part stands in the prompt. In its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    /// The model's name: each has a cache of its own.
    Model,
    /// The form that the answer must have.
    Form,
    /// One of the tools.
    Tool,
    /// Instructions that stand beside the conversation.
    Instruction,
    /// A setting that the conversation is read with.
    Mode,
    /// One message, in dialects where they stand among the messages also a tool call or its result.
    Message,
    /// What is no JSON, or no longer, or beyond all bounds.
    Rest,
    /// A setting that no model reads.
    Setting,
}

impl Place {
    /// Whether a change here makes what comes after it new to the provider's cache.
    pub(crate) fn is_prompt(self) -> bool {
        self != Self::Setting
    }

    fn of(dialect: Dialect, name: &[u8]) -> Self {
        match (name, dialect) {
            (b"model", _) => Self::Model,
            (b"tools", _) => Self::Tool,
            (b"system" | b"instructions" | b"systemInstruction" | b"system_instruction", _) => {
                Self::Instruction
            }
            (b"messages" | b"input" | b"contents", _) => Self::Message,
            (b"response_format", Dialect::OpenaiChat) | (b"text", Dialect::OpenaiResponses) => {
                Self::Form
            }
            (b"tool_choice" | b"thinking", Dialect::Anthropic) => Self::Mode,
            _ => Self::Setting,
        }
    }
}

/// A part of a body: where it is, and where its cache markers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    /// Where it stands in the prompt.
    pub(crate) place: Place,
    /// Its bytes in the body.
    pub(crate) range: Range<usize>,
    /// The name of the member that it is, or an element of, as it stands between its quotes.
    member: &'a [u8],
    /// In bytes of the body.
    markers: Vec<Range<usize>>,
}

impl Part<'_> {
    /// What is between its cache markers, as ranges of the body: what the model reads.
    pub(super) fn content(&self) -> impl Iterator<Item = Range<usize>> {
        let ends = self.markers.iter().map(|marker| marker.start).chain([self.range.end]);
        let starts = [self.range.start].into_iter().chain(self.markers.iter().map(|at| at.end));
        starts.zip(ends).map(|(start, end)| start..end)
    }

    /// Its size in bytes without its cache markers.
    pub(crate) fn size(&self) -> usize {
        self.content().map(|range| range.len()).sum()
    }
}

/// A body and its parts.
#[derive(Clone, Debug)]
pub(crate) struct Parts<'a> {
    /// The whole body, as sent.
    pub(crate) body: &'a [u8],
    /// At most [`MAX_ITEMS`] and one, in the prompt's order; settings come last, by name.
    pub(crate) parts: Vec<Part<'a>>,
}

/// What a part is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    /// A message's role or type, a tool's name, a setting's name. As recorded.
    pub(crate) name: String,
    /// The tool call that a message is about; empty where there is none.
    pub(crate) id: String,
}

impl<'a> Parts<'a> {
    /// Cuts a body. What is not JSON is one part, nothing is none.
    pub(crate) fn of(dialect: Dialect, body: &'a [u8]) -> Self {
        let mut cut = Cut { dialect, body, parts: Vec::new(), full: None };
        let broken = cut.object(0..body.len(), 0);
        let covered = cut.parts.iter().map(|part| part.range.end).max().unwrap_or_default();
        // What breaks off inside of a part that is shown is nothing more.
        let rest = cut.full.or(broken.map(|_| covered)).or((covered == 0).then_some(0));
        if let Some(start) = rest.filter(|start| !body[*start..].trim_ascii().is_empty()) {
            let (place, range) = (Place::Rest, start..body.len());
            cut.parts.push(Part { place, range, member: b"", markers: Vec::new() });
        }
        let mut parts = cut.parts;
        // A body may give its settings in any order, they mean the same.
        parts.sort_by_key(|part| {
            let name = if part.place == Place::Setting { part.member } else { b"" };
            (part.place, name, part.range.start)
        });
        Self { body, parts }
    }

    /// A part's bytes, as sent.
    pub(crate) fn bytes(&self, part: usize) -> &'a [u8] {
        &self.body[self.parts[part].range.clone()]
    }

    /// How many parts at the beginning a provider's cache is about.
    pub(crate) fn prompt(&self) -> usize {
        self.parts.partition_point(|part| part.place.is_prompt())
    }

    /// The size of the first `count` parts in bytes, cache markers left out.
    pub(crate) fn size(&self, count: usize) -> usize {
        self.parts.iter().take(count).map(Part::size).sum()
    }

    /// What a part is called.
    pub(crate) fn name(&self, part: usize) -> Name {
        let Part { place, member, .. } = &self.parts[part];
        let mut name = Name::default();
        match place {
            Place::Tool => tool_name(self.bytes(part), &mut name),
            Place::Message => message_name(self.bytes(part), &mut name),
            _ => {}
        }
        if name.name.is_empty() {
            name.name = String::from_utf8_lossy(member).into_owned();
        }
        name
    }

    /// What a part says, to find its like.
    pub(super) fn content(&self, part: usize) -> Content<'a, '_> {
        Content { body: self.body, part: &self.parts[part] }
    }
}

/// What two parts begin with alike, cache markers left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alike {
    /// How many bytes.
    pub(crate) len: usize,
    /// Where that ends in the first one's body.
    pub(crate) before: usize,
    /// Where that ends in the second one's body.
    pub(crate) after: usize,
}

/// What the model reads of a part.
#[derive(Clone, Copy)]
pub(super) struct Content<'a, 'b> {
    body: &'a [u8],
    part: &'b Part<'a>,
}

impl Content<'_, '_> {
    /// How much both begin with.
    pub(super) fn alike(self, other: Self) -> Alike {
        let (mut ours, mut theirs) = (self.part.content(), other.part.content());
        let (mut our, mut their) = (ours.next(), theirs.next());
        let mut len = 0;
        let (mut before, mut after) = (self.part.range.start, other.part.range.start);
        while let (Some(a), Some(b)) = (&mut our, &mut their) {
            let step = prefix(&self.body[a.clone()], &other.body[b.clone()]);
            len += step;
            (a.start, b.start) = (a.start + step, b.start + step);
            (before, after) = (a.start, b.start);
            let (a_ended, b_ended) = (a.start == a.end, b.start == b.end);
            if a_ended {
                our = ours.next();
            }
            if b_ended {
                their = theirs.next();
            }
            if !a_ended && !b_ended {
                break;
            }
        }
        Alike { len, before, after }
    }

    /// Whether it is the same to the byte, cache markers and all.
    pub(super) fn is_exactly(self, other: Self) -> bool {
        self.body[self.part.range.clone()] == other.body[other.part.range.clone()]
    }
}

impl PartialEq for Content<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        let size = self.part.size();
        self.part.place == other.part.place
            && size == other.part.size()
            && (self.is_exactly(*other) || self.alike(*other).len == size)
    }
}

impl Eq for Content<'_, '_> {}

impl Hash for Content<'_, '_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.part.place.hash(state);
        for range in self.part.content() {
            state.write(&self.body[range]);
        }
    }
}

/// How many bytes two texts begin with alike.
pub(super) fn prefix(a: &[u8], b: &[u8]) -> usize {
    const BLOCK: usize = 4096;
    let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK));
    let start = BLOCK * blocks.take_while(|(a, b)| a == b).count();
    start + a[start..].iter().zip(&b[start..]).take_while(|(a, b)| a == b).count()
}

struct Cut<'a> {
    dialect: Dialect,
    body: &'a [u8],
    parts: Vec<Part<'a>>,
    /// Where what was too much begins.
    full: Option<usize>,
}

impl<'a> Cut<'a> {
    /// Adds the members of the object at `range`. Gives where it stopped being JSON, if it did.
    fn object(&mut self, range: Range<usize>, envelopes: usize) -> Option<usize> {
        let (body, from) = (self.body, range.start);
        members(&body[range], |member| {
            let start = from + member.start;
            let value = start..start + member.value.len();
            match Place::of(self.dialect, member.name) {
                Place::Tool if member.is_array => self.tools(member.name, &value),
                place @ (Place::Instruction | Place::Message) if member.is_array => {
                    self.elements(place, member.name, &value);
                }
                Place::Setting if envelopes < MAX_ENVELOPES && is_envelope(&member) => {
                    self.object(value, envelopes + 1);
                }
                place => self.push(place, member.name, value),
            }
        })
    }

    fn elements(&mut self, place: Place, member: &'a [u8], array: &Range<usize>) {
        for element in Elements::new(&self.body[array.clone()]) {
            self.push(place, member, array.start + element.start..array.start + element.end);
        }
    }

    /// Tools; of Gemini's, which declare many functions each, the functions.
    fn tools(&mut self, member: &'a [u8], array: &Range<usize>) {
        let body = self.body;
        for element in Elements::new(&body[array.clone()]) {
            let tool = array.start + element.start..array.start + element.end;
            let mut declares = false;
            members(&body[tool.clone()], |inner| declares |= declares_functions(&inner));
            if !declares {
                self.push(Place::Tool, member, tool);
                continue;
            }
            members(&body[tool.clone()], |inner| {
                let start = tool.start + inner.start;
                let value = start..start + inner.value.len();
                if declares_functions(&inner) {
                    self.elements(Place::Tool, inner.name, &value);
                } else {
                    self.push(Place::Tool, inner.name, value);
                }
            });
        }
    }

    fn push(&mut self, place: Place, member: &'a [u8], range: Range<usize>) {
        if self.full.is_some() {
            return;
        }
        if self.parts.len() == MAX_ITEMS {
            self.full = Some(range.start);
            return;
        }
        let moved = |marker: Range<usize>| range.start + marker.start..range.start + marker.end;
        let markers = markers(&self.body[range.clone()]).into_iter().map(moved).collect();
        self.parts.push(Part { place, range, member, markers });
    }
}

/// Whether a member holds the request that a gateway hands on.
fn is_envelope(member: &Member<'_>) -> bool {
    let mut has_messages = false;
    if member.value.starts_with(b"{") {
        members(member.value, |inner| {
            let is_messages = matches!(inner.name, b"messages" | b"input" | b"contents");
            has_messages |= inner.is_array && is_messages;
        });
    }
    has_messages
}

fn declares_functions(member: &Member<'_>) -> bool {
    member.is_array && matches!(member.name, b"functionDeclarations" | b"function_declarations")
}

/// Fills in `name`, of the tool itself or of the function that it is, else its type.
fn tool_name(tool: &[u8], name: &mut Name) {
    let (mut function, mut kind) = (None, None);
    members(tool, |member| match member.name {
        b"name" => name.name = string(member.value).unwrap_or_default(),
        b"type" => kind = string(member.value),
        b"function" => {
            members(member.value, |inner| {
                if inner.name == b"name" {
                    function = string(inner.value);
                }
            });
        }
        _ => {}
    });
    if name.name.is_empty() {
        name.name = function.or(kind).unwrap_or_default();
    }
}

/// Fills in the role, else the type, and the call's id.
fn message_name(message: &[u8], name: &mut Name) {
    let mut kind = None;
    members(message, |member| match member.name {
        b"role" => name.name = string(member.value).unwrap_or_default(),
        b"type" => kind = string(member.value),
        b"tool_call_id" | b"call_id" => name.id = string(member.value).unwrap_or_default(),
        _ => {}
    });
    if name.name.is_empty() {
        name.name = kind.unwrap_or_default();
    }
}
