//! What OpenCode says twice is on the tape once: a tool's output stands in its event and in the next request, in
//! each dialect.

use std::fs;

use anyhow::{Context, ensure};
use octrace_testkit::{
    PROVIDERS,
    script::{Script, Step},
};
use serde_json::json;

use crate::stage::{Stage, main_calls};

/// Text that nothing makes much smaller than three quarters: 600 lines of 80 bytes, other ones for each seed.
fn noise(seed: u64) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345678<\\\"";
    let mut random = seed * 2 + 1;
    let mut digit = |_| {
        random ^= random >> 12;
        random ^= random << 25;
        random ^= random >> 27;
        char::from(DIGITS[(random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 58) as usize])
    };
    (0..600).map(|_| (0..79).map(&mut digit).collect::<String>() + "\n").collect()
}

#[test]
fn a_tools_output_is_on_the_tape_once_in_each_dialect() -> anyhow::Result<()> {
    let look = Step::call("bash", json!({"command": "cat ../noise.txt", "description": "Look"}));
    let stage = Stage::new(Script::new().on("look", [look, Step::text("That was a lot.")]))?;
    for (seed, provider) in (1..).zip(PROVIDERS) {
        // Beside the project: of files in it that a person changes, the tape has what they contained, too.
        fs::write(stage.home.path().join("noise.txt"), noise(seed))?;
        stage.run(provider.model, "SCRIPT:look").output()?.success()?;
    }
    stage.flush()?;
    let usage = stage.json(["du"])?;
    let sessions = stage.sessions()?;
    ensure!(sessions.len() == PROVIDERS.len(), "{sessions:?}");
    for (id, (seed, provider)) in sessions.iter().zip((1..).zip(PROVIDERS)) {
        let session = stage.show(id)?;
        let asked = main_calls(&session).last().map(|call| call["attempts"][0].clone());
        let body = stage.body(&asked.context("a call")?)?;
        let line = noise(seed).lines().nth(300).map(|line| json!(line).to_string());
        ensure!(body.contains(line.context("a line")?.trim_matches('"')), "{}", provider.id);
        let rows = usage["sessions"].as_array().context("rows")?;
        let row = rows.iter().find(|row| row["id"] == json!(id)).context("its row")?;
        let bytes = row["bytes"].as_u64().context("a size")?;
        // Once, and what else is of this session: its prompts, tools, answers and events.
        let once = 600 * 80 * 3 / 4;
        ensure!((once..once + once * 4 / 5).contains(&bytes), "{}: {bytes} bytes", provider.id);
    }
    Ok(())
}
