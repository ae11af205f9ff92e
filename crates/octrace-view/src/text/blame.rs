//! Who wrote a file: a line each, or all that is known of one line.

use octrace_core::attribution::blame::{Reason, Who};
use octrace_core::attribution::timeline::Why;

use super::{
    Paint, Style, figures,
    line::{Line, width},
    safe,
};
use crate::blame::{self, File};

/// The most columns that cells get: who, session or commit, prompt or subject, tool.
const WIDEST: [usize; 4] = [18, 8, 24, 11];

/// The cells go where a terminal is narrower: what was asked, then where.
const NARROW: [(usize, usize); 2] = [(100, 2), (80, 1)];

/// So much of an id is shown: `octrace show` finds a session by its end.
const ID: usize = 8;

/// The lines of a file with who wrote them, and sums. `now_us` is the time, µs since the Unix epoch; with a `width`, no
/// line is wider.
pub fn blame(file: &File, style: &Style, now_us: i64, width: Option<usize>) -> String {
    let cells: Vec<[Line; 5]> =
        file.lines.iter().map(|line| cells(file, line, style, now_us)).collect();
    let header = ["who", "session", "prompt", "call", "when"];
    let header = header.map(|name| Line::new().put(Paint::Dim, name));
    let widths: [usize; 5] = std::array::from_fn(|at| {
        let all = cells.iter().chain([&header]).map(|row| row[at].width());
        let hidden = NARROW
            .iter()
            .any(|(below, cell)| *cell == at && width.is_some_and(|width| width < *below));
        if hidden { 0 } else { all.max().unwrap_or(0) }
    });
    let digits = file.lines.last().map_or(0, |line| line.number.to_string().len()).max(4);
    let mut out = String::new();
    let mut row = |number: &str, cells: [Line; 5], text: Line| {
        let start = digits.saturating_sub(number.len());
        let mut line = Line::new().pad(start).layout(Paint::Dim, number).pad(digits);
        for (at, cell) in cells.into_iter().enumerate().filter(|(at, _)| widths[*at] > 0) {
            let start = line.width() + 1;
            let end = start + widths[at];
            line = line.pad(start).join(cell).pad(end);
        }
        let bar = style.glyph(" │ ", " | ");
        let line = line.layout(Paint::Dim, bar).join(text);
        let line = match width {
            Some(width) => line.fit(width, style),
            None => line,
        };
        line.render(style, &mut out);
    };
    row("line", header, Line::new());
    for (line, cells) in file.lines.iter().zip(cells) {
        row(&line.number.to_string(), cells, text(&line.text));
    }
    sums(file, style, &mut out);
    out
}

/// What a line says, with its indentation.
fn text(text: &str) -> Line {
    Line::new().layout(Paint::Plain, &safe::block(text))
}

fn cells(file: &File, line: &blame::Line, style: &Style, now_us: i64) -> [Line; 5] {
    let commit = blame::commit(line);
    let put = |paint, text: &str, at: usize| Line::new().put(paint, text).fit(WIDEST[at], style);
    let age = |at_us: Option<i64>| {
        let age = at_us.map(|at_us| figures::ago(at_us, now_us, style)).unwrap_or_default();
        Line::new().put(Paint::Dim, &age)
    };
    let hash = commit.map(|commit| head(&commit.id)).unwrap_or_default();
    let summary = commit.map_or("", |commit| commit.summary.as_str());
    let authored_us = commit.map(|commit| commit.authored_us);
    match &line.blamed.who {
        Who::Agent { .. } => {
            let Some(author) = file.author(line) else { return Default::default() };
            let model = author.model.as_deref().or(author.agent.as_deref()).unwrap_or("agent");
            let model = model.rsplit_once('/').map_or(model, |(_, model)| model);
            let prompt = author.prompt_text.as_deref().unwrap_or_default();
            [
                put(Paint::Accent, model, 0),
                put(Paint::Dim, &tail(&author.session), 1),
                put(Paint::Dim, prompt, 2),
                put(Paint::Plain, &author.tool, 3),
                age(Some(author.at_us)),
            ]
        }
        Who::Person => [
            put(
                Paint::Good,
                commit.and_then(|commit| commit.author.as_deref()).unwrap_or("person"),
                0,
            ),
            put(Paint::Dim, &hash, 1),
            put(Paint::Dim, if commit.is_some() { summary } else { "not committed" }, 2),
            Line::new(),
            age(authored_us),
        ],
        Who::Unknown(reason) => [
            put(Paint::Warn, "?", 0),
            put(Paint::Dim, &hash, 1),
            put(Paint::Warn, short(*reason), 2),
            Line::new(),
            age(authored_us),
        ],
    }
}

/// The reason in two or three words.
fn short(reason: Reason) -> &'static str {
    match reason {
        Reason::Evidence(Why::Contended) => "several calls at once",
        Reason::Evidence(Why::Unfinished) | Reason::Failed(_) => "a call that failed",
        Reason::Evidence(Why::Repeated) => "the same line elsewhere",
        Reason::Evidence(Why::Brought) => "brought by git",
        Reason::Evidence(Why::Blanked) => "a secret",
        Reason::Evidence(Why::Unread) => "a call or a person",
        Reason::Unseen(_) => "a call nobody watched",
        Reason::Elsewhere(_) => "written in another file",
        Reason::Pruned => "recording deleted",
    }
}

