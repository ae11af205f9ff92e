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
    about: "with how many events and records Postgres is written to without waiting for more; \
        of those that wait already, it gets up to twenty times as many at once",
};

/// How long a delivery waits for more.
pub(crate) const TRACE_FLUSH: Spec = Spec {
    key: "agent_trace.flush_ms",
    variable: Some("AGENT_TRACE_FLUSH_MS"),
    option: None,
    about: "after how many milliseconds it is, however few they are",
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

/// Whose Neatlogs it is.
pub(crate) const NEATLOGS_KEY: Spec = Spec {
    key: "neatlogs.api_key",
    variable: Some("NEATLOGS_API_KEY"),
    option: None,
    about: "the project's key; with one, each turn goes to Neatlogs when it ends",
};

/// Where Neatlogs is.
pub(crate) const NEATLOGS_ENDPOINT: Spec = Spec {
    key: "neatlogs.endpoint",
    variable: Some("NEATLOGS_ENDPOINT"),
    option: None,
    about: "Neatlogs' base URL",
};

/// What Neatlogs files sessions under.
pub(crate) const NEATLOGS_NAME: Spec = Spec {
    key: "neatlogs.workflow_name",
    variable: Some("NEATLOGS_WORKFLOW_NAME"),
    option: None,
    about: "the name that Neatlogs files sessions under",
};

/// Whether Neatlogs gets system prompts.
pub(crate) const NEATLOGS_SYSTEM_PROMPT: Spec = Spec {
    key: "neatlogs.capture_system_prompt",
    variable: Some("NEATLOGS_CAPTURE_SYSTEM_PROMPT"),
    option: None,
    about: "whether system prompts go to Neatlogs as well",
};

/// What else is blanked for Neatlogs.
pub(crate) const NEATLOGS_PATTERNS: Spec = Spec {
    key: "neatlogs.redactPatterns",
    variable: None,
    option: Some("redactPatterns"),
    about: "regular expressions for what else must not go to Neatlogs",
};

/// Whose Helicone it is.
pub(crate) const HELICONE_KEY: Spec = Spec {
    key: "helicone.api_key",
    variable: Some("HELICONE_API_KEY"),
    option: None,
    about: "the key; with one, the model and tool calls of each turn go to Helicone when it ends",
};

/// Where Helicone is.
pub(crate) const HELICONE_ENDPOINT: Spec = Spec {
    key: "helicone.endpoint",
    variable: Some("HELICONE_ENDPOINT"),
    option: None,
    about: "Helicone's base URL, without /custom/v1/log",
};

/// How much Helicone gets.
pub(crate) const HELICONE_MODE: Spec = Spec {
    key: "helicone.mode",
    variable: Some("OPENCODE_HELICONE_EXPORT_MODE"),
    option: None,
    about: "how much goes to Helicone: `full`, `metadata_only` (roles, times, counts and names, nothing \
        that was said) or `off`",
};

/// Whether Helicone gets anything.
pub(crate) const HELICONE_ENABLE: Spec = Spec {
    key: "helicone.enable",
    variable: None,
    option: Some("enable"),
    about: "whether anything goes to Helicone",
};

/// How long Helicone is spared.
pub(crate) const HELICONE_FLUSH: Spec = Spec {
    key: "helicone.flushInterval",
    variable: None,
    option: Some("flushInterval"),
    about: "for how many milliseconds turns wait for more of them; what is left when OpenCode ends goes \
        at once",
};

/// What paths in Helicone begin with.
pub(crate) const HELICONE_PREFIX: Spec = Spec {
    key: "helicone.sessionPathPrefix",
    variable: None,
    option: Some("sessionPathPrefix"),
    about: "what the paths of sessions in Helicone begin with",
};

/// How much may wait for Helicone.
pub(crate) const HELICONE_MAX_SIZE: Spec = Spec {
    key: "helicone.maxSpoolSize",
    variable: None,
    option: Some("maxSpoolSize"),
    about: "how many bytes may wait for Helicone, as recorded; the oldest beyond it are given up \
        (`octrace queue`)",
};

/// How long something may wait for Helicone.
pub(crate) const HELICONE_MAX_AGE: Spec = Spec {
    key: "helicone.maxSpoolAge",
    variable: None,
    option: Some("maxSpoolAge"),
    about: "for how many milliseconds something may wait for Helicone before it is given up",
};

/// How often Helicone may refuse.
pub(crate) const HELICONE_RETRIES: Spec = Spec {
    key: "helicone.maxRetries",
    variable: None,
    option: Some("maxRetries"),
    about: "how often a turn that Helicone refuses is tried again; a Helicone that is away does not \
        count",
};

/// How soon Helicone is tried again.
pub(crate) const HELICONE_BASE_DELAY: Spec = Spec {
    key: "helicone.retryBaseDelay",
    variable: None,
    option: Some("retryBaseDelay"),
    about: "how many milliseconds to wait after the first failure; doubled with each further one, up to \
        five minutes",
};

/// Whether Helicone gets system prompts.
pub(crate) const HELICONE_SYSTEM_PROMPT: Spec = Spec {
    key: "helicone.capture_system_prompt",
    variable: None,
    option: None,
    about: "whether system prompts go to Helicone as well",
};

/// What else is blanked for Helicone.
pub(crate) const HELICONE_PATTERNS: Spec = Spec {
    key: "helicone.redactPatterns",
    variable: None,
    option: Some("redactPatterns"),
    about: "regular expressions for what else must not go to Helicone",
};

/// Of no effect.
pub(crate) const HELICONE_SPOOL: Spec = Spec {
    key: "helicone.spoolDirectory",
    variable: None,
    option: Some("spoolDirectory"),
    about: "of no effect: what waits for Helicone is on the tape",
};

/// Where a backend that takes OTLP is.
pub(crate) const OTLP_ENDPOINT: Spec = Spec {
    key: "otlp.endpoint",
    variable: Some("OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT"),
    option: None,
    about: "the base URL of a backend that takes OTLP over HTTP; /v1/traces is added. In the file, each \
        `[[otlp]]` is one more backend",
};

/// What it wants to see of whoever sends.
pub(crate) const OTLP_HEADERS: Spec = Spec {
    key: "otlp.headers",
    variable: Some("OCTRACE_OTEL_EXPORTER_OTLP_HEADERS"),
    option: None,
    about: "its headers, `name=value,other=value` with percent-encoded values",
};

/// How it is talked to.
pub(crate) const OTLP_PROTOCOL: Spec = Spec {
    key: "otlp.protocol",
    variable: Some("OCTRACE_OTEL_EXPORTER_OTLP_PROTOCOL"),
    option: None,
    about: "its protocol: `http/protobuf` is the one that octrace has",
};

/// What else is blanked for backends that take OTLP.
pub(crate) const OTLP_PATTERNS: Spec = Spec {
    key: "otlp.redactPatterns",
    variable: None,
    option: Some("redactPatterns"),
    about: "regular expressions for what else must not go to any backend that takes OTLP; each `[[otlp]]` of the file \
        may have more of them",
};

/// More backends that take OTLP.
pub(crate) const OTLP: Spec = Spec {
    key: "otlp",
    variable: None,
    option: None,
    about: "a backend for each `[[otlp]]`: `endpoint`; `headers = { \"Authorization\" = \"Bearer \
        ${NAME}\" }` with variables of the environment; `profile` (`genai`, `openinference`, \
        `langfuse`, `neatlogs`); `content` (`full`, `metadata_only`); `system_prompt`; \
        `redactPatterns`",
};

/// Every setting.
pub(super) const ALL: [&Spec; 41] = [
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
    &NEATLOGS_KEY,
    &NEATLOGS_ENDPOINT,
    &NEATLOGS_NAME,
    &NEATLOGS_SYSTEM_PROMPT,
    &NEATLOGS_PATTERNS,
    &HELICONE_KEY,
    &HELICONE_ENDPOINT,
    &HELICONE_MODE,
    &HELICONE_ENABLE,
    &HELICONE_FLUSH,
    &HELICONE_PREFIX,
    &HELICONE_MAX_SIZE,
    &HELICONE_MAX_AGE,
    &HELICONE_RETRIES,
    &HELICONE_BASE_DELAY,
    &HELICONE_SYSTEM_PROMPT,
    &HELICONE_PATTERNS,
    &HELICONE_SPOOL,
    &OTLP_ENDPOINT,
    &OTLP_HEADERS,
    &OTLP_PROTOCOL,
    &OTLP_PATTERNS,
    &OTLP,
];
