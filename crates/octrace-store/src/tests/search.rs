//! Search on whole tapes.

use std::{collections::BTreeSet, time::Instant};

use octrace_core::{
    exchange::Summary,
    filter::{self, Filter, Said},
    provider::{Dialect, read_answer},
    search::{Query, Role},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Author, answer, body, size};
use crate::{
    Tape,
    body::sample::{Session, Shape},
    read::{Hits, Wanted},
};

fn find(tape: &Tape, query: &str) -> Hits {
    tape.search(&Query::parse(query).unwrap(), None, 20).unwrap()
}

/// A line for each hit.
fn lines(found: &Hits) -> String {
    let line = |hit: &crate::read::Hit| {
        let mark = |f: &octrace_core::search::Fragment| {
            if f.found { format!("[{}]", f.text) } else { f.text.clone() }
        };
        let snippet: String = hit.snippet.iter().map(mark).collect();
        let turn = hit.turn.map_or("-".to_owned(), |turn| turn.to_string());
        format!("{} turn {turn} {} #{}: {snippet}\n", hit.session, hit.role.as_str(), hit.exchange)
    };
    found.hits.iter().map(line).collect()
}

fn index(tape: &mut Tape) {
    while tape.index_step().unwrap() {}
}

/// How many parts are not in the index yet.
fn unindexed(tape: &Tape) -> i64 {
    tape.connection.query_row("SELECT count(*) FROM unindexed", [], |row| row.get(0)).unwrap()
}

/// Two sessions: one with two prompts and a tool, and another that begins with the same words.
fn author() -> Author {
    let mut author = Author::new();
    let prompt = ("user", "Fix the date test");
    let said = ("assistant", "The parser reads foo_bar wrongly.");
    let next = ("user", "Then fix 修复日期测试 too");
    author.exchanges("ses_1", "msg_1", &body(&[prompt]), &answer(said.1));
    author.exchanges("ses_1", "msg_2", &body(&[prompt, said, next]), &answer("Done, said Ünal."));
    author.exchanges("ses_2", "msg_9", &body(&[prompt]), &answer("Nothing to fix"));
    author.fails("ses_2", &body(&[prompt]), "ConnectionRefused: nobody listens");
    author
}

