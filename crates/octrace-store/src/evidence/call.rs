//! When tool calls were at work, and what they were given: what attribution needs of them.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use octrace_core::{
    attribution::{
        timeline::{Call, CallId, Ended, FileHistory, Reach},
        track,
    },
    event::CallFact,
    session::ToolStatus,
};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::stays;
use crate::{Batch, Error, Tape, conversation, event::Stored, facts::Source, part::PartReader};

/// OpenCode has the times of calls in ms: a call may have ended so much later than it says, in µs.
const ROUNDED_US: i64 = 999;

/// The first event of a call may be seen so much later than it runs, in µs.
const HEARD_LATE_US: i64 = 60_000_000;

impl Batch<'_> {
    /// A call got further. What came first is said by the events' numbers, so that a clock that jumps says nothing, and
    /// repeating it changes nothing.
    pub(crate) fn call(
        &mut self,
        source: Source,
        session: &str,
        fact: &CallFact,
    ) -> Result<(), Error> {
        let tx = self.tx()?;
        let Source { event, at_us, .. } = source;
        match fact {
            CallFact::Before(call) | CallFact::Process(call) => tx
                .prepare_cached(
                    "INSERT INTO call_times (session, call, at_us, ran, ran_us) VALUES (?1, ?2, ?3, ?4, ?3)
                     ON CONFLICT DO UPDATE SET ran = excluded.ran, ran_us = excluded.ran_us
                     WHERE ran < excluded.ran",
                )?
                .execute(params![session, call, at_us, event])?,
            CallFact::Asked { call, request } => tx
                .prepare_cached(
                    "INSERT INTO call_times (session, call, at_us, asked, request) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE SET asked = excluded.asked, request = excluded.request
                     WHERE asked < excluded.asked",
                )?
                .execute(params![session, call, at_us, event, request])?,
            CallFact::Granted(request) => tx
                .prepare_cached(
                    "UPDATE call_times SET ran = ?3, ran_us = ?4
                     WHERE session = ?1 AND request = ?2 AND ran < ?3",
                )?
                .execute(params![session, request, event, at_us])?,
            CallFact::After(call) => tx
                .prepare_cached(
                    "INSERT INTO call_times (session, call, at_us, after_us) VALUES (?1, ?2, ?3, ?3)
                     ON CONFLICT DO UPDATE SET after_us = excluded.after_us
                     WHERE after_us IS NOT excluded.after_us",
                )?
                .execute(params![session, call, at_us])?,
        };
        Ok(())
    }
}

