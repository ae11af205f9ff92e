use std::sync::Arc;

use octrace_core::attribution::{
    blame::{Blamed, Commit},
    timeline::Evidence,
};
use octrace_store::read::Author;

use super::*;

const NOW: i64 = 1_795_164_558_000_000;
const MINUTE: i64 = 60_000_000;

fn commit() -> Arc<Commit> {
    Arc::new(Commit {
        id: "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c".to_owned(),
        author: Some("Ada Lovelace".to_owned()),
        authored_us: NOW - 3 * 60 * MINUTE,
        committed_us: NOW - 2 * 60 * MINUTE,
        summary: "Notes on the \u{1b}[31mengine".to_owned(),
    })
}

fn authors() -> Vec<Author> {
    let author = Author {
        session: "ses_5f3a9c1d2e4b6a7890abcdef".to_owned(),
        title: Some("Fix the date test".to_owned()),
        prompt: Some("msg_user1".to_owned()),
        prompt_text: Some("The date test fails since yesterday, look into that".to_owned()),
        message: "msg_asst2".to_owned(),
        exchanges: vec![14, 15],
        model: Some("anthropic/claude-sonnet-4-5".to_owned()),
        agent: Some("build".to_owned()),
        call: "toolu_01".to_owned(),
        tool: "edit".to_owned(),
        at_us: NOW - 5 * MINUTE,
        record: Some("3b1c0a52-7d0e-5c1f-9a53-2f0c6d1e8b47".to_owned()),
        ..Author::default()
    };
    let sub = Author {
        session: "ses_sub".to_owned(),
        title: Some("Look for dates".to_owned()),
        parent: Some(author.session.clone()),
        parent_title: author.title.clone(),
        tool: "bash".to_owned(),
        call: "toolu_02".to_owned(),
        at_us: NOW - 4 * MINUTE,
        ..Author::default()
    };
    vec![author, sub]
}

fn file() -> File {
    let agent = |call| Who::Agent { call, evidence: Evidence::Bytes };
    let lines = [
        ("fn main() {", Who::Person, Some(commit())),
        ("\tlet date = \u{202e}today();", agent(0), Some(commit())),
        ("    let day = date.day();", agent(1), None),
        ("    // by hand", Who::Person, None),
        ("    what();", Who::Unknown(Reason::Evidence(Why::Contended)), None),
        ("    ever();", Who::Unknown(Reason::Unseen(1)), Some(commit())),
        ("}", Who::Unknown(Reason::Unseen(1)), None),
    ];
    let line = |(number, (text, who, commit)): (usize, (&str, Who, Option<Arc<Commit>>))| {
        let blamed = Blamed { who, commit, until_us: NOW };
        blame::Line { number, text: text.to_owned(), blamed }
    };
    File {
        name: "src/main.rs".to_owned(),
        path: "/w/src/main.rs".to_owned(),
        root: Some("/w".to_owned()),
        lines: (1..).zip(lines).map(line).collect(),
        authors: authors(),
    }
}

fn one(at: usize) -> String {
    let mut file = file();
    file.lines = vec![file.lines.remove(at)];
    blame_line(&file, &Style::plain(), NOW)
}

