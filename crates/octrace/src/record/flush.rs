//! Waiting until everything that was captured so far is on the tape.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{
    adopt::{Adoption, adopt},
    control::Control,
    place::Place,
    spool,
    status::Status,
};

/// How often to look for the answer of another process.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What [`flush`] achieved.
#[derive(Debug, Default)]
pub(crate) struct FlushReport {
    /// Spools of which nothing has to be waited for any more: what was in them at the moment of asking is on
    /// the tape, or they are another tape's.
    pub(crate) done: usize,
    /// Spools that were not done in time.
    pub(crate) late: Vec<PathBuf>,
    /// Spools that cannot be read, and why.
    pub(crate) failed: Vec<(PathBuf, anyhow::Error)>,
}

/// Waits until what is in the spools of this place now is on the tape, at most for `timeout`. Running
/// recorders are asked; spools without one are read here.
pub(crate) fn flush(place: &Place, timeout: Duration) -> FlushReport {
    let deadline = Instant::now() + timeout;
    let mut report = FlushReport::default();
    for folder in place.roots.iter().flat_map(|root| spool::spools_in(root)) {
        match flush_one(&folder, place, deadline) {
            Ok(true) => report.done += 1,
            Ok(false) => report.late.push(folder),
            // Its recorder may have finished and deleted it meanwhile.
            Err(_) if !folder.exists() => report.done += 1,
            Err(error) => report.failed.push((folder, error)),
        }
    }
    report
}

fn flush_one(folder: &Path, place: &Place, deadline: Instant) -> anyhow::Result<bool> {
    let mut token = None;
    loop {
        if adopt(folder, place)? != Adoption::Taken {
            return Ok(true);
        }
        if token.is_none() {
            // Unique among those who may ask: this process, at this moment.
            let asked = format!("{}-{}", std::process::id(), super::clock::now_us());
            Control { token: asked.clone() }.ask(folder)?;
            token = Some(asked);
        }
        if !folder.exists() || Status::read(folder).is_some_and(|status| status.answered == token) {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        thread::sleep(LOOK_EVERY);
    }
}
