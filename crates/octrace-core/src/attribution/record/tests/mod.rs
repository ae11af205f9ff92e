//! What records say, and that the specification's schema accepts every one of them.

mod told;
mod truth;

use std::sync::{Arc, LazyLock};

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::attribution::{
    line::{self, Line, lines},
    timeline::{CallId, Ended, Evidence, Moment, Observation, Origin, Seen, Why},
    track::TrackedState,
};

const SCHEMA: &str =
    include_str!("../../../../../../fixtures/agent-trace/trace-record.schema.json");

/// A schema that values can be held against, formats included.
pub(super) struct Schema(boon::Schemas, boon::SchemaIndex);

impl Schema {
    pub(super) fn new(schema: Value) -> Self {
        const PLACE: &str = "https://schema.invalid/";
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.enable_format_assertions();
        compiler.add_resource(PLACE, schema).unwrap();
        let index = compiler.compile(PLACE, &mut schemas).unwrap();
        Self(schemas, index)
    }

    /// What is wrong with a value.
    pub(super) fn problem(&self, value: &Value) -> Option<String> {
        self.0.validate(value, self.1).err().map(|error| format!("{error:#}"))
    }
}

/// What the schema finds wrong, and what it does not look at: the order of ranges.
pub(super) fn problems(record: &Record) -> Vec<String> {
    static SCHEMA_OF_RECORDS: LazyLock<Schema> =
        LazyLock::new(|| Schema::new(serde_json::from_str(SCHEMA).unwrap()));
    let value = serde_json::to_value(record).unwrap();
    let mut problems: Vec<String> = SCHEMA_OF_RECORDS.problem(&value).into_iter().collect();
    for file in &record.files {
        let mut last = 0;
        for range in file.conversations.iter().flat_map(|conversation| &conversation.ranges) {
            if range.start_line <= last || range.end_line < range.start_line {
                problems.push(format!("{}: {range:?} after line {last}", file.path));
            }
            last = range.end_line;
        }
    }
    problems
}

fn id(call: &str) -> CallId {
    CallId { session: "ses_1".into(), call: call.into() }
}

fn call(name: &str, tool: &str, ran: i64, ended: i64) -> Call {
    Call {
        id: id(name),
        message: "msg_2".into(),
        tool: tool.into(),
        root: "/repo".into(),
        ended: Ended::Well,
        ran_us: Some(ran),
        ended_us: Some(ended),
        ..Call::default()
    }
}

fn context() -> Context {
    Context {
        timestamp: "2026-11-20T20:00:00.000001Z".into(),
        exchanges: vec![7],
        agent: "build".into(),
        prompt: "msg_1".into(),
        model: "anthropic/claude-sonnet-4-5".into(),
        root: "/repo".into(),
        vcs: Some(Vcs { kind: "git".into(), revision: "a".repeat(40), ..Vcs::default() }),
        tool_name: "opencode".into(),
        tool_version: "1.18.33".into(),
        ..Context::default()
    }
}

fn by(call: usize) -> Origin {
    Origin::Call { call, evidence: Evidence::Bytes }
}

/// A file's history and what was tracked, side by side; texts are found by their observation's id.
#[derive(Default)]
struct Story {
    histories: Vec<FileHistory>,
    tracked: Vec<TrackedFile>,
    texts: Vec<Vec<u8>>,
}

impl Story {
    fn file(&mut self, path: &str) {
        self.histories.push(FileHistory { path: path.into(), ..FileHistory::default() });
        self.tracked.push(TrackedFile { path: path.into(), ..TrackedFile::default() });
    }

    /// Adds an observation to the file that was begun last.
    fn see(&mut self, at_us: i64, moment: Moment, text: Option<&[u8]>, origins: Vec<Origin>) {
        let found: Option<Arc<[Line]>> = text.map(|text| lines(text, false).into());
        let seen = found.clone().map_or(Seen::Absent, Seen::Text);
        let id = self.texts.len() as i64;
        self.texts.push(text.unwrap_or_default().to_vec());
        let observation = Observation { id, at_us, moment, seen, changed_us: None };
        self.histories.last_mut().unwrap().observations.push(observation);
        let state =
            TrackedState { lines: found, origins: origins.into(), ..TrackedState::default() };
        self.tracked.last_mut().unwrap().states.push(state);
    }

    /// The state that was added last.
    fn state(&mut self) -> &mut TrackedState {
        self.tracked.last_mut().unwrap().states.last_mut().unwrap()
    }

