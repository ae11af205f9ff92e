//! Bad weather, on spools written here: recorders that die between the frames of one request, exchanges
//! that hang while others go on, files in the spool that are not ours.

use std::{fs, time::Duration};

use octrace_core::exchange::Outcome;
use octrace_testkit::Author;
use octrace_wire::frame::{FLAG_LAST, Kind};
use serde_json::json;

use super::{
    adopt::{Adoption, adopt, adopt_all},
    flush::flush,
    place::Place,
    spool::{self, Spool},
    status,
    tests::room,
};

const BODY: &str = r#"{"messages":[]}"#;

fn head(body: &str) -> Vec<u8> {
    json!({"method": "POST", "url": "http://127.0.0.1/v1/chat/completions", "headers": [],
        "session": "ses_1", "body_bytes": body.len(), "body": "text"})
    .to_string()
    .into_bytes()
}

#[test]
fn a_recorder_may_die_between_a_request_and_its_body() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    author.frame(Kind::Request, 0, 1, &head(BODY));
    room.pipeline(&author).drain(false).unwrap();
    author.frame(Kind::RequestBody, FLAG_LAST, 1, BODY.as_bytes());
    author.response(1, 200);
    author.end(1, "complete");
    room.pipeline(&author).drain(false).unwrap();
    let tape = room.tape();
    let [row] = &tape.exchanges("ses_1").unwrap()[..] else { panic!("one row") };
    assert_eq!(row.outcome, Outcome::Complete);
    assert_eq!(tape.exchange(row.id).unwrap().unwrap().request_body, BODY.as_bytes());
}

#[test]
fn an_exchange_that_hangs_does_not_hold_the_spool() {
    let room = room();
    let mut author = Author::alive(&room.root, "2-a");
    author.request(1, "ses_1", "msg_1", BODY);
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    for number in 2..40 {
        author.roll();
        author.request(number, "ses_1", "msg_1", BODY);
        author.end(number, "complete");
        pipeline.drain(false).unwrap();
    }
    let left = Spool::open(&author.folder).unwrap().segments().unwrap();
    assert!(left.len() < 20, "{left:?}");
    author.response(1, 200);
    author.chunk(1, "late, but whole");
    author.end(1, "complete");
    pipeline.drain(false).unwrap();
    let tape = room.tape();
    let first = tape.exchange(tape.exchanges("ses_1").unwrap()[0].id).unwrap().unwrap();
    assert_eq!(first.response_body, b"late, but whole");
}

#[test]
fn a_dialect_is_told_by_a_body_of_one_frame() {
    let room = room();
    let mut author = Author::alive(&room.root, "4-a");
    let body = r#"{"contents":[{"parts":[]}]}"#;
    let head = json!({"method": "POST", "url": "http://127.0.0.1/gateway", "headers": [],
        "session": "ses_1", "body_bytes": body.len(), "body": "text"});
    author.frame(Kind::Request, 0, 1, head.to_string().as_bytes());
    author.frame(Kind::RequestBody, FLAG_LAST, 1, body.as_bytes());
    room.pipeline(&author).drain(false).unwrap();
    let row = room.tape().exchanges("ses_1").unwrap()[0].clone();
    assert_eq!(row.dialect, octrace_core::provider::Dialect::Gemini);
}

#[test]
fn a_broken_frame_costs_no_whole_one() {
    let room = room();
    let mut author = Author::dead(&room.root, "5-a");
    author.request(1, "ses_1", "msg_1", BODY);
    let at = fs::metadata(author.folder.join("00000001.seg")).unwrap().len();
    author.event("session.idle", &json!({"sessionID": "ses_1"}));
    author.end(1, "complete");
    author.event("session.idle", &json!({"sessionID": "ses_1"}));
    let path = author.folder.join("00000001.seg");
    let mut bytes = fs::read(&path).unwrap();
    bytes[at as usize + 40] ^= 1;
    fs::write(&path, bytes).unwrap();
    adopt(&author.folder, &room.place()).unwrap();
    assert_eq!(room.tape().exchanges("ses_1").unwrap()[0].outcome, Outcome::Complete);
    assert_eq!(room.tape().events("ses_1").unwrap().len(), 1);
}