impl Tape {
    /// The calls that can have changed files and were at work at some time between these two (µs since the Unix epoch, both
    /// included), in the order in which they were first heard of. What can change nothing ([`Reach::Nothing`]) is not
    /// among them.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn calls_between(&self, from_us: i64, to_us: i64) -> Result<Vec<Call>, Error> {
        let mut calls = self.call_times_between(from_us, to_us)?;
        self.tell(&mut calls, |_| true)?;
        Ok(calls)
    }

    /// The same without what they were given and what came of them, which [`Tape::tell`] adds: a long tape has many calls,
    /// and few of them matter for a file.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn call_times_between(&self, from_us: i64, to_us: i64) -> Result<Vec<Call>, Error> {
        self.calls_where(
            "staying_tools.at_us <= ?2 AND (status = 'running'
                 OR max(coalesce(staying_tools.ended_us, 0), coalesce(after_us, 0)) >= ?1
                 OR coalesce(staying_tools.ended_us, after_us) IS NULL)",
            [from_us.saturating_sub(ROUNDED_US), to_us.saturating_add(HEARD_LATE_US)],
            |call| {
                call.ran_us.is_some_and(|ran_us| ran_us <= to_us)
                    && call.ended_us.is_none_or(|ended_us| ended_us >= from_us)
            },
        )
    }

    /// The calls that an assistant message asked for and that can have changed files.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn calls_of_message(&self, session: &str, message: &str) -> Result<Vec<Call>, Error> {
        let which = "staying_tools.session = ?1 AND staying_tools.message = ?2";
        let mut calls = self.calls_where(which, [session, message], |_| true)?;
        self.tell(&mut calls, |_| true)?;
        Ok(calls)
    }

    /// The call with this id, if it can have changed files.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn call(&self, id: &CallId) -> Result<Option<Call>, Error> {
        let which = "staying_tools.session = ?1 AND staying_tools.call = ?2";
        let mut calls = self.calls_where(which, [&id.session, &id.call], |_| true)?;
        self.tell(&mut calls, |_| true)?;
        Ok(calls.pop())
    }

    /// Adds to calls what the tracker asks of them for these files, and to no others: see [`track::asked`].
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn tell_asked(&self, files: &[FileHistory], calls: &mut [Call]) -> Result<(), Error> {
        let asked = track::asked(files, calls);
        self.tell(calls, |place| asked.contains(&place))
    }

    /// Adds what calls were given and what came of them ([`Call::input`], [`Call::metadata`]) to those of them, by their
    /// places, that are `wanted` and have none yet.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn tell(
        &self,
        calls: &mut [Call],
        mut wanted: impl FnMut(usize) -> bool,
    ) -> Result<(), Error> {
        // Of one moment: an event that is there when it is looked for has its parts.
        let moment = self.connection.unchecked_transaction()?;
        let mut events = Events::new(&moment)?;
        let mut select = moment.prepare_cached(
            "SELECT event FROM staying_tools
             WHERE session = ?1 AND message = ?2 AND call = ?3 ORDER BY id DESC LIMIT 1",
        )?;
        for (_, call) in calls.iter_mut().enumerate().filter(|(place, _)| wanted(*place)) {
            if !call.input.is_empty() {
                continue;
            }
            let event: Option<Option<i64>> = select
                .query_row([&call.id.session, &call.message, &call.id.call], |row| row.get(0))
                .optional()?;
            if let Some(event) = event.flatten() {
                (call.input, call.metadata) = events.told(event)?;
            }
        }
        Ok(())
    }

    fn calls_where(
        &self,
        which: &str,
        params: impl Params,
        is_wanted: impl Fn(&Call) -> bool,
    ) -> Result<Vec<Call>, Error> {
        let moment = self.connection.unchecked_transaction()?;
        let sql = format!(
            "SELECT staying_tools.session, staying_tools.call, staying_tools.message, tool, status, staying_tools.at_us,
                 staying_tools.started_us, staying_tools.ended_us, spools.id, asked, ran, ran_us, after_us,
                 coalesce(trees IN ('read', 'same') AND before IS NOT NULL AND after IS NOT NULL, 0),
                 steps.message IS NOT NULL, spools.ended_us
             FROM staying_tools LEFT JOIN call_times
                 ON call_times.session = staying_tools.session AND call_times.call = staying_tools.call
             LEFT JOIN steps ON steps.message = staying_tools.message
             LEFT JOIN event_rows ON event_rows.id = staying_tools.event
             LEFT JOIN spools ON spools.id = event_rows.spool
             WHERE staying_tools.call IS NOT NULL AND {which} ORDER BY staying_tools.id"
        );
        let mut select = moment.prepare_cached(&sql)?;
        let mut rows = select.query(params)?;
        let mut roots = HashMap::new();
        let mut watched = HashMap::new();
        let mut calls = Vec::new();
        while let Some(row) = rows.next()? {
            let mut call = call(row)?;
            let is_asked_for: bool = row.get(14)?;
            if call.reach() == Reach::Nothing || !is_asked_for && is_typed(&call) {
                continue;
            }
            if call.ended == Ended::Running {
                // Nothing of OpenCode outlives its process.
                call.ended_us = row.get(15)?;
            }
            if !is_wanted(&call) {
                continue;
            }
            let spool: Option<i64> = row.get(8)?;
            let place = (call.id.session.clone(), spool);
            let (root, directory) = match roots.entry(place) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(vacant) => vacant.insert(root(&moment, &call.id.session, spool)?),
            };
            if call.reach() == Reach::Named {
                let watched = match watched.entry(call.id.session.clone()) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(vacant) => {
                        vacant.insert(self::watched(&moment, &call.id.session)?)
                    }
                };
                call.unseen = !watched.contains(&call.id.call);
            }
            // OpenCode's snapshots are of the session's directory.
            call.compared &= root == directory;
            call.root.clone_from(root);
            calls.push(call);
        }
        Ok(calls)
    }
}

