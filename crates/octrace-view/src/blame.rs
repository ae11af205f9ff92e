//! Who wrote a file, line by line: what `octrace blame` shows.

use std::sync::Arc;

use octrace_core::attribution::{
    blame::{Blamed, Commit, Reason, Who},
    timeline::{Evidence, Why},
};
use octrace_store::read::Author;
use serde::Serialize;

use crate::text::safe;

/// A file of a work tree, or some lines of it.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// As people call it: relative to the root of its work tree.
    pub name: String,
    /// Absolute, links followed.
    pub path: String,
    /// The root of the work tree; `None` outside of any.
    pub root: Option<String>,
    /// The lines.
    pub lines: Vec<Line>,
    /// The calls that lines and reasons name by their place.
    pub authors: Vec<Author>,
}

/// A line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// What it says, without its end.
    pub text: String,
    /// Who wrote it. Calls are places in [`File::authors`].
    pub blamed: Blamed,
}

/// A line for scripts.
#[derive(Serialize)]
struct Row<'a> {
    line: usize,
    who: &'static str,
    text: &'a str,
    call: Option<&'a Author>,
    evidence: Option<&'static str>,
    commit: Option<&'a Commit>,
    why: Option<String>,
    suspect: Option<&'a Author>,
}

/// A file for scripts.
#[derive(Serialize)]
struct Rows<'a> {
    path: &'a str,
    root: Option<&'a str>,
    name: &'a str,
    lines: Vec<Row<'a>>,
}

impl File {
    /// For `octrace blame --json`. `who` is `agent`, `person` or `unknown`; `why` says what keeps an unknown line from
    /// being known, and `suspect` is the call that this is about, if it is one; `commit` is `null` for what is in none.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        let rows = Rows {
            path: &self.path,
            root: self.root.as_deref(),
            name: &self.name,
            lines: self.lines.iter().map(|line| self.row(line)).collect(),
        };
        let mut text = serde_json::to_string_pretty(&rows)?;
        text.push('\n');
        Ok(safe::json(&text).into_owned())
    }

    fn row<'a>(&'a self, line: &'a Line) -> Row<'a> {
        let who = &line.blamed.who;
        Row {
            line: line.number,
            who: name(who),
            text: &line.text,
            call: self.author(line),
            evidence: match who {
                Who::Agent { evidence, .. } => Some(evidence.as_str()),
                Who::Person | Who::Unknown(_) => None,
            },
            commit: line.blamed.commit.as_deref(),
            why: match who {
                Who::Unknown(reason) => Some(self.why(*reason)),
                Who::Agent { .. } | Who::Person => None,
            },
            suspect: match who {
                Who::Unknown(reason) => suspect(*reason).and_then(|call| self.authors.get(call)),
                Who::Agent { .. } | Who::Person => None,
            },
        }
    }

    /// The call that wrote a line.
    pub(crate) fn author(&self, line: &Line) -> Option<&Author> {
        match &line.blamed.who {
            Who::Agent { call, .. } => self.authors.get(*call),
            Who::Person | Who::Unknown(_) => None,
        }
    }

    /// What keeps a line from being known, as a sentence without its full stop.
    pub(crate) fn why(&self, reason: Reason) -> String {
        let call = suspect(reason).and_then(|call| self.authors.get(call));
        let tool = call.map_or("a call", |call| call.tool.as_str());
        let of = call.map(|call| format!(" of {}", call.session)).unwrap_or_default();
        match reason {
            Reason::Evidence(Why::Contended) => {
                "several calls were at work when it came, and none says that it is its own"
                    .to_owned()
            }
            Reason::Evidence(Why::Unfinished) => {
                "the call that was at work when it came failed, or nobody saw it end".to_owned()
            }
            Reason::Evidence(Why::Repeated) => {
                "the same line stands, or stood, in several places".to_owned()
            }
            Reason::Evidence(Why::Brought) => {
                "it came with a command that brings other people's lines, such as git checkout"
                    .to_owned()
            }
            Reason::Evidence(Why::Blanked) => {
                "it had a secret, which is not on the tape".to_owned()
            }
            Reason::Evidence(Why::Unread) => {
                "a call or a person wrote it, and nobody saw the file in between".to_owned()
            }
            Reason::Unseen(_) => {
                format!("{tool}{of} may have written it: what it changed was not seen")
            }
            Reason::Failed(_) => format!("{tool}{of} may have written it before it failed"),
            Reason::Elsewhere(_) => format!("{tool}{of} wrote the same line in another file"),
            Reason::Pruned => "what was recorded of the time when it came is deleted".to_owned(),
        }
    }
}

/// The call that a reason is about.
fn suspect(reason: Reason) -> Option<usize> {
    match reason {
        Reason::Unseen(call) | Reason::Failed(call) | Reason::Elsewhere(call) => Some(call),
        Reason::Evidence(_) | Reason::Pruned => None,
    }
}

/// The calls that what is known of a line names.
pub fn calls_of(who: &Who) -> Option<usize> {
    match who {
        Who::Agent { call, .. } => Some(*call),
        Who::Unknown(reason) => suspect(*reason),
        Who::Person => None,
    }
}

/// The same with another number for the call.
pub fn renumbered(who: &Who, number: impl Fn(usize) -> usize) -> Who {
    let reason = |reason: Reason| match reason {
        Reason::Unseen(call) => Reason::Unseen(number(call)),
        Reason::Failed(call) => Reason::Failed(number(call)),
        Reason::Elsewhere(call) => Reason::Elsewhere(number(call)),
        Reason::Evidence(_) | Reason::Pruned => reason,
    };
    match who {
        Who::Agent { call, evidence } => Who::Agent { call: number(*call), evidence: *evidence },
        Who::Unknown(why) => Who::Unknown(reason(*why)),
        Who::Person => Who::Person,
    }
}

/// The word for scripts.
fn name(who: &Who) -> &'static str {
    match who {
        Who::Agent { .. } => "agent",
        Who::Person => "person",
        Who::Unknown(_) => "unknown",
    }
}

/// How a line is known to be a call's, for people.
pub(crate) fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Bytes => "the file's bytes before and after the call",
        Evidence::StepTrees => "OpenCode's snapshots before and after the step",
        Evidence::Explicit => "lines that the call's result names",
        Evidence::UniqueText => "its new text stands once in the file",
        Evidence::Created => "the call created the file",
    }
}

/// Lines as a commit has them that nobody made yet.
pub(crate) fn commit(line: &Line) -> Option<&Arc<Commit>> {
    line.blamed.commit.as_ref()
}
