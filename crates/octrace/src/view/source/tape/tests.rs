//! What the viewer is told of a tape that somebody else writes to, prunes, deletes, replaces and breaks.

use std::{collections::BTreeMap, fs, path::Path, thread, time::Duration};

use octrace_core::{
    exchange::{Exchange, Outcome, RequestHead, Timing},
    reading,
    redact::Redactor,
    search::Query,
    timeline::{Row, RowId},
};
use octrace_store::{
    Begin, ExchangeId, Position, Progress as Recorded,
    prune::{Pruning, Wanted},
};

use super::*;

/// Both bodies.
const BOTH: &[Step] = &[Step::Begin, Step::End];

/// Whoever records.
struct Recorder {
    tape: Tape,
    number: u32,
}

impl Recorder {
    fn at(path: &Path) -> Self {
        Self { tape: Tape::open(path).unwrap(), number: 0 }
    }

    /// An exchange begins.
    fn begin(&mut self, session: &str, at_us: i64) -> (ExchangeId, Exchange) {
        self.number += 1;
        let request = RequestHead {
            session: session.to_owned(),
            message: Some("msg_1".to_owned()),
            ..RequestHead::default()
        };
        let exchange = Exchange {
            number: self.number,
            request,
            request_body: format!("{{\"n\":{}}}", self.number).into_bytes(),
            timing: Timing { sent_us: at_us, ..Timing::default() },
            ..Exchange::default()
        };
        let (spool, _) = self.tape.spool("1-a", 0).unwrap();
        let clean = Redactor::new("").exchange(exchange.clone());
        let asked = clean.derive(reading::asked);
        let mut batch = self.tape.begin().unwrap();
        let begin = Begin { at: Position::START, mono_us: 0 };
        let id = batch.exchange_begins(spool, begin, &clean, &asked).unwrap();
        batch.commit().unwrap();
        (id, exchange)
    }

    /// And ends well.
    fn end(&mut self, (id, exchange): (ExchangeId, Exchange)) {
        let exchange = Exchange { outcome: Outcome::Complete, ..exchange };
        let clean = Redactor::new("").exchange(exchange);
        let ending = clean.derive(reading::ending);
        let mut batch = self.tape.begin().unwrap();
        let done = Recorded { outcome: Outcome::Complete, ..Recorded::default() };
        batch.exchange_ends(id, &clean, &ending, &done).unwrap();
        batch.commit().unwrap();
    }

    /// Sessions `ses_0` and so on, each with an exchange.
    fn sessions(&mut self, numbers: std::ops::Range<i64>) {
        for number in numbers {
            let exchange = self.begin(&format!("ses_{number}"), number * 1_000_000);
            self.end(exchange);
        }
    }

    fn prune(&mut self, session: &str) {
        let wanted = Wanted { sessions: vec![session.to_owned()], ..Wanted::default() };
        let mut pruning = Pruning::new(wanted, i64::MAX);
        while pruning.step(&mut self.tape).unwrap() {}
    }
}

/// What somebody knows who was told.
#[derive(Default)]
struct Viewer {
    sessions: BTreeMap<String, (u64, bool)>,
    rows: BTreeMap<RowId, Row>,
    /// Answers, in short.
    told: Vec<String>,
}

impl Viewer {
    /// Takes in everything that the source has to say at this moment.
    fn listen(&mut self, source: &mut TapeSource) -> String {
        let mut answers = Vec::new();
        loop {
            let pace = source.work(&mut |answer| answers.push(answer));
            match pace {
                Pace::Busy => {}
                // A search goes on elsewhere.
                Pace::Waiting => thread::sleep(Duration::from_millis(1)),
                Pace::Idle => break,
            }
        }
        self.told.clear();
        for answer in answers {
            self.take(answer);
        }
        self.told.join("; ")
    }

    fn take(&mut self, answer: Answer) {
        let short = match answer {
            Answer::Sessions { rows, gone, progress } => {
                let short = format!("{} sessions, {} gone, {progress:?}", rows.len(), gone.len());
                let facts = |row: octrace_store::read::SessionRow| {
                    (row.id, (row.totals.requests, row.live))
                };
                self.sessions.extend(rows.into_iter().map(facts));
                self.sessions.retain(|id, _| !gone.contains(id));
                short
            }
            Answer::Timeline { rows, gone, progress, .. } => {
                let short = format!("{} rows, {} gone, {progress:?}", rows.len(), gone.len());
                self.rows.extend(rows.into_iter().map(|row| (row.id(), row)));
                self.rows.retain(|id, _| !gone.contains(id));
                short
            }
            Answer::Renewed => {
                *self = Self { told: std::mem::take(&mut self.told), ..Self::default() };
                "renewed".to_owned()
            }
            Answer::Trouble(trouble) => format!("trouble: {trouble}"),
            other => format!("{other:?}"),
        };
        self.told.push(short);
    }
}

/// A tape's path, and a source that was asked for the sessions.
fn scene() -> (tempfile::TempDir, PathBuf, TapeSource, Viewer) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tape.db");
    let mut source = TapeSource::new(path.clone());
    source.ask(Ask::Sessions, &mut drop);
    (folder, path, source, Viewer::default())
}

