//! Proves the kit on the real OpenCode, without octrace: that a script becomes tool calls, sub-agents
//! and errors there, and that server and helpers tell what happened.

use std::{collections::HashSet, fs, path::Path, time::Duration};

use anyhow::{Context, ensure};
use octrace_testkit::{
    Home, PATIENCE, PROVIDERS, Serve, Tui, keys,
    script::{Ending, Fault, Script, Seen, Server, Step, Usage, demo},
};
use serde_json::{Value, json};

/// The requests of a script, as (step, attempt, status, ending).
fn course(server: &Server, script: &str) -> Vec<(usize, u32, Option<u16>, Option<Ending>)> {
    let seen = server.requests().into_iter().filter(|seen| seen.script == script);
    seen.map(|seen| (seen.step, seen.attempt, seen.status, seen.ending())).collect()
}

/// All parts of this type in a session's messages, in order.
fn parts(messages: &Value, kind: &str) -> Vec<Value> {
    let messages = messages.as_array().into_iter().flatten();
    let parts = messages.flat_map(|message| message["parts"].as_array().into_iter().flatten());
    parts.filter(|part| part["type"] == kind).cloned().collect()
}

#[test]
fn the_demo_does_its_job() -> anyhow::Result<()> {
    let server = Server::start(demo::script())?;
    let home = Home::new(&server.url())?;
    let output = home.opencode_run("mock/scripted", demo::PROMPT).output()?.success()?;
    ensure!(output.stdout.contains("the review found nothing further"), "{output:?}");
    let made = fs::read_to_string(home.project().join("greet.sh"))?;
    assert_eq!(made, "#!/bin/sh\n# Greets a person by name.\necho \"Hello, ${1:-world}!\"\n");
    let complete = |step| (step, 1, Some(200), Some(Ending::Complete));
    assert_eq!(course(&server, demo::PROMPT), [0, 1, 2, 3, 4].map(complete));
    assert_eq!(server.requests().iter().filter(|seen| seen.is_title).count(), 1);
    assert_eq!(server.requests().len(), 8, "five calls, a title, and two of the sub-agent");
    assert_eq!(home.processes(), [], "nothing is left behind");
    Ok(())
}

#[test]
fn every_dialect_is_understood() -> anyhow::Result<()> {
    let usage = Usage { input: 900, output: 70, reasoning: 20, cache_read: 600, cache_write: 0 };
    let script = Script::new().on(
        "talk",
        [
            Step::call("bash", json!({"command": "echo $((6*7))", "description": "Calculate"}))
                .and_call("read", json!({"filePath": "missing.txt"}))
                .saying("Let me see.")
                .reasoning("That needs a calculation.")
                .usage(usage),
            Step::text("It is 42, naïvely “said”.").usage(usage),
        ],
    );
    let server = Server::start(script)?;
    let home = Home::new(&server.url())?;
    let serve = Serve::start(&home)?;
    for provider in PROVIDERS {
        let dir = home.project();
        let session = serve.session(&dir)?;
        let reply = serve.prompt(&dir, &session, provider.model, "SCRIPT:talk please")?;
        let told = |what: &str| format!("{} of {}: {reply:#}", what, provider.id);
        assert_eq!(reply["parts"][1]["text"], "It is 42, naïvely “said”.", "{}", told("text"));
        let tokens = &reply["info"]["tokens"];
        assert_eq!(tokens["input"], 300, "{}", told("uncached input"));
        assert_eq!(tokens["cache"]["read"], 600, "{}", told("cached input"));
        let output = tokens["output"].as_u64().zip(tokens["reasoning"].as_u64());
        assert_eq!(output.map(|(output, reasoning)| output + reasoning), Some(70));

        let messages = serve.messages(&dir, &session)?;
        assert_eq!(parts(&messages, "reasoning")[0]["text"], "That needs a calculation.");
        assert_eq!(parts(&messages, "text")[1]["text"], "Let me see.");
        let tools = parts(&messages, "tool");
        assert_eq!(tools[0]["state"]["output"], "42\n");
        assert_eq!(tools[1]["state"]["status"], "error", "{}", tools[1]);
    }
    let summarize = json!({"providerID": "mock", "modelID": "scripted"});
    let session = serve.session(&home.project())?;
    serve.prompt(&home.project(), &session, "mock/scripted", "SCRIPT:talk, and then sum up")?;
    let path = format!("/session/{session}/summarize");
    serve.request("POST", &home.project(), &path, &summarize)?.success()?;
    assert_eq!(course(&server, "compaction").len(), 1);
    let titles = server.requests().into_iter().filter(|seen| seen.is_title);
    let dialects: HashSet<_> = titles.filter_map(|seen| seen.dialect).collect();
    assert_eq!(dialects.len(), 4, "each session was named in its own dialect: {dialects:?}");
    Ok(())
}

