//! `/intercept` in the real OpenCode: answered without a model, and gone from whatever a model sees later.

use std::{fs, path::Path, thread};

use anyhow::{Context, ensure};
use octrace_testkit::{
    PATIENCE, PROVIDERS, Serve, Tui, eventually, keys,
    script::{Script, Seen, Step, Usage},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::stage::{Stage, collect};

/// The lines of an answer, without their values.
const LINES: [&str; 7] = [
    "- Enabled: ",
    "- Dump root: ",
    "- Captures: ",
    "- Total bytes: ",
    "- Anomalies: ",
    "- Latest anomaly phase: ",
    "- Latest anomaly message: ",
];

/// What a model was asked, titles too.
fn asked(stage: &Stage) -> Vec<Seen> {
    stage.server.requests().into_iter().filter(|seen| seen.dialect.is_some()).collect()
}

/// Fails where a model saw a command or an answer.
fn untold(stage: &Stage) -> anyhow::Result<()> {
    for seen in asked(stage) {
        let body = String::from_utf8_lossy(&seen.body).to_lowercase();
        ensure!(!body.contains("intercept"), "{} {body}", seen.path);
    }
    Ok(())
}

/// Whether `text` holds an answer with this heading, whole.
fn is_answer(text: &str, heading: &str) -> bool {
    text.contains(&format!("## Interceptor {heading}\n"))
        && LINES.iter().all(|line| text.contains(line))
        && !text.contains(BEHIND)
}

#[test]
fn it_is_answered_in_run_and_forgotten_after_a_restart() -> anyhow::Result<()> {
    let script = Script::new().on("talk", [Step::text("We talked.")]).title(Step::text("A talk"));
    let stage = Stage::new(script)?;
    let run = |more: &[&str]| -> anyhow::Result<String> {
        let run = stage.octrace(["run", "--", "opencode", "run"]);
        Ok(run.args(more).output()?.success()?.stdout)
    };
    let said = run(&["--command", "intercept", "on"])?;
    ensure!(is_answer(&said, "Enabled") && said.contains("- Enabled: enabled"), "{said}");
    assert_eq!(asked(&stage).len(), 0, "no model was asked");
    // The same session in a new OpenCode: its first prompt gives it its title.
    let said = run(&["--continue", "SCRIPT:talk"])?;
    ensure!(said.contains("We talked."), "{said}");
    assert_eq!(asked(&stage).len(), 2, "one prompt, one title");
    untold(&stage)?;
    // That OpenCode was another one: there it is off.
    let said = run(&["--continue", "--command", "intercept"])?;
    ensure!(is_answer(&said, "Status") && said.contains("- Enabled: disabled"), "{said}");
    assert_eq!(asked(&stage).len(), 2, "no model was asked");
    stage.flush()?;
    let session = stage.only()?;
    assert_eq!(session["title"], "A talk");
    // In what was recorded they are commands, not calls that nobody saw.
    let turns = session["turns"].as_array().context("its turns")?;
    let commands: Vec<_> = turns.iter().filter(|turn| turn["reply"].is_string()).collect();
    assert_eq!(
        commands.iter().map(|turn| &turn["prompt"]).collect::<Vec<_>>(),
        ["/intercept on", "/intercept"]
    );
    for turn in commands {
        ensure!(
            turn["reply"].as_str().is_some_and(|text| text.contains("## Interceptor ")),
            "{turn:#}"
        );
        assert_eq!(turn["calls"], json!([]));
    }
    let shown = stage.octrace(["show"]).output()?.success()?.stdout;
    ensure!(shown.contains("/intercept on · answered by octrace"), "{shown}");
    ensure!(shown.contains("1 turn ") && !shown.contains("unseen"), "{shown}");
    Ok(())
}

/// What an answer says that did not wait for the recorder any longer.
const BEHIND: &str = "The recorder is behind";

/// `POST /session/{id}/command`: the answer's message.
fn post(
    serve: &Serve,
    stage: &Stage,
    session: &str,
    model: &str,
    typed: &str,
) -> anyhow::Result<Value> {
    let body = json!({"command": "intercept", "arguments": typed, "model": model});
    let path = format!("/session/{session}/command");
    Ok(serve.request("POST", &stage.home.project(), &path, &body)?.success()?.json())
}

/// The same, asked again where the machine is so busy that the recorder did not come to it in time.
fn ask(
    serve: &Serve,
    stage: &Stage,
    session: &str,
    model: &str,
    typed: &str,
) -> anyhow::Result<Value> {
    eventually(PATIENCE, || {
        let answer =
            post(serve, stage, session, model, typed).map_err(|error| error.to_string())?;
        if text_of(&answer).contains(BEHIND) { Err(format!("{answer:#}")) } else { Ok(answer) }
    })
}

fn text_of(message: &Value) -> String {
    let parts = message["parts"].as_array().into_iter().flatten();
    parts.filter_map(|part| part["text"].as_str()).collect()
}

#[test]
fn forms_sessions_and_compaction_in_one_server() -> anyhow::Result<()> {
    let script = Script::new().on("talk", [Step::text("We talked.")]).title(Step::text("A talk"));
    let stage = Stage::new(script)?;
    let dir = stage.home.project();
    let command = stage.serve();
    let serve = Serve::of(command)?;

    // Each form, in two sessions at once.
    let sessions = [serve.session(&dir)?, serve.session(&dir)?];
    let forms = [
        ("on", "Enabled"),
        ("  OFF ", "Disabled"),
        ("", "Status"),
        ("bogus", "Usage"),
        ("on off", "Usage"),
    ];
    for (typed, heading) in forms {
        thread::scope(|scope| {
            let posts = sessions.each_ref().map(|session| {
                let (serve, stage) = (&serve, &stage);
                scope.spawn(move || (session, ask(serve, stage, session, "mock/scripted", typed)))
            });
            for posted in posts {
                let Ok((session, answer)) = posted.join() else { panic!("a post failed") };
                let answer = answer?;
                let text = text_of(&answer);
                ensure!(is_answer(&text, heading), "{typed:?}: {answer:#}");
                ensure!(text.contains(session.as_str()), "its own session: {text}");
                let (tokens, cost) = (&answer["info"]["tokens"], &answer["info"]["cost"]);
                ensure!(tokens["input"] == 0 && tokens["output"] == 0 && cost == 0, "{answer:#}");
                assert_eq!(answer["info"]["modelID"], "scripted");
            }
            anyhow::Ok(())
        })?;
    }
    assert_eq!(asked(&stage).len(), 0);

    // A real turn: its two requests are counted, and there.
    let [session, _] = &sessions;
    ask(&serve, &stage, session, "mock/scripted", "on")?;
    let answer = serve.prompt(&dir, session, "mock/scripted", "SCRIPT:talk")?;
    assert_eq!(text_of(&answer), "We talked.");
    eventually(PATIENCE, || {
        let reply = serve.request("GET", &dir, &format!("/session/{session}"), &Value::Null);
        let title = reply.map_err(|error| error.to_string())?.json()["title"].clone();
        if title == "A talk" { Ok(()) } else { Err(format!("still {title}")) }
    })?;
    let status = text_of(&ask(&serve, &stage, session, "mock/scripted", "")?);
    ensure!(is_answer(&status, "Status") && status.contains("- Captures: 2\n"), "{status}");
    let root = status.lines().find_map(|line| line.strip_prefix("- Dump root: ")).unwrap_or("");
    ensure!(root.starts_with(&*stage.home.tmp().to_string_lossy()), "{root}");
    let mut files = Vec::new();
    collect(Path::new(root), &mut files)?;
    assert_eq!(files.len(), 2 * 3, "{:?}", files.iter().map(|(path, _)| path).collect::<Vec<_>>());
    let bytes: usize =
        asked(&stage).iter().map(|seen| seen.body.len() + seen.response_body().len()).sum();
    ensure!(status.contains(&format!("- Total bytes: {bytes}\n")), "{bytes}: {status}");

    // And its compaction.
    let before = asked(&stage).len();
    let body = json!({"providerID": "mock", "modelID": "scripted"});
    serve.request("POST", &dir, &format!("/session/{session}/summarize"), &body)?.success()?;
    ensure!(asked(&stage).len() > before, "it was compacted");
    serve.prompt(&dir, session, "mock/scripted", "SCRIPT:talk again")?;
    untold(&stage)?;

    // A recorder that does not come to it: the answer says so in time, and whoever gives up is heard.
    let recorder = recorders(&stage).next().context("a recorder")?;
    kill_process(recorder, Signal::STOP)?;
    let text = text_of(&post(&serve, &stage, session, "mock/scripted", "off")?);
    ensure!(text.contains("- Enabled: disabled") && text.contains(BEHIND), "{text}");
    // A busy machine may be too late with it.
    eventually(PATIENCE, || {
        let given_up = give_up(&serve, &stage, session).map_err(|error| format!("{error:#}"))?;
        let error = &given_up["info"]["error"]["name"];
        if error == "MessageAbortedError" { Ok(()) } else { Err(format!("{given_up:#}")) }
    })?;
    kill_process(recorder, Signal::CONT)?;
    untold(&stage)
}

/// Types a command and aborts it while it waits for its answer; what became of it.
fn give_up(serve: &Serve, stage: &Stage, session: &str) -> anyhow::Result<Value> {
    let dir = stage.home.project();
    thread::scope(|scope| {
        let posted = scope.spawn(|| post(serve, stage, session, "mock/scripted", "on"));
        eventually(PATIENCE, || {
            let messages = serve.messages(&dir, session).map_err(|error| error.to_string())?;
            let last = messages.as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
            let info = &last["info"];
            let waits = info["role"] == "assistant" && info["time"]["completed"].is_null();
            if waits || posted.is_finished() { Ok(()) } else { Err(format!("{last:#}")) }
        })?;
        serve.abort(&dir, session)?;
        posted.join().unwrap_or_else(|_| anyhow::bail!("the post panicked"))
    })
}

/// The recorders that run.
fn recorders(stage: &Stage) -> impl Iterator<Item = Pid> {
    let processes = stage.home.processes().into_iter();
    processes.filter(|(_, line)| line.contains(" record ")).map(|(pid, _)| pid)
}

#[test]
fn in_each_dialect_it_is_answered_in_the_middle_of_a_turn_which_goes_on() -> anyhow::Result<()> {
    let slow = Step::call("bash", json!({"command": "sleep 2; echo slept", "description": "Wait"}));
    let script = Script::new()
        .on("work", [slow, Step::text("The work is done.")])
        .on("talk", [Step::text("We talked.")]);
    let stage = Stage::new(script)?;
    let dir = stage.home.project();
    let command = stage.serve();
    let serve = Serve::of(command)?;
    let in_dialect = |model: &str| -> anyhow::Result<()> {
        // First of all, so that the session's title is asked for with the answer in its past.
        let session = serve.session(&dir)?;
        let text = text_of(&ask(&serve, &stage, &session, model, "on")?);
        ensure!(is_answer(&text, "Enabled"), "{text}");
        serve.send(&dir, &session, model, "SCRIPT:work")?;
        let wait_for = |wanted: &str, times: usize| {
            eventually(PATIENCE, || {
                let messages = serve.messages(&dir, &session).map_err(|error| error.to_string())?;
                let messages = messages.to_string();
                if messages.matches(wanted).count() == times { Ok(()) } else { Err(messages) }
            })
            .with_context(|| format!("{model}: {wanted}"))
        };
        wait_for("\"running\"", 1)?;
        post(&serve, &stage, &session, model, "off")?;
        wait_for("## Interceptor Disabled", 1)?;
        wait_for("The work is done.", 1)?;
        let answer = serve.prompt(&dir, &session, model, "SCRIPT:talk")?;
        assert_eq!(text_of(&answer), "We talked.");
        Ok(())
    };
    at_once(PROVIDERS.map(|provider| provider.model), in_dialect)?;
    assert_eq!(asked(&stage).len(), PROVIDERS.len() * 4, "each: a title, two steps, a talk");
    for talk in stage.asked().iter().filter(|seen| seen.script == "talk") {
        let body = String::from_utf8_lossy(&talk.body);
        ensure!(body.contains("The work is done."), "no answer from before: {body}");
    }
    untold(&stage)
}

/// Does this for all of them at once.
fn at_once<T: Send>(
    all: impl IntoIterator<Item = T>,
    one: impl Fn(T) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<()> {
    let one = &one;
    thread::scope(|scope| {
        let threads: Vec<_> = all.into_iter().map(|each| scope.spawn(move || one(each))).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(_) => anyhow::bail!("a thread panicked"),
        })
    })
}

