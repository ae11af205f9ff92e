//! What events say, as rows: sessions and messages here, tool calls, prompts and steps where these are read.
//!
//! A recorder writes them with the event; a rebuild says everything again, which changes nothing.

use octrace_core::event::{Event, Fact, MessageFact, SessionFact};
use rusqlite::{named_params, params};

use crate::{Batch, Error};

/// Where a fact is from.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    /// The event's row.
    pub(crate) event: i64,
    /// Its spool's row.
    pub(crate) spool: i64,
    /// When it was seen, in µs since the Unix epoch.
    pub(crate) at_us: i64,
}

impl Batch<'_> {
    /// Notes what an event says about sessions, messages, parts and calls. Saying it again changes nothing.
    pub(crate) fn facts(&mut self, source: Source, event: &Event) -> Result<(), Error> {
        let at_us = source.at_us;
        match (&event.fact, &event.session) {
            (Some(Fact::Session(session)), _) => self.session(at_us, session)?,
            (Some(Fact::Message(message)), _) => self.message(at_us, message)?,
            (Some(fact), Some(session)) => self.session_fact(source, session, fact)?,
            (Some(_) | None, _) => {}
        }
        if let Some(session) = &event.session {
            self.touch(session, None, at_us)?;
        }
        Ok(())
    }

    /// The same for what an event says of something in its session.
    pub(crate) fn session_fact(
        &mut self,
        source: Source,
        session: &str,
        fact: &Fact,
    ) -> Result<(), Error> {
        match fact {
            Fact::Tool(tool) => self.tool(source, session, tool),
            Fact::Prompt(prompt) => self.prompt_part(session, prompt),
            Fact::Step(step) => self.step(source, session, step),
            Fact::Call(call) => self.call(source, session, call),
            Fact::Session(_) | Fact::Message(_) | Fact::Idle => Ok(()),
        }
    }

    fn session(&mut self, at_us: i64, fact: &SessionFact) -> Result<(), Error> {
        self.tx()?.prepare_cached(
            "INSERT INTO sessions (id, parent, title, directory, version, created_us, updated_us)
             VALUES (:id, :parent, :title, :directory, :version, coalesce(:created, :at), :at)
             ON CONFLICT (id) DO UPDATE SET
                 parent = coalesce(excluded.parent, parent),
                 title = coalesce(excluded.title, title),
                 directory = coalesce(excluded.directory, directory),
                 version = coalesce(excluded.version, version),
                 created_us = coalesce(:created, created_us),
                 updated_us = max(updated_us, excluded.updated_us)",
        )?
        .execute(named_params! {
            ":id": fact.id, ":parent": fact.parent, ":title": fact.title,
            ":directory": fact.directory, ":version": fact.version,
            ":created": fact.created_us, ":at": at_us,
        })?;
        Ok(())
    }

    fn message(&mut self, at_us: i64, fact: &MessageFact) -> Result<(), Error> {
        self.tx()?
            .prepare_cached(
                "INSERT INTO messages (id, session, parent, role, agent, created_us)
             VALUES (?1, ?2, ?3, ?4, ?5, coalesce(?6, ?7))
             ON CONFLICT (id) DO UPDATE SET session = excluded.session, role = excluded.role,
                 parent = coalesce(excluded.parent, parent),
                 agent = coalesce(excluded.agent, agent), created_us = coalesce(?6, created_us)",
            )?
            .execute(params![
                fact.id,
                fact.session,
                fact.parent,
                fact.role,
                fact.agent,
                fact.created_us,
                at_us
            ])?;
        let created_us = fact.created_us.unwrap_or(at_us);
        self.prompt(&fact.session, &fact.id, fact.role == "user", created_us)
    }

    /// The session was active; known by the wire alone, it gets its row here.
    pub(crate) fn touch(
        &mut self,
        session: &str,
        parent: Option<&str>,
        at_us: i64,
    ) -> Result<(), Error> {
        self.tx()?
            .prepare_cached(
                "INSERT INTO sessions (id, parent, created_us, updated_us) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (id) DO UPDATE SET parent = coalesce(parent, excluded.parent),
                 updated_us = max(updated_us, excluded.updated_us)",
            )?
            .execute(params![session, parent, at_us])?;
        Ok(())
    }
}
