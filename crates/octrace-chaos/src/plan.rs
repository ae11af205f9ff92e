//! What one OpenCode would say to its plugin, frame after frame, by its seed alone. So who writes it and who checks it know
//! the same without a word between them.
//!
//! A session is a row of turns: the prompt, model calls whose requests repeat all that was said before, and OpenCode's word
//! that it is idle. Sessions of one process are interleaved as they come.

use std::collections::BTreeMap;

use octrace_wire::frame::{FLAG_LAST, Kind};
use serde_json::{Value, json};

use crate::dice::Dice;

/// A frame that is going to be written.
pub(crate) struct Step {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    pub(crate) exchange: u32,
    pub(crate) payload: Vec<u8>,
    /// Silence before it, in ms.
    pub(crate) pause_ms: u64,
    /// The first try accepts so many bytes only: the frame is written again in the next segment.
    pub(crate) short: Option<usize>,
    /// The next segment begins before it.
    pub(crate) rolls: bool,
    /// How far the wall clock jumps before it, in µs.
    pub(crate) jump_us: i64,
}

/// How it ends, if nobody kills it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It says goodbye.
    Clean,
    /// It dies in the middle of a write: of this frame only a part is there.
    Torn { at: usize, bytes: usize },
    /// It dies between two frames.
    Dies { at: usize },
}

pub(crate) struct Plan {
    /// What is in every mark and every id of it.
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) ending: Ending,
    /// Nothing starts a recorder for it.
    pub(crate) is_alone: bool,
}

/// What must be on the tape of one exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) session: String,
    pub(crate) request: Vec<u8>,
    pub(crate) response: Vec<u8>,
    /// What its end says; `None`: it was not said.
    pub(crate) outcome: Option<String>,
}

const WORDS: [&str; 24] = [
    "river", "stone", "window", "green", "later", "under", "carry", "letter", "north", "silver",
    "engine", "märz", "quiet", "garden", "bottle", "winter", "paper", "travel", "日本", "simple",
    "corner", "bridge", "music", "field",
];

fn prose(dice: &mut Dice, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        text.push_str(dice.one_of(&WORDS).copied().unwrap_or_default());
        text.push(if dice.happens(20) { '\n' } else { ' ' });
    }
    text
}

/// Numbers the exchanges in the order in which they begin, as the plugin does.
fn number(steps: &mut [Step]) {
    let mut numbers = BTreeMap::new();
    for step in steps.iter_mut().filter(|step| step.exchange > 0) {
        let next = numbers.len() as u32 + 1;
        step.exchange = *numbers.entry(step.exchange).or_insert(next);
    }
}

impl Plan {
    /// The plan of the process `name`.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let mut dice = Dice::new(seed);
        let is_jumpy = dice.happens(120);
        let is_alone = dice.happens(80);
        let pace = *dice.one_of(&[0, 0, 2, 8]).unwrap_or(&0);
        let mut exchanges = 0;
        let mut sessions: Vec<_> = (0..dice.size(1, 3))
            .map(|number| {
                let mut talk = Talk::new(&mut dice, name, number, &mut exchanges);
                talk.hold();
                talk.steps.into_iter()
            })
            .collect();
        let mut steps: Vec<Step> = Vec::new();
        while !sessions.is_empty() {
            let at = dice.size(0, sessions.len() - 1);
            // A few at a time, as they come.
            let mut few = dice.size(1, 6);
            while few > 0 {
                let Some(mut step) = sessions[at].next() else {
                    drop(sessions.remove(at));
                    break;
                };
                // A request's frames are written in one go.
                let goes_on = step.kind == Kind::Request
                    || (step.kind == Kind::RequestBody && step.flags & FLAG_LAST == 0);
                few -= usize::from(!goes_on);
                step.pause_ms = if dice.happens(300) { dice.between(0, pace) } else { 0 };
                if dice.happens(8) {
                    step.short = Some(dice.size(0, step.payload.len() + 31));
                }
                step.rolls = dice.happens(10);
                if is_jumpy && dice.happens(30) {
                    let hours = dice.between(0, 96).cast_signed() - 48;
                    step.jump_us = hours * 3_600_000_000;
                }
                steps.push(step);
            }
        }
        number(&mut steps);
        let at = dice.size(1, steps.len() - 1);
        let ending = match dice.between(0, 9) {
            0 => Ending::Torn { at, bytes: dice.size(1, 31 + steps[at].payload.len()) },
            1 => Ending::Dies { at },
            _ => Ending::Clean,
        };
        Self { name: name.to_owned(), steps, ending, is_alone }
    }

    /// What the tape must have of each exchange when the first `frames` frames were written.
    pub(crate) fn exchanges(&self, frames: usize) -> Vec<Told> {
        let mut all: Vec<Told> = Vec::new();
        for step in self.steps.iter().take(frames) {
            let number = step.exchange as usize;
            match step.kind {
                Kind::Request => {
                    let head: Value = serde_json::from_slice(&step.payload).unwrap_or_default();
                    let session = head["session"].as_str().unwrap_or_default().to_owned();
                    all.resize(all.len().max(number), Told::default());
                    all[number - 1].session = session;
                }
                Kind::RequestBody => all[number - 1].request.extend(&step.payload),
                Kind::ResponseBody => all[number - 1].response.extend(&step.payload),
                Kind::End => {
                    let end: Value = serde_json::from_slice(&step.payload).unwrap_or_default();
                    all[number - 1].outcome = end["outcome"].as_str().map(str::to_owned);
                }
                _ => {}
            }
        }
        all
    }

    /// The marks of the events among the first `frames` frames.
    pub(crate) fn marks(&self, frames: usize) -> impl Iterator<Item = String> {
        let events = self.steps.iter().take(frames).filter(|step| step.kind == Kind::Event);
        events.filter_map(|step| {
            let said: Value = serde_json::from_slice(&step.payload).ok()?;
            said["event"]["properties"]["mark"].as_str().map(str::to_owned)
        })
    }
}

