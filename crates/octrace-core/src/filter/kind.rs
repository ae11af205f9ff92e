//! What a row is, for `kind:`.

use crate::{exchange::Purpose, session::ToolStatus};

/// A set of kinds: what a row is, or what there is of in a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u16);

impl Kinds {
    /// None.
    pub const NONE: Self = Self(0);
    /// A request, whatever came of it.
    pub const REQUEST: Self = Self(1);
    /// A request that was answered, whatever the answer.
    pub const RESPONSE: Self = Self(1 << 1);
    /// Something went wrong.
    pub const ERROR: Self = Self(1 << 2);
    /// A tool call.
    pub const TOOL: Self = Self(1 << 3);
    /// A user's message.
    pub const PROMPT: Self = Self(1 << 4);
    /// Part of the conversation.
    pub const MAIN: Self = Self(1 << 5);
    /// About naming the session.
    pub const TITLE: Self = Self(1 << 6);
    /// About summarising for the user.
    pub const SUMMARY: Self = Self(1 << 7);
    /// About summarising for the model.
    pub const COMPACTION: Self = Self(1 << 8);
    /// A sub-agent's, or the call that started it.
    pub const SUB_AGENT: Self = Self(1 << 9);
    /// Under way.
    pub const LIVE: Self = Self(1 << 10);
    /// OpenCode's housekeeping.
    pub const META: Self = Self(Self::TITLE.0 | Self::SUMMARY.0 | Self::COMPACTION.0);

    /// The words for them, in the order they are told.
    pub(super) const WORDS: [(&'static str, Self); 12] = [
        ("request", Self::REQUEST),
        ("response", Self::RESPONSE),
        ("error", Self::ERROR),
        ("tool", Self::TOOL),
        ("prompt", Self::PROMPT),
        ("main", Self::MAIN),
        ("title", Self::TITLE),
        ("summary", Self::SUMMARY),
        ("compaction", Self::COMPACTION),
        ("meta", Self::META),
        ("sub-agent", Self::SUB_AGENT),
        ("live", Self::LIVE),
    ];

    /// The kinds with this word, in the singular or in the plural.
    pub(super) fn parse(word: &str) -> Option<Self> {
        let of = |word: &str| {
            let mut words = Self::WORDS.iter();
            words.find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, kinds)| *kinds)
        };
        of(word).or_else(|| of(word.strip_suffix(['s', 'S'])?))
    }

    /// What a request for this is, and what is wanted of it.
    pub fn of_purpose(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Main => Self::MAIN,
            Purpose::Title => Self::TITLE,
            Purpose::Summary => Self::SUMMARY,
            Purpose::Compaction => Self::COMPACTION,
        }
    }

    pub(super) fn of_tool(status: ToolStatus, failed: bool, has_child: bool) -> Self {
        Self::TOOL
            .with(Self::ERROR, failed)
            .with(Self::LIVE, status == ToolStatus::Running)
            .with(Self::SUB_AGENT, has_child)
    }

    /// These, and those where `holds`.
    #[must_use]
    pub fn with(self, those: Self, holds: bool) -> Self {
        if holds { Self(self.0 | those.0) } else { self }
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(self, those: Self) -> Self {
        Self(self.0 & those.0)
    }
}
