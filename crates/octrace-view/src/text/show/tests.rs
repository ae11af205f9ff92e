//! Recordings in, what the user sees out: every file in `fixtures/sessions` has a snapshot beside it, at 100,
//! 80 and 60 columns. `INSTA_UPDATE=always cargo test -p octrace-view` accepts what changed.

use std::{collections::BTreeMap, fs, path::Path};

use octrace_core::{
    exchange::Summary,
    session::{EventRecord, Recording, build_tree},
};
use serde::Deserialize;

use super::*;
use crate::text::{line, safe};

#[derive(Deserialize)]
struct Fixture {
    root: String,
    sessions: BTreeMap<String, Recorded>,
}

#[derive(Deserialize)]
struct Recorded {
    children: Vec<String>,
    events: Vec<EventRecord>,
    /// Only the fields that matter; the others have their default.
    exchanges: Vec<serde_json::Map<String, serde_json::Value>>,
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sessions")
}

fn load(name: &str) -> Session {
    let text = fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    let fixture: Fixture = serde_json::from_str(&text).unwrap();
    let summary = |fields: &serde_json::Map<_, _>| {
        let mut summary = serde_json::to_value(Summary::default()).unwrap();
        summary.as_object_mut().unwrap().extend(fields.clone());
        serde_json::from_value::<Summary>(summary).unwrap()
    };
    let load = &mut |id: &str| {
        let Some(recorded) = fixture.sessions.get(id) else { return Ok(Recording::default()) };
        Ok::<_, std::convert::Infallible>(Recording {
            events: recorded.events.clone(),
            tools: Vec::new(),
            exchanges: recorded.exchanges.iter().map(summary).collect(),
            children: recorded.children.clone(),
        })
    };
    let Ok(session) = build_tree(&fixture.root, load);
    session
}

fn names() -> Vec<String> {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let mut names: Vec<String> =
        files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn each_recording_is_shown() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let names = names();
    assert!(names.len() >= 6, "the fixtures are there");
    for name in names {
        let session = load(&name);
        let wide = show(&session, &Style::plain(), 100);
        let narrow = show(&session, &Style::plain(), 80);
        let narrowest = show(&session, &Style::plain(), 60);
        for (text, width) in [(&wide, 100), (&narrow, 80), (&narrowest, 60)] {
            for shown in text.lines() {
                assert!(line::width(shown) <= width, "{name} at {width}: {shown}");
                assert!(shown.chars().all(safe::is_harmless), "{name}: {shown:?}");
            }
        }
        settings.bind(|| {
            let line = "=".repeat(60);
            insta::assert_snapshot!(
                name,
                format!("{wide}\n{line}\n\n{narrow}\n{line}\n\n{narrowest}")
            );
        });
    }
}

