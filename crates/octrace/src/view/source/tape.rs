//! The tape as a source.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use octrace_store::{Error, Tape, read::ExchangeDetail};
use octrace_view::terminal::data::{Answer, Ask};

use super::{Pace, Source, Tell};

/// The tape at a path, which need not be there yet.
pub(crate) struct TapeSource {
    path: PathBuf,
    tape: Option<Tape>,
    wants_sessions: bool,
}

impl TapeSource {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, tape: None, wants_sessions: false }
    }

    fn tape(&mut self) -> Result<Option<&Tape>, Error> {
        if self.tape.is_none() {
            self.tape = Tape::open_existing(&self.path)?;
        }
        Ok(self.tape.as_ref())
    }

    fn sessions(&mut self) -> Result<Answer, Error> {
        let rows = self.tape()?.map(Tape::sessions).transpose()?.unwrap_or_default();
        Ok(Answer::Sessions { rows, gone: Vec::new(), progress: None })
    }
}

impl Source for TapeSource {
    fn ask(&mut self, ask: Ask, _tell: Tell<'_>) {
        if ask == Ask::Sessions {
            self.wants_sessions = true;
        }
    }

    fn work(&mut self, tell: Tell<'_>) -> Pace {
        if std::mem::take(&mut self.wants_sessions) {
            match self.sessions() {
                Ok(answer) => tell(answer),
                Err(error) => tell(Answer::Trouble(format!("{:#}", anyhow!(error)))),
            }
        }
        Pace::Idle
    }

    fn exchange(&mut self, id: i64) -> anyhow::Result<ExchangeDetail> {
        let tape = self.tape()?.context("nothing is recorded yet")?;
        tape.exchange(id)?.with_context(|| format!("request {id} was pruned"))
    }
}
