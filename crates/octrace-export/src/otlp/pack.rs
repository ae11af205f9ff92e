//! Turns as requests of bounded size. A request of several turns has each of them whole, so that, should it be refused,
//! each can be sent by itself; a turn that is larger than the bound has requests of its own.

use std::{io::Write as _, mem, ops::Range};

use flate2::{Compression, write::GzEncoder};
use octrace_core::trace::{Span, Turn, What};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{self as otlp, ResourceSpans, ScopeSpans},
};
use prost::Message;

use super::{Options, Profile, encode};

/// Bytes of the spans of a request, before they are compressed. Backends take from 4 MiB upwards.
const MAX: usize = 4 * 1000 * 1000;

/// Bytes beside a span that a request has for it.
const BESIDE: usize = 8;

/// A request that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The turns in it, numbered from 0 as the packer got them. More than one: all of them whole.
    pub turns: Range<usize>,
    /// An OTLP `ExportTraceServiceRequest`, as [`Profile::headers`] says.
    pub body: Vec<u8>,
}

/// Makes requests of turns. Within a turn the turn's own span goes last, so that who has it has all.
pub struct Packer {
    options: Options,
    is_compressed: bool,
    /// Turns that are whole.
    whole: Batch,
    /// How many turns went before those.
    sent: usize,
    /// How many those are.
    turns: usize,
    /// What is there of the turn that is not.
    current: Batch,
    /// Its own span, and the mark after it.
    last: Vec<otlp::Span>,
    /// Whether a piece of it has gone by itself.
    is_split: bool,
}

#[derive(Default)]
struct Batch {
    spans: Vec<otlp::Span>,
    bytes: usize,
}

impl Packer {
    /// With no turn yet.
    pub fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
            is_compressed: options.profile.is_compressed(),
            whole: Batch::default(),
            sent: 0,
            turns: 0,
            current: Batch::default(),
            last: Vec::new(),
            is_split: false,
        }
    }

    /// For files: nothing is compressed. Such requests one after the other are a request, too.
    #[must_use]
    pub fn uncompressed(self) -> Self {
        Self { is_compressed: false, ..self }
    }

    /// Adds a span of `turn`, which is the same until [`Packer::end_turn`]; only what it says of itself counts, not its
    /// spans. A span that is larger than a request may be is cut. Gives what has to be sent to make room for it.
    pub fn push(&mut self, turn: &Turn, span: &Span) -> Vec<Parcel> {
        let encoded = self.encode(turn, span);
        if matches!(span.what, What::Turn(_)) {
            // A sub-agent's trace goes on.
            let mark =
                span.parent.is_none().then(|| self.options.profile.mark(&encoded, turn, span));
            self.last.extend(std::iter::once(encoded).chain(mark.flatten()));
            return Vec::new();
        }
        self.add(encoded)
    }

    /// The turn is whole: what is added next is another one's.
    pub fn end_turn(&mut self) -> Vec<Parcel> {
        let mut parcels = Vec::new();
        for span in mem::take(&mut self.last) {
            parcels.extend(self.add(span));
        }
        if mem::take(&mut self.is_split) {
            // Nothing of another turn may be in the same request.
            parcels.extend(self.send_piece());
            self.sent += 1;
        } else {
            self.whole.append(&mut self.current);
            self.turns += 1;
        }
        parcels
    }

    /// What is left.
    pub fn finish(mut self) -> Option<Parcel> {
        self.send_whole()
    }

    /// A span that fits into a request.
    fn encode(&self, turn: &Turn, span: &Span) -> otlp::Span {
        const ROOM: usize = MAX - BESIDE;
        const ROOM_MIN: usize = 64 * 1024;
        let profile = self.options.profile;
        let mut encoded = encode::span(profile, turn, span);
        if encoded.encoded_len() <= ROOM {
            return encoded;
        }
        // A profile makes texts longer, by saying them more than once or as JSON: how much, shows when it is done.
        let mut span = span.clone();
        let mut room = ROOM;
        while encoded.encoded_len() > ROOM && room >= ROOM_MIN {
            span.trim(room);
            encoded = encode::span(profile, turn, &span);
            room = (room / 2).min(room.saturating_mul(ROOM) / encoded.encoded_len().max(1));
        }
        // What is left then are names without end.
        let mut excess = encoded.encoded_len().saturating_sub(ROOM);
        while excess > 0
            && let Some(attribute) = encoded.attributes.pop()
        {
            excess = excess.saturating_sub(attribute.encoded_len());
            encoded.dropped_attributes_count += 1;
        }
        encoded
    }

    fn add(&mut self, span: otlp::Span) -> Vec<Parcel> {
        let bytes = span.encoded_len() + BESIDE;
        let mut parcels = Vec::new();
        if self.whole.bytes + self.current.bytes + bytes > MAX {
            parcels.extend(self.send_whole());
        }
        if self.current.bytes + bytes > MAX && self.current.bytes > 0 {
            parcels.extend(self.send_piece());
            self.is_split = true;
        }
        self.current.bytes += bytes;
        self.current.spans.push(span);
        parcels
    }

    /// The turns that are whole, if there are any.
    fn send_whole(&mut self) -> Option<Parcel> {
        let turns = self.sent..self.sent + mem::take(&mut self.turns);
        self.sent = turns.end;
        let batch = mem::take(&mut self.whole);
        (!batch.spans.is_empty()).then(|| Parcel { turns, body: self.request(batch.spans) })
    }

    /// What is there of the turn that is not whole, if there is anything.
    fn send_piece(&mut self) -> Option<Parcel> {
        let batch = mem::take(&mut self.current);
        let turns = self.sent..self.sent + 1;
        (!batch.spans.is_empty()).then(|| Parcel { turns, body: self.request(batch.spans) })
    }

    fn request(&self, spans: Vec<otlp::Span>) -> Vec<u8> {
        let scope = Some(self.options.profile.scope());
        let scope = ScopeSpans { scope, spans, schema_url: String::new() };
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Profile::resource(&self.options)),
                scope_spans: vec![scope],
                schema_url: String::new(),
            }],
        };
        let plain = request.encode_to_vec();
        if self.is_compressed { gzip(&plain) } else { plain }
    }
}

impl Batch {
    fn append(&mut self, other: &mut Self) {
        self.spans.append(&mut other.spans);
        self.bytes += mem::take(&mut other.bytes);
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    gzip.write_all(plain).and_then(|()| gzip.finish()).unwrap_or_default()
}
