//! Dumps, from spools written here: which requests, in which files, how often, and what `/intercept` is told.

use std::{fs, os::unix::fs::DirBuilderExt, path::Path, time::SystemTime};

use octrace_core::{
    exchange::{Exchange, Outcome, RequestHead},
    reading,
    redact::Redactor,
};
use octrace_store::{Begin, Position, Progress, SpoolId, Tape};
use octrace_testkit::Author;
use octrace_wire::payload::Settings;

use super::dumps::Dumps;
use crate::record::{
    adopt::{Adoption, adopt},
    control::Control,
    pipeline::Pipeline,
    status::{Intercept, Status},
    tests::{Room, room},
};

const BODY: &str = r#"{"model":"m1","messages":[{"role":"user","content":"hi"}]}"#;
const STREAM: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"},\"finish_reason\":\"stop\"}]}\n\n\
     data: [DONE]\n\n";

fn answered(author: &mut Author, number: u32) {
    author.response(number, 200);
    author.chunk(number, STREAM);
    author.end(number, "complete");
}

fn exchange(author: &mut Author, number: u32, session: &str) {
    author.request(number, session, "msg_1", BODY);
    answered(author, number);
}

/// What `/intercept` is told now.
fn told(pipeline: &mut Pipeline, author: &Author) -> Intercept {
    pipeline.drain(false).unwrap();
    pipeline.tell(None);
    Status::read(&author.folder).unwrap().intercept
}

/// The numbers of the dumps that are there, three files each.
fn numbers(room: &Room, session: &str) -> Vec<String> {
    let dumps = room.dumps();
    let names = dumps.iter().filter_map(|(path, _)| {
        let name = path.strip_prefix(session).ok()?.to_str()?;
        Some(name.split('-').next()?.to_owned())
    });
    let names: Vec<_> = names.collect();
    names.chunks(3).for_each(|trio| assert!(trio.len() == 3 && trio[0] == trio[2], "{names:?}"));
    names.chunks(3).map(|trio| trio[0].clone()).collect()
}

#[test]
fn what_begins_while_it_is_on_is_dumped_and_counted() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    let mut pipeline = room.pipeline(&author);
    exchange(&mut author, 1, "ses_1");
    author.request(2, "ses_1", "msg_1", BODY);
    author.intercept("t-1", "on", "ses_1");
    let root = author.tmp.join("opencode-interceptor/ses_1").display().to_string();
    let on = Intercept { token: "t-1".into(), enabled: true, root, ..Intercept::default() };
    assert_eq!(told(&mut pipeline, &author), on);

    // The second began before; the fourth ends after.
    answered(&mut author, 2);
    exchange(&mut author, 3, "ses_1");
    author.request(4, "ses_1", "msg_1", BODY);
    author.intercept("t-2", "off", "ses_1");
    let bytes = (BODY.len() + STREAM.len()) as u64;
    let off = Intercept {
        token: "t-2".into(),
        enabled: false,
        captures: 1,
        total_bytes: bytes,
        ..on.clone()
    };
    assert_eq!(told(&mut pipeline, &author), off);
    answered(&mut author, 4);
    exchange(&mut author, 5, "ses_1");
    author.intercept("t-3", "status", "ses_2/../x");
    let now = told(&mut pipeline, &author);
    assert_eq!((now.captures, now.total_bytes, now.enabled), (2, 2 * bytes, false));
    let here = Path::new(&now.root);
    assert_eq!(here.parent(), Some(&*author.tmp.join("opencode-interceptor")));
    assert_eq!((now.anomalies, now.latest_phase.as_str()), (0, ""));

    assert_eq!(numbers(&room, "ses_1"), ["001", "002"]);
    let (name, response) = &room.dumps()[2];
    assert!(name.ends_with("001-openai-1970-01-01T00-00-00-014Z.response.json"), "{name:?}");
    assert!(response.contains(r#""body": "Hello""#), "{response}");
}

#[test]
fn each_session_has_its_folder_and_its_numbers_whoever_records_it() {
    let room = room();
    let mut first = Author::dead(&room.root, "1-a");
    first.intercept("t-1", "on", "ses_1");
    exchange(&mut first, 1, "ses_1");
    exchange(&mut first, 2, "ses_2");
    exchange(&mut first, 3, "../../ses_3");
    assert_eq!(adopt(&first.folder, &room.place()).unwrap(), Adoption::Finished);
    // Another process is off at its start.
    let mut second = Author::dead(&room.root, "2-a");
    exchange(&mut second, 1, "ses_1");
    second.intercept("t-1", "on", "ses_1");
    exchange(&mut second, 2, "ses_1");
    // It never said more of this one.
    second.request(3, "ses_1", "msg_1", BODY);
    fs::write(first.tmp.join("opencode-interceptor/ses_1/041-openai-t.meta.json"), "mine").unwrap();
    assert_eq!(adopt(&second.folder, &room.place()).unwrap(), Adoption::Finished);
    fs::remove_file(first.tmp.join("opencode-interceptor/ses_1/041-openai-t.meta.json")).unwrap();
    assert_eq!(numbers(&room, "ses_1"), ["001", "042", "043"]);
    assert_eq!(numbers(&room, "ses_2"), ["001"]);
    assert_eq!(room.dumps().len(), 15);
    let dumps = room.dumps();
    let cut = dumps.iter().map(|(name, file)| (name.to_str().unwrap(), file));
    let cut: Vec<_> = cut.filter(|(name, _)| name.starts_with("ses_1/043-")).collect();
    assert!(cut[2].1.contains("OpenCode ended before the answer did"), "{cut:?}");
}

/// Puts an exchange onto the tape that is to be dumped, and is over, without any sink.
fn stored(tape: &mut Tape, spool: SpoolId, number: u32) {
    let request = RequestHead { session: "ses_1".into(), ..RequestHead::default() };
    let request_body = BODY.into();
    let raw = Exchange { number, request, request_body, ..Exchange::default() };
    let exchange = Redactor::new("").exchange(raw);
    let begin = Begin { at: Position::START, mono_us: 0 };
    let mut batch = tape.begin().unwrap();
    batch.intercept_set(spool, true, "c-1").unwrap();
    let asked = exchange.derive(reading::asked);
    let id = batch.exchange_begins(spool, begin, &exchange, &asked).unwrap();
    batch.dump_is_due(id).unwrap();
    let progress = Progress { outcome: Outcome::Failed, ..Progress::default() };
    batch.exchange_ends(id, &exchange, &exchange.derive(reading::ending), &progress).unwrap();
    batch.commit().unwrap();
}

#[test]
fn a_recorder_that_dies_between_the_files_is_followed_by_one_that_finishes_them() {
    let room = room();
    let mut tape = room.tape();
    let (spool, _) = tape.spool("1-a", 0).unwrap();
    stored(&mut tape, spool, 1);
    let tmp = room.root.with_file_name("tmp");
    let folder = tmp.join("opencode-interceptor/ses_1");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).unwrap();
    // What a recorder leaves: the name on the tape, a file with it, the beginnings of others.
    let due = tape.due_dumps(spool).unwrap().remove(0);
    let name = tape.name_dump(&due, 0, |number| format!("{number:03}-generic-t")).unwrap();
    fs::write(folder.join(format!("{name}.request.json")), "{}").unwrap();
    fs::write(folder.join(format!(".{name}.response.json.new")), "{\"status").unwrap();
    stored(&mut tape, spool, 2);

    let settings = Settings { tmp: tmp.display().to_string(), ..Settings::default() };
    let mut dumps = Dumps::new(spool, &settings);
    dumps.follow(&mut tape).unwrap();
    assert_eq!(numbers(&room, "ses_1"), ["001", "002"]);
    let files = room.dumps();
    assert!(files[0].0.ends_with(format!("{name}.meta.json")));
    assert!(files[1].1.contains(BODY), "whole");
    assert_eq!(dumps.status(&tape).unwrap().captures, 2);
    // Nothing is due any more.
    fs::remove_dir_all(&folder).unwrap();
    Dumps::new(spool, &settings).follow(&mut tape).unwrap();
    assert_eq!(room.dumps(), []);
}

