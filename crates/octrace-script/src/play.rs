//! Sends an answer's body: chunk after chunk, with its pauses, silences and cuts.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use futures_core::Stream;
use tokio::sync::{mpsc, watch};

use crate::seen::{Ending, Entry};

/// One thing to do with a body.
pub(crate) enum Cue {
    Chunk(Bytes),
    Pause(Duration),
    /// Silence until the server is released.
    Hang,
    /// Close the connection without an end.
    Cut,
}

/// A body that follows `cues` and notes in `entry` what was sent and how it ended.
///
/// The cues are followed by a task of their own, one chunk at a time, so that the connection runs dry
/// after each chunk and therefore flushes it.
pub(crate) fn body(cues: Vec<Cue>, released: watch::Receiver<()>, entry: Entry) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(follow(cues, released, sender));
    Body::from_stream(Playing { receiver, entry })
}

/// Ends when the cues do, or when nobody listens any more.
async fn follow(
    cues: Vec<Cue>,
    mut released: watch::Receiver<()>,
    sender: mpsc::Sender<io::Result<Bytes>>,
) {
    for cue in cues {
        let sent = match cue {
            Cue::Chunk(chunk) => sender.send(Ok(chunk)).await,
            Cue::Cut => {
                let cut = io::Error::new(io::ErrorKind::ConnectionAborted, "cut by the script");
                sender.send(Err(cut)).await
            }
            Cue::Pause(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            Cue::Hang => {
                // An error means that the server is gone, and everything with it.
                drop(released.changed().await);
                Ok(())
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

struct Playing {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    entry: Entry,
}

impl Stream for Playing {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.receiver.poll_recv(context));
        match &next {
            Some(Ok(chunk)) => self.entry.sent(chunk),
            Some(Err(_)) => self.entry.ended(Ending::Cut),
            None => self.entry.ended(Ending::Complete),
        }
        Poll::Ready(next)
    }
}
