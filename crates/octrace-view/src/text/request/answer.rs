//! What came back: the answer put together from its stream, or the body as it is.

use octrace_core::{
    exchange::{Outcome, content_type},
    provider::{Answer, read_answer},
};
use octrace_store::read::ExchangeDetail;

use super::{body_text, cut_note, pretty};
use crate::text::{Paint, Style, line::Line, safe};

/// The answer that a response holds.
pub(crate) fn read(detail: &ExchangeDetail) -> Answer {
    let summary = &detail.summary;
    let ended = summary.outcome == Outcome::Complete;
    let content_type = content_type(&detail.response_headers);
    read_answer(summary.dialect, &content_type, &detail.response_body, ended)
}

pub(super) fn answer(detail: &ExchangeDetail, style: &Style, out: &mut String) {
    let summary = &detail.summary;
    if summary.outcome.is_open() {
        let word = if summary.outcome == Outcome::Waiting { "none yet" } else { "still arriving" };
        Line::new().put(Paint::Warn, &format!("({word})")).render(style, out);
    }
    if detail.response_body.is_empty() {
        if !summary.outcome.is_open() {
            Line::new().put(Paint::Dim, "(nothing)").render(style, out);
        }
        return;
    }
    let answer = read(detail);
    let said =
        !answer.text.is_empty() || !answer.reasoning.is_empty() || !answer.tool_calls.is_empty();
    if said {
        if !answer.reasoning.is_empty() {
            Line::new().put(Paint::Meta, "reasoning").render(style, out);
            block(&answer.reasoning, out);
        }
        block(&answer.text, out);
        for call in &answer.tool_calls {
            let line = Line::new().put(Paint::Meta, "tool call ").put(Paint::Strong, &call.name);
            line.put(Paint::Dim, " ").put(Paint::Dim, &call.id).render(style, out);
            if !call.arguments.is_empty() {
                pretty::pretty(call.arguments.as_bytes(), None, style, out);
            }
        }
    } else {
        body_text(&detail.response_body, None, style, out);
    }
    for problem in &answer.problems {
        Line::new().put(Paint::Warn, "! ").put(Paint::Dim, problem).render(style, out);
    }
    cut_note(detail.response_cut, style, out);
}

fn block(text: &str, out: &mut String) {
    if !text.is_empty() {
        out.push_str(&safe::block(text));
        if !text.ends_with('\n') {
            out.push('\n');
        }
    }
}