#[test]
fn faults_happen_as_written_and_an_abort_is_seen() -> anyhow::Result<()> {
    let server = Server::start(
        Script::new()
            .on("denied", [Step::default().fault(Fault::status(401))])
            .on("busy", [Step::text("At last.").fail_times(2, Fault::retry_at_once(500))])
            .on("cut", [Step::text("One two three four five.").fail_times(1, Fault::CutAfter(2))])
            .on("gone", [Step::text("There.").fail_times(1, Fault::CutBeforeHead)])
            .on("silent", [Step::text("One two three four.").fault(Fault::HangAfter(2))]),
    )?;
    let home = Home::new(&server.url())?;
    let serve = Serve::start(&home)?;
    let dir = home.project();
    let ask = |name: &str| -> anyhow::Result<Value> {
        let session = serve.session(&dir)?;
        serve.prompt(&dir, &session, "mock/scripted", &format!("SCRIPT:{name}"))
    };
    let reply = ask("denied")?;
    assert_eq!(reply["info"]["error"]["data"]["statusCode"], 401, "{reply:#}");
    let failed = |attempt| (0, attempt, Some(500), Some(Ending::Complete));
    let answered = |attempt| (0, attempt, Some(200), Some(Ending::Complete));
    ask("busy")?;
    assert_eq!(course(&server, "busy"), [failed(1), failed(2), answered(3)]);
    ask("cut")?;
    assert_eq!(course(&server, "cut"), [(0, 1, Some(200), Some(Ending::Cut)), answered(2)]);
    ask("gone")?;
    assert_eq!(course(&server, "gone"), [(0, 1, None, Some(Ending::Cut)), answered(2)]);

    let session = serve.session(&dir)?;
    serve.send(&dir, &session, "mock/scripted", "SCRIPT:silent")?;
    let silent = |seen: &[Seen], enough: fn(&Seen) -> bool| {
        seen.iter().find(|seen| seen.script == "silent").filter(|seen| enough(seen)).cloned()
    };
    let hanging = server.wait_for(PATIENCE, |seen| silent(seen, |seen| seen.sent.len() == 2));
    ensure!(hanging.context("no answer began")?.ended.is_none(), "it hangs");
    serve.abort(&dir, &session)?;
    let aborted = server.wait_for(PATIENCE, |seen| silent(seen, |seen| seen.ended.is_some()));
    ensure!(aborted.context("no abort arrived")?.client_closed(), "by the client");
    Ok(())
}

#[test]
fn the_terminal_interface_can_be_used() -> anyhow::Result<()> {
    let hello = Step::text("Hello from the script.").pause(Duration::from_millis(5));
    let server = Server::start(Script::new().on("hi", [hello]))?;
    let home = Home::new(&server.url())?;
    let mut tui = Tui::start(home.opencode::<&Path>([]), 100, 30)?;
    tui.wait_for("Ask anything")?;
    tui.send("SCRIPT:hi")?;
    tui.wait_for("SCRIPT:hi")?;
    tui.send(keys::ENTER)?;
    tui.wait_for("Hello from the script.")?;
    tui.send("/exit")?;
    tui.wait_for("Exit the app")?;
    tui.send(keys::ENTER)?;
    assert_eq!(tui.wait()?, 0);
    Ok(())
}
