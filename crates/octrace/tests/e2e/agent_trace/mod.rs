//! Which lines the agent wrote, on the real OpenCode: a session in which it is known of every line, and what
//! `export agent-trace` and `blame` say of it.

mod oracle;
mod scenario;

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, ensure};
use octrace_testkit::{PATIENCE, Running, eventually, script::Script};
use serde_json::Value;

use self::oracle::{Judged, Oracle};
use crate::stage::Stage;

/// Plays an act: before each answer of the model it looks at the files, and does what a person does then.
fn play(
    stage: &Stage,
    oracle: &mut Oracle,
    act: &scenario::Act,
    mut run: Running,
) -> anyhow::Result<()> {
    let project = stage.home.project();
    for (index, scene) in act.scenes.iter().map(Some).chain([None]).enumerate() {
        let asked = stage.server.wait_for(PATIENCE, |all| {
            let here = |seen: &&octrace_testkit::script::Seen| {
                seen.script == act.name && seen.step == index
            };
            all.iter().find(here).map(|seen| seen.number)
        });
        asked.with_context(|| {
            format!("the model is never asked for step {index} of {}", act.name)
        })?;
        oracle.look(&project, &format!("{} {index}", act.name))?;
        if let Some(by_hand) = scene.and_then(|scene| scene.by_hand) {
            by_hand(&project)?;
            oracle.look(&project, "by hand")?;
            people_are_slow(&project)?;
        }
        stage.server.release();
    }
    run.wait()?.success()?;
    oracle.look(&project, "end")
}

/// Waits until what was done lies back further than a file system's clock is coarse.
fn people_are_slow(project: &Path) -> anyhow::Result<()> {
    let mark = project.join("../now");
    fs::write(&mark, "")?;
    let then = fs::metadata(&mark)?.modified()?;
    eventually(PATIENCE, || {
        fs::write(&mark, "").and_then(|()| fs::metadata(&mark)?.modified()).map_or_else(
            |error| Err(error.to_string()),
            |now| {
                let passed = now.duration_since(then).unwrap_or_default();
                (passed > Duration::from_millis(50)).then_some(()).ok_or("not yet".to_owned())
            },
        )
    })
}

#[test]
fn every_line_is_whose_it_is() -> anyhow::Result<()> {
    let acts = [scenario::editing(), scenario::patching()];
    let script = acts.iter().fold(Script::new(), |script, act| script.on(act.name, act.steps()));
    let stage = Stage::new(script.on("helping", scenario::helping()))?;
    scenario::begin(&stage.home.project())?;
    let mut oracle = Oracle::default();
    for (act, more) in acts.iter().zip([None, Some("--continue")]) {
        let prompt = format!("SCRIPT:{}", act.name);
        let run = stage.octrace(["run", "--", "opencode", "run", "--model", act.model]);
        // Some twenty calls, each a few processes: a busy machine takes more than a minute.
        let run = run.args(more).arg(&prompt).timeout(PATIENCE * 3).spawn()?;
        play(&stage, &mut oracle, act, run)?;
    }
    stage.flush()?;
    let calls: usize = acts.iter().map(|act| act.tools().count()).sum();
    ensure!(calls + 2 >= 40, "{calls} calls and a sub-agent's two");

    let [session] = &stage.sessions()?[..] else { anyhow::bail!("one session") };
    let exported = stage.octrace(["export", "agent-trace", session]).output()?.success()?.stdout;
    let records: Vec<Value> =
        exported.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    stage.octrace(["rebuild"]).output()?.success()?;
    let again = stage.octrace(["export", "agent-trace", session]).output()?.success()?.stdout;
    assert_eq!(exported, again, "after a rebuild");
    let found = oracle.judge(&records)?;
    ensure!(found.wrong.is_empty(), "{:#?}", found.wrong);
    ensure!(found.missed.is_empty() && found.right > 70, "{:#?}", found.missed);

    let calls = oracle.calls(&records);
    let mut blamed = Judged::default();
    for path in oracle.pages() {
        let said = stage.json(["blame", path]).with_context(|| path.clone())?;
        Oracle::judge_blame(path, &said, &calls, &mut blamed);
    }
    ensure!(blamed.wrong.is_empty(), "{:#?}", blamed.wrong);
    let all = blamed.right + blamed.missed.len();
    ensure!(
        all > 150 && blamed.missed.len() * 20 < all,
        "{} of {all}: {:#?}",
        blamed.right,
        blamed.missed
    );
    Ok(())
}
