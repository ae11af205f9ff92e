//! How large a tape is.

use std::path::Path;

use rusqlite::Connection;

/// Bytes of the database's pages in use, once its log is in it.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// With all that belongs to it.
    pub(crate) indexed: i64,
    /// Without the search index.
    pub(crate) plain: i64,
}

/// Of the tape at `path`, to which nobody writes.
pub(crate) fn size(path: &Path) -> anyhow::Result<Size> {
    let tape = Connection::open(path)?;
    let figure = |sql: &str| tape.query_row(sql, [], |row| row.get::<_, i64>(0));
    tape.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let pages = figure("PRAGMA page_count")? - figure("PRAGMA freelist_count")?;
    let indexed = pages * figure("PRAGMA page_size")?;
    let index = figure(
        "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name LIKE 'part\\_words%' ESCAPE '\\'",
    )?;
    Ok(Size { indexed, plain: indexed - index })
}
