//! What is the same on all screens: help, prompts, toasts, and the way out.

use std::time::Duration;

use octrace_core::timeline::RowId;

use super::kit::*;
use crate::{
    terminal::{
        Action, Event, Options,
        data::{Answer, Ask},
        input::{Input, Key, MouseAction},
    },
    text::Style,
};

#[test]
fn help_says_what_can_be_done_here() {
    let mut screen = Screen::at_timeline((80, 24), options());
    screen.key(Key::Char('?'));
    insta::assert_snapshot!(screen.text(), @"
    help

    enter l →                open it
    esc q h ← backspace      back to where it was opened from
    f /                      show only what matches
    r                        only requests: what was sent
    p                        only responses: what came back
    e                        only errors, with their reason
    t                        only tool calls
    a                        all kinds of rows
    i                        show or hide requests for titles, summaries and compac…
    F                        go to the newest row and stay with it
    y                        copy this row's text
    Y                        copy the whole body: the response's where responses ar…
    c                        copy the request as a curl command
    s                        save the whole body to a file
    ↑ k                      up
    ↓ j                      down
    ctrl-u                   half a page up

    open it


    type to narrow, enter runs it, arrows move, esc closes
    ");
}

#[test]
fn help_is_narrowed_and_does_what_it_says() {
    let mut screen = Screen::at_timeline((80, 24), options());
    screen.key(Key::Char('?'));
    screen.type_text("only err");
    insta::assert_snapshot!(screen.text(), @"
    help only err

    e                        only errors, with their reason
    (17 empty lines)
    only errors, with their reason


    type to narrow, enter runs it, arrows move, esc closes
    ");
    screen.key(Key::Enter);
    let text = screen.text();
    assert!(text.contains("2/3") || text.contains("3/3"), "{text}");
    screen.key(Key::Char('?'));
    screen.type_text("status:");
    insta::assert_snapshot!(screen.text(), @"
    help status:

    status:429               the HTTP status: a number, a class, or compared (sessi…
    status:4xx,5xx           one of them
    (16 empty lines)
    the HTTP status: a number, a class, or compared (sessions, requests; status:5xx,
    status>=400)

    type to narrow, enter runs it, arrows move, esc closes
    ");
    screen.key(Key::Enter);
    let foot = screen.text().lines().last().unwrap_or_default().to_owned();
    assert_eq!(foot, "filter status:", "a field begins a filter");
    screen.type_text("5xx");
    assert!(screen.text().contains("1/1"), "{}", screen.text());
    screen.key(Key::Enter);
    screen.key(Key::Char('?'));
    screen.type_text("cost>");
    screen.key(Key::Enter);
    let foot = screen.text().lines().last().unwrap_or_default().to_owned();
    assert!(foot.starts_with("filter status:5xx cost>"), "{foot}");
    screen.key(Key::Esc);
    screen.key(Key::Enter);
    screen.key(Key::Char('?'));
    screen.type_text("cost>");
    screen.key(Key::Enter);
    assert!(screen.text().contains("esc back"), "where no filter works, it closes");
}

#[test]
fn a_message_goes_and_an_error_waits_for_somebody() {
    let mut screen = Screen::new((80, 24), options());
    screen.answer(told(sessions()));
    let moving = Some(Duration::from_millis(200));
    assert_ne!(screen.app.next_tick(), moving);
    screen.event(Event::Done("copied 1.2 kB\x07".to_owned()));
    let foot = |screen: &mut Screen| screen.text().lines().last().unwrap_or_default().to_owned();
    assert_eq!(foot(&mut screen), "✓ copied 1.2 kB␇");
    assert_eq!(screen.app.next_tick(), moving);
    screen.now_us += 5_000_000;
    screen.event(Event::Tick);
    assert!(foot(&mut screen).contains("enter open"));
    assert_ne!(screen.app.next_tick(), moving);
    screen.answer(Answer::Trouble("the tape cannot be read".to_owned()));
    screen.now_us += 60_000_000;
    screen.event(Event::Tick);
    assert_eq!(foot(&mut screen), "! the tape cannot be read");
    screen.key(Key::Down);
    assert!(foot(&mut screen).contains("enter open"));
}

#[test]
fn a_message_is_of_the_screen_that_it_came_on() {
    let mut screen = Screen::at_timeline((80, 24), options());
    let foot = |screen: &mut Screen| screen.text().lines().last().unwrap_or_default().to_owned();
    screen.key(Key::Char('Y'));
    assert_eq!(foot(&mut screen), "only an exchange has a body", "that is no success");
    screen.key(Key::Up);
    assert_eq!(foot(&mut screen), "only an exchange has a body");
    screen.key(Key::Enter);
    assert!(foot(&mut screen).starts_with("esc back"));
    screen.event(Event::Done("copied".to_owned()));
    screen.key(Key::Char('2'));
    assert!(foot(&mut screen).starts_with("esc back"));
    screen.key(Key::Char('m'));
    assert_eq!(foot(&mut screen), "✓ the mouse is the terminal's own");
}

#[test]
fn what_stands_at_the_foot_is_clicked() {
    let mut screen = Screen::at_timeline((80, 24), options());
    screen.wanted();
    let click = |screen: &mut Screen, word: &str| {
        let line = screen.text().lines().last().unwrap_or_default().to_owned();
        let x = u16::try_from(line.find(word).unwrap()).unwrap();
        screen.mouse(MouseAction::Press, x, 23);
        screen.mouse(MouseAction::Release, x, 23);
    };
    click(&mut screen, "equests");
    assert!(screen.text().contains("4/4"));
    click(&mut screen, "help");
    assert!(screen.text().starts_with("help"));
    screen.mouse(MouseAction::Press, 1, 23);
    assert!(screen.text().starts_with("help"), "there is another text now");
    screen.key(Key::Esc);
    click(&mut screen, "quit");
    assert_eq!(screen.wanted(), [Action::Quit]);
}

#[test]
fn the_way_out_is_open_everywhere() {
    let quits = |prepare: &[Key], key| {
        let mut screen = Screen::at_timeline((80, 24), options());
        for key in prepare {
            screen.key(*key);
        }
        screen.wanted();
        screen.key(key);
        screen.wanted()
    };
    for prepare in [
        &[][..],
        &[Key::Char('f')],
        &[Key::Char('?')],
        &[Key::Enter],
        &[Key::Enter, Key::Char('/')],
    ] {
        assert_eq!(quits(prepare, Key::Ctrl('c')), [Action::Quit], "{prepare:?}");
        assert_eq!(quits(prepare, Key::Ctrl('z')), [Action::Suspend], "{prepare:?}");
    }
    assert_eq!(quits(&[Key::Char('q')], Key::Char('q')), [Action::Quit]);
    assert_eq!(quits(&[], Key::Char('q')), [], "q goes back first");
    assert_eq!(quits(&[Key::Char('f')], Key::Char('q')), [], "it is a letter like any other");
}

#[test]
fn the_mouse_is_given_back() {
    let mut screen = Screen::new((80, 24), options());
    screen.wanted();
    screen.key(Key::Char('m'));
    screen.key(Key::Char('m'));
    assert_eq!(screen.wanted(), [Action::Mouse(false), Action::Mouse(true)]);
}

#[test]
fn themes_go_round() {
    let mut screen = Screen::at_timeline((80, 24), options());
    let mut next = || {
        screen.key(Key::Char('T'));
        let said = screen.text().lines().last().unwrap_or_default().to_owned();
        screen.now_us += 3_000_000;
        screen.event(Event::Tick);
        (said, screen.styled())
    };
    let (light, none, dark) = (next(), next(), next());
    assert_eq!(
        [light.0, none.0, dark.0],
        ["light", "none", "dark"].map(|name| format!("✓ colours: {name}"))
    );
    assert!(light.1 != dark.1 && dark.1.contains("green") && !none.1.contains("green"));
}

#[test]
fn what_is_pasted_is_one_line_of_bounded_length() {
    let mut screen = Screen::new((80, 24), options());
    screen.key(Key::Char('f'));
    let text = format!("fix\x1b{}\nsecond", "漢".repeat(1_000_000));
    screen.event(Event::Input(Input::Paste(text)));
    let foot = screen.text().lines().last().unwrap_or_default().to_owned();
    assert!(foot.starts_with("filter ") && foot.ends_with('漢'), "{foot}");
}

#[test]
fn a_filter_of_the_command_line_holds_from_the_beginning() {
    let filter = octrace_core::filter::Filter::parse("kind:error text:x").unwrap();
    let mut screen = Screen::new((80, 24), Options { filter, ..options() });
    let wanted = screen.wanted();
    assert!(
        matches!(&wanted[..], [Action::Ask(Ask::Sessions), Action::Ask(Ask::Find { .. })]),
        "{wanted:?}"
    );
    screen.answer(told(sessions()));
    assert!(screen.text().contains("1 of 5 sessions"), "{}", screen.text());
}

#[test]
fn what_does_not_go_on_says_so() {
    let options = Options { is_static: true, ..options() };
    let mut screen = Screen::new((80, 24), options.clone());
    screen.answer(told(sessions()));
    assert!(screen.text().starts_with("octrace  tape  static "), "{}", screen.text());
    let mut screen = Screen::at_timeline((80, 24), options);
    let text = screen.text();
    assert!(text.contains(" static · 11/11") && !text.contains("following"), "{text}");
}

#[test]
fn ascii_is_enough() {
    let style = Style { unicode: false, ..Style::plain() };
    for prepare in
        ["", "r", "p", "e", "t", "rk", "rkl", "rkl3", "?", "f", "rs", "q", "qf", "q?", "\u{20}"]
    {
        let mut screen = Screen::new((100, 30), Options { style: style.clone(), ..options() });
        screen.answer(told(vec![session(SESSION, None, "Fix it", 1)]));
        screen.key(Key::Enter);
        let mut rows = rows();
        rows.retain(|row| {
            ![RowId::Prompt(1), RowId::Tool(2), RowId::Exchange(103)].contains(&row.id())
        });
        screen.answer(timeline(rows));
        screen.type_text(prepare);
        assert!(screen.text().is_ascii(), "{prepare}: {}", screen.text());
    }
}

#[test]
fn any_size_has_room_for_something() {
    for prepare in ["", "rl", "?", "f", "q"] {
        let mut screen = Screen::at_timeline((80, 24), options());
        screen.type_text(prepare);
        for (width, height) in (0..24).flat_map(|width| (0..9).map(move |height| (width, height))) {
            screen.resize(width, height);
            let text = screen.text();
            let is_empty = text.trim().is_empty();
            assert!(width < 2 || height == 0 || !is_empty, "{width}x{height} {prepare}");
        }
    }
}
