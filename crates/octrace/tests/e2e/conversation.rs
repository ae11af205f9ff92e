//! What a session's record says, against what the server saw: every turn, call, tool and sub-agent, in
//! each of the four dialects, and every request's body byte for byte.

use std::fs;

use anyhow::{Context, ensure};
use octrace_testkit::{
    PROVIDERS,
    script::{Script, Step, Usage},
};
use serde_json::json;

use crate::stage::{Stage, attempts, calls, main_calls, recorded, tools};

fn work() -> [Step; 4] {
    [
        Step::call("write", json!({"filePath": "made.txt", "content": "one\ntwo\n"}))
            .saying("I write, and look for something that is not there.")
            .and_call("read", json!({"filePath": "missing.txt"})),
        Step::call("edit", json!({"filePath": "made.txt", "oldString": "two", "newString": "2"}))
            .reasoning("Digits are better."),
        Step::call("bash", json!({"command": "cat made.txt; exit 3", "description": "Look"}))
            .and_call("read", json!({"filePath": "made.txt"})),
        Step::text("All done, naïvely “said”."),
    ]
}

#[test]
fn tools_calls_and_titles_are_all_there_and_bodies_byte_for_byte() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new().on("work", work()).title(Step::text("Two lines")))?;
    let output = stage.run("mock/scripted", "SCRIPT:work").output()?.success()?;
    ensure!(output.stdout.contains("All done"), "OpenCode's own output: {output:?}");
    ensure!(recorded(&output), "{}", output.stderr);
    assert_eq!(fs::read_to_string(stage.home.project().join("made.txt"))?, "one\n2\n");

    let session = stage.only()?;
    assert_eq!(session["title"], "Two lines");
    let titles: Vec<_> =
        calls(&session).into_iter().filter(|call| call["purpose"] == "title").collect();
    ensure!(titles.len() == 1 && titles[0]["attempts"][0]["status"] == 200, "{titles:?}");
    ensure!(titles[0]["attempts"][0]["usage"]["input"].as_u64() > Some(0), "{titles:?}");

    let main = main_calls(&session);
    let asked = stage.asked();
    assert_eq!((main.len(), asked.len()), (4, 4));
    for (call, seen) in main.iter().zip(&asked) {
        let [attempt] = attempts(call)[..] else { panic!("one attempt: {call}") };
        assert_eq!(attempt["status"], 200);
        assert_eq!(attempt["outcome"], "complete");
        assert_eq!(stage.body(attempt)?.as_bytes(), seen.body, "as the server received it");
        assert_eq!(attempt["request_bytes"], seen.body.len());
        assert_eq!(attempt["response_bytes"], seen.response_body().len());
        ensure!(attempt["cost_usd"].as_f64() > Some(0.0), "{attempt}");
        ensure!(attempt["first_content_after_us"].as_i64() >= Some(0), "{attempt}");
    }
    let outcomes: Vec<_> = tools(&session)
        .iter()
        .map(|tool| (tool["tool"].as_str().unwrap_or(""), tool["status"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("write", "completed"),
            ("read", "failed"),
            ("edit", "completed"),
            ("bash", "completed"),
            ("read", "completed")
        ]
    );
    assert_eq!(tools(&session)[3]["exit"], 3);

    // The same for people.
    let shown = stage.octrace(["show"]).output()?.success()?.stdout;
    for text in ["Two lines", "SCRIPT:work", "made.txt", "missing.txt", "exit 3", "title"] {
        ensure!(shown.contains(text), "{text} in\n{shown}");
    }
    let listed = stage.octrace(["sessions"]).output()?.success()?.stdout;
    ensure!(listed.contains("Two lines"), "{listed}");
    Ok(())
}

