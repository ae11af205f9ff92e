//! Prompts and tool calls, as events tell of them: rows that a timeline is made of, each written again as more is
//! told. What they say is read by `octrace_core::session`, as for the tree, so that both say the same.
//!
//! A recorder writes them with the event. On a tape from before there were any, [`Tape::derive_step`] goes through the
//! events once, bit by bit, beside everything else; so it does for steps and the times of calls ([`crate::evidence`]).

use octrace_core::{
    event::{self, PromptFact, ToolFact},
    session::{ToolCall, ToolStatus},
};
use rusqlite::{OptionalExtension, Row, params};

use crate::{
    Batch, Error, Tape, event::Stored, facts::Source, part::PartReader, prune::EVENT_STAYS,
};

/// How many events a step reads.
const STEP: i64 = 200;

/// The row of `derived` that stands as long as there is something to do.
pub(crate) const WHAT: &str = "tools and prompts";

/// The word for it on the tape.
fn word(status: ToolStatus) -> &'static str {
    match status {
        ToolStatus::Running => "running",
        ToolStatus::Completed => "completed",
        ToolStatus::Failed => "failed",
    }
}

/// The status with this word; an unknown one is a newer version's way to say that it ended.
pub(crate) fn status(word: &str) -> ToolStatus {
    match word {
        "running" => ToolStatus::Running,
        "failed" => ToolStatus::Failed,
        _ => ToolStatus::Completed,
    }
}

/// The columns that [`call`] wants first.
pub(crate) const CALL: &str =
    "tool, subject, status, exit, error, started_us, ended_us, child, call";

/// A call as its row has it.
pub(crate) fn call(row: &Row<'_>) -> rusqlite::Result<ToolCall> {
    Ok(ToolCall {
        tool: row.get(0)?,
        subject: row.get(1)?,
        status: status(row.get_ref(2)?.as_str()?),
        exit: row.get(3)?,
        error: row.get(4)?,
        started_us: row.get(5)?,
        ended_us: row.get(6)?,
        child_id: row.get(7)?,
        call: row.get::<_, Option<String>>(8)?.unwrap_or_default(),
        ..ToolCall::default()
    })
}

impl Batch<'_> {
    /// Something was told of a tool call.
    pub(crate) fn tool(
        &mut self,
        source: Source,
        session: &str,
        fact: &ToolFact,
    ) -> Result<(), Error> {
        let tx = self.tx()?;
        let known = tx
            .prepare_cached(&format!("SELECT {CALL}, event FROM tools WHERE part = ?1"))?
            .query_row([&fact.part], |row| Ok((call(row)?, row.get::<_, Option<i64>>(9)?)))
            .optional()?;
        let (known, event) = known.unzip();
        let event = event.flatten();
        let mut now = known.clone().unwrap_or_default();
        let newest =
            if now.merge(fact.call.clone()) { event.max(Some(source.event)) } else { event };
        if known.as_ref() == Some(&now) && event == newest {
            return Ok(());
        }
        // A part stays in its session and message, whatever a later event says.
        tx.prepare_cached(
            "INSERT INTO tools (session, part, message, at_us,
                 tool, subject, status, exit, error, started_us, ended_us, child, call, event)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, nullif(?13, ''), ?14)
             ON CONFLICT (part) DO UPDATE SET
                 (tool, subject, status, exit, error, started_us, ended_us, child, call, event)
                 = (excluded.tool, excluded.subject, excluded.status, excluded.exit, excluded.error,
                     excluded.started_us, excluded.ended_us, excluded.child, excluded.call, excluded.event)",
        )?
        .execute(params![
            session,
            fact.part,
            fact.message,
            source.at_us,
            now.tool,
            now.subject,
            word(now.status),
            now.exit,
            now.error,
            now.started_us,
            now.ended_us,
            now.child_id,
            now.call,
            newest,
        ])?;
        Ok(())
    }

    /// A message was told of: a user's is a prompt, and no other is.
    pub(crate) fn prompt(
        &mut self,
        session: &str,
        message: &str,
        is_user: bool,
        at_us: i64,
    ) -> Result<(), Error> {
        let tx = self.tx()?;
        if is_user {
            // What was taken down of its parts already becomes visible now, so it is new now.
            tx.prepare_cached(
                "INSERT INTO prompts (session, message, at_us) VALUES (?1, ?2, ?3)
                 ON CONFLICT (message) DO UPDATE SET at_us = excluded.at_us,
                     id = (SELECT max(id) + 1 FROM prompts) WHERE at_us IS NULL",
            )?
            .execute(params![session, message, at_us])?;
        } else {
            tx.prepare_cached("DELETE FROM prompts WHERE message = ?1")?.execute([message])?;
        }
        Ok(())
    }

    /// A part came that may be a prompt's.
    pub(crate) fn prompt_part(&mut self, session: &str, fact: &PromptFact) -> Result<(), Error> {
        self.tx()?
            .prepare_cached(
                "INSERT INTO prompts (session, message, part, weight, text)
                 SELECT ?1, ?2, ?3, ?4, ?5
                 WHERE NOT EXISTS (SELECT 1 FROM messages WHERE id = ?2 AND role != 'user')
                 ON CONFLICT (message) DO UPDATE SET
                     (part, weight, text) = (excluded.part, excluded.weight, excluded.text)
                 WHERE part IS excluded.part OR weight < excluded.weight",
            )?
            .execute(params![session, fact.message, fact.part, fact.weight, fact.text])?;
        Ok(())
    }
}

