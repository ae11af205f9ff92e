//! Recordings and prunings in any order, ended after any step: what stays is whole.

use proptest::prelude::*;

use octrace_core::attribution::observed::Found;

use super::*;
use crate::delivery::{Bounds, DestinationId, Identity, Item, Rules, Settled};

#[derive(Clone, Debug)]
enum Do {
    Ask { writer: usize, session: u8, messages: (u8, u8), answer: u8 },
    Begin { writer: usize, session: u8 },
    Say { writer: usize, session: Option<u8>, message: u8 },
    Prompt { writer: usize, session: u8 },
    Word { writer: usize, back: usize },
    See { writer: usize, session: u8, file: u8, lines: (u8, u8) },
    End { answer: u8 },
    Age { hours: u8, steps: u8 },
    Fit { percent: u8, steps: u8 },
    Pack,
}

fn what() -> impl Strategy<Value = Do> {
    let messages = (0..3_u8, 1..12_u8);
    prop_oneof![
        8 => (0..2_usize, 0..4_u8, messages, 0..3_u8).prop_map(|(writer, session, messages, answer)|
            Do::Ask { writer, session, messages, answer }),
        1 => (0..2_usize, 0..4_u8).prop_map(|(writer, session)| Do::Begin { writer, session }),
        4 => (0..2_usize, prop::option::of(0..4_u8), 0..12_u8)
            .prop_map(|(writer, session, message)| Do::Say { writer, session, message }),
        3 => (0..2_usize, 0..4_u8).prop_map(|(writer, session)| Do::Prompt { writer, session }),
        1 => (0..2_usize, 0..4_usize).prop_map(|(writer, back)| Do::Word { writer, back }),
        4 => (0..2_usize, 0..4_u8, 0..3_u8, (0..12_u8, 0..12_u8)).prop_map(
            |(writer, session, file, lines)| Do::See { writer, session, file, lines }),
        1 => (0..3_u8).prop_map(|answer| Do::End { answer }),
        1 => (0..60_u8, 0..8_u8).prop_map(|(hours, steps)| Do::Age { hours, steps }),
        1 => (0..100_u8, 0..12_u8).prop_map(|(percent, steps)| Do::Fit { percent, steps }),
        3 => Just(Do::Pack),
    ]
}

fn goes_to_a_backend(writer: &mut Writer) -> DestinationId {
    let [kind, name, options] = ["otlp", "a", "{}"].map(str::to_owned);
    let backend = (Identity { kind, name, options }, Rules::default());
    let mut batch = writer.tape.begin().unwrap();
    let ids = batch.goes_to(writer.spool, &[backend]).unwrap();
    batch.commit().unwrap();
    ids[0]
}

