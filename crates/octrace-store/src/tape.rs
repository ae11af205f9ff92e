//! Opening the tape: one file per user, in WAL mode, shared by all recorders and readers.

use std::{
    cell::RefCell,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{Error, migrate, part::Recent, write::Memory};

/// How long a writer waits for another one. Transactions are short, so this is far more than enough.
pub(crate) const BUSY: Duration = Duration::from_secs(20);

/// How many statements a connection keeps prepared: more than anybody who works with a tape for long has.
const STATEMENTS: usize = 256;

/// Longer than a file system's clock takes to go on.
const CLOCK: Duration = Duration::from_millis(100);

/// How long to wait where SQLite itself does not.
const TRY_AGAIN: Duration = Duration::from_millis(10);

/// The one database. Not shared between threads; each opens its own.
pub struct Tape {
    pub(crate) connection: Connection,
    pub(crate) memory: Memory,
    pub(crate) recent: RefCell<Recent>,
    path: PathBuf,
    /// Device and inode of the file that is open.
    identity: (u64, u64),
}

impl Tape {
    /// Opens the tape at `path`, and makes it if it is not there: the folder for its owner only, the
    /// file too.
    ///
    /// # Errors
    /// [`Error::Newer`] for a tape that a newer octrace wrote, [`Error::NotATape`] for any other
    /// file, [`Error::Open`] when the system refuses.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_within(path, BUSY)
    }

    /// Whoever has the tape to himself is waited for at most so long, now and later.
    fn open_within(path: &Path, limit: Duration) -> Result<Self, Error> {
        let refused = |source| Error::Open { path: path.to_owned(), source };
        create(path).map_err(refused)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.busy_timeout(limit)?;
        let begun = Instant::now();
        while let Err(error) = set_up(&mut connection, path) {
            // A new tape becomes a WAL one under a lock that SQLite does not wait for, while others do the same.
            if !error.is_busy() || begun.elapsed() > limit {
                return Err(error);
            }
            thread::sleep(TRY_AGAIN);
        }
        let file = fs::metadata(path).map_err(refused)?;
        Ok(Self::of(connection, path, &file))
    }

    /// Opens the tape for commands that only look; `None` when nothing was ever recorded. A tape that
    /// cannot be written, on a read-only file system say, can be looked at all the same.
    ///
    /// # Errors
    /// As [`Tape::open`].
    pub fn open_existing(path: &Path) -> Result<Option<Self>, Error> {
        Self::open_existing_within(path, BUSY)
    }

    /// The same for those who have other things to do: they wait no longer than `limit` for somebody who has the
    /// tape to himself, now and whenever they ask it something.
    ///
    /// # Errors
    /// As [`Tape::open`]; one that [is about that](Error::is_busy) after `limit`.
    pub fn open_existing_within(path: &Path, limit: Duration) -> Result<Option<Self>, Error> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        match Self::open_within(path, limit) {
            Err(Error::Open { source, .. })
                if matches!(
                    source.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                Self::open_unwritable(path).map(Some)
            }
            opened => opened.map(Some),
        }
    }

    /// Nobody writes to it, so SQLite need not lock it either, which it could not.
    fn open_unwritable(path: &Path) -> Result<Self, Error> {
        let open = |source| Error::Open { path: path.to_owned(), source };
        let real = fs::canonicalize(path).map_err(open)?;
        let name = real.to_str().ok_or_else(|| open(io::ErrorKind::InvalidFilename.into()))?;
        let escaped = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let uri = format!("file:{escaped}?immutable=1");
        let connection = Connection::open_with_flags(uri, flags)?;
        if migrate::version(&connection, path)? < migrate::NEWEST {
            return Err(open(io::Error::other(
                "it is older than this octrace, and cannot be written",
            )));
        }
        let file = fs::metadata(&real).map_err(open)?;
        Ok(Self::of(connection, path, &file))
    }

    /// With a connection to the file at `path`, and what is known of that.
    fn of(connection: Connection, path: &Path, file: &fs::Metadata) -> Self {
        Self {
            connection,
            memory: Memory::default(),
            recent: RefCell::default(),
            path: path.to_owned(),
            identity: (file.dev(), file.ino()),
        }
    }

    /// A number that changes when somebody else has written to the tape; cheap enough to ask a few times a
    /// second. It means nothing to another [`Tape`].
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn data_version(&self) -> Result<i64, Error> {
        let mut version = self.connection.prepare_cached("PRAGMA data_version")?;
        Ok(version.query_row([], |row| row.get(0))?)
    }

    /// The size of the log and when it was written to: as long as that stays the same, so does
    /// [`Tape::data_version`], and it costs less to ask. `None` where it says nothing: there is no log, or it was
    /// written to at this moment, and what is written next may look the same.
    pub fn log_stamp(&self) -> Option<(u64, SystemTime)> {
        let log = fs::metadata(self.log_path()).ok()?;
        let written = log.modified().ok()?;
        (written.elapsed().ok()? > CLOCK).then_some((log.len(), written))
    }

    /// Whether the file that is open is still the one at its path: nobody has deleted or replaced it.
    pub fn is_in_place(&self) -> bool {
        // Looked at by name, never opened: closing any descriptor of it would end SQLite's locks on it.
        fs::metadata(&self.path).is_ok_and(|there| (there.dev(), there.ino()) == self.identity)
    }

    /// Makes what was committed survive a power cut: needed before what it was read from is deleted.
    ///
    /// # Errors
    /// [`Error::Open`] when the system refuses, and when the file that is open is not the one at its path any
    /// more: SQLite writes on into a tape that somebody deleted, and nobody would ever read it.
    pub fn sync(&self) -> Result<(), Error> {
        let refused = |path: &Path, source| Error::Open { path: path.to_owned(), source };
        if !self.is_in_place() {
            let source = io::Error::other("it was deleted or replaced while it was open");
            return Err(refused(&self.path, source));
        }
        // What is in the file itself was synced when it was moved there from the log.
        let log = self.log_path();
        match File::open(&log).and_then(|file| file.sync_all()) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(refused(&log, source)),
            _ => Ok(()),
        }
    }

    /// Where SQLite keeps its write-ahead log.
    pub(crate) fn log_path(&self) -> PathBuf {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        log.into()
    }
}

