//! The conversation as people read it: messages under their roles, then the answer. What is new in the request and the
//! answer are unfolded.

use std::{collections::HashMap, sync::Arc};

use octrace_core::{
    exchange::Outcome,
    provider::{
        ToolRequest,
        conversation::{self, Begun, Children, Place, Said, Section},
    },
    session,
};

use super::{
    build::Exchange,
    calls::Call,
    json,
    node::{Hidden, How, Node, Span},
    pieces::PIECE,
    tree::Path,
};
use crate::text::{Line, Paint, figures, request::tokens};

/// So much of what is folded is shown in its row, in bytes.
const GLIMPSE: usize = 160;

/// What takes no more bytes than this is unfolded with its message.
const SHORT: usize = 4 * 1024;

/// A member no longer than this, in bytes, stands in its row.
const INLINE: usize = 72;

/// Arguments in a string are looked into up to this size: it takes a copy of them.
const ARGUMENTS: usize = 1024 * 1024;

/// A page of messages has no more than this.
const RUN: usize = 100;

/// More tools than these are only counted.
const NAMED: usize = 40;

/// The page's nodes, where somebody begins to read, and the tool calls that the answer asks for.
pub(super) fn nodes(exchange: &Exchange) -> (Vec<Node>, Path, Vec<Call>) {
    let mut nodes = exchange.request.notes();
    let span = Span::whole(&exchange.request.bytes);
    match conversation::sections(span.bytes()) {
        Some(sections) => nodes.extend(request(&span, sections)),
        None if let Some(begun) = begun(exchange) => nodes.extend(cut(&span, begun)),
        None if exchange.request.bytes.is_empty() => {}
        None => {
            let line =
                about(Line::new().put(Paint::Accent, "request"), &[], span.range.len(), false);
            nodes.push(Node::heading(line, exchange.request.nodes()).unfolded());
        }
    }
    let begin = nodes.len() as u32;
    let (answer, calls) = answer(exchange);
    nodes.push(answer);
    let called = |(at, asked): (usize, &ToolRequest)| {
        let input = Some(&asked.arguments).filter(|json| json.len() <= ARGUMENTS);
        let input = input.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        let subject = session::subject(&asked.name, &input);
        Call::new(vec![begin, at as u32], &asked.name, subject)
    };
    let calls = (calls..).zip(&exchange.answer.tool_calls).map(called).collect();
    (nodes, vec![begin], calls)
}

/// What there is of a request that was recorded in part.
fn begun(exchange: &Exchange) -> Option<Begun<'_>> {
    conversation::begun(&exchange.request.bytes).filter(|_| exchange.request.is_cut)
}

/// What is whole, then what is not as it was sent.
fn cut(span: &Span, begun: Begun<'_>) -> Vec<Node> {
    let Begun { sections, messages, rest: (name, rest) } = begun;
    let mut nodes = request(span, sections);
    nodes.extend(conversation(span, &messages));
    if !rest.is_empty() {
        let rest = span.of(rest);
        let line = Line::new().put(paint(&name), &name);
        let line = about(line, &["cut off"], rest.range.len(), false);
        nodes.push(Node::heading(line, vec![Node::span(rest, How::Json)]).unfolded());
    }
    nodes
}

fn request(span: &Span, sections: Vec<Section<'_>>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut settings = Vec::new();
    for Section { place, name, value } in sections {
        let whole = span.of(value);
        match place {
            Place::Setting => settings.push((name, value)),
            Place::Tools => nodes.push(tools(&whole)),
            Place::Instructions => {
                let mut parts = Parts::new(&whole);
                conversation::content(value, &mut |said| parts.said(said));
                nodes.push(parts.under(Line::new().put(Paint::Meta, &name), value.len()));
            }
            Place::Conversation => match Children::of(value) {
                Some(messages) => nodes.extend(conversation(&whole, &messages)),
                None => {
                    let mut parts = Parts::new(&whole);
                    conversation::content(value, &mut |said| parts.said(said));
                    let line = Line::new().put(paint("user"), &name);
                    nodes.push(parts.under(line, value.len()).unfolded());
                }
            },
        }
    }
    if !settings.is_empty() {
        let names = settings.iter().map(|(name, _)| name.as_ref()).collect::<Vec<_>>().join(", ");
        let below = settings.iter().map(|(name, value)| member(name, span, value)).collect();
        let line = Line::new().put(Paint::Accent, &figures::many(settings.len() as u64, "setting"));
        let preview = Line::new().put(Paint::Dim, ": ").put(Paint::Dim, &names);
        nodes.insert(0, Node::heading(line, below).preview(preview));
    }
    nodes
}

