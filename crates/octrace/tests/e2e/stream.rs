//! Streams of a recorded OpenCode, in each dialect: what has arrived is with the agent, and recorded, while
//! the rest is still to come, and the user's abort reaches the model's server. What is in between, chunk by
//! chunk, is tried inside OpenCode's Bun, in `plugin/test/stream.test.ts`.

use anyhow::{Context, bail, ensure};
use octrace_testkit::{
    PATIENCE, PROVIDERS, Serve, eventually,
    script::{Fault, Script, Seen, Step},
};
use serde_json::json;

use crate::stage::{Stage, attempts, main_calls};

/// Chunks before the server falls silent.
const SENT: usize = 2;

#[test]
fn what_has_arrived_is_there_and_an_abort_reaches_the_server() -> anyhow::Result<()> {
    let step = Step::text("One two three four five.").fault(Fault::HangAfter(SENT));
    let stage = Stage::new(Script::new().on("hang", [step]))?;
    let command = stage.serve();
    let serve = Serve::of(command)?;
    let dir = stage.home.project();
    for (number, provider) in PROVIDERS.iter().enumerate() {
        let session = serve.session(&dir)?;
        serve.send(&dir, &session, provider.model, "SCRIPT:hang")?;
        let of_this =
            |seen: &[Seen]| seen.iter().filter(|seen| seen.script == "hang").nth(number).cloned();
        let begun = |seen: &[Seen]| of_this(seen).filter(|seen| seen.sent.len() == SENT);
        let sent = stage.server.wait_for(PATIENCE, begun).context("no answer")?.response_body();
        // The server is silent now. Only what the agent has taken is recorded.
        let recorded = || -> anyhow::Result<_> {
            stage.flush()?;
            let shown = stage.show(&session)?;
            let call = main_calls(&shown).into_iter().next().context("no call yet")?;
            let [attempt] = attempts(call)[..] else { bail!("not one attempt: {call:#}") };
            Ok(attempt.clone())
        };
        eventually(PATIENCE, || {
            let attempt = recorded()?;
            ensure!(attempt["response_bytes"] == sent.len(), "{}: {attempt:#}", provider.id);
            Ok::<_, anyhow::Error>(())
        })?;
        serve.abort(&dir, &session)?;
        let ended = |seen: &[Seen]| of_this(seen).filter(|seen| seen.ended.is_some());
        let seen = stage.server.wait_for(PATIENCE, ended).context("no end")?;
        ensure!(seen.client_closed(), "{}: the abort reached the server", provider.id);
        let attempt = recorded()?;
        assert_eq!((&attempt["status"], &attempt["outcome"]), (&json!(200), &json!("aborted")));
        let response =
            stage.octrace(["request", &attempt["id"].to_string(), "--response", "--raw"]);
        assert_eq!(response.output()?.success()?.stdout.as_bytes(), sent, "{}", provider.id);
    }
    Ok(())
}
