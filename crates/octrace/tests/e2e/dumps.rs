//! Dumps of what the real OpenCode asks: which requests, in which folders, counted when the answer is given, and what
//! they say of requests that went wrong.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context, ensure};
use octrace_testkit::{
    PATIENCE, PROVIDERS, Serve, eventually,
    script::{Fault, Script, Seen, Step},
};
use serde_json::{Value, json};

use crate::stage::{Stage, attempts, collect, main_calls};

/// What `/intercept` answers in this session, by its labels.
fn typed(
    stage: &Stage,
    serve: &Serve,
    session: &str,
    typed: &str,
) -> anyhow::Result<BTreeMap<String, String>> {
    let body = json!({"command": "intercept", "arguments": typed, "model": "mock/scripted"});
    let path = format!("/session/{session}/command");
    let answer = serve.request("POST", &stage.home.project(), &path, &body)?.success()?.json();
    let text = answer["parts"].as_array().context("parts")?.iter();
    let text: String = text.filter_map(|part| part["text"].as_str()).collect();
    let lines = text.lines().filter_map(|line| line.strip_prefix("- ")?.split_once(": "));
    Ok(lines.map(|(label, value)| (label.to_owned(), value.to_owned())).collect())
}

/// One dump: its three files.
struct Trio {
    name: String,
    request: Value,
    response: Value,
    meta: Value,
}

/// The dumps of a session, in the order of their numbers.
fn trios(folder: &Path) -> anyhow::Result<Vec<Trio>> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<anyhow::Result<_>>()?;
    names.sort();
    ensure!(names.len().is_multiple_of(3), "three each: {names:?}");
    let read = |name: &str| -> anyhow::Result<Value> {
        let path = folder.join(name);
        assert_eq!(fs::metadata(&path)?.mode() & 0o777, 0o600);
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    };
    let metas = names.iter().filter_map(|name| name.strip_suffix(".meta.json"));
    metas
        .map(|name| {
            Ok(Trio {
                name: name.to_owned(),
                request: read(&format!("{name}.request.json"))?,
                response: read(&format!("{name}.response.json"))?,
                meta: read(&format!("{name}.meta.json"))?,
            })
        })
        .collect()
}

fn root(stage: &Stage) -> PathBuf {
    stage.home.tmp().join("opencode-interceptor")
}

/// The bytes of requests and their answers, as the server saw them.
fn bytes(seen: &[Seen]) -> usize {
    seen.iter().map(|seen| seen.body.len() + seen.response_body().len()).sum()
}

