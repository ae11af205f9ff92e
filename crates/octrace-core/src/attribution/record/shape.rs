//! A record's shape, field by field as in Agent Trace 0.1.0. What else somebody wrote into one is kept, so that a
//! record that was read and written again has lost nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One trace record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The specification's version, `X.Y.Z`.
    pub version: String,
    /// A UUID.
    pub id: String,
    /// RFC 3339.
    pub timestamp: String,
    /// The revision that the work tree stood on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcs: Option<Vcs>,
    /// What wrote the lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
    /// The files with the lines.
    pub files: Vec<File>,
    /// What the specification has no field for, under names with a reversed domain in front.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Fields that the specification does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A revision of a repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vcs {
    /// `git`, `jj`, `hg` or `svn`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A commit's full hash; jj's change id.
    pub revision: String,
    /// Fields that the specification does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What wrote the lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Fields that the specification does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A file with lines that have a known origin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// Relative to the repository's root, with `/`.
    pub path: String,
    /// Who wrote which of its lines.
    pub conversations: Vec<Conversation>,
    /// Fields that the specification does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Lines of one origin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Where the conversation can be looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who wrote the lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contributor: Option<Contributor>,
    /// The lines.
    pub ranges: Vec<Range>,
    /// Other resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
    /// Fields that the specification does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Who wrote lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Contributor {
    /// Which kind.
    #[serde(rename = "type")]
    pub kind: ContributorKind,
    /// `provider/model`, at most 250 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// Fields that the specification does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Which kind of contributor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContributorKind {
    /// A person.
    Human,
    /// A model.
    Ai,
    /// Both.
    Mixed,
    /// Nobody says.
    #[default]
    Unknown,
}

/// Consecutive lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The first, counted from 1.
    pub start_line: u64,
    /// The last, itself included.
    pub end_line: u64,
    /// As [`content_hash`](super::content_hash) makes it; other tools have hashes of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
    /// Who wrote these lines, where that is not the conversation's contributor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contributor: Option<Contributor>,
    /// Fields that the specification does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Another resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Related {
    /// What it is: `session`, `prompt`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it is.
    pub url: String,
    /// Fields that the specification does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
