//! One exchange: what was sent, when what happened, and what came back.

mod answer;
mod curl;
mod parts;
mod pretty;

use std::borrow::Cow;

use octrace_core::{
    exchange::{Headers, Summary},
    json::{Scanner, TokenKind},
};
use octrace_store::read::ExchangeDetail;

pub(crate) use answer::read as read_answer_of;
pub use curl::curl;

use super::{Paint, Style, figures, line::Line, safe, show::status};

/// In the overview, longer strings of a body are cut to this many characters.
const OVERVIEW: usize = 480;

/// How long the line is that a section begins with.
const RULE: usize = 72;

/// The default view, for reading from top to bottom: head, timings, headers, the request's parts (tools
/// as their names only, long strings shortened), and at the end the answer.
pub fn request(detail: &ExchangeDetail, style: &Style) -> String {
    let summary = &detail.summary;
    let mut out = String::new();
    head(summary, detail, style, &mut out);
    facts(summary, style, &mut out);

    section("request headers", "", style, &mut out);
    headers(&detail.request_headers, style, &mut out);
    if summary.status.is_some() {
        section("response headers", "", style, &mut out);
        headers(&detail.response_headers, style, &mut out);
    }

    let size = figures::bytes(summary.request_bytes);
    section("request", &size, style, &mut out);
    let body = &detail.request_body;
    let shortened = parts::parts(body, style, &mut out)
        .unwrap_or_else(|| body_text(body, Some(OVERVIEW), style, &mut out));
    cut_note(detail.request_cut, style, &mut out);

    section("answer", &figures::bytes(summary.response_bytes), style, &mut out);
    answer::answer(detail, style, &mut out);
    if shortened {
        let id = summary.id;
        let note = format!("Long strings are shortened; octrace request {id} --body shows all.");
        out.push('\n');
        Line::new().put(Paint::Dim, &note).render(style, &mut out);
    }
    out
}

/// For `--body`: the whole request body; JSON is laid out, with numbers, escapes and the order of fields
/// as sent.
pub fn body(detail: &ExchangeDetail, style: &Style) -> String {
    let mut out = String::new();
    body_text(&detail.request_body, None, style, &mut out);
    cut_note(detail.request_cut, style, &mut out);
    out
}

/// For `--response`: status, headers, and the whole answer, put together where it was streamed.
pub fn response(detail: &ExchangeDetail, style: &Style) -> String {
    let mut out = String::new();
    head(&detail.summary, detail, style, &mut out);
    headers(&detail.response_headers, style, &mut out);
    out.push('\n');
    answer::answer(detail, style, &mut out);
    out
}

/// For `--raw`: the request's body as it was sent, redacted, byte for byte. Not safe for a terminal.
pub fn raw_request(detail: &ExchangeDetail) -> &[u8] {
    &detail.request_body
}

/// For `--response --raw`: the response's body as it arrived, redacted, byte for byte. Not safe for a
/// terminal.
pub fn raw_response(detail: &ExchangeDetail) -> &[u8] {
    &detail.response_body
}

fn head(summary: &Summary, detail: &ExchangeDetail, style: &Style, out: &mut String) {
    Line::new()
        .put(Paint::Accent, &format!("#{}", summary.id))
        .plain(" ")
        .put(Paint::Strong, &summary.method)
        .plain(" ")
        .put(Paint::Strong, &summary.url)
        .render(style, out);
    let (paint, word) = status(summary.outcome, summary.status, summary.error.as_deref());
    let mut line = Line::new().put(paint, &word);
    if let Some(text) = detail.status_text.as_deref().filter(|text| !text.is_empty()) {
        line = line.put(paint, " ").put(paint, text);
    }
    if let Some(error) = &summary.error {
        line = line.put(Paint::Dim, ": ").put(Paint::Bad, error);
    }
    line.render(style, out);
}

