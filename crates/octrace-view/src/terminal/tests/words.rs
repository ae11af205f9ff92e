//! Filters that ask the source where words stand, while more is recorded.

use std::time::Duration;

use octrace_core::{search::Query, timeline::Row};

use super::kit::*;
use crate::terminal::{
    Action, Event, Options,
    data::{Answer, Ask},
    input::Key,
};

/// Words that were asked for.
fn asked(screen: &mut Screen) -> Vec<Query> {
    let actions = screen.wanted().into_iter();
    let words = actions.filter_map(|action| match action {
        Action::Ask(Ask::Find { words, .. }) => Some(words),
        _ => None,
    });
    words.collect()
}

fn query(words: &str) -> Query {
    Query::parse(words).unwrap()
}

fn found(words: &str, ids: &[i64]) -> Answer {
    let places = ids.iter().map(|id| (SESSION.to_owned(), *id)).collect();
    Answer::Found { session: Some(SESSION.to_owned()), words: query(words), places }
}

fn new(id: i64) -> Answer {
    timeline(vec![Row::from(exchange(id, 1_000 + id, 70_000))])
}

fn filtered(typed: &str) -> Screen {
    let filter = octrace_core::filter::Filter::parse(typed).unwrap();
    let mut screen =
        Screen::new((100, 24), Options { session: Some(SESSION.to_owned()), filter, ..options() });
    screen.answer(told(sessions()));
    let mut rows = rows();
    // Nothing is under way.
    rows.retain(|row| !row.is_open());
    screen.answer(timeline(rows));
    screen
}

fn after(screen: &mut Screen, us: i64) -> Vec<Query> {
    screen.now_us += us;
    screen.event(Event::Tick);
    asked(screen)
}

#[test]
fn what_is_recorded_later_is_looked_for_too() {
    let mut screen = filtered("text:date");
    assert_eq!(asked(&mut screen), [query("date")]);
    screen.answer(found("date", &[102]));
    // Since the question, rows came.
    assert_eq!(screen.app.next_tick(), Some(Duration::from_secs(1)));
    assert_eq!(after(&mut screen, 999_999), [], "not all the time");
    assert_eq!(after(&mut screen, 1), [query("date")]);
    screen.answer(found("date", &[102]));
    assert_eq!(screen.app.next_tick(), None, "nothing is new");
    assert_eq!(after(&mut screen, 60_000_000), []);

    screen.answer(new(110));
    let before = screen.text();
    assert!(before.contains("1/1") && !before.contains("searching"), "{before}");
    assert_eq!(asked(&mut screen), [query("date")], "the last time was long ago");
    for id in 111..120 {
        screen.answer(new(id));
        assert_eq!(after(&mut screen, 2_000_000), [], "it has not answered");
        assert_eq!(screen.text(), before, "nothing flickers meanwhile");
    }
    screen.answer(found("date", &[110, 102]));
    assert!(screen.text().contains("2/2"), "{}", screen.text());
    assert_eq!(screen.app.next_tick(), Some(Duration::from_secs(18)), "as long as it took");
    assert_eq!(after(&mut screen, 18_000_000), [query("date")]);
    screen.answer(found("date", &[110]));
    assert!(screen.text().contains("1/1"), "it stands there no longer");
}

#[test]
fn words_are_looked_for_one_after_the_other() {
    let mut screen = filtered("text:one text:two");
    assert_eq!(asked(&mut screen), [query("one")]);
    screen.answer(found("one", &[102, 104]));
    assert_eq!(asked(&mut screen), [query("two")], "the first time, at once");
    assert!(screen.text().contains("searching"));
    screen.answer(found("two", &[104]));
    assert!(screen.text().contains("1/1") && !screen.text().contains("searching"));
}

#[test]
fn a_question_that_was_lost_is_asked_again() {
    let mut screen = filtered("text:date");
    assert_eq!(asked(&mut screen), [query("date")]);
    screen.answer(Answer::Trouble("the tape is locked".to_owned()));
    assert_eq!(after(&mut screen, 999_999), [], "not all the time");
    assert_eq!(after(&mut screen, 1), [query("date")]);
    // Another filter that is not wanted after all: the answer comes meanwhile.
    screen.key(Key::Char('f'));
    screen.type_text("x");
    screen.answer(found("date", &[102]));
    screen.key(Key::Esc);
    assert_eq!(after(&mut screen, 1_000_000), [query("date")]);
    // The list of sessions asks for itself; what it was told is not what a session is told.
    screen.answer(found("date", &[102]));
    screen.key(Key::Esc);
    let all = Answer::Found { session: None, words: query("date"), places: Vec::new() };
    assert_eq!(asked(&mut screen), [query("date")]);
    screen.answer(all);
    assert!(screen.text().contains("0 of 5 sessions"), "{}", screen.text());
}
