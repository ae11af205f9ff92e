//! From any error to what the user reads and the shell gets, once.

use std::{io, process::ExitCode};

use octrace_view::text::safe;

use crate::view::source::OpenError;

/// What a command returns.
pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

/// Whose fault it is, which decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The command makes no sense as it was typed.
    Usage,
    /// It could not be done: a file, a folder, another program, the network.
    Failed,
    /// It was done, and what it found is bad; it has been printed.
    Found,
    /// Nobody reads our output any more.
    ClosedPipe,
}

/// Why a command did not do what was asked, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    error: anyhow::Error,
    items: Vec<String>,
    picture: String,
    hints: Vec<String>,
}

impl Failure {
    /// The command makes no sense as it was typed.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, anyhow::Error::msg(message.into()))
    }

    /// It could not be done.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, anyhow::Error::msg(message.into()))
    }

    /// The command has said all there is to say; only the exit code is left.
    pub(crate) fn found() -> Self {
        Self::new(Kind::Found, anyhow::Error::msg("problems were found"))
    }

    /// Writing to our output failed.
    pub(crate) fn output(error: io::Error) -> Self {
        let closed = error.kind() == io::ErrorKind::BrokenPipe;
        let kind = if closed { Kind::ClosedPipe } else { Kind::Failed };
        Self::new(kind, anyhow::Error::new(error).context("cannot write the output"))
    }

    fn new(kind: Kind, error: anyhow::Error) -> Self {
        Self { kind, error, items: Vec::new(), picture: String::new(), hints: Vec::new() }
    }

    /// Adds one of the things that the message is about, for a line of its own.
    pub(crate) fn item(mut self, item: impl Into<String>) -> Self {
        self.items.push(item.into());
        self
    }

    /// Adds lines that show where the fault is; whoever made them has made them safe for a terminal.
    pub(crate) fn picture(mut self, lines: String) -> Self {
        self.picture = lines;
        self
    }

    /// Adds what to do next: a whole sentence, or a command.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What to print, line by line; nothing when there is nothing to say.
    pub(crate) fn message(&self) -> String {
        if matches!(self.kind, Kind::Found | Kind::ClosedPipe) {
            return String::new();
        }
        let error = format!("{:#}", self.error);
        let mut message = format!("octrace: {}\n", safe::line(&error));
        for item in &self.items {
            message.push_str(&format!("  {}\n", safe::line(item)));
        }
        for line in self.picture.lines() {
            message.push_str(&format!("  {line}\n"));
        }
        for hint in &self.hints {
            message.push_str(&format!("  hint: {}\n", safe::line(hint)));
        }
        message
    }

    /// What the shell gets.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::ClosedPipe => 0,
            Kind::Failed | Kind::Found => 1,
            Kind::Usage => 2,
        })
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let hint = error
            .downcast_ref()
            .and_then(tape_hint)
            .or_else(|| error.downcast_ref().and_then(OpenError::hint).map(str::to_owned));
        let failure = Self::new(Kind::Failed, error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<octrace_store::Error> for Failure {
    fn from(error: octrace_store::Error) -> Self {
        anyhow::Error::new(error).into()
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        anyhow::Error::new(error).into()
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        anyhow::Error::new(error).context("cannot print this as JSON").into()
    }
}

/// What to do about a tape that does not open.
fn tape_hint(error: &octrace_store::Error) -> Option<String> {
    use octrace_store::Error;
    if error.is_disk_full() {
        return Some("Make room on the disk; what is waiting in the spools is not lost.".into());
    }
    match error {
        Error::Newer { .. } => Some("Install the newest octrace.".into()),
        Error::NotATape { .. } => {
            Some("Move the file elsewhere; octrace then begins a new tape.".into())
        }
        Error::Damaged { .. } | Error::Body(_) | Error::Codec(_) => {
            Some("The rest of the tape is not affected.".into())
        }
        Error::Sqlite(_) if error.is_damage() => {
            Some("`octrace verify` says what is broken and what is whole.".into())
        }
        Error::Sqlite(_) if error.is_busy() => {
            Some("Another program keeps the tape to itself; try again when it is done.".into())
        }
        Error::Open { .. } => Some("`octrace doctor` looks at the folder and its rights.".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(failure: &Failure) -> String {
        format!("{:?}", failure.exit_code())
    }

    #[test]
    fn each_kind_has_its_exit_code() {
        let says = |byte: u8| format!("{:?}", ExitCode::from(byte));
        assert_eq!(code(&Failure::usage("x")), says(2));
        assert_eq!(code(&Failure::failed("x")), says(1));
        assert_eq!(code(&Failure::found()), says(1));
        let closed = Failure::output(io::ErrorKind::BrokenPipe.into());
        assert_eq!(code(&closed), says(0));
        assert_eq!(closed.message(), "");
        let full = Failure::output(io::ErrorKind::StorageFull.into());
        assert_eq!(code(&full), says(1));
        assert!(full.message().starts_with("octrace: cannot write the output: "));
    }

    #[test]
    fn the_message_has_the_causes_and_the_hint_and_no_control_characters() {
        let error = anyhow::Error::msg("no\u{1b}[2Jthing").context("cannot open it");
        let failure = Failure::from(error).hint("Try again.");
        insta::assert_snapshot!(failure.message(), @"
        octrace: cannot open it: no␛[2Jthing
          hint: Try again.
        ");
    }

    #[test]
    fn a_newer_tape_names_the_remedy() {
        let error = octrace_store::Error::Newer { path: "/t/tape.db".into(), found: 9, known: 1 };
        insta::assert_snapshot!(Failure::from(error).message(), @"
        octrace: the tape /t/tape.db has version 9, this octrace knows versions up to 1
          hint: Install the newest octrace.
        ");
    }
}
