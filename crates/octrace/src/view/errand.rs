//! What somebody wants done with a payload: it takes as long as a disk or another program takes, so it is done on a
//! thread of its own, one after the other.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender},
};

use octrace_view::terminal::Event;

use super::{
    clipboard,
    save::{NotSaved, save},
    wake::Wake,
};

/// Something to be done with these bytes.
pub(super) struct Errand {
    pub(super) bytes: Vec<u8>,
    pub(super) purpose: Purpose,
}

/// Where they are to go.
pub(super) enum Purpose {
    /// To the clipboard.
    Copy,
    /// To a new file, as typed.
    Save(PathBuf),
}

/// Until nobody sends any more. `home` is what `~` means.
pub(super) fn run(errands: &Receiver<Errand>, wake: &SyncSender<Wake>, home: &Path) {
    while let Ok(Errand { bytes, purpose }) = errands.recv() {
        let done = match purpose {
            _ if bytes.is_empty() => failed("there is nothing in it"),
            Purpose::Copy => Wake::Copied(clipboard::copy(bytes)),
            Purpose::Save(path) => Wake::Event(match save(&bytes, &path, home) {
                Ok(text) => Event::Done(text),
                Err(NotSaved { why, free }) => Event::NotSaved { why, path, free },
            }),
        };
        if wake.send(done).is_err() {
            return;
        }
    }
}

/// What came of it, for the person who wanted it.
pub(super) fn said(said: Result<String, String>) -> Wake {
    Wake::Event(said.map_or_else(Event::Failed, Event::Done))
}

/// It cannot be done.
pub(super) fn failed(why: &str) -> Wake {
    Wake::Event(Event::Failed(why.to_owned()))
}
