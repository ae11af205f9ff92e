//! The list of sessions.

use std::time::Duration;

use super::kit::*;
use crate::{
    terminal::{
        Action, Event, Options, Theme,
        data::{Answer, Ask, Payload, Progress},
        input::{Key, MouseAction},
    },
    text::Style,
};

#[test]
fn at_80() {
    let mut screen = Screen::new((80, 24), options());
    assert_eq!(screen.wanted(), [Action::Ask(Ask::Sessions)]);
    screen.answer(told(sessions()));
    insta::assert_snapshot!(screen.text(), @r"
    octrace  tape                                                         5 sessions
    session                                  when    req  err     in   out      cost
    ␛]0;owned␇漢字 👩‍💻 family\u{202e}           1m      8       74.2k  1.0k   $0.1018
      文字/とても長い名前のフォルダー · anthropic/claude-sonnet-4-5 · ses_e07c␛[2J
    ● Fix the failing date test              live      8    2  74.2k  1.0k   $0.1018
      work/project · anthropic/claude-sonnet-4-5 +1 · ses_e07ccbea3ffeBB3KYdJh7Puf9E
    └ Search the history                       3m      8       74.2k  1.0k   $0.1018
        work/project · anthropic/claude-sonnet-4-5 · ses_e07cca11effeXW2vT8sGzP0mQ1
    An older one with a title that tak…        2d      8       74.2k  1.0k   $0.1018
      work/project · anthropic/claude-sonnet-4-5 · ses_e07c00000ffe7Ci1RtZFPYXt42
    (untitled)                             11 Sep      1
      work/project · run_4711_c0ffee
    (11 empty lines)
    enter open  f filter  ? help  q quit
    ");
}

#[test]
fn at_160() {
    let mut screen = Screen::new((160, 50), options());
    screen.answer(told(sessions()));
    insta::assert_snapshot!(screen.text(), @r"
    octrace  tape                                                                                                                                         5 sessions
    session                                                  project               model                             when    req  err     in   out      cost    size
    ␛]0;owned␇漢字 👩‍💻 family\u{202e}                         文字/とても長い名前…  anthropic/claude-sonnet-4-5         1m      8       74.2k  1.0k   $0.1018  1.2 MB
    ● Fix the failing date test                              work/project          anthropic/claude-sonnet-4-5…      live      8    2  74.2k  1.0k   $0.1018  1.2 MB
    └ Search the history                                     work/project          anthropic/claude-sonnet-4-5         3m      8       74.2k  1.0k   $0.1018  1.2 MB
    An older one with a title that takes more room           work/project          anthropic/claude-sonnet-4-5         2d      8       74.2k  1.0k   $0.1018  1.2 MB
    (untitled)                                               work/project                                          11 Sep      1                              1.2 MB
    (42 empty lines)
    enter open  f filter  ? help  q quit
    ");
}

#[test]
fn narrow_and_in_ascii() {
    let style = Style { unicode: false, ..Style::plain() };
    let mut screen = Screen::new((50, 9), Options { style, ..options() });
    screen.answer(told(sessions()));
    insta::assert_snapshot!(screen.text(), @"
    octrace  tape                           5 sessions
    session                        when  err      cost
    ␛]0;owned␇漢字 👩‍💻 fami~          1m        $0.1018
      文字/とても長い名前のフォルダー - anthropic/cla~
    * Fix the failing date t~      live    2   $0.1018
      work/project - anthropic/claude-sonnet-4-5 +1 -~
    - Search the history             3m        $0.1018
        work/project - anthropic/claude-sonnet-4-5 - ~
    enter open  f filter  ? help  q quit
    ");
}

#[test]
fn colours() {
    let mut shown = String::new();
    for theme in [Theme::Dark, Theme::Light, Theme::Plain] {
        let mut screen = Screen::new((60, 7), Options { theme, ..options() });
        screen.answer(told(sessions()));
        shown.push_str(&screen.styled());
    }
    insta::assert_snapshot!(shown, @r"
    {B}octrace  {D}tape                                     5 sessions
    {D}session                           when    req  err      cost
    {BR}␛]0;owned␇漢字 👩‍💻 family\…{R}          1m      8        $0.1018
    {R}  文字/とても長い名前のフォルダー · anthropic/claude-sonnet…
    {green}● {B}Fix the failing date test       {green}live      {}8    {redB}2   {}$0.1018
      {D}work/project · anthropic/claude-sonnet-4-5 +1 · ses_e07cc…
    {cyan}enter {D}open  {cyan}f {D}filter  {cyan}? {D}help  {cyan}q {D}quit
    {B}octrace  {D}tape                                     5 sessions
    {D}session                           when    req  err      cost
    {BR}␛]0;owned␇漢字 👩‍💻 family\…{R}          1m      8        $0.1018
    {R}  文字/とても長い名前のフォルダー · anthropic/claude-sonnet…
    {green}● {B}Fix the failing date test       {green}live      {}8    {redB}2   {}$0.1018
      {D}work/project · anthropic/claude-sonnet-4-5 +1 · ses_e07cc…
    {blue}enter {D}open  {blue}f {D}filter  {blue}? {D}help  {blue}q {D}quit
    {B}octrace  {D}tape                                     5 sessions
    {D}session                           when    req  err      cost
    {BR}␛]0;owned␇漢字 👩‍💻 family\…{R}          1m      8        $0.1018
    {R}  文字/とても長い名前のフォルダー · anthropic/claude-sonnet…
    ● {B}Fix the failing date test       {}live      8    {B}2   {}$0.1018
      {D}work/project · anthropic/claude-sonnet-4-5 +1 · ses_e07cc…
    enter {D}open  {}f {D}filter  {}? {D}help  {}q {D}quit
    ");
}

