//! Layouts: which parts make up the body of a request, written as what changed since the request
//! before it in the same line of conversation.
//!
//! A *line* is a session and an agent: its requests are each other's continuation. Titles and
//! compactions have their own, so that they do not break the conversation's.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    Error,
    body::{self, Entry, MAX_CHAIN, Mark, Parent, Piece},
    part::Parts,
};

/// Session and agent.
pub(crate) type Line = (String, String);

/// How many lines a writer remembers the newest layout of.
const REMEMBERED: usize = 64;

/// Bodies are compared in blocks of so many bytes.
const BLOCK: usize = 4 << 10;

/// The writer's side: the newest layout of each line.
#[derive(Default)]
pub(crate) struct Layouts {
    newest: HashMap<Line, Newest>,
    last: Last,
}

struct Newest {
    exchange: i64,
    entries: Vec<Entry>,
    chain: u32,
}

/// The last body that was written, whose pieces need not be looked for again in one of its line that begins alike.
#[derive(Default)]
struct Last {
    line: Line,
    body: Vec<u8>,
    entries: Vec<Entry>,
    marks: Vec<Mark>,
}

impl Last {
    /// Goes on behind the last mark up to which it is like this body; says which pieces are missing.
    fn becomes<'a>(&mut self, line: &Line, body: &'a [u8]) -> Vec<Piece<'a>> {
        let common = if self.line == *line { common(&self.body, body) } else { 0 };
        self.marks.truncate(self.marks.partition_point(|mark| mark.is_within(common)));
        let mark = self.marks.last();
        self.entries.truncate(mark.map_or(0, |mark| mark.pieces));
        let (pieces, marks) = body::split_from(body, mark);
        self.marks.extend(marks);
        self.line.clone_from(line);
        self.body.truncate(common);
        self.body.extend_from_slice(&body[common..]);
        pieces
    }
}

/// How many bytes at their begin are the same.
fn common(one: &[u8], other: &[u8]) -> usize {
    let blocks = one.chunks(BLOCK).zip(other.chunks(BLOCK));
    let same: usize = blocks.take_while(|(a, b)| a == b).map(|(block, _)| block.len()).sum();
    same + one[same..].iter().zip(&other[same..]).take_while(|(a, b)| a == b).count()
}

/// A body's layout, to be kept with its exchange.
pub(crate) struct Written {
    /// As in [`body::encode`].
    pub(crate) bytes: Vec<u8>,
    /// The exchange that it differs from.
    pub(crate) base: Option<i64>,
    /// See [`body::List::chain`].
    pub(crate) chain: u32,
    entries: Vec<Entry>,
}

impl Written {
    /// What the body is made of.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl Layouts {
    /// Stores the parts of `body` and gives its layout.
    pub(crate) fn write(
        &mut self,
        tape: &Connection,
        parts: &mut Parts,
        line: &Line,
        body: &[u8],
    ) -> Result<Written, Error> {
        // An error leaves nothing to go on from.
        let mut last = std::mem::take(&mut self.last);
        let pieces = last.becomes(line, body);
        last.entries.extend(body::entries(&pieces, |piece| parts.put(tape, piece))?);
        let entries = last.entries.clone();
        self.last = last;
        if !self.newest.contains_key(line)
            && let Some(newest) = newest_whole(tape, line)?
        {
            self.keep(line.clone(), newest);
        }
        let before = self.newest.get(line);
        let parent = before.map(|p| Parent { entries: &p.entries, chain: p.chain });
        let list = body::encode(&entries, parent);
        let base = before.filter(|_| list.chain > 0).map(|before| before.exchange);
        Ok(Written { bytes: list.bytes, base, chain: list.chain, entries })
    }

    /// The layout is now that of `exchange`, the newest of its line.
    pub(crate) fn remember(&mut self, line: Line, exchange: i64, layout: Written) {
        let Written { entries, chain, .. } = layout;
        self.keep(line, Newest { exchange, entries, chain });
    }

    fn keep(&mut self, line: Line, newest: Newest) {
        if self.newest.len() >= REMEMBERED && !self.newest.contains_key(&line) {
            self.newest.clear();
        }
        self.newest.insert(line, newest);
    }
}

/// One that is damaged is no base for others: the next body is written whole.
fn newest_whole(tape: &Connection, line: &Line) -> Result<Option<Newest>, Error> {
    match newest(tape, line) {
        Err(Error::Damaged { .. } | Error::Body(_)) => Ok(None),
        other => other,
    }
}