#[test]
fn counts_are_true_when_they_are_told_and_sessions_do_not_mix() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new().on("talk", [Step::text("We talked.")]))?;
    let dir = stage.home.project();
    let running = Serve::of(stage.serve())?;
    let (first, second) = (running.session(&dir)?, running.session(&dir)?);
    let prompt = |session: &str, model: &str| running.prompt(&dir, session, model, "SCRIPT:talk");
    // Off at its start; the title is asked for once, here.
    prompt(&first, "mock/scripted")?;
    eventually(PATIENCE, || match stage.server.requests().len() {
        2 => Ok(()),
        asked => Err(format!("{asked} requests")),
    })?;
    ensure!(!root(&stage).exists(), "nothing is made while it is off");

    let on = typed(&stage, &running, &first, "on")?;
    assert_eq!(on["Enabled"], "enabled");
    assert_eq!(Path::new(&on["Dump root"]), root(&stage).join(&first));
    assert_eq!((&*on["Captures"], &*on["Total bytes"], &*on["Anomalies"]), ("0", "0", "0"));
    for count in 1..=3 {
        prompt(&first, "mock/scripted")?;
        let now = typed(&stage, &running, &first, "")?;
        assert_eq!(now["Captures"], count.to_string());
        let all = stage.server.requests();
        assert_eq!(now["Total bytes"], bytes(&all[2..]).to_string());
    }
    let asked = stage.server.requests().split_off(2);
    let dumped = trios(&root(&stage).join(&first))?;
    assert_eq!(dumped.len(), asked.len());
    for (number, (trio, seen)) in (1..).zip(dumped.iter().zip(&asked)) {
        ensure!(trio.name.starts_with(&format!("{number:03}-openai-")), "{}", trio.name);
        assert_eq!(trio.request["body"], seen.json());
        assert_eq!(trio.request["headers"]["authorization"], "[REDACTED]");
        assert_eq!(
            (&trio.response["status"], &trio.response["body"]),
            (&json!(200), &json!("We talked."))
        );
        assert_eq!(trio.response["bodyFormat"], "replay-text");
        assert_eq!(trio.meta["requestBytes"], seen.body.len());
        assert_eq!(trio.meta["responseBytes"], seen.response_body().len());
        assert_eq!(trio.meta["capturedBytes"], bytes(std::slice::from_ref(seen)));
    }

    // Each dialect, two sessions at once, and how it stands from outside.
    std::thread::scope(|scope| {
        let prompt = &prompt;
        let other = scope.spawn(|| prompt(&second, "anthropic/scripted"));
        for provider in PROVIDERS {
            prompt(&first, provider.model)?;
        }
        other.join().map_or_else(|_| anyhow::bail!("it panicked"), |answer| answer.map(drop))
    })?;
    // The second session's title may take longer than its answer.
    let stand = eventually(PATIENCE, || {
        let stands = stage.json(["intercept"]).map_err(|error| format!("{error:#}"))?;
        let stand = stands[0].clone();
        if stand["captures"] == 9 { Ok(stand) } else { Err(format!("{stands:#}")) }
    })?;
    let all = stage.server.requests();
    assert_eq!(stand["total_bytes"], bytes(&all[2..]));
    assert_eq!((&stand["enabled"], &stand["anomalies"]), (&json!(true), &json!(0)));
    let sessions = stand["sessions"].as_array().context("a list")?;
    ensure!(sessions.contains(&json!(first)) && sessions.contains(&json!(second)), "{stand}");
    let kinds = |session: &str| -> anyhow::Result<Vec<String>> {
        let trios = trios(&root(&stage).join(session))?;
        let kind = |trio: &Trio| trio.name.split('-').nth(1).unwrap_or_default().to_owned();
        Ok(trios.iter().map(kind).collect())
    };
    assert_eq!(kinds(&second)?, ["anthropic", "anthropic"]);
    let mut seven = kinds(&first)?.split_off(3);
    seven.sort();
    assert_eq!(seven, ["anthropic", "generic", "openai", "openai"]);

    // Off from outside; a new OpenCode begins anew.
    let off = stage.octrace(["intercept", "off", "--session", &second]).output()?.success()?.stdout;
    ensure!(off.contains("## Interceptor Disabled") && off.contains("- Captures: 9"), "{off}");
    prompt(&first, "mock/scripted")?;
    let now = typed(&stage, &running, &first, "")?;
    assert_eq!((&*now["Enabled"], &*now["Captures"]), ("disabled", "9"));
    drop(running);
    // And it deletes what is too old.
    let old = root(&stage).join("ses_old");
    fs::create_dir(&old)?;
    let yesterday = SystemTime::now() - Duration::from_hours(25);
    fs::File::open(&old)?.set_modified(yesterday)?;
    let running = Serve::of(stage.serve())?;
    typed(&stage, &running, &first, "on")?;
    ensure!(!old.exists() && root(&stage).join(&second).exists());
    running.prompt(&dir, &first, "mock/scripted", "SCRIPT:talk")?;
    let now = typed(&stage, &running, &first, "status")?;
    assert_eq!((&*now["Captures"], &*now["Anomalies"]), ("1", "0"));
    let counted_on = trios(&root(&stage).join(&first))?;
    ensure!(counted_on[7].name.starts_with("008-openai-"), "{}", counted_on[7].name);

    let mut files = Vec::new();
    collect(&root(&stage), &mut files)?;
    for (path, content) in files {
        let content = String::from_utf8(content)?;
        for provider in PROVIDERS {
            ensure!(!content.contains(provider.key), "{}", path.display());
        }
    }
    Ok(())
}

