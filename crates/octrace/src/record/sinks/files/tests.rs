//! JSONL files and diagnostics, from spools written here: the file is what the tape says, whatever dies when, and
//! whatever else is in its place.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread,
};

use octrace_export::jsonl;
use octrace_store::Tape;
use octrace_testkit::Author;
use octrace_wire::frame::Kind;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::record::{
    adopt::{Adoption, adopt},
    sinks::own_file::OwnFile,
    tests::{Room, room},
};

const ASK: &str = r#"{"model":"m1","messages":[{"role":"user","content":"Fix: it"}]}"#;
const STREAM: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n";

fn traces(room: &Room) -> PathBuf {
    room.root.with_file_name("traces")
}

/// A process whose plugin was told the folder.
fn author(room: &Room, name: &str) -> Author {
    let mut author = Author::dead(&room.root, name);
    let options = json!({"directory": "/project", "options": {"dir": traces(room)}});
    author.frame(Kind::Instance, 0, 0, options.to_string().as_bytes());
    author
}

fn answered(author: &mut Author, number: u32, session: &str) {
    author.request(number, session, "msg_1", ASK);
    author.response(number, 200);
    author.chunk(number, STREAM);
    author.end(number, "complete");
}

fn decided(author: &mut Author, event: &str, reason: &str) {
    let said = json!({"event": event, "method": "GET", "host": "models.dev", "reason": reason});
    author.frame(Kind::Diagnostic, 0, 0, said.to_string().as_bytes());
}

/// The sessions' files, by name.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.map(|entry| entry.file_name().into_string().unwrap());
    let sessions = named.filter(|name| !name.starts_with("opencode-api-tracer"));
    sessions.map(|name| (name.clone(), fs::read_to_string(folder.join(name)).unwrap())).collect()
}

fn only(room: &Room) -> String {
    let files = files(&traces(room));
    assert_eq!(files.len(), 1, "{:?}", files.keys());
    files.into_values().next().unwrap()
}

fn exported(tape: &Tape, session: &str) -> String {
    let mut out = Vec::new();
    for entry in tape.journal(session).unwrap() {
        let exchange = tape.exchange_at(entry.exchange, entry.step).unwrap().unwrap();
        jsonl::write(&mut out, entry.step, &exchange).unwrap();
    }
    String::from_utf8(out).unwrap()
}

fn diagnostics(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("opencode-api-tracer.debug.jsonl"));
    text.unwrap_or_default().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn events(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["event"].as_str().unwrap()).collect()
}