#[test]
fn the_switch_and_the_last_answer_survive_a_restart() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    author.intercept("t-1", "on", "ses_1");
    let on = told(&mut room.pipeline(&author), &author);
    fs::remove_file(author.folder.join(".status")).unwrap();
    assert_eq!(told(&mut room.pipeline(&author), &author), on, "whoever waits still hears");
    exchange(&mut author, 1, "ses_1");
    assert_eq!(told(&mut room.pipeline(&author), &author).captures, 1);
}

#[test]
fn a_request_from_outside_is_carried_out_once() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    let asked = Control { token: "c-1".into(), intercept: Some(true) };
    pipeline.carry_out(&asked).unwrap();
    assert!(told(&mut pipeline, &author).enabled);
    exchange(&mut author, 1, "ses_1");
    author.intercept("t-1", "off", "ses_1");
    assert_eq!(told(&mut pipeline, &author).captures, 1);
    // The request is still in its file when the next recorder comes.
    let mut pipeline = room.pipeline(&author);
    pipeline.carry_out(&asked).unwrap();
    assert!(!told(&mut pipeline, &author).enabled);
    pipeline.carry_out(&Control { token: "c-2".into(), intercept: None }).unwrap();
    assert!(!told(&mut pipeline, &author).enabled);
}

#[test]
fn a_place_that_is_not_ours_costs_the_dump_and_nothing_else() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    let elsewhere = room.root.with_file_name("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let root = author.tmp.join("opencode-interceptor");
    std::os::unix::fs::symlink(&elsewhere, &root).unwrap();
    author.intercept("t-1", "on", "ses_1");
    exchange(&mut author, 1, "ses_1");
    let mut pipeline = room.pipeline(&author);
    let now = told(&mut pipeline, &author);
    // One for the sweep at the start, one for the dump.
    assert_eq!((now.captures, now.total_bytes, now.anomalies), (0, 0, 2));
    assert_eq!(now.latest_phase, "capture/dump-write");
    assert_eq!(now.latest_message, "opencode-interceptor: it is not a folder");
    assert_eq!(room.tape().exchanges("ses_1").unwrap().len(), 1);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    // It is not tried again and again; what comes next is.
    fs::remove_file(&root).unwrap();
    exchange(&mut author, 2, "ses_1");
    let now = told(&mut pipeline, &author);
    assert_eq!((now.captures, now.anomalies), (1, 2));
    assert_eq!(numbers(&room, "ses_1"), ["001"]);
}

#[test]
fn old_dumps_go_once_for_each_process() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    author.event("session.idle", &serde_json::json!({"sessionID": "ses_1"}));
    let old = author.tmp.join("opencode-interceptor/ses_old");
    let age = |folder: &Path| {
        fs::DirBuilder::new().recursive(true).create(folder).unwrap();
        let before = SystemTime::now() - 2 * octrace_export::dump::KEPT_FOR;
        fs::File::open(folder).unwrap().set_modified(before).unwrap();
    };
    age(&old);
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    assert!(!old.exists());
    age(&old);
    room.pipeline(&author).drain(false).unwrap();
    assert!(old.exists(), "a recorder's restart is no start of OpenCode");
    let other = Author::alive(&room.root, "2-a");
    room.pipeline(&other).drain(false).unwrap();
    assert!(!old.exists());
}
