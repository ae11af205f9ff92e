//! The recorder's promises, on spools written here: everything once, whatever dies when; what is torn is
//! counted; what is not ours is left alone.

use std::{fs, path::PathBuf};

use octrace_core::{
    attribution::timeline::{CallId, FileHistory, Moment},
    exchange::Outcome,
    redact::Patterns,
};
use octrace_store::Tape;
use octrace_testkit::Author;
use octrace_wire::frame::Kind;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::{
    adopt::{Adoption, adopt, adopt_all},
    control::Control,
    pipeline::Pipeline,
    place::{Delivery, Place},
    retention::Limits,
    spool::Spool,
    status::Status,
};

const STREAM: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n";
const LAST: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\
    \"usage\":{\"prompt_tokens\":106,\"completion_tokens\":3,\"prompt_tokens_details\":{\"cached_tokens\":10}}}\n\n\
    data: [DONE]\n\n";

pub(super) struct Room {
    _folder: TempDir,
    pub(super) root: PathBuf,
    pub(super) tape: PathBuf,
}

pub(super) fn room() -> Room {
    let folder = tempfile::tempdir().unwrap();
    let (root, tape) = (folder.path().join("spools"), folder.path().join("home/tape.db"));
    Room { _folder: folder, root, tape }
}

impl Room {
    pub(super) fn pipeline(&self, author: &Author) -> Pipeline {
        let (spool, tape) = (Spool::open(&author.folder), Tape::open(&self.tape));
        Pipeline::open(spool.unwrap(), tape.unwrap(), &self.place()).unwrap()
    }

    pub(super) fn place(&self) -> Place {
        let named = self.tape.parent().unwrap().to_owned();
        let (patterns, _) = Patterns::new(&["ACME-[0-9]+".to_owned()]);
        let folder = |name| self.root.with_file_name(name);
        Place {
            tape: self.tape.clone(),
            named,
            roots: vec![self.root.clone()],
            patterns,
            config: folder("config.toml"),
            user: folder("user"),
            opencode_data: folder("opencode"),
            state: folder("state"),
            limits: Limits::default(),
            delivery: Delivery::default(),
        }
    }

    pub(super) fn tape(&self) -> Tape {
        Tape::open(&self.tape).unwrap()
    }

    /// The files that were dumped, by their paths below the root, with what is in them.
    pub(super) fn dumps(&self) -> Vec<(PathBuf, String)> {
        let root = self.root.with_file_name("tmp").join("opencode-interceptor");
        let Ok(sessions) = fs::read_dir(&root) else { return Vec::new() };
        let files = sessions.flat_map(|session| fs::read_dir(session.unwrap().path()).unwrap());
        let mut dumps: Vec<_> = files
            .map(|file| file.unwrap().path())
            .map(|file| {
                let name = file.strip_prefix(&root).unwrap().to_owned();
                (name, fs::read_to_string(file).unwrap())
            })
            .collect();
        dumps.sort();
        dumps
    }
}

#[test]
fn an_exchange_is_a_row_from_its_request_on_and_is_filled_in_place() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    author.assistant("ses_1", "msg_1", "msg_2");
    author.request(
        1,
        "ses_1",
        "msg_1",
        r#"{"model":"m1","messages":[{"role":"user","content":"hi"}]}"#,
    );
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    let tape = room.tape();
    let [row] = &tape.exchanges("ses_1").unwrap()[..] else { panic!("one row") };
    assert_eq!((row.outcome, row.assistant.as_deref()), (Outcome::Waiting, Some("msg_2")));

    author.response(1, 200);
    author.chunk(1, STREAM);
    pipeline.drain(false).unwrap();
    pipeline.refresh().unwrap();
    let row = &tape.exchanges("ses_1").unwrap()[0];
    assert_eq!((row.outcome, row.status, row.chunks), (Outcome::Streaming, Some(200), 1));
    assert_eq!(row.timing.first_content_after_us, row.timing.first_byte_after_us);

    author.chunk(1, LAST);
    author.end(1, "complete");
    pipeline.drain(false).unwrap();
    let row = &tape.exchanges("ses_1").unwrap()[0];
    assert_eq!(
        (row.outcome, row.chunks, row.finish.as_deref()),
        (Outcome::Complete, 2, Some("stop"))
    );
    let usage = row.usage.unwrap();
    assert_eq!((usage.input, usage.cache_read, usage.output), (106, 10, 3));
    assert!((row.cost_usd.unwrap() - (96.0 * 3.0 + 10.0 * 0.3 + 3.0 * 15.0) / 1e6).abs() < 1e-12);
    assert_eq!(row.timing.first_content_after_us, row.timing.first_byte_after_us);
    assert!(row.timing.end_after_us > row.timing.first_byte_after_us);

    let whole = tape.exchange(row.id).unwrap().unwrap();
    assert_eq!(String::from_utf8(whole.response_body).unwrap(), format!("{STREAM}{LAST}"));
    assert_eq!(
        whole.request_body,
        br#"{"model":"m1","messages":[{"role":"user","content":"hi"}]}"#
    );
}