#[test]
fn what_is_no_segment_does_not_stop_the_others() {
    for kind in ["folder", "link", "fifo"] {
        let room = room();
        let mut author = Author::dead(&room.root, "6-a");
        author.request(1, "ses_1", "msg_1", BODY);
        author.roll();
        author.roll();
        author.end(1, "complete");
        let path = author.folder.join("00000002.seg");
        fs::remove_file(&path).unwrap();
        match kind {
            "folder" => fs::create_dir(&path).unwrap(),
            "link" => std::os::unix::fs::symlink("/etc/passwd", &path).unwrap(),
            _ => {
                let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
                assert!(made.success());
            }
        }
        assert_eq!(adopt(&author.folder, &room.place()).unwrap(), Adoption::Finished, "{kind}");
        let row = room.tape().exchanges("ses_1").unwrap()[0].clone();
        assert_eq!(row.outcome, Outcome::Complete, "{kind}");
        let stays = room.root.join(".gone-6-a/00000002.seg");
        assert!(fs::symlink_metadata(stays).is_ok(), "what is not ours stays");
    }
}

#[test]
fn a_request_without_its_end_appears_with_its_response() {
    let room = room();
    let mut author = Author::alive(&room.root, "9-a");
    author.frame(Kind::Request, 0, 1, &head(BODY));
    author.response(1, 200);
    author.chunk(1, "x");
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    assert_eq!(room.tape().exchanges("ses_1").unwrap().len(), 1);
}

#[test]
fn losses_beyond_counting_are_no_panic() {
    let room = room();
    let mut author = Author::dead(&room.root, "8-a");
    let gap = json!({"frames": u64::MAX, "bytes": u64::MAX}).to_string();
    author.frame(Kind::Gap, 0, 0, gap.as_bytes());
    author.frame(Kind::Gap, 0, 0, gap.as_bytes());
    assert_eq!(adopt(&author.folder, &room.place()).unwrap(), Adoption::Finished);
}

#[test]
fn a_number_that_comes_twice_stops_nothing() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    for body in ["{\"first\":1}", "{\"second\":2}"] {
        author.request(1, "ses_1", "msg_1", body);
        author.end(1, "complete");
    }
    author.request(2, "ses_1", "msg_1", "{}");
    room.pipeline(&author).drain(false).unwrap();
    let mut again = room.pipeline(&author);
    author.request(2, "ses_1", "msg_1", "{}");
    again.drain(false).unwrap();
    let tape = room.tape();
    let rows = tape.exchanges("ses_1").unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(tape.exchange(rows[0].id).unwrap().unwrap().request_body, b"{\"first\":1}");
}

#[test]
fn an_exchange_that_was_let_go_keeps_its_times_over_a_restart() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    for _ in 0..500 {
        author.event("x", &json!({}));
    }
    author.request(1, "ses_1", "msg_1", "{}");
    author.response(1, 200);
    for _ in 0..16 {
        author.chunk(1, "data: {}\n\n");
        author.roll();
    }
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    pipeline.refresh().unwrap();
    let before = room.tape().exchanges("ses_1").unwrap().remove(0);
    let mut pipeline = room.pipeline(&author);
    author.chunk(1, "data: {}\n\n");
    author.end(1, "complete");
    pipeline.drain(false).unwrap();
    let after = room.tape().exchanges("ses_1").unwrap().remove(0);
    assert_eq!(after.status, Some(200));
    assert_eq!(after.timing.head_after_us, before.timing.head_after_us);
    assert_eq!(after.timing.first_byte_after_us, before.timing.first_byte_after_us);
    assert!(after.timing.end_after_us < Some(100_000), "{:?}", after.timing);
    assert!(after.chunks >= before.chunks && after.response_bytes >= before.response_bytes);
}

#[test]
fn half_a_hello_is_no_invitation() {
    let room = room();
    let folder = room.root.join("1-b");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("00000001.seg"), octrace_wire::segment::header(1)).unwrap();
    assert_eq!(adopt(&folder, &room.place()).unwrap(), Adoption::Elsewhere);
    assert!(!room.tape.exists() && folder.exists());
}

