//! Timelines: that they say what the session's tree says, in pieces, while things go on, and when they go.

use octrace_core::{
    exchange::Outcome,
    filter::Filter,
    timeline::{ExchangeRow, Row, RowId, Thread, ToolRow},
};
use serde_json::{Value, json};

use super::{Author, answer, body};
use crate::{
    Progress, Tape,
    prune::{Pruning, Wanted},
    read::{Changes, Timeline},
    sums,
    write::ASSISTANT,
};

impl Author {
    pub(super) fn message(&mut self, id: &str, role: &str, parent: Option<&str>) {
        let info = json!({"id": id, "sessionID": "ses_1", "role": role, "parentID": parent});
        self.event("message.updated", &json!({"sessionID": "ses_1", "info": info}).to_string());
    }

    pub(super) fn part(&mut self, message: &str, id: &str, more: &Value) {
        let mut part = json!({"id": id, "messageID": message, "sessionID": "ses_1"});
        let fields = more.as_object().unwrap().clone();
        part.as_object_mut().unwrap().extend(fields);
        let properties = json!({"sessionID": "ses_1", "part": part});
        self.event("message.part.updated", &properties.to_string());
    }

    fn tool(&mut self, id: &str, tool: &str, state: &Value) {
        self.part(
            "msg_2",
            id,
            &json!({"type": "tool", "tool": tool, "callID": "c", "state": state}),
        );
    }

    /// What OpenCode says of a turn with tools of every kind, not all of it in order.
    fn turn(&mut self) {
        self.part("msg_1", "prt_0", &json!({"type": "file", "filename": "a.rs"}));
        self.part("msg_1", "prt_1", &json!({"type": "text", "text": "Fix the\n  date test"}));
        self.part("msg_1", "prt_2", &json!({"type": "text", "text": "<a.rs>", "synthetic": true}));
        self.message("msg_1", "user", None);
        self.part("msg_2", "prt_t", &json!({"type": "text", "text": "I will"}));
        self.message("msg_2", "assistant", Some("msg_1"));
        self.part("msg_2", "prt_u", &json!({"type": "text", "text": "do it"}));
        let at = |start: i64| json!({"start": start, "end": start + 5});
        self.tool("prt_3", "bash", &json!({"status": "pending", "input": {}}));
        self.tool(
            "prt_3",
            "bash",
            &json!({"status": "running", "input": {"command": "make"}, "time": {"start": 10}}),
        );
        self.tool(
            "prt_3",
            "bash",
            &json!({"status": "completed", "input": {"command": "make"}, "time": at(10),
            "metadata": {"exit": 2}}),
        );
        self.tool(
            "prt_3",
            "bash",
            &json!({"status": "running", "input": {"command": "late"}, "time": {"start": 10}}),
        );
        self.tool(
            "prt_4",
            "read",
            &json!({"status": "error", "input": {"filePath": "/a"}, "error": "no such\nfile",
            "time": at(20)}),
        );
        self.tool(
            "prt_5",
            "task",
            &json!({"status": "running", "input": {"description": "look"},
            "metadata": {"sessionId": "ses_2"}, "time": {"start": 30}}),
        );
        self.tool(
            "prt_6",
            "invalid",
            &json!({"status": "completed", "input": {"tool": "x", "error": "none"},
            "time": at(40)}),
        );
    }
}

/// All of a session, read in pieces, and where the reading stands.
fn whole(tape: &Tape, session: &str, limit: usize) -> (Timeline, Vec<Row>) {
    let (mut timeline, _) = tape.timeline(session, limit).unwrap();
    let mut rows = Vec::new();
    loop {
        let changes = tape.timeline_goes_on(&mut timeline, limit).unwrap();
        rows.extend(changes.rows);
        if changes.left == 0 {
            return (timeline, rows);
        }
    }
}

