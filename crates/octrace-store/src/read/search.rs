//! Search: what was recorded, by its words.

use std::collections::{BTreeMap, HashMap, HashSet};

use octrace_core::{
    exchange::{Purpose, Summary},
    filter::Said,
    search::{Found, Fragment, IndexWord, Passage, Query, Role, is_inside_string},
    session,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::calls::{CallsOf, is_of_calls};
use crate::{
    Error, Tape,
    body::{self, Entry, Insertion},
    index::{language, passages},
    layout::{self, Walk},
    part::PartReader,
    prune::EXCHANGE_STAYS,
    uses::parts_of,
};

/// What was found at one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// OpenCode's id of the session.
    pub session: String,
    /// The session's title, once there is one.
    pub title: Option<String>,
    /// The how many-eth prompt of the session it belongs to, from 1; `None` for a request that answers none.
    pub turn: Option<u64>,
    /// The user message with this prompt.
    pub message: Option<String>,
    /// Whose words they are.
    pub role: Role,
    /// The exchange where they were first seen: what `octrace request ID` takes.
    pub exchange: i64,
    /// When it was sent, µs since the Unix epoch.
    pub sent_us: i64,
    /// The text around it, in pieces.
    pub snippet: Vec<Fragment>,
}

/// What a search gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hits {
    /// Newest first.
    pub hits: Vec<Hit>,
    /// Whether there may be older ones.
    pub more: bool,
}

/// Which words count.
pub struct Wanted<'a> {
    /// Those that this fits.
    pub fits: &'a mut dyn FnMut(Said<'_>) -> bool,
    /// Whether that can depend on the tool calls that they are of, which then have to be found out.
    pub of_calls: bool,
}

/// Parts of a session: the exchange that each was first seen in, and the tool calls that it is of.
type Parts = HashMap<i64, (i64, Option<usize>)>;

/// When there are hits enough, so many more places are looked at for an earlier use of theirs.
const BEYOND: usize = 256;

/// A place to look at, in the order to do it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Part(i64),
    /// The exchange's error.
    Error(String),
}

impl Tape {
    /// Where the query is found, once per session for the same words of the same role, where they were first
    /// seen. At most `limit` hits.
    ///
    /// # Errors
    /// When the tape cannot be read. A part that is damaged is passed over.
    pub fn search(
        &self,
        query: &Query,
        session: Option<&str>,
        limit: usize,
    ) -> Result<Hits, Error> {
        self.search_where(query, session, limit, None, |_| true)
    }

    /// The same, of what is said in a role that is wanted, and where only some words are `wanted`, of those: where they
    /// were first seen in an exchange that makes them fit. To know that, every place has to be looked up.
    ///
    /// # Errors
    /// As [`Tape::search`].
    pub fn search_where(
        &self,
        query: &Query,
        session: Option<&str>,
        limit: usize,
        wanted: Option<Wanted<'_>>,
        role_wanted: impl Fn(Role) -> bool,
    ) -> Result<Hits, Error> {
        let mut places = self.places(query, session)?;
        let mut reader = Reader::new(&self.connection)?;
        if let Some(wanted) = wanted {
            places = self.wanted(places, wanted, |exchange, place| {
                Ok(reader.see(query, exchange, place)?.map(|(_, role, _)| role))
            })?;
        }
        let mut known: HashMap<(String, Role, blake3::Hash), usize> = HashMap::new();
        let mut hits: Vec<Hit> = Vec::new();
        let (mut more, mut beyond) = (false, 0);
        for (exchange, place) in places {
            if hits.len() >= limit {
                beyond += 1;
                if beyond > BEYOND {
                    more = true;
                    break;
                }
            }
            let Some((found, role, text)) = reader.see(query, exchange, &place)? else { continue };
            if !role_wanted(role) {
                continue;
            }
            let Some(hit) = self.hit(exchange, role, found)? else { continue };
            let key = (hit.session.clone(), role, text);
            match known.get(&key) {
                Some(place) => {
                    if let Some(earlier) = hits.get_mut(*place) {
                        *earlier = hit;
                    }
                }
                None if hits.len() >= limit => more = true,
                None => {
                    known.insert(key, hits.len());
                    hits.push(hit);
                }
            }
        }
        for hit in &mut hits {
            hit.turn = self.turn_of(hit)?;
        }
        hits.sort_by_key(|hit| std::cmp::Reverse((hit.sent_us, hit.exchange)));
        Ok(Hits { hits, more })
    }

