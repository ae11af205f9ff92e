//! The one table of settings: `octrace config` lists it, and what is not in it is named as unknown.
//!
//! A new setting is a row here, a field of [`Settings`](super::Settings) with its type and default, and a line
//! in [`Settings::all`](super::Settings::all).

/// A setting.
#[derive(Debug)]
pub(crate) struct Spec {
    /// The key in `config.toml`, with dots between tables.
    pub(crate) key: &'static str,
    /// The variable of the environment, if there is one.
    pub(crate) variable: Option<&'static str>,
    /// The option beside the plugin's name in OpenCode's configuration, if there is one.
    pub(crate) option: Option<&'static str>,
    /// What it decides.
    pub(crate) about: &'static str,
}

/// The variable that names [`HOME`].
pub(crate) const HOME_VARIABLE: &str = "OCTRACE_HOME";

/// Where octrace keeps the tape.
pub(crate) const HOME: Spec = Spec {
    key: "home",
    variable: Some(HOME_VARIABLE),
    option: None,
    about: "the folder of the tape and of the plugin's files",
};

/// What is blanked besides what octrace knows for a secret.
pub(crate) const PATTERNS: Spec = Spec {
    key: "redact.patterns",
    variable: Some("OCTRACE_REDACT_PATTERNS"),
    option: None,
    about: "regular expressions for what else must not be kept; one per line in the variable",
};

/// Where JSONL files go.
pub(crate) const JSONL_DIR: Spec = Spec {
    key: "jsonl.dir",
    variable: Some("OPENCODE_API_TRACER_DIR"),
    option: Some("dir"),
    about: "the folder of live JSONL files, one per session; without one, there are none",
};

/// Whether there is a diagnostics file.
pub(crate) const DIAGNOSTICS: Spec = Spec {
    key: "diagnostics.enabled",
    variable: Some("OPENCODE_API_TRACER_DEBUG"),
    option: None,
    about: "whether there is a file that says what the plugin decided, without any content",
};

/// Which file that is.
pub(crate) const DIAGNOSTICS_FILE: Spec = Spec {
    key: "diagnostics.file",
    variable: Some("OPENCODE_API_TRACER_DEBUG_FILE"),
    option: None,
    about: "that file; without one, opencode-api-tracer.debug.jsonl in jsonl.dir, else in the state folder",
};

/// How strict the plugin is.
pub(crate) const REQUIRE_PROVIDER_HEADER: Spec = Spec {
    key: "capture.require_provider_header",
    variable: None,
    option: None,
    about: "whether a request without a provider's header is none of a model, whatever its URL says",
};

/// How large the tape may be.
pub(crate) const MAX_SIZE: Spec = Spec {
    key: "tape.max_size",
    variable: Some("OCTRACE_MAX_SIZE"),
    option: None,
    about: "how large the tape may be on the disk, `2GiB` or `none`; beyond it the oldest sessions go",
};

/// How old a session may be.
pub(crate) const MAX_AGE: Spec = Spec {
    key: "tape.max_age",
    variable: Some("OCTRACE_MAX_AGE"),
    option: None,
    about: "how long a session is kept after its last activity, `30d` or `none`",
};

/// Every setting.
pub(super) const ALL: [&Spec; 8] = [
    &HOME,
    &MAX_SIZE,
    &MAX_AGE,
    &PATTERNS,
    &JSONL_DIR,
    &DIAGNOSTICS,
    &DIAGNOSTICS_FILE,
    &REQUIRE_PROVIDER_HEADER,
];
