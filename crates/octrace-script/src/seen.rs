//! What the server saw: each request as received, and its answer as it was sent.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::body::Bytes;
use serde_json::Value;

use crate::dialect::Dialect;

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Seen {
    /// In the order of arrival, from 1.
    pub number: usize,
    /// `POST`, …
    pub method: String,
    /// With the query.
    pub path: String,
    /// All of them in the order received, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Exactly as received.
    pub body: Bytes,
    /// When the body was complete.
    pub at: Instant,
    /// `None` for a path that is not a model's endpoint.
    pub dialect: Option<Dialect>,
    /// Whether OpenCode asked for a session's title.
    pub is_title: bool,
    /// The script that answers; `title`, `compaction` or `otherwise` outside any script.
    pub script: String,
    /// Which step of it, from 0.
    pub step: usize,
    /// Which request of its session for this step, from 1.
    pub attempt: u32,
    /// Once the answer has begun.
    pub status: Option<u16>,
    /// The answer's body so far: each chunk as it was handed to the connection, and when.
    pub sent: Vec<(Bytes, Instant)>,
    /// How the exchange ended, and when; `None` while it is going on.
    pub ended: Option<(Ending, Instant)>,
}

/// How an exchange ended, as the server saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The whole answer was sent.
    Complete,
    /// The script had the connection closed.
    Cut,
    /// The client closed the connection before the answer was complete.
    ClientClosed,
}

impl Seen {
    /// A header's value; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// All bytes of the answer's body so far.
    pub fn response_body(&self) -> Vec<u8> {
        self.sent.iter().flat_map(|(chunk, _)| chunk.iter().copied()).collect()
    }

    /// How it ended, without the time.
    pub fn ending(&self) -> Option<Ending> {
        self.ended.map(|(ending, _)| ending)
    }

    /// Whether the client closed the connection before the answer was complete.
    pub fn client_closed(&self) -> bool {
        self.ending() == Some(Ending::ClientClosed)
    }
}

/// Everything seen so far, and a way to wait for more.
#[derive(Default)]
pub(crate) struct Log {
    seen: Mutex<Vec<Seen>>,
    changed: Condvar,
}

impl Log {
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.lock().clone()
    }

    /// Waits until `condition` gives something, at most `timeout`.
    pub(crate) fn wait_for<T>(
        &self,
        timeout: Duration,
        condition: impl Fn(&[Seen]) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + timeout;
        let mut seen = self.lock();
        loop {
            if let Some(found) = condition(&seen) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            seen = self.changed.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Adds a request; its number is given here.
    pub(crate) fn add(self: &Arc<Self>, mut request: Seen) -> Entry {
        let mut seen = self.lock();
        let number = seen.last().map_or(0, |last| last.number) + 1;
        request.number = number;
        seen.push(request);
        drop(seen);
        self.changed.notify_all();
        Entry { log: Arc::clone(self), number, ended: false }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hand that writes into one [`Seen`]. When it is dropped before an end was noted, the client has
/// gone: hyper drops what it was to send.
pub(crate) struct Entry {
    log: Arc<Log>,
    number: usize,
    ended: bool,
}

impl Entry {
    pub(crate) fn begun(&self, status: u16) {
        self.change(|seen| seen.status = Some(status));
    }

    pub(crate) fn sent(&self, chunk: &Bytes) {
        self.change(|seen| seen.sent.push((chunk.clone(), Instant::now())));
    }

    pub(crate) fn ended(&mut self, ending: Ending) {
        self.ended = true;
        self.change(|seen| seen.ended = Some((ending, Instant::now())));
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        if let Some(seen) = self.log.lock().iter_mut().rev().find(|seen| seen.number == self.number)
        {
            change(seen);
        }
        self.log.changed.notify_all();
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.ended {
            self.ended(Ending::ClientClosed);
        }
    }
}
