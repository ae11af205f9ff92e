//! `octrace export jsonl`: the files that are written live, made of the tape.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use clap::Args;
use octrace_core::exchange::Summary;
use octrace_export::jsonl;
use octrace_store::{Tape, follow::Step, read::ExchangeDetail};
use octrace_view::text::counted;

use super::NewFile;
use crate::{
    cli::{
        Context,
        error::{Failure, Result},
        output::Output,
        show,
    },
    record::name_of,
};

/// A line for each request, response and error, as opencode-api-tracer writes them
///
/// The same lines as in the files that are written live where OPENCODE_API_TRACER_DIR is set. Sub-agents' sessions
/// are sessions of their own.
#[derive(Args)]
pub(super) struct Jsonl {
    /// The sessions' ids, or enough of their beginning or end
    #[arg(required = true, value_name = "SESSION")]
    sessions: Vec<String>,
    /// A file for all of them, or a folder for a file each; standard output with `-` and without it
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
}

impl Jsonl {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let tape = show::open(&paths.tape())?;
        let rows = tape.sessions()?;
        let sessions = self.sessions.iter().map(|wanted| show::find(&rows, Some(wanted)));
        let sessions = sessions.collect::<Result<Vec<_>>>()?;
        for session in &sessions {
            if tape.journal(session)?.is_empty() {
                return Err(Failure::failed(format!("no request of {session} is recorded")));
            }
        }
        let output = self.output.as_deref().filter(|path| *path != Path::new("-"));
        let damaged = match output {
            None => {
                let mut damaged = 0;
                for session in &sessions {
                    damaged += each(&tape, session, |lines| out.bytes(lines))?.damaged;
                }
                damaged
            }
            Some(folder) if folder.is_dir() => into_folder(&tape, &sessions, folder, out)?,
            Some(file) if file.exists() && !file.is_file() => {
                return Err(Failure::usage(format!("{} is no file and no folder", file.display()))
                    .hint("Without -o, everything goes to standard output."));
            }
            Some(file) => into_file(&tape, &sessions, file, out)?,
        };
        if damaged > 0 {
            let requests = counted(damaged as u64, "request");
            return Err(Failure::failed(format!("{requests} on the tape cannot be restored"))
                .hint("Everything else was exported."));
        }
        Ok(())
    }
}

/// How a session's export went.
#[derive(Default)]
struct Exported {
    lines: usize,
    damaged: usize,
}

/// Gives the lines of a session to `take`, a step of an exchange at a time.
fn each(tape: &Tape, session: &str, mut take: impl FnMut(&[u8]) -> Result) -> Result<Exported> {
    let mut exported = Exported::default();
    for entry in tape.journal(session)? {
        let exchange = match tape.exchange_at(entry.exchange, entry.step) {
            Ok(Some(exchange)) => exchange,
            // Pruned a moment ago.
            Ok(None) => continue,
            Err(error) if error.is_damage() => {
                exported.damaged += 1;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let mut lines = Vec::new();
        jsonl::write(&mut lines, entry.step, &exchange).map_err(Failure::output)?;
        exported.lines += lines.iter().filter(|byte| **byte == b'\n').count();
        take(&lines)?;
    }
    Ok(exported)
}

/// A file each; how many requests are damaged.
fn into_folder(tape: &Tape, sessions: &[String], folder: &Path, out: &mut Output) -> Result<usize> {
    let mut taken = HashSet::new();
    let mut damaged = 0;
    for session in sessions {
        let plain = file_name(tape, session)?;
        let mut name = plain.clone();
        for count in 2.. {
            if taken.insert(name.to_lowercase()) {
                break;
            }
            name = jsonl::numbered(&plain, count);
        }
        damaged += into_file(tape, std::slice::from_ref(session), &folder.join(name), out)?;
    }
    Ok(damaged)
}

fn file_name(tape: &Tape, session: &str) -> Result<String> {
    let journal = tape.journal(session)?;
    let first = journal.iter().find(|entry| entry.step == Step::Begin);
    // One that cannot be restored has no prompt, and the session's id stands for it.
    let first =
        first.and_then(|first| tape.exchange_at(first.exchange, Step::Begin).ok().flatten());
    Ok(name_of(&first.unwrap_or_else(|| nameless(session))))
}

/// An exchange of which nothing is known but whose it is.
fn nameless(session: &str) -> ExchangeDetail {
    let summary = Summary { session: session.to_owned(), ..Summary::default() };
    ExchangeDetail { summary, ..ExchangeDetail::default() }
}

/// All in one file, which is there whole or not at all; how many requests are damaged.
fn into_file(tape: &Tape, sessions: &[String], path: &Path, out: &mut Output) -> Result<usize> {
    let mut new = NewFile::create(path)?;
    let mut sum = Exported::default();
    for session in sessions {
        let exported = each(tape, session, |lines| new.write(lines))?;
        sum.lines += exported.lines;
        sum.damaged += exported.damaged;
    }
    new.finish()?;
    out.note(&format!("{} in {}", counted(sum.lines as u64, "line"), path.display()));
    Ok(sum.damaged)
}
