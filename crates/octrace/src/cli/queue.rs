//! `octrace queue`: what is to be delivered, what was given up, and why.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use octrace_store::{
    Tape,
    delivery::{DeadLetter, DeliveryId, DestinationId, Standing, Which},
};
use octrace_view::text;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Context,
    error::{Failure, Result},
    flush::told,
};
use crate::{
    config::Settings,
    record::{self, Delivery, destination},
};

/// How many dead letters people are shown.
const SHOWN: u32 = 20;

/// Show what waits to be delivered, what was given up and why; try it again, or drop it
#[derive(Args)]
pub(super) struct Queue {
    #[command(subcommand)]
    action: Option<Action>,
    /// As JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Show each destination with what waits for it, and the newest dead letters (the default)
    List,
    /// Deliver again what waits or was given up: all of it, or what is named
    ///
    /// From here, where the destination's URL or key is in this environment or in the settings; else the next recorder
    /// that has it does.
    Retry(Retry),
    /// Give up what waits or was given up, for ever: it stays on the tape, and is not delivered
    Drop(Drop),
}

#[derive(Args)]
struct Named {
    /// These items, by the numbers that `octrace queue` shows
    #[arg(value_name = "ID")]
    ids: Vec<i64>,
    /// All of this destination, by the number that `octrace queue` shows
    #[arg(long, value_name = "NUMBER", conflicts_with = "ids")]
    destination: Option<i64>,
}

#[derive(Args)]
struct Retry {
    #[command(flatten)]
    named: Named,
    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

#[derive(Args)]
struct Drop {
    #[command(flatten)]
    named: Named,
    /// All of every destination
    #[arg(long, conflicts_with_all = ["ids", "destination"])]
    all: bool,
    /// Only what was given up, not what waits
    #[arg(long)]
    dead: bool,
    /// Yes, more than single items
    #[arg(long)]
    yes: bool,
}

/// What `--json` prints; a promise. Times are µs since the Unix epoch.
#[derive(Serialize)]
struct Printed<'a> {
    destinations: Vec<Destination<'a>>,
    /// All of them, the newest first.
    dead_letters: &'a [DeadLetter],
}

#[derive(Serialize)]
struct Destination<'a> {
    id: DestinationId,
    /// `postgres`, `neatlogs`, `helicone`, `otlp`.
    kind: &'a str,
    /// Where it is; no password, no key.
    name: &'a str,
    /// What shapes what is delivered there.
    options: Option<&'a RawValue>,
    /// Whether this environment, or the settings, have the URL of the Postgres, or the key of the tracing backend.
    key_is_known: bool,
    /// Items that are to be delivered yet.
    waiting: u64,
    /// When the oldest of them was recorded; null where nothing waits.
    oldest_us: Option<i64>,
    /// Items that were given up.
    dead: u64,
    /// How often in a row it could not be reached, or would take nothing.
    failed: u32,
    /// Why, the last time.
    error: Option<&'a str>,
    /// Not tried again before then.
    retry_us: Option<i64>,
}

impl Queue {
    pub(super) fn run(self, context: &mut Context) -> Result {
        match self.action {
            None | Some(Action::List) => list(context, self.json),
            Some(Action::Retry(retry)) => retry.run(context, self.json),
            Some(Action::Drop(drop)) => drop.run(context, self.json),
        }
    }
}

fn list(context: &mut Context, json: bool) -> Result {
    let Context { paths, settings, out } = context;
    let delivery = Delivery::new(settings);
    let lacks = |standing: &Standing| delivery.lacks(&standing.destination.identity);
    let (mut standings, mut letters) = (Vec::new(), Vec::new());
    if let Some(tape) = Tape::open_existing(&paths.tape())? {
        standings = tape.queue()?;
        letters = tape.dead_letters(if json { u32::MAX } else { SHOWN })?;
    }
    if json {
        let destinations =
            standings.iter().map(|standing| printed(standing, lacks(standing).is_none()));
        let destinations = destinations.collect();
        return out.json(&Printed { destinations, dead_letters: &letters });
    }
    if standings.is_empty() {
        out.note(&nothing(settings));
        return Ok(());
    }
    let standings: Vec<_> = standings
        .into_iter()
        .map(|standing| {
            let lacks = lacks(&standing);
            (standing, lacks)
        })
        .collect();
    let now_us = Timestamp::now().as_microsecond();
    out.print(&text::queue(&standings, &letters, &out.style(), now_us))
}

