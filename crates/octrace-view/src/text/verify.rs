//! Whether a tape is whole.

use octrace_store::verify::{Count, Verification};

use super::{Paint, Style, figures, line::Line};

/// What is broken, a line each, and how much is whole.
pub fn verification(found: &Verification, style: &Style) -> String {
    let mut out = String::new();
    for finding in &found.findings {
        Line::new()
            .put(Paint::Bad, "broken")
            .layout(Paint::Plain, "  ")
            .plain(&finding.what)
            .render(style, &mut out);
    }
    if found.more_findings > 0 {
        let more = format!("        and {} more", figures::grouped(found.more_findings));
        Line::new().layout(Paint::Plain, &more).render(style, &mut out);
    }
    let counts = [
        (found.sessions, "session"),
        (found.exchanges, "request"),
        (found.events, "event"),
        (found.states, "file state"),
        (found.parts, "part"),
    ];
    let shown = counts.map(|(count, one)| counted(count, one)).join(", ");
    let (paint, mark) =
        if found.is_whole() { (Paint::Good, style.glyph("✓ ", "")) } else { (Paint::Plain, "") };
    Line::new()
        .layout(paint, mark)
        .plain(&format!(
            "{}: {shown}",
            if found.is_whole() { "The tape is whole" } else { "Still whole" }
        ))
        .render(style, &mut out);
    out
}

/// `12 sessions`; `11 of 12 sessions` where one is broken.
fn counted(count: Count, one: &str) -> String {
    let all = figures::many(count.whole + count.broken, one);
    if count.broken == 0 { all } else { format!("{} of {all}", figures::grouped(count.whole)) }
}

#[cfg(test)]
mod tests {
    use octrace_store::verify::{Broken, Finding};

    use super::*;

    #[test]
    fn what_is_broken_and_how_much_is_whole() {
        let count = |whole, broken| Count { whole, broken };
        let whole = Verification {
            sessions: count(1, 0),
            exchanges: count(1_200, 0),
            events: count(0, 0),
            states: count(2, 0),
            parts: count(7, 0),
            ..Verification::default()
        };
        insta::assert_snapshot!(verification(&whole, &Style::plain()), @"✓ The tape is whole: 1 session, 1,200 requests, 0 events, 2 file states, 7 parts");
        let broken = Verification {
            sessions: count(11, 1),
            findings: vec![Finding {
                broken: Broken::Derived,
                what: "SQLite says: \u{1b}[2J".to_owned(),
            }],
            more_findings: 1_000,
            ..whole
        };
        insta::assert_snapshot!(verification(&broken, &Style::plain()), @"
        broken  SQLite says: ␛[2J
                and 1,000 more
        Still whole: 11 of 12 sessions, 1,200 requests, 0 events, 2 file states, 7 parts
        ");
    }
}
