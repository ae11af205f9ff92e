//! The filter language on the command line: reading it, what is wrong with it, and what `--help` says of it.

use std::collections::HashSet;

use clap::Args;
use octrace_core::filter::{FIELDS, Filter, Problem, SIGNS};
use octrace_store::Tape;
use octrace_view::text;

use super::error::{Failure, Result};

/// Clap wraps what is wider than the terminal, but knows no columns.
const HELP_WIDTH: usize = 80;

/// The flag of commands that show what fits.
#[derive(Args)]
pub(super) struct FilterFlag {
    /// Show only what fits, as 'kind:error model:claude cost>0.1'; --help explains the language
    #[arg(
        long,
        value_name = "FILTER",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    filter: String,
}

impl FilterFlag {
    pub(super) fn read(&self) -> Result<Filter> {
        Filter::parse(&self.filter).map_err(|problem| failure(&self.filter, &problem))
    }
}

/// What is wrong with a filter, and where.
pub(super) fn failure(typed: &str, problem: &Problem) -> Failure {
    Failure::usage(problem.to_string())
        .picture(text::pointed_at(typed, problem.at.clone()))
        .hint("--help explains the language; in double quotes, text is looked for as it is.")
}

/// The language in one page.
pub(super) fn help() -> String {
    let mut help = String::new();
    let signs = SIGNS.iter().map(|sign| (sign.example, sign.means));
    let fields = FIELDS.iter().map(|field| (field.examples.first().copied(), field.means));
    let fields = fields.map(|(example, means)| (example.unwrap_or_default(), means));
    paragraph("The filter language: terms between blanks, all of which have to hold.", &mut help);
    signs.for_each(|(example, means)| entry(example, means, &mut help));
    help.push('\n');
    paragraph(
        "Fields. A session fits when anything in it does, and its numbers are sums; what of a session is shown has \
         to fit by itself.",
        &mut help,
    );
    fields.for_each(|(example, means)| entry(example, means, &mut help));
    help.push('\n');
    paragraph(
        "Anything else is a word, with a colon in it or not. A shell takes quotes and some signs for itself: put a \
         filter in single quotes.",
        &mut help,
    );
    help
}

fn paragraph(text: &str, help: &mut String) {
    wrap(String::new(), "", text, help);
}

fn entry(example: &str, means: &str, help: &mut String) {
    wrap(format!("  {example:<20} "), &" ".repeat(23), means, help);
}

/// Puts words behind `line`, and on lines of their own that begin with `indent`.
fn wrap(mut line: String, indent: &str, words: &str, help: &mut String) {
    for word in words.split(' ') {
        if line.len() + word.len() > HELP_WIDTH {
            help.push_str(line.trim_end());
            help.push('\n');
            indent.clone_into(&mut line);
        }
        line.push_str(word);
        line.push(' ');
    }
    help.push_str(line.trim_end());
    help.push('\n');
}

/// Where on the tape the `text:` terms of a filter are.
#[derive(Debug, Default)]
pub(super) struct Places {
    exchanges: Vec<HashSet<i64>>,
    sessions: Vec<HashSet<String>>,
}

impl Places {
    /// In these sessions, or in all.
    pub(super) fn find(tape: &Tape, filter: &Filter, within: Option<&[&str]>) -> Result<Self> {
        let mut all = Self::default();
        for query in filter.texts() {
            let found = match within {
                None => tape.places_of(query, None)?,
                Some(ids) => {
                    let found = ids.iter().map(|id| tape.places_of(query, Some(id)));
                    found.collect::<std::result::Result<Vec<_>, _>>()?.concat()
                }
            };
            let (sessions, exchanges) = found.into_iter().unzip();
            all.sessions.push(sessions);
            all.exchanges.push(exchanges);
        }
        Ok(all)
    }

    /// Whether this exchange has this text.
    pub(super) fn exchange(&self, id: i64, text: usize) -> bool {
        self.exchanges.get(text).is_some_and(|ids| ids.contains(&id))
    }

    /// Whether this session has this text.
    pub(super) fn session(&self, id: &str, text: usize) -> bool {
        self.sessions.get(text).is_some_and(|ids| ids.contains(id))
    }
}
