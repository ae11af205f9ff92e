//! Frames into exchanges and events.
//!
//! The frames of one exchange come in order, between those of others. An exchange that has begun and
//! not ended is held here, raw, in memory only; what is finished is handed on and forgotten. After a
//! restart the frames of open exchanges are read again (see [`Assembler::resume`]).

use std::collections::HashMap;

use octrace_core::{
    exchange::{Exchange, Outcome, RequestHead, ResponseHead, Timing},
    provider,
};
use octrace_store::{ExchangeId, OpenExchange, Position};
use octrace_wire::{
    frame::{FLAG_CUT, FLAG_LAST, Frame, Head, Kind},
    payload,
};
use serde::de::DeserializeOwned;

use super::wishes::Wishes;

/// How much of an open response is held in memory. Past this it is released: what is here goes to the
/// tape, marked as cut, and the rest is only counted.
const HELD: usize = 160 << 20;

/// The first answer is looked for in this much of a response.
const FIRST_ANSWER_WITHIN: usize = 256 << 10;

/// What a frame completes.
pub(crate) enum Item {
    /// The writer introduces itself; again at the begin of each segment.
    Hello(Box<payload::Hello>),
    /// Credentials that it learnt.
    Secrets(payload::Secrets),
    /// An event of OpenCode: the payload, raw.
    Event(Vec<u8>),
    /// A hook call: the payload, raw.
    Hook(Vec<u8>),
    /// What the plugin had to drop.
    Gap(payload::Gap),
    /// OpenCode works in one more directory.
    Instance(payload::Instance),
    /// What the plugin decided.
    Diagnostic(payload::Diagnostic),
    /// `/intercept` was typed.
    Intercept(payload::Intercept),
    /// A file as a call found it or left it, and its bytes where they were sent.
    File(payload::File, Vec<u8>),
    /// An exchange went on, or ended; see [`Assembler::due`] and [`Assembler::take_ended`].
    Exchange,
    /// Nothing to do.
    Nothing,
    /// A kind, or a payload, that this version cannot read.
    Unknown,
}

/// An exchange under way.
pub(crate) struct Open {
    /// Its row on the tape, once it has one.
    pub(crate) row: Option<ExchangeId>,
    /// Where its first frame is.
    pub(crate) begin: Position,
    /// As assembled so far.
    pub(crate) exchange: Exchange,
    /// The response's true size and its chunks so far.
    pub(crate) received: Received,
    /// Whether its response's body is no longer collected: it became too long, or its begin is no longer in
    /// the spool.
    pub(crate) released: bool,
    /// Whether its frames would be read again after a restart, from `begin` on.
    pub(crate) pinned: bool,
    /// Whether it is to be dumped: `/intercept` was on when it began.
    pub(crate) is_dumped: bool,
    /// The folder of the file that it goes to as well, by the settings when it began.
    pub(crate) folder: Option<String>,
    /// Whether there is something new about it that is not on the tape.
    pub(crate) changed: bool,
    request_ended: bool,
    /// When it was sent, on the writer's monotonic clock.
    pub(crate) begin_mono: u64,
    last_mono: u64,
    arrivals: Vec<Arrival>,
}

/// Sizes of a response so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) bytes: u64,
    pub(crate) chunks: u64,
}

/// When the response's body had grown to a length.
#[derive(Clone, Copy)]
struct Arrival {
    length: usize,
    after_us: i64,
}

/// The open exchanges of one spool.
#[derive(Default)]
pub(crate) struct Assembler {
    /// The highest number so far. The plugin counts upwards and never begins a number twice.
    newest: u32,
    open: HashMap<u32, Open>,
    /// Whose request is being read.
    asking: Option<u32>,
    /// In the order they ended.
    ended: Vec<Open>,
    /// Whether what begins is to be dumped.
    intercepts: bool,
    /// Where what begins is to go.
    pub(crate) wishes: Wishes,
}

impl Assembler {
    /// Goes on behind the exchange with this number.
    pub(crate) fn after(newest: u32, wishes: Wishes) -> Self {
        Self { newest, wishes, ..Self::default() }
    }

    /// From here on, what begins is to be dumped, or not.
    pub(crate) fn intercept(&mut self, on: bool) {
        self.intercepts = on;
    }

