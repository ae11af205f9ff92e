//! `octrace search`: full text over everything recorded.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use clap::Args;
use jiff::Timestamp;
use octrace_core::{
    filter::{self as language, Filter, Said, Within},
    search::Query,
};
use octrace_store::{
    Tape,
    read::{Hits, Wanted},
};
use octrace_view::{json, text};

use super::{
    Context,
    error::{Failure, Result},
    filter::{self, Places},
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
/// Fields say where: 'kind:error role:tool-result model:claude timeout'. They are those of the filter language, below;
/// words that look like one are looked for in quotes.
///
/// Shows where the words were first seen in each session, newest first. When nothing is found, it says so and the
/// exit code is 0.
#[derive(Args)]
#[command(after_long_help = filter::help())]
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
        let typed = self.text.join(" ");
        let wanted =
            language::Search::parse(&typed).map_err(|problem| filter::failure(&typed, &problem))?;
        let Some(query) = &wanted.query else { return Err(nothing(&wanted.filter)) };
        let now_us = Timestamp::now().as_microsecond();
        let found = match Tape::open_existing(&paths.tape())? {
            Some(mut tape) => {
                let session = match &self.session {
                    Some(wanted) => Some(show::find(&tape.sessions()?, Some(wanted))?),
                    None => None,
                };
                catch_up(&mut tape);
                find(&tape, query, &wanted, session.as_deref(), self.limit, now_us)?
            }
            None => Hits::default(),
        };
        if self.json {
            return out.print(&json::search(&found)?);
        }
        if found.hits.is_empty() {
            out.note("nothing found; a word with * after it is the beginning of one");
            return Ok(());
        }
        out.print(&text::search(&found, &out.style(), now_us, out.width()))
    }
}

/// Where the query is, in exchanges that are wanted.
fn find(
    tape: &Tape,
    query: &Query,
    wanted: &language::Search,
    session: Option<&str>,
    limit: usize,
    now_us: i64,
) -> Result<Hits> {
    let filter = &wanted.filter;
    let role_wanted = |role| wanted.wants(role);
    if filter.is_empty() {
        return Ok(tape.search_where(query, session, limit, None, role_wanted)?);
    }
    let only = session.map(|session| [session]);
    let places = Places::find(tape, filter, only.as_ref().map(|ids| &ids[..]))?;
    let rows = tape.sessions()?;
    let within: HashMap<&str, Within<'_>> =
        rows.iter().map(|row| (row.id.as_str(), filter.within(row))).collect();
    let mut fits = |said: Said<'_>| {
        let row = said.exchange;
        within.get(row.session.as_str()).is_some_and(|within| {
            within.matches(&said, now_us, |text| places.exchange(row.id, text))
        })
    };
    let fitting = Wanted { fits: &mut fits, of_calls: filter.asks_of_calls() };
    Ok(tape.search_where(query, session, limit, Some(fitting), role_wanted)?)
}

/// Why there is no search without words.
fn nothing(filter: &Filter) -> Failure {
    let failure = Failure::usage("there is nothing to search for");
    if filter.is_empty() {
        return failure;
    }
    failure.hint(
        "Give words beside the fields; `octrace sessions --filter` finds sessions by fields alone.",
    )
}

/// Brings the index up to date. Where that cannot be, or takes too long, the search reads what is missing.
pub(super) fn catch_up(tape: &mut Tape) {
    let begun = Instant::now();
    let mut progress = Progress::new();
    while begun.elapsed() < PATIENCE && tape.index_step().unwrap_or(false) {
        progress.show("bringing the index up to date", 0, 0);
    }
}
