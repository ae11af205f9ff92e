//! The command is given to a real shell, with a `curl` that shows what it got.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use octrace_core::exchange::Summary;
use proptest::prelude::*;

use super::*;

fn detail(url: &str, headers: &[(&str, &str)], body: &[u8]) -> ExchangeDetail {
    let header = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    ExchangeDetail {
        summary: Summary { method: "POST".to_owned(), url: url.to_owned(), ..Summary::default() },
        request_headers: headers.iter().map(header).collect(),
        request_body: body.to_vec(),
        ..ExchangeDetail::default()
    }
}

/// Runs the command; the arguments that curl got, and its standard input.
fn run(command: &str) -> (Vec<String>, Vec<u8>) {
    let script = format!(
        "curl() {{ printf '%s\\n' \"$#\"; for a in \"$@\"; do printf '%s\\000' \"$a\"; done; cat; }}\n{command}"
    );
    let mut shell = Command::new("sh")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("OCTRACE_AUTHORIZATION", "Bearer it's $HOME")
        .env("OCTRACE_KEY", "k&y")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}\n{command}", String::from_utf8_lossy(&output.stderr));
    let mut lines = output.stdout.splitn(2, |byte| *byte == b'\n');
    let count: usize = String::from_utf8_lossy(lines.next().unwrap()).parse().unwrap();
    let mut pieces = lines.next().unwrap().splitn(count + 1, |byte| *byte == 0);
    let arguments =
        pieces.by_ref().take(count).map(|text| String::from_utf8_lossy(text).into_owned());
    let arguments = arguments.collect();
    (arguments, pieces.next().unwrap_or_default().to_vec())
}

#[test]
fn a_dash_at_the_start_is_no_option() {
    for body in [&b"-\x1b"[..], b"--\xff", b"-n"] {
        assert_eq!(run(&curl(&detail("http://h/", &[], body))).1, body);
    }
}

#[test]
fn it_reads_well_and_holds_no_secret() {
    let headers = [
        ("content-type", "application/json"),
        ("Authorization", "[REDACTED]"),
        ("content-length", "12"),
    ];
    let url = "https://api.example/v1/m:generateContent?alt=sse&key=[REDACTED]";
    insta::assert_snapshot!(curl(&detail(url, &headers, br#"{"say":"it's"}"#)), @r#"
    # For a POSIX shell: sh, bash, zsh.
    # Set OCTRACE_AUTHORIZATION first: the recording holds no secrets.
    # Set OCTRACE_KEY first: the recording holds no secrets.
    printf '%s' '{"say":"it'\''s"}' |
    curl --globoff --proto '=http,https' --request 'POST' \
      --header 'content-type: application/json' \
      --header 'Authorization: '"${OCTRACE_AUTHORIZATION:?is not set}" \
      --url 'https://api.example/v1/m:generateContent?alt=sse&key='"${OCTRACE_KEY:?is not set}" \
      --data-binary @-
    "#);
}

#[test]
fn the_shell_gives_curl_what_was_recorded() {
    let headers = [("authorization", "[REDACTED]"), ("x-odd", "a'b\"$(touch /nowhere)`id`\\")];
    let url = "https://api.example/v1?key=[REDACTED]&x=';id;'";
    let (arguments, body) = run(&curl(&detail(url, &headers, b"'; id; '\n")));
    assert_eq!(
        arguments,
        [
            "--globoff",
            "--proto",
            "=http,https",
            "--request",
            "POST",
            "--header",
            "authorization: Bearer it's $HOME",
            "--header",
            "x-odd: a'b\"$(touch /nowhere)`id`\\",
            "--url",
            "https://api.example/v1?key=k&y&x=';id;'",
            "--data-binary",
            "@-",
        ]
    );
    assert_eq!(body, b"'; id; '\n");
}

#[test]
fn headers_that_curl_would_read_otherwise_are_left_out() {
    let headers = [("@/etc/passwd", "x"), ("a b", "x"), ("", "x"), ("split", "a\r\nevil: 1")];
    let command = curl(&detail("file:///etc/passwd", &headers, b""));
    insta::assert_snapshot!(command, @r#"
    # For a POSIX shell: sh, bash, zsh.
    curl --globoff --proto '=http,https' --request 'POST' \
      --url 'file:///etc/passwd'
    "#);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_recorded_escapes_its_quotes(
        url in "\\PC{0,20}['\"$`\\\\!;|&\\[\\]]{0,9}\\PC{0,9}",
        value in "['\"$`\\\\!;|&()\\x{1b}\\x{202e}a-z]{0,20}",
        body in prop::collection::vec(any::<u8>(), 1..80),
    ) {
        let command = curl(&detail(&url, &[("x-value", &value)], &body));
        prop_assert!(command.chars().all(|char| char == '\n' || safe::is_harmless(char)));
        let (arguments, given) = run(&command);
        prop_assert_eq!(given, body);
        prop_assert_eq!(&arguments[6], &format!("x-value: {value}"));
        prop_assert_eq!(&arguments[8], &url);
        prop_assert_eq!(arguments.len(), 11);
    }
}
