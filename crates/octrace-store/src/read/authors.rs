//! Calls with all that leads to them: what the model was asked, by which prompt, in which session.

use std::collections::HashMap;

use octrace_core::attribution::timeline::CallId;
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use crate::{Error, Tape};

/// A call and what leads to it, as far as it is on the tape.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Author {
    /// The session, `ses_…`.
    pub session: String,
    /// Its title, once there is one.
    pub title: Option<String>,
    /// For a sub-agent's session: the one that started it.
    pub parent: Option<String>,
    /// The title of that.
    pub parent_title: Option<String>,
    /// The user message that was answered.
    pub prompt: Option<String>,
    /// The begin of what it says.
    pub prompt_text: Option<String>,
    /// The assistant message that asked for the call.
    pub message: String,
    /// The requests whose answer that message is, oldest first: what `octrace request` takes.
    pub exchanges: Vec<i64>,
    /// `provider/model`, as far as known.
    pub model: Option<String>,
    /// OpenCode's agent.
    pub agent: Option<String>,
    /// The call, as its provider named it.
    pub call: String,
    /// The tool.
    pub tool: String,
    /// When it was called, µs since the Unix epoch.
    pub at_us: i64,
    /// The Agent Trace record of it, if it has one.
    pub record: Option<String>,
}

/// The exchanges of a session that became a message, and their model.
#[derive(Default)]
struct Asked {
    exchanges: Vec<i64>,
    model: Option<String>,
}

impl Tape {
    /// These calls with what leads to them, in the same order. What is not on the tape any more has its ids only.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn authors(&self, calls: &[CallId]) -> Result<Vec<Author>, Error> {
        let tape = &self.connection;
        let mut call = tape.prepare_cached(
            "SELECT tools.message, tools.tool, tools.at_us, messages.agent, messages.parent, prompts.text
             FROM tools LEFT JOIN messages ON messages.id = tools.message
             LEFT JOIN prompts ON prompts.message = messages.parent
             WHERE tools.session = ?1 AND tools.call = ?2 ORDER BY tools.id DESC LIMIT 1",
        )?;
        let mut session = tape.prepare_cached(
            "SELECT s.title, s.parent, p.title FROM sessions s
             LEFT JOIN sessions p ON p.id = s.parent WHERE s.id = ?1",
        )?;
        let mut record = tape.prepare_cached(
            "SELECT id FROM agent_trace_records WHERE session = ?1 AND call = ?2",
        )?;
        let mut asked: HashMap<&str, HashMap<String, Asked>> = HashMap::new();
        let mut authors = Vec::with_capacity(calls.len());
        for id in calls {
            let mut author = Author {
                session: id.session.clone(),
                call: id.call.clone(),
                record: record.query_row([&id.session, &id.call], |row| row.get(0)).optional()?,
                ..Author::default()
            };
            call.query_row([&id.session, &id.call], |row| {
                author.message = row.get(0)?;
                author.tool = row.get(1)?;
                author.at_us = row.get(2)?;
                author.agent = row.get(3)?;
                author.prompt = row.get(4)?;
                author.prompt_text = row.get(5)?;
                Ok(())
            })
            .optional()?;
            session
                .query_row([&id.session], |row| {
                    author.title = row.get(0)?;
                    author.parent = row.get(1)?;
                    author.parent_title = row.get(2)?;
                    Ok(())
                })
                .optional()?;
            if !asked.contains_key(id.session.as_str()) {
                asked.insert(&id.session, self.asked(&id.session)?);
            }
            if let Some(asked) =
                asked.get(id.session.as_str()).and_then(|all| all.get(&author.message))
            {
                author.exchanges.clone_from(&asked.exchanges);
                author.model.clone_from(&asked.model);
            }
            authors.push(author);
        }
        Ok(authors)
    }

    /// The exchanges of a session by the assistant message that they became.
    fn asked(&self, session: &str) -> Result<HashMap<String, Asked>, Error> {
        let mut select = self.connection.prepare_cached(
            "SELECT assistant, id, provider, model FROM staying_exchanges
             WHERE session = ?1 AND assistant IS NOT NULL ORDER BY id",
        )?;
        let mut all: HashMap<String, Asked> = HashMap::new();
        let mut rows = select.query(params![session])?;
        while let Some(row) = rows.next()? {
            let asked = all.entry(row.get(0)?).or_default();
            asked.exchanges.push(row.get(1)?);
            let (provider, model): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
            asked.model = model.map(|model| match provider {
                Some(provider) => format!("{provider}/{model}"),
                None => model,
            });
        }
        Ok(all)
    }
}
