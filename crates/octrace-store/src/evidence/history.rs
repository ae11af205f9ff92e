//! What files contained at moments, as it is read.

use std::path::Path;

use octrace_core::attribution::timeline::{CallId, FileHistory, Moment, Observation, Seen};
use rusqlite::{OptionalExtension, Params, Row, params};

use super::stays;
use crate::{
    Error, Tape,
    part::PartReader,
    text::{self, State, StateLines},
};

/// A file that something was seen of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub(crate) i64);

impl Tape {
    /// All that was seen of these files up to a time (µs since the Unix epoch; `None`: up to now), in their order. What is
    /// damaged counts as not read.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn file_histories(
        &self,
        files: &[FileId],
        upto_us: Option<i64>,
    ) -> Result<Vec<FileHistory>, Error> {
        // To SQLite a negative limit is none.
        self.histories(files, upto_us.unwrap_or(i64::MAX), -1)
    }

    /// The same, but of each file only the newest `most`.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn newest_histories(
        &self,
        files: &[FileId],
        upto_us: i64,
        most: u32,
    ) -> Result<Vec<FileHistory>, Error> {
        self.histories(files, upto_us, i64::from(most))
    }

    fn histories(
        &self,
        files: &[FileId],
        upto_us: i64,
        most: i64,
    ) -> Result<Vec<FileHistory>, Error> {
        // Of one moment: what is pruned meanwhile is there until the end.
        let moment = self.connection.unchecked_transaction()?;
        let mut states = StateLines::new(&moment)?;
        let mut histories = Vec::with_capacity(files.len());
        let sql = format!(
            "SELECT * FROM (
                 SELECT id, at_us, moment, session, subject, found, state, changed_us FROM observations
                 WHERE file = ?1 AND at_us <= ?2 AND {} ORDER BY at_us DESC, id DESC LIMIT ?3)
             ORDER BY at_us, id",
            stays("observations")
        );
        let mut select = moment.prepare_cached(&sql)?;
        for file in files {
            let path = "SELECT path FROM traced_files WHERE id = ?1";
            let path = moment.prepare_cached(path)?.query_row([file.0], |row| row.get(0));
            let Some(path) = path.optional()? else { continue };
            let mut observations = Vec::new();
            let mut rows = select.query(params![file.0, upto_us, most])?;
            while let Some(row) = rows.next()? {
                observations.push(observation(row, &mut states)?);
            }
            histories.push(FileHistory { path, observations });
        }
        Ok(histories)
    }

    /// The bytes of a file at an observation, and whether they are what the file had: nothing was blanked in them. `None` where
    /// none were read, or they are gone.
    ///
    /// # Errors
    /// When the tape cannot be read, or is damaged there.
    pub fn text_at(&self, observation: i64) -> Result<Option<(Vec<u8>, bool)>, Error> {
        let moment = self.connection.unchecked_transaction()?;
        let state: Option<i64> = moment
            .prepare_cached("SELECT state FROM observations WHERE id = ?1")?
            .query_row([observation], |row| row.get(0))
            .optional()?
            .flatten();
        let Some(state) = state else { return Ok(None) };
        let row = State::read(&moment, state)?.ok_or_else(|| text::missing(state))?;
        let bytes = row.text(&mut PartReader::new(&moment)?)?;
        Ok(Some((bytes, row.exact)))
    }

    /// The file at this path, if anything was seen of it. The path is absolute, links followed, as redacted.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn traced_file(&self, path: &str) -> Result<Option<FileId>, Error> {
        let file = "SELECT id FROM traced_files WHERE path = ?1";
        let file = self.connection.prepare_cached(file)?.query_row([path], |row| row.get(0));
        Ok(file.optional()?.map(FileId))
    }

    /// The files below a folder, with their paths and in their order.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn traced_below(&self, root: &str) -> Result<Vec<(FileId, String)>, Error> {
        let folder = format!("{}/", root.trim_end_matches('/'));
        // The paths that begin with it lie together; '0' comes after '/'.
        let after = format!("{}0", root.trim_end_matches('/'));
        let mut select = self.connection.prepare_cached(
            "SELECT id, path FROM traced_files WHERE path > ?1 AND path < ?2 ORDER BY path",
        )?;
        let rows =
            select.query_map([folder, after], |row| Ok((FileId(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The files that anything was seen of in a session.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn files_of_session(&self, session: &str) -> Result<Vec<FileId>, Error> {
        self.files("session = ?1", [session])
    }

    /// The files that anything was seen of in a step: in its snapshots, and by its calls.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn files_of_step(&self, session: &str, message: &str) -> Result<Vec<FileId>, Error> {
        self.files(
            "session = ?1 AND (subject = ?2 OR subject IN (
                 SELECT call FROM tools WHERE tools.session = ?1 AND message = ?2))",
            [session, message],
        )
    }

    /// The files that anything was seen of before or after a call.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn files_of_call(&self, call: &CallId) -> Result<Vec<FileId>, Error> {
        self.files("session = ?1 AND subject = ?2", [&call.session, &call.call])
    }

    fn files(&self, which: &str, params: impl Params) -> Result<Vec<FileId>, Error> {
        let sql = format!(
            "SELECT DISTINCT file FROM observations WHERE {which} AND {} ORDER BY file",
            stays("observations")
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let rows = select.query_map(params, |row| Ok(FileId(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Of which times something that could tell of calls is gone for ever, from and until, in µs since the Unix epoch: nobody can
    /// say that no call was at work then. Of sessions that worked in, above or below this directory.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn pruned_at(&self, directory: &Path) -> Result<Vec<(i64, i64)>, Error> {
        let mut select = self
            .connection
            .prepare_cached("SELECT directory, from_us, until_us FROM pruned_places")?;
        let rows = select
            .query_map([], |row| Ok((row.get::<_, String>(0)?, (row.get(1)?, row.get(2)?))))?;
        let is_here = |place: &str| {
            place.is_empty()
                || directory.starts_with(place)
                || Path::new(place).starts_with(directory)
        };
        rows.filter(|row| row.as_ref().map_or(true, |(place, _)| is_here(place)))
            .map(|row| Ok(row?.1))
            .collect()
    }
}

/// The columns `id, at_us, moment, session, subject, found, state, changed_us`.
fn observation(row: &Row<'_>, states: &mut StateLines<'_>) -> Result<Observation, Error> {
    let (session, subject): (String, String) = (row.get(3)?, row.get(4)?);
    let moment = match row.get_ref(2)?.as_str().unwrap_or_default() {
        "start" => Moment::Start(subject),
        "finish" => Moment::Finish(subject),
        of_a_call => {
            let call = CallId { session, call: subject };
            match of_a_call {
                "before" => Moment::Before(call),
                "permitted" => Moment::Permitted(call),
                _ => Moment::After(call),
            }
        }
    };
    let seen = match (row.get_ref(5)?.as_str().unwrap_or_default(), row.get(6)?) {
        ("text", Some(state)) => match states.get(state) {
            Ok(lines) => Seen::Text(lines),
            Err(error) if error.is_damage() => Seen::Unread,
            Err(error) => return Err(error),
        },
        ("absent", _) => Seen::Absent,
        _ => Seen::Unread,
    };
    Ok(Observation { id: row.get(0)?, at_us: row.get(1)?, moment, seen, changed_us: row.get(7)? })
}