fn facts(summary: &Summary, style: &Style, out: &mut String) {
    let Summary { provider, model, agent, message, assistant, timing, .. } = summary;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let model = [provider, model].into_iter().flatten().cloned().collect::<Vec<_>>().join("/");
    let purpose = summary.purpose.as_str().to_owned();
    let agent = agent.as_ref().map(|agent| format!(", agent {agent}")).unwrap_or_default();
    let after = |name: &str, micros: Option<i64>| {
        micros.map(|micros| format!("{name} {}", figures::duration(micros)))
    };
    let times = [
        after("head after", timing.head_after_us),
        after("first byte", timing.first_byte_after_us),
        after("first content", timing.first_content_after_us),
        after("end", timing.end_after_us),
        after("longest gap", timing.longest_gap_us),
    ];
    let size = format!(
        "{} sent, {} received in {}",
        figures::bytes(summary.request_bytes),
        figures::bytes(summary.response_bytes),
        figures::many(summary.chunks, "chunk"),
    );
    let rows = [
        ("session", summary.session.clone()),
        ("purpose", format!("{purpose}{agent}")),
        ("model", model),
        ("prompt", text(message)),
        ("answer", text(assistant)),
        ("sent", style.date_time(timing.sent_us)),
        ("times", times.into_iter().flatten().collect::<Vec<_>>().join(", ")),
        ("tokens", summary.usage.map(|usage| tokens(&usage)).unwrap_or_default()),
        ("cost", figures::dollars(summary.cost_usd)),
        ("stopped", text(&summary.finish)),
        ("size", size),
    ];
    out.push('\n');
    for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        Line::new().put(Paint::Dim, name).pad(9).plain(&value).render(style, out);
    }
    for problem in &summary.problems {
        Line::new().put(Paint::Warn, "note").pad(9).plain(problem).render(style, out);
    }
}

pub(crate) fn tokens(usage: &octrace_core::provider::Usage) -> String {
    let of = |number: u64, what: &str| {
        (number > 0).then(|| format!("{} {what}", figures::grouped(number)))
    };
    let part = |total: u64, what: &str, parts: [Option<String>; 2]| {
        let parts = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let parts = if parts.is_empty() { parts } else { format!(" ({parts})") };
        format!("{} {what}{parts}", figures::grouped(total))
    };
    let cached = [of(usage.cache_read, "from cache"), of(usage.cache_write, "to cache")];
    let input = part(usage.input, "in", cached);
    let output = part(usage.output, "out", [of(usage.reasoning, "reasoning"), None]);
    format!("{input}, {output}")
}

fn section(name: &str, more: &str, style: &Style, out: &mut String) {
    out.push('\n');
    let more = if more.is_empty() { String::new() } else { format!(" ({more})") };
    let rule = style.glyph("─", "-");
    let line = Line::new().put(Paint::Dim, &rule.repeat(2)).plain(" ").put(Paint::Strong, name);
    let line = line.put(Paint::Dim, &more).plain(" ");
    let rest = RULE.saturating_sub(line.width());
    line.put(Paint::Dim, &rule.repeat(rest)).render(style, out);
}

fn headers(headers: &Headers, style: &Style, out: &mut String) {
    for (name, value) in headers {
        let paint = if is_redacted(value) { Paint::Dim } else { Paint::Plain };
        Line::new().put(Paint::Accent, name).plain(": ").put(paint, value).render(style, out);
    }
}

/// Whether redaction took the whole value.
pub(crate) fn is_redacted(value: &str) -> bool {
    value == "[REDACTED]"
}

/// A body: JSON laid out, other text as it is, of bytes only their number. Says whether strings
/// longer than `limit` characters were shortened.
fn body_text(body: &[u8], limit: Option<usize>, style: &Style, out: &mut String) -> bool {
    if body.is_empty() {
        Line::new().put(Paint::Dim, "(empty)").render(style, out);
        return false;
    }
    if is_json(body) {
        return pretty::pretty(body, limit, style, out);
    }
    match text(body) {
        Some(text) => {
            out.push_str(&safe::block(&text));
            if !text.ends_with('\n') {
                out.push('\n');
            }
        }
        None => {
            let size = format!("({} that are not text)", figures::many(body.len() as u64, "byte"));
            Line::new().put(Paint::Dim, &size).render(style, out);
        }
    }
    false
}

/// Whether a body starts as a JSON object or list. It may break off later.
fn is_json(body: &[u8]) -> bool {
    let first = Scanner::new(body).next().map(|token| token.kind);
    matches!(first, Some(TokenKind::ObjectStart | TokenKind::ArrayStart))
}

/// Bytes that are text but for a few faults.
fn text(body: &[u8]) -> Option<Cow<'_, str>> {
    let text = String::from_utf8_lossy(body);
    let faults = text.chars().filter(|char| *char == char::REPLACEMENT_CHARACTER || *char == '\0');
    (faults.count() * 20 <= text.len()).then_some(text)
}

fn cut_note(cut: bool, style: &Style, out: &mut String) {
    if cut {
        let note = "(the recording has only this part of the body)";
        Line::new().put(Paint::Warn, note).render(style, out);
    }
}

#[cfg(test)]
mod tests;
