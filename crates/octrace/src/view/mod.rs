//! The terminal viewer at work: what [`octrace_view::terminal::App`], which only knows its own state, needs of the
//! world.
//!
//! There is one loop, on one thread, and one channel that wakes it ([`wake`]). It never waits for anything else:
//!
//! * [`screen`]: the terminal, set up and given back.
//! * [`input`]: keys, mouse, signals, and a terminal that goes away.
//! * [`source`]: where sessions come from, read on a thread of its own.

mod input;
mod screen;
mod source;
mod wake;

use std::{
    io,
    panic::resume_unwind,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    time::Duration,
};

use anyhow::Context;
use jiff::Timestamp;
use octrace_view::terminal::{Action, App, Event, Options};

use self::{
    screen::Screen,
    source::{Job, Source, TapeSource},
    wake::{Wake, thread},
};
use crate::paths::Paths;

/// How often a picture that moves by itself is drawn.
const TICK: Duration = Duration::from_millis(200);

/// What the viewer shows at once, in words.
pub(crate) fn run(paths: &Paths, options: Options) -> anyhow::Result<()> {
    let source: Box<dyn Source> = Box::new(TapeSource::new(paths.tape()));
    let (wake, woken) = mpsc::channel();
    let (jobs, work) = mpsc::channel();
    let is_static = options.is_static;
    input::watch(&wake).context("cannot listen to the terminal")?;
    let tell = wake.clone();
    thread("source", &wake, move || source::serve(source, &work, &tell, is_static))?;
    let screen = Screen::open().context("cannot set up the terminal")?;
    let (app, first) = App::new(options, now_us());
    let mut viewer = Viewer { app, screen, jobs };
    match viewer.run(first, &woken) {
        // Nobody is there to be told.
        Err(error) if is_gone(&error) => Ok(()),
        ended => Ok(ended?),
    }
}

/// The viewer's state, and whom its actions go to.
struct Viewer {
    app: App,
    screen: Screen,
    jobs: Sender<Job>,
}

impl Viewer {
    /// Until somebody wants the end.
    fn run(&mut self, first: Vec<Action>, woken: &Receiver<Wake>) -> io::Result<()> {
        for action in first {
            self.act(action);
        }
        loop {
            self.screen.draw(&mut self.app)?;
            let mut next = match self.app.is_moving() {
                true => woken.recv_timeout(TICK),
                false => woken.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            if let Err(RecvTimeoutError::Timeout) = next {
                self.app.update(Event::Tick, now_us());
            }
            // Whatever waits is one picture.
            while let Ok(wake) = next {
                if !self.take(wake) {
                    return Ok(());
                }
                next = woken.try_recv().map_err(|_| RecvTimeoutError::Disconnected);
            }
        }
    }

    /// Whether to go on.
    fn take(&mut self, wake: Wake) -> bool {
        match wake {
            Wake::Event(event) => {
                let actions = self.app.update(event, now_us());
                actions.into_iter().all(|action| self.act(action))
            }
            Wake::Resized => true,
            Wake::Fault(panic) => resume_unwind(panic),
        }
    }

    /// Whether to go on.
    fn act(&mut self, action: Action) -> bool {
        match action {
            Action::Ask(ask) => {
                // A source that is gone has said why.
                self.jobs.send(Job::Ask(ask)).ok();
            }
            Action::Quit => return false,
            Action::Copy(_) | Action::Save(..) | Action::Mouse(_) | Action::Suspend => {}
        }
        true
    }
}

/// Whether the terminal is not there any more.
fn is_gone(error: &io::Error) -> bool {
    let gone = [rustix::io::Errno::IO, rustix::io::Errno::NXIO, rustix::io::Errno::PIPE];
    gone.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn now_us() -> i64 {
    Timestamp::now().as_microsecond()
}
