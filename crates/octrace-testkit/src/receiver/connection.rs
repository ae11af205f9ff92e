//! One connection of HTTP/1.1 to the receiver, with every way to break it.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{PoisonError, atomic::Ordering},
    thread,
};

use super::{Answer, Received, Response, State, lock};

impl State {
    /// Answers until somebody hangs up.
    pub(super) fn serve(&self, client: &TcpStream) {
        // However a connection ends, the client sees that it did.
        self.requests(client).ok();
        client.shutdown(Shutdown::Both).ok();
    }

    fn requests(&self, client: &TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(client);
        while let Some((mut received, length)) = head(&mut reader)? {
            let answer = (lock(&self.script))(&received);
            if matches!(answer, Answer::CutAsked) {
                return Ok(());
            }
            if received.header("expect") == Some("100-continue") {
                (&*client).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            reader.by_ref().take(length).read_to_end(&mut received.body)?;
            if received.body.len() as u64 != length {
                return Ok(());
            }
            let at = self.arrived(received.clone());
            let (response, pause) = match answer {
                Answer::CutAsked | Answer::CutUnanswered => return Ok(()),
                Answer::CutAnswered(response) => {
                    let bytes = bytes(&response);
                    return (&*client).write_all(bytes.get(..bytes.len() / 2).unwrap_or_default());
                }
                Answer::Silence => {
                    self.released();
                    ((self.well)(&received), None)
                }
                Answer::Well => ((self.well)(&received), None),
                Answer::Says(response) => (response, None),
                Answer::Slowly(response, pause) => (response, Some(pause)),
            };
            let bytes = bytes(&response);
            let (last, bytes) = bytes.split_last().unwrap_or((&b'\n', &[]));
            match pause {
                None => (&*client).write_all(bytes)?,
                Some(pause) => {
                    for byte in bytes.chunks(1) {
                        (&*client).write_all(byte)?;
                        thread::sleep(pause);
                    }
                }
            }
            // Who has all of it finds it noted.
            let mut all = lock(&self.received);
            (&*client).write_all(&[*last])?;
            if let Some(received) = all.get_mut(at) {
                received.answered = Some(response.status);
            }
            drop(all);
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Its place among all that arrived.
    fn arrived(&self, received: Received) -> usize {
        let mut all = lock(&self.received);
        all.push(received);
        self.changed.notify_all();
        all.len() - 1
    }

    fn released(&self) {
        let received = lock(&self.received);
        let silent = |_: &mut Vec<Received>| self.is_silent.load(Ordering::SeqCst);
        drop(self.changed.wait_while(received, silent).unwrap_or_else(PoisonError::into_inner));
    }
}

/// The head of the next request, and the length of its body; `None` when there is none any more.
fn head(reader: &mut impl BufRead) -> io::Result<Option<(Received, u64)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut received = Received {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        headers: Vec::new(),
        body: Vec::new(),
        answered: None,
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        received.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = received.header("content-length").unwrap_or("0").parse();
    let length = length.map_err(|_| io::Error::other("content-length is no number"))?;
    Ok(Some((received, length)))
}

fn bytes(Response { status, headers, body }: &Response) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} .\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    [head.as_bytes(), b"\r\n", body].concat()
}
