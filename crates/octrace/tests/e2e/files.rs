//! JSONL files of the real OpenCode: what is written while it runs is what is exported later, byte for byte, in every
//! dialect and for everything that goes wrong; and the diagnostics beside them.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use anyhow::{Context, ensure};
use octrace_testkit::{
    PATIENCE, PROVIDERS, Serve,
    script::{Fault, Script, Seen, Step},
};
use serde_json::{Value, json};

use crate::stage::{Stage, main_calls};

const DIAGNOSTICS: &str = "opencode-api-tracer.debug.jsonl";

/// Files by name, diagnostics excepted.
fn files(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != DIAGNOSTICS {
            files.insert(name, fs::read_to_string(entry.path())?);
        }
    }
    Ok(files)
}

fn lines(text: &str) -> anyhow::Result<Vec<Value>> {
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

#[test]
fn live_files_are_what_is_exported_later() -> anyhow::Result<()> {
    let task = json!({"description": "Look", "prompt": "SCRIPT:child", "subagent_type": "general"});
    let talk = [
        Step::call("bash", json!({"command": "echo hi", "description": "Say"})).saying("I see."),
        Step::text("Naïve “quotes”\nand lines."),
    ];
    let stage = Stage::new(
        Script::new()
            .on("talk", talk)
            .on("parent", [Step::call("task", task), Step::text("Done.")])
            .on("child", [Step::text("Found.")])
            .on("denied", [Step::default().fault(Fault::status(401))])
            .on(
                "cut",
                [Step::text("One two three four.")
                    .fail_times(1, Fault::CutAfter(2))
                    .pause(Duration::from_millis(200))],
            )
            .on("hang", [Step::text("One two three four five.").fault(Fault::HangAfter(2))]),
    )?;
    let folder = stage.home.path().join("traces");
    let command = stage.serve().env("OPENCODE_API_TRACER_DIR", &folder);
    let serve = Serve::of(command)?;
    let dir = stage.home.project();
    let mut sessions = Vec::new();
    for provider in PROVIDERS {
        let session = serve.session(&dir)?;
        serve.prompt(&dir, &session, provider.model, "SCRIPT:talk")?;
        sessions.push(session);
    }
    for name in ["parent", "denied", "cut"] {
        let session = serve.session(&dir)?;
        serve.prompt(&dir, &session, "mock/scripted", &format!("SCRIPT:{name} a/b: c?"))?;
        sessions.push(session);
    }
    let aborted = serve.session(&dir)?;
    serve.send(&dir, &aborted, "mock/scripted", "SCRIPT:hang")?;
    let begun = |seen: &[Seen]| {
        seen.iter().find(|seen| seen.script == "hang" && seen.sent.len() == 2).cloned()
    };
    stage.server.wait_for(PATIENCE, begun).context("no answer")?;
    // Only what the agent has seen of the answer is recorded.
    octrace_testkit::eventually(PATIENCE, || {
        stage.flush()?;
        let session = stage.show(&aborted)?;
        let seen = main_calls(&session).iter().any(|call| call["attempts"][0]["status"] == 200);
        ensure!(seen, "{session:#}");
        Ok::<_, anyhow::Error>(())
    })?;
    serve.abort(&dir, &aborted)?;
    let ended = |seen: &[Seen]| {
        seen.iter().find(|seen| seen.script == "hang" && seen.ended.is_some()).cloned()
    };
    stage.server.wait_for(PATIENCE, ended).context("no end")?;
    sessions.push(aborted.clone());
    stage.flush()?;

    // Each session has its file, sub-agents' too, and the export of each is that file.
    let rows = stage.json(["sessions"])?;
    let all: Vec<_> = rows.as_array().context("rows")?.iter().collect();
    let live = files(&folder)?;
    assert_eq!(live.len(), all.len(), "{:?}", live.keys());
    assert_eq!(all.len(), sessions.len() + 1, "and the sub-agent's");
    for row in &all {
        let id = row["id"].as_str().context("an id")?;
        let export = stage.octrace(["export", "jsonl", id]).output()?.success()?.stdout;
        let (_, file) = live
            .iter()
            .find(|(_, text)| text.contains(&format!("\"sessionID\":\"{id}\"")))
            .with_context(|| format!("no file of {id}"))?;
        assert_eq!(&export, file, "{id}");
        let lines = lines(file)?;
        ensure!(lines.iter().all(|line| line["sessionID"] == id), "one session's only");
        assert_eq!(
            row["requests"].as_u64().or(row["totals"]["requests"].as_u64()),
            Some(of_kind(&lines, "request").len() as u64),
            "{row}"
        );
    }
    ensure!(live.keys().any(|name| name.ends_with("SCRIPTparent ab c.jsonl")), "{:?}", live.keys());

    // What a reader of such files finds in them.
    let of = |id: &str| -> anyhow::Result<Vec<Value>> {
        let text = live.values().find(|text| text.contains(&format!("\"sessionID\":\"{id}\"")));
        lines(text.context("a file")?)
    };
    for (session, provider) in sessions.iter().zip(PROVIDERS) {
        let lines = of(session)?;
        for response in of_kind(&lines, "response") {
            assert_eq!(response["status"], 200);
            let events = response["body"]["events"].as_array().context(provider.id)?;
            ensure!(events.iter().any(|event| event["data"].is_object()), "{response}");
        }
        let request = of_kind(&lines, "request");
        ensure!(request.iter().any(|line| line["purpose"] == "title"), "titles are marked");
        ensure!(request.iter().all(|line| line["body"].is_object()), "{}", provider.id);
        ensure!(!lines.iter().any(|line| line.to_string().contains(provider.key)), "no key");
    }
    let denied = of(&sessions[5])?;
    ensure!(of_kind(&denied, "response").iter().any(|line| line["status"] == 401), "{denied:?}");
    for session in [&sessions[6], &aborted] {
        let lines = of(session)?;
        let broken = of_kind(&lines, "error");
        assert_eq!(broken.len(), 1, "{lines:?}");
        let id = &broken[0]["id"];
        let part = of_kind(&lines, "response").into_iter().find(|line| &line["id"] == id);
        assert_eq!(part.with_context(|| format!("what arrived: {lines:?}"))?["cut"], true);
    }

    // Diagnostics say what was decided, and nothing of what was said.
    drop(serve);
    octrace_testkit::eventually(PATIENCE, || {
        let text = fs::read_to_string(folder.join(DIAGNOSTICS))?;
        ensure!(text.contains("process.summary"), "{text}");
        Ok::<_, anyhow::Error>(())
    })?;
    let text = fs::read_to_string(folder.join(DIAGNOSTICS))?;
    for event in ["install.start", "install.patched", "fetch.traced", "jsonl.write.success"] {
        ensure!(text.contains(&format!("\"event\":\"{event}\"")), "{event} in\n{text}");
    }
    ensure!(!text.contains("SCRIPT:") && !text.contains("Bearer"), "{text}");
    let summary = lines(&text)?.pop().context("a summary")?;
    assert_eq!(summary["requests"], stage.server.requests().len(), "{summary}");
    assert_eq!(files(&folder)?, live, "the end changes nothing");
    Ok(())
}

#[test]
fn files_can_be_had_at_any_time_and_diagnostics_switched_off() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new().on("talk", [Step::text("Hello.")]))?;
    stage
        .run("mock/scripted", "SCRIPT:talk")
        .env("OPENCODE_API_TRACER_DEBUG", "0")
        .output()?
        .success()?;
    let session = stage.sessions()?.pop().context("a session")?;
    let diagnostics = stage.home.state().join("octrace").join(DIAGNOSTICS);
    ensure!(!diagnostics.exists(), "switched off");

    let printed = stage.octrace(["export", "jsonl", &session]).output()?.success()?.stdout;
    let folder = stage.home.path().join("later");
    fs::create_dir(&folder)?;
    let path = folder.to_str().context("UTF-8")?;
    for _ in 0..2 {
        stage.octrace(["export", "jsonl", &session, "-o", path]).output()?.success()?;
        let files = files(&folder)?;
        assert_eq!(files.values().collect::<Vec<_>>(), [&printed], "again is the same");
        ensure!(files.keys().all(|name| name.ends_with("-SCRIPTtalk.jsonl")), "{:?}", files.keys());
    }
    let one = folder.join("one.jsonl");
    let one_name = one.to_str().context("UTF-8")?;
    stage.octrace(["export", "jsonl", &session, &session, "-o", one_name]).output()?.success()?;
    assert_eq!(fs::read_to_string(&one)?, printed.repeat(2));
    let missing = stage.octrace(["export", "jsonl", "ses_none"]).output()?;
    assert_eq!(missing.code, 1, "{missing:?}");

    stage.run("mock/scripted", "SCRIPT:talk").output()?.success()?;
    stage.flush()?;
    ensure!(fs::read_to_string(diagnostics)?.contains("process.summary"), "on by itself");
    Ok(())
}
