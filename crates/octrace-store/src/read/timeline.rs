//! A session row by row, for whoever watches it.
//!
//! The first screen wants the newest rows at once; what is compared with what ([`Thread`]) can only be told in the order
//! of sending. So [`Tape::timeline`] reads the newest rows, and enough before them that what is seen of them first is
//! right. [`Tape::timeline_goes_on`] reads all of them in order, the newest once more; when it is through, the same call
//! tells what changed, for as long as somebody watches. What it costs then depends on what changed alone: new rows have
//! higher numbers than all before them, and only what was under way can become another.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use octrace_core::{
    exchange::{Outcome, Purpose},
    provider::Usage,
    timeline::{ExchangeRow, PromptRow, Row, RowId, Thread, ToolRow},
};
use rusqlite::{OptionalExtension, Params, params};

use crate::{Error, Tape, conversation};

/// The newest rows come with so many exchanges read before them.
const BEFORE: usize = 100;

// An error in a row is its first 400 characters.
const EXCHANGE: &str =
    "id, ordinal, sent_us, purpose, agent, provider, model, message, assistant, status, outcome,
    substr(error, 1, 400), request_bytes, response_bytes, head_after_us, first_content_after_us,
    last_byte_after_us, end_after_us, input_tokens, output_tokens, reasoning_tokens,
    cache_read_tokens, cache_write_tokens, cost_usd, finish";

const TOOL: &str =
    "id, at_us, message, tool, subject, status, exit, error, started_us, ended_us, child";

const PROMPT: &str = "id, at_us, text";

/// How far a session's timeline was read.
#[derive(Default)]
pub struct Timeline {
    session: String,
    thread: Thread,
    names: Names,
    /// What was read in order, by kind: the numbers, rising.
    exchanges: Vec<i64>,
    tools: Vec<i64>,
    prompts: Vec<i64>,
    /// Rows that may become others, as they were given.
    open: BTreeMap<RowId, Row>,
    /// Of the tape, when it was last looked at whether something was pruned.
    generation: Option<i64>,
}

/// What is to be said of a timeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// New rows, and known ones as they are now; in any order.
    pub rows: Vec<Row>,
    /// Rows that are gone.
    pub gone: Vec<RowId>,
    /// How many exchanges are yet to be read; 0 once everything is known.
    pub left: u64,
}

/// Few names stand in many rows: each is in memory once.
#[derive(Default)]
struct Names {
    known: HashSet<Arc<str>>,
    /// Messages are many, and mostly those of the row before.
    message: Option<Arc<str>>,
    assistant: Option<Arc<str>>,
}

impl Names {
    fn name(&mut self, name: Option<&str>) -> Option<Arc<str>> {
        let name = name?;
        if let Some(known) = self.known.get(name) {
            return Some(known.clone());
        }
        let name: Arc<str> = name.into();
        self.known.insert(name.clone());
        Some(name)
    }
}

/// The same message as the row before, or another one.
fn again(before: &mut Option<Arc<str>>, id: Option<&str>) -> Option<Arc<str>> {
    if before.as_deref() != id {
        *before = id.map(Arc::from);
    }
    before.clone()
}

