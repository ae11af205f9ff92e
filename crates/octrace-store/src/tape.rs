//! Opening the tape: one file per user, in WAL mode, shared by all recorders and readers.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use crate::{Error, migrate, write::Memory};

/// How long a writer waits for another one. Transactions are short, so this is far more than enough.
const BUSY: Duration = Duration::from_secs(20);

/// The one database. Not shared between threads; each opens its own.
pub struct Tape {
    pub(crate) connection: Connection,
    pub(crate) memory: Memory,
    path: PathBuf,
}

impl Tape {
    /// Opens the tape at `path`, and makes it if it is not there: the folder for its owner only, the
    /// file too.
    ///
    /// # Errors
    /// [`Error::Newer`] for a tape that a newer octrace wrote, [`Error::NotATape`] for any other
    /// file, [`Error::Open`] when the system refuses.
    pub fn open(path: &Path) -> Result<Self, Error> {
        create(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        // Refuse before touching: the next line would change a foreign file's header.
        migrate::version(&connection, path)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "foreign_keys", "off")?;
        migrate::migrate(&mut connection, path)?;
        Ok(Self { connection, memory: Memory::default(), path: path.to_owned() })
    }

    /// Opens the tape for commands that only look; `None` when nothing was ever recorded.
    ///
    /// # Errors
    /// As [`Tape::open`].
    pub fn open_existing(path: &Path) -> Result<Option<Self>, Error> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => Self::open(path).map(Some),
        }
    }

    /// Makes what was committed survive a power cut: needed before what it was read from is deleted.
    ///
    /// # Errors
    /// [`Error::Open`] when the system refuses.
    pub fn sync(&self) -> Result<(), Error> {
        let mut wal = self.path.clone().into_os_string();
        wal.push("-wal");
        [self.path.clone(), wal.into()].into_iter().try_for_each(|path| {
            match File::open(&path).and_then(|file| file.sync_all()) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    Err(Error::Open { path, source })
                }
                _ => Ok(()),
            }
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes the file and its folder, if need be, readable for their owner only. SQLite gives its `-wal` and
/// `-shm` files the mode of the database.
fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
