//! `octrace sessions`: what was recorded.

use clap::Args;
use jiff::Timestamp;
use octrace_store::Tape;
use octrace_view::{json, text};

use super::{
    Context,
    error::Result,
    filter::{self, FilterFlag, Places},
    search,
};

/// List the recorded sessions, newest first
#[derive(Args)]
#[command(after_long_help = filter::help())]
pub(super) struct Sessions {
    #[command(flatten)]
    filter: FilterFlag,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Sessions {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let filter = self.filter.read()?;
        let now = Timestamp::now().as_microsecond();
        let mut rows = Vec::new();
        let mut places = Places::default();
        if let Some(mut tape) = Tape::open_existing(&paths.tape())? {
            if !filter.texts().is_empty() {
                search::catch_up(&mut tape);
            }
            rows = tape.sessions()?;
            places = Places::find(&tape, &filter, None)?;
        }
        let recorded = rows.len();
        rows.retain(|row| filter.matches(row, now, |text| places.session(&row.id, text)));
        if self.json {
            return out.print(&json::sessions(&rows)?);
        }
        if recorded == 0 {
            out.note("nothing is recorded yet · octrace run -- opencode, or octrace install");
            return Ok(());
        }
        if rows.is_empty() {
            let recorded = text::counted(recorded as u64, "session");
            out.note(&format!("nothing fits the filter; {recorded} recorded"));
            return Ok(());
        }
        out.print(&text::sessions(&rows, &out.style(), now, out.width()))
    }
}