#[test]
fn a_spool_that_ends_in_half_a_hello_is_known_by_the_one_before() {
    let room = room();
    let mut author = Author::dead(&room.root, "12-a");
    author.request(1, "ses_1", "msg_1", BODY);
    author.end(1, "complete");
    let torn = author.folder.join("00000002.seg");
    fs::write(torn, [&octrace_wire::segment::header(2)[..], b"torn"].concat()).unwrap();
    // The recorder takes what is there, and dies before it deletes the spool.
    room.pipeline(&author).drain(true).unwrap();
    assert_eq!(adopt(&author.folder, &room.place()).unwrap(), Adoption::Finished);
    assert!(!author.folder.exists());
    assert_eq!(room.tape().exchanges("ses_1").unwrap().len(), 1);
}

#[test]
fn a_spool_that_begins_with_half_a_hello_is_known_by_the_next() {
    let room = room();
    let mut author = Author::dead(&room.root, "13-a");
    author.roll();
    author.request(1, "ses_1", "msg_1", BODY);
    author.end(1, "complete");
    // As on a full disk: there was room again when the writer began the next.
    fs::write(author.folder.join("00000001.seg"), octrace_wire::segment::header(1)).unwrap();
    assert_eq!(adopt(&author.folder, &room.place()).unwrap(), Adoption::Finished);
    assert!(!author.folder.exists());
    assert_eq!(room.tape().exchanges("ses_1").unwrap().len(), 1);
}

#[test]
fn what_was_being_deleted_is_deleted_and_no_spool() {
    let room = room();
    let flushed = |place: &Place| assert!(flush(place, Duration::ZERO).failed.is_empty());
    for (name, by) in [(".gone-1-a", adopt_all as fn(&Place)), (".gone-1-b", flushed)] {
        let author = Author::dead(&room.root, name);
        fs::write(author.folder.join(".control"), "{}").unwrap();
        assert_eq!(spool::spools_in(&room.root), Vec::<std::path::PathBuf>::new());
        by(&room.place());
        assert!(!author.folder.exists() && !room.tape.exists());
    }
}

#[test]
fn a_status_that_cannot_be_written_stops_nothing() {
    let room = room();
    let mut author = Author::alive(&room.root, "9-a");
    let mut pipeline = room.pipeline(&author);
    fs::create_dir(author.folder.join(status::FILE)).unwrap();
    assert!(pipeline.tell(None).is_some());
    author.request(1, "ses_1", "msg_1", BODY);
    pipeline.drain(false).unwrap();
    assert_eq!(room.tape().exchanges("ses_1").unwrap().len(), 1);
    fs::remove_dir(author.folder.join(status::FILE)).unwrap();
    assert!(pipeline.tell(None).is_none(), "said as soon as it can be");
}

#[test]
fn a_status_is_never_written_through_what_is_there() {
    let room = room();
    let author = Author::alive(&room.root, "10-a");
    let precious = room.root.join("precious");
    fs::write(&precious, "precious").unwrap();
    for name in [status::FILE, ".status.new"] {
        fs::hard_link(&precious, author.folder.join(name)).unwrap();
    }
    let mut pipeline = room.pipeline(&author);
    assert!(pipeline.tell(None).is_none());
    assert_eq!(fs::read(&precious).unwrap(), b"precious");
    assert!(status::Status::read(&author.folder).is_some());
}

