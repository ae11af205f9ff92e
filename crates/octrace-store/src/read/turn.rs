//! Turns of sessions, with all that was recorded of each: what traces are made of.
//!
//! A turn is read without looking at the rest of its session, so that a session of thousands of turns is exported in a
//! time that grows with their number. Where there are no rows of turns, on tapes from before these, the session's
//! events are read once for all of them ([`Tape::turns`]).

use std::collections::{BTreeMap, HashMap, HashSet};

use octrace_core::{
    event,
    exchange::Summary,
    session::{self, EventRecord, ToolStatus},
    trace::{CallPlace, Origin, Recorded, SessionFacts, Step},
};
use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;

use super::LAST_ID;
use crate::{
    Error, Tape,
    event::Stored,
    part::PartReader,
    prune::{EVENT_STAYS, TURN_STAYS},
    turns,
};

/// Of what a newer event tells again, longer texts are left out.
const SHORT: usize = 256;

/// So many `task` calls, each inside of another, are followed up to the session that the user talks to.
const DEEPEST: usize = 12;

/// A turn of a session, and where on the tape it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnPlace {
    /// `ses_…`
    pub session: String,
    /// The user message: `msg_…`.
    pub message: String,
    /// Whether it goes on.
    pub is_open: bool,
    /// Its first event.
    began: i64,
    /// Where it ends: the first event of the first turn that began after this one had ended, and that turn's message.
    until: Option<(i64, String)>,
    /// The first event of the next turn, which may have begun while this one went on.
    next: Option<i64>,
    /// How many messages of the session there were before it.
    number: u64,
}

/// A turn as its row has it.
struct Turn {
    message: String,
    began: i64,
    ended: Option<i64>,
    number: u64,
}

impl Turn {
    const COLUMNS: &str = "message, began, ended, number";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            message: row.get(0)?,
            began: row.get(1)?,
            ended: row.get(2)?,
            number: row.get::<_, i64>(3)?.cast_unsigned(),
        })
    }
}

/// The tool call that an event tells of that has started, by message and part, and how far it is: what was told before
/// is told again.
fn tool_at_work(event: &EventRecord) -> Option<((String, String), ToolStatus)> {
    let part = event.body.get("part").filter(|_| event.kind == "message.part.updated")?;
    let text = |place: &str| part.pointer(place)?.as_str();
    let status = match text("/state/status").filter(|_| text("/type") == Some("tool"))? {
        "running" => part.pointer("/state/time/start")?.as_i64().map(|_| ToolStatus::Running)?,
        "completed" => ToolStatus::Completed,
        "error" => ToolStatus::Failed,
        _ => return None,
    };
    Some(((text("/messageID")?.to_owned(), text("/id")?.to_owned()), status))
}

/// Leaves out long texts.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > SHORT => *text = String::new(),
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(values) => values.values_mut().for_each(shorten),
        _ => {}
    }
}

