//! The three ways OpenCode runs: `run` (everywhere else), `serve` and the terminal interface.

use std::time::Duration;

use anyhow::ensure;
use octrace_testkit::{
    PATIENCE, Serve, Tui, eventually, keys,
    script::{Script, Step},
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
        eventually(PATIENCE, || {
            let messages = serve.messages(dir, id).map_err(|error| error.to_string())?;
            // Said is not yet done: tokens and cost come with the end.
            let last = messages.as_array().and_then(|messages| messages.last());
            let done = last.is_some_and(|last| last["info"]["time"]["completed"].is_number());
            let said = messages.to_string().contains("This was");
            if said && done { Ok(()) } else { Err("no answer yet".to_owned()) }
        })?;
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
        .on("other", [say("four"), say("five"), say("six"), say("seven"), done("other")]);
    let stage = Stage::new(script)?;
    let command = stage.serve();
    let serve = Serve::of(command)?;
    let dir = stage.home.project();
    let ids = [serve.session(&dir)?, serve.session(&dir)?];
    for (id, script) in ids.iter().zip(["parent", "other"]) {
        serve.send(&dir, id, "mock/scripted", &format!("SCRIPT:{script}"))?;
    }
    for id in &ids {
        eventually(PATIENCE, || {
            let messages = serve.messages(&dir, id)?;
            ensure!(messages.to_string().contains("This was all of"), "no answer yet");
            Ok(())
        })?;
    }
    stage.flush()?;

    // They were at it at the same time.
    let asked = stage.asked();
    let order: Vec<_> = asked.iter().map(|seen| seen.script.as_str()).collect();
    let of_child = |order: &[&str]| order.iter().position(|script| *script == "child");
    let last_of_other = order.iter().rposition(|script| *script == "other");
    ensure!(of_child(&order) < last_of_other, "{order:?}");

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
