//! The three ways OpenCode runs: `run` (everywhere else), `serve` and the terminal interface.

use std::{path::Path, time::Duration};

use anyhow::{Context, ensure};
use octrace_testkit::{
    PATIENCE, Serve, Tui, eventually, keys,
    script::{Fault, Script, Seen, Step},
};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::stage::{Stage, attempts, main_calls, tools};

#[test]
fn one_server_for_two_directories_keeps_their_sessions_apart() -> anyhow::Result<()> {
    let talk = |word: &str| {
        [
            Step::call("bash", json!({"command": format!("echo {word}"), "description": "Say"}))
                .pause(Duration::from_millis(10)),
            Step::text(format!("This was {word}.")).pause(Duration::from_millis(10)),
        ]
    };
    let script = Script::new().on("left", talk("left")).on("right", talk("right"));
    let stage = Stage::new(script)?;
    let other = stage.home.add_project("other")?;
    let command = stage.serve();
    let serve = Serve::of(command)?;
    let dirs = [stage.home.project(), other];
    let ids = [serve.session(&dirs[0])?, serve.session(&dirs[1])?];
    serve.send(&dirs[0], &ids[0], "mock/scripted", "SCRIPT:left")?;
    serve.send(&dirs[1], &ids[1], "mock/scripted", "SCRIPT:right")?;
    for (dir, id) in dirs.iter().zip(&ids) {
        wait_for_the_end(&serve, dir, id)?;
    }
    // Whoever asks is answered, several at once too.
    let asking: Vec<_> = (0..4).map(|_| stage.octrace(["flush"]).spawn()).collect();
    for asking in asking {
        asking?.wait()?.success()?;
    }
    for ((dir, id), word) in dirs.iter().zip(&ids).zip(["left", "right"]) {
        let session = stage.show(id)?;
        assert_eq!(session["directory"], dir.canonicalize()?.to_string_lossy().as_ref());
        let main = main_calls(&session);
        assert_eq!(main.len(), 2, "each once: {session:#}");
        let asked: Vec<_> = stage.asked().into_iter().filter(|seen| seen.script == word).collect();
        for (call, seen) in main.iter().zip(&asked) {
            assert_eq!(stage.body(attempts(call)[0])?.as_bytes(), seen.body);
        }
        assert_eq!(tools(&session).len(), 1);
        // Tokens and cost are what OpenCode makes of the same answers.
        let messages = serve.messages(dir, id)?;
        let infos = messages.as_array().into_iter().flatten().map(|message| &message["info"]);
        let infos: Vec<_> = infos.filter(|info| info["role"] == "assistant").collect();
        assert_eq!(infos.len(), main.len());
        for (call, info) in main.iter().zip(infos) {
            let attempt = attempts(call)[0];
            assert_eq!(call["assistant"], info["id"]);
            let (usage, tokens) = (&attempt["usage"], &info["tokens"]);
            let count = |value: &Value| value.as_u64().unwrap_or_default();
            assert_eq!(
                count(&usage["input"]),
                count(&tokens["input"]) + count(&tokens["cache"]["read"])
            );
            assert_eq!(
                count(&usage["output"]),
                count(&tokens["output"]) + count(&tokens["reasoning"])
            );
            let (ours, theirs) = (attempt["cost_usd"].as_f64(), info["cost"].as_f64());
            ensure!(
                ours.zip(theirs).is_some_and(|(a, b)| (a - b).abs() < 1e-12 && a > 0.0),
                "{attempt}\n{info}"
            );
        }
    }
    // `serve` has no clean end: the recorder notices all the same.
    for (pid, line) in stage.home.processes() {
        if line.contains(" serve ") && !line.contains("octrace") {
            kill_process(pid, Signal::KILL)?;
        }
    }
    eventually(PATIENCE, || {
        let left = stage.spools();
        if left.is_empty() { Ok(()) } else { Err(format!("still there: {left:?}")) }
    })?;
    Ok(())
}

