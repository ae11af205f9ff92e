//! When what happened, and what it cost.

use octrace_core::exchange::Summary;

use crate::{
    terminal::document::Node,
    text::{Line, Paint, Style, figures, request::tokens, show::status},
};

/// How wide the bars are together, in columns.
const BARS: i64 = 40;

/// In which column what is said of something begins.
const VALUES: usize = 15;

/// What the tab shows.
pub(super) fn nodes(summary: &Summary, style: &Style) -> Vec<Node> {
    let mut lines = waterfall(summary, style);
    lines.push(Line::new());
    lines.extend(figures_of(summary));
    let mut nodes: Vec<Node> =
        lines.into_iter().map(|line| Node::heading(line, Vec::new())).collect();
    nodes.extend(summary.error.as_ref().map(|error| Node::text(error, Paint::Bad)));
    nodes.extend(summary.problems.iter().map(|problem| Node::text(problem, Paint::Warn)));
    nodes
}

/// What somebody waited for, one after the other.
fn waterfall(summary: &Summary, style: &Style) -> Vec<Line> {
    let timing = &summary.timing;
    let known = [
        ("head", timing.head_after_us),
        ("first byte", timing.first_byte_after_us),
        ("first content", timing.first_content_after_us),
        ("end", timing.end_after_us),
    ];
    let total = known.iter().filter_map(|(_, at)| *at).max().unwrap_or(0).max(1);
    let column = |at: i64| at.clamp(0, total).saturating_mul(BARS) / total;
    let mut before = 0;
    let mut lines = vec![row("sent", &style.date_time(timing.sent_us))];
    for (name, at) in known {
        let Some(at) = at else { continue };
        let (start, end) = (column(before.min(at)), column(at));
        let blank = " ".repeat(start as usize);
        let bar = style.glyph("█", "#").repeat((end - start).max(1) as usize);
        let rest = " ".repeat((BARS + 1 - start - (end - start).max(1)).max(0) as usize);
        let took = figures::duration(at - before.min(at));
        let line = Line::new().put(Paint::Dim, name).pad(VALUES).layout(Paint::Plain, &blank);
        let line = line.layout(Paint::Accent, &bar).layout(Paint::Plain, &rest);
        let line = line.layout(Paint::Strong, &format!("{:>7}", figures::duration(at)));
        lines.push(line.layout(Paint::Dim, &format!("  +{took}")));
        before = at;
    }
    lines
}

fn figures_of(summary: &Summary) -> Vec<Line> {
    let timing = &summary.timing;
    let (paint, word) = status(summary.outcome, summary.status, summary.error.as_deref());
    let mut lines = vec![Line::new().put(Paint::Dim, "status").pad(VALUES).put(paint, &word)];
    let streamed = timing.end_after_us.zip(timing.first_byte_after_us);
    let seconds = streamed.map(|(end, first)| (end - first).max(0) as f64 / 1e6);
    let per_second = |amount: u64| {
        let seconds = seconds.filter(|seconds| *seconds >= 0.001)?;
        Some((amount as f64 / seconds) as u64)
    };
    let rate = per_second(summary.response_bytes);
    let rate = rate.map(|rate| format!(", {}/s", figures::bytes(rate))).unwrap_or_default();
    // Files do not say in how many pieces it came.
    let chunks = match summary.chunks {
        0 => String::new(),
        chunks => format!(" in {}", figures::many(chunks, "chunk")),
    };
    let received = figures::bytes(summary.response_bytes);
    let model = [&summary.provider, &summary.model].into_iter().flatten().cloned();
    let usage = summary.usage.as_ref();
    let speed = usage.and_then(|usage| per_second(usage.output));
    let speed = speed.filter(|speed| *speed > 0).map(|speed| format!(", {speed} out/s"));
    let tokens = usage.map(tokens).unwrap_or_default() + &speed.unwrap_or_default();
    let gap = timing.longest_gap_us.map(figures::duration).unwrap_or_default();
    let rows = [
        ("longest gap", gap),
        ("sent", figures::bytes(summary.request_bytes)),
        ("received", format!("{received}{chunks}{rate}")),
        ("model", model.collect::<Vec<_>>().join("/")),
        ("tokens", tokens),
        ("cost", figures::dollars(summary.cost_usd)),
        ("stopped", summary.finish.clone().unwrap_or_default()),
        ("purpose", summary.purpose.as_str().to_owned()),
        ("agent", summary.agent.clone().unwrap_or_default()),
    ];
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    lines.extend(rows.map(|(name, value)| row(name, value)));
    lines
}

fn row(name: &str, value: &str) -> Line {
    Line::new().put(Paint::Dim, name).pad(VALUES).plain(value)
}
