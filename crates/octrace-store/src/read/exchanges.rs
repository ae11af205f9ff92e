//! Exchanges: their rows, and one of them whole.

use octrace_core::{
    exchange::{Headers, Outcome, Purpose, Summary, Timing},
    provider::{Dialect, Usage},
};
use rusqlite::{OptionalExtension, Params, Row, types::FromSql};
use serde::de::DeserializeOwned;

use super::ExchangeDetail;
use crate::{Error, Tape, body, follow::Step, layout, part::PartReader};

/// As [`InOrder::summary`] reads them.
const COLUMNS: &str = "id, session, message, assistant, agent, purpose, provider, model, dialect,
    coalesce((SELECT name FROM names WHERE names.id = method), ''),
    coalesce((SELECT name FROM names WHERE names.id = url), ''),
    status, outcome, error, sent_us, head_after_us, first_byte_after_us,
    first_content_after_us, end_after_us, longest_gap_us, request_bytes, response_bytes, chunks,
    input_tokens, output_tokens, reasoning_tokens, cache_read_tokens, cache_write_tokens,
    cost_usd, finish, problems";

impl Tape {
    /// The exchanges of a session, in the order they were sent.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn exchanges(&self, session: &str) -> Result<Vec<Summary>, Error> {
        self.exchanges_where("session = ?1 ORDER BY sent_us, id", [session])
    }

    /// The exchanges that a condition is true for.
    pub(super) fn exchanges_where(
        &self,
        condition: &str,
        params: impl Params,
    ) -> Result<Vec<Summary>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM exchanges WHERE {condition}");
        let mut select = self.connection.prepare_cached(&sql)?;
        let rows = select.query_map(params, summary)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The row of one exchange; `None` when there is none with this id.
    pub(crate) fn summary(&self, id: i64) -> Result<Option<Summary>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM exchanges WHERE id = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([id], summary).optional()?)
    }

    /// The exchange before this one in its conversation: of the same session, agent and purpose, as
    /// [`octrace_core::timeline::Thread`] has it. `None` for the first one.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn previous(&self, exchange: &Summary) -> Result<Option<i64>, Error> {
        let sql = "SELECT id FROM exchanges
             WHERE session = ?1 AND agent IS ?2 AND purpose = ?3 AND id < ?4 ORDER BY id DESC LIMIT 1";
        let Summary { session, agent, purpose, id, .. } = exchange;
        let mut select = self.connection.prepare_cached(sql)?;
        let key = (session, agent, purpose.as_str(), id);
        Ok(select.query_row(key, |row| row.get(0)).optional()?)
    }

    /// One exchange with its headers and bodies; `None` when there is none with this id.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is there but cannot be restored.
    pub fn exchange(&self, id: i64) -> Result<Option<ExchangeDetail>, Error> {
        self.exchange_with(id, &[Step::Begin, Step::End])
    }

    /// The same with the body that a step in its life is about: its request's when it begins, its response's when
    /// it ends. The other one is empty.
    ///
    /// # Errors
    /// As [`Tape::exchange`].
    pub fn exchange_at(&self, id: i64, step: Step) -> Result<Option<ExchangeDetail>, Error> {
        self.exchange_with(id, &[step])
    }

    /// The same with the bodies that these steps are about; others are empty.
    ///
    /// # Errors
    /// As [`Tape::exchange`].
    pub fn exchange_with(&self, id: i64, bodies: &[Step]) -> Result<Option<ExchangeDetail>, Error> {
        // Of one moment: what it is made of may be pruned at the next.
        let _moment = self.connection.unchecked_transaction()?;
        let sql = format!(
            "SELECT {COLUMNS}, ordinal,
                 coalesce((SELECT name FROM names WHERE names.id = request_headers), '[]'),
                 request_cut, response_headers, status_text,
                 response_cut, request_layout IS NOT NULL, response_part
             FROM exchanges WHERE id = ?1"
        );
        let found = self
            .connection
            .prepare_cached(&sql)?
            .query_row([id], |row| {
                let mut row = InOrder::new(row);
                let detail = ExchangeDetail {
                    summary: row.summary()?,
                    ordinal: row.next()?,
                    request_headers: row.headers()?,
                    request_cut: row.next()?,
                    response_headers: row.headers()?,
                    status_text: row.next()?,
                    response_cut: row.next()?,
                    ..ExchangeDetail::default()
                };
                Ok((detail, row.next::<bool>()?, row.next::<Option<i64>>()?))
            })
            .optional()?;
        let Some((mut detail, has_body, response)) = found else { return Ok(None) };
        if bodies.is_empty() {
            return Ok(Some(detail));
        }
        let mut parts = PartReader::remembering(self)?;
        if has_body && bodies.contains(&Step::Begin) {
            let entries = layout::read(&self.connection, id)?;
            detail.request_body = body::restore(&entries, |part, body| parts.append(part, body))?;
        }
        if let Some(part) = response.filter(|_| bodies.contains(&Step::End)) {
            detail.response_body = parts.get(part)?;
        }
        Ok(Some(detail))
    }
}

