//! Recorded turns, a backend to which they go, and who delivers them by a clock that goes on when it is told to.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    panic::{self, AssertUnwindSafe},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use octrace_store::{
    Tape,
    delivery::{DeadLetter, Due, Rules},
};
use octrace_testkit::{Author, Received, Receiver, Response};
use serde_json::json;
use tracing::{Event, Metadata, Subscriber, span, subscriber::with_default};

use super::super::{
    super::{
        engine::{Ahead, Engine, Next, Sent, Urge},
        lock::Lock,
        reach::Reach,
    },
    sender,
};
use crate::{
    config::{self, Options},
    record::{
        Delivery, Place,
        tests::{Room, room},
    },
};

/// Whatever it is found in, it must not be there.
pub(super) const KEY: &str = "canary-of-a-key";

pub(super) struct Stage {
    pub(super) room: Room,
    pub(super) receiver: Receiver,
    turns: u32,
    /// How often somebody died.
    deaths: Cell<usize>,
    /// µs since the Unix epoch.
    clock: Rc<Cell<i64>>,
}

impl Stage {
    /// A recording of so many turns that goes to Helicone.
    pub(super) fn helicone(turns: u32, more: &str) -> Self {
        let receiver = Receiver::helicone().unwrap();
        let settings =
            format!("[helicone]\napi_key = '{KEY}'\nendpoint = '{}'\n{more}", receiver.url());
        Self::new(receiver, turns, &settings)
    }

    /// A recording of so many turns that goes to a backend for OTLP.
    pub(super) fn otlp(turns: u32, more: &str) -> Self {
        let receiver = Receiver::otlp().unwrap();
        let settings = format!(
            "[[otlp]]\nheaders = {{ x-api-key = '{KEY}' }}\nendpoint = '{}'\n{more}",
            receiver.url()
        );
        Self::new(receiver, turns, &settings)
    }

    /// The same, to one that answers like this when all is well.
    pub(super) fn otlp_by(turns: u32, well: fn(&Received) -> Response) -> Self {
        let receiver = Receiver::open(well).unwrap();
        let settings = format!("[[otlp]]\nendpoint = '{}'", receiver.url());
        Self::new(receiver, turns, &settings)
    }

    fn new(receiver: Receiver, turns: u32, settings: &str) -> Self {
        let room = room();
        fs::create_dir_all(room.root.parent().unwrap()).unwrap();
        fs::write(room.place().config, settings).unwrap();
        let mut author = Author::dead(&room.root, "1-a");
        for number in 0..turns {
            turn(&mut author, "ses_1", number, "said");
        }
        room.pipeline(&author).finish().unwrap();
        Self { room, receiver, turns, deaths: Cell::new(0), clock: Rc::default() }
    }

    /// The same, but a batch is so many turns.
    pub(super) fn in_batches_of(self, turns: u32) -> Self {
        let mut tape = self.tape();
        let [destination] = &tape.destinations().unwrap()[..] else { panic!("one") };
        let rules = Rules { batch_size: turns, ..destination.rules };
        let (spool, _) = tape.spool("1-a", 0).unwrap();
        let mut batch = tape.begin().unwrap();
        batch.goes_to(spool, &[(destination.identity.clone(), rules)]).unwrap();
        batch.commit().unwrap();
        self
    }

    pub(super) fn tape(&self) -> Tape {
        self.room.tape()
    }

    /// A process that delivers: it has nothing but the tape.
    pub(super) fn process(
        &self,
    ) -> Engine<impl FnMut(&[Due], &mut Ahead<'_>) -> Sent + use<>, impl Fn() -> i64 + use<>> {
        let [destination] = &self.tape().destinations().unwrap()[..] else { panic!("one") };
        let place = place(&self.room);
        let Some(Reach::Backend(access)) = place.delivery.reach(&destination.identity) else {
            panic!("the key is known")
        };
        let (to, clock) = (destination.id, self.clock.clone());
        let send = sender(&place.tape, destination, access);
        Engine::new(self.tape(), to, Lock::of(&place.tape, to), send, move || clock.get())
    }

