//! The settings of Helicone.

use std::{ffi::OsString, num::NonZeroU64, path::PathBuf};

use octrace_core::{redact::Patterns, trace::Content};

use super::{Prints, endpoint::Endpoint, key::Key, print_of, shown};
use crate::config::{
    Origin, Sources, Spec, Value, counted,
    registry::{
        HELICONE_BASE_DELAY, HELICONE_ENABLE, HELICONE_ENDPOINT, HELICONE_FLUSH, HELICONE_KEY,
        HELICONE_MAX_AGE, HELICONE_MAX_SIZE, HELICONE_MODE, HELICONE_PATTERNS, HELICONE_PREFIX,
        HELICONE_RETRIES, HELICONE_SPOOL, HELICONE_SYSTEM_PROMPT,
    },
    value::{Raw, Setting},
};

/// Where Helicone itself is.
const THEIRS: &str = "https://api.worker.helicone.ai";

/// How Helicone is set: it is on when there is a key.
#[derive(Clone, Debug)]
pub(crate) struct Helicone {
    /// Whose it is.
    pub(crate) key: Value<Option<Key>>,
    /// Where it is; `None` where that cannot be read.
    pub(crate) endpoint: Value<Option<Endpoint>>,
    /// How much it gets.
    pub(crate) mode: Value<Mode>,
    /// Whether it gets anything.
    pub(crate) enable: Value<bool>,
    /// For how many milliseconds turns wait for more of them.
    pub(crate) flush_interval: Value<u32>,
    /// What the paths of sessions begin with.
    pub(crate) prefix: Value<Prefix>,
    /// How many bytes may wait.
    pub(crate) max_spool_size: Value<NonZeroU64>,
    /// For how many milliseconds one may wait.
    pub(crate) max_spool_age: Value<NonZeroU64>,
    /// How often a turn that is refused is tried again.
    pub(crate) max_retries: Value<u32>,
    /// The wait after the first failure, in milliseconds.
    pub(crate) retry_base_delay: Value<u32>,
    /// Whether the system prompt goes there, too.
    pub(crate) system_prompt: Value<bool>,
    /// What else is blanked, as far as it can be read; and as it was written.
    pub(crate) patterns: Value<(Patterns, Vec<String>)>,
    /// Of no effect.
    spool_directory: Value<Option<PathBuf>>,
}

/// How much Helicone gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Something.
    Sent(Content),
    /// Nothing.
    Off,
}

impl Setting for Mode {
    const MUST_BE: &str = "`full`, `metadata_only` or `off`";

    fn read(raw: &Raw) -> Option<Self> {
        match String::read(raw)?.as_str() {
            "full" => Some(Self::Sent(Content::Full)),
            "metadata_only" => Some(Self::Sent(Content::MetadataOnly)),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Sent(content) => content.show(),
            Self::Off => "off".to_owned(),
        }
    }
}

/// `/opencode`: what the paths of sessions begin with. It stands in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefix(pub(crate) String);

impl Setting for Prefix {
    const MUST_BE: &str = "a path of letters, digits and `._-/` that begins with `/`";

    fn read(raw: &Raw) -> Option<Self> {
        let text = String::read(raw)?;
        let is_of = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        let is_path = text.starts_with('/') && text.len() <= 200 && text.bytes().all(is_of);
        is_path.then(|| Self(text.trim_end_matches('/').to_owned()))
    }

    fn show(&self) -> String {
        if self.0.is_empty() { "/".to_owned() } else { self.0.clone() }
    }
}

impl Helicone {
    /// What tells the key apart, where `environment` has the fingerprints of another environment; `None` without one.
    pub(crate) fn print(&self, environment: &Prints) -> Option<String> {
        print_of(&HELICONE_KEY, environment, self.key.value.as_ref().map(Key::print))
    }

    /// How much it gets, if anything.
    pub(crate) fn content(&self) -> Option<Content> {
        match self.mode.value {
            Mode::Sent(content) if self.enable.value => Some(content),
            _ => None,
        }
    }

    /// Each setting with its value as people read it.
    pub(super) fn all(&self) -> [(&'static Spec, Value<String>); 13] {
        [
            (&HELICONE_KEY, shown(&self.key)),
            (&HELICONE_ENDPOINT, shown(&self.endpoint)),
            (&HELICONE_MODE, self.mode.shown()),
            (&HELICONE_ENABLE, self.enable.shown()),
            (&HELICONE_FLUSH, self.flush_interval.shown()),
            (&HELICONE_PREFIX, self.prefix.shown()),
            (&HELICONE_MAX_SIZE, self.max_spool_size.shown()),
            (&HELICONE_MAX_AGE, self.max_spool_age.shown()),
            (&HELICONE_RETRIES, self.max_retries.shown()),
            (&HELICONE_BASE_DELAY, self.retry_base_delay.shown()),
            (&HELICONE_SYSTEM_PROMPT, self.system_prompt.shown()),
            (&HELICONE_PATTERNS, self.patterns.told(|(patterns, _)| counted(patterns))),
            (&HELICONE_SPOOL, self.spool_directory.shown()),
        ]
    }
}

pub(super) fn load<F: Fn(&str) -> Option<OsString>>(sources: &mut Sources<'_, F>) -> Helicone {
    let at_least_one = |more: u64| NonZeroU64::MIN.saturating_add(more - 1);
    let mode = sources.strict(&HELICONE_MODE, Some(Mode::Sent(Content::Full)));
    let enable = sources.strict(&HELICONE_ENABLE, Some(true));
    let spool_directory = sources.value(&HELICONE_SPOOL, None);
    if spool_directory.origin != Origin::Default {
        sources.wrong(
            &HELICONE_SPOOL,
            &spool_directory,
            "has no effect: what waits for Helicone is on the tape",
        );
    }
    Helicone {
        key: sources.strict(&HELICONE_KEY, None),
        endpoint: sources.strict(&HELICONE_ENDPOINT, Endpoint::new(THEIRS)),
        mode: mode.map(|mode| mode.unwrap_or(Mode::Off)),
        enable: enable.map(|enable| enable.unwrap_or(false)),
        flush_interval: sources.value(&HELICONE_FLUSH, 30_000),
        prefix: sources.value(&HELICONE_PREFIX, Prefix("/opencode".to_owned())),
        max_spool_size: sources.value(&HELICONE_MAX_SIZE, at_least_one(50 << 20)),
        max_spool_age: sources.value(&HELICONE_MAX_AGE, at_least_one(7 * 24 * 60 * 60 * 1000)),
        max_retries: sources.value(&HELICONE_RETRIES, 5),
        retry_base_delay: sources.value(&HELICONE_BASE_DELAY, 1000),
        system_prompt: sources.value(&HELICONE_SYSTEM_PROMPT, false),
        patterns: sources.patterns(&HELICONE_PATTERNS),
        spool_directory,
    }
}
