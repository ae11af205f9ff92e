//! A real Phoenix, asked by its own interface what it understood.

use std::fmt::Write as _;

use anyhow::{Context, ensure};
use octrace_testkit::{PATIENCE, Phoenix, Rotel, eventually};
use serde_json::Value;

use super::session::{self, USAGE};
use crate::stage::{Stage, calls};

/// Plays the session into the receiver at `to`, in the words of `profile`; the session's id.
fn played(stage: &Stage, to: &str, profile: &str) -> anyhow::Result<String> {
    let config = stage.home.path().join(".config/octrace");
    std::fs::create_dir_all(&config)?;
    let table = format!("[[otlp]]\nendpoint = '{to}'\nprofile = '{profile}'\n");
    std::fs::write(config.join("config.toml"), table)?;
    let session = session::play(stage, |run| run)?;
    stage.octrace(["flush", "--timeout", "60"]).output()?.success()?;
    Ok(session)
}

/// What a person sees of it: names in each other, what failed and why.
fn drawn(spans: &[Value]) -> String {
    fn below(spans: &[Value], parent: &Value, depth: usize, out: &mut String) {
        let mut children: Vec<_> =
            spans.iter().filter(|span| span["parent_id"] == *parent).collect();
        children.sort_by_key(|span| span["start_time"].to_string());
        for span in children {
            let text = |name: &str| span[name].as_str().unwrap_or_default();
            let failed = if text("status_code") == "ERROR" { " FAILED" } else { "" };
            let tokens = &span["attributes"]["llm.token_count.total"];
            let tokens =
                tokens.as_u64().map(|tokens| format!(" {tokens} tokens")).unwrap_or_default();
            let indent = "  ".repeat(depth);
            writeln!(out, "{indent}{} {}{failed}{tokens}", text("span_kind"), text("name")).ok();
            below(spans, &span["context"]["span_id"], depth + 1, out);
        }
    }
    let mut out = String::new();
    below(spans, &Value::Null, 0, &mut out);
    out
}

/// What the tape says of a session and its sub-agents: requests' tokens in and out, and dollars.
fn billed(stage: &Stage, session: &str) -> anyhow::Result<(u64, u64, f64)> {
    let sessions = stage.json(["sessions"])?;
    let own = |row: &&Value| row["id"] == session || row["parent"] == session;
    let (mut input, mut output, mut cost) = (0, 0, 0.0);
    for row in sessions.as_array().context("a list")?.iter().filter(own) {
        let session = stage.show(row["id"].as_str().unwrap_or_default())?;
        for call in calls(&session) {
            for attempt in call["attempts"].as_array().into_iter().flatten() {
                input += attempt["usage"]["input"].as_u64().unwrap_or_default();
                output += attempt["usage"]["output"].as_u64().unwrap_or_default();
                cost += attempt["cost_usd"].as_f64().unwrap_or_default();
            }
        }
    }
    Ok((input, output, cost))
}

