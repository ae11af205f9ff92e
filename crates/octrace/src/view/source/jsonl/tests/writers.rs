//! What both writers write is read: opencode-api-tracer's own shape, and ours.

use octrace_core::{
    exchange::{Outcome, Purpose, Summary, Timing},
    provider::read_answer,
};
use octrace_export::jsonl::write;
use octrace_script::Dialect;
use octrace_store::{follow::Step, read::ExchangeDetail};
use octrace_testkit::session::Session;
use serde_json::json;

use super::{Place, Source, Watch, tracer};

/// A prompt, a title, an answer with a tool call as a stream, a try that fails and one that does not, an abort, and a
/// request that nothing came of.
fn tracer_file() -> String {
    let s = "ses_1";
    let title = json!({"model": "haiku", "system": "You are a title generator.", "messages": [
        {"role": "user", "content": "Generate a title for this conversation:\n"},
        {"role": "user", "content": "Fix the date test"}]});
    let stream = json!({"events": [
        {"event": "message_start", "data": {"type": "message_start", "message": {"model": "claude-sonnet-4-5", "usage": {"input_tokens": 100, "output_tokens": 1}}}},
        {"event": "content_block_start", "data": {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}}}},
        {"event": "content_block_delta", "data": {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{\"filePath\":\"/src/date.rs\"}"}}},
        {"event": "content_block_stop", "data": {"type": "content_block_stop", "index": 0}},
        {"event": "message_delta", "data": {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 20}}},
        {"event": "message_stop", "data": {"type": "message_stop"}}]});
    let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"filePath": "/src/date.rs"}}]});
    let result = json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "content": "no such file"}]});
    let mut second = tracer::asked("Fix the date test");
    second["messages"].as_array_mut().unwrap().extend([call.clone(), result.clone()]);
    let mut third = second.clone();
    third["messages"].as_array_mut().unwrap().extend([
        json!({"role": "assistant", "content": "Done."}),
        json!({"role": "user", "content": [{"type": "text", "text": "And now \u{1b}[2J the rest"}]}),
    ]);
    [
        tracer::request(s, 1, 9_000, &title),
        tracer::request(s, 2, 9_010, &tracer::asked("Fix the date test")),
        tracer::response(
            s,
            1,
            9_500,
            200,
            &tracer::said("<think>hm</think>\n\nDate test\nmore", (5, 3)),
        ),
        tracer::response(s, 2, 11_000, 200, &stream),
        tracer::request(s, 3, 12_000, &second),
        tracer::error(s, 3, 12_100, "fetch failed"),
        tracer::request(s, 4, 13_000, &second),
        tracer::response(
            s,
            4,
            13_500,
            529,
            &json!({"error": {"type": "overloaded_error", "message": "Overloaded"}}),
        ),
        tracer::request(s, 5, 14_000, &second),
        tracer::response(s, 5, 15_000, 200, &tracer::said("Done.", (130, 7))),
        // Another process goes on with the session; its numbers begin anew.
        tracer::request(s, 1, 30_000, &third),
        tracer::error(s, 1, 31_000, "This operation was aborted"),
        tracer::request(s, 2, 40_000, &third),
    ]
    .concat()
}

