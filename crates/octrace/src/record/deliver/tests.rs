//! What was recorded arrives, whoever dies when: every item at least once, as it is, or it is a dead letter with its
//! reason.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use octrace_store::delivery::{Item, Which};
use octrace_testkit::Author;
use proptest::prelude::*;
use serde_json::json;

use super::{
    super::{
        adopt::adopt_all,
        place::Delivery,
        tests::{Room, room},
    },
    engine::{Unavailable, Verdict},
    *,
};

const URL: &str = "postgres://me@db.example/trace";

const FLUSH: Duration = Duration::from_millis(500);

/// A recording that goes to the database at [`URL`].
fn recorded(room: &Room, events: usize) -> Author {
    recorded_with(room, events, "batch_size = 4\nretry_max = 2")
}

/// The same, served by these settings.
fn recorded_with(room: &Room, events: usize, settings: &str) -> Author {
    fs_config(room, &format!("[agent_trace]\ndatabase_url = '{URL}'\n{settings}"));
    let mut author = Author::dead(&room.root, "1-a");
    for _ in 0..events {
        author.event("session.updated", &json!({"sessionID": "ses_1"}));
    }
    room.pipeline(&author).drain(true).unwrap();
    author
}

fn fs_config(room: &Room, text: &str) {
    std::fs::create_dir_all(room.root.parent().unwrap()).unwrap();
    std::fs::write(room.place().config, text).unwrap();
}

fn number(due: &Due) -> i64 {
    match &due.item {
        Item::Event { number, .. } => *number,
        Item::Record { .. } | Item::Turn { .. } => panic!("only events go there"),
    }
}

/// What a destination has: each item with how often it came.
type Arrived = Arc<Mutex<BTreeMap<i64, u32>>>;

fn take(arrived: &Arrived, due: &Due) -> Verdict {
    *arrived.lock().unwrap().entry(number(due)).or_default() += 1;
    Verdict::Accepted
}

/// A clock that goes on when it is told to.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn go_on(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::Relaxed);
    }

    fn reader(&self) -> impl Fn() -> i64 + use<> {
        let clock = self.0.clone();
        move || clock.load(Ordering::Relaxed)
    }
}

fn engine<S: FnMut(&[Due]) -> Sent>(
    room: &Room,
    clock: &Clock,
    mut send: S,
) -> Engine<impl FnMut(&[Due], &mut Ahead<'_>) -> Sent, impl Fn() -> i64 + use<S>> {
    let to = room.tape().destinations().unwrap()[0].id;
    let send = move |due: &[Due], _: &mut Ahead<'_>| send(due);
    Engine::new(room.tape(), to, Lock::of(&room.tape, to), send, clock.reader())
}

fn away(why: &str, retry_after: Option<Duration>) -> Unavailable {
    Unavailable { why: why.to_owned(), retry_after }
}

fn unavailable(batch: &[Due]) -> Sent {
    let verdicts = vec![Verdict::Unknown; batch.len()];
    Sent { verdicts, unavailable: Some(away("no route to host", None)) }
}

#[test]
fn a_batch_waits_for_more_but_not_for_long() {
    let room = room();
    let mut author = recorded(&room, 6);
    let (arrived, clock) = (Arrived::default(), Clock::default());
    let send = |batch: &[Due]| Sent {
        verdicts: batch.iter().map(|due| take(&arrived, due)).collect(),
        unavailable: None,
    };
    let mut engine = engine(&room, &clock, send);
    let count = || arrived.lock().unwrap().len();
    assert_eq!(engine.step(Urge::None).unwrap(), Next::Again);
    assert_eq!(count(), 6, "a batch is full, and what waits besides goes with it");
    for _ in 0..2 {
        author.event("session.updated", &json!({"sessionID": "ses_1"}));
    }
    room.pipeline(&author).drain(true).unwrap();
    assert_eq!(engine.step(Urge::None).unwrap(), Next::Idle(Some(FLUSH)));
    clock.go_on(Duration::from_millis(499));
    assert_eq!(engine.step(Urge::None).unwrap(), Next::Idle(Some(Duration::from_millis(1))));
    clock.go_on(Duration::from_millis(1));
    assert_eq!(engine.step(Urge::None).unwrap(), Next::Again);
    assert_eq!(count(), 8);
    assert_eq!(engine.step(Urge::None).unwrap(), Next::Idle(None));
    drop(author);
}

