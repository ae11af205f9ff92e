//! What OpenCode did, onto a tape, as a recorder writes it: through redaction and the tape's own writer.

use anyhow::Context;
use octrace_core::{
    event,
    exchange::{Exchange, ResponseHead, Timing},
    reading,
    redact::Redactor,
};
use octrace_store::{Batch, Begin, Position, Progress, SpoolId};
use serde_json::{Value, json};

/// Writes an event of this kind.
///
/// # Errors
/// When the tape cannot be written, or it is no event.
pub fn event_said(
    batch: &mut Batch<'_>,
    redactor: &Redactor,
    spool: SpoolId,
    at_us: i64,
    kind: &str,
    properties: &Value,
) -> anyhow::Result<()> {
    let sent = json!({"directory": "/", "event": {"type": kind, "properties": properties}});
    let event = redactor.json(sent.to_string().as_bytes());
    let event = event.derive(|clean| event::read_event(clean)).transpose();
    Ok(batch.event(spool, at_us, &event.context("an event of our own")?)?)
}

/// Writes an exchange that has ended, its request first and then the rest. Its answer came in so many chunks.
///
/// # Errors
/// When the tape cannot be written.
pub fn exchange_ended(
    batch: &mut Batch<'_>,
    redactor: &Redactor,
    spool: SpoolId,
    mut exchange: Exchange,
    chunks: u64,
) -> anyhow::Result<()> {
    let clean = redactor.exchange(Exchange {
        number: exchange.number,
        dialect: exchange.dialect,
        request: exchange.request.clone(),
        request_body: std::mem::take(&mut exchange.request_body),
        timing: Timing { sent_us: exchange.timing.sent_us, ..Timing::default() },
        ..Exchange::default()
    });
    let asked = clean.derive(reading::asked);
    let begin = Begin { at: Position::START, mono_us: 0 };
    let id = batch.exchange_begins(spool, begin, &clean, &asked)?;
    let progress = Progress {
        outcome: exchange.outcome,
        bytes: exchange.response_body.len() as u64,
        chunks,
        timing: exchange.timing.clone(),
        ..Progress::default()
    };
    let clean = redactor.exchange(exchange);
    let ending = clean.derive(reading::ending);
    Ok(batch.exchange_ends(id, &clean, &ending, &progress)?)
}

/// The head of an answer that is streamed.
pub fn streamed() -> ResponseHead {
    ResponseHead {
        status: 200,
        status_text: "OK".to_owned(),
        headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
    }
}