#[test]
fn an_empty_tape_says_what_to_do() {
    let mut screen = Screen::new((80, 24), options());
    let begun = screen.text();
    assert!(begun.contains("reading…") && !begun.contains("Nothing"), "{begun}");
    let progress = Some(Progress { done: 1, of: 3 });
    screen.answer(Answer::Sessions { rows: Vec::new(), gone: Vec::new(), progress });
    assert!(screen.text().contains("reading 33%"));
    screen.answer(told(Vec::new()));
    insta::assert_snapshot!(screen.text(), @"
    octrace  tape                                                         0 sessions


    Nothing has been recorded yet.
    `octrace run -- opencode` records a session.
    `octrace demo` makes one to look at: it needs no account and no key.
    (17 empty lines)
    enter open  f filter  ? help  q quit
    ");
}

#[test]
fn the_cursor_stays_on_its_session() {
    let mut screen = Screen::new((80, 24), options());
    screen.answer(told(sessions()));
    screen.key(Key::Char('j'));
    assert!(screen.marked().contains("Fix the failing"));
    // Something else becomes the newest, something goes.
    let newer = vec![session("ses_new", None, "Brand new", 0)];
    let gone = vec!["ses_e07c\x1b[2J".to_owned()];
    screen.answer(Answer::Sessions { rows: newer, gone, progress: None });
    assert!(screen.marked().contains("Fix the failing"), "{}", screen.text());
    assert!(!screen.text().contains("owned") && screen.text().contains("Brand new"));
    screen.key(Key::Char('y'));
    let id = Payload::Text(SESSION.to_owned());
    assert_eq!(screen.wanted().last(), Some(&Action::Copy(id)));
}

#[test]
fn after_the_source_was_replaced_only_what_it_tells_is_there() {
    let mut screen = Screen::new((80, 24), options());
    screen.answer(told(sessions()));
    screen.wanted();
    screen.answer(Answer::Renewed);
    assert_eq!(screen.wanted(), [Action::Ask(Ask::Sessions)]);
    let (first, rest) = (sessions().swap_remove(0), vec![session("ses_new", None, "Brand new", 0)]);
    let progress = Some(Progress { done: 1, of: 2 });
    screen.answer(Answer::Sessions { rows: vec![first], gone: Vec::new(), progress });
    assert!(screen.text().contains("Fix the failing"), "nothing flickers while it is read");
    screen.answer(told(rest));
    let text = screen.text();
    assert!(text.contains("An older one") && text.contains("Brand new"), "{text}");
    assert!(!text.contains("Fix the failing") && text.contains("2 sessions"), "{text}");
}

#[test]
fn a_filter_works_as_it_is_typed() {
    let mut screen = Screen::new((80, 24), options());
    screen.answer(told(sessions()));
    screen.key(Key::Char('f'));
    screen.type_text("kind:error fix");
    insta::assert_snapshot!(screen.text(), @"
    octrace  tape                                                    1 of 5 sessions
    session                                  when    req  err     in   out      cost
    ● Fix the failing date test              live      8    2  74.2k  1.0k   $0.1018
      work/project · anthropic/claude-sonnet-4-5 +1 · ses_e07ccbea3ffeBB3KYdJh7Puf9E
    (19 empty lines)
    filter kind:error fix                              enter keeps it, ctrl-u clears
    ");
    screen.key(Key::Enter);
    assert!(screen.text().contains("filter kind:error fix"));
    screen.key(Key::Char('/'));
    screen.type_text(" status:abc");
    let text = screen.text();
    let foot: Vec<_> = text.lines().rev().take(2).collect();
    assert_eq!(
        foot,
        [
            "filter kind:error fix status:abc",
            "status cannot be abc: it is a number or a class, as 404 or 5xx"
        ]
    );
    screen.key(Key::Enter);
    assert!(screen.text().contains("status:abc"), "what is no filter is not kept");
    screen.key(Key::Esc);
    assert!(screen.text().contains("1 of 5 sessions"), "the filter before is back");
}

#[test]
fn a_term_that_is_half_typed_changes_nothing() {
    let mut screen = Screen::new((80, 24), options());
    screen.answer(told(sessions()));
    screen.key(Key::Char('f'));
    screen.type_text("a");
    let count = |screen: &mut Screen| {
        let text = screen.text();
        let top = text.lines().next().unwrap_or_default();
        assert!(!top.contains("filter"), "the foot says it: {text}");
        top.split("  ").last().unwrap_or_default().trim().to_owned()
    };
    screen.type_text(" ");
    let before = count(&mut screen);
    assert!(before.contains(" of 5 ") && !before.starts_with("1 "), "{before}");
    for char in "kind:erro".chars() {
        screen.type_text(&char.to_string());
        assert_eq!(count(&mut screen), before, "{}", screen.text());
    }
    assert!(screen.text().contains("did you mean error?"));
    screen.type_text("r");
    assert!(count(&mut screen).starts_with("1 of"));
    // What a word might have become is nothing once it is done.
    screen.key(Key::Ctrl('u'));
    screen.type_text("kin");
    assert_eq!(count(&mut screen), "5 sessions");
    screen.key(Key::Enter);
    let text = screen.text();
    assert!(text.contains("filter kin") && text.contains("0 of 5"), "{text}");
    screen.key(Key::Esc);
    let text = screen.text();
    assert!(text.contains("5 sessions") && !text.contains("of 5"), "{text}");
}

#[test]
fn a_problem_is_told_whole() {
    let mut screen = Screen::new((80, 24), options());
    screen.key(Key::Char('f'));
    screen.type_text("kind:eror");
    let text = screen.text();
    assert!(text.contains("sub-agent or live") && !text.contains("sub-…"), "{text}");
    assert_eq!(text.lines().last(), Some("filter kind:eror"));
}

#[test]
fn words_in_what_was_recorded_are_asked_for() {
    let mut screen = Screen::new((80, 24), options());
    screen.answer(told(sessions()));
    screen.wanted();
    screen.key(Key::Char('f'));
    screen.type_text("text:parse_date");
    assert_eq!(screen.wanted(), [], "not at every letter");
    let text = screen.text();
    assert!(!text.contains("searching") && text.contains("enter looks for the text"), "{text}");
    let more = " -text:x kind:error";
    screen.type_text(more);
    assert!(screen.text().contains("1 of 5"), "by the other terms: {}", screen.text());
    more.chars().for_each(|_| screen.key(Key::Backspace));
    screen.key(Key::Enter);
    let [Action::Ask(Ask::Find { session: None, words })] = &screen.wanted()[..] else { panic!() };
    assert!(screen.text().contains("searching…") && screen.text().contains("An older one"));
    let places = vec![(SESSION.to_owned(), 7)];
    screen.answer(Answer::Found { session: None, words: words.clone(), places });
    let text = screen.text();
    assert!(text.contains("1 of 5 sessions") && text.contains("Fix the failing"), "{text}");
}

#[test]
fn an_age_changes_while_nothing_happens() {
    let mut screen = Screen::new((80, 8), options());
    let mut rows: Vec<_> =
        (0..5).map(|at| session(&format!("ses_{at}"), None, &format!("No {at}"), at + 2)).collect();
    // Out of sight.
    rows[4].updated_us = NOW - 10_000_000;
    rows[4].created_us = NOW - 3_600_000_000;
    rows[3].updated_us -= 10_000_000;
    screen.answer(told(rows));
    screen.key(Key::End);
    assert_eq!(screen.app.next_tick(), Some(Duration::from_secs(50)), "{}", screen.text());
    let before = screen.text();
    screen.now_us += 49_999_999;
    screen.event(Event::Tick);
    assert_eq!(screen.text(), before);
    assert_eq!(screen.app.next_tick(), Some(Duration::from_millis(1)));
    screen.now_us += 1;
    screen.event(Event::Tick);
    assert_ne!(screen.text(), before);
    assert_eq!(screen.app.next_tick(), Some(Duration::from_secs(10)));
    screen.key(Key::Enter);
    assert_eq!(screen.app.next_tick(), None, "no age is shown there");
}

#[test]
fn a_click_chooses_and_another_one_opens() {
    let mut screen = Screen::new((80, 24), options());
    screen.answer(told(sessions()));
    screen.wanted();
    screen.mouse(MouseAction::Press, 3, 5);
    assert!(screen.marked().contains("Fix the failing"));
    assert_eq!(screen.wanted(), []);
    screen.mouse(MouseAction::Release, 3, 5);
    screen.mouse(MouseAction::Press, 3, 4);
    assert_eq!(screen.wanted(), [Action::Ask(Ask::Timeline { session: SESSION.to_owned() })]);
}

#[test]
fn a_thousand_sessions_are_scrolled() {
    let mut screen = Screen::new((80, 24), options());
    let many = (0..1_000).map(|at| session(&format!("ses_{at:04}"), None, &format!("No {at}"), at));
    screen.answer(told(many.collect()));
    screen.key(Key::PageDown);
    assert!(screen.marked().starts_with("No 9 "), "{}", screen.marked());
    screen.key(Key::End);
    assert!(screen.marked().starts_with("No 999 "));
    screen.mouse(MouseAction::WheelUp, 0, 10);
    assert!(screen.marked().starts_with("No 996 "));
    screen.key(Key::Char('g'));
    assert!(screen.marked().starts_with("No 0 "));
}
