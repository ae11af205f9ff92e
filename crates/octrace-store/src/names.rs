//! Names: what stands in many rows, such as a session's id, stands there as a number.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use crate::Error;

/// What a name is. One that is two things has two numbers, so that it can go as one and stay as the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum What {
    /// The id of a session that events tell of.
    Session,
    /// Of an event.
    Kind,
    /// All headers of a request.
    Headers,
    /// Anything else that many requests have.
    Word,
}

impl What {
    fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Kind => "kind",
            Self::Headers => "headers",
            Self::Word => "word",
        }
    }
}

/// The number that stands for no session.
pub(crate) const NONE: i64 = 0;

/// How many names of each sort a writer remembers.
const REMEMBERED: usize = 1_024;

/// The writer's side: the numbers that were asked for lately.
#[derive(Default)]
pub(crate) struct Names {
    numbers: HashMap<What, HashMap<String, i64>>,
}

impl Names {
    /// The number of a name, which gets one if it has none.
    pub(crate) fn number(
        &mut self,
        tape: &Connection,
        what: What,
        name: &str,
    ) -> Result<i64, Error> {
        let numbers = self.numbers.entry(what).or_default();
        if let Some(number) = numbers.get(name) {
            return Ok(*number);
        }
        let key = [name, what.as_str()];
        let known = tape
            .prepare_cached("SELECT id FROM names WHERE name = ?1 AND what = ?2")?
            .query_row(key, |row| row.get(0))
            .optional()?;
        let number = match known {
            Some(number) => number,
            None => {
                tape.prepare_cached("INSERT INTO names (name, what) VALUES (?1, ?2)")?
                    .execute(key)?;
                tape.last_insert_rowid()
            }
        };
        if numbers.len() >= REMEMBERED {
            numbers.clear();
        }
        numbers.insert(name.to_owned(), number);
        Ok(number)
    }
}