#[test]
fn back_off_doubles_is_bounded_and_really_waited_for() {
    let room = room();
    recorded(&room, 1);
    let (clock, tries) = (Clock::default(), Arc::new(AtomicI64::new(0)));
    let mut engine = engine(&room, &clock, |batch: &[Due]| {
        tries.fetch_add(1, Ordering::Relaxed);
        unavailable(batch)
    });
    let mut waits = Vec::new();
    for attempt in 1..=14 {
        let Next::Rest(wait) = engine.step(Urge::Now(None)).unwrap() else { panic!("no answer") };
        assert_eq!(tries.load(Ordering::Relaxed), attempt);
        clock.go_on(wait - Duration::from_micros(1));
        assert_eq!(engine.step(Urge::None).unwrap(), Next::Rest(Duration::from_micros(1)));
        clock.go_on(Duration::from_micros(1));
        waits.push(wait);
    }
    let mut longest = Duration::from_millis(500);
    for wait in waits {
        assert!(wait >= longest / 2 && wait <= longest, "{wait:?} of {longest:?}");
        longest = (longest * 2).min(Duration::from_secs(300));
    }
    let standing = &room.tape().queue().unwrap()[0];
    assert_eq!((standing.waiting, standing.dead), (1, 0), "however often it is not there");
    assert_eq!(standing.destination.attempts, 14);
    assert_eq!(standing.destination.error.as_deref(), Some("no route to host"));
}

#[test]
fn who_comes_anew_tries_at_once_and_only_once() {
    let room = room();
    recorded(&room, 1);
    let clock = Clock::default();
    let mut engine = engine(&room, &clock, unavailable);
    assert!(matches!(engine.step(Urge::Now(None)).unwrap(), Next::Rest(_)));
    let seen = engine.retry_us().unwrap();
    assert!(matches!(engine.step(Urge::Now(seen)).unwrap(), Next::Rest(_)));
    assert_eq!(room.tape().destinations().unwrap()[0].attempts, 2);
    let waiting = engine.step(Urge::Now(seen)).unwrap();
    assert!(matches!(waiting, Next::Rest(_)), "another process tried meanwhile");
    assert_eq!(room.tape().destinations().unwrap()[0].attempts, 2);
}

#[test]
fn a_destination_that_asks_to_be_left_in_peace_is_by_everybody_but_not_for_ever() {
    let room = room();
    recorded_with(&room, 1, "batch_size = 1");
    let clock = Clock::default();
    let asked = Arc::new(Mutex::new(Duration::from_secs(7)));
    let told = || {
        let asked = asked.clone();
        engine(&room, &clock, move |batch: &[Due]| {
            let why = Some(away("too many requests", Some(*asked.lock().unwrap())));
            Sent { unavailable: why, ..unavailable(batch) }
        })
    };
    let rest = |seconds| Next::Rest(Duration::from_secs(seconds));
    assert_eq!(told().step(Urge::None).unwrap(), rest(7));
    clock.go_on(Duration::from_secs(4));
    let mut another = told();
    let seen = another.retry_us().unwrap();
    assert_eq!(another.step(Urge::Now(seen)).unwrap(), rest(3), "whoever comes anew");
    clock.go_on(Duration::from_secs(3));
    *asked.lock().unwrap() = Duration::from_secs(1_000_000);
    assert_eq!(another.step(Urge::None).unwrap(), rest(60 * 60));
    assert_eq!(room.tape().destinations().unwrap()[0].attempts, 2);
    // Only a person who says so comes earlier.
    room.tape().retry(&Which::All).unwrap();
    *asked.lock().unwrap() = Duration::ZERO;
    let Next::Rest(wait) = another.step(Urge::None).unwrap() else { panic!("no answer") };
    assert!(wait >= Duration::from_millis(250), "however soon it wants to be asked again");
}

#[test]
fn a_destination_that_asks_for_no_rest_at_all_gets_more_and_more_of_it() {
    let room = room();
    recorded_with(&room, 1, "batch_size = 1");
    let clock = Clock::default();
    let mut engine = engine(&room, &clock, |batch: &[Due]| {
        let why = Some(away("too many requests", Some(Duration::ZERO)));
        Sent { unavailable: why, ..unavailable(batch) }
    });
    let mut longest = Duration::ZERO;
    for _ in 0..12 {
        let Next::Rest(wait) = engine.step(Urge::None).unwrap() else { panic!("no answer") };
        longest = longest.max(wait);
        clock.go_on(wait);
    }
    assert!(longest > Duration::from_secs(60), "{longest:?}");
}