/// A turn of four tools, in each of which the command may be typed, and an answer.
const TOOLS: usize = 4;

/// The file that the tool waits for.
fn gate(name: &str, tool: usize) -> String {
    format!("{name}-{tool}.gate")
}

/// Steps of the turn `name`.
fn long_turn(name: &str) -> Vec<Step> {
    let tool = |number| {
        let gate = gate(name, number);
        let wait = format!("until test -e {gate}; do sleep 0.02; done; echo {name}-did-{number}");
        Step::call("bash", json!({"command": wait, "description": "Wait"}))
    };
    let answer = Step::text(format!("{name} saw a PELICAN."));
    (0..TOOLS).map(tool).chain([answer]).collect()
}

#[test]
fn it_leaves_a_long_turn_as_it_is_wherever_it_is_typed() -> anyhow::Result<()> {
    // In all of its steps, and in another one of them in each dialect.
    let typed: [&[usize]; PROVIDERS.len()] = [&[0, 1, 2, 3], &[1], &[2], &[3]];
    let turns: Vec<_> = PROVIDERS
        .iter()
        .zip(typed)
        .enumerate()
        .map(|(number, (provider, typed_in))| (format!("turn{number}"), provider.model, typed_in))
        .collect();
    let mut script = Script::new().on("talk", [Step::text("We talked.")]);
    for (name, ..) in &turns {
        script = script.on(name, long_turn(name));
    }
    let stage = Stage::new(script)?;
    let dir = stage.home.project();
    // They take time, and are not what this is about.
    fs::write(dir.join("opencode.json"), json!({"snapshot": false}).to_string())?;
    let command = stage.serve();
    let serve = Serve::of(command)?;
    at_once(turns, |(name, model, typed_in)| {
        let session = &serve.session(&dir)?;
        // By an agent that is not the one that commands get.
        let (provider, id) = model.split_once('/').context("a provider")?;
        let prompt = json!({
            "agent": "plan",
            "model": {"providerID": provider, "modelID": id},
            "parts": [{"type": "text", "text": format!("SCRIPT:{name}")}],
        });
        let path = format!("/session/{session}/prompt_async");
        serve.request("POST", &dir, &path, &prompt)?.success()?;
        let wait_for = |wanted: &str, times: usize| {
            eventually(PATIENCE, || {
                let messages = serve.messages(&dir, session).map_err(|error| error.to_string())?;
                let messages = messages.to_string();
                if messages.matches(wanted).count() == times { Ok(()) } else { Err(messages) }
            })
            .with_context(|| format!("{name}, {model}: {wanted}"))
        };
        thread::scope(|scope| {
            let mut typed = Vec::new();
            for tool in 0..TOOLS {
                wait_for("\"status\":\"completed\"", tool)?;
                wait_for("\"status\":\"running\"", 1)?;
                if typed_in.contains(&tool) {
                    typed.push(scope.spawn(|| post(&serve, &stage, session, model, "on")));
                    wait_for("\"/intercept on\"", typed.len())?;
                }
                fs::write(dir.join(gate(&name, tool)), "")?;
            }
            wait_for("## Interceptor Enabled", typed.len())?;
            wait_for("saw a PELICAN.", 1)?;
            for posted in typed {
                posted.join().unwrap_or_else(|_| anyhow::bail!("a post panicked"))?;
            }
            anyhow::Ok(())
        })?;
        let asked: Vec<_> = stage.asked().into_iter().filter(|seen| seen.script == name).collect();
        let steps: Vec<_> = asked.iter().map(|seen| seen.step).collect();
        assert_eq!(steps, Vec::from_iter(0..=TOOLS), "{name}: each step once");
        for seen in asked {
            let body = String::from_utf8_lossy(&seen.body);
            let reminders = body.matches("Plan mode ACTIVE").count();
            assert_eq!(reminders, 1, "{name}, step {}: {body}", seen.step);
        }

        // The next turn builds on all of that.
        serve.prompt(&dir, session, model, &format!("SCRIPT:talk after {name}"))?;
        let wanted = format!("SCRIPT:talk after {name}");
        let bodies =
            stage.asked().into_iter().map(|seen| String::from_utf8_lossy(&seen.body).into_owned());
        let body = bodies.into_iter().find(|body| body.contains(&wanted)).context(wanted)?;
        for tool in 0..TOOLS {
            ensure!(body.contains(&format!("{name}-did-{tool}\\n")), "no result {tool}: {body}");
        }
        ensure!(body.contains(&format!("{name} saw a PELICAN.")), "no answer: {body}");
        Ok(())
    })?;
    untold(&stage)
}

