//! Rows in, tables out.

use octrace_core::{provider::Usage, session::Totals};
use proptest::prelude::*;

use super::*;
use crate::text::{line, safe};

const NOW: i64 = 1_795_164_558_000_000;

fn row(id: &str, parent: Option<&str>, title: &str, minutes_ago: i64) -> SessionRow {
    let at_us = NOW - minutes_ago * 60_000_000;
    SessionRow {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        title: Some(title.to_owned()).filter(|title| !title.is_empty()),
        directory: Some("/home/dev/project".to_owned()),
        models: vec!["anthropic/claude-sonnet-4-5".to_owned()],
        created_us: at_us,
        updated_us: at_us,
        totals: Totals {
            requests: 8,
            usage: Usage { input: 74_200, output: 1_045, ..Usage::default() },
            cost_usd: Some(0.1018),
            ..Totals::default()
        },
        wire_bytes: 1_234_567,
        ..SessionRow::default()
    }
}

fn rows() -> Vec<SessionRow> {
    let mut rows = vec![
        row(
            "ses_e07c00000ffe7Ci1RtZFPYXt42",
            None,
            "An older one with a title that takes more room",
            4_000,
        ),
        row(
            "ses_e07cca11effeXW2vT8sGzP0mQ1",
            Some("ses_e07ccbea3ffeBB3KYdJh7Puf9E"),
            "Search the history",
            3,
        ),
        row("ses_e07ccbea3ffeBB3KYdJh7Puf9E", None, "Fix the failing date test", 2),
        row("run_4711_c0ffee", None, "", 100_000),
        row("ses_e07c\x1b[2J", Some("gone"), "\x1b]0;owned\x07漢字\u{202e}", 0),
    ];
    rows[2].live = true;
    rows[2].totals.errors = 2;
    rows[2].models.push("anthropic/claude-haiku-4-5".to_owned());
    rows[3].models.clear();
    rows[3].totals = Totals { requests: 1, ..Totals::default() };
    rows
}