    /// Expects the frames of an exchange again that is open on the tape.
    pub(crate) fn resume(&mut self, on_tape: &OpenExchange) {
        let OpenExchange { id, number, begin, sent_mono_us } = *on_tape;
        let mut open = Open::new(begin, sent_mono_us, Exchange { number, ..Exchange::default() });
        open.row = Some(id);
        // Until its first frame is found again, there is nothing to add its body to, nothing to keep for it,
        // and nothing new to say.
        open.released = true;
        open.pinned = false;
        open.changed = false;
        open.exchange.response_cut = true;
        self.open.insert(number, open);
    }

    /// Takes a frame that is being read again, for exchanges that were resumed; everything else was done
    /// before.
    pub(crate) fn replay(&mut self, at: Position, frame: &Frame<'_>) -> Item {
        let number = frame.head.exchange;
        match frame.head.kind {
            Kind::Hello | Kind::Secrets => self.take(at, frame),
            _ if number != 0 && self.open.get(&number).is_some_and(|open| at >= open.begin) => {
                self.take(at, frame)
            }
            _ => Item::Nothing,
        }
    }

    /// Takes the next frame.
    pub(crate) fn take(&mut self, at: Position, frame: &Frame<'_>) -> Item {
        self.request_ends_before(&frame.head);
        match frame.head.kind {
            Kind::Hello => {
                parsed(frame).map_or(Item::Unknown, |hello| Item::Hello(Box::new(hello)))
            }
            Kind::Secrets => parsed(frame).map_or(Item::Unknown, Item::Secrets),
            Kind::Gap => parsed(frame).map_or(Item::Unknown, Item::Gap),
            Kind::Event => Item::Event(frame.payload.to_vec()),
            Kind::Hook => Item::Hook(frame.payload.to_vec()),
            Kind::Instance => parsed(frame).map_or(Item::Unknown, Item::Instance),
            Kind::Diagnostic => parsed(frame).map_or(Item::Unknown, Item::Diagnostic),
            Kind::Intercept => parsed(frame).map_or(Item::Unknown, Item::Intercept),
            Kind::Bye => Item::Nothing,
            Kind::File => {
                file(frame).map_or(Item::Unknown, |(file, bytes)| Item::File(file, bytes))
            }
            Kind::Other(_) => Item::Unknown,
            Kind::Request | Kind::RequestBody | Kind::Response | Kind::ResponseBody | Kind::End => {
                if self.exchange_frame(at, frame) {
                    Item::Exchange
                } else {
                    Item::Unknown
                }
            }
        }
    }

    /// A request's frames are written in one go. Whatever else comes next says that the rest of its body was
    /// dropped.
    fn request_ends_before(&mut self, head: &Head) {
        let Some(number) = self.asking else { return };
        match head.kind {
            Kind::RequestBody if head.exchange == number => return,
            // The plugin puts these before a frame, at the begin of a segment or after a loss.
            Kind::Hello | Kind::Gap => return,
            _ => self.asking = None,
        }
        if let Some(open) = self.open.get_mut(&number).filter(|open| !open.request_is_whole()) {
            open.cut_request();
            open.changed = true;
        }
    }

    /// Where the request begins that is only half here. It has no row yet, so nothing but the spool remembers
    /// it: the position on the tape must not pass it.
    pub(crate) fn asking(&self) -> Option<Position> {
        let open = self.open.get(&self.asking?)?;
        (open.row.is_none() && !open.request_is_whole()).then_some(open.begin)
    }

    /// Whether the frame could be used.
    fn exchange_frame(&mut self, at: Position, frame: &Frame<'_>) -> bool {
        let number = frame.head.exchange;
        if frame.head.kind == Kind::Request {
            let Some(sent) = parsed::<payload::Request>(frame) else { return false };
            let resumed = self.open.get(&number).and_then(|open| open.row);
            if resumed.is_none() && number <= self.newest {
                return false;
            }
            self.newest = self.newest.max(number);
            let folder = self.wishes.folder(&sent.directory).map(str::to_owned);
            let mut open = Open::new(at, frame.head.mono_us, begun(number, &frame.head, sent));
            open.folder = folder;
            open.row = resumed;
            open.is_dumped = self.intercepts;
            open.note_dialect();
            self.open.insert(number, open);
            self.asking = Some(number);
            return true;
        }
        let Some(open) = self.open.get_mut(&number) else { return false };
        open.changed = true;
        match frame.head.kind {
            Kind::RequestBody => {
                open.exchange.request_cut |= frame.head.flags & FLAG_CUT != 0;
                open.request_ended |= frame.head.flags & FLAG_LAST != 0;
                open.exchange.request_body.extend_from_slice(frame.payload);
                if open.request_ended {
                    open.note_dialect();
                }
            }
            Kind::Response => {
                let Some(sent) = parsed::<payload::Response>(frame) else { return false };
                open.response(&frame.head, sent);
            }
            Kind::ResponseBody => open.chunk(frame),
            Kind::End => {
                // Whatever it says, it is the end.
                let sent = parsed::<payload::End>(frame).unwrap_or_default();
                if let Some(mut open) = self.open.remove(&number) {
                    open.end(&frame.head, sent);
                    self.ended.push(open);
                }
            }
            _ => return false,
        }
        true
    }