fn tools(rows: &[Row]) -> Vec<&ToolRow> {
    let tools = rows.iter().filter_map(|row| match row {
        Row::Tool(tool) => Some(&**tool),
        Row::Exchange(_) | Row::Prompt(_) => None,
    });
    tools.collect()
}

fn exchanges(rows: &[Row]) -> Vec<&ExchangeRow> {
    let exchanges = rows.iter().filter_map(|row| match row {
        Row::Exchange(exchange) => Some(&**exchange),
        Row::Tool(_) | Row::Prompt(_) => None,
    });
    exchanges.collect()
}

/// Tool calls and prompts without their numbers.
fn said(tape: &Tape) -> Vec<String> {
    let (_, rows) = whole(tape, "ses_1", 99);
    let mut said: Vec<String> = rows
        .into_iter()
        .filter_map(|row| match row {
            Row::Tool(tool) => Some(format!("{:?}", ToolRow { number: 0, ..*tool })),
            Row::Prompt(prompt) => Some(format!("{:?} {}", prompt.text, prompt.at_us)),
            Row::Exchange(_) => None,
        })
        .collect();
    said.sort();
    said
}

#[test]
fn rows_say_what_the_tree_says() {
    let mut author = Author::new();
    author.turn();
    let (_, rows) = whole(&author.tape, "ses_1", 99);
    let tree = author.tape.session("ses_1").unwrap().unwrap();
    let calls: Vec<_> = tree.calls().flat_map(|call| &call.tools).collect();
    let told = tools(&rows);
    assert_eq!((told.len(), calls.len()), (4, 4));
    for (row, call) in told.iter().zip(calls) {
        assert_eq!((&*row.tool, &*row.subject), (call.tool.as_str(), call.subject.as_str()));
        assert_eq!((row.status, row.exit), (call.status, call.exit));
        assert_eq!((row.started_us, row.ended_us), (call.started_us, call.ended_us));
        let error = call.error.as_ref().map(|error| error.replace('\n', " "));
        assert_eq!(row.error.as_deref(), error.as_deref());
        assert_eq!(row.child.as_deref(), call.child_id.as_deref());
        assert_eq!(row.assistant.as_deref(), Some("msg_2"));
    }
    let prompts: Vec<_> = rows.iter().filter(|row| matches!(row, Row::Prompt(_))).collect();
    let [Row::Prompt(prompt)] = prompts[..] else { panic!("one prompt: {prompts:?}") };
    assert_eq!(prompt.text.as_deref(), Some("Fix the date test"));
    assert_eq!(tree.turns[0].prompt, "Fix the\n  date test");
    let row = author.tape.sessions().unwrap().remove(0);
    assert_eq!(row.tools, ["bash", "invalid", "read", "task"]);
    let mut failed: Vec<_> =
        told.iter().filter(|row| row.is_error()).map(|row| &*row.tool).collect();
    failed.sort_unstable();
    assert_eq!(row.failed_tools, failed);
    assert_eq!(row.totals.errors, 0);
    let filter = Filter::parse("kind:error errors=0").unwrap();
    assert!(filter.matches(&row, 0, |_| false), "a session fits when anything in it does");
}

#[test]
fn whatever_happens_to_tool_calls_the_facets_follow() {
    let mut author = Author::new();
    author.turn();
    let failed = |tape: &Tape| tape.sessions().unwrap().remove(0).failed_tools;
    let before = failed(&author.tape);
    for change in [
        "UPDATE tools SET status = 'running', exit = NULL",
        "UPDATE tools SET exit = id % 2, tool = tool || (id % 3)",
        "UPDATE tools SET status = 'failed' WHERE id % 3 = 0",
        "DELETE FROM tools WHERE id % 2 = 0",
        "UPDATE tools SET exit = 7",
    ] {
        author.tape.connection.execute(change, []).unwrap();
        assert_eq!(sums::wrong(&author.tape.connection).unwrap(), 0, "{change}");
    }
    assert_eq!(failed(&author.tape).len(), author.tape.sessions().unwrap()[0].tools.len());
    author.tape.connection.execute("DELETE FROM facets WHERE name = 'failed tool'", []).unwrap();
    assert!(!author.tape.verify(&mut |_| {}).unwrap().is_whole());
    author.tape.connection.execute("DELETE FROM tools", []).unwrap();
    author.tape.rebuild(&mut |_| {}).unwrap();
    assert_eq!(failed(&author.tape), before);
}

