//! Noticing that a source has something new without asking again and again: the system says so.
//!
//! It may say nothing: it has no watch left, or the files are another machine's. So the source is looked at now and
//! then all the same; a watch only says when that is worth it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::Sender,
    },
    time::{Duration, Instant},
};

use notify::RecommendedWatcher;

use super::Job;
use crate::watch::watch;

/// How often what is new is looked for while things change, and where the system says nothing.
const OFTEN: Duration = Duration::from_millis(50);

/// How often otherwise.
const SELDOM: Duration = Duration::from_secs(1);

/// For how long things count as changing after the last change.
const WHILE: Duration = Duration::from_millis(500);

/// The system's word for it that something changed.
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    /// Whether [`Job::Changed`] is on its way: one says as much as a hundred.
    is_told: Arc<AtomicBool>,
    changed: Option<Instant>,
}

impl Watch {
    /// Has [`Job::Changed`] sent when something in this folder changes.
    pub(super) fn begin(folder: Option<&Path>, jobs: &Sender<Job>) -> Self {
        let is_told = Arc::new(AtomicBool::new(false));
        let (jobs, told) = (jobs.clone(), Arc::clone(&is_told));
        let tell = move |_: Option<&[PathBuf]>| {
            if !told.swap(true, Ordering::Relaxed) {
                // Nobody listens: it is the end.
                jobs.send(Job::Changed).ok();
            }
        };
        let watcher = folder.and_then(|folder| watch(folder, tell).ok());
        Self { watcher, is_told, changed: None }
    }

    /// [`Job::Changed`] has come.
    pub(super) fn changed(&mut self) {
        self.is_told.store(false, Ordering::Relaxed);
        self.changed = Some(Instant::now());
    }

    /// How long to wait before the next look.
    pub(super) fn rest(&self) -> Duration {
        let is_quiet = self.changed.is_none_or(|changed| changed.elapsed() > WHILE);
        if self.watcher.is_some() && is_quiet { SELDOM } else { OFTEN }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::mpsc};

    use super::*;

    #[test]
    fn a_change_is_told_once_until_it_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let (jobs, work) = mpsc::channel();
        let mut watch = Watch::begin(Some(folder.path()), &jobs);
        assert_eq!(watch.rest(), SELDOM);
        let patience = Duration::from_secs(20);
        for round in 0..2 {
            fs::write(folder.path().join(format!("{round}")), "new").unwrap();
            assert!(matches!(work.recv_timeout(patience), Ok(Job::Changed)), "{round}");
            fs::write(folder.path().join("more"), "new").unwrap();
            assert!(work.try_recv().is_err(), "once is enough");
            watch.changed();
            assert_eq!(watch.rest(), OFTEN, "there may be more of it");
        }
    }

    #[test]
    fn where_the_system_says_nothing_looks_are_frequent() {
        let (jobs, _) = mpsc::channel();
        assert_eq!(Watch::begin(None, &jobs).rest(), OFTEN);
        assert_eq!(Watch::begin(Some(Path::new("/does/not/exist")), &jobs).rest(), OFTEN);
    }
}
