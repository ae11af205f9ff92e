//! Turns: when they end, where they go, and what of a session is one.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use octrace_core::trace::{CallPlace, Step};

use super::*;

#[test]
fn a_turn_is_queued_once_when_opencode_is_idle() {
    let mut room = Room::new();
    let [a, b] = room.traces_to(&["a", "b"])[..] else { panic!("two") };
    room.prompt(NOW, "ses_1", "msg_1");
    room.answer(NOW, "ses_1", "msg_2", "msg_1");
    room.prompt(NOW, "ses_2", "msg_3");
    assert_eq!(room.turns(a), [""; 0]);
    room.idle(NOW, "ses_1");
    room.idle(NOW, "ses_1");
    // A late word about it.
    room.prompt(NOW, "ses_1", "msg_1");
    room.idle(NOW, "ses_1");
    assert_eq!(room.turns(a), ["msg_1"]);
    let due = room.tape.due(a, NOW + HOUR, ALL).unwrap();
    assert!(!due[0].is_packed);
    room.accept(&due);
    room.idle(NOW, "ses_1");
    assert_eq!((room.turns(a).len(), room.turns(b).len()), (0, 1));

    // Two that were asked for one after the other end together, in their order.
    room.prompt(NOW, "ses_1", "msg_5");
    room.prompt(NOW, "ses_1", "msg_4");
    room.idle(NOW, "ses_1");
    assert_eq!(room.turns(a), ["msg_5", "msg_4"]);
}

#[test]
fn what_goes_on_when_its_process_ends_has_ended() {
    let mut room = Room::new();
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    for (session, message) in [("ses_2", "msg_1"), ("ses_1", "msg_2"), ("ses_1", "msg_3")] {
        room.prompt(NOW, session, message);
    }
    let first = room.spool;
    (room.spool, _) = room.tape.spool("2-b", 0).unwrap();
    room.traces_to(&["a"]);
    room.prompt(NOW, "ses_2", "msg_4");
    room.idle(NOW, "ses_2");
    assert_eq!(room.turns(a), ["msg_4"], "each process ends its own");
    room.spool = first;
    room.ends(NOW);
    room.ends(NOW);
    assert_eq!(room.turns_at(a, NOW), ["msg_1", "msg_2", "msg_3"]);
}

#[test]
fn postgres_gets_events_and_a_backend_gets_turns_with_their_size() {
    let mut room = Room::new();
    let backend = Identity { kind: "neatlogs".to_owned(), ..identity("b") };
    let both = [identity("a"), backend].map(|identity| (identity, Rules::default()));
    let [a, b] = room.batch(|batch, spool| batch.goes_to(spool, &both).unwrap())[..] else {
        panic!("two")
    };
    room.prompt(NOW, "ses_1", "msg_1");
    let asked = room.asks(NOW, "ses_1", Some("msg_1"));
    room.is_answered(asked, 1_000);
    room.idle(NOW, "ses_1");
    room.record("r1", "{\"a\":1}");
    let due = room.due(a);
    assert_eq!(kinds(&due), ["message.updated", "session.status", "session.idle", "record"]);
    assert_eq!(room.turns(b), ["msg_1"]);
    let bytes = |to: DestinationId| -> i64 {
        let sum = "SELECT sum(bytes) FROM deliveries WHERE destination = ?1";
        room.tape.connection.query_row(sum, [to.0], |row| row.get(0)).unwrap()
    };
    let told: usize = due.iter().map(|due| body_of(due).len()).sum();
    assert_eq!(bytes(a), told as i64);
    // But for the event after it had ended, and the record.
    let events: usize = due[..2].iter().map(|due| body_of(due).len()).sum();
    assert_eq!(bytes(b), events as i64 + 1_000);
}

