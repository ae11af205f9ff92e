//! Batches, and what became of each item.

use std::{ops::Range, time::Duration};

use octrace_core::redact::Redactor;

use super::{
    Item,
    config::Database,
    encode::{self, Row},
    error::{Failure, Unavailable},
    session::Session,
};

/// How long a transaction may take, with everything that it needs.
const LIMIT: Duration = Duration::from_secs(60);

/// How long a migration may take: an index on tables that have grown for years.
const MIGRATION: Duration = Duration::from_secs(60 * 60);

/// What goes in one transaction, in bytes; a single item may be larger.
const ROOM: usize = 16 << 20;

/// The largest item that is tried: a value of `jsonb` has no more than 255 MiB.
const LARGEST: usize = 255 << 20;

/// A destination in Postgres. It connects when there is something to send, and stays connected.
pub struct Client {
    database: Database,
    redactor: Option<Redactor>,
    limit: Duration,
    session: Option<Session>,
    /// As [`ROOM`]; less after a transaction that took too long.
    room: usize,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Of each item, in the batch's order.
    pub verdicts: Vec<Verdict>,
    /// Why the rest waits.
    pub unavailable: Option<Unavailable>,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the database, since now or since before.
    Accepted,
    /// It cannot be stored, as the server says: no other item is affected.
    Rejected(String),
    /// It is to be sent again. It may have arrived; that does no harm.
    Waiting,
}

impl Client {
    /// For a database. `redactor` looks through every item once more before it is sent.
    pub fn new(database: Database, redactor: Option<Redactor>) -> Self {
        Self { database, redactor, limit: LIMIT, session: None, room: ROOM }
    }

    /// The same, but no transaction takes longer than this.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Where it sends to, for people.
    pub fn place(&self) -> &str {
        self.database.place()
    }

    /// Sends a batch. Tables that are missing or of an earlier version are made first.
    pub fn send(&mut self, items: &[Item]) -> Outcome {
        let redactor = self.redactor.as_ref();
        let mut verdicts = vec![Verdict::Waiting; items.len()];
        // Those that can be sent, and where their verdicts are.
        let (mut rows, mut places) = (Vec::new(), Vec::new());
        for (place, item) in items.iter().enumerate() {
            match encode::row(item, redactor) {
                Ok(row) => {
                    rows.push(row);
                    places.push(place);
                }
                Err(why) => verdicts[place] = Verdict::Rejected(why),
            }
        }
        // The next to be sent is the last.
        let whole = 0..rows.len();
        let mut ranges = vec![whole];
        while let Some(range) = ranges.pop() {
            let (range, rest) = self.fitting(range, &rows);
            if !rest.is_empty() {
                ranges.push(rest);
            }
            let Some(batch) = rows.get(range.clone()).filter(|batch| !batch.is_empty()) else {
                continue;
            };
            match self.store(batch) {
                Ok(()) => {
                    places[range].iter().for_each(|place| verdicts[*place] = Verdict::Accepted);
                }
                Err(Failure::Item(why)) if batch.len() == 1 => {
                    verdicts[places[range.start]] = Verdict::Rejected(why);
                }
                Err(Failure::Item(_)) => {
                    let middle = range.start + batch.len() / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
                Err(Failure::Unavailable(why)) => {
                    return Outcome { verdicts, unavailable: Some(why) };
                }
            }
        }
        Outcome { verdicts, unavailable: None }
    }

    /// Makes the tables, or brings them to this octrace's version; the version that they had, 0 for none.
    ///
    /// # Errors
    /// When the database is not there, or does not let this user do it.
    pub fn migrate(&mut self) -> Result<i32, Unavailable> {
        let migrated = self.on_session(|session, database| session.migrate(database, MIGRATION));
        migrated.map_err(|failure| self.nobodys(failure))
    }

    /// Which version the tables have, 0 for none. Changes nothing.
    ///
    /// # Errors
    /// When the database is not there, or its tables are newer than this octrace.
    pub fn version(&mut self) -> Result<i32, Unavailable> {
        let limit = self.limit;
        let version = self.on_session(|session, database| session.version(database, limit));
        version.map_err(|failure| self.nobodys(failure))
    }

    /// What went wrong where no item was sent.
    fn nobodys(&self, failure: Failure) -> Unavailable {
        match failure {
            Failure::Unavailable(unavailable) => unavailable,
            Failure::Item(why) => self.database.odd(why),
        }
    }

    fn store(&mut self, batch: &[Row]) -> Result<(), Failure> {
        let bytes: usize = batch.iter().map(|row| row.bytes.len()).sum();
        if batch.len() == 1 && bytes > LARGEST {
            return Err(Failure::Item(format!(
                "it has {bytes} bytes, and jsonb at most {LARGEST}"
            )));
        }
        let limit = self.limit;
        let stored = self.on_session(|session, database| session.store(database, batch, limit));
        match &stored {
            Ok(()) => self.room = self.room.saturating_mul(2).min(ROOM),
            // With less at once it gets on, however slow the way is.
            Err(Failure::Unavailable(unavailable)) if unavailable.is_slow() => {
                self.room = bytes / 4;
            }
            Err(_) => {}
        }
        stored
    }

    /// As much of a range as one transaction takes, at least one, and the rest.
    fn fitting(&self, range: Range<usize>, rows: &[Row]) -> (Range<usize>, Range<usize>) {
        let mut bytes = 0_usize;
        let fits = rows.get(range.clone()).unwrap_or_default().iter().take_while(|row| {
            bytes = bytes.saturating_add(row.bytes.len());
            bytes <= self.room
        });
        let end = range.end.min(range.start + fits.count().max(1));
        (range.start..end, end..range.end)
    }

    /// Does something on the connection that there is, else on a new one. One that stood idle may have ended without
    /// anybody's fault.
    fn on_session<T>(
        &mut self,
        work: impl Fn(&mut Session, &Database) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if let Some(session) = &mut self.session {
            let done = work(session, &self.database);
            let Err(Failure::Unavailable(why)) = &done else { return done };
            self.session = None;
            if matches!(why, Unavailable::Silent { .. }) {
                return done;
            }
        }
        let mut session = Session::open(&self.database, self.limit)?;
        let done = work(&mut session, &self.database);
        if !matches!(done, Err(Failure::Unavailable(_))) {
            self.session = Some(session);
        }
        done
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.close();
        }
    }
}