#[test]
fn what_the_users_patterns_match_is_not_kept_also_after_a_restart() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    let body = |text: &str| {
        format!(r#"{{"model":"m1","messages":[{{"role":"user","content":"{text}"}}]}}"#)
    };
    author.request(1, "ses_1", "msg_1", &body("of ACME-1"));
    author.end(1, "complete");
    room.pipeline(&author).drain(false).unwrap();
    author.request(2, "ses_1", "msg_1", &body("of ACME-2"));
    author.end(2, "complete");
    room.pipeline(&author).drain(false).unwrap();

    let tape = room.tape();
    let rows = tape.exchanges("ses_1").unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let whole = tape.exchange(row.id).unwrap().unwrap();
        assert_eq!(String::from_utf8(whole.request_body).unwrap(), body("of [REDACTED]"));
    }
}

#[test]
fn files_come_back_as_they_were_seen_but_for_secrets() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    let binary = b"\xff\x00\r\none\n\ntwo";
    author.sees("before", "/p/a", "bytes", binary);
    author.sees("permitted", "/p/a", "same", b"");
    author.sees("after", "/p/a", "absent", b"");
    author.sees("after", "/p/b", "bytes", b"first\nof ACME-1\nlast\n");
    // What a newer plugin says, and what is broken, is counted and does not stop the rest.
    author.sees("later", "/p/a", "bytes", b"x");
    author.sees("after", "/p/a", "elsewhere", b"x");
    author.frame(Kind::File, 0, 0, b"{\"session\":");
    author.frame(Kind::File, 0, 0, b"{}\nbytes");
    room.pipeline(&author).drain(false).unwrap();
    let tape = room.tape();
    let files = tape.traced_below("/p").unwrap();
    assert_eq!(files.iter().map(|(_, path)| path.as_str()).collect::<Vec<_>>(), ["/p/a", "/p/b"]);
    let ids: Vec<_> = files.iter().map(|(id, _)| *id).collect();
    let histories = tape.file_histories(&ids, None).unwrap();
    let texts: Vec<Vec<_>> = histories
        .iter()
        .map(|file| file.observations.iter().map(|seen| tape.text_at(seen.id).unwrap()).collect())
        .collect();
    let whole = || Some((binary.to_vec(), true));
    assert_eq!(texts[0], [whole(), whole(), None]);
    assert_eq!(texts[1], [Some((b"first\nof [REDACTED]\nlast\n".to_vec(), false))]);
    let first = &histories[0].observations[0];
    let call = CallId { session: "ses_1".to_owned(), call: "call_1".to_owned() };
    assert_eq!((&first.moment, first.changed_us), (&Moment::Before(call), Some(7)));
    assert_eq!(tape.sessions().unwrap().len(), 1);
}

