//! Exchanges: their rows, and one of them whole.

use octrace_core::{
    exchange::{Headers, Outcome, Purpose, Summary, Timing},
    provider::{Dialect, Usage},
};
use rusqlite::{OptionalExtension, Params, Row};

use super::ExchangeDetail;
use crate::{Error, Tape, body, follow::Step, layout, part::PartReader};

const COLUMNS: &str = "id, session, message, assistant, agent, purpose, provider, model, dialect,
    method, url, status, outcome, error, sent_us, head_after_us, first_byte_after_us,
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
            "SELECT {COLUMNS}, ordinal, request_headers, request_cut, request_layout IS NOT NULL,
                 response_headers, status_text, response_part, response_cut
             FROM exchanges WHERE id = ?1"
        );
        let found = self
            .connection
            .prepare_cached(&sql)?
            .query_row([id], |row| {
                let detail = ExchangeDetail {
                    summary: summary(row)?,
                    ordinal: row.get("ordinal")?,
                    request_headers: headers(row, "request_headers")?,
                    request_cut: row.get("request_cut")?,
                    response_headers: headers(row, "response_headers")?,
                    status_text: row.get("status_text")?,
                    response_cut: row.get("response_cut")?,
                    ..ExchangeDetail::default()
                };
                let has_body = row.get::<_, bool>("request_layout IS NOT NULL")?;
                Ok((detail, has_body, row.get::<_, Option<i64>>("response_part")?))
            })
            .optional()?;
        let Some((mut detail, has_body, response)) = found else { return Ok(None) };
        if bodies.is_empty() {
            return Ok(Some(detail));
        }
        let mut parts = PartReader::new(&self.connection)?;
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

fn summary(row: &Row<'_>) -> rusqlite::Result<Summary> {
    let count = |column: &str| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.cast_unsigned());
    let tokens = |column: &str| {
        Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
    };
    let usage = match tokens("input_tokens")? {
        Some(input) => Some(Usage {
            input,
            output: tokens("output_tokens")?.unwrap_or_default(),
            reasoning: tokens("reasoning_tokens")?.unwrap_or_default(),
            cache_read: tokens("cache_read_tokens")?.unwrap_or_default(),
            cache_write: tokens("cache_write_tokens")?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(Summary {
        id: row.get("id")?,
        session: row.get("session")?,
        message: row.get("message")?,
        assistant: row.get("assistant")?,
        agent: row.get("agent")?,
        purpose: Purpose::parse(&row.get::<_, String>("purpose")?),
        provider: row.get("provider")?,
        model: row.get("model")?,
        dialect: Dialect::parse(&row.get::<_, String>("dialect")?),
        method: row.get("method")?,
        url: row.get("url")?,
        status: row.get("status")?,
        outcome: Outcome::parse(&row.get::<_, String>("outcome")?),
        error: row.get("error")?,
        timing: Timing {
            sent_us: row.get("sent_us")?,
            head_after_us: row.get("head_after_us")?,
            first_byte_after_us: row.get("first_byte_after_us")?,
            first_content_after_us: row.get("first_content_after_us")?,
            end_after_us: row.get("end_after_us")?,
            longest_gap_us: row.get("longest_gap_us")?,
        },
        request_bytes: count("request_bytes")?,
        response_bytes: count("response_bytes")?,
        chunks: count("chunks")?,
        usage,
        cost_usd: row.get("cost_usd")?,
        finish: row.get("finish")?,
        problems: serde_json::from_str(&row.get::<_, String>("problems")?).unwrap_or_default(),
    })
}

fn headers(row: &Row<'_>, column: &str) -> rusqlite::Result<Headers> {
    let json: Option<String> = row.get(column)?;
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
}
