//! Pruning on tapes of every kind: what stays is whole, what goes leaves nothing behind, and the files shrink.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use octrace_core::{
    event::{self, Event},
    exchange::{Exchange, Outcome, RequestHead, Timing},
    reading,
    redact::Redactor,
};
use tempfile::TempDir;

use super::*;
use crate::{
    Begin, ExchangeId, Position, Progress, SpoolId, event::Stored, layout, part::PartReader,
    uses::parts_of,
};

mod files;
mod random;

const NOW: i64 = 1_800_000_000_000_000;
const HOUR: i64 = DAY_US / 24;

struct Writer {
    tape: Tape,
    spool: SpoolId,
    number: u32,
}

impl Writer {
    fn new(path: &Path, name: &str) -> Self {
        let mut tape = Tape::open(path).unwrap();
        let (spool, _) = tape.spool(name, NOW).unwrap();
        Self { tape, spool, number: 0 }
    }

    fn begin(&mut self, session: &str, parent: Option<&str>, at_us: i64, body: &str) -> ExchangeId {
        self.number += 1;
        let exchange = Redactor::new("").exchange(Exchange {
            number: self.number,
            request: RequestHead {
                session: session.to_owned(),
                parent: parent.map(str::to_owned),
                ..RequestHead::default()
            },
            request_body: body.into(),
            timing: Timing { sent_us: at_us, ..Timing::default() },
            ..Exchange::default()
        });
        let asked = exchange.derive(reading::asked);
        let begin = Begin { at: Position::START, mono_us: 0 };
        let mut batch = self.tape.begin().unwrap();
        let id = batch.exchange_begins(self.spool, begin, &exchange, &asked).unwrap();
        batch.commit().unwrap();
        id
    }

    fn end(&mut self, id: ExchangeId, session: &str, at_us: i64, answer: &str) {
        let exchange = Redactor::new("").exchange(Exchange {
            outcome: Outcome::Complete,
            request: RequestHead { session: session.to_owned(), ..RequestHead::default() },
            response_body: answer.into(),
            timing: Timing { sent_us: at_us, ..Timing::default() },
            ..Exchange::default()
        });
        let ending = exchange.derive(reading::ending);
        let progress = Progress { outcome: Outcome::Complete, ..Progress::default() };
        let mut batch = self.tape.begin().unwrap();
        batch.exchange_ends(id, &exchange, &ending, &progress).unwrap();
        batch.commit().unwrap();
    }

    fn ask(&mut self, session: &str, at_us: i64, body: &str, answer: &str) -> ExchangeId {
        let id = self.begin(session, None, at_us, body);
        self.end(id, session, at_us, answer);
        id
    }

    fn event(&mut self, session: Option<&str>, at_us: i64) {
        self.says(session, at_us, "");
    }

