//! What was done arrives by itself, though OpenCode waits for no backend, and whoever lacks a key is told so.

use std::collections::BTreeSet;

use anyhow::ensure;
use octrace_testkit::{
    Answer, Received, Receiver, Run,
    script::{Script, Step},
};
use serde_json::json;

use crate::stage::{Stage, ensure_hidden};

fn script() -> Script {
    let echo = json!({"command": "echo hello", "description": "Say"});
    Script::new().on("work", [Step::call("bash", echo), Step::text("Done.")])
}

/// Two model calls and a title's, and a tool call.
const LOGS: usize = 4;

fn logs(received: &[Received]) -> usize {
    let accepted = received.iter().filter(|one| one.answered == Some(200));
    accepted.filter_map(|one| one.header("helicone-request-id")).collect::<BTreeSet<_>>().len()
}

/// The turn, its two model calls and the title's, the tool call, and the mark at its end.
const SPANS: usize = 6;

fn spans(received: &[Received]) -> usize {
    let accepted = received.iter().filter(|one| one.answered == Some(200));
    let spans = accepted.flat_map(|one| one.spans().unwrap_or_default());
    spans.map(|span| span.id).collect::<BTreeSet<_>>().len()
}

#[test]
fn what_opencode_did_arrives_though_it_exits_at_once() -> anyhow::Result<()> {
    let stage = Stage::new(script())?;
    let key = ["canary", "of", "a", "key"].join("-");
    let (helicone, neatlogs) = (Receiver::helicone()?, Receiver::otlp()?);
    let with_keys = |run: Run| {
        run.env("HELICONE_API_KEY", &key)
            .env("HELICONE_ENDPOINT", helicone.url())
            .env("NEATLOGS_API_KEY", &key)
            .env("NEATLOGS_ENDPOINT", neatlogs.url())
    };
    // OpenCode has ended, though neither of them has said a word.
    for backend in [&helicone, &neatlogs] {
        backend.always(Answer::Silence);
    }
    with_keys(stage.run("mock/scripted", "SCRIPT:work")).output()?.success()?;
    for backend in [&helicone, &neatlogs] {
        ensure!(backend.received().iter().all(|one| one.answered.is_none()), "it is silent");
        backend.release();
    }
    helicone.wait_for(|received| logs(received) == LOGS)?;
    neatlogs.wait_for(|received| spans(received) == SPANS)?;
    ensure!(neatlogs.received().iter().all(|one| one.path == "/v1/traces"));
    ensure!(helicone.received().iter().all(|one| one.path == "/custom/v1/log"));

    // Away, without the keys, and back.
    helicone.is_down(true);
    with_keys(stage.run("mock/scripted", "SCRIPT:work")).output()?.success()?;
    neatlogs.wait_for(|received| spans(received) == 2 * SPANS)?;
    let without = stage.octrace(["flush"]).output()?.success()?;
    ensure!(without.stderr.contains("its key is not in this environment"), "{without:?}");
    let late = with_keys(stage.octrace(["flush", "--timeout", "1"])).output()?;
    ensure!(late.code == 1 && late.stderr.contains("not all is delivered"), "{late:?}");
    let doctor = with_keys(stage.octrace(["doctor"])).output()?;
    let away = format!("nothing is delivered now: {}/custom/v1/log", helicone.url());
    ensure!(doctor.stdout.contains(&away), "{doctor:?}");
    ensure!(doctor.stdout.contains(&format!("{} answers", neatlogs.url())), "{doctor:?}");
    let queue = with_keys(stage.octrace(["queue"])).output()?.success()?;
    let config = with_keys(stage.octrace(["config"])).output()?.success()?;
    helicone.is_down(false);
    let flush = with_keys(stage.octrace(["flush"])).output()?.success()?;
    ensure!(logs(&helicone.received()) == 2 * LOGS, "{flush:?}");
    for output in [without, late, doctor, queue, config, flush] {
        ensure!(!format!("{output:?}").contains(&key), "{output:?}");
    }
    ensure_hidden(&stage.kept()?, &[&key])
}
