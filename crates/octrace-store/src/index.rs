//! The index for search: which words occur in which part.
//!
//! It is derived and follows the parts that exchanges use: whoever has time takes it a bounded step further
//! ([`Tape::index_step`]), and what is not in it yet (`unindexed`) is read by the search itself. What it is made of
//! is read and cut into words before its transaction begins, so that no recorder waits for that.

use std::collections::HashSet;

use octrace_core::{
    exchange::{self, Headers},
    provider::{self, Dialect},
    search::{
        Passage, is_inside_string, passages_of_answer, passages_of_request, passages_of_string,
        words,
    },
};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::{Error, Tape, part::PartReader};

/// A step ends after so many parts, or bytes of them.
const STEP: (i64, i64) = (256, 1 << 20);

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

/// Shows the passages of a part's bytes: of a response when it has a language, else of a request. Those of a long
/// string, which was set aside, are nobody's here.
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
        None if is_inside_string(bytes) => show(&passages_of_string(bytes)),
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
        let (rows, parts) = read(&self.connection)?;
        if parts.is_empty() {
            return Ok(false);
        }
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            // Somebody else may have been faster, or have pruned what was read.
            let mut insert = tx.prepare_cached(
                "INSERT INTO part_words (rowid, words) SELECT part, ?2 FROM unindexed WHERE part = ?1",
            )?;
            for row in rows {
                insert.execute(params![row.part, row.words])?;
            }
            let mut delete = tx.prepare_cached("DELETE FROM unindexed WHERE part = ?1")?;
            for part in parts {
                delete.execute([part])?;
            }
        }
        tx.commit()?;
        Ok(true)
    }
}

/// The rows of a step, and the parts that were looked at.
fn read(tape: &Connection) -> Result<(Vec<Row>, Vec<i64>), Error> {
    let mut select = tape.prepare_cached(
        "SELECT part, size, (SELECT min(exchange) FROM uses WHERE uses.part = unindexed.part),
             part IN (SELECT id FROM part_words_docsize)
         FROM unindexed JOIN parts ON parts.id = part ORDER BY part LIMIT ?1",
    )?;
    let parts: Vec<(i64, i64, Option<i64>, bool)> = select
        .query_map([STEP.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    let mut reader = PartReader::new(tape)?;
    let (mut rows, mut seen, mut bytes) = (Vec::new(), Vec::new(), 0_i64);
    for (part, size, exchange, indexed) in parts {
        seen.push(part);
        // Another session has it, too.
        if indexed {
            continue;
        }
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
        bytes = bytes.saturating_add(size);
        if bytes > STEP.1 {
            break;
        }
    }
    Ok((rows, seen))
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