fn newest(tape: &Connection, (session, agent): &Line) -> Result<Option<Newest>, Error> {
    let row = tape
        .prepare_cached(
            "SELECT id, request_depth FROM exchanges
             WHERE session = ?1 AND coalesce(agent, '') = ?2 AND request_layout IS NOT NULL
                 AND id > coalesce((SELECT exchange FROM doomed WHERE session = ?1), 0)
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row([session, agent], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((exchange, chain)) = row else { return Ok(None) };
    Ok(Some(Newest { exchange, entries: read(tape, exchange)?, chain }))
}

/// The entries of an exchange's body: back along the chain to a whole list, then forward again.
pub(crate) fn read(tape: &Connection, exchange: i64) -> Result<Vec<Entry>, Error> {
    let mut select =
        tape.prepare_cached("SELECT request_layout, request_base FROM exchanges WHERE id = ?1")?;
    let mut lists: Vec<Vec<u8>> = Vec::new();
    let mut next = Some(exchange);
    while let Some(id) = next {
        if lists.len() > MAX_CHAIN as usize {
            return Err(Error::damaged(format!(
                "request #{exchange} differs from too many others"
            )));
        }
        let row: Option<(Option<Vec<u8>>, Option<i64>)> =
            select.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (Some(list), base) = row.unwrap_or_default() else {
            return Err(Error::damaged(format!("the body of request #{id} is missing")));
        };
        lists.push(list);
        next = base;
    }
    let mut entries: Option<Vec<Entry>> = None;
    for list in lists.iter().rev() {
        let decoded = body::decode(list, entries.as_deref())
            .map_err(|error| Error::damaged(format!("request #{exchange}: {error}")))?;
        entries = Some(decoded);
    }
    Ok(entries.unwrap_or_default())
}

/// Whether to go on, for [`walk`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walk {
    /// To the next exchange.
    On,
    /// That was enough.
    Stop,
}

/// Goes through the exchanges of a session after the one given, in their order, with the entries of each and the
/// part of its response. What is damaged has no entries.
pub(crate) fn walk(
    tape: &Connection,
    session: &str,
    after: i64,
    mut each: impl FnMut(i64, &[Entry], Option<i64>) -> Result<Walk, Error>,
) -> Result<(), Error> {
    // Whoever is based on somebody is mostly based on the newest of its line, and lines are few.
    let mut newest: HashMap<String, (i64, Vec<Entry>)> = HashMap::new();
    let mut select = tape.prepare_cached(
        "SELECT id, coalesce(agent, ''), request_layout, request_base, response_part FROM exchanges
         WHERE session = ?1 AND id > ?2 ORDER BY id",
    )?;
    let mut rows = select.query(params![session, after])?;
    while let Some(row) = rows.next()? {
        let (exchange, agent) = (row.get(0)?, row.get(1)?);
        let (list, base) = (row.get::<_, Option<Vec<u8>>>(2)?, row.get::<_, Option<i64>>(3)?);
        let before = newest.get(&agent).filter(|(id, _)| Some(*id) == base);
        let entries = match (&list, base, before) {
            (None, ..) => Vec::new(),
            (Some(list), Some(_), Some((_, parent))) => {
                body::decode(list, Some(parent)).unwrap_or_default()
            }
            (Some(list), None, _) => body::decode(list, None).unwrap_or_default(),
            (Some(_), Some(_), None) => match read(tape, exchange) {
                Err(Error::Damaged { .. } | Error::Body(_)) => Vec::new(),
                entries => entries?,
            },
        };
        if each(exchange, &entries, row.get(4)?)? == Walk::Stop {
            break;
        }
        newest.insert(agent, (exchange, entries));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use octrace_core::{
        exchange::{Exchange, RequestHead},
        reading,
        redact::Redactor,
    };

    use super::Last;
    use crate::{Begin, Error, Position, Tape, body::Entry};

    fn ask(tape: &mut Tape, number: u32) -> i64 {
        let (spool, _) = tape.spool("1-a", 0).unwrap();
        let body = format!(r#"{{"messages":[{{"role":"user","content":"hello {number}"}}]}}"#);
        let request = RequestHead { session: "ses_1".to_owned(), ..RequestHead::default() };
        let exchange =
            Exchange { number, request, request_body: body.into(), ..Exchange::default() };
        let exchange = Redactor::new("").exchange(exchange);
        let asked = exchange.derive(reading::asked);
        let begin = Begin { at: Position::START, mono_us: 0 };
        let mut batch = tape.begin().unwrap();
        let id = batch.exchange_begins(spool, begin, &exchange, &asked).unwrap();
        batch.commit().unwrap();
        id.0
    }

    #[test]
    fn the_last_body_of_a_line_is_gone_on_from() {
        let line = |agent: &str| ("ses_1".to_owned(), agent.to_owned());
        let (mut last, mut found) = (Last::default(), String::new());
        for (agent, body) in [
            ("build", r#"{"messages":[{"a":1},{"b":2}],"model":"m"}"#),
            ("build", r#"{"messages":[{"a":1},{"b":2},{"c":3}],"model":"m"}"#),
            ("build", r#"{"messages":[{"a":1},{"b":2},{"c":3}],"model":"m"}"#),
            ("title", r#"{"messages":[{"a":1},{"b":2}],"model":"m"}"#),
        ] {
            let pieces = last.becomes(&line(agent), body.as_bytes());
            let new: Vec<_> =
                pieces.iter().map(|piece| String::from_utf8_lossy(&piece.content)).collect();
            writeln!(found, "{agent} {} {}", last.entries.len(), new.join(" ")).unwrap();
            last.entries.extend(pieces.iter().map(|_| Entry::default()));
        }
        insta::assert_snapshot!(found, @r#"
        build 0 {"messages":[ {"a":1} {"b":2} ],"model":"m"}
        build 2 {"b":2} {"c":3} ],"model":"m"}
        build 4 ],"model":"m"}
        title 0 {"messages":[ {"a":1} {"b":2} ],"model":"m"}
        "#);
    }

    #[test]
    fn a_damaged_layout_costs_its_own_body_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.db");
        let mut tape = Tape::open(&path).unwrap();
        let (first, second) = (ask(&mut tape, 1), ask(&mut tape, 2));
        let damage = "UPDATE exchanges SET request_layout = x'02ff' WHERE id = ?1";
        tape.connection.execute(damage, [second]).unwrap();
        // A writer that remembers nothing has to read what it builds on.
        let mut tape = Tape::open(&path).unwrap();
        let third = ask(&mut tape, 3);
        assert!(tape.exchange(first).unwrap().is_some());
        assert!(matches!(tape.exchange(second), Err(Error::Damaged { .. })));
        let body = tape.exchange(third).unwrap().unwrap().request_body;
        assert_eq!(body, br#"{"messages":[{"role":"user","content":"hello 3"}]}"#);
    }
}
