//! Whose traces go where: by the settings of the OpenCode that is recorded, whoever delivers.

use std::fs;

use anyhow::ensure;
use octrace_testkit::{Receiver, Run, Serve, refused_url};

use super::session::{self, SYSTEM};
use crate::stage::{Stage, collect, ensure_hidden};

const OTLP: &str = "OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT";
const HEADERS: &str = "OCTRACE_OTEL_EXPORTER_OTLP_HEADERS";

#[test]
fn a_backend_of_the_environment_gets_what_export_writes() -> anyhow::Result<()> {
    let receiver = Receiver::otlp()?;
    let with = |run: Run| {
        run.env(OTLP, receiver.url()).env(HEADERS, "authorization=Bearer%20of-this-one,x-team=a")
    };
    let stage = Stage::new(session::script())?;
    with(stage.run("mock/scripted", "SCRIPT:delegate")).output()?.success()?;
    with(stage.octrace(["flush", "--timeout", "60"])).output()?.success()?;
    for request in receiver.received() {
        ensure!(request.path == "/v1/traces", "{}", request.path);
        ensure!(request.header("authorization") == Some("Bearer of-this-one"), "the headers");
        ensure!(request.header("x-team") == Some("a"), "the headers");
        ensure!(request.header("content-encoding") == Some("gzip"), "compressed");
    }
    let id = stage.sessions()?.remove(0);
    let file = stage.home.project().join("session.otlp");
    let file = file.to_string_lossy();
    stage.octrace(["export", "otlp", &id, "-o", &file]).output()?.success()?;
    let mut written = octrace_testkit::spans(&fs::read(&*file)?)?;
    let mut arrived = receiver.spans()?;
    for spans in [&mut written, &mut arrived] {
        spans.sort_by(|a, b| a.id.cmp(&b.id));
    }
    ensure!(written == arrived, "{written:#?}\n{arrived:#?}");
    ensure!(!format!("{arrived:?}").contains(SYSTEM), "nobody asked for it");
    Ok(())
}

#[test]
fn two_projects_at_once_never_see_each_other() -> anyhow::Result<()> {
    let [one, other] = [Receiver::otlp()?, Receiver::otlp()?];
    let stage = Stage::new(session::script())?;
    let dirs = [stage.home.project(), stage.home.add_project("other")?];
    let keys = ["key-of-the-one", "key-of-the-other"];
    let with = |run: Run, at: usize| {
        let to = [&one, &other][at].url();
        run.env("NEATLOGS_API_KEY", keys[at]).env("NEATLOGS_ENDPOINT", to)
    };
    let serves = [
        Serve::of(with(stage.serve(), 0).dir(&dirs[0]))?,
        Serve::of(with(stage.serve(), 1).dir(&dirs[1]))?,
    ];
    let mut ids = Vec::new();
    for (serve, dir) in serves.iter().zip(&dirs) {
        let id = serve.session(dir)?;
        serve.send(dir, &id, "mock/scripted", "SCRIPT:delegate")?;
        ids.push(id);
    }
    for (at, (serve, dir)) in serves.iter().zip(&dirs).enumerate() {
        serve.prompt(dir, &ids[at], "mock/scripted", "SCRIPT:fine")?;
    }
    let running = stage.home.processes();
    ensure!(running.iter().any(|(_, line)| line.contains("octrace record")), "{running:?}");
    for (_, line) in running {
        ensure!(!keys.iter().any(|key| line.contains(key)), "as `ps` shows it: {line}");
    }
    drop(serves);
    // Whoever has the one key delivers nothing of the other's.
    for at in [0, 1] {
        with(stage.octrace(["flush", "--timeout", "60"]), at).output()?.success()?;
    }
    for (at, receiver) in [&one, &other].into_iter().enumerate() {
        let spans = receiver.spans()?;
        ensure!(spans.iter().any(|span| span.text("output.value") == "Well again."), "all of it");
        for span in &spans {
            let session = span.text("neatlogs.session.id");
            ensure!(session.is_empty() || session == ids[at], "{span:#?}");
        }
        let all = receiver.received();
        ensure!(all.iter().all(|one| one.header("x-api-key") == Some(keys[at])), "its own key");
    }
    Ok(())
}

#[test]
fn keys_are_nowhere_but_in_the_requests() -> anyhow::Result<()> {
    let stage = Stage::new(session::script())?;
    let keys = ["neat-4711-key-of-mine", "heli-4711-key-of-mine", "otlp-4711-key-of-mine"];
    // Nobody answers, so that everything waits, with its error.
    let nobody = refused_url()?;
    let with = |run: Run| {
        run.env("NEATLOGS_API_KEY", keys[0])
            .env("NEATLOGS_ENDPOINT", &nobody)
            .env("HELICONE_API_KEY", keys[1])
            .env("HELICONE_ENDPOINT", &nobody)
            .env(OTLP, &nobody)
            .env(HEADERS, format!("authorization=Bearer {}", keys[2]))
    };
    with(stage.run("mock/scripted", "SCRIPT:fine")).output()?.success()?;
    let mut said = String::new();
    for arguments in [
        &["flush", "--timeout", "1"][..],
        &["queue"],
        &["queue", "--json"],
        &["config"],
        &["config", "--json"],
        &["doctor"],
        &["doctor", "--json"],
    ] {
        let run = with(stage.octrace([]));
        let output = run.args(arguments).output()?;
        said.push_str(&output.stdout);
        said.push_str(&output.stderr);
    }
    ensure!(said.contains("neatlogs") && said.contains("helicone"), "{said}");
    let mut files = stage.kept()?;
    collect(stage.home.runtime(), &mut files)?;
    files.push(("what was said".into(), said.into_bytes()));
    ensure_hidden(&files, &keys)?;
    let queue = stage.json(["queue"])?;
    let destinations = queue["destinations"].as_array().map_or(0, Vec::len);
    ensure!(destinations == 3, "{queue}");
    Ok(())
}
