//! What is made beside the recording: once, whatever dies when; and nothing that is not so.

use std::{fs, path::PathBuf, process::Command};

use octrace_core::attribution::timeline::{Moment, Seen};
use octrace_store::{Tape, evidence::Trees};
use octrace_testkit::Author;
use serde_json::{Value, json};

use super::derive::derive_again;
use crate::record::{
    pipeline::Pipeline,
    tests::{Room, room},
};

/// A room with a project in it, and OpenCode's snapshots of that.
struct Studio {
    room: Room,
    project: PathBuf,
    shadow: PathBuf,
}

impl Studio {
    fn new() -> Self {
        let room = room();
        let below = room.root.parent().unwrap().canonicalize().unwrap();
        let (project, shadow) = (below.join("project"), below.join("opencode/snapshot/id/hash"));
        fs::create_dir_all(&project).unwrap();
        fs::create_dir_all(&shadow).unwrap();
        let studio = Self { room, project, shadow };
        studio.write("notes", "one\ntwo\n");
        studio.git(&["init", "--quiet"]);
        studio.git(&["init", "--quiet", "--bare", studio.shadow.to_str().unwrap()]);
        studio
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("git").arg("-C").arg(&self.project).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.project.join(name), text).unwrap();
    }

    /// As OpenCode takes one.
    fn snapshot(&self) -> String {
        let place = ["--git-dir", self.shadow.to_str().unwrap(), "--work-tree", "."];
        self.git(&[&place[..], &["add", "--all", "."]].concat());
        self.git(&[&place[..], &["write-tree"]].concat())
    }

    fn begins(&self, author: &mut Author, session: &str) {
        author.instance(&self.project, &self.project, "id");
        let info = json!({"id": session, "directory": self.project, "version": "1.18.33"});
        author.event("session.created", &json!({"info": info}));
    }

    /// What was seen of the files, in order: path, moment, content.
    fn seen(&self) -> Vec<String> {
        let tape = self.room.tape();
        let files = tape.traced_below(self.project.to_str().unwrap()).unwrap();
        let ids: Vec<_> = files.iter().map(|(id, _)| *id).collect();
        let mut seen = Vec::new();
        for history in tape.file_histories(&ids, None).unwrap() {
            let name = history.path.rsplit('/').next().unwrap_or_default();
            for observation in history.observations {
                let moment = match observation.moment {
                    Moment::Start(message) => format!("start {message}"),
                    Moment::Finish(message) => format!("finish {message}"),
                    moment => format!("{moment:?}"),
                };
                let content = match observation.seen {
                    Seen::Text(lines) => format!("{} lines", lines.len()),
                    other => format!("{other:?}"),
                };
                seen.push(format!("{name} {moment}: {content}"));
            }
        }
        seen
    }
}

fn records(tape: &Tape, session: &str) -> Vec<Value> {
    let records = tape.records(session).unwrap();
    records.iter().map(|record| serde_json::from_str(&record.json).unwrap()).collect()
}

/// The frames of a step in which a shell is called. The files are changed by `change`.
fn shell(
    studio: &Studio,
    author: &mut Author,
    (session, message): (&str, &str),
    change: impl FnOnce(),
    mut between: impl FnMut(&Author),
) {
    let part = |part: Value| json!({"sessionID": session, "part": part});
    let begin = studio.snapshot();
    author.assistant(session, "msg_user", message);
    between(author);
    let id = format!("prt_{message}");
    let start = json!({"id": format!("{id}s"), "messageID": message, "type": "step-start",
        "snapshot": begin});
    author.event("message.part.updated", &part(start));
    between(author);
    let call = format!("call_{message}");
    let tool = |state: Value| {
        part(json!({"id": id, "messageID": message, "type": "tool", "tool": "bash",
            "callID": call, "state": state}))
    };
    author.event("message.part.updated", &tool(json!({"status": "running", "input": {}})));
    let hook = json!({"hook": "shell.env", "input": {"sessionID": session, "callID": call}});
    author.hook(&hook);
    between(author);
    change();
    let hook =
        json!({"hook": "tool.execute.after", "input": {"sessionID": session, "callID": call}});
    author.hook(&hook);
    between(author);
    let input = json!({"command": "./generate"});
    author.event(
        "message.part.updated",
        &tool(json!({"status": "completed", "input": input, "metadata": {"exit": 0}})),
    );
    between(author);
    let finish = json!({"id": format!("{id}f"), "messageID": message, "type": "step-finish",
        "snapshot": studio.snapshot()});
    author.event("message.part.updated", &part(finish));
    between(author);
}