#[test]
fn what_must_not_be_sent_again_is_a_dead_letter_at_once() {
    let room = room();
    recorded(&room, 2);
    let clock = Clock::default();
    let mut engine = engine(&room, &clock, |_: &[Due]| Sent {
        verdicts: vec![Verdict::Dead("3 of 4 spans".to_owned()), Verdict::Accepted],
        unavailable: None,
    });
    assert_eq!(engine.step(Urge::Now(None)).unwrap(), Next::Again);
    assert_eq!(engine.step(Urge::Now(None)).unwrap(), Next::Idle(None));
    let [letter] = &room.tape().dead_letters(10).unwrap()[..] else { panic!("one") };
    assert_eq!((letter.reason.as_str(), letter.attempts), ("3 of 4 spans", 1));
}

#[test]
fn who_was_refused_with_others_is_tried_alone_at_once_before_it_is_given_up() {
    let room = room();
    recorded_with(&room, 2, "batch_size = 2\nretry_max = 0");
    let clock = Clock::default();
    let mut verdicts = [
        vec![Verdict::Apart("one of them".to_owned()); 2],
        vec![Verdict::Refused("this one".to_owned()), Verdict::Accepted],
    ]
    .into_iter();
    let mut engine = engine(&room, &clock, |_: &[Due]| Sent {
        verdicts: verdicts.next().unwrap(),
        unavailable: None,
    });
    assert_eq!(engine.step(Urge::None).unwrap(), Next::Again);
    assert_eq!(engine.step(Urge::None).unwrap(), Next::Again);
    assert_eq!(engine.step(Urge::None).unwrap(), Next::Idle(None));
    let [letter] = &room.tape().dead_letters(10).unwrap()[..] else { panic!("one") };
    assert_eq!((letter.reason.as_str(), letter.attempts), ("this one", 2));
}

#[test]
fn what_is_at_fault_itself_holds_nothing_up_and_is_a_dead_letter_in_the_end() {
    let room = room();
    recorded(&room, 3);
    let (arrived, clock) = (Arrived::default(), Clock::default());
    let mut tried = Vec::new();
    let first = number(&room.tape().due(DestinationId(1), 0, BOUNDS).unwrap()[0]);
    let mut engine = engine(&room, &clock, |batch: &[Due]| Sent {
        verdicts: batch
            .iter()
            .map(|due| match number(due) == first {
                true => Verdict::Refused("value too long".to_owned()),
                false => take(&arrived, due),
            })
            .inspect(|_| tried.push(()))
            .collect(),
        unavailable: None,
    });
    let mut refused = 0;
    loop {
        match engine.step(Urge::Now(None)).unwrap() {
            Next::Again => refused += 1,
            Next::Idle(Some(wait)) => clock.go_on(wait),
            Next::Idle(None) => break,
            next => panic!("{next:?}"),
        }
    }
    drop(engine);
    assert_eq!((refused, tried.len()), (3, 5), "once, and twice again");
    assert_eq!(arrived.lock().unwrap().len(), 2);
    let [letter] = &room.tape().dead_letters(10).unwrap()[..] else { panic!("one") };
    assert_eq!((letter.reason.as_str(), letter.attempts), ("value too long", 3));
}

const BOUNDS: octrace_store::delivery::Bounds =
    octrace_store::delivery::Bounds { items: 100, bytes: usize::MAX };

/// What a destination does with a batch, and what happens to who delivers.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Accepts,
    /// Takes so many; then the connection is cut, and of so many of these nobody hears.
    Cut(usize, usize),
    /// Refuses the one item that it never takes, accepts the others.
    Refuses,
    Away,
    /// The deliverer dies after so many arrived, before it could note anything.
    Dies(usize),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::Accepts),
        2 => (0..22_usize, 0..5_usize).prop_map(|(taken, unheard)| Fate::Cut(taken, unheard)),
        2 => Just(Fate::Refuses),
        2 => Just(Fate::Away),
        2 => (0..22_usize).prop_map(Fate::Dies),
    ]
}

