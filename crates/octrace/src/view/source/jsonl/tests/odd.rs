//! Lines and files that nobody should write, and somebody does.

use std::{fs, os::unix::fs::symlink};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;

use super::{JsonlSource, Place, Watch, tracer};

#[test]
fn odd_lines_are_read_passed_over_and_counted() {
    let place = Place::new();
    let mut file = b"\xEF\xBB\xBF".to_vec();
    let mut line = |bytes: &[u8]| file.extend_from_slice(bytes);
    // Fields in another order, unknown ones, white space, another line's end, a number in words.
    line(b"{\"body\": {\"messages\": [ {\"content\" : \"hi\", \"role\" : \"user\"} ], \"model\":\"m\"}, \"extra\":[{}], \"sessionID\" :\"s\", \"url\":\"https://x.example/chat/completions\", \"id\":\"a\", \"timestamp\":1777084801000,\"kind\":\"request\"}\r\n");
    line(b"\n  \n\r\n");
    line(b"{\"kind\":\"telemetry\",\"id\":1}\n[1]\n\"text\"\n");
    line(b"{\"kind\":\"request\",\"id\":7,\"sess\n");
    line(b"\0\0\0\0\n");
    line(b"{\"kind\":\"response\",\"id\":\"a\",\"sessionID\":\"s\",\"timestamp\":\"never\",\"status\":\"200\",\"body\":{\"choices\":[{\"message\":{\"content\":\"\xff\xfe\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}}\n");
    // An answer whose request is not there; bodies of every shape; a session without a name; deep nesting.
    line(b"{\"kind\":\"response\",\"id\":99,\"sessionID\":\"s\",\"status\":500,\"body\":\"gateway \\\"down\\\"\"}\n");
    line(b"{\"kind\":\"request\",\"sessionID\":\"s\",\"body\":null}\n{\"kind\":\"request\",\"id\":2,\"sessionID\":\"s\",\"body\":\"text\"}\n{\"kind\":\"request\",\"id\":3,\"sessionID\":\"s\",\"body\":[{\"messages\":[1]}]}\n");
    line(b"{\"kind\":\"error\",\"id\":3,\"sessionID\":\"s\"}\n");
    line(b"{\"kind\":\"request\",\"id\":1,\"body\":{\"raw\":\"x\"}}\n");
    let deep = format!(
        "{{\"kind\":\"request\",\"id\":4,\"sessionID\":\"s\",\"body\":{{\"messages\":{}{}}}}}\n",
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    line(deep.as_bytes());
    // Whole, without its end; and one that is not whole yet.
    line(b"{\"kind\":\"error\",\"id\":4,\"sessionID\":\"s\",\"error\":\"last\"}");
    let path = place.write("odd.jsonl", &file);
    let mut watch = Watch::of(&path);
    assert_eq!(watch.trouble, ["2 lines are not whole records and were passed over: odd.jsonl"]);
    watch.show("s");
    insta::assert_snapshot!(watch.print(), @r#"
    801 prompt "hi"
    801 #1 main - m Some(200) complete 66+115 previous=None None try=1 Some(0) Some((3, 1)) "stop" "-"
    801 #2 main - - Some(500) complete 0+18 previous=Some(1) Some(-66) try=1 Some(0) None "-" "-"
    801 #3 main - - None cut 0+0 previous=Some(2) Some(0) try=1 None None "-" "no answer was written"
    801 #4 main - - None cut 6+0 previous=Some(3) Some(6) try=1 None None "-" "no answer was written"
    801 #5 main - - None failed 18+0 previous=Some(4) Some(12) try=1 Some(0) None "-" "no reason was given"
    801 #6 main - - None failed 40013+0 previous=Some(5) Some(39995) try=1 Some(0) None "-" "last"
    "#);
    for row in watch.exchanges().into_iter().cloned().collect::<Vec<_>>() {
        let detail = watch.exchange(row.id).unwrap();
        let size = detail.request_body.len() as u64;
        assert!(size <= row.request_bytes, "{row:?}");
    }
    watch.show("odd");
    assert_eq!(watch.exchanges().len(), 1, "a line without a session is the file's own");
}

#[test]
fn a_line_of_a_hundred_megabytes_is_a_line() {
    let place = Place::new();
    let long = "word \\n ".repeat(100 << 17);
    let mut file = tracer::request("s", 1, 0, &tracer::asked("first"));
    file.push_str(&format!("{{\"kind\":\"request\",\"id\":2,\"timestamp\":\"2026-04-25T02:40:01.000Z\",\"sessionID\":\"s\",\"method\":\"POST\",\"url\":\"https://x.example/messages\",\"body\":{{\"model\":\"m\",\"system\":\"{long}\",\"messages\":[{{\"role\":\"user\",\"content\":\"behind it\"}}]}},\"agent\":\"build\"}}\n"));
    file.push_str(&tracer::error("s", 2, 9_000, "too long"));
    let path = place.write("long.jsonl", &file);
    let mut watch = Watch::of(&path);
    watch.show("s");
    let rows = watch.exchanges();
    assert_eq!(rows.len(), 2);
    assert!(rows[1].request_bytes > 100 << 20, "{rows:?}");
    assert_eq!(rows[1].error.as_deref(), Some("too long"));
    assert_eq!(rows[1].agent.as_deref(), Some("build"));
    assert!(watch.print().contains("prompt \"behind it\""), "{}", watch.print());
    let id = rows[1].id;
    assert!(watch.exchange(id).unwrap().request_body.ends_with(b"\"behind it\"}]}"));
}

#[test]
fn what_cannot_be_looked_at_says_why() {
    let place = Place::new();
    let folder = place.folder.path();
    let said = |path: &std::path::Path| {
        let error = JsonlSource::open(path, true).err().unwrap();
        let hint = error.hint().unwrap_or("-");
        format!("{error}\n  {hint}\n").replace(&*folder.to_string_lossy(), "/f")
    };
    fs::create_dir(place.path("empty")).unwrap();
    place.write("package.json", "{\n  \"name\": \"x\"\n}\n");
    place.write("other.jsonl", "{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\n");
    mknodat(CWD, place.path("pipe.jsonl"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let all: String = ["none", "empty", "package.json", "other.jsonl", "pipe.jsonl"]
        .iter()
        .map(|name| said(&place.path(name)))
        .collect();
    insta::assert_snapshot!(all, @"
    there is no /f/none
      `octrace export jsonl SESSION -o FOLDER` makes such files; `octrace view` alone shows the tape.
    there is no .jsonl file in /f/empty
      `octrace export jsonl SESSION -o FOLDER` makes such files; `octrace view` alone shows the tape.
    /f/package.json holds no recording: none of its first lines is a request, a response or an error
      Each line should be an object with a `kind` of request, response or error, as octrace and opencode-api-tracer write it.
    /f/other.jsonl holds no recording: none of its first lines is a request, a response or an error
      Each line should be an object with a `kind` of request, response or error, as octrace and opencode-api-tracer write it.
    /f/pipe.jsonl is neither a file nor a folder
      -
    ");
}

#[test]
fn in_a_folder_only_its_own_regular_files_are_opened() {
    let place = Place::new();
    let outside = Place::new();
    let secret = outside.write("secret.jsonl", tracer::request("secret", 1, 0, &json!({})));
    place.write("a.jsonl", tracer::request("a", 1, 0, &json!({})));
    place.write("notes.txt", tracer::request("txt", 1, 0, &json!({})));
    place.write("empty.jsonl", "");
    place.write("other.jsonl", "{\"prompt\":\"a\"}\n");
    symlink(&secret, place.path("link.jsonl")).unwrap();
    symlink("loop.jsonl", place.path("loop.jsonl")).unwrap();
    mknodat(CWD, place.path("pipe.jsonl"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    fs::create_dir(place.path("folder.jsonl")).unwrap();
    let watch = Watch::of(place.folder.path());
    assert_eq!(watch.sessions.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(watch.trouble, [""; 0]);
    // Whoever names a link means what it leads to.
    let watch = Watch::of(&place.path("link.jsonl"));
    assert_eq!(watch.sessions.keys().collect::<Vec<_>>(), ["secret"]);
}
