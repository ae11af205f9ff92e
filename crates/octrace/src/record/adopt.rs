//! Spools that nobody reads: their recorder died, or could never be started.
//!
//! Whoever comes by takes them: each recorder before it ends, and `octrace flush`. What is there goes onto the
//! tape; the spool itself is deleted only when its writer is surely dead.

use std::path::Path;

use octrace_store::Tape;

use super::{
    pipeline::Pipeline,
    place::Place,
    spool::{self, Spool},
};

/// What became of a spool that was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adoption {
    /// Somebody else reads it.
    Taken,
    /// It is for another tape.
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
    if spool.hello()?.is_some_and(|hello| !place.is_for(&hello)) {
        return Ok(Adoption::Elsewhere);
    }
    let mut pipeline = Pipeline::open(spool, Tape::open(&place.tape)?)?;
    pipeline.drain(false)?;
    if !pipeline.writer_is_dead() {
        return Ok(Adoption::Drained);
    }
    pipeline.finish()?;
    Ok(Adoption::Finished)
}

/// Takes every spool in this place that nobody reads. One that cannot be read is left for another day.
pub(crate) fn adopt_all(place: &Place) {
    for folder in place.roots.iter().flat_map(|root| spool::spools_in(root)) {
        let name = folder.display();
        match adopt(&folder, place) {
            Ok(Adoption::Taken | Adoption::Elsewhere) => {}
            Ok(adoption) => tracing::info!(spool = %name, ?adoption, "adopted a spool"),
            Err(error) => tracing::warn!(spool = %name, "left a spool as it is: {error:#}"),
        }
    }
}
