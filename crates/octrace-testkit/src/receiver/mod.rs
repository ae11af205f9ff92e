//! A tracing backend on loopback: it keeps what it was sent, and answers as it is told, also badly.
//!
//! * `connection`: one connection of HTTP/1.1, with every way to break it.
//! * `read`: what was sent, without compression; `plain`: its spans, in plain values.

mod connection;
mod plain;
mod read;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::ensure;
use serde_json::json;

pub use self::plain::{PlainSpan, spans};
use crate::{PATIENCE, helicone};

/// A server on loopback that takes whatever is posted to it. It is there until the process ends.
pub struct Receiver {
    port: u16,
    state: Arc<State>,
}

/// A request, as it was sent.
#[derive(Clone, Debug)]
pub struct Received {
    /// `POST`
    pub method: String,
    /// With its query.
    pub path: String,
    /// In order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it was sent, compressed or not.
    pub body: Vec<u8>,
    /// The status that it was answered with; `None` where the whole answer never left.
    pub answered: Option<u16>,
}

/// What a server says.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Besides `content-length`.
    pub headers: Vec<(String, String)>,
    /// Whatever it is.
    pub body: Vec<u8>,
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// All is well: what this kind of backend says then, or what it says of a request that it finds wrong.
    Well,
    /// It is read, and this is said.
    Says(Response),
    /// The same, a byte at a time with this pause after each.
    Slowly(Response, Duration),
    /// The connection ends once the head was read; the body never arrives.
    CutAsked,
    /// It is read whole, as if it was taken; then the connection ends without a word.
    CutUnanswered,
    /// It is read, and the connection ends in the middle of the answer.
    CutAnswered(Response),
    /// It is read, and then nothing is said until [`Receiver::release`]; after that, what is said when all is well.
    Silence,
}

impl Response {
    /// With this status and body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// With one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What becomes of each request, by its head.
type Script = Box<dyn FnMut(&Received) -> Answer + Send>;

struct State {
    /// What is said when all is well, or of what is wrong.
    well: fn(&Received) -> Response,
    script: Mutex<Script>,
    received: Mutex<Vec<Received>>,
    /// Something was received, answered or released.
    changed: Condvar,
    is_down: AtomicBool,
    is_silent: AtomicBool,
}

impl Receiver {
    /// A backend for OTLP: takes every request that can be decoded.
    ///
    /// # Errors
    /// When no port is free.
    pub fn otlp() -> io::Result<Self> {
        Self::open(|received| match received.spans() {
            Ok(_) => Response::new(200, "").header("content-type", "application/x-protobuf"),
            Err(error) => Response::new(400, error.to_string()),
        })
    }

    /// Helicone: takes every log that passes [`helicone::check`].
    ///
    /// # Errors
    /// When no port is free.
    pub fn helicone() -> io::Result<Self> {
        Self::open(|received| match helicone::check(&received.headers, &received.body) {
            Ok(()) => Response::new(200, "ok"),
            Err(why) => Response::new(400, json!({ "error": why }).to_string()),
        })
    }

    /// One that answers like this when all is well.
    ///
    /// # Errors
    /// When no port is free.
    pub fn open(well: fn(&Received) -> Response) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State {
            well,
            script: Mutex::new(Box::new(|_| Answer::Well)),
            received: Mutex::default(),
            changed: Condvar::new(),
            is_down: AtomicBool::new(false),
            is_silent: AtomicBool::new(true),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // Whoever is down hangs up at once.
                if !state.is_down.load(Ordering::SeqCst) {
                    thread::spawn(move || state.serve(&client));
                }
            }
        });
        Ok(Self { port, state })
    }

    /// Where it is: `http://127.0.0.1:…`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on this decides what happens to each request, by its head: the body is not there yet.
    pub fn script(&self, script: impl FnMut(&Received) -> Answer + Send + 'static) {
        *lock(&self.state.script) = Box::new(script);
    }

    /// From now on every request is answered like this.
    pub fn always(&self, answer: Answer) {
        self.script(move |_| answer.clone());
    }

    /// Whether it is away: every new connection ends as soon as it is made.
    pub fn is_down(&self, is_down: bool) {
        self.state.is_down.store(is_down, Ordering::SeqCst);
    }

    /// Ends every [`Answer::Silence`], also those to come.
    pub fn release(&self) {
        let _received = lock(&self.state.received);
        self.state.is_silent.store(false, Ordering::SeqCst);
        self.state.changed.notify_all();
    }

    /// Whose bodies arrived so far, in that order.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.state.received).clone()
    }

    /// The spans that arrived in requests that were answered well, in that order.
    ///
    /// # Errors
    /// When something else than OTLP arrived.
    pub fn spans(&self) -> anyhow::Result<Vec<PlainSpan>> {
        let well = self.received().into_iter().filter(|one| one.answered == Some(200));
        let all = well.map(|one| one.spans()).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Waits until `condition` holds for what arrived so far.
    ///
    /// # Errors
    /// When it does not within a minute.
    pub fn wait_for(&self, mut condition: impl FnMut(&[Received]) -> bool) -> anyhow::Result<()> {
        let received = lock(&self.state.received);
        let (received, waited) = self
            .state
            .changed
            .wait_timeout_while(received, PATIENCE, |received| !condition(received))
            .unwrap_or_else(PoisonError::into_inner);
        ensure!(!waited.timed_out(), "still not so after {} requests", received.len());
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in there is whole, whatever a script did.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
