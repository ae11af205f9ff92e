//! The demo: a prompt that a person would write, and a model's work on it.
//!
//! A small job with everything that a session has: reasoning, a tool that fails, parallel tool calls,
//! an edit, a command, and a sub-agent that looks the result over. Seven model calls and a title, in
//! a few seconds. Needs nothing but a shell.

use std::time::Duration;

use serde_json::json;

use crate::script::{Script, Step};

/// What the user asks for.
pub const PROMPT: &str =
    "Write a shell script greet.sh that greets a person by name, try it, and have it reviewed.";

/// What the sub-agent is asked, as the model puts it.
const REVIEW: &str =
    "Review greet.sh: does it greet by name, and does it cope without one? Change nothing.";

/// Between two chunks, so that one can watch it.
const PAUSE: Duration = Duration::from_millis(4);

/// What the model answers. Paths are relative to the folder in which OpenCode was started.
pub fn script() -> Script {
    let first = Step::call("read", json!({"filePath": "NOTES.md"}))
        .and_call(
            "write",
            json!({
                "filePath": "greet.sh",
                "content": "#!/bin/sh\n# Greets a person by name.\necho \"Hello, $1!\"\n",
            }),
        )
        .reasoning(
            "A greeting needs little. There may be notes on the style of scripts here; \
                    I look for them and write a first version at the same time.",
        )
        .saying("I look for notes on conventions and write a first version.");
    let second = Step::call(
        "bash",
        json!({
            "command": "sh greet.sh Ada && sh greet.sh",
            "description": "Run the script with and without a name",
        }),
    )
    .and_call("read", json!({"filePath": "greet.sh"}))
    .saying("There are no notes. Let me try the script, also without a name.");
    let third = Step::call(
        "edit",
        json!({
            "filePath": "greet.sh",
            "oldString": "echo \"Hello, $1!\"",
            "newString": "echo \"Hello, ${1:-world}!\"",
        }),
    )
    .reasoning("Without an argument it prints \"Hello, !\". A default value mends that.")
    .saying("Without a name it prints \"Hello, !\". I give it a default.");
    let fourth = Step::call(
        "task",
        json!({
            "description": "Review greet.sh",
            "prompt": REVIEW,
            "subagent_type": "general",
        }),
    )
    .saying("Now somebody else should look at it.");
    let last = Step::text(
        "`greet.sh` greets a person by name, and the world when no name is given. I tried it both \
         ways, mended the missing name, and the review found nothing further.",
    );
    let review = [
        Step::call(
            "bash",
            json!({
                "command": "sh greet.sh Ada && sh greet.sh",
                "description": "Run the script both ways",
            }),
        )
        .and_call("read", json!({"filePath": "greet.sh"}))
        .reasoning("Two things to check: with a name and without."),
        Step::text(
            "It greets by name, and falls back to \"world\" without one. Nothing to change.",
        ),
    ];
    Script::new()
        .title(Step::text("A greeting script").pause(PAUSE))
        .on_prompt(REVIEW, review.map(|step| step.pause(PAUSE)))
        .on_prompt(PROMPT, [first, second, third, fourth, last].map(|step| step.pause(PAUSE)))
}