#[test]
fn what_was_said_is_found_once_a_session_where_it_was_said_first() {
    let mut author = author();
    for indexed in [false, true] {
        if indexed {
            index(&mut author.tape);
        }
        let found = |query| lines(&find(&author.tape, query));
        insta::allow_duplicates! {
            insta::assert_snapshot!(found("date"), @"
            ses_2 turn 1 user #3: Fix the [date] test
            ses_1 turn 1 user #1: Fix the [date] test
            ");
            insta::assert_snapshot!(found("foo_bar"), @"ses_1 turn 1 assistant #1: The parser reads [foo_bar] wrongly.");
            insta::assert_snapshot!(found("fix*"), @"
            ses_2 turn 1 assistant #3: Nothing to [fix]
            ses_2 turn 1 user #3: [Fix] the date test
            ses_1 turn 2 user #2: Then [fix] 修复日期测试 too
            ses_1 turn 1 user #1: [Fix] the date test
            ");
            insta::assert_snapshot!(found("日期"), @"ses_1 turn 2 user #2: Then fix 修复[日期]测试 too");
            insta::assert_snapshot!(found("nobody"), @"ses_2 turn 2 error #4: ConnectionRefused: [nobody] listens");
            insta::assert_snapshot!(found("date nothing"), @"");
        }
    }
}

#[test]
fn any_text_may_be_typed() {
    let mut author = author();
    index(&mut author.tape);
    for typed in [
        "AND",
        "OR x",
        "NEAR(a b)",
        "words:date",
        "-date",
        "^date",
        "date*",
        "\"",
        "'",
        "(",
        ")",
        "a + b",
        "{a}",
        "date\0",
        "\u{1b}[2J",
        "%_",
        "; DROP TABLE parts",
        "\u{fffd}\u{10ffff}",
        "*",
        "**",
        "a\"b\"c*",
    ] {
        let Some(query) = Query::parse(typed) else { continue };
        author.tape.search(&query, None, 20).unwrap();
    }
}

#[test]
fn in_one_session_and_no_more_than_asked_for() {
    let mut author = author();
    index(&mut author.tape);
    let query = Query::parse("fix*").unwrap();
    let search = |session, limit| author.tape.search(&query, session, limit).unwrap();
    assert!(search(Some("ses_2"), 20).hits.iter().all(|hit| hit.session == "ses_2"));
    assert_eq!(search(Some("ses_3"), 20), Hits::default());
    let all = search(None, 20);
    assert!(!all.more);
    for limit in 0..all.hits.len() {
        let some = search(None, limit);
        assert!(some.more, "{limit}");
        assert_eq!(some.hits[..], all.hits[..limit]);
    }
}

#[test]
fn every_place_is_told_and_only_wanted_exchanges_and_roles_are_searched() {
    let mut author = author();
    for indexed in [false, true] {
        if indexed {
            index(&mut author.tape);
        }
        let places = |query: &str, session: Option<&str>| {
            let found = author.tape.places_of(&Query::parse(query).unwrap(), session).unwrap();
            found.into_iter().map(|(id, exchange)| format!("{id} #{exchange}")).collect::<Vec<_>>()
        };
        assert_eq!(places("fix*", None), ["ses_1 #1", "ses_1 #2", "ses_2 #3"]);
        assert_eq!(places("fix*", Some("ses_1")), ["ses_1 #1", "ses_1 #2"]);
        assert_eq!(places("nobody", None), ["ses_2 #4"]);
        assert_eq!(places("=>", None), [""; 0]);

        let query = Query::parse("fix*").unwrap();
        let of = |fits: &dyn Fn(&Summary) -> bool, limit, role: fn(Role) -> bool| {
            let fits = &mut |said: Said<'_>| fits(said.exchange);
            let wanted = Wanted { fits, of_calls: false };
            author.tape.search_where(&query, None, limit, Some(wanted), role).unwrap()
        };
        let found = of(&|row| row.session == "ses_1", 1, |role| role == Role::User);
        assert_eq!(lines(&found), "ses_1 turn 2 user #2: Then [fix] 修复日期测试 too\n");
        assert!(found.more);
        let found = of(&|row| row.id == 3, 2, |_| true);
        assert_eq!((found.hits.len(), found.more), (2, false));
        // The second request has the first prompt, too.
        let found = of(&|row| row.id == 2, 9, |_| true);
        assert_eq!(
            lines(&found),
            "ses_1 turn 2 user #2: Then [fix] 修复日期测试 too\nses_1 turn 2 user #2: [Fix] the date test\n"
        );
    }
}

/// A session with three tool calls, the last two of one answer: what it asks for, what came, and what OpenCode told.
fn with_calls() -> Author {
    let mut author = Author::new();
    let call = |id: &str, tool: &str, what: &str| json!({"type": "tool_use", "id": id, "name": tool, "input": {"what": what}});
    let gave =
        |id: &str, text: &str| json!({"type": "tool_result", "tool_use_id": id, "content": text});
    let message = |role: &str, content: &[Value]| json!({"role": role, "content": content});
    let text = |text: &str| json!({"type": "text", "text": text});
    let steps = [
        vec![call("c1", "write", "greet the world")],
        vec![call("c2", "bash", "Hello is run"), call("c3", "read", "a greet file")],
        vec![text("That was the greet.")],
    ];
    let results =
        [vec![gave("c1", "wrote greet")], vec![gave("c2", "Hello greet"), gave("c3", "not found")]];
    author.message("msg_1", "user", None);
    let mut messages = vec![message("user", &[text("Make a greet program")])];
    for (number, step) in steps.iter().enumerate() {
        author.message(&format!("msg_2{number}"), "assistant", Some("msg_1"));
        let asked = json!({"model": "m", "messages": messages, "stream": false}).to_string();
        if number == 1 {
            author.fails("ses_1", &asked, "Overloaded: greet later");
        }
        let answer =
            json!({"type": "message", "model": "m", "content": step, "stop_reason": "tool_use"});
        author.exchanges("ses_1", "msg_1", &asked, &answer.to_string());
        messages.push(message("assistant", step));
        messages.extend(results.get(number).map(|results| message("user", results)));
    }
    for (message, id, tool, state) in [
        ("msg_20", "prt_1", "write", json!({"status": "completed"})),
        ("msg_21", "prt_2", "bash", json!({"status": "completed", "metadata": {"exit": 0}})),
        ("msg_21", "prt_3", "read", json!({"status": "error", "error": "not found"})),
    ] {
        author.part(
            message,
            id,
            &json!({"type": "tool", "tool": tool, "callID": id, "state": state}),
        );
    }
    author
}

#[test]
fn what_is_said_to_tools_and_by_them_is_theirs() {
    let mut author = with_calls();
    let find = |tape: &Tape, typed: &str| {
        let wanted = filter::Search::parse(typed).unwrap();
        let of_calls = wanted.filter.asks_of_calls();
        let fits = &mut |said: Said<'_>| wanted.filter.matches(&said, 0, |_| true);
        let fitting = Some(Wanted { fits, of_calls });
        let query = wanted.query.as_ref().unwrap();
        let found = tape.search_where(query, None, 20, fitting, |role| wanted.wants(role)).unwrap();
        let place = |hit: &crate::read::Hit| format!("{} #{}", hit.role.as_str(), hit.exchange);
        let mut places: Vec<_> = found.hits.iter().map(place).collect();
        places.sort();
        places.join(", ")
    };
    for indexed in [false, true] {
        if indexed {
            index(&mut author.tape);
        }
        for (typed, places) in [
            ("tool:write greet", "assistant #1, tool result #2"),
            ("tool:bash Hello", "assistant #3, tool result #4"),
            ("tool:read \"not found\"", "tool result #4"),
            ("tool:write found", ""),
            ("kind:error role:tool-result found", "tool result #4"),
            // Its own error, and the failed try was the first that had this.
            (
                "kind:error greet",
                "assistant #2, assistant #3, error #2, tool result #2, tool result #4, user #2",
            ),
            ("kind:error Hello", "assistant #3, tool result #4"),
            // The second try has what the failed one had.
            ("kind:tool greet -kind:error", "assistant #1, tool result #3"),
            ("-kind:tool greet", "assistant #4, error #2, user #1"),
            ("-tool:write -tool:bash greet", "assistant #4, error #2, user #1"),
            ("status:200 role:tool-result greet", "tool result #3, tool result #4"),
        ] {
            assert_eq!(find(&author.tape, typed), places, "{typed}");
        }
    }
}

#[test]
fn what_a_title_is_asked_for_is_a_place_in_the_conversation_as_well() {
    let mut author = Author::new();
    let prompt = body(&[("user", "Fix the date test")]);
    author.asks_as("title", "ses_1", &prompt);
    for _ in 0..3 {
        author.asks("ses_1", "msg_1", &prompt);
    }
    author.asks_as("title", "ses_2", &body(&[("user", "the date")]));
    let query = Query::parse("date").unwrap();
    let places = author.tape.places_of(&query, None).unwrap();
    let ids: Vec<_> = places.iter().map(|(_, exchange)| *exchange).collect();
    assert_eq!(ids, [1, 2, 5]);
}

#[test]
fn a_session_fits_when_anything_in_it_does() {
    let mut author = author();
    author.event(
        "message.part.updated",
        r#"{"part":{"id":"p","callID":"c","messageID":"m","sessionID":"ses_1",
        "type":"tool","tool":"bash","state":{"status":"completed"}}}"#,
    );
    let rows = author.tape.sessions().unwrap();
    let fitting = |typed: &str| {
        let filter = Filter::parse(typed).unwrap();
        let rows = rows.iter().filter(|row| filter.matches(*row, 1_795_164_558_000_000, |_| false));
        let mut ids: Vec<_> = rows.map(|row| row.id.as_str()).collect();
        ids.sort_unstable();
        ids.join(" ")
    };
    for (typed, expected) in [
        ("kind:error", "ses_2"),
        ("-kind:error", "ses_1"),
        ("errors=1 requests:2", "ses_2"),
        ("kind:main kind:request kind:response kind:prompt", "ses_1 ses_2"),
        ("kind:title", ""),
        ("agent:build status:2xx -kind:sub-agent", "ses_1 ses_2"),
        ("status>=400", ""),
        ("tool:bash kind:tool", "ses_1"),
        ("model:m -provider:m", "ses_1 ses_2"),
        ("ses_1", "ses_1"),
        ("session:1", "ses_1"),
        ("size=0 age<1d time<1h", "ses_1 ses_2"),
        ("title:x", ""),
        ("sent>0", ""),
    ] {
        assert_eq!(fitting(typed), expected, "{typed}");
    }
}