    /// An event with a text, which may be a message's.
    fn says(&mut self, session: Option<&str>, at_us: i64, text: &str) {
        let session = session.map_or(String::new(), |id| format!(r#""sessionID":"{id}","#));
        let json = format!(
            r#"{{"event":{{"type":"session.idle","properties":{{{session}"text":"{text}"}}}}}}"#
        );
        let event = Redactor::new("").json(json.as_bytes()).derive(|json| event::read_event(json));
        let event: octrace_core::redact::Clean<Event> = event.transpose().unwrap();
        let mut batch = self.tape.begin().unwrap();
        batch.event(self.spool, at_us, &event).unwrap();
        batch.commit().unwrap();
    }

    fn ends(&mut self, at_us: i64) {
        let mut batch = self.tape.begin().unwrap();
        batch.spool_ends(self.spool, at_us).unwrap();
        batch.commit().unwrap();
    }
}

fn room() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tape.db");
    (folder, path)
}

fn body(messages: impl IntoIterator<Item = String>) -> String {
    let list: Vec<String> = messages
        .into_iter()
        .map(|text| format!(r#"{{"role":"user","content":"{text}"}}"#))
        .collect();
    format!(r#"{{"messages":[{}]}}"#, list.join(","))
}

/// Some kilobytes that hardly compress.
fn bulk(seed: i64) -> String {
    let hash = |n: i64| blake3::hash(&(seed * 1_000 + n).to_le_bytes()).to_hex().to_string();
    (0..100).map(hash).collect()
}

fn run(tape: &mut Tape, wanted: Wanted) -> Pruned {
    let mut pruning = Pruning::new(wanted, NOW);
    while pruning.step(tape).unwrap() {
        check(tape);
    }
    pruning.pruned()
}

fn sessions(tape: &Tape) -> Vec<String> {
    tape.sessions().unwrap().into_iter().map(|row| row.id).collect()
}

/// That the tape is whole at this moment.
fn check(tape: &Tape) {
    let count =
        |sql: &str| -> i64 { tape.connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(
        count(
            "SELECT count(*) FROM parts
             WHERE id NOT IN (SELECT part FROM uses UNION ALL SELECT part FROM event_uses
                 UNION ALL SELECT part FROM state_uses)"
        ),
        0,
        "orphans"
    );
    assert_eq!(
        count(
            "SELECT count(*) FROM event_uses
             WHERE part NOT IN (SELECT id FROM parts) OR event NOT IN (SELECT id FROM events)"
        ),
        0
    );
    assert_eq!(count("SELECT count(*) FROM unindexed WHERE part NOT IN (SELECT id FROM parts)"), 0);
    assert_eq!(count("SELECT count(*) FROM turns WHERE began NOT IN (SELECT id FROM events)"), 0);
    files::check(tape);
    let events = format!("SELECT id, {} FROM events", Stored::COLUMNS);
    let mut select = tape.connection.prepare(&events).unwrap();
    let mut rows = select.query([]).unwrap();
    let mut parts = PartReader::new(&tape.connection).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let stored = Stored::read(row).unwrap();
        let noted = "SELECT 1 FROM event_uses WHERE part = ?1 AND event = ?2";
        let mut noted = tape.connection.prepare_cached(noted).unwrap();
        for part in stored.parts().unwrap() {
            assert!(noted.exists([part, row.get(0).unwrap()]).unwrap());
        }
        stored.body(&mut parts).unwrap();
    }
    assert_eq!(count("SELECT count(*) FROM uses WHERE part NOT IN (SELECT id FROM parts)"), 0);
    let elsewhere = "(SELECT data AS place FROM parts UNION ALL SELECT body FROM events) WHERE typeof(place) = 'integer'";
    let live = "(SELECT count(*) FROM elsewhere WHERE place >> 20 = packs.id)";
    assert_eq!(
        count(&format!(
            "WITH elsewhere AS (SELECT place FROM {elsewhere}) SELECT
                 (SELECT count(*) FROM loose WHERE -id NOT IN elsewhere)
                 + (SELECT count(*) FROM packs WHERE live != {live} OR live * 2 < items)"
        )),
        0,
        "bytes of nobody"
    );
    assert_eq!(
        count("SELECT count(*) FROM uses WHERE exchange NOT IN (SELECT id FROM exchanges)"),
        0
    );
    assert_eq!(
        count(
            "SELECT count(*) FROM exchanges WHERE request_base NOT IN (SELECT id FROM exchanges)"
        ),
        0
    );
    let mut first: BTreeMap<(String, i64), i64> = BTreeMap::new();
    let mut select = tape
        .connection
        .prepare("SELECT session, part, min(exchange) FROM uses JOIN exchanges ON id = exchange GROUP BY 1, 2")
        .unwrap();
    let mut rows = select.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        first.insert((row.get(0).unwrap(), row.get(1).unwrap()), row.get(2).unwrap());
    }
    let mut select = tape
        .connection
        .prepare("SELECT id, session, response_part, request_layout IS NULL FROM exchanges")
        .unwrap();
    let mut rows = select.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (id, session): (i64, String) = (row.get(0).unwrap(), row.get(1).unwrap());
        let response: Option<i64> = row.get(2).unwrap();
        let going: bool = row.get(3).unwrap();
        let entries = if going { Vec::new() } else { layout::read(&tape.connection, id).unwrap() };
        for part in parts_of(&entries).chain(response) {
            let first = first.get(&(session.clone(), part));
            assert!(first.is_some_and(|first| *first <= id), "part {part} of exchange {id}");
        }
    }
}

#[test]
fn whole_sessions_go_the_oldest_first_with_their_sub_agents() {
    let (_folder, path) = room();
    let mut writer = Writer::new(&path, "1-a");
    let day = |day: i64| NOW - day * DAY_US;
    writer.ask("ses_old", day(40), &body(["shared".into(), "old".into()]), "a");
    writer.ask("ses_parent", day(40), &body(["shared".into(), "parent".into()]), "b");
    let child = writer.begin("ses_child", Some("ses_parent"), day(29), &body(["child".into()]));
    writer.end(child, "ses_child", day(29), "c");
    writer.event(Some("ses_old"), day(40));
    writer.event(None, day(41));
    writer.event(None, NOW);
    writer.ask("ses_new", NOW, &body(["shared".into(), "new".into()]), "a");
    let wanted = Wanted { before_us: Some(day(30)), ..Wanted::default() };
    let would = writer.tape.plan(&wanted, NOW).unwrap();
    assert_eq!(would.sessions.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["ses_old"]);
    let pruned = run(&mut writer.tape, wanted);
    assert_eq!(sessions(&writer.tape), ["ses_new", "ses_child", "ses_parent"]);
    // `shared` and the answer `a` are needed still.
    assert_eq!(pruned, Pruned { sessions: 1, exchanges: 1, events: 2, parts: 1 });
    let wanted = Wanted { before_us: Some(day(20)), ..Wanted::default() };
    run(&mut writer.tape, wanted);
    assert_eq!(sessions(&writer.tape), ["ses_new"]);
    let exchanges = writer.tape.exchanges("ses_new").unwrap();
    let restored = writer.tape.exchange(exchanges[0].id).unwrap().unwrap();
    assert_eq!(restored.request_body, body(["shared".into(), "new".into()]).as_bytes());
    assert_eq!(restored.response_body, b"a");
}

#[test]
fn what_is_being_recorded_stays_and_the_rest_goes_when_asked_for() {
    let (_folder, path) = room();
    let mut live = Writer::new(&path, "1-a");
    let mut ended = Writer::new(&path, "2-a");
    ended.ask("ses_done", NOW, "done", "");
    ended.ends(NOW);
    let open = live.begin("ses_open", None, NOW - HOUR, "open");
    live.ask("ses_idle", NOW - HOUR, "idle", "");
    let names = ["ses_done", "ses_open", "ses_idle", "ses_none"];
    let all = Wanted {
        sessions: names.map(str::to_owned).to_vec(),
        before_us: Some(NOW + 1),
        ..Wanted::default()
    };
    run(&mut ended.tape, all.clone());
    assert_eq!(sessions(&ended.tape), ["ses_open", "ses_idle"]);
    // A spool that nothing came from for a day is given up.
    let mut later = Pruning::new(all, NOW + 2 * DAY_US);
    while later.step(&mut ended.tape).unwrap() {}
    assert_eq!(sessions(&ended.tape), [""; 0]);
    // Its recorder does not notice.
    live.end(open, "ses_open", NOW, "the end");
    check(&live.tape);
    assert_eq!(sessions(&ended.tape), [""; 0]);
}

#[test]
fn a_session_that_comes_back_while_it_is_swept_is_a_new_one() {
    let (_folder, path) = room();
    let mut writer = Writer::new(&path, "1-a");
    let messages = |upto: i64| body((0..upto).map(bulk));
    for turn in 1..40 {
        writer.ask("ses_1", NOW - 40 * DAY_US, &messages(turn), &bulk(-turn));
    }
    let newest = writer.ask("ses_2", NOW, "x", "");
    let mut other = Tape::open(&path).unwrap();
    let wanted = Wanted { before_us: Some(NOW - 30 * DAY_US), ..Wanted::default() };
    let mut pruning = Pruning::new(wanted, NOW);
    assert!(pruning.step(&mut other).unwrap());
    assert_eq!(sessions(&other), ["ses_2"], "gone at once");
    let back = writer.ask("ses_1", NOW, &messages(40), "again");
    assert!(back.0 > newest.0);
    let mut steps = 0;
    while pruning.step(&mut other).unwrap() {
        check(&other);
        steps += 1;
    }
    assert!(steps > 3, "in {steps} steps");
    assert_eq!(sessions(&other).len(), 2);
    let [row] = &other.exchanges("ses_1").unwrap()[..] else { panic!("the new one") };
    let restored = other.exchange(row.id).unwrap().unwrap();
    assert!(restored.request_body == messages(40).as_bytes());
}

#[test]
fn what_an_event_and_a_request_share_stays_until_both_are_gone() {
    let (_folder, path) = room();
    let mut writer = Writer::new(&path, "1-a");
    let day = |day: i64| NOW - day * DAY_US;
    let parts = |tape: &Tape| -> i64 {
        tape.connection
            .query_row("SELECT count(*) FROM parts WHERE size = 6400", [], |row| row.get(0))
            .unwrap()
    };
    for (event, request) in [("ses_1", "ses_2"), ("ses_2", "ses_1")] {
        let text = bulk(7);
        writer.says(Some(event), day(if event == "ses_1" { 40 } else { 10 }), &text);
        let at = day(if request == "ses_1" { 40 } else { 10 });
        writer.ask(request, at, &body([text]), "");
        assert_eq!(parts(&writer.tape), 1);
        let usage = writer.tape.usage().unwrap();
        assert!(usage.shared_bytes > 3_000, "{usage:?}");
        run(&mut writer.tape, Wanted { before_us: Some(day(30)), ..Wanted::default() });
        assert_eq!((sessions(&writer.tape), parts(&writer.tape)), (vec!["ses_2".to_owned()], 1));
        // The writer builds on what is left, whatever it remembers.
        let all = Wanted { sessions: vec!["ses_2".to_owned()], ..Wanted::default() };
        let mut later = Pruning::new(all, NOW + 2 * DAY_US);
        while later.step(&mut writer.tape).unwrap() {
            check(&writer.tape);
        }
        assert_eq!(parts(&writer.tape), 0);
    }
}

#[test]
fn no_number_is_given_twice() {
    let (_folder, path) = room();
    let mut writer = Writer::new(&path, "1-a");
    let first = writer.ask("ses_1", NOW - 2 * DAY_US, "x", "y");
    let part = |tape: &Tape| -> i64 {
        tape.connection.query_row("SELECT max(id) FROM parts", [], |row| row.get(0)).unwrap()
    };
    let before = part(&writer.tape);
    run(&mut writer.tape, Wanted { before_us: Some(NOW), ..Wanted::default() });
    let second = writer.ask("ses_1", NOW, "z", "");
    assert!(second.0 > first.0);
    assert!(part(&writer.tape) > before);
}

#[test]
fn many_sessions_fit_the_quota_and_the_files_shrink() {
    let (_folder, path) = room();
    let mut writer = Writer::new(&path, "1-a");
    for session in 0..60 {
        let at_us = NOW - DAY_US + session;
        for turn in 1..5 {
            let body = body((0..turn).map(|message| bulk(session * 100 + message)));
            writer.ask(&format!("ses_{session:02}"), at_us, &body, "");
        }
    }
    writer.ends(NOW);
    let before = writer.tape.size().unwrap();
    let empty = empty_bytes().unwrap();
    let quota = u64::midpoint(before.database, empty);
    let usage = writer.tape.usage().unwrap();
    let all: u64 = usage.sessions.iter().map(|one| one.bytes).sum::<u64>() + usage.shared_bytes;
    let content = before.needed() - empty;
    assert!(all < content && all > content * 9 / 10, "{all} of {content} in {before:?}");
    let wanted = Wanted { to_bytes: Some(quota), ..Wanted::default() };
    let plan = writer.tape.plan(&wanted, NOW).unwrap();
    let pruned = run(&mut writer.tape, plan.wanted(&wanted));
    // Sizes are estimates, of whole pages: one more may have to go.
    let planned = plan.sessions.len() as u64;
    assert!((planned..=planned + 1).contains(&pruned.sessions), "{pruned:?} of {planned}");
    assert_eq!(pruned.exchanges, pruned.sessions * 4);
    assert_eq!(plan.trimmed_bytes, 0);
    let after = writer.tape.size().unwrap();
    assert_eq!((after.free, after.log), (0, 0));
    assert!(after.on_disk() <= quota && after.on_disk() > quota * 9 / 10, "{after:?} of {quota}");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), after.database);
    let left = sessions(&writer.tape);
    assert_eq!(left.first().map(String::as_str), Some("ses_59"));
    assert!(left.len() > 20 && left.len() < 40, "{}", left.len());
    assert!(after.on_disk().abs_diff(plan.left_bytes) < quota / 20, "{plan:?}");
}

