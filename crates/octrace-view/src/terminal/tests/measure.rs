//! What a key and its picture cost in a session of 100,000 exchanges.

use std::time::{Duration, Instant};

use octrace_core::timeline::{ExchangeRow, Row, Thread};

use super::kit::*;
use crate::terminal::{
    Event, Options,
    data::{Answer, Progress},
    input::{Input, Key},
};

/// Rows as a source gives them: the newest first, in pieces.
fn read(screen: &mut Screen, exchanges: i64) -> Duration {
    let mut thread = Thread::default();
    let mut rows: Vec<Row> = Vec::new();
    for id in 1..=exchanges {
        let size = 20_000 + u64::try_from(id % 500).unwrap() * 900;
        let mut row = ExchangeRow { ordinal: id, ..exchange(id, id * 10, size) };
        row.at_us -= exchanges * 10_000_000;
        thread.follow(&mut row);
        let mut call = tool(id, id, id * 10 + 5, "bash", "cargo test -q --all");
        call.at_us -= exchanges * 10_000_000;
        rows.extend([Row::from(row), Row::from(call)]);
    }
    let mut slowest = Duration::ZERO;
    let of = rows.len() as u64;
    while !rows.is_empty() {
        let piece = rows.split_off(rows.len().saturating_sub(1_000));
        let progress =
            Some(Progress { done: of - rows.len() as u64, of }).filter(|_| !rows.is_empty());
        let session = SESSION.to_owned();
        let started = Instant::now();
        screen.answer(Answer::Timeline { session, rows: piece, gone: Vec::new(), progress });
        slowest = slowest.max(started.elapsed());
    }
    slowest
}

/// What the process has in memory, in kB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

#[test]
#[ignore = "prints figures"]
fn a_key_in_a_hundred_thousand_exchanges_in_figures() {
    let session = Some(SESSION.to_owned());
    let mut screen = Screen::new((160, 50), Options { session, ..options() });
    screen.answer(told(sessions()));
    println!("slowest piece of 1,000 rows of 200,000: {:?}", read(&mut screen, 100_000));
    println!("memory: {} kB", memory());
    let keys = |name: &str, keys: &[Key], screen: &mut Screen| {
        let mut times: Vec<Duration> = Vec::new();
        for key in keys {
            let started = Instant::now();
            screen.event(Event::Input(Input::Key(*key)));
            times.push(started.elapsed());
            while screen.app.next_tick() == Some(Duration::ZERO) {
                let started = Instant::now();
                screen.event(Event::Tick);
                times.push(started.elapsed());
            }
        }
        times.sort_unstable();
        println!(
            "{name}: median {:?}, slowest {:?}",
            times[times.len() / 2],
            times[times.len() - 1]
        );
    };
    keys("up", &[Key::Up; 200], &mut screen);
    keys("page up", &[Key::PageUp; 200], &mut screen);
    keys("first and last", &[Key::Home, Key::End].repeat(50), &mut screen);
    let kinds = ['r', 'p', 'e', 't', 'a', 'i'].map(Key::Char);
    keys("kinds", &kinds.repeat(5), &mut screen);
    keys("open", &[Key::Enter, Key::Esc].repeat(20), &mut screen);
    screen.key(Key::Char('f'));
    let filter: Vec<Key> = "kind:error model:claude cargo".chars().map(Key::Char).collect();
    keys("filter", &filter, &mut screen);
    screen.key(Key::Esc);
    let mut times: Vec<Duration> = Vec::new();
    for id in 0..200 {
        let row = Row::from(exchange(100_001 + id / 4, 100 + id / 4, 30_000));
        let started = Instant::now();
        screen.answer(timeline(vec![row]));
        times.push(started.elapsed());
    }
    times.sort_unstable();
    println!("a row that comes: median {:?}, slowest {:?}", times[100], times[199]);
}

#[test]
fn a_filter_looks_at_many_rows_slice_by_slice() {
    let session = Some(SESSION.to_owned());
    let mut screen = Screen::new((100, 12), Options { session, ..options() });
    screen.answer(told(sessions()));
    read(&mut screen, 30_000);
    let at_rest = screen.app.next_tick();
    let before = screen.text();
    screen.key(Key::Char('f'));
    screen.type_text("#2999");
    let rows = |text: &str| text.lines().skip(4).take(6).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&screen.text()), rows(&before), "nothing flickers");
    let mut ticks = 0;
    while screen.app.next_tick() == Some(Duration::ZERO) {
        // What comes meanwhile is not forgotten.
        if ticks == 1 {
            screen.answer(timeline(vec![Row::from(exchange(29_991, 1, 1))]));
        }
        screen.event(Event::Tick);
        ticks += 1;
    }
    assert!((3..9).contains(&ticks), "{ticks}");
    assert!(screen.text().contains(" 1/1\n"), "{}", screen.text());
    screen.key(Key::Esc);
    assert_eq!(screen.app.next_tick(), at_rest, "without a filter it is done at once");
    assert!(screen.text().contains("60,000"), "{}", screen.text());
}

#[test]
#[ignore = "prints figures"]
fn ten_thousand_sessions_in_figures() {
    let mut screen = Screen::new((160, 50), options());
    let many =
        (0..10_000).map(|at| session(&format!("ses_{at:05}"), None, &format!("No {at}"), at));
    let started = Instant::now();
    screen.answer(told(many.collect()));
    println!("all at once: {:?}", started.elapsed());
    let started = Instant::now();
    screen.answer(told(vec![session("ses_00077", None, "Live", 0)]));
    println!("one that changes: {:?}", started.elapsed());
}