fn meet(fate: Fate, arrived: &Arrived, bad: &BTreeSet<i64>, batch: &[Due]) -> Sent {
    let is_bad = |due: &Due| bad.contains(&number(due));
    let verdict = |due: &Due| match is_bad(due) {
        true => Verdict::Refused("bad".to_owned()),
        false => take(arrived, due),
    };
    match fate {
        Fate::Accepts | Fate::Refuses => {
            Sent { verdicts: batch.iter().map(verdict).collect(), unavailable: None }
        }
        Fate::Away => unavailable(batch),
        Fate::Cut(taken, unheard) => {
            let mut verdicts: Vec<_> = batch.iter().take(taken).map(verdict).collect();
            let heard = verdicts.len().saturating_sub(unheard);
            verdicts.truncate(heard);
            verdicts.resize(batch.len(), Verdict::Unknown);
            Sent { verdicts, unavailable: Some(away("cut", None)) }
        }
        Fate::Dies(taken) => {
            batch.iter().take(taken).map(verdict).for_each(drop);
            panic::resume_unwind(Box::new("killed"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_each_item_arrives_or_is_a_dead_letter(
        events in 1..60_usize,
        bad in proptest::collection::btree_set(0..60_usize, 0..3),
        fates in proptest::collection::vec(fate(), 0..20),
    ) {
        let room = room();
        // Twenty at once.
        recorded_with(&room, events, "batch_size = 1\nretry_max = 2");
        let items: Vec<i64> =
            room.tape().due(DestinationId(1), 0, BOUNDS).unwrap().iter().map(number).collect();
        prop_assert_eq!(items.len(), events);
        let bad: BTreeSet<i64> = bad.iter().filter_map(|at| items.get(*at).copied()).collect();
        let (arrived, clock) = (Arrived::default(), Clock::default());
        // In the end all goes well.
        let mut fates = fates.into_iter().chain(std::iter::repeat(Fate::Accepts));
        let mut lives = 0;
        loop {
            let mut engine = engine(&room, &clock, |batch: &[Due]| {
                meet(fates.next().unwrap_or(Fate::Accepts), &arrived, &bad, batch)
            });
            lives += 1;
            prop_assert!(lives < 100);
            let life = panic::catch_unwind(AssertUnwindSafe(|| loop {
                match engine.step(Urge::None).unwrap() {
                    Next::Again => {}
                    Next::Idle(None) => break,
                    Next::Idle(Some(wait)) | Next::Rest(wait) => clock.go_on(wait),
                    Next::Gone => panic!("it is named by a spool"),
                }
            }));
            if life.is_ok() {
                break;
            }
        }
        let arrived = arrived.lock().unwrap();
        let good: BTreeSet<i64> = items.iter().copied().filter(|item| !bad.contains(item)).collect();
        prop_assert_eq!(arrived.keys().copied().collect::<BTreeSet<_>>(), good);
        let tape = room.tape();
        let letters = tape.dead_letters(100).unwrap();
        let dead: BTreeSet<i64> = letters.iter().map(|letter| letter.item.parse().unwrap()).collect();
        prop_assert_eq!(dead, bad);
        prop_assert!(letters.iter().all(|letter| letter.reason == "bad"));
        prop_assert_eq!(tape.queue().unwrap()[0].waiting, 0);
    }
}

/// A destination's threads, as a process has them.
fn process(room: &Room, arrived: &Arrived, busy: &Arc<AtomicI64>) -> Deliverers {
    let (arrived, busy) = (arrived.clone(), busy.clone());
    let connect = move |_: &Destination| -> Option<Sender> {
        let (arrived, busy) = (arrived.clone(), busy.clone());
        Some(Box::new(move |batch: &[Due], _: &mut Ahead<'_>| {
            assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
            let verdicts = batch.iter().map(|due| take(&arrived, due)).collect();
            thread::yield_now();
            busy.fetch_sub(1, Ordering::SeqCst);
            Sent { verdicts, unavailable: None }
        }))
    };
    Deliverers::new(&room.tape, Box::new(connect))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

#[test]
fn many_who_deliver_to_one_destination_take_turns_and_send_nothing_twice() {
    let room = room();
    recorded_with(&room, 200, "batch_size = 1");
    let (arrived, busy) = (Arrived::default(), Arc::new(AtomicI64::new(0)));
    let mut processes: Vec<_> = (0..4).map(|_| process(&room, &arrived, &busy)).collect();
    for process in &mut processes {
        process.look(&room.tape()).unwrap();
    }
    for process in processes {
        process.drain();
        process.wait(soon());
    }
    let arrived = arrived.lock().unwrap();
    assert_eq!(arrived.len(), 200);
    assert!(arrived.values().all(|times| *times == 1));
    assert_eq!(room.tape().queue().unwrap()[0].waiting, 0);
}

#[test]
fn what_comes_while_it_follows_is_delivered_without_being_asked() {
    let room = room();
    fs_config(&room, &format!("[agent_trace]\ndatabase_url = '{URL}'\nflush_ms = 1"));
    let mut author = Author::alive(&room.root, "1-a");
    let mut pipeline = room.pipeline(&author);
    pipeline.drain(false).unwrap();
    let (sender, receiver) = mpsc::channel();
    let connect = move |_: &Destination| -> Option<Sender> {
        let sender = sender.clone();
        Some(Box::new(move |batch: &[Due], _: &mut Ahead<'_>| {
            for due in batch {
                sender.send(number(due)).unwrap();
            }
            Sent { verdicts: vec![Verdict::Accepted; batch.len()], unavailable: None }
        }))
    };
    let mut deliverers = Deliverers::new(&room.tape, Box::new(connect));
    deliverers.look(&room.tape()).unwrap();
    for expected in 1..=3 {
        author.event("session.updated", &json!({"sessionID": "ses_1"}));
        pipeline.drain(false).unwrap();
        deliverers.wake();
        assert_eq!(receiver.recv_timeout(Duration::from_secs(60)).unwrap(), expected);
    }
    deliverers.drain();
    deliverers.wait(soon());
}

#[test]
fn a_recorder_that_ends_does_not_wait_for_who_is_away() {
    let room = room();
    recorded(&room, 3);
    let tries = Arc::new(AtomicI64::new(0));
    let counted = tries.clone();
    let connect = move |_: &Destination| -> Option<Sender> {
        let counted = counted.clone();
        Some(Box::new(move |batch: &[Due], _: &mut Ahead<'_>| {
            counted.fetch_add(1, Ordering::Relaxed);
            unavailable(batch)
        }))
    };
    let mut deliverers = Deliverers::new(&room.tape, Box::new(connect));
    deliverers.look(&room.tape()).unwrap();
    deliverers.drain();
    let begun = Instant::now();
    deliverers.wait(begun + Duration::from_secs(600));
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert!((1..=2).contains(&tries.load(Ordering::Relaxed)));
    assert_eq!(room.tape().queue().unwrap()[0].waiting, 3);
}

#[test]
fn no_password_reaches_the_tape_or_what_is_told_of_it() {
    let room = room();
    let url = "postgres://me:geheim@db.example/trace?sslpassword=geheim";
    fs_config(&room, &format!("agent_trace.database_url = '{url}'"));
    let mut author = Author::dead(&room.root, "1-a");
    author.event("session.updated", &json!({"sessionID": "ses_1"}));
    room.pipeline(&author).finish().unwrap();
    let url = crate::config::database::DatabaseUrl::new(url);
    let place = Place {
        delivery: Delivery { database: url.clone(), ..Delivery::default() },
        ..room.place()
    };
    let queue = room.tape().queue().unwrap();
    let identity = &queue[0].destination.identity;
    assert_eq!(identity.name, URL);
    assert!(reach::url(identity, url.as_ref()).is_some());
    assert!(!format!("{queue:?} {place:?}").contains("geheim"));
    let mut folders = vec![room.root.parent().unwrap().to_owned()];
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path != place.config {
                let bytes = std::fs::read(&path).unwrap();
                let has = memchr::memmem::find(&bytes, b"geheim").is_some();
                assert!(!has, "{}", path.display());
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 0);
}

#[test]
fn nothing_is_delivered_by_who_has_another_url_nor_what_was_recorded_without_one() {
    let room = room();
    let mut author = Author::dead(&room.root, "0-a");
    author.event("session.updated", &json!({"sessionID": "ses_0"}));
    adopt_all(&room.place());
    assert_eq!(room.tape().queue().unwrap(), [], "nobody named a destination");
    recorded(&room, 2);
    assert_eq!(room.tape().queue().unwrap()[0].waiting, 2);

    let identity = room.tape().destinations().unwrap()[0].identity.clone();
    let has = |url: &str| {
        let url = crate::config::database::DatabaseUrl::new(url);
        reach::url(&identity, url.as_ref()).is_some()
    };
    assert!(has("postgresql://me:geheim@DB.example:5432/trace?sslmode=require"));
    for other in ["postgres://me@db.example/other", "postgres://you@db.example/trace", ""] {
        assert!(!has(other), "{other}");
    }
    assert_eq!(room.tape().retry(&Which::All).unwrap(), 2);
}
