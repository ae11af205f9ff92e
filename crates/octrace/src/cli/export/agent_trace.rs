//! `octrace export agent-trace`: which lines of which files the agent wrote, as other tools read it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::Timestamp;
use octrace_core::attribution::record::{Record, read};
use octrace_store::{Tape, evidence};
use octrace_view::text::counted;

use super::{NewFile, with_sub_agents};
use crate::{
    cli::{
        Context,
        error::{Failure, Result},
        show,
    },
    commits,
};

/// A longer line is no record; bytes.
const LONGEST_LINE: u64 = 64 << 20;

/// So many broken lines are named.
const NAMED: usize = 8;

/// An Agent Trace record for each tool call that changed files, one a line
///
/// Sub-agents' calls are included. Where the repository is at hand, a record says which commits have its lines.
#[derive(Args)]
pub(super) struct AgentTrace {
    /// The sessions' ids, or enough of their beginning or end
    #[arg(required_unless_present = "from", conflicts_with = "from", value_name = "SESSION")]
    sessions: Vec<String>,
    /// Records that another tool wrote, or an earlier version: made valid, nothing lost ('-': standard input)
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// A file for all of them; standard output with `-` and without it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl AgentTrace {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let output = self.output.as_deref().filter(|path| *path != Path::new("-"));
        if let Some(path) = output.filter(|path| path.exists() && !path.is_file()) {
            return Err(Failure::usage(format!("{} is no file", path.display()))
                .hint("Without -o, everything goes to standard output."));
        }
        let mut new = output.map(NewFile::create).transpose()?;
        let mut count = 0_u64;
        let mut take = |record: &Record| {
            let mut line = serde_json::to_vec(record)?;
            line.push(b'\n');
            count += 1;
            match &mut new {
                Some(new) => new.write(&line),
                None => out.bytes(&line),
            }
        };
        let broken = if let Some(from) = &self.from {
            upgraded(from, &mut take)?
        } else {
            let tape = show::open(&paths.tape())?;
            let (records, without) = recorded(&tape, &self.sessions)?;
            records.iter().try_for_each(&mut take)?;
            for session in without {
                out.note(&format!("no call of {session} is known to have changed a file"));
            }
            Vec::new()
        };
        if let (Some(new), Some(path)) = (new, output) {
            new.finish()?;
            out.note(&format!("{} in {}", counted(count, "record"), path.display()));
        }
        if broken.is_empty() {
            return Ok(());
        }
        let lines = counted(broken.len() as u64, "line");
        let failure = Failure::failed(format!("{lines} with no record that can be read"))
            .hint("Everything else was exported.");
        Err(broken.into_iter().take(NAMED).fold(failure, Failure::item))
    }
}

/// The records of these sessions and of their sub-agents', in the order in which the calls ended; and which of the sessions
/// have none.
fn recorded(tape: &Tape, wanted: &[String]) -> Result<(Vec<Record>, Vec<String>)> {
    let rows = tape.sessions()?;
    let mut sessions: Vec<String> = Vec::new();
    let mut found: Vec<(evidence::Record, Record)> = Vec::new();
    let mut without = Vec::new();
    for wanted in wanted {
        let session = show::find(&rows, Some(wanted))?;
        let mut any = false;
        for session in with_sub_agents(&rows, &session) {
            let records = tape.records(&session)?;
            any |= !records.is_empty();
            if sessions.contains(&session) {
                continue;
            }
            sessions.push(session);
            for row in records {
                // Our own, so that it can be read; what cannot is damage.
                let record = serde_json::from_str(&row.json)?;
                found.push((row, record));
            }
        }
        if !any {
            without.push(session);
        }
    }
    found.sort_by(|(one, _), (other, _)| (one.at_us, &one.id).cmp(&(other.at_us, &other.id)));
    commits::find(tape, &mut found, Timestamp::now().as_microsecond())?;
    Ok((found.into_iter().map(|(_, record)| record).collect(), without))
}

/// Gives the records in a file to `take`, in the shape that is valid now; what is wrong with lines that hold none.
fn upgraded(path: &Path, take: impl FnMut(&Record) -> Result) -> Result<Vec<String>> {
    let refused = |error| Failure::failed(format!("cannot read {}: {error}", path.display()));
    if path == Path::new("-") {
        return each_line(io::stdin().lock(), LONGEST_LINE, take, refused);
    }
    let file = BufReader::new(File::open(path).map_err(refused)?);
    each_line(file, LONGEST_LINE, take, refused)
}

fn each_line(
    mut lines: impl BufRead,
    longest: u64,
    mut take: impl FnMut(&Record) -> Result,
    refused: impl Fn(io::Error) -> Failure,
) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        lines.by_ref().take(longest).read_until(b'\n', &mut line).map_err(&refused)?;
        if line.is_empty() {
            break;
        }
        if line.len() as u64 == longest && !line.ends_with(b"\n") {
            skip_line(&mut lines).map_err(&refused)?;
            broken.push(format!("line {number}: too long"));
            continue;
        }
        match read::read_line(&line) {
            Ok(record) => record.iter().try_for_each(&mut take)?,
            Err(why) => broken.push(format!("line {number}: {why}")),
        }
    }
    Ok(broken)
}

/// Passes over the rest of a line.
fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let more = reader.fill_buf()?;
        let end = more.iter().position(|byte| *byte == b'\n');
        let (done, length) = (end.is_some() || more.is_empty(), more.len());
        reader.consume(end.map_or(length, |end| end + 1));
        if done {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, longest: u64) -> (Vec<String>, Vec<String>) {
        let mut ids = Vec::new();
        let take = |record: &Record| {
            ids.push(record.id.clone());
            Ok(())
        };
        let broken = each_line(text.as_bytes(), longest, take, Failure::output).unwrap();
        (ids, broken)
    }

    #[test]
    fn broken_lines_are_named_and_passed_over() {
        let line = |digit: &str| {
            let id = format!("{0}-{1}-{1}-{1}-{0}{1}", digit.repeat(8), digit.repeat(4));
            let record = format!(
                r#"{{"version":"1.0","id":"{id}","timestamp":"2026-02-03T09:15:02Z","files":[]}}"#
            );
            (id, record)
        };
        let ((one, first), (two, second)) = (line("1"), line("2"));
        let text = format!("\u{feff}{first}\n\nno\n{}\n{second}", "x".repeat(900));
        assert_eq!(
            read(&text, 200),
            (
                vec![one, two],
                vec!["line 3: no JSON (column 2)".to_owned(), "line 4: too long".to_owned()],
            )
        );
        assert_eq!(read("", 200), (vec![], vec![]));
        assert_eq!(read(&"x".repeat(200), 200).1, ["line 1: too long"]);
    }
}
