//! Files that grow, are cut, replaced, deleted, while they are looked at.

use std::fs;

use serde_json::{Value, json};

use super::{Place, Watch, tracer};

const S: &str = "ses_1";

fn ask(words: &str) -> Value {
    tracer::asked(words)
}

#[test]
fn what_is_appended_appears_and_answers_what_waits() {
    let place = Place::new();
    let path = place.write("a.jsonl", tracer::request(S, 1, 0, &ask("One")));
    let mut watch = Watch::live(&path);
    watch.show(S);
    assert!(watch.print().contains("waiting"), "{}", watch.print());
    assert!(watch.sessions[S].live);
    let call = json!({"type": "message", "model": "m", "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1},
        "content": [{"type": "tool_use", "id": "t1", "name": "bash", "input": {"command": "make"}}]});
    let answer = tracer::response(S, 1, 900, 200, &call);
    // Half a line is none, however it ends.
    let (half, rest) = answer.split_at(answer.rfind('}').unwrap());
    place.append("a.jsonl", half);
    watch.look();
    assert!(watch.print().contains("waiting"), "{}", watch.print());
    place.append("a.jsonl", rest);
    watch.look();
    assert!(!watch.sessions[S].live);
    let mut next = ask("One");
    next["messages"].as_array_mut().unwrap().extend([
        json!({"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "bash", "input": {"command": "make"}}]}),
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "ok"}]}),
    ]);
    assert!(watch.print().contains("tool bash \"make\" Running"), "{}", watch.print());
    place.append("a.jsonl", tracer::request(S, 2, 2_000, &next));
    place.append("a.jsonl", tracer::error(S, 2, 2_500, "fetch failed"));
    place.append("a.jsonl", tracer::request(S, 3, 3_000, &next));
    watch.look();
    insta::assert_snapshot!(watch.print(), @r#"
    800 prompt "One"
    800 #1 main - claude-sonnet-4-5 Some(200) complete 134+183 previous=None None try=1 Some(900000) Some((1, 1)) "tool_use" "-"
    800 tool bash "make" Completed "-"
    802 #2 main - claude-sonnet-4-5 None failed 323+0 previous=Some(1) Some(189) try=1 Some(500000) None "-" "fetch failed"
    803 #3 main - claude-sonnet-4-5 None waiting 323+0 previous=Some(2) Some(0) try=2 None None "-" "-"
    "#);
    assert_eq!(watch.renewed, 0);
    assert_eq!(watch.print(), {
        let mut whole = Watch::live(&path);
        whole.show(S);
        whole.print()
    });
}

#[test]
fn an_answer_that_comes_after_the_next_request_changes_nothing_but_its_own_row() {
    let place = Place::new();
    let both = tracer::request(S, 1, 0, &ask("One")) + &tracer::request(S, 2, 10, &ask("Two"));
    let path = place.write("a.jsonl", both);
    let mut watch = Watch::live(&path);
    watch.show(S);
    assert!(watch.exchanges()[0].is_error(), "given up: {}", watch.print());
    place.append("a.jsonl", tracer::error(S, 1, 20, "fetch failed"));
    watch.look();
    let mut whole = Watch::live(&path);
    whole.show(S);
    assert_eq!(watch.print(), whole.print());
    assert_eq!(watch.exchanges()[1].attempt, 1, "it was sent before the other had failed");
}

#[test]
fn nothing_new_is_shown_where_that_is_wanted() {
    let place = Place::new();
    let path = place.write("a.jsonl", tracer::request(S, 1, 0, &ask("One")));
    let mut watch = Watch::of(&path);
    watch.show(S);
    let before = watch.print();
    assert!(before.contains("cut") && before.contains("no answer was written"), "{before}");
    place.append("a.jsonl", tracer::request(S, 2, 1, &ask("Two")));
    watch.settle();
    watch.settle();
    assert_eq!(watch.print(), before);
}