    /// Every exchange that has it and was the first to do so in its session, with the session. Where that is a request
    /// for a title or the like, the first one of the conversation as well: both are sent at once. Oldest first.
    ///
    /// # Errors
    /// As [`Tape::search`].
    pub fn places_of(
        &self,
        query: &Query,
        session: Option<&str>,
    ) -> Result<Vec<(String, i64)>, Error> {
        let sql =
            format!("SELECT session, purpose FROM exchanges WHERE id = ?1 AND {EXCHANGE_STAYS}");
        let mut select = self.connection.prepare_cached(&sql)?;
        let mut reader = Reader::new(&self.connection)?;
        let mut staying = |exchange: i64| {
            let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
            select.query_row([exchange], read).optional()
        };
        let mut found: BTreeMap<i64, String> = BTreeMap::new();
        let mut meta = Vec::new();
        for (exchange, place) in self.places(query, session)? {
            if reader.see(query, exchange, &place)?.is_none() {
                continue;
            }
            // What is gone by now, or going, is no place.
            let Some((session, purpose)) = staying(exchange)? else { continue };
            found.insert(exchange, session);
            if Purpose::parse(&purpose).is_meta() {
                meta.push((exchange, place, None));
            }
        }
        for (exchange, _) in self.later(&meta, |summary, _| !summary.purpose.is_meta())? {
            found.extend(staying(exchange)?.map(|(session, _)| (exchange, session)));
        }
        Ok(found.into_iter().map(|(exchange, session)| (session, exchange)).collect())
    }

    /// Those of the places whose words are `wanted`; for the others, where they stand next in an exchange that makes them
    /// fit. `role`: whose words they are, if they are what is looked for.
    fn wanted(
        &self,
        places: Vec<(i64, Place)>,
        wanted: Wanted<'_>,
        mut role: impl FnMut(i64, &Place) -> Result<Option<Role>, Error>,
    ) -> Result<Vec<(i64, Place)>, Error> {
        let Wanted { fits, of_calls } = wanted;
        let mut calls = CallsOf::new(&self.connection);
        let (mut counting, mut others) = (Vec::new(), Vec::new());
        let mut last: Option<(Summary, bool)> = None;
        for (exchange, place) in places {
            if last.as_ref().is_none_or(|(summary, _)| summary.id != exchange) {
                let Some(summary) = self.summary(exchange)? else { continue };
                let alone = fits(Said { exchange: &summary, calls: None });
                last = Some((summary, alone));
            }
            let Some((summary, mut counts)) = last.as_ref().map(|(row, alone)| (row, *alone))
            else {
                continue;
            };
            let mut around = match place {
                Place::Part(part) if of_calls => calls.of(&summary.session, exchange, part)?,
                Place::Part(_) | Place::Error(_) => None,
            };
            if around.is_some() {
                match role(exchange, &place)? {
                    None => continue,
                    Some(role) if is_of_calls(role) => {
                        counts = fits(Said { exchange: summary, calls: calls.get(around) });
                    }
                    Some(_) => around = None,
                }
            }
            if counts {
                counting.push((exchange, place));
            } else {
                others.push((exchange, place, around));
            }
        }
        counting.extend(self.later(&others, |exchange, around| {
            fits(Said { exchange, calls: calls.get(around) })
        })?);
        counting.sort_unstable_by(|a, b| b.cmp(a));
        Ok(counting)
    }

