//! What a search found: under each session the places, each with the text around it.

use octrace_core::search::Fragment;
use octrace_store::read::{Hit, Hits};

use super::{Paint, Style, figures, line::Line};

/// Narrower terminals wrap; wider lines are hard to read.
const WIDTHS: (usize, usize) = (40, 120);

/// The hits for a terminal of `width` columns, those of a session that follow each other under one heading.
/// `now_us` is the time, µs since the Unix epoch.
pub fn search(found: &Hits, style: &Style, now_us: i64, width: usize) -> String {
    let width = width.clamp(WIDTHS.0, WIDTHS.1);
    let mut out = String::new();
    let mut session: Option<&str> = None;
    for hit in &found.hits {
        if session != Some(hit.session.as_str()) {
            heading(hit, style).fit(width, style).render(style, &mut out);
            session = Some(&hit.session);
        }
        place(hit, style, now_us).fit(width, style).render(style, &mut out);
        snippet(&hit.snippet, style).fit(width, style).render(style, &mut out);
    }
    let count = found.hits.len() as u64;
    let total = if found.more {
        format!("the newest {}; --limit shows more", figures::many(count, "place"))
    } else {
        figures::many(count, "place")
    };
    Line::new().put(Paint::Dim, &total).render(style, &mut out);
    out
}

fn heading(hit: &Hit, style: &Style) -> Line {
    let line = match &hit.title {
        Some(title) => Line::new().put(Paint::Strong, title),
        None => Line::new().put(Paint::Dim, "(untitled)"),
    };
    line.put(Paint::Dim, style.glyph(" · ", " - ")).put(Paint::Dim, &hit.session)
}

fn place(hit: &Hit, style: &Style, now_us: i64) -> Line {
    let turn = hit.turn.map(|turn| format!("turn {turn}")).unwrap_or_default();
    let when = figures::ago(hit.sent_us, now_us, style);
    Line::new()
        .layout(Paint::Plain, "  ")
        .put(Paint::Accent, &format!("#{}", hit.exchange))
        .layout(Paint::Plain, " ")
        .dotted(style, Paint::Plain, [hit.role.as_str(), &turn, &when])
}

fn snippet(fragments: &[Fragment], style: &Style) -> Line {
    let line = Line::new().layout(Paint::Plain, "     ");
    fragments.iter().fold(line, |line, fragment| {
        // Without colour the text has to speak for itself.
        let paint = if fragment.found { Paint::Found } else { Paint::Dim };
        let paint = if style.color { paint } else { Paint::Plain };
        line.put(paint, &fragment.text)
    })
}

#[cfg(test)]
mod tests {
    use octrace_core::search::Role;

    use super::*;

    fn hit(session: &str, exchange: i64, role: Role, snippet: [&str; 3]) -> Hit {
        let fragment =
            |(at, text): (usize, &str)| Fragment { text: text.to_owned(), found: at == 1 };
        Hit {
            session: session.to_owned(),
            title: session.ends_with('a').then(|| "Fix the \u{1b}[2Jdate test".to_owned()),
            turn: (exchange > 1).then_some(2),
            message: None,
            role,
            exchange,
            sent_us: 1_795_164_558_000_000,
            snippet: snippet.into_iter().enumerate().map(fragment).collect(),
        }
    }

    fn hits() -> Hits {
        let long = "and so on ".repeat(30);
        let hits = vec![
            hit("ses_a", 14, Role::ToolResult, ["let date =\n\t", "parse_date", "(input);"]),
            hit("ses_a", 9, Role::Assistant, ["\u{1b}]0;owned\u{7} ", "日期", &long]),
            hit("run_b", 1, Role::System, ["", "date", ""]),
        ];
        Hits { hits, more: false }
    }

    #[test]
    fn places_under_their_sessions() {
        let now_us = 1_795_164_858_000_000;
        insta::assert_snapshot!(search(&hits(), &Style::plain(), now_us, 60), @"
        Fix the ␛[2Jdate test · ses_a
          #14 tool result · turn 2 · 5m
             let date = parse_date(input);
          #9 assistant · turn 2 · 5m
             ␛]0;owned␇ 日期and so on and so on and so on and so on…
        (untitled) · run_b
          #1 system · 5m
             date
        3 places
        ");
        let style = Style { color: true, ..Style::plain() };
        let more = Hits { more: true, hits: hits().hits.split_off(2) };
        insta::assert_snapshot!(search(&more, &style, now_us, 60).replace('\x1b', "␛"), @"
        ␛[2m(untitled) · run_b␛[0m
          ␛[36m#1␛[0m system␛[2m · ␛[0m5m
             ␛[1;33mdate␛[0m
        ␛[2mthe newest 1 place; --limit shows more␛[0m
        ");
    }
}
