//! A difference as people read it: what it comes to, where the prompt breaks, then part by part.

use std::ops::Range;

use octrace_store::read::ExchangeDetail;

use super::{
    Change, Difference, Name, Parts, Place, Request, Step, difference,
    parts::prefix,
    readable::readable,
    rows::{Row, Rows, rows},
    words::words,
};
use crate::text::{Line, Paint, Style, figures, safe};

/// A larger part is not laid out: of a changed one only what stands around the change, of others what was sent.
const MAX_PART: usize = 256 << 10;

/// So much is laid out at all.
const MAX_ALL: usize = 4 << 20;

/// How much of a part is shown that is too large, at each side of what changed, in bytes.
const EXCERPT: usize = 2 << 10;

/// In so many bytes on each side of where the prompt breaks, the words are looked for that changed.
const CONTEXT: usize = 256;

/// So many characters of what was there, of what is there, and of what comes before are shown.
const WORDS: usize = 20;

/// A line, and what belongs to it.
#[derive(Debug)]
pub(crate) struct Block {
    /// What it is.
    pub heading: Line,
    /// In its order.
    pub below: Vec<Below>,
    /// Whether what belongs to it is shown unless somebody wants it.
    pub is_open: bool,
}

/// What belongs to a line.
#[derive(Debug)]
pub(crate) enum Below {
    /// A harmless text of one or many lines, with its colours.
    Text(String, Vec<(Range<usize>, Paint)>),
    /// Bytes of one of the bodies, as sent.
    Raw(Side, Range<usize>),
    /// Something of its own.
    Block(Block),
}

/// One of two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The one before.
    Before,
    /// This one.
    After,
}

/// For `octrace request --diff`: what is new against `previous`, the request before it in its conversation.
pub fn text(exchange: &ExchangeDetail, previous: Option<&ExchangeDetail>, style: &Style) -> String {
    let mut out = String::new();
    for block in blocks(exchange, previous, style) {
        write(&block, style, &mut out);
    }
    out
}

fn write(block: &Block, style: &Style, out: &mut String) {
    block.heading.clone().render(style, out);
    for below in block.below.iter().filter(|_| block.is_open) {
        match below {
            Below::Text(text, paints) => {
                let mut line = Line::new();
                let mut at = 0;
                let plain = (text.len()..text.len(), Paint::Plain);
                for (range, paint) in paints.iter().chain([&plain]) {
                    for (range, paint) in [(at..range.start, Paint::Plain), (range.clone(), *paint)]
                    {
                        for piece in text.get(range).unwrap_or_default().split_inclusive('\n') {
                            line = line.layout(paint, piece.trim_end_matches('\n'));
                            if piece.ends_with('\n') {
                                std::mem::take(&mut line).render(style, out);
                            }
                        }
                    }
                    at = range.end;
                }
                if line.width() > 0 {
                    line.render(style, out);
                }
            }
            Below::Raw(side, range) => {
                let size = figures::bytes(range.len() as u64);
                let which = if *side == Side::Before { "the request before" } else { "this one" };
                let note = format!("  ({size} of {which}, too much to be laid out)");
                Line::new().layout(Paint::Dim, &note).render(style, out);
            }
            Below::Block(block) => write(block, style, out),
        }
    }
}