/// A session in which a shell is called twice, and a person edits in between.
fn session(studio: &Studio, author: &mut Author, mut between: impl FnMut(&Author)) {
    studio.begins(author, "ses_1");
    let first = || {
        studio.write("notes", "one\nTWO\nthree\n");
        studio.write("new", "by the shell\n");
    };
    shell(studio, author, ("ses_1", "msg_1"), first, &mut between);
    studio.write("new", "by the shell\nby a person\n");
    let second = || fs::rename(studio.project.join("new"), studio.project.join("moved")).unwrap();
    shell(studio, author, ("ses_1", "msg_2"), second, &mut between);
}

#[test]
fn what_a_shell_changed_is_seen_in_the_snapshots_around_it() {
    let studio = Studio::new();
    let mut author = Author::dead(&studio.room.root, "1-a");
    author.goes_live();
    session(&studio, &mut author, |_| {});
    studio.room.pipeline(&author).finish().unwrap();
    insta::assert_snapshot!(studio.seen().join("\n"), @"
    moved start msg_2: Absent
    moved finish msg_2: 2 lines
    new start msg_1: Absent
    new finish msg_1: 1 lines
    new start msg_2: 2 lines
    new finish msg_2: Absent
    notes start msg_1: 2 lines
    notes finish msg_1: 3 lines
    ");
    let tape = studio.room.tape();
    let records = records(&tape, "ses_1");
    let files: Vec<_> = records
        .iter()
        .flat_map(|record| record["files"].as_array().unwrap())
        .map(|file| (file["path"].clone(), file["conversations"][0]["ranges"].clone()))
        .map(|(path, ranges)| {
            let lines = ranges.as_array().into_iter().flatten();
            let lines = lines.map(|range| format!("{}-{}", range["start_line"], range["end_line"]));
            format!("{} {}", path.as_str().unwrap(), lines.collect::<Vec<_>>().join(","))
        })
        .collect();
    assert!(files.contains(&"notes 2-3".to_owned()), "{files:?}");
    // When it was changed is no longer to be seen: a person can have done it while the model thought.
    assert!(!files.iter().any(|file| file.starts_with("new 1")), "{files:?}");
    assert!(!files.iter().any(|file| file.starts_with("moved 1")), "{files:?}");
    let steps = tape.steps_of_session("ses_1").unwrap();
    assert!(steps.iter().all(|step| step.traced && step.trees == Trees::Read), "{steps:?}");
    assert_eq!(records[0]["tool"], json!({"name": "opencode", "version": "1.18.33"}));
}

#[test]
fn a_rebuild_makes_the_same_records_again_and_no_others() {
    let studio = Studio::new();
    let mut author = Author::dead(&studio.room.root, "1-a");
    session(&studio, &mut author, |_| {});
    studio.room.pipeline(&author).finish().unwrap();
    let mut tape = studio.room.tape();
    let made = tape.records("ses_1").unwrap();
    assert!(!made.is_empty());
    let mut batch = tape.begin().unwrap();
    for record in &made {
        assert!(batch.record_drop(&record.call).unwrap());
    }
    batch.commit().unwrap();
    tape.rebuild(&mut |_| {}).unwrap();
    assert_eq!(derive_again(&mut tape, &mut |_, _| {}).unwrap(), 2);
    assert_eq!(tape.records("ses_1").unwrap(), made);
    derive_again(&mut tape, &mut |_, _| {}).unwrap();
    assert_eq!(tape.records("ses_1").unwrap(), made);
}

#[test]
fn it_is_all_made_once_whatever_dies_when() {
    let (steady, shaken) = (Studio::new(), Studio::new());
    let mut author = Author::dead(&steady.room.root, "1-a");
    session(&steady, &mut author, |_| {});
    steady.room.pipeline(&author).finish().unwrap();

    let mut author = Author::dead(&shaken.room.root, "1-a");
    // After each frame, the recorder and its thread are at some point or other of their work.
    session(&shaken, &mut author, |author| {
        let mut pipeline: Pipeline = shaken.room.pipeline(author);
        pipeline.drain(false).unwrap();
    });
    shaken.room.pipeline(&author).finish().unwrap();
    assert_eq!(shaken.seen(), steady.seen());
    let told = |studio: &Studio| -> Vec<String> {
        let records = studio.room.tape().records("ses_1").unwrap();
        records.into_iter().map(|record| record.json).collect()
    };
    assert_eq!(told(&shaken), told(&steady));
    assert!(!told(&steady).is_empty());
}

#[test]
fn what_another_session_left_in_the_same_place_is_where_this_one_begins() {
    let studio = Studio::new();
    let mut one = Author::dead(&studio.room.root, "1-a");
    let mut other = Author::dead(&studio.room.root, "2-a");
    studio.begins(&mut one, "ses_1");
    studio.begins(&mut other, "ses_2");
    let first = || studio.write("notes", "one\ntwo\nthree\n");
    shell(&studio, &mut one, ("ses_1", "msg_1"), first, |_| {});
    studio.write("notes", "one\ntwo\nthree\nby a person\n");
    for _ in 0..20 {
        // Each spool of a test has a clock of its own.
        other.event("session.status", &json!({"sessionID": "ses_2"}));
    }
    let nothing = || {};
    shell(&studio, &mut other, ("ses_2", "msg_2"), nothing, |_| {});
    studio.room.pipeline(&one).finish().unwrap();
    studio.room.pipeline(&other).finish().unwrap();
    insta::assert_snapshot!(studio.seen().join("\n"), @"
    notes start msg_1: 2 lines
    notes finish msg_1: 3 lines
    notes start msg_2: 4 lines
    ");
    assert_eq!(records(&studio.room.tape(), "ses_2"), [Value::Null; 0]);
}

#[test]
fn where_snapshots_are_gone_or_nobody_wants_records_nothing_is_invented() {
    let gone = Studio::new();
    let mut author = Author::dead(&gone.room.root, "1-a");
    session(&gone, &mut author, |_| {});
    fs::remove_dir_all(&gone.shadow).unwrap();
    gone.room.pipeline(&author).finish().unwrap();

    let off = Studio::new();
    fs::write(off.room.place().config, "agent_trace.enabled = false\n").unwrap();
    let mut author = Author::dead(&off.room.root, "1-a");
    session(&off, &mut author, |_| {});
    off.room.pipeline(&author).finish().unwrap();

    for studio in [gone, off] {
        assert_eq!(studio.seen(), [""; 0]);
        let tape = studio.room.tape();
        assert_eq!(records(&tape, "ses_1"), [Value::Null; 0]);
        let steps = tape.steps_of_session("ses_1").unwrap();
        assert!(steps.iter().all(|step| step.traced && step.trees == Trees::Gone), "{steps:?}");
    }
}

#[test]
fn what_is_ignored_from_now_on_is_not_gone_and_what_git_converts_is_not_read() {
    let studio = Studio::new();
    let mut author = Author::dead(&studio.room.root, "1-a");
    studio.begins(&mut author, "ses_1");
    studio.write("large", "a pointer\n");
    let change = || {
        studio.write(".gitignore", "notes\n");
        studio.write(".gitattributes", "large filter=lfs\n");
        studio.write("large", "another pointer\n");
        studio.git(&[
            "--git-dir",
            studio.shadow.to_str().unwrap(),
            "rm",
            "--cached",
            "-q",
            "notes",
        ]);
    };
    shell(&studio, &mut author, ("ses_1", "msg_1"), change, |_| {});
    studio.room.pipeline(&author).finish().unwrap();
    insta::assert_snapshot!(studio.seen().join("\n"), @"
    .gitattributes start msg_1: Absent
    .gitattributes finish msg_1: 1 lines
    .gitignore start msg_1: Absent
    .gitignore finish msg_1: 1 lines
    large finish msg_1: Unread
    notes start msg_1: 2 lines
    notes finish msg_1: Unread
    ");
}
