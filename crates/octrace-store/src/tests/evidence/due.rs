//! What has to be known to read snapshots and to make records.

use octrace_core::attribution::timeline::Seen;

use super::*;
use crate::{
    diagnostics::Instance,
    evidence::{CallContext, Labels, Step, Workplace},
};

fn step(author: &Author, message: &str) -> Step {
    author.tape.step_of_message(message).unwrap().unwrap()
}

/// A session in `/p/below`, with two steps: `msg_2` and `msg_3`.
fn two_steps() -> Author {
    let mut author = Author::new();
    let info = json!({"id": "ses_1", "directory": "/p/below", "version": "1.18.33",
        "parentID": "ses_0", "time": {"created": 1}});
    author.says(BEGIN, "session.created", json!({"info": info}));
    author.steps(BEGIN + 10, "msg_2", "step-start", "a");
    author.tells(BEGIN + 20, "c1", "bash", &json!({"status": "running", "input": {}}));
    author.steps(BEGIN + 90, "msg_2", "step-finish", "b");
    author.steps(BEGIN + 100, "msg_3", "step-start", "c");
    author
}

#[test]
fn a_session_works_where_its_spool_says() {
    let mut author = two_steps();
    let place = |author: &Author| author.tape.workplace(author.spool, "ses_1").unwrap().unwrap();
    let unknown = Workplace { directory: "/p/below".into(), ..Workplace::default() };
    assert_eq!(place(&author), unknown);
    assert_eq!(author.tape.workplace(author.spool, "ses_2").unwrap(), None);
    for (worktree, project) in [("/p", "one"), ("/", "global")] {
        let text = |text: &str| author.redactor.text(text);
        let instance = Instance {
            directory: text("/p/below"),
            worktree: text(worktree),
            project: text(project),
            options: author.redactor.json(b"{}"),
        };
        let mut batch = author.tape.begin().unwrap();
        batch.instance(author.spool, &instance).unwrap();
        batch.commit().unwrap();
        let worktree = if worktree == "/" { "" } else { worktree };
        let expected =
            Workplace { worktree: worktree.into(), project: project.into(), ..unknown.clone() };
        assert_eq!(place(&author), expected);
    }
}

#[test]
fn the_step_before_is_of_the_same_directory_and_has_a_snapshot() {
    let author = two_steps();
    let before = |message: &str| author.tape.step_before(&step(&author, message)).unwrap();
    assert_eq!(before("msg_3"), Some(step(&author, "msg_2")));
    assert_eq!(before("msg_2"), None);
    assert_eq!(author.tape.all_steps().unwrap(), ["msg_2", "msg_3"]);
    assert_eq!(author.tape.spool_of_step("msg_2").unwrap(), Some(author.spool));
}

#[test]
fn a_step_is_over_when_it_ended_or_nothing_of_it_can_come() {
    let over =
        |author: &Author, message: &str| author.tape.step_over_us(&step(author, message)).unwrap();
    let mut author = two_steps();
    assert_eq!(over(&author, "msg_2"), Some(BEGIN + 90));
    assert_eq!(over(&author, "msg_3"), None);
    author.says(BEGIN + 120, "session.status", json!({}));
    assert_eq!(over(&author, "msg_3"), None);
    author.says(BEGIN + 130, "session.idle", json!({}));
    assert_eq!(over(&author, "msg_3"), Some(BEGIN + 130));
    author.steps(BEGIN + 125, "msg_4", "step-start", "c");
    assert_eq!(over(&author, "msg_3"), Some(BEGIN + 125));

    let mut author = two_steps();
    assert_eq!(author.tape.spools_left_untraced(i64::MAX).unwrap(), []);
    let mut batch = author.tape.begin().unwrap();
    batch.spool_ends(author.spool, BEGIN + 500).unwrap();
    batch.commit().unwrap();
    assert_eq!(over(&author, "msg_3"), Some(BEGIN + 500));
    assert_eq!(author.tape.spools_left_untraced(BEGIN + 499).unwrap(), []);
    assert_eq!(author.tape.spools_left_untraced(BEGIN + 500).unwrap(), [author.spool]);
}

