//! A small blocking HTTP client for loopback: one request per connection.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    time::Duration,
};

use anyhow::{Context, ensure};
use serde_json::Value;

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Itself when the status is 2xx.
    ///
    /// # Errors
    /// When the status is another, with the body.
    pub fn success(self) -> anyhow::Result<Self> {
        let body = String::from_utf8_lossy(&self.body);
        ensure!((200..300).contains(&self.status), "status {}: {body}", self.status);
        Ok(self)
    }
}

/// A URL at which every connection is refused.
///
/// # Errors
/// When no port can be opened for a moment.
pub fn refused_url() -> io::Result<String> {
    // The system hands out other ports before it comes back to this one.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    Ok(format!("http://{address}"))
}

/// Sends `method path` to `address` (`host:port`), with a JSON body unless it is null.
pub(crate) fn request(
    address: &str,
    method: &str,
    path: &str,
    body: &Value,
    timeout: Duration,
) -> anyhow::Result<Reply> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(timeout))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    read(BufReader::new(stream)).with_context(|| format!("{method} {path}"))
}

/// Reads one answer. OpenCode leaves some connections open whatever the request asks for, so that the end
/// must be known from the head.
fn read(mut stream: impl BufRead) -> anyhow::Result<Reply> {
    let status = line(&mut stream)?;
    let status = status.split(' ').nth(1).context("no status")?.parse()?;
    let (mut length, mut chunked) = (None, false);
    loop {
        let header = line(&mut stream)?.to_ascii_lowercase();
        match header.split_once(':') {
            None => break,
            Some(("content-length", value)) => length = Some(value.trim().parse()?),
            Some(("transfer-encoding", value)) => chunked = value.trim() == "chunked",
            Some(_) => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let size = u64::from_str_radix(line(&mut stream)?.trim(), 16)?;
            stream.by_ref().take(size).read_to_end(&mut body)?;
            line(&mut stream)?;
            if size == 0 {
                break;
            }
        }
    } else {
        stream.take(length.unwrap_or(u64::MAX)).read_to_end(&mut body)?;
    }
    Ok(Reply { status, body })
}

/// One line without its end.
fn line(stream: &mut impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    ensure!(stream.read_line(&mut line)? > 0, "the connection was closed");
    line.truncate(line.trim_end().len());
    Ok(line)
}
