//! What was really said, held against what octrace has of it: on the tape, in the files, in Postgres, at the receiver.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use anyhow::Context;
use octrace_core::{exchange::Outcome, session::EventRecord};
use octrace_store::Tape;
use octrace_testkit::{PlainSpan, Sql, script::Seen, spans};
use serde_json::Value;

use crate::{
    findings::{Findings, Kind},
    plan::{Plan, Told},
    weather::Agent,
    world::World,
};

/// A request may be at the server a little before its frame is written: `fetch` is called first. Who is killed within this
/// time of a request need not have it on the tape.
const BARELY: Duration = Duration::from_millis(500);

/// An exchange on the tape.
pub(crate) struct Recorded {
    request: Vec<u8>,
    response: Vec<u8>,
    outcome: Outcome,
}

/// All that is on the tape.
#[derive(Default)]
pub(crate) struct Taped {
    /// Sessions that are no sub-agents'.
    roots: Vec<String>,
    exchanges: BTreeMap<String, Vec<Recorded>>,
    events: BTreeMap<String, Vec<EventRecord>>,
}

impl Taped {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let mut all = Self::default();
        let Some(tape) = Tape::open_existing(path)? else { return Ok(all) };
        for row in tape.sessions()? {
            let mut recorded = Vec::new();
            let mut summaries = tape.exchanges(&row.id)?;
            // As they were written, whatever the clock said.
            summaries.sort_by_key(|summary| summary.id);
            for summary in summaries {
                let detail = tape.exchange(summary.id)?.context("an exchange that is listed")?;
                recorded.push(Recorded {
                    request: detail.request_body,
                    response: detail.response_body,
                    outcome: summary.outcome,
                });
            }
            all.exchanges.insert(row.id.clone(), recorded);
            all.events.insert(row.id.clone(), tape.events(&row.id)?);
            if row.parent.is_none() {
                all.roots.push(row.id);
            }
        }
        Ok(all)
    }

    fn exchanges_of(&self, session: &str) -> &[Recorded] {
        self.exchanges.get(session).map_or(&[], Vec::as_slice)
    }

    /// The marks of the events of one process, as they came.
    fn marks(&self, name: &str) -> Vec<String> {
        let of = |session: &str| session.starts_with(&format!("ses_{name}x"));
        let events = self.events.iter().filter(|(session, _)| of(session)).flat_map(|(_, all)| all);
        events.filter_map(mark).collect()
    }
}

fn mark(event: &EventRecord) -> Option<String> {
    let body = &event.body;
    let found = body.pointer("/mark").or_else(|| body.pointer("/properties/mark"))?;
    found.as_str().map(str::to_owned)
}

/// The plan of a process, and how far it came.
pub(crate) fn of_plan(plan: &Plan, frames: usize, tape: &Taped, findings: &mut Findings) {
    // Of whom dies, one frame more may be written than it could note.
    let candidates = [frames, (frames + 1).min(plan.steps.len())];
    let is = tape.marks(&plan.name);
    let sorted = |mut marks: Vec<String>| {
        marks.sort();
        marks
    };
    let fits = |count: &usize| sorted(plan.marks(*count).collect()) == sorted(is.clone());
    if !candidates.iter().any(fits) {
        let should: Vec<_> = plan.marks(frames).collect();
        findings.compare(&format!("tape, events of {}", plan.name), &should, &is);
    }
    let mut told: BTreeMap<String, [Vec<Told>; 2]> = BTreeMap::new();
    for (which, count) in candidates.into_iter().enumerate() {
        for one in plan.exchanges(count) {
            told.entry(one.session.clone()).or_default()[which].push(one);
        }
    }
    for (session, [least, most]) in &told {
        let is = tape.exchanges_of(session);
        if is.len() < least.len() || is.len() > most.len() {
            let kind = if is.len() < least.len() { Kind::Lost } else { Kind::Twice };
            let (is, least) = (is.len(), least.len());
            findings.note(kind, format!("tape: {is} exchanges of {session}, which had {least}"));
            continue;
        }
        for (at, is) in is.iter().enumerate() {
            let mut fitting = [least.get(at), most.get(at)].into_iter().flatten();
            if !fitting.any(|told| is.is(told)) {
                let wanted = most.get(at).map(Told::described).unwrap_or_default();
                findings.note(
                    Kind::Lost,
                    format!("tape: exchange {at} of {session} is {}, not {wanted}", is.described()),
                );
            }
        }
    }
}

impl Told {
    fn described(&self) -> String {
        let (request, response) = (self.request.len(), self.response.len());
        format!("{request} and {response} bytes, {:?}", self.outcome)
    }
}