#[test]
fn the_index_goes_on_where_it_was_left_and_two_may_build_it() {
    let mut author = author();
    let mut other = author.open_again();
    assert!(author.tape.index_step().unwrap());
    assert!(!other.index_step().unwrap(), "all of it is there");
    author.exchanges("ses_3", "msg_1", &body(&[("user", "later")]), &answer("yes"));
    assert_eq!(find(&other, "later").hits.len(), 1, "before it is indexed");
    index(&mut other);
    assert_eq!(find(&author.tape, "later").hits.len(), 1);
    assert_eq!(unindexed(&author.tape), 0);
}

#[test]
fn what_is_pruned_leaves_the_index_and_its_number_may_come_again() {
    let mut author = author();
    index(&mut author.tape);
    let words = |tape: &Tape| {
        let count =
            "SELECT count(*) FROM part_words WHERE part_words MATCH 'refused OR done OR later'";
        tape.connection.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(words(&author.tape), 1);
    author.tape.connection.execute("DELETE FROM parts", []).unwrap();
    assert_eq!((words(&author.tape), unindexed(&author.tape)), (0, 0));
    author.tape.connection.execute_batch("DELETE FROM uses; DELETE FROM exchanges").unwrap();
    let mut author = Author { tape: author.open_again(), ..author };
    author.exchanges("ses_4", "msg_1", &body(&[("user", "later")]), &answer("yes"));
    let new: i64 = author
        .tape
        .connection
        .query_row("SELECT max(id) FROM parts", [], |row| row.get(0))
        .unwrap();
    assert!(new < 6, "numbers are used again");
    assert_eq!(find(&author.tape, "later").hits.len(), 1);
    index(&mut author.tape);
    assert_eq!((words(&author.tape), find(&author.tape, "later").hits.len()), (1, 1));
    // What was never indexed may go, too.
    author.exchanges("ses_4", "msg_2", &body(&[("user", "soon gone")]), &answer("yes"));
    author.tape.connection.execute("DELETE FROM parts WHERE id > ?1", [new]).unwrap();
    let check = "INSERT INTO part_words (part_words) VALUES ('integrity-check')";
    author.tape.connection.execute(check, []).unwrap();
}

#[test]
fn a_damaged_part_hides_nothing_else() {
    let mut author = author();
    let damage = "UPDATE parts SET data = x'00' WHERE id = 2";
    author.tape.connection.execute(damage, []).unwrap();
    for _ in 0..2 {
        assert_eq!(find(&author.tape, "ünal").hits.len(), 1);
        assert_eq!(find(&author.tape, "=>").hits.len(), 0, "looks at everything");
        index(&mut author.tape);
    }
}

/// The strings that count as text.
fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| strings(value, into)),
        Value::Object(members) => {
            for (name, value) in members {
                if !matches!(name.as_str(), "type" | "role" | "cache_control") {
                    strings(value, into);
                }
            }
        }
        _ => {}
    }
}