#[test]
fn of_one_giant_session_the_oldest_exchanges_go() {
    let (_folder, path) = room();
    let mut writer = Writer::new(&path, "1-a");
    let mut bodies = BTreeMap::new();
    for turn in 0..200_i64 {
        writer.event(Some("ses_1"), NOW - HOUR + turn * 10);
        // A compaction every sixty turns: what was said before is not sent any more, but for the first message.
        let kept = [0].into_iter().chain(turn / 60 * 60..=turn);
        let body = body(kept.map(bulk));
        let id = writer.ask("ses_1", NOW - HOUR + turn * 10 + 5, &body, "the same answer");
        bodies.insert(id.0, body);
    }
    let quota = writer.tape.size().unwrap().database * 3 / 5;
    let mut other = Tape::open(&path).unwrap();
    run(&mut other, Wanted { to_bytes: Some(quota), ..Wanted::default() });
    let left = other.exchanges("ses_1").unwrap();
    assert!(left.len() > 50 && left.len() < 150, "{}", left.len());
    assert_eq!(left.last().unwrap().id, 200);
    for row in &left {
        let restored = other.exchange(row.id).unwrap().unwrap();
        assert!(restored.request_body == bodies[&row.id].as_bytes());
        assert_eq!(restored.response_body, b"the same answer");
    }
    let events = other.events("ses_1").unwrap();
    assert!(
        events.len() < 150 && events[0].at_us >= left[0].timing.sent_us - 10,
        "{}",
        events.len()
    );
    assert!(other.size().unwrap().on_disk() <= quota);
    // The writer goes on with what it remembers, which is not all there any more.
    let body = body((0..=200).map(bulk));
    let id = writer.ask("ses_1", NOW, &body, "the same answer");
    check(&writer.tape);
    assert!(writer.tape.exchange(id.0).unwrap().unwrap().request_body == body.as_bytes());
    // What no tape fits is no reason to trim one. However little else is wanted, the newest stays.
    let before = other.exchanges("ses_1").unwrap().len();
    run(&mut other, Wanted { to_bytes: Some(empty_bytes().unwrap() - 1), ..Wanted::default() });
    assert_eq!(other.exchanges("ses_1").unwrap().len(), before);
    run(&mut other, Wanted { to_bytes: Some(empty_bytes().unwrap()), ..Wanted::default() });
    assert!(other.exchanges("ses_1").unwrap().len() < before);
    assert!(other.exchange(id.0).unwrap().unwrap().request_body == body.as_bytes());
    assert_eq!(sessions(&other), ["ses_1"]);
}

