//! On a real repository, with what a recorder puts on a tape: which commits have a record's lines, whatever happened to
//! history.

use std::{fs, path::PathBuf, process::Command};

use octrace_core::{
    attribution::{
        observed::{Found, Observed, Revision},
        record::{self, Context, Text},
    },
    event,
    redact::Redactor,
};
use octrace_store::SpoolId;
use tempfile::TempDir;

use super::*;

/// A repository with a session that works in it.
struct Room {
    _dir: TempDir,
    root: PathBuf,
    tape: Tape,
    spool: SpoolId,
    redactor: Redactor,
    now_us: i64,
}

impl Room {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("project");
        fs::create_dir(&root).unwrap();
        let mut tape = Tape::open(&dir.path().join("tape.db")).unwrap();
        let (spool, _) = tape.spool("1-a", 0).unwrap();
        // Commits are of the present, and so are calls.
        let now_us = jiff::Timestamp::now().as_microsecond() - 60_000_000;
        let redactor = Redactor::new("");
        let mut room = Self { _dir: dir, root, tape, spool, redactor, now_us };
        room.git(&["init", "--quiet", "--initial-branch=main"]);
        let info = json!({ "id": "ses_1", "directory": room.root });
        room.says("session.created", json!({ "info": info }));
        room
    }

    fn git(&self, arguments: &[&str]) -> String {
        let names = ["-c", "user.name=u", "-c", "user.email=u@localhost"];
        let mut command = Command::new("git");
        let output =
            command.arg("-C").arg(&self.root).args(names).args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.root.join(name), text).unwrap();
    }

    fn commit(&self) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=c"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn says(&mut self, kind: &str, mut properties: Value) {
        properties["sessionID"] = "ses_1".into();
        let sent = json!({ "event": { "type": kind, "properties": properties } });
        self.event(|sent| event::read_event(sent), &sent);
    }

    fn hook(&mut self, hook: &str, call: &str) {
        let sent = json!({ "hook": hook, "input": { "sessionID": "ses_1", "callID": call } });
        self.event(|sent| event::read_hook(sent), &sent);
    }

    fn event(&mut self, read: fn(&Vec<u8>) -> Option<event::Event>, sent: &Value) {
        self.now_us += 1_000;
        let clean = self.redactor.json(sent.to_string().as_bytes());
        let event = clean.derive(read).transpose().unwrap();
        let mut batch = self.tape.begin().unwrap();
        batch.event(self.spool, self.now_us, &event).unwrap();
        batch.commit().unwrap();
    }

    fn sees(&mut self, moment: Moment, name: &str) {
        self.now_us += 1_000;
        let path = self.root.join(name);
        let seen = self.redactor.file(Observed {
            session: "ses_1".into(),
            moment,
            path: path.to_str().unwrap().into(),
            named: None,
            at_us: self.now_us,
            found: fs::read(&path).map_or(Found::Absent, Found::Text),
            exact: true,
            mark: String::new(),
            changed_us: None,
        });
        let mut batch = self.tape.begin().unwrap();
        batch.observed(self.spool, &seen).unwrap();
        batch.commit().unwrap();
    }

    /// A call of `edit` leaves this text in the file.
    fn edits(&mut self, id: &str, name: &str, text: &str) {
        let call = CallId { session: "ses_1".into(), call: id.into() };
        let part = |status: &str, at_us: i64| {
            json!({ "part": { "id": format!("prt_{id}"), "messageID": "msg_2", "type": "tool", "tool": "edit",
                "callID": id, "state": { "status": status, "input": {}, "metadata": {},
                    "time": { "start": at_us / 1_000, "end": at_us / 1_000 } } } })
        };
        self.says("message.part.updated", part("running", self.now_us));
        self.hook("tool.execute.before", id);
        self.sees(Moment::Before(call.clone()), name);
        self.write(name, text);
        self.sees(Moment::After(call.clone()), name);
        self.hook("tool.execute.after", id);
        self.says("message.part.updated", part("completed", self.now_us));
        self.keep(&call, name);
    }

    /// Puts the call's record on the tape.
    fn keep(&mut self, id: &CallId, name: &str) {
        let path = self.root.join(name);
        let file = self.tape.traced_file(path.to_str().unwrap()).unwrap().unwrap();
        let histories = self.tape.file_histories(&[file], None).unwrap();
        let calls = self.tape.calls_between(0, i64::MAX).unwrap();
        let tracked = track(&histories, &calls);
        let root = self.root.to_str().unwrap().to_owned();
        let context = Context {
            timestamp: "2026-11-20T20:00:00Z".into(),
            root: root.clone(),
            ..Context::default()
        };
        let text = |seen| {
            let (bytes, exact) = self.tape.text_at(seen).unwrap()?;
            Some(Text { bytes, exact })
        };
        let wanted = |at: usize| (calls[at].id == *id).then(|| context.clone());
        let made = record::records(&tracked, &histories, &calls, wanted, text);
        let revision = Revision { root, vcs: Some("git".into()), revision: None };
        let revision = self.redactor.revision(revision);
        let mut batch = self.tape.begin().unwrap();
        batch.revision(id, self.now_us, &revision).unwrap();
        for made in made {
            let kept = evidence::Record {
                id: made.record.id.clone(),
                call: id.clone(),
                at_us: self.now_us,
                json: serde_json::to_string(&made.record).unwrap(),
            };
            assert!(batch.record_put(self.spool, &kept).unwrap());
        }
        batch.commit().unwrap();
    }

    /// `provisional` and `commits` of the session's records.
    fn committed(&self) -> Vec<(bool, Value)> {
        let rows = self.tape.records("ses_1").unwrap();
        let mut records: Vec<_> = rows
            .into_iter()
            .map(|row| {
                let record: Record = serde_json::from_str(&row.json).unwrap();
                (row, record)
            })
            .collect();
        find(&self.tape, &mut records, jiff::Timestamp::now().as_microsecond()).unwrap();
        let told = records.iter().map(|(_, record)| {
            let provisional = record.metadata[metadata::PROVISIONAL] == true;
            (provisional, record.metadata.get(metadata::COMMITS).cloned().unwrap_or_default())
        });
        told.collect()
    }
}

