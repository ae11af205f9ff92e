//! No credential is in the spool, on the tape or in a log: not from a header, a URL or a hook, and not when a
//! server echoes it.

use std::fs;

use anyhow::{Context, ensure};
use octrace_testkit::{
    PATIENCE, PROVIDERS, Serve, eventually,
    script::{Fault, Script, Seen, Step},
};
use serde_json::json;

use crate::stage::{Stage, attempts, collect, main_calls};

/// Credentials that are nowhere but where OpenCode looks for them.
const IN_ENVIRONMENT: &str = "env-credential-93b1c7d2e8f04a65";
const IN_AUTH_FILE: &str = "auth-credential-0f6d4c1b9a8e7253";
const IN_URL: &str = "url-credential-7e2a9c5d1f3b8064";

/// Where a secret turns up among `files`. Secrets are ASCII: what is not UTF-8 cannot hide one.
fn found(secret: &str, files: &[(std::path::PathBuf, Vec<u8>)]) -> Vec<String> {
    let holds = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(secret);
    let found = files.iter().filter(|(_, bytes)| holds(bytes));
    found.map(|(path, _)| path.display().to_string()).collect()
}

#[test]
fn no_credential_is_in_the_spool_on_the_tape_or_in_a_log() -> anyhow::Result<()> {
    // An error body that echoes the key, whole and across two chunks; an answer that repeats what the
    // environment and the credentials file hold.
    let key = PROVIDERS[0].key;
    let (head, tail) = key.split_at(11);
    let echo = format!("{{\"error\":{{\"message\":\"Incorrect API key provided: {key}, {head}");
    let chunks = [echo, format!("{tail}\",\"type\":\"invalid_request_error\"}}}}")];
    let raw = Fault::Raw {
        content_type: "application/json",
        chunks: chunks.into_iter().map(Into::into).collect(),
    };
    let told = format!("You have {IN_ENVIRONMENT} and {IN_AUTH_FILE}.");
    let script = Script::new()
        .on("echo", [Step::default().fault(raw)])
        .on("tell", [Step::text(told).chunk_bytes(4096)])
        .on("hang", [Step::text("One two three.").fault(Fault::HangAfter(2))]);
    let stage = Stage::new(script)?;
    let data = stage.home.data().join("opencode");
    fs::create_dir_all(&data)?;
    fs::write(
        data.join("auth.json"),
        json!({"example": {"type": "api", "key": IN_AUTH_FILE}}).to_string(),
    )?;
    let with_secrets = |run: octrace_testkit::Run| run.env("EXAMPLE_API_KEY", IN_ENVIRONMENT);

    // With a recorder that cannot start, everything stays in the spool: look there.
    let installed = stage.octrace(["install"]).output()?.success()?;
    ensure!(installed.stdout.contains("octrace.ts"), "{installed:?}");
    let base = format!(
        "{}/v1?api_key={IN_URL}",
        stage.server.url().replace("://", "://user:pass-of-url-51c9@")
    );
    let config = json!({"provider": {"odd": {"npm": "@ai-sdk/openai-compatible", "name": "Odd",
        "options": {"baseURL": base, "apiKey": key},
        "models": {"scripted": {"name": "Odd", "limit": {"context": 100_000, "output": 1_000}}}}}});
    let serve = Serve::of(
        with_secrets(stage.home.opencode(["serve", "--hostname", "127.0.0.1", "--port", "0"]))
            .env("OCTRACE_BIN", "/nonexistent/octrace")
            .env("OPENCODE_CONFIG_CONTENT", config.to_string()),
    )?;
    let dir = stage.home.project();
    let session = serve.session(&dir)?;
    serve.prompt(&dir, &session, "mock/scripted", "SCRIPT:tell")?;
    // An answer that is no stream makes OpenCode ask again and again; the odd provider's URL is refused or not
    // as OpenCode's fetch sees fit, and retried for a minute. That both were asked is enough.
    for (model, name, sign) in [
        // Of the second chunk: then the key is there whole.
        ("mock/scripted", "echo", "invalid_request_error"),
        ("odd/scripted", "tell", "\"provider\":\"odd\""),
    ] {
        let session = serve.session(&dir)?;
        serve.send(&dir, &session, model, &format!("SCRIPT:{name}"))?;
        eventually(PATIENCE, || {
            let mut spool = Vec::new();
            collect(stage.home.runtime(), &mut spool).map_err(|error| error.to_string())?;
            let asked = !found(sign, &spool).is_empty();
            if asked { Ok(()) } else { Err(format!("no {sign} in the spool")) }
        })?;
        serve.abort(&dir, &session)?;
    }
    for provider in &PROVIDERS[1..] {
        let session = serve.session(&dir)?;
        serve.prompt(&dir, &session, provider.model, "SCRIPT:tell")?;
    }
    let session = serve.session(&dir)?;
    serve.send(&dir, &session, "mock/scripted", "SCRIPT:hang")?;
    let hanging = |seen: &[Seen]| {
        seen.iter().find(|seen| seen.script == "hang" && seen.sent.len() == 2).map(|_| ())
    };
    stage.server.wait_for(PATIENCE, hanging).context("no answer began")?;

    let mut spool = Vec::new();
    collect(stage.home.runtime(), &mut spool)?;
    let held = spool.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    ensure!(held > 50_000, "the spool holds the session: {held} bytes");
    let mut keys: Vec<_> = PROVIDERS.iter().map(|provider| provider.key).collect();
    keys.extend([IN_URL, "pass-of-url-51c9"]);
    for secret in &keys {
        assert_eq!(found(secret, &spool), [""; 0], "{secret} in the spool");
    }

    // And on the tape, echoes included, halves too.
    stage.flush()?;
    let kept = stage.kept()?;
    ensure!(kept.iter().any(|(path, _)| path.ends_with("tape.db")), "there is a tape");
    keys.extend([IN_ENVIRONMENT, IN_AUTH_FILE]);
    let mut shown = Vec::new();
    for id in stage.sessions()? {
        let session = stage.show(&id)?;
        for attempt in main_calls(&session).into_iter().flat_map(attempts) {
            let id = attempt["id"].to_string();
            shown.push((
                id.clone().into(),
                stage.octrace(["request", &id]).output()?.stdout.into_bytes(),
            ));
            let raw = stage.octrace(["request", &id, "--response", "--raw"]).output()?.stdout;
            shown.push((id.into(), raw.into_bytes()));
        }
    }
    ensure!(shown.len() >= 12, "everything was looked at: {}", shown.len());
    for secret in &keys {
        assert_eq!(found(secret, &kept), [""; 0], "{secret} on disk");
        assert_eq!(found(secret, &shown), [""; 0], "{secret} in what is shown");
    }
    let echoed = shown.iter().any(|(_, text)| {
        String::from_utf8_lossy(text).contains("Incorrect API key provided: [REDACTED], [REDACTED]")
    });
    ensure!(echoed, "the echo itself is there, without the key");
    drop(serve);
    Ok(())
}
