//! `octrace flush`: waits until everything that was captured so far is on the tape, and delivered.

use std::time::{Duration, Instant};

use clap::Args;
use octrace_store::delivery::Standing;
use octrace_view::text;

use super::{
    Context,
    error::{Failure, Result},
    output::Output,
};
use crate::record::{self, FlushReport, Undelivered};

/// Wait until everything captured so far is on the tape, in the files that follow it, and delivered
///
/// Running recorders are asked; what no recorder reads is read by this command. What waits to be delivered is, where the
/// URL of the Postgres or the key of the tracing backend is in this environment or in the settings; else it is named, and
/// waits on. Who asked to be left in peace for a while (Retry-After) is.
#[derive(Args)]
pub(crate) struct Flush {
    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

impl Flush {
    pub(crate) fn run(self, context: &mut Context) -> Result {
        let place = context.paths.place(&context.settings);
        let timeout = Duration::from_secs(self.timeout);
        let deadline = Instant::now() + timeout;
        let FlushReport { late, failed, unwritten } = record::flush(&place, timeout);
        // What is there can go, whatever is not.
        let undelivered = record::deliver(&place, deadline);
        if let Some((spool, error)) = failed.into_iter().next() {
            let error = error.context(format!("cannot read all of {}", spool.display()));
            return Err(Failure::from(error).hint("It is kept as it is; octrace verify says more."));
        }
        if let Some(spool) = late.first() {
            return Err(Failure::failed(format!(
                "{} of the spools are not on the tape after {} seconds, {} among them",
                late.len(),
                self.timeout,
                spool.display()
            ))
            .hint("Nothing is lost; give it more time with --timeout."));
        }
        if let Some((folder, error)) = unwritten.first() {
            return Err(Failure::failed(format!(
                "all is on the tape, but a JSONL file in {} is not up to date: {error}",
                folder.display()
            ))
            .hint("It is tried again; `octrace export jsonl` writes the same at any time."));
        }
        told(&undelivered?, &context.out)
    }
}

/// Says what waits: as a failure, where it could have been delivered from here.
pub(super) fn told(undelivered: &[Undelivered], out: &Output) -> Result {
    let says = |waiting: &Undelivered| {
        let Standing { destination, waiting: count, .. } = &waiting.standing;
        let items = text::counted(*count, "item");
        format!("{items} wait for {}: {}", destination.identity.name, waiting.why())
    };
    for waiting in undelivered.iter().filter(|waiting| waiting.lacks.is_some()) {
        out.note(&says(waiting));
    }
    match undelivered.iter().find(|waiting| waiting.lacks.is_none()) {
        None => Ok(()),
        Some(waiting) => {
            let failure = Failure::failed(format!("not all is delivered: {}", says(waiting)));
            Err(failure.hint("Nothing is lost; `octrace queue` shows how it stands."))
        }
    }
}