#[test]
fn each_session_has_its_file_and_it_is_what_the_tape_says() {
    let room = room();
    let mut author = author(&room, "1-a");
    author.request(1, "ses_1", "msg_1", ASK);
    answered(&mut author, 2, "ses_2");
    author.end(1, "failed");
    author.request(3, "ses_1", "msg_1", ASK);
    author.response(3, 200);
    author.chunk(3, STREAM);
    author.end(3, "aborted");
    author.request(4, "ses_1", "msg_1", ASK);
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();

    let tape = room.tape();
    let files = files(&traces(&room));
    let (first, second) = (exported(&tape, "ses_1"), exported(&tape, "ses_2"));
    let mut contents: Vec<_> = files.values().collect();
    contents.sort_by_key(|content| !content.contains("ses_1"));
    assert_eq!(contents, [&first, &second]);
    assert!(files.keys().any(|name| name.ends_with("-Fix it.jsonl")), "{:?}", files.keys());
    let kinds = |text: &str| {
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .map(|line| format!("{} {}", line["kind"].as_str().unwrap(), line["id"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        kinds(&first),
        ["request 1", "error 1", "request 2", "response 2", "error 2", "request 3"]
    );
    pipeline.finish().unwrap();
    assert!(self::only_of(&room, "ses_1").ends_with("OpenCode ended before the answer did\",\"exchange\":4,\"agent\":\"build\",\"purpose\":\"main\"}\n"));
}

fn only_of(room: &Room, session: &str) -> String {
    files(&traces(room)).into_values().find(|text| text.contains(session)).unwrap()
}

#[test]
fn an_adopted_spool_goes_where_its_own_process_wanted_it() {
    let room = room();
    let mut author = author(&room, "2-a");
    answered(&mut author, 1, "ses_1");
    let mut place = room.place();
    place.config = room.root.with_file_name("other.toml");
    let other = room.root.with_file_name("other");
    fs::write(&place.config, format!("jsonl.dir = {other:?}")).unwrap();
    assert_eq!(adopt(&author.folder, &place).unwrap(), Adoption::Finished);
    assert_eq!(only(&room), exported(&room.tape(), "ses_1"));
    assert!(!other.exists());

    // One that wanted nothing goes where the user's file says.
    let mut silent = Author::dead(&room.root, "3-a");
    answered(&mut silent, 1, "ses_2");
    assert_eq!(adopt(&silent.folder, &place).unwrap(), Adoption::Finished);
    let files = files(&other);
    assert_eq!(files.values().collect::<Vec<_>>(), [&exported(&room.tape(), "ses_2")]);
}

#[test]
fn the_options_hold_when_the_segment_that_had_them_is_gone() {
    let room = room();
    let mut author = author(&room, "4-a");
    answered(&mut author, 1, "ses_1");
    room.pipeline(&author).drain(false).unwrap();
    author.roll();
    answered(&mut author, 2, "ses_1");
    room.pipeline(&author).drain(false).unwrap();
    author.roll();
    answered(&mut author, 3, "ses_1");
    room.pipeline(&author).finish().unwrap();
    assert_eq!(only(&room), exported(&room.tape(), "ses_1"));
}

#[test]
fn two_processes_may_write_one_sessions_file() {
    let room = room();
    let mut authors = ["5-a", "5-b"].map(|name| author(&room, name));
    let mut pipelines = [room.pipeline(&authors[0]), room.pipeline(&authors[1])];
    for number in 1..5 {
        for (author, pipeline) in authors.iter_mut().zip(&mut pipelines) {
            answered(author, number, "ses_1");
            pipeline.drain(false).unwrap();
        }
    }
    let text = only(&room);
    assert_eq!(text, exported(&room.tape(), "ses_1"));
    let ids: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone())
        .collect();
    assert_eq!(ids, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8]);
}

#[test]
fn a_file_that_was_taken_away_is_written_whole_and_one_that_was_written_in_is_left() {
    let room = room();
    let mut author = author(&room, "6-a");
    answered(&mut author, 1, "ses_1");
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    let name = files(&traces(&room)).into_keys().next().unwrap();
    fs::remove_file(traces(&room).join(&name)).unwrap();
    answered(&mut author, 2, "ses_1");
    pipeline.drain(false).unwrap();
    let whole = exported(&room.tape(), "ses_1");
    assert_eq!(only(&room), whole);

    fs::write(traces(&room).join(&name), format!("{whole}# a note of mine")).unwrap();
    answered(&mut author, 3, "ses_1");
    pipeline.drain(false).unwrap();
    let more = exported(&room.tape(), "ses_1");
    let ours = more.strip_prefix(&whole).unwrap();
    assert_eq!(only(&room), format!("{whole}# a note of mine\n{ours}"));
    answered(&mut author, 4, "ses_1");
    pipeline.drain(false).unwrap();
    assert_eq!(only(&room).lines().count(), 9, "eight of ours and the note");
}

#[test]
fn a_name_that_somebody_else_has_is_theirs() {
    let (rehearsal, room) = (room(), room());
    let mut first = author(&rehearsal, "7-a");
    answered(&mut first, 1, "ses_1");
    rehearsal.pipeline(&first).drain(false).unwrap();
    let name = files(&traces(&rehearsal)).into_keys().next().unwrap();

    fs::create_dir(traces(&room)).unwrap();
    fs::write(traces(&room).join(&name), "theirs\n").unwrap();
    let target = traces(&room).join("target");
    fs::write(&target, "").unwrap();
    let second = name.replace(".jsonl", "-2.jsonl");
    std::os::unix::fs::symlink(&target, traces(&room).join(&second)).unwrap();
    let mut author = author(&room, "7-a");
    answered(&mut author, 1, "ses_1");
    room.pipeline(&author).drain(false).unwrap();
    let files = files(&traces(&room));
    assert_eq!(files[&name], "theirs\n");
    assert_eq!(files["target"], "");
    assert_eq!(files[&name.replace(".jsonl", "-3.jsonl")], exported(&room.tape(), "ses_1"));
}

#[test]
fn a_folder_that_cannot_be_written_stops_nothing_and_is_tried_again() {
    let room = room();
    fs::write(traces(&room), "in the way").unwrap();
    let mut author = author(&room, "8-a");
    answered(&mut author, 1, "ses_1");
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    let tape = room.tape();
    assert_eq!(tape.exchanges("ses_1").unwrap().len(), 1, "the tape has it");
    let [file] = &tape.files_behind(None).unwrap()[..] else { panic!("one is behind") };
    assert!(file.error.is_some());
    assert!(pipeline.follow_in().is_some(), "it will be tried again");
    // Nobody would find it in the folder that is wrong.
    let lines = diagnostics(&room.place().state);
    let said = lines.iter().find(|line| line["event"] == "jsonl.write.error").unwrap();
    assert_eq!((&said["session"], &said["error"]), (&json!("ses_1"), &json!(file.error)));
    fs::remove_file(traces(&room)).unwrap();
    // The next recorder does not wait.
    room.pipeline(&author).finish().unwrap();
    assert_eq!(only(&room), exported(&tape, "ses_1"));
    assert_eq!(tape.files_behind(None).unwrap(), []);
    let lines = diagnostics(&traces(&room));
    let summary = lines.last().unwrap();
    assert_eq!((&summary["jsonlErrors"], &summary["jsonlWrites"]), (&json!(1), &json!(2)));
}

#[test]
fn diagnostics_say_what_was_decided_and_end_with_what_was_done() {
    let room = room();
    let mut author = Author::dead(&room.root, "9-a");
    decided(&mut author, "install.start", "");
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    assert!(diagnostics(&room.place().state).is_empty(), "not known yet where they go");
    let options = json!({"directory": "/project", "options": {"dir": traces(&room)}});
    author.frame(Kind::Instance, 0, 0, options.to_string().as_bytes());
    decided(&mut author, "fetch.seen", "");
    decided(&mut author, "fetch.skipped", "method-not-post");
    let many = json!({"event": "fetch.skipped", "reason": "not-llm-endpoint", "count": 500});
    author.frame(Kind::Diagnostic, 0, 0, many.to_string().as_bytes());
    answered(&mut author, 1, "ses_1");
    drop(pipeline);
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    pipeline.finish().unwrap();
    let lines = diagnostics(&traces(&room));
    assert_eq!(
        events(&lines),
        ["fetch.seen", "fetch.skipped", "fetch.skipped", "jsonl.write.success", "process.summary"]
    );
    let mut summary = lines[4].clone();
    summary.as_object_mut().unwrap().remove("timestamp");
    assert_eq!(
        summary,
        json!({"pid": 0, "event": "process.summary", "seen": 1, "traced": 0,
            "skipped": {"method-not-post": 1, "not-llm-endpoint": 500},
            "requests": 1, "responses": 1, "errors": 0, "jsonlWrites": 2, "jsonlErrors": 0})
    );
    assert_eq!(lines[1]["host"], "models.dev");
}

#[test]
fn the_last_diagnostics_wait_for_a_recorder_that_writes_the_same_file() {
    let room = room();
    let state = room.place().state;
    let author = Author::dead(&room.root, "11-a");
    let other = OwnFile::open(&state, "opencode-api-tracer.debug.jsonl").unwrap();
    let pipeline = room.pipeline(&author);
    let tape = room.tape();
    thread::scope(|scope| {
        let finished = scope.spawn(|| pipeline.finish().unwrap());
        while !tape.processes(1).unwrap()[0].ended {
            thread::yield_now();
        }
        drop(other);
        finished.join().unwrap();
    });
    assert_eq!(events(&diagnostics(&state)), ["process.summary"]);
}

#[test]
fn a_long_diagnostics_file_makes_room() {
    let room = room();
    let state = room.place().state;
    fs::create_dir(&state).unwrap();
    let path = state.join("opencode-api-tracer.debug.jsonl");
    fs::write(&path, "{}\n".repeat(2 << 20)).unwrap();
    let mut author = Author::dead(&room.root, "10-a");
    decided(&mut author, "fetch.seen", "");
    room.pipeline(&author).finish().unwrap();
    assert_eq!(events(&diagnostics(&state)), ["fetch.seen", "process.summary"]);
    assert_eq!(
        fs::metadata(state.join("opencode-api-tracer.debug.jsonl.1")).unwrap().len(),
        6 << 20
    );
}

/// What happens between two looks of the recorder.
#[derive(Clone, Debug)]
enum Step {
    Answer,
    Begin,
    /// The recorder wrote lines, and died before it noted them; of the last ones so many bytes are missing.
    DieBetween(usize),
    /// A power cut takes the end of the file.
    LoseTail(usize),
    Remove,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_file_is_what_the_tape_says_whatever_happens(
        steps in prop::collection::vec(prop_oneof![
            3 => Just(Step::Answer),
            2 => Just(Step::Begin),
            2 => (0..2_000usize).prop_map(Step::DieBetween),
            1 => (0..2_000usize).prop_map(Step::LoseTail),
            1 => Just(Step::Remove),
        ], 1..12),
    ) {
        let room = room();
        let mut author = author(&room, "1-a");
        let mut number = 0;
        answered(&mut author, 1_000_000, "ses_1");
        let mut room_tape = room.tape();
        let mut noted = None;
        for step in steps {
            number += 1;
            match step {
                Step::Answer => answered(&mut author, 1_000_000 + number, "ses_1"),
                Step::Begin => author.request(1_000_000 + number, "ses_1", "msg_1", ASK),
                Step::DieBetween(missing) => {
                    // As it was noted one step before.
                    let Some((id, seq, size)) = noted else { continue };
                    room_tape.file_is_written(id, seq, size).unwrap();
                    cut(&room, size, missing);
                    answered(&mut author, 1_000_000 + number, "ses_1");
                }
                Step::LoseTail(missing) => {
                    cut(&room, 0, missing);
                    answered(&mut author, 1_000_000 + number, "ses_1");
                }
                Step::Remove => {
                    for name in files(&traces(&room)).keys() {
                        fs::remove_file(traces(&room).join(name)).unwrap();
                    }
                    answered(&mut author, 1_000_000 + number, "ses_1");
                }
            }
            noted = room_tape.live_file(1).unwrap().map(|file| (file.id, file.seq, file.size));
            room.pipeline(&author).drain(false).unwrap();
            prop_assert_eq!(only(&room), exported(&room_tape, "ses_1"));
        }
    }
}

/// Takes bytes from the end of the only file, but none before `keep`.
fn cut(room: &Room, keep: u64, missing: usize) {
    for name in files(&traces(room)).keys() {
        let file = fs::OpenOptions::new().write(true).open(traces(room).join(name)).unwrap();
        let size = file.metadata().unwrap().len();
        file.set_len(size.saturating_sub(missing as u64).max(keep.min(size))).unwrap();
    }
}
