//! What is printed, for people and for scripts, and what cannot be done.

use anyhow::{Context, ensure};
use serde_json::json;

use super::stage::{Stage, agent, person};

#[test]
fn one_line_shows_all_that_leads_to_it() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    stage.agent("a.txt", 2, &agent("one", 2))?;
    let call = &stage.json("a.txt")?["lines"][2];
    let call = call["call"].as_object().context("a call")?;
    assert_eq!(call["session"], json!(stage.coder.session()));
    assert_eq!(call["model"], "anthropic/claude-sonnet-4-5");
    assert_eq!(call["prompt_text"], "Mark the lines, each with a word of its own");
    assert_eq!((&call["tool"], &call["agent"]), (&json!("edit"), &json!("build")));
    assert_eq!(call["exchanges"].as_array().map(Vec::len), Some(1));
    let shown = stage.run(&["a.txt:3"])?.success()?.stdout;
    for said in
        ["a.txt:3  agent wrote one 0", "claude-sonnet-4-5", "Mark the lines", "bytes before"]
    {
        ensure!(shown.contains(said), "{said:?} in {shown}");
    }
    // A range, from within the folder.
    let rows = stage.run(&["a.txt:3-5"])?.success()?.stdout;
    assert_eq!(rows.lines().count(), 5, "{rows}");
    Ok(())
}

#[test]
fn a_sub_agent_is_named_with_its_parent() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    let parent = stage.coder.session().to_owned();
    let folder = stage.path("");
    stage.coder.delegates(&folder, "Mark one line")?;
    stage.agent("a.txt", 12, &agent("sub", 1))?;
    let call = &stage.json("a.txt")?["lines"][12]["call"];
    assert_eq!((&call["parent"], &call["title"]), (&json!(parent), &json!("Mark one line")));
    let shown = stage.run(&["a.txt:13"])?.success()?.stdout;
    ensure!(shown.contains("sub-agent of"), "{shown}");
    Ok(())
}

#[test]
fn pipes_get_whole_lines_without_colours() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let long = "person ".repeat(100);
    stage.write("long.txt", &format!("{long}\n"))?;
    let shown = stage.run(&["long.txt"])?.success()?.stdout;
    ensure!(shown.contains(long.trim_end()) && !shown.contains('\x1b'), "{shown}");
    Ok(())
}

#[test]
fn what_cannot_be_done_is_told_with_what_can() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    stage.write("empty", "")?;
    let said = |arguments: &[&str]| -> anyhow::Result<String> {
        let output = stage.run(arguments)?;
        ensure!(output.stdout.is_empty() || output.code == 0, "{}", output.stdout);
        Ok(format!("{}\n{}", output.code, output.stderr))
    };
    insta::assert_snapshot!(said(&["no.txt"])?, @"
    1
    octrace: cannot read no.txt: No such file or directory (os error 2)
      hint: Only files that are there have lines; `octrace search` finds what was recorded.
    ");
    insta::assert_snapshot!(said(&["."])?, @"
    1
    octrace: cannot read .: it is not a regular file
    ");
    insta::assert_snapshot!(said(&["a.txt:13"])?, @"
    1
    octrace: a.txt has no line 13: it has 12 lines
    ");
    insta::assert_snapshot!(said(&["a.txt:0"])?, @"
    2
    octrace: 0-0 is no range of lines
      hint: FILE:LINE, or FILE:FROM-TO; the first line is 1.
    ");
    insta::assert_snapshot!(said(&["a.txt:5-4"])?, @"
    2
    octrace: 5-4 is no range of lines
      hint: FILE:LINE, or FILE:FROM-TO; the first line is 1.
    ");
    insta::assert_snapshot!(said(&["empty"])?, @"
    0
    octrace: empty is empty
    ");
    Ok(())
}

#[test]
fn without_a_tape_git_alone_speaks() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    for name in ["tape.db", "tape.db-wal", "tape.db-shm"] {
        std::fs::remove_file(stage.home().join(name)).ok();
    }
    stage.hand("a.txt", 0, &person("now", 1))?;
    let output = stage.run(&["a.txt"])?.success()?;
    ensure!(output.stderr.contains("nothing is recorded yet"), "{}", output.stderr);
    ensure!(output.stdout.contains("13 by people"), "{}", output.stdout);
    Ok(())
}

#[test]
fn a_secret_in_a_line_is_nobodys_and_stays_where_it_was() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    // Made here, so that it stands in no file.
    let secret = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    stage.agent("a.txt", 2, &format!("agent token = \"{secret}\"\n{}", agent("one", 1)))?;
    stage.hand("a.txt", 0, &person("above", 1))?;
    let blamed = stage.check("a.txt", 1)?;
    ensure!(blamed == "ppp?apppppppppp" || blamed == "pppaapppppppppp", "{blamed}");
    Ok(())
}
