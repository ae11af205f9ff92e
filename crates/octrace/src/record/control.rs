//! `.control`: what commands ask of the recorder of a running OpenCode, beside its spool.
//!
//! One JSON object, replaced whole by rename. The recorder carries it out and repeats its token in
//! `.status`; a command that sees its token there knows that everything which was in the spool when it
//! asked is on the tape.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use super::{
    clock::now_us,
    status::{read_small, replace},
};

/// Its name in the spool's folder.
pub(crate) const FILE: &str = ".control";

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Control {
    /// Chosen by the asker; comes back in `.status`.
    pub(crate) token: String,
    /// `octrace intercept on` or `off`; `None` asks for nothing.
    pub(crate) intercept: Option<bool>,
}

impl Control {
    /// A new request.
    pub(crate) fn new(intercept: Option<bool>) -> Self {
        // Unique among those who may ask: this process, at this moment.
        Self { token: format!("{}-{}", std::process::id(), now_us()), intercept }
    }

    /// Leaves the request in `folder`.
    pub(crate) fn ask(&self, folder: &Path) -> io::Result<()> {
        // Two commands may ask at once; each has a temporary file of its own.
        let new = format!(".control.{}", std::process::id());
        replace(folder, &new, FILE, &serde_json::to_vec(self)?)
    }

    /// The request in `folder`, if there is one that can be read.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&read_small(&folder.join(FILE))?).ok()
    }
}