/// The sessions in whose bodies a word stands, by reading all of them.
fn sessions_with(tape: &Tape, word: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for session in tape.sessions().unwrap() {
        for exchange in tape.exchanges(&session.id).unwrap() {
            let detail = tape.exchange(exchange.id).unwrap().unwrap();
            let mut texts = Vec::new();
            strings(&serde_json::from_slice(&detail.request_body).unwrap(), &mut texts);
            let said =
                read_answer(Dialect::Anthropic, "application/json", &detail.response_body, true);
            texts.push(said.text);
            let has = |text: &String| {
                let mut words = text.split(|c: char| !c.is_alphanumeric());
                words.any(|other| other.to_lowercase() == word)
            };
            if texts.iter().any(has) {
                found.insert(session.id.clone());
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_reading_everything_finds_is_found(
        talk in prop::collection::vec(
            (0..3_u8, prop::collection::vec("[a-e_.]{1,6}( |\n)[A-E\"\\\\é]{1,3}", 1..4), "[a-e ]{0,9}"), 1..8),
        indexed_after in 0..8_usize,
    ) {
        let mut author = Author::new();
        let mut words = BTreeSet::new();
        for (at, (session, said, answered)) in talk.iter().enumerate() {
            let messages: Vec<_> = said.iter().map(|text| ("user", text.as_str())).collect();
            author.exchanges(&format!("ses_{session}"), "msg_1", &body(&messages), &answer(answered));
            for text in said.iter().chain([answered]) {
                words.extend(text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase));
            }
            if at == indexed_after {
                index(&mut author.tape);
            }
        }
        words.extend(["ab".to_owned(), "m".to_owned()]);
        for word in words.iter().filter(|word| !word.is_empty()) {
            let query = Query::parse(word).unwrap();
            let found = author.tape.search(&query, None, 1_000).unwrap();
            let sessions: BTreeSet<_> = found.hits.into_iter().map(|hit| hit.session).collect();
            prop_assert_eq!(sessions, sessions_with(&author.tape, word), "{}", word);
        }
    }
}

/// `cargo test --release -p octrace-store search_in_figures -- --ignored --nocapture`
#[test]
#[ignore = "writes a gigabyte's worth of sessions; prints figures and asserts what was promised"]
fn search_in_figures() {
    let mut author = Author::new();
    let (mut wire, mut sessions, mut shares) = (0, 0_u64, Vec::new());
    while wire < 1_000_000_000 {
        let shape = if sessions % 2 == 0 { Shape::Anthropic } else { Shape::OpenAiChat };
        let mut session = Session::seeded(shape, 5_300, 1 + sessions);
        let (mut of_session, before) = (0, pages(&author.tape));
        for turn in 0..200 {
            let mut text = session.next_body();
            if sessions == 3 && turn == 100 {
                text = text.replacen(
                    "messages\":[",
                    "messages\":[{\"role\":\"user\",\"content\":\"the rareneedle of all\"},",
                    1,
                );
            }
            of_session += text.len() as u64;
            let answered = answer(&format!("Looked at file {turn}"));
            author.exchanges(
                &format!("ses_{sessions}"),
                &format!("msg_{}", turn / 10),
                &text,
                &answered,
            );
        }
        let recorded = pages(&author.tape);
        let start = Instant::now();
        index(&mut author.tape);
        shares.push((
            of_session,
            recorded - before,
            // Its queue becomes free.
            pages(&author.tape).saturating_sub(recorded),
            start.elapsed(),
        ));
        wire += of_session;
        sessions += 1;
    }
    for (wire, tape, index, took) in shares {
        println!(
            "{wire} on the wire, {tape} on the tape, index {index} in {took:?}: 1/{}",
            wire / (tape + index)
        );
    }
    println!("{sessions} sessions, {wire} bytes; tape {}", size(&author.path()));
    for query in
        ["rareneedle", "\"rareneedle of all\"", "raren*", "account", "fn self", "=>", "zzz"]
    {
        let tape = author.open_again();
        let start = Instant::now();
        let found = find(&tape, query);
        println!("{query}: {} in {:?}", found.hits.len(), start.elapsed());
        if query == "rareneedle" {
            assert!(start.elapsed().as_millis() < 50);
        }
    }
}

fn pages(tape: &Tape) -> u64 {
    let free = "SELECT (page_count - freelist_count) * page_size
                FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    tape.connection.query_row(free, [], |row| row.get::<_, i64>(0)).unwrap().cast_unsigned()
}
