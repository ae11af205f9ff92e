//! The terminal viewer at work: what [`octrace_view::terminal::App`], which only knows its own state, needs of the
//! world.
//!
//! There is one loop, on one thread, and one channel that [`wake`]s it. It waits for nothing else but the terminal
//! itself:
//!
//! * [`screen`]: the terminal, set up and given back.
//! * [`input`]: keys, mouse, signals, and a terminal that goes away.
//! * [`source`]: where sessions come from, read on a thread of its own.
//! * [`errand`]: what is done with a payload, on another one: [`clipboard`] and [`save`].

mod clipboard;
mod errand;
mod input;
mod save;
mod screen;
pub(crate) mod source;
mod wake;

use std::{
    io,
    panic::resume_unwind,
    path::PathBuf,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    time::{Duration, Instant},
};

use anyhow::Context;
use jiff::Timestamp;
use octrace_view::terminal::{Action, App, Event, Options};
use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};
use signal_hook::{
    consts::{SIGCONT, SIGTSTP},
    low_level::emulate_default_handler,
};

use self::{
    errand::{Purpose, failed},
    screen::Screen,
    source::{Job, Source},
    wake::{WAITING, Wake, thread},
};

/// What nobody waits for is drawn once in so long at most.
const FRAME: Duration = Duration::from_millis(33);

/// For so long at most things are taken in before there is a picture of them.
const SHARE: Duration = Duration::from_millis(8);

/// Shows the source until somebody wants the end. `home` is what `~` means.
///
/// # Errors
/// When the terminal cannot be had. One that goes away is an end like any other.
pub(crate) fn run(source: Box<dyn Source>, options: Options, home: PathBuf) -> anyhow::Result<()> {
    let (wake, woken) = mpsc::sync_channel(WAITING);
    // One is done, one waits; each may be a large body.
    let (errands, sent) = mpsc::sync_channel(1);
    let tell = wake.clone();
    thread("errands", &wake, move || errand::run(&sent, &tell, &home))?;
    let jobs = source::serve(source, options.is_static, options.style.clone(), &wake, errands)?;
    input::watch(&wake).context("cannot listen to the terminal")?;

    let (app, first) = App::new(options, now_us());
    let ended = Screen::open()
        .and_then(|screen| Viewer { app, screen, jobs, waiting: Vec::new() }.run(first, &woken));
    match ended {
        Ok(Ended::Wanted) => Ok(()),
        // Whoever sent it wants to see that we died of it.
        Ok(Ended::Signal(signal)) => Ok(emulate_default_handler(signal)?),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(error).context("cannot draw on the terminal"),
    }
}

/// How it ends.
enum Ended {
    /// Somebody wanted it to, or the terminal is gone.
    Wanted,
    /// By this signal.
    Signal(i32),
}

/// The viewer's state, and whom its actions go to.
struct Viewer {
    app: App,
    screen: Screen,
    jobs: Sender<Job>,
    /// What came while we were stopped.
    waiting: Vec<Wake>,
}

impl Viewer {
    fn run(&mut self, first: Vec<Action>, woken: &Receiver<Wake>) -> io::Result<Ended> {
        for action in first {
            if let Some(ended) = self.act(action, woken)? {
                return Ok(ended);
            }
        }
        // What somebody did is to be seen at once; what came by itself may wait for the next frame.
        let (mut drawn, mut is_wanted) = (Instant::now(), true);
        let mut is_owed = true;
        loop {
            if is_owed && (is_wanted || drawn.elapsed() >= FRAME) {
                self.screen.draw(&mut self.app)?;
                (drawn, is_wanted, is_owed) = (Instant::now(), false, false);
            }
            let rest = is_owed.then(|| FRAME.saturating_sub(drawn.elapsed()));
            let wait = self.app.next_tick().into_iter().chain(rest).min();
            let next = match wait {
                Some(wait) => woken.recv_timeout(wait),
                None => woken.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            // Whatever waits is one picture, but nobody waits long for it.
            let mut next = Some(next.unwrap_or(Wake::Event(Event::Tick)));
            let begun = Instant::now();
            while let Some(wake) = next {
                is_wanted |= wake.is_wanted();
                if let Some(ended) = self.take(wake, woken)? {
                    return Ok(ended);
                }
                for wake in std::mem::take(&mut self.waiting) {
                    if let Some(ended) = self.take(wake, woken)? {
                        return Ok(ended);
                    }
                }
                next = (begun.elapsed() < SHARE).then(|| woken.try_recv().ok()).flatten();
            }
            is_owed = true;
        }
    }

    /// Takes in what happened. Gives the end, if it is one.
    fn take(&mut self, wake: Wake, woken: &Receiver<Wake>) -> io::Result<Option<Ended>> {
        match wake {
            Wake::Event(event) => {
                for action in self.app.update(event, now_us()) {
                    if let Some(ended) = self.act(action, woken)? {
                        return Ok(Some(ended));
                    }
                }
            }
            Wake::Copied(copied) => {
                if let Some(bytes) = copied.for_terminal {
                    self.screen.copy(&bytes)?;
                }
                return self.take(errand::said(copied.said), woken);
            }
            Wake::Repaint => self.screen.repaint(),
            // The next picture has it.
            Wake::Resized => {}
            Wake::Signal(SIGTSTP) => self.suspend(woken)?,
            Wake::Signal(SIGCONT) => self.screen.take()?,
            Wake::Signal(signal) => return Ok(Some(Ended::Signal(signal))),
            Wake::Closed => return Ok(Some(Ended::Wanted)),
            Wake::Fault(panic) => resume_unwind(panic),
        }
        Ok(None)
    }

    /// Does what the state wants. Gives the end, if it is one.
    fn act(&mut self, action: Action, woken: &Receiver<Wake>) -> io::Result<Option<Ended>> {
        let job = match action {
            Action::Ask(ask) => Job::Ask(ask),
            Action::Copy(payload) => Job::Fetch(payload, Purpose::Copy),
            Action::Save(payload, path) => Job::Fetch(payload, Purpose::Save(path)),
            Action::Mouse(ours) => return self.screen.mouse(ours).map(|()| None),
            Action::Suspend if !has_shell() => {
                return self.take(failed("no shell is there to bring it back"), woken);
            }
            Action::Suspend => return self.suspend(woken).map(|()| None),
            Action::Quit => return Ok(Some(Ended::Wanted)),
        };
        // A thread that is gone has said why.
        self.jobs.send(job).ok();
        Ok(None)
    }

    /// Stops, and everything that was started together with us, until a shell lets us go on.
    fn suspend(&mut self, woken: &Receiver<Wake>) -> io::Result<()> {
        self.screen.leave()?;
        kill_current_process_group(Signal::STOP)?;
        for wake in woken {
            match wake {
                Wake::Signal(SIGCONT) => break,
                wake => self.waiting.push(wake),
            }
        }
        self.screen.take()
    }
}

/// Whether a shell put us into a process group of our own: it notices when we stop. A group that the session began
/// with has nobody who would.
fn has_shell() -> bool {
    getsid(None).is_ok_and(|session| session != getpgrp())
}

/// Whether the terminal is not there any more.
fn is_gone(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let gone = [Errno::IO, Errno::NXIO, Errno::PIPE, Errno::BADF];
    gone.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn now_us() -> i64 {
    Timestamp::now().as_microsecond()
}
