//! Turns that wait, written as a recorder would: through redaction and the tape's own writer.

use std::path::Path;

use octrace_core::{
    exchange::{Exchange, Outcome, RequestHead, Timing},
    provider::Dialect,
    redact::Redactor,
};
use octrace_store::{
    Batch, SpoolId, Tape,
    delivery::{Identity, Rules},
};
use octrace_testkit::{event_said, exchange_ended, streamed};
use serde_json::{Value, json};

/// A session has so many turns.
const TURNS: usize = 5;

/// A turn has so many model calls; all but the last one call a tool.
pub(crate) const CALLS: usize = 3;

/// Bytes of what stands before the conversation in each request.
const TOOLS: usize = 30_000;
const SYSTEM: usize = 12_000;

/// What is said and read: source files, a piece of them each time.
const TEXT: &str = concat!(
    include_str!("../../../octrace-testkit/src/history.rs"),
    include_str!("../../../octrace-testkit/src/coder.rs"),
    include_str!("../../src/record/deliver/engine.rs"),
    include_str!("../../src/record/deliver/destination.rs"),
    include_str!("../view.rs"),
);

/// What turns look like.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// Five turns are a session; its requests grow from 45 kB to some 100 kB.
    Session,
    /// The same in small: requests of some kB.
    Short,
    /// Each is a session with one model call, whose request has so many bytes.
    Large {
        /// In one tool's result.
        bytes: usize,
    },
}

/// A destination, and how many turns wait for it.
pub(crate) struct Wanted {
    pub(crate) identity: Identity,
    pub(crate) turns: usize,
}

/// Makes a tape on which so many turns wait. How many bytes all requests have.
pub(crate) fn write(
    path: &Path,
    turns: usize,
    shape: Shape,
    wanted: &[Wanted],
) -> anyhow::Result<u64> {
    let mut tape = Tape::open(path)?;
    let mut author = Author {
        redactor: Redactor::new(""),
        texts: Texts { random: 1 },
        at_us: 1_795_000_000_000_000,
        exchanges: 0,
        request_bytes: 0,
        shape,
    };
    let per_session = match shape {
        Shape::Session | Shape::Short => TURNS,
        Shape::Large { .. } => 1,
    };
    for first in (0..turns).step_by(per_session) {
        let (spool, _) = tape.spool(&format!("{first}-deliver"), author.at_us)?;
        let to: Vec<_> = wanted
            .iter()
            .filter(|wanted| first < wanted.turns)
            .map(|wanted| (wanted.identity.clone(), Rules::default()))
            .collect();
        let mut batch = tape.begin()?;
        batch.goes_to(spool, &to)?;
        author.session(&mut batch, spool, first..turns.min(first + per_session))?;
        batch.spool_ends(spool, author.at_us)?;
        batch.commit()?;
    }
    Ok(author.request_bytes)
}

struct Author {
    redactor: Redactor,
    texts: Texts,
    at_us: i64,
    exchanges: u32,
    request_bytes: u64,
    shape: Shape,
}

/// A session as it is written.
struct Work {
    spool: SpoolId,
    id: String,
    /// All that was said, as JSON.
    said: Vec<String>,
    before: String,
    after: String,
}