fn tools(span: &Span) -> Node {
    let tools = Children::of(span.bytes()).unwrap_or_default();
    let names: Vec<String> = tools.values().flat_map(conversation::tool_names).collect();
    let line = Line::new().put(Paint::Accent, &figures::many(names.len() as u64, "tool"));
    let more = if names.len() > NAMED { ", …" } else { "" };
    let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let line = about(line, &[], span.range.len(), false);
    let preview =
        Line::new().layout(Paint::Dim, "  ").put(Paint::Dim, &named).put(Paint::Dim, more);
    Node::heading(line, vec![Node::members(span.clone())]).preview(preview)
}

/// The messages, in pages that are read when they come into view.
fn conversation(span: &Span, messages: &Children<'_>) -> Vec<Node> {
    let mut calls = HashMap::new();
    let mut pages: Vec<(usize, Span)> = Vec::new();
    let (mut fresh, mut number) = (0, 0);
    for value in messages.values() {
        let (role, _) = conversation::speaker(value);
        if matches!(role.as_str(), "assistant" | "model" | "function_call" | "reasoning") {
            fresh = number + 1;
        }
        conversation::message(value, &mut |said| {
            if let Said::Call(Some(name), Some(id), _) = said {
                calls.insert(id, name);
            }
        });
        let message = span.of(value);
        match pages.last_mut() {
            Some((first, page))
                if message.range.end - page.range.start <= PIECE && number - *first < RUN =>
            {
                page.range.end = message.range.end;
            }
            _ => pages.push((number, message)),
        }
        number += 1;
    }
    let fresh = fresh.min(number.saturating_sub(1));
    let calls = Arc::new(calls);
    let page = |(first, span)| {
        let calls = Arc::clone(&calls);
        Node::hidden(Hidden::Messages(Messages { span, first, fresh, calls }))
    };
    pages.into_iter().map(page).collect()
}

/// Messages that stand side by side.
#[derive(Debug)]
pub(super) struct Messages {
    /// From the first to the last, commas included.
    pub(super) span: Span,
    /// The first one's number.
    first: usize,
    /// From which on they are new in this request.
    fresh: usize,
    /// The tools' names by the calls' ids.
    calls: Arc<HashMap<String, String>>,
}

impl Messages {
    /// Each under its role.
    pub(super) fn nodes(&self) -> Vec<Node> {
        let messages = json::values(&self.span).into_iter().zip(self.first..);
        messages.map(|(span, number)| self.message(&span, number >= self.fresh)).collect()
    }

    fn message(&self, span: &Span, is_fresh: bool) -> Node {
        let (role, id) = conversation::speaker(span.bytes());
        let mut parts = Parts { calls: Some(&self.calls), ..Parts::new(span) };
        conversation::message(span.bytes(), &mut |said| parts.said(said));
        let mut line = Line::new().put(paint(&role), &role);
        if let Some(id) = &id {
            line = called(line, self.calls.get(id).map(String::as_str), Some(id));
        }
        let node = parts.under(line, span.range.len());
        if is_fresh { node.unfolded() } else { node }
    }
}

/// What a message says, as nodes.
struct Parts<'a> {
    span: &'a Span,
    calls: Option<&'a HashMap<String, String>>,
    nodes: Vec<Node>,
    /// Results that are not at their end: their heading, where they begin among the nodes, and their size.
    results: Vec<(Line, usize, usize)>,
    count: usize,
    is_cached: bool,
    glimpse: Line,
}

impl<'a> Parts<'a> {
    fn new(span: &'a Span) -> Self {
        Self {
            span,
            calls: None,
            nodes: Vec::new(),
            results: Vec::new(),
            count: 0,
            is_cached: false,
            glimpse: Line::new(),
        }
    }

    /// The heading, its figures, and all that was said below it.
    fn under(self, line: Line, size: usize) -> Node {
        let count =
            if self.count == 1 { String::new() } else { figures::many(self.count as u64, "part") };
        let line = about(line, &[&count], size, self.is_cached);
        let preview = Line::new().layout(Paint::Plain, "  ").join(self.glimpse);
        Node::heading(line, self.nodes).preview(preview)
    }

