//! From what is known of files to rows.

use std::sync::Arc;

use octrace_core::{
    session::ToolStatus,
    timeline::{ExchangeRow, PromptRow, ToolRow},
};
use octrace_store::read::SessionRow;

use super::{
    counts::Counts,
    file::File,
    index::{Entry, Part, Tool},
};

/// Numbers of a source's second file begin here, and so on.
const FILE: i64 = 1_000_000_000;

/// How long after its last line a file's last request may still be waiting for its answer.
const PATIENCE_US: i64 = 600_000_000;

/// The source's number of a file's exchange, or tool call. Of a single file they count from 1.
pub(super) fn number(file: i64, place: u32) -> i64 {
    file * FILE + i64::from(place) + 1
}

/// The file and the place behind such a number.
pub(super) fn place(number: i64) -> Option<(i64, u32)> {
    let (file, place) = (number.checked_sub(1)? / FILE, number.checked_sub(1)? % FILE);
    Some((file, u32::try_from(place).ok()?))
}

impl File {
    /// Whether more may come of what is open in it.
    pub(super) fn is_live(&self, now_us: i64) -> bool {
        now_us.saturating_sub(self.modified_us()) < PATIENCE_US
    }

    /// The session that a file is named after has its name's words.
    fn words(&self) -> Option<&str> {
        // 2026-04-25-10-41-09-Reply exactly OK
        let is_time = |at: usize, byte: u8| match at % 3 {
            _ if at < 4 => byte.is_ascii_digit(),
            1 => byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        let (time, words) = self.stem.split_at_checked(19)?;
        let is_named = time.bytes().enumerate().all(|(at, byte)| is_time(at, byte));
        words.strip_prefix('-').filter(|words| is_named && !words.is_empty())
    }
}

/// A session as its files have it: the parts and whether more may come of each, oldest first.
pub(super) fn session(files: &[(&File, &Part)], now_us: Option<i64>) -> Option<SessionRow> {
    let (_, first) = files.first()?;
    let mut row = SessionRow { id: first.session.to_string(), ..SessionRow::default() };
    let (mut models, mut agents) = (Counts::default(), Counts::default());
    let (mut statuses, mut tools) = (Counts::default(), Counts::default());
    let mut failed_tools = Counts::default();
    let (mut title, mut words) = (None, None);
    for (file, part) in files {
        let is_live = now_us.is_some_and(|now_us| file.is_live(now_us));
        let mut totals = part.totals;
        row.live |= is_live && part.waiting > 0;
        if !is_live {
            totals.errors += part.waiting;
        }
        row.totals.merge(&totals);
        row.wire_bytes += part.wire_bytes;
        models.merge(&part.models);
        agents.merge(&part.agents);
        statuses.merge(&part.statuses);
        tools.merge(&part.tools);
        failed_tools.merge(&part.failed_tools);
        if !is_live {
            // As their rows have it.
            let lost = part.calls.values().filter_map(|tool| file.index.tools.get(*tool as usize));
            failed_tools.add(lost.map(|tool| tool.name.clone()), 1);
        }
        let (begin, end) = match part.span_us {
            (0, 0) => (file.modified_us(), file.modified_us()),
            // Its first line is all that was read.
            (begin, _) if part.exchanges.is_empty() => (begin, file.modified_us().max(begin)),
            span => span,
        };
        row.created_us = if row.created_us == 0 { begin } else { row.created_us.min(begin) };
        row.updated_us = row.updated_us.max(end);
        title = part.title.as_deref().or(title);
        // A file of several sessions has the name of the first.
        let named = file.index.parts.first().filter(|first| first.session == part.session);
        let named = named.and_then(|_| file.words()).filter(|words| *words != &*part.session);
        words = words.or(named).or(part.prompt.as_deref());
    }
    row.models = strings(models);
    row.agents = strings(agents);
    row.statuses = statuses.words().collect();
    row.tools = strings(tools);
    row.failed_tools = strings(failed_tools);
    row.title = title.or(words).map(str::to_owned);
    Some(row)
}

fn strings(words: Counts<Arc<str>>) -> Vec<String> {
    words.words().map(|word| word.to_string()).collect()
}

/// An exchange; `ordinal` from 1.
pub(super) fn exchange(id: i64, ordinal: i64, entry: &Entry, is_live: bool) -> ExchangeRow {
    let unanswered = entry.is_unanswered() && !entry.outcome(is_live).is_open();
    ExchangeRow {
        id,
        ordinal,
        at_us: entry.at_us,
        purpose: entry.purpose,
        agent: entry.agent.clone(),
        model: entry.model.clone(),
        status: entry.status,
        outcome: entry.outcome(is_live),
        error: entry.said().or(unanswered.then_some("no answer was written")).map(Into::into),
        request_bytes: entry.request_bytes.into(),
        response_bytes: entry.response_bytes.into(),
        end_after_us: entry.ended_us.map(|ended| ended.saturating_sub(entry.at_us)),
        usage: entry.usage.as_deref().copied(),
        finish: entry.finish.clone(),
        attempt: entry.attempt,
        ..ExchangeRow::default()
    }
}

/// The prompt that an exchange is the first one for.
pub(super) fn prompt(number: i64, entry: &Entry) -> Option<PromptRow> {
    let text = entry.prompt.clone()?;
    Some(PromptRow { number, at_us: entry.at_us, text: Some(text) })
}

/// A tool call.
pub(super) fn tool(number: i64, asked: &Entry, tool: &Tool, is_live: bool) -> ToolRow {
    // Its result comes with the next request: without one, nobody knows.
    let is_lost = tool.status == ToolStatus::Running && !is_live;
    ToolRow {
        number,
        at_us: asked.ended_us.unwrap_or(asked.at_us),
        tool: tool.name.clone(),
        subject: tool.subject.clone(),
        status: if is_lost { ToolStatus::Failed } else { tool.status },
        error: is_lost.then(|| "no result was written".into()),
        ended_us: tool.ended_us,
        ..ToolRow::default()
    }
}