impl Author {
    fn session(
        &mut self,
        batch: &mut Batch<'_>,
        spool: SpoolId,
        turns: std::ops::Range<usize>,
    ) -> anyhow::Result<()> {
        // The instructions and the tools are the same in all sessions.
        let mut fixed = Texts { random: 7 };
        let parts = if let Shape::Short = self.shape { 10 } else { 1 };
        let tool = json!({"name": "read", "description": fixed.piece(TOOLS / parts), "input_schema": {"type": "object"}});
        let system = json!([{"type": "text", "text": fixed.piece(SYSTEM / parts)}]);
        let mut work = Work {
            spool,
            id: format!("ses_{:026}", turns.start),
            said: Vec::new(),
            before: format!(
                r#"{{"model":"claude-sonnet-4-5","max_tokens":32000,"system":{system},"messages":["#
            ),
            after: format!(r#"],"tools":[{tool}],"stream":true}}"#),
        };
        let info = json!({"id": work.id, "title": "Mark the lines", "directory": "/home/user/project",
            "version": "1.18.33", "time": {"created": self.at_us / 1_000}});
        self.event(batch, &work, "session.updated", json!({"info": info}))?;
        for turn in turns {
            self.turn(batch, &mut work, turn)?;
        }
        Ok(())
    }

    fn turn(
        &mut self,
        batch: &mut Batch<'_>,
        work: &mut Work,
        number: usize,
    ) -> anyhow::Result<()> {
        let prompt = format!("msg_{number:012}_0");
        let info = json!({"id": prompt, "sessionID": work.id, "role": "user", "agent": "build",
            "time": {"created": self.at_us / 1_000}});
        self.event(batch, work, "message.updated", json!({"info": info}))?;
        let asks = self.texts.piece(200);
        let part = json!({"id": format!("prt_{prompt}"), "messageID": prompt, "sessionID": work.id, "type": "text",
            "text": asks});
        self.event(batch, work, "message.part.updated", json!({"part": part}))?;
        work.said
            .push(json!({"role": "user", "content": [{"type": "text", "text": asks}]}).to_string());
        let calls = match self.shape {
            Shape::Session | Shape::Short => CALLS,
            Shape::Large { bytes } => {
                let large = self.texts.piece(bytes);
                self.result(work, "call_before", "Looks", &large);
                1
            }
        };
        for call in 1..=calls {
            self.model_call(batch, work, &prompt, call, call == calls)?;
        }
        self.event(batch, work, "session.idle", json!({}))
    }

    /// One model call with its tool call, if there is one.
    fn model_call(
        &mut self,
        batch: &mut Batch<'_>,
        work: &mut Work,
        prompt: &str,
        call: usize,
        is_last: bool,
    ) -> anyhow::Result<()> {
        let assistant = format!("{}{call}", prompt.trim_end_matches('0'));
        let call = format!("call_{assistant}");
        let says = self.texts.piece(300);
        self.assistant(batch, work, prompt, &assistant, false)?;
        let input = json!({"filePath": format!("/home/user/project/src/{assistant}.rs")});
        self.exchange(batch, work, prompt, &answer(&says, (!is_last).then_some((&call, &input))))?;
        let text = json!({"id": format!("prt_{assistant}a"), "messageID": assistant, "sessionID": work.id, "type": "text",
            "text": says, "time": {"start": self.at_us / 1_000, "end": self.at_us / 1_000 + 900}});
        self.event(batch, work, "message.part.updated", json!({"part": text}))?;
        if !is_last {
            let bytes = match self.shape {
                Shape::Short => 50 + self.texts.below(500),
                Shape::Session | Shape::Large { .. } => 1_500 + self.texts.below(5_000),
            };
            let output = self.texts.piece(bytes);
            let part = json!({"id": format!("prt_{assistant}b"), "messageID": assistant, "sessionID": work.id, "type": "tool",
                "tool": "read", "callID": call, "state": {"status": "completed", "input": input, "output": output,
                "title": "src", "metadata": {"truncated": false},
                "time": {"start": self.at_us / 1_000, "end": self.at_us / 1_000 + 40}}});
            self.event(batch, work, "message.part.updated", json!({"part": part}))?;
            self.result(work, &call, &says, &output);
        }
        self.assistant(batch, work, prompt, &assistant, true)
    }

    /// A tool call, as the next request has it.
    fn result(&self, work: &mut Work, call: &str, says: &str, output: &str) {
        let text = json!({"type": "text", "text": says});
        let calls =
            json!({"type": "tool_use", "id": call, "name": "read", "input": {"filePath": "src"}});
        let result = json!({"type": "tool_result", "tool_use_id": call, "content": output});
        work.said.push(json!({"role": "assistant", "content": [text, calls]}).to_string());
        work.said.push(json!({"role": "user", "content": [result]}).to_string());
    }

    fn assistant(
        &mut self,
        batch: &mut Batch<'_>,
        work: &Work,
        prompt: &str,
        id: &str,
        is_complete: bool,
    ) -> anyhow::Result<()> {
        let mut info = json!({"id": id, "sessionID": work.id, "parentID": prompt, "role": "assistant", "mode": "build",
            "agent": "build", "cost": 0.01, "modelID": "claude-sonnet-4-5", "providerID": "anthropic",
            "tokens": {"input": 900, "output": 120, "reasoning": 0, "cache": {"read": 9_000, "write": 0}},
            "time": {"created": self.at_us / 1_000}});
        if is_complete {
            info["time"]["completed"] = json!(self.at_us / 1_000);
        }
        self.event(batch, work, "message.updated", json!({"info": info}))
    }

    fn event(
        &mut self,
        batch: &mut Batch<'_>,
        work: &Work,
        kind: &str,
        mut properties: Value,
    ) -> anyhow::Result<()> {
        self.at_us += 50_000;
        properties["sessionID"] = json!(work.id);
        event_said(batch, &self.redactor, work.spool, self.at_us, kind, &properties)
    }

    fn exchange(
        &mut self,
        batch: &mut Batch<'_>,
        work: &Work,
        prompt: &str,
        answer: &str,
    ) -> anyhow::Result<()> {
        self.at_us += 2_000_000;
        self.exchanges += 1;
        let body = format!("{}{}{}", work.before, work.said.join(","), work.after);
        self.request_bytes += body.len() as u64;
        let exchange = Exchange {
            number: self.exchanges,
            dialect: Dialect::Anthropic,
            request: RequestHead {
                method: "POST".to_owned(),
                url: "https://api.anthropic.com/v1/messages".to_owned(),
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                session: work.id.clone(),
                message: Some(prompt.to_owned()),
                agent: Some("build".to_owned()),
                provider: Some("anthropic".to_owned()),
                model: Some("claude-sonnet-4-5".to_owned()),
                npm: Some("@ai-sdk/anthropic".to_owned()),
                body_bytes: body.len() as u64,
                ..RequestHead::default()
            },
            request_body: body.into_bytes(),
            response: Some(streamed()),
            response_body: answer.as_bytes().to_vec(),
            timing: Timing {
                sent_us: self.at_us - 1_900_000,
                end_after_us: Some(1_800_000),
                ..Timing::default()
            },
            outcome: Outcome::Complete,
            ..Exchange::default()
        };
        exchange_ended(batch, &self.redactor, work.spool, exchange, 12)
    }
}

/// A streamed answer with a text and, perhaps, a tool call.
fn answer(says: &str, call: Option<(&str, &Value)>) -> String {
    let usage = json!({"input_tokens": 900, "cache_read_input_tokens": 9_000, "output_tokens": 1});
    let mut events = vec![
        json!({"type": "message_start", "message": {"model": "claude-sonnet-4-5", "content": [], "usage": usage}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": says}}),
    ];
    if let Some((id, input)) = call {
        events.extend([
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": id, "name": "read", "input": {}}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": input.to_string()}}),
        ]);
    }
    let reason = if call.is_some() { "tool_use" } else { "end_turn" };
    events.extend([
        json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 120}}),
        json!({"type": "message_stop"}),
    ]);
    events.iter().fold(String::new(), |stream, event| {
        let name = event["type"].as_str().unwrap_or_default();
        stream + &format!("event: {name}\ndata: {event}\n\n")
    })
}

/// Texts, the same ones in the same order.
struct Texts {
    random: u64,
}

impl Texts {
    /// About so many bytes of numbered lines from anywhere.
    fn piece(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 200);
        let skip = self.below(2_000);
        for (number, line) in TEXT.lines().cycle().skip(skip).enumerate() {
            if text.len() >= bytes {
                break;
            }
            text.push_str(&format!("{}: {line}\n", number + 1));
        }
        text
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.random >> 33).unwrap_or_default() % bound
    }
}
