//! `octrace sessions`: what was recorded.

use clap::Args;
use jiff::Timestamp;
use octrace_store::Tape;
use octrace_view::{json, text};

use super::{Context, error::Result};

/// List the recorded sessions, newest first
#[derive(Args)]
pub(super) struct Sessions {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Sessions {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let rows = match Tape::open_existing(&paths.tape())? {
            Some(tape) => tape.sessions()?,
            None => Vec::new(),
        };
        if self.json {
            return out.print(&json::sessions(&rows)?);
        }
        if rows.is_empty() {
            out.note("nothing is recorded yet · octrace run -- opencode, or octrace install");
            return Ok(());
        }
        let now = Timestamp::now().as_microsecond();
        out.print(&text::sessions(&rows, &out.style(), now, out.width()))
    }
}