#[test]
fn colour() {
    let style = Style { color: true, ..Style::plain() };
    let text = show(&load("under-way"), &style, 80);
    insta::assert_snapshot!(text.replace('\x1b', "␛"), @"
    ␛[1mUnder way␛[0m                                         ␛[2mses_e07ccbea3ffe0nTheWayBB3KYd␛[0m
    ␛[2manthropic/claude-sonnet-4-5 · build · OpenCode 1.18.33 · 2026-11-20 08:49:18␛[0m
    ␛[2m/home/dev/project␛[0m

                                          ␛[2mstatus␛[0m     ␛[2mfirst␛[0m  ␛[2mtime␛[0m    ␛[2min␛[0m   ␛[2mout␛[0m    ␛[2mcost␛[0m
    ␛[36m❯ ␛[0m␛[1mBuild it, then tell me how long it took␛[0m                  ␛[33m…␛[0m  ␛[1m5.0k␛[0m    ␛[1m40␛[0m ␛[1m$0.0156␛[0m
    ␛[2m├─ ␛[0m␛[36m#1␛[0m ␛[35mtitle␛[0m claude-sonnet-4-5         ␛[33mwaiting…␛[0m
    ␛[2m└─ ␛[0m␛[36m#2␛[0m claude-sonnet-4-5               ␛[32m200␛[0m        400ms 900ms  5.0k    40 $0.0156
    ␛[2m   ├─ ␛[0m␛[33m… ␛[0m␛[1mbash␛[0m cargo build --release
    ␛[2m   └─ ␛[0m␛[33m… ␛[0m␛[1mtask␛[0m Read the docs␛[2m · ␛[0m␛[35mgeneral␛[0m
    ␛[2m      └─ ␛[0m␛[36m❯ ␛[0m␛[1m…␛[0m                                               ␛[33m…␛[0m
    ␛[2m         └─ ␛[0m␛[36m#3␛[0m claude-sonnet-4-5      ␛[33mstreaming…␛[0m

    ␛[1mtotal␛[0m  1 turn␛[2m · ␛[0m3 requests␛[2m · ␛[0m1 sub-agent                      ␛[1m5.0k␛[0m    ␛[1m40␛[0m ␛[1m$0.0156␛[0m
    ");
}

#[test]
fn colour_changes_nothing_but_colour() {
    for name in names() {
        let session = load(&name);
        let coloured = show(&session, &Style { color: true, ..Style::plain() }, 100);
        let mut plain = String::new();
        let mut pieces = coloured.split('\x1b');
        plain.push_str(pieces.next().unwrap());
        for piece in pieces {
            let (code, text) = piece.split_once('m').unwrap();
            assert!(code.strip_prefix('[').unwrap().chars().all(|char| char.is_ascii_digit()));
            plain.push_str(text);
        }
        assert_eq!(plain, show(&session, &Style::plain(), 100));
    }
}

#[test]
fn ascii_is_enough_where_nothing_else_is_recorded() {
    let style = Style { unicode: false, ..Style::plain() };
    let text = show(&load("trouble"), &style, 80);
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn a_command_is_one_line_and_problems_stand_under_their_attempt() {
    use octrace_core::exchange::Outcome;
    let attempt = |id: i64, status: u16, problems: &[&str]| Summary {
        id,
        status: Some(status),
        outcome: Outcome::Complete,
        problems: problems.iter().map(|&problem| problem.to_owned()).collect(),
        ..Summary::default()
    };
    let attempts =
        vec![attempt(1, 500, &["event 1 is not UTF-8"; 3]), attempt(2, 200, &["it has no end"])];
    let call = ModelCall { model: Some("m".to_owned()), attempts, ..ModelCall::default() };
    let turn = |prompt: &str, calls, reply: Option<&str>| Turn {
        prompt: prompt.to_owned(),
        ended_us: Some(0),
        calls,
        reply: reply.map(str::to_owned),
        ..Turn::default()
    };
    let command = turn("/intercept on", Vec::new(), Some("## Interceptor Enabled"));
    let turns = vec![command, turn("Do it", vec![call], None)];
    let session = Session { id: "ses_1".to_owned(), turns, ..Session::default() };
    insta::assert_snapshot!(show(&session, &Style::plain(), 80), @"
    (untitled)                                                                 ses_1
    m

                                                                        status  time
    ❯ /intercept on · answered by octrace

    ❯ Do it                                                                      0ms
    └─ m 2 attempts                                                     200
       ├─ #1 attempt 1                                                  500
       │  └─ ! event 1 is not UTF-8 ×3
       └─ #2 attempt 2                                                  200
          └─ ! it has no end

    total  1 turn · 2 requests · 1 error
    ");
}

#[test]
fn any_width_will_do() {
    for name in names() {
        let session = load(&name);
        for width in [0, 1, 30, 37, 44, 59, 61, 95, 96, 10_000] {
            let text = show(&session, &Style::plain(), width);
            assert!(text.lines().all(|shown| line::width(shown) <= width.clamp(30, 120)), "{text}");
        }
    }
}

#[test]
fn a_part_says_how_much_of_the_session_it_is() {
    use octrace_core::filter::Filter;
    let session = load("trouble");
    let whole = session.totals_with_sub_agents();
    for (typed, expected) in
        [("kind:error", "shown  "), ("cost>1000", "Nothing of it fits the filter; ")]
    {
        let part = Filter::parse(typed).unwrap().narrow(session.clone(), 0, &|_, _| false);
        let shown = part.totals_with_sub_agents();
        for width in [30, 60, 100] {
            let text = show_part(&part, &whole, &Style::plain(), width);
            assert!(text.lines().all(|shown| line::width(shown) <= width), "{text}");
        }
        let text = show_part(&part, &whole, &Style::plain(), 100);
        let counts = format!("{} of {}", shown.requests, figures::many(whole.requests, "request"));
        assert!(text.contains(expected), "{text}");
        assert_eq!(text.contains(&counts), shown.requests > 0, "{counts}: {text}");
    }
}