impl Tape {
    /// The turns of a session, in the order of their begin.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn turns(&self, session: &str) -> Result<Vec<TurnPlace>, Error> {
        // Of one moment.
        let _moment = self.connection.unchecked_transaction()?;
        self.turns_of(session)
    }

    /// What was recorded of the turn that answers this user message; `None` when there is none, or none any more.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn turn(&self, session: &str, message: &str) -> Result<Option<Recorded>, Error> {
        let _moment = self.connection.unchecked_transaction()?;
        let place = match self.place(session, message)? {
            None => self.turns_of(session)?.into_iter().find(|place| place.message == message),
            place => place,
        };
        place.map(|place| self.recorded_at(&place)).transpose()
    }

    /// What was recorded of a turn.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn recorded(&self, place: &TurnPlace) -> Result<Recorded, Error> {
        let _moment = self.connection.unchecked_transaction()?;
        self.recorded_at(place)
    }

    fn turns_of(&self, session: &str) -> Result<Vec<TurnPlace>, Error> {
        let sql = format!(
            "SELECT {} FROM turns WHERE session = ?1 AND {TURN_STAYS} ORDER BY began",
            Turn::COLUMNS
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let rows = select.query_map([session], Turn::read)?;
        let mut known: Vec<Turn> = rows.collect::<Result<_, _>>()?;
        let lacking = "SELECT 1 FROM messages WHERE session = ?1 AND role = 'user'
             AND NOT EXISTS (SELECT 1 FROM turns
                 WHERE turns.session = messages.session AND turns.message = messages.id)";
        if self.connection.prepare_cached(lacking)?.exists([session])? {
            let rows = std::mem::take(&mut known);
            let mut rows: HashMap<_, _> =
                rows.into_iter().map(|turn| (turn.message.clone(), turn)).collect();
            known = self.turns_by_events(session)?;
            for turn in &mut known {
                if let Some(row) = rows.remove(&turn.message) {
                    *turn = row;
                }
            }
        }
        Ok(places(session, &known))
    }

    /// The turns of a session as its events tell of them, whatever rows there are.
    fn turns_by_events(&self, session: &str) -> Result<Vec<Turn>, Error> {
        let created_us = turns::created_us(&self.connection, session)?;
        let ids = "SELECT id FROM messages WHERE session = ?1 ORDER BY id";
        let mut select = self.connection.prepare_cached(ids)?;
        let ids = select.query_map([session], |row| row.get(0))?;
        let ids: Vec<String> = ids.collect::<Result<_, _>>()?;
        let mut found: Vec<Turn> = Vec::new();
        // Of those that go on, the spool.
        let mut open: Vec<(usize, i64)> = Vec::new();
        let mut known = HashSet::new();
        // What is before a turn that has ended lost its begin: see `Batch::turn`.
        let mut newest_ended = String::new();
        let mut last: BTreeMap<i64, i64> = BTreeMap::new();
        let sql = format!(
            "SELECT id, at_us, kind, spool, {} FROM events
             WHERE session = ?1 AND {EVENT_STAYS} ORDER BY id",
            Stored::COLUMNS
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let mut parts = PartReader::new(&self.connection)?;
        let mut rows = select.query([session])?;
        while let Some(row) = rows.next()? {
            let (id, at_us, spool): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(3)?);
            last.insert(spool, id);
            let kind: String = row.get(2)?;
            if !matches!(kind.as_str(), "message.updated" | "session.idle" | "session.status") {
                continue;
            }
            let body = Stored::read(row)?.body(&mut parts).ok();
            let Some(body) = body.and_then(|body| String::from_utf8(body).ok()) else { continue };
            let fact = event::read_fact(&kind, &body);
            if fact == Some(event::Fact::Idle) {
                open.retain(|(turn, of)| {
                    let ends = *of == spool;
                    if let Some(turn) = found.get_mut(*turn).filter(|_| ends) {
                        turn.ended = Some(id);
                        newest_ended = turn.message.clone().max(std::mem::take(&mut newest_ended));
                    }
                    !ends
                });
                continue;
            }
            let event = event::Event { fact, ..event::Event::default() };
            let Some(message) = turns::prompt(&event, at_us, |_| Ok(created_us))? else { continue };
            if message.id > newest_ended && known.insert(message.id.clone()) {
                open.push((found.len(), spool));
                let number = ids.partition_point(|id| *id < message.id) as u64;
                let message = message.id.clone();
                found.push(Turn { message, began: id, ended: None, number });
            }
        }
        for (turn, spool) in open {
            let going_on = "SELECT 1 FROM spools WHERE id = ?1 AND ended_us IS NULL";
            let going_on = self.connection.prepare_cached(going_on)?.exists([spool])?;
            if let Some(turn) = found.get_mut(turn).filter(|_| !going_on) {
                turn.ended = last.get(&spool).copied();
            }
        }
        Ok(found)
    }

    /// Where a turn is by its row.
    fn place(&self, session: &str, message: &str) -> Result<Option<TurnPlace>, Error> {
        let sql = format!(
            "SELECT {} FROM turns WHERE session = ?1 AND message = ?2 AND {TURN_STAYS}",
            Turn::COLUMNS
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let Some(turn) = select.query_row([session, message], Turn::read).optional()? else {
            return Ok(None);
        };
        let after = |event: i64| {
            let sql = "SELECT began, message FROM turns WHERE session = ?1 AND began > ?2
                 ORDER BY began LIMIT 1";
            let mut select = self.connection.prepare_cached(sql)?;
            select
                .query_row(params![session, event], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        };
        let until = turn.ended.map(after).transpose()?.flatten();
        let next = after(turn.began)?.map(|(event, _)| event);
        Ok(Some(TurnPlace {
            session: session.to_owned(),
            message: turn.message,
            is_open: turn.ended.is_none(),
            began: turn.began,
            until,
            next,
            number: turn.number,
        }))
    }

    fn recorded_at(&self, place: &TurnPlace) -> Result<Recorded, Error> {
        let until = place.until.as_ref().map_or(i64::MAX, |(event, _)| *event);
        let began_us = self.event_us(place.began)?.unwrap_or_default();
        Ok(Recorded {
            session: self.session_facts(&place.session)?,
            message: place.message.clone(),
            origin: self.origin(place, began_us)?,
            events: self.events_of_turn(&place.session, place.began, until)?,
            exchanges: self.exchanges_of_turn(place, began_us)?,
            numbers: self.numbers(place)?,
        })
    }

    fn event_us(&self, event: i64) -> Result<Option<i64>, Error> {
        let sql = "SELECT at_us FROM event_rows WHERE id = ?1";
        Ok(self.connection.prepare_cached(sql)?.query_row([event], |row| row.get(0)).optional()?)
    }

    fn session_facts(&self, session: &str) -> Result<SessionFacts, Error> {
        let sql = "SELECT title, directory, version FROM sessions WHERE id = ?1";
        let facts = self
            .connection
            .prepare_cached(sql)?
            .query_row([session], |row| {
                let title: Option<String> = row.get(0)?;
                Ok(SessionFacts {
                    id: session.to_owned(),
                    title: title.filter(|title| !session::is_placeholder_title(title)),
                    directory: row.get(1)?,
                    version: row.get(2)?,
                })
            })
            .optional()?;
        // One that only the wire tells of.
        Ok(facts
            .unwrap_or_else(|| SessionFacts { id: session.to_owned(), ..SessionFacts::default() }))
    }

    /// Without those that say nothing of a turn that others do not, which may be large; of what a tool told while it went on,
    /// the newest alone has its long texts.
    fn events_of_turn(
        &self,
        session: &str,
        from: i64,
        until: i64,
    ) -> Result<Vec<EventRecord>, Error> {
        let condition = "session = ?1 AND id >= ?2 AND id < ?3
            AND kind NOT LIKE 'hook.%' AND kind <> 'session.diff'";
        let mut events: Vec<EventRecord> = Vec::new();
        let mut going_on = HashMap::new();
        let every = |_, _: &str| true;
        self.each_event_where(condition, params![session, from, until], every, |event| {
            if let Some((part, status)) = tool_at_work(&event) {
                let before = match status {
                    ToolStatus::Running => going_on.insert(part, events.len()),
                    ToolStatus::Completed | ToolStatus::Failed => going_on.remove(&part),
                };
                if let Some(before) = before.and_then(|at| events.get_mut(at)) {
                    let state = before.body.pointer_mut("/part/state");
                    let state = state.and_then(Value::as_object_mut);
                    let told = state.into_iter().flat_map(|state| state.iter_mut());
                    told.filter(|(name, _)| *name != "input").for_each(|(_, told)| shorten(told));
                }
            }
            events.push(event);
        })?;
        Ok(events)
    }

    /// Those for its message, and those that nobody knows the message of and that were sent before the next turn began.
    fn exchanges_of_turn(&self, place: &TurnPlace, from_us: i64) -> Result<Vec<Summary>, Error> {
        let next_us = place.next.map(|next| self.event_us(next)).transpose()?.flatten();
        let mut found = self.exchanges_where(
            "message = ?2 AND session = ?1 ORDER BY sent_us, id",
            params![place.session, place.message],
        )?;
        found.extend(self.exchanges_where(
            "session = ?1 AND message IS NULL AND sent_us >= ?2 AND sent_us < ?3
             ORDER BY sent_us, id",
            params![place.session, from_us, next_us.unwrap_or(i64::MAX)],
        )?);
        Ok(found)
    }

    /// The numbers of its messages, and of those of turns that began while it went on.
    fn numbers(&self, place: &TurnPlace) -> Result<BTreeMap<String, u64>, Error> {
        let until = place.until.as_ref().map_or(LAST_ID, |(_, message)| message);
        let sql = "SELECT id FROM messages WHERE session = ?1 AND id > ?2 AND id < ?3 ORDER BY id";
        let mut select = self.connection.prepare_cached(sql)?;
        let later = select.query_map([&place.session, &place.message, until], |row| row.get(0))?;
        let mut numbers = BTreeMap::from([(place.message.clone(), place.number)]);
        for (number, message) in (place.number + 1..).zip(later) {
            numbers.insert(message?, number);
        }
        Ok(numbers)
    }

    /// The `task` calls that lead to a turn, from call to call up to the session that the user talks to. A call leads to
    /// the turns of its session that begin while it goes on; what a user asks there later is a turn of its own.
    fn origin(&self, place: &TurnPlace, began_us: i64) -> Result<Origin, Error> {
        let mut origin = Origin {
            root: SessionFacts::default(),
            root_message: place.message.clone(),
            parent: None,
            path: Vec::new(),
        };
        let (mut session, mut at_us) = (place.session.clone(), began_us);
        while origin.path.len() < DEEPEST {
            let Some(call) = self.call_to(&session, at_us, place.began)? else { break };
            origin.path.push(Step {
                tool: call.tool,
                message: self.number(&call.place.session, &call.prompt, &call.place.message)?,
                child: std::mem::replace(&mut session, call.place.session.clone()),
            });
            origin.root_message = call.prompt;
            at_us = call.at_us;
            origin.parent.get_or_insert(call.place);
        }
        origin.path.reverse();
        origin.root = self.session_facts(&session)?;
        Ok(origin)
    }

    /// The call that was at work on this session then, in a turn that went on when this event came.
    fn call_to(&self, session: &str, at_us: i64, event: i64) -> Result<Option<Call>, Error> {
        let sql = "SELECT tools.session, tools.message, coalesce(tools.call, ''), tools.tool, tools.at_us,
                 messages.parent
             FROM tools JOIN messages ON messages.id = tools.message
             LEFT JOIN turns ON turns.session = tools.session AND turns.message = messages.parent
             WHERE tools.child = ?1 AND tools.session <> ?1 AND messages.parent IS NOT NULL
                 AND tools.at_us <= ?2
                 -- OpenCode's clock has whole milliseconds.
                 AND (tools.ended_us IS NULL OR tools.ended_us + 999 >= ?2)
                 AND (turns.ended IS NULL OR turns.ended >= ?3)
             ORDER BY tools.at_us DESC, tools.id DESC LIMIT 1";
        let mut select = self.connection.prepare_cached(sql)?;
        let call = select.query_row(params![session, at_us, event], |row| {
            Ok(Call {
                place: CallPlace { session: row.get(0)?, message: row.get(1)?, call: row.get(2)? },
                tool: row.get(3)?,
                at_us: row.get(4)?,
                prompt: row.get(5)?,
            })
        });
        Ok(call.optional()?)
    }

    /// The number of a message in its session, which answers a prompt there.
    fn number(&self, session: &str, prompt: &str, message: &str) -> Result<u64, Error> {
        let sql = "SELECT coalesce(
                 (SELECT number + (SELECT count(*) FROM messages
                      WHERE session = ?1 AND id >= ?2 AND id < ?3)
                  FROM turns WHERE session = ?1 AND message = ?2),
                 (SELECT count(*) FROM messages WHERE session = ?1 AND id < ?3))";
        let mut select = self.connection.prepare_cached(sql)?;
        let number: i64 = select.query_row([session, prompt, message], |row| row.get(0))?;
        Ok(number.cast_unsigned())
    }
}

/// A call that led to a turn.
struct Call {
    place: CallPlace,
    tool: String,
    /// When it was first heard of.
    at_us: i64,
    /// The user message that its own turn answers.
    prompt: String,
}

/// Where turns are that are in the order of their begin.
fn places(session: &str, turns: &[Turn]) -> Vec<TurnPlace> {
    let place = |at: usize, turn: &Turn| {
        let until = turn.ended.and_then(|ended| {
            let next = turns.get(turns.partition_point(|other| other.began <= ended))?;
            Some((next.began, next.message.clone()))
        });
        TurnPlace {
            session: session.to_owned(),
            message: turn.message.clone(),
            is_open: turn.ended.is_none(),
            began: turn.began,
            until,
            next: turns.get(at + 1).map(|next| next.began),
            number: turn.number,
        }
    };
    turns.iter().enumerate().map(|(at, turn)| place(at, turn)).collect()
}