#[test]
fn a_small_session_is_not_nibbled_at_for_the_size_of_the_empty_tape() {
    let (_folder, path) = room();
    let mut writer = Writer::new(&path, "1-a");
    for turn in 0..5 {
        writer.ask("ses_old", NOW - DAY_US, &body([bulk(turn)]), "yes");
        writer.ask("ses_new", NOW, &body([format!("little {turn}")]), "yes");
    }
    writer.ends(NOW);
    for to_bytes in [50_000, empty_bytes().unwrap() + 10_000] {
        let wanted = Wanted { to_bytes: Some(to_bytes), ..Wanted::default() };
        let plan = writer.tape.plan(&wanted, NOW).unwrap();
        let pruned = run(&mut writer.tape, plan.wanted(&wanted));
        assert_eq!((pruned.sessions, plan.trimmed_bytes), (plan.sessions.len() as u64, 0));
        assert_eq!(writer.tape.exchanges("ses_new").unwrap().len(), 5);
        let content = writer.tape.content_bytes().unwrap();
        assert!(plan.content_bytes.abs_diff(content) < 2_000, "{plan:?}");
    }
}

#[test]
fn spools_go_a_day_after_their_content() {
    let (_folder, path) = room();
    let spools = |tape: &Tape| -> i64 {
        tape.connection.query_row("SELECT count(*) FROM spools", [], |row| row.get(0)).unwrap()
    };
    let mut empty = Writer::new(&path, "1-a");
    empty.ends(NOW - 2 * DAY_US);
    let mut fresh = Writer::new(&path, "2-a");
    fresh.ends(NOW - HOUR);
    let mut full = Writer::new(&path, "3-a");
    full.ask("ses_1", NOW - 2 * DAY_US, "x", "");
    full.ends(NOW - 2 * DAY_US);
    Writer::new(&path, "4-a");
    run(&mut empty.tape, Wanted::default());
    assert_eq!(spools(&empty.tape), 3);
    run(&mut empty.tape, Wanted { before_us: Some(NOW), ..Wanted::default() });
    assert_eq!(spools(&empty.tape), 2, "the fresh one, and the one that lives");
}

