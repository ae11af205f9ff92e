//! The tape's size on disk, and giving back what it does not need.

use std::{fs, io, time::Duration};

use serde::Serialize;

use crate::{Error, Tape, tape::BUSY};

/// How many pages move in one step: a millisecond or two.
const PAGES: i64 = 256;

/// How the tape lies on the disk, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Size {
    /// The database file, free pages included.
    pub database: u64,
    /// Of these, what is free.
    pub free: u64,
    /// The write-ahead log beside it.
    pub log: u64,
}

impl Size {
    /// All of it on the disk.
    pub fn on_disk(&self) -> u64 {
        self.database + self.log
    }

    /// What is left when everything free is given back.
    pub fn needed(&self) -> u64 {
        self.database.saturating_sub(self.free)
    }
}

impl Tape {
    /// How large the tape is. Cheap enough to ask after each transaction.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn size(&self) -> Result<Size, Error> {
        // Asked after each transaction of a recorder: prepared once.
        let figure = |pragma| {
            let mut ask = self.connection.prepare_cached(pragma)?;
            Ok::<_, Error>(ask.query_row([], |row| row.get::<_, i64>(0))?.cast_unsigned())
        };
        let page = figure("PRAGMA page_size")?;
        let log = self.log_path();
        let log = match fs::metadata(&log) {
            Ok(log) => log.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(source) => return Err(Error::Open { path: log, source }),
        };
        Ok(Size {
            database: figure("PRAGMA page_count")? * page,
            free: figure("PRAGMA freelist_count")? * page,
            log,
        })
    }

    /// Makes the files smaller by a little; whether there is more to give back.
    pub(super) fn give_back(&mut self) -> Result<bool, Error> {
        let before = self.size()?;
        if before.free > 0 {
            let mut vacuum =
                self.connection.prepare_cached(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
            let mut pages = vacuum.query([])?;
            while pages.next()?.is_some() {}
            drop(pages);
            drop(vacuum);
            if self.size()?.free < before.free {
                return Ok(true);
            }
        }
        // Whoever reads at this moment keeps the log; the next pruning, or SQLite itself, takes it.
        self.connection.busy_timeout(Duration::ZERO)?;
        let done = self.connection.pragma_query(None, "wal_checkpoint", |_| Ok(()));
        let done = done.and_then(|()| {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        });
        self.connection.busy_timeout(BUSY)?;
        match done {
            Err(error) if error.sqlite_error_code() != Some(rusqlite::ErrorCode::DatabaseBusy) => {
                Err(error.into())
            }
            _ => Ok(false),
        }
    }
}