#[test]
fn a_dead_writer_leaves_a_cut_answer_and_no_spool() {
    let room = room();
    let mut author = Author::dead(&room.root, "2-a");
    author.request(1, "ses_1", "msg_1", r#"{"messages":[]}"#);
    author.response(1, 200);
    author.chunk(1, STREAM);
    author.raw(&[7; 50]);
    assert_eq!(adopt(&author.folder, &room.place()).unwrap(), Adoption::Finished);
    let tape = room.tape();
    let row = &tape.exchanges("ses_1").unwrap()[0];
    assert_eq!(row.outcome, Outcome::Cut);
    assert_eq!(row.error.as_deref(), Some("OpenCode ended before the answer did"));
    assert_eq!(tape.exchange(row.id).unwrap().unwrap().response_body, STREAM.as_bytes());
    assert!(!author.folder.exists(), "the spool is consumed");
}

#[test]
fn a_living_writer_keeps_its_spool() {
    let room = room();
    let mut author = Author::alive(&room.root, "3-a");
    author.request(1, "ses_1", "msg_1", "{}");
    adopt_all(&room.place());
    assert_eq!(room.tape().exchanges("ses_1").unwrap()[0].outcome, Outcome::Waiting);
    author.end(1, "failed");
    adopt_all(&room.place());
    assert_eq!(room.tape().exchanges("ses_1").unwrap()[0].outcome, Outcome::Failed);
    assert!(author.folder.exists());
}

#[test]
fn a_spool_for_another_tape_is_left_alone() {
    let room = room();
    let mut author = Author::dead(&room.root, "3-b");
    author.request(1, "ses_1", "msg_1", "{}");
    author.roll_for("/another/home");
    fs::remove_file(author.folder.join("00000001.seg")).unwrap();
    assert_eq!(adopt(&author.folder, &room.place()).unwrap(), Adoption::Elsewhere);
    assert!(author.folder.exists() && !room.tape.exists());
}

#[test]
fn consumed_segments_go_but_not_those_that_an_open_exchange_needs() {
    let room = room();
    let mut author = Author::alive(&room.root, "4-a");
    author.request(1, "ses_1", "msg_1", "{}");
    author.roll();
    author.request(2, "ses_1", "msg_1", "{}");
    author.end(2, "complete");
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    let segments = || Spool::open(&author.folder).unwrap().segments().unwrap();
    assert_eq!(segments(), [1, 2]);
    author.response(1, 200);
    author.end(1, "complete");
    pipeline.drain(false).unwrap();
    assert_eq!(Spool::open(&author.folder).unwrap().segments().unwrap(), [2]);
}

#[test]
fn a_torn_tail_is_passed_over_once_the_next_segment_is_there() {
    let room = room();
    let mut author = Author::alive(&room.root, "5-a");
    author.request(1, "ses_1", "msg_1", "{}");
    author.raw(&[1, 2, 3, 4, 5]);
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    pipeline.drain(false).unwrap();
    author.roll();
    author.end(1, "complete");
    pipeline.drain(false).unwrap();
    assert_eq!(room.tape().exchanges("ses_1").unwrap()[0].outcome, Outcome::Complete);
}

#[test]
fn a_request_of_another_process_is_answered_in_the_status() {
    let room = room();
    let mut author = Author::alive(&room.root, "6-a");
    author.event("session.idle", &json!({"sessionID": "ses_1"}));
    Control { token: "t-1".into(), ..Control::default() }.ask(&author.folder).unwrap();
    let asked = Control::read(&author.folder).map(|control| control.token);
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    assert!(pipeline.tell(asked).is_none());
    let status = Status::read(&author.folder).unwrap();
    assert_eq!((status.answered.as_deref(), status.events), (Some("t-1"), 1));
}

#[test]
fn what_is_no_spool_is_refused_and_left() {
    let room = room();
    fs::create_dir_all(&room.root).unwrap();
    let author = Author::dead(&room.root, "7-a");
    let link = room.root.join("8-link");
    std::os::unix::fs::symlink(&author.folder, &link).unwrap();
    assert!(Spool::open(&link).is_err());
    assert!(Spool::open(&room.root.join("missing")).is_err());

    let newer = Author::dead(&room.root, "9-newer").folder.join("00000001.seg");
    let mut bytes = fs::read(&newer).unwrap();
    bytes[4] = 9;
    fs::write(&newer, &bytes).unwrap();
    let error = adopt(newer.parent().unwrap(), &room.place()).unwrap_err();
    assert!(error.to_string().contains("version 9"), "{error}");
    assert_eq!(fs::read(&newer).unwrap(), bytes, "left for an octrace that can read it");
}

#[derive(Clone, Debug)]
enum Step {
    Request(u8),
    Response(u8),
    Chunk(u8, u16),
    End(u8),
    Event,
    /// A file with so many lines; without any, it is the same as before.
    File(u8),
    Roll,
    /// `/intercept on` or `off`.
    Intercept(bool),
    /// The recorder looks.
    Drain,
    /// The recorder dies and another one begins.
    Die,
    /// The recorder reads and dies before it can commit: the transaction never was.
    DieReading,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..4u8).prop_map(Step::Request),
        3 => (0..4u8).prop_map(Step::Response),
        6 => (0..4u8, 0..2_000u16).prop_map(|(n, length)| Step::Chunk(n, length)),
        3 => (0..4u8).prop_map(Step::End),
        2 => Just(Step::Event),
        3 => (0..3u8).prop_map(Step::File),
        1 => Just(Step::Roll),
        2 => any::<bool>().prop_map(Step::Intercept),
        3 => Just(Step::Drain),
        2 => Just(Step::Die),
        1 => Just(Step::DieReading),
    ];
    prop::collection::vec(step, 1..60)
}

