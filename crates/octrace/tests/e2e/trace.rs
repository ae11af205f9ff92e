//! Agent Trace records: whose call wrote which lines, also where a shell did.

use std::{fs, os::unix::fs::PermissionsExt};

use anyhow::{Context, ensure};
use octrace_testkit::script::{Script, Step};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::stage::Stage;

/// Three steps: a file is written; one is edited, and then a shell changes it; a shell makes a file.
fn script() -> Script {
    let bash = |command: &str| {
        Step::call("bash", json!({"command": command, "description": "Change files"}))
    };
    Script::new().on(
        "go",
        [
            Step::call("write", json!({"filePath": "new.txt", "content": "one\ntwo\n"})),
            Step::call(
                "edit",
                json!({"filePath": "notes.txt", "oldString": "beta", "newString": "BETA"}),
            ),
            // What they change they do not name.
            bash("f=README; sed -i 's/A project/A Project/' $f.md"),
            bash("n='odd name'; mkdir -p d; printf 'x\\ny\\n' > d/\"$n\"; git mv notes.txt d/notes.txt"),
            Step::text("done"),
        ],
    )
}

/// The records on the tape, in the order in which the calls ended.
fn records(stage: &Stage) -> anyhow::Result<Vec<Value>> {
    let tape = stage.home.data().join("octrace/tape.db");
    let tape = Connection::open_with_flags(tape, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut select = tape.prepare("SELECT record FROM agent_trace_records ORDER BY at_us")?;
    let rows = select.query_map([], |row| row.get::<_, String>(0))?;
    rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
}

/// `tool path start-end evidence` of each range.
fn ranges(records: &[Value]) -> Vec<String> {
    let mut all = Vec::new();
    for record in records {
        let metadata = &record["metadata"];
        for file in record["files"].as_array().into_iter().flatten() {
            let evidence = metadata["io.opencode.evidence"].as_array().into_iter().flatten();
            let ways: Vec<_> = evidence
                .filter(|found| found["path"] == file["path"])
                .flat_map(|found| found["ranges"].as_array().into_iter().flatten())
                .collect();
            let ranges = file["conversations"][0]["ranges"].as_array();
            for (range, way) in ranges.into_iter().flatten().zip(ways) {
                all.push(format!(
                    "{} {} {}-{} {}",
                    metadata["io.opencode.tool"].as_str().unwrap_or_default(),
                    file["path"].as_str().unwrap_or_default(),
                    range["start_line"],
                    range["end_line"],
                    way.as_str().unwrap_or_default()
                ));
            }
        }
    }
    all
}

#[test]
fn each_line_is_its_calls() -> anyhow::Result<()> {
    let stage = Stage::new(script())?;
    let project = stage.home.project();
    let head = stage.home.command("git").args(["rev-parse", "HEAD"]).output()?.success()?;
    stage.run("mock/scripted", "SCRIPT:go").output()?.success()?;
    stage.flush()?;
    let made = records(&stage)?;
    insta::assert_snapshot!(ranges(&made).join("\n"), @"
    write new.txt 1-2 bytes
    edit notes.txt 2-2 bytes
    bash README.md 1-1 step_trees
    bash d/odd name 1-2 step_trees
    ");
    ensure!(fs::read_to_string(project.join("d/notes.txt"))?.starts_with("alpha\nBETA"));
    for record in &made {
        let vcs = json!({"type": "git", "revision": head.stdout.trim()});
        ensure!(record["vcs"] == vcs, "{record}");
        let contributor = json!({"type": "ai", "model_id": "mock/scripted"});
        for file in record["files"].as_array().context("files")? {
            let conversations = file["conversations"].as_array().context("conversations")?;
            ensure!(conversations.iter().all(|one| one["contributor"] == contributor), "{file}");
        }
    }
    stage.octrace(["rebuild"]).output()?.success()?;
    ensure!(records(&stage)? == made, "the same again");
    Ok(())
}

#[test]
fn a_git_that_hangs_holds_up_nothing() -> anyhow::Result<()> {
    let stage = Stage::new(script())?;
    // OpenCode's own calls are let through.
    let git = stage.home.path().join("bin/git");
    fs::write(
        &git,
        "#!/bin/sh\ncase \"$*\" in *--literal-pathspecs*) exec sleep 1000;; esac\n\
         PATH=\"${PATH#*:}\" exec git \"$@\"\n",
    )?;
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755))?;
    stage.run("mock/scripted", "SCRIPT:go").output()?.success()?;
    stage.flush()?;
    let made = records(&stage)?;
    let bytes: Vec<_> =
        ranges(&made).into_iter().filter(|range| range.ends_with("bytes")).collect();
    ensure!(bytes == ["write new.txt 1-2 bytes", "edit notes.txt 2-2 bytes"], "{bytes:?}");
    ensure!(made.iter().all(|record| record["vcs"].is_null()), "{made:?}");
    Ok(())
}