    pub(super) fn go_on(&self, time: Duration) {
        self.clock.set(self.clock.get() + i64::try_from(time.as_micros()).unwrap());
    }

    /// Delivers, waiting by the clock as long as anybody asks for, until nothing waits; how long that was.
    pub(super) fn deliver(&self) -> Duration {
        let began_us = self.clock.get();
        self.deliver_until(i64::MAX);
        Duration::from_micros((self.clock.get() - began_us).unsigned_abs())
    }

    /// The same, by processes each of which dies when it comes to the next of these numbers of steps, counted as its trace
    /// tells of them. The last one is not killed.
    pub(super) fn deliver_dying(&self, lives: &[usize]) {
        for steps in lives {
            let deliver = AssertUnwindSafe(|| self.deliver());
            if with_default(killer(*steps), || panic::catch_unwind(deliver)).is_ok() {
                return;
            }
            self.deaths.set(self.deaths.get() + 1);
        }
        self.deliver();
    }

    pub(super) fn deaths(&self) -> usize {
        self.deaths.get()
    }

    /// How many steps the delivery of it all takes.
    pub(super) fn steps(&self) -> usize {
        let killer = killer(usize::MAX);
        let counted = Arc::clone(&killer.counted);
        with_default(killer, || self.deliver());
        counted.load(Ordering::Relaxed)
    }

    /// Delivers, and when it comes to this step, somebody does something in another process.
    pub(super) fn deliver_while(
        &self,
        step: usize,
        act: impl Fn(&mut Tape) + Send + Sync + 'static,
    ) {
        let path = self.room.tape.clone();
        let meddler = Meddler::new(step, move || act(&mut Tape::open(&path).unwrap()));
        with_default(meddler, || self.deliver());
    }

    /// Tries, as a process does that goes on for so long.
    pub(super) fn try_for(&self, time: Duration) {
        self.deliver_until(self.clock.get() + i64::try_from(time.as_micros()).unwrap());
    }

    fn deliver_until(&self, until_us: i64) {
        let mut process = self.process();
        while self.clock.get() < until_us {
            match process.step(Urge::None).unwrap() {
                Next::Again => {}
                Next::Idle(None) => break,
                Next::Idle(Some(wait)) | Next::Rest(wait) => self.go_on(wait),
                Next::Gone => panic!("it is named by a spool"),
            }
        }
    }

    pub(super) fn letters(&self) -> Vec<DeadLetter> {
        self.tape().dead_letters(u32::MAX).unwrap()
    }

    pub(super) fn waiting(&self) -> u64 {
        self.tape().queue().unwrap().iter().map(|standing| standing.waiting).sum()
    }

    /// Nothing waits, and nothing was given up; each span or log was accepted, and no more than once unless somebody died
    /// who could not note it.
    pub(super) fn all_arrived_once(&self) {
        assert_eq!((self.waiting(), self.letters()), (0, Vec::new()));
        let accepted = self.accepted();
        let one = &self.receiver.received()[0];
        // The turn itself is a span, and no log.
        let each = if one.header("helicone-request-id").is_some() { 2 } else { 3 };
        assert_eq!(accepted.len(), (self.turns * each) as usize);
        let often = accepted.values().filter(|times| **times > 1).count();
        assert!(often == 0 || self.deaths.get() > 0, "{accepted:?}");
    }

