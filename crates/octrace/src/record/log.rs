//! The recorder's log: a small file, because nobody sees what a background program prints.
//!
//! It carries ids and counts, never content. `WARN`: odd, nothing lost. `ERROR`: something lost, or a
//! person must act.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::OFlags;
use tracing_subscriber::filter::LevelFilter;

/// A log that is longer than this when a recorder begins makes room for a new one; one old log is kept.
const LONGEST: u64 = 1 << 20;

/// Writes what is logged from now on to the file at `path`.
pub(crate) fn begin(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    if fs::symlink_metadata(path).is_ok_and(|log| log.len() > LONGEST) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)?;
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_ansi(false)
        .with_target(false)
        .with_writer(file)
        .finish();
    tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)
}
