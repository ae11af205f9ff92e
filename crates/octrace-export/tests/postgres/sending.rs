//! What arrives, and how it lies in the tables.

use octrace_core::redact::{Patterns, Redactor};
use octrace_export::postgres::{Client, Database, Event, Item, Record, Verdict, event_id};
use octrace_testkit::{Postgres, Sql};

use crate::{all_accepted, client, counts, event, items, record};

#[test]
fn a_thousand_items_arrive_once_however_often_they_are_sent() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let items = items(1000);
    let mut first = client(&url);
    for batch in items.chunks(50) {
        all_accepted(&first.send(batch));
    }
    let expected = [666, 334, 334 * 3, 1000];
    assert_eq!(counts(&url), expected);
    // Again by the same, by another, and in one batch twice.
    all_accepted(&first.send(&items));
    all_accepted(&client(&url).send(&[items.clone(), items].concat()));
    assert_eq!(counts(&url), expected);
    all_accepted(&first.send(&[]));
}

#[test]
fn what_a_user_deleted_stays_deleted() {
    let url = Postgres::shared().unwrap().database().unwrap();
    all_accepted(&client(&url).send(&items(9)));
    let sql = Sql::connect(&url).unwrap();
    sql.run("DELETE FROM agent_trace_records; DELETE FROM agent_trace_events").unwrap();
    all_accepted(&client(&url).send(&items(10)));
    assert_eq!(counts(&url), [0, 1, 3, 10]);
}

#[test]
fn what_is_there_without_being_noted_is_left_as_it_is() {
    let url = Postgres::shared().unwrap().database().unwrap();
    all_accepted(&client(&url).send(&items(9)));
    Sql::connect(&url).unwrap().run("DELETE FROM agent_trace_dedupe").unwrap();
    all_accepted(&client(&url).send(&items(12)));
    assert_eq!(counts(&url), [8, 4, 12, 12]);
}