/// One session, as it is made.
struct Talk<'a> {
    dice: Dice,
    name: &'a str,
    session: String,
    said: Vec<Value>,
    marks: usize,
    messages: usize,
    exchanges: &'a mut u32,
    steps: Vec<Step>,
}

impl<'a> Talk<'a> {
    fn new(dice: &mut Dice, name: &'a str, number: usize, exchanges: &'a mut u32) -> Self {
        let session = format!("ses_{name}x{number}");
        let system = prose(dice, 3_000);
        let said = vec![json!({"role": "system", "content": system})];
        let dice = dice.fork();
        Self { dice, name, session, said, marks: 0, messages: 0, exchanges, steps: Vec::new() }
    }

    fn hold(&mut self) {
        let info = json!({"id": self.session, "title": format!("Work of {}", self.name), "version": "1.18.33",
            "directory": "/project", "time": {"created": 0}});
        self.event("session.updated", json!({"info": info}));
        for _ in 0..self.dice.size(1, 3) {
            self.turn();
        }
    }

    fn turn(&mut self) {
        let prompt = self.message();
        let info = json!({"id": prompt, "sessionID": self.session, "role": "user", "agent": "build",
            "time": {}, "model": {"providerID": "mock", "modelID": "m1"}});
        self.event("message.updated", json!({"info": info}));
        let bytes = self.dice.size(10, 400);
        let text = prose(&mut self.dice, bytes);
        self.event("message.part.updated", json!({"part": self.part(&prompt, &text)}));
        self.said.push(json!({"role": "user", "content": text}));
        for _ in 0..self.dice.size(1, 4) {
            self.call(&prompt);
        }
        self.event("session.idle", json!({}));
    }

    fn call(&mut self, prompt: &str) {
        let assistant = self.message();
        let info = |cost: f64| {
            json!({"id": assistant, "sessionID": self.session, "role": "assistant", "parentID": prompt, "agent": "build",
                "modelID": "m1", "providerID": "mock", "cost": cost, "time": {}})
        };
        let (begun, done) = (info(0.0), info(0.01));
        self.event("message.updated", json!({"info": begun}));
        *self.exchanges += 1;
        let exchange = *self.exchanges;
        let body = json!({"model": "m1", "stream": true, "messages": self.said,
            "mark": format!("call-{}-{exchange}", self.name)})
        .to_string();
        let head = json!({"method": "POST", "url": "http://127.0.0.1/v1/chat/completions",
            "headers": [["content-type", "application/json"], ["authorization", "[REDACTED]"]],
            "session": self.session, "message": prompt, "agent": "build", "provider": "mock", "model": "m1",
            "npm": "@ai-sdk/openai-compatible", "body_bytes": body.len(), "body": "text"});
        self.json(Kind::Request, exchange, &head);
        let pieces = self.dice.size(1, 3);
        let whole = body.as_bytes();
        let mut rest = whole.chunks(whole.len().div_ceil(pieces)).peekable();
        while let Some(piece) = rest.next() {
            let flags = if rest.peek().is_none() { FLAG_LAST } else { 0 };
            self.frame(Kind::RequestBody, flags, exchange, piece.to_vec());
        }
        let answer = self.answer(exchange);
        self.event("message.part.updated", json!({"part": self.part(&assistant, &answer)}));
        self.said.push(json!({"role": "assistant", "content": answer}));
        let bytes = self.dice.size(20, if self.dice.clone().happens(60) { 200_000 } else { 6_000 });
        let result = prose(&mut self.dice, bytes);
        self.said.push(
            json!({"role": "tool", "tool_call_id": format!("call_{exchange}"), "content": result}),
        );
        self.event("message.updated", json!({"info": done}));
    }