    /// The exchanges that ended since the last call, in that order.
    pub(crate) fn take_ended(&mut self) -> Vec<Open> {
        std::mem::take(&mut self.ended)
    }

    /// The open exchanges about which there is something new, and those that keep what is before `since` in the
    /// spool; in the order they began. The caller says of each when it is on the tape.
    pub(crate) fn due(&mut self, since: Position) -> Vec<&mut Open> {
        let keeps = |open: &Open| open.pinned && open.begin < since;
        let mut found: Vec<_> =
            self.open.values_mut().filter(|open| open.changed || keeps(open)).collect();
        found.sort_by_key(|open| open.begin);
        found
    }

    /// Whether something is open about which there is something new.
    pub(crate) fn has_changed(&self) -> bool {
        self.open.values().any(|open| open.changed)
    }

    /// Where the oldest open exchange begins: what must still be readable after a restart.
    pub(crate) fn oldest(&self) -> Option<Position> {
        self.open.values().filter(|open| open.pinned).map(|open| open.begin).min()
    }

    /// Ends everything that is open: the writer is dead.
    pub(crate) fn close(&mut self) -> Vec<Open> {
        let mut closed: Vec<_> = self.open.drain().map(|(_, open)| open).collect();
        closed.sort_by_key(|open| open.begin);
        for open in &mut closed {
            open.exchange.outcome = Outcome::Cut;
            open.exchange.error = Some("OpenCode ended before the answer did".to_owned());
            if !open.request_is_whole() {
                open.cut_request();
            }
            open.settle();
        }
        closed
    }
}

impl Open {
    fn new(begin: Position, begin_mono: u64, exchange: Exchange) -> Self {
        Self {
            row: None,
            begin,
            exchange,
            received: Received::default(),
            released: false,
            pinned: true,
            is_dumped: false,
            folder: None,
            changed: true,
            request_ended: false,
            begin_mono,
            last_mono: begin_mono,
            arrivals: Vec::new(),
        }
    }

    /// Whether all of the request's body is here that will ever be.
    pub(crate) fn request_is_whole(&self) -> bool {
        let exchange = &self.exchange;
        self.request_ended || exchange.request_cut || exchange.request.body_bytes == 0
    }

    /// Whether more of the response is here than is held for one exchange.
    pub(crate) fn is_too_long(&self) -> bool {
        !self.released && self.exchange.response_body.len() > HELD
    }

    /// Gives up collecting the response's body.
    pub(crate) fn release(&mut self) {
        self.settle();
        self.released = true;
        self.exchange.response_cut = true;
        self.exchange.response_body = Vec::new();
        self.arrivals = Vec::new();
    }

    /// The rest of its request will never be here.
    fn cut_request(&mut self) {
        self.exchange.request_cut = true;
        self.note_dialect();
    }

    /// From what is here of the request; once more when its body has ended, and never after that: the body is
    /// handed on with the exchange's row.
    fn note_dialect(&mut self) {
        let Exchange { request, request_body, .. } = &self.exchange;
        let npm = request.npm.as_deref();
        self.exchange.dialect = provider::Dialect::detect(npm, &request.url, request_body);
    }

    fn after_us(&self, mono_us: u64) -> i64 {
        i64::try_from(mono_us.saturating_sub(self.begin_mono)).unwrap_or(i64::MAX)
    }

    /// When the newest byte of the response arrived, as far as its frames were read.
    pub(crate) fn last_byte_after_us(&self) -> Option<i64> {
        self.exchange.response.is_some().then(|| self.after_us(self.last_mono))
    }

    fn response(&mut self, head: &Head, sent: payload::Response) {
        self.exchange.outcome = Outcome::Streaming;
        self.exchange.timing.head_after_us = Some(self.after_us(head.mono_us));
        self.exchange.response = Some(ResponseHead {
            status: sent.status,
            status_text: sent.status_text,
            headers: sent.headers,
        });
        self.last_mono = head.mono_us;
    }

