//! Months of work on a tape, quickly: what viewers and lists are tried and measured on.
//!
//! Everything goes the way of a recording, through redaction and the tape's own writer; only OpenCode, the spool and
//! the clock are left out. The same call makes the same history.

use std::path::Path;

use octrace_core::{
    exchange::{Exchange, Outcome, RequestHead, ResponseHead, Timing},
    provider::Dialect,
    redact::Redactor,
};
use octrace_store::{Batch, SpoolId, Tape};
use serde_json::{Value, json};

use crate::{event_said, exchange_ended};

/// When the newest session of it ends, µs since the Unix epoch: 20 November 2026.
pub const HISTORY_ENDS_US: i64 = 1_795_200_000_000_000;

/// Between two exchanges of a session.
const PACE_US: i64 = 20_000_000;

/// So many exchanges answer one prompt.
const PER_PROMPT: usize = 10;

/// After so many exchanges the conversation is compacted: a request stays at some ten kilobytes.
const KEPT: usize = 12;

/// So many exchanges are one transaction.
const AT_ONCE: usize = 500;

/// What [`history`] wrote.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The sessions, the newest first.
    pub sessions: Vec<String>,
    /// All exchanges.
    pub exchanges: u64,
    /// Bytes of all bodies: about what the same takes as JSONL.
    pub body_bytes: u64,
}

/// Adds so many sessions with so many exchanges each to the tape at `path`, which is made if need be: titles in several
/// scripts, sub-agents' sessions, tools, prompts, failures and tries. 100,000 exchanges are about a gigabyte as JSONL.
///
/// # Errors
/// When the tape cannot be written.
pub fn history(path: &Path, sessions: usize, exchanges: usize) -> anyhow::Result<History> {
    let mut tape = Tape::open(path)?;
    let known = tape.sessions()?.len();
    let (spool, _) = tape.spool(&format!("{known}-history"), HISTORY_ENDS_US)?;
    let mut author = Author { spool, redactor: Redactor::new(""), number: 0, body_bytes: 0 };
    let mut written = History::default();
    for session in known..known + sessions {
        let mut work = Work::new(session, known + sessions, exchanges);
        let mut done = 0;
        while done < exchanges.max(1) {
            let mut batch = tape.begin()?;
            if done == 0 {
                author.begins(&mut batch, &work)?;
            }
            for number in done..exchanges.min(done + AT_ONCE) {
                author.exchange(&mut batch, &mut work, number)?;
            }
            batch.commit()?;
            done += AT_ONCE;
        }
        written.sessions.insert(0, work.id);
    }
    let mut batch = tape.begin()?;
    batch.spool_ends(spool, HISTORY_ENDS_US)?;
    batch.commit()?;
    written.exchanges = (sessions * exchanges) as u64;
    written.body_bytes = author.body_bytes;
    Ok(written)
}

/// A session as it is written.
struct Work {
    number: usize,
    id: String,
    parent: Option<String>,
    title: String,
    model: &'static str,
    begin_us: i64,
    /// What was said since the last compaction.
    said: Vec<String>,
    prompt: usize,
}

impl Work {
    fn new(session: usize, of: usize, exchanges: usize) -> Self {
        const TITLES: [&str; 5] = [
            "Fix the date test",
            "日付のテストを直して、それから古い形式も読めるようにする",
            "Why is the cache cold after every third request? 🧊🔥",
            "Tests für die Straßenverkehrsordnung übersetzen",
            "refactor: the parser, the printer and everything that was between them since the beginning",
        ];
        let long_us = i64::try_from(exchanges).unwrap_or(i64::MAX).saturating_mul(PACE_US);
        let before = i64::try_from(of - session - 1).unwrap_or(i64::MAX);
        let id = |number: usize| format!("ses_{number:026}");
        Self {
            number: session,
            id: id(session),
            // Every fifth session is a sub-agent's of the one before.
            parent: (session % 5 == 4).then(|| id(session - 1)),
            title: format!("{} ({session})", TITLES[session % TITLES.len()]),
            model: ["claude-sonnet-4-5", "gpt-5", "gemini-3-pro"][session % 3],
            begin_us: HISTORY_ENDS_US - long_us - before.saturating_mul(3_600_000_000),
            said: Vec::new(),
            prompt: 0,
        }
    }

