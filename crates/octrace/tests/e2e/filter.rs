//! One language for what is shown: lists, trees and searches by fields.

use anyhow::{Context, ensure};
use octrace_testkit::{
    PROVIDERS,
    script::{Fault, Script, Step},
};
use serde_json::{Value, json};

use crate::stage::{Stage, attempts, calls, tools};

/// A session that runs a command and reads a file that is not there, and one that needs two tries, oldest first.
fn recorded() -> anyhow::Result<(Stage, [String; 2])> {
    let calculate = json!({"command": "echo forty-$((1+1))", "description": "Calculate"});
    let missing = Step::call("read", json!({"filePath": "/nowhere/at-all.txt"}));
    let script = Script::new()
        .on("work", [Step::call("bash", calculate), missing, Step::text("All of it.")])
        .on("busy", [Step::text("At last.").fail_times(1, Fault::retry_at_once(500))]);
    let stage = Stage::new(script)?;
    for prompt in ["SCRIPT:work", "SCRIPT:busy"] {
        stage.run(PROVIDERS[0].model, prompt).output()?.success()?;
    }
    stage.flush()?;
    let sessions = stage.sessions()?.try_into();
    Ok((stage, sessions.ok().context("two sessions")?))
}

fn ids(rows: &Value) -> Vec<&str> {
    rows.as_array().into_iter().flatten().filter_map(|row| row["id"].as_str()).collect()
}

#[test]
fn sessions_trees_and_searches_show_what_fits() -> anyhow::Result<()> {
    let (stage, [work, busy]) = recorded()?;
    for (filter, expected) in [
        ("", vec![busy.as_str(), &work]),
        ("status:5xx", vec![&busy]),
        ("tool:bash -status:5xx", vec![&work]),
        ("kind:error", vec![&busy, &work]),
        ("kind:error tool:read errors=0", vec![&work]),
        ("text:\"forty-2\"", vec![&work]),
        ("-text:forty-2 kind:title", vec![&busy]),
        ("requests>2 age<1d", vec![&busy, &work]),
        (&work, vec![&work]),
        ("cost>1000", vec![]),
    ] {
        let rows = stage.json(["sessions", "--filter", filter])?;
        ensure!(ids(&rows) == expected, "{filter}: {rows:#}");
    }
    let none = stage.octrace(["sessions", "--filter", "cost>1000"]).output()?.success()?;
    ensure!(none.stdout.is_empty(), "{}", none.stdout);
    insta::assert_snapshot!(none.stderr, @"octrace: nothing fits the filter; 2 sessions recorded");

    let shown = stage.json(["show", &busy, "--filter", "kind:error"])?;
    let [call] = calls(&shown["session"])[..] else { anyhow::bail!("{shown:#}") };
    let statuses: Vec<_> = attempts(call).iter().map(|row| row["status"].clone()).collect();
    assert_eq!(statuses, [500, 200]);
    assert_eq!((&shown["shown"]["requests"], &shown["totals"]["requests"]), (&json!(2), &json!(3)));
    assert_eq!(stage.json(["show", &busy])?["shown"], Value::Null);
    let text = stage.octrace(["show", &busy, "--filter", "kind:error"]).output()?.success()?.stdout;
    ensure!(text.contains("\nshown  2 of 3 requests · 1 error"), "{text}");
    let shown = stage.json(["show", &work, "--filter", "text:forty-2"])?;
    ensure!(
        calls(&shown["session"]).len() == 1 && tools(&shown["session"]).is_empty(),
        "{shown:#}"
    );
    let text = stage.octrace(["show", &work, "--filter", "tool:grep"]).output()?.success()?.stdout;
    ensure!(text.contains("Nothing of it fits the filter; 4 requests recorded."), "{text}");

    for (typed, expected) in [
        ("forty-2 role:tool-result", vec![work.as_str()]),
        ("forty-2 role:user", vec![]),
        ("SCRIPT:busy kind:main status:500", vec![&busy]),
        ("SCRIPT:busy kind:main status:401", vec![]),
        ("text:forty-2 -kind:meta session:ses_", vec![&work]),
        ("tool:bash forty", vec![&work]),
        ("tool:bash \"not found\"", vec![]),
        ("tool:read \"not found\"", vec![&work]),
        ("tool:read nowhere role:assistant", vec![&work]),
        ("kind:error role:tool-result found", vec![&work]),
        ("kind:tool found", vec![&work]),
    ] {
        let found = stage.json(["search", typed])?;
        let mut sessions: Vec<_> =
            found["hits"].as_array().context("hits")?.iter().map(|hit| &hit["session"]).collect();
        sessions.dedup();
        ensure!(sessions == expected, "{typed}: {found:#}");
    }
    Ok(())
}

#[test]
fn a_mistake_is_shown_where_it_is() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    for (command, filter) in [("sessions", "--filter"), ("show", "--filter"), ("search", "--")] {
        let output = stage.octrace([command, filter, "日本 status:5\u{1b}x date"]).output()?;
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{command}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(output.stderr, @"
            octrace: status cannot be 5␛x: it is a number or a class, as 404 or 5xx
              日本 status:5␛x date
                          ^^^
              hint: --help explains the language; in double quotes, text is looked for as it is.
            ");
        }
    }
    let output = stage.octrace(["search", "kind:error"]).output()?;
    ensure!(output.code == 2 && output.stderr.contains("sessions --filter"), "{}", output.stderr);
    let help = stage.octrace(["show", "--help"]).output()?.success()?.stdout;
    ensure!(help.contains("cost>0.1"), "{help}");
    Ok(())
}
