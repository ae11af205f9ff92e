//! Neatlogs, as a receiver on loopback sees it: the tree, and none of what its own plugin gets wrong (the numbers are those
//! of that list).

use anyhow::{Context, ensure};
use octrace_testkit::{PlainSpan, Receiver, Run};

use super::session::{self, PROMPTS, SYSTEM, USAGE};
use crate::stage::Stage;

const KEY: &str = "key-of-this-project";

fn with(run: Run, receiver: &Receiver) -> Run {
    run.env("NEATLOGS_API_KEY", KEY).env("NEATLOGS_ENDPOINT", receiver.url())
}

/// Plays the session with these variables; its id and the spans that arrived.
fn played(more: &[(&str, &str)]) -> anyhow::Result<(Stage, Receiver, String, Vec<PlainSpan>)> {
    let receiver = Receiver::otlp()?;
    let stage = Stage::new(session::script())?;
    let id = session::play(&stage, |run| {
        more.iter().fold(with(run, &receiver), |run, (name, value)| run.env(name, value))
    })?;
    with(stage.octrace(["flush", "--timeout", "60"]), &receiver).output()?.success()?;
    let spans = receiver.spans()?;
    Ok((stage, receiver, id, spans))
}

fn named<'a>(spans: &'a [PlainSpan], name: &str) -> Vec<&'a PlainSpan> {
    spans.iter().filter(|span| span.name == name).collect()
}

#[test]
fn a_session_arrives_whole_and_nothing_that_the_other_plugin_gets_wrong() -> anyhow::Result<()> {
    let (stage, receiver, id, spans) = played(&[])?;
    for request in receiver.received() {
        ensure!(request.path == "/v1/traces", "{}", request.path);
        ensure!(request.header("x-api-key") == Some(KEY), "the key");
        ensure!(request.header("content-type") == Some("application/x-protobuf"), "protobuf");
        ensure!(request.header("content-encoding").is_none(), "as it is");
    }
    let roots = named(&spans, "opencode.session");
    let users: Vec<_> = roots.iter().filter(|root| root.parent.is_empty()).collect();
    ensure!(users.len() == PROMPTS.len(), "a trace for each turn: {users:#?}");
    for (root, prompt) in users.iter().zip(PROMPTS) {
        ensure!(root.text("input.value") == prompt, "7: as it was typed: {root:#?}");
        ensure!(root.text("neatlogs.conversation.id") == id, "{root:#?}");
    }
    ensure!(users[0].text("output.value") == "All looked at.", "{:#?}", users[0]);

    // 1: a tool that failed is there, and says so.
    let read = named(&spans, "opencode.tool.read");
    let [read] = read[..] else { anyhow::bail!("one: {read:#?}") };
    ensure!(read.status == 2 && read.message.contains("no-such-file"), "{read:#?}");
    // 2: a call that failed is in its own trace, with its error, which the turn has as well.
    let broken = spans.iter().filter(|span| span.trace == users[2].trace && span.status == 2);
    let broken: Vec<_> = broken.collect();
    ensure!(broken.iter().any(|span| span.name.starts_with("opencode.llm.")), "{broken:#?}");
    // 3: what was tried again says how often.
    let again = spans.iter().find(|span| {
        span.trace == users[1].trace
            && span.name.starts_with("opencode.llm.")
            && span.text("output.value") == "At last."
    });
    let again = again.context("the call that went well in the end")?;
    ensure!(again.events.len() >= 2 && again.status == 1, "{again:#?}");
    // 4: the sub-agent is inside the call that started it.
    let task = named(&spans, "opencode.tool.task");
    let inside: Vec<_> = roots.iter().filter(|root| !root.parent.is_empty()).collect();
    ensure!(task.len() == 1 && inside.len() == 1, "{task:#?} {inside:#?}");
    ensure!(inside[0].parent == task[0].id && inside[0].trace == users[0].trace, "{inside:#?}");
    // 5: tokens as billed.
    let tokens = |what: &str| again.get(&format!("neatlogs.llm.token_count.{what}")).as_u64();
    ensure!(tokens("prompt") == Some(USAGE.input), "{again:#?}");
    ensure!(tokens("completion") == Some(USAGE.output), "{again:#?}");
    ensure!(tokens("total") == Some(USAGE.input + USAGE.output), "{again:#?}");
    // 6: a call lasts as long as it lasts; tools do not overlap theirs.
    let calls: Vec<_> =
        spans.iter().filter(|span| span.name.starts_with("opencode.llm.")).collect();
    for tool in spans.iter().filter(|span| span.name.starts_with("opencode.tool.")) {
        let call =
            calls.iter().filter(|call| call.parent == tool.parent && call.start < tool.start);
        let before = call.max_by_key(|call| call.start).context("a call before each tool")?;
        ensure!(before.end <= tool.end, "{before:#?} {tool:#?}");
    }
    // 7: the request as it was sent, titles too; the system prompt only where it is asked for.
    let history = "neatlogs.llm.input_messages.2.content";
    ensure!(calls.iter().any(|call| !call.get(history).is_null()), "more than the prompt");
    ensure!(!format!("{spans:?}").contains(SYSTEM), "nobody asked for it");
    // 8: each trace's mark comes after all of it, 9: and everything came, once.
    for user in &users {
        let of_trace: Vec<_> = spans.iter().filter(|span| span.trace == user.trace).collect();
        let last = of_trace.last().context("spans")?;
        ensure!(last.name == "neatlogs.trace.complete", "{last:#?}");
    }
    let mut ids: Vec<_> = spans.iter().map(|span| &span.id).collect();
    ids.sort();
    ids.dedup();
    ensure!(ids.len() == spans.len(), "each once");
    let queue = stage.json(["queue"])?;
    ensure!(
        queue["destinations"][0]["waiting"] == 0 && queue["dead_letters"] == serde_json::json!([])
    );
    Ok(())
}

#[test]
fn the_system_prompt_goes_where_it_is_asked_for() -> anyhow::Result<()> {
    let (.., spans) = played(&[("NEATLOGS_CAPTURE_SYSTEM_PROMPT", "true")])?;
    ensure!(format!("{spans:?}").contains(SYSTEM));
    Ok(())
}
