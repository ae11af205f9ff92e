//! Recorded turns, a backend to which they go, and who delivers them by a clock that goes on when it is told to.

use std::{cell::Cell, collections::BTreeMap, fs, rc::Rc, time::Duration};

use octrace_store::{
    Tape,
    delivery::{DeadLetter, Due},
};
use octrace_testkit::{Received, Receiver};
use serde_json::json;

use super::super::{
    super::{
        engine::{Engine, Next, Sent, Urge},
        lock::Lock,
        reach::Reach,
    },
    sender,
};
use crate::{
    config::{self, Options},
    record::{
        Delivery, Place,
        author::Author,
        tests::{Room, room},
    },
};

/// Whatever it is found in, it must not be there.
pub(super) const KEY: &str = "canary-of-a-key";

pub(super) struct Stage {
    pub(super) room: Room,
    pub(super) receiver: Receiver,
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

    fn new(receiver: Receiver, turns: u32, settings: &str) -> Self {
        let room = room();
        fs::create_dir_all(room.root.parent().unwrap()).unwrap();
        fs::write(room.place().config, settings).unwrap();
        let mut author = Author::dead(&room.root, "1-a");
        for number in 0..turns {
            turn(&mut author, "ses_1", number, "said");
        }
        room.pipeline(&author).finish().unwrap();
        Self { room, receiver, clock: Rc::default() }
    }

    /// As a process with these settings has it.
    pub(super) fn place(&self) -> Place {
        let place = self.room.place();
        let settings = config::load(&place.config, &place.state, &Options::new(), |_| None);
        assert_eq!(settings.problems, []);
        Place { delivery: Delivery::new(&settings), ..place }
    }

    pub(super) fn tape(&self) -> Tape {
        self.room.tape()
    }

    /// A process that delivers: it has nothing but the tape.
    pub(super) fn process(
        &self,
    ) -> Engine<impl FnMut(&[Due]) -> Sent + use<>, impl Fn() -> i64 + use<>> {
        let [destination] = &self.tape().destinations().unwrap()[..] else { panic!("one") };
        let place = self.place();
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
        let mut process = self.process();
        loop {
            match process.step(Urge::None).unwrap() {
                Next::Again => {}
                Next::Idle(None) => break,
                Next::Idle(Some(wait)) | Next::Rest(wait) => self.go_on(wait),
                Next::Gone => panic!("it is named by a spool"),
            }
        }
        Duration::from_micros((self.clock.get() - began_us).unsigned_abs())
    }

    pub(super) fn letters(&self) -> Vec<DeadLetter> {
        self.tape().dead_letters(u32::MAX).unwrap()
    }

    pub(super) fn waiting(&self) -> u64 {
        self.tape().queue().unwrap().iter().map(|standing| standing.waiting).sum()
    }

    /// How often each span or log was accepted, by its id. A request that was sent again was the same one, and there was a
    /// reason to: nobody had heard what became of it, or it was refused.
    pub(super) fn accepted(&self) -> BTreeMap<String, u32> {
        let received = self.receiver.received();
        let mut accepted = BTreeMap::new();
        for (at, one) in received.iter().enumerate() {
            let mine = ids(one);
            for before in &received[..at] {
                if ids(before).iter().any(|id| mine.contains(id)) {
                    assert!(before.answered != Some(200), "it was accepted: {mine:?}");
                    let is_same = before.body == one.body && before.headers == one.headers;
                    assert!(is_same || before.answered == Some(400), "another request: {mine:?}");
                }
            }
            if one.answered == Some(200) {
                for id in mine {
                    *accepted.entry(id).or_default() += 1;
                }
            }
        }
        accepted
    }
}

/// What is in a request, by ids.
pub(super) fn ids(received: &Received) -> Vec<String> {
    match received.header("helicone-request-id") {
        Some(id) => vec![id.to_owned()],
        None => {
            let spans = received.spans().unwrap_or_default();
            spans.iter().map(|span| format!("{:02x?}", span.span_id)).collect()
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
