//! Agent Trace in a real Postgres, through whatever weather: nothing lost, nothing twice, counted by SQL.

mod migrations;
mod sending;
mod tls;
mod weather;

use octrace_export::postgres::{Client, Database, Event, Item, Outcome, Record, Verdict, event_id};
use octrace_testkit::Sql;

/// Events and records, in turn.
fn items(count: u32) -> Vec<Item> {
    (0..count).map(|n| if n % 3 == 0 { record(n) } else { event(n) }).collect()
}

fn event(n: u32) -> Item {
    Item::Event(Event {
        id: event_id("4711-spool", i64::from(n)),
        name: "tool.execute.after".to_owned(),
        session: Some("ses_1".to_owned()),
        message: Some(format!("msg_{n}")),
        call: None,
        at_us: 1_795_000_000_000_001 + i64::from(n),
        payload: format!(r#"{{"n":{n},"output":"tab\there, \\ and 'quotes'"}}"#),
    })
}

fn record(n: u32) -> Item {
    let id = event_id("records", i64::from(n));
    let json = format!(
        r#"{{"version":"0.1.0","id":"{id}","timestamp":"2026-11-20T20:00:00.123456Z",
"vcs":{{"type":"git","revision":"{n:040x}"}},"tool":{{"name":"opencode","version":"1.18.33"}},
"files":[
 {{"path":"src/a.rs","conversations":[{{"contributor":{{"type":"ai","model_id":"mock/scripted"}},"ranges":[
   {{"start_line":2,"end_line":4,"content_hash":"blake2s:aa"}},{{"start_line":9,"end_line":9}}]}}]}},
 {{"path":"b c.txt","conversations":[{{"contributor":{{"type":"ai","model_id":"mock/scripted"}},"ranges":[
   {{"start_line":1,"end_line":7,"contributor":{{"type":"mixed"}}}}]}}]}}],
"metadata":{{"io.opencode.session_id":"ses_1","io.opencode.call_id":"call_{n}","io.opencode.message_id":"msg_9",
"io.opencode.tool":"edit","io.opencode.agent":"build",
"io.opencode.evidence":[{{"path":"src/a.rs","ranges":["bytes","step_trees"]}},{{"path":"b c.txt","ranges":["explicit"]}}]}}}}"#
    );
    Item::Record(Record { id, json, root: "/home/me/repo".to_owned() })
}

fn client(url: &str) -> Client {
    Client::new(sure(Database::parse(url)), None)
}

fn all_accepted(outcome: &Outcome) {
    assert_eq!(outcome.unavailable, None);
    let other = outcome.verdicts.iter().find(|verdict| **verdict != Verdict::Accepted);
    assert_eq!(other, None);
}

/// Rows in the tables: events, records, ranges, and what is remembered. Of one moment: a batch may be arriving.
fn counts(url: &str) -> [i64; 4] {
    let sql = sure(Sql::connect(url));
    let count = |table| format!("(SELECT count(*) FROM agent_trace_{table})");
    let counts = ["events", "records", "ranges", "dedupe"].map(count).join(", ");
    let rows = sure(sql.run(&format!("SELECT {counts}")));
    let counts: Vec<i64> =
        rows.iter().flat_map(|row| row.split('|')).map(|count| sure(count.parse())).collect();
    sure(counts.try_into())
}

fn sure<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error:?}"))
}
