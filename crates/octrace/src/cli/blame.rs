//! `octrace blame`: who wrote each line of a file as it is now.

use std::{ffi::OsString, io};

use clap::Args;
use jiff::Timestamp;
use octrace_store::Tape;
use octrace_view::text;

use super::{
    Context,
    error::{Failure, Result},
};
use crate::blame::{self, Now, target::Target};

/// Show who wrote each line of a file: an agent (which model, session, prompt and call) or a person
///
/// Of the file as it is now, committed or not. A line that nobody can be sure of is unknown, with the reason; what git
/// knows of a person's lines is named as `git blame` names it.
#[derive(Args)]
pub(super) struct Blame {
    /// The file; with one line, all that is known of that
    #[arg(value_name = "FILE[:LINE[-LINE]]")]
    target: OsString,
    /// As JSON: for each line all ids, up to the requests
    #[arg(long)]
    json: bool,
}

impl Blame {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, settings, out } = context;
        let Target { path, lines } =
            Target::read(&self.target, |path| path.symlink_metadata().is_ok());
        let shown = path.display();
        let now_us = Timestamp::now().as_microsecond();
        let now = Now::read(&path, now_us).map_err(|error| {
            let missing = error.kind() == io::ErrorKind::NotFound;
            let failure = anyhow::Error::new(error).context(format!("cannot read {shown}"));
            let failure = Failure::from(failure);
            if missing {
                return failure.hint("Only files that are there have lines; `octrace search` finds what was recorded.");
            }
            failure
        })?;
        let count = now.lines();
        if count == 0 {
            out.note(&format!("{shown} is empty"));
        }
        let (from, to) = lines.unwrap_or((1, count));
        if lines.is_some() && (from == 0 || to < from) {
            let failure = Failure::usage(format!("{from}-{to} is no range of lines"));
            return Err(failure.hint("FILE:LINE, or FILE:FROM-TO; the first line is 1."));
        }
        if to > count || from > count && count > 0 {
            let there = text::counted(count as u64, "line");
            return Err(Failure::failed(format!("{shown} has no line {to}: it has {there}")));
        }
        let tape = Tape::open_existing(&paths.tape())?;
        let one = lines.is_some() && from == to;
        let patterns = &settings.patterns.value;
        let file = blame::ask(&now, (from, to), tape.as_ref(), patterns, self.json || one)?;
        if tape.is_none() {
            out.note("nothing is recorded yet: what is said here is git's alone");
        } else if file.root.is_none() {
            out.note(&format!("{shown} is in no git repository, so nobody knows its commits"));
        }
        if self.json {
            return out.print(&file.json()?);
        }
        if one {
            return out.print(&text::blame_line(&file, &out.style(), now_us));
        }
        // Whole lines for files and pipes.
        let width = out.is_terminal().then(|| out.width());
        out.print(&text::blame(&file, &out.style(), now_us, width))
    }
}
