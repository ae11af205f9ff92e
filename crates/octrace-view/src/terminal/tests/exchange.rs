//! An exchange's frame. What its pages show is tried where they are made.

use std::time::Duration;

use octrace_core::{
    exchange::{Outcome, Summary},
    provider::Dialect,
    timeline::{ExchangeRow, Row},
};
use octrace_store::read::ExchangeDetail;

use super::kit::*;
use crate::{
    terminal::{
        Action, Event,
        data::{Answer, Ask, PageId, Payload, Tab},
        document::{Document, Exchanges, Node, document},
        input::{Key, MouseAction},
    },
    text::{Paint, Style, line::Line},
};

/// An exchange of which all is known.
fn opened(size: (u16, u16)) -> Screen {
    let mut screen = Screen::at_timeline(size, options());
    screen.key(Key::Char('r'));
    screen.key(Key::Home);
    screen.key(Key::Char('l'));
    screen
}

fn page(exchange: i64, previous: Option<i64>, tab: Tab) -> PageId {
    PageId { exchange, previous, tab }
}

fn asked(screen: &mut Screen) -> Vec<PageId> {
    let actions = screen.wanted().into_iter();
    let pages = actions.filter_map(|action| match action {
        Action::Ask(Ask::Page(page)) => Some(page),
        _ => None,
    });
    pages.collect()
}