impl Recorded {
    fn is(&self, told: &Told) -> bool {
        let outcome = told.outcome.as_deref().map_or(Outcome::Cut, Outcome::parse);
        self.request == told.request && self.response == told.response && self.outcome == outcome
    }

    fn described(&self) -> String {
        let (request, response) = (self.request.len(), self.response.len());
        format!("{request} and {response} bytes, {:?}", self.outcome)
    }
}

/// What a real server saw of these agents, each of which says its name in each request.
pub(crate) fn of_wire(seen: &[Seen], agents: &[Agent], tape: &Taped, findings: &mut Findings) {
    let mut asked: BTreeMap<&[u8], Vec<&Seen>> = BTreeMap::new();
    for one in seen.iter().filter(|one| one.dialect.is_some()) {
        asked.entry(&one.body).or_default().push(one);
    }
    let mut recorded: BTreeMap<&[u8], Vec<&Recorded>> = BTreeMap::new();
    for one in tape.exchanges.values().flatten() {
        recorded.entry(&one.request).or_default().push(one);
    }
    let agent = |body: &[u8]| {
        let text = String::from_utf8_lossy(body);
        agents.iter().find(|agent| text.contains(&format!("agent-{}-end", agent.name)))
    };
    let killed = |body: &[u8]| agent(body).and_then(|agent| agent.killed);
    for (body, asked) in &asked {
        let there = recorded.remove(body).unwrap_or_default();
        let died = killed(body);
        let certain =
            asked.iter().filter(|seen| died.is_none_or(|died| seen.at + BARELY < died)).count();
        let what = || {
            let (script, step) = (&asked[0].script, asked[0].step);
            format!("{script}, step {step}, {} bytes, died {}", body.len(), died.is_some())
        };
        if there.len() < certain {
            let there = there.len();
            findings
                .note(Kind::Lost, format!("tape: {} is there {there} times of {certain}", what()));
        }
        // An OpenCode may have died when it began to ask the same again; who only has the plugin never asks twice.
        let is_again = died.is_some() && agent(body).is_some_and(|it| it.name.starts_with('o'));
        if there.len() > asked.len() + usize::from(is_again) {
            let (there, asked) = (there.len(), asked.len());
            findings
                .note(Kind::Twice, format!("tape: {} is there {there} times of {asked}", what()));
        }
        for one in there {
            let mut answers = asked.iter().map(|seen| seen.response_body());
            let fits = answers.any(|answer| match one.outcome {
                Outcome::Complete => answer == one.response,
                _ => answer.starts_with(&one.response),
            });
            if !fits {
                let is = one.described();
                findings.note(Kind::Lost, format!("tape: nobody answered {} with {is}", what()));
            }
        }
    }
    // It may have died, or been aborted, before the request was on its way, or with half of it written.
    for (body, there) in recorded {
        let never_left =
            |one: &&Recorded| one.response.is_empty() && one.outcome != Outcome::Complete;
        if there.len() > 1 || !there.iter().all(never_left) {
            let is: Vec<_> = there.iter().map(|one| one.described()).collect();
            findings.note(Kind::Twice, format!("tape: nobody asked {} bytes: {is:?}", body.len()));
        }
    }
}

/// Everything that is made of the tape.
pub(crate) fn of_tape(
    world: &World<'_>,
    tape: &Taped,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    findings.counts.exchanges += tape.exchanges.values().map(Vec::len).sum::<usize>();
    findings.counts.events += tape.events.values().map(Vec::len).sum::<usize>();
    let verified = world.octrace(["verify"]).output()?;
    if verified.code != 0 {
        findings
            .note(Kind::Lost, format!("octrace verify: {}{}", verified.stdout, verified.stderr));
    }
    for (path, said) in world.said() {
        if let Some(line) =
            said.lines().find(|line| line.contains("panicked") || line.contains("internal error"))
        {
            findings.note(Kind::Panic, format!("{}: {line}", path.display()));
        }
    }
    if tape.roots.is_empty() {
        return Ok(());
    }
    files(world, tape, findings)?;
    database(world, tape, findings)?;
    backend(world, tape, findings)
}

