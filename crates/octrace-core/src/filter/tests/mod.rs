//! What is typed, and what of it is shown.

mod language;
mod rows;
mod tree;

use super::*;
use crate::{
    exchange::{Outcome, Purpose},
    provider::Usage,
    session::{Session, ToolStatus},
    timeline::{ExchangeRow, PromptRow, Row, ToolRow},
};

/// The time, µs since the Unix epoch: a day after the rows.
const NOW_US: i64 = 1_795_251_258_000_000;
const DAY_US: i64 = 86_400_000_000;

fn fits(typed: &str, row: &dyn Subject) -> bool {
    match Filter::parse(typed) {
        Ok(filter) => filter.matches(row, NOW_US, |_| false),
        Err(problem) => panic!("{typed}: {problem}"),
    }
}

fn fits_within(typed: &str, session: &Session, row: &dyn Subject) -> bool {
    match Filter::parse(typed) {
        Ok(filter) => filter.within(session).matches(row, NOW_US, |_| false),
        Err(problem) => panic!("{typed}: {problem}"),
    }
}

fn exchange() -> ExchangeRow {
    ExchangeRow {
        id: 12,
        at_us: NOW_US - DAY_US,
        agent: Some("build".into()),
        provider: Some("anthropic".into()),
        model: Some("claude-sonnet-4-5".into()),
        status: Some(529),
        outcome: Outcome::Complete,
        error: Some("Overloaded, try\n again".into()),
        request_bytes: 120_000,
        response_bytes: 500,
        first_content_after_us: Some(2_500_000),
        end_after_us: Some(31_000_000),
        usage: Some(Usage { input: 60_000, output: 1_500, cache_read: 0, ..Usage::default() }),
        cost_usd: Some(0.25),
        attempt: 2,
        ..ExchangeRow::default()
    }
}

fn tool() -> ToolRow {
    ToolRow {
        number: 3,
        at_us: NOW_US - DAY_US,
        tool: "bash".into(),
        subject: "cargo test --package date-parser".into(),
        status: ToolStatus::Completed,
        exit: Some(101),
        ended_us: Some(NOW_US - DAY_US + 400_000),
        ..ToolRow::default()
    }
}

fn prompt() -> PromptRow {
    let text = Some("Fix the date parser, BÜRO.ts".into());
    PromptRow { number: 1, at_us: NOW_US - DAY_US, text }
}

fn session() -> Session {
    Session {
        id: "ses_e07ccbea3ffe".to_owned(),
        title: Some("Fix the date parser".to_owned()),
        directory: Some("/home/dev/website".to_owned()),
        ..Session::default()
    }
}
