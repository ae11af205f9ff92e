//! The queue on a tape: what gets into it, what of it is due, and how it leaves.

use octrace_core::{
    attribution::timeline::CallId,
    event,
    exchange::{Exchange, Outcome, RequestHead, Timing},
    reading,
    redact::{Clean, Redactor},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    Begin, ExchangeId, Position, Progress,
    prune::{Pruning, Wanted},
};

mod parcels;
mod random;
mod turns;

const NOW: i64 = 1_800_000_000_000_000;
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const ALL: Bounds = Bounds { items: 1_000, bytes: usize::MAX };

struct Room {
    _folder: TempDir,
    tape: Tape,
    spool: SpoolId,
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut tape = Tape::open(&folder.path().join("tape.db")).unwrap();
        let (spool, _) = tape.spool("1-a", 0).unwrap();
        Self { _folder: folder, tape, spool }
    }

    fn batch<T>(&mut self, fill: impl FnOnce(&mut Batch<'_>, SpoolId) -> T) -> T {
        let mut batch = self.tape.begin().unwrap();
        let filled = fill(&mut batch, self.spool);
        batch.commit().unwrap();
        filled
    }

    fn goes_to(&mut self, names: &[&str]) -> Vec<DestinationId> {
        let named = names.iter().map(|name| (identity(name), Rules::default()));
        let named: Vec<_> = named.collect();
        self.batch(|batch, spool| batch.goes_to(spool, &named).unwrap())
    }

    fn event(&mut self, kind: &str, session: &str) {
        let sent = format!(
            r#"{{"event":{{"type":"{kind}","properties":{{"sessionID":"{session}","text":"{kind}"}}}}}}"#
        );
        self.stored(
            Redactor::new("").json(sent.as_bytes()).derive(|clean| event::read_event(clean)),
        );
    }

    fn hook(&mut self, name: &str, session: &str) {
        let sent = format!(r#"{{"hook":"{name}","input":{{"sessionID":"{session}"}}}}"#);
        self.stored(
            Redactor::new("").json(sent.as_bytes()).derive(|clean| event::read_hook(clean)),
        );
    }

    fn stored(&mut self, event: Clean<Option<event::Event>>) {
        let event = event.transpose().unwrap();
        self.batch(|batch, spool| batch.event(spool, NOW, &event).unwrap());
    }

    /// What a tracing backend is told of goes to one with this name.
    fn traces_to(&mut self, names: &[&str]) -> Vec<DestinationId> {
        let backend = |name: &&str| Identity { kind: "otlp".to_owned(), ..identity(name) };
        let named: Vec<_> = names.iter().map(|name| (backend(name), Rules::default())).collect();
        self.batch(|batch, spool| batch.goes_to(spool, &named).unwrap())
    }

    fn says(&mut self, at_us: i64, kind: &str, properties: &Value) {
        self.batch(|batch, spool| batch.event(spool, at_us, &said(kind, properties)).unwrap());
    }

    fn prompt(&mut self, at_us: i64, session: &str, message: &str) {
        self.says(at_us, "message.updated", &message_of(session, message, None, at_us));
    }

    fn answer(&mut self, at_us: i64, session: &str, message: &str, prompt: &str) {
        self.says(at_us, "message.updated", &message_of(session, message, Some(prompt), at_us));
    }

    fn idle(&mut self, at_us: i64, session: &str) {
        let status = json!({"sessionID": session, "status": {"type": "idle"}});
        self.says(at_us, "session.status", &status);
        self.says(at_us, "session.idle", &json!({"sessionID": session}));
    }

    fn ends(&mut self, at_us: i64) {
        self.batch(|batch, spool| batch.spool_ends(spool, at_us).unwrap());
    }

    /// A request that is under way.
    fn asks(&mut self, at_us: i64, session: &str, message: Option<&str>) -> ExchangeId {
        let number = self.tape.newest_exchange(self.spool).unwrap() + 1;
        let exchange = Redactor::new("").exchange(Exchange {
            number,
            request: RequestHead {
                session: session.to_owned(),
                message: message.map(str::to_owned),
                ..RequestHead::default()
            },
            request_body: b"{}".to_vec(),
            timing: Timing { sent_us: at_us, ..Timing::default() },
            ..Exchange::default()
        });
        let asked = exchange.derive(reading::asked);
        let begin = Begin { at: Position::START, mono_us: 0 };
        self.batch(|batch, spool| batch.exchange_begins(spool, begin, &exchange, &asked).unwrap())
    }

    fn is_answered(&mut self, id: ExchangeId, bytes: u64) {
        let progress = Progress { outcome: Outcome::Complete, bytes, ..Progress::default() };
        self.batch(|batch, _| batch.exchange_goes_on(id, None, &progress).unwrap());
    }

    /// The turns that are due, as of a long time after everything.
    fn turns(&mut self, to: DestinationId) -> Vec<String> {
        self.turns_at(to, NOW + HOUR)
    }

    fn turns_at(&mut self, to: DestinationId, now_us: i64) -> Vec<String> {
        let due = self.tape.due(to, now_us, ALL).unwrap();
        kinds(&due).into_iter().map(str::to_owned).collect()
    }

    fn record(&mut self, id: &str, json: &str) {
        let call = CallId { session: "ses_1".to_owned(), call: "call".to_owned() };
        let record = Record { id: id.to_owned(), call, at_us: 1, json: json.to_owned() };
        self.batch(|batch, spool| {
            assert!(batch.record_put(spool, &record).unwrap());
            batch.record_is_due(spool, &record).unwrap();
        });
    }

    fn due(&mut self, to: DestinationId) -> Vec<Due> {
        self.tape.due(to, NOW, ALL).unwrap()
    }

    fn accept(&mut self, due: &[Due]) {
        let accepted = due.iter().map(|due| due.id).collect();
        self.tape.settle(NOW, &Settled { accepted, ..Settled::default() }).unwrap();
    }

    fn refuse(&mut self, due: &Due, retry_us: Option<i64>) {
        let refused = vec![Refusal { id: due.id, reason: "no".to_owned(), retry_us }];
        self.tape.settle(NOW, &Settled { refused, ..Settled::default() }).unwrap();
    }
}

fn identity(name: &str) -> Identity {
    Identity { kind: "postgres".to_owned(), name: name.to_owned(), options: "{}".to_owned() }
}

fn said(kind: &str, properties: &Value) -> Clean<event::Event> {
    let sent = json!({"event": {"type": kind, "properties": properties}}).to_string();
    let event = Redactor::new("").json(sent.as_bytes()).derive(|clean| event::read_event(clean));
    event.transpose().unwrap()
}

/// A user's message, or an assistant's that answers one.
fn message_of(session: &str, id: &str, prompt: Option<&str>, at_us: i64) -> Value {
    let role = if prompt.is_some() { "assistant" } else { "user" };
    json!({"info": {"id": id, "sessionID": session, "role": role, "parentID": prompt,
        "time": {"created": at_us / 1_000}}})
}

fn body_of(due: &Due) -> &str {
    match &due.item {
        Item::Event { body, .. } => body,
        Item::Record { record, .. } => record,
        Item::Turn { .. } => panic!("a turn has no JSON"),
    }
}

fn kinds(due: &[Due]) -> Vec<&str> {
    let kind = |due: &'_ Due| match &due.item {
        Item::Event { kind, .. } => kind.clone(),
        Item::Record { .. } => "record".to_owned(),
        Item::Turn { message, .. } => message.clone(),
    };
    due.iter().map(|due| kind(due).leak() as &str).collect()
}

