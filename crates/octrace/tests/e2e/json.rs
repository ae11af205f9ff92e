//! `docs/json.md` is true: whatever key a command prints for scripts is explained there, under the command or among the
//! shapes that several share.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use octrace_testkit::script::{Script, Step};
use serde_json::{Value, json};

use crate::stage::Stage;

const PAGE: &str = include_str!("../../../../docs/json.md");

/// The keys in a value, but for those in bodies, which are not octrace's.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                if !matches!(key.as_str(), "body" | "tool_calls") {
                    keys(value, found);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn each_key_of_each_command_is_documented() -> anyhow::Result<()> {
    let work = Step::call("read", json!({"filePath": "NOTES.md"}))
        .and_call("write", json!({"filePath": "made.txt", "content": "one\n"}));
    let script = Script::new().on("work", [work, Step::text("Nothing there.")]);
    let stage = Stage::new(script)?;
    let run = stage.octrace(["run", "--", "opencode", "run", "SCRIPT:work"]);
    run.output()?.success()?;
    stage.flush()?;
    let sections: Vec<&str> = PAGE.split("\n## ").collect();
    let shared = sections.iter().find(|text| text.starts_with("Shapes")).context("shared")?;
    let commands: [&[&str]; 13] = [
        &["sessions"],
        &["show"],
        &["request", "1"],
        &["search", "work"],
        &["blame", "made.txt"],
        &["queue"],
        &["du"],
        &["prune", "--dry-run", "--older-than", "0s"],
        &["verify"],
        &["rebuild"],
        &["config"],
        &["doctor"],
        &["intercept"],
    ];
    for command in commands {
        let name = format!("`octrace {}`", command[0]);
        let heads = |text: &&&str| text.lines().next().is_some_and(|head| head.contains(&name));
        let section = sections.iter().find(heads).with_context(|| name.clone())?;
        let command = stage.octrace([]).args(command).args(["--json"]);
        // The exit code of doctor says what it found.
        let printed: Value =
            serde_json::from_str(&command.output()?.stdout).context(name.clone())?;
        let mut found = BTreeSet::new();
        keys(&printed, &mut found);
        for key in found {
            let word = format!("`{key}`");
            ensure!(section.contains(&word) || shared.contains(&word), "{name}: {word}");
        }
    }
    Ok(())
}
