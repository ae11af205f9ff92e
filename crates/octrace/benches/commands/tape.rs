//! Long sessions on a tape, written as a recorder would: through redaction and the tape's own writer.

use std::path::Path;

use octrace_core::{
    exchange::{Exchange, Outcome, RequestHead, Timing},
    provider,
    redact::Redactor,
};
use octrace_store::{Batch, SpoolId, Tape};
use octrace_testkit::{
    HISTORY_ENDS_US, event_said, exchange_ended,
    script::Dialect,
    session::{Session, Turn},
    streamed,
};
use serde_json::{Value, json};

/// Between two turns, and between two sessions.
const PACE_US: i64 = 20_000_000;
const PAUSE_US: i64 = 24 * 3_600_000_000;

/// So many turns are one transaction.
const AT_ONCE: u32 = 10;

/// The id of one of these sessions.
pub(crate) fn id(session: usize) -> String {
    format!("ses_long{session:022}")
}

/// Makes a tape of so many sessions of so many turns, with its index. A `word` is said in each when a quarter is left: it is
/// in every request from then on. How many bytes all bodies have.
pub(crate) fn write(path: &Path, sessions: usize, turns: u32, word: &str) -> anyhow::Result<u64> {
    let mut tape = Tape::open(path)?;
    let mut body_bytes = 0;
    for number in 0..sessions {
        let begin_us = HISTORY_ENDS_US - i64::try_from(sessions - number)? * PAUSE_US;
        let (spool, _) = tape.spool(&format!("{number}-long"), begin_us)?;
        let mut author = Author {
            redactor: Redactor::new(""),
            spool,
            session: id(number),
            at_us: begin_us,
            body_bytes: 0,
        };
        let mut session = Session::new(Dialect::Anthropic, 20 + number as u64);
        for first in (1..=turns).step_by(AT_ONCE as usize) {
            let mut batch = tape.begin()?;
            if first == 1 {
                author.begins(&mut batch)?;
            }
            for turn in first..=turns.min(first + AT_ONCE - 1) {
                if turn == turns * 3 / 4 {
                    session.mention(word);
                }
                author.turn(&mut batch, &session.next_turn(), turn, session.url())?;
            }
            batch.commit()?;
        }
        let mut batch = tape.begin()?;
        batch.spool_ends(spool, author.at_us)?;
        batch.commit()?;
        body_bytes += author.body_bytes;
    }
    while tape.index_step()? {}
    Ok(body_bytes)
}

/// Who writes a session.
struct Author {
    redactor: Redactor,
    spool: SpoolId,
    session: String,
    at_us: i64,
    body_bytes: u64,
}

impl Author {
    fn begins(&self, batch: &mut Batch<'_>) -> anyhow::Result<()> {
        let info = json!({"id": self.session, "title": "Read all of it", "directory": "/home/dev/project",
            "version": "1.18.33", "time": {"created": self.at_us / 1_000}});
        self.event(batch, "session.updated", &json!({"sessionID": self.session, "info": info}))
    }

    fn turn(
        &mut self,
        batch: &mut Batch<'_>,
        turn: &Turn,
        number: u32,
        url: &str,
    ) -> anyhow::Result<()> {
        self.at_us += PACE_US;
        for (kind, properties) in &turn.before {
            self.event(batch, kind, properties)?;
        }
        self.exchange(batch, turn, number, url)?;
        for (kind, properties) in &turn.after {
            self.event(batch, kind, properties)?;
        }
        Ok(())
    }

    fn event(&self, batch: &mut Batch<'_>, kind: &str, properties: &Value) -> anyhow::Result<()> {
        // All sessions of the testkit have one id.
        let properties = properties.to_string().replace(Session::ID, &self.session);
        let properties = serde_json::from_str(&properties)?;
        event_said(batch, &self.redactor, self.spool, self.at_us, kind, &properties)
    }

    fn exchange(
        &mut self,
        batch: &mut Batch<'_>,
        turn: &Turn,
        number: u32,
        url: &str,
    ) -> anyhow::Result<()> {
        let answer = turn.answer.concat();
        self.body_bytes += (turn.request.len() + answer.len()) as u64;
        let exchange = Exchange {
            number,
            dialect: provider::Dialect::Anthropic,
            request: RequestHead {
                method: "POST".to_owned(),
                url: url.to_owned(),
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                session: self.session.clone(),
                message: Some(turn.message.clone()),
                agent: Some("build".to_owned()),
                provider: Some("anthropic".to_owned()),
                model: Some("claude-sonnet-4-5".to_owned()),
                npm: Some("@ai-sdk/anthropic".to_owned()),
                body_bytes: turn.request.len() as u64,
                ..RequestHead::default()
            },
            request_body: turn.request.clone().into_bytes(),
            response: Some(streamed()),
            response_body: answer.into_bytes(),
            timing: Timing {
                sent_us: self.at_us,
                head_after_us: Some(400_000),
                first_byte_after_us: Some(410_000),
                first_content_after_us: Some(600_000),
                end_after_us: Some(1_800_000),
                longest_gap_us: Some(90_000),
            },
            outcome: Outcome::Complete,
            ..Exchange::default()
        };
        let chunks = turn.answer.len() as u64;
        exchange_ended(batch, &self.redactor, self.spool, exchange, chunks)
    }
}