    fn at_us(&self, number: usize) -> i64 {
        self.begin_us + i64::try_from(number).unwrap_or(i64::MAX).saturating_mul(PACE_US)
    }

    fn message(&self, role: char, number: usize) -> String {
        format!("msg_{role}{number:08}{:012}", self.number)
    }

    /// The next request's body, after something more was said.
    fn body(&mut self, number: usize) -> String {
        if self.said.len() > KEPT {
            self.said.clear();
        }
        let role = if number.is_multiple_of(PER_PROMPT) { "user" } else { "assistant" };
        let text = prose(number as u64 ^ (self.begin_us as u64), 1_100);
        self.said
            .push(json!({"role": role, "content": [{"type": "text", "text": text}]}).to_string());
        let system = prose(7, 2_500);
        format!(
            r#"{{"model":"{}","max_tokens":32000,"system":[{{"type":"text","text":"{system}"}}],"messages":[{}],"stream":true}}"#,
            self.model,
            self.said.join(",")
        )
    }
}

/// Text of about so many bytes, which compresses as prose does.
fn prose(seed: u64, bytes: usize) -> String {
    const WORDS: [&str; 32] = [
        "the", "recorder", "reads", "a", "frame", "and", "writes", "what", "it", "says", "to",
        "tape", "so", "that", "nothing", "is", "lost", "when", "process", "ends", "test", "for",
        "date", "function", "returns", "value", "which", "file", "line", "error", "cache",
        "request",
    ];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(state >> 59) as usize]);
        if state >> 32 & 0xf == 0 {
            text.push_str(&format!(" {:x}", state >> 40));
        }
        text.push(' ');
    }
    text
}

struct Author {
    spool: SpoolId,
    redactor: Redactor,
    number: u32,
    body_bytes: u64,
}

impl Author {
    /// What OpenCode tells of a new session.
    fn begins(&self, batch: &mut Batch<'_>, work: &Work) -> anyhow::Result<()> {
        let info = json!({"id": work.id, "parentID": work.parent, "title": work.title, "directory": "/home/user/project",
            "version": "1.18.33", "time": {"created": work.begin_us / 1_000}});
        self.event(
            batch,
            work.begin_us,
            "session.updated",
            &json!({"sessionID": work.id, "info": info}),
        )
    }

    fn event(
        &self,
        batch: &mut Batch<'_>,
        at_us: i64,
        kind: &str,
        properties: &Value,
    ) -> anyhow::Result<()> {
        event_said(batch, &self.redactor, self.spool, at_us, kind, properties)
    }

    fn message(
        &self,
        batch: &mut Batch<'_>,
        work: &Work,
        at_us: i64,
        (id, role, parent): (&str, &str, Option<&str>),
    ) -> anyhow::Result<()> {
        let info = json!({"id": id, "sessionID": work.id, "role": role, "parentID": parent, "agent": "build",
            "time": {"created": at_us / 1_000}});
        self.event(batch, at_us, "message.updated", &json!({"sessionID": work.id, "info": info}))
    }