/// How many lines are whose, and why those are unknown that are.
fn sums(file: &File, style: &Style, out: &mut String) {
    let (mut agent, mut person) = (0, 0);
    let mut unknown: Vec<(String, u64)> = Vec::new();
    for line in &file.lines {
        match &line.blamed.who {
            Who::Agent { .. } => agent += 1,
            Who::Person => person += 1,
            Who::Unknown(reason) => {
                let why = file.why(*reason);
                match unknown.iter_mut().find(|(known, _)| *known == why) {
                    Some((_, lines)) => *lines += 1,
                    None => unknown.push((why, 1)),
                }
            }
        }
    }
    let counts = [
        (Paint::Accent, agent, "by agents"),
        (Paint::Good, person, "by people"),
        (Paint::Warn, unknown.iter().map(|(_, lines)| lines).sum(), "unknown"),
    ];
    let mut line = Line::new().put(Paint::Dim, &figures::many(file.lines.len() as u64, "line"));
    for (paint, count, what) in counts.into_iter().filter(|(_, count, _)| *count > 0) {
        let text = format!("{} {what}", figures::grouped(count));
        line = line.put(Paint::Dim, style.glyph(" · ", " - ")).put(paint, &text);
    }
    line.render(style, out);
    for (why, lines) in unknown {
        let text = format!("? {}: {why}", figures::many(lines, "line"));
        Line::new().put(Paint::Dim, &text).render(style, out);
    }
}

/// All that is known of the file's only line.
pub fn blame_line(file: &File, style: &Style, now_us: i64) -> String {
    let mut out = String::new();
    let [line] = file.lines.as_slice() else { return blame(file, style, now_us, None) };
    let place = format!("{}:{}", file.name, line.number);
    Line::new()
        .put(Paint::Strong, &place)
        .layout(Paint::Plain, "  ")
        .join(text(&line.text))
        .render(style, &mut out);
    let mut field = |name: &str, value: Line| {
        let name = format!("  {name}");
        Line::new().layout(Paint::Dim, &name).pad(NAMES).join(value).render(style, &mut out);
    };
    let plain = |parts: &[&str]| Line::new().dotted(style, Paint::Plain, parts.iter().copied());
    let at =
        |at_us: i64| format!("{} ({})", style.date_time(at_us), figures::ago(at_us, now_us, style));
    match &line.blamed.who {
        Who::Agent { evidence, .. } => {
            let author = file.author(line).cloned().unwrap_or_default();
            let model = author.model.as_deref().unwrap_or("a model that was not seen");
            let agent = author.agent.as_deref().unwrap_or_default();
            field(
                "agent",
                Line::new().put(Paint::Accent, model).join(if agent.is_empty() {
                    Line::new()
                } else {
                    Line::new().put(Paint::Dim, style.glyph(" · ", " - ")).put(Paint::Plain, agent)
                }),
            );
            field(
                "session",
                plain(&[&author.session, author.title.as_deref().unwrap_or_default()]),
            );
            if let Some(parent) = &author.parent {
                let title = author.parent_title.as_deref().unwrap_or_default();
                field("sub-agent of", plain(&[parent, title]));
            }
            if let Some(prompt) = &author.prompt {
                let text = author.prompt_text.as_deref().unwrap_or_default();
                field("prompt", plain(&[prompt, text]));
            }
            field("call", plain(&[&author.tool, &author.call, &at(author.at_us)]));
            let requests: Vec<String> =
                author.exchanges.iter().map(|exchange| format!("#{exchange}")).collect();
            if !requests.is_empty() {
                field("request", plain(&[&requests.join(" "), &author.message]));
            }
            if let Some(record) = &author.record {
                field("record", plain(&[record]));
            }
            field("known by", plain(&[blame::evidence(*evidence)]));
        }
        Who::Person => {
            let author = blame::commit(line).and_then(|commit| commit.author.as_deref());
            field("person", Line::new().put(Paint::Good, author.unwrap_or("somebody")));
        }
        Who::Unknown(reason) => {
            field("unknown", Line::new().put(Paint::Warn, &file.why(*reason)));
        }
    }
    match blame::commit(line) {
        Some(commit) => {
            let author = commit.author.as_deref().unwrap_or_default();
            let at = at(commit.authored_us);
            field("commit", plain(&[&head(&commit.id), author, &at, &commit.summary]));
        }
        None => field("commit", Line::new().put(Paint::Dim, "none yet")),
    }
    out
}

/// Where what is known begins.
const NAMES: usize = 16;

/// The begin of an id.
fn head(id: &str) -> String {
    id.chars().take(ID).collect()
}

/// The end of an id.
fn tail(id: &str) -> String {
    let skipped = id.chars().count().saturating_sub(ID);
    let tail: String = id.chars().skip(skipped).collect();
    debug_assert!(width(&tail) <= ID * 2);
    tail
}

#[cfg(test)]
mod tests;
