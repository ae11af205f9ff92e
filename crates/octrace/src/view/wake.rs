//! What wakes the viewer's loop, and the threads that do.

use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::SyncSender,
};

use octrace_view::terminal::{Event, data::Answer};

use super::clipboard::Copied;

/// So many wakes wait for the loop. Whoever has more to say waits, too: a terminal that takes nothing for a while, as
/// after Ctrl-S, must not make memory fill. And a key stands behind few others.
pub(super) const WAITING: usize = 4;

/// Nothing else does.
pub(super) enum Wake {
    /// Something happened to the state.
    Event(Event),
    /// Somebody typed what draws the screen anew in every program: whatever is on it is not ours.
    Repaint,
    /// The terminal has another size.
    Resized,
    /// Something is on its way to the clipboard; the rest of the way is the terminal's.
    Copied(Copied),
    /// A signal came.
    Signal(i32),
    /// The terminal is gone.
    Closed,
    /// One of the viewer's threads met a fault of ours, which has been reported.
    Fault(Box<dyn Any + Send>),
}

impl Wake {
    /// Whether a person waits for what comes of it.
    pub(super) fn is_wanted(&self) -> bool {
        !matches!(self, Self::Event(Event::Tick | Event::Answer(_)))
            || matches!(self, Self::Event(Event::Answer(Answer::Page(..))))
    }
}

/// A thread of the viewer's. It ends with the process; its fault is the viewer's end.
pub(super) fn thread(
    name: &str,
    wake: &SyncSender<Wake>,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let wake = wake.clone();
    let body = move || {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
            // Nobody listens: it is the end already.
            wake.send(Wake::Fault(panic)).ok();
        }
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
}