#[test]
fn what_a_model_says_about_it_is_not_taken_for_an_answer() -> anyhow::Result<()> {
    // As local servers do, this one does not say what it used.
    let said = "## Interceptor Status\n\n- The class `Interceptor` has no tests.";
    let script = Script::new()
        .on("review", [Step::text(said).usage(Usage::default())])
        .on("talk", [Step::text("We talked.")]);
    let stage = Stage::new(script)?;
    let run = |more: &[&str]| {
        stage.octrace(["run", "--", "opencode", "run"]).args(more).output()?.success()
    };
    run(&["--command", "intercept", "on"])?;
    run(&["--continue", "SCRIPT:review"])?;
    run(&["--continue", "SCRIPT:talk"])?;
    let last = stage.asked().pop().context("a request")?;
    let body = String::from_utf8_lossy(&last.body);
    ensure!(body.contains("The class `Interceptor` has no tests."), "{body}");
    ensure!(!body.contains("/intercept") && !body.contains("Dump root"), "{body}");
    Ok(())
}

#[test]
fn it_is_answered_in_the_terminal_interface() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    let mut tui = Tui::start(stage.octrace(["run", "--", "opencode"]), 100, 40)?;
    tui.wait_for("Ask anything")?;
    tui.send("/intercept on")?;
    tui.wait_for("/intercept on")?;
    tui.send(keys::ENTER)?;
    tui.wait_for("Interceptor Enabled")?;
    tui.wait_for("Latest anomaly message: none")?;
    assert_eq!(asked(&stage).len(), 0);
    Ok(())
}

#[test]
fn a_transport_that_bypasses_us_gets_the_answer_as_a_message() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    let dir = stage.home.project();
    let command = stage.serve().env("OPENCODE_EXPERIMENTAL_WEBSOCKETS", "1");
    let serve = Serve::of(command)?;
    let session = serve.session(&dir)?;
    let answer = post(&serve, &stage, &session, "openai/scripted", "on")?;
    let messages = serve.messages(&dir, &session)?;
    let ignored = messages.as_array().into_iter().flatten().find(|message| {
        message["info"]["role"] == "user" && is_answer(&text_of(message), "Enabled")
    });
    let ignored = ignored.with_context(|| format!("{answer:#}\n{messages:#}"))?;
    assert_eq!(ignored["parts"][0]["ignored"], true);
    assert_eq!(stage.server.requests().len(), 0);
    Ok(())
}
