//! An exchange with the bodies that are wanted, read from its lines when somebody opens it.

use std::{borrow::Cow, ops::Range};

use anyhow::{Context, ensure};
use octrace_core::{
    exchange::{Headers, Summary, Timing},
    json::{Scanner, TokenKind, decode},
};
use octrace_store::{follow::Step, read::ExchangeDetail};

use super::{
    body,
    file::File,
    index::{Entry, Span},
    line::{self, Kind, Record},
    row,
};

/// Reads the exchange at this place of the file's.
pub(super) fn read(
    file: &File,
    id: i64,
    place: u32,
    bodies: &[Step],
    now_us: Option<i64>,
) -> anyhow::Result<ExchangeDetail> {
    let entry = file.index.entries.get(place as usize).context("there is no such exchange")?;
    let is_live = now_us.is_some_and(|now_us| file.is_live(now_us));
    let row = row::exchange(id, i64::from(entry.place) + 1, entry, is_live);
    let mut detail = ExchangeDetail {
        summary: Summary {
            id,
            agent: row.agent.as_deref().map(str::to_owned),
            purpose: row.purpose,
            model: row.model.as_deref().map(str::to_owned),
            dialect: entry.dialect,
            status: row.status,
            outcome: row.outcome,
            error: row.error.as_deref().map(str::to_owned),
            timing: Timing {
                sent_us: row.at_us,
                end_after_us: row.end_after_us,
                ..Timing::default()
            },
            request_bytes: row.request_bytes,
            response_bytes: row.response_bytes,
            usage: row.usage,
            finish: row.finish.as_deref().map(str::to_owned),
            ..Summary::default()
        },
        ordinal: row.ordinal,
        ..ExchangeDetail::default()
    };
    // Who wants one body wants nothing of the other one's line; who wants none, the heads of both.
    let lines =
        [(Step::Begin, entry.request, Kind::Request), (Step::End, entry.response, Kind::Response)];
    let lines = lines.into_iter().filter(|(step, ..)| bodies.is_empty() || bodies.contains(step));
    let lines = lines.map(|(_, span, kind)| (span, kind));
    let failure = entry.failure.as_ref().map(|failure| (failure.line, Kind::Error));
    for (span, kind) in lines.chain(failure) {
        if span.length > 0 {
            fill(&mut detail, file, entry, span, kind, !bodies.is_empty())?;
        }
    }
    Ok(detail)
}

/// Adds what one line says.
fn fill(
    detail: &mut ExchangeDetail,
    file: &File,
    entry: &Entry,
    span: Span,
    kind: Kind,
    with_body: bool,
) -> anyhow::Result<()> {
    let mut text = file.line(span)?;
    let record = line::read(&text).ok().filter(|record| record.kind == kind);
    let record = record.filter(|record| record.key() == entry.key);
    let part = file.index.parts.get(entry.part as usize);
    let session = part.map(|part| &*part.session).unwrap_or_default();
    let record = record
        .filter(|record| line::text(record.session).as_deref().unwrap_or(&file.stem) == session);
    ensure!(record.is_some(), "something else stands there now");
    let Some(record) = record else { return Ok(()) };
    say(&mut detail.summary, session, &record);
    match kind {
        Kind::Request => {
            detail.request_headers = headers(record.headers);
            detail.request_cut = record.is_cut;
        }
        Kind::Response => {
            detail.response_headers = headers(record.headers);
            detail.status_text = line::text(record.status_text).map(String::from);
            detail.response_cut = record.is_cut;
        }
        Kind::Error => {
            // Whole, and not only as much as a row takes.
            detail.summary.error = line::text(record.error).map(String::from);
            return Ok(());
        }
    }
    if with_body {
        let body = match body::of(record.body) {
            Cow::Owned(body) => body,
            // It may be most of the line: that is not there twice.
            Cow::Borrowed(body) => {
                let range = place(&text, body);
                text.truncate(range.end);
                text.drain(..range.start);
                text
            }
        };
        match kind {
            Kind::Request => detail.request_body = body,
            Kind::Response | Kind::Error => detail.response_body = body,
        }
    }
    Ok(())
}

/// Where in a text this part of it stands; at its beginning, where there is nothing of it.
fn place(text: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    if part.is_empty() { 0..0 } else { start..start + part.len() }
}

fn say(summary: &mut Summary, session: &str, record: &Record<'_>) {
    session.clone_into(&mut summary.session);
    if let Some(method) = line::text(record.method) {
        summary.method = method.into_owned();
    }
    if let Some(url) = line::text(record.url) {
        summary.url = url.into_owned();
    }
}

/// Names and values, where they are an object of them.
fn headers(json: &[u8]) -> Headers {
    let mut headers = Headers::new();
    for token in Scanner::new(json) {
        let value = json.get(token.start..token.end).unwrap_or_default();
        match (token.depth, token.kind) {
            (1, TokenKind::Key) => headers.push((decode(value).into_owned(), String::new())),
            (1.., TokenKind::String) => put(&mut headers, &decode(value)),
            (1.., TokenKind::Number | TokenKind::Word) => {
                put(&mut headers, &String::from_utf8_lossy(value));
            }
            _ => {}
        }
    }
    headers
}

/// Values of one name are joined, as `fetch` does it.
fn put(headers: &mut Headers, value: &str) {
    if let Some((_, known)) = headers.last_mut() {
        if !known.is_empty() {
            known.push_str(", ");
        }
        known.push_str(value);
    }
}