#[test]
fn each_line_has_its_author() {
    insta::assert_snapshot!(blame(&file(), &Style::plain(), NOW, None), @r"
    line who               session  prompt                   call when │
       1 Ada Lovelace      0f1e2d3c Notes on the ␛[31mengine      3h   │ fn main() {
       2 claude-sonnet-4-5 90abcdef The date test fails sin… edit 5m   │     let date = \u{202e}today();
       3 agent             ses_sub                           bash 4m   │     let day = date.day();
       4 person                     not committed                      │     // by hand
       5 ?                          several calls at once              │     what();
       6 ?                 0f1e2d3c a call nobody watched         3h   │     ever();
       7 ?                          a call nobody watched              │ }
    7 lines · 2 by agents · 2 by people · 3 unknown
    ? 1 line: several calls were at work when it came, and none says that it is its own
    ? 2 lines: bash of ses_sub may have written it: what it changed was not seen
    ");
}

#[test]
fn a_narrow_terminal_has_what_matters_most() {
    insta::assert_snapshot!(blame(&file(), &Style::plain(), NOW, Some(72)), @r"
    line who               call when │
       1 Ada Lovelace           3h   │ fn main() {
       2 claude-sonnet-4-5 edit 5m   │     let date = \u{202e}today();
       3 agent             bash 4m   │     let day = date.day();
       4 person                      │     // by hand
       5 ?                           │     what();
       6 ?                      3h   │     ever();
       7 ?                           │ }
    7 lines · 2 by agents · 2 by people · 3 unknown
    ? 1 line: several calls were at work when it came, and none says that it is its own
    ? 2 lines: bash of ses_sub may have written it: what it changed was not seen
    ");
    for width in 0..140 {
        let style = Style { color: false, unicode: false, ..Style::plain() };
        let shown = blame(&file(), &style, NOW, Some(width));
        let rows = shown.lines().take(8);
        assert!(rows.clone().all(|row| super::width(row) <= width), "{width}: {shown}");
    }
}

#[test]
fn colour_says_who() {
    let style = Style { color: true, ..Style::plain() };
    let shown = blame(&file(), &style, NOW, None).replace('\x1b', "␛");
    insta::assert_snapshot!(shown.lines().skip(1).take(3).collect::<Vec<_>>().join("\n"), @r"
    ␛[2m1␛[0m ␛[32mAda Lovelace␛[0m      ␛[2m0f1e2d3c␛[0m ␛[2mNotes on the ␛[31mengine␛[0m      ␛[2m3h␛[0m  ␛[2m │ ␛[0mfn main() {
    ␛[2m2␛[0m ␛[36mclaude-sonnet-4-5␛[0m ␛[2m90abcdef␛[0m ␛[2mThe date test fails sin…␛[0m edit ␛[2m5m␛[0m  ␛[2m │ ␛[0m    let date = \u{202e}today();
    ␛[2m3␛[0m ␛[36magent␛[0m             ␛[2mses_sub␛[0m                           bash ␛[2m4m␛[0m  ␛[2m │ ␛[0m    let day = date.day();
    ");
}

#[test]
fn all_that_is_known_of_one_line() {
    insta::assert_snapshot!(one(1), @r"
    src/main.rs:2      let date = \u{202e}today();
      agent         anthropic/claude-sonnet-4-5 · build
      session       ses_5f3a9c1d2e4b6a7890abcdef · Fix the date test
      prompt        msg_user1 · The date test fails since yesterday, look into that
      call          edit · toolu_01 · 2026-11-20 08:44:18 (5m)
      request       #14 #15 · msg_asst2
      record        3b1c0a52-7d0e-5c1f-9a53-2f0c6d1e8b47
      known by      the file's bytes before and after the call
      commit        0f1e2d3c · Ada Lovelace · 2026-11-20 05:49:18 (3h) · Notes on the ␛[31mengine
    ");
    insta::assert_snapshot!(one(2), @"
    src/main.rs:3      let day = date.day();
      agent         a model that was not seen
      session       ses_sub · Look for dates
      sub-agent of  ses_5f3a9c1d2e4b6a7890abcdef · Fix the date test
      call          bash · toolu_02 · 2026-11-20 08:45:18 (4m)
      known by      the file's bytes before and after the call
      commit        none yet
    ");
    insta::assert_snapshot!(one(3), @"
    src/main.rs:4      // by hand
      person        somebody
      commit        none yet
    ");
    insta::assert_snapshot!(one(5), @"
    src/main.rs:6      ever();
      unknown       bash of ses_sub may have written it: what it changed was not seen
      commit        0f1e2d3c · Ada Lovelace · 2026-11-20 05:49:18 (3h) · Notes on the ␛[31mengine
    ");
}

#[test]
fn scripts_get_every_id() {
    let mut file = file();
    file.lines = vec![file.lines.remove(1), file.lines.remove(4)];
    insta::assert_snapshot!(file.json().unwrap(), @r#"
    {
      "path": "/w/src/main.rs",
      "root": "/w",
      "name": "src/main.rs",
      "lines": [
        {
          "line": 2,
          "who": "agent",
          "text": "\tlet date = \u202etoday();",
          "call": {
            "session": "ses_5f3a9c1d2e4b6a7890abcdef",
            "title": "Fix the date test",
            "parent": null,
            "parent_title": null,
            "prompt": "msg_user1",
            "prompt_text": "The date test fails since yesterday, look into that",
            "message": "msg_asst2",
            "exchanges": [
              14,
              15
            ],
            "model": "anthropic/claude-sonnet-4-5",
            "agent": "build",
            "call": "toolu_01",
            "tool": "edit",
            "at_us": 1795164258000000,
            "record": "3b1c0a52-7d0e-5c1f-9a53-2f0c6d1e8b47"
          },
          "evidence": "bytes",
          "commit": {
            "id": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c",
            "author": "Ada Lovelace",
            "authored_us": 1795153758000000,
            "committed_us": 1795157358000000,
            "summary": "Notes on the \u001b[31mengine"
          },
          "why": null,
          "suspect": null
        },
        {
          "line": 6,
          "who": "unknown",
          "text": "    ever();",
          "call": null,
          "evidence": null,
          "commit": {
            "id": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c",
            "author": "Ada Lovelace",
            "authored_us": 1795153758000000,
            "committed_us": 1795157358000000,
            "summary": "Notes on the \u001b[31mengine"
          },
          "why": "bash of ses_sub may have written it: what it changed was not seen",
          "suspect": {
            "session": "ses_sub",
            "title": "Look for dates",
            "parent": "ses_5f3a9c1d2e4b6a7890abcdef",
            "parent_title": "Fix the date test",
            "prompt": null,
            "prompt_text": null,
            "message": "",
            "exchanges": [],
            "model": null,
            "agent": null,
            "call": "toolu_02",
            "tool": "bash",
            "at_us": 1795164318000000,
            "record": null
          }
        }
      ]
    }
    "#);
}
