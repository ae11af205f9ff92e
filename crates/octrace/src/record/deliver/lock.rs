//! One deliverer per destination at a time, whichever process it is in: an OS lock, which ends with whoever has it.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use octrace_store::delivery::DestinationId;
use rustix::fs::OFlags;

/// The lock of a destination of a tape.
pub(super) struct Lock {
    path: PathBuf,
}

/// While it lives, nobody else delivers there.
pub(super) struct Held {
    _file: File,
}

impl Lock {
    /// Beside the tape.
    pub(super) fn of(tape: &Path, destination: DestinationId) -> Self {
        Self { path: tape.with_file_name(format!(".deliver-{}.lock", destination.0)) }
    }

    /// Waits until nobody else delivers.
    pub(super) fn hold(&self) -> anyhow::Result<Held> {
        let lock = || -> io::Result<File> {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
                .open(&self.path)?;
            file.lock()?;
            Ok(file)
        };
        let file = lock().with_context(|| format!("cannot lock {}", self.path.display()))?;
        Ok(Held { _file: file })
    }
}