/// A row's columns one after the other: to look for each by its name takes longer than to read it.
struct InOrder<'r, 's> {
    row: &'r Row<'s>,
    at: usize,
}

impl<'r, 's> InOrder<'r, 's> {
    fn new(row: &'r Row<'s>) -> Self {
        Self { row, at: 0 }
    }

    fn next<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        self.at += 1;
        self.row.get(self.at - 1)
    }

    /// A count, which SQLite keeps as a signed number.
    fn count(&mut self) -> rusqlite::Result<u64> {
        Ok(self.next::<i64>()?.cast_unsigned())
    }

    fn tokens(&mut self) -> rusqlite::Result<Option<u64>> {
        Ok(self.next::<Option<i64>>()?.map(i64::cast_unsigned))
    }

    /// A word that `parse` knows.
    fn word<T>(&mut self, parse: fn(&str) -> T) -> rusqlite::Result<T> {
        self.at += 1;
        Ok(parse(self.row.get_ref(self.at - 1)?.as_str()?))
    }

    fn json<T: DeserializeOwned + Default>(&mut self) -> rusqlite::Result<T> {
        let json = self.word(|json| serde_json::from_str(json).ok())?;
        Ok(json.unwrap_or_default())
    }

    fn headers(&mut self) -> rusqlite::Result<Headers> {
        let json: Option<String> = self.next()?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
    }

    /// The columns of [`COLUMNS`].
    fn summary(&mut self) -> rusqlite::Result<Summary> {
        Ok(Summary {
            id: self.next()?,
            session: self.next()?,
            message: self.next()?,
            assistant: self.next()?,
            agent: self.next()?,
            purpose: self.word(Purpose::parse)?,
            provider: self.next()?,
            model: self.next()?,
            dialect: self.word(Dialect::parse)?,
            method: self.next()?,
            url: self.next()?,
            status: self.next()?,
            outcome: self.word(Outcome::parse)?,
            error: self.next()?,
            timing: Timing {
                sent_us: self.next()?,
                head_after_us: self.next()?,
                first_byte_after_us: self.next()?,
                first_content_after_us: self.next()?,
                end_after_us: self.next()?,
                longest_gap_us: self.next()?,
            },
            request_bytes: self.count()?,
            response_bytes: self.count()?,
            chunks: self.count()?,
            usage: self.usage()?,
            cost_usd: self.next()?,
            finish: self.next()?,
            problems: self.json()?,
        })
    }

    /// None where nothing was counted as input.
    fn usage(&mut self) -> rusqlite::Result<Option<Usage>> {
        let input = self.tokens()?;
        let usage = Usage {
            input: input.unwrap_or_default(),
            output: self.tokens()?.unwrap_or_default(),
            reasoning: self.tokens()?.unwrap_or_default(),
            cache_read: self.tokens()?.unwrap_or_default(),
            cache_write: self.tokens()?.unwrap_or_default(),
        };
        Ok(input.map(|_| usage))
    }
}

fn summary(row: &Row<'_>) -> rusqlite::Result<Summary> {
    InOrder::new(row).summary()
}
