//! Which tool calls words are of that were found in an exchange: an answer asks for calls, and the next request of the
//! conversation brings it back, with their results.

use std::collections::HashMap;

use octrace_core::{exchange::Purpose, filter::Calls, search::Role};
use rusqlite::{Connection, params};

use crate::{Error, conversation, prune::EXCHANGE_STAYS};

/// The calls of the sessions that were asked for.
pub(super) struct CallsOf<'t> {
    tape: &'t Connection,
    /// Calls that are alike are here once, as few of them differ in what a filter sees.
    known: Vec<Calls>,
    sessions: HashMap<String, HashMap<i64, Around>>,
}

/// The calls around an exchange: places in [`CallsOf::known`].
#[derive(Clone, Copy, Default)]
struct Around {
    response: Option<i64>,
    /// What its answer asks for.
    asked: Option<usize>,
    /// What the answer before it asked for.
    answered: Option<usize>,
}

impl<'t> CallsOf<'t> {
    pub(super) fn new(tape: &'t Connection) -> Self {
        Self { tape, known: Vec::new(), sessions: HashMap::new() }
    }

    /// The calls that what was first seen in this part of this exchange may be of: see [`is_of_calls`].
    pub(super) fn of(
        &mut self,
        session: &str,
        exchange: i64,
        part: i64,
    ) -> Result<Option<usize>, Error> {
        if !self.sessions.contains_key(session) {
            let around = self.read(session)?;
            self.sessions.insert(session.to_owned(), around);
        }
        let around = self.sessions.get(session).and_then(|session| session.get(&exchange));
        let of_part = |around: &Around| {
            if around.response == Some(part) { around.asked } else { around.answered }
        };
        Ok(around.and_then(of_part))
    }

    pub(super) fn get(&self, calls: Option<usize>) -> Option<&Calls> {
        self.known.get(calls?)
    }

    fn read(&mut self, session: &str) -> Result<HashMap<i64, Around>, Error> {
        let by_message = self.by_message(session)?;
        let mut all = HashMap::new();
        if by_message.is_empty() {
            return Ok(all);
        }
        let sql = format!(
            "SELECT id, assistant, purpose, response_part FROM exchanges
             WHERE session = ?1 AND {EXCHANGE_STAYS} ORDER BY id"
        );
        let mut select = self.tape.prepare_cached(&sql)?;
        let mut rows = select.query([session])?;
        // The messages that the answers become: of the exchange before, and of the one before this call of the model.
        let (mut last, mut before): (Option<String>, Option<String>) = (None, None);
        while let Some(row) = rows.next()? {
            let purpose: String = row.get(2)?;
            if matches!(Purpose::parse(&purpose), Purpose::Title | Purpose::Summary) {
                continue;
            }
            let message: Option<String> = row.get(1)?;
            // A call that is tried again becomes the same message.
            if message != last {
                before = std::mem::replace(&mut last, message);
            }
            let calls = |message: &Option<String>| by_message.get(message.as_ref()?).copied();
            let (asked, answered) = (calls(&last), calls(&before));
            all.insert(row.get(0)?, Around { response: row.get(3)?, asked, answered });
        }
        Ok(all)
    }

    /// What each assistant message of a session called.
    fn by_message(&mut self, session: &str) -> Result<HashMap<String, usize>, Error> {
        let mut select = self.tape.prepare_cached(
            "SELECT message, tool, status, exit, child IS NOT NULL FROM staying_tools
             WHERE session = ?1",
        )?;
        let mut all: HashMap<String, Calls> = HashMap::new();
        let mut rows = select.query(params![session])?;
        while let Some(row) = rows.next()? {
            let status: String = row.get(2)?;
            let calls = all.entry(row.get(0)?).or_default();
            calls.add(row.get(1)?, conversation::status(&status), row.get(3)?, row.get(4)?);
        }
        let known = all.into_iter().map(|(message, calls)| {
            let place = self.known.iter().position(|known| *known == calls);
            let place = place.unwrap_or_else(|| {
                self.known.push(calls);
                self.known.len() - 1
            });
            (message, place)
        });
        Ok(known.collect())
    }
}

/// Whether words of this role are of the calls around them: a request has others beside them.
pub(super) fn is_of_calls(role: Role) -> bool {
    matches!(role, Role::Assistant | Role::ToolResult)
}
