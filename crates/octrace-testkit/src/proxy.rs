//! A way to a server that fails on purpose.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// What is wrong with the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Every connection ends as soon as it is made.
    Refuse,
    /// Connections are made, and then nothing comes through in either direction.
    Stall,
    /// Every connection ends when this many bytes went to the server.
    CutAsked(usize),
    /// Every connection ends when this many bytes came back.
    CutAnswered(usize),
}

/// Forwards connections from a port on loopback to another, until its fault.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    fault: Mutex<Fault>,
    connections: AtomicUsize,
    asked: AtomicUsize,
    answered: AtomicUsize,
}

impl Proxy {
    /// A way to this port on loopback. It is there until the process ends.
    ///
    /// # Errors
    /// When no port is free.
    pub fn to(server: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                if shared.fault() != Fault::Refuse
                    && let Ok(server) = TcpStream::connect(("127.0.0.1", server))
                {
                    forward(&client, &server, &shared, true);
                    forward(&server, &client, &shared, false);
                }
            }
        });
        Ok(Self { port, state })
    }

    /// Where it listens, on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on this is wrong with it; bytes are counted from here, too.
    pub fn set(&self, fault: Fault) {
        self.state.asked.store(0, Ordering::SeqCst);
        self.state.answered.store(0, Ordering::SeqCst);
        *self.state.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// How many connections came.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many bytes went to the server, and how many came back.
    pub fn bytes(&self) -> (usize, usize) {
        (self.state.asked.load(Ordering::SeqCst), self.state.answered.load(Ordering::SeqCst))
    }
}

impl State {
    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries bytes in one direction, on a thread of its own.
fn forward(from: &TcpStream, to: &TcpStream, state: &Arc<State>, asking: bool) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
    let state = Arc::clone(state);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        let count = if asking { &state.asked } else { &state.answered };
        while let Ok(read) = from.read(&mut buffer)
            && read > 0
        {
            let before = count.fetch_add(read, Ordering::SeqCst);
            let limit = match state.fault() {
                Fault::None => usize::MAX,
                Fault::Stall => continue,
                Fault::CutAsked(bytes) if asking => bytes,
                Fault::CutAnswered(bytes) if !asking => bytes,
                Fault::CutAsked(_) | Fault::CutAnswered(_) => usize::MAX,
                Fault::Refuse => 0,
            };
            let room = read.min(limit.saturating_sub(before));
            if to.write_all(&buffer[..room]).is_err() || room < read {
                break;
            }
        }
        // An error means that it is closed already.
        from.shutdown(Shutdown::Both).ok();
        to.shutdown(Shutdown::Both).ok();
    });
}