#[test]
fn a_recorder_may_die_at_any_byte() {
    let (written, room) = (tempfile::tempdir().unwrap(), room());
    let mut author = Author::alive(written.path(), "11-a");
    let body = BODY.repeat(3);
    for number in 1..6 {
        author.frame(Kind::Request, 0, number, &head(&body));
        author.frame(Kind::RequestBody, 0, number, BODY.as_bytes());
        author.frame(Kind::Gap, 0, 0, br#"{"frames":1,"bytes":1}"#);
        author.frame(Kind::RequestBody, 0, number, BODY.as_bytes());
        author.frame(Kind::RequestBody, FLAG_LAST, number, BODY.as_bytes());
        author.event("session.idle", &json!({"sessionID": "ses_1"}));
        author.response(number, 200);
        author.chunk(number, "abc");
        author.chunk(number, "def");
        if number % 2 == 1 {
            author.end(number, "complete");
        }
    }
    let bytes = fs::read(author.folder.join("00000001.seg")).unwrap();
    author.folder = room.root.join("11-a");
    fs::create_dir_all(&author.folder).unwrap();
    for end in (1..bytes.len()).step_by(7).chain([bytes.len()]) {
        fs::write(author.folder.join("00000001.seg"), &bytes[..end]).unwrap();
        let mut pipeline = room.pipeline(&author);
        pipeline.drain(false).unwrap();
        if end % 2 == 0 {
            pipeline.refresh().unwrap();
        }
    }
    let tape = room.tape();
    let rows = tape.exchanges("ses_1").unwrap();
    assert_eq!((rows.len(), tape.events("ses_1").unwrap().len()), (5, 5));
    for row in rows {
        let whole = tape.exchange(row.id).unwrap().unwrap();
        assert_eq!((whole.request_cut, whole.request_body), (false, body.clone().into_bytes()));
        assert_eq!((row.response_bytes, row.chunks), (6, 2));
        if row.outcome == Outcome::Complete {
            assert_eq!(whole.response_body, b"abcdef");
        }
    }
}

#[test]
fn a_tape_deleted_under_a_recorder_is_written_anew_from_the_spool() {
    let room = room();
    let mut author = Author::dead(&room.root, "1-a");
    author.request(1, "ses_1", "msg_1", BODY);
    author.end(1, "complete");
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    for file in fs::read_dir(room.tape.parent().unwrap()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    author.request(2, "ses_1", "msg_1", BODY);
    author.end(2, "complete");
    assert!(pipeline.finish().is_err(), "what nobody can read is not written");
    assert!(author.folder.exists(), "so the spool stays");
    room.pipeline(&author).finish().unwrap();
    assert_eq!(room.tape().exchanges("ses_1").unwrap().len(), 2);
}

#[test]
fn an_exchange_that_goes_on_for_ever_is_stored_again_and_again() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    author.request(1, "ses_1", "msg_1", BODY);
    author.response(1, 200);
    let mut pipeline = room.pipeline(&author);
    for _ in 0..40 {
        author.chunk(1, "data: {}\n\n");
        author.roll();
        pipeline.drain(false).unwrap();
    }
    let row = room.tape().exchanges("ses_1").unwrap().remove(0);
    let kept = room.tape().exchange(row.id).unwrap().unwrap();
    assert!(kept.response_cut && kept.response_body.len() > 200, "{}", kept.response_body.len());
    author.end(1, "complete");
    pipeline.drain(false).unwrap();
    let kept = room.tape().exchange(row.id).unwrap().unwrap();
    assert!(!kept.response_cut, "a recorder that lived has all of it");
    assert_eq!(kept.response_body.len(), 40 * 10);
}

#[test]
fn a_spool_names_the_directories_it_was_recorded_in() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    for (id, directory) in [("ses_1", "/left"), ("ses_2", "/right"), ("ses_3", "/left")] {
        let info = json!({"id": id, "directory": directory});
        author.event("session.created", &json!({"sessionID": id, "info": info}));
    }
    room.pipeline(&author).drain(false).unwrap();
    let mut directories = room.tape().directories("1-a").unwrap();
    directories.sort();
    assert_eq!(directories, ["/left", "/right"]);
    assert_eq!(room.tape().directories("2-b").unwrap(), Vec::<String>::new());
}

#[test]
fn a_request_cut_short_keeps_its_dialect() {
    let room = room();
    let mut author = Author::alive(&room.root, "1-a");
    let body = r#"{"model":"m1","messages":[{"role":"user","content":"hi"}],"#;
    let head = json!({"method": "POST", "url": "https://gateway.example/ask", "headers": [],
        "session": "ses_1", "body_bytes": 9_999, "body": "text"});
    author.frame(Kind::Request, 0, 1, head.to_string().as_bytes());
    author.frame(Kind::RequestBody, 0, 1, body.as_bytes());
    author.response(1, 200);
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    author.chunk(1, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n");
    author.end(1, "cut");
    pipeline.drain(false).unwrap();
    let row = room.tape().exchanges("ses_1").unwrap().remove(0);
    assert_eq!(row.dialect.as_str(), "openai-chat");
    assert_eq!(row.timing.first_content_after_us, row.timing.first_byte_after_us);
    assert!(row.timing.first_content_after_us.is_some(), "read in the dialect that the body told");
}
