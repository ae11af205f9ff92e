//! Spools that nobody reads: their recorder died, or could never be started.
//!
//! Whoever comes by takes them: each recorder before it ends, and `octrace flush`. What is there goes onto the
//! tape; the spool itself is deleted only when its writer is surely dead.

use std::path::{Path, PathBuf};

use octrace_store::Tape;
use octrace_wire::payload::Hello;

use super::{
    pipeline::Pipeline,
    place::Place,
    spool::{self, Spool},
    writer::Writer,
};

/// What became of a spool that was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adoption {
    /// Somebody else reads it.
    Taken,
    /// It is for another tape, or does not say yet for which.
    Elsewhere,
    /// What was there is on the tape; its writer still lives.
    Drained,
    /// All of it is on the tape, and it is gone.
    Finished,
}

/// Takes the spool in `folder`, unless somebody else has it.
pub(crate) fn adopt(folder: &Path, place: &Place) -> anyhow::Result<Adoption> {
    let spool = Spool::open(folder)?;
    let Some(_claim) = spool.try_claim()? else { return Ok(Adoption::Taken) };
    match spool.hello()? {
        Some(hello) if place.is_for(&hello) => {}
        Some(_) => return Ok(Adoption::Elsewhere),
        // Nobody knows whose it is. That of a writer who only begins says so in a moment.
        None if Writer::default().is_dead(folder) => {}
        None => return Ok(Adoption::Elsewhere),
    }
    let mut pipeline = Pipeline::open(spool, Tape::open(&place.tape)?, place)?;
    pipeline.drain(false)?;
    if !pipeline.writer_is_dead() {
        return Ok(Adoption::Drained);
    }
    pipeline.finish()?;
    Ok(Adoption::Finished)
}

/// Takes every spool in this place that nobody reads. One that cannot be read is left for another day.
pub(crate) fn adopt_all(place: &Place) {
    for root in &place.roots {
        spool::sweep_all(root);
    }
    for folder in place.roots.iter().flat_map(|root| spool::spools_in(root)) {
        let name = folder.display();
        match adopt(&folder, place) {
            Ok(Adoption::Taken | Adoption::Elsewhere) => {}
            Ok(adoption) => tracing::info!(spool = %name, ?adoption, "adopted a spool"),
            // Somebody else was faster.
            Err(_) if !folder.exists() => {}
            Err(error) => tracing::warn!(spool = %name, "left a spool as it is: {error:#}"),
        }
    }
}

/// How a spool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpoolState {
    /// A recorder reads it.
    Read,
    /// Its OpenCode lives, but nobody reads it.
    Unread,
    /// Its OpenCode is gone, and nobody has taken it yet.
    Left,
}

/// A spool that is there.
pub(crate) struct FoundSpool {
    /// Its folder; the folder's name is the spool's on the tape.
    pub(crate) folder: PathBuf,
    /// Who writes it. Not redacted.
    pub(crate) hello: Hello,
    /// How it stands.
    pub(crate) state: SpoolState,
}

/// The spools that are for this place's tape, as they stand. Changes nothing.
pub(crate) fn spools(place: &Place) -> Vec<FoundSpool> {
    let found = |folder: PathBuf| {
        let spool = Spool::open(&folder).ok()?;
        let hello = spool.hello().ok()?.filter(|hello| place.is_for(hello))?;
        let state = match spool.try_claim().ok()? {
            None => SpoolState::Read,
            Some(_) if Writer::new(&hello).is_dead(&folder) => SpoolState::Left,
            Some(_) => SpoolState::Unread,
        };
        Some(FoundSpool { folder, hello, state })
    };
    let folders = place.roots.iter().flat_map(|root| spool::spools_in(root));
    folders.filter_map(found).collect()
}