#[test]
fn a_turn_that_may_not_be_whole_waits_and_holds_nothing_up() {
    let mut room = Room::new();
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    room.prompt(NOW, "ses_1", "msg_1");
    let asked = room.asks(NOW, "ses_1", Some("msg_1"));
    room.prompt(NOW, "ses_2", "msg_2");
    room.idle(NOW, "ses_1");
    room.idle(NOW, "ses_2");
    assert_eq!(room.turns_at(a, NOW + SECOND - 1), [""; 0]);
    assert_eq!(room.turns_at(a, NOW + SECOND), ["msg_2"], "its own request is under way");
    assert_eq!(room.turns_at(a, NOW + 60 * SECOND), ["msg_1", "msg_2"], "for how long?");
    assert_eq!(room.turns_at(a, NOW - HOUR), ["msg_1", "msg_2"], "the clock was turned back");
    room.is_answered(asked, 1);
    assert_eq!(room.turns_at(a, NOW + SECOND), ["msg_1", "msg_2"]);
    room.ends(NOW);
    assert_eq!(room.turns_at(a, NOW), ["msg_1", "msg_2"], "nothing more will come");
    assert_eq!(room.tape.queue().unwrap()[0].waiting, 2);
}

#[test]
fn copies_of_what_was_asked_elsewhere_are_no_turns() {
    let mut room = Room::new();
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    let created = |id: &str, at_us: i64| json!({"sessionID": id, "info": {"id": id, "time": {"created": at_us / 1_000}}});
    room.says(NOW, "session.created", &created("ses_1", NOW));
    // A session is forked from another: its messages are told of once more, with new ids.
    room.says(NOW, "message.updated", &message_of("ses_1", "msg_1", None, NOW - 60 * SECOND));
    room.prompt(NOW + SECOND, "ses_1", "msg_2");
    // A session that was begun before anything was recorded.
    room.says(NOW, "session.updated", &created("ses_2", NOW - 10 * HOUR));
    room.says(NOW, "message.updated", &message_of("ses_2", "msg_3", None, NOW - HOUR));
    room.prompt(NOW, "ses_2", "msg_4");
    for session in ["ses_1", "ses_2"] {
        room.idle(NOW, session);
    }
    assert_eq!(room.turns(a), ["msg_2", "msg_4"]);
    let of = |session: &str| -> Vec<String> {
        room.tape.turns(session).unwrap().into_iter().map(|turn| turn.message).collect()
    };
    assert_eq!([of("ses_1"), of("ses_2")], [["msg_2"], ["msg_4"]]);
}

/// A session with two turns, the second with a sub-agent, and one that the user asked of that himself later.
fn conversation(room: &mut Room) {
    let session = |id: &str, parent: Option<&str>| {
        json!({"sessionID": id, "info": {"id": id, "parentID": parent, "title": format!("of {id}"),
            "directory": "/p", "version": "1.18.33", "time": {"created": NOW / 1_000}}})
    };
    room.says(NOW, "session.created", &session("ses_1", None));
    room.prompt(NOW, "ses_1", "msg_10");
    room.answer(NOW, "ses_1", "msg_11", "msg_10");
    room.asks(NOW, "ses_1", Some("msg_10"));
    room.asks(NOW + 1, "ses_1", None);
    room.idle(NOW + 2, "ses_1");
    let at = NOW + SECOND;
    room.prompt(at, "ses_1", "msg_12");
    room.answer(at, "ses_1", "msg_13", "msg_12");
    let task = |end: Option<i64>| {
        let state = json!({"status": if end.is_some() { "completed" } else { "running" },
            "input": {}, "metadata": {"sessionId": "ses_2"},
            "time": {"start": at / 1_000, "end": end.map(|end| end / 1_000)}});
        json!({"sessionID": "ses_1", "part": {"id": "prt_1", "messageID": "msg_13", "type": "tool",
            "tool": "task", "callID": "call_1", "state": state}})
    };
    room.says(at, "session.created", &session("ses_2", Some("ses_1")));
    room.says(at, "message.part.updated", &task(None));
    room.prompt(at + 5, "ses_2", "msg_14");
    room.answer(at + 6, "ses_2", "msg_15", "msg_14");
    room.idle(at + 7, "ses_2");
    room.says(at + 2_000, "message.part.updated", &task(Some(at + 2_000)));
    room.idle(at + 3_000, "ses_1");
    // What is told of an answer after its end.
    room.answer(at + 3_001, "ses_1", "msg_13", "msg_12");
    room.prompt(at + SECOND, "ses_2", "msg_16");
    room.answer(at + SECOND, "ses_2", "msg_17", "msg_16");
    room.idle(at + SECOND, "ses_2");
}

