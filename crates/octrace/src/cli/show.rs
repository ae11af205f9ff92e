//! `octrace show`: one session as a tree.

mod follow;

use std::path::Path;

use clap::Args;
use jiff::Timestamp;
use octrace_core::{
    filter::Filter,
    session::{Session, Totals},
};
use octrace_store::{Tape, read::SessionRow};
use octrace_view::{
    json,
    text::{self, Style},
};

use super::{
    Context,
    error::{Failure, Result},
    filter::{self, FilterFlag, Places},
    search,
};

/// How many sessions are named where several may be meant.
const NAMED: usize = 5;

/// How much of their titles, in characters.
const TITLE: usize = 60;

/// Where the ids are.
const LIST: &str = "`octrace sessions` lists them.";

/// What to do where there is nothing to show.
const RECORD: &str = "`octrace run -- opencode` records one OpenCode, `octrace install` every one.";

/// Show a session: its turns, model calls, tools and sub-agents
///
/// With --filter, only what fits and what that stands under, and what of the session that is. A model call is shown with
/// all its attempts. With --follow, what comes is filtered as well.
#[derive(Args)]
#[command(after_long_help = filter::help())]
pub(super) struct Show {
    /// The session's id, or enough of its beginning (with or without `ses_`) or end; the newest
    /// session without it
    session: Option<String>,
    #[command(flatten)]
    filter: FilterFlag,
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
        let filter = self.filter.read()?;
        let mut tape = open(&paths.tape())?;
        if !filter.texts().is_empty() {
            search::catch_up(&mut tape);
        }
        let id = find(&tape.sessions()?, self.session.as_deref())?;
        if self.follow {
            return follow::follow(&tape, &id, &filter, out);
        }
        let shown = Shown::read(&tape, &id, &filter)?;
        if self.json {
            return out.print(&shown.json()?);
        }
        out.print(&shown.text(&out.style(), out.width()))
    }
}

/// The tape, which must be there.
pub(super) fn open(path: &Path) -> Result<Tape> {
    Tape::open_existing(path)?
        .ok_or_else(|| Failure::failed("nothing is recorded yet").hint(RECORD))
}

/// A session, or what of it fits a filter.
struct Shown {
    session: Session,
    /// Where only a part is shown, how much there is: its own and with its sub-agents'.
    whole: Option<(Totals, Totals)>,
}

impl Shown {
    fn read(tape: &Tape, id: &str, filter: &Filter) -> Result<Self> {
        let session = tape.session(id)?.ok_or_else(|| {
            Failure::failed(format!("the session {id} is not on the tape")).hint(LIST)
        })?;
        if filter.is_empty() {
            return Ok(Self { session, whole: None });
        }
        let whole = (session.totals(), session.totals_with_sub_agents());
        let mut ids = Vec::new();
        sessions(&session, &mut ids);
        let places = Places::find(tape, filter, Some(&ids))?;
        let now_us = Timestamp::now().as_microsecond();
        let session = filter.narrow(session, now_us, &|id, text| places.exchange(id, text));
        Ok(Self { session, whole: Some(whole) })
    }

    fn text(&self, style: &Style, width: usize) -> String {
        match &self.whole {
            Some((_, whole)) => text::show_part(&self.session, whole, style, width),
            None => text::show(&self.session, style, width),
        }
    }

    fn json(&self) -> Result<String> {
        Ok(json::show(&self.session, self.whole)?)
    }
}

/// The ids of a session and of its sub-agents' sessions.
fn sessions<'s>(session: &'s Session, ids: &mut Vec<&'s str>) {
    ids.push(&session.id);
    session.sub_agents().for_each(|child| sessions(child, ids));
}

/// Whether this may mean the session with the id: its beginning, with or without `ses_`, or its end.
pub(super) fn is_part_of(wanted: &str, id: &str) -> bool {
    let bare = id.strip_prefix("ses_").unwrap_or_default();
    id.starts_with(wanted) || bare.starts_with(wanted) || id.ends_with(wanted)
}