/// All of it, from top to bottom.
pub(crate) fn blocks(
    exchange: &ExchangeDetail,
    previous: Option<&ExchangeDetail>,
    style: &Style,
) -> Vec<Block> {
    let Some(previous) = previous else {
        let note = "No request came before this one in its conversation: all of it is new.";
        return vec![plain(Line::new().plain(note))];
    };
    let difference = difference(request(previous), request(exchange));
    let mut report = Report { difference: &difference, style, room: MAX_ALL };
    let mut blocks = report.summary(exchange, previous);
    blocks.push(plain(Line::new()));
    let mut steps = difference.steps.as_slice();
    let mut at = 0;
    while let Some(first) = steps.first() {
        let breaks = difference.broken.filter(|broken| broken.step == at);
        // What is the same is one line, but for where the prompt breaks.
        let alike = |(step, number): &(&Step, usize)| {
            let broken = difference.broken.is_some_and(|broken| broken.step == *number);
            *number == at || (report.is_like(first, step) && !broken)
        };
        let count = steps.iter().zip(at..).take_while(alike).count();
        let (run, rest) = steps.split_at(count);
        let is_inside = breaks.is_some_and(|broken| broken.inside > 0 && first.is_in_place(at));
        if breaks.is_some() && !is_inside {
            blocks.push(report.break_line());
        }
        blocks.push(match first.change {
            Change::Same | Change::Marker => report.unchanged(run),
            Change::Changed => report.changed(first, is_inside),
            Change::New | Change::Gone | Change::Moved => report.whole(first),
        });
        (steps, at) = (rest, at + count);
    }
    if difference.broken.is_some_and(|broken| broken.step == difference.steps.len()) {
        blocks.push(report.break_line());
    }
    blocks
}

fn request(detail: &ExchangeDetail) -> Request<'_> {
    Request { dialect: detail.summary.dialect, body: &detail.request_body }
}

struct Report<'a, 'b> {
    difference: &'b Difference<'a>,
    style: &'b Style,
    /// How much may still be laid out, in bytes.
    room: usize,
}

impl Report<'_, '_> {
    fn summary(&self, exchange: &ExchangeDetail, previous: &ExchangeDetail) -> Vec<Block> {
        let difference = self.difference;
        let mut blocks = Vec::new();
        let line =
            Line::new().plain("Against ").put(Paint::Accent, &format!("#{}", previous.summary.id));
        let mut line = line.plain(": ");
        if exchange.request_body == previous.request_body {
            line = line.put(Paint::Strong, "the same, byte for byte");
        } else {
            let counts = [
                (Change::New, Paint::Good, "new"),
                (Change::Changed, Paint::Warn, "changed"),
                (Change::Gone, Paint::Bad, "gone"),
                (Change::Moved, Paint::Meta, "moved"),
                (Change::Same, Paint::Dim, "unchanged"),
                (Change::Marker, Paint::Dim, "with only the cache marker moved"),
            ];
            let counts =
                counts.map(|(change, paint, word)| (difference.count(change), paint, word));
            for (at, (count, paint, word)) in
                counts.into_iter().filter(|(count, _, _)| *count > 0).enumerate()
            {
                let text = format!("{} {word}", figures::grouped(count as u64));
                line = line.plain(if at > 0 { ", " } else { "" }).put(paint, &text);
            }
        }
        blocks.push(plain(line));
        self.breaks(&mut blocks);
        blocks.extend([plain(self.shared()), plain(self.as_sent())]);
        if let Some(usage) = exchange.summary.usage {
            let tokens = |count| figures::grouped(count);
            let read =
                format!("{} of {} input tokens", tokens(usage.cache_read), tokens(usage.input));
            let written = format!(", {} written to it", tokens(usage.cache_write));
            let written = if usage.cache_write > 0 { written.as_str() } else { "" };
            let line = name("cache").put(Paint::Strong, &read).plain(" read from it");
            blocks.push(plain(line.plain(written)));
        }
        blocks
    }

    /// Where the prompt is no longer what it was, and what stands there.
    fn breaks(&self, blocks: &mut Vec<Block>) {
        let Difference { before, after, shared_parts: shared, broken, .. } = self.difference;
        let line = name("prompt");
        let Some(broken) = broken else {
            let line = line.put(Paint::Good, "nothing breaks");
            let grew = after.prompt() > before.prompt();
            let note = if grew { ", it begins with all of the one before" } else { "" };
            return blocks.push(plain(line.plain(note)));
        };
        let line = line.put(Paint::Bad, "breaks ");
        let at = figures::grouped(broken.at as u64);
        let was = label(before.parts[*shared].place, &before.name(*shared));
        if broken.inside > 0 {
            let line = line.plain("in ").put(Paint::Strong, &was).plain(&format!(", at byte {at}"));
            blocks.push(plain(line));
            return blocks.push(plain(self.first_change(self.old_break(), broken.at)));
        }
        let line = line.plain("before ").put(Paint::Strong, &was);
        let next = after.parts.get(*shared).filter(|part| part.place.is_prompt());
        let line = match next.map(|part| label(part.place, &after.name(*shared))) {
            Some(is) => line.plain(": now comes ").put(Paint::Strong, &is),
            None => line.plain(", where it ends now"),
        };
        blocks.push(plain(line.plain(&format!(", at byte {at}"))));
    }

