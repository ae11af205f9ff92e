//! Turns as parcels: each is a request, ready to be sent. What is in them is decided by the destination's options, which
//! lie on the tape with it.

use std::collections::BTreeMap;

use octrace_core::{redact::Redactor, trace::Recorded};
use octrace_export::{
    helicone,
    http::{self, Answer},
    otlp,
};
use octrace_store::{
    Error, Tape,
    delivery::{DeliveryId, DestinationId, Due, Identity, Item, PRUNED},
};
use serde::Serialize;

use super::{
    super::destination::{HELICONE, NEATLOGS, OTLP, TraceOptions},
    Tapes, Verdict,
};
use crate::traces::{Reader, Share};

/// Packs for a destination.
pub(super) struct Packer {
    options: TraceOptions,
    redactor: Redactor,
    form: Form,
}

/// What a destination understands.
enum Form {
    Helicone(helicone::Options),
    Otlp(otlp::Options),
}

/// Why turns cannot be packed.
enum Problem {
    /// This one never can: why.
    Lost(DeliveryId, String),
    /// The tape cannot be used.
    Tape(Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Tape(error)
    }
}

impl Packer {
    /// By the options of a destination.
    ///
    /// # Errors
    /// When these cannot be read, in words.
    pub(super) fn of(to: &Identity) -> Result<Self, String> {
        let newer = || "a newer octrace named how things are delivered there".to_owned();
        let options = TraceOptions::of(to).map_err(|_| newer())?;
        let form = match to.kind.as_str() {
            HELICONE => Form::Helicone(helicone::Options {
                session_path_prefix: options.name.clone(),
                content: options.content,
            }),
            NEATLOGS | OTLP => Form::Otlp(otlp::Options {
                profile: options.profile,
                workflow: options.name.clone(),
            }),
            _ => return Err(newer()),
        };
        Ok(Self { redactor: options.redactor(), options, form })
    }

    /// What an answer means for the body that was sent.
    pub(super) fn judge(&self, answer: &Answer, sent: &[u8], now_us: i64) -> http::Verdict {
        match self.form {
            Form::Helicone(_) => helicone::judge(answer, now_us),
            Form::Otlp(_) => otlp::judge(answer, sent, now_us),
        }
    }

    /// Packs what of these items is not packed: together, but for those that were refused before, perhaps because of
    /// others. Those that cannot be get their verdict.
    pub(super) fn pack(
        &self,
        tapes: &mut Tapes,
        to: DestinationId,
        due: &[Due],
        verdicts: &mut BTreeMap<DeliveryId, Verdict>,
    ) -> Result<(), Error> {
        let open = due.iter().filter(|due| !due.is_packed);
        let (together, alone): (Vec<_>, Vec<_>) = open.partition(|due| due.attempts == 0);
        let groups = std::iter::once(together).chain(alone.into_iter().map(|due| vec![due]));
        for mut group in groups.filter(|group| !group.is_empty()) {
            loop {
                match self.pack_group(tapes, to, &group) {
                    Ok(()) => break,
                    Err(Problem::Tape(error)) => return Err(error),
                    // The others are packed without it, from the begin.
                    Err(Problem::Lost(id, why)) => {
                        group.retain(|due| due.id != id);
                        verdicts.insert(id, Verdict::Dead(why));
                    }
                }
            }
        }
        Ok(())
    }

    fn pack_group(
        &self,
        tapes: &mut Tapes,
        to: DestinationId,
        due: &[&Due],
    ) -> Result<(), Problem> {
        let ids: Vec<_> = due.iter().map(|due| due.id).collect();
        let Tapes { queue, recorded } = tapes;
        let mut reader = Reader::new(recorded);
        let destination = to.0;
        let mut packing = queue.pack(to, &ids)?;
        let mut keep = |inside: &[DeliveryId], head: &str, body: &[u8]| {
            tracing::trace!(destination, bytes = body.len(), "packing");
            packing.add(queue, inside, head, body)
        };
        match &self.form {
            Form::Helicone(options) => {
                for due in due {
                    self.turn(recorded, due, |turn, share| {
                        reader.turn(turn, share, |turn, span| {
                            let log = helicone::log(turn, span, options);
                            let Some(log) = log else { return Ok(()) };
                            keep(&[due.id], &head(&log.headers), &log.body)
                        })
                    })?;
                }
            }
            Form::Otlp(options) => {
                let head = head(options.profile.headers());
                let mut packer = otlp::Packer::new(options);
                let mut keep = |parcel: otlp::Parcel| {
                    keep(ids.get(parcel.turns).unwrap_or_default(), &head, &parcel.body)
                };
                for due in due {
                    self.turn(recorded, due, |turn, share| {
                        reader.otlp(turn, share, &mut packer, &mut keep)
                    })?;
                }
                packer.finish().into_iter().try_for_each(keep)?;
            }
        }
        tracing::trace!(destination, "packed all");
        packing.finish(queue)?;
        tracing::trace!(destination, turns = due.len(), "packed");
        Ok(())
    }

    /// Gives what is recorded of a turn to `pack`, with what of it the destination is to have.
    fn turn(
        &self,
        tape: &Tape,
        due: &Due,
        pack: impl FnOnce(Recorded, &Share<'_>) -> Result<u64, Error>,
    ) -> Result<(), Problem> {
        let lost = |why: &str| Problem::Lost(due.id, why.to_owned());
        let Item::Turn { session, message } = &due.item else {
            return Err(lost("it is no turn"));
        };
        let share = Share {
            content: self.options.content,
            system_prompt: self.options.system_prompt,
            redactor: Some(&self.redactor),
        };
        let read = || match tape.turn(session, message)? {
            Some(recorded) => pack(recorded, &share).map(Some),
            None => Ok(None),
        };
        match read() {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(lost(PRUNED)),
            Err(error) if error.is_damage() => Err(lost(&error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

/// The headers of a parcel, as they lie on the tape.
fn head(headers: &[impl Serialize]) -> String {
    // Pairs of strings always are JSON.
    serde_json::to_string(headers).unwrap_or_default()
}
