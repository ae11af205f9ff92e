//! Where the viewer's sessions come from: the tape, or files. Both are read on one thread of their own, in small
//! pieces, so that a question never waits long behind another one.

mod jsonl;
mod serve;
mod tape;
mod watch;

use std::path::PathBuf;

use octrace_store::{follow::Step, read::ExchangeDetail};
use octrace_view::terminal::data::{Answer, Ask};

pub(in crate::view) use self::serve::{Job, serve};
pub(crate) use self::{
    jsonl::{JsonlSource, OpenError},
    tape::TapeSource,
};

/// How a source hands on what it knows.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(Answer);

/// Whether there is more to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Something is half done: it wants to go on as soon as no question waits.
    Busy,
    /// Something that was asked for is done elsewhere, or cannot be done at this moment: it wants to go on soon.
    Waiting,
    /// All is told; what is new is looked for a few times a second.
    Idle,
}

/// Something that sessions can be read from.
pub(crate) trait Source: Send {
    /// Takes a question: answers it, or begins to.
    fn ask(&mut self, ask: Ask, tell: Tell<'_>);

    /// Goes on with what is half done, for a few milliseconds; where nothing is, looks for what is new.
    fn work(&mut self, tell: Tell<'_>) -> Pace;

    /// The folder in which whatever changes of it is, if it is there.
    fn folder(&self) -> Option<PathBuf>;

    /// An exchange with the bodies of these steps; the others are empty.
    fn exchange(&mut self, id: i64, bodies: &[Step]) -> anyhow::Result<ExchangeDetail>;
}
