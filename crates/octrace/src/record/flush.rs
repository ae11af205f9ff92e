//! Waiting until everything that was captured so far is on the tape.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use octrace_store::Tape;

use super::{
    adopt::{Adoption, adopt},
    control::Control,
    place::Place,
    sinks::catch_up,
    spool,
    status::Status,
};

/// How often to look for the answer of another process.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What [`flush`] achieved.
#[derive(Debug, Default)]
pub(crate) struct FlushReport {
    /// Spools that were not done in time.
    pub(crate) late: Vec<PathBuf>,
    /// Spools that cannot be read, and why.
    pub(crate) failed: Vec<(PathBuf, anyhow::Error)>,
    /// Folders with files that lack something of what is on the tape, and why.
    pub(crate) unwritten: Vec<(PathBuf, String)>,
}

/// Waits until what is in the spools of this place now is on the tape and in the files that follow it, at most for
/// `timeout`. Running recorders are asked; spools without one are read here, and what is left of consumed ones goes. Nobody
/// is waited for who is somewhere else: that is [`super::deliver()`].
pub(crate) fn flush(place: &Place, timeout: Duration) -> FlushReport {
    let deadline = Instant::now() + timeout;
    let mut report = FlushReport::default();
    for folder in place.roots.iter().flat_map(|root| spool::spools_in(root)) {
        match flush_one(&folder, place, deadline) {
            Ok(true) => {}
            Ok(false) => report.late.push(folder),
            // Its recorder may have finished and deleted it meanwhile.
            Err(_) if !folder.exists() => {}
            Err(error) => report.failed.push((folder, error)),
        }
    }
    // Their recorders may have died before it was done.
    place.roots.iter().for_each(|root| spool::sweep_all(root));
    let files = Tape::open_existing(&place.tape)
        .and_then(|tape| tape.map(|mut tape| catch_up(&mut tape, deadline)).transpose());
    match files {
        Ok(unwritten) => report.unwritten = unwritten.unwrap_or_default(),
        Err(error) => report.failed.push((place.tape.clone(), error.into())),
    }
    report
}

fn flush_one(folder: &Path, place: &Place, deadline: Instant) -> anyhow::Result<bool> {
    let mine = Control::new(None);
    loop {
        if adopt(folder, place)? != Adoption::Taken {
            return Ok(true);
        }
        let answered = Status::read(folder).and_then(|status| status.answered);
        if !folder.exists() || answered.as_ref() == Some(&mine.token) {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        // Once; and again when somebody else has asked over us.
        if Control::read(folder).as_ref() != Some(&mine) {
            mine.ask(folder)?;
        }
        thread::sleep(LOOK_EVERY);
    }
}
