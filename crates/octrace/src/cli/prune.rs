//! `octrace prune`: retention, now.

use clap::Args;
use jiff::Timestamp;
use octrace_store::{
    Tape,
    prune::{Pruned, Pruning, SessionUsage, Wanted},
};
use octrace_view::text;
use serde::Serialize;

use super::{
    Context,
    error::{Failure, Result},
    output::Progress,
    show,
};
use crate::{
    config::{Age, Bytes},
    record::retention,
};

/// Take the oldest sessions off the tape, as the settings say or as you do
///
/// Without options: what is older than `tape.max_age`, and then the oldest until the tape fits `tape.max_size`.
/// Works beside recorders; a session that is being recorded stays.
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
    /// Only show which sessions would go
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
    /// What went.
    pruned: Pruned,
    /// On the disk.
    freed_bytes: u64,
    /// What is left on the disk.
    left_bytes: u64,
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
        let before = tape.size()?.on_disk();
        let mut printed = Printed {
            would_prune: Vec::new(),
            pruned: Pruned::default(),
            freed_bytes: 0,
            left_bytes: before,
            kept: Vec::new(),
        };
        if self.dry_run {
            printed.would_prune = tape.would_prune(&wanted, now_us)?;
        } else {
            let mut pruning = Pruning::new(wanted.clone(), now_us);
            let mut progress = Progress::new();
            retention::run(&mut pruning, &mut tape, |Pruned { sessions, exchanges, .. }| {
                let so_far = format!("{sessions} sessions and {exchanges} requests so far");
                progress.show(&so_far, 0, 0);
            })?;
            drop(progress);
            printed.pruned = pruning.pruned();
            printed.left_bytes = tape.size()?.on_disk();
            printed.freed_bytes = before.saturating_sub(printed.left_bytes);
            let left = tape.sessions()?;
            let is_left = |id: &String| left.iter().any(|row| row.id == *id);
            printed.kept = wanted.sessions.into_iter().filter(is_left).collect();
        }
        let kept = printed.kept.clone();
        if self.json {
            out.json(&printed)?;
        } else if self.dry_run {
            let style = out.style();
            out.print(&text::would_prune(&printed.would_prune, &style, now_us, out.width()))?;
        } else {
            out.print(&text::pruned(&printed.pruned, printed.freed_bytes, &out.style()))?;
        }
        if kept.is_empty() {
            return Ok(());
        }
        let failure = Failure::failed("being recorded, and kept:");
        let failure = kept.into_iter().fold(failure, Failure::item);
        Err(failure.hint("They can go once their OpenCode has ended."))
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