#[test]
fn a_page_is_asked_for_when_it_is_looked_at() {
    let mut screen = opened((80, 24));
    assert_eq!(asked(&mut screen), [page(102, None, Tab::Conversation)]);
    insta::assert_snapshot!(screen.text(), @"
    #102  claude-sonnet-4-5  200  first 1.24s  took 4.21s  48 kB → 5.1 kB  12.1k in…
    1 conversation 2 request 3 response 4 headers 5 timing 6 difference

    loading…
    (19 empty lines)
    esc back  tab tabs  / search  enter fold  v select  y copy  ? help  Q quit
    ");
    screen.answer(Answer::Page(page(102, None, Tab::Conversation), Ok(Box::default())));
    assert!(!screen.text().contains("loading"));
    screen.key(Key::Tab);
    assert_eq!(asked(&mut screen), [page(102, None, Tab::Request)]);
    let problem = Err("the tape is locked\x1b[2J".to_owned());
    screen.answer(Answer::Page(page(102, None, Tab::Request), problem));
    assert!(screen.text().contains("the tape is locked␛[2J"), "{}", screen.text());
    screen.key(Key::BackTab);
    screen.key(Key::Char('1'));
    assert_eq!(asked(&mut screen), [], "what is there is not asked for again");
    screen.key(Key::Char(']'));
    screen.key(Key::Char('6'));
    assert_eq!(
        asked(&mut screen),
        [page(103, None, Tab::Conversation), page(103, Some(102), Tab::Difference)]
    );
}

#[test]
fn a_search_through_a_large_page_goes_on_at_once() {
    let mut screen = opened((80, 24));
    let text = "nothing but this and that, again and again\n".repeat(1_000_000);
    let content = Document::new(vec![Node::text(&text, Paint::Plain)]);
    screen.answer(Answer::Page(page(102, None, Tab::Conversation), Ok(Box::new(content))));
    let at_rest = screen.app.next_tick();
    assert_ne!(at_rest, Some(Duration::ZERO));
    screen.type_text("/absent");
    screen.key(Key::Enter);
    let mut ticks = 0;
    while screen.app.next_tick() == Some(Duration::ZERO) {
        assert!(screen.text().contains("  search "), "{}", screen.text());
        screen.event(Event::Tick);
        ticks += 1;
    }
    assert!(ticks > 1 && screen.text().contains("not found"), "{ticks} {}", screen.text());
    assert_eq!(screen.app.next_tick(), at_rest);
}

/// A page of one text.
fn with_text(text: &str) -> Screen {
    let mut screen = opened((80, 12));
    let content = Document::new(vec![Node::text(text, Paint::Plain)]);
    screen.answer(Answer::Page(page(102, None, Tab::Conversation), Ok(Box::new(content))));
    screen.wanted();
    screen
}

/// What stands at the right end of the tabs.
fn place(screen: &mut Screen) -> String {
    let text = screen.text();
    let tabs = text.lines().nth(1).unwrap_or_default();
    tabs.rsplit_once("difference").unwrap_or_default().1.trim().to_owned()
}

#[test]
fn a_search_says_where_it_is_and_is_ended_first() {
    let mut screen = with_text(&format!("one one\n{}one\n", "two\n".repeat(30)));
    let row = |screen: &mut Screen, at: usize| {
        screen.styled().lines().nth(at).unwrap_or_default().trim().to_owned()
    };
    screen.type_text("/one");
    screen.key(Key::Enter);
    insta::assert_snapshot!(row(&mut screen, 2), @"{R}  {BU}one{R} {}one{R}");
    screen.key(Key::Char('n'));
    insta::assert_snapshot!(row(&mut screen, 2), @"{R}  {}one{R} {BU}one{R}");
    screen.key(Key::Char('n'));
    assert_eq!(place(&mut screen), "100%");
    screen.key(Key::Char('n'));
    assert_eq!(place(&mut screen), "from the top");
    screen.key(Key::Char('N'));
    assert_eq!(place(&mut screen), "from the end");
    screen.key(Key::Up);
    assert_eq!(place(&mut screen), "100%");
    screen.key(Key::Home);
    screen.key(Key::Down);
    assert!(screen.styled().contains("R}one"));
    screen.key(Key::Esc);
    assert!(screen.text().contains("6 difference"), "only the search is over");
    assert!(!screen.styled().contains("R}one"), "{}", screen.styled());
    screen.key(Key::Char('/'));
    assert!(screen.text().ends_with("search\n"), "what is typed is not put behind anything");
    screen.key(Key::Up);
    assert!(screen.text().ends_with("search one\n"));
    screen.key(Key::Esc);
    screen.key(Key::Esc);
    assert!(!screen.text().contains("6 difference"));
}

#[test]
fn what_is_not_found_is_said_once() {
    let mut screen = with_text("one");
    screen.type_text("/absent");
    screen.key(Key::Enter);
    assert_eq!(place(&mut screen), "not found");
    screen.key(Key::Char('n'));
    assert_eq!(place(&mut screen), "not found");
    screen.key(Key::Char('j'));
    assert_eq!(place(&mut screen), "all");
}

#[test]
fn what_is_selected_is_measured() {
    let mut screen = with_text(&"漢字 and more\n".repeat(300));
    let foot = |screen: &mut Screen| screen.text().lines().last().unwrap_or_default().to_owned();
    screen.key(Key::Home);
    screen.key(Key::Char('v'));
    assert_eq!(foot(&mut screen), "selecting: y copies, esc gives up  1 line");
    screen.key(Key::Down);
    assert_eq!(foot(&mut screen), "selecting: y copies, esc gives up  2 lines");
    screen.key(Key::Up);
    screen.key(Key::Right);
    assert_eq!(foot(&mut screen), "selecting: y copies, esc gives up  2 characters");
    screen.key(Key::End);
    assert_eq!(foot(&mut screen), "selecting: y copies, esc gives up  200 lines or more");
    screen.key(Key::Ctrl('a'));
    assert_eq!(foot(&mut screen), "selecting: y copies, esc gives up  the whole page");
    screen.key(Key::Esc);
    assert!(foot(&mut screen).starts_with("esc back"));
}

#[test]
fn who_copies_what_is_folded_is_told() {
    let line = |text: &str| Line::new().put(Paint::Plain, text);
    let folded = Node::heading(line("above"), vec![Node::text("below", Paint::Plain)]);
    let mut screen = opened((80, 12));
    let nodes = vec![Node::text("first", Paint::Plain), folded];
    let id = page(102, None, Tab::Conversation);
    screen.answer(Answer::Page(id, Ok(Box::new(Document::new(nodes)))));
    let copied = |screen: &mut Screen, keys: &str| {
        screen.wanted();
        screen.type_text(keys);
        let [Action::Copy(Payload::Text(text))] = &screen.wanted()[..] else { panic!() };
        screen.event(Event::Done("copied".to_owned()));
        (text.clone(), screen.text().lines().last().unwrap_or_default().to_owned())
    };
    let said = |text: &str, said: &str| (text.to_owned(), said.to_owned());
    assert_eq!(copied(&mut screen, "gvy"), said("first", "✓ copied"));
    screen.key(Key::Esc);
    let all = said("first\nabove\nbelow", "✓ copied, with what is folded");
    assert_eq!(copied(&mut screen, "gvGy"), all);
}

#[test]
fn a_tool_leads_to_its_call() {
    let mut screen = Screen::at_timeline((80, 24), options());
    while !screen.marked().contains("edit") {
        screen.key(Key::Up);
    }
    screen.key(Key::Char('y'));
    let text = "src/date.ts\noldString not found in content".to_owned();
    assert_eq!(screen.wanted(), [Action::Copy(Payload::Text(text))], "with the whole reason");
    screen.key(Key::Char('t'));
    screen.key(Key::Enter);
    let id = page(104, None, Tab::Conversation);
    assert_eq!(asked(&mut screen), [id]);
    let call = |id: &str, name: &str, input: serde_json::Value| serde_json::json!({"type": "tool_use", "id": id, "name": name, "input": input});
    let answer = serde_json::json!({"type": "message", "role": "assistant", "content": [
        call("1", "task", serde_json::json!({"description": "Search the history"})),
        call("2", "edit", serde_json::json!({"filePath": "src/date.ts"})),
    ]});
    let exchange = ExchangeDetail {
        summary: Summary { dialect: Dialect::Anthropic, ..Summary::default() },
        response_headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        response_body: answer.to_string().into_bytes(),
        ..ExchangeDetail::default()
    };
    let exchanges = Exchanges { exchange, previous: None };
    let content = document(Tab::Conversation, exchanges, &Style::plain());
    screen.answer(Answer::Page(id, Ok(Box::new(content))));
    assert_eq!(screen.marked(), "▾ tool call edit 2");
    let text = screen.text();
    let after = |line: &str| text.split(line).nth(1).unwrap_or_default();
    assert!(after("tool call edit 2").contains("failed: oldString not found in content"), "{text}");
    assert!(after("tool call task 1").contains("completed"), "{text}");
}

#[test]
fn at_160_with_an_error() {
    let mut screen = opened((160, 50));
    screen.key(Key::Char(']'));
    insta::assert_snapshot!(screen.text(), @"
    #103  claude-sonnet-4-5  529  first 1.24s  took 4.21s  61 kB → 120 B
    overloaded_error: Overloaded␛[31m
    1 conversation 2 request 3 response 4 headers 5 timing 6 difference

    loading…
    (44 empty lines)
    esc back  tab tabs  / search  enter fold  v select  y copy  s save  ? help  Q quit
    ");
    screen.key(Key::Char(']'));
    assert!(screen.text().starts_with("#104  claude-sonnet-4-5  try 2  200"), "{}", screen.text());
}

#[test]
fn neighbours_are_those_that_are_shown() {
    let mut screen = opened((80, 24));
    let turn = |screen: &mut Screen, key| {
        screen.key(Key::Char(key));
        asked(screen).first().map(|page| page.exchange)
    };
    asked(&mut screen);
    assert_eq!(turn(&mut screen, '['), None, "the title's request is not shown");
    assert!(screen.text().contains("this is the first exchange that is shown"));
    assert_eq!(turn(&mut screen, ']'), Some(103));
    assert_eq!(turn(&mut screen, ']'), Some(104));
    screen.key(Key::Esc);
    assert!(screen.marked().starts_with("#104 "), "the list goes along: {}", screen.marked());
}

#[test]
fn a_page_of_what_is_under_way_is_asked_for_again() {
    let mut screen = opened((80, 24));
    screen.key(Key::Char(']'));
    screen.key(Key::Char(']'));
    screen.key(Key::Char(']'));
    let id = page(105, None, Tab::Conversation);
    assert_eq!(asked(&mut screen).last(), Some(&id));
    let more = |bytes| {
        let outcome = Outcome::Streaming;
        let row = ExchangeRow { outcome, response_bytes: bytes, ..exchange(105, 594, 20_000) };
        timeline(vec![Row::from(row)])
    };
    screen.answer(more(13_000));
    screen.answer(more(14_000));
    assert_eq!(asked(&mut screen), [], "one at a time");
    screen.answer(Answer::Page(id, Ok(Box::new(Document::default()))));
    assert_eq!(asked(&mut screen), [id], "with what has come meanwhile");
    assert!(!screen.text().contains("loading"), "what was there stays until then");
    screen.answer(Answer::Page(id, Ok(Box::default())));
    assert_eq!(asked(&mut screen), []);
}

#[test]
fn the_body_of_the_tab_is_copied() {
    let mut screen = opened((80, 24));
    screen.wanted();
    screen.key(Key::Char('Y'));
    screen.key(Key::Char('3'));
    screen.key(Key::Char('Y'));
    screen.key(Key::Char('c'));
    let mut copied = screen.wanted();
    copied.retain(|action| matches!(action, Action::Copy(_)));
    let payloads = [Payload::Request(102), Payload::Response(102), Payload::Curl(102)];
    assert_eq!(copied, payloads.map(Action::Copy));
}

#[test]
fn tabs_are_clicked() {
    let mut screen = opened((80, 24));
    let bar = screen.text().lines().position(|line| line.starts_with("1 conversation")).unwrap();
    let line = screen.text().lines().nth(bar).unwrap().to_owned();
    let x = u16::try_from(line.find("4 headers").unwrap()).unwrap();
    asked(&mut screen);
    screen.mouse(MouseAction::Press, x, u16::try_from(bar).unwrap());
    assert_eq!(asked(&mut screen), [page(102, None, Tab::Headers)]);
}