#[test]
fn a_repository_is_looked_at_once_for_calls_that_ended_well_and_may_have_changed_files() {
    let mut author = two_steps();
    let due = |author: &Author| author.tape.calls_without_revision(author.spool).unwrap();
    assert_eq!(due(&author), [], "it is at work");
    let ended = json!({"status": "completed", "input": {}, "time": {"start": 1, "end": 2}});
    author.tells(BEGIN + 80, "c1", "bash", &ended);
    author.tells(BEGIN + 81, "c2", "read", &ended);
    author.tells(BEGIN + 82, "c3", "write", &json!({"status": "error", "input": {}, "error": "x"}));
    assert_eq!(due(&author), [(call("c1"), 2_000, "/p/below".to_owned())]);
    let revision = author.redactor.revision(Revision { root: "/p".into(), ..Revision::default() });
    let mut batch = author.tape.begin().unwrap();
    batch.revision(&call("c1"), 2_000, &revision).unwrap();
    batch.commit().unwrap();
    assert_eq!(due(&author), []);
}

#[test]
fn what_snapshots_say_is_taken_down_once() {
    let mut author = two_steps();
    let finish = seen(Moment::Finish("msg_2".into()), BEGIN + 90, "/p/a", "2\n");
    let start = seen(Moment::Start("msg_3".into()), BEGIN + 100, "/p/a", "3\n");
    let read = |author: &mut Author, message: &str, all: &[&Observed]| {
        let all: Vec<_> = all.iter().map(|&seen| author.redactor.file(seen.clone())).collect();
        let mut batch = author.tape.begin().unwrap();
        batch.step_read(author.spool, message, Trees::Read, &all).unwrap();
        batch.commit().unwrap();
        let file = author.tape.traced_file("/p/a").unwrap().unwrap();
        let histories = author.tape.file_histories(&[file], None).unwrap();
        histories[0].observations.iter().map(|seen| seen.at_us - BEGIN).collect::<Vec<_>>()
    };
    assert_eq!(read(&mut author, "msg_2", &[&finish]), [90]);
    assert_eq!(read(&mut author, "msg_2", &[&start]), [90], "it is read already");
    assert_eq!(read(&mut author, "msg_3", &[&finish, &start]), [90, 100]);
    assert_eq!(step(&author, "msg_3").trees, Trees::Read);
    let file = author.tape.traced_file("/p/a").unwrap().unwrap();
    let newest = author.tape.newest_histories(&[file], BEGIN + 100, 1).unwrap();
    let lines = line::lines(b"3\n", true);
    assert!(matches!(&newest[0].observations[..], [one] if one.seen == Seen::Text(lines.into())));
    assert_eq!(author.tape.newest_histories(&[file], BEGIN, 9).unwrap()[0].observations, []);
}

#[test]
fn labels_and_what_a_record_says_beside_lines_are_found_again() {
    let mut author = two_steps();
    assert_eq!(author.tape.labels(author.spool).unwrap(), None);
    let labels = Labels { tool_name: "mine".into(), ..Labels::default() };
    let json = serde_json::to_vec(&labels).unwrap();
    let clean = author.redactor.json(&json).derive(|json| serde_json::from_slice(json).ok());
    let mut batch = author.tape.begin().unwrap();
    batch.labels(author.spool, clean.transpose().as_ref()).unwrap();
    batch.commit().unwrap();
    assert_eq!(author.tape.labels(author.spool).unwrap(), Some(labels));

    let info = json!({"id": "msg_2", "sessionID": "ses_1", "role": "assistant",
        "parentID": "msg_1", "agent": "build", "time": {"created": 5}});
    author.says(BEGIN, "message.updated", json!({"info": info}));
    assert_eq!(author.tape.message_made_us("msg_2").unwrap(), Some(5_000));
    let exchange = author.asks("ses_1", "msg_1", "{}");
    let named = Observed {
        named: Some("/link".into()),
        ..seen(Moment::After(call("c1")), BEGIN + 80, "/p/a", "")
    };
    author.sees(named);
    let context = author.tape.call_context(&call("c1"), "msg_2").unwrap();
    let expected = CallContext {
        parent_session: Some("ses_0".into()),
        version: Some("1.18.33".into()),
        agent: Some("build".into()),
        prompt: Some("msg_1".into()),
        model: context.model.clone(),
        exchanges: vec![exchange.0],
        names: vec![("/p/a".into(), "/link".into())],
    };
    assert_eq!(context, expected);
    assert!(context.model.is_none_or(|model| model.contains('/')));
}
