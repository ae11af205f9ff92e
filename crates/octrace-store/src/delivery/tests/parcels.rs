//! Parcels: what was packed is sent as it is until it is accepted; what waited for too long goes.

use super::*;
use crate::verify::Broken;

/// Turns that wait for a destination.
fn waiting(room: &mut Room, to: DestinationId, count: i64) -> Vec<DeliveryId> {
    let before = room.turns(to).len();
    for number in 0..count {
        let (session, message) = (format!("ses_{number}"), format!("msg_{before:02}{number}"));
        room.prompt(NOW + number, &session, &message);
        room.idle(NOW + number, &session);
    }
    let due = room.tape.due(to, NOW + HOUR, ALL).unwrap();
    due[before..].iter().map(|due| due.id).collect()
}

fn pack(room: &mut Room, to: DestinationId, parcels: &[(&[DeliveryId], &str)]) -> Vec<Parcel> {
    let items: Vec<_> = parcels.iter().flat_map(|(items, _)| items.iter().copied()).collect();
    let mut packing = room.tape.pack(to, &items).unwrap();
    for (items, body) in parcels {
        packing.add(&mut room.tape, items, r#"{"turns":1}"#, body.as_bytes()).unwrap();
    }
    packing.finish(&mut room.tape).unwrap();
    room.tape.parcels_of(&items).unwrap()
}

fn body(room: &Room, parcel: &Parcel) -> Option<String> {
    let body = room.tape.parcel_body(parcel.id).unwrap();
    body.map(|body| String::from_utf8(body).unwrap())
}

fn rows(room: &Room, table: &str) -> i64 {
    let count = format!("SELECT count(*) FROM {table}");
    room.tape.connection.query_row(&count, [], |row| row.get(0)).unwrap()
}

/// Whether the items that are due are packed.
fn packed(room: &Room, to: DestinationId) -> Vec<(DeliveryId, bool)> {
    let mut tape = Tape::open(&room._folder.path().join("tape.db")).unwrap();
    let due = tape.due(to, NOW + HOUR, ALL).unwrap();
    due.iter().map(|due| (due.id, due.is_packed)).collect()
}

#[test]
fn what_is_packed_stays_the_same_until_all_of_it_is_accepted() {
    let mut room = Room::new();
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    let ids = waiting(&mut room, a, 3);
    let [one, two, three] = ids[..] else { panic!("three") };
    let long = "the same words again and again, ".repeat(1_000);
    let parcels =
        pack(&mut room, a, &[(&[one, two], "both"), (&[three], &long), (&[three], "end")]);
    assert_eq!(packed(&room, a), [(one, true), (two, true), (three, true)]);
    let [both, piece, end] = &parcels[..] else { panic!("three") };
    assert_eq!((both.items.as_slice(), both.head.as_str()), (&[one, two][..], r#"{"turns":1}"#));
    assert_eq!(body(&room, piece).as_deref(), Some(long.as_str()));
    assert_eq!(room.tape.parcels_of(&[two]).unwrap(), parcels[..1]);

    // Nobody packs it again.
    let mut again = room.tape.pack(a, &[one, three]).unwrap();
    again.add(&mut room.tape, &[one], "{}", b"other").unwrap();
    again.finish(&mut room.tape).unwrap();
    assert_eq!(room.tape.parcels_of(&ids).unwrap(), parcels);

    assert_eq!(room.tape.parcel_accepted(piece.id, None).unwrap(), 0, "its end is to come");
    let left = room.tape.parcels_of(&[three]).unwrap();
    assert_eq!(left.iter().map(|parcel| parcel.is_accepted).collect::<Vec<_>>(), [true, false]);
    assert_eq!(body(&room, piece), None);
    assert_eq!(room.tape.parcel_accepted(both.id, None).unwrap(), 2);
    assert_eq!(packed(&room, a), [(three, true)]);
    assert_eq!(room.tape.parcel_accepted(end.id, None).unwrap(), 1);
    assert_eq!(room.tape.parcel_accepted(end.id, None).unwrap(), 0, "once more");
    assert_eq!(
        [rows(&room, "deliveries"), rows(&room, "parcels"), rows(&room, "parcel_items")],
        [0; 3]
    );
}

#[test]
fn what_a_process_that_died_had_packed_is_not_sent() {
    let mut room = Room::new();
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    let ids = waiting(&mut room, a, 2);
    let mut died = room.tape.pack(a, &ids).unwrap();
    died.add(&mut room.tape, &ids, "{}", b"both").unwrap();
    died.add(&mut room.tape, &ids[..1], "{}", b"a piece").unwrap();
    drop(died);
    assert_eq!(packed(&room, a), [(ids[0], false), (ids[1], false)]);
    let parcels = pack(&mut room, a, &[(&ids[1..], "alone")]);
    assert_eq!(parcels.len(), 1);
    assert_eq!(packed(&room, a), [(ids[0], false), (ids[1], true)]);
    let parcels = pack(&mut room, a, &[(&ids[..1], "alone, too")]);
    assert_eq!((parcels.len(), rows(&room, "parcels")), (1, 2));
}

#[test]
fn of_what_is_tried_again_only_what_was_refused_is_sent() {
    let mut room = Room::new();
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    let [id] = waiting(&mut room, a, 1)[..] else { panic!("one") };
    let parcels = pack(&mut room, a, &[(&[id], "begin"), (&[id], "end")]);
    room.tape.parcel_accepted(parcels[0].id, None).unwrap();
    room.tape.parcel_refused(parcels[1].id, "too odd").unwrap();
    let refused = vec![Refusal { id, reason: "too odd".to_owned(), retry_us: None }];
    room.tape.settle(NOW, &Settled { refused, ..Settled::default() }).unwrap();
    assert_eq!(room.turns(a), [""; 0]);
    assert_eq!(room.tape.dead_letters(9).unwrap()[0].reason, "too odd");

    room.tape.retry(&Which::These(vec![id])).unwrap();
    assert_eq!(packed(&room, a), [(id, true)]);
    let [begin, end] = &room.tape.parcels_of(&[id]).unwrap()[..] else { panic!("two") };
    assert!(begin.is_accepted && !end.is_accepted);
    assert_eq!(end.reason.as_deref(), Some("too odd"));
    assert_eq!(body(&room, end).as_deref(), Some("end"));
    assert_eq!(room.tape.parcel_accepted(end.id, None).unwrap(), 1);
}

#[test]
fn what_was_accepted_in_part_is_not_sent_again_and_stays_to_be_told() {
    let mut room = Room::new();
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    let [id] = waiting(&mut room, a, 1)[..] else { panic!("one") };
    let parcels = pack(&mut room, a, &[(&[id], "begin"), (&[id], "end")]);
    assert_eq!(room.tape.parcel_accepted(parcels[0].id, Some("2 of 3 spans")).unwrap(), 0);
    assert_eq!(room.tape.parcel_accepted(parcels[1].id, None).unwrap(), 0);
    let left = room.tape.parcels_of(&[id]).unwrap();
    assert!(left.iter().all(|parcel| parcel.is_accepted && body(&room, parcel).is_none()));
    assert_eq!(left[0].reason.as_deref(), Some("2 of 3 spans"));
    let refused = vec![Refusal { id, reason: "2 of 3 spans".to_owned(), retry_us: None }];
    room.tape.settle(NOW, &Settled { refused, ..Settled::default() }).unwrap();
    assert_eq!(room.tape.queue().unwrap()[0].dead, 1);
}

#[test]
fn a_parcel_of_several_that_was_refused_is_packed_anew() {
    let mut room = Room::new();
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    let ids = waiting(&mut room, a, 3);
    let parcels = pack(&mut room, a, &[(&ids[..2], "two"), (&ids[2..], "one")]);
    room.tape.unpack(parcels[0].id).unwrap();
    assert_eq!(packed(&room, a), [(ids[0], false), (ids[1], false), (ids[2], true)]);
    assert_eq!(room.tape.parcels_of(&ids).unwrap(), parcels[1..]);
    // What was heard of it too late changes nothing.
    assert_eq!(room.tape.parcel_accepted(parcels[0].id, None).unwrap(), 0);
    assert_eq!(rows(&room, "deliveries"), 3);
}

#[test]
fn what_is_dropped_is_not_sent_with_others() {
    let mut room = Room::new();
    let [a, b] = room.traces_to(&["a", "b"])[..] else { panic!("two") };
    let ids = waiting(&mut room, a, 3);
    pack(&mut room, a, &[(&ids[..2], "two"), (&ids[2..], "one")]);
    let others = room.tape.due(b, NOW + HOUR, ALL).unwrap();
    pack(&mut room, b, &[(&[others[0].id], "elsewhere")]);
    let refused = vec![Refusal { id: ids[1], reason: "no".to_owned(), retry_us: None }];
    room.tape.settle(NOW, &Settled { refused, ..Settled::default() }).unwrap();
    assert_eq!(room.tape.drop_deliveries(&Which::Of(a), true).unwrap(), 1);
    assert_eq!(packed(&room, a), [(ids[0], false), (ids[2], true)]);
    assert_eq!(room.tape.drop_deliveries(&Which::These(vec![ids[2]]), false).unwrap(), 1);
    assert_eq!(rows(&room, "parcels"), 1, "the other destination's");
    assert_eq!(room.tape.drop_deliveries(&Which::All, false).unwrap(), 4);
    assert_eq!([rows(&room, "parcels"), rows(&room, "parcel_items")], [0; 2]);
    // Nothing is packed for what somebody dropped meanwhile.
    let mut packing = room.tape.pack(a, &ids).unwrap();
    packing.add(&mut room.tape, &ids, "{}", b"too late").unwrap();
    packing.finish(&mut room.tape).unwrap();
    assert_eq!(rows(&room, "parcels"), 0);
}

#[test]
fn what_waited_for_too_long_or_is_too_much_becomes_a_dead_letter() {
    let mut room = Room::new();
    let [a, b] = room.traces_to(&["a", "b"])[..] else { panic!("two") };
    let ids = waiting(&mut room, a, 4);
    let bytes = "UPDATE deliveries SET bytes = 100 WHERE destination = ?1";
    room.tape.connection.execute(bytes, [a.0]).unwrap();
    let none = Rules { max_bytes: None, max_age_ms: None, ..Rules::default() };
    let rules = Rules { max_bytes: Some(200), max_age_ms: Some(7 * 24 * 3_600_000), ..none };
    let week = 7 * 24 * HOUR;
    assert_eq!(room.tape.expire(a, NOW + 100 * week, &none).unwrap(), 0);
    let roomy = Rules { max_bytes: Some(400), ..rules };
    assert_eq!(room.tape.expire(a, NOW + week, &roomy).unwrap(), 0);
    let parcels = pack(&mut room, a, &[(&ids[..2], "two")]);
    assert_eq!(room.tape.expire(a, NOW + week + 1, &rules).unwrap(), 2);
    let letters = room.tape.dead_letters(9).unwrap();
    let told: Vec<_> = letters.iter().map(|dead| (dead.id, dead.reason.as_str())).collect();
    let (old, much) =
        ("it waited for more than 7 days: maxSpoolAge", "more than 200 bytes waited: maxSpoolSize");
    assert_eq!(told, [(ids[1], much), (ids[0], old)]);
    assert_eq!((room.turns(a).len(), room.turns(b).len()), (2, 4));
    // However large the newest is, it may go.
    let tight = Rules { max_bytes: Some(1), ..none };
    assert_eq!(room.tape.expire(a, NOW, &tight).unwrap(), 1);
    assert_eq!(room.turns(a), ["msg_003"]);
    // What arrives all the same is no dead letter any more.
    assert_eq!(room.tape.parcel_accepted(parcels[0].id, None).unwrap(), 2);
    assert_eq!(room.tape.dead_letters(9).unwrap().len(), 1);
}

#[test]
fn a_dead_letter_takes_its_parcels_when_it_is_swept_away() {
    let mut room = Room::new();
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    let ids = waiting(&mut room, a, 2);
    let mut noise = vec![0; 40_000];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    let mut packing = room.tape.pack(a, &ids).unwrap();
    for id in &ids {
        packing.add(&mut room.tape, &[*id], "{}", &noise).unwrap();
    }
    packing.finish(&mut room.tape).unwrap();
    let used = |room: &Room| room.tape.usage().unwrap().parcel_bytes;
    assert_eq!(used(&room), 80_000);
    room.ends(NOW);
    let late = NOW + 100 * 24 * HOUR;
    let refused = |id: &DeliveryId| Refusal { id: *id, reason: "no".to_owned(), retry_us: None };
    let refused = ids.iter().map(refused).collect();
    room.tape.settle(NOW, &Settled { refused, ..Settled::default() }).unwrap();
    let mut pruning = Pruning::new(Wanted { before_us: Some(late), ..Wanted::default() }, late);
    while pruning.step(&mut room.tape).unwrap() {}
    assert_eq!([rows(&room, "parcels"), rows(&room, "deliveries"), rows(&room, "turns")], [0; 3]);
    assert_eq!(used(&room), 0);
    assert_eq!(room.tape.queue().unwrap(), []);
}

#[test]
fn a_damaged_parcel_and_a_turn_without_a_begin_are_found() {
    let mut room = Room::new();
    let [a] = room.traces_to(&["a"])[..] else { panic!("one") };
    let ids = waiting(&mut room, a, 2);
    let [parcel] = &pack(&mut room, a, &[(&ids[..1], &"so and so ".repeat(100))])[..] else {
        panic!("one")
    };
    let findings = |room: &Room| {
        let found = room.tape.verify(&mut |_| {}).unwrap();
        found.findings.into_iter().map(|found| (found.broken, found.what)).collect::<Vec<_>>()
    };
    assert_eq!(findings(&room), []);
    room.tape
        .connection
        .execute("UPDATE turns SET began = 999 WHERE session = 'ses_1'", [])
        .unwrap();
    let found = findings(&room);
    assert_eq!(found, [(Broken::Derived, "1 turns begin with events that are gone".to_owned())]);
    room.tape.rebuild(&mut |_| {}).unwrap();
    assert_eq!(findings(&room), []);
    assert_eq!(room.tape.turns("ses_1").unwrap().len(), 1);
    room.tape.connection.execute("UPDATE parcels SET body = substr(body, 5)", []).unwrap();
    assert!(matches!(room.tape.parcel_body(parcel.id), Err(error) if error.is_damage()));
    assert_eq!(findings(&room)[0].0, Broken::Content);
}
