//! Nothing that happens breaks anything.

use octrace_core::{
    exchange::Outcome,
    timeline::{ExchangeRow, PromptRow, Row, RowId, ToolRow},
};
use proptest::prelude::*;

use super::kit::*;
use crate::{
    terminal::{
        Action, Event, Options, Theme,
        command::{Place, entries},
        data::{Answer, Ask, Progress},
        input::{Input, Key, Mouse, MouseAction},
    },
    text::Style,
};

#[derive(Clone, Debug)]
enum Step {
    Event(Happened),
    Resize(u16, u16),
    Pass(i64),
}

/// What can be made anew for each try.
#[derive(Clone, Debug)]
enum Happened {
    Input(Input),
    Sessions(Vec<(String, Option<String>, String)>, bool),
    Rows(Vec<(u8, i64, i64, u64, String)>, bool),
    Gone(i64),
    Renewed,
    Failed,
    Page,
    Found,
}

fn keys() -> Vec<Key> {
    let mut keys: Vec<Key> = Place::ALL
        .into_iter()
        .flat_map(|place| entries(place).flat_map(|entry| entry.keys))
        .copied()
        .collect();
    // The way out ends everything; it is tried elsewhere.
    keys.extend([
        Key::Delete,
        Key::Ctrl('w'),
        Key::Char('漢'),
        Key::Char(':'),
        Key::Enter,
        Key::Enter,
    ]);
    keys
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mouse = (0usize..5, 0u16..200, 0u16..60).prop_map(|(what, x, y)| {
        use MouseAction::{Drag, Press, Release, WheelDown, WheelUp};
        Input::Mouse(Mouse { what: [Press, Drag, Release, WheelUp, WheelDown][what], x, y })
    });
    let input = prop_oneof![
        8 => prop::sample::select(keys()).prop_map(Input::Key),
        1 => mouse,
        1 => "\\PC{0,20}|[\\x00-\\x1f]{0,3}|status:[45]xx|kind:(error|tool) ?".prop_map(Input::Paste),
    ];
    let text = "\\PC{0,30}|[\\x00-\\x{9f}]{0,9}|(漢|👩‍💻|\u{202e}|ﾞ){0,20}";
    let session = ("ses_[a-d]", prop::option::of("ses_[a-d]"), text);
    let row = (0u8..6, 0i64..12, any::<i64>(), any::<u64>(), text);
    let event = prop_oneof![
        10 => input.prop_map(Happened::Input),
        2 => (prop::collection::vec(session, 0..5), any::<bool>()).prop_map(|(rows, done)| Happened::Sessions(rows, done)),
        3 => (prop::collection::vec(row, 0..9), any::<bool>()).prop_map(|(rows, done)| Happened::Rows(rows, done)),
        1 => (0i64..12).prop_map(Happened::Gone),
        1 => Just(Happened::Renewed),
        1 => Just(Happened::Failed),
        2 => Just(Happened::Page),
        1 => Just(Happened::Found),
    ];
    let step = prop_oneof![
        12 => event.prop_map(Step::Event),
        1 => (0u16..22, 0u16..8).prop_map(|(width, height)| Step::Resize(width, height)),
        1 => (20u16..90, 5u16..30).prop_map(|(width, height)| Step::Resize(width, height)),
        1 => any::<i64>().prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..60)
}

fn row((kind, id, at_us, number, text): (u8, i64, i64, u64, String)) -> Row {
    let small = i64::try_from(number >> 20).unwrap_or(0);
    match kind {
        0 => Row::from(PromptRow { number: id, at_us, text: Some(text.into()) }),
        1 => Row::from(ToolRow {
            number: id,
            at_us,
            tool: text.as_str().into(),
            subject: text.into(),
            child: (number % 2 == 0).then(|| "ses_b".into()),
            ended_us: Some(small),
            ..ToolRow::default()
        }),
        _ => Row::from(ExchangeRow {
            id,
            ordinal: small,
            at_us,
            outcome: Outcome::parse(
                ["waiting", "streaming", "complete", "failed"][usize::from(kind) - 2],
            ),
            model: Some(text.as_str().into()),
            error: (number % 3 == 0).then(|| text.into()),
            status: u16::try_from(number % 700).ok(),
            request_bytes: number,
            response_bytes: number / 3,
            head_after_us: Some(small),
            last_byte_after_us: Some(at_us),
            growth: Some(at_us),
            attempt: u32::try_from(number % 5).unwrap_or(0),
            ..ExchangeRow::default()
        }),
    }
}