#[test]
fn a_recorder_goes_on_beside_a_pruning() {
    let (_folder, path) = room();
    let mut writer = Writer::new(&path, "1-a");
    let ask = |writer: &mut Writer, number: i64| {
        let (session, turn) = (number / 10, number % 10);
        let body = body((0..=turn).map(|message| bulk(session * 10 + message)));
        let id = writer.ask(&format!("ses_{session:03}"), NOW - DAY_US + number, &body, "yes");
        (id.0, body)
    };
    for number in 0..300 {
        ask(&mut writer, number);
    }
    let quota = writer.tape.size().unwrap().needed() / 3;
    let (path, done) = (&path, &std::sync::atomic::AtomicBool::new(false));
    let written: Vec<_> = std::thread::scope(|scope| {
        let pruner = scope.spawn(move || {
            let mut tape = Tape::open(path).unwrap();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let wanted = Wanted { to_bytes: Some(quota), ..Wanted::default() };
                let mut pruning = Pruning::new(wanted, NOW);
                while pruning.step(&mut tape).unwrap() {
                    std::thread::yield_now();
                }
            }
        });
        let written = (300..500).map(|number| ask(&mut writer, number)).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        pruner.join().unwrap();
        written
    });
    check(&writer.tape);
    let left =
        written.iter().filter_map(|(id, body)| Some((writer.tape.exchange(*id).unwrap()?, body)));
    let mut count = 0;
    for (restored, body) in left {
        let going = restored.request_body.is_empty();
        assert!(going || restored.request_body == body.as_bytes());
        count += 1;
    }
    assert!(count >= 10, "the newest session at least: {count}");
}

