//! The settings of Neatlogs.

use std::ffi::OsString;

use octrace_core::redact::Patterns;

use super::{Prints, endpoint::Endpoint, key::Key, print_of, shown};
use crate::config::{
    Sources, Spec, Value, counted,
    registry::{
        NEATLOGS_ENDPOINT, NEATLOGS_KEY, NEATLOGS_NAME, NEATLOGS_PATTERNS, NEATLOGS_SYSTEM_PROMPT,
    },
};

/// Where Neatlogs itself is.
const THEIRS: &str = "https://ingest.neatlogs.com";

/// How Neatlogs is set: it is on when there is a key.
#[derive(Clone, Debug)]
pub(crate) struct Neatlogs {
    /// The project's key.
    pub(crate) key: Value<Option<Key>>,
    /// Where it is; `None` where that cannot be read.
    pub(crate) endpoint: Value<Option<Endpoint>>,
    /// What sessions are filed under.
    pub(crate) workflow_name: Value<String>,
    /// Whether the system prompt goes there, too.
    pub(crate) system_prompt: Value<bool>,
    /// What else is blanked, as far as it can be read; and as it was written.
    pub(crate) patterns: Value<(Patterns, Vec<String>)>,
}

impl Neatlogs {
    /// What tells the key apart, where `environment` has the fingerprints of another environment; `None` without one.
    pub(crate) fn print(&self, environment: &Prints) -> Option<String> {
        print_of(&NEATLOGS_KEY, environment, self.key.value.as_ref().map(Key::print))
    }

    /// Each setting with its value as people read it.
    pub(super) fn all(&self) -> [(&'static Spec, Value<String>); 5] {
        [
            (&NEATLOGS_KEY, shown(&self.key)),
            (&NEATLOGS_ENDPOINT, shown(&self.endpoint)),
            (&NEATLOGS_NAME, self.workflow_name.shown()),
            (&NEATLOGS_SYSTEM_PROMPT, self.system_prompt.shown()),
            (&NEATLOGS_PATTERNS, self.patterns.told(|(patterns, _)| counted(patterns))),
        ]
    }
}

pub(super) fn load<F: Fn(&str) -> Option<OsString>>(sources: &mut Sources<'_, F>) -> Neatlogs {
    Neatlogs {
        key: sources.strict(&NEATLOGS_KEY, None),
        endpoint: sources.strict(&NEATLOGS_ENDPOINT, Endpoint::new(THEIRS)),
        workflow_name: sources.value(&NEATLOGS_NAME, "opencode".to_owned()),
        system_prompt: sources.value(&NEATLOGS_SYSTEM_PROMPT, false),
        patterns: sources.patterns(&NEATLOGS_PATTERNS),
    }
}