    /// How often each span or log was accepted, by its id. What was sent again was the same request, or the last answer to
    /// it was that it is refused; and what was accepted was sent again at most as often as somebody died who may not
    /// have noted it.
    pub(super) fn accepted(&self) -> BTreeMap<String, u32> {
        let received = self.receiver.received();
        let (mut accepted, mut repeats) = (BTreeMap::new(), 0);
        for (at, one) in received.iter().enumerate() {
            let mine = ids(one);
            let is_mine = |before: &&Received| ids(before).iter().any(|id| mine.contains(id));
            if let Some(before) = received[..at].iter().rfind(is_mine) {
                let is_same = before.body == one.body && before.headers == one.headers;
                assert!(is_same || before.answered == Some(400), "another request: {mine:?}");
                repeats += usize::from(before.answered == Some(200));
            }
            if one.answered == Some(200) {
                for id in mine {
                    *accepted.entry(id).or_default() += 1;
                }
            }
        }
        assert!(repeats <= self.deaths.get(), "{repeats} times what was accepted was sent again");
        accepted
    }
}

/// As a process with the settings of this room has it.
pub(super) fn place(room: &Room) -> Place {
    let place = room.place();
    let settings = config::load(&place.config, &place.state, &Options::new(), |_| None);
    assert_eq!(settings.problems, []);
    Place { delivery: Delivery::new(&settings), ..place }
}

/// Does something at a step that the trace of who delivers tells of.
struct Meddler<A> {
    steps: usize,
    counted: Arc<AtomicUsize>,
    act: A,
}

impl<A: Fn() + 'static> Meddler<A> {
    fn new(steps: usize, act: A) -> Self {
        Self { steps, counted: Arc::default(), act }
    }
}

/// Ends who delivers, as `kill` would: nothing is tidied up but memory.
fn killer(steps: usize) -> Meddler<fn()> {
    Meddler::new(steps, || panic::resume_unwind(Box::new("killed")))
}

impl<A: Fn() + 'static> Subscriber for Meddler<A> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().contains("record::deliver")
    }

    fn event(&self, _: &Event<'_>) {
        if self.counted.fetch_add(1, Ordering::Relaxed) == self.steps {
            (self.act)();
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Whether this text is in a request.
pub(super) fn has(received: &Received, text: &str) -> bool {
    received.plain().is_ok_and(|plain| memchr::memmem::find(&plain, text.as_bytes()).is_some())
}

/// What is in a request, by ids.
pub(super) fn ids(received: &Received) -> Vec<String> {
    match received.header("helicone-request-id") {
        Some(id) => vec![id.to_owned()],
        None => {
            let spans = received.spans().unwrap_or_default();
            spans.into_iter().map(|span| span.id).collect()
        }
    }
}

/// Records the `number`th turn of a session: a model call, and a tool call in its answer.
pub(super) fn turn(author: &mut Author, session: &str, number: u32, text: &str) {
    let [user, assistant] = ["a", "b"].map(|letter| format!("msg_{session}_{number:04}{letter}"));
    let info = json!({"id": user, "sessionID": session, "role": "user", "agent": "build"});
    author.event("message.updated", &json!({"sessionID": session, "info": info}));
    let part = |message: &str, more: serde_json::Value| {
        let mut part =
            json!({"id": format!("prt_{message}"), "sessionID": session, "messageID": message});
        part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"sessionID": session, "part": part})
    };
    let prompt = part(&user, json!({"type": "text", "text": text}));
    author.event("message.part.updated", &prompt);
    author.assistant(session, &user, &assistant);
    let messages =
        json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": text}]);
    let body = json!({"model": "m1", "messages": messages, "stream": true});
    author.request(number + 1, session, &user, &body.to_string());
    author.response(number + 1, 200);
    let said = json!({"choices": [{"index": 0, "delta": {"content": text}}]});
    author.chunk(number + 1, &format!("data: {said}\n\ndata: [DONE]\n\n"));
    author.end(number + 1, "complete");
    let state = json!({"status": "completed", "input": {"command": text}, "output": text, "title": text,
        "metadata": {"exit": 0}, "time": {"start": 5, "end": 6}});
    let tool =
        json!({"type": "tool", "callID": format!("call_{number}"), "tool": "bash", "state": state});
    author.event("message.part.updated", &part(&assistant, tool));
    author.event("session.idle", &json!({"sessionID": session}));
}
