//! What files contained and when calls were at work: written as a recorder does, read as attribution does.

use octrace_core::{
    attribution::{
        line,
        observed::{Found, Observed, Revision},
        timeline::{CallId, Ended, Moment, Seen},
    },
    event,
};
use serde_json::{Value, json};

mod due;

use super::Author;
use crate::{
    Tape,
    evidence::{Record, Trees},
};

const BEGIN: i64 = 1_795_164_558_000_000;

pub(super) fn call(id: &str) -> CallId {
    CallId { session: "ses_1".into(), call: id.into() }
}

/// A text as it was seen at a moment of `ses_1`.
pub(super) fn seen(moment: Moment, at_us: i64, path: &str, text: &str) -> Observed {
    Observed {
        session: "ses_1".into(),
        moment,
        path: path.into(),
        named: None,
        at_us,
        found: Found::Text(text.into()),
        exact: true,
        mark: String::new(),
        changed_us: None,
    }
}

impl Author {
    pub(super) fn sees(&mut self, seen: Observed) {
        let seen = self.redactor.file(seen);
        let mut batch = self.tape.begin().unwrap();
        batch.observed(self.spool, &seen).unwrap();
        batch.commit().unwrap();
    }

    /// An event of `ses_1` at a time.
    fn says(&mut self, at_us: i64, kind: &str, mut properties: Value) {
        properties["sessionID"] = "ses_1".into();
        let sent = json!({"event": {"type": kind, "properties": properties}}).to_string();
        let event = self.redactor.json(sent.as_bytes()).derive(|clean| event::read_event(clean));
        let mut batch = self.tape.begin().unwrap();
        batch.event(self.spool, at_us, &event.transpose().unwrap()).unwrap();
        batch.commit().unwrap();
    }

    fn hook(&mut self, at_us: i64, hook: &str, call: &str) {
        let sent = json!({"hook": hook, "input": {"sessionID": "ses_1", "callID": call}});
        let sent = sent.to_string();
        let event = self.redactor.json(sent.as_bytes()).derive(|clean| event::read_hook(clean));
        let mut batch = self.tape.begin().unwrap();
        batch.event(self.spool, at_us, &event.transpose().unwrap()).unwrap();
        batch.commit().unwrap();
    }

    fn tells(&mut self, at_us: i64, call: &str, tool: &str, state: &Value) {
        let part = json!({"id": format!("prt_{call}"), "messageID": "msg_2", "type": "tool",
            "tool": tool, "callID": call, "state": state});
        self.says(at_us, "message.part.updated", json!({"part": part}));
    }

    fn steps(&mut self, at_us: i64, message: &str, kind: &str, tree: &str) {
        let part = json!({"id": format!("prt_{message}{kind}"), "messageID": message,
            "type": kind, "snapshot": tree});
        self.says(at_us, "message.part.updated", json!({"part": part}));
    }
}

/// Everything that a tape says of its files and calls.
fn told(tape: &Tape) -> String {
    let files: Vec<_> = tape.traced_below("/").unwrap().into_iter().map(|(id, _)| id).collect();
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}",
        tape.file_histories(&files, None).unwrap(),
        tape.calls_between(0, i64::MAX).unwrap(),
        tape.steps_of_session("ses_1").unwrap(),
        tape.records("ses_1").unwrap(),
    )
}