#[test]
fn what_went_wrong_is_dumped_as_what_it_was() -> anyhow::Result<()> {
    let page = Fault::Status {
        code: 500,
        headers: vec![("content-type", "text/html".into()), ("retry-after-ms", "20".into())],
        body: Some("<html><title>500</title>secret page</html>".into()),
    };
    let raw = |content_type, body: &'static [u8]| Fault::Raw {
        content_type,
        chunks: if body.is_empty() { Vec::new() } else { vec![body.into()] },
    };
    let stage = Stage::new(
        Script::new()
            .on("denied", [Step::default().fault(Fault::status(401))])
            .on("page", [Step::text("At last.").fail_times(1, page)])
            .on(
                "cut",
                [Step::text("One two three four.")
                    .fail_times(1, Fault::CutAfter(2))
                    .pause(Duration::from_millis(200))],
            )
            .on("hang", [Step::text("One two three.").fault(Fault::HangAfter(2))])
            .on("empty", [Step::text("Then.").fail_times(1, raw("text/event-stream", b""))])
            .on(
                "binary",
                [Step::text("Then.").fail_times(1, raw("image/png", b"\x89PNG\0\0\0\x01"))],
            ),
    )?;
    let dir = stage.home.project();
    let running = Serve::of(stage.serve())?;
    let session = running.session(&dir)?;
    typed(&stage, &running, &session, "on")?;
    for name in ["denied", "page", "cut", "empty", "binary"] {
        running.prompt(&dir, &session, "mock/scripted", &format!("SCRIPT:{name}"))?;
    }
    running.send(&dir, &session, "mock/scripted", "SCRIPT:hang")?;
    eventually(PATIENCE, || {
        let shown = stage.show(&session).map_err(|error| format!("{error:#}"))?;
        let newest = main_calls(&shown).last().and_then(|call| {
            let attempt = attempts(call).pop()?;
            Some(attempt["outcome"].clone())
        });
        if newest == Some(json!("streaming")) { Ok(()) } else { Err(format!("{newest:?}")) }
    })?;
    running.abort(&dir, &session)?;
    stage.octrace(["flush"]).output()?.success()?;

    let dumped = trios(&root(&stage).join(&session))?;
    let asked = stage.server.requests();
    let mut responses = BTreeMap::new();
    for name in ["denied", "page", "cut", "hang", "empty", "binary"] {
        let first = asked.iter().find(|seen| seen.script == name && !seen.is_title);
        let first = first.with_context(|| format!("{name} was asked"))?.json();
        let dump = dumped.iter().find(|trio| trio.request["body"] == first);
        responses.insert(name, &dump.with_context(|| format!("{name} was dumped"))?.response);
    }
    let is = |name: &str, status: u16, format: &str| {
        let response = responses[name];
        let found = (response["status"].clone(), response["bodyFormat"].clone());
        assert_eq!(found, (json!(status), json!(format)), "{name}: {response:#}");
        response
    };
    ensure!(is("denied", 401, "json")["body"]["error"]["message"].is_string());
    let page = is("page", 500, "omitted");
    assert_eq!(
        (&page["body"], &page["bodyOmittedReason"]),
        (&json!(null), &json!("an HTML page is not kept"))
    );
    let cut = is("cut", 200, "read-error");
    ensure!(cut["body"].as_str().is_some_and(|text| text.starts_with("One ")), "{cut:#}");
    ensure!(cut["bodyReadError"].is_string(), "{cut:#}");
    assert_eq!(is("hang", 200, "read-error")["bodyReadError"], "the request was aborted");
    is("empty", 200, "empty");
    is("binary", 200, "omitted");

    let now = typed(&stage, &running, &session, "")?;
    assert_eq!(now["Captures"], dumped.len().to_string());
    // What broke off by itself; not what was refused or given up.
    assert_eq!((&*now["Anomalies"], &*now["Latest anomaly phase"]), ("1", "capture/response-read"));
    Ok(())
}
