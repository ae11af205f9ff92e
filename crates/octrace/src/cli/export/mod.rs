//! `octrace export`: what is on the tape, in other tools' formats.

mod agent_trace;
mod jsonl;
mod otlp;

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use clap::{Args, Subcommand};
use octrace_store::read::SessionRow;
use tempfile::NamedTempFile;

use super::{
    Context,
    error::{Failure, Result},
};

/// Write sessions as other tools read them
#[derive(Args)]
pub(super) struct Export {
    #[command(subcommand)]
    format: Format,
}

#[derive(Subcommand)]
enum Format {
    Jsonl(jsonl::Jsonl),
    AgentTrace(agent_trace::AgentTrace),
    Otlp(otlp::Otlp),
}

impl Export {
    pub(super) fn run(self, context: &mut Context) -> Result {
        match self.format {
            Format::Jsonl(jsonl) => jsonl.run(context),
            Format::AgentTrace(agent_trace) => agent_trace.run(context),
            Format::Otlp(otlp) => otlp.run(context),
        }
    }
}

/// A session, then the sub-agents' sessions that it led to.
fn with_sub_agents(rows: &[SessionRow], session: &str) -> Vec<String> {
    let mut family = vec![session.to_owned()];
    let mut at = 0;
    while let Some(parent) = family.get(at).cloned() {
        let children = rows.iter().filter(|row| row.parent.as_deref() == Some(&*parent));
        let children = children.map(|row| row.id.clone());
        let new: Vec<String> = children.filter(|id| !family.contains(id)).collect();
        family.extend(new);
        at += 1;
    }
    family
}

/// A file that is there whole or not at all, and private by itself.
struct NewFile<'p> {
    path: &'p Path,
    writer: BufWriter<NamedTempFile>,
}

impl<'p> NewFile<'p> {
    /// Nothing is at `path` yet.
    fn create(path: &'p Path) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let new = tempfile::Builder::new().prefix(".octrace-").tempfile_in(folder);
        let writer = BufWriter::new(new.map_err(|error| refused(path, &error))?);
        Ok(Self { path, writer })
    }

    fn write(&mut self, bytes: &[u8]) -> Result {
        self.writer.write_all(bytes).map_err(|error| refused(self.path, &error))
    }

    /// Puts it at its path, in the place of what was there.
    fn finish(self) -> Result {
        let new = self.writer.into_inner().map_err(|error| refused(self.path, error.error()))?;
        new.persist(self.path).map_err(|error| refused(self.path, &error.error))?;
        Ok(())
    }
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot write {}: {error}", path.display()))
}
