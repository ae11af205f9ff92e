//! What recording saw of a file at a moment, before the tape makes a [`FileHistory`](super::timeline::FileHistory) of it.

use super::timeline::Moment;

/// A file at a moment, with its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// `ses_…`: whose call or step it was.
    pub session: String,
    /// When that was. Not [`Moment::Now`], which nobody keeps.
    pub moment: Moment,
    /// Absolute, links followed.
    pub path: String,
    /// As the tool named it, absolute, where that is another path.
    pub named: Option<String>,
    /// µs since the Unix epoch.
    pub at_us: i64,
    /// What was there.
    pub found: Found,
    /// Whether [`Found::Text`] has the bytes that the file had: nothing was blanked in them.
    pub exact: bool,
    /// By what whoever saw it says later that nothing changed ([`Found::Same`]); empty: it never does.
    pub mark: String,
    /// When the file system says that the file was last changed, in µs since the Unix epoch.
    pub changed_us: Option<i64>,
}

/// What was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A regular file with these bytes.
    Text(Vec<u8>),
    /// What was there when this mark was last said of this path in this spool.
    Same,
    /// No file of that name.
    Absent,
    /// More than is read.
    Large,
    /// No regular file.
    Other,
    /// It could not be read.
    Unreadable,
}

/// The repository as it was when a call had ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// Absolute; the paths of the call's record are relative to it.
    pub root: String,
    /// `git` or `jj`; `None`: there is none.
    pub vcs: Option<String>,
    /// The commit, or jj's change; `None`: there is none yet.
    pub revision: Option<String>,
}
