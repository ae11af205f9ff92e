//! What can go wrong with dumps, in the words that `/intercept` shows.

/// Where it went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The response did not arrive whole, or was not recorded whole.
    ResponseRead,
    /// The response is not what it says it is.
    ResponseParse,
    /// The files could not be written.
    DumpWrite,
    /// The root could not be listed.
    RootRead,
    /// Something in the root could not be looked at.
    EntryStat,
    /// An old folder could not be deleted.
    EntryDelete,
    /// A place is not what it should be: a link, or somebody else's. It was left alone.
    PathSafety,
}

impl Phase {
    /// The word that is shown and stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResponseRead => "capture/response-read",
            Self::ResponseParse => "capture/response-parse",
            Self::DumpWrite => "capture/dump-write",
            Self::RootRead => "cleanup/root-read",
            Self::EntryStat => "cleanup/entry-stat",
            Self::EntryDelete => "cleanup/entry-delete",
            Self::PathSafety => "cleanup/path-safety",
        }
    }
}

/// Something that went wrong, and did no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Where.
    pub phase: Phase,
    /// What, in words of our own and the system's: nothing of what was recorded.
    pub message: String,
}

impl Anomaly {
    /// One of this phase.
    pub fn new(phase: Phase, message: impl Into<String>) -> Self {
        Self { phase, message: message.into() }
    }
}