#[test]
fn rows_say_what_the_items_say() {
    let url = Postgres::shared().unwrap().database().unwrap();
    all_accepted(&client(&url).send(&[record(3), event(1)]));
    let sql = Sql::connect(&url).unwrap();
    let told = |query: &str| sql.run(query).unwrap().join("\n");
    insta::assert_snapshot!(told(
        "SELECT version, timestamp, session_id, parent_session_id, message_id, call_id, tool, model_id, agent, root, \
         vcs_type, revision, record ->> 'id' = id::text, altered FROM agent_trace_records"
    ), @"
    0.1.0|2026-11-20 20:00:00.123456+00|ses_1|-|msg_9|call_3|edit|mock/scripted|build|/home/me/repo|git|0000000000000000000000000000000000000003|t|f
    ");
    insta::assert_snapshot!(told(
        "SELECT position, path, start_line, end_line, content_hash, contributor_type, model_id, evidence, session_id, \
         length(revision), timestamp FROM agent_trace_ranges ORDER BY record_id, position"
    ), @"
    1|src/a.rs|2|4|blake2s:aa|ai|mock/scripted|bytes|ses_1|40|2026-11-20 20:00:00.123456+00
    2|src/a.rs|9|9|-|ai|mock/scripted|step_trees|ses_1|40|2026-11-20 20:00:00.123456+00
    3|b c.txt|1|7|-|mixed|mock/scripted|explicit|ses_1|40|2026-11-20 20:00:00.123456+00
    ");
    insta::assert_snapshot!(told(
        "SELECT event_name, session_id, message_id, call_id, at, payload, altered FROM agent_trace_events"
    ), @r#"
    tool.execute.after|ses_1|msg_1|-|2026-11-18 11:06:40.000002+00|{"n": 1, "output": "tab\there, \\ and 'quotes'"}|f
    "#);
}

#[test]
fn who_wrote_a_line_is_found_by_an_index() {
    let url = Postgres::shared().unwrap().database().unwrap();
    all_accepted(&client(&url).send(&items(300)));
    let sql = Sql::connect(&url).unwrap();
    let question = "SELECT session_id FROM agent_trace_ranges WHERE path = 'src/a.rs' \
        AND revision = '0000000000000000000000000000000000000003' AND 3 BETWEEN start_line AND end_line";
    assert_eq!(sql.run(question).unwrap(), ["ses_1"]);
    // So few rows are read faster without any index.
    let plan = sql.run(&format!("SET enable_seqscan = off; EXPLAIN {question}")).unwrap();
    assert!(plan.join("\n").contains("agent_trace_ranges_by_line"), "{plan:?}");
}

#[test]
fn one_bad_item_holds_up_no_other() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let mut items = items(100);
    let bad = |id: &str, json: &str| {
        Item::Record(Record { id: id.into(), json: json.into(), root: String::new() })
    };
    items[0] = bad("no uuid", "{}");
    items[41] = bad(&event_id("bad", 1), "{}");
    items[42] = bad(&event_id("bad", 2), r#"{"version":"0.1.0","timestamp":"yesterday evening"}"#);
    items[99] = Item::Event(Event { id: event_id("bad", 3), at_us: i64::MIN, ..Event::default() });
    let mut client = client(&url);
    for _ in 0..2 {
        let outcome = client.send(&items);
        assert_eq!(outcome.unavailable, None);
        let rejected =
            outcome.verdicts.iter().enumerate().filter_map(|(n, verdict)| match verdict {
                Verdict::Accepted => None,
                other => Some(format!("{n} {other:?}")),
            });
        insta::allow_duplicates! {
            insta::assert_snapshot!(rejected.collect::<Vec<_>>().join("\n"), @r#"
            0 Rejected("its id is no UUID")
            41 Rejected("null value in column \"version\" of relation \"agent_trace_records\" violates not-null constraint (SQLSTATE 23502)")
            42 Rejected("invalid input syntax for type timestamp with time zone: \"yesterday evening\" (SQLSTATE 22007)")
            99 Rejected("timestamp out of range (SQLSTATE 22008)")
            "#);
        }
        assert_eq!(counts(&url), [65, 31, 93, 96]);
    }
}

#[test]
fn documents_that_jsonb_cannot_hold_are_made_to_fit() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let payloads = [
        r#"{"a\u0000":"b\u0000","c":"\ud800 \udc00","d":"\ud83d\ude00"}"#,
        r#"{"n":1e999999999,"m":-1e-200000,"k":1e308}"#,
        &deep,
        "{\"cut\":\"off",
        r#"{"n":NaN}"#,
        "\u{1}",
    ];
    let items: Vec<_> = payloads
        .iter()
        .zip(0..)
        .map(|(payload, n)| {
            Item::Event(Event {
                id: event_id("traps", n),
                name: format!("trap {n}\0"),
                session: Some("tab\t nul\0 line\n \\N".to_owned()),
                at_us: n,
                payload: (*payload).to_owned(),
                ..Event::default()
            })
        })
        .collect();
    all_accepted(&client(&url).send(&items));
    let sql = Sql::connect(&url).unwrap();
    let query =
        "SELECT event_name, altered, left(payload::text, 60) FROM agent_trace_events ORDER BY at";
    insta::assert_snapshot!(sql.run(query).unwrap().join("\n"), @r#"
    trap 0�|t|{"c": "� �", "d": "😀", "a�": "b�"}
    trap 1�|t|{"k": 100000000000000000000000000000000000000000000000000000
    trap 2�|t|[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
    trap 3�|t|"{\"cut\":\"off"
    trap 4�|t|"{\"n\":NaN}"
    trap 5�|t|"\u0001"
    "#);
    let sessions = sql.run("SELECT DISTINCT session_id FROM agent_trace_events").unwrap();
    assert_eq!(sessions, ["tab\t nul\u{fffd} line\n \\N"]);
}

#[test]
fn the_users_patterns_are_applied_once_more() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let patterns = Patterns::new(&["msg_[0-9]+".to_owned(), "src/a".to_owned()]).0;
    let redactor = Redactor::new("").with_patterns(&patterns);
    let mut client = Client::new(Database::parse(&url).unwrap(), Some(redactor));
    all_accepted(&client.send(&[record(1)]));
    let sql = Sql::connect(&url).unwrap();
    let row = "SELECT message_id, path FROM agent_trace_records JOIN agent_trace_ranges ON record_id = id LIMIT 1";
    assert_eq!(sql.run(row).unwrap(), ["[REDACTED]|[REDACTED].rs"]);
}

#[test]
fn large_batches_go_in_several_transactions() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let large = |n: i64| {
        let payload = format!("\"{}\"", "x".repeat(6 << 20));
        Item::Event(Event { id: event_id("large", n), payload, ..Event::default() })
    };
    let items: Vec<_> = (0..6).map(large).collect();
    all_accepted(&client(&url).send(&items));
    let sql = Sql::connect(&url).unwrap();
    let transactions = "SELECT count(DISTINCT xmin::text) FROM agent_trace_events";
    assert_eq!(sql.number(transactions).unwrap(), 3, "of at most 16 MiB each");
    assert_eq!(counts(&url), [6, 0, 0, 6]);
}
