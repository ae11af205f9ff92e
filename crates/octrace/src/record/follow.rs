//! What wakes a recorder: something in the spool changed, OpenCode is gone, or we are asked to end.
//!
//! One closed enum, one channel. Watching is the system's (inotify, FSEvents) through `notify`; nothing
//! polls. When the system has no watch left to give, the recorder looks a few times a second instead: late is
//! better than never.

use std::{
    io::{self, Read},
    path::Path,
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError},
    thread,
    time::Duration,
};

use notify::RecommendedWatcher;
use octrace_wire::segment;

use super::control;
use crate::watch::watch;

/// How often to look without a watch.
const WITHOUT_WATCH: Duration = Duration::from_millis(250);

/// What changes within so long is told once: the pieces of a streamed answer, say. Much less than the recorder gathers for, so
/// that it reads nothing later for it.
const TELL_EVERY: Duration = Duration::from_millis(10);

/// Why the recorder woke up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The spool has something new, or a command left a request.
    Changed,
    /// Our standard input ended: OpenCode is gone, however it died.
    WriterGone,
    /// A signal asks us to end. What is open stays open on the tape for the next recorder.
    Terminated,
    /// The time that the caller gave is over.
    TimeOut,
}

/// The channel that wakes come through.
pub(crate) struct Follow {
    wakes: Receiver<Wake>,
    _watch: Option<RecommendedWatcher>,
}

impl Follow {
    /// Watches `folder`, standard input and the signals that end a program.
    pub(crate) fn begin(folder: &Path) -> io::Result<Self> {
        // One pending `Changed` says as much as a hundred: what does not fit is dropped. The others
        // come once each and wait for their place.
        let (sender, wakes) = mpsc::sync_channel(4);
        watch_stdin(sender.clone());
        watch_signals(sender.clone())?;
        let watch = watch_folder(folder, sender)
            .inspect_err(|error| tracing::warn!(%error, "no watch on the spool; looking instead"))
            .ok();
        Ok(Self { wakes, _watch: watch })
    }

    /// The next wake, after `limit` at the latest if there is one.
    pub(crate) fn next(&self, limit: Option<Duration>) -> Wake {
        let limit = match (&self._watch, limit) {
            (Some(_), limit) => limit,
            (None, limit) => Some(limit.unwrap_or(WITHOUT_WATCH).min(WITHOUT_WATCH)),
        };
        let woken = match limit {
            Some(limit) => self.wakes.recv_timeout(limit),
            None => self.wakes.recv().map_err(RecvTimeoutError::from),
        };
        match woken {
            Ok(wake) => wake,
            Err(RecvTimeoutError::Timeout) => Wake::TimeOut,
            // The threads that hold the other end live as long as the process.
            Err(RecvTimeoutError::Disconnected) => Wake::Terminated,
        }
    }

    /// Something has changed: waits for as long as `pace` for what else comes with it. All that has changed until then is
    /// one wake.
    pub(crate) fn gather(&self, pace: Duration) -> Wake {
        thread::sleep(pace);
        let woken = self.wakes.try_iter().find(|wake| *wake != Wake::Changed);
        woken.unwrap_or(Wake::Changed)
    }
}

fn watch_folder(folder: &Path, sender: SyncSender<Wake>) -> notify::Result<RecommendedWatcher> {
    watch(folder, move |changed| {
        // Changes were lost: look.
        if changed.is_none_or(|paths| paths.iter().any(|path| is_input(path))) {
            match sender.try_send(Wake::Changed) {
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
            }
            thread::sleep(TELL_EVERY);
        }
    })
}

/// Whether it is something that we read; our own status is in the same folder.
fn is_input(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| segment::number_of(name).is_some() || name == control::FILE)
}

fn watch_stdin(sender: SyncSender<Wake>) {
    thread::spawn(move || {
        let mut ignored = [0; 512];
        let mut stdin = io::stdin().lock();
        loop {
            match stdin.read(&mut ignored) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // The receiver is gone only when the process is about to be.
        sender.send(Wake::WriterGone).ok();
    });
}

fn watch_signals(sender: SyncSender<Wake>) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    // The recorder is detached, but a terminal's hang-up or Ctrl-C may reach it all the same: those are meant
    // for OpenCode, and its end is what we wait for. A file that would become larger than the system lets it
    // (`ulimit -f`) is an error of that write, not the recorder's end.
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM, SIGXFSZ])?;
    thread::spawn(move || {
        for signal in signals.forever() {
            if signal == SIGTERM {
                sender.send(Wake::Terminated).ok();
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_at_once_is_one_wake_and_an_end_is_never_missed() {
        let (sender, wakes) = mpsc::sync_channel(4);
        let follow = Follow { wakes, _watch: None };
        let wake = |wakes: &[Wake]| wakes.iter().for_each(|wake| sender.send(*wake).unwrap());
        wake(&[Wake::Changed; 4]);
        assert_eq!(follow.next(None), Wake::Changed);
        assert_eq!(follow.gather(Duration::ZERO), Wake::Changed);
        assert_eq!(follow.next(Some(Duration::ZERO)), Wake::TimeOut);
        wake(&[Wake::Changed, Wake::WriterGone, Wake::Terminated]);
        assert_eq!(follow.gather(Duration::ZERO), Wake::WriterGone);
        assert_eq!(follow.next(None), Wake::Terminated);
    }
}
