//! Turns that begin and end in any order, in processes that come and go, recorders that die: each turn that has ended is
//! queued once for each destination that its process had then.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Do {
    Prompt {
        process: usize,
        session: u8,
    },
    /// Something is told of a message that was made before.
    Word {
        process: usize,
        back: usize,
    },
    Answer {
        process: usize,
        session: u8,
    },
    Idle {
        process: usize,
        session: u8,
        times: usize,
    },
    End {
        process: usize,
    },
    Goes {
        process: usize,
        to: [bool; 2],
    },
    Deliver {
        to: usize,
        count: u32,
    },
    Retry,
    Rebuild,
}

fn what() -> impl Strategy<Value = Do> {
    let (process, session) = (0..2_usize, 0..3_u8);
    let place = (process.clone(), session);
    prop_oneof![
        6 => place.clone().prop_map(|(process, session)| Do::Prompt { process, session }),
        3 => (process.clone(), 0..4_usize).prop_map(|(process, back)| Do::Word { process, back }),
        2 => place.clone().prop_map(|(process, session)| Do::Answer { process, session }),
        5 => (place, 1..3_usize)
            .prop_map(|((process, session), times)| Do::Idle { process, session, times }),
        1 => process.clone().prop_map(|process| Do::End { process }),
        1 => (process, any::<[bool; 2]>()).prop_map(|(process, to)| Do::Goes { process, to }),
        2 => (0..2_usize, 1..4_u32).prop_map(|(to, count)| Do::Deliver { to, count }),
        1 => Just(Do::Retry),
        1 => Just(Do::Rebuild),
    ]
}

const NAMES: [&str; 2] = ["a", "b"];

/// What should be so.
#[derive(Default)]
struct Expected {
    /// The turns that go on, by process, in the order of their begin.
    open: BTreeMap<i64, Vec<(String, String)>>,
    /// Where a process' turns go.
    goes: BTreeMap<i64, [bool; 2]>,
    queued: [Vec<String>; 2],
}

impl Expected {
    fn end(&mut self, spool: SpoolId, session: Option<&str>) {
        let goes = self.goes.get(&spool.0).copied().unwrap_or_default();
        let open = self.open.entry(spool.0).or_default();
        let ends = |of: &str| session.is_none_or(|session| session == of);
        for (_, message) in open.iter().filter(|(of, _)| ends(of)) {
            for (queued, _) in self.queued.iter_mut().zip(goes).filter(|(_, goes)| *goes) {
                queued.push(message.clone());
            }
        }
        open.retain(|(of, _)| !ends(of));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_turn_that_has_ended_is_queued_once(
        done in prop::collection::vec((what(), any::<bool>()), 1..60),
    ) {
        let mut room = Room::new();
        let mut expected = Expected::default();
        let ids = room.traces_to(&NAMES);
        let mut processes: Vec<SpoolId> = Vec::new();
        for name in ["p-0", "p-1"] {
            processes.push(room.tape.spool(name, 0).unwrap().0);
        }
        let mut messages: Vec<(String, String)> = Vec::new();
        let mut arrived: [Vec<String>; 2] = Default::default();
        for (at, (what, dies)) in done.into_iter().enumerate() {
            // What a recorder that died had not committed is recorded by the next one.
            let mut record = |process: usize, told: &[Clean<event::Event>]| {
                room.spool = processes[process];
                if dies {
                    let mut batch = room.tape.begin().unwrap();
                    for event in told {
                        batch.event(room.spool, NOW, event).unwrap();
                    }
                    drop(batch);
                }
                room.batch(|batch, spool| {
                    for event in told {
                        batch.event(spool, NOW, event).unwrap();
                    }
                });
            };
            let id = format!("msg_{at:03}");
            match what {
                Do::Prompt { process, session } => {
                    let session = format!("ses_{session}");
                    record(process, &[said("message.updated", &message_of(&session, &id, None, NOW))]);
                    messages.push((session.clone(), id.clone()));
                    expected.open.entry(processes[process].0).or_default().push((session, id));
                }
                Do::Word { process, back } => {
                    let Some((session, id)) = messages.iter().nth_back(back) else { continue };
                    record(process, &[said("message.updated", &message_of(session, id, None, NOW))]);
                }
                Do::Answer { process, session } => {
                    let session = format!("ses_{session}");
                    let answer = message_of(&session, &id, Some("msg_000"), NOW);
                    record(process, &[said("message.updated", &answer)]);
                }
                Do::Idle { process, session, times } => {
                    let session = format!("ses_{session}");
                    let idle = said("session.idle", &json!({"sessionID": session}));
                    record(process, &vec![idle; times]);
                    expected.end(processes[process], Some(&session));
                }
                Do::End { process } => {
                    room.spool = processes[process];
                    if dies {
                        room.tape.begin().unwrap().spool_ends(room.spool, NOW).unwrap();
                    }
                    room.ends(NOW);
                    expected.end(processes[process], None);
                    processes[process] = room.tape.spool(&format!("q-{at}"), 0).unwrap().0;
                }
                Do::Goes { process, to } => {
                    room.spool = processes[process];
                    let names: Vec<_> = NAMES.into_iter().zip(to).filter(|(_, goes)| *goes).collect();
                    let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
                    room.traces_to(&names);
                    expected.goes.insert(processes[process].0, to);
                }
                Do::Deliver { to, count } => {
                    let bounds = Bounds { items: count, bytes: usize::MAX };
                    let due = room.tape.due(ids[to], NOW + HOUR, bounds).unwrap();
                    room.accept(&due);
                    arrived[to].extend(kinds(&due).into_iter().map(str::to_owned));
                }
                Do::Retry => {
                    room.tape.retry(&Which::All).unwrap();
                }
                Do::Rebuild => {
                    room.tape.rebuild(&mut |_| {}).unwrap();
                }
            }
        }
        for (to, arrived) in ids.iter().zip(&mut arrived) {
            arrived.extend(room.turns(*to));
        }
        prop_assert_eq!(arrived, expected.queued);
    }
}
