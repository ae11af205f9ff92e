//! The tab that shows what a request changed, as people see it.

use super::*;
use crate::text::{Line, Paint};

/// A request, and the one before it: other instructions, another tool's schema, two messages more.
fn pair() -> Exchanges {
    let previous = anthropic();
    let mut exchange = anthropic();
    let request = String::from_utf8(exchange.request_body).unwrap();
    let request = request
        .replace("brief.", "kind.")
        .replace(r#""name":"edit""#, r#""name":"edit","strict":true"#)
        .replace(
            r#""role":"user"}],"#,
            r#""role":"user"},{"role":"assistant","content":"漢字 \u001b[2J\u202e there"},{"role":"user","content":"Go on"}],"#,
        );
    exchange.request_body = request.into_bytes();
    exchange.summary.id = 9;
    Exchanges { exchange, previous: Some(previous) }
}

#[test]
fn what_a_request_changed_as_people_see_it() {
    let mut document = document(Tab::Difference, pair(), &Style::plain());
    snapshot("difference-anthropic", &mut document, 80, 24);
    document.step(Step::UnfoldAll);
    document.step(Step::Top);
    snapshot("difference-anthropic", &mut document, 160, 50);
    let mut alone = open(Tab::Difference, anthropic());
    assert!(screen(&mut alone, 80, 4).contains("No request came before this one"));
}

#[test]
fn what_changed_is_marked_without_colours_and_with_them() {
    let area = Rect::new(0, 0, 80, 40);
    let cells = |theme| {
        let mut buffer = Buffer::empty(area);
        let style = Style::plain();
        document(Tab::Difference, pair(), &style).draw(area, &mut buffer, theme, &style);
        buffer
    };
    let [dark, light, plain] = [Theme::Dark, Theme::Light, Theme::Plain].map(cells);
    let text = |buffer: &Buffer| {
        buffer.content.iter().map(ratatui_core::buffer::Cell::symbol).collect::<String>()
    };
    assert!(text(&plain).contains("[-brief-]{+kind+}"));
    assert!(text(&dark) == text(&plain) && text(&light) == text(&plain));
    assert!(plain.content.iter().all(|cell| cell.fg == ratatui_core::style::Color::Reset));
    assert!(dark.content.iter().any(|cell| cell.fg == ratatui_core::style::Color::Green));
}

#[test]
fn a_row_of_a_painted_text_stands_where_its_blanks_put_it() {
    for rows in [1, 100] {
        let text = "  a:\n    b: c\n  d: e\nf\n".repeat(rows);
        let paints = vec![(2..4, Paint::Good), (text.len() - 6..text.len() - 3, Paint::Bad)];
        let heading = Line::new().plain("heading");
        let node = Node::heading(heading, vec![Node::painted(text, paints)]).unfolded();
        let mut document = Document::new(vec![node]);
        assert_eq!(
            screen(&mut document, 20, 5),
            ">▾ heading\n|      a:\n|        b: c\n|      d: e\n|    f\n",
        );
        document.step(Step::End);
        let last = screen(&mut document, 20, 5);
        assert!(last.ends_with("|      a:\n|        b: c\n|      d: e\n>    f\n"), "{last}");
    }
}

#[test]
fn times_are_where_somebody_is_and_ascii_is_enough() {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(3));
    let style = Style { unicode: false, zone, ..Style::plain() };
    let exchanges = || Exchanges { exchange: anthropic(), previous: None };
    let text = screen(&mut document(Tab::Timing, exchanges(), &style), 80, 24);
    assert!(text.contains("11:49:18") && text.is_ascii(), "{text}");
}