fn files(world: &World<'_>, tape: &Taped, findings: &mut Findings) -> anyhow::Result<()> {
    let mut lines: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(world.files()).into_iter().flatten() {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".debug.jsonl") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        for line in text.lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else {
                findings.note(Kind::Lost, format!("{}: a line that is none", path.display()));
                continue;
            };
            let session = line["sessionID"].as_str().unwrap_or_default().to_owned();
            texts.insert(session.clone(), path.clone());
            let kind = line["kind"].as_str().unwrap_or_default();
            let body = if kind == "request" { line["body"].clone() } else { Value::Null };
            lines.entry(session).or_default().push((format!("{} {kind}", line["id"]), body));
        }
    }
    for (session, exchanges) in &tape.exchanges {
        let written = lines.remove(session).unwrap_or_default();
        let mut keys: Vec<_> = written.iter().map(|(key, _)| key).collect();
        keys.sort();
        if let Some(twice) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            findings.note(Kind::Twice, format!("files: {} of {session}", twice[0]));
        }
        // An answer that broke off is a response and an error.
        let requests = keys.iter().filter(|key| key.ends_with(" request")).count();
        let answered = keys
            .iter()
            .filter_map(|key| key.strip_suffix(" response").or(key.strip_suffix(" error")));
        let answered = answered.collect::<BTreeSet<_>>().len();
        for (what, is) in [("requests", requests), ("answers", answered)] {
            if is != exchanges.len() {
                let (should, lacks) = (exchanges.len(), is < exchanges.len());
                let kind = if lacks { Kind::Lost } else { Kind::Twice };
                findings.note(kind, format!("files: {is} {what} of {session} instead of {should}"));
            }
        }
        let mut bodies: Vec<_> =
            written.iter().map(|(_, body)| body).filter(|it| !it.is_null()).collect();
        for one in exchanges {
            let Ok(body) = serde_json::from_slice::<Value>(&one.request) else { continue };
            match bodies.iter().position(|is| **is == body) {
                Some(at) => drop(bodies.swap_remove(at)),
                None => findings.note(Kind::Lost, format!("files: a request of {session}")),
            }
        }
    }
    // What is exported later is what was written while it happened.
    if let Some((session, path)) = texts.first_key_value() {
        let exported = world.octrace(["export", "jsonl", session]).output()?;
        if exported.bytes != fs::read(path)? {
            findings.note(Kind::Lost, format!("files: {} is not what is exported", path.display()));
        }
    }
    Ok(())
}

fn database(world: &World<'_>, tape: &Taped, findings: &mut Findings) -> anyhow::Result<()> {
    let sql = Sql::connect(&world.database)?;
    let goes = |kind: &str| {
        kind.starts_with("hook.tool.execute.")
            || kind.starts_with("session.")
            || kind.starts_with("message.")
            || kind == "command.executed"
    };
    let mut should = Vec::new();
    for (session, events) in &tape.events {
        for event in events.iter().filter(|event| goes(&event.kind)) {
            let kind = event.kind.replace("hook.", "");
            should.push(format!("{kind}|{session}|{}", event.at_us));
        }
    }
    let is = sql.run(
        "SELECT event_name, coalesce(session_id, '-'), (extract(epoch FROM at) * 1000000)::bigint FROM agent_trace_events",
    );
    let Ok(is) = is else {
        if !should.is_empty() {
            findings.note(Kind::Lost, "Postgres: there are no tables");
        }
        return Ok(());
    };
    findings.compare("Postgres", &should, &is);
    let mut export = world.octrace(["export", "agent-trace"]);
    for session in &tape.roots {
        export = export.arg(session);
    }
    let records = export.output()?.success()?.stdout.lines().count();
    let known = usize::try_from(sql.number("SELECT count(*) FROM agent_trace_records")?)?;
    if known != records {
        let kind = if known < records { Kind::Lost } else { Kind::Twice };
        findings.note(kind, format!("Postgres: {known} records instead of {records}"));
    }
    Ok(())
}

fn backend(world: &World<'_>, tape: &Taped, findings: &mut Findings) -> anyhow::Result<()> {
    let mut arrived: BTreeMap<String, PlainSpan> = BTreeMap::new();
    for span in world.receiver.spans()? {
        let id = span.id.clone();
        if let Some(before) = arrived.insert(id.clone(), span)
            && before != arrived[&id]
        {
            findings.note(Kind::Twice, format!("spans: {id} arrived as two things"));
        }
    }
    findings.counts.spans += arrived.len();
    let file = world.output().join("exported.otlp");
    let mut export = world.octrace(["export", "otlp"]);
    for session in &tape.roots {
        export = export.arg(session);
    }
    let exported = export.arg("-o").arg(&file).output()?;
    let has_none = exported.stderr.contains("no turn of it that is over is recorded");
    let should =
        if has_none { Vec::new() } else { exported.success().and(Ok(fs::read(&file)?))? };
    for span in spans(&should)? {
        match arrived.remove(&span.id) {
            None => findings.note(Kind::Lost, format!("spans: {} of {}", span.id, span.name)),
            Some(is) if is.name != span.name => {
                findings.note(Kind::Lost, format!("spans: {} is {}", span.id, is.name));
            }
            Some(_) => {}
        }
    }
    for (id, span) in arrived {
        findings.note(Kind::Twice, format!("spans: {id}, {}, is of nothing", span.name));
    }
    Ok(())
}