    fn said(&mut self, said: Said<'_>) {
        if self.results.is_empty() && !matches!(said, Said::ResultEnd | Said::Member(..)) {
            self.count += 1;
        }
        match said {
            Said::Text(text) => {
                let text = inside(&self.span.of(text));
                self.glimpse(|| shortened(&text));
                if let Some((_, _, size)) = self.results.last_mut() {
                    *size += text.range.len();
                }
                self.nodes.push(Node::span(text, How::Decoded));
            }
            Said::Reasoning(text) => {
                let text = inside(&self.span.of(text));
                self.glimpse(|| shortened(&text));
                let line = Line::new().put(Paint::Meta, "reasoning");
                let line = about(line, &[], text.range.len(), false);
                let preview = Line::new().layout(Paint::Plain, "  ").join(shortened(&text));
                let size = text.range.len();
                let node = Node::heading(line, vec![Node::span(text, How::Decoded)]);
                self.nodes.push(if size <= SHORT {
                    node.unfolded()
                } else {
                    node.preview(preview)
                });
            }
            Said::Call(name, id, arguments) => {
                let line = Line::new().put(Paint::Meta, "tool call");
                let line = called(line, name.as_deref(), id.as_deref());
                self.glimpse(|| line.clone());
                let arguments = self.span.of(arguments);
                let preview = Line::new().layout(Paint::Plain, "  ").join(shortened(&arguments));
                let size = arguments.range.len();
                let node = Node::heading(line, call(arguments)).preview(preview);
                self.nodes.push(if size <= SHORT { node.unfolded() } else { node });
            }
            Said::Result(name, id) => {
                let line = Line::new().put(Paint::Meta, "tool result");
                let known = id.as_ref().and_then(|id| self.calls.and_then(|calls| calls.get(id)));
                let name = name.as_deref().or(known.map(String::as_str));
                let line = called(line, name, id.as_deref());
                self.glimpse(|| line.clone());
                self.results.push((line, self.nodes.len(), 0));
            }
            Said::ResultEnd => {
                let Some((line, from, size)) = self.results.pop() else { return };
                let below = self.nodes.split_off(from);
                let node = Node::heading(about(line, &[], size, false), below);
                self.nodes.push(if size <= SHORT { node.unfolded() } else { node });
            }
            Said::Media(kind, data, all) => {
                let line = Line::new().put(Paint::Meta, &kind).put(Paint::Meta, &media_size(data));
                self.glimpse(|| line.clone());
                let below = vec![Node::members(self.span.of(all))];
                self.nodes.push(Node::heading(line, below));
            }
            Said::Json(value) => {
                let value = self.span.of(value);
                self.glimpse(|| shortened(&value));
                self.nodes.push(Node::json(value));
            }
            Said::Member(name, _) if name == "cache_control" => self.is_cached = true,
            Said::Member(name, value) => self.nodes.push(member(&name, self.span, value)),
        }
    }

    fn glimpse(&mut self, glimpse: impl FnOnce() -> Line) {
        if self.glimpse.width() == 0 {
            self.glimpse = glimpse();
        }
    }
}

/// What came back, put together where it was streamed; and which of the nodes below it is the first tool call.
fn answer(exchange: &Exchange) -> (Node, usize) {
    let Exchange { summary, response, answer, .. } = exchange;
    let state = match summary.outcome {
        Outcome::Waiting => "none yet",
        Outcome::Streaming => "still arriving",
        _ => answer.finish.as_deref().unwrap_or_default(),
    };
    let line = Line::new().put(Paint::Good, "answer");
    let line = about(line, &[state], response.bytes.len(), false);
    let mut nodes = response.notes();
    let error = answer.error.as_ref().or(summary.error.as_ref());
    nodes.extend(error.map(|error| Node::text(error, Paint::Bad)));
    let said = |text: &str| Node::span(Span::whole(&Arc::new(text.as_bytes().to_vec())), How::Text);
    if !answer.reasoning.is_empty() {
        let line = Line::new().put(Paint::Meta, "reasoning");
        let line = about(line, &[], answer.reasoning.len(), false);
        nodes.push(Node::heading(line, vec![said(&answer.reasoning)]).unfolded());
    }
    if !answer.text.is_empty() {
        nodes.push(said(&answer.text));
    }
    let first_call = nodes.len();
    for asked in &answer.tool_calls {
        let line = Line::new().put(Paint::Meta, "tool call");
        let line = called(line, Some(&asked.name), Some(&asked.id));
        let arguments = Span::whole(&Arc::new(asked.arguments.as_bytes().to_vec()));
        nodes.push(Node::heading(line, of_arguments(arguments)).unfolded());
    }
    if nodes.is_empty() && !response.bytes.is_empty() {
        nodes = response.nodes();
    }
    if let Some(usage) = &answer.usage {
        nodes.push(Node::heading(Line::new().put(Paint::Dim, &tokens(usage)), Vec::new()));
    }
    for problem in &answer.problems {
        nodes.push(Node::text(problem, Paint::Warn));
    }
    (Node::heading(line, nodes).unfolded(), first_call)
}