    /// The frames of an answer; what it says.
    fn answer(&mut self, exchange: u32) -> String {
        if self.dice.happens(40) {
            let error =
                json!({"name": "Error", "message": "connection refused", "code": "ECONNREFUSED"});
            self.json(Kind::End, exchange, &json!({"outcome": "failed", "error": error}));
            return String::new();
        }
        let head = json!({"status": 200, "status_text": "OK", "headers": [["content-type", "text/event-stream"]]});
        self.json(Kind::Response, exchange, &head);
        let mut text = String::new();
        for _ in 0..self.dice.size(1, 40) {
            let bytes = self.dice.size(4, 60);
            let words = prose(&mut self.dice, bytes);
            let delta = json!({"choices": [{"index": 0, "delta": {"content": words}}]});
            self.frame(Kind::ResponseBody, 0, exchange, format!("data: {delta}\n\n").into_bytes());
            text.push_str(&words);
        }
        let outcome = match self.dice.between(0, 19) {
            0 => "cut",
            1 => "aborted",
            _ => {
                self.frame(Kind::ResponseBody, 0, exchange, b"data: [DONE]\n\n".to_vec());
                "complete"
            }
        };
        self.json(Kind::End, exchange, &json!({"outcome": outcome}));
        text
    }

    fn message(&mut self) -> String {
        self.messages += 1;
        format!("msg_{}x{:06}", self.session, self.messages)
    }

    fn part(&self, message: &str, text: &str) -> Value {
        json!({"id": format!("prt_{message}"), "messageID": message, "sessionID": self.session, "type": "text",
            "text": text, "time": {"start": 1, "end": 2}})
    }

    fn event(&mut self, kind: &str, mut properties: Value) {
        self.marks += 1;
        properties["sessionID"] = json!(self.session);
        properties["mark"] = json!(format!("mark-{}-{}", self.session, self.marks));
        let id = format!("evt_{}x{}", self.session, self.marks);
        let event = json!({"directory": "/project", "event": {"id": id, "type": kind, "properties": properties}});
        self.json(Kind::Event, 0, &event);
    }

    fn json(&mut self, kind: Kind, exchange: u32, payload: &Value) {
        self.frame(kind, 0, exchange, payload.to_string().into_bytes());
    }

    fn frame(&mut self, kind: Kind, flags: u8, exchange: u32, payload: Vec<u8>) {
        self.steps.push(Step {
            kind,
            flags,
            exchange,
            payload,
            pause_ms: 0,
            short: None,
            rolls: false,
            jump_us: 0,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_plan_and_its_truth_grows_with_the_frames() {
        for seed in 0..50 {
            let (plan, again) = (Plan::new(seed, "a"), Plan::new(seed, "a"));
            let whole = plan.exchanges(plan.steps.len());
            assert_eq!(whole, again.exchanges(again.steps.len()));
            assert!(!whole.is_empty() && whole.iter().all(|told| told.outcome.is_some()));
            for told in &whole {
                let body: Value = serde_json::from_slice(&told.request).unwrap();
                assert!(body["messages"].as_array().is_some_and(|said| said.len() >= 2));
            }
            let half = plan.exchanges(plan.steps.len() / 2);
            assert!(half.len() <= whole.len());
            let marks: Vec<_> = plan.marks(plan.steps.len()).collect();
            let mut unique = marks.clone();
            unique.sort();
            unique.dedup();
            assert_eq!(marks.len(), unique.len());
        }
    }
}
