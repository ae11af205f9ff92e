//! `octrace flush`: waits until everything that was captured so far is on the tape.

use std::time::Duration;

use clap::Args;

use super::{
    Context,
    error::{Failure, Result},
};
use crate::record::{self, FlushReport};

/// Wait until everything captured so far is on the tape, and in the files that follow it
///
/// Running recorders are asked; what no recorder reads is read by this command.
#[derive(Args)]
pub(crate) struct Flush {
    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

impl Flush {
    pub(crate) fn run(self, context: &mut Context) -> Result {
        let FlushReport { late, failed, unwritten } = record::flush(
            &context.paths.place(&context.settings),
            Duration::from_secs(self.timeout),
        );
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
        Ok(())
    }
}
