//! The system's word for it that a folder has changed (inotify, FSEvents), through `notify`.

use std::path::{Path, PathBuf};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// Calls `changed` with what has changed in the folder, itself and not below, until the watcher is dropped; with `None`
/// where the system has lost count. Reading is no change.
pub(crate) fn watch(
    folder: &Path,
    changed: impl Fn(Option<&[PathBuf]>) + Send + 'static,
) -> notify::Result<RecommendedWatcher> {
    let mut watcher =
        notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
            Ok(event) if event.kind.is_access() => {}
            Ok(event) => changed(Some(&event.paths)),
            Err(_) => changed(None),
        })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}
