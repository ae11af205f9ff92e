//! What plugins decided, as counts for each OpenCode process, and the options that they had.

use octrace_core::redact::Clean;
use rusqlite::params;

use crate::{Batch, Error, SpoolId, Tape};

/// How often something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Such as `fetch.skipped`.
    pub event: String,
    /// Why, where there is a reason; else empty.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// What is known of one OpenCode process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The spool's name.
    pub spool: String,
    /// OpenCode's process id.
    pub pid: u32,
    /// Whether `octrace run` started it.
    pub by_run: bool,
    /// When its recording began, µs since the Unix epoch.
    pub started_us: i64,
    /// Whether it is over, and all of it here.
    pub ended: bool,
    /// What its plugin decided, and what became of its files.
    pub counts: Vec<Count>,
    /// Its requests.
    pub requests: u64,
    /// Those that were answered, whatever the status.
    pub responses: u64,
    /// Those that failed, broke off, or were aborted.
    pub errors: u64,
    /// Those that go to a file as well.
    pub to_files: u64,
}

/// A directory that OpenCode works in.
#[derive(Debug)]
pub struct Instance {
    /// Absolute.
    pub directory: Clean<String>,
    /// The root of the work tree that it is in; `/` where there is none.
    pub worktree: Clean<String>,
    /// OpenCode's project id.
    pub project: Clean<String>,
    /// The plugin's options there: a JSON object.
    pub options: Clean<Vec<u8>>,
}

impl Process {
    /// How often `event` happened, for whatever reason.
    pub fn count(&self, event: &str) -> u64 {
        self.counts.iter().filter(|count| count.event == event).map(|count| count.count).sum()
    }
}

impl Batch<'_> {
    /// Something happened `count` times more in the spool's process.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn diagnosed(
        &mut self,
        spool: SpoolId,
        event: &Clean<String>,
        reason: &Clean<String>,
        count: u32,
    ) -> Result<(), Error> {
        self.tx()?.prepare_cached(COUNT)?.execute(params![
            spool.0,
            event.get(),
            reason.get(),
            count
        ])?;
        Ok(())
    }

    /// OpenCode works in one more directory.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn instance(&mut self, spool: SpoolId, instance: &Instance) -> Result<(), Error> {
        let options = String::from_utf8_lossy(instance.options.get());
        self.tx()?
            .prepare_cached(
                "INSERT INTO instances (spool, directory, options, worktree, project)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET options = excluded.options,
                     worktree = excluded.worktree, project = excluded.project",
            )?
            .execute(params![
                spool.0,
                instance.directory.get(),
                options,
                instance.worktree.get(),
                instance.project.get()
            ])?;
        Ok(())
    }
}

const COUNT: &str = "INSERT INTO diagnostics (spool, event, reason, count) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO UPDATE SET count = count + excluded.count";

