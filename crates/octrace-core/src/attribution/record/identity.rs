//! A record's id follows from the call, so that a tape that is built again has the same ones.

use crate::attribution::timeline::CallId;

/// What ids are of, so that they are no other hash of the same words.
const SUBJECT: &str = "agent trace record";

/// The id of a call's record: a UUID of version 8 (RFC 9562) from the BLAKE3 hash of `agent trace record`, the session's id
/// and the call's id, each followed by a zero byte.
pub fn record_id(call: &CallId) -> String {
    let mut hasher = blake3::Hasher::new();
    for word in [SUBJECT, &call.session, &call.call] {
        hasher.update(word.as_bytes());
        hasher.update(&[0]);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let number = u128::from_be_bytes(bytes);
    let part = |from: u32, bits: u32| number >> from & ((1 << bits) - 1);
    let (low, mid, high) = (part(96, 32), part(80, 16), part(64, 16));
    format!("{low:08x}-{mid:04x}-{high:04x}-{:04x}-{:012x}", part(48, 16), part(0, 48))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_calls_own_and_always_the_same() {
        let id = |session: &str, call: &str| {
            record_id(&CallId { session: session.into(), call: call.into() })
        };
        assert_eq!(id("ses_1", "call_1"), "f61ed093-9566-812f-b6c5-1693da0044ed");
        assert_ne!(id("ses_1", "call_1"), id("ses_1", "call_2"));
        assert_ne!(id("ses_1", "call_1"), id("ses_1c", "all_1"));
        let groups = id("", "").split('-').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(groups.iter().map(String::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(groups[2].starts_with('8'), "the version: {groups:?}");
        assert!(groups[3].starts_with(['8', '9', 'a', 'b']), "the variant: {groups:?}");
    }
}