    fn chunk(&mut self, frame: &Frame<'_>) {
        let after_us = self.after_us(frame.head.mono_us);
        let timing = &mut self.exchange.timing;
        if self.received.chunks > 0 {
            let gap = i64::try_from(frame.head.mono_us.saturating_sub(self.last_mono));
            timing.longest_gap_us = timing.longest_gap_us.max(gap.ok());
        }
        timing.first_byte_after_us.get_or_insert(after_us);
        self.last_mono = frame.head.mono_us;
        self.received.chunks += 1;
        self.received.bytes += frame.payload.len() as u64;
        self.exchange.response_cut |= frame.head.flags & FLAG_CUT != 0;
        if !self.released {
            self.exchange.response_body.extend_from_slice(frame.payload);
            let length = self.exchange.response_body.len();
            // One past the bound, so that the chunk across it counts.
            if self.arrivals.last().is_none_or(|last| last.length < FIRST_ANSWER_WITHIN) {
                self.arrivals.push(Arrival { length, after_us });
            }
        }
    }

    fn end(&mut self, head: &Head, sent: payload::End) {
        self.exchange.outcome = match Outcome::parse(&sent.outcome) {
            // An exchange that ended is not open, whatever a confused writer says.
            open if open.is_open() => Outcome::Cut,
            ended => ended,
        };
        self.exchange.timing.end_after_us = Some(self.after_us(head.mono_us));
        self.exchange.error = sent.error.map(|error| match error.code.as_str() {
            "" => error.message,
            code if error.message.is_empty() => code.to_owned(),
            code => format!("{} ({code})", error.message),
        });
        self.exchange.response_cut |= sent.cut;
        self.received.bytes = self.received.bytes.max(sent.bytes);
        self.received.chunks = self.received.chunks.max(sent.chunks);
        self.settle();
    }

    /// Works out what only the raw body can tell: when the first piece of the answer was there.
    pub(crate) fn settle(&mut self) {
        let exchange = &mut self.exchange;
        let Some(head) = &exchange.response else { return };
        if head.status >= 400 || exchange.timing.first_content_after_us.is_some() {
            return;
        }
        let begin = exchange.response_body.len().min(FIRST_ANSWER_WITHIN);
        let begin = &exchange.response_body[..begin];
        let answer = provider::read_answer(exchange.dialect, &head.content_type(), begin, false);
        let first = answer.first_content_at.and_then(|length| {
            let index = self.arrivals.partition_point(|arrival| arrival.length < length);
            self.arrivals.get(index)
        });
        exchange.timing.first_content_after_us = first.map(|arrival| arrival.after_us);
    }
}

fn begun(number: u32, head: &Head, sent: payload::Request) -> Exchange {
    let some = |text: String| (!text.is_empty()).then_some(text);
    Exchange {
        number,
        request_cut: sent.body == "stream" || head.flags & FLAG_CUT != 0,
        request: RequestHead {
            method: sent.method,
            url: sent.url,
            headers: sent.headers,
            session: sent.session,
            parent: some(sent.parent),
            message: some(sent.message),
            agent: some(sent.agent),
            provider: some(sent.provider),
            model: some(sent.model),
            npm: some(sent.npm),
            price: sent.price.map(|price| price.get().to_owned()),
            body_bytes: sent.body_bytes,
        },
        timing: Timing {
            sent_us: i64::try_from(head.wall_us).unwrap_or(i64::MAX),
            ..Timing::default()
        },
        ..Exchange::default()
    }
}

/// A file's payload: JSON, then a line feed and the bytes where they were sent.
fn file(frame: &Frame<'_>) -> Option<(payload::File, Vec<u8>)> {
    let (json, bytes) = match memchr::memchr(b'\n', frame.payload) {
        Some(end) => (&frame.payload[..end], &frame.payload[end + 1..]),
        None => (frame.payload, &[][..]),
    };
    let file: payload::File = serde_json::from_slice(json).ok()?;
    let said = !file.session.is_empty() && !file.call.is_empty() && !file.path.is_empty();
    said.then(|| (file, bytes.to_vec()))
}

fn parsed<T: DeserializeOwned>(frame: &Frame<'_>) -> Option<T> {
    serde_json::from_slice(frame.payload).ok()
}