fn timeline(session: &str) -> Ask {
    Ask::Timeline { session: session.to_owned() }
}

#[test]
fn what_is_not_there_yet_appears() {
    let (_folder, path, mut source, mut viewer) = scene();
    source.ask(timeline("ses_0"), &mut drop);
    assert_eq!(viewer.listen(&mut source), "0 sessions, 0 gone, None; 0 rows, 0 gone, None");
    assert_eq!(viewer.listen(&mut source), "", "it is said once");
    assert!(source.exchange(1, BOTH).is_err());

    let mut recorder = Recorder::at(&path);
    let exchange = recorder.begin("ses_0", 1);
    viewer.listen(&mut source);
    assert_eq!(viewer.sessions["ses_0"], (1, true));
    assert!(viewer.rows[&RowId::Exchange(1)].is_open());
    recorder.end(exchange);
    assert_eq!(
        viewer.listen(&mut source),
        "1 sessions, 0 gone, None; 1 rows, 0 gone, None",
        "what was under way is over"
    );
    assert_eq!(viewer.sessions["ses_0"], (1, false));
    assert!(!viewer.rows[&RowId::Exchange(1)].is_open());
    assert_eq!(source.exchange(1, BOTH).unwrap().request_body, b"{\"n\":1}");
    assert_eq!(viewer.listen(&mut source), "", "nothing has changed");
}

#[test]
fn many_sessions_come_in_pages_and_then_only_what_changes() {
    let (_folder, path, mut source, mut viewer) = scene();
    let mut recorder = Recorder::at(&path);
    recorder.sessions(0..450);
    insta::assert_snapshot!(viewer.listen(&mut source), @"200 sessions, 0 gone, Some(Progress { done: 200, of: 450 }); 200 sessions, 0 gone, Some(Progress { done: 400, of: 450 }); 50 sessions, 0 gone, None");
    assert_eq!(viewer.sessions.len(), 450);
    // The newest, one in the middle that has become the newest, and one that was recorded late.
    recorder.sessions(450..451);
    recorder.begin("ses_7", 460_000_000);
    recorder.begin("ses_late", 5);
    insta::assert_snapshot!(viewer.listen(&mut source), @"2 sessions, 0 gone, None; 1 sessions, 0 gone, None");
    assert_eq!(viewer.sessions.len(), 452);
    assert_eq!(viewer.sessions["ses_7"], (2, true));
    assert_eq!(viewer.listen(&mut source), "");
}

#[test]
fn what_is_pruned_goes() {
    let (_folder, path, mut source, mut viewer) = scene();
    let mut recorder = Recorder::at(&path);
    recorder.sessions(0..5);
    source.ask(timeline("ses_2"), &mut drop);
    viewer.listen(&mut source);
    assert_eq!((viewer.sessions.len(), viewer.rows.len()), (5, 1));
    recorder.prune("ses_2");
    viewer.listen(&mut source);
    assert!(!viewer.sessions.contains_key("ses_2") && viewer.sessions.len() == 4);
    assert_eq!(viewer.rows.len(), 0);
    let error = source.exchange(3, BOTH).unwrap_err();
    assert_eq!(error.to_string(), "request 3 was pruned");
}

#[test]
fn a_long_session_begins_with_its_newest_rows_and_is_whole_in_the_end() {
    let (_folder, path, mut source, mut viewer) = scene();
    let mut recorder = Recorder::at(&path);
    for at_us in 0..1_500 {
        let exchange = recorder.begin("ses_0", at_us);
        recorder.end(exchange);
    }
    source.ask(timeline("ses_0"), &mut drop);
    insta::assert_snapshot!(viewer.listen(&mut source), @"300 rows, 0 gone, Some(Progress { done: 0, of: 300 }); 1 sessions, 0 gone, None; 1000 rows, 0 gone, Some(Progress { done: 1000, of: 1500 }); 500 rows, 0 gone, None");
    assert_eq!(viewer.rows.len(), 1_500);
}

#[test]
fn a_tape_that_is_deleted_or_replaced_is_another_one() {
    let (_folder, path, mut source, mut viewer) = scene();
    let mut recorder = Recorder::at(&path);
    recorder.sessions(0..3);
    source.ask(timeline("ses_0"), &mut drop);
    viewer.listen(&mut source);
    drop(recorder);
    for file in ["tape.db", "tape.db-wal", "tape.db-shm"] {
        fs::remove_file(path.with_file_name(file)).ok();
    }
    assert_eq!(
        viewer.listen(&mut source),
        "renewed; 0 sessions, 0 gone, None; 0 rows, 0 gone, None"
    );

    Recorder::at(&path).sessions(7..8);
    viewer.listen(&mut source);
    assert_eq!(viewer.sessions.keys().collect::<Vec<_>>(), ["ses_7"]);
    assert_eq!(viewer.rows.len(), 0);

    let other = path.with_file_name("other.db");
    let mut recorder = Recorder::at(&other);
    recorder.sessions(0..2);
    drop(recorder);
    fs::rename(&other, &path).unwrap();
    assert!(viewer.listen(&mut source).starts_with("renewed; "));
    assert_eq!(viewer.sessions.len(), 2);
    assert_eq!(viewer.rows.len(), 1);
}