#[test]
fn a_file_that_was_cut_or_replaced_is_read_anew() {
    let one = tracer::request(S, 1, 0, &ask("One")) + &tracer::error(S, 1, 5, "fetch failed");
    let other =
        tracer::request("ses_2", 1, 0, &ask("Another one")) + &tracer::error("ses_2", 1, 5, "no");
    type Change = fn(&Place, &str);
    let changes: [(&str, Change); 4] = [
        ("cut, and written again", |place, other| {
            place.write("a.jsonl", other);
        }),
        ("cut, and written again, longer than before", |place, other| {
            place.write("a.jsonl", other.repeat(9));
        }),
        ("another file in its place", |place, other| {
            place.write("new", other);
            fs::rename(place.path("new"), place.path("a.jsonl")).unwrap();
        }),
        ("deleted, and made again", |place, other| {
            fs::remove_file(place.path("a.jsonl")).unwrap();
            place.write("b", "keeps the number on the disk");
            place.write("a.jsonl", other);
        }),
    ];
    for (name, change) in changes {
        let place = Place::new();
        let path = place.write("a.jsonl", &one);
        let mut watch = Watch::live(&path);
        watch.show(S);
        let id = watch.exchanges()[0].id;
        change(&place, &other);
        // Before the next look, too, nothing is taken for what it is not.
        assert!(watch.exchange(id).is_err(), "{name}");
        watch.look();
        assert_eq!(watch.sessions.keys().collect::<Vec<_>>(), ["ses_2"], "{name}");
        assert_eq!(watch.renewed, 1, "{name}");
        assert_eq!(watch.trouble, ["a.jsonl was cut or replaced, and is read anew"], "{name}");
        assert!(watch.exchanges().is_empty(), "{name}");
        assert!(watch.exchange(id).is_err(), "{name}: numbers are not given twice");
        watch.show("ses_2");
        let row = watch.exchanges()[0].id;
        assert!(watch.exchange(row).is_ok(), "{name}");
    }
}

#[test]
fn a_file_may_go_and_come_back() {
    let place = Place::new();
    let one = tracer::request(S, 1, 0, &ask("One"));
    let path = place.write("a.jsonl", &one);
    let mut watch = Watch::live(&path);
    watch.show(S);
    fs::remove_file(&path).unwrap();
    watch.look();
    assert_eq!(watch.trouble, ["a.jsonl is gone"]);
    assert!(watch.sessions.is_empty());
    place.write("a.jsonl", one + &tracer::error(S, 1, 5, "fetch failed"));
    watch.look();
    assert!(watch.print().contains("failed"), "{}", watch.print());
}

#[test]
fn files_come_into_a_folder_and_go() {
    let place = Place::new();
    place.write("a.jsonl", tracer::request("a", 1, 0, &ask("One")));
    let mut watch = Watch::live(place.folder.path());
    place.write("b.jsonl", tracer::request("b", 1, 0, &ask("Two")));
    watch.look();
    assert_eq!(watch.renewed, 0);
    // A session may go on in another file.
    place.write("c.jsonl", tracer::request("a", 1, 60_000, &ask("Three")));
    watch.show("a");
    watch.look();
    assert_eq!(watch.exchanges().len(), 2, "{}", watch.print());
    assert_eq!(watch.sessions["a"].totals.requests, 2);
    place.append("a.jsonl", tracer::request("a", 2, 1_000, &ask("One and a half")));
    watch.look();
    let ordinals: Vec<_> =
        watch.exchanges().iter().map(|row| (row.ordinal, row.previous.is_some())).collect();
    assert_eq!(ordinals, [(1, false), (2, true), (3, true)], "{}", watch.print());
    fs::remove_file(place.path("b.jsonl")).unwrap();
    watch.look();
    assert_eq!(watch.sessions.keys().collect::<Vec<_>>(), ["a"]);
    fs::remove_dir_all(place.folder.path()).unwrap();
    watch.look();
    watch.look();
    assert_eq!(watch.trouble.len(), 1, "once: {:?}", watch.trouble);
}
