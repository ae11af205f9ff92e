//! What an event alone proves, where nobody saw the file before the call.

use serde_json::Value;

use super::*;

fn told(tool: &str, input: &Value, metadata: &Value) -> Call {
    Call { input: input.to_string(), metadata: metadata.to_string(), ..call("c1", tool, 11, 19) }
}

/// `/repo/a`, too large before the call, and with this text after it.
fn after(text: &str) -> Story {
    let mut story = Story::default();
    story.file("/repo/a");
    story.see(10, Moment::Before(id("c1")), None, Vec::new());
    story.histories[0].observations[0].seen = Seen::Unread;
    let unread = vec![Origin::Unknown(Why::Unread); line::contents(text.as_bytes()).count()];
    story.see(20, Moment::After(id("c1")), Some(text.as_bytes()), unread);
    story
}

/// First and last line of each range with the word for how it was found, and whether all have hashes.
fn found(story: &Story, call: Call) -> (Vec<(u64, u64)>, Value, bool) {
    let records = story.records(&[call], &context());
    let Some(record) = records.first() else { return (Vec::new(), Value::Null, false) };
    let ranges: Vec<_> = record
        .files
        .iter()
        .flat_map(|file| &file.conversations)
        .flat_map(|one| &one.ranges)
        .collect();
    (
        ranges.iter().map(|range| (range.start_line, range.end_line)).collect(),
        record
            .metadata
            .get(metadata::EVIDENCE)
            .map_or(Value::Null, |all| all[0]["ranges"][0].clone()),
        ranges.iter().all(|range| range.content_hash.is_some()),
    )
}

const DIFF: &str = "--- /repo/a\n+++ /repo/a\n@@ -1,2 +1,3 @@\n one\n-two\n+2\n+2b\n";

fn edit(additions: usize) -> Call {
    let input = json!({ "filePath": "/repo/a", "oldString": "  two", "newString": "  2\n  2b" });
    let diff = json!({ "file": "/repo/a", "patch": DIFF, "additions": additions, "deletions": 1 });
    told("edit", &input, &json!({ "diff": DIFF, "filediff": diff }))
}

#[test]
fn an_edits_own_numbers_are_believed_without_the_file() {
    let nothing_seen = Story::default();
    assert_eq!(found(&nothing_seen, edit(2)), (vec![(2, 3)], json!("explicit"), false));
    assert_eq!(found(&nothing_seen, edit(3)).0, [], "a line of the diff is missing");
    let mut new_file = edit(2);
    new_file.input =
        json!({ "filePath": "/repo/a", "oldString": "", "newString": "x" }).to_string();
    assert_eq!(found(&nothing_seen, new_file).0, [], "a formatter may have run since");
    let failed = Call { ended: Ended::Badly, ..edit(2) };
    assert_eq!(found(&nothing_seen, failed).0, []);
}

#[test]
fn the_file_must_agree_where_it_was_seen_afterwards() {
    let agreeing = after("  one\n  2\r\n  2b\n");
    assert_eq!(found(&agreeing, edit(2)), (vec![(2, 3)], json!("explicit"), true));
    // Then the text itself is looked for; the first line of it is at another place.
    let moved = after("zero\n  one\n  2\n  2b\n");
    assert_eq!(found(&moved, edit(2)), (vec![(3, 4)], json!("unique_text"), true));
    let twice = after("zero\n  one\n  2\n  2b\n  2\n  2b\n");
    assert_eq!(found(&twice, edit(2)).0, []);
}

#[test]
fn lines_that_the_old_text_had_are_not_claimed() {
    let input =
        json!({ "filePath": "/repo/a", "oldString": "a(\n)", "newString": "a(\n  b,\n  c,\n)" });
    let story = after("0\r\na(\r\n  b,\r\n  c,\r\n)\r\n");
    assert_eq!(found(&story, told("edit", &input, &json!({}))).0, [(3, 4)]);
    let all =
        json!({ "filePath": "/repo/a", "oldString": "a", "newString": "b", "replaceAll": true });
    assert_eq!(found(&after("x\nb\n"), told("edit", &all, &json!({}))).0, []);
}

#[test]
fn a_whole_file_is_claimed_only_by_the_call_that_created_it() {
    let write = |exists: Value| {
        let input = json!({ "filePath": "/repo/a", "content": "1\n2" });
        told("write", &input, &json!({ "filepath": "/repo/a", "exists": exists }))
    };
    let story = after("1\n2\n");
    assert_eq!(found(&story, write(json!(false))), (vec![(1, 2)], json!("created"), true));
    assert_eq!(found(&story, write(json!(true))).0, []);
    assert_eq!(found(&story, write(Value::Null)).0, []);
    // Nobody knows how long it became.
    assert_eq!(found(&Story::default(), write(json!(false))).0, []);
}

#[test]
fn a_patchs_numbers_count_only_where_the_file_agrees() {
    let file = json!({ "filePath": "/repo/a", "type": "update", "patch": DIFF, "additions": 2 });
    let patch = told("apply_patch", &json!({ "patchText": "" }), &json!({ "files": [file] }));
    assert_eq!(found(&Story::default(), patch.clone()).0, []);
    assert_eq!(found(&after("one\n\t2\n\t2b"), patch.clone()).1, json!("explicit"));
    assert_eq!(found(&after("one\n{\n2\n2b"), patch).0, [], "a formatter has run");
}

#[test]
fn an_event_is_not_asked_where_both_sides_were_seen() {
    let mut story = after("one\n2\n2b\n");
    story.histories[0].observations[0].seen = Seen::Absent;
    let origins = vec![Origin::Unknown(Why::Contended); 3];
    story.tracked[0].states[1].origins = origins.into();
    // The file is there and changed, but whose the lines are is not known.
    assert_eq!(found(&story, edit(2)).0, []);
    let mut trees = Story::default();
    trees.file("/repo/a");
    trees.see(10, Moment::Start("msg_2".into()), Some(b"one\n"), vec![Origin::Before]);
    trees.see(20, Moment::Finish("msg_2".into()), Some(b"one\n"), vec![Origin::Before]);
    assert_eq!(found(&trees, edit(2)).0, []);
}

#[test]
fn a_link_is_recorded_as_the_file_that_it_leads_to() {
    let names = vec![("/repo/real".to_owned(), "/repo/a".to_owned())];
    let context = Context { names, ..context() };
    let records = Story::default().records(&[edit(2)], &context);
    assert_eq!(records[0].files[0].path, "real");
    assert_eq!(
        records[0].metadata[metadata::NAMES],
        json!([{ "path": "real", "named": "/repo/a" }])
    );
    assert_eq!(records[0].metadata[metadata::EVIDENCE][0]["state"], "event");
}

#[test]
fn damaged_events_tell_nothing() {
    for (input, metadata) in [("", ""), ("{", "[]"), ("null", "{\"filediff\":7}")] {
        let call = Call { input: input.into(), metadata: metadata.into(), ..edit(2) };
        assert_eq!(found(&Story::default(), call).0, []);
    }
}
