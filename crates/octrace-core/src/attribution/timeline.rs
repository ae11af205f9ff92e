//! The evidence: files as they were seen at moments, and the calls that were at work.

use std::sync::Arc;

use super::line::Line;

/// A file, by its real and absolute path, with all that was seen of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileHistory {
    /// Absolute, links followed.
    pub path: String,
    /// In the order of their times.
    pub observations: Vec<Observation>,
}

/// A file as it was at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The tape's number of it; 0: of the work tree now.
    pub id: i64,
    /// µs since the Unix epoch.
    pub at_us: i64,
    /// When that was.
    pub moment: Moment,
    /// What was there.
    pub seen: Seen,
    /// When the file system says that it was last changed, in µs since the Unix epoch; not always known. A call that
    /// ran later did not do it.
    pub changed_us: Option<i64>,
}

/// When a file was seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// When a call was about to begin; a person may still be asked for permission.
    Before(CallId),
    /// When it was permitted.
    Permitted(CallId),
    /// When it had ended well.
    After(CallId),
    /// At the begin of a step: of a model call whose answer is this assistant message.
    Start(String),
    /// At its end, when all its calls had ended.
    Finish(String),
    /// Now, by whoever asks.
    Now,
}

/// What was there.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// A regular file with these lines.
    Text(Arc<[Line]>),
    /// No file of that name.
    Absent,
    /// Something that was not read: too large, no regular file, not permitted.
    Unread,
}

/// Which call: OpenCode's ids. A provider's call ids may repeat between sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId {
    /// `ses_…`
    pub session: String,
    /// As the provider named it.
    pub call: String,
}

/// A tool call, as far as attribution needs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// Which one.
    pub id: CallId,
    /// The assistant message that asked for it.
    pub message: String,
    /// The tool's name.
    pub tool: String,
    /// The work tree that its session works in, absolute. A tool that reaches anything is taken to reach what is
    /// below that; elsewhere it is seen by nobody.
    pub root: String,
    /// What came of it.
    pub ended: Ended,
    /// When it could first change anything: it was permitted, its process started. `None`: it never could. In µs since the Unix
    /// epoch.
    pub ran_us: Option<i64>,
    /// When it had ended. `None`: nobody saw it end.
    pub ended_us: Option<i64>,
    /// What it was given, as JSON text: what stands in there is said to be its own.
    pub input: String,
    /// What OpenCode told of its result, as JSON text (`state.metadata`); may be empty.
    pub metadata: String,
    /// OpenCode's snapshots before and after its step were compared, so a file that they cover and that was not
    /// observed at the step's end did not change in it. `false` also where nobody knows.
    pub compared: bool,
    /// Its tool names its files, but none was looked at for it: what was seen was lost, or pruned, or tracing was off.
    /// So it may have changed any.
    pub unseen: bool,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// It has not ended, or nobody saw it end.
    #[default]
    Running,
    /// Well, a shell command's exit code aside.
    Well,
    /// It failed, was rejected, or was broken off. What it may have written is nobody's.
    Badly,
}

/// What a tool can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing: it reads, asks, or has others do it.
    Nothing,
    /// The files that it names, and these are observed before and after; see [`Call::unseen`].
    Named,
    /// Anything: a shell, or a tool that we do not know.
    Anything,
}

impl Call {
    /// What its tool can change.
    pub fn reach(&self) -> Reach {
        match self.tool.as_str() {
            "edit" | "write" | "apply_patch" | "patch" | "multiedit" if self.unseen => {
                Reach::Anything
            }
            "edit" | "write" | "apply_patch" | "patch" | "multiedit" => Reach::Named,
            "read" | "glob" | "grep" | "list" | "webfetch" | "websearch" | "codesearch"
            | "skill" | "todowrite" | "todoread" | "task" | "question" | "lsp" | "invalid" => {
                Reach::Nothing
            }
            _ => Reach::Anything,
        }
    }
}

/// How it was found out which lines a call wrote, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The file's bytes before and after the call.
    Bytes,
    /// OpenCode's snapshots before and after the step.
    StepTrees,
    /// Lines that the event itself names.
    Explicit,
    /// The new text stands exactly once in the file.
    UniqueText,
    /// The call created the file.
    Created,
}

impl Evidence {
    /// The word for it in records, as `io.opencode.evidence`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::StepTrees => "step_trees",
            Self::Explicit => "explicit",
            Self::UniqueText => "unique_text",
            Self::Created => "created",
        }
    }
}

/// Where a line comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// It was there when the file was first seen.
    Before,
    /// A call wrote it.
    Call {
        /// Its place in the list of calls.
        call: usize,
        /// How that is known.
        evidence: Evidence,
    },
    /// It came between these two times, when no call that could have written it was at work. In µs since the Unix epoch.
    Person {
        /// When it was not there yet.
        after_us: i64,
        /// When it was.
        until_us: i64,
    },
    /// Nobody can say.
    Unknown(Why),
}

/// Why nobody can say where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Several calls were at work, and none says that it is its own.
    Contended,
    /// The call that was at work ended badly, or nobody saw it end.
    Unfinished,
    /// The same line stands, or stood, in several places.
    Repeated,
    /// The call that was at work brings other people's lines: `git checkout`, say.
    Brought,
    /// A secret was blanked in it.
    Blanked,
    /// The file was not, or could not be, read meanwhile: both a call and a person could have written it.
    Unread,
}
