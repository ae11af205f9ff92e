//! `octrace rebuild`: what is derived, made again.

use clap::Args;
use octrace_view::text::counted;

use super::{Context, error::Result, output::Progress, show};
use crate::record::derive_again;

/// Make again what is derived from what was recorded: the search index, tokens, costs, titles, Agent Trace records
///
/// Recorded content is read, never changed. Recorders may go on meanwhile; a rebuild that was broken off goes on where
/// it was.
#[derive(Args)]
pub(super) struct Rebuild {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Rebuild {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let mut tape = show::open(&paths.tape())?;
        let mut progress = Progress::new();
        let rebuilt = tape.rebuild(&mut |stage| progress.show(stage.what, stage.done, stage.of))?;
        derive_again(&mut tape, &mut |done, of| progress.show("steps", done, of))?;
        drop(progress);
        if self.json {
            return out.json(&rebuilt);
        }
        out.line(&format!(
            "Read {} and {} again, {} of them changed; the search index has {}.",
            counted(rebuilt.exchanges, "request"),
            counted(rebuilt.events, "event"),
            rebuilt.changed,
            counted(rebuilt.parts, "part"),
        ))?;
        if rebuilt.unreadable > 0 {
            let unreadable = counted(rebuilt.unreadable, "row");
            out.note(&format!("{unreadable} cannot be read and stay as they are · octrace verify"));
        }
        Ok(())
    }
}