impl Tape {
    /// Takes what is derived from older tapes, and the search index, a step further; whether there is more to do. For
    /// whoever has time.
    ///
    /// # Errors
    /// When the tape cannot be read or written. Nothing is lost then.
    pub fn derive_step(&mut self) -> Result<bool, Error> {
        let behind = "SELECT 1 FROM derived WHERE what = ?1";
        if !self.connection.prepare_cached(behind)?.exists([WHAT])? {
            return self.index_step();
        }
        let mut batch = self.begin()?;
        let upto = told_before(&mut batch)?;
        match upto {
            Some(upto) => batch.derived(WHAT, upto)?,
            None => {
                batch.tx()?.execute("DELETE FROM derived WHERE what = ?1", [WHAT])?;
            }
        }
        batch.commit()?;
        Ok(true)
    }
}

/// Takes down what some events tell; the last of them that was looked at.
fn told_before(batch: &mut Batch<'_>) -> Result<Option<i64>, Error> {
    let mut facts = Vec::new();
    let mut upto = None;
    {
        let tx = batch.tx()?;
        let sql = format!(
            "SELECT id, session, at_us, kind, spool, {} FROM events
             WHERE id > (SELECT upto FROM derived WHERE what = ?1) AND {EVENT_STAYS}
             ORDER BY id LIMIT ?2",
            Stored::COLUMNS
        );
        let mut select = tx.prepare_cached(&sql)?;
        let mut reader = PartReader::new(tx)?;
        let mut rows = select.query(params![WHAT, STEP])?;
        while let Some(row) = rows.next()? {
            let event = row.get(0)?;
            upto = Some(event);
            let (session, kind): (Option<String>, String) = (row.get(1)?, row.get(3)?);
            let Some(session) = session.filter(|_| tells(&kind)) else { continue };
            let source = Source { event, spool: row.get(4)?, at_us: row.get(2)? };
            let body = Stored::read(row)?.body(&mut reader).ok();
            let body = body.and_then(|body| String::from_utf8(body).ok());
            // What is damaged tells nothing; `verify` says so.
            let fact = body.and_then(|body| event::read_fact(&kind, &body));
            facts.extend(fact.map(|fact| (source, session, fact)));
        }
    }
    for (source, session, fact) in facts {
        batch.session_fact(source, &session, &fact)?;
    }
    Ok(upto)
}

/// Whether an event of this kind tells of prompts, tool calls or steps.
fn tells(kind: &str) -> bool {
    kind == "message.part.updated" || kind.starts_with("permission.") || kind.starts_with("hook.")
}