/// Everything that can be told of a turn in a few words.
fn summary(room: &Room, session: &str, message: &str) -> String {
    let turn = room.tape.turn(session, message).unwrap().unwrap();
    let events: Vec<String> =
        turn.events.iter().map(|event| format!("{}:{}", event.id, event.kind)).collect();
    let exchanges: Vec<i64> = turn.exchanges.iter().map(|exchange| exchange.id).collect();
    let parent = turn.origin.parent.map(|call| format!("{call:?}"));
    let title = turn.session.title;
    format!(
        "{} {title:?} {}\nin {} {} by {parent:?}\n{:?}\n{}\nrequests {exchanges:?}\n{:?}",
        turn.session.id,
        turn.message,
        turn.origin.root.id,
        turn.origin.root_message,
        turn.origin.path,
        events.join(" "),
        turn.numbers,
    )
}

#[test]
fn a_turn_is_all_that_was_recorded_of_it_and_knows_where_it_came_from() {
    let mut room = Room::new();
    conversation(&mut room);
    insta::assert_snapshot!(summary(&room, "ses_1", "msg_10"), @r#"
    ses_1 Some("of ses_1") msg_10
    in ses_1 msg_10 by None
    []
    2:message.updated 3:message.updated 4:session.status 5:session.idle
    requests [1, 2]
    {"msg_10": 0, "msg_11": 1}
    "#);
    insta::assert_snapshot!(summary(&room, "ses_1", "msg_12"), @r#"
    ses_1 Some("of ses_1") msg_12
    in ses_1 msg_12 by None
    []
    6:message.updated 7:message.updated 9:message.part.updated 14:message.part.updated 15:session.status 16:session.idle 17:message.updated
    requests []
    {"msg_12": 2, "msg_13": 3}
    "#);
    insta::assert_snapshot!(summary(&room, "ses_2", "msg_14"), @r#"
    ses_2 Some("of ses_2") msg_14
    in ses_1 msg_12 by Some("CallPlace { session: \"ses_1\", message: \"msg_13\", call: \"call_1\" }")
    [Step { tool: "task", message: 3, child: "ses_2" }]
    10:message.updated 11:message.updated 12:session.status 13:session.idle
    requests []
    {"msg_14": 0, "msg_15": 1}
    "#);
    insta::assert_snapshot!(summary(&room, "ses_2", "msg_16"), @r#"
    ses_2 Some("of ses_2") msg_16
    in ses_2 msg_16 by None
    []
    18:message.updated 19:message.updated 20:session.status 21:session.idle
    requests []
    {"msg_16": 2, "msg_17": 3}
    "#);
    assert!(room.tape.turn("ses_1", "msg_11").unwrap().is_none(), "an answer");
    assert!(room.tape.turn("ses_3", "msg_10").unwrap().is_none(), "of another session");
}

#[test]
fn what_a_tool_tells_again_and_again_is_read_once() {
    let mut room = Room::new();
    room.prompt(NOW, "ses_1", "msg_1");
    room.answer(NOW, "ses_1", "msg_2", "msg_1");
    let tell = |room: &mut Room, status: &str, time: serde_json::Value, output: &str| {
        let part = json!({"sessionID": "ses_1", "part": {"id": "prt_1", "messageID": "msg_2",
            "type": "tool", "tool": "bash", "callID": "call_1", "state": {"status": status,
            "input": {"command": "i".repeat(300)}, "output": output, "time": time,
            "metadata": {"output": output, "sessionId": "ses_2"}}}});
        room.says(NOW, "message.part.updated", &part);
    };
    let lengths = |room: &Room| -> Vec<[usize; 4]> {
        let turn = room.tape.turn("ses_1", "msg_1").unwrap().unwrap();
        let parts = turn.events.iter().filter_map(|event| event.body.pointer("/part/state"));
        let places = ["/input/command", "/output", "/metadata/output", "/metadata/sessionId"];
        let text = |state: &serde_json::Value, place| state.pointer(place).unwrap().to_string();
        parts.map(|state| places.map(|place| text(state, place).len() - 2)).collect()
    };
    for line in 1..=3 {
        tell(&mut room, "running", json!({"start": 5}), &"o".repeat(line * 300));
    }
    room.says(NOW, "session.diff", &json!({"sessionID": "ses_1", "diff": "d"}));
    let (told, newest) = ([300, 0, 0, 5], [300, 900, 900, 5]);
    assert_eq!(lengths(&room), [told, told, newest]);
    // A word that is less than what was told before takes nothing away.
    tell(&mut room, "pending", json!({}), "");
    assert_eq!(lengths(&room)[2], newest);
    tell(&mut room, "completed", json!({"start": 5, "end": 6}), &"o".repeat(1_200));
    tell(&mut room, "running", json!({"start": 5}), "late");
    let done = [300, 1_200, 1_200, 5];
    assert_eq!(lengths(&room), [told, told, told, [300, 0, 0, 5], done, [300, 4, 4, 5]]);
    let turn = room.tape.turn("ses_1", "msg_1").unwrap().unwrap();
    assert!(turn.events.iter().all(|event| event.kind != "session.diff"));
}

#[test]
fn a_tape_from_before_there_were_rows_of_turns_tells_the_same() {
    let mut room = Room::new();
    conversation(&mut room);
    room.prompt(NOW + 9 * SECOND, "ses_1", "msg_18");
    let all = |room: &Room| {
        let turns = ["msg_10", "msg_12", "msg_18"].map(|id| ("ses_1", id));
        let turns = turns.into_iter().chain([("ses_2", "msg_14"), ("ses_2", "msg_16")]);
        turns.map(|(session, id)| summary(room, session, id)).collect::<Vec<_>>()
    };
    let places = |room: &Room| ["ses_1", "ses_2"].map(|session| room.tape.turns(session).unwrap());
    let (before, places_before) = (all(&room), places(&room));
    assert_eq!(places_before[0].len() + places_before[1].len(), 5);
    assert!(places_before[0][2].is_open);
    room.tape.connection.execute("DELETE FROM turns", []).unwrap();
    assert_eq!(all(&room), before);
    assert_eq!(places(&room), places_before);
    // And so does a rebuild, which queues nothing.
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    room.tape.rebuild(&mut |_| {}).unwrap();
    assert_eq!((all(&room), places(&room)), (before.clone(), places_before));
    assert_eq!(room.turns(a), [""; 0]);
    // What was open then goes on.
    room.idle(NOW + 10 * SECOND, "ses_1");
    assert_eq!(room.turns(a), ["msg_18"]);
    assert_eq!(all(&room)[..2], before[..2]);
}

#[test]
fn calls_inside_of_calls_are_followed_but_not_for_ever() {
    let mut room = Room::new();
    // Each session has a call that starts the next; the last one starts the first.
    for level in 0..20 {
        let at = NOW + level;
        let session = format!("ses_{level:02}");
        room.prompt(at, &session, &format!("msg_{level:02}1"));
        room.answer(at, &session, &format!("msg_{level:02}2"), &format!("msg_{level:02}1"));
        let child = format!("ses_{:02}", (level + 1) % 20);
        let part = json!({"sessionID": session, "part": {"id": format!("prt_{level}"),
            "messageID": format!("msg_{level:02}2"), "type": "tool", "tool": "task",
            "callID": format!("call_{level}"), "state": {"status": "running",
            "metadata": {"sessionId": child}, "time": {"start": at / 1_000}}}});
        room.says(at, "message.part.updated", &part);
    }
    let turn = room.tape.turn("ses_05", "msg_051").unwrap().unwrap();
    assert_eq!(turn.origin.root.id, "ses_00");
    assert_eq!(turn.origin.root_message, "msg_001");
    let steps: Vec<&str> = turn.origin.path.iter().map(|step| step.child.as_str()).collect();
    assert_eq!(steps, ["ses_01", "ses_02", "ses_03", "ses_04", "ses_05"]);
    assert_eq!(
        turn.origin.path[4],
        Step { tool: "task".to_owned(), message: 1, child: "ses_05".to_owned() }
    );
    let parent = CallPlace {
        session: "ses_04".to_owned(),
        message: "msg_042".to_owned(),
        call: "call_4".to_owned(),
    };
    assert_eq!(turn.origin.parent, Some(parent));
    let deep = room.tape.turn("ses_19", "msg_191").unwrap().unwrap();
    assert_eq!((deep.origin.path.len(), deep.origin.root.id.as_str()), (12, "ses_07"));
}

#[test]
fn what_is_pruned_before_it_was_packed_is_a_dead_letter() {
    let mut room = Room::new();
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    for (session, message) in [("ses_1", "msg_1"), ("ses_1", "msg_2"), ("ses_2", "msg_3")] {
        room.prompt(NOW, session, message);
        room.idle(NOW, session);
    }
    room.ends(NOW);
    let due = room.tape.due(a, NOW, ALL).unwrap();
    let mut packing = room.tape.pack(a, &[due[1].id]).unwrap();
    packing.add(&mut room.tape, &[due[1].id], "{}", b"the second").unwrap();
    packing.finish(&mut room.tape).unwrap();

    let sessions = vec!["ses_1".to_owned()];
    let mut pruning = Pruning::new(Wanted { sessions, ..Wanted::default() }, NOW);
    assert!(pruning.step(&mut room.tape).unwrap());
    assert_eq!(room.turns(a), ["msg_2", "msg_3"], "nobody sees the first any more");
    assert!(room.tape.turn("ses_1", "msg_2").unwrap().is_none());
    while pruning.step(&mut room.tape).unwrap() {}
    let [letter] = &room.tape.dead_letters(10).unwrap()[..] else { panic!("one") };
    assert_eq!((letter.kind.as_str(), letter.item.as_str()), ("turn", "ses_1/msg_1"));
    assert_eq!((letter.session.as_deref(), letter.reason.as_str()), (Some("ses_1"), PRUNED));
    assert_eq!(room.turns(a), ["msg_2", "msg_3"], "it is whole in its parcel");
    let left = "SELECT count(*) FROM turns";
    assert_eq!(room.tape.connection.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    assert!(room.tape.verify(&mut |_| {}).unwrap().is_whole());
    // The user goes on there.
    room.prompt(NOW + SECOND, "ses_1", "msg_4");
    room.idle(NOW + SECOND, "ses_1");
    assert_eq!(room.turns(a), ["msg_2", "msg_3", "msg_4"]);
}

/// What SQLite does meanwhile, in hundreds of instructions of its machine.
fn counted<T>(room: &mut Room, does: impl FnOnce(&mut Room) -> T) -> (u64, T) {
    let done = Arc::new(AtomicU64::new(0));
    let counter = done.clone();
    let count = move || {
        counter.fetch_add(1, Ordering::Relaxed);
        false
    };
    room.tape.connection.progress_handler(100, Some(count)).unwrap();
    let given = does(room);
    room.tape.connection.progress_handler(0, None::<fn() -> bool>).unwrap();
    (done.load(Ordering::Relaxed), given)
}

/// So many turns of one session, each with a request and a sub-agent's turn that goes on until all end; the work to record
/// them.
fn long_session(turns: i64) -> (Room, DestinationId, u64) {
    let mut room = Room::new();
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    let (work, ()) = counted(&mut room, |room| {
        for turn in 0..turns {
            let (at, prompt) = (NOW + turn * SECOND, format!("msg_{turn:06}a"));
            let (answer, child) = (format!("msg_{turn:06}b"), format!("ses_{turn:06}"));
            let task = json!({"sessionID": "ses_1", "part": {"id": format!("prt_{turn}"),
                "messageID": answer, "type": "tool", "tool": "task", "callID": "call",
                "state": {"status": "running", "metadata": {"sessionId": child}}}});
            let events = [
                said("message.updated", &message_of("ses_1", &prompt, None, at)),
                said("message.updated", &message_of("ses_1", &answer, Some(&prompt), at)),
                said("message.part.updated", &task),
                said("message.updated", &message_of(&child, &format!("msg_{turn:06}c"), None, at)),
                said("session.idle", &json!({"sessionID": "ses_1"})),
            ];
            let asked = room.asks(at, "ses_1", Some(&prompt));
            room.asks(at, "ses_1", None);
            room.batch(|batch, spool| {
                for event in &events {
                    batch.event(spool, at, event).unwrap();
                }
            });
            room.is_answered(asked, 1);
        }
        room.ends(NOW);
    });
    (room, a, work)
}

#[test]
fn work_grows_with_the_number_of_turns_and_no_faster() {
    let works = |turns: i64| {
        let (mut room, a, recorded) = long_session(turns);
        let (read, ()) = counted(&mut room, |room| {
            let places = room.tape.turns("ses_1").unwrap();
            assert_eq!(places.len() as i64, turns);
            for (turn, place) in places.iter().enumerate() {
                let found = room.tape.recorded(place).unwrap();
                assert_eq!(
                    (found.events.len(), found.exchanges.len(), found.numbers.len()),
                    (4, 2, 2)
                );
                assert_eq!(
                    room.tape.turn("ses_1", &place.message).unwrap().unwrap().events.len(),
                    4
                );
                let child = room.tape.turn(&format!("ses_{turn:06}"), &format!("msg_{turn:06}c"));
                let origin = child.unwrap().unwrap().origin;
                assert_eq!((origin.path.len(), origin.root_message), (1, place.message.clone()));
            }
        });
        let (sent, arrived) = counted(&mut room, |room| {
            let bounds = Bounds { items: 50, bytes: usize::MAX };
            let mut arrived = 0;
            loop {
                let due = room.tape.due(a, NOW, bounds).unwrap();
                if due.is_empty() {
                    break arrived;
                }
                let ids: Vec<_> = due.iter().map(|due| due.id).collect();
                let mut packing = room.tape.pack(a, &ids).unwrap();
                packing.add(&mut room.tape, &ids, "{}", b"body").unwrap();
                packing.finish(&mut room.tape).unwrap();
                for parcel in room.tape.parcels_of(&ids).unwrap() {
                    arrived += room.tape.parcel_accepted(parcel.id, None).unwrap();
                }
            }
        });
        assert_eq!(arrived as i64, 2 * turns);
        room.tape.connection.execute("DELETE FROM turns", []).unwrap();
        let (old, ()) = counted(&mut room, |room| {
            for place in room.tape.turns("ses_1").unwrap() {
                assert_eq!(room.tape.recorded(&place).unwrap().events.len(), 4);
            }
        });
        [recorded, read, sent, old]
    };
    let (few, many) = (works(100), works(1_000));
    for (at, (few, many)) in few.into_iter().zip(many).enumerate() {
        assert!(many < few * 12, "{at}: {many} for ten times what took {few}");
    }
}