/// The session in a project of Phoenix: its tree, what it cost, and that it is one session with all its turns.
fn understood(
    phoenix: &Phoenix,
    project: &str,
    stage: &Stage,
    session: &str,
) -> anyhow::Result<()> {
    // It takes what it is sent before it has it in its tables.
    let spans = eventually(PATIENCE, || -> anyhow::Result<_> {
        let spans = phoenix.spans(project)?;
        let turns = spans.iter().filter(|span| span["parent_id"].is_null()).count();
        ensure!(turns == session::PROMPTS.len(), "{turns} turns");
        Ok(spans)
    })?;
    let query = "{projects{edges{node{name traceCount tokenCountPrompt tokenCountCompletion \
         sessions(first:10){edges{node{sessionId numTraces}}}}}}}";
    let found = phoenix.query(query)?;
    let projects = found["projects"]["edges"].as_array().context("projects")?;
    let mut projects = projects.iter().map(|edge| &edge["node"]);
    let project = projects.find(|node| node["name"] == project).context("no project")?;
    let (input, output, cost) = billed(stage, session)?;
    // It counts in floating point.
    let counts = |name: &str| project[name].as_f64();
    ensure!(counts("tokenCountPrompt") == Some(input as f64), "{project} for {input}");
    ensure!(counts("tokenCountCompletion") == Some(output as f64), "{project} for {output}");
    ensure!(project["traceCount"] == session::PROMPTS.len(), "{project}");
    let sessions = project["sessions"]["edges"].as_array().context("sessions")?;
    ensure!(sessions.len() == 1, "one session: {project}");
    ensure!(sessions[0]["node"]["sessionId"] == session, "{project}");
    ensure!(sessions[0]["node"]["numTraces"] == session::PROMPTS.len(), "{project}");
    // Its own prices know nothing of a scripted model: it shows what we say.
    let told = spans.iter().filter(|span| span["span_kind"] == "LLM");
    let told = told.filter_map(|span| {
        let attributes = &span["attributes"];
        let named = ["llm.cost.total", "gen_ai.usage.cost"].map(|name| attributes[name].as_f64());
        named.into_iter().flatten().next()
    });
    let told: f64 = told.sum();
    ensure!((told - cost).abs() < 1e-9 && cost > 0.0, "{told} for {cost}");
    let tried = |span: &&Value| span["events"].as_array().is_some_and(|events| events.len() >= 3);
    ensure!(spans.iter().filter(tried).count() == 1, "one call was tried three times");
    insta::allow_duplicates! {
        insta::assert_snapshot!(drawn(&spans), @r"
        AGENT invoke_agent build
          LLM chat scripted 8210 tokens
          LLM chat scripted 1234 tokens
          TOOL execute_tool task
            AGENT invoke_agent general
              LLM chat scripted 1234 tokens
              TOOL execute_tool bash
              LLM chat scripted 1234 tokens
          LLM chat scripted 1234 tokens
          TOOL execute_tool read FAILED
          LLM chat scripted 1234 tokens
        AGENT invoke_agent build
          LLM chat scripted 1234 tokens
        AGENT invoke_agent build FAILED
          LLM chat scripted FAILED
        AGENT invoke_agent build
          LLM chat scripted 1234 tokens
        ");
    }
    Ok(())
}

#[test]
#[ignore = "needs a Phoenix"]
fn openinference_is_what_phoenix_understands() -> anyhow::Result<()> {
    let phoenix = Phoenix::start()?;
    let stage = Stage::new(session::script())?;
    let session = played(&stage, &phoenix.url(), "openinference")?;
    understood(&phoenix, "opencode", &stage, &session)
}

#[test]
#[ignore = "needs a Phoenix"]
fn phoenix_understands_the_genai_conventions_too() -> anyhow::Result<()> {
    let phoenix = Phoenix::start()?;
    let stage = Stage::new(session::script())?;
    let session = played(&stage, &phoenix.url(), "genai")?;
    understood(&phoenix, "default", &stage, &session)
}

#[test]
#[ignore = "needs rotel and a Phoenix behind it"]
fn rotel_takes_the_same_bytes_and_hands_them_on() -> anyhow::Result<()> {
    let phoenix = Phoenix::start()?;
    let rotel = Rotel::start(&phoenix.url())?;
    let stage = Stage::new(session::script())?;
    let session = played(&stage, &rotel.url(), "openinference")?;
    understood(&phoenix, "opencode", &stage, &session)
        .with_context(|| format!("rotel says: {}", rotel.log()))?;
    ensure!(usage_is_told(&phoenix)?, "as billed");
    Ok(())
}

/// Whether what was billed for one call is at one span, its parts too.
fn usage_is_told(phoenix: &Phoenix) -> anyhow::Result<bool> {
    let spans = phoenix.spans("opencode")?;
    let same = |attributes: &Value| {
        attributes["llm.token_count.prompt"] == USAGE.input
            && attributes["llm.token_count.completion"] == USAGE.output
            && attributes["llm.token_count.prompt_details.cache_read"] == USAGE.cache_read
            && attributes["llm.token_count.completion_details.reasoning"] == USAGE.reasoning
    };
    Ok(spans.iter().any(|span| same(&span["attributes"])))
}
