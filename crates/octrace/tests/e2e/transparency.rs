//! The agent never notices: what it asks, what it prints and how it ends are the same with and without
//! octrace. Chunks, their times, back-pressure and memory are tried inside OpenCode's Bun, in
//! `plugin/test/`.

use octrace_testkit::{
    PROVIDERS,
    script::{Fault, Script, Seen, Step},
};
use serde_json::json;

use crate::stage::Stage;

/// What the server can tell requests apart by: script, body, header names. Sessions differ from run to run,
/// and with them the ids that the scripted model gives to its calls.
fn traits(seen: &[Seen]) -> Vec<(String, String, Vec<&str>)> {
    let mut all: Vec<_> = seen
        .iter()
        .map(|seen| {
            let mut names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            (seen.script.clone(), without_ids(&String::from_utf8_lossy(&seen.body)), names)
        })
        .collect();
    // The title request goes out beside the first one, before or after it.
    all.sort();
    all
}

/// With `ID` for words such as `call_9WPMtVN3X8nvXVP6rcZtXzBM`, and for signatures.
fn without_ids(body: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_id = |word: &str| {
        let last = word.rsplit_once('_').map_or("", |(_, last)| last);
        // Some have no digit; none is without a capital, too.
        let is_odd = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase();
        let random = last.len() >= 16 && last.contains(is_odd);
        random || word.len() >= 64
    };
    let mut words = String::with_capacity(body.len());
    for piece in body.split_inclusive(|c| !is_word(c)) {
        let word = piece.trim_end_matches(|c| !is_word(c));
        let rest = piece.strip_prefix(word).unwrap_or_default();
        words.push_str(if is_id(word) { "ID" } else { word });
        words.push_str(rest);
    }
    words
}

#[test]
fn the_server_and_the_user_see_the_same_with_and_without() -> anyhow::Result<()> {
    let script = || {
        Script::new()
            .on(
                "talk",
                [
                    Step::call("bash", json!({"command": "echo hello", "description": "Say"}))
                        .reasoning("Let me think."),
                    Step::text("Ünïcode — cut anywhere.").chunk_bytes(7),
                ],
            )
            .on("denied", [Step::default().fault(Fault::status(401))])
    };
    for provider in PROVIDERS {
        for prompt in ["SCRIPT:talk", "SCRIPT:denied"] {
            if prompt == "SCRIPT:denied" && provider.id != "mock" {
                continue;
            }
            let stage = Stage::new(script())?;
            let bare = stage.home.opencode_run(provider.model, prompt).output()?;
            let without = stage.server.requests();
            let recorded = stage.run(provider.model, prompt).output()?;
            let with = stage.server.requests().split_off(without.len());
            assert_eq!(bare.code, recorded.code, "{prompt} of {}", provider.id);
            assert_eq!(bare.stdout, recorded.stdout, "{prompt} of {}", provider.id);
            for (without, with) in traits(&without).iter().zip(traits(&with)) {
                assert_eq!(without.0, with.0);
                assert_eq!(without.2, with.2, "header names of {}", provider.id);
                assert_eq!(without.1, with.1, "bodies of {}", provider.id);
            }
            assert_eq!(without.len(), with.len());
            let private =
                |seen: &&Seen| seen.headers.iter().any(|(name, _)| name.contains("octrace"));
            assert_eq!(with.iter().filter(private).count(), 0, "no private header is sent");
            assert_eq!(stage.sessions()?.len(), 1, "the second one is recorded");
        }
    }
    Ok(())
}