/// What a tool was called with: JSON, or a string with some.
fn call(arguments: Span) -> Vec<Node> {
    if !arguments.bytes().starts_with(b"\"") {
        return if arguments.range.is_empty() {
            Vec::new()
        } else {
            vec![Node::arguments(arguments)]
        };
    }
    if arguments.range.len() > ARGUMENTS {
        return vec![Node::span(inside(&arguments), How::Decoded)];
    }
    let text = conversation::string(arguments.bytes()).unwrap_or_default();
    of_arguments(Span::whole(&Arc::new(text.into_bytes())))
}

fn of_arguments(arguments: Span) -> Vec<Node> {
    match arguments.bytes().trim_ascii_start().first() {
        None => Vec::new(),
        Some(b'{' | b'[') => vec![Node::arguments(arguments)],
        Some(_) => vec![Node::span(arguments, How::Text)],
    }
}

fn member(name: &str, within: &Span, value: &[u8]) -> Node {
    let line = Line::new().put(Paint::Accent, name).plain(": ");
    if value.len() <= INLINE {
        let value = String::from_utf8_lossy(value);
        return Node::heading(line.plain(&value), Vec::new());
    }
    let span = within.of(value);
    let line = line.put(Paint::Dim, &figures::bytes(value.len() as u64));
    let preview = Line::new().layout(Paint::Plain, "  ").join(shortened(&span));
    Node::heading(line, vec![Node::members(span)]).preview(preview)
}

fn paint(role: &str) -> Paint {
    match role {
        "user" => Paint::Accent,
        "assistant" | "model" => Paint::Good,
        _ => Paint::Meta,
    }
}

fn called(line: Line, name: Option<&str>, id: Option<&str>) -> Line {
    let named = |line: Line, paint: Paint, name: Option<&str>| match name {
        Some(name) if !name.is_empty() => line.plain(" ").put(paint, name),
        _ => line,
    };
    named(named(line, Paint::Strong, name), Paint::Dim, id)
}

/// `user · 3 parts · 12 kB`
fn about(mut line: Line, facts: &[&str], size: usize, is_cached: bool) -> Line {
    let size = if size == 0 { String::new() } else { figures::bytes(size as u64) };
    let facts = facts.iter().copied().chain([size.as_str()]);
    for fact in facts.filter(|fact| !fact.is_empty()) {
        line = line.put(Paint::Dim, " · ").put(Paint::Dim, fact);
    }
    if is_cached { line.put(Paint::Dim, " · ").put(Paint::Warn, "cache marker") } else { line }
}

/// `, 48 kB` of a string that is base64 or a data URL with some; `, https://…` of another address.
fn media_size(data: &[u8]) -> String {
    let inside = data.get(1..data.len().saturating_sub(1)).unwrap_or_default();
    if inside.starts_with(b"http") {
        let url = inside.get(..inside.len().min(GLIMPSE)).unwrap_or_default();
        return format!(", {}", String::from_utf8_lossy(url));
    }
    let head = inside.get(..inside.len().min(200)).unwrap_or_default();
    let skipped = head.iter().position(|byte| *byte == b',').map_or(0, |comma| comma + 1);
    let padding = inside.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let size = (inside.len() - skipped) / 4 * 3;
    format!(", {}", figures::bytes(size.saturating_sub(padding) as u64))
}

/// Between a string's quotes.
fn inside(string: &Span) -> Span {
    let range = &string.range;
    let end = range.end.saturating_sub(1).max(range.start);
    string.part((range.start + 1).min(end)..end)
}

/// The beginning of a text, for one row.
fn shortened(span: &Span) -> Line {
    let start = span.range.start;
    let beginning = span.part(start..span.range.end.min(start + GLIMPSE));
    Line::new().put(Paint::Dim, super::pieces::read(&beginning, How::Decoded).trim_start())
}
