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

/// Whether there is Agent Trace.
pub(crate) const TRACE_ENABLED: Spec = Spec {
    key: "agent_trace.enabled",
    variable: Some("AGENT_TRACE_ENABLED"),
    option: None,
    about: "whether it is recorded which lines the agent wrote",
};

/// Where Agent Trace is delivered to.
pub(crate) const TRACE_DATABASE: Spec = Spec {
    key: "agent_trace.database_url",
    variable: Some("AGENT_TRACE_DATABASE_URL"),
    option: None,
    about: "the Postgres that Agent Trace is delivered to as well; \
        DATABASE_URL does the same, where AGENT_TRACE_ENABLED=true says that it is meant",
};

/// How much is delivered at once.
pub(crate) const TRACE_BATCH_SIZE: Spec = Spec {
    key: "agent_trace.batch_size",
    variable: Some("AGENT_TRACE_BATCH_SIZE"),
    option: None,
    about: "how many events and records go to Postgres at once",
};

/// How long a delivery waits for more.
pub(crate) const TRACE_FLUSH: Spec = Spec {
    key: "agent_trace.flush_ms",
    variable: Some("AGENT_TRACE_FLUSH_MS"),
    option: None,
    about: "after how many milliseconds they go, however few they are",
};

/// How often an item may be refused.
pub(crate) const TRACE_RETRY_MAX: Spec = Spec {
    key: "agent_trace.retry_max",
    variable: Some("AGENT_TRACE_RETRY_MAX"),
    option: None,
    about: "how often one that Postgres refuses is tried again; a Postgres that is away does not count",
};

/// Whether what leaves is searched for secrets once more.
pub(crate) const TRACE_REDACTION: Spec = Spec {
    key: "agent_trace.redaction",
    variable: Some("AGENT_TRACE_REDACTION"),
    option: None,
    about: "whether what goes to Postgres is searched for secrets once more; what is recorded always was",
};

/// What else is blanked in what leaves.
pub(crate) const TRACE_PATTERNS: Spec = Spec {
    key: "agent_trace.redactPatterns",
    variable: None,
    option: Some("redactPatterns"),
    about: "regular expressions for what else must not go to Postgres; kept with what waits for it",
};

/// The version that records name.
pub(crate) const TRACE_SPEC_VERSION: Spec = Spec {
    key: "agent_trace.spec_version",
    variable: Some("AGENT_TRACE_SPEC_VERSION"),
    option: None,
    about: "the version of the Agent Trace specification that records name",
};

/// The tool that records name.
pub(crate) const TRACE_TOOL_NAME: Spec = Spec {
    key: "agent_trace.tool_name",
    variable: Some("AGENT_TRACE_TOOL_NAME"),
    option: None,
    about: "the tool that records name",
};

/// The tool's version that records name.
pub(crate) const TRACE_TOOL_VERSION: Spec = Spec {
    key: "agent_trace.tool_version",
    variable: Some("AGENT_TRACE_TOOL_VERSION"),
    option: None,
    about: "its version; without one, OpenCode's own",
};

/// Every setting.
pub(super) const ALL: [&Spec; 18] = [
    &HOME,
    &MAX_SIZE,
    &MAX_AGE,
    &PATTERNS,
    &JSONL_DIR,
    &DIAGNOSTICS,
    &DIAGNOSTICS_FILE,
    &REQUIRE_PROVIDER_HEADER,
    &TRACE_ENABLED,
    &TRACE_DATABASE,
    &TRACE_BATCH_SIZE,
    &TRACE_FLUSH,
    &TRACE_RETRY_MAX,
    &TRACE_REDACTION,
    &TRACE_PATTERNS,
    &TRACE_SPEC_VERSION,
    &TRACE_TOOL_NAME,
    &TRACE_TOOL_VERSION,
];