    /// One exchange, with what led to it and what it led to.
    fn exchange(
        &mut self,
        batch: &mut Batch<'_>,
        work: &mut Work,
        number: usize,
    ) -> anyhow::Result<()> {
        let at_us = work.at_us(number);
        if number.is_multiple_of(PER_PROMPT) {
            work.prompt = number;
            let id = work.message('u', number);
            self.message(batch, work, at_us, (&id, "user", None))?;
            let part = json!({"id": format!("prt_{id}"), "messageID": id, "sessionID": work.id, "type": "text",
                "text": prose(number as u64, 160)});
            let properties = json!({"sessionID": work.id, "part": part});
            self.event(batch, at_us, "message.part.updated", &properties)?;
        }
        let prompt = work.message('u', work.prompt);
        let assistant = work.message('a', number);
        // What failed is tried again with the same message.
        let fails = number % 29 == 28;
        if !number.is_multiple_of(29) || number == 0 {
            self.message(batch, work, at_us, (&assistant, "assistant", Some(&prompt)))?;
        }
        let is_title = number == 0;
        let body = work.body(number);
        let answer = answer(number, work.model);
        self.body_bytes += (body.len() + answer.len()) as u64;
        self.number += 1;
        let headers = |more: &[(&str, &str)]| {
            let headers = [
                ("content-type", "application/json"),
                ("user-agent", "opencode/1.18.33"),
                ("anthropic-version", "2023-06-01"),
                ("authorization", "[REDACTED]"),
            ];
            headers
                .iter()
                .chain(more)
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let status = match (fails, number % 3) {
            (false, _) => 200,
            (true, 0) => 529,
            (true, _) => 429,
        };
        let took_us = 900_000 + i64::try_from(number % 97).unwrap_or(0) * 100_000;
        let response = if fails {
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#
                .to_owned()
        } else {
            answer
        };
        let content_type = if fails { "application/json" } else { "text/event-stream" };
        let exchange = Exchange {
            number: self.number,
            dialect: Dialect::Anthropic,
            request: RequestHead {
                method: "POST".to_owned(),
                url: "https://api.anthropic.com/v1/messages".to_owned(),
                headers: headers(&[]),
                session: work.id.clone(),
                parent: work.parent.clone(),
                message: Some(prompt),
                agent: Some(if is_title { "title" } else { "build" }.to_owned()),
                provider: Some("anthropic".to_owned()),
                model: Some(work.model.to_owned()),
                npm: Some("@ai-sdk/anthropic".to_owned()),
                price: Some(
                    r#"{"input":3,"output":15,"cache":{"read":0.3,"write":3.75}}"#.to_owned(),
                ),
                body_bytes: body.len() as u64,
            },
            request_body: body.into_bytes(),
            response: Some(ResponseHead {
                status,
                status_text: if fails { "" } else { "OK" }.to_owned(),
                headers: vec![("content-type".to_owned(), content_type.to_owned())],
            }),
            response_body: response.into_bytes(),
            timing: Timing {
                sent_us: at_us,
                head_after_us: Some(400_000),
                first_byte_after_us: Some(410_000),
                first_content_after_us: (!fails).then_some(600_000),
                end_after_us: Some(took_us),
                longest_gap_us: Some(90_000),
            },
            outcome: Outcome::Complete,
            ..Exchange::default()
        };
        exchange_ended(batch, &self.redactor, self.spool, exchange, 12)?;
        if number % 2 == 1 && !fails {
            self.tool(batch, work, number, &assistant)?;
        }
        Ok(())
    }

    /// A tool call that the answer asked for.
    fn tool(
        &self,
        batch: &mut Batch<'_>,
        work: &Work,
        number: usize,
        assistant: &str,
    ) -> anyhow::Result<()> {
        let at_us = work.at_us(number) + 12_000_000;
        let (tool, input) = match number % 8 {
            1 => ("bash", json!({"command": format!("cargo test --package octrace-{number}")})),
            3 => ("edit", json!({"filePath": format!("/home/user/project/src/file_{number}.rs")})),
            5 => ("grep", json!({"pattern": "fn main", "path": "src"})),
            _ => ("read", json!({"filePath": format!("/home/user/project/src/file_{number}.rs")})),
        };
        let part = |status: &str, more: Value| {
            let mut state =
                json!({"status": status, "input": input, "time": {"start": at_us / 1_000}});
            if let (Value::Object(state), Value::Object(more)) = (&mut state, more) {
                state.extend(more);
            }
            json!({"sessionID": work.id, "part": {"id": format!("prt_{assistant}"), "messageID": assistant,
                "sessionID": work.id, "type": "tool", "tool": tool, "callID": format!("call_{number}"), "state": state}})
        };
        self.event(batch, at_us, "message.part.updated", &part("running", json!({})))?;
        let time = json!({"start": at_us / 1_000, "end": at_us / 1_000 + 1_500});
        let ended = if number % 31 == 30 {
            part("error", json!({"error": "the file is not there", "time": time}))
        } else {
            let exit = i64::from(tool == "bash" && number.is_multiple_of(3));
            let output = prose(number as u64 + 3, 300);
            part("completed", json!({"output": output, "metadata": {"exit": exit}, "time": time}))
        };
        self.event(batch, at_us + 1_500_000, "message.part.updated", &ended)
    }
}

/// A streamed answer.
fn answer(number: usize, model: &str) -> String {
    let text = prose(number as u64 + 11, 400);
    let mut stream = format!(
        "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"id\":\"m\",\"type\":\"message\",\"model\":\"{model}\",\"content\":[],\"usage\":{{\"input_tokens\":{},\"cache_read_input_tokens\":{},\"output_tokens\":1}}}}}}\n\n",
        300 + number % 50,
        2_000 + number % 977,
    );
    for chunk in text.as_bytes().chunks(60) {
        let chunk = String::from_utf8_lossy(chunk);
        stream.push_str(&format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{chunk}\"}}}}\n\n"
        ));
    }
    stream.push_str(&format!(
        "event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\"}},\"usage\":{{\"output_tokens\":{}}}}}\n\nevent: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n",
        80 + number % 40
    ));
    stream
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_history_is_whole_and_has_a_bit_of_everything() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.db");
        let written = history(&path, 5, 60).unwrap();
        assert_eq!((written.exchanges, written.sessions.len()), (300, 5));
        history(&path, 1, 10).unwrap();
        let tape = Tape::open(&path).unwrap();
        assert!(tape.verify(&mut |_| {}).unwrap().is_whole());
        let rows = tape.sessions().unwrap();
        assert_eq!(rows.len(), 6);
        assert_eq!(rows.iter().filter(|row| row.parent.is_some()).count(), 1);
        let row = tape.sessions_of(&written.sessions[..1]).unwrap().remove(0);
        assert_eq!((row.totals.requests, row.totals.errors), (60, 2));
        assert_eq!(
            (row.agents, row.tools.len()),
            (vec!["build".to_owned(), "title".to_owned()], 4)
        );
        assert!(row.totals.cost_usd > Some(0.1) && row.title.is_some(), "{:?}", row.totals);
        let turns = tape.session(&row.id).unwrap().unwrap().turns;
        assert_eq!(turns.len(), 6);
    }

    /// The median of so many tries.
    fn median<T>(tries: usize, mut what: impl FnMut() -> T) -> Duration {
        let time = |_| {
            let begun = Instant::now();
            drop(what());
            begun.elapsed()
        };
        let mut times: Vec<Duration> = (0..tries).map(time).collect();
        times.sort();
        times[tries / 2]
    }

    /// `cargo test --release -p octrace-testkit history_in_figures -- --ignored --nocapture`
    #[test]
    #[ignore = "writes gigabytes; prints figures and asserts what was promised of first screens"]
    fn history_in_figures() {
        for (sessions, exchanges) in [(500, 200), (1, 100_000)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("tape.db");
            let begun = Instant::now();
            let written = history(&path, sessions, exchanges).unwrap();
            let took = begun.elapsed();
            let size = std::fs::metadata(&path).unwrap().len();
            println!(
                "{sessions} sessions x {exchanges}: {} MB of bodies, {} MB of tape, in {took:.1?}",
                written.body_bytes >> 20,
                size >> 20
            );
            measure(&path, &written.sessions);
        }
    }

    /// First screens of this tape, and of its first session.
    fn measure(path: &Path, sessions: &[String]) {
        let session = &sessions[0];
        let ids = &sessions[..sessions.len().min(20)];
        let fresh = || Tape::open(path).unwrap();
        let page = median(9, || fresh().sessions_page(None, 100).unwrap());
        let first = median(9, || fresh().timeline(session, 500).unwrap());
        let tape = fresh();
        let all = median(9, || tape.sessions().unwrap());
        let some = median(99, || tape.sessions_of(ids).unwrap());
        let (mut timeline, _) = tape.timeline(session, 500).unwrap();
        let begun = Instant::now();
        let (mut pieces, mut longest) = (Vec::new(), Duration::ZERO);
        loop {
            let piece = Instant::now();
            let changes = tape.timeline_goes_on(&mut timeline, 2_000).unwrap();
            longest = longest.max(piece.elapsed());
            pieces.push(changes.rows);
            if changes.left == 0 {
                break;
            }
        }
        let whole = begun.elapsed();
        let rows: usize = pieces.iter().map(Vec::len).sum();
        let changes =
            median(99, || tape.timeline_goes_on(&mut timeline, 2_000).unwrap().rows.len());
        println!(
            "  opened and sessions_page(100) {page:.2?}, sessions() {all:.2?}, sessions_of({}) {some:.2?}",
            ids.len()
        );
        println!(
            "  opened and timeline(500) {first:.2?}; {rows} rows in {whole:.2?}, pieces of 2000 in {longest:.2?} at most; no changes {changes:.2?}"
        );
        for first in [page, first] {
            assert!(first < Duration::from_millis(50), "{first:?}");
        }
        assert!(changes < Duration::from_millis(5), "{changes:?}");
    }
}
