//! A session row by row.

use std::time::Duration;

use octrace_core::{
    exchange::{Outcome, Purpose},
    timeline::{ExchangeRow, Row, RowId, ToolRow},
};
use proptest::prelude::*;

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
    let mut screen = Screen::at_timeline((80, 24), options());
    insta::assert_snapshot!(screen.text(), @r"
    ● Fix the failing date test                       ses_e07ccbea3ffeBB3KYdJh7Puf9E
    2 errors · 8 requests, 1 hidden (i) · 74.2k in (61.0k cached), 1.0k out · $0.10…
    all  requests  responses  errors  tools                        following · 11/11
                                             size   change status      took     cost
    ❯ The date test fails since Friday. Can you find out why? \u{202e}evil
    #102 claude-sonnet-4-5 (build)  ████▋   48 kB          200        4.21s  $0.0123
         ✓ read src/date.ts                                            52ms
         ! bash npm test -- --run 漢字 date.test.ts        exit 1      52ms
    #103 overloaded_error: Overloa… ██████  61 kB   +13 kB 529        4.21s
    #104 try 2                      ██████  61 kB        = 200        4.21s  $0.0123
         ✗ edit src/date.ts · oldString not found in cont… failed      52ms
         ✓ task Search the history ↳ session                           52ms
    ❯ compaction
    #105 streaming 12 kB 3.0 kB/s   █▉      20 kB   -41 kB 200        6.00s
         … bash sleep 60                                   running    2.00s
    (8 empty lines)
    enter open  esc back  f filter  r requests  p responses  t tools  ? help  Q quit
    ");
}

