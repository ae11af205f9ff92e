//! The JSON payloads, as the plugin sends them.
//!
//! Tolerant on purpose: fields that a later plugin adds are ignored here, fields that an earlier
//! one lacks have a default, and what OpenCode's own objects contain is left as raw JSON. Meaning is
//! `octrace-core`'s. Names are short words in snake case; times are in the frame's header, never
//! in the payload.
//!
//! None of these types shows its content in `Debug`: they are read before redaction.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The first frame of every segment: who writes, with everything known by then.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Hello {
    /// The format's version, as in the segment headers.
    pub format: u16,
    /// The plugin's version.
    pub plugin: String,
    /// Process id of OpenCode.
    pub pid: u32,
    /// Start time of that process as the kernel counts it (Linux: field 22 of `/proc/self/stat`), so
    /// that a later process with the same id is told apart. Empty where unknown.
    pub process_start: String,
    /// The machine's boot id (Linux), empty where unknown.
    pub boot: String,
    /// Where OpenCode was started.
    pub cwd: String,
    /// The folder of the tape that this spool is for: by `OCTRACE_HOME`, else the one that the plugin was
    /// installed for. Recorders of other tapes leave the spool alone.
    pub home: String,
    /// The value of `OCTRACE_RUN`: set by `octrace run`, so that it can tell what it recorded.
    pub run: String,
    /// The settings of its environment that hold for this recording, whoever records it.
    pub settings: Settings,
    /// What credentials look like without saying what they are.
    pub secrets: Vec<SecretPrint>,
    /// 16 random bytes in hex: the salt of [`SecretPrint`]s in this spool.
    pub salt: String,
}

/// Settings that come with the recording because they are of OpenCode's environment, not of the recorder's: as
/// the variables had them, empty where they were not set.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// `OPENCODE_API_TRACER_DIR`.
    pub jsonl_dir: String,
    /// `OPENCODE_API_TRACER_DEBUG`.
    pub debug: String,
    /// `OPENCODE_API_TRACER_DEBUG_FILE`.
    pub debug_file: String,
    /// The folder for temporary files, as OpenCode has it.
    pub tmp: String,
    /// OpenCode's data folder, in which it keeps its snapshots of work trees.
    pub data: String,
    /// `AGENT_TRACE_…` and the database.
    pub agent_trace: AgentTrace,
    /// The variables that say what tracing backends get, by name, of those that are set: `NEATLOGS_ENDPOINT`, … URLs are
    /// without userinfo, query and fragment. No key is among them. Empty: it is set to what cannot be told, such as a URL
    /// with a password.
    pub variables: BTreeMap<String, String>,
    /// Which keys there are for tracing backends, by the name of the variable, of those that are set: `NEATLOGS_API_KEY`, …
    /// and each that the user's `config.toml` names as `${NAME}`. Not the key but what tells two of them apart: the first
    /// eight hexadecimal digits of the SHA-256 of `octrace key`, a zero byte, and the key. Empty: it is set to what is no
    /// key.
    pub keys: BTreeMap<String, String>,
}

/// Settings of Agent Trace, as the variables of the environment had them.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentTrace {
    /// `AGENT_TRACE_ENABLED`.
    pub enabled: String,
    /// `AGENT_TRACE_DATABASE_URL` without password and without parameters; empty where it is not set or is no URL of
    /// a Postgres. The recorder has the whole of it in its own environment, if it is OpenCode's.
    pub database: String,
    /// `DATABASE_URL`, likewise.
    pub application_database: String,
    /// `AGENT_TRACE_REDACTION`.
    pub redaction: String,
    /// `AGENT_TRACE_SPEC_VERSION`.
    pub spec_version: String,
    /// `AGENT_TRACE_TOOL_NAME`.
    pub tool_name: String,
    /// `AGENT_TRACE_TOOL_VERSION`.
    pub tool_version: String,
}

/// A credential's fingerprint: enough to find it in text, not enough to know it.
///
/// A reader rolls `rolling` over the text in windows of `length` bytes and confirms a hit with
/// `sha256`. Both are keyed with the spool's salt.
#[derive(Clone, Default, Serialize, Deserialize, PartialEq, Eq, Hash)]
#[serde(default)]
pub struct SecretPrint {
    /// Bytes of the value in UTF-8; at least 8.
    pub length: u32,
    /// `h = h * B + byte` in wrapping 32-bit arithmetic over the value's bytes, from 0, where `B` is the
    /// salt's first four bytes (little-endian) with bits 0 and 1 set to 1 and 0.
    pub rolling: u32,
    /// SHA-256 of salt bytes followed by the value, in lower-case hex.
    pub sha256: String,
    /// Whether the value is nothing but letters and digits of ASCII and `-._~+/=`, so that a reader need
    /// look for it in runs of these alone, which is many times faster. `false`: it is not, or nobody says.
    pub token: bool,
}

/// More [`SecretPrint`]s, same salt.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// The newly known credentials.
    pub secrets: Vec<SecretPrint>,
}

/// The plugin was initialised for one directory.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Instance {
    /// The directory OpenCode works in.
    pub directory: String,
    /// The root of the work tree it is in.
    pub worktree: String,
    /// OpenCode's project id.
    pub project: String,
    /// The options beside the plugin's name in OpenCode's configuration, with values only of those that octrace knows.
    pub options: Option<Box<RawValue>>,
}

