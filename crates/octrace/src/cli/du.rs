//! `octrace du`: how much of the disk each session needs.

use clap::Args;
use jiff::Timestamp;
use octrace_store::{Tape, prune::Usage};
use octrace_view::text;
use serde::Serialize;

use super::{Context, error::Result};
use crate::config::{Age, Bytes};

/// Show how much of the disk each session needs, the largest first
///
/// `size` is what would become free without a session, `shared` what it has in common with others.
#[derive(Args)]
pub(super) struct Du {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints; a promise. Sizes are bytes.
#[derive(Serialize)]
struct Printed {
    #[serde(flatten)]
    usage: Usage,
    /// As the settings have it; null for none.
    max_bytes: Option<u64>,
    /// The same, in seconds.
    max_age_seconds: Option<u64>,
}

impl Du {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, settings, out } = context;
        let usage = match Tape::open_existing(&paths.tape())? {
            Some(tape) => tape.usage()?,
            None => Usage::default(),
        };
        let max_bytes = settings.max_size.value.get().map(|Bytes(bytes)| bytes);
        if self.json {
            let max_age_seconds = settings.max_age.value.get().map(|Age(age)| age.as_secs());
            return out.json(&Printed { usage, max_bytes, max_age_seconds });
        }
        if usage == Usage::default() {
            out.note("nothing is recorded yet");
            return Ok(());
        }
        let now = Timestamp::now().as_microsecond();
        out.print(&text::usage(&usage, max_bytes, &out.style(), now, out.width()))
    }
}
