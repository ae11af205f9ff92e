//! A receiver that reads what it is sent and says that all is well, after a fixed time; and a client that does nothing but
//! post, which is as fast as that receiver can be served.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;

/// Answered to every request; Helicone says no more than this, and for OTLP a body that is empty means that all was taken.
const HELICONE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const OTLP: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// What a receiver's answer is read with.
const ANSWER_MAX: usize = 4096;

pub(crate) struct Sink {
    port: u16,
    /// Between the last byte of a request and its answer.
    pub(crate) takes: Duration,
    /// Of bodies, in the order of their arrival.
    sizes: Arc<Mutex<Vec<u64>>>,
}

impl Sink {
    pub(crate) fn open(takes: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let sizes = Arc::<Mutex<Vec<u64>>>::default();
        let shared = Arc::clone(&sizes);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let sizes = Arc::clone(&shared);
                // However a connection ends, the client sees that it did.
                thread::spawn(move || serve(&client, takes, &sizes).ok());
            }
        });
        Ok(Self { port, takes, sizes })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Of the bodies that arrived since this was asked the last time.
    pub(crate) fn sizes(&self) -> Vec<u64> {
        std::mem::take(&mut self.sizes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn serve(client: &TcpStream, takes: Duration, sizes: &Mutex<Vec<u64>>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 18, client);
    loop {
        let (mut line, mut length, mut is_asked) = (String::new(), 0, false);
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let answer = if line.contains("/custom/v1/log") { HELICONE } else { OTLP };
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            is_asked |= name.eq_ignore_ascii_case("expect");
        }
        if is_asked {
            (&*client).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        sizes.lock().unwrap_or_else(PoisonError::into_inner).push(length);
        thread::sleep(takes);
        (&*client).write_all(answer)?;
    }
}

/// How long it takes to post bodies of these sizes one after the other, made before.
pub(crate) fn post(to: &Sink, sizes: &[u64]) -> anyhow::Result<Duration> {
    let largest = usize::try_from(sizes.iter().copied().max().unwrap_or_default())?;
    let bytes = vec![b'x'; largest];
    let begun = Instant::now();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, to.port))?;
    stream.set_nodelay(true)?;
    let mut answer = [0; ANSWER_MAX];
    for size in sizes {
        let head =
            format!("POST /v1/traces HTTP/1.1\r\nhost: here\r\ncontent-length: {size}\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        stream.write_all(&bytes[..usize::try_from(*size)?])?;
        ensure!(stream.read(&mut answer)? >= OTLP.len(), "the receiver hung up");
    }
    let took = begun.elapsed();
    to.sizes();
    Ok(took)
}