impl Tape {
    /// The newest rows of a session, at most `limit` of each kind, and where [`Tape::timeline_goes_on`] begins. What is
    /// compared with what is as far as can be told from so many.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn timeline(&self, session: &str, limit: usize) -> Result<(Timeline, Vec<Row>), Error> {
        let mut timeline = Timeline { session: session.to_owned(), ..Timeline::default() };
        // Of one moment.
        let _moment = self.connection.unchecked_transaction()?;
        if !self.is_there(session)? {
            return Ok((timeline, Vec::new()));
        }
        let names = &mut timeline.names;
        let backwards = |most: usize| params_of(session, i64::MAX, most);
        let mut exchanges = self.exchange_rows(
            "session = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
            backwards(limit + BEFORE),
            names,
        )?;
        exchanges.reverse();
        let mut thread = Thread::default();
        for row in &mut exchanges {
            thread.follow(row);
        }
        // What came before the first exchange of this piece comes with the next.
        let mut from_us = i64::MIN;
        if exchanges.len() > limit {
            exchanges.drain(..exchanges.len() - limit);
            from_us = exchanges.iter().map(|row| row.at_us).min().unwrap_or(from_us);
        }
        let newest = "session = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
        let tools = self.tool_rows(newest, backwards(limit), names)?;
        let prompts = self.prompt_rows(newest, backwards(limit))?;
        let mut rows: Vec<Row> = exchanges.into_iter().map(Row::from).collect();
        rows.extend(tools.into_iter().map(Row::from).filter(|row| row.at_us() >= from_us));
        rows.extend(prompts.into_iter().map(Row::from).filter(|row| row.at_us() >= from_us));
        rows.sort_by_key(Row::at_us);
        Ok((timeline, rows))
    }

    /// The next rows in the order of the tape, at most `limit` of each kind, and what became of those that were given
    /// as under way. To be called again as long as [`Changes::left`] is not 0, and whenever the tape has changed.
    ///
    /// # Errors
    /// When the tape cannot be read. Then it has to be begun again: something may have been told to nobody.
    pub fn timeline_goes_on(&self, at: &mut Timeline, limit: usize) -> Result<Changes, Error> {
        let _moment = self.connection.unchecked_transaction()?;
        let mut changes = Changes { gone: self.gone(at)?, ..Changes::default() };
        self.open_rows(at, &mut changes.rows)?;

        let next = "session = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        let after = |known: &[i64]| {
            params_of(&at.session, known.last().copied().unwrap_or(i64::MIN), limit)
        };
        let mut exchanges = self.exchange_rows(next, after(&at.exchanges), &mut at.names)?;
        for row in &mut exchanges {
            at.thread.follow(row);
        }
        let tools = self.tool_rows(next, after(&at.tools), &mut at.names)?;
        let prompts = self.prompt_rows(next, after(&at.prompts))?;
        let is_more = exchanges.len().max(tools.len()).max(prompts.len()) >= limit;

        at.exchanges.extend(exchanges.iter().map(|row| row.id));
        at.tools.extend(tools.iter().map(|row| row.number));
        at.prompts.extend(prompts.iter().map(|row| row.number));
        let new = exchanges.into_iter().map(Row::from);
        let new = new.chain(tools.into_iter().map(Row::from));
        let new: Vec<Row> = new.chain(prompts.into_iter().map(Row::from)).collect();
        at.open.extend(new.iter().filter(|row| may_change(row)).map(|row| (row.id(), row.clone())));
        // Those before the newest have all their parts.
        if let [.., settled, _, _] = at.prompts[..] {
            at.open.retain(|id, _| !matches!(id, RowId::Prompt(number) if *number <= settled));
        }
        changes.rows.extend(new);
        if is_more {
            changes.left = self.left(at)?.max(1);
        }
        Ok(changes)
    }

    /// The open rows that are not as they were given.
    fn open_rows(&self, at: &mut Timeline, rows: &mut Vec<Row>) -> Result<(), Error> {
        const ONE: &str = "session = ?1 AND id = ?2 LIMIT ?3";
        let ids: Vec<RowId> = at.open.keys().copied().collect();
        for id in ids {
            let one = |number| params_of(&at.session, number, 1);
            let now = match id {
                RowId::Exchange(number) => {
                    let mut found = self.exchange_rows(ONE, one(number), &mut at.names)?;
                    if let (Some(now), Some(Row::Exchange(before))) =
                        (found.first_mut(), at.open.get(&id))
                    {
                        (now.previous, now.growth, now.attempt) =
                            (before.previous, before.growth, before.attempt);
                        // The next one is another try, or not, by how this one ends.
                        at.thread.follow(&mut now.clone());
                    }
                    found.pop().map(Row::from)
                }
                RowId::Tool(number) => {
                    self.tool_rows(ONE, one(number), &mut at.names)?.pop().map(Row::from)
                }
                RowId::Prompt(number) => self.prompt_rows(ONE, one(number))?.pop().map(Row::from),
            };
            // What is gone is told by `gone`, in its time.
            let Some(now) = now else { continue };
            if !may_change(&now) {
                at.open.remove(&id);
            } else if at.open.get(&id) == Some(&now) {
                continue;
            } else {
                at.open.insert(id, now.clone());
            }
            rows.push(now);
        }
        Ok(())
    }

    /// The rows that were given in order and are there no more.
    fn gone(&self, at: &mut Timeline) -> Result<Vec<RowId>, Error> {
        let generation = self
            .connection
            .prepare_cached("SELECT generation FROM pruned")?
            .query_row([], |row| row.get(0))?;
        if at.generation.replace(generation) == Some(generation) {
            return Ok(Vec::new());
        }
        let is_there = self.is_there(&at.session)?;
        let mut gone = Vec::new();
        for (table, known, id) in [
            ("staying_exchanges", &mut at.exchanges, RowId::Exchange as fn(i64) -> RowId),
            ("staying_tools", &mut at.tools, RowId::Tool),
            ("prompts", &mut at.prompts, RowId::Prompt),
        ] {
            let Some(oldest) = known.first() else { continue };
            let exists = format!("SELECT 1 FROM {table} WHERE id = ?1");
            // Pruning takes the oldest, and others with it.
            if is_there && self.connection.prepare_cached(&exists)?.exists([oldest])? {
                continue;
            }
            let left = format!("SELECT id FROM {table} WHERE session = ?1 AND ?2 ORDER BY id");
            let left: HashSet<i64> = self
                .connection
                .prepare_cached(&left)?
                .query_map(params![at.session, is_there], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            gone.extend(known.iter().filter(|known| !left.contains(known)).map(|known| id(*known)));
            known.retain(|known| left.contains(known));
        }
        at.open.retain(|id, _| !gone.contains(id));
        Ok(gone)
    }

    fn is_there(&self, session: &str) -> Result<bool, Error> {
        Ok(self
            .connection
            .prepare_cached("SELECT 1 FROM sessions WHERE id = ?1")?
            .exists([session])?)
    }

    /// How many exchanges of the session were not read in order.
    fn left(&self, at: &Timeline) -> Result<u64, Error> {
        let all: Option<i64> = self
            .connection
            .prepare_cached("SELECT requests FROM sums WHERE session = ?1")?
            .query_row([&at.session], |row| row.get(0))
            .optional()?;
        let all = usize::try_from(all.unwrap_or_default()).unwrap_or_default();
        Ok(all.saturating_sub(at.exchanges.len()) as u64)
    }

    fn exchange_rows(
        &self,
        condition: &str,
        params: impl Params,
        names: &mut Names,
    ) -> Result<Vec<ExchangeRow>, Error> {
        let sql = format!("SELECT {EXCHANGE} FROM staying_exchanges WHERE {condition}");
        let mut select = self.connection.prepare_cached(&sql)?;
        let rows = select.query_map(params, |row| exchange(row, names))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn tool_rows(
        &self,
        condition: &str,
        params: impl Params,
        names: &mut Names,
    ) -> Result<Vec<ToolRow>, Error> {
        let sql = format!("SELECT {TOOL} FROM staying_tools WHERE {condition}");
        let mut select = self.connection.prepare_cached(&sql)?;
        let rows = select.query_map(params, |row| tool(row, names))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn prompt_rows(&self, condition: &str, params: impl Params) -> Result<Vec<PromptRow>, Error> {
        let sql = format!("SELECT {PROMPT} FROM prompts WHERE at_us IS NOT NULL AND {condition}");
        let mut select = self.connection.prepare_cached(&sql)?;
        let rows = select.query_map(params, |row| {
            Ok(PromptRow { number: row.get(0)?, at_us: row.get(1)?, text: boxed(row, 2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Session, number and limit, as the conditions have them.
fn params_of(session: &str, number: i64, limit: usize) -> (&str, i64, i64) {
    (session, number, i64::try_from(limit).unwrap_or(i64::MAX))
}

/// Whether a row may be another when it is looked at again. The parts of a prompt come after it.
fn may_change(row: &Row) -> bool {
    match row {
        Row::Prompt(_) => true,
        Row::Exchange(_) | Row::Tool(_) => row.is_open(),
    }
}

fn text<'a>(row: &'a rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<&'a str>> {
    Ok(row.get_ref(at)?.as_str_or_null()?)
}

fn boxed(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<Box<str>>> {
    Ok(text(row, at)?.map(Box::from))
}

fn exchange(row: &rusqlite::Row<'_>, names: &mut Names) -> rusqlite::Result<ExchangeRow> {
    let count = |at: usize| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)?.cast_unsigned());
    let tokens = |at: usize| {
        Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(i64::cast_unsigned))
    };
    let usage = match tokens(18)? {
        Some(input) => Some(Usage {
            input,
            output: tokens(19)?.unwrap_or_default(),
            reasoning: tokens(20)?.unwrap_or_default(),
            cache_read: tokens(21)?.unwrap_or_default(),
            cache_write: tokens(22)?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(ExchangeRow {
        id: row.get(0)?,
        ordinal: row.get(1)?,
        at_us: row.get(2)?,
        purpose: Purpose::parse(row.get_ref(3)?.as_str()?),
        agent: names.name(text(row, 4)?),
        provider: names.name(text(row, 5)?),
        model: names.name(text(row, 6)?),
        message: again(&mut names.message, text(row, 7)?),
        assistant: again(&mut names.assistant, text(row, 8)?),
        status: row.get(9)?,
        outcome: Outcome::parse(row.get_ref(10)?.as_str()?),
        error: boxed(row, 11)?,
        request_bytes: count(12)?,
        response_bytes: count(13)?,
        head_after_us: row.get(14)?,
        first_content_after_us: row.get(15)?,
        last_byte_after_us: row.get(16)?,
        end_after_us: row.get(17)?,
        usage,
        cost_usd: row.get(23)?,
        finish: names.name(text(row, 24)?),
        previous: None,
        growth: None,
        attempt: 1,
    })
}

fn tool(row: &rusqlite::Row<'_>, names: &mut Names) -> rusqlite::Result<ToolRow> {
    Ok(ToolRow {
        number: row.get(0)?,
        at_us: row.get(1)?,
        assistant: again(&mut names.assistant, text(row, 2)?),
        tool: names.name(text(row, 3)?).unwrap_or_default(),
        subject: boxed(row, 4)?.unwrap_or_default(),
        status: conversation::status(row.get_ref(5)?.as_str()?),
        exit: row.get(6)?,
        error: boxed(row, 7)?,
        started_us: row.get(8)?,
        ended_us: row.get(9)?,
        child: boxed(row, 10)?,
    })
}
