//! Where words stand on the tape: looked for on a thread of its own, since that may take a while.

use std::{
    panic::resume_unwind,
    path::{Path, PathBuf},
    thread::JoinHandle,
};

use octrace_core::search::Query;
use octrace_store::{Error, Tape};
use octrace_view::terminal::data::Answer;

use super::super::Tell;

/// One search, and the one that is wanted after it.
pub(super) struct Find {
    path: PathBuf,
    running: Option<JoinHandle<Answer>>,
    wanted: Option<(Option<String>, Query)>,
}

impl Find {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, running: None, wanted: None }
    }

    /// Looks for these words next; whatever was to be next before is not wanted any more.
    pub(super) fn ask(&mut self, session: Option<String>, words: Query) {
        self.wanted = Some((session, words));
    }

    /// Tells what was found; whether something is still looked for.
    pub(super) fn work(&mut self, tell: Tell<'_>) -> bool {
        if let Some(done) = self.running.take_if(|running| running.is_finished()) {
            // Its fault is ours.
            tell(done.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        if self.running.is_none()
            && let Some((session, words)) = self.wanted.take()
        {
            let path = self.path.clone();
            self.running = Some(std::thread::spawn(move || answer(&path, session, words)));
        }
        self.running.is_some()
    }
}

fn answer(path: &Path, session: Option<String>, words: Query) -> Answer {
    match find(path, session.as_deref(), &words) {
        Ok(places) => Answer::Found { session, words, places },
        Err(error) => Answer::Trouble(format!("cannot search: {:#}", anyhow::Error::new(error))),
    }
}

fn find(path: &Path, session: Option<&str>, words: &Query) -> Result<Vec<(String, i64)>, Error> {
    match Tape::open_existing(path)? {
        Some(tape) => tape.places_of(words, session),
        None => Ok(Vec::new()),
    }
}
