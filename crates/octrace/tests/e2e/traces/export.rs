//! `octrace export otlp` of a session with a sub-agent, a tool that fails, and a call that needed two attempts: what any
//! program that takes OTLP finds in the file.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, ensure};
use octrace_testkit::{
    PlainSpan, Tui,
    script::{Fault, Script, Step},
    spans,
};
use serde_json::json;

use crate::stage::{OCTRACE, Stage, main_calls, tools};

fn script() -> Script {
    let task =
        json!({"description": "Look around", "prompt": "SCRIPT:child", "subagent_type": "general"});
    let echo = json!({"command": "echo from the child", "description": "Say"});
    Script::new()
        .on(
            "parent",
            [
                Step::call("read", json!({"filePath": "missing.txt"})),
                Step::call("task", task),
                Step::text("The child was right.").fail_times(1, Fault::retry_at_once(503)),
            ],
        )
        .on("child", [Step::call("bash", echo), Step::text("Found.")])
}

/// The spans of a request by their ids, and all text in it.
fn read(body: &[u8]) -> anyhow::Result<(BTreeMap<String, PlainSpan>, String)> {
    let all = spans(body)?;
    let count = all.len();
    let spans: BTreeMap<_, _> = all.into_iter().map(|span| (span.id.clone(), span)).collect();
    ensure!(spans.len() == count, "an id twice");
    Ok((spans, String::from_utf8_lossy(body).into_owned()))
}

#[test]
fn a_session_is_one_tree_that_any_receiver_can_read() -> anyhow::Result<()> {
    let stage = Stage::new(script())?;
    stage.run("mock/scripted", "SCRIPT:parent").output()?.success()?;
    let session = stage.only()?;
    let id = session["id"].as_str().context("an id")?;
    let file = stage.home.project().join("trace.bin");
    let export = |more: &[&str]| {
        let path = file.to_str().context("a path")?;
        let run = stage.octrace(["export", "otlp", id, "-o", path]);
        let output = run.args(more.iter().copied()).output()?.success()?;
        ensure!(output.stderr.contains("2 turns in"), "{}", output.stderr);
        Ok(fs::read(&file)?)
    };

    let bytes = export(&[])?;
    ensure!(bytes == export(&[])?, "the same every time");
    let (spans, text) = read(&bytes)?;
    let roots: Vec<_> = spans.values().filter(|span| span.parent.is_empty()).collect();
    let [root] = roots[..] else { panic!("one root: {spans:#?}") };
    for span in spans.values() {
        assert_eq!(span.trace, root.trace, "{span:?}");
        ensure!(span.parent.is_empty() || spans.contains_key(&span.parent), "{span:?}");
    }
    let [_, task] = tools(&session)[..] else { panic!("two tools: {session:#}") };
    let child = &task["child"];
    let calls = main_calls(&session).len() + main_calls(child).len();
    // Two turns, the calls of both and the title's, three tools.
    assert_eq!(spans.len(), 2 + calls + 1 + 3, "{spans:#?}");
    let failed: Vec<_> = spans.values().filter(|span| span.status == 2).collect();
    let [failed] = failed[..] else { panic!("one failed: {spans:#?}") };
    ensure!(failed.name.contains("read"), "{failed:?}");
    ensure!(text.contains("from the child") && text.contains("The child was right."));

    // The prompt that OpenCode gives the model is there where it is asked for only, and metadata is no content.
    let asked = stage.asked();
    let body: serde_json::Value = serde_json::from_slice(&asked[0].body)?;
    let system = body["messages"][0]["content"].as_str().context("a system prompt")?;
    let system = system.lines().next().context("a line")?;
    ensure!(!text.contains(system));
    ensure!(read(&export(&["--system-prompt"])?)?.1.contains(system));
    let (metadata, text) = read(&export(&["--content", "metadata_only"])?)?;
    assert_eq!(metadata.keys().collect::<Vec<_>>(), spans.keys().collect::<Vec<_>>());
    for content in ["from the child", "The child was right.", "missing.txt", "SCRIPT:"] {
        ensure!(!text.contains(content), "{content}");
    }
    for profile in ["openinference", "langfuse", "neatlogs"] {
        let (told, _) = read(&export(&["--profile", profile])?)?;
        ensure!(spans.keys().all(|id| told.contains_key(id)), "{profile}: {told:#?}");
    }

    // What was said in one of the calls is lost.
    let tape = rusqlite::Connection::open(stage.home.data().join("octrace/tape.db"))?;
    tape.execute(
        "UPDATE parts SET data = x'00'
         WHERE id = (SELECT max(response_part) FROM exchanges WHERE purpose = 'main')",
        [],
    )?;
    let output = stage.octrace(["export", "otlp", id, "-o"]).arg(&file).output()?;
    ensure!(output.code == 1, "{output:?}");
    ensure!(output.stderr.contains("1 record on the tape cannot be restored"), "{output:?}");
    assert_eq!(read(&fs::read(&file)?)?.0.len(), spans.len());
    Ok(())
}

#[test]
fn a_terminal_is_told_to_take_a_file() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    let shell = stage.home.command("/bin/sh");
    let command = format!("{OCTRACE} export otlp ses_1; echo \"code $?\"; cat");
    let tui = Tui::start(shell.args(["-c", &command]), 100, 10)?;
    let screen = tui.wait_for("code 2")?;
    ensure!(screen.contains("with -o"), "{screen}");
    Ok(())
}
