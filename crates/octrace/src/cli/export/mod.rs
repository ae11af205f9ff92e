//! `octrace export`: what is on the tape, in other tools' formats.

mod agent_trace;
mod jsonl;

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use clap::{Args, Subcommand};
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
}

impl Export {
    pub(super) fn run(self, context: &mut Context) -> Result {
        match self.format {
            Format::Jsonl(jsonl) => jsonl.run(context),
            Format::AgentTrace(agent_trace) => agent_trace.run(context),
        }
    }
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
