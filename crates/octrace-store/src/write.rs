//! Writing the tape: what a recorder puts on it, in one transaction with how far it has read.
//!
//! A [`Batch`] is that transaction. It takes nothing but [`Clean`] content, and it ends with
//! [`Batch::commit`]; dropped, it never was. A row of an exchange appears with its request and is filled
//! as the answer comes.

use octrace_core::{
    event::Event,
    exchange::{Exchange, Outcome, Purpose, ResponseHead, Timing},
    reading::{Asked, Ending},
    redact::Clean,
};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, named_params, params};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Tape, body, delivery, event,
    facts::Source,
    layout::Layouts,
    names::{self, Names, What},
    pack,
    part::Parts,
    uses::{Uses, parts_of},
};

/// The newest message of this session that answers this one. Ids of messages grow, so it is among the last; where there
/// is none, no long session is read through.
pub(crate) const ASSISTANT: &str = "SELECT id FROM (
         SELECT id, parent FROM messages WHERE session = ?1 AND role = 'assistant' ORDER BY id DESC LIMIT 16
     ) WHERE parent = ?2 LIMIT 1";

/// A place in a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The segment's number, from 1.
    pub segment: u64,
    /// Bytes from the segment file's begin.
    pub offset: u64,
}

impl Position {
    /// The begin of a spool.
    pub const START: Self = Self { segment: 1, offset: 0 };
}

impl Default for Position {
    fn default() -> Self {
        Self::START
    }
}

/// A spool's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpoolId(pub(crate) i64);

/// An exchange's row: the number that `octrace request` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeId(pub i64);

/// Who writes a spool.
#[derive(Debug)]
pub struct WriterFacts {
    /// OpenCode's process id.
    pub pid: u32,
    /// Set by `octrace run`.
    pub run: Option<Clean<String>>,
    /// The plugin's version.
    pub plugin: Clean<String>,
    /// Where OpenCode was started.
    pub cwd: Clean<String>,
}

/// Where and when an exchange begins, as its process has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Where its first frame is.
    pub at: Position,
    /// When it was sent, on the process's monotonic clock, in µs.
    pub mono_us: u64,
}

/// What was lost of a spool, as counts to add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Frames the plugin had to drop.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes in the spool that are no frames.
    pub torn_bytes: u64,
    /// Frames of a kind or shape that this version does not know.
    pub unknown_frames: u64,
}

/// An exchange that is open on the tape, after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenExchange {
    /// Its row.
    pub id: ExchangeId,
    /// Its number in its process.
    pub number: u32,
    /// Where its frames begin.
    pub begin: Position,
    /// When it was sent, on its process's monotonic clock, in µs.
    pub sent_mono_us: u64,
}

/// How an exchange stands: what changes while it is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How it stands.
    pub outcome: Outcome,
    /// The response's true size so far.
    pub bytes: u64,
    /// Chunks so far.
    pub chunks: u64,
    /// When things happened.
    pub timing: Timing,
    /// µs after it was sent: the newest byte of the response arrived. Of interest as long as more may come.
    pub last_byte_after_us: Option<i64>,
}

/// What a recorder keeps between batches, so that the tape is not asked again for what is known.
#[derive(Default)]
pub(crate) struct Memory {
    /// Of the tape, when this was remembered: see [`crate::prune`].
    generation: i64,
    parts: Parts,
    layouts: Layouts,
    uses: Uses,
    names: Names,
}

/// One transaction. Dropped without [`Batch::commit`], nothing of it remains.
pub struct Batch<'t> {
    tx: Option<Transaction<'t>>,
    memory: &'t mut Memory,
}

