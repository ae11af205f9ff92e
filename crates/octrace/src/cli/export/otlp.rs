//! `octrace export otlp`: turns as traces, in one request for any program that takes them.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use octrace_core::trace;
use octrace_export::otlp::{Options, Packer, Parcel, Profile};
use octrace_store::Tape;
use octrace_view::text::counted;

use super::{NewFile, with_sub_agents};
use crate::{
    cli::{
        Context,
        error::{Failure, Result},
        output::Progress,
        show,
    },
    traces::{Reader, Share},
};

/// A trace for each turn, as tracing backends are sent them: an ExportTraceServiceRequest in protobuf
///
/// Sub-agents' turns are included. Ids are the same in every export and delivery. To look at it:
/// curl -H 'content-type: application/x-protobuf' --data-binary @FILE http://localhost:4318/v1/traces
#[derive(Args)]
pub(super) struct Otlp {
    /// The sessions' ids, or enough of their beginning or end
    #[arg(required = true, value_name = "SESSION")]
    sessions: Vec<String>,
    /// A file for all of them; standard output with `-` and without it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// In whose words
    #[arg(long, value_enum, default_value_t = Words::Genai)]
    profile: Words,
    /// How much of what was said
    #[arg(long, value_enum, default_value_t = Content::Full)]
    content: Content,
    /// With the instructions that OpenCode gives the model
    #[arg(long)]
    system_prompt: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Words {
    /// OpenTelemetry's conventions for generative AI
    Genai,
    /// Phoenix and others
    Openinference,
    /// Langfuse
    Langfuse,
    /// Neatlogs
    Neatlogs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Content {
    /// All of it
    Full,
    /// Roles, times, counts, and names of tools and models
    #[value(name = "metadata_only", alias = "metadata-only")]
    MetadataOnly,
}

impl Otlp {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let output = self.output.as_deref().filter(|path| *path != Path::new("-"));
        if output.is_none() && out.is_terminal() {
            return Err(Failure::usage("protobuf is nothing to look at in a terminal")
                .hint("Name a file with -o, or pipe it into another program."));
        }
        if let Some(path) = output.filter(|path| path.exists() && !path.is_file()) {
            return Err(Failure::usage(format!("{} is no file", path.display()))
                .hint("Without -o, everything goes to standard output."));
        }
        let tape = show::open(&paths.tape())?;
        let sessions = self.family(&tape)?;
        let mut new = output.map(NewFile::create).transpose()?;
        let exported = self.each(&tape, &sessions, |request| match &mut new {
            Some(new) => new.write(request),
            None => out.bytes(request),
        })?;
        if exported.turns == 0 {
            return Err(Failure::failed("no turn of it that is over is recorded")
                .hint("`octrace show` shows what is."));
        }
        if exported.open > 0 {
            let turns = counted(exported.open, "turn");
            out.note(&format!("{turns} left out: still going on"));
        }
        if let (Some(new), Some(path)) = (new, output) {
            new.finish()?;
            out.note(&format!("{} in {}", counted(exported.turns, "turn"), path.display()));
        }
        if exported.damaged > 0 {
            let records = counted(exported.damaged, "record");
            return Err(Failure::failed(format!("{records} on the tape cannot be restored"))
                .hint("Everything else was exported."));
        }
        Ok(())
    }

    /// The sessions that are meant, and their sub-agents', each once.
    fn family(&self, tape: &Tape) -> Result<Vec<String>> {
        let rows = tape.sessions()?;
        let mut seen = HashSet::new();
        let mut family = Vec::new();
        for wanted in &self.sessions {
            family.extend(with_sub_agents(&rows, &show::find(&rows, Some(wanted))?));
        }
        family.retain(|session| seen.insert(session.clone()));
        Ok(family)
    }

    /// Gives what there is of these sessions to `take`: requests, which one after the other are one. What still goes on is
    /// left out, since backends keep the first that they get of a span.
    fn each(
        &self,
        tape: &Tape,
        sessions: &[String],
        mut take: impl FnMut(&[u8]) -> Result,
    ) -> Result<Exported> {
        let options = Options { profile: self.profile.into(), ..Options::default() };
        let share = Share {
            content: self.content.into(),
            system_prompt: self.system_prompt,
            redactor: None,
        };
        let mut reader = Reader::new(tape);
        let mut packer = Packer::new(&options).uncompressed();
        let mut take = |parcel: Parcel| take(&parcel.body);
        let mut exported = Exported::default();
        let mut progress = Progress::new();
        for (done, session) in sessions.iter().enumerate() {
            for place in tape.turns(session)? {
                progress.show("exporting", done as u64, sessions.len() as u64);
                if place.is_open {
                    exported.open += 1;
                    continue;
                }
                let recorded = match tape.recorded(&place) {
                    Err(error) if error.is_damage() => {
                        exported.damaged += 1;
                        continue;
                    }
                    recorded => recorded?,
                };
                exported.turns += 1;
                exported.damaged += reader.otlp(recorded, &share, &mut packer, &mut take)?;
            }
        }
        packer.finish().into_iter().try_for_each(take)?;
        Ok(exported)
    }
}

/// How it went.
#[derive(Default)]
struct Exported {
    turns: u64,
    /// That go on.
    open: u64,
    /// Turns and requests that cannot be restored.
    damaged: u64,
}

impl From<Words> for Profile {
    fn from(words: Words) -> Self {
        match words {
            Words::Genai => Self::GenAi,
            Words::Openinference => Self::OpenInference,
            Words::Langfuse => Self::Langfuse,
            Words::Neatlogs => Self::Neatlogs,
        }
    }
}

impl From<Content> for trace::Content {
    fn from(content: Content) -> Self {
        match content {
            Content::Full => Self::Full,
            Content::MetadataOnly => Self::MetadataOnly,
        }
    }
}
