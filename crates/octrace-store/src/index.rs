//! The index for search: which words occur in which part.
//!
//! It is derived and follows the parts by a watermark: whoever has time takes it a bounded step further
//! ([`Tape::index_step`]), and what is not in it yet is read by the search itself. What it is made of is read
//! and cut into words before its transaction begins, so that no recorder waits for that.

use std::collections::HashSet;

use octrace_core::{
    exchange::{self, Headers},
    provider::{self, Dialect},
    search::{Passage, passages_of_answer, passages_of_request, words},
};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::{Error, Tape, part::PartReader};

/// A step ends after so many parts, or bytes of them.
const STEP: (i64, i64) = (256, 1 << 20);

/// Up to which part the index goes.
pub(crate) fn watermark(tape: &Connection) -> Result<i64, Error> {
    let upto = "SELECT upto FROM derived WHERE what = 'part_words'";
    Ok(tape.prepare_cached(upto)?.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// How the response that a part is has to be read.
#[derive(Clone, Debug)]
pub(crate) struct Language {
    dialect: Dialect,
    content_type: String,
}

/// The language of the part, where it is the response of this exchange.
pub(crate) fn language(
    tape: &Connection,
    part: i64,
    exchange: i64,
) -> Result<Option<Language>, Error> {
    let language = tape
        .prepare_cached(
            "SELECT dialect, response_headers FROM exchanges WHERE id = ?1 AND response_part = ?2",
        )?
        .query_row([exchange, part], |row| {
            let dialect = Dialect::parse(&row.get::<_, String>(0)?);
            let headers: Option<String> = row.get(1)?;
            let headers = headers.and_then(|json| serde_json::from_str::<Headers>(&json).ok());
            let content_type = exchange::content_type(&headers.unwrap_or_default());
            Ok(Language { dialect, content_type })
        })
        .optional()?;
    Ok(language)
}

/// Shows the passages of a part's bytes: of a response when it has a language, else of a request.
pub(crate) fn passages<T>(
    bytes: &[u8],
    language: Option<&Language>,
    show: impl FnOnce(&[Passage<'_>]) -> T,
) -> T {
    match language {
        Some(Language { dialect, content_type }) => {
            let answer = provider::read_answer(*dialect, content_type, bytes, false);
            show(&passages_of_answer(&answer))
        }
        None => show(&passages_of_request(bytes)),
    }
}

/// A part's row in the index.
struct Row {
    part: i64,
    words: String,
}

impl Tape {
    /// Takes the index a step further; whether there is more to do.
    ///
    /// # Errors
    /// When the tape cannot be read or written. Nothing is lost then: search does without.
    pub fn index_step(&mut self) -> Result<bool, Error> {
        let from = watermark(&self.connection)?;
        let (rows, upto) = read(&self.connection, from)?;
        if upto == from {
            return Ok(false);
        }
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Somebody else may have been faster, or have pruned what was read.
        if watermark(&tx)? == from {
            let mut insert = tx.prepare_cached(
                "INSERT INTO part_words (rowid, words) SELECT id, ?2 FROM parts WHERE id = ?1",
            )?;
            for row in rows {
                insert.execute(params![row.part, row.words])?;
            }
            tx.prepare_cached("UPDATE derived SET upto = ?1 WHERE what = 'part_words'")?
                .execute([upto])?;
        }
        tx.commit()?;
        Ok(true)
    }
}

/// The rows of a step after the part `from`, and the last part that was looked at.
fn read(tape: &Connection, from: i64) -> Result<(Vec<Row>, i64), Error> {
    let mut select = tape.prepare_cached(
        "SELECT id, size, (SELECT min(exchange) FROM uses WHERE part = parts.id) FROM parts
         WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let parts: Vec<(i64, i64, Option<i64>)> = select
        .query_map([from, STEP.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    let mut reader = PartReader::new(tape)?;
    let (mut rows, mut upto, mut bytes) = (Vec::new(), from, 0_i64);
    for (part, size, exchange) in parts {
        let language = match exchange {
            Some(exchange) => language(tape, part, exchange)?,
            None => None,
        };
        match reader.get(part) {
            Ok(bytes) => rows.push(Row { part, words: words_of(&bytes, language.as_ref()) }),
            // It has no words for anybody; `verify` says so.
            Err(Error::Damaged { .. }) => {}
            Err(error) => return Err(error),
        }
        upto = part;
        bytes = bytes.saturating_add(size);
        if bytes > STEP.1 {
            break;
        }
    }
    Ok((rows, upto))
}

/// Each word once, in any order.
fn words_of(bytes: &[u8], language: Option<&Language>) -> String {
    passages(bytes, language, |passages| {
        let mut seen = HashSet::new();
        let mut all = String::new();
        for passage in passages {
            words(&passage.text, |word| {
                if !seen.contains(word) {
                    seen.insert(word.to_owned());
                    all.push_str(word);
                    all.push(' ');
                }
            });
        }
        all
    })
}
