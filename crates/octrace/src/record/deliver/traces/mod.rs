//! Sending to a tracing backend. Turns become requests, which lie on the tape as parcels before any of them is sent:
//! whoever sends one again sends the same bytes. What became of a parcel is noted before the next one goes, so that
//! nothing of which it is known that it was accepted is sent again, whoever dies when. While a backend takes its time,
//! what goes there next is packed.
//!
//! * [`pack`]: turns as parcels.

mod pack;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic,
    path::{Path, PathBuf},
    thread,
};

use anyhow::Context;
use octrace_export::http::{self, Client};
use octrace_store::{
    Tape,
    delivery::{DeliveryId, Destination, DestinationId, Due, Parcel, ParcelId},
};

use self::pack::Packer;
use super::{
    Sender,
    engine::{Ahead, Sent, Unavailable, Verdict},
    reach::Access,
    unable,
};
use crate::record::clock::now_us;

/// Who sends to the tracing backend that is reached like this, with connections to the tape of its own. It connects to
/// all when there is something to send.
pub(super) fn sender(tape: &Path, destination: &Destination, access: Access) -> Sender {
    match Packer::of(&destination.identity) {
        Ok(packer) => {
            let (path, to) = (tape.to_owned(), destination.id);
            let client = Client::new();
            let mut backend = Backend { path, to, packer, access, client, tapes: None };
            Box::new(move |due: &[Due], ahead: &mut Ahead<'_>| backend.send(due, ahead))
        }
        Err(why) => unable(why),
    }
}

/// A tracing backend.
struct Backend {
    path: PathBuf,
    to: DestinationId,
    packer: Packer,
    access: Access,
    client: Client,
    tapes: Option<Tapes>,
}

/// One connection reads a turn while the other one keeps what became of it.
struct Tapes {
    queue: Tape,
    recorded: Tape,
}

impl Tapes {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let open = || Tape::open(path).context("cannot open the tape");
        Ok(Self { queue: open()?, recorded: open()? })
    }
}

/// What became of items so far.
#[derive(Default)]
struct Progress {
    /// Of those that are settled.
    verdicts: BTreeMap<DeliveryId, Verdict>,
    unavailable: Option<Unavailable>,
}

impl Backend {
    fn send(&mut self, due: &[Due], ahead: &mut Ahead<'_>) -> Sent {
        let mut progress = Progress::default();
        if let Err(error) = self.try_send(due, ahead, &mut progress) {
            let why = format!("{error:#}");
            progress.unavailable = Some(Unavailable { why, retry_after: None });
        }
        let Progress { mut verdicts, unavailable } = progress;
        let verdicts = due.iter().map(|due| verdicts.remove(&due.id).unwrap_or(Verdict::Unknown));
        Sent { verdicts: verdicts.collect(), unavailable }
    }

