//! `octrace flush`, killed again and again while it delivers to a backend that takes its time: all arrives, and what may
//! not have arrived is repeated byte for byte.

use std::{collections::BTreeSet, time::Duration};

use anyhow::ensure;
use octrace_testkit::{
    Answer, Received, Receiver, Response, Run,
    script::{Script, Step},
};
use serde_json::json;

use crate::stage::{Stage, ensure_hidden};

/// Model calls with a tool call each, before the last one.
const TOOLS: usize = 14;

/// A log of each model call, the title's too, and of each tool call.
const LOGS: usize = TOOLS + 1 + 1 + TOOLS;

fn log_id(received: &Received) -> Option<&str> {
    received.header("helicone-request-id")
}

/// How many logs were answered.
fn answered(received: &[Received]) -> usize {
    let answered = received.iter().filter(|one| one.answered.is_some());
    answered.filter_map(log_id).collect::<BTreeSet<_>>().len()
}

#[test]
fn whoever_delivers_is_killed_dozens_of_times_and_each_log_arrives() -> anyhow::Result<()> {
    let echo = || Step::call("bash", json!({"command": "echo hello", "description": "Say"}));
    let steps = (0..TOOLS).map(|_| echo()).chain([Step::text("Done.")]);
    let stage = Stage::new(Script::new().on("work", steps))?;
    // Made here, so that nobody takes it for a real one.
    let key = ["canary", "of", "a", "key"].join("-");
    let receiver = Receiver::helicone()?;
    let with_key =
        |run: Run| run.env("HELICONE_API_KEY", &key).env("HELICONE_ENDPOINT", receiver.url());
    receiver.is_down(true);
    with_key(stage.run("mock/scripted", "SCRIPT:work")).output()?.success()?;
    stage.flush()?;
    ensure!(receiver.received().is_empty(), "it was down");

    receiver.is_down(false);
    let slowly = Answer::Slowly(Response::new(200, "ok"), Duration::from_micros(500));
    receiver.always(slowly);
    let waiting = || -> anyhow::Result<bool> {
        let queue = stage.json(["queue"])?;
        Ok(queue["destinations"][0]["waiting"] != 0)
    };
    let mut kills = 0;
    loop {
        let before = receiver.received();
        if answered(&before) == LOGS || kills == 80 {
            break;
        }
        let mut flush = with_key(stage.octrace(["flush"])).spawn()?;
        // In the middle of an answer; right after one, while it is noted; or as soon as it runs.
        let is_then = |all: &[Received]| match kills % 3 {
            0 => all.len() > before.len(),
            1 => answered(all) > answered(&before),
            _ => true,
        };
        receiver.wait_for(is_then)?;
        // It may just have ended by itself.
        flush.kill().ok();
        kills += 1;
    }
    ensure!(kills >= 24, "only {kills}");
    with_key(stage.octrace(["flush"])).output()?.success()?;
    ensure!(!waiting()?, "something is left");

    let received = receiver.received();
    let ids: BTreeSet<_> = received.iter().filter_map(log_id).collect();
    ensure!(ids.len() == LOGS, "{} logs", ids.len());
    for id in ids {
        let mine: Vec<_> = received.iter().filter(|one| log_id(one) == Some(id)).collect();
        ensure!(mine.iter().any(|one| one.answered == Some(200)), "{id} was never accepted");
        let is_same = |one: &&Received| one.body == mine[0].body && one.headers == mine[0].headers;
        ensure!(mine.iter().all(is_same), "{id} was repeated as something else");
    }
    let again = received.len() - LOGS;
    ensure!(again <= kills, "{again} repeats by {kills} who were killed");
    ensure_hidden(&stage.kept()?, &[&key])
}