#[test]
fn files_are_seen_in_their_order_and_by_whose_call() {
    let mut author = Author::new();
    let text = "one\r\ntwo";
    author.sees(Observed {
        mark: "a1".into(),
        named: Some("/link".into()),
        ..seen(Moment::Before(call("c1")), 10, "/p/a", text)
    });
    author.sees(seen(Moment::After(call("c1")), 20, "/p/a", "one\nthree\n"));
    author.sees(Observed {
        mark: "a1".into(),
        found: Found::Same,
        changed_us: Some(5),
        ..seen(Moment::Before(call("c2")), 30, "/p/a", "")
    });
    author
        .sees(Observed { found: Found::Absent, ..seen(Moment::After(call("c2")), 40, "/p/a", "") });
    author
        .sees(Observed { found: Found::Large, ..seen(Moment::Before(call("c2")), 35, "/p.b", "") });
    author.sees(Observed {
        mark: "zz".into(),
        found: Found::Same,
        ..seen(Moment::Permitted(call("c2")), 36, "/p.b", "")
    });
    let tape = &author.tape;
    let a = tape.traced_file("/p/a").unwrap().unwrap();
    let b = tape.traced_file("/p.b").unwrap().unwrap();
    assert_eq!(tape.traced_file("/p").unwrap(), None);
    assert_eq!(tape.traced_below("/p").unwrap(), [(a, "/p/a".to_owned())]);
    assert_eq!(tape.traced_below("/").unwrap().len(), 2);
    assert_eq!(tape.files_of_call(&call("c1")).unwrap(), [a]);
    assert_eq!(tape.files_of_session("ses_1").unwrap(), [a, b]);
    let histories = tape.file_histories(&[b, a], None).unwrap();
    let [large, history] = histories.as_slice() else { panic!("two") };
    assert!(large.observations.iter().all(|seen| seen.seen == Seen::Unread));
    assert_eq!(history.path, "/p/a");
    let seen: Vec<_> = history.observations.iter().map(|seen| (seen.at_us, &seen.seen)).collect();
    let lines = |text: &str| Seen::Text(line::lines(text.as_bytes(), true).into());
    let first = lines(text);
    assert_eq!(
        seen,
        [(10, &first), (20, &lines("one\nthree\n")), (30, &first), (40, &Seen::Absent)]
    );
    assert_eq!(history.observations[2].changed_us, Some(5));
    assert_eq!(history.observations[1].moment, Moment::After(call("c1")));
    let (bytes, exact) = tape.text_at(history.observations[0].id).unwrap().unwrap();
    assert_eq!((bytes.as_slice(), exact), (text.as_bytes(), true));
    assert_eq!(tape.text_at(history.observations[3].id).unwrap(), None);
    assert_eq!(tape.file_histories(&[a], Some(29)).unwrap()[0].observations.len(), 2);
}