#[test]
fn tools_and_prompts_of_older_tapes_come_bit_by_bit_and_those_that_are_lost_come_back() {
    let mut author = Author::new();
    author.turn();
    let before = said(&author.tape);
    assert_eq!(before.len(), 5);
    const LOST: &str =
        "DELETE FROM tools; UPDATE prompts SET part = NULL, weight = 0, text = NULL;";
    let older = format!("{LOST} INSERT INTO derived VALUES ('tools and prompts', 0)");
    author.tape.connection.execute_batch(&older).unwrap();
    assert_eq!(said(&author.tape).len(), 1);
    while author.tape.derive_step().unwrap() {}
    assert_eq!(said(&author.tape), before);
    author.tape.connection.execute_batch(LOST).unwrap();
    author.tape.rebuild(&mut |_| {}).unwrap();
    assert_eq!(said(&author.tape), before);
    assert!(author.tape.verify(&mut |_| {}).unwrap().is_whole());
}

#[test]
fn pieces_make_a_whole_and_the_newest_come_first() {
    let mut author = Author::new();
    for number in 0..250 {
        let asked = body(&[("user", &format!("{number}"))]);
        if number % 7 == 0 {
            author.fails("ses_1", &asked, "ConnectionRefused");
        } else {
            author.exchanges("ses_1", "msg_1", &asked, &answer("yes"));
        }
        author.exchanges("ses_2", "msg_9", &asked, &answer("no"));
    }
    let tape = &author.tape;
    let (_, all) = whole(tape, "ses_1", 1_000);
    let (_, pieces) = whole(tape, "ses_1", 13);
    assert_eq!(pieces, all);
    let rows = exchanges(&all);
    let expected = tape.exchanges("ses_1").unwrap();
    assert_eq!(rows.len(), 250);
    let mut thread = Thread::default();
    for (row, known) in rows.iter().zip(&expected) {
        assert_eq!((row.id, row.outcome, row.usage), (known.id, known.outcome, known.usage));
        assert_eq!((row.status, row.error.as_deref()), (known.status, known.error.as_deref()));
        let mut again = ExchangeRow { attempt: 0, previous: None, growth: None, ..(*row).clone() };
        thread.follow(&mut again);
        assert_eq!(again, **row);
    }
    assert!(rows.iter().any(|row| row.attempt == 2));
    let (_, first) = tape.timeline("ses_1", 20).unwrap();
    assert_eq!(exchanges(&first), rows[230..]);
    assert_eq!(tape.timeline("ses_none", 20).unwrap().1, []);
}

