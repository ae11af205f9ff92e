//! A fault injected for each promise: OpenCode killed, the recorder killed, the recorder missing.

use std::{fs, time::Duration};

use anyhow::{Context, ensure};
use octrace_testkit::{
    PATIENCE, Serve, eventually,
    script::{Fault, Script, Seen, Step},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::stage::{Stage, attempts, main_calls, tools};

fn streaming(name: &'static str, chunks: usize) -> impl Fn(&[Seen]) -> Option<Vec<u8>> {
    move |seen| {
        let found = seen.iter().find(|seen| seen.script == name && seen.sent.len() == chunks)?;
        Some(found.response_body())
    }
}

#[test]
fn opencode_killed_in_mid_stream_leaves_what_had_arrived() -> anyhow::Result<()> {
    let stage = Stage::new(
        Script::new()
            .on("hang", [Step::text("One two three four five.").fault(Fault::HangAfter(4))]),
    )?;
    stage.octrace(["install"]).output()?.success()?;
    let mut running = stage.home.opencode_run("mock/scripted", "SCRIPT:hang").spawn()?;
    let sent = stage.server.wait_for(PATIENCE, streaming("hang", 4)).context("no answer")?;
    // The bytes are on their way to OpenCode; what it got is on the tape a moment later.
    eventually(PATIENCE, || {
        stage.flush().map_err(|error| error.to_string())?;
        let session = stage.only().map_err(|error| error.to_string())?;
        let arrived =
            main_calls(&session).first().and_then(|c| c["attempts"][0]["response_bytes"].as_u64());
        if arrived == Some(sent.len() as u64) {
            Ok(())
        } else {
            Err(format!("{arrived:?} bytes so far"))
        }
    })?;
    running.kill()?;
    let session = eventually(PATIENCE, || {
        let session = stage.only().map_err(|error| error.to_string())?;
        let ended = main_calls(&session).iter().all(|call| call["attempts"][0]["outcome"] == "cut");
        if ended { Ok(session) } else { Err("not marked yet".to_owned()) }
    })?;
    let attempt = attempts(main_calls(&session)[0])[0].clone();
    ensure!(
        attempt["error"].as_str().is_some_and(|error| error.contains("OpenCode ended")),
        "{attempt}"
    );
    let response = stage.octrace(["request", &attempt["id"].to_string(), "--response", "--raw"]);
    assert_eq!(response.output()?.success()?.stdout.as_bytes(), sent);
    let asked = stage.asked();
    assert_eq!(stage.body(&attempt)?.as_bytes(), asked[0].body);
    eventually(PATIENCE, || {
        let left = stage.spools();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })?;
    Ok(())
}

#[test]
fn a_recorder_killed_again_and_again_loses_and_repeats_nothing() -> anyhow::Result<()> {
    let step = |n: usize| {
        Step::call("bash", json!({"command": format!("echo step {n}"), "description": "Step"}))
            .saying(format!("Step number {n} of this session, with a few words to stream."))
            .pause(Duration::from_millis(20))
    };
    let steps = (0..8).map(step).chain([Step::text("Done.")]);
    let stage = Stage::new(Script::new().on("long", steps))?;
    stage.octrace(["install"]).output()?.success()?;
    let mut running = stage.home.opencode_run("mock/scripted", "SCRIPT:long").spawn()?;
    let mut killed = 0;
    while !stage.server.requests().iter().any(|seen| seen.script == "long" && seen.step == 8) {
        let recorders =
            stage.home.processes().into_iter().filter(|(_, line)| line.contains(" record "));
        for (pid, _) in recorders.collect::<Vec<(Pid, String)>>() {
            killed += usize::from(kill_process(pid, Signal::KILL).is_ok());
        }
        std::thread::yield_now();
        ensure!(running.stdout().is_ok());
    }
    running.wait()?.success()?;
    ensure!(killed >= 2, "the recorder was killed {killed} times");
    stage.flush()?;
    let session = stage.only()?;
    let main = main_calls(&session);
    let asked = stage.asked();
    assert_eq!((main.len(), asked.len(), tools(&session).len()), (9, 9, 8), "{session:#}");
    for (call, seen) in main.iter().zip(&asked) {
        let [attempt] = attempts(call)[..] else { panic!("once: {call:#}") };
        assert_eq!(stage.body(attempt)?.as_bytes(), seen.body);
        let response =
            stage.octrace(["request", &attempt["id"].to_string(), "--response", "--raw"]);
        assert_eq!(response.output()?.success()?.stdout.as_bytes(), seen.response_body());
        // The network may join chunks, never split or repeat them.
        ensure!(attempt["chunks"].as_u64() <= Some(seen.sent.len() as u64), "{attempt}");
    }
    Ok(())
}

#[test]
fn without_a_recorder_opencode_is_undisturbed_and_the_spool_is_picked_up_later()
-> anyhow::Result<()> {
    let stage = Stage::new(Script::new().on("hi", [Step::text("Hello.")]))?;
    stage.octrace(["install"]).output()?.success()?;
    let output = stage
        .home
        .opencode_run("mock/scripted", "SCRIPT:hi")
        .env("OCTRACE_BIN", "/nonexistent/octrace")
        .output()?
        .success()?;
    ensure!(output.stdout.contains("Hello."), "{output:?}");
    assert_eq!(stage.sessions()?, [""; 0]);
    assert_eq!(stage.spools().len(), 1);
    let doctor = stage.octrace(["doctor"]).output()?;
    ensure!(doctor.stdout.contains("octrace flush"), "it says what to do: {}", doctor.stdout);
    stage.flush()?;
    assert_eq!(main_calls(&stage.only()?).len(), 1);
    assert_eq!(stage.spools().len(), 0);
    Ok(())
}

#[test]
fn a_tape_that_cannot_be_written_holds_nothing_up_and_loses_nothing() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new().on("hi", [Step::text("Hello.")]))?;
    stage.octrace(["install"]).output()?.success()?;
    // Where the tape should be there is a folder.
    let tape = stage.home.data().join("octrace/tape.db");
    fs::create_dir_all(&tape)?;
    stage.home.opencode_run("mock/scripted", "SCRIPT:hi").output()?.success()?;
    let flushed = stage.octrace(["flush", "--timeout", "1"]).output()?;
    assert_eq!(flushed.code, 1, "{flushed:?}");
    fs::remove_dir(&tape)?;
    stage.flush()?;
    assert_eq!(main_calls(&stage.only()?).len(), 1);
    Ok(())
}

#[test]
fn a_server_is_not_slowed_down_by_a_recorder_that_is_stopped() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new().on("hi", [Step::text("Hello.")]))?;
    stage.octrace(["install"]).output()?.success()?;
    let serve = Serve::start(&stage.home)?;
    let dir = stage.home.project();
    let session = serve.session(&dir)?;
    serve.prompt(&dir, &session, "mock/scripted", "SCRIPT:hi")?;
    let recorder = eventually(PATIENCE, || {
        let found = stage.home.processes().into_iter().find(|(_, line)| line.contains(" record "));
        found.map(|(pid, _)| pid).ok_or_else(|| "no recorder".to_owned())
    })?;
    kill_process(recorder, Signal::STOP)?;
    let reply = serve.prompt(&dir, &session, "mock/scripted", "SCRIPT:hi again")?;
    ensure!(reply.to_string().contains("Hello."), "{reply}");
    kill_process(recorder, Signal::CONT)?;
    stage.flush()?;
    assert_eq!(main_calls(&stage.only()?).len(), 2);
    Ok(())
}