fn nothing(settings: &Settings) -> String {
    let named: Vec<_> = destination::own(settings).into_iter().map(|own| own.name).collect();
    let off: Vec<_> = settings.backends.otlp.off().collect();
    if let ([], [(endpoint, variable), ..]) = (&named[..], &off[..]) {
        format!("nothing is delivered anywhere: for {endpoint}, {variable} is not set here")
    } else if named.is_empty() {
        "nothing is delivered anywhere; AGENT_TRACE_DATABASE_URL names a Postgres, and NEATLOGS_API_KEY, \
         HELICONE_API_KEY or OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT a tracing backend"
            .to_owned()
    } else {
        format!("nothing was recorded for {} yet", named.join(", "))
    }
}

fn printed(standing: &Standing, key_is_known: bool) -> Destination<'_> {
    let Standing { destination, waiting, oldest_us, refused: _, dead } = standing;
    let identity = &destination.identity;
    Destination {
        id: destination.id,
        kind: &identity.kind,
        name: &identity.name,
        options: serde_json::from_str(&identity.options).ok(),
        key_is_known,
        waiting: *waiting,
        oldest_us: *oldest_us,
        dead: *dead,
        failed: destination.attempts,
        error: destination.error.as_deref(),
        retry_us: destination.retry_us,
    }
}

impl Named {
    /// What is named; `None` where nothing is.
    fn which(&self) -> Option<Which> {
        match self.destination {
            Some(destination) => Some(Which::Of(DestinationId(destination))),
            None if self.ids.is_empty() => None,
            None => Some(Which::These(self.ids.iter().copied().map(DeliveryId).collect())),
        }
    }
}

/// The tape, where there is anything in its queue.
fn tape(context: &Context) -> Result<Tape> {
    let nothing = || Failure::failed("nothing is recorded yet");
    Tape::open_existing(&context.paths.tape())?.ok_or_else(nothing)
}

impl Retry {
    fn run(self, context: &mut Context, json: bool) -> Result {
        #[derive(Serialize)]
        struct Printed {
            /// How many items are tried again.
            retried: u64,
        }
        let mut tape = tape(context)?;
        let retried = tape.retry(&self.named.which().unwrap_or(Which::All))?;
        if retried == 0 && self.named.which().is_some() {
            return Err(unknown());
        }
        let place = context.paths.place(&context.settings);
        let deadline = Instant::now() + Duration::from_secs(self.timeout);
        let undelivered = record::deliver(&place, deadline)?;
        if json {
            context.out.json(&Printed { retried })?;
        } else {
            context.out.line(&format!("{} tried again.", text::counted(retried, "item")))?;
        }
        told(&undelivered, &context.out)
    }
}

impl Drop {
    fn run(self, context: &mut Context, json: bool) -> Result {
        #[derive(Serialize)]
        struct Printed {
            /// How many items were given up.
            dropped: u64,
        }
        let which = match self.named.which() {
            Some(which) => which,
            None if self.all => Which::All,
            None => {
                return Err(Failure::usage("what is to be dropped?")
                    .hint("Name items by their numbers, a --destination, or --all."));
            }
        };
        if !matches!(which, Which::These(_)) && !self.yes {
            return Err(Failure::usage("this drops more than single items")
                .hint("Add --yes, or name items by their numbers."));
        }
        let dropped = tape(context)?.drop_deliveries(&which, self.dead)?;
        if dropped == 0 && which != Which::All {
            return Err(unknown());
        }
        if json {
            return context.out.json(&Printed { dropped });
        }
        context.out.line(&format!("{} dropped.", text::counted(dropped, "item")))
    }
}

fn unknown() -> Failure {
    Failure::failed("nothing in the queue has that number")
        .hint("`octrace queue` shows the numbers; what is delivered has none.")
}