    /// Packs what is not packed and sends what is, until the backend takes no more.
    fn try_send(
        &mut self,
        due: &[Due],
        ahead: &mut Ahead<'_>,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let Self { path, to, packer, access, client, tapes } = self;
        let tapes = match tapes {
            Some(tapes) => tapes,
            None => tapes.insert(Tapes::open(path)?),
        };
        packer.pack(tapes, *to, due, &mut progress.verdicts)?;
        let items: Vec<_> = due.iter().map(|due| due.id).collect();
        let items: Vec<_> =
            items.into_iter().filter(|item| !progress.verdicts.contains_key(item)).collect();
        let mut parcels = tapes.queue.parcels_of(&items)?;
        // Asked after that: what has no parcels because somebody dropped what was with it is still to be sent.
        let packed = tapes.queue.packed_of(&items)?;
        // What was refused before does not keep back what was never tried.
        parcels.sort_by_key(|parcel| (parcel.reason.is_some(), parcel.id));
        let mut sent = Parcels::default();
        let mut ahead = Some(ahead);
        for parcel in parcels.iter().filter(|parcel| !parcel.is_accepted) {
            let Some(body) = tapes.queue.parcel_body(parcel.id)? else { continue };
            let (destination, id, bytes) = (to.0, parcel.id.0, body.len());
            tracing::trace!(destination, parcel = id, bytes, "sending");
            let meanwhile = ahead.take().map(|ahead| {
                || {
                    let next = ahead();
                    let packed = next.and_then(|next| {
                        Ok(packer.pack(tapes, *to, &next, &mut BTreeMap::new())?)
                    });
                    // What cannot be packed is told of when it is to be sent.
                    if let Err(error) = packed {
                        tracing::debug!(destination, "not packed ahead: {error:#}");
                    }
                }
            });
            let verdict = post(client, packer, access, parcel, &body, meanwhile);
            let tape = &mut tapes.queue;
            tracing::trace!(destination, parcel = id, "answered");
            match verdict {
                http::Verdict::Accepted => {
                    tape.parcel_accepted(parcel.id, None)?;
                    sent.accepted.insert(parcel.id);
                }
                http::Verdict::Partly(why) => {
                    tape.parcel_accepted(parcel.id, Some(&why))?;
                    sent.partly.insert(parcel.id, why);
                }
                http::Verdict::Refused(why) => {
                    // None of it was accepted; alone, each shows whether it is the one.
                    if parcel.items.len() > 1 {
                        tape.unpack(parcel.id)?;
                        sent.apart.insert(parcel.id, why);
                    } else {
                        tape.parcel_refused(parcel.id, &why)?;
                        sent.refused.insert(parcel.id, why);
                    }
                }
                http::Verdict::Later { why, retry_after } => {
                    progress.unavailable = Some(Unavailable { why, retry_after });
                    break;
                }
            }
            tracing::trace!(destination, parcel = id, "noted");
        }
        for item in packed {
            let mine = parcels.iter().filter(|parcel| parcel.items.contains(&item));
            progress.verdicts.insert(item, sent.verdict(mine));
        }
        Ok(())
    }
}

/// What became of parcels.
#[derive(Default)]
struct Parcels {
    accepted: BTreeSet<ParcelId>,
    /// Some of it was accepted.
    partly: BTreeMap<ParcelId, String>,
    refused: BTreeMap<ParcelId, String>,
    /// Refused, and taken apart since.
    apart: BTreeMap<ParcelId, String>,
}

impl Parcels {
    /// What became of an item that is in these parcels.
    fn verdict<'a>(&self, parcels: impl Iterator<Item = &'a Parcel>) -> Verdict {
        let (mut refused, mut dead) = (None, None);
        for parcel in parcels {
            if let Some(why) = self.apart.get(&parcel.id) {
                return Verdict::Apart(why.clone());
            }
            if let Some(why) = self.refused.get(&parcel.id) {
                refused.get_or_insert(why);
            } else if let Some(why) = self.partly.get(&parcel.id) {
                dead.get_or_insert(why);
            } else if parcel.is_accepted {
                // An earlier process may have died before it noted what that means for the item.
                dead = dead.or(parcel.reason.as_ref());
            } else if !self.accepted.contains(&parcel.id) {
                return Verdict::Unknown;
            }
        }
        match (refused, dead) {
            (Some(why), _) => Verdict::Refused(why.clone()),
            (None, Some(why)) => Verdict::Dead(why.clone()),
            (None, None) => Verdict::Accepted,
        }
    }
}

/// Posts a parcel, and does something else while the backend takes its time.
fn post(
    client: &Client,
    packer: &Packer,
    access: &Access,
    parcel: &Parcel,
    body: &[u8],
    meanwhile: Option<impl FnOnce()>,
) -> http::Verdict {
    // Only this process, or one before it, wrote it; a newer one's is not guessed at.
    let Ok(mut headers) = serde_json::from_str::<Vec<(String, String)>>(&parcel.head) else {
        let why = "a newer octrace packed it".to_owned();
        return http::Verdict::Later { why, retry_after: None };
    };
    headers.extend(access.headers.iter().cloned());
    let post = || client.post(&access.url, &headers, body);
    let answer = thread::scope(|scope| {
        let Some(meanwhile) = meanwhile else { return post() };
        // Without a thread one thing is done after the other.
        let Ok(posting) = thread::Builder::new().spawn_scoped(scope, post) else { return post() };
        meanwhile();
        posting.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    });
    match answer {
        Ok(answer) => packer.judge(&answer, body, now_us()),
        Err(unreachable) => unreachable.into(),
    }
}
