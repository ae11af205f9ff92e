//! Real lines of other tools, broken ones, and any at all: what is read is always valid.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::attribution::record::tests::{Schema, problems};

/// What the reference implementation writes for an edit, of a shell command and of a file that was written whole.
const REFERENCE_LINES: &str =
    include_str!("../../../../../../fixtures/agent-trace/reference-traces.jsonl");

#[test]
fn the_reference_implementations_lines_become_valid() {
    let (records, broken) = read(REFERENCE_LINES.as_bytes());
    assert_eq!(records.iter().flat_map(problems).collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(
        broken.iter().map(|(line, why)| format!("{line}: {why}")).collect::<Vec<_>>(),
        ["6: no JSON (cut off)"]
    );
    let seen: Vec<String> =
        records.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
    assert_snapshot!(seen.join("\n"), @r#"
    {"version":"0.1.0","id":"2f8c1f1a-6c53-4bb7-8d4e-0f3a3c0a5d11","timestamp":"2026-02-03T09:15:02.114Z","tool":{"name":"cursor","version":"2.4.0"},"files":[],"metadata":{"composer_mode":"agent","conversation_id":"c-1","event":"session_start","io.opencode.original":{"/files":[{"conversations":[{"contributor":{"model_id":"anthropic/claude-opus-4-5","type":"ai"},"ranges":[{"end_line":1,"start_line":1}]}],"path":".sessions"}],"/version":"1.0"},"is_background_agent":false,"session_id":"s-1"}}
    {"version":"0.1.0","id":"6a0d6a52-0b8e-4f0e-9a5c-2b8f64a3a0f4","timestamp":"2026-02-03T09:16:40.002Z","vcs":{"type":"git","revision":"8b1a9953c4611296a827abf8c47804d7f6a1c0de"},"tool":{"name":"cursor","version":"2.4.0"},"files":[{"path":"src/app.ts","conversations":[{"url":"file:///Users/me/transcripts/c-1.jsonl","contributor":{"type":"ai","model_id":"anthropic/claude-opus-4-5"},"ranges":[{"start_line":12,"end_line":15},{"start_line":40,"end_line":40}]}]}],"metadata":{"conversation_id":"c-1","generation_id":"g-1","io.opencode.original":{"/version":"1.0"}}}
    {"version":"0.1.0","id":"b7a7f9de-7f1c-4b52-8b5a-5f6d0a7c9e21","timestamp":"2026-02-03T09:17:03.530Z","vcs":{"type":"git","revision":"8b1a9953c4611296a827abf8c47804d7f6a1c0de"},"tool":{"name":"claude-code"},"files":[],"metadata":{"command":"npm test","io.opencode.original":{"/files":[{"conversations":[{"contributor":{"type":"ai"},"ranges":[{"end_line":1,"start_line":1}]}],"path":".shell-history"}],"/files/0/conversations/0/url":"file:///Users/me/my transcripts/c-2.jsonl","/version":"1.0"},"session_id":"s-2","tool_name":"Bash","tool_use_id":"toolu_1"}}
    {"version":"0.1.0","id":"c0d1d7a4-2c57-4d1c-b1de-1f7a0a3c8b90","timestamp":"2026-02-03T09:18:44.910Z","tool":{"name":"claude-code"},"files":[{"path":"src/new.ts","conversations":[{"contributor":{"type":"ai"},"ranges":[]}]}],"metadata":{"io.opencode.original":{"/files/0/conversations/0/ranges":[{"end_line":1,"start_line":1}],"/files/0/conversations/0/url":"file:///Users/me/my transcripts/c-2.jsonl","/version":"1.0"},"session_id":"s-2","tool_name":"Write","tool_use_id":"toolu_2"}}
    "#);
}

#[test]
fn a_valid_record_stays_as_it_is() {
    let line = json!({
        "version": "0.2.0", "id": "550E8400-e29b-41d4-a716-446655440000", "timestamp": "2026-01-23T14:30:00.5+02:00",
        "correlation": 7,
        "vcs": { "type": "jj", "revision": "kx", "dirty": true },
        "tool": { "name": "x", "build": 1 },
        "files": [{ "path": "a", "lines": 9, "conversations": [{
            "url": "https://example.com/c/1?x=%20#top", "id": "c1",
            "contributor": { "type": "mixed", "model_id": "a/b", "share": 0.5 },
            "related": [{ "type": "session", "url": "urn:x:1", "title": "t" }],
            "ranges": [{ "start_line": 1, "end_line": 1, "content_hash": "murmur3:9f2e8a1b", "original": {},
                "contributor": { "type": "human" } }],
        }] }],
        "metadata": { "dev.cursor": { "a": [null] } },
    });
    let record = read_line(line.to_string().as_bytes()).unwrap().unwrap();
    assert_eq!(problems(&record), Vec::<String>::new());
    assert_eq!(serde_json::to_value(&record).unwrap(), line);
}

#[test]
fn what_does_not_fit_is_kept_beside_it() {
    let line = json!({
        "version": "0.1", "id": 7, "timestamp": "2026-01-23T14:30:00Z", "vcs": { "type": "fossil", "revision": "1" },
        "tool": { "name": 1, "version": null },
        "files": [
            { "path": 1 },
            { "path": "a", "conversations": [
                { "url": "C:\\x y", "contributor": { "type": "robot", "model_id": 5 },
                  "ranges": [{ "start_line": 0, "end_line": 1 }, { "start_line": 3, "end_line": 2 },
                      { "start_line": 2, "end_line": 3, "content_hash": 5 }] },
                { "url": null, "ranges": null },
            ] },
        ],
    });
    let record = upgrade(line).unwrap();
    assert_eq!(problems(&record), Vec::<String>::new());
    assert_snapshot!(serde_json::to_string_pretty(&record).unwrap(), @r#"
    {
      "version": "0.1.0",
      "id": "1a67f2d7-1270-8fe8-bac2-ad9ffb5a3054",
      "timestamp": "2026-01-23T14:30:00Z",
      "tool": {},
      "files": [
        {
          "path": "a",
          "conversations": [
            {
              "contributor": {
                "type": "unknown"
              },
              "ranges": [
                {
                  "start_line": 2,
                  "end_line": 3
                }
              ]
            },
            {
              "ranges": []
            }
          ]
        }
      ],
      "metadata": {
        "io.opencode.original": {
          "/files": [
            {
              "path": 1
            },
            {
              "conversations": [
                {
                  "contributor": {
                    "model_id": 5,
                    "type": "robot"
                  },
                  "ranges": [
                    {
                      "end_line": 1,
                      "start_line": 0
                    },
                    {
                      "end_line": 2,
                      "start_line": 3
                    },
                    {
                      "content_hash": 5,
                      "end_line": 3,
                      "start_line": 2
                    }
                  ],
                  "url": "C:\\x y"
                },
                {
                  "ranges": null,
                  "url": null
                }
              ],
              "path": "a"
            }
          ],
          "/files/0/conversations/0/contributor/model_id": 5,
          "/files/0/conversations/0/contributor/type": "robot",
          "/files/0/conversations/0/ranges": [
            {
              "end_line": 1,
              "start_line": 0
            },
            {
              "end_line": 2,
              "start_line": 3
            },
            {
              "content_hash": 5,
              "end_line": 3,
              "start_line": 2
            }
          ],
          "/files/0/conversations/0/ranges/0/content_hash": 5,
          "/files/0/conversations/0/url": "C:\\x y",
          "/id": 7,
          "/tool/name": 1,
          "/vcs": {
            "revision": "1",
            "type": "fossil"
          },
          "/version": "0.1"
        }
      }
    }
    "#);
}

#[test]
fn a_line_without_a_record_is_named() {
    let why = |line: &str| read_line(line.as_bytes()).unwrap_err().to_string();
    assert_eq!(why("{\"a\":1"), "no JSON (cut off)");
    assert_eq!(why("{\"a\":\"1\r\n"), "no JSON (cut off)");
    assert_eq!(why("{\"a\" 1}"), "no JSON (column 6)");
    assert_eq!(why("[]"), "no Agent Trace record: no object");
    assert_eq!(why("{\"timestamp\":5}"), "no Agent Trace record: `timestamp` is no time");
    assert_eq!(
        why("{\"timestamp\":\"2026-02-29T00:00:00Z\"}"),
        "no Agent Trace record: `timestamp` is no time"
    );
    assert_eq!(
        why("{\"timestamp\":\"2024-02-29T00:00:00Z\"}"),
        "no Agent Trace record: `files` is no list"
    );
    assert_eq!(read(b"\xef\xbb\xbf\n  \r\n"), (Vec::new(), Vec::new()));
    assert_eq!(read(b"\xff\n\n{\n").1.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3]);
}

/// Values that stand in records, and others.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1..3_i64).prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "git",
            "ai",
            "robot",
            "0.1.0",
            "1.0",
            "file:///a",
            "file://C:\\b",
            "https://[::1]/",
            "x:%zz",
            "x://h:1a/",
            "x:y",
            "a#b#c:",
            "2026-01-23T14:30:00Z",
            "2026-13-23T14:30:00Z",
            ".sessions",
            "x://u@h",
            "//",
            "x:é",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 4, |inner| {
        let field = prop::sample::select(vec![
            "version",
            "id",
            "vcs",
            "type",
            "revision",
            "tool",
            "name",
            "path",
            "conversations",
            "url",
            "contributor",
            "model_id",
            "ranges",
            "start_line",
            "end_line",
            "content_hash",
            "related",
            "metadata",
            "files",
            "io.opencode.original",
            "more",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((field, inner), 0..5).prop_map(|fields| {
                fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_read_is_valid(
        record in prop::collection::hash_map(
            prop::sample::select(vec!["version", "id", "vcs", "tool", "metadata", "more"]), any_value(), 0..6),
        files in prop::collection::vec(any_value(), 0..3),
        conversation in any_value(),
        range in any_value(),
    ) {
        let mut line: serde_json::Map<String, Value> =
            record.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        line.insert("timestamp".into(), json!("2026-01-23T14:30:00Z"));
        let mut files = files;
        files.push(json!({ "path": "a", "conversations": [conversation, { "ranges": [range] }] }));
        line.insert("files".into(), files.into());
        let read = upgrade(line.into()).unwrap();
        prop_assert_eq!(problems_but_order(&read), Vec::<String>::new());
        // And it is read again as it is.
        prop_assert_eq!(upgrade(serde_json::to_value(&read).unwrap()), Ok(read));
    }

    #[test]
    fn times_are_those_of_the_schema(
        text in "(2026|1900|2000)-(0[0-9]|1[0-3])-(0[0-9]|[23][0-9])[T t](2[0-5]|0[0-9]):[0-6][0-9]:[0-5][0-9](\\.[0-9]{0,3})?(Z|z|\\+0[0-9]:[0-6]0|-2[0-5]:00|)",
    ) {
        let schema = Schema::new(json!({ "format": "date-time" }));
        if fix::is_time(&text) {
            prop_assert_eq!(schema.problem(&json!(text)), None);
        }
    }
}

/// Other tools' ranges need be in no order.
fn problems_but_order(record: &Record) -> Vec<String> {
    let mut problems = problems(record);
    problems.retain(|problem| !problem.contains(" after line "));
    problems
}