/// The session that is meant.
pub(super) fn find(rows: &[SessionRow], wanted: Option<&str>) -> Result<String> {
    let Some(wanted) = wanted else {
        let newest = rows.iter().find(|row| row.parent.is_none());
        return newest
            .map(|row| row.id.clone())
            .ok_or_else(|| Failure::failed("no session is recorded yet").hint(RECORD));
    };
    find_listed(rows, wanted, LIST)
}

/// The session that an id means, or enough of one. `lists`: a sentence that says what lists them.
pub(super) fn find_listed(rows: &[SessionRow], wanted: &str, lists: &str) -> Result<String> {
    if wanted.is_empty() {
        return Err(Failure::usage("an empty id is no session's").hint(lists));
    }
    if rows.iter().any(|row| row.id == wanted) {
        return Ok(wanted.to_owned());
    }
    let fits = rows.iter().filter(|row| is_part_of(wanted, &row.id));
    match fits.collect::<Vec<_>>().as_slice() {
        [row] => Ok(row.id.clone()),
        [] => Err(Failure::failed(format!("no session {wanted} is recorded")).hint(lists)),
        several => {
            let count = several.len();
            let failure = Failure::failed(format!("{wanted:?} may be any of {count} sessions"));
            let named = several.iter().take(NAMED).fold(failure, |failure, row| {
                let title = row.title.as_deref().unwrap_or("(untitled)");
                failure.item(format!(
                    "{} {}",
                    row.id,
                    title.chars().take(TITLE).collect::<String>()
                ))
            });
            let failure = if count > NAMED { named.item("…") } else { named };
            Err(failure.hint(format!("Give more of the id; {lists}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(wanted: Option<&str>) -> String {
        let row = |id: &str, parent: Option<&str>, title: &str| SessionRow {
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            title: Some(title.to_owned()).filter(|title| !title.is_empty()),
            ..SessionRow::default()
        };
        let newest = [
            row("ses_child", Some("ses_a1"), "Review"),
            row("ses_a1", None, "Fix the \u{1b}[2Jdate test"),
            row("ses_b1", None, ""),
        ];
        let older = (0..9).map(|n| row(&format!("ses_old{n}"), None, "Older"));
        let rows: Vec<_> = newest.into_iter().chain(older).collect();
        super::find(&rows, wanted).unwrap_or_else(|failure| failure.message())
    }

    #[test]
    fn a_session_is_found_by_its_id_or_enough_of_it() {
        assert_eq!(find(None), "ses_a1", "the newest that is no sub-agent's");
        assert_eq!(find(Some("ses_child")), "ses_child");
        assert_eq!(find(Some("ses_b")), "ses_b1");
        assert_eq!(find(Some("b")), "ses_b1", "everybody's is `ses_`");
        assert_eq!(find(Some("old7")), "ses_old7");
    }

    #[test]
    fn what_may_be_many_names_a_few() {
        insta::assert_snapshot!(find(Some("ses")), @r#"
        octrace: "ses" may be any of 12 sessions
          ses_child Review
          ses_a1 Fix the ␛[2Jdate test
          ses_b1 (untitled)
          ses_old0 Older
          ses_old1 Older
          …
          hint: Give more of the id; `octrace sessions` lists them.
        "#);
        insta::assert_snapshot!(find(Some("")), @"
        octrace: an empty id is no session's
          hint: `octrace sessions` lists them.
        ");
        insta::assert_snapshot!(find(Some("nothing")), @"
        octrace: no session nothing is recorded
          hint: `octrace sessions` lists them.
        ");
        let elsewhere = find_listed(&[], "nothing", "`octrace view dumps` lists them.");
        insta::assert_snapshot!(elsewhere.unwrap_err().message(), @"
        octrace: no session nothing is recorded
          hint: `octrace view dumps` lists them.
        ");
    }
}
