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
/// Running recorders are asked; what no recorder reads is read by this command. What waits to be delivered goes out from
/// here, where the URL of the Postgres or the key of the tracing backend is in this environment or in the settings; what
/// waits for others is named, and waits on. A backend that asked for time (Retry-After) is left alone until then.
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
        format!("{items} waiting for {}: {}", destination.identity.name, waiting.why())
    };
    for waiting in undelivered.iter().filter(|waiting| waiting.lacks.is_some()) {
        out.note(&says(waiting));
    }
    let failed: Vec<_> = undelivered.iter().filter(|waiting| waiting.lacks.is_none()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let failure =
        failed.into_iter().fold(Failure::failed("not all is delivered"), |failure, waiting| {
            failure.item(says(waiting))
        });
    Err(failure.hint("Nothing is lost; `octrace queue` shows how it stands."))
}

#[cfg(test)]
mod tests {
    use octrace_store::delivery::{Destination, DestinationId, Identity, Rules};

    use super::*;

    fn undelivered(name: &str, waiting: u64, lacks: Option<&'static str>) -> Undelivered {
        let identity =
            Identity { kind: "otlp".to_owned(), name: name.to_owned(), options: "{}".to_owned() };
        let destination = Destination {
            id: DestinationId(1),
            identity,
            rules: Rules::default(),
            attempts: 1,
            retry_us: None,
            retry_is_asked: false,
            error: Some("answered 503".to_owned()),
        };
        let standing = Standing { destination, waiting, oldest_us: None, refused: None, dead: 0 };
        Undelivered { standing, lacks }
    }

    #[test]
    fn every_destination_that_could_have_taken_it_is_named() {
        let out = Output::new();
        let elsewhere = undelivered("http://c", 1, Some("its key is not in this environment"));
        assert!(told(std::slice::from_ref(&elsewhere), &out).is_ok());
        let undelivered =
            [undelivered("http://a", 1, None), elsewhere, undelivered("http://b", 2, None)];
        let failure = told(&undelivered, &out).unwrap_err();
        insta::assert_snapshot!(failure.message(), @"
        octrace: not all is delivered
          1 item waiting for http://a: answered 503
          2 items waiting for http://b: answered 503
          hint: Nothing is lost; `octrace queue` shows how it stands.
        ");
    }
}
