//! A backend that is away, busy, broken or wrong, and well an hour later.

use super::*;

#[test]
fn a_turn_is_a_log_for_each_call() {
    let stage = Stage::helicone(3, "");
    stage.deliver();
    let received = stage.receiver.received();
    assert_eq!(received.len(), 6);
    let authorization = format!("Bearer {KEY}");
    assert!(received.iter().all(|one| one.header("authorization") == Some(&authorization)));
    assert!(stage.accepted().values().all(|times| *times == 1));
    assert_eq!((stage.waiting(), stage.letters()), (0, Vec::new()));
}
