//! `octrace show`: one session as a tree.

use std::{path::Path, thread, time::Duration};

use clap::Args;
use octrace_core::session::Session;
use octrace_store::Tape;
use octrace_view::{json, text};

use super::{
    Context,
    error::{Failure, Result},
    output::Output,
};

/// How often `--follow` looks.
const EVERY: Duration = Duration::from_millis(250);

/// Show a session: its turns, model calls, tools and sub-agents
#[derive(Args)]
pub(super) struct Show {
    /// The session's id, or enough of its beginning or end; the newest session without it
    session: Option<String>,
    /// As JSON
    #[arg(long, conflicts_with = "follow")]
    json: bool,
    /// Stay, and show what comes
    #[arg(long)]
    follow: bool,
}

impl Show {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let tape = open(&paths.tape())?;
        let id = find(&tape, self.session.as_deref())?;
        let session = read(&tape, &id)?;
        if self.json {
            return out.print(&json::show(&session)?);
        }
        if self.follow {
            return follow(&tape, &id, session, out);
        }
        out.print(&text::show(&session, &out.style(), out.width()))
    }
}

/// Prints the session whenever it has changed, until somebody stops us.
fn follow(tape: &Tape, id: &str, mut session: Session, out: &mut Output) -> Result {
    let mut shown = String::new();
    loop {
        let now = text::show(&session, &out.style(), out.width());
        if now != shown {
            // A terminal shows one picture; elsewhere one follows the other.
            let before = if out.is_terminal() { "\u{1b}[H\u{1b}[2J\u{1b}[3J" } else { "" };
            out.print(&format!("{before}{now}\n"))?;
            shown = now;
        }
        thread::sleep(EVERY);
        session = read(tape, id)?;
    }
}

/// The tape, which must be there.
pub(super) fn open(path: &Path) -> Result<Tape> {
    Tape::open_existing(path)?.ok_or_else(|| {
        Failure::failed("nothing is recorded yet")
            .hint("`octrace run -- opencode` records one OpenCode, `octrace install` every one.")
    })
}

fn read(tape: &Tape, id: &str) -> Result<Session> {
    tape.session(id)?.ok_or_else(|| Failure::failed(format!("the session {id} is not on the tape")))
}

/// The session that is meant.
fn find(tape: &Tape, wanted: Option<&str>) -> Result<String> {
    let rows = tape.sessions()?;
    let Some(wanted) = wanted else {
        let newest = rows.into_iter().find(|row| row.parent.is_none());
        return newest
            .map(|row| row.id)
            .ok_or_else(|| Failure::failed("no session is recorded yet"));
    };
    let ids = || rows.iter().map(|row| row.id.as_str());
    if let Some(id) = ids().find(|id| *id == wanted) {
        return Ok(id.to_owned());
    }
    let fits = |id: &&str| id.starts_with(wanted) || id.ends_with(wanted);
    match ids().filter(fits).collect::<Vec<_>>().as_slice() {
        [id] if !wanted.is_empty() => Ok((*id).to_owned()),
        [] => Err(Failure::failed(format!("no session {wanted} is recorded"))
            .hint("`octrace sessions` lists them.")),
        several => Err(Failure::failed(format!("{wanted} may be any of {}", several.join(", ")))),
    }
}