    fn records(&self, calls: &[Call], context: &Context) -> Vec<Record> {
        let text = |id: i64| Some(Text { bytes: self.texts[id as usize].clone(), exact: false });
        let made = records(&self.tracked, &self.histories, calls, |_| Some(context.clone()), text);
        let made: Vec<Record> = made.into_iter().map(|made| made.record).collect();
        for record in &made {
            assert_eq!(problems(record), Vec::<String>::new());
            let text = serde_json::to_string(record).unwrap();
            assert_eq!(&serde_json::from_str::<Record>(&text).unwrap(), record);
        }
        made
    }
}

fn pretty(record: &Record) -> String {
    serde_json::to_string_pretty(record).unwrap()
}

#[test]
fn an_edit_is_a_record_with_the_lines_that_are_its_own() {
    let mut story = Story::default();
    story.file("/repo/src/a.rs");
    story.see(10, Moment::Before(id("c1")), Some(b"one\ntwo\n"), vec![Origin::Before; 2]);
    let after = b"one\r\nnew 1\r\nnew 2\r\nthree";
    story.see(20, Moment::After(id("c1")), Some(after), vec![Origin::Before, by(0), by(0), by(0)]);
    story.state().removed = vec![(0, 1)];
    let records = story.records(&[call("c1", "edit", 11, 19)], &context());
    assert_snapshot!(pretty(&records[0]), @r#"
    {
      "version": "0.1.0",
      "id": "a3b9936f-9dde-889d-ba0f-93dd2bf1dd43",
      "timestamp": "2026-11-20T20:00:00.000001Z",
      "vcs": {
        "type": "git",
        "revision": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      },
      "tool": {
        "name": "opencode",
        "version": "1.18.33"
      },
      "files": [
        {
          "path": "src/a.rs",
          "conversations": [
            {
              "contributor": {
                "type": "ai",
                "model_id": "anthropic/claude-sonnet-4-5"
              },
              "ranges": [
                {
                  "start_line": 2,
                  "end_line": 4,
                  "content_hash": "blake2s:80f43456f4e6972269d5eff2d2c86ec5ddcde67476a62a951f99bee953a6b697"
                }
              ]
            }
          ]
        }
      ],
      "metadata": {
        "io.opencode.agent": "build",
        "io.opencode.call_id": "c1",
        "io.opencode.deletions": [
          {
            "lines": 1,
            "path": "src/a.rs"
          }
        ],
        "io.opencode.event_name": "tool.execute.after",
        "io.opencode.evidence": [
          {
            "path": "src/a.rs",
            "ranges": [
              "bytes"
            ],
            "state": "after_call"
          }
        ],
        "io.opencode.exchange_ids": [
          7
        ],
        "io.opencode.message_id": "msg_2",
        "io.opencode.prompt_id": "msg_1",
        "io.opencode.provisional": true,
        "io.opencode.session_id": "ses_1",
        "io.opencode.tool": "edit"
      }
    }
    "#);
    let independent = content_hash([b"new 1".as_slice(), b"new 2", b"three"]);
    assert_eq!(records[0].files[0].conversations[0].ranges[0].content_hash, Some(independent));
}

#[test]
fn a_shell_s_lines_are_those_of_the_first_look_after_it() {
    let mut story = Story::default();
    story.file("/repo/a");
    story.see(10, Moment::Start("msg_2".into()), Some(b"x\n"), vec![Origin::Before]);
    // While the shell was still at work.
    story.see(15, Moment::After(id("c2")), Some(b"s\nx\n"), vec![by(0), Origin::Before]);
    let trees = Origin::Call { call: 0, evidence: Evidence::StepTrees };
    let origins = vec![Origin::Unknown(Why::Contended), Origin::Before, by(0), trees];
    story.see(30, Moment::Finish("msg_2".into()), Some(b"e\nx\ns\nt\n"), origins);
    story.file("/elsewhere/b");
    story.see(10, Moment::Start("msg_2".into()), None, Vec::new());
    story.see(30, Moment::Finish("msg_2".into()), Some(b"b\n"), vec![by(0)]);
    let calls = [call("c1", "bash", 11, 25), call("c2", "edit", 12, 14)];
    let records = story.records(&calls, &context());
    assert_eq!(records.len(), 1, "nothing is known to be the edit's: {records:?}");
    assert_eq!(
        records[0].metadata[metadata::EVIDENCE],
        json!([
            { "path": "a", "state": "after_step", "ranges": ["bytes", "step_trees"] },
            { "path": "../elsewhere/b", "state": "after_step", "ranges": ["bytes"] },
        ])
    );
    assert_eq!(records[0].metadata[metadata::OUTSIDE], json!(["../elsewhere/b"]));
    assert_eq!(records[0].metadata[metadata::CONTENDED], json!(1));
    let ranges = &records[0].files[0].conversations[0].ranges;
    assert_eq!((ranges[0].start_line, ranges[0].end_line, ranges[1].start_line), (3, 3, 4));
}

#[test]
fn what_went_and_what_was_renamed_is_in_the_metadata() {
    let mut story = Story::default();
    story.file("/repo/gone");
    story.see(10, Moment::Start("msg_2".into()), Some(b"1\n2\n"), vec![Origin::Before; 2]);
    story.see(30, Moment::Finish("msg_2".into()), None, Vec::new());
    story.state().removed = vec![(0, 2)];
    story.file("/repo/old");
    story.see(10, Moment::Start("msg_2".into()), Some(b"a\n"), vec![Origin::Before]);
    story.see(30, Moment::Finish("msg_2".into()), None, Vec::new());
    story.state().removed = vec![(0, 1)];
    story.file("/repo/new");
    story.see(10, Moment::Start("msg_2".into()), None, Vec::new());
    story.see(30, Moment::Finish("msg_2".into()), Some(b"a\n"), vec![Origin::Before]);
    story.state().renamed_from = Some(1);
    let records = story.records(&[call("c1", "bash", 11, 25)], &context());
    let metadata = &records[0].metadata;
    assert_eq!(
        metadata[metadata::DELETIONS],
        json!([{ "path": "gone", "lines": 2, "whole_file": true }])
    );
    assert_eq!(metadata[metadata::RENAMES], json!([{ "from": "old", "to": "new" }]));
    let files: Vec<_> =
        records[0].files.iter().map(|file| (&*file.path, file.conversations.len())).collect();
    assert_eq!(files, [("new", 0)], "no line of it is the call's");
}

#[test]
fn a_change_without_new_lines_is_recorded_and_no_change_is_not() {
    let mut story = Story::default();
    story.file("/repo/order");
    story.see(10, Moment::Before(id("c1")), Some(b"1\n2\n"), vec![Origin::Before; 2]);
    story.see(20, Moment::After(id("c1")), Some(b"2\n1\n"), vec![Origin::Before; 2]);
    story.file("/repo/same");
    story.see(30, Moment::Before(id("c2")), Some(b"1\n"), vec![Origin::Before]);
    story.see(40, Moment::After(id("c2")), Some(b"1\n"), vec![Origin::Before]);
    let calls = [call("c1", "edit", 11, 19), call("c2", "edit", 31, 39)];
    let records = story.records(&calls, &context());
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].files[0].path, "order");
    // Somebody else may have done it.
    let calls = [calls[0].clone(), calls[1].clone(), call("c3", "bash", 5, 50)];
    assert_eq!(story.records(&calls, &context()).len(), 0);
}

