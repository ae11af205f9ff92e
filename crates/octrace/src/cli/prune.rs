//! `octrace prune`: retention, now.

use clap::Args;
use jiff::Timestamp;
use octrace_store::{
    Tape,
    prune::{self, Plan, Pruned, Pruning, SessionUsage, Wanted},
};
use octrace_view::text;
use serde::Serialize;

use super::{
    Context,
    error::{Failure, Result},
    output::{Output, Progress},
    show,
};
use crate::{
    config::{Age, Bytes},
    record::retention,
};

/// Take the oldest sessions off the tape, as the settings say or as you do
///
/// Without options: what is older than `tape.max_age`, and then the oldest until the tape fits `tape.max_size`.
/// Works beside recorders; a session that is being recorded stays, and of the sizes the newest one: of it the oldest
/// requests go, where they alone are more than the limit leaves. A limit that cannot be reached is said, and no
/// failure: the exit code is 0.
#[derive(Args)]
pub(super) struct Prune {
    /// Sessions without any activity for as long: 30d, 12h
    #[arg(long, value_name = "DURATION")]
    older_than: Option<Age>,
    /// The oldest sessions, until the tape takes no more than this: 500MB, 2GiB
    #[arg(long, value_name = "SIZE")]
    to: Option<Bytes>,
    /// These sessions, with their sub-agents' (ids as for `octrace show`)
    #[arg(long, value_name = "ID", num_args = 1..)]
    session: Vec<String>,
    /// Only show what would go
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints; a promise. Sizes are bytes.
#[derive(Serialize)]
struct Printed {
    /// With `--dry-run`, the sessions that would go whole; else empty.
    would_prune: Vec<SessionUsage>,
    /// With `--dry-run`, at most about how much of the oldest requests of what stays would go; else 0.
    would_trim_bytes: u64,
    /// What went.
    pruned: Pruned,
    /// On the disk.
    freed_bytes: u64,
    /// What is left on the disk; with `--dry-run`, about what would be.
    left_bytes: u64,
    /// What it was to become; null without a limit.
    wanted_bytes: Option<u64>,
    /// Of what is left, what an empty tape takes.
    empty_bytes: u64,
    /// Of what is left, about what the sessions that stay take.
    content_bytes: u64,
    /// Asked for by their ids, but being recorded.
    kept: Vec<String>,
}

impl Prune {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let now_us = Timestamp::now().as_microsecond();
        let mut tape = match Tape::open_existing(&context.paths.tape())? {
            Some(tape) => tape,
            // Then there is nothing to prune, unless somebody means a certain session.
            None if self.session.is_empty() && !self.json => {
                context.out.note("nothing is recorded yet");
                return Ok(());
            }
            None => show::open(&context.paths.tape())?,
        };
        let wanted = self.wanted(context, &tape, now_us)?;
        let out = &mut context.out;
        let plan = tape.plan(&wanted, now_us)?;
        let mut printed = Printed {
            would_prune: Vec::new(),
            would_trim_bytes: 0,
            pruned: Pruned::default(),
            freed_bytes: 0,
            left_bytes: plan.left_bytes,
            wanted_bytes: wanted.to_bytes,
            empty_bytes: prune::empty_bytes()?,
            content_bytes: plan.content_bytes,
            kept: Vec::new(),
        };
        let mut kept = wanted.sessions.clone();
        if self.dry_run {
            printed.would_prune.clone_from(&plan.sessions);
            printed.would_trim_bytes = plan.trimmed_bytes;
            kept.retain(|id| plan.sessions.iter().all(|session| session.id != *id));
        } else {
            let before = tape.size()?.on_disk();
            let mut pruning = Pruning::new(plan.wanted(&wanted), now_us);
            let mut progress = Progress::new();
            retention::run(&mut pruning, &mut tape, |Pruned { sessions, exchanges, .. }| {
                let so_far = format!("{sessions} sessions and {exchanges} requests so far");
                progress.show(&so_far, 0, 0);
            })?;
            drop(progress);
            printed.pruned = pruning.pruned();
            printed.left_bytes = tape.size()?.on_disk();
            printed.content_bytes = tape.content_bytes()?;
            printed.freed_bytes = before.saturating_sub(printed.left_bytes);
            let left = tape.sessions()?;
            kept.retain(|id| left.iter().any(|row| row.id == *id));
        }
        printed.kept = kept;
        self.print(&printed, &plan, now_us, out)?;
        if printed.kept.is_empty() {
            return Ok(());
        }
        let failure = Failure::failed("not pruned, because it is being recorded:");
        let failure = printed.kept.into_iter().fold(failure, Failure::item);
        Err(failure.hint("It can go once its OpenCode has ended."))
    }

    fn print(&self, printed: &Printed, plan: &Plan, now_us: i64, out: &mut Output) -> Result {
        if self.json {
            return out.json(printed);
        }
        let style = out.style();
        // What is kept says so itself.
        let nothing = plan.sessions.is_empty() && printed.pruned == Pruned::default();
        if printed.kept.is_empty() || !nothing {
            let text = if self.dry_run {
                text::would_prune(plan, &style, now_us, out.width())
            } else {
                text::pruned(&printed.pruned, printed.freed_bytes, &style)
            };
            out.print(&text)?;
        }
        let Printed { left_bytes, content_bytes, empty_bytes, .. } = *printed;
        let why = printed
            .wanted_bytes
            .and_then(|wanted| text::too_large(wanted, left_bytes, content_bytes, empty_bytes));
        if let Some(why) = why {
            out.note(&why);
        }
        Ok(())
    }

    fn wanted(&self, context: &Context, tape: &Tape, now_us: i64) -> Result<Wanted> {
        let settings = &context.settings;
        let asked = self.older_than.is_some() || self.to.is_some() || !self.session.is_empty();
        let (age, size) = if asked {
            (self.older_than, self.to)
        } else {
            (settings.max_age.value.get(), settings.max_size.value.get())
        };
        let rows = tape.sessions()?;
        let find = |id: &String| show::find(&rows, Some(id));
        Ok(Wanted {
            before_us: age.map(|Age(age)| retention::before(now_us, age)),
            to_bytes: size.map(|Bytes(bytes)| bytes),
            sessions: self.session.iter().map(find).collect::<Result<_>>()?,
        })
    }
}