/// A user's message is told of: its session, its id, and when it was made.
fn prompt(writer: &mut Writer, at_us: i64, (session, id, made_us): &(String, String, i64)) {
    let info = serde_json::json!({"id": id, "sessionID": session, "role": "user",
        "time": {"created": made_us / 1_000}});
    let sent =
        serde_json::json!({"event": {"type": "message.updated", "properties": {"info": info}}});
    let event = Redactor::new("").json(sent.to_string().as_bytes());
    let event = event.derive(|json| event::read_event(json)).transpose().unwrap();
    let mut batch = writer.tape.begin().unwrap();
    batch.event(writer.spool, at_us, &event).unwrap();
    batch.commit().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Two writers on shared sessions, and prunings that end after any of their steps, in another process.
    #[test]
    fn whatever_goes_what_stays_is_whole(done in prop::collection::vec(what(), 1..80)) {
        let (_folder, path) = room();
        let mut writers = [Writer::new(&path, "1-a"), Writer::new(&path, "2-a")];
        let mut pruner = Tape::open(&path).unwrap();
        let backend = writers.each_mut().map(goes_to_a_backend)[0];
        let mut prompts: Vec<(String, String, i64)> = Vec::new();
        let mut delivered = BTreeSet::new();
        let mut bodies: BTreeMap<i64, (String, String)> = BTreeMap::new();
        let mut open: Vec<(usize, ExchangeId, String)> = Vec::new();
        let mut texts = BTreeSet::from([String::new()]);
        let mut files = BTreeMap::new();
        for (at, what) in (0..).zip(done) {
            let at_us = NOW - 60 * HOUR + at * HOUR / 2;
            let step_all = |pruner: &mut Tape, wanted, steps| -> Result<(), TestCaseError> {
                let mut pruning = Pruning::new(wanted, at_us);
                for _ in 0..steps {
                    let more = pruning.step(pruner).unwrap();
                    check(pruner);
                    if !more {
                        let left = "SELECT count(*) FROM packs WHERE live < items";
                        let left: i64 = pruner.connection.query_row(left, [], |row| row.get(0)).unwrap();
                        prop_assert_eq!(left, 0, "what went is still in a pack");
                        break
                    }
                }
                Ok(())
            };
            match what {
                Do::Ask { writer, session, messages: (from, count), answer } => {
                    let session = format!("ses_{session}");
                    let body = body((from..from + count).map(|n| bulk(n.into())));
                    let answer = format!("answer {answer}");
                    let id = writers[writer].ask(&session, at_us, &body, &answer);
                    bodies.insert(id.0, (body, answer));
                }
                Do::Begin { writer, session } => {
                    let session = format!("ses_{session}");
                    let id = writers[writer].begin(&session, None, at_us, "open");
                    bodies.insert(id.0, ("open".to_owned(), String::new()));
                    open.push((writer, id, session));
                }
                Do::Say { writer, session, message } => {
                    let session = session.map(|session| format!("ses_{session}"));
                    let text = bulk(message.into());
                    writers[writer].says(session.as_deref(), at_us, &text);
                    texts.insert(text);
                }
                Do::Prompt { writer, session } => {
                    let session = format!("ses_{session}");
                    let message = (session, format!("msg_{at:03}"), at_us);
                    prompt(&mut writers[writer], at_us, &message);
                    prompts.push(message);
                }
                Do::Word { writer, back } => {
                    let Some(message) = prompts.iter().nth_back(back) else { continue };
                    prompt(&mut writers[writer], at_us, message);
                }
                Do::See { writer, session, file, lines: (from, count) } => {
                    let lines = (from..from + count).map(|n| bulk(n.into()) + "\n");
                    let text: String = lines.collect();
                    let found = match count {
                        0 => Found::Absent,
                        _ => Found::Text(text.clone().into_bytes()),
                    };
                    let session = format!("ses_{session}");
                    writers[writer].sees(&session, at_us, &format!("/p/{file}"), found);
                    files.insert((format!("/p/{file}"), at_us), text);
                }
                Do::End { answer } => {
                    let answer = format!("answer {answer}");
                    if let Some((writer, id, session)) = open.pop() {
                        writers[writer].end(id, &session, at_us, &answer);
                        bodies.insert(id.0, ("open".to_owned(), answer));
                    }
                }
                Do::Age { hours, steps } => {
                    let before_us = Some(at_us - i64::from(hours) * HOUR);
                    step_all(&mut pruner, Wanted { before_us, ..Wanted::default() }, steps).unwrap();
                }
                Do::Pack => while pruner.pack_stretch(16 << 10).unwrap() {},
                Do::Fit { percent, steps } => {
                    let size = pruner.size().unwrap();
                    let to_bytes = Some(size.needed() * u64::from(percent) / 100);
                    step_all(&mut pruner, Wanted { to_bytes, ..Wanted::default() }, steps).unwrap();
                }
            }
            check(&pruner);
            let bounds = Bounds { items: 2, bytes: usize::MAX };
            let due = pruner.due(backend, at_us + HOUR, bounds).unwrap();
            let accepted = due.iter().map(|due| due.id).collect();
            pruner.settle(at_us, &Settled { accepted, ..Settled::default() }).unwrap();
            for due in due {
                let Item::Turn { session, message } = due.item else { panic!("a turn") };
                let turn = pruner.turn(&session, &message).unwrap().expect("it is there");
                prop_assert!(!turn.events.is_empty());
                prop_assert!(delivered.insert((session, message)), "twice");
            }
        }
        while sweep::step(&mut pruner.connection, &mut Pruned::default()).unwrap() {}
        check(&pruner);
        let seen: Vec<_> = pruner.traced_below("/p").unwrap().into_iter().map(|(id, _)| id).collect();
        for history in pruner.file_histories(&seen, None).unwrap() {
            for seen in history.observations {
                let text = &files[&(history.path.clone(), seen.at_us)];
                let bytes = pruner.text_at(seen.id).unwrap().unwrap_or_default().0;
                prop_assert!(bytes == text.as_bytes(), "{} at {}", history.path, seen.at_us);
            }
        }
        for (from_us, until_us) in pruner.pruned_at("/p".as_ref()).unwrap() {
            prop_assert!(from_us <= until_us && until_us >= NOW - 60 * HOUR);
        }
        for id in sessions(&pruner) {
            for row in pruner.exchanges(&id).unwrap() {
                let restored = pruner.exchange(row.id).unwrap().unwrap();
                let (body, answer) = &bodies[&row.id];
                prop_assert!(restored.request_body == body.as_bytes(), "{}", row.id);
                prop_assert!(restored.response_body == answer.as_bytes(), "{}", row.id);
            }
            for event in pruner.events(&id).unwrap() {
                let text = event.body["text"].as_str().unwrap_or_default();
                prop_assert!(texts.contains(text), "event {}", event.id);
            }
        }
    }
}