impl Tape {
    /// Something happened `count` times more that no frame of the spool says.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn count(&mut self, spool: SpoolId, event: &str, count: u64) -> Result<(), Error> {
        self.connection.prepare_cached(COUNT)?.execute(params![
            spool.0,
            event,
            "",
            count.cast_signed()
        ])?;
        Ok(())
    }

    /// Directories and options, as [`Batch::instance`] was told them.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn instances(&self, spool: SpoolId) -> Result<Vec<(String, String)>, Error> {
        let mut select = self
            .connection
            .prepare_cached("SELECT directory, options FROM instances WHERE spool = ?1")?;
        let rows = select.query_map([spool.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The same of a process that [`Tape::processes`] gave.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn instances_of(&self, process: &Process) -> Result<Vec<(String, String)>, Error> {
        let mut select = self.connection.prepare_cached(
            "SELECT directory, options FROM instances
             WHERE spool = (SELECT id FROM spools WHERE name = ?1) ORDER BY directory",
        )?;
        let rows = select.query_map([&process.spool], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The process that wrote a spool; `None` when it was pruned.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn process(&self, spool: SpoolId) -> Result<Option<Process>, Error> {
        Ok(self.read_processes("WHERE id = ?1", spool.0)?.pop())
    }

    /// The newest processes, at most `limit`, newest first.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn processes(&self, limit: u32) -> Result<Vec<Process>, Error> {
        self.read_processes("ORDER BY id DESC LIMIT ?1", limit.into())
    }

    fn read_processes(&self, which: &str, bound: i64) -> Result<Vec<Process>, Error> {
        let sql = format!(
            "SELECT name, pid, started_us, ended_us IS NOT NULL,
                 (SELECT count(*) FROM exchanges WHERE spool = spools.id),
                 (SELECT count(*) FROM exchanges WHERE spool = spools.id AND status IS NOT NULL),
                 (SELECT count(*) FROM exchanges WHERE spool = spools.id
                     AND outcome IN ('failed', 'cut', 'aborted')),
                 (SELECT count(*) FROM exchanges WHERE spool = spools.id AND file IS NOT NULL), id,
                 run IS NOT NULL AND run <> ''
             FROM spools {which}"
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let number = |number: i64| number.cast_unsigned();
        let mut processes = select
            .query_map([bound], |row| {
                let process = Process {
                    spool: row.get(0)?,
                    pid: row.get(1)?,
                    by_run: row.get(9)?,
                    started_us: row.get(2)?,
                    ended: row.get(3)?,
                    counts: Vec::new(),
                    requests: number(row.get(4)?),
                    responses: number(row.get(5)?),
                    errors: number(row.get(6)?),
                    to_files: number(row.get(7)?),
                };
                Ok((process, row.get::<_, i64>(8)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let mut counts = self.connection.prepare_cached(
            "SELECT event, reason, count FROM diagnostics WHERE spool = ?1 ORDER BY event, reason",
        )?;
        for (process, id) in &mut processes {
            let rows = counts.query_map([&*id], |row| {
                Ok(Count { event: row.get(0)?, reason: row.get(1)?, count: number(row.get(2)?) })
            })?;
            process.counts = rows.collect::<Result<_, _>>()?;
        }
        Ok(processes.into_iter().map(|(process, _)| process).collect())
    }
}

#[cfg(test)]
mod tests {
    use octrace_core::redact::Redactor;

    use super::*;

    #[test]
    fn decisions_are_counted_for_each_process() {
        let folder = tempfile::tempdir().unwrap();
        let mut tape = Tape::open(&folder.path().join("tape.db")).unwrap();
        let (spool, _) = tape.spool("1-a", 5).unwrap();
        let redactor = Redactor::new("");
        let text = |text: &str| redactor.text(text);
        let mut batch = tape.begin().unwrap();
        for (event, reason) in
            [("fetch.seen", ""), ("fetch.seen", ""), ("fetch.skipped", "method-not-post")]
        {
            batch.diagnosed(spool, &text(event), &text(reason), 1).unwrap();
        }
        let options = redactor.json(br#"{"dir":"/traces"}"#);
        let instance = Instance {
            directory: text("/project"),
            worktree: text("/"),
            project: text("global"),
            options,
        };
        batch.instance(spool, &instance).unwrap();
        batch.instance(spool, &instance).unwrap();
        batch.commit().unwrap();
        tape.count(spool, "jsonl.write.success", 3).unwrap();
        let (newer, _) = tape.spool("2-b", 6).unwrap();

        let process = tape.process(spool).unwrap().unwrap();
        assert!(!process.by_run);
        assert_eq!(tape.instances_of(&process).unwrap(), tape.instances(spool).unwrap());
        assert_eq!((process.count("fetch.seen"), process.count("fetch.skipped")), (2, 1));
        assert_eq!(process.counts[1].reason, "method-not-post");
        assert_eq!(process.count("jsonl.write.success"), 3);
        assert_eq!(
            tape.instances(spool).unwrap(),
            [("/project".into(), r#"{"dir":"/traces"}"#.into())]
        );
        let newest = tape.processes(1).unwrap();
        assert_eq!(newest[0].spool, "2-b");
        assert_eq!(tape.process(newer).unwrap().as_ref(), Some(&newest[0]));

        tape.connection.execute("DELETE FROM spools WHERE name = '1-a'", []).unwrap();
        assert_eq!(tape.instances(spool).unwrap(), []);
    }
}