#[test]
fn a_sub_agent_is_inside_the_call_that_started_it() -> anyhow::Result<()> {
    let task =
        json!({"description": "Look around", "prompt": "SCRIPT:child", "subagent_type": "general"});
    let script = Script::new()
        .on("parent", [Step::call("task", task), Step::text("The child was right.")])
        .on(
            "child",
            [
                Step::call("bash", json!({"command": "echo from the child", "description": "Say"})),
                Step::text("Found."),
            ],
        );
    let stage = Stage::new(script)?;
    stage.run("mock/scripted", "SCRIPT:parent").output()?.success()?;
    let session = stage.only()?;
    let [task] = tools(&session)[..] else { panic!("one tool: {session:#}") };
    assert_eq!((&task["tool"], &task["status"]), (&json!("task"), &json!("completed")));
    let child = &task["child"];
    assert_eq!(child["parent"], session["id"]);
    assert_eq!(main_calls(child).len(), 2, "{child:#}");
    assert_eq!(tools(child)[0]["subject"], "echo from the child");
    // What the server saw belongs where it was asked for.
    for (script, owner) in [("parent", &session), ("child", child)] {
        let bodies = stage.asked().into_iter().filter(|seen| seen.script == script);
        for (seen, call) in bodies.zip(main_calls(owner)) {
            assert_eq!(stage.body(attempts(call)[0])?.as_bytes(), seen.body);
        }
    }
    Ok(())
}

#[test]
fn each_dialect_is_read_as_the_provider_meant_it() -> anyhow::Result<()> {
    let usage = Usage { input: 900, output: 70, reasoning: 20, cache_read: 600, cache_write: 0 };
    let stage = Stage::new(
        Script::new().on(
            "talk",
            [
                Step::call("bash", json!({"command": "echo $((6*7))", "description": "Calculate"}))
                    .saying("Let me see.")
                    .reasoning("That needs a calculation.")
                    .usage(usage),
                Step::text("It is 42.").usage(usage),
            ],
        ),
    )?;
    for provider in PROVIDERS {
        stage.run(provider.model, "SCRIPT:talk").output()?.success()?;
    }
    let sessions = stage.sessions()?;
    assert_eq!(sessions.len(), PROVIDERS.len());
    let dialects = ["openai-chat", "openai-responses", "anthropic", "gemini"];
    for ((id, provider), dialect) in sessions.iter().zip(PROVIDERS).zip(dialects) {
        let session = stage.show(id)?;
        let main = main_calls(&session);
        assert_eq!(main.len(), 2, "{}: {session:#}", provider.id);
        for call in &main {
            let attempt = attempts(call)[0];
            assert_eq!(attempt["dialect"], dialect);
            assert_eq!(attempt["problems"], json!([]), "{}", provider.id);
            let read = &attempt["usage"];
            assert_eq!(
                (&read["input"], &read["output"], &read["cache_read"]),
                (&json!(900), &json!(70), &json!(600)),
                "{}",
                provider.id
            );
            ensure!(attempt["finish"].is_string(), "{attempt}");
        }
        assert_eq!(tools(&session)[0]["status"], "completed");

        let first = attempts(main[0])[0]["id"].to_string();
        let answer = &stage.json(["request", &first])?["answer"];
        assert_eq!(answer["text"], "Let me see.");
        assert_eq!(answer["reasoning"], "That needs a calculation.", "{}", provider.id);
        assert_eq!(answer["tool_calls"][0]["name"], "bash");

        let second = attempts(main[1])[0]["id"].to_string();
        let told = stage.octrace(["request", &second, "--diff"]).output()?.success()?.stdout;
        ensure!(told.starts_with(&format!("Against #{first}: ")), "{told}");
        ensure!(told.contains("nothing breaks"), "{}: {told}", provider.id);
        ensure!(told.contains("600 of 900 input tokens read from it"), "{told}");

        let titles: Vec<_> =
            calls(&session).into_iter().filter(|call| call["purpose"] == "title").collect();
        let title = attempts(titles.first().context("a title")?)[0];
        assert_eq!(title["dialect"], dialect);
        ensure!(title["usage"]["output"].as_u64() > Some(0), "tokens of titles: {title}");
    }
    // What octrace says it cost is what OpenCode says, where OpenCode says it.
    let listed = stage.json(["sessions"])?;
    ensure!(listed.as_array().context("rows")?.iter().all(|row| row["live"] == false), "{listed}");
    Ok(())
}
