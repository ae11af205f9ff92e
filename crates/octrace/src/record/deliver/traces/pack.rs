//! Turns as parcels: each is a request, ready to be sent. What is in them is decided by the destination's options, which
//! lie on the tape with it.

use std::collections::BTreeMap;

use octrace_core::redact::Redactor;
use octrace_export::{
    helicone,
    http::{self, Answer},
};
use octrace_store::{
    Error,
    delivery::{DeliveryId, DestinationId, Due, Identity, Item, Packing},
};

use super::{
    super::destination::{HELICONE, TraceOptions},
    Tapes, Verdict,
};
use crate::traces::{self, Share};

/// Packs for a destination.
pub(super) struct Packer {
    options: TraceOptions,
    redactor: Redactor,
    form: Form,
}

/// What a destination understands.
enum Form {
    Helicone(helicone::Options),
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
            _ => return Err(newer()),
        };
        Ok(Self { redactor: options.redactor(), options, form })
    }

    /// What an answer means for the parcel that was sent.
    pub(super) fn judge(&self, answer: &Answer, now_us: i64) -> http::Verdict {
        match self.form {
            Form::Helicone(_) => helicone::judge(answer, now_us),
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
        let mut packing = tapes.queue.pack(to, &ids)?;
        for due in due {
            let id = due.id;
            match self.pack_turn(tapes, &mut packing, due) {
                Err(Problem::Tape(error)) if error.is_damage() => {
                    return Err(Problem::Lost(id, error.to_string()));
                }
                packed => packed?,
            }
        }
        Ok(packing.finish(&mut tapes.queue)?)
    }

    fn pack_turn(
        &self,
        tapes: &mut Tapes,
        packing: &mut Packing,
        due: &Due,
    ) -> Result<(), Problem> {
        let lost = |why: &str| Problem::Lost(due.id, why.to_owned());
        let Item::Turn { session, message } = &due.item else {
            return Err(lost("it is no turn"));
        };
        let Some(recorded) = tapes.recorded.turn(session, message)? else {
            return Err(lost("it was pruned from the tape before it could be delivered"));
        };
        let share = Share {
            content: self.options.content,
            system_prompt: self.options.system_prompt,
            redactor: Some(&self.redactor),
        };
        let Tapes { queue, recorded: tape } = tapes;
        match &self.form {
            Form::Helicone(options) => traces::turn(tape, recorded, &share, |turn, span| {
                let Some(log) = helicone::log(turn, span, options) else { return Ok(()) };
                Ok(packing.add(queue, &[due.id], &head(&log.headers), &log.body)?)
            }),
        }
    }
}

/// The headers of a parcel, as they lie on the tape.
fn head(headers: &[(String, String)]) -> String {
    // Pairs of strings always are JSON.
    serde_json::to_string(headers).unwrap_or_default()
}