#[test]
fn what_is_no_tape_is_told_once_and_looked_at_again() {
    let (_folder, path, mut source, mut viewer) = scene();
    fs::write(&path, "not a database at all, but long enough to look like one".repeat(100))
        .unwrap();
    let said = viewer.listen(&mut source).replace(path.to_str().unwrap(), "TAPE");
    insta::assert_snapshot!(said, @"trouble: TAPE is not an octrace tape, or is damaged at its beginning; 0 sessions, 0 gone, None");
    assert_eq!(viewer.listen(&mut source), "");
    fs::remove_file(&path).unwrap();
    Recorder::at(&path).sessions(0..1);
    source.closed_until = None;
    viewer.listen(&mut source);
    assert_eq!(viewer.sessions.len(), 1);
}

#[test]
fn damage_that_is_met_again_and_again_is_not_hurried_to() {
    let (_folder, path, mut source, mut viewer) = scene();
    Recorder::at(&path).sessions(0..1);
    viewer.listen(&mut source);
    let mut told = 0;
    let mut damage = || {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        source.complain(rusqlite::Error::SqliteFailure(code, None).into(), &mut |_| told += 1)
    };
    assert_eq!([damage(), damage(), damage()], [Pace::Busy, Pace::Waiting, Pace::Waiting]);
    assert_eq!(told, 1);
}

#[test]
fn a_tape_that_another_program_keeps_to_itself_is_waited_for() {
    let (_folder, path, mut source, mut viewer) = scene();
    Recorder::at(&path).sessions(0..3);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.pragma_update(None, "locking_mode", "exclusive").unwrap();
    other.execute_batch("BEGIN EXCLUSIVE; COMMIT").unwrap();
    let begun = Instant::now();
    let mut told = Vec::new();
    for _ in 0..2 {
        assert_eq!(source.work(&mut |answer| told.push(answer)), Pace::Waiting);
    }
    // Each time as long as somebody who wants something else may wait, and not as long as a recorder does.
    assert!(begun.elapsed() < 10 * PATIENCE, "{:?}", begun.elapsed());
    let told: Vec<_> = told.iter().map(|answer| format!("{answer:?}")).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"Trouble("another program keeps the tape to itself; waiting for it")"#);
    drop(other);
    assert_eq!(viewer.listen(&mut source), "3 sessions, 0 gone, None");
}

#[test]
fn only_the_bodies_that_are_wanted_are_read() {
    let (_folder, path, mut source, _) = scene();
    let mut recorder = Recorder::at(&path);
    let (id, exchange) = recorder.begin("ses_0", 1);
    recorder.end((id, Exchange { response_body: b"said".to_vec(), ..exchange }));
    for (bodies, request, response) in [
        (&[][..], &b""[..], &b""[..]),
        (&[Step::Begin], b"{\"n\":1}", b""),
        (&[Step::End], b"", b"said"),
        (BOTH, b"{\"n\":1}", b"said"),
    ] {
        let found = source.exchange(1, bodies).unwrap();
        assert_eq!((&*found.request_body, &*found.response_body), (request, response));
    }
}

#[test]
fn damaged_pages_are_told_and_the_rest_goes_on() {
    let (_folder, path, mut source, mut viewer) = scene();
    let mut recorder = Recorder::at(&path);
    recorder.sessions(0..3);
    drop(recorder);
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute("UPDATE exchanges SET sent_us = 'when?' WHERE session = 'ses_1'", []).unwrap();
    drop(raw);
    source.ask(timeline("ses_1"), &mut drop);
    insta::assert_snapshot!(viewer.listen(&mut source), @"0 rows, 0 gone, None; trouble: the tape: Invalid column type Text at index: 2, name: sent_us: Invalid column type Text at index: 2, name: sent_us; 3 sessions, 0 gone, None; 0 rows, 0 gone, None");
    assert_eq!(viewer.sessions.len(), 3, "the list is whole");
    assert_eq!(viewer.listen(&mut source), "", "it is not tried again and again");
    source.ask(timeline("ses_2"), &mut drop);
    viewer.listen(&mut source);
    assert_eq!(viewer.rows.len(), 1);
}

#[test]
fn words_are_found() {
    let (_folder, path, mut source, mut viewer) = scene();
    let mut recorder = Recorder::at(&path);
    recorder.sessions(0..1);
    viewer.listen(&mut source);
    let session = Some("ses_0".to_owned());
    let words = Query::parse("absent").unwrap();
    source.ask(Ask::Find { session: session.clone(), words: words.clone() }, &mut drop);
    let mut told = Vec::new();
    while source.work(&mut |answer| told.push(answer)) != Pace::Idle {
        thread::sleep(Duration::from_millis(1));
    }
    let [Answer::Found { session: place, words: known, places }] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!((place, known, places.len()), (&session, &words, 0));
}