/// `cargo test --release -p octrace-store prune_in_figures -- --ignored --nocapture`
#[test]
#[ignore = "prints figures"]
fn prune_in_figures() {
    use std::time::{Duration, Instant};

    use crate::body::sample::{Session, Shape};

    let (_folder, path) = room();
    let mut writer = Writer::new(&path, "1-a");
    let mut wire = 0;
    let mut number = 0;
    while wire < 1_000_000_000_usize {
        let mut session = Session::new(Shape::Anthropic, 5_300 + number);
        for turn in 0..200 {
            let body = session.next_body();
            wire += body.len();
            let id = format!("ses_{number}");
            writer.ask(&id, NOW - DAY_US + turn, &body, &format!("answer {number} {turn}"));
            writer.event(Some(&id), NOW - DAY_US + turn);
        }
        number += 1;
    }
    let figures = |tape: &mut Tape, wanted: Wanted| {
        let before = tape.size().unwrap();
        let begun = Instant::now();
        let (mut steps, mut longest) = (0, Duration::ZERO);
        let mut pruning = Pruning::new(wanted, NOW);
        loop {
            let begun = Instant::now();
            let more = pruning.step(tape).unwrap();
            longest = longest.max(begun.elapsed());
            steps += 1;
            if !more {
                break;
            }
        }
        let after = tape.size().unwrap();
        println!(
            "{} -> {} bytes in {:?}, {steps} steps, the longest {longest:?}: {:?}",
            before.on_disk(),
            after.on_disk(),
            begun.elapsed(),
            pruning.pruned()
        );
    };
    let begun = Instant::now();
    writer.tape.usage().unwrap();
    println!("{wire} bytes of requests; usage in {:?}", begun.elapsed());
    let half = writer.tape.size().unwrap().needed() / 2;
    figures(&mut writer.tape, Wanted { to_bytes: Some(half), ..Wanted::default() });
    figures(&mut writer.tape, Wanted { to_bytes: Some(0), ..Wanted::default() });
}
