//! `octrace search`: full text over everything recorded.

use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;
use octrace_core::search::Query;
use octrace_store::{Tape, read::Hits};
use octrace_view::{json, text};

use super::{
    Context,
    error::{Failure, Result},
    output::Progress,
    show,
};

/// How long to bring the index up to date before searching without it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Search everything recorded: prompts, answers, tools and what they gave, system prompts, errors
///
/// All words have to occur in the same message, in any order, upper or lower case. A word with * after it is the
/// beginning of one; "words in quotes" follow each other (a shell takes quotes for itself: '"like this"'). Every
/// other sign means itself, so that code is found as it is written: foo_bar, a.b.c, fn(x). In scripts without
/// spaces between words, any part of a sentence is found.
///
/// Shows where the words were first seen in each session, newest first. When nothing is found, it says so and the
/// exit code is 0.
#[derive(Args)]
pub(super) struct Search {
    /// What to look for
    #[arg(required = true, value_name = "TEXT")]
    text: Vec<String>,
    /// In this session only: its id, or enough of it
    #[arg(long)]
    session: Option<String>,
    /// Show at most so many places
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Search {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let query = Query::parse(&self.text.join(" "))
            .ok_or_else(|| Failure::usage("there is nothing to search for"))?;
        let found = match Tape::open_existing(&paths.tape())? {
            Some(mut tape) => {
                let session = match &self.session {
                    Some(wanted) => Some(show::find(&tape.sessions()?, Some(wanted))?),
                    None => None,
                };
                catch_up(&mut tape);
                tape.search(&query, session.as_deref(), self.limit)?
            }
            None => Hits::default(),
        };
        if self.json {
            return out.print(&json::search(&found)?);
        }
        if found.hits.is_empty() {
            out.note("nothing found");
            return Ok(());
        }
        let now_us = Timestamp::now().as_microsecond();
        out.print(&text::search(&found, &out.style(), now_us, out.width()))
    }
}

/// Brings the index up to date. Where that cannot be, or takes too long, the search reads what is missing.
fn catch_up(tape: &mut Tape) {
    let begun = Instant::now();
    let mut progress = Progress::new();
    while begun.elapsed() < PATIENCE && tape.index_step().unwrap_or(false) {
        progress.show("bringing the index up to date", 0, 0);
    }
}
