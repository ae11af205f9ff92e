//! What goes wrong between OpenCode and the model is recorded as what it was, with its attempts joined.

use std::time::Duration;

use anyhow::{Context, ensure};
use octrace_testkit::{
    PATIENCE, Serve, refused_url,
    script::{Fault, Script, Step},
};
use serde_json::{Value, json};

use crate::stage::{Stage, attempts, main_calls};

/// (status, outcome) of each attempt.
fn course(call: &Value) -> Vec<(Option<u64>, &str)> {
    attempts(call)
        .into_iter()
        .map(|attempt| (attempt["status"].as_u64(), attempt["outcome"].as_str().unwrap_or("")))
        .collect()
}

#[test]
fn statuses_cuts_and_retries_are_told_apart() -> anyhow::Result<()> {
    let stage = Stage::new(
        Script::new()
            .on("denied", [Step::default().fault(Fault::status(401))])
            .on("wrong", [Step::default().fault(Fault::status(400))])
            .on("busy", [Step::text("At last.").fail_times(2, Fault::retry_at_once(500))])
            .on("slow", [Step::text("Now.").fail_times(1, Fault::retry_at_once(429))])
            .on(
                "cut",
                // Without a pause OpenCode might see nothing but a broken connection.
                [Step::text("One two three four.")
                    .fail_times(1, Fault::CutAfter(2))
                    .pause(Duration::from_millis(200))],
            ),
    )?;
    let command = stage.serve();
    let serve = Serve::of(command)?;
    let dir = stage.home.project();
    let mut sessions = Vec::new();
    for name in ["denied", "wrong", "busy", "slow", "cut"] {
        let session = serve.session(&dir)?;
        serve.prompt(&dir, &session, "mock/scripted", &format!("SCRIPT:{name}"))?;
        sessions.push(session);
    }
    stage.flush()?;

    let expected: [&[(Option<u64>, &str)]; 5] = [
        &[(Some(401), "complete")],
        &[(Some(400), "complete")],
        &[(Some(500), "complete"), (Some(500), "complete"), (Some(200), "complete")],
        &[(Some(429), "complete"), (Some(200), "complete")],
        &[(Some(200), "cut"), (Some(200), "complete")],
    ];
    for (id, expected) in sessions.iter().zip(expected) {
        let session = stage.show(id)?;
        let [call] = main_calls(&session)[..] else { panic!("one call: {session:#}") };
        assert_eq!(course(call), expected, "{session:#}");
    }
    let denied = stage.show(&sessions[0])?;
    let denied = main_calls(&denied)[0].clone();
    ensure!(
        denied["error"].is_string() && denied["attempts"][0]["error"].is_string(),
        "{denied:#}"
    );
    // The part that arrived before the cut is there.
    let cut = stage.show(&sessions[4])?;
    let cut = attempts(main_calls(&cut)[0])[0].clone();
    let sent = stage.asked().into_iter().find(|seen| seen.script == "cut").context("sent")?;
    let response = stage.octrace(["request", &cut["id"].to_string(), "--response", "--raw"]);
    assert_eq!(response.output()?.success()?.stdout.as_bytes(), sent.response_body());
    Ok(())
}

#[test]
fn a_refused_connection_has_no_status_and_says_why() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    let config =
        json!({"provider": {"mock": {"options": {"baseURL": format!("{}/v1", refused_url()?)}}}});
    // OpenCode would go on trying for a minute; one refusal is enough to see.
    let mut running = stage
        .run("mock/scripted", "hello")
        .env("OPENCODE_CONFIG_CONTENT", config.to_string())
        .spawn()?;
    let call = octrace_testkit::eventually(PATIENCE, || {
        stage.flush().map_err(|error| error.to_string())?;
        let session = stage.only().map_err(|error| error.to_string())?;
        let call = main_calls(&session).first().map(|call| (*call).clone());
        call.filter(|call| call["attempts"][0]["outcome"] == "failed")
            .ok_or_else(|| format!("{session:#}"))
    })?;
    running.kill()?;
    let attempt = &call["attempts"][0];
    assert_eq!(attempt["status"], Value::Null);
    ensure!(attempt["error"].as_str().is_some_and(|error| !error.is_empty()), "{attempt}");
    Ok(())
}