    /// The first words that changed, and a few before them.
    fn first_change(&self, old: usize, new: usize) -> Line {
        let Difference { before, after, shared_parts, .. } = self.difference;
        let text = |parts: &Parts<'_>, at: usize| {
            let part = &parts.parts[*shared_parts].range;
            let start = at.saturating_sub(CONTEXT).max(part.start);
            let end = (at + CONTEXT).min(part.end);
            String::from_utf8_lossy(&parts.body[start..end]).into_owned()
        };
        let (was, is) = (text(before, old), text(after, new));
        let spans = words(&was, &is);
        let change = spans.iter().find(|span| !span.same);
        let (old, new) =
            change.map_or((0..0, 0..0), |span| (span.before.clone(), span.after.clone()));
        let same = is.get(..new.start).unwrap_or_default();
        let skip = same.chars().count().saturating_sub(WORDS);
        let cut = |text: &str| {
            let end = text.char_indices().nth(WORDS).map(|(end, _)| end);
            let more = if end.is_some() { self.style.glyph("…", "...") } else { "" };
            text.get(..end.unwrap_or(text.len())).unwrap_or_default().to_owned() + more
        };
        let (old, new) = (was.get(old).unwrap_or_default(), is.get(new).unwrap_or_default());
        let line = name("").layout(Paint::Dim, self.style.glyph("…", "..."));
        let mut line = line.put(Paint::Plain, &same.chars().skip(skip).collect::<String>());
        if !old.is_empty() {
            line = line.put(Paint::Bad, &format!("[-{}-]", cut(old)));
        }
        if !new.is_empty() {
            line = line.put(Paint::Good, &format!("{{+{}+}}", cut(new)));
        }
        line
    }

    /// Where the break is in the body before.
    fn old_break(&self) -> usize {
        let Difference { before, after, shared_parts: part, .. } = self.difference;
        before.content(*part).alike(after.content(*part)).before
    }

    fn shared(&self) -> Line {
        let Difference { before, shared_parts, shared_bytes, .. } = self.difference;
        let all = before.size(before.prompt());
        let percent = (100 * shared_bytes).checked_div(all).unwrap_or(100);
        let bytes = |count: usize| figures::bytes(count as u64);
        let parts = figures::many(before.prompt() as u64, "part");
        let text =
            format!("{percent}% of the prompt before: {} of {}", bytes(*shared_bytes), bytes(all));
        let text = format!("{text}, {} of {parts}", figures::grouped(*shared_parts as u64));
        name("shared").plain(&text)
    }

    fn as_sent(&self) -> Line {
        let raw = figures::grouped(self.difference.raw as u64);
        name("as sent").plain(&format!("the bodies are the same up to byte {raw}"))
    }

    fn break_line(&self) -> Block {
        let rule = self.style.glyph("──", "--");
        let at = self.difference.broken.map_or(0, |broken| broken.at);
        let text = format!(
            "{rule} the prompt breaks here, at byte {} {rule}",
            figures::grouped(at as u64)
        );
        plain(Line::new().layout(Paint::Warn, &text))
    }

    /// Whether two steps are told in one line.
    fn is_like(&self, a: &Step, b: &Step) -> bool {
        let kept = matches!(a.change, Change::Same | Change::Marker);
        kept && a.change == b.change && self.part(a).1 == self.part(b).1
    }

    /// The side that shows a step's part, the part's place, and its number.
    fn part(&self, step: &Step) -> (Side, Place, usize) {
        let Difference { before, after, .. } = self.difference;
        match (step.after, step.before) {
            (Some(part), _) => (Side::After, after.parts[part].place, part),
            (None, part) => {
                let part = part.unwrap_or_default();
                (Side::Before, before.parts[part].place, part)
            }
        }
    }

    fn bytes(&self, side: Side, part: usize) -> (&[u8], Range<usize>) {
        let parts =
            if side == Side::After { &self.difference.after } else { &self.difference.before };
        (parts.bytes(part), parts.parts[part].range.clone())
    }

    fn label(&self, step: &Step) -> String {
        let (side, place, part) = self.part(step);
        let parts =
            if side == Side::After { &self.difference.after } else { &self.difference.before };
        label(place, &parts.name(part))
    }

    fn unchanged(&self, run: &[Step]) -> Block {
        let parts: Vec<_> = run.iter().map(|step| (step, self.part(step))).collect();
        let size = |(side, _, part): &(Side, Place, usize)| self.bytes(*side, *part).1.len() as u64;
        let place = parts.first().map_or(Place::Rest, |(_, (_, place, _))| *place);
        let total = figures::bytes(parts.iter().map(|(_, part)| size(part)).sum());
        let (what, whose) = match run {
            [step] => (safe::line(&self.label(step)).into_owned(), "its"),
            _ => (figures::many(parts.len() as u64, kind(place)), "their"),
        };
        let marker = run.first().is_some_and(|step| step.change == Change::Marker);
        let text = if marker {
            format!("{what}, only {whose} cache marker moved, {total}")
        } else {
            format!("{what} unchanged, {total}")
        };
        let below = parts.iter().map(|(step, part)| {
            let heading =
                format!("  {}, {}", safe::line(&self.label(step)), figures::bytes(size(part)));
            let (side, range) = (part.0, self.bytes(part.0, part.2).1);
            let heading = Line::new().layout(Paint::Dim, &heading);
            Below::Block(Block { heading, below: vec![Below::Raw(side, range)], is_open: false })
        });
        let heading = Line::new().layout(Paint::Dim, &format!("  {text}"));
        Block { heading, below: below.collect(), is_open: false }
    }

    /// A part that is new, gone, or stands somewhere else.
    fn whole(&mut self, step: &Step) -> Block {
        let (side, _, part) = self.part(step);
        let (mark, paint) = match step.change {
            Change::New => ("+ ", Paint::Good),
            Change::Gone => ("- ", Paint::Bad),
            _ => ("> ", Paint::Meta),
        };
        let (bytes, range) = self.bytes(side, part);
        let size = figures::bytes(range.len() as u64);
        let heading = Line::new().layout(paint, mark).put(paint, &self.label(step));
        let mut heading = heading.put(Paint::Dim, &format!(", {size}"));
        if step.change == Change::Moved {
            let below = vec![Below::Raw(side, range)];
            heading = heading.put(Paint::Dim, ", in another place");
            return Block { heading, below, is_open: false };
        }
        let below = if bytes.len() <= MAX_PART.min(self.room) {
            let text = readable(bytes);
            self.room = self.room.saturating_sub(text.len());
            let row = |line: &str| vec![(paint, format!("{mark}{line}"))];
            vec![painted(text.lines().map(row))]
        } else {
            vec![Below::Raw(side, range)]
        };
        Block { heading, below, is_open: true }
    }

    fn changed(&mut self, step: &Step, breaks: bool) -> Block {
        let (old, new) = (step.before.unwrap_or_default(), step.after.unwrap_or_default());
        let (old_bytes, old_range) = self.bytes(Side::Before, old);
        let (new_bytes, new_range) = self.bytes(Side::After, new);
        let size = |bytes: &[u8]| figures::bytes(bytes.len() as u64);
        let sizes = match (size(old_bytes), size(new_bytes)) {
            (old, new) if old == new => format!(", {new}"),
            (old, new) => format!(", {old} {} {new}", self.style.glyph("→", "to")),
        };
        let heading = Line::new().layout(Paint::Warn, "~ ").put(Paint::Warn, &self.label(step));
        let heading = heading.put(Paint::Dim, &sizes);
        let largest = old_bytes.len().max(new_bytes.len());
        let mut below = Vec::new();
        if largest <= MAX_PART.min(self.room) {
            let (before, after) = (readable(old_bytes), readable(new_bytes));
            self.room = self.room.saturating_sub(before.len() + after.len());
            below.extend(rows(&before, &after, breaks).into_iter().map(|rows| self.rows(rows)));
            if below.is_empty() {
                let note = "  only spelled in another way: white space or escapes";
                below.push(painted([vec![(Paint::Dim, note.to_owned())]].into_iter()));
            }
        } else {
            if breaks {
                below.push(Below::Block(self.break_line()));
            }
            below.push(painted([excerpt(old_bytes, new_bytes)].into_iter()));
            below.extend([Below::Raw(Side::Before, old_range), Below::Raw(Side::After, new_range)]);
        }
        Block { heading, below, is_open: true }
    }

    fn rows(&self, rows: Rows) -> Below {
        match rows {
            Rows::Shown(rows) => painted(rows.into_iter()),
            Rows::Break => Below::Block(self.break_line()),
            Rows::Same(rows) => {
                let count = figures::many(rows.len() as u64, "line");
                let heading = Line::new().layout(Paint::Dim, &format!("  {count} unchanged"));
                let below = vec![painted(rows.into_iter())];
                Below::Block(Block { heading, below, is_open: false })
            }
        }
    }
}