#[test]
fn a_file_of_opencode_api_tracer() {
    let place = Place::new();
    place.write("2026-04-25-10-41-09-Fix the date test.jsonl", tracer_file());
    place.write(
        "2026-04-25-10-50-09-Hello.jsonl",
        tracer::request("run_71_2", 1, 5_000, &tracer::asked("Hello")),
    );
    place.write("opencode-api-tracer.debug.jsonl", "{\"event\":\"install.start\"}\n");
    let mut watch = Watch::of(place.folder.path());
    assert!(watch.is_complete && watch.trouble.is_empty(), "{:?}", watch.trouble);
    insta::assert_snapshot!(watch.print_sessions(), @r#"
    run_71_2 "Hello" 1777084805..1777084805 ["claude-sonnet-4-5"] [] [] [] requests=1 errors=1 used=(0, 0) bytes=136 live=false
    ses_1 "Date test" 1777084809..1777084840 ["claude-sonnet-4-5", "haiku"] [] [200, 529] ["read"] requests=7 errors=3 used=(235, 30) bytes=3625 live=false
    "#);
    assert_eq!(watch.sessions["ses_1"].failed_tools, ["read"]);
    watch.show("ses_1");
    insta::assert_snapshot!(watch.print(), @r#"
    809 #1 title - haiku Some(200) complete 184+190 previous=None None try=1 Some(500000) Some((5, 3)) "end_turn" "-"
    809 prompt "Fix the date test"
    809 #2 main - claude-sonnet-4-5 Some(200) complete 148+734 previous=None None try=1 Some(1990000) Some((100, 20)) "tool_use" "-"
    811 tool read "/src/date.rs" Failed "-"
    812 #3 main - claude-sonnet-4-5 None failed 382+0 previous=Some(2) Some(234) try=1 Some(100000) None "-" "fetch failed"
    813 #4 main - claude-sonnet-4-5 Some(529) complete 382+60 previous=Some(3) Some(0) try=2 Some(500000) None "-" "Overloaded"
    814 #5 main - claude-sonnet-4-5 Some(200) complete 382+161 previous=Some(4) Some(0) try=3 Some(1000000) Some((130, 7)) "end_turn" "-"
    830 prompt "And now \u{1b}[2J the rest"
    830 #6 main - claude-sonnet-4-5 None aborted 501+0 previous=Some(5) Some(119) try=1 Some(1000000) None "-" "This operation was aborted"
    840 #7 main - claude-sonnet-4-5 None cut 501+0 previous=Some(6) Some(0) try=1 None None "-" "no answer was written"
    "#);
}

#[test]
fn an_exchange_is_read_back_from_its_lines() {
    let place = Place::new();
    let path = place.write("a.jsonl", tracer_file());
    let mut watch = Watch::of(&path);
    watch.show("ses_1");
    let ids: Vec<i64> = watch.exchanges().iter().map(|row| row.id).collect();
    let streamed = watch.exchange(ids[1]).unwrap();
    assert_eq!(streamed.request_body, tracer::asked("Fix the date test").to_string().into_bytes());
    assert_eq!(streamed.request_headers[0], ("authorization".to_owned(), "[REDACTED]".to_owned()));
    assert_eq!(streamed.summary.url, "https://api.example/v1/messages");
    assert_eq!(streamed.summary.session, "ses_1");
    let answer = read_answer(streamed.summary.dialect, "", &streamed.response_body, true);
    assert_eq!(answer.problems, Vec::<String>::new());
    assert_eq!(answer.tool_calls[0].arguments, r#"{"filePath":"/src/date.rs"}"#);
    for (bodies, request, response) in [
        (&[][..], &b""[..], &b""[..]),
        (&[Step::Begin], &streamed.request_body, b""),
        (&[Step::End], b"", &streamed.response_body),
    ] {
        let found = watch.source.exchange(ids[1], bodies).unwrap();
        assert_eq!((&*found.request_body, &*found.response_body), (request, response));
    }
    let failed = watch.exchange(ids[2]).unwrap();
    assert_eq!(failed.summary.outcome, Outcome::Failed);
    assert_eq!(failed.summary.error.as_deref(), Some("fetch failed"));
    assert!(watch.exchange(999).is_err());
    assert!(watch.exchange(i64::MIN).is_err());
}

/// As the tape has an exchange.
fn recorded(
    dialect: Dialect,
    url: &str,
    id: i64,
    request: &str,
    answer: &[String],
) -> ExchangeDetail {
    let dialect = octrace_core::provider::Dialect::parse(match dialect {
        Dialect::Anthropic => "anthropic",
        Dialect::OpenaiResponses => "openai-responses",
        _ => "openai-chat",
    });
    let response_body = answer.concat().into_bytes();
    let read = read_answer(dialect, "text/event-stream", &response_body, true);
    let json = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    ExchangeDetail {
        summary: Summary {
            id: 40 + id,
            session: Session::ID.to_owned(),
            agent: Some("build".to_owned()),
            purpose: Purpose::Main,
            model: octrace_core::provider::read_request(dialect, request.as_bytes()).model,
            dialect,
            method: "POST".to_owned(),
            url: url.to_owned(),
            status: Some(200),
            outcome: Outcome::Complete,
            timing: Timing {
                sent_us: 1_777_084_800_000_000 + id * 5_000_000,
                end_after_us: Some(2_000_000),
                ..Timing::default()
            },
            request_bytes: request.len() as u64,
            usage: read.usage,
            finish: read.finish,
            ..Summary::default()
        },
        ordinal: id,
        request_headers: vec![json("content-type", "application/json")],
        request_body: request.as_bytes().to_vec(),
        response_headers: vec![json("content-type", "text/event-stream")],
        status_text: Some("OK".to_owned()),
        response_body,
        ..ExchangeDetail::default()
    }
}

#[test]
fn what_octrace_wrote_says_what_the_tape_says() {
    for dialect in [Dialect::Anthropic, Dialect::OpenaiChat, Dialect::OpenaiResponses] {
        let mut session = Session::new(dialect, 3);
        let mut file = Vec::new();
        let mut all = Vec::new();
        for id in 1..=20 {
            let turn = session.next_turn();
            let exchange = recorded(dialect, session.url(), id, &turn.request, &turn.answer);
            write(&mut file, Step::Begin, &exchange).unwrap();
            write(&mut file, Step::End, &exchange).unwrap();
            all.push(exchange);
        }
        let place = Place::new();
        let path = place.write("2026-04-25-10-40-00-x.jsonl", &file);
        let mut watch = Watch::of(&path);
        watch.show(Session::ID);
        let rows: Vec<_> = watch.exchanges().into_iter().cloned().collect();
        assert_eq!(rows.len(), all.len());
        let mut before: Option<&octrace_core::timeline::ExchangeRow> = None;
        for (row, tape) in rows.iter().zip(&all) {
            let summary = &tape.summary;
            assert_eq!(row.ordinal, tape.ordinal);
            assert_eq!(row.at_us, summary.timing.sent_us);
            assert_eq!(row.end_after_us, summary.timing.end_after_us);
            assert_eq!(row.model.as_deref(), summary.model.as_deref());
            assert_eq!(row.agent.as_deref(), summary.agent.as_deref());
            assert_eq!((row.status, row.outcome), (summary.status, summary.outcome));
            assert_eq!(row.usage, summary.usage, "{dialect:?}");
            assert_eq!(row.finish.as_deref(), summary.finish.as_deref());
            assert_eq!(row.request_bytes, summary.request_bytes);
            assert_eq!(row.previous, before.map(|before| before.id));
            let growth =
                before.map(|before| row.request_bytes as i64 - before.request_bytes as i64);
            assert_eq!(row.growth, growth);
            before = Some(row);
            let file = watch.exchange(row.id).unwrap();
            assert_eq!(file.request_body, tape.request_body);
            let said = |body| read_answer(summary.dialect, "", body, true);
            let (here, there) = (said(&file.response_body), said(&tape.response_body));
            assert_eq!((here.text, here.tool_calls), (there.text, there.tool_calls));
            assert_eq!(here.problems, there.problems);
        }
        let count = |what: &str| watch.print().lines().filter(|line| line.contains(what)).count();
        assert_eq!(count(" prompt "), 3, "{dialect:?}: once in eight steps\n{}", watch.print());
        assert_eq!(count(" tool read "), 20, "{dialect:?}");
    }
}

#[test]
fn words_are_found_where_they_were_first_seen() {
    let place = Place::new();
    let path = place.write("a.jsonl", tracer_file());
    let mut watch = Watch::of(&path);
    watch.show("ses_1");
    let ordinal = |watch: &mut Watch, session: Option<&str>, words: &str| {
        let places = watch.find(session, words);
        let rows = watch.exchanges();
        let of = |id: i64| rows.iter().find(|row| row.id == id).unwrap().ordinal;
        places.iter().map(|(_, id)| of(*id)).collect::<Vec<_>>()
    };
    assert_eq!(ordinal(&mut watch, None, "\"no such file\""), [3], "and in no later request");
    assert_eq!(
        ordinal(&mut watch, Some("ses_1"), "date.rs"),
        [2, 3],
        "an answer, then its repetition"
    );
    assert_eq!(ordinal(&mut watch, None, "overloaded"), [4]);
    assert_eq!(ordinal(&mut watch, None, "fetch"), [3]);
    assert_eq!(ordinal(&mut watch, None, "nowhere"), [0; 0]);
    assert_eq!(ordinal(&mut watch, Some("ses_2"), "date"), [0; 0]);
}