#[test]
fn newest_first_with_sub_agents_under_their_parent() {
    insta::assert_snapshot!(sessions(&rows(), &Style::plain(), NOW, 100), @r#"
    session                                                   when  req err     in  out     cost    size
    ␛]0;owned␇漢字\u{202e}                                     now    8      74.2k 1.0k  $0.1018  1.2 MB
      ses_e07c␛[2J · anthropic/claude-sonnet-4-5 · /home/dev/project
    ● Fix the failing date test                               live    8   2  74.2k 1.0k  $0.1018  1.2 MB
      ses_e07ccbea3ffeBB3KYdJh7Puf9E · anthropic/claude-sonnet-4-5 +1 · /home/dev/project
    └ Search the history                                        3m    8      74.2k 1.0k  $0.1018  1.2 MB
        ses_e07cca11effeXW2vT8sGzP0mQ1 · anthropic/claude-sonnet-4-5 · /home/dev/project
    An older one with a title that takes more room              2d    8      74.2k 1.0k  $0.1018  1.2 MB
      ses_e07c00000ffe7Ci1RtZFPYXt42 · anthropic/claude-sonnet-4-5 · /home/dev/project
    (untitled)                                              11 Sep    1                           1.2 MB
      run_4711_c0ffee · /home/dev/project
    "#);
}

#[test]
fn eighty_columns() {
    insta::assert_snapshot!(sessions(&rows(), &Style::plain(), NOW, 80), @r#"
    session                               when  req err     in  out     cost    size
    ␛]0;owned␇漢字\u{202e}                 now    8      74.2k 1.0k  $0.1018  1.2 MB
      ses_e07c␛[2J · anthropic/claude-sonnet-4-5 · /home/dev/project
    ● Fix the failing date test           live    8   2  74.2k 1.0k  $0.1018  1.2 MB
      ses_e07ccbea3ffeBB3KYdJh7Puf9E · anthropic/claude-sonnet-4-5 +1 · /home/dev/p…
    └ Search the history                    3m    8      74.2k 1.0k  $0.1018  1.2 MB
        ses_e07cca11effeXW2vT8sGzP0mQ1 · anthropic/claude-sonnet-4-5 · /home/dev/pr…
    An older one with a title that ta…      2d    8      74.2k 1.0k  $0.1018  1.2 MB
      ses_e07c00000ffe7Ci1RtZFPYXt42 · anthropic/claude-sonnet-4-5 · /home/dev/proj…
    (untitled)                          11 Sep    1                           1.2 MB
      run_4711_c0ffee · /home/dev/project
    "#);
}

#[test]
fn figures_make_way_for_titles() {
    insta::assert_snapshot!(sessions(&rows(), &Style::plain(), NOW, 50), @r#"
    session                     when  req err     cost
    ␛]0;owned␇漢字\u{202e}       now    8      $0.1018
      ses_e07c␛[2J · anthropic/claude-sonnet-4-5 · /h…
    ● Fix the failing date …    live    8   2  $0.1018
      ses_e07ccbea3ffeBB3KYdJh7Puf9E · anthropic/clau…
    └ Search the history          3m    8      $0.1018
        ses_e07cca11effeXW2vT8sGzP0mQ1 · anthropic/cl…
    An older one with a tit…      2d    8      $0.1018
      ses_e07c00000ffe7Ci1RtZFPYXt42 · anthropic/clau…
    (untitled)                11 Sep    1
      run_4711_c0ffee · /home/dev/project
    "#);
}

#[test]
fn nothing_recorded() {
    insta::assert_snapshot!(sessions(&[], &Style::plain(), NOW, 80), @"
    Nothing has been recorded yet. `octrace run -- opencode` records a session.
    ");
}

#[test]
fn colour() {
    let style = Style { color: true, ..Style::plain() };
    let text = sessions(rows().get(2..3).unwrap(), &style, NOW, 80);
    insta::assert_snapshot!(text.replace('\x1b', "␛"), @"
    ␛[2msession␛[0m                               ␛[2mwhen␛[0m  ␛[2mreq␛[0m ␛[2merr␛[0m     ␛[2min␛[0m  ␛[2mout␛[0m     ␛[2mcost␛[0m    ␛[2msize␛[0m
    ␛[32m● ␛[0m␛[1mFix the failing date test␛[0m           ␛[32mlive␛[0m    8   ␛[31m2␛[0m  74.2k 1.0k  $0.1018  1.2 MB
      ␛[2mses_e07ccbea3ffeBB3KYdJh7Puf9E · anthropic/claude-sonnet-4-5 +1 · /home/dev/p…␛[0m
    ");
}

#[test]
fn sessions_that_are_each_others_parents_are_listed_once() {
    let circle =
        [row("a", Some("b"), "A", 1), row("b", Some("a"), "B", 2), row("c", Some("c"), "C", 3)];
    let text = sessions(&circle, &Style::plain(), NOW, 80);
    for title in ["A", "B", "C"] {
        let shown = text.lines().filter(|line| line.split_whitespace().any(|word| word == title));
        assert_eq!(shown.count(), 1, "{text}");
    }
}

proptest! {
    #[test]
    fn any_rows_fit(
        texts in prop::collection::vec((".{0,40}", prop::option::of("[ab]"), "[ab]|.{0,12}"), 0..6),
        numbers: (u64, u64, i64, i64, f64),
        width in 0usize..200,
    ) {
        let rows: Vec<SessionRow> = texts.into_iter().map(|(title, parent, id)| {
            let mut row = row(&id, parent.as_deref(), &title, 0);
            (row.created_us, row.updated_us) = (numbers.2, numbers.3);
            (row.wire_bytes, row.totals.usage.input) = (numbers.0, numbers.1);
            row.totals.cost_usd = Some(numbers.4);
            row.models = vec![title];
            row
        }).collect();
        let text = sessions(&rows, &Style::plain(), NOW, width);
        prop_assert!(text.chars().all(|char| char == '\n' || safe::is_harmless(char)));
        if !rows.is_empty() {
            prop_assert_eq!(text.lines().count(), 2 * rows.len() + 1, "{}", text);
            let width = width.clamp(30, 120);
            prop_assert!(text.lines().all(|shown| line::width(shown) <= width), "{}", text);
        }
    }
}