#[test]
fn a_record_names_the_commits_that_have_its_lines_now() {
    let mut room = Room::new();
    room.write("a.rs", "fn one() {}\nfn two() {}\n");
    room.edits("c1", "a.rs", "fn one() {}\nfn mine() {}\nfn own() {}\nfn two() {}\n");
    assert_eq!(room.committed(), [(true, Value::Null)], "no commit at all");
    let lines = |revision: &str, path: &str, start: u64, end: u64| json!([{ "revision": revision, "path": path, "start_line": start, "end_line": end }]);
    let first = room.commit();
    assert_eq!(room.committed(), [(false, lines(&first, "a.rs", 2, 3))]);

    // History is written anew, and lines move.
    room.write("a.rs", "// by hand\nfn one() {}\nfn mine() {}\nfn own() {}\nfn two() {}\n");
    room.git(&["commit", "--all", "--amend", "--quiet", "--message=other"]);
    let second = room.git(&["rev-parse", "HEAD"]);
    assert_eq!(room.committed(), [(false, lines(&second, "a.rs", 3, 4))]);

    // Another call and a person each take a line.
    room.edits(
        "c2",
        "a.rs",
        "// by hand\nfn one() {}\nfn mine() {}\nfn own_too() {}\nfn two() {}\n",
    );
    assert_eq!(room.committed(), [(false, lines(&second, "a.rs", 3, 4)), (true, Value::Null)]);
    let third = room.commit();
    let both = [(false, lines(&second, "a.rs", 3, 3)), (false, lines(&third, "a.rs", 4, 4))];
    assert_eq!(room.committed(), both);
    room.write("a.rs", "// by hand\nfn one() {}\nfn his() {}\nfn own_too() {}\nfn two() {}\n");
    room.commit();
    assert_eq!(room.committed(), [(true, Value::Null), (false, lines(&third, "a.rs", 4, 4))]);
}

#[test]
fn a_line_that_is_older_than_the_call_is_not_the_calls() {
    let mut room = Room::new();
    room.write("a.rs", "fn one() {}\n");
    room.git(&["add", "--all"]);
    let old = "--date=2020-01-01T00:00:00Z";
    let mut command = Command::new("git");
    command.arg("-C").arg(&room.root).env("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z");
    command.args(["-c", "user.name=u", "-c", "user.email=u@localhost"]);
    assert!(command.args(["commit", "--quiet", "--message=c", old]).status().unwrap().success());
    // Taken out by hand, and brought again by the call.
    room.write("a.rs", "");
    room.edits("c1", "a.rs", "fn one() {}\n");
    assert_eq!(room.committed(), [(true, Value::Null)]);
}

#[test]
fn a_repository_that_is_gone_leaves_records_as_they_are() {
    let mut room = Room::new();
    room.edits("c1", "a.rs", "fn one() {}\n");
    room.commit();
    assert!(!room.committed()[0].0);
    fs::remove_dir_all(&room.root).unwrap();
    assert_eq!(room.committed(), [(true, Value::Null)]);
}