/// The columns `session, call, message, tool, status, at_us, started_us, ended_us, spool, asked, ran, ran_us, after_us,
/// compared`.
fn call(row: &Row<'_>) -> rusqlite::Result<Call> {
    let status = conversation::status(row.get_ref(4)?.as_str()?);
    let (heard_us, started_us): (i64, Option<i64>) = (row.get(5)?, row.get(6)?);
    let ended_us = row.get::<_, Option<i64>>(7)?.map(|at_us| at_us.saturating_add(ROUNDED_US));
    let after_us: Option<i64> = row.get(12)?;
    let [asked, ran] = [9, 10].map(|column| row.get::<_, Option<i64>>(column));
    let (asked, ran) = (asked?.unwrap_or(0), ran?.unwrap_or(0));
    let ran_us = match (asked, ran) {
        (asked, ran) if ran > asked => row.get(11)?,
        // Nobody saw how, but it ran.
        _ if status == ToolStatus::Completed => Some(started_us.unwrap_or(heard_us)),
        // No hook told of it; nor was anybody asked.
        (0, 0) => started_us,
        _ => None,
    };
    let (ended, ended_us) = match status {
        ToolStatus::Completed => (Ended::Well, after_us.or(ended_us)),
        ToolStatus::Failed => (Ended::Badly, ended_us),
        ToolStatus::Running => (Ended::Running, None),
    };
    Ok(Call {
        id: CallId { session: row.get(0)?, call: row.get(1)? },
        message: row.get(2)?,
        tool: row.get(3)?,
        ended,
        ran_us,
        ended_us,
        compared: row.get(13)?,
        ..Call::default()
    })
}

/// Whether it is a command that a person typed, if no step asked for it: OpenCode gives these ids of its own, ULIDs. What
/// it writes is a person's as if it had been typed elsewhere.
fn is_typed(call: &Call) -> bool {
    let is_of_ulid = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    call.tool == "bash" && call.id.call.len() == 26 && call.id.call.bytes().all(is_of_ulid)
}

/// The calls of a session for which files were looked at.
fn watched(tape: &Connection, session: &str) -> Result<HashSet<String>, Error> {
    let sql = format!(
        "SELECT DISTINCT subject FROM observations
         WHERE session = ?1 AND moment IN ('before', 'permitted', 'after') AND {}",
        stays("observations")
    );
    let mut select = tape.prepare_cached(&sql)?;
    let rows = select.query_map([session], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The work tree that a session works in: its own directory where OpenCode knows of none. Then that directory.
fn root(tape: &Connection, session: &str, spool: Option<i64>) -> Result<(String, String), Error> {
    let root = tape
        .prepare_cached(
            "SELECT coalesce(
                 (SELECT nullif(nullif(worktree, ''), '/') FROM instances
                     WHERE instances.directory = sessions.directory
                     ORDER BY spool = ?2 DESC, spool DESC LIMIT 1),
                 directory, ''), coalesce(directory, '')
             FROM sessions WHERE id = ?1",
        )?
        .query_row(params![session, spool], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(root.unwrap_or_default())
}

/// What events tell of calls.
struct Events<'t> {
    tape: &'t Connection,
    reader: PartReader<'t>,
}

impl<'t> Events<'t> {
    fn new(tape: &'t Connection) -> Result<Self, Error> {
        Ok(Self { tape, reader: PartReader::new(tape)? })
    }

    /// Input and metadata, as JSON text. What is damaged or gone tells nothing.
    fn told(&mut self, event: i64) -> Result<(String, String), Error> {
        #[derive(Deserialize)]
        struct Properties<'a> {
            #[serde(borrow)]
            part: Part<'a>,
        }
        #[derive(Deserialize)]
        struct Part<'a> {
            #[serde(borrow)]
            state: State<'a>,
        }
        #[derive(Deserialize)]
        struct State<'a> {
            #[serde(borrow)]
            input: Option<&'a RawValue>,
            #[serde(borrow)]
            metadata: Option<&'a RawValue>,
        }
        let sql = format!("SELECT {} FROM event_rows WHERE id = ?1", Stored::COLUMNS);
        let body = self
            .tape
            .prepare_cached(&sql)?
            .query_row([event], |row| Ok(Stored::read(row)?.body(&mut self.reader)))
            .optional()?;
        let body = match body {
            Some(Ok(body)) => body,
            None => return Ok(Default::default()),
            Some(Err(error)) if error.is_damage() => return Ok(Default::default()),
            Some(Err(error)) => return Err(error),
        };
        let Ok(told) = serde_json::from_slice::<Properties<'_>>(&body) else {
            return Ok(Default::default());
        };
        let text = |value: Option<&RawValue>| value.map(|value| value.get().to_owned());
        let State { input, metadata } = told.part.state;
        Ok((text(input).unwrap_or_default(), text(metadata).unwrap_or_default()))
    }
}