#[test]
fn at_160() {
    let mut screen = Screen::at_timeline((160, 50), Options { include_meta: true, ..options() });
    insta::assert_snapshot!(screen.text(), @r"
    ● Fix the failing date test                                                                                                       ses_e07ccbea3ffeBB3KYdJh7Puf9E
    2 errors · 8 requests · 74.2k in (61.0k cached), 1.0k out · $0.1018 · anthropic/claude-sonnet-4-5, anthropic/claude-haiku-4-5
    all  requests  responses  errors  tools  +meta                                                                                                 following · 12/12
    at                                                                                             size   change status     first   took    in cached   out     cost
    08:39:18  ❯ The date test fails since Friday. Can you find out why? \u{202e}evil
    08:39:19  #101 title · claude-haiku-4-5                                               ▏      2.4 kB          200        1.24s  4.21s 12.1k   9.8k   421  $0.0123
    08:39:20  #102 claude-sonnet-4-5 (build)                                              ████▋   48 kB          200        1.24s  4.21s 12.1k   9.8k   421  $0.0123
    08:39:25       ✓ read src/date.ts                                                                                               52ms
    08:39:26       ! bash npm test -- --run 漢字 date.test.ts                                                    exit 1             52ms
    08:39:38  #103 overloaded_error: Overloaded␛[31m                                      ██████  61 kB   +13 kB 529        1.24s  4.21s
    08:39:42  #104 try 2                                                                  ██████  61 kB        = 200        1.24s  4.21s 12.1k   9.8k   421  $0.0123
    08:39:47       ✗ edit src/date.ts · oldString not found in content                                           failed             52ms
    08:39:48       ✓ task Search the history ↳ session                                                                              52ms
    08:49:08  ❯ compaction
    08:49:12  #105 streaming 12 kB 3.0 kB/s                                               █▉      20 kB   -41 kB 200        1.50s  6.00s
    08:49:16       … bash sleep 60                                                                               running           2.00s
    (33 empty lines)
    enter open  esc back  f filter  r requests  p responses  e errors  t tools  y copy  s save  ? help  Q quit
    ");
}

#[test]
fn colours() {
    let mut shown = String::new();
    for theme in [Theme::Dark, Theme::Light, Theme::Plain] {
        let mut screen = Screen::at_timeline((80, 16), Options { theme, ..options() });
        shown.push_str(&screen.styled());
    }
    insta::assert_snapshot!(shown, @r"
    {green}● {B}Fix the failing date test                       {D}ses_e07ccbea3ffeBB3KYdJh7Puf9E
    {redB}2 errors {D}· 8 requests, 1 hidden (i) · 74.2k in (61.0k cached), 1.0k out · $0.10…
    {R}all{}  {D}requests  responses  errors  tools                        following · 11/11
                                             {D}size   change status      took     cost
    {cyan}❯ {B}The date test fails since Friday. Can you find out why? \u{202e}evil
    {cyan}#102 {}claude-sonnet-4-5 (build)  {cyan}████▋   {}48 kB          {green}200        {}4.21s  $0.0123
         {green}✓ {B}read {}src/date.ts                                            52ms
         {yellow}! {B}bash {}npm test -- --run 漢字 date.test.ts        {yellow}exit 1      {}52ms
    {cyan}#103 {redB}overloaded_error: Overloa… {cyan}██████  {}61 kB   {D}+13 kB {redB}529        {}4.21s
    {cyan}#104 {yellow}try 2                      {cyan}██████  {}61 kB        {D}= {green}200        {}4.21s  $0.0123
         {redB}✗ {B}edit {}src/date.ts {D}· {redB}oldString not found in cont… failed      {}52ms
         {green}✓ {B}task {}Search the history {magenta}↳ session                           {}52ms
    {cyan}❯ {magenta}compaction
    {cyan}#105 {yellow}streaming 12 kB 3.0 kB/s   {cyan}█▉      {}20 kB   {yellow}-41 kB 200        6.00s
    {R}     … {BR}bash{R} sleep 60                                   running    2.00s
    {cyan}enter {D}open  {cyan}esc {D}back  {cyan}f {D}filter  {cyan}r {D}requests  {cyan}p {D}responses  {cyan}t {D}tools  {cyan}? {D}help  {cyan}Q {D}quit
    {green}● {B}Fix the failing date test                       {D}ses_e07ccbea3ffeBB3KYdJh7Puf9E
    {redB}2 errors {D}· 8 requests, 1 hidden (i) · 74.2k in (61.0k cached), 1.0k out · $0.10…
    {R}all{}  {D}requests  responses  errors  tools                        following · 11/11
                                             {D}size   change status      took     cost
    {blue}❯ {B}The date test fails since Friday. Can you find out why? \u{202e}evil
    {blue}#102 {}claude-sonnet-4-5 (build)  {blue}████▋   {}48 kB          {green}200        {}4.21s  $0.0123
         {green}✓ {B}read {}src/date.ts                                            52ms
         {magenta}! {B}bash {}npm test -- --run 漢字 date.test.ts        {magenta}exit 1      {}52ms
    {blue}#103 {redB}overloaded_error: Overloa… {blue}██████  {}61 kB   {D}+13 kB {redB}529        {}4.21s
    {blue}#104 {magenta}try 2                      {blue}██████  {}61 kB        {D}= {green}200        {}4.21s  $0.0123
         {redB}✗ {B}edit {}src/date.ts {D}· {redB}oldString not found in cont… failed      {}52ms
         {green}✓ {B}task {}Search the history {magenta}↳ session                           {}52ms
    {blue}❯ {magenta}compaction
    {blue}#105 {magenta}streaming 12 kB 3.0 kB/s   {blue}█▉      {}20 kB   {magenta}-41 kB 200        6.00s
    {R}     … {BR}bash{R} sleep 60                                   running    2.00s
    {blue}enter {D}open  {blue}esc {D}back  {blue}f {D}filter  {blue}r {D}requests  {blue}p {D}responses  {blue}t {D}tools  {blue}? {D}help  {blue}Q {D}quit
    ● {B}Fix the failing date test                       {D}ses_e07ccbea3ffeBB3KYdJh7Puf9E
    {B}2 errors {D}· 8 requests, 1 hidden (i) · 74.2k in (61.0k cached), 1.0k out · $0.10…
    {R}all{}  {D}requests  responses  errors  tools                        following · 11/11
                                             {D}size   change status      took     cost
    ❯ {B}The date test fails since Friday. Can you find out why? \u{202e}evil
    #102 claude-sonnet-4-5 (build)  ████▋   48 kB          200        4.21s  $0.0123
         ✓ {B}read {}src/date.ts                                            52ms
         ! {B}bash {}npm test -- --run 漢字 date.test.ts        exit 1      52ms
    #103 {B}overloaded_error: Overloa… {}██████  61 kB   {D}+13 kB {B}529        {}4.21s
    #104 try 2                      ██████  61 kB        {D}= {}200        4.21s  $0.0123
         {B}✗ edit {}src/date.ts {D}· {B}oldString not found in cont… failed      {}52ms
         ✓ {B}task {}Search the history ↳ session                           52ms
    ❯ compaction
    #105 streaming 12 kB 3.0 kB/s   █▉      20 kB   -41 kB 200        6.00s
    {R}     … {BR}bash{R} sleep 60                                   running    2.00s
    enter {D}open  {}esc {D}back  {}f {D}filter  {}r {D}requests  {}p {D}responses  {}t {D}tools  {}? {D}help  {}Q {D}quit
    ");
}

#[test]
fn kinds_have_their_own_columns() {
    let style = Style { unicode: false, ..Style::plain() };
    let mut screen = Screen::at_timeline((100, 14), Options { style, ..options() });
    let mut shown = String::new();
    for key in ['r', 'p', 'e', 't'] {
        screen.key(Key::Char(key));
        let text = screen.text();
        shown.extend(
            text.lines()
                .skip(2)
                .take_while(|line| !line.contains("empty lines"))
                .map(|line| format!("{line}\n")),
        );
    }
    insta::assert_snapshot!(shown, @"
    all  requests  responses  errors  tools                                              following - 4/4
                                                                     size   change    in cached     cost
    #102 claude-sonnet-4-5 (build)                          ####    48 kB          12.1k   9.8k  $0.0123
    #103 overloaded_error: Overloaded␛[31m - claude-sonnet~ ######  61 kB   +13 kB
    #104 try 2 - claude-sonnet-4-5 (build)                  ######  61 kB        = 12.1k   9.8k  $0.0123
    #105 streaming 12 kB 3.0 kB/s - claude-sonnet-4-5 (bui~ #       20 kB   -41 kB
    all  requests  responses  errors  tools                                              following - 4/4
                                                  size finish     status     first   took   out     cost
    #102 claude-sonnet-4-5 (build)       ##     5.1 kB tool_use   200        1.24s  4.21s   421  $0.0123
    #103 overloaded_error: Overloaded␛[~ #       120 B            529        1.24s  4.21s
    #104 try 2 - claude-sonnet-4-5 (bui~ ##     5.1 kB tool_use   200        1.24s  4.21s   421  $0.0123
    #105 streaming 12 kB 3.0 kB/s - cla~ ######  12 kB            200        1.50s  6.00s
    all  requests  responses  errors  tools                                              following - 3/3
                                                                                        status      took
    ! bash npm test -- --run 漢字 date.test.ts                                          exit 1      52ms
    #103 overloaded_error: Overloaded␛[31m - claude-sonnet-4-5 (build)                  529        4.21s
    x edit src/date.ts - oldString not found in content                                 failed      52ms
    all  requests  responses  errors  tools                                              following - 5/5
                                                                                        status      took
    + read src/date.ts                                                                              52ms
    ! bash npm test -- --run 漢字 date.test.ts                                          exit 1      52ms
    x edit src/date.ts - oldString not found in content                                 failed      52ms
    + task Search the history > session                                                             52ms
    ~ bash sleep 60                                                                     running    2.00s
    ");
}

#[test]
fn a_session_is_opened_at_once() {
    let session = Some(SESSION.to_owned());
    let mut screen = Screen::new((80, 24), Options { session, ..options() });
    let ask = Ask::Timeline { session: SESSION.to_owned() };
    assert_eq!(screen.wanted(), [Action::Ask(ask), Action::Ask(Ask::Sessions)]);
    insta::assert_snapshot!(screen.text(), @"
    (untitled)                                        ses_e07ccbea3ffeBB3KYdJh7Puf9E

    all  requests  responses  errors  tools                     following · reading…
                                             size   change status      took     cost
    (19 empty lines)
    enter open  esc back  f filter  r requests  p responses  t tools  ? help  Q quit
    ");
    screen.answer(timeline(Vec::new()));
    assert!(screen.text().contains("Nothing of this session's work"));
    screen.answer(told(sessions()));
    screen.key(Key::Esc);
    assert!(screen.text().contains("5 sessions"));
    assert_eq!(screen.wanted(), []);
}

#[test]
fn the_newest_row_is_followed_until_somebody_goes_up() {
    let mut screen = Screen::at_timeline((80, 12), options());
    assert!(screen.marked().contains("sleep 60"));
    let next = |id, after| vec![Row::from(exchange(id, after, 62_000))];
    screen.answer(timeline(next(106, 700)));
    assert!(screen.marked().starts_with("#106 "), "{}", screen.marked());
    screen.key(Key::Char('k'));
    screen.answer(timeline(next(107, 701)));
    assert!(screen.marked().contains("sleep 60"));
    let before = screen.text();
    // What comes above moves nothing that is read.
    screen.answer(timeline(next(108, -100)));
    assert_eq!(
        screen.text().lines().skip(4).collect::<Vec<_>>(),
        before.lines().skip(4).collect::<Vec<_>>()
    );
    screen.key(Key::Char('F'));
    screen.answer(timeline(next(109, 702)));
    assert!(screen.marked().starts_with("#109 "), "{}", screen.marked());
}

#[test]
fn the_cursor_goes_with_a_row_that_gets_another_place_in_time() {
    let mut screen = Screen::at_timeline((80, 24), options());
    screen.key(Key::Char('k'));
    let marked = screen.marked();
    assert!(marked.starts_with("#105 "), "{marked}");
    let row = rows().into_iter().find(|row| row.id() == RowId::Exchange(105));
    let Some(Row::Exchange(row)) = row else { panic!("{row:?}") };
    let moved = ExchangeRow { at_us: exchange(0, 3, 0).at_us, ..*row };
    screen.answer(timeline(vec![Row::Exchange(moved.into())]));
    assert!(screen.marked().starts_with("#105 "), "{}", screen.marked());
    assert!(screen.text().contains(" 3/11"), "{}", screen.text());
}

proptest! {
    #[test]
    fn while_it_is_followed_the_cursor_is_on_the_newest_row(
        steps in prop::collection::vec((101i64..112, 0i64..900, 0u8..4), 1..30),
    ) {
        let mut screen = Screen::at_timeline((80, 12), options());
        for (id, after, what) in steps {
            let outcome = if what == 0 { Outcome::Streaming } else { Outcome::Complete };
            let row = ExchangeRow { outcome, ..exchange(id, after, 62_000) };
            let (rows, gone) = match what {
                3 => (Vec::new(), vec![RowId::Exchange(id)]),
                _ => (vec![Row::Exchange(row.into())], Vec::new()),
            };
            let session = SESSION.to_owned();
            screen.answer(Answer::Timeline { session, rows, gone, progress: None });
            let text = screen.text();
            let place = text.split("following · ").nth(1).and_then(|rest| rest.split_whitespace().next());
            let (at, of) = place.and_then(|place| place.split_once('/')).unwrap_or_default();
            prop_assert!(at == of && !of.is_empty(), "{}", text);
        }
    }
}

#[test]
fn what_is_under_way_moves_with_time() {
    let mut screen = Screen::at_timeline((80, 24), options());
    assert_eq!(screen.app.next_tick(), Some(Duration::from_millis(200)));
    screen.now_us += 9_000_000;
    screen.event(Event::Tick);
    let text = screen.text();
    assert!(text.contains("stalled 10.0s") && text.contains("running"), "{text}");
    let over = ExchangeRow { outcome: Outcome::Complete, ..exchange(105, 594, 20_000) };
    let done = Row::from(tool(5, 105, 598, "bash", "sleep 60"));
    screen.answer(timeline(vec![Row::from(over), done]));
    assert_eq!(screen.app.next_tick(), None, "idle costs nothing");
}

#[test]
fn a_sub_agent_is_opened_and_left() {
    let mut screen = Screen::at_timeline((80, 24), options());
    screen.key(Key::Char('k'));
    screen.key(Key::Char('k'));
    screen.key(Key::Char('k'));
    assert!(screen.marked().contains("task Search the history"));
    screen.key(Key::Enter);
    let child = "ses_e07cca11effeXW2vT8sGzP0mQ1".to_owned();
    assert_eq!(screen.wanted(), [Action::Ask(Ask::Timeline { session: child })]);
    assert!(screen.text().starts_with("Search the history"));
    // Late rows of the other session are not this one's.
    screen.answer(timeline(vec![Row::from(exchange(110, 800, 1))]));
    assert!(screen.text().contains("reading…"));
    screen.key(Key::Char('h'));
    assert_eq!(screen.wanted(), [Action::Ask(Ask::Timeline { session: SESSION.to_owned() })]);
    assert!(screen.marked().contains("task Search the history"), "as it was left");
    let mut rows = rows();
    rows.retain(|row| row.id() != RowId::Tool(1));
    screen.answer(timeline(rows));
    assert!(!screen.text().contains("read src/date.ts"), "what went meanwhile is gone");
}

#[test]
fn rows_lead_to_exchanges() {
    let mut screen = Screen::at_timeline((80, 24), options());
    let opened = |screen: &mut Screen| {
        screen.key(Key::Enter);
        let ids = screen.wanted().into_iter().filter_map(|action| match action {
            Action::Ask(Ask::Page(page)) => Some(page.exchange),
            _ => None,
        });
        let ids: Vec<i64> = ids.collect();
        screen.key(Key::Esc);
        ids
    };
    assert_eq!(opened(&mut screen), [105], "a tool call to the exchange that asked for it");
    screen.key(Key::Home);
    assert_eq!(opened(&mut screen), [102], "a prompt to the first exchange after it");
    for _ in 0..6 {
        screen.key(Key::Down);
    }
    assert!(screen.marked().contains("edit"));
    assert_eq!(opened(&mut screen), [104], "of several tries to the one that was answered");
}

#[test]
fn bodies_and_rows_are_copied_and_saved() {
    let mut screen = Screen::at_timeline((80, 24), options());
    let copied = |screen: &mut Screen, key| {
        screen.key(Key::Char(key));
        screen.wanted()
    };
    assert_eq!(copied(&mut screen, 'y'), [Action::Copy(Payload::Text("sleep 60".to_owned()))]);
    assert_eq!(copied(&mut screen, 'Y'), []);
    assert!(screen.text().contains("only an exchange has a body"));
    screen.key(Key::Up);
    assert_eq!(copied(&mut screen, 'Y'), [Action::Copy(Payload::Request(105))]);
    assert_eq!(copied(&mut screen, 'c'), [Action::Copy(Payload::Curl(105))]);
    screen.key(Key::Char('s'));
    assert!(screen.text().contains("save as octrace-105.request.json"));
    screen.key(Key::Enter);
    let path = "octrace-105.request.json".into();
    assert_eq!(screen.wanted(), [Action::Save(Payload::Request(105), path)]);
    screen.key(Key::Char('p'));
    assert_eq!(copied(&mut screen, 'Y'), [Action::Copy(Payload::Response(105))]);
    screen.key(Key::Char('r'));
    screen.key(Key::Char('G'));
    screen.key(Key::Up);
    let Some(Action::Copy(Payload::Text(text))) = copied(&mut screen, 'y').pop() else { panic!() };
    insta::assert_snapshot!(text, @"#104 claude-sonnet-4-5 (build)  size 61 kB  change =  200  first 1.24s  took 4.21s  in 12.1k  cached 9.8k  out 421  cost $0.0123");
}

#[test]
fn what_is_hidden_is_mentioned() {
    let title = || ExchangeRow { purpose: Purpose::Title, ..exchange(101, 1, 2_400) };
    let mut screen = Screen::at_timeline((80, 24), options());
    let facts = |screen: &mut Screen| screen.text().lines().nth(1).unwrap_or_default().to_owned();
    assert!(facts(&mut screen).contains("· 8 requests, 1 hidden (i) ·"), "{}", screen.text());
    screen.key(Key::Char('i'));
    assert!(facts(&mut screen).contains("· 8 requests · "), "{}", screen.text());
    screen.key(Key::Char('i'));
    // It may be told again, and as something else.
    screen.answer(timeline(vec![Row::from(title()), Row::from(title())]));
    assert!(facts(&mut screen).contains("1 hidden"));
    screen.answer(timeline(vec![Row::from(exchange(101, 1, 2_400))]));
    assert!(!facts(&mut screen).contains("hidden"));

    let mut screen =
        Screen::new((80, 24), Options { session: Some(SESSION.to_owned()), ..options() });
    screen.answer(timeline(vec![Row::from(title())]));
    let text = screen.text();
    assert!(text.contains("\n1 request, 1 hidden (i)\n"), "{text}");
    let gone = vec![RowId::Exchange(101)];
    let (session, rows) = (SESSION.to_owned(), Vec::new());
    screen.answer(Answer::Timeline { session, rows, gone, progress: None });
    assert!(screen.text().contains("Nothing of this session's work"));
}

#[test]
fn an_id_is_the_same_everywhere_and_has_the_room_it_takes() {
    let mut screen = Screen::at_timeline((80, 24), options());
    screen.answer(timeline(vec![Row::from(exchange(1_000_000_001, 700, 62_000))]));
    let text = screen.text();
    let row = |what: &str| text.lines().find(|line| line.contains(what)).unwrap_or_default();
    assert!(row("streaming").starts_with("       #105 streaming"), "{text}");
    assert!(row("#1000000001").starts_with("#1000000001 "), "{text}");
    assert!(row("bash npm").starts_with("            ! bash"), "{text}");
    screen.key(Key::Enter);
    assert!(screen.text().starts_with("#1000000001  "));
}

#[test]
fn the_time_of_a_tool_is_that_from_its_start() {
    let mut screen = Screen::at_timeline((80, 24), options());
    let late = tool(6, 105, 700, "bash", "late");
    let start = late.at_us;
    let late = ToolRow { started_us: Some(start + 5_000), ended_us: Some(start + 114_000), ..late };
    let unknown = ToolRow {
        started_us: None,
        ended_us: Some(start + 847_000),
        ..tool(7, 105, 700, "bash", "unknown")
    };
    screen.answer(timeline(vec![Row::from(late), Row::from(unknown)]));
    let text = screen.text();
    let row = |what: &str| text.lines().find(|line| line.contains(what)).unwrap_or_default();
    assert!(row("bash late").contains(" 109ms"), "{text}");
    assert!(row("bash unknown").contains("≤847ms"), "that is the most it can have been: {text}");
}

#[test]
fn a_kind_is_clicked() {
    let mut screen = Screen::at_timeline((80, 24), options());
    let line = screen.text().lines().nth(2).unwrap_or_default().to_owned();
    for (kind, place) in [("errors", "3/3"), ("tools", "5/5"), ("all", "11/11")] {
        let x = u16::try_from(line.find(kind).unwrap()).unwrap();
        screen.mouse(MouseAction::Press, x, 2);
        assert!(screen.text().contains(place), "{kind}: {}", screen.text());
    }
    screen.mouse(MouseAction::Press, 3, 2);
    assert!(screen.text().contains("11/11"), "there is nothing between two names");
}

#[test]
fn texts_side_by_side_are_apart() {
    for width in 60..100 {
        let mut screen = Screen::at_timeline((width, 24), options());
        screen.key(Key::Char('f'));
        screen.type_text("kind:error age<1d");
        screen.key(Key::Enter);
        let text = screen.text();
        let line = text.lines().nth(2).unwrap_or_default();
        let (left, right) = line.rsplit_once("  ").unwrap_or_default();
        assert!(!left.is_empty() && !right.contains('<') && right.contains('/'), "{width}: {text}");
    }
}

#[test]
fn what_was_not_saved_can_be_saved_elsewhere() {
    let mut screen = Screen::at_timeline((80, 24), options());
    let foot = |screen: &mut Screen| screen.text().lines().last().unwrap_or_default().to_owned();
    let save = |screen: &mut Screen| {
        screen.key(Key::Enter);
        let [Action::Save(payload, path)] = &screen.wanted()[..] else { panic!() };
        assert_eq!(payload, &Payload::Request(105));
        path.clone()
    };
    screen.key(Key::Up);
    screen.key(Key::Char('s'));
    screen.wanted();
    let path = save(&mut screen);
    let free = Some("octrace-105.request-2.json".into());
    let why = format!("{} is there already", path.display());
    screen.event(Event::NotSaved { why, path, free });
    insta::assert_snapshot!(foot(&mut screen), @"save as octrace-105.request-2.json   octrace-105.request.json is there already");
    screen.type_text("x");
    assert_eq!(foot(&mut screen), "save as octrace-105.request-2.jsonx");
    screen.key(Key::Backspace);
    let path = save(&mut screen);
    assert_eq!(path.to_str(), Some("octrace-105.request-2.json"));
    let why = "there is no such folder".to_owned();
    screen.event(Event::NotSaved { why, path: path.clone(), free: None });
    assert_eq!(
        foot(&mut screen),
        "save as octrace-105.request-2.json   there is no such folder",
        "it is as it was typed"
    );
    // Whoever types something else by now is not disturbed.
    let path = save(&mut screen);
    screen.key(Key::Char('f'));
    screen.event(Event::NotSaved { why: "no".to_owned(), path, free: None });
    assert_eq!(foot(&mut screen), "filter");
}

#[test]
fn rows_are_filtered_by_what_they_and_their_session_say() {
    let mut screen = Screen::at_timeline((80, 24), options());
    screen.key(Key::Char('f'));
    screen.type_text("status:5xx title:failing");
    let text = screen.text();
    assert!(text.contains("1/1") && text.contains("overloaded_error"), "{text}");
    screen.key(Key::Esc);
    assert!(screen.text().contains("11/11"));
    screen.key(Key::Char('f'));
    screen.type_text("text:date");
    screen.key(Key::Enter);
    let [Action::Ask(Ask::Find { session: Some(session), words })] = &screen.wanted()[..] else {
        panic!()
    };
    let (session, words) = (Some(session.clone()), words.clone());
    let places = vec![(SESSION.to_owned(), 104)];
    screen.answer(Answer::Found { session, words, places });
    assert!(
        screen.text().contains("1/1") && screen.marked().starts_with("#104 "),
        "{}",
        screen.text()
    );
}

#[test]
fn a_filter_for_titles_shows_them() {
    let mut screen = Screen::at_timeline((120, 24), options());
    assert!(!screen.text().contains("+meta"));
    screen.key(Key::Char('f'));
    screen.type_text("kind:title");
    let text = screen.text();
    assert!(text.contains("+meta") && text.contains("1/1"), "{text}");
    screen.key(Key::Ctrl('u'));
    screen.type_text("-kind:title");
    assert!(!screen.text().contains("+meta"));
}

#[test]
fn what_is_read_piece_by_piece_ends_the_same() {
    let mut whole = Screen::at_timeline((120, 30), options());
    let mut pieces =
        Screen::new((120, 30), Options { session: Some(SESSION.to_owned()), ..options() });
    pieces.answer(told(sessions()));
    let mut rows = rows();
    rows.reverse();
    let count = rows.len();
    for (at, row) in rows.into_iter().enumerate() {
        let progress =
            Some(Progress { done: at as u64, of: count as u64 }).filter(|_| at + 1 < count);
        let session = SESSION.to_owned();
        // A row may come twice, and once as it was before.
        let early = match &row {
            Row::Exchange(row) => Row::from(ExchangeRow { at_us: row.at_us + 1, ..*row.clone() }),
            other => other.clone(),
        };
        let rows = vec![early, row.clone(), row];
        pieces.answer(Answer::Timeline { session, rows, gone: Vec::new(), progress });
    }
    assert_eq!(pieces.text(), whole.text());
}