/// Exchanges, how many events, files, dumps.
type Seen = (Vec<String>, usize, Vec<FileHistory>, Vec<(PathBuf, String)>);

/// What a reader of the tape sees, and the dumps.
fn seen(room: &Room) -> Seen {
    let tape = room.tape();
    let rows = tape.exchanges("ses_1").unwrap();
    let exchanges = rows
        .iter()
        .map(|row| {
            let whole = tape.exchange(row.id).unwrap().unwrap();
            let body = String::from_utf8(whole.response_body).unwrap();
            let asked = String::from_utf8(whole.request_body).unwrap();
            format!("{asked} {:?} {:?} {} {body}", row.outcome, row.status, row.chunks)
        })
        .collect();
    let files = tape.traced_file("/p/a").unwrap();
    let files = tape.file_histories(files.as_slice(), None).unwrap();
    (exchanges, tape.events("ses_1").unwrap().len(), files, room.dumps())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The same spool, read by one recorder that lives and by a row of recorders that die, gives the same tape.
    #[test]
    fn everything_is_on_the_tape_once_whatever_dies_when(steps in steps()) {
        let (steady, shaken) = (room(), room());
        let mut authors = [Author::dead(&steady.root, "1-a"), Author::dead(&shaken.root, "1-a")];
        let mut pipeline = shaken.pipeline(&authors[1]);
        let mut number = [0; 4];
        let mut next = 1;
        for step in steps {
            for author in &mut authors {
                match step {
                    Step::Request(n) => author.request(next + u32::from(n), "ses_1", "msg_1", &format!("{{\"n\":{next}}}")),
                    Step::Response(n) => author.response(number[n as usize], 200),
                    Step::Chunk(n, length) => author.chunk(number[n as usize], &"x".repeat(length.into())),
                    Step::End(n) => author.end(number[n as usize], "complete"),
                    Step::Event => author.event("session.idle", &json!({"sessionID": "ses_1"})),
                    Step::File(0) => author.sees("before", "/p/a", "same", b""),
                    Step::File(lines) => author.sees("after", "/p/a", "bytes", &vec![b'\n'; lines.into()]),
                    Step::Roll => author.roll(),
                    Step::Intercept(on) => author.intercept("t", if on { "on" } else { "off" }, "ses_1"),
                    Step::Drain | Step::Die | Step::DieReading => {}
                }
            }
            match step {
                Step::Request(n) => {
                    number[n as usize] = next + u32::from(n);
                    next += 10;
                }
                Step::Drain => pipeline.drain(false).unwrap(),
                Step::Die => {
                    pipeline.drain(false).unwrap();
                    pipeline = shaken.pipeline(&authors[1]);
                }
                Step::DieReading => pipeline = shaken.pipeline(&authors[1]),
                _ => {}
            }
        }
        pipeline.finish().unwrap();
        steady.pipeline(&authors[0]).finish().unwrap();
        prop_assert_eq!(seen(&shaken), seen(&steady));
    }
}