#[test]
fn a_call_that_ended_badly_has_no_record() {
    let mut story = Story::default();
    story.file("/repo/a");
    story.see(10, Moment::Before(id("c1")), None, Vec::new());
    story.see(20, Moment::After(id("c1")), Some(b"1\n"), vec![by(0)]);
    for ended in [Ended::Badly, Ended::Running] {
        let call = Call { ended, ..call("c1", "write", 11, 19) };
        assert_eq!(story.records(&[call], &context()), []);
    }
}

#[test]
fn a_line_in_which_a_secret_was_blanked_has_no_hash() {
    let mut story = Story::default();
    story.file("/repo/a");
    story.see(10, Moment::Before(id("c1")), None, Vec::new());
    let text = format!("1\n{}\n3\n", crate::redact::hit::MARK);
    let origins = vec![by(0), by(0), Origin::Before];
    story.see(20, Moment::After(id("c1")), Some(text.as_bytes()), origins);
    let records = story.records(&[call("c1", "write", 11, 19)], &context());
    assert_eq!(records[0].files[0].conversations[0].ranges[0].content_hash, None);
}

#[test]
fn labels_that_the_schema_refuses_are_not_taken() {
    assert_eq!(
        ["", "1.0", " 0.2.1 ", "v1", "1", "1..0"].map(spec_version),
        ["0.1.0", "1.0.0", "0.2.1", "0.1.0", "0.1.0", "0.1.0"]
    );
    let mut story = Story::default();
    story.file("/repo/a");
    story.see(20, Moment::After(id("c1")), Some(b"1\n"), vec![by(0)]);
    let context = Context { model: "m".repeat(251), ..context() };
    let records = story.records(&[call("c1", "write", 11, 19)], &context);
    let contributor = records[0].files[0].conversations[0].contributor.as_ref().unwrap();
    assert_eq!(contributor.model_id, None);
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![
        Just(Origin::Before),
        (0..4_usize).prop_map(by),
        (0..4_usize).prop_map(|call| Origin::Call { call, evidence: Evidence::StepTrees }),
        Just(Origin::Person { after_us: 1, until_us: 2 }),
        Just(Origin::Unknown(Why::Contended)),
    ]
}

fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        (0..4_usize).prop_map(|call| Moment::Before(id(&call.to_string()))),
        (0..4_usize).prop_map(|call| Moment::After(id(&call.to_string()))),
        Just(Moment::Start("msg_2".into())),
        Just(Moment::Finish("msg_2".into())),
        Just(Moment::Now),
    ]
}

type RandomState = (Moment, Option<Vec<u8>>, Vec<Origin>, Option<usize>, (usize, u32));

/// Lines with origins, now and then more or fewer of one than of the other.
fn seen() -> impl Strategy<Value = RandomState> {
    let text =
        prop::option::of("([a-c\u{fffd}]{0,2}\r?\n){0,6}[a-c]{0,2}".prop_map(String::into_bytes));
    (
        moment(),
        text,
        prop::collection::vec(origin(), 0..9),
        prop::option::of(0..4_usize),
        (0..5_usize, 0..3_u32),
    )
}

proptest! {
    #[test]
    fn whatever_was_tracked_the_records_are_valid(
        files in prop::collection::vec(prop::collection::vec(seen(), 0..5), 0..4),
        calls in prop::collection::vec(
            (prop::sample::select(vec!["bash", "edit", "read"]), 0..60_i64, 0..60_i64), 0..4),
        root in prop::sample::select(vec!["/repo", "/repo/0", "/", ""]),
    ) {
        let mut story = Story::default();
        for (number, states) in files.into_iter().enumerate() {
            story.file(&format!("/repo/{number}/\u{fffd}"));
            for (at, (moment, text, origins, renamed_from, removed)) in states.into_iter().enumerate() {
                story.see(at as i64 * 10, moment, text.as_deref(), origins);
                story.state().renamed_from = renamed_from;
                story.state().removed = vec![removed];
            }
        }
        let calls: Vec<Call> = calls
            .into_iter()
            .enumerate()
            .map(|(number, (tool, ran, ended))| call(&number.to_string(), tool, ran, ended))
            .collect();
        let context = Context { root: root.into(), ..context() };
        // Each is checked against the schema there, and its ranges for being sorted and apart.
        let records = story.records(&calls, &context);
        let longest = story.texts.iter().map(|text| line::contents(text).count()).max().unwrap_or(0);
        let mut ranges = records
            .iter()
            .flat_map(|record| &record.files)
            .flat_map(|file| &file.conversations)
            .flat_map(|conversation| &conversation.ranges);
        prop_assert!(ranges.all(|range| range.end_line <= longest as u64));
    }
}

#[test]
fn the_page_about_records_says_what_they_are() {
    let page = include_str!("../../../../../../docs/agent-trace.md");
    let example = page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let example: Record = serde_json::from_str(example).unwrap();
    assert_eq!(problems(&example), Vec::<String>::new());
    assert_eq!(example.id, record_id(&id("call_1")));
    let lines = [b"    let token = read_token()?;".as_slice(), b"    client.bearer(token)"];
    let range = &example.files[0].conversations[0].ranges[0];
    assert_eq!(range.content_hash, Some(content_hash(lines)));
    for line in include_str!("../metadata.rs").lines() {
        if let Some(key) = line.split('"').nth(1).filter(|key| key.starts_with("io.opencode.")) {
            assert!(page.contains(&format!("`{key}`")), "{key} is not on the page");
        }
    }
    for evidence in ["bytes", "step_trees", "explicit", "unique_text", "created"] {
        assert!(page.contains(&format!("| `{evidence}` |")), "{evidence} is not on the page");
    }
}
