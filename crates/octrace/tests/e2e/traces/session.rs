//! A session of four turns: a sub-agent and a tool that fails, a call that is tried again, one that fails for good, and
//! one that goes well after that.

use anyhow::Context;
use octrace_testkit::{
    Run, Serve,
    script::{Fault, Script, Step, Usage},
};
use serde_json::json;

use crate::stage::Stage;

/// Tokens as a provider bills them: most of the input from its cache, some of the output reasoning.
pub(super) const USAGE: Usage =
    Usage { input: 1_200, output: 34, reasoning: 7, cache_read: 1_000, cache_write: 0 };

/// What the turns are asked, in order.
pub(super) const PROMPTS: [&str; 4] =
    ["SCRIPT:delegate", "SCRIPT:again", "SCRIPT:broken", "SCRIPT:fine"];

/// The system prompt of OpenCode begins with it, whatever the model.
pub(super) const SYSTEM: &str = "You are opencode";

pub(super) fn script() -> Script {
    let task = json!({
        "description": "Look around", "prompt": "SCRIPT:child", "subagent_type": "general",
    });
    let say = json!({"command": "echo from the child", "description": "Say"});
    let missing = json!({"filePath": "no-such-file.txt"});
    Script::new()
        .on(
            "delegate",
            [
                Step::call("task", task).saying("I shall ask somebody.").usage(USAGE),
                Step::call("read", missing).usage(USAGE),
                Step::text("All looked at.").reasoning("That was easy.").usage(USAGE),
            ],
        )
        .on("child", [Step::call("bash", say).usage(USAGE), Step::text("Looked.").usage(USAGE)])
        .on("again", [Step::text("At last.").usage(USAGE).fail_times(2, Fault::retry_at_once(503))])
        .on("broken", [Step::text("").fault(Fault::status(400))])
        .on("fine", [Step::text("Well again.").usage(USAGE)])
}

/// Has OpenCode go through all of it, recorded, with `with` for its environment; its session's id. When this returns, all
/// of it is on the tape, and OpenCode is gone.
pub(super) fn play(stage: &Stage, with: impl FnOnce(Run) -> Run) -> anyhow::Result<String> {
    let serve = Serve::of(with(stage.serve()))?;
    let dir = stage.home.project();
    let session = serve.session(&dir)?;
    for prompt in PROMPTS {
        // A model's error is no error of this.
        serve.prompt(&dir, &session, "mock/scripted", prompt).context(prompt)?;
    }
    drop(serve);
    stage.octrace(["flush", "--timeout", "5"]).output()?;
    Ok(session)
}