    /// The same parts in the first exchange after theirs that is `wanted` for what is of these tool calls, and has them;
    /// nothing for those that no such exchange has.
    fn later(
        &self,
        places: &[(i64, Place, Option<usize>)],
        mut wanted: impl FnMut(&Summary, Option<usize>) -> bool,
    ) -> Result<Vec<(i64, Place)>, Error> {
        let mut select =
            self.connection.prepare_cached("SELECT session FROM exchanges WHERE id = ?1")?;
        let mut missing: HashMap<String, Parts> = HashMap::new();
        for (exchange, place, calls) in places {
            let Place::Part(part) = place else { continue };
            let session = select.query_row([exchange], |row| row.get(0)).optional()?;
            if let Some(session) = session {
                missing.entry(session).or_default().insert(*part, (*exchange, *calls));
            }
        }
        let mut later = Vec::new();
        for (session, mut missing) in missing {
            let first = missing.values().map(|(exchange, _)| *exchange).min().unwrap_or_default();
            let all_calls: HashSet<Option<usize>> =
                missing.values().map(|(_, calls)| *calls).collect();
            let rows = self.exchanges(&session)?;
            let mut ids: HashSet<(i64, Option<usize>)> = HashSet::new();
            for row in rows.iter().filter(|row| row.id > first) {
                let wanted = all_calls.iter().filter(|calls| wanted(row, **calls));
                ids.extend(wanted.map(|calls| (row.id, *calls)));
            }
            let Some(last) = ids.iter().map(|(exchange, _)| *exchange).max() else { continue };
            layout::walk(&self.connection, &session, first, |exchange, entries, response| {
                for part in parts_of(entries).chain(response) {
                    let is_there = missing.get(&part).is_some_and(|(first, calls)| {
                        *first < exchange && ids.contains(&(exchange, *calls))
                    });
                    if is_there {
                        missing.remove(&part);
                        later.push((exchange, Place::Part(part)));
                    }
                }
                let done = missing.is_empty() || exchange >= last;
                Ok(if done { Walk::Stop } else { Walk::On })
            })?;
        }
        Ok(later)
    }

    /// Where it may be, in the order to look there: the newest exchange first.
    fn places(&self, query: &Query, session: Option<&str>) -> Result<Vec<(i64, Place)>, Error> {
        let mut places = self.parts(query, session)?;
        places.extend(self.errors(query, session)?);
        places.sort_unstable_by(|a, b| b.cmp(a));
        Ok(places)
    }

    /// Parts that may have it, each with the exchange that used it first in a session.
    fn parts(&self, query: &Query, session: Option<&str>) -> Result<Vec<(i64, Place)>, Error> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, Place::Part(row.get(1)?)));
        let of_session = "?1 IS NULL OR exchange IN (SELECT id FROM exchanges WHERE session = ?1)";
        let words = query.index_words();
        let rows = if words.is_empty() {
            let sql = format!("SELECT exchange, part FROM uses WHERE {of_session}");
            let mut select = self.connection.prepare_cached(&sql)?;
            select.query_map([session], read)?.collect::<Result<_, _>>()?
        } else {
            let sql = format!(
                "SELECT exchange, part FROM uses WHERE ({of_session}) AND part IN (
                     SELECT rowid FROM part_words WHERE part_words MATCH ?2
                     UNION ALL SELECT part FROM unindexed)"
            );
            let mut select = self.connection.prepare_cached(&sql)?;
            select
                .query_map(params![session, expression(&words)], read)?
                .collect::<Result<_, _>>()?
        };
        Ok(rows)
    }

    /// Exchanges whose error has it: a transport's error is in no body.
    fn errors(&self, query: &Query, session: Option<&str>) -> Result<Vec<(i64, Place)>, Error> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, error FROM exchanges INDEXED BY exchanges_failed
             WHERE error IS NOT NULL AND (?1 IS NULL OR session = ?1)",
        )?;
        let mut rows = select.query([session])?;
        let mut places = Vec::new();
        while let Some(row) = rows.next()? {
            let error: String = row.get(1)?;
            let passage = Passage { role: Role::Error, text: error.as_str().into() };
            if query.find(&[passage]).is_some() {
                places.push((row.get(0)?, Place::Error(error)));
            }
        }
        Ok(places)
    }

    /// A hit in this exchange, its turn still to be told; `None` where it is gone by now, or going.
    fn hit(&self, exchange: i64, role: Role, found: Found) -> Result<Option<Hit>, Error> {
        let sql = format!(
            "SELECT session, title, message, sent_us FROM exchanges
             LEFT JOIN sessions ON sessions.id = session WHERE exchanges.id = ?1 AND {EXCHANGE_STAYS}"
        );
        let hit = self
            .connection
            .prepare_cached(&sql)?
            .query_row([exchange], |row| {
                let title: Option<String> = row.get(1)?;
                Ok(Hit {
                    session: row.get(0)?,
                    title: title.filter(|title| !session::is_placeholder_title(title)),
                    turn: None,
                    message: row.get(2)?,
                    role,
                    exchange,
                    sent_us: row.get(3)?,
                    snippet: found.snippet,
                })
            })
            .optional()?;
        Ok(hit)
    }

    /// The how many-eth prompt this is, by the requests that answer one.
    fn turn_of(&self, hit: &Hit) -> Result<Option<u64>, Error> {
        if hit.message.is_none() {
            return Ok(None);
        }
        let turns: i64 = self
            .connection
            .prepare_cached(
                "SELECT count(DISTINCT message) FROM exchanges WHERE session = ?1 AND id <= ?2",
            )?
            .query_row(params![hit.session, hit.exchange], |row| row.get(0))?;
        Ok(Some(turns.cast_unsigned()))
    }
}

