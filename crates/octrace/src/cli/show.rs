//! `octrace show`: one session as a tree.

mod follow;

use std::path::Path;

use clap::Args;
use octrace_core::session::Session;
use octrace_store::{Tape, read::SessionRow};
use octrace_view::{json, text};

use super::{
    Context,
    error::{Failure, Result},
};

/// How many sessions are named where several may be meant.
const NAMED: usize = 5;

/// What to do where there is nothing to show.
const RECORD: &str = "`octrace run -- opencode` records one OpenCode, `octrace install` every one.";

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
        let id = find(&tape.sessions()?, self.session.as_deref())?;
        if self.follow {
            return follow::follow(&tape, &id, out);
        }
        let session = read(&tape, &id)?;
        if self.json {
            return out.print(&json::show(&session)?);
        }
        out.print(&text::show(&session, &out.style(), out.width()))
    }
}

/// The tape, which must be there.
pub(super) fn open(path: &Path) -> Result<Tape> {
    Tape::open_existing(path)?
        .ok_or_else(|| Failure::failed("nothing is recorded yet").hint(RECORD))
}

fn read(tape: &Tape, id: &str) -> Result<Session> {
    tape.session(id)?.ok_or_else(|| {
        Failure::failed(format!("the session {id} is not on the tape"))
            .hint("`octrace sessions` lists them.")
    })
}

/// The session that is meant.
fn find(rows: &[SessionRow], wanted: Option<&str>) -> Result<String> {
    let Some(wanted) = wanted else {
        let newest = rows.iter().find(|row| row.parent.is_none());
        return newest
            .map(|row| row.id.clone())
            .ok_or_else(|| Failure::failed("no session is recorded yet").hint(RECORD));
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
        several => {
            let named = several.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            let more = if several.len() > NAMED { ", …" } else { "" };
            Err(Failure::failed(format!("{wanted:?} may be any of {named}{more}"))
                .hint("Give more of the id; `octrace sessions` lists them."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(wanted: Option<&str>) -> String {
        let row = |id: &str, parent: Option<&str>| SessionRow {
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            ..SessionRow::default()
        };
        let newest = [row("ses_child", Some("ses_a1")), row("ses_a1", None), row("ses_b1", None)];
        let older = (0..9).map(|n| row(&format!("ses_old{n}"), None));
        let rows: Vec<_> = newest.into_iter().chain(older).collect();
        super::find(&rows, wanted).unwrap_or_else(|failure| failure.message())
    }

    #[test]
    fn a_session_is_found_by_its_id_or_enough_of_it() {
        assert_eq!(find(None), "ses_a1", "the newest that is no sub-agent's");
        assert_eq!(find(Some("ses_child")), "ses_child");
        assert_eq!(find(Some("ses_b")), "ses_b1");
        assert_eq!(find(Some("old7")), "ses_old7");
    }

    #[test]
    fn what_may_be_many_names_a_few() {
        insta::assert_snapshot!(find(Some("")), @r#"
        octrace: "" may be any of ses_child, ses_a1, ses_b1, ses_old0, ses_old1, …
          hint: Give more of the id; `octrace sessions` lists them.
        "#);
        insta::assert_snapshot!(find(Some("nothing")), @"
        octrace: no session nothing is recorded
          hint: `octrace sessions` lists them.
        ");
    }
}