#[test]
fn what_goes_where_is_decided_when_it_is_recorded() {
    let mut room = Room::new();
    room.event("session.created", "ses_1");
    let [a] = room.goes_to(&["a"])[..] else { panic!("one") };
    room.event("session.updated", "ses_1");
    room.hook("tool.execute.before", "ses_1");
    for kind in ["file.edited", "todo.updated", "command.executed.not"] {
        room.event(kind, "ses_1");
    }
    room.hook("chat.message", "ses_1");
    let [b, again] = room.goes_to(&["b", "a"])[..] else { panic!("two") };
    room.event("message.updated", "ses_1");
    room.goes_to(&[]);
    room.event("session.idle", "ses_1");
    // Another process's.
    (room.spool, _) = room.tape.spool("2-b", 0).unwrap();
    room.event("session.error", "ses_2");

    assert_eq!(again, a);
    let due = room.due(a);
    assert_eq!(kinds(&due), ["session.updated", "tool.execute.before", "message.updated"]);
    assert_eq!(kinds(&room.due(b)), ["message.updated"]);
    let Item::Event { session, at_us, body, .. } = &due[0].item else { panic!("an event") };
    assert_eq!((session.as_deref(), *at_us), (Some("ses_1"), NOW));
    assert_eq!(body, r#"{"sessionID":"ses_1","text":"session.updated"}"#);
}

#[test]
fn an_item_is_the_same_on_every_try_and_gone_once_it_is_accepted() {
    let mut room = Room::new();
    let [a, b] = room.goes_to(&["a", "b"])[..] else { panic!("two") };
    for session in ["ses_1", "ses_2", "ses_3"] {
        room.event("session.updated", session);
    }
    let due = room.due(a);
    assert_eq!(room.due(a), due);
    room.accept(&due[..2]);
    assert_eq!(room.due(a), due[2..]);
    assert_eq!(room.due(b).len(), 3, "of another destination");
}

#[test]
fn a_batch_is_bounded_and_has_one_item_at_least() {
    let mut room = Room::new();
    let [a] = room.goes_to(&["a"])[..] else { panic!("one") };
    for _ in 0..5 {
        room.event("session.updated", "ses_1");
    }
    let size = body_of(&room.due(a)[0]).len();
    let mut count = |items, bytes| room.tape.due(a, NOW, Bounds { items, bytes }).unwrap().len();
    assert_eq!([count(2, 1_000), count(9, 2 * size), count(9, 1)], [2, 2, 1]);
}

#[test]
fn what_is_tried_again_at_a_time_that_a_wrong_clock_gave_is_not_waited_for() {
    let mut room = Room::new();
    let [a] = room.goes_to(&["a"])[..] else { panic!("one") };
    room.event("session.idle", "ses_1");
    let due = room.due(a);
    room.refuse(&due[0], Some(NOW + HOUR));
    assert_eq!(room.due(a), []);
    assert_eq!(room.tape.backlog(a, NOW, 10).unwrap().retry_us, Some(NOW + HOUR));
    room.refuse(&due[0], Some(NOW + 10 * 365 * 24 * HOUR));
    assert_eq!(room.due(a).len(), 1);
    let backlog = room.tape.backlog(a, NOW, 10).unwrap();
    assert_eq!(backlog, Backlog { due: 1, oldest_us: Some(NOW), retry_us: None });
}

#[test]
fn what_is_refused_waits_and_is_a_dead_letter_in_the_end() {
    let mut room = Room::new();
    let [a] = room.goes_to(&["a"])[..] else { panic!("one") };
    room.event("session.updated", "ses_1");
    room.event("session.idle", "ses_1");
    let due = room.due(a);
    room.refuse(&due[0], Some(NOW + 5));
    assert_eq!(kinds(&room.due(a)), ["session.idle"]);
    let backlog = room.tape.backlog(a, NOW, 10).unwrap();
    assert_eq!(backlog, Backlog { due: 1, oldest_us: Some(NOW), retry_us: Some(NOW + 5) });
    assert_eq!(room.tape.due(a, NOW + 5, ALL).unwrap()[0].attempts, 1);
    assert_eq!(room.tape.queue().unwrap()[0].refused.as_deref(), Some("no"));
    room.refuse(&due[0], None);
    assert_eq!(room.tape.due(a, NOW + 5, ALL).unwrap().len(), 1);
    let [letter] = &room.tape.dead_letters(10).unwrap()[..] else { panic!("one") };
    assert_eq!((letter.attempts, letter.reason.as_str()), (2, "no"));
    assert_eq!(letter.event.as_deref(), Some("session.updated"));
    let standing = &room.tape.queue().unwrap()[0];
    assert_eq!((standing.waiting, &standing.refused, standing.dead), (1, &None, 1));

    let these = Which::These(vec![letter.id]);
    assert_eq!(room.tape.retry(&these).unwrap(), 1);
    let due = room.due(a);
    assert_eq!(
        (kinds(&due).as_slice(), due[0].attempts),
        (&["session.updated", "session.idle"][..], 0)
    );
    room.refuse(&due[0], None);
    assert_eq!(room.tape.drop_deliveries(&Which::Of(a), true).unwrap(), 1);
    assert_eq!(room.tape.drop_deliveries(&Which::All, false).unwrap(), 1);
    assert_eq!(room.tape.queue().unwrap()[0].waiting, 0);
}

#[test]
fn a_destination_that_does_not_answer_is_left_in_peace_until_it_is_asked_again() {
    let mut room = Room::new();
    let [a] = room.goes_to(&["a"])[..] else { panic!("one") };
    room.event("session.updated", "ses_1");
    for attempt in 1..=3 {
        let retry_us = NOW + attempt;
        let unavailable = Unavailable { why: "no route", retry_us, is_asked: attempt == 3 };
        room.tape.answered(a, Err(unavailable)).unwrap();
    }
    let found = room.tape.destination(a).unwrap().unwrap();
    assert_eq!((found.attempts, found.retry_us), (3, Some(NOW + 3)));
    assert_eq!(found.error.as_deref(), Some("no route"));
    assert!(found.retry_is_asked);
    room.tape.retry(&Which::Of(a)).unwrap();
    let found = room.tape.destination(a).unwrap().unwrap();
    assert_eq!((found.retry_us, found.retry_is_asked), (None, false));
    room.tape.answered(a, Ok(())).unwrap();
    let found = room.tape.destination(a).unwrap().unwrap();
    assert_eq!((found.attempts, found.error), (0, None));
}

#[test]
fn a_record_that_changes_while_it_is_sent_is_sent_again() {
    let mut room = Room::new();
    room.event("session.created", "ses_1");
    let [a] = room.goes_to(&["a"])[..] else { panic!("one") };
    room.record("r1", "old");
    let sent = room.due(a);
    room.record("r1", "new");
    room.accept(&sent);
    let due = room.due(a);
    assert_eq!(due.len(), 1);
    assert_eq!(body_of(&due[0]), "new");
    room.accept(&due);
    assert_eq!(room.due(a), []);
}

#[test]
fn a_record_that_is_made_again_waits_and_one_that_is_gone_is_a_dead_letter() {
    let mut room = Room::new();
    room.event("session.created", "ses_1");
    let [a] = room.goes_to(&["a"])[..] else { panic!("one") };
    room.record("r1", "{}");
    room.tape
        .connection
        .execute_batch(
            "INSERT INTO derived (what, upto) VALUES ('rebuild events', 0);
             DELETE FROM agent_trace_records",
        )
        .unwrap();
    assert_eq!(room.due(a), []);
    assert_eq!(room.tape.queue().unwrap()[0].waiting, 1);
    room.tape.connection.execute("DELETE FROM derived WHERE what LIKE 'rebuild %'", []).unwrap();
    assert_eq!(room.due(a), []);
    assert_eq!(room.tape.dead_letters(10).unwrap()[0].reason, PRUNED);
}

#[test]
fn what_is_pruned_before_it_was_delivered_is_a_dead_letter() {
    let mut room = Room::new();
    let [a] = room.goes_to(&["a"])[..] else { panic!("one") };
    for session in ["ses_1", "ses_2"] {
        room.event("session.updated", session);
    }
    room.batch(|batch, spool| batch.spool_ends(spool, NOW).unwrap());
    let sessions = vec!["ses_1".to_owned()];
    let mut pruning = Pruning::new(Wanted { sessions, ..Wanted::default() }, NOW);
    // From the moment on when nobody sees it any more, it is not sent either.
    assert!(pruning.step(&mut room.tape).unwrap());
    assert_eq!(room.due(a).len(), 1);
    while pruning.step(&mut room.tape).unwrap() {}
    assert_eq!(pruning.pruned().events, 1);
    let [letter] = &room.tape.dead_letters(10).unwrap()[..] else { panic!("one") };
    assert_eq!((letter.session.as_deref(), letter.reason.as_str()), (Some("ses_1"), PRUNED));
    assert_eq!(letter.event, None, "it is gone");

    // Nobody is told for ever of what is older than all that is left.
    assert_eq!(room.tape.queue().unwrap().len(), 1);
    let late = NOW + 100 * 24 * 60 * 60 * 1_000_000;
    room.tape.connection.execute("UPDATE deliveries SET dead_us = ?1", [NOW]).unwrap();
    let mut pruning = Pruning::new(Wanted { before_us: Some(late), ..Wanted::default() }, late);
    while pruning.step(&mut room.tape).unwrap() {}
    assert_eq!(room.tape.queue().unwrap(), [], "the spool that named the destination is gone, too");
}