/// Where the query is found, whose words that is, and which.
type Seen = (Found, Role, blake3::Hash);

/// Reads parts where they stand.
struct Reader<'t> {
    tape: &'t Connection,
    parts: PartReader<'t>,
    /// The last exchange whose body was looked at, and what it is made of.
    last: (i64, Vec<Entry>),
    /// Parts that were looked at in vain.
    without: HashSet<i64>,
}

impl<'t> Reader<'t> {
    fn new(tape: &'t Connection) -> Result<Self, Error> {
        Ok(Self {
            tape,
            parts: PartReader::new(tape)?,
            last: (0, Vec::new()),
            without: HashSet::new(),
        })
    }

    /// Whether this place of an exchange has it.
    fn see(&mut self, query: &Query, exchange: i64, place: &Place) -> Result<Option<Seen>, Error> {
        let part = match place {
            Place::Error(error) => {
                return Ok(see(
                    query,
                    &[Passage { role: Role::Error, text: error.as_str().into() }],
                ));
            }
            Place::Part(part) if self.without.contains(part) => return Ok(None),
            Place::Part(part) => *part,
        };
        let seen = self.see_part(query, exchange, part)?;
        if seen.is_none() {
            self.without.insert(part);
        }
        Ok(seen)
    }

    /// Whether a part of this exchange has it. One that is damaged has not, nor one that was pruned a moment ago.
    fn see_part(&mut self, query: &Query, exchange: i64, part: i64) -> Result<Option<Seen>, Error> {
        let language = language(self.tape, part, exchange)?;
        let bytes = match self.parts.get(part) {
            Ok(bytes) => bytes,
            Err(Error::Damaged { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let alone = passages(&bytes, language.as_ref(), |all| see(query, all));
        if alone.is_none() || language.is_some() || !is_inside_string(&bytes) {
            return Ok(alone);
        }
        match self.element(exchange, part) {
            Ok(Some(element)) => Ok(passages(&element, None, |all| see(query, all))),
            Ok(None) | Err(Error::Damaged { .. } | Error::Body(_)) => Ok(alone),
            Err(error) => Err(error),
        }
    }

    /// The element that this part was set aside from, with nothing else put back; `None` for a part that is none.
    fn element(&mut self, exchange: i64, part: i64) -> Result<Option<Vec<u8>>, Error> {
        if self.last.0 != exchange {
            self.last = (exchange, layout::read(self.tape, exchange)?);
        }
        for entry in &self.last.1 {
            let has = |insertion: &&Insertion| insertion.part == part;
            if let Some(insertion) = entry.insertions.iter().find(has) {
                let element = Entry { comma: false, insertions: vec![*insertion], ..*entry };
                return body::restore(&[element], |part, body| self.parts.append(part, body))
                    .map(Some);
            }
        }
        Ok(None)
    }
}

fn see(query: &Query, all: &[Passage<'_>]) -> Option<Seen> {
    let found = query.find(all)?;
    let passage = all.get(found.passage)?;
    Some((found, passage.role, blake3::hash(passage.text.trim().as_bytes())))
}

/// The words as FTS5 wants them: each in quotes, so that none is taken for an operator.
fn expression(words: &[IndexWord]) -> String {
    let quoted = |word: &IndexWord| {
        let star = if word.prefix { "*" } else { "" };
        format!("\"{}\"{star}", word.word)
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}