/// Rows as one text, made harmless.
fn painted(rows: impl Iterator<Item = Row>) -> Below {
    let (mut text, mut paints) = (String::new(), Vec::new());
    for row in rows {
        for (paint, piece) in row {
            let start = text.len();
            text.push_str(&safe::block(&piece));
            if paint != Paint::Plain {
                paints.push((start..text.len(), paint));
            }
        }
        text.push('\n');
    }
    text.pop();
    Below::Text(text, paints)
}

fn plain(heading: Line) -> Block {
    Block { heading, below: Vec::new(), is_open: false }
}

/// A line of the summary begins.
fn name(name: &str) -> Line {
    Line::new().put(Paint::Dim, name).pad(9)
}

/// What a part of this kind is.
fn kind(place: Place) -> &'static str {
    match place {
        Place::Model => "model",
        Place::Tool => "tool",
        Place::Instruction => "instruction",
        Place::Message => "message",
        Place::Rest => "stretch",
        Place::Form | Place::Mode | Place::Setting => "setting",
    }
}

/// What somebody calls a part.
fn label(place: Place, Name { name, id }: &Name) -> String {
    let kind = kind(place);
    match place {
        Place::Model => kind.to_owned(),
        Place::Rest => "what is no JSON".to_owned(),
        Place::Tool | Place::Form | Place::Mode | Place::Setting => format!("{kind} {name}"),
        Place::Instruction => name.clone(),
        Place::Message => {
            // A call or a result that stands among the messages is none itself.
            let is_role = matches!(
                name.as_str(),
                "user" | "assistant" | "system" | "developer" | "tool" | "model" | "function"
            );
            let words = [name.as_str(), if is_role { kind } else { "" }, id.as_str()];
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        }
    }
}

/// What changed in a part that is too large to be laid out, as it was sent.
fn excerpt(old: &[u8], new: &[u8]) -> Row {
    let head = prefix(old, new);
    let (gone, came) = (&old[head..], &new[head..]);
    let tail = gone.iter().rev().zip(came.iter().rev()).take_while(|(a, b)| a == b).count();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let change = |paint, marks: [&str; 2], bytes: &[u8]| {
        let bytes = &bytes[..bytes.len() - tail];
        let more = bytes.len().saturating_sub(EXCERPT) as u64;
        let more =
            if more > 0 { format!("… {} more", figures::bytes(more)) } else { String::new() };
        (paint, [marks[0], &text(&bytes[..bytes.len().min(EXCERPT)]), &more, marks[1]].concat())
    };
    let after = &old[old.len() - tail..];
    vec![
        (Paint::Warn, "~ ".to_owned()),
        (Paint::Plain, text(&old[head.saturating_sub(EXCERPT / 8)..head])),
        change(Paint::Bad, ["[-", "-]"], gone),
        change(Paint::Good, ["{+", "+}"], came),
        (Paint::Plain, text(&after[..after.len().min(EXCERPT / 8)])),
    ]
}