/// How large the log beside the tape grows before it is copied into it, in bytes.
const CHECKPOINT: i64 = 2 << 20;

/// Brings a connection into the state that all of ours have, and the tape to the newest version.
fn set_up(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    // Refuse before touching: what follows would change a foreign file's header.
    if migrate::version(connection, path)? == 0 {
        migrate::begin(connection)?;
    }
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", "off")?;
    // As many bytes whatever a page has.
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT / page.max(1))?;
    // No plan depends on what is asked for; else statements over tables with partial indexes are planned anew each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    migrate::migrate(connection, path)
}

/// Makes the file and its folder, if need be, readable for their owner only. SQLite gives its `-wal` and
/// `-shm` files the mode of the database.
///
/// The file gets its name when it is closed already: to close a descriptor of a database ends the locks that this
/// process has on it.
fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    match fs::metadata(path) {
        Ok(found) if found.is_file() => {
            let writable = rustix::fs::access(path, rustix::fs::Access::WRITE_OK);
            return writable.map_err(io::Error::from);
        }
        Ok(_) => {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let make = |path: &Path| {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
    };
    let new = Path::new(&new);
    make(new)?;
    let named = fs::hard_link(new, path);
    fs::remove_file(new)?;
    match named {
        Ok(()) => Ok(()),
        // Somebody else was faster; it is the same.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without links.
        Err(_) => make(path).or_else(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn refused(path: &Path) -> Error {
        Tape::open(path).err().expect("refused")
    }

    #[test]
    fn a_new_tape_and_its_folder_are_for_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("octrace/tape.db");
        assert!(Tape::open_existing(&path).unwrap().is_none(), "looking makes nothing");
        let mut tape = Tape::open(&path).unwrap();
        tape.spool("1-a", 0).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        for file in fs::read_dir(path.parent().unwrap()).unwrap() {
            let file = file.unwrap().path();
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
        assert!(Tape::open_existing(&path).unwrap().is_some());
    }

    #[test]
    fn a_newer_tape_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.db");
        let tape = Tape::open(&path).unwrap();
        tape.connection.pragma_update(None, "user_version", 99).unwrap();
        drop(tape);
        let before = fs::read(&path).unwrap();
        assert!(matches!(refused(&path), Error::Newer { found: 99, .. }));
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn what_is_no_tape_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let foreign = folder.path().join("foreign.db");
        let other = Connection::open(&foreign).unwrap();
        other.execute_batch("CREATE TABLE theirs (x)").unwrap();
        drop(other);
        let text = folder.path().join("text.db");
        fs::write(&text, "not a database at all, but long enough to look like one".repeat(100))
            .unwrap();
        for path in [foreign, text] {
            let before = fs::read(&path).unwrap();
            assert!(matches!(refused(&path), Error::NotATape { .. }), "{}", path.display());
            assert_eq!(fs::read(&path).unwrap(), before);
        }
        assert!(matches!(refused(folder.path()), Error::Open { .. }), "a folder");
    }

    #[test]
    fn a_tape_that_cannot_be_written_can_be_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("odd ?#% name.db");
        let mut tape = Tape::open(&path).unwrap();
        tape.spool("1-a", 0).unwrap();
        drop(tape);
        // As root nothing is unwritable; so not through the front door.
        let mut tape = Tape::open_unwritable(&path).unwrap();
        assert_eq!(tape.sessions().unwrap(), []);
        assert!(tape.spool("2-a", 0).is_err());
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "nothing is made beside it");
    }

    #[test]
    fn a_tape_that_was_deleted_does_not_count_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.db");
        let tape = Tape::open(&path).unwrap();
        tape.sync().unwrap();
        assert!(tape.is_in_place());
        fs::remove_file(&path).unwrap();
        assert!(tape.sync().is_err() && !tape.is_in_place(), "gone");
        Tape::open(&path).unwrap();
        assert!(tape.sync().is_err() && !tape.is_in_place(), "another one");
    }

    #[test]
    fn what_somebody_else_wrote_shows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.db");
        let reader = Tape::open(&path).unwrap();
        let mut writer = Tape::open(&path).unwrap();
        let before = reader.data_version().unwrap();
        assert_eq!(reader.data_version().unwrap(), before);
        writer.spool("1-a", 0).unwrap();
        assert_ne!(reader.data_version().unwrap(), before);
        // The log says so, too, once its file's time can be told from the next commit's.
        let stamp = || loop {
            if let Some(stamp) = reader.log_stamp() {
                return stamp;
            }
            thread::sleep(TRY_AGAIN);
        };
        let before = stamp();
        assert_eq!(stamp(), before);
        writer.spool("2-a", 0).unwrap();
        assert_eq!(reader.log_stamp(), None, "it may be written to again within the same moment");
        assert_ne!(stamp(), before);
    }

    #[test]
    fn pages_can_be_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let tape = Tape::open(&folder.path().join("tape.db")).unwrap();
        let mode: i64 =
            tape.connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0)).unwrap();
        assert_eq!(mode, 2, "incremental");
    }

    #[test]
    fn an_empty_tape_is_small() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.db");
        drop(Tape::open(&path).unwrap());
        let bytes = fs::metadata(&path).unwrap().len();
        assert!(bytes < 300_000, "{bytes}");
    }

    #[test]
    fn ten_recorders_may_make_the_tape_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.db");
        std::thread::scope(|scope| {
            let open = |n: usize| {
                let path = &path;
                move || Tape::open(path).unwrap().spool(&format!("{n}-a"), 0).unwrap()
            };
            let threads: Vec<_> = (0..10).map(|n| scope.spawn(open(n))).collect();
            for thread in threads {
                thread.join().unwrap();
            }
        });
        let tape = Tape::open(&path).unwrap();
        let spools: i64 =
            tape.connection.query_row("SELECT count(*) FROM spools", [], |row| row.get(0)).unwrap();
        assert_eq!(spools, 10);
    }
}