#[test]
fn a_call_is_at_work_from_when_it_may_run_until_it_ends() {
    let mut author = Author::new();
    let info = json!({"id": "ses_1", "directory": "/work/sub"});
    author.says(BEGIN, "session.created", json!({"info": info}));
    let text = |text: &str| author.redactor.text(text);
    let instance = crate::diagnostics::Instance {
        directory: text("/work/sub"),
        worktree: text("/work"),
        project: text("prj"),
        options: author.redactor.json(b"{}"),
    };
    let mut batch = author.tape.begin().unwrap();
    batch.instance(author.spool, &instance).unwrap();
    batch.commit().unwrap();
    let asks = |call: &str, request: &str| json!({"id": request, "tool": {"callID": call}});
    let reply = |request: &str, reply: &str| json!({"requestID": request, "reply": reply});
    let done = |start: i64| {
        json!({"status": "completed", "input": {"command": "make"},
            "metadata": {"exit": 0}, "time": {"start": start / 1_000, "end": start / 1_000}})
    };
    // Asked twice, by a clock that was set back meanwhile.
    author.tells(
        BEGIN,
        "c1",
        "bash",
        &json!({"status": "running", "input": {}, "time": {"start": BEGIN / 1_000}}),
    );
    author.hook(BEGIN + 10, "tool.execute.before", "c1");
    author.says(BEGIN + 20, "permission.asked", asks("c1", "per_1"));
    author.says(BEGIN + 30, "permission.replied", reply("per_1", "always"));
    author.says(BEGIN + 40, "permission.asked", asks("c1", "per_2"));
    assert_eq!(author.tape.call(&call("c1")).unwrap().unwrap().ran_us, None, "it waits");
    author.says(BEGIN + 25, "permission.replied", reply("per_2", "once"));
    assert_eq!(author.tape.call(&call("c1")).unwrap().unwrap().ran_us, Some(BEGIN + 25));
    author.hook(BEGIN + 60, "shell.env", "c1");
    author.hook(BEGIN + 100, "tool.execute.after", "c1");
    author.tells(BEGIN + 120, "c1", "bash", &done(BEGIN));
    // Rejected; running until nobody knows; one that changes nothing.
    author.tells(
        BEGIN + 130,
        "c2",
        "edit",
        &json!({"status": "running", "input": {}, "time": {"start": BEGIN / 1_000}}),
    );
    author.hook(BEGIN + 130, "tool.execute.before", "c2");
    author.says(BEGIN + 140, "permission.asked", asks("c2", "per_3"));
    author.says(BEGIN + 150, "permission.replied", reply("per_3", "reject"));
    author.tells(BEGIN + 160, "c2", "edit", &json!({"status": "error", "error": "no", "input": {"a": 1}, "time": {"start": 1, "end": BEGIN / 1_000 + 1}}));
    author.hook(BEGIN + 170, "tool.execute.before", "c3");
    author.tells(
        BEGIN + 170,
        "c3",
        "mcp_write",
        &json!({"status": "running", "input": {}, "time": {"start": 1}}),
    );
    author.tells(BEGIN + 180, "c4", "read", &done(BEGIN));
    let tape = &author.tape;
    let all = tape.calls_between(0, i64::MAX).unwrap();
    let ids: Vec<_> = all.iter().map(|call| call.id.call.as_str()).collect();
    assert_eq!(ids, ["c1", "c3"]);
    let [first, open] = all.as_slice() else { panic!("two") };
    assert_eq!((first.ran_us, first.ended_us), (Some(BEGIN + 60), Some(BEGIN + 100)));
    assert_eq!((first.ended, first.message.as_str()), (Ended::Well, "msg_2"));
    assert_eq!(first.root, "/work");
    assert_eq!(
        (first.input.as_str(), first.metadata.as_str()),
        (r#"{"command":"make"}"#, r#"{"exit":0}"#)
    );
    assert_eq!((open.ended, open.ended_us), (Ended::Running, None));
    let rejected = tape.call(&call("c2")).unwrap().unwrap();
    assert_eq!((rejected.ran_us, rejected.ended), (None, Ended::Badly));
    assert_eq!(rejected.input, r#"{"a":1}"#);
    let between = |from, to| tape.calls_between(BEGIN + from, BEGIN + to).unwrap().len();
    assert_eq!(
        [between(0, 59), between(60, 60), between(100, 101), between(101, 169)],
        [0, 1, 1, 0]
    );
    assert_eq!(tape.calls_of_message("ses_1", "msg_2").unwrap().len(), 3);

    // What a person typed is no call, unless a step asked for it.
    let typed = ["01K9ZQ0ABCDEFGHJKMNPQRSTVW", "01k9zq0abcdefghjkmnpqrstvw"];
    for id in typed {
        author.tells(BEGIN + 190, id, "bash", &done(BEGIN));
    }
    let is_call = |tape: &Tape| typed.map(|id| tape.call(&call(id)).unwrap().is_some());
    assert_eq!(is_call(&author.tape), [false, true]);
    author.steps(BEGIN + 195, "msg_2", "step-start", "aaaa");
    assert_eq!(is_call(&author.tape), [true, true]);

    // Whether a call that names files was watched.
    author.tells(BEGIN + 200, "c5", "edit", &done(BEGIN));
    let is_unseen = |tape: &Tape| tape.call(&call("c5")).unwrap().unwrap().unseen;
    assert!(is_unseen(&author.tape));
    author.sees(seen(Moment::Before(call("c5")), 200, "/p/a", "one"));
    assert!(!is_unseen(&author.tape));

    let mut batch = author.tape.begin().unwrap();
    batch.spool_ends(author.spool, BEGIN + 500).unwrap();
    batch.commit().unwrap();
    let open = author.tape.call(&call("c3")).unwrap().unwrap();
    assert_eq!(
        (open.ended, open.ended_us),
        (Ended::Running, Some(BEGIN + 500)),
        "with its process"
    );
}

#[test]
fn steps_have_their_trees_and_what_is_read_of_them() {
    let mut author = Author::new();
    author.steps(10, "msg_1", "step-start", "aa");
    author.steps(15, "msg_1", "step-start", "ab");
    author.steps(20, "msg_1", "step-finish", "bb");
    author.steps(30, "msg_2", "step-start", "");
    let due = author.tape.steps_due(author.spool).unwrap();
    assert_eq!(
        due.iter().map(|step| step.message.as_str()).collect::<Vec<_>>(),
        ["msg_1", "msg_2"]
    );
    assert_eq!((due[0].started_us, due[0].ended_us), (Some(10), Some(20)));
    assert_eq!((due[0].before.as_deref(), due[0].after.as_deref()), (Some("aa"), Some("bb")));
    assert_eq!((due[1].before.as_deref(), due[1].ended_us), (None, None));
    author.sees(seen(Moment::Finish("msg_1".into()), 20, "/p/a", "x\n"));
    author.sees(seen(Moment::Finish("msg_9".into()), 20, "/p/b", "x\n"));
    assert_eq!(author.tape.files_of_step("ses_1", "msg_1").unwrap().len(), 1);
    assert_eq!(author.tape.traced_file("/p/b").unwrap(), None, "of no step");
    let mut batch = author.tape.begin().unwrap();
    batch.step_is_read("msg_1", Trees::Read).unwrap();
    batch.step_is_traced("msg_1").unwrap();
    batch.commit().unwrap();
    assert_eq!(author.tape.steps_due(author.spool).unwrap().len(), 1);
    author.steps(20, "msg_1", "step-finish", "bb");
    assert_eq!(author.tape.step_of_message("msg_1").unwrap().unwrap().trees, Trees::Read);
    author.steps(25, "msg_1", "step-finish", "cc");
    assert_eq!(author.tape.steps_due(author.spool).unwrap()[0].trees, Trees::Due);
}

#[test]
fn records_and_revisions_are_kept_once_and_told_apart() {
    let mut author = Author::new();
    author.says(10, "session.created", json!({"info": {"id": "ses_1"}}));
    let spool = author.spool;
    let revision = Revision {
        root: "/work".into(),
        vcs: Some("git".into()),
        revision: Some("0123456789abcdef0123456789abcdef01234567".into()),
    };
    let clean = author.redactor.revision(revision.clone());
    let record =
        |json: &str| Record { id: "id".into(), call: call("c1"), at_us: 7, json: json.into() };
    let mut batch = author.tape.begin().unwrap();
    batch.revision(&call("c1"), 7, &clean).unwrap();
    assert!(batch.record_put(spool, &record("{}")).unwrap());
    assert!(!batch.record_put(spool, &record("{}")).unwrap());
    assert!(batch.record_put(spool, &record("[]")).unwrap());
    let elsewhere = CallId { session: "ses_0".into(), call: "c1".into() };
    let gone = Record { id: "other".into(), call: elsewhere, ..record("{}") };
    assert!(!batch.record_put(spool, &gone).unwrap());
    batch.commit().unwrap();
    assert_eq!(author.tape.revision_of_call(&call("c1")).unwrap(), Some(revision));
    assert_eq!(author.tape.records("ses_1").unwrap(), [record("[]")]);
    assert_eq!(author.tape.record_of_call(&call("c1")).unwrap(), Some(record("[]")));
    assert_eq!(author.tape.record("id").unwrap(), Some(record("[]")));
    let mut batch = author.tape.begin().unwrap();
    assert!(batch.record_drop(&call("c1")).unwrap());
    assert!(!batch.record_drop(&call("c1")).unwrap());
    batch.commit().unwrap();
    assert_eq!(author.tape.records("ses_1").unwrap(), []);
}

#[test]
fn a_rebuild_makes_the_same_again() {
    let mut author = Author::new();
    author.tells(BEGIN, "c1", "bash", &json!({"status": "running", "input": {"command": "a"}}));
    author.hook(BEGIN + 10, "tool.execute.before", "c1");
    author.says(BEGIN + 20, "permission.asked", json!({"id": "per_1", "tool": {"callID": "c1"}}));
    author.says(BEGIN + 30, "permission.replied", json!({"requestID": "per_1", "reply": "once"}));
    author.hook(BEGIN + 100, "tool.execute.after", "c1");
    author.tells(
        BEGIN + 120,
        "c1",
        "bash",
        &json!({"status": "completed", "input": {"command": "b"}}),
    );
    author.steps(BEGIN, "msg_2", "step-start", "aa");
    author.steps(BEGIN + 130, "msg_2", "step-finish", "bb");
    author.sees(seen(Moment::After(call("c1")), BEGIN + 100, "/p/a", "x\n"));
    let before = told(&author.tape);
    assert!(before.contains("bb"), "{before}");
    author.tape.rebuild(&mut |_| {}).unwrap();
    assert_eq!(told(&author.tape), before);
    author
        .tape
        .connection
        .execute_batch(
            "DELETE FROM steps; DELETE FROM call_times; DELETE FROM tools; DELETE FROM state_uses;",
        )
        .unwrap();
    author.tape.rebuild(&mut |_| {}).unwrap();
    assert_eq!(told(&author.tape), before);
}

#[test]
fn a_calls_step_is_compared_once_its_snapshots_of_the_whole_work_tree_are() {
    let mut author = Author::new();
    let info = |directory: &str| json!({"info": {"id": "ses_1", "directory": directory}});
    author.says(5, "session.updated", info("/w"));
    author.steps(10, "msg_2", "step-start", "aa");
    let time = json!({"start": BEGIN / 1_000, "end": BEGIN / 1_000 + 1});
    author.tells(BEGIN, "c1", "bash", &json!({"status": "completed", "input": {}, "time": time}));
    author.steps(30, "msg_2", "step-finish", "bb");
    let compared = |author: &Author| author.tape.call(&call("c1")).unwrap().unwrap().compared;
    for (trees, expected) in
        [(Trees::Due, false), (Trees::Read, true), (Trees::Gone, false), (Trees::Same, true)]
    {
        let mut batch = author.tape.begin().unwrap();
        batch.step_is_read("msg_2", trees).unwrap();
        batch.commit().unwrap();
        assert_eq!(compared(&author), expected, "{trees:?}");
    }
    author
        .tape
        .connection
        .execute(
            "INSERT INTO instances (spool, directory, options, worktree) VALUES (1, '/w', '{}', '/')",
            [],
        )
        .unwrap();
    assert!(compared(&author), "a directory in no work tree");
    author.tape.connection.execute("UPDATE instances SET worktree = '/v'", []).unwrap();
    assert!(!compared(&author), "OpenCode's snapshots are of the directory only");
}
