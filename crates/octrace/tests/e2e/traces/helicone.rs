//! Helicone, as a receiver on loopback sees it, with the rules of both of its validators.

use anyhow::{Context, ensure};
use octrace_testkit::{Receiver, Run, helicone};
use serde_json::Value;

use super::session::{self, PROMPTS, SYSTEM, USAGE};
use crate::stage::Stage;

const KEY: &str = "key-of-another-project";

/// What is said in the session, and must be nowhere in metadata.
const SAID: [&str; 8] = [
    "SCRIPT:",
    "I shall ask somebody.",
    "All looked at.",
    "That was easy.",
    "from the child",
    "no-such-file.txt",
    "Well again.",
    SYSTEM,
];

struct Log {
    path: String,
    id: String,
    session: String,
    body: Value,
}

/// Plays the session in this mode; its id, and the logs that arrived, in their order.
fn played(mode: &str) -> anyhow::Result<(Stage, String, Vec<Log>)> {
    let receiver = Receiver::helicone()?;
    let with = |run: Run| {
        run.env("HELICONE_API_KEY", KEY)
            .env("HELICONE_ENDPOINT", receiver.url())
            .env("OPENCODE_HELICONE_EXPORT_MODE", mode)
    };
    let stage = Stage::new(session::script())?;
    let id = session::play(&stage, with)?;
    with(stage.octrace(["flush", "--timeout", "60"])).output()?.success()?;
    let mut logs = Vec::new();
    for request in receiver.received() {
        ensure!(request.path == "/custom/v1/log", "{}", request.path);
        ensure!(request.header("authorization") == Some(&format!("Bearer {KEY}")), "the key");
        helicone::check(&request.headers, &request.body).map_err(anyhow::Error::msg)?;
        let header = |name| request.header(name).unwrap_or_default().to_owned();
        logs.push(Log {
            path: header("helicone-session-path"),
            id: header("helicone-request-id"),
            session: header("helicone-session-id"),
            body: serde_json::from_slice(&request.body)?,
        });
    }
    Ok((stage, id, logs))
}

#[test]
fn each_call_and_each_tool_is_a_log_that_helicone_takes() -> anyhow::Result<()> {
    let (_stage, id, logs) = played("")?;
    ensure!(logs.iter().all(|log| log.session == id), "one session, the sub-agent's too");
    let mut ids: Vec<_> = logs.iter().map(|log| &log.id).collect();
    ids.sort();
    ids.dedup();
    ensure!(ids.len() == logs.len(), "each once");
    let at = |path: &str| logs.iter().filter(|log| log.path == path).collect::<Vec<_>>();
    let base = format!("/opencode/{id}");
    // The first message is the prompt.
    let task = at(&format!("{base}/msg-1/tool-task"));
    let read = at(&format!("{base}/msg-2/tool-read"));
    ensure!(task.len() == 1 && read.len() == 1, "{:?}", paths(&logs));
    ensure!(read[0].body.to_string().contains("File not found"), "{}", read[0].body);
    let below = format!("{base}/msg-1/tool-task/");
    let inside: Vec<_> = logs.iter().filter(|log| log.path.starts_with(&below)).collect();
    ensure!(inside.len() == 3, "two calls and a tool: {:?}", paths(&logs));
    ensure!(inside.iter().any(|log| log.path.ends_with("/tool-bash")), "{:?}", paths(&logs));
    let call = at(&format!("{base}/msg-1"));
    let [call] = call[..] else { anyhow::bail!("{:?}", paths(&logs)) };
    let usage = &call.body["providerResponse"]["json"]["usage"];
    ensure!(usage["prompt_tokens"] == USAGE.input, "{usage}");
    ensure!(usage["completion_tokens"] == USAGE.output, "{usage}");
    let said = call.body.to_string();
    ensure!(said.contains(PROMPTS[0]) && said.contains("I shall ask somebody."), "{said}");
    ensure!(!said.contains(SYSTEM), "nobody asked for it");
    let times = &call.body["timing"];
    let at_ms = |time: &Value| {
        let seconds = time["seconds"].as_i64().context("seconds")?;
        Ok::<_, anyhow::Error>(seconds * 1_000 + time["milliseconds"].as_i64().context("ms")?)
    };
    let took = at_ms(&times["endTime"])? - at_ms(&times["startTime"])?;
    ensure!((0..60_000).contains(&took), "it took its own time: {times}");
    Ok(())
}

#[test]
fn metadata_has_no_word_of_what_was_said() -> anyhow::Result<()> {
    let (stage, id, logs) = played("metadata_only")?;
    ensure!(!logs.is_empty());
    for log in &logs {
        let all = format!("{} {} {}", log.path, log.session, log.body);
        for word in SAID {
            ensure!(!all.contains(word), "{word:?} in {all}");
        }
        let project = stage.home.project().to_string_lossy().into_owned();
        ensure!(!all.contains(&project), "{project} in {all}");
    }
    let tool = logs.iter().find(|log| log.path == format!("/opencode/{id}/msg-1/tool-task"));
    ensure!(tool.context("the tool's name")?.body.to_string().contains("task"));
    Ok(())
}

#[test]
fn off_sends_nothing() -> anyhow::Result<()> {
    let (stage, _, logs) = played("off")?;
    ensure!(logs.is_empty(), "{:?}", paths(&logs));
    ensure!(stage.json(["queue"])?["destinations"] == serde_json::json!([]), "nor waits anything");
    Ok(())
}

fn paths(logs: &[Log]) -> Vec<&str> {
    logs.iter().map(|log| log.path.as_str()).collect()
}