#[test]
fn two_sessions_and_a_sub_agent_at_once_have_each_their_own_requests() -> anyhow::Result<()> {
    let pause = Duration::from_millis(25);
    let task =
        json!({"description": "Look around", "prompt": "SCRIPT:child", "subagent_type": "general"});
    let say = |word: &str| {
        Step::call("bash", json!({"command": format!("echo {word}"), "description": "Say"}))
            .pause(pause)
    };
    let done = |word: &str| Step::text(format!("This was all of {word}.")).pause(pause);
    let script = Script::new()
        .on("parent", [Step::call("task", task).pause(pause), done("parent")])
        .on("child", [say("one"), say("two"), say("three"), done("child")])
        .on("other", [say("four").fault(Fault::HangAfter(1)), say("five"), done("other")]);
    let stage = Stage::new(script)?;
    let command = stage.serve();
    let serve = Serve::of(command)?;
    let dir = stage.home.project();
    let ids = [serve.session(&dir)?, serve.session(&dir)?];
    for (id, script) in ids.iter().zip(["parent", "other"]) {
        serve.send(&dir, id, "mock/scripted", &format!("SCRIPT:{script}"))?;
    }
    // One answer is held until the sub-agent has asked, so all three are at it at the same time.
    let asked = |seen: &[Seen], script| seen.iter().any(|seen| seen.script == script);
    let both = |seen: &[Seen]| (asked(seen, "child") && asked(seen, "other")).then_some(());
    stage.server.wait_for(PATIENCE, both).context("one of them does not ask")?;
    stage.server.release();
    for id in &ids {
        wait_for_the_end(&serve, &dir, id)?;
    }
    stage.flush()?;

    let asked = stage.asked();
    let [parent, other] = [stage.show(&ids[0])?, stage.show(&ids[1])?];
    let child = tools(&parent)[0]["child"].clone();
    let mut recorded = 0;
    for (session, script) in [(&parent, "parent"), (&child, "child"), (&other, "other")] {
        let asked: Vec<_> = asked.iter().filter(|seen| seen.script == script).collect();
        let calls = main_calls(session);
        assert_eq!(calls.len(), asked.len(), "{script}: {session:#}");
        for (call, seen) in calls.iter().zip(asked) {
            // OpenCode itself says whose request it is.
            assert_eq!(session["id"], seen.header("x-session-affinity").unwrap_or_default());
            let [attempt] = attempts(call)[..] else { panic!("one attempt: {call:#}") };
            assert_eq!(stage.body(attempt)?.as_bytes(), seen.body);
            recorded += 1;
        }
    }
    assert_eq!(recorded, asked.len(), "no request in another session");
    Ok(())
}

/// Waits until the last message of a session is an answer's end. What was said is not yet done: tokens
/// and cost come with the end, and a sub-agent's last words are in its parent's messages too.
fn wait_for_the_end(serve: &Serve, dir: &Path, session: &str) -> anyhow::Result<()> {
    eventually(PATIENCE, || {
        let messages = serve.messages(dir, session)?;
        let last =
            messages.as_array().and_then(|messages| messages.last()).context("no message")?;
        let info = &last["info"];
        ensure!(info["finish"] == "stop" && info["time"]["completed"].is_number(), "{info}");
        Ok(())
    })
}

#[test]
fn the_terminal_interface_is_recorded() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new().on(
        "hi",
        [
            Step::call("bash", json!({"command": "echo in the terminal", "description": "Say"})),
            Step::text("Hello from the script."),
        ],
    ))?;
    let mut tui = Tui::start(stage.octrace(["run", "--", "opencode"]), 100, 30)?;
    tui.wait_for("Ask anything")?;
    tui.send("SCRIPT:hi")?;
    tui.wait_for("SCRIPT:hi")?;
    tui.send(keys::ENTER)?;
    tui.wait_for("Hello from the script.")?;
    tui.send("/exit")?;
    tui.wait_for("Exit the app")?;
    tui.send(keys::ENTER)?;
    assert_eq!(tui.wait()?, 0);
    stage.flush()?;
    let session: Value = stage.only()?;
    assert_eq!(main_calls(&session).len(), 2, "{session:#}");
    assert_eq!(tools(&session)[0]["status"], "completed");
    for (call, seen) in main_calls(&session).iter().zip(stage.asked()) {
        assert_eq!(stage.body(attempts(call)[0])?.as_bytes(), seen.body);
    }
    ensure!(stage.spools().is_empty(), "consumed: {:?}", stage.spools());
    Ok(())
}