#[test]
fn what_changes_is_told_once() {
    let mut author = Author::new();
    author.exchanges("ses_1", "msg_1", "{}", &answer("yes"));
    let mut reader = author.open_again();
    let (mut timeline, _) = whole(&reader, "ses_1", 9);
    let mut next = |tape: &Tape| {
        let Changes { rows, gone, left } = tape.timeline_goes_on(&mut timeline, 9).unwrap();
        assert_eq!(left, 0);
        (rows, gone)
    };
    assert_eq!(next(&reader), (vec![], vec![]));

    let open = author.asks("ses_1", "msg_1", "{}");
    assert_eq!(next(&reader).0.iter().map(Row::id).collect::<Vec<_>>(), [RowId::Exchange(open.0)]);
    let progress = Progress {
        outcome: Outcome::Streaming,
        bytes: 7,
        last_byte_after_us: Some(1_200),
        ..Progress::default()
    };
    let mut batch = author.tape.begin().unwrap();
    batch.exchange_goes_on(open, None, &progress).unwrap();
    batch.commit().unwrap();
    let (rows, _) = next(&reader);
    let [Row::Exchange(row)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.outcome, row.response_bytes), (Outcome::Streaming, 7));
    assert_eq!((row.last_byte_after_us, row.previous), (Some(1_200), Some(1)));
    assert_eq!(next(&reader), (vec![], vec![]), "told");

    author.message("msg_1", "user", None);
    assert_eq!(next(&reader).0.len(), 1);
    author.part("msg_1", "prt_1", &json!({"type": "text", "text": "Go"}));
    let (rows, _) = next(&reader);
    let [Row::Prompt(prompt)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(prompt.text.as_deref(), Some("Go"));
    author.tool("prt_2", "bash", &json!({"status": "running", "input": {"command": "make"}}));
    author.tool("prt_3", "bash", &json!({"status": "running", "input": {"command": "test"}}));
    assert_eq!(tools(&next(&reader).0).len(), 2);
    author.tool("prt_2", "bash", &json!({"status": "completed", "input": {"command": "make"}}));
    let (rows, _) = next(&reader);
    assert_eq!(tools(&rows).len(), 1);
    assert!(!rows[0].is_open());
    assert_eq!(next(&reader), (vec![], vec![]));

    // The request that is under way keeps the session; once it is over, it goes.
    let end = Progress { outcome: Outcome::Aborted, ..progress };
    let mut batch = author.tape.begin().unwrap();
    batch.exchange_goes_on(open, None, &end).unwrap();
    batch.commit().unwrap();
    let (rows, _) = next(&reader);
    assert_eq!(exchanges(&rows)[0].last_byte_after_us, None, "of no interest any more");
    let wanted = Wanted { sessions: vec!["ses_1".to_owned()], ..Wanted::default() };
    let mut pruning = Pruning::new(wanted, 1_795_164_558_000_000 + 1_000_000_000_000);
    while pruning.step(&mut reader).unwrap() {}
    let (rows, gone) = next(&reader);
    assert_eq!((rows, gone.len()), (vec![], 5));
    let left = "SELECT (SELECT count(*) FROM tools) + (SELECT count(*) FROM prompts)
        + (SELECT count(*) FROM facets) + (SELECT count(*) FROM sums)";
    assert_eq!(reader.connection.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn a_request_becomes_the_newest_message_that_answers_its_prompt() {
    let mut author = Author::new();
    for (id, role, parent) in [
        ("msg_1", "user", None),
        ("msg_2", "assistant", Some("msg_1")),
        ("msg_3", "assistant", Some("msg_1")),
        // Said while the other is answered.
        ("msg_4", "user", None),
        ("msg_5", "user", Some("msg_1")),
    ] {
        author.message(id, role, parent);
    }
    let becomes = |author: &mut Author, session: &str, message: &str| {
        let id = author.asks(session, message, &body(&[("user", "What now?")]));
        author.tape.summary(id.0).unwrap().unwrap().assistant
    };
    assert_eq!(becomes(&mut author, "ses_1", "msg_1").as_deref(), Some("msg_3"));
    assert_eq!(becomes(&mut author, "ses_1", "msg_4"), None);
    assert_eq!(becomes(&mut author, "ses_2", "msg_1"), None, "in another session");
    let plan = format!("EXPLAIN QUERY PLAN {ASSISTANT}");
    let mut plan = author.tape.connection.prepare(&plan).unwrap();
    let plan = plan.query_map(["ses_1", "msg_1"], |row| row.get(3)).unwrap();
    let plan: Vec<String> = plan.collect::<Result<_, _>>().unwrap();
    let search = "SEARCH messages USING INDEX messages_by_session (session=?)";
    assert!(plan.iter().any(|step| step == search), "{plan:?}");
    assert!(!plan.iter().any(|step| step.contains("B-TREE")), "{plan:?}");
}