/// An exchange begins. Its number is in the frame's header; its body follows in frames of their own.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// `POST`, as sent.
    pub method: String,
    /// Without userinfo and with secret query values replaced by `[REDACTED]`.
    pub url: String,
    /// In order; values not on the plugin's allow list are `[REDACTED]`.
    pub headers: Vec<(String, String)>,
    /// OpenCode's session, empty where unknown.
    pub session: String,
    /// The directory of the plugin instance that announced the call, empty where unknown.
    pub directory: String,
    /// The parent session of a sub-agent, where a header named it.
    pub parent: String,
    /// The user message that this request answers, empty where unknown.
    pub message: String,
    /// OpenCode's agent: `build`, `title`, `compaction`, a sub-agent's name. Empty where unknown.
    pub agent: String,
    /// OpenCode's provider id.
    pub provider: String,
    /// OpenCode's model id.
    pub model: String,
    /// The SDK package that speaks for the provider (`@ai-sdk/anthropic`, …).
    pub npm: String,
    /// OpenCode's `model.cost` object: dollars per million tokens.
    pub price: Option<Box<RawValue>>,
    /// The body's true size in bytes, also when it was cut or is not recorded.
    pub body_bytes: u64,
    /// `text`, `bytes`, `none` or `stream` (a body that is not recorded because reading it would
    /// consume it).
    pub body: String,
}

/// Status and headers have arrived.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The reason phrase.
    pub status_text: String,
    /// As in [`Request::headers`].
    pub headers: Vec<(String, String)>,
}

/// An exchange is over.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct End {
    /// `complete`; `failed`: no response ever came; `cut`: the response broke off; `aborted`: OpenCode
    /// or the user no longer wanted it.
    pub outcome: String,
    /// The response body's true size in bytes.
    pub bytes: u64,
    /// How many chunks it arrived in.
    pub chunks: u64,
    /// Whether a part of the response's body was not written, for want of room.
    pub cut: bool,
    /// For `failed` and `cut`.
    pub error: Option<ErrorInfo>,
}

/// A JavaScript error.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorInfo {
    /// Its class, such as `TypeError`.
    pub name: String,
    /// Its message.
    pub message: String,
    /// Its code where it has one, such as `ECONNREFUSED`.
    pub code: String,
}

/// An event of OpenCode.
#[derive(Deserialize)]
pub struct Event<'a> {
    /// The directory of the plugin instance that saw it.
    #[serde(default)]
    pub directory: String,
    /// OpenCode's own object: `{id, type, properties}`.
    #[serde(borrow)]
    pub event: &'a RawValue,
}

/// A hook was called. Only the fields worth keeping are sent, never arguments or results: those are
/// in the events.
#[derive(Deserialize)]
pub struct Hook<'a> {
    /// The hook's name, such as `tool.execute.before`.
    #[serde(default)]
    pub hook: String,
    /// Its input, trimmed by the plugin.
    #[serde(borrow)]
    pub input: &'a RawValue,
}

/// What the plugin dropped because the spool was full.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Gap {
    /// Frames that were not written.
    pub frames: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// Why: `bound` (the spool's own limit), `disk` (the file system refused).
    pub reason: String,
}

/// What the plugin decided. Of a request that is not recorded, only method, host and reason are here.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Diagnostic {
    /// `install.start`, `install.patched`, `fetch.seen`, `fetch.traced`, `fetch.skipped`.
    pub event: String,
    /// The request's method.
    pub method: String,
    /// The host of its URL, with the port.
    pub host: String,
    /// Why a request was skipped, such as `method-not-post`.
    pub reason: String,
    /// How many decisions like this one it stands for, so that a process that fetches without end does not fill
    /// the spool; 0, like 1, is this one.
    pub count: u64,
}

/// `/intercept` was typed. The recorder carries it out when it comes to this frame, so that everything which
/// was captured before is counted, and says so in `.status`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Intercept {
    /// Random; comes back in `.status`.
    pub token: String,
    /// `on`, `off` or `status`.
    pub action: String,
    /// Where it was typed.
    pub session: String,
}

/// A file as a tool call found it or left it. Where `found` is `bytes`, they follow the JSON and a line feed; the JSON
/// itself has none.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct File {
    /// The directory of the plugin instance that saw it.
    pub directory: String,
    /// `ses_…`
    pub session: String,
    /// OpenCode's call id.
    pub call: String,
    /// `edit`, `write`, `apply_patch`, `bash`, …
    pub tool: String,
    /// `before` the call, `permitted` (the same, but after a person was asked; or right before a shell's process
    /// starts), or `after` it.
    pub moment: String,
    /// Absolute, and where it really is: links are followed.
    pub path: String,
    /// As the tool named it, absolute, where that is another path: through a link.
    pub named: String,
    /// `bytes`: they follow. `same`: as they were when this spool said `hash` of this path last. `absent`: there is no such
    /// file. `large`: more than is read, or than there was room for. `other`: no regular file. `unreadable`.
    pub found: String,
    /// Its size in bytes; of `large` too.
    pub size: u64,
    /// The plugin's own hash of the bytes as they are in the file, in hex; of no meaning outside the spool.
    pub hash: String,
    /// When the file system says that it was last changed, in µs since the Unix epoch: the time of its inode, which nobody
    /// can set. `None` where there is no file.
    pub changed_us: Option<i64>,
    /// Credentials were taken out of the bytes that follow: they are not quite the file's, and may be of another number.
    pub blanked: bool,
}
