//! What is packed while a backend takes its time.

use std::sync::{Arc, Mutex};

use octrace_store::{Tape, delivery::DeliveryId};
use octrace_testkit::{Answer, PATIENCE, eventually};

use super::{
    super::super::engine::{Next, Urge},
    *,
};

#[test]
fn while_a_batch_is_under_way_the_next_one_is_packed() {
    for stage in [Stage::helicone(3, ""), Stage::otlp(3, "")] {
        let stage = stage.in_batches_of(1);
        let path = stage.room.tape.clone();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&seen);
        stage.receiver.script(move |_| {
            // The answer waits for it.
            let is_packed = || {
                let tape = Tape::open(&path)?;
                let packed = tape.packed_of(&[DeliveryId(2), DeliveryId(3)])?;
                anyhow::ensure!(!packed.is_empty());
                anyhow::Ok(packed)
            };
            let mut seen = shared.lock().unwrap();
            if seen.is_empty() {
                seen.push(eventually(PATIENCE, is_packed).unwrap());
            }
            Answer::Well
        });
        assert_eq!(stage.process().step(Urge::None).unwrap(), Next::Again);
        assert_eq!(*seen.lock().unwrap(), [[DeliveryId(2)]], "one batch, and no more");
        stage.deliver();
        stage.all_arrived_once();
    }
}

#[test]
fn what_may_become_a_whole_batch_is_not_packed_ahead() {
    let stage = Stage::otlp(3, "").in_batches_of(2);
    assert_eq!(stage.process().step(Urge::None).unwrap(), Next::Again);
    let tape = stage.tape();
    assert_eq!(tape.packed_of(&[DeliveryId(3)]).unwrap(), []);
    assert_eq!(stage.waiting(), 1);
    stage.deliver();
    stage.all_arrived_once();
}
