//! Makes the README's picture of the viewer: the real `octrace view` in a terminal, looking at what the real OpenCode
//! does. Only the model is scripted, and its last answer is still under way.
//!
//! `cargo build --release && cargo run -p octrace-testkit --example picture -- target/release/octrace docs/view.svg`

use std::{env, fs, time::Duration};

use anyhow::Context;
use octrace_testkit::{
    Home, Serve, Tui,
    script::{Fault, Script, Server, Step},
};
use serde_json::json;

const PROMPT: &str = "Dates before 1970 are off by a day. Find out why and mend it.";

const CODE: &str = "\
/// Days since 1970-01-01 of a moment in seconds.
pub fn day(seconds: i64) -> i64 {
    seconds / 86_400
}
";

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let octrace = arguments.next().context("which octrace?")?;
    let octrace = fs::canonicalize(octrace).context("cannot find that octrace")?;
    let octrace = octrace.to_str().context("its path is not UTF-8")?;
    let picture = arguments.next().context("where to?")?;

    let server = Server::start(script())?;
    let home = Home::new(&server.url())?;
    let project = home.project();
    fs::write(project.join("date.rs"), CODE)?;
    let serve = ["run", "--", "opencode", "serve", "--hostname", "127.0.0.1", "--port", "0"];
    let serve = Serve::of(home.octrace(octrace, serve))?;
    let session = serve.session(&project)?;
    let viewer = home.octrace(octrace, ["view", "--session", &session]);
    // The session has to be there before somebody looks at it.
    serve.send(&project, &session, "anthropic/scripted", PROMPT)?;
    home.octrace(octrace, ["flush", "--timeout", "5"]).output()?;
    let tui = Tui::start(viewer.env("LANG", "C.UTF-8"), 116, 24)?;
    tui.wait_for("Dates before the epoch")?;
    // As it stands once it is seen that nothing comes any more.
    tui.wait_for("stalled")?;
    fs::write(&picture, tui.picture()).with_context(|| format!("cannot write {picture}"))?;
    server.release();
    Ok(())
}

fn script() -> Script {
    let pause = Duration::from_millis(45);
    let steps = [
        Step::call("bash", json!({"command": "grep -n 86_400 *.rs", "description": "Look for days"}))
            .and_call("read", json!({"filePath": "date.rs"}))
            .saying("I look for where seconds become days."),
        Step::call("bash", json!({"command": "cargo test day", "description": "Run the tests"}))
            .saying("`/` rounds towards zero, so the day before the epoch is day 0. Do the tests know?"),
        Step::call(
            "edit",
            json!({"filePath": "date.rs", "oldString": "seconds / 86_400",
                "newString": "seconds.div_euclid(86_400)"}),
        )
        .saying("They do not. `div_euclid` rounds down.")
        .fail_times(1, Fault::retry_at_once(529)),
        Step::call(
            "task",
            json!({"description": "Review date.rs", "subagent_type": "general",
                "prompt": "Review the change of date.rs: are days before the epoch right now?"}),
        )
        .saying("Somebody else should look at it."),
        Step::text(
            "Done: `day` rounds down now, so that -1 s is day -1. A test for it would be good; shall I add one?",
        )
        .fault(Fault::HangAfter(9)),
    ];
    let review = [
        Step::call("read", json!({"filePath": "date.rs"})).saying("I read it."),
        Step::text("`(-1).div_euclid(86_400)` is -1. Right."),
    ];
    Script::new()
        .on_prompt("Review the change", review.map(|step| step.pause(pause)))
        .on_prompt(PROMPT, steps.map(|step| step.pause(pause)))
        .title(Step::text("Dates before the epoch"))
}
