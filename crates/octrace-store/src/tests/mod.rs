//! Tests that need a whole tape, and what they make one with.

mod events;
mod evidence;
mod older;
mod packs;
mod previous;
mod rebuild;
mod search;
mod timeline;
mod tree;
mod verify;

use std::path::{Path, PathBuf};

use octrace_core::{
    event,
    exchange::{Exchange, Outcome, RequestHead, ResponseHead},
    provider::Dialect,
    reading,
    redact::Redactor,
};
use tempfile::TempDir;

use crate::{Begin, ExchangeId, Position, Progress, SpoolId, Tape};

/// A tape in a folder of its own, and a recorder that writes to it.
pub(super) struct Author {
    pub(super) folder: TempDir,
    pub(super) tape: Tape,
    spool: SpoolId,
    redactor: Redactor,
    number: u32,
}

impl Author {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut tape = Tape::open(&folder.path().join("tape.db")).unwrap();
        let (spool, _) = tape.spool("1-a", 0).unwrap();
        Self { folder, tape, spool, redactor: Redactor::new(""), number: 0 }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("tape.db")
    }

    /// Another one at the same tape, as another process would be.
    pub(super) fn open_again(&self) -> Tape {
        Tape::open(&self.path()).unwrap()
    }

    /// From now on the tape is one that has been of this earlier version.
    pub(super) fn grows_older(&mut self, version: usize) {
        let old = self.folder.path().join("old.db");
        older::make(&self.tape, version, &old);
        self.tape = Tape::open(&old).unwrap();
    }

    /// A request of an Anthropic dialect, which answers the user message `message`.
    pub(super) fn asks(&mut self, session: &str, message: &str, body: &str) -> ExchangeId {
        self.begins(&self.exchange(session, message, body))
    }

    /// Such a request by another of OpenCode's agents.
    pub(super) fn asks_as(&mut self, agent: &str, session: &str, body: &str) -> ExchangeId {
        let mut exchange = self.exchange(session, "msg_1", body);
        exchange.request.agent = Some(agent.to_owned());
        self.begins(&exchange)
    }

    /// Such a request and its answer.
    pub(super) fn exchanges(
        &mut self,
        session: &str,
        message: &str,
        body: &str,
        answer: &str,
    ) -> ExchangeId {
        let exchange = Exchange {
            response: Some(ResponseHead {
                status: 200,
                status_text: "OK".to_owned(),
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            }),
            response_body: answer.into(),
            outcome: Outcome::Complete,
            ..self.exchange(session, message, body)
        };
        let id = self.begins(&exchange);
        self.ends(id, exchange);
        id
    }

    /// Such a request, and what became of it instead of an answer.
    pub(super) fn fails(&mut self, session: &str, body: &str, error: &str) -> ExchangeId {
        let exchange = Exchange {
            error: Some(error.to_owned()),
            outcome: Outcome::Failed,
            ..self.exchange(session, "msg_1", body)
        };
        let id = self.begins(&exchange);
        self.ends(id, exchange);
        id
    }

    fn exchange(&self, session: &str, message: &str, body: &str) -> Exchange {
        let mut exchange = Exchange {
            dialect: Dialect::Anthropic,
            request: RequestHead {
                session: session.to_owned(),
                message: Some(message.to_owned()),
                agent: Some("build".to_owned()),
                price: Some(r#"{"input":3,"output":15}"#.to_owned()),
                ..RequestHead::default()
            },
            request_body: body.into(),
            ..Exchange::default()
        };
        exchange.timing.sent_us = 1_795_164_558_000_000 + i64::from(self.number) * 1_000_000;
        exchange
    }

    fn begins(&mut self, exchange: &Exchange) -> ExchangeId {
        self.number += 1;
        let exchange = Exchange { number: self.number, ..exchange.clone() };
        let clean = self.redactor.exchange(exchange);
        let asked = clean.derive(reading::asked);
        let begin = Begin { at: Position::START, mono_us: 0 };
        let mut batch = self.tape.begin().unwrap();
        let id = batch.exchange_begins(self.spool, begin, &clean, &asked).unwrap();
        batch.commit().unwrap();
        id
    }

    fn ends(&mut self, id: ExchangeId, exchange: Exchange) {
        let progress = Progress { outcome: exchange.outcome, ..Progress::default() };
        let clean = self.redactor.exchange(exchange);
        let ending = clean.derive(reading::ending);
        let mut batch = self.tape.begin().unwrap();
        batch.exchange_ends(id, &clean, &ending, &progress).unwrap();
        batch.commit().unwrap();
    }

    /// An event, as OpenCode sends it.
    pub(super) fn event(&mut self, kind: &str, properties: &str) {
        let sent = format!(r#"{{"event":{{"type":"{kind}","properties":{properties}}}}}"#);
        let event = self.redactor.json(sent.as_bytes()).derive(|clean| event::read_event(clean));
        let mut batch = self.tape.begin().unwrap();
        batch.event(self.spool, 1_795_164_558_000_000, &event.transpose().unwrap()).unwrap();
        batch.commit().unwrap();
    }
}

/// A request with these messages, each a role and its text.
pub(super) fn body(messages: &[(&str, &str)]) -> String {
    let message = |(role, text): &(&str, &str)| serde_json::json!({"role": role, "content": [{"type": "text", "text": text}]});
    let messages: Vec<_> = messages.iter().map(message).collect();
    serde_json::json!({"model": "m", "messages": messages, "stream": false}).to_string()
}

/// An answer with this text.
pub(super) fn answer(text: &str) -> String {
    serde_json::json!({
        "type": "message", "model": "m", "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn", "usage": {"input_tokens": 10, "output_tokens": 2},
    })
    .to_string()
}

/// The size of a tape with its log, in bytes.
pub(super) fn size(path: &Path) -> u64 {
    let length = |path: PathBuf| std::fs::metadata(path).map_or(0, |file| file.len());
    length(path.to_owned()) + length(path.with_extension("db-wal"))
}