impl Tape {
    /// Begins a transaction; waits while another process writes.
    pub fn begin(&mut self) -> Result<Batch<'_>, Error> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let generation =
            tx.prepare_cached("SELECT generation FROM pruned")?.query_row([], |row| row.get(0))?;
        if generation != self.memory.generation {
            self.memory = Memory { generation, ..Memory::default() };
        }
        Ok(Batch { tx: Some(tx), memory: &mut self.memory })
    }

    /// The row of the spool with this name, made if need be, and how far it was read.
    pub fn spool(&mut self, name: &str, now_us: i64) -> Result<(SpoolId, Position), Error> {
        self.connection.execute(
            "INSERT INTO spools (name, started_us) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
            params![name, now_us],
        )?;
        let row = self.connection.query_row(
            "SELECT id, segment, offset FROM spools WHERE name = ?1",
            [name],
            |row| {
                let (segment, offset) = (row.get::<_, i64>(1)?, row.get::<_, i64>(2)?);
                let position =
                    Position { segment: segment.cast_unsigned(), offset: offset.cast_unsigned() };
                Ok((SpoolId(row.get(0)?), position))
            },
        )?;
        Ok(row)
    }

    /// The exchanges of a spool that have not ended.
    pub fn open_exchanges(&self, spool: SpoolId) -> Result<Vec<OpenExchange>, Error> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, number, begin_segment, begin_offset, sent_mono_us FROM exchanges
             WHERE spool = ?1 AND outcome IN ('waiting', 'streaming')",
        )?;
        let rows = select.query_map([spool.0], |row| {
            Ok(OpenExchange {
                id: ExchangeId(row.get(0)?),
                number: row.get(1)?,
                begin: Position {
                    segment: row.get::<_, i64>(2)?.cast_unsigned(),
                    offset: row.get::<_, i64>(3)?.cast_unsigned(),
                },
                sent_mono_us: row.get::<_, i64>(4)?.cast_unsigned(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The highest number of an exchange of this spool; 0 when there is none.
    pub fn newest_exchange(&self, spool: SpoolId) -> Result<u32, Error> {
        let newest = "SELECT coalesce(max(number), 0) FROM exchanges WHERE spool = ?1";
        Ok(self.connection.prepare_cached(newest)?.query_row([spool.0], |row| row.get(0))?)
    }
}

impl Batch<'_> {
    pub(crate) fn tx(&self) -> Result<&Transaction<'_>, Error> {
        open(&self.tx)
    }

    /// The transaction, and where parts are put.
    pub(crate) fn with_parts(&mut self) -> Result<(&Transaction<'_>, &mut Parts), Error> {
        Ok((open(&self.tx)?, &mut self.memory.parts))
    }

    /// Notes who writes the spool.
    pub fn writer(&mut self, spool: SpoolId, facts: &WriterFacts) -> Result<(), Error> {
        let run = facts.run.as_ref().map(Clean::get);
        self.tx()?
            .prepare_cached(
                "UPDATE spools SET pid = ?2, run = ?3, plugin = ?4, cwd = ?5 WHERE id = ?1",
            )?
            .execute(params![spool.0, facts.pid, run, facts.plugin.get(), facts.cwd.get()])?;
        Ok(())
    }

    /// Adds to what is known to be lost of the spool.
    pub fn lost(&mut self, spool: SpoolId, losses: Losses) -> Result<(), Error> {
        self.tx()?
            .prepare_cached(
                "UPDATE spools SET lost_frames = lost_frames + ?2, lost_bytes = lost_bytes + ?3,
                 torn_bytes = torn_bytes + ?4, unknown_frames = unknown_frames + ?5 WHERE id = ?1",
            )?
            .execute(params![
                spool.0,
                signed(losses.frames),
                signed(losses.bytes),
                signed(losses.torn_bytes),
                signed(losses.unknown_frames)
            ])?;
        Ok(())
    }

    /// Everything before `position` is on the tape with this batch.
    pub fn position(&mut self, spool: SpoolId, position: Position) -> Result<(), Error> {
        self.tx()?
            .prepare_cached("UPDATE spools SET segment = ?2, offset = ?3 WHERE id = ?1")?
            .execute(params![spool.0, signed(position.segment), signed(position.offset)])?;
        Ok(())
    }

    /// The writer is gone and all of its spool is here; what it left open has ended.
    pub fn spool_ends(&mut self, spool: SpoolId, now_us: i64) -> Result<(), Error> {
        self.tx()?
            .prepare_cached("UPDATE spools SET ended_us = ?2 WHERE id = ?1")?
            .execute(params![spool.0, now_us])?;
        self.turns_end(spool, now_us)
    }

    /// Keeps an event or a hook call, and what it says about sessions and messages.
    pub fn event(&mut self, spool: SpoolId, at_us: i64, event: &Clean<Event>) -> Result<(), Error> {
        let event = event.get();
        let tx = open(&self.tx)?;
        let parts = &mut self.memory.parts;
        let piece = body::set_aside(event.body.as_bytes());
        let insertions = body::insertions(&piece.aside, |bytes| parts.put(tx, bytes))?;
        let used: Vec<i64> = insertions.iter().map(|insertion| insertion.part).collect();
        let stored = parts.encode_without(&piece.content, &piece.aside)?;
        let own = pack::put_down(tx, piece.content.len(), &stored.data)?;
        let names = &mut self.memory.names;
        let session = match &event.session {
            Some(session) => names.number(tx, What::Session, session)?,
            None => names::NONE,
        };
        let kind = names.number(tx, What::Kind, &event.kind)?;
        tx.prepare_cached(
            "INSERT INTO event_rows (id, spool, session, at_us, kind, size, codec, body, layout) VALUES (
                 max(coalesce((SELECT max(id) FROM event_rows), 0), (SELECT event FROM pruned)) + 1,
                 ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            spool.0,
            session,
            at_us,
            kind,
            signed(piece.content.len() as u64),
            stored.codec.number(),
            own,
            event::layout(insertions)
        ])?;
        let id = tx.last_insert_rowid();
        event::note(tx, id, used)?;
        if delivery::is_delivered(&event.kind) {
            let session = event.session.as_deref();
            let size = event.body.len() as u64;
            delivery::queue(tx, spool, session, ("event", &id.to_string()), size, at_us)?;
        }
        let source = Source { event: id, spool: spool.0, at_us };
        self.facts(source, event)?;
        for (session, message) in self.turn(source, event)? {
            delivery::queue_turn(self.tx()?, spool, &session, &message, at_us)?;
        }
        Ok(())
    }

    /// Notes how far something derived has come.
    pub(crate) fn derived(&mut self, what: &str, upto: i64) -> Result<(), Error> {
        self.tx()?
            .prepare_cached("UPDATE derived SET upto = ?2 WHERE what = ?1")?
            .execute(params![what, upto])?;
        Ok(())
    }

    /// The assistant message that the answer to a request will become: the newest one that answers the
    /// same user message. OpenCode makes it before it asks the model, so it is mostly the newest of its session.
    fn assistant_of(&self, session: &str, message: &str) -> Result<Option<String>, Error> {
        let newest = self
            .tx()?
            .prepare_cached(ASSISTANT)?
            .query_row([session, message], |row| row.get(0))
            .optional()?;
        Ok(newest)
    }

    /// A request was sent: its row appears.
    pub fn exchange_begins(
        &mut self,
        spool: SpoolId,
        begin: Begin,
        exchange: &Clean<Exchange>,
        asked: &Clean<Asked>,
    ) -> Result<ExchangeId, Error> {
        let (exchange, asked) = (exchange.get(), asked.get());
        let head = &exchange.request;
        let assistant = match (&head.message, asked.purpose) {
            (Some(message), Purpose::Main | Purpose::Compaction) => {
                self.assistant_of(&head.session, message)?
            }
            _ => None,
        };
        self.touch(&head.session, head.parent.as_deref(), exchange.timing.sent_us)?;
        let line = (head.session.clone(), head.agent.clone().unwrap_or_default());
        let tx = open(&self.tx)?;
        let memory = &mut *self.memory;
        let body = memory.layouts.write(tx, &mut memory.parts, &line, &exchange.request_body)?;
        let names = &mut memory.names;
        let headers = names.number(tx, What::Headers, &json(&head.headers))?;
        let mut word = |word: &str| names.number(tx, What::Word, word);
        let (method, url) = (word(&head.method)?, word(&head.url)?);
        let npm = head.npm.as_deref().map(&mut word).transpose()?;
        let price = head.price.as_deref().map(&mut word).transpose()?;
        let problems = json(&asked.problems);
        tx.prepare_cached(
            "INSERT INTO exchanges (id, spool, number, begin_segment, begin_offset,
                 session, message, assistant, agent, purpose, provider, model, npm, price, dialect,
                 method, url, request_headers, request_bytes, request_cut,
                 request_layout, request_base, request_depth, outcome, sent_us, sent_mono_us, problems)
             VALUES (
                 max(coalesce((SELECT max(id) FROM exchanges), 0), (SELECT exchange FROM pruned)) + 1,
                 :spool, :number, :segment, :offset,
                 :session, :message, :assistant, :agent, :purpose, :provider, :model, :npm, :price,
                 :dialect, :method, :url, :headers, :bytes, :cut,
                 :layout, :base, :depth, :outcome, :sent_us, :sent_mono_us, :problems)",
        )?
        .execute(named_params! {
            ":spool": spool.0, ":number": exchange.number,
            ":segment": signed(begin.at.segment), ":offset": signed(begin.at.offset),
            ":sent_mono_us": signed(begin.mono_us),
            ":session": head.session, ":message": head.message, ":assistant": assistant,
            ":agent": head.agent, ":purpose": asked.purpose.as_str(),
            ":provider": head.provider, ":model": asked.model, ":npm": npm,
            ":price": price, ":dialect": exchange.dialect.as_str(),
            ":method": method, ":url": url, ":headers": headers,
            ":bytes": signed(head.body_bytes), ":cut": exchange.request_cut,
            ":layout": body.bytes, ":base": body.base, ":depth": body.chain,
            ":outcome": Outcome::Waiting.as_str(), ":sent_us": exchange.timing.sent_us,
            ":problems": problems,
        })?;
        let id = tx.last_insert_rowid();
        memory.uses.note(tx, &head.session, id, parts_of(body.entries()))?;
        memory.layouts.remember(line, id, body);
        Ok(ExchangeId(id))
    }

    /// How an open exchange stands.
    pub fn exchange_goes_on(
        &mut self,
        id: ExchangeId,
        head: Option<&Clean<ResponseHead>>,
        progress: &Progress,
    ) -> Result<(), Error> {
        if let Some(head) = head {
            self.response_head(id, head.get())?;
        }
        self.progress(id, progress)
    }

    fn response_head(&mut self, id: ExchangeId, head: &ResponseHead) -> Result<(), Error> {
        let headers = json(&head.headers);
        self.tx()?.prepare_cached(
            "UPDATE exchanges SET status = ?2, status_text = ?3, response_headers = ?4 WHERE id = ?1",
        )?
        .execute(params![id.0, head.status, head.status_text, headers])?;
        Ok(())
    }

    fn progress(&mut self, id: ExchangeId, progress: &Progress) -> Result<(), Error> {
        let timing = &progress.timing;
        self.tx()?
            .prepare_cached(
                // What happened once stays as it was: after a restart not all of it is known any more.
                "UPDATE exchanges SET outcome = ?2, response_bytes = max(response_bytes, ?3),
                 chunks = max(chunks, ?4), head_after_us = coalesce(head_after_us, ?5),
                 first_byte_after_us = coalesce(first_byte_after_us, ?6),
                 first_content_after_us = coalesce(first_content_after_us, ?7), end_after_us = ?8,
                 longest_gap_us = max(coalesce(longest_gap_us, ?9), coalesce(?9, longest_gap_us)),
                 last_byte_after_us = iif(?10, coalesce(?11, last_byte_after_us), NULL)
             WHERE id = ?1",
            )?
            .execute(params![
                id.0,
                progress.outcome.as_str(),
                signed(progress.bytes),
                signed(progress.chunks),
                timing.head_after_us,
                timing.first_byte_after_us,
                timing.first_content_after_us,
                timing.end_after_us,
                timing.longest_gap_us,
                progress.outcome.is_open(),
                progress.last_byte_after_us
            ])?;
        Ok(())
    }

    /// The response's body so far, for an exchange that has kept its frames in the spool for too long: it goes
    /// on, and after a restart its frames are not read again before `from`.
    pub fn exchange_is_let_go(
        &mut self,
        id: ExchangeId,
        from: Position,
        exchange: &Clean<Exchange>,
    ) -> Result<(), Error> {
        if !self.response_body(id, exchange.get())? {
            return Ok(());
        }
        self.tx()?
            .prepare_cached(
                "UPDATE exchanges SET begin_segment = ?2, begin_offset = ?3 WHERE id = ?1",
            )?
            .execute(params![id.0, signed(from.segment), signed(from.offset)])?;
        Ok(())
    }

    /// `false`, and nothing is written, when the exchange was pruned meanwhile: it was open for days.
    fn response_body(&mut self, id: ExchangeId, exchange: &Exchange) -> Result<bool, Error> {
        let tx = open(&self.tx)?;
        let session: Option<String> = tx
            .prepare_cached("SELECT session FROM exchanges WHERE id = ?1")?
            .query_row([id.0], |row| row.get(0))
            .optional()?;
        let Some(session) = session else { return Ok(false) };
        let part = match exchange.response_body.as_slice() {
            [] => None,
            body => Some(self.memory.parts.put(tx, body)?),
        };
        self.memory.uses.note(tx, &session, id.0, part)?;
        tx.prepare_cached(
            "UPDATE exchanges SET response_part = coalesce(?2, response_part),
                 response_cut = ?3 WHERE id = ?1",
        )?
        .execute(params![id.0, part, exchange.response_cut])?;
        Ok(true)
    }

    /// The exchange is over.
    pub fn exchange_ends(
        &mut self,
        id: ExchangeId,
        exchange: &Clean<Exchange>,
        ending: &Clean<Ending>,
        progress: &Progress,
    ) -> Result<(), Error> {
        let (exchange, ending) = (exchange.get(), ending.get());
        if !self.response_body(id, exchange)? {
            return Ok(());
        }
        if let Some(head) = &exchange.response {
            self.response_head(id, head)?;
        }
        self.progress(id, progress)?;
        let usage = ending.usage.as_ref();
        let tokens =
            |count: fn(&octrace_core::provider::Usage) -> u64| usage.map(|u| signed(count(u)));
        let problems = json(&ending.problems);
        self.tx()?.prepare_cached(
            "UPDATE exchanges SET error = :error, model = coalesce(model, :model), finish = :finish,
                 input_tokens = :input, output_tokens = :output, reasoning_tokens = :reasoning,
                 cache_read_tokens = :read, cache_write_tokens = :write, cost_usd = :cost,
                 request_cut = request_cut OR :cut,
                 problems = (SELECT json_group_array(value) FROM
                     (SELECT value FROM json_each(problems) UNION ALL SELECT value FROM json_each(:problems)))
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": id.0, ":error": ending.error, ":model": ending.model, ":finish": ending.finish,
            ":input": tokens(|u| u.input), ":output": tokens(|u| u.output),
            ":reasoning": tokens(|u| u.reasoning), ":read": tokens(|u| u.cache_read),
            ":write": tokens(|u| u.cache_write), ":cost": ending.cost_usd,
            ":cut": exchange.request_cut, ":problems": problems,
        })?;
        let took_us = progress.timing.end_after_us.unwrap_or(0);
        let ended_us = exchange.timing.sent_us.saturating_add(took_us);
        let session = &exchange.request.session;
        if !session.is_empty() {
            self.touch(session, None, ended_us)?;
        }
        Ok(())
    }

    /// Makes the batch last.
    ///
    /// It survives the death of this process at once, and a power cut after [`Tape::sync`].
    pub fn commit(mut self) -> Result<(), Error> {
        let Some(tx) = self.tx.take() else { return Ok(()) };
        tx.commit().map_err(|error| {
            *self.memory = Memory::default();
            error.into()
        })
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if self.tx.take().is_some() {
            // Rolled back: what was remembered of it is not on the tape.
            *self.memory = Memory::default();
        }
    }
}

/// The transaction, which only `commit` and `drop` take.
fn open<'a, 't>(tx: &'a Option<Transaction<'t>>) -> Result<&'a Transaction<'t>, Error> {
    tx.as_ref().ok_or(Error::Sqlite(rusqlite::Error::InvalidQuery))
}

/// A list as a column has it. Lists of text always print.
fn json(list: &[impl Serialize]) -> String {
    serde_json::to_string(list).unwrap_or_else(|_| "[]".to_owned())
}

/// SQLite's integers are signed. A count that does not fit is none of ours.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