fn open_session(asked: &[Action]) -> String {
    let open = asked.iter().rev().find_map(|action| match action {
        Action::Ask(Ask::Timeline { session }) => Some(session.clone()),
        _ => None,
    });
    open.unwrap_or_else(|| "ses_a".to_owned())
}

fn event(event: Happened, screen: &Screen) -> Event {
    let progress = |done| if done { None } else { Some(Progress { done: 3, of: 0 }) };
    let session = open_session(&screen.actions);
    Event::Answer(match event {
        Happened::Input(input) => return Event::Input(input),
        Happened::Failed => return Event::Failed("no\x1b".to_owned()),
        Happened::Sessions(rows, done) => {
            let rows = rows
                .iter()
                .map(|(id, parent, title)| super::kit::session(id, parent.as_deref(), title, 1));
            Answer::Sessions {
                rows: rows.collect(),
                gone: vec!["ses_c".to_owned()],
                progress: progress(done),
            }
        }
        Happened::Rows(rows, done) => {
            let rows = rows.into_iter().map(row).collect();
            Answer::Timeline { session, rows, gone: Vec::new(), progress: progress(done) }
        }
        Happened::Gone(id) => {
            let gone = vec![RowId::Exchange(id), RowId::Tool(id)];
            Answer::Timeline { session, rows: Vec::new(), gone, progress: None }
        }
        Happened::Renewed => Answer::Renewed,
        Happened::Page => {
            let page = screen.actions.iter().rev().find_map(|action| match action {
                Action::Ask(Ask::Page(page)) => Some(*page),
                _ => None,
            });
            let Some(page) = page else { return Event::Tick };
            Answer::Page(page, Ok(Box::default()))
        }
        Happened::Found => {
            let found = screen.actions.iter().rev().find_map(|action| match action {
                Action::Ask(Ask::Find { session, words }) => Some((session.clone(), words.clone())),
                _ => None,
            });
            let Some((session, words)) = found else { return Event::Tick };
            Answer::Found { session, words, places: vec![("ses_a".to_owned(), 3)] }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn any_events_on_any_screen(steps in steps(), theme in 0usize..3, unicode: bool, at_once: bool) {
        let theme = [Theme::Dark, Theme::Light, Theme::Plain][theme];
        let style = Style { unicode, ..Style::plain() };
        let session = at_once.then(|| "ses_a".to_owned());
        let mut screen = Screen::new((40, 12), Options { theme, style, session, ..options() });
        for step in steps {
            match step {
                Step::Event(happened) => {
                    let happened = event(happened, &screen);
                    screen.update(happened);
                }
                Step::Resize(width, height) => screen.resize(width, height),
                Step::Pass(us) => {
                    screen.now_us = us;
                    screen.update(Event::Tick);
                }
            }
            let text = screen.text();
            prop_assert!(text.chars().all(|char| char == '\n' || crate::text::safe::is_harmless(char)), "{:?}", text);
        }
    }
}

/// Each key of the table, on each screen, in each state of it.
#[test]
fn every_key_on_every_screen() {
    for prepare in ["", "q", "l", "f", "?", "lp", "l/", "s", "r", "lv"] {
        for key in keys() {
            let mut screen = Screen::at_timeline((40, 12), options());
            screen.type_text(prepare);
            screen.key(key);
            screen.key(key);
            assert!(!screen.text().is_empty(), "{prepare:?} {key:?}");
        }
    }
}
